"""The daemons side by side: their configurations, how each is started, told and read."""
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, replace

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("SEALANE_BUILD", "build"))
FIRST_ASN = 100001
CHANGED_ASN = 65555  # what the policy of the policy scenario prepends


@dataclass
class Plan:
    """What a scenario asks of a daemon."""
    peers: int
    kernel: bool = False        # install routes
    recursive: bool = False     # multihop peers whose next hops are found through kernel routes
    apart: bool = False         # the first peer is on the second link
    policy: str = ""            # "": none, "before", "after": an import policy and its change


    def address(self, i):
        if self.apart:
            return "10.%d.0.2" % (10 - i)  # of the two peers
        return "10.9.%d.%d" % ((2 + i) >> 8, (2 + i) & 255)


class Daemon:
    """One daemon in its namespace. The folder is the caller's, and so is its end."""
    name = ""
    program = ""
    can_kernel = True
    can_policy = True

    def __init__(self, netns, folder, plan):
        self.netns, self.folder, self.plan = netns, folder, plan
        self.config = os.path.join(folder, self.name + ".conf")
        self.processes = []

    @classmethod
    def is_installed(cls):
        return shutil.which(cls.program, path=os.environ["PATH"] + ":/usr/sbin") is not None

    @classmethod
    def can(cls, plan):
        return (cls.can_kernel or not plan.kernel) and (cls.can_policy or not plan.policy)

    def write(self):
        with open(self.config, "w") as f:
            f.write(self.text())
        os.chmod(self.config, 0o600)

    def spawn(self, *command):
        with open(self.folder + "/log", "a") as log:
            self.processes.append(subprocess.Popen(
                ["ip", "netns", "exec", self.netns, *command], cwd=self.folder,
                stdout=log, stderr=log))

    def log_tail(self):
        with open(self.folder + "/log", errors="replace") as log:
            return "".join(log.readlines()[-10:])

    def start(self):
        self.write()
        self.spawn(*self.command())

    def change_policy(self):
        self.plan = replace(self.plan, policy="after")  # the next daemon begins before it again
        self.write()
        self.processes[-1].send_signal(signal.SIGHUP)

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def all_pids(self):
        """Our processes and their children: OpenBGPD is three."""
        pids = [process.pid for process in self.processes]
        for pid in pids:
            try:
                with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
                    pids += [int(word) for word in f.read().split()]
            except OSError:
                pass
        return pids

    def memory_mb(self, field):
        return sum(memory_mb(pid, field) for pid in self.all_pids())

    def cpu_s(self):
        return sum(cpu_s(pid) for pid in self.all_pids())


def memory_mb(pid, field):
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


def cpu_s(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def frr_lines(plan):
    """What Sealane and FRR read alike."""
    lines = []
    if plan.policy:
        lines.append("route-map IN permit 10")
        if plan.policy == "after":
            lines.append(" set as-path prepend %d" % CHANGED_ASN)
        lines.append("exit")
    lines += ["router bgp 65001", " bgp router-id 10.9.0.1", " no bgp ebgp-requires-policy"]
    for i in range(plan.peers):
        lines += [" neighbor %s remote-as %d" % (plan.address(i), FIRST_ASN + i),
                  " neighbor %s passive" % plan.address(i)]
        if plan.recursive:
            lines.append(" neighbor %s ebgp-multihop" % plan.address(i))
    if plan.policy:
        lines += [" address-family ipv4 unicast"]
        lines += ["  neighbor %s route-map IN in" % plan.address(i) for i in range(plan.peers)]
        lines += [" exit-address-family"]
    return lines


class Sealane(Daemon):
    name = "sealane"
    program = os.path.join(BUILD, "sealaned")

    def text(self):
        return "\n".join(["log stdout warnings"] + frr_lines(self.plan)) + "\n"

    def command(self):
        dry = [] if self.plan.kernel else ["-n"]
        return [self.program, *dry, "-f", self.config, "-s", self.folder + "/s.sock"]

    def show_command(self):
        return [os.path.join(BUILD, "sealane"), "-s", self.folder + "/s.sock",
                "-c", "show bgp summary"]


class Bird(Daemon):
    name = "bird"
    program = "bird"

    def text(self):
        plan = self.plan
        text = "log stderr { warning, error, fatal };\nrouter id 10.9.0.1;\nprotocol device { }\n"
        prepend = "bgp_path.prepend(%d);" % CHANGED_ASN if plan.policy == "after" else ""
        text += "filter incoming { %s accept; }\n" % prepend
        if plan.kernel:
            text += ("protocol kernel { learn; scan time 3600; ipv4 { import all;"
                     " export where source = RTS_BGP; }; }\n")
            text += "protocol direct { ipv4; }\n"
        channel = "import filter incoming; export where source = RTS_BGP;"
        if plan.policy:
            channel += " import table on;"
        for i in range(plan.peers):
            text += ("protocol bgp p%d { local as 65001; neighbor %s as %d; passive on; %s"
                     " ipv4 { %s %s }; }\n" % (
                         i, plan.address(i), FIRST_ASN + i, "multihop;" if plan.recursive else "",
                         "gateway recursive;" if plan.recursive else "", channel))
        return text

    def command(self):
        return ["bird", "-f", "-c", self.config, "-s", self.folder + "/b.ctl",
                "-P", self.folder + "/b.pid"]

    def show_command(self):
        return ["birdc", "-s", self.folder + "/b.ctl", "show", "protocols"]


class Frr(Daemon):
    name = "frr"
    program = "/usr/lib/frr/bgpd"

    def text(self):
        lines = ["log stdout warnings"] + frr_lines(self.plan)
        lines.insert(lines.index("router bgp 65001") + 1, " bgp suppress-duplicates")
        if self.plan.policy:
            at = lines.index(" address-family ipv4 unicast") + 1
            lines[at:at] = ["  neighbor %s soft-reconfiguration inbound" % self.plan.address(i)
                            for i in range(self.plan.peers)]
        return "\n".join(lines) + "\n"

    def start(self):
        self.write()
        os.makedirs(self.folder + "/vty", exist_ok=True)
        os.makedirs("/run/frr", exist_ok=True)
        for path in (self.folder, self.folder + "/vty", self.config, "/run/frr"):
            shutil.chown(path, "frr", "frr")
        common = ["--vty_socket", self.folder + "/vty", "-P", "0", "-z", self.folder + "/zserv"]
        if self.plan.kernel:
            self.spawn("/usr/lib/frr/zebra", *common, "-f", "/dev/null",
                       "-i", self.folder + "/zebra.pid")
        self.spawn(self.program, *common, "-f", self.config, "-i", self.folder + "/bgpd.pid",
                   *([] if self.plan.kernel else ["-Z"]))

    def change_policy(self):
        subprocess.run(["vtysh", "--vty_socket", self.folder + "/vty", "-c", "configure terminal",
                        "-c", "route-map IN permit 10",
                        "-c", "set as-path prepend %d" % CHANGED_ASN], check=True,
                       stdout=subprocess.DEVNULL)

    def show_command(self):
        return ["vtysh", "--vty_socket", self.folder + "/vty", "-c", "show bgp summary"]


class OpenBgpd(Daemon):
    name = "openbgpd"
    program = "bgpctl"
    can_kernel = False
    can_policy = False

    def text(self):
        lines = ["AS 65001", "router-id 10.9.0.1", "fib-update no", "listen on 10.9.0.1",
                 'socket "%s/ctl"' % self.folder]
        for i in range(self.plan.peers):
            lines += ["neighbor %s {" % self.plan.address(i), "remote-as %d" % (FIRST_ASN + i),
                      "passive", "}"]
        return "\n".join(lines + ["allow from any", "allow to any"]) + "\n"

    def command(self):
        os.makedirs("/run/openbgpd", exist_ok=True)
        return ["/usr/sbin/bgpd", "-d", "-f", self.config]


class GoBgp(Daemon):
    name = "gobgp"
    program = "gobgpd"
    can_kernel = False
    can_policy = False

    def text(self):
        lines = ["[global.config]", "as = 65001", 'router-id = "10.9.0.1"']
        for i in range(self.plan.peers):
            lines += ["[[neighbors]]", "[neighbors.config]",
                      'neighbor-address = "%s"' % self.plan.address(i),
                      "peer-as = %d" % (FIRST_ASN + i), "[neighbors.transport.config]",
                      "passive-mode = true"]
        return "\n".join(lines) + "\n"

    def command(self):
        return ["gobgpd", "-t", "toml", "-f", self.config, "--pprof-disable", "-l", "error",
                "--api-hosts", "127.0.0.1:50051"]


DAEMONS = {cls.name: cls for cls in (Sealane, Bird, Frr, OpenBgpd, GoBgp)}
