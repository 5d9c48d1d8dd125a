"""One run of one daemon: its namespaces, the load against it, the watcher beside it."""
import json
import os
import subprocess
import sys
import tempfile
import time

from bench_daemons import BUILD, DAEMONS

LOAD = os.path.join(BUILD, "bench", "bgp_load")
KERNEL = os.path.join(BUILD, "bench", "kernel_bench")


def ip(*words, text=None):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL, input=text, text=True)


class Namespaces:
    """The daemon's namespace and the peers', joined by two links: 10.9.0.0/16, where the sessions are,
    and 10.10.0.0/16, where second next hops are."""

    def __init__(self, hosts):
        tag = "slb%d" % os.getpid()
        self.dut, self.load, self.hosts = tag + "d", tag + "l", hosts

    def __enter__(self):
        for name in (self.dut, self.load):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        for i in range(2):
            # Were both ends of a pair number 2 of their namespace, the kernel would take the device for
            # a real one and tell the loss of its carrier up to a second late.
            ip("link", "add", "d%d" % i, "index", str(100 + i), "netns", self.dut, "type", "veth",
               "peer", "name", "l%d" % i, "index", str(200 + i), "netns", self.load)
            ip("-n", self.dut, "link", "set", "d%d" % i, "up")
            ip("-n", self.load, "link", "set", "l%d" % i, "up")
            ip("-n", self.dut, "addr", "add", "10.%d.0.1/16" % (9 + i), "dev", "d%d" % i)
        ip("-n", self.load, "addr", "add", "10.10.0.2/16", "dev", "l1")
        ip("-n", self.load, "-batch", "-", text="".join(
            "addr add 10.9.%d.%d/16 dev l0\n" % (host >> 8, host & 255)
            for host in range(2, 2 + self.hosts)))
        return self

    def __exit__(self, *_):
        for name in (self.dut, self.load):
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)


class Program:
    """A helper that says lines of JSON; it ends when its standard input does."""

    def __init__(self, netns, command):
        self.name = os.path.basename(command[0])
        self.process = subprocess.Popen(["ip", "netns", "exec", netns, *map(str, command)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            raise RuntimeError(self.name + " did not complete")
        return json.loads(text)

    def is_alive(self):
        return self.process.poll() is None

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Run:
    """with Run(kind, plan) as run: the daemon is being started, no peer has connected yet."""

    def __init__(self, kind, plan):
        self.daemon_class, self.plan = DAEMONS[kind], plan
        self.programs = []

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.namespaces = Namespaces(self.plan.peers)
        self.namespaces.__enter__()
        if self.plan.recursive:
            for i in range(2):
                ip("-n", self.namespaces.dut, "route", "add", "10.77.%d.0/24" % i,
                   "via", "10.%d.0.2" % (10 - i))
        self.daemon = self.daemon_class(self.namespaces.dut, self.folder.name, self.plan)
        self.started_s = time.monotonic()
        self.daemon.start()
        return self

    def __exit__(self, failure, *_):
        if failure:
            print(self.daemon.name + ":\n" + self.daemon.log_tail(), file=sys.stderr)
        for program in self.programs:
            program.close()
        self.daemon.stop()
        self.namespaces.__exit__()
        self.folder.cleanup()

    def load(self, **options):
        return self._program(self.namespaces.load, LOAD, options)

    def kernel_watch(self, prefixes, link, **options):
        """Watches for all prefixes to leave by the link's gateway: link 0 or 1."""
        net = "10.%d.0." % (9 + link)
        program = self._program(self.namespaces.dut, KERNEL, {
            "prefixes": prefixes, "gateway": net + "2", "source": net + "1", **options}, "wait")
        program.line()
        return program

    def _program(self, netns, path, options, *words):
        command = [path, *words]
        for key, value in options.items():
            command += ["--" + key.replace("_", "-"), value]
        self.programs.append(Program(netns, command))
        return self.programs[-1]

    def wait_until_quiet(self, quiet_s=0.3):
        """Until the daemon has not used the processor for a while."""
        before, since = -1.0, time.monotonic()
        while time.monotonic() - since < quiet_s:
            now = self.daemon.cpu_s()
            if now > before + 0.005:
                before, since = now, time.monotonic()
            time.sleep(0.02)

    def figures(self):
        """Processor time and memory; call it when the work is done."""
        result = {"cpu_s": self.daemon.cpu_s(), "peak_mb": self.daemon.memory_mb("VmHWM")}
        self.wait_until_quiet()
        result["settled_mb"] = self.daemon.memory_mb("VmRSS")
        return result


def fill_kernel(prefixes):
    """The bare netlink sender with next-hop ids: seconds for all routes."""
    with Namespaces(2) as namespaces:
        program = Program(namespaces.dut, [KERNEL, "fill", "--prefixes", prefixes,
                                           "--gateway", "10.9.0.2", "--dev", "d0"])
        seconds = program.line()["fill_s"]
        program.close()
        return seconds
