"""The other daemons of the restart cases: each can be killed and started anew, and is
asked whether it has a route of ours.
"""

import json
import os

import netlab
import peers

DUT, PEER = "10.99.0.1", "10.99.0.2"
KEPT, DROPPED = "192.0.2.0/24", "192.0.3.0/24"  # of the far end


class FrrFar:
    title = "FRR"
    has_notification = True
    missing = peers.Frr.missing

    def __init__(self, name, wire, options=()):
        self.options = list(options)
        self.frr = peers.Frr(name, wire.peer, self._config((KEPT, DROPPED)))

    def _config(self, networks):
        lines = ["router bgp 65002", " bgp router-id 10.99.0.2", " no bgp ebgp-requires-policy",
                 " no bgp network import-check", " bgp graceful-restart",
                 " bgp graceful-restart preserve-fw-state", " bgp graceful-restart notification",
                 *[" " + option for option in self.options],
                 " neighbor %s remote-as 65001" % DUT, " neighbor %s timers 3 9" % DUT,
                 " neighbor %s timers connect 1" % DUT,
                 " address-family ipv4 unicast", *["  network " + net for net in networks]]
        return "\n".join(lines) + "\n"

    def start(self):
        self.frr.start()

    def kill(self):
        self.frr.kill()

    def start_with_less(self):
        self.frr.config = self._config((KEPT,))
        self.frr.start()

    def pause(self, number):
        for process in self.frr.processes:
            if process.name.endswith("-bgpd"):
                process.signal(number)

    def reset(self):
        self.frr.cli("clear bgp " + DUT)

    def has(self, net):
        return bool(self.frr.json("show bgp ipv4 unicast " + net).get("paths"))

    def has_mark(self, net):
        return "llgr-stale" in json.dumps(self.frr.json("show bgp ipv4 unicast " + net))

    def stop(self):
        self.frr.stop()


class RecoveringBird(peers.Bird):
    """BIRD as it is started after a crash."""

    arguments = ("-R",)


class BirdFar:
    title = "BIRD"
    has_notification = False
    missing = peers.Bird.missing

    CONFIG = """router id 10.99.0.2;
graceful restart wait 10;
protocol device { }
protocol static nets { ipv4; NETS }
protocol bgp dut { local 10.99.0.2 as 65002; neighbor 10.99.0.1 as 65001; hold time 9;
  graceful restart on; OPTIONS
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; export all; }; }
"""

    def __init__(self, name, wire, options=()):
        self.name = name
        self.netns = wire.peer
        self.options = " ".join(options)
        self.bird = peers.Bird(name, wire.peer, self._config((KEPT, DROPPED)))

    def _config(self, networks):
        routes = " ".join("route %s unreachable;" % net for net in networks)
        return self.CONFIG.replace("NETS", routes).replace("OPTIONS", self.options)

    def start(self):
        self.bird.start()

    def kill(self):
        self.bird.kill()

    def start_with_less(self):
        self.bird = RecoveringBird(self.name, self.netns, self._config((KEPT,)))
        self.bird.start()

    def has(self, net):
        return "BGP.as_path" in self.bird.cli("show route all protocol dut for " + net)

    def has_mark(self, net):
        return "(65535,6)" in self.bird.cli("show route all protocol dut for " + net)

    def stop(self):
        self.bird.stop()


class GoBgpFar:
    """Its session is shut until the routes are in: they are given by the shell, after the start."""

    title = "GoBGP"
    has_notification = True

    CONFIG = """[global.config]
  as = 65002
  router-id = "10.99.0.2"
  local-address-list = ["10.99.0.2"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = "10.99.0.1"
    peer-as = 65001
    admin-down = true
  [neighbors.timers.config]
    connect-retry = 1
    hold-time = 9
    keepalive-interval = 3
    idle-hold-time-after-reset = 1
  [neighbors.transport.config]
    local-address = "10.99.0.2"
  [neighbors.graceful-restart.config]
    enabled = true
    notification-enabled = true
    deferral-time = 10
    RESTART
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
    [neighbors.afi-safis.mp-graceful-restart.config]
      enabled = true
    FAMILY
"""

    @staticmethod
    def missing():
        if peers.find_program("gobgpd") and peers.find_program("gobgp"):
            return None
        return "no gobgpd"

    def __init__(self, name, wire, options=("restart-time = 120", "")):
        self.name = name
        self.netns = wire.peer
        restart, family = options or ("restart-time = 120", "")
        text = self.CONFIG.replace("RESTART", restart).replace("FAMILY", family)
        self.path = netlab.write("%s/gobgp/%s.conf" % (netlab.WORK, name), text)
        self.process = None

    def _run(self, networks, *arguments):
        self.process = netlab.Process(
            self.name + "-gobgpd",
            [peers.find_program("gobgpd"), "-t", "toml", "-f", self.path, "--api-hosts",
             "127.0.0.1:50051", "--pprof-disable", "-l", "debug", *arguments], netns=self.netns)
        netlab.wait_for("gobgpd", lambda: "65002" in self._ctl("global"), 15, 0.1,
                        watch=[self.process])
        for net in networks:
            self._ctl("global", "rib", "add", "-a", "ipv4", net)
        netlab.wait_for("its neighbor", lambda: "Unknown" not in self._ctl(
            "neighbor", DUT, "enable"), 15, 0.1)

    def _ctl(self, *words):
        return netlab.run([peers.find_program("gobgp"), *words], netns=self.netns.name,
                          check=False, timeout=10)[1]

    def start(self):
        self._run((KEPT, DROPPED))

    def kill(self):
        self.process.kill()
        self.process = None

    def start_with_less(self):
        self._run((KEPT,), "-r")

    def pause(self, number):
        self.process.signal(number)

    def reset(self):
        self._ctl("neighbor", DUT, "reset")

    def _paths(self, net):
        try:
            found = json.loads(self._ctl("-j", "global", "rib", "-a", "ipv4", net))
        except ValueError:
            return []
        return found if isinstance(found, list) else [path for paths in found.values()
                                                      for path in paths]

    def has(self, net):
        return bool(self._paths(net))

    def has_mark(self, net):
        return any(0xFFFF0006 in item.get("communities", ()) for path in self._paths(net)
                   for item in path["attrs"] if item["type"] == 8)

    def stop(self):
        if self.process:
            self.process.stop()


class OpenBgpdFar:
    """Announces graceful restart without families: it helps, and keeps nothing itself."""

    title = "OpenBGPD"
    has_notification = False

    @staticmethod
    def missing():
        found = peers.find_program("bgpctl") and os.path.exists("/usr/sbin/bgpd")
        return None if found else "no openbgpd"

    def __init__(self, name, wire, options=()):
        del options
        self.name = name
        self.netns = wire.peer
        self.socket = "%s/%s.ctl" % (netlab.WORK, name)
        self.process = None

    def _run(self, networks):
        lines = ["AS 65002", "router-id 10.99.0.2", "fib-update no", "listen on " + PEER,
                 'socket "%s"' % self.socket, *["network " + net for net in networks],
                 "neighbor %s { remote-as 65001; announce IPv4 unicast; local-address %s; "
                 "holdtime 9 }" % (DUT, PEER), "allow from any", "allow to any"]
        lines = [line.replace("; ", "\n") for line in lines]
        path = netlab.write("%s/openbgpd/%s.conf" % (netlab.WORK, self.name),
                            "\n".join(lines).replace("{ ", "{\n").replace(" }", "\n}") + "\n",
                            0o600)
        os.makedirs("/run/openbgpd", exist_ok=True)
        self.process = netlab.Process(self.name + "-openbgpd",
                                      ["/usr/sbin/bgpd", "-d", "-f", path], netns=self.netns)
        netlab.wait_for("openbgpd", lambda: "RIB" in self._ctl("show", "rib", "memory"), 15, 0.1,
                        watch=[self.process])

    def _ctl(self, *words):
        return netlab.run([peers.find_program("bgpctl"), "-s", self.socket, *words], check=False,
                          timeout=10)[1]

    def start(self):
        self._run((KEPT, DROPPED))

    def kill(self):
        self.process.kill()
        self.process = None

    def start_with_less(self):
        self._run((KEPT,))

    def has(self, net):
        return '"prefix"' in self._ctl("-j", "show", "rib", net)

    def stop(self):
        if self.process:
            self.process.stop()
