"""The five daemons sealaned is tested against, behind one small interface.

Each announces RICH (with the attributes it can originate, in `sends`) and
PLAIN (taken back by withdraw()), and tells by view() what it holds of a prefix
in the words of speaker.Route; a word is None where the daemon does not say.
"""

import json
import os
import re
import sys

import netlab
import peers
import speaker

HERE = os.path.dirname(os.path.abspath(__file__))
DUT_AS, PEER_AS, FEED_AS = 65001, 65002, 65003
COMMUNITY, LARGE, EXT, PEER_MED = "65002:1", "65002:1:2", "rt:65002:300", 50
AGGREGATOR = "65002 192.0.2.99"


class Plan:
    """Addresses and prefixes of one family."""

    def __init__(self, version):
        self.version = version
        self.word = "ipv%d" % version
        four = version == 4
        self.dut, self.peer = ("10.99.0.1", "10.99.0.2") if four else ("fd99::1", "fd99::2")
        self.dut_at_feed, self.feed = ("10.98.0.1", "10.98.0.3") if four else ("fd98::1", "fd98::3")
        self.length = 24 if four else 64
        self.dut_rich, self.feed_rich, self.feed_plain, self.rich, self.plain = (
            ["198.51.100.0/24", "203.0.113.0/24", "203.0.114.0/24", "192.0.2.0/24", "192.0.3.0/24"]
            if four else
            ["2001:db8:1::/48", "2001:db8:31::/48", "2001:db8:32::/48", "2001:db8:21::/48",
             "2001:db8:22::/48"])


class View:
    """What somebody holds of one prefix; None means "does not say"."""

    def __init__(self, **words):
        for name in ("as_path", "origin", "med", "communities", "large", "ext", "aggregator",
                     "atomic"):
            setattr(self, name, words.get(name))


class FarEnd:
    """Common part: the case gives plan, netns, a name, who opens, and a password."""

    title = ""
    no_md5 = None  # why it cannot use MD5 when it listens
    sends = {}

    def __init__(self, name, netns, plan, listens, password=None):
        self.name = name
        self.netns = netns
        self.plan = plan
        self.listens = listens
        self.password = password
        self.folder = os.path.join(netlab.WORK, "peer", name)
        os.makedirs(self.folder, exist_ok=True)

    def stop(self):
        pass

    def log_tail(self):
        return ""


class FrrEnd(FarEnd):
    title = "FRR"
    sends = {"as_path": "65002 65002 65002", "origin": "egp", "med": PEER_MED,
             "communities": {COMMUNITY}, "large": {LARGE}, "ext": {EXT},
             "aggregator": AGGREGATOR, "atomic": True}

    missing = peers.Frr.missing

    def start(self):
        plan = self.plan
        lines = [
            "router bgp 65002", " bgp router-id 10.99.0.2", " no bgp ebgp-requires-policy",
            " no bgp network import-check", " timers bgp 10 30",
            " neighbor %s remote-as %d" % (plan.dut, DUT_AS),
            " neighbor %s timers connect 1" % plan.dut,
            " neighbor %s update-source %s" % (plan.dut, plan.peer),
        ]
        if self.listens:
            lines.append(" neighbor %s passive" % plan.dut)
        if self.password:
            lines.append(" neighbor %s password %s" % (plan.dut, self.password))
        lines += [" address-family %s unicast" % plan.word, "  neighbor %s activate" % plan.dut,
                  "  network %s route-map RICH" % plan.rich, "  network %s" % plan.plain,
                  " exit-address-family",
                  "route-map RICH permit 10", " set as-path prepend 65002 65002", " set origin egp",
                  " set metric %d" % PEER_MED, " set community " + COMMUNITY,
                  " set large-community " + LARGE, " set extcommunity rt 65002:300",
                  " set aggregator as " + AGGREGATOR, " set atomic-aggregate"]
        self.frr = peers.Frr(self.name, self.netns, "\n".join(lines) + "\n").start()

    def is_established(self):
        return self.frr.is_established(self.plan.dut)

    def view(self, prefix):
        return frr_view(self.frr.json("show bgp %s unicast %s" % (self.plan.word, prefix)))

    def withdraw(self):
        self.frr.cli("configure terminal", "router bgp 65002",
                     "address-family %s unicast" % self.plan.word, "no network " + self.plan.plain)

    def stop(self):
        self.frr.stop()


def frr_view(document):
    """A prefix in the JSON of FRR (and ours)."""
    paths = document.get("paths") or []
    if not paths:
        return None
    path = paths[0]
    aspath = path.get("aspath")
    return View(
        as_path=aspath.get("string") if isinstance(aspath, dict) else aspath,
        origin=str(path.get("origin", "")).lower() or None,
        med=path.get("metric"),
        communities=_words(path, "community"),
        large=_words(path, "largeCommunity"),
        ext={word.lower() for word in _words(path, "extendedCommunity")},
        aggregator="%s %s" % (path["aggregatorAs"], path.get("aggregatorId"))
        if "aggregatorAs" in path else "",
        atomic=bool(path.get("atomicAggregate")),
    )


def _words(path, key):
    return set((path.get(key) or {}).get("string", "").split())


class BirdEnd(FarEnd):
    title = "BIRD"
    sends = {"as_path": "65002 65002 65002", "origin": "egp", "med": PEER_MED,
             "communities": {COMMUNITY}, "large": {LARGE}, "ext": {EXT}}

    missing = peers.Bird.missing

    CONFIG = """router id 10.99.0.2;
protocol device { }
protocol static rich { FAMILY; route RICH unreachable; }
protocol static plain { FAMILY; route PLAIN unreachable; }
protocol bgp dut {
  local PEER as 65002; neighbor DUT as 65001;
  hold time 30; connect delay time 1; connect retry time 1; error wait time 1, 2;
  OPTIONS
  FAMILY { import all; export filter {
    if proto = "rich" then {
      bgp_path.prepend(65002); bgp_path.prepend(65002); bgp_origin = ORIGIN_EGP; bgp_med = 50;
      bgp_community.add((65002,1)); bgp_large_community.add((65002,1,2));
      bgp_ext_community.add((rt,65002,300)); accept; }
    if proto = "plain" then accept;
    reject; }; };
}
"""

    def start(self):
        text = self.CONFIG
        options = ("passive on; " if self.listens else "") + (
            'password "%s";' % self.password if self.password else "")
        for key, value in (("FAMILY", self.plan.word), ("RICH", self.plan.rich),
                           ("PLAIN", self.plan.plain), ("PEER", self.plan.peer),
                           ("DUT", self.plan.dut), ("OPTIONS", options)):
            text = text.replace(key, value)
        self.bird = peers.Bird(self.name, self.netns, text).start()

    def is_established(self):
        return self.bird.is_established("dut")

    def view(self, prefix):
        text = self.bird.cli("show route all protocol dut for " + prefix)
        return bird_view(text) if "BGP.as_path" in text else None

    def withdraw(self):
        self.bird.cli("disable plain")

    def stop(self):
        self.bird.stop()


def bird_view(text):
    def field(name, default=""):
        found = re.search(r"BGP\.%s: (.*)" % name, text)
        return found.group(1).strip() if found else default

    def tuples(name):
        return {re.sub(r"\s*,\s*", ":", item) for item in re.findall(r"\(([^)]*)\)", field(name))}

    gator = re.search(r"BGP\.aggregator: (\S+) AS(\d+)", text)
    return View(
        as_path=field("as_path"), origin=field("origin").lower(),
        med=int(field("med", "0")) if field("med") else None,
        communities=tuples("community"), large=tuples("large_community"),
        ext={word.lower() for word in tuples("ext_community")},
        aggregator="%s %s" % (gator.group(2), gator.group(1)) if gator else "",
        atomic="BGP.atomic_aggr" in text,
    )


class OpenBgpdEnd(FarEnd):
    title = "OpenBGPD"
    no_md5 = "OpenBGPD 7.7 sets no key on its listening socket on Linux"
    sends = {"as_path": "65002 65002 65002", "origin": "egp", "med": PEER_MED,
             "communities": {COMMUNITY}, "large": {LARGE}, "ext": {EXT}}

    @staticmethod
    def missing():
        path = peers.find_program("bgpctl")
        return None if path and os.path.exists("/usr/sbin/bgpd") else "no openbgpd"

    def start(self):
        plan = self.plan
        options = ["    remote-as %d" % DUT_AS, "    announce %s unicast" % plan.word.replace("ip", "IP"),
                   "    local-address %s" % plan.peer, "    holdtime 30"]
        if self.listens:
            options.append("    passive")
        if self.password:
            options.append('    tcp md5sig password "%s"' % self.password)
        self.socket = self.folder + "/ctl"
        text = "\n".join(
            ["AS %d" % PEER_AS, "router-id 10.99.0.2", "fib-update no",
             "listen on %s" % plan.peer, 'socket "%s"' % self.socket,
             "network %s set { community %s large-community %s ext-community rt 65002:300 "
             "metric %d origin egp prepend-self 2 }" % (plan.rich, COMMUNITY, LARGE, PEER_MED),
             "neighbor %s {" % plan.dut] + options + ["}", "allow from any", "allow to any"]) + "\n"
        path = netlab.write(self.folder + "/bgpd.conf", text, 0o600)
        os.makedirs("/run/openbgpd", exist_ok=True)
        self.process = netlab.Process(self.name + "-openbgpd", ["/usr/sbin/bgpd", "-d", "-f", path],
                                      netns=self.netns)
        netlab.wait_for("openbgpd", lambda: "RIB" in self.ctl("show", "rib", "memory"), 15, 0.1,
                        watch=[self.process])
        self.ctl("network", "add", plan.plain)

    def ctl(self, *words):
        return netlab.run([peers.find_program("bgpctl"), "-s", self.socket, *words], check=False,
                          timeout=10)[1]

    def is_established(self):
        found = json.loads(self.ctl("-j", "show", "neighbor", self.plan.dut))
        return found["neighbors"][0]["state"] == "Established"

    def view(self, prefix):
        found = json.loads(self.ctl("-j", "show", "rib", "detail", prefix)).get("rib", [])
        found = [path for path in found if path.get("prefix") == prefix]
        return self._view(found[0]) if found else None

    @staticmethod
    def _view(path):
        attributes = {item.get("type"): item for item in path.get("attributes", [])}
        gator = path.get("aggregator") or attributes.get("AGGREGATOR") or {}
        ext = set()
        for word in path.get("extended_communities", []):
            ext.add(":".join(re.split(r"[ :]+", word.strip().lower())))
        return View(
            as_path=path.get("aspath"), origin=path.get("origin", "").lower(),
            med=path.get("metric"),
            communities=set(path.get("communities", [])),
            large=set(path.get("large_communities", [])), ext=ext,
            aggregator="%s %s" % (gator.get("AS"), gator.get("router_id")) if gator else None,
        )

    def withdraw(self):
        self.ctl("network", "delete", self.plan.plain)

    def stop(self):
        self.process.stop()


class GoBgpEnd(FarEnd):
    title = "GoBGP"
    sends = {"origin": "egp", "med": PEER_MED, "communities": {COMMUNITY}, "large": {LARGE},
             "ext": {EXT}, "aggregator": AGGREGATOR, "as_path": "65002"}

    @staticmethod
    def missing():
        if peers.find_program("gobgpd") and peers.find_program("gobgp"):
            return None
        return "no gobgpd"

    def start(self):
        plan = self.plan
        lines = ["[global.config]", "  as = %d" % PEER_AS, '  router-id = "10.99.0.2"',
                 '  local-address-list = ["%s"]' % plan.peer,
                 "[[neighbors]]", "  [neighbors.config]",
                 '    neighbor-address = "%s"' % plan.dut, "    peer-as = %d" % DUT_AS]
        if self.password:
            lines.append('    auth-password = "%s"' % self.password)
        lines += ["  [neighbors.timers.config]", "    connect-retry = 1", "    hold-time = 30",
                  "    keepalive-interval = 10", "    idle-hold-time-after-reset = 1",
                  "  [neighbors.transport.config]", '    local-address = "%s"' % plan.peer,
                  "    passive-mode = %s" % ("true" if self.listens else "false"),
                  "  [[neighbors.afi-safis]]", "    [neighbors.afi-safis.config]",
                  '      afi-safi-name = "%s-unicast"' % plan.word]
        path = netlab.write(self.folder + "/gobgpd.conf", "\n".join(lines) + "\n")
        self.process = netlab.Process(
            self.name + "-gobgpd",
            [peers.find_program("gobgpd"), "-t", "toml", "-f", path, "--api-hosts",
             "127.0.0.1:50051", "--pprof-disable", "-l", "info"], netns=self.netns)
        netlab.wait_for("gobgpd", lambda: "65002" in self.ctl("global"), 15, 0.1,
                        watch=[self.process])
        self.add(plan.rich, "origin", "egp", "med", str(PEER_MED), "community", COMMUNITY,
                 "rt", "65002:300", "large-community", LARGE, "aggregator",
                 "65002:192.0.2.99")
        self.add(plan.plain)

    def add(self, prefix, *words):
        text = self.ctl("global", "rib", "add", "-a", self.plan.word, prefix, *words)
        if text.strip():
            raise netlab.LabError("gobgp add %s: %s" % (prefix, text.strip()))

    def ctl(self, *words):
        return netlab.run([peers.find_program("gobgp"), *words], netns=self.netns.name,
                          check=False, timeout=10)[1]

    def is_established(self):
        found = json.loads(self.ctl("-j", "neighbor", self.plan.dut))
        found = found[0] if isinstance(found, list) else found
        return str(found["state"]["session_state"]) in ("6", "ESTABLISHED", "established")

    def view(self, prefix):
        text = self.ctl("-j", "global", "rib", "-a", self.plan.word, prefix)
        try:
            found = json.loads(text)
        except ValueError:
            return None
        paths = found if isinstance(found, list) else [p for ps in found.values() for p in ps]
        return self._view(paths[0]["attrs"]) if paths else None

    @staticmethod
    def _view(attrs):
        by_type = {item["type"]: item for item in attrs}
        path = []
        for segment in by_type.get(2, {}).get("as_paths", []):
            path += [str(asn) for asn in segment.get("asns", [])]
        large = set()
        for item in by_type.get(32, {}).get("value", []):
            large.add(item if isinstance(item, str) else "%d:%d:%d" % (
                item["ASN"], item["LocalData1"], item["LocalData2"]))
        ext = set()
        for item in by_type.get(16, {}).get("value", []):
            if item.get("type") == 0 and item.get("subtype") in (2, 3):
                ext.add({2: "rt:", 3: "soo:"}[item["subtype"]] + item["value"])
        gator = by_type.get(7)
        return View(
            as_path=" ".join(path), origin=("igp", "egp", "incomplete")[by_type[1]["value"]],
            med=by_type[4].get("metric") if 4 in by_type else None,
            communities={"%d:%d" % (word >> 16, word & 0xFFFF)
                         for word in by_type.get(8, {}).get("communities", [])},
            large=large, ext=ext, atomic=6 in by_type,
            aggregator="%s %s" % (gator.get("as"), gator.get("address")) if gator else "",
        )

    def withdraw(self):
        self.ctl("global", "rib", "del", "-a", self.plan.word, self.plan.plain)

    def stop(self):
        self.process.stop()


class ExaBgpEnd(FarEnd):
    title = "ExaBGP"
    sends = {"as_path": "65002 65002 65002", "origin": "egp", "med": PEER_MED,
             "communities": {COMMUNITY}, "large": {LARGE}, "ext": {EXT},
             "aggregator": AGGREGATOR, "atomic": True}

    @staticmethod
    def missing():
        return None if peers.find_program("exabgp") else "no exabgp"

    def start(self):
        plan = self.plan
        self.fifo, self.events = self.folder + "/in", self.folder + "/out"
        os.mkfifo(self.fifo)
        with open(self.events, "w", encoding="utf-8"):
            pass
        options = ["  router-id 10.99.0.2;", "  local-address %s;" % plan.peer,
                   "  local-as %d;" % PEER_AS, "  peer-as %d;" % DUT_AS, "  hold-time 30;",
                   "  family { %s unicast; }" % plan.word,
                   "  api { processes [ pipe ]; neighbor-changes; receive { parsed; update; } }"]
        if self.listens:
            options.append("  passive true;")
        if self.password:
            options.append("  md5-password '%s';" % self.password)
        text = "process pipe {\n  run %s %s %s %s;\n  encoder json;\n}\nneighbor %s {\n%s\n}\n" % (
            sys.executable, HERE + "/exabgp_pipe.py", self.fifo, self.events, plan.dut,
            "\n".join(options))
        path = netlab.write(self.folder + "/exabgp.conf", text)
        environment = {
            "exabgp_daemon_user": "root", "exabgp_daemon_daemonize": "false",
            "exabgp_daemon_drop": "false", "exabgp_api_cli": "false",
            "exabgp_log_level": "INFO", "exabgp_log_destination": "stdout",
        }
        if self.listens:
            environment["exabgp_tcp_bind"] = plan.peer
            environment["exabgp_tcp_port"] = "179"
        self.process = netlab.Process(
            self.name + "-exabgp", [peers.find_program("exabgp"), path], netns=self.netns,
            env=environment)
        self.said = False

    def command(self, text):
        fd = os.open(self.fifo, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(fd, (text + "\n").encode())
        finally:
            os.close(fd)

    def _events(self):
        with open(self.events, encoding="utf-8") as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue

    def is_established(self):
        states = [event["neighbor"].get("state") for event in self._events()
                  if event.get("type") == "state"]
        if "up" in states and not self.said:
            self.said = True
            plan = self.plan
            self.command(
                "announce route %s next-hop self origin egp med %d as-path [ 65002 65002 65002 ] "
                "community [ %s ] large-community [ %s ] extended-community [ target:65002:300 ] "
                "atomic-aggregate aggregator ( 65002:192.0.2.99 )"
                % (plan.rich, PEER_MED, COMMUNITY, LARGE))
            self.command("announce route %s next-hop self" % plan.plain)
        return bool(states) and [s for s in states if s in ("up", "down")][-1:] == ["up"]

    def view(self, prefix):
        held = None
        for event in self._events():
            if event.get("type") != "update":
                continue
            update = event["neighbor"]["message"].get("update", {})
            key = "%s unicast" % self.plan.word
            for nlris in update.get("announce", {}).get(key, {}).values():
                if any(item.get("nlri") == prefix for item in nlris):
                    held = update.get("attribute", {})
            if any(item.get("nlri") == prefix for item in update.get("withdraw", {}).get(key, [])):
                held = None
        return self._view(held) if held is not None else None

    @staticmethod
    def _view(attribute):
        path = attribute.get("as-path", [])
        if isinstance(path, dict):
            path = [asn for part in path.values() for asn in part.get("value", [])]
        gator = attribute.get("aggregator")
        return View(
            as_path=" ".join(str(asn) for asn in path), origin=attribute.get("origin"),
            med=attribute.get("med"),
            communities={":".join(str(x) for x in item) for item in attribute.get("community", [])},
            large={":".join(str(x) for x in item) for item in attribute.get("large-community", [])},
            ext=speaker.Route.read_ext(b"".join(
                item["value"].to_bytes(8, "big")
                for item in attribute.get("extended-community", []))),
            aggregator=gator.replace(":", " ", 1) if isinstance(gator, str) else None,
            atomic=bool(attribute.get("atomic-aggregate")),
        )

    def withdraw(self):
        self.command("withdraw route %s next-hop self" % self.plan.plain)

    def stop(self):
        self.process.stop()


ALL = (FrrEnd, BirdEnd, OpenBgpdEnd, GoBgpEnd, ExaBgpEnd)
