"""Debian's BGP daemons, each run by path with its own files and sockets."""

import contextlib
import json
import os
import shutil

import netlab

SBIN = "/usr/sbin:/sbin:/usr/local/sbin"


def find_program(name, folders=""):
    return shutil.which(name, path=os.pathsep.join((folders, os.environ.get("PATH", ""), SBIN)))


class Frr:
    """zebra, bgpd and what else is asked for, without the system's scripts."""

    FOLDER = "/usr/lib/frr"

    @classmethod
    def missing(cls):
        if not os.path.exists(cls.FOLDER + "/bgpd"):
            return "no frr"
        if find_program("vtysh") is None:
            return "no vtysh"
        return None

    def __init__(self, name, netns, config, daemons=("zebra", "bgpd"), bgp_arguments=()):
        self.name = name
        self.netns = netns
        self.folder = os.path.join(netlab.WORK, "frr", name)
        self.vty = os.path.join(self.folder, "vty")
        self.config = config
        self.daemons = daemons
        self.bgp_arguments = list(bgp_arguments)
        self.processes = []

    def start(self):
        os.makedirs(self.vty, exist_ok=True)
        os.makedirs("/run/frr", exist_ok=True)
        # Left by a run that was killed: whoever finds it believes that zebra is there.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.folder + "/zserv")
        path = netlab.write(self.folder + "/frr.conf", self.config, 0o640)
        for owned in (self.folder, self.vty, path, "/run/frr"):
            shutil.chown(owned, "frr", "frr")
        for daemon in self.daemons:
            self._start_daemon(daemon, path)
            if daemon == "zebra":
                netlab.wait_for(
                    "zebra of " + self.name, lambda: os.path.exists(self.folder + "/zserv"), 10,
                    0.02, watch=self.processes,
                )
        return self

    def _start_daemon(self, daemon, path):
        arguments = [
            self.FOLDER + "/" + daemon, "-f", path, "-i", "%s/%s.pid" % (self.folder, daemon),
            "-z", self.folder + "/zserv", "--vty_socket", self.vty, "-P", "0",
            "--log", "stdout",
        ]
        if daemon == "bgpd":
            arguments += self.bgp_arguments
        if daemon == "bfdd":
            arguments += ["--bfdctl", self.folder + "/bfdd.sock"]
        self.processes.append(
            netlab.Process("%s-%s" % (self.name, daemon), arguments, netns=self.netns)
        )

    def cli(self, *commands):
        argv = ["vtysh", "--vty_socket", self.vty]
        for command in commands:
            argv += ["-c", command]
        return netlab.run(argv, check=False, timeout=10)[1]

    def json(self, command):
        text = self.cli(command + " json")
        start = text.find("{")
        return json.loads(text[start:]) if start >= 0 else {}

    def is_established(self, peer):
        found = self.json("show bgp neighbors " + peer).get(peer, {})
        return found.get("bgpState") == "Established"

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
        self.processes = []

    def kill(self):
        for process in self.processes:
            process.kill()
        self.processes = []


class Bird:
    """BIRD 2 with its socket and state in the work folder."""

    arguments = ()

    @classmethod
    def missing(cls):
        if find_program("bird") is None or find_program("birdc") is None:
            return "no bird2"
        return None

    def __init__(self, name, netns, config):
        self.name = name
        self.netns = netns
        self.folder = os.path.join(netlab.WORK, "bird", name)
        self.socket = self.folder + "/ctl"
        self.config = config
        self.process = None

    def start(self):
        path = netlab.write(self.folder + "/bird.conf", self.config, 0o640)
        if os.path.lexists(self.socket):
            os.unlink(self.socket)
        self.process = netlab.Process(
            self.name + "-bird",
            [find_program("bird"), "-f", "-c", path, "-s", self.socket, "-P", self.folder + "/pid",
             *self.arguments],
            netns=self.netns,
        )
        netlab.wait_for(
            "bird of " + self.name, lambda: "up and running" in self.cli("show status"), 10, 0.02,
            watch=[self.process],
        )
        return self

    def cli(self, command):
        return netlab.run([find_program("birdc"), "-s", self.socket, *command.split()],
                          check=False, timeout=10)[1]

    def is_established(self, protocol):
        lines = self.cli("show protocols " + protocol).splitlines()
        return any(line.startswith(protocol + " ") and "Established" in line for line in lines)

    def stop(self):
        if self.process:
            self.process.stop()

    def kill(self):
        if self.process:
            self.process.kill()
