"""What goes along with a route between peers: several paths, roles, graceful
shutdown, IPv6 next hops. Against the daemons of Debian that have them.
"""

import json
import re
import struct

import netlab
import peers
import speaker
from base import PATIENCE_S, Skip, Wire, check, wait_listening
from wire_tap import Tap

DUT4, PEER4 = "10.99.0.1", "10.99.0.2"
DUT6, PEER6 = "fd99::1", "fd99::2"
FEED_NET, PEER_NET = "203.0.113.0/24", "198.51.100.0/24"
OTC = 35


def otc(asn):
    return speaker.attribute(OTC, struct.pack("!I", asn), 0xC0)


# --- the other daemon -------------------------------------------------------


class FrrFar:
    title = "FRR"
    missing = peers.Frr.missing

    def __init__(self, name, wire, plan):
        lines = ["router bgp 65002", " bgp router-id 10.99.0.2", " no bgp ebgp-requires-policy",
                 " no bgp network import-check", " timers bgp 10 30"]
        for address, asn in plan["speakers"]:
            lines += [" neighbor %s remote-as %d" % (address, asn),
                      " neighbor %s passive" % address]
        dut = plan["dut"]
        lines += [" neighbor %s remote-as 65001" % dut, " neighbor %s timers connect 1" % dut,
                  " neighbor %s update-source %s" % (dut, plan["peer"])]
        if plan.get("role"):
            lines.append(" neighbor %s local-role %s" % (dut, plan["role"]))
        if plan.get("extended"):
            lines.append(" neighbor %s capability extended-nexthop" % dut)
        for family in plan["families"]:
            lines += [" address-family %s unicast" % family, "  neighbor %s activate" % dut]
            if plan.get("add_path"):
                lines.append("  neighbor %s addpath-tx-all-paths" % dut)
            lines += ["  network " + net for net in plan["nets"].get(family, ())]
            lines.append(" exit-address-family")
        self.dut = dut
        self.frr = peers.Frr(name, wire.peer, "\n".join(lines) + "\n")

    def start(self):
        self.frr.start()

    def is_established(self):
        return self.frr.is_established(self.dut)

    def paths(self, net):
        """AS path, communities, next hops and identifier of what came from sealaned."""
        family = "ipv6" if ":" in net else "ipv4"
        found = self.frr.json("show bgp %s unicast %s" % (family, net)).get("paths") or []
        return [{"as": path["aspath"]["string"],
                 "communities": set((path.get("community") or {}).get("string", "").split()),
                 "otc": path.get("otc"),
                 "next": {hop["ip"] for hop in path.get("nexthops", [])}}
                for path in found
                if (path.get("peer") or {}).get("peerId") == self.dut]

    def stop(self):
        self.frr.stop()


class BirdFar:
    title = "BIRD"
    missing = peers.Bird.missing

    def __init__(self, name, wire, plan):
        channel = {}
        for family in plan["families"]:
            options = "import all; export all;"
            if plan.get("add_path"):
                options += " add paths on;"
            if plan.get("extended") and family == "ipv4":
                options += " extended next hop on;"
            channel[family] = "%s { %s };" % (family, options)
        parts = ["router id 10.99.0.2;", "protocol device { }", "protocol direct { ipv4; ipv6; }"]
        for index, (family, nets) in enumerate(plan["nets"].items()):
            parts.append("protocol static nets%d { %s; %s }" % (
                index, family, " ".join("route %s unreachable;" % net for net in nets)))
        for index, (address, asn) in enumerate(plan["speakers"]):
            parts.append("protocol bgp s%d { local %s as 65002; neighbor %s as %d; passive on; "
                         "multihop; ipv4 { import all; export none; }; }"
                         % (index, plan["peer"], address, asn))
        role = "local role %s;" % plan["role"].replace("-", "_") if plan.get("role") else ""
        parts.append("protocol bgp dut { local %s as 65002; neighbor %s as 65001; hold time 30; "
                     "connect delay time 1; connect retry time 1; error wait time 1, 2; %s %s }"
                     % (plan["peer"], plan["dut"], role, " ".join(channel.values())))
        self.bird = peers.Bird(name, wire.peer, "\n".join(parts) + "\n")

    def start(self):
        self.bird.start()

    def is_established(self):
        return self.bird.is_established("dut")

    def paths(self, net):
        text = self.bird.cli("show route all protocol dut for " + net)
        found = re.split(r"\n(?=\S*\s+\w+ \[dut )", "\n" + text)
        return [{"as": self._field(part, "as_path"),
                 "communities": set(re.findall(r"\(\d+,\d+\)", self._field(part, "community"))),
                 "otc": int(self._field(part, "otc") or 0) or None,
                 "next": set(self._field(part, "next_hop").split())}
                for part in found if "BGP.as_path" in part]

    @staticmethod
    def _field(part, name):
        found = re.search(r"BGP\.%s: (.*)" % name, part)
        return found.group(1).strip() if found else ""

    def stop(self):
        self.bird.stop()


class GoBgpFar:
    title = "GoBGP"

    @staticmethod
    def missing():
        if peers.find_program("gobgpd") and peers.find_program("gobgp"):
            return None
        return "no gobgpd"

    def __init__(self, name, wire, plan):
        self.netns = wire.peer
        self.name = name
        self.dut = plan["dut"]
        lines = ["[global.config]", "  as = 65002", '  router-id = "10.99.0.2"',
                 '  local-address-list = ["%s"]' % plan["peer"]]
        for address, asn in [(plan["dut"], 65001), *plan["speakers"]]:
            is_dut = asn == 65001
            lines += ["[[neighbors]]", "  [neighbors.config]",
                      '    neighbor-address = "%s"' % address, "    peer-as = %d" % asn,
                      "  [neighbors.timers.config]", "    connect-retry = 1", "    hold-time = 30",
                      "    keepalive-interval = 10", "    idle-hold-time-after-reset = 1",
                      "  [neighbors.transport.config]",
                      '    local-address = "%s"' % plan["peer"],
                      "    passive-mode = %s" % ("false" if is_dut else "true"),
                      "  [[neighbors.afi-safis]]", "    [neighbors.afi-safis.config]",
                      '      afi-safi-name = "ipv4-unicast"']
            if is_dut and plan.get("add_path"):
                lines += ["    [neighbors.afi-safis.add-paths.config]", "      receive = true",
                          "      send-max = 8"]
        self.path = netlab.write("%s/gobgp/%s.conf" % (netlab.WORK, name), "\n".join(lines) + "\n")
        self.process = None

    def start(self):
        self.process = netlab.Process(
            self.name + "-gobgpd",
            [peers.find_program("gobgpd"), "-t", "toml", "-f", self.path, "--api-hosts",
             "127.0.0.1:50051", "--pprof-disable", "-l", "info"], netns=self.netns)
        netlab.wait_for("gobgpd", lambda: "65002" in self._ctl("global"), 15, 0.1,
                        watch=[self.process])

    def _ctl(self, *words):
        return netlab.run([peers.find_program("gobgp"), *words], netns=self.netns.name,
                          check=False, timeout=10)[1]

    def is_established(self):
        found = json.loads(self._ctl("-j", "neighbor", self.dut))
        found = found[0] if isinstance(found, list) else found
        return str(found["state"]["session_state"]) in ("6", "ESTABLISHED", "established")

    def paths(self, net):
        try:
            found = json.loads(self._ctl("-j", "neighbor", self.dut, "adj-in", "-a", "ipv4"))
        except ValueError:
            return []
        rows = found if isinstance(found, list) else [row for rows in found.values() for row in rows]
        rows = [row for part in rows for row in (part if isinstance(part, list) else [part])]
        return [{"as": " ".join(str(asn) for item in row["attrs"] if item["type"] == 2
                                for part in item["as_paths"] for asn in part["asns"])}
                for row in rows if net in json.dumps(row.get("nlri"))]

    def stop(self):
        if self.process:
            self.process.stop()


# --- the cases --------------------------------------------------------------


class PathCase:
    """Sealaned in the middle; speakers beside it and behind the other daemon."""

    far_plan = {}
    feed_asns = ()

    def __init__(self, make_dut, far):
        self.make_dut = make_dut
        self.far_class = far
        self.name = "%s with %s" % (self.what, far.title)
        self.slug = re.sub(r"\W+", "-", self.name.lower())

    def plan(self):
        return {"dut": DUT4, "peer": PEER4, "families": ("ipv4",), "nets": {}, "speakers": (),
                **self.far_plan}

    def dut_lines(self):
        """Of `router bgp`, and of the family."""
        return [], []

    def dut_config(self):
        plan = self.plan()
        outer, inner = self.dut_lines()
        lines = ["router bgp 65001", " bgp router-id 10.99.0.1", " no bgp ebgp-requires-policy",
                 " neighbor %s remote-as 65002" % plan["peer"],
                 " neighbor %s timers 10 30" % plan["peer"],
                 " neighbor %s timers connect 1" % plan["peer"]]
        for index, asn in enumerate(self.feed_asns):
            lines += [" neighbor 10.98.0.%d remote-as %d" % (3 + index, asn),
                      " neighbor 10.98.0.%d passive" % (3 + index)]
        lines += outer
        for family in plan["families"]:
            lines += [" address-family %s unicast" % family,
                      "  neighbor %s activate" % plan["peer"], *inner, " exit-address-family"]
        return "\n".join(lines) + "\n"

    def prepare(self, wire):
        for index in range(1, len(self.feed_asns)):
            wire.feed.ip("addr add 10.98.0.%d/24 dev eth0" % (3 + index))

    def run(self):
        reason = self.make_dut.missing() or self.far_class.missing()
        if reason:
            raise Skip(reason)
        if not hasattr(self.make_dut, "forgive"):
            raise Skip("the stand-in has other words for it")
        self.wire = Wire()
        self.speakers = []
        self.dut = self.far = None
        try:
            self.prepare(self.wire)
            self.dut = self.make_dut(self.slug, self.wire.dut, self.dut_config())
            self.far = self.far_class(self.slug, self.wire, self.plan())
            self.dut.start()
            wait_listening(self.wire.dut)
            self.far.start()
            detail = self.live()
            self.dut.check_alive()
            return detail
        finally:
            for one in self.speakers:
                one.close()
            if self.far:
                self.far.stop()
            try:
                if self.dut:
                    self.dut.stop()
            finally:
                self.wire.remove()

    # --- helpers

    def neighbor(self):
        peer = self.plan()["peer"]
        return self.dut.json("show bgp neighbors " + peer).get(peer, {})

    def wait_up(self):
        netlab.wait_for("the session", lambda: self.neighbor().get("bgpState") == "Established"
                        and self.far.is_established(), PATIENCE_S, 0.1)

    def dut_paths(self, net):
        family = "ipv6" if ":" in net else "ipv4"
        try:
            return self.dut.json("show bgp %s unicast %s" % (family, net)).get("paths") or []
        except netlab.LabError:
            return []  # not in the table

    def speak(self, netns, local, remote, asn):
        one = speaker.Speaker(asn, local, make_socket=netns.socket)
        self.speakers.append(one)
        one.connect(local, remote)
        one.start()
        check(one.wait_established(), "the speaker %s did not come up: %s"
              % (local, one.notifications))
        return one

    def feed(self, index):
        return self.speak(self.wire.feed, "10.98.0.%d" % (3 + index), "10.98.0.1",
                          self.feed_asns[index])

    def wait_count(self, who, read, net, count):
        netlab.wait_for("%d paths of %s at %s" % (count, net, who),
                        lambda: len(read(net)) == count, PATIENCE_S, 0.1)


class AddPathCase(PathCase):
    """Counted at both ends, and read on the link: every path under an identifier that stays."""

    what = "add-path, both directions,"
    feed_asns = (65020, 65021, 65022)
    far_plan = {"add_path": True, "speakers": (("10.99.0.3", 65010), ("10.99.0.4", 65011))}

    def dut_lines(self):
        return [], ["  neighbor %s addpath-tx-all-paths" % PEER4, "  neighbor %s addpath-rx" % PEER4]

    def prepare(self, wire):
        super().prepare(wire)
        self.tap = Tap(wire.dut, "eth0")

    def live(self):
        try:
            self._exchange()
            check(self.tap.problem is None, "on the link: %s" % self.tap.problem)
        finally:
            self.tap.close()

    def _wait_said(self, who, net, paths):
        """Waits until these AS paths are announced on the link; their identifiers by path."""
        netlab.wait_for("%d paths of %s from %s on the link" % (len(paths), net, who),
                        lambda: sorted(self.tap.paths(who, net).values()) == sorted(paths),
                        PATIENCE_S, 0.1)
        found = {path: number for number, path in self.tap.paths(who, net).items()}
        check(None not in found.values(), "no identifiers from %s" % who)
        return found

    def _exchange(self):
        self.wait_up()
        feeds = [self.feed(index) for index in range(3)]
        for index, one in enumerate(feeds):
            one.send(speaker.announce([FEED_NET], [self.feed_asns[index]], "10.98.0.%d" % (3 + index)))
        self.wait_count(self.far.title, self.far.paths, FEED_NET, 3)
        check({path["as"] for path in self.far.paths(FEED_NET)}
              == {"65001 %d" % asn for asn in self.feed_asns}, self.far.paths(FEED_NET))
        ours = self._wait_said(DUT4, FEED_NET, ["65001 %d" % asn for asn in self.feed_asns])
        behind = []
        for address, asn in self.far_plan["speakers"]:
            one = self.speak(self.wire.peer, address, PEER4, asn)
            one.send(speaker.announce([PEER_NET], [asn], "10.99.0.70"))  # an address of nobody
            behind.append(one)
        self.wait_count("sealaned", self.dut_paths, PEER_NET, 2)
        theirs = self._wait_said(PEER4, PEER_NET, ["65002 65010", "65002 65011"])
        shown = {path.get("addpathRxId", 0) for path in self.dut_paths(PEER_NET)}
        check(shown == set(theirs.values()), "shown %s, on the link %s" % (shown, theirs))
        feeds[0].send(speaker.withdraw([FEED_NET]))
        behind[0].send(speaker.withdraw([PEER_NET]))
        self.wait_count(self.far.title, self.far.paths, FEED_NET, 2)
        self.wait_count("sealaned", self.dut_paths, PEER_NET, 1)
        check({path["as"] for path in self.far.paths(FEED_NET)} == {"65001 65021", "65001 65022"},
              self.far.paths(FEED_NET))
        kept = self._wait_said(DUT4, FEED_NET, ["65001 65021", "65001 65022"])
        check(all(ours[path] == kept[path] for path in kept), "ours: %s, then %s" % (ours, kept))
        left = self._wait_said(PEER4, PEER_NET, ["65002 65011"])
        check(left["65002 65011"] == theirs["65002 65011"], "theirs: %s, then %s" % (theirs, left))
        for one in feeds[1:]:
            one.send(speaker.withdraw([FEED_NET]))
        self.wait_count(self.far.title, self.far.paths, FEED_NET, 0)
        self._wait_said(DUT4, FEED_NET, [])


class CustomerCase(PathCase):
    what = "roles: customer of"
    feed_asns = (65020,)
    far_plan = {"role": "provider", "nets": {"ipv4": (PEER_NET,)}}

    def dut_lines(self):
        return [" neighbor %s local-role customer strict-mode" % PEER4], []

    def live(self):
        self.wait_up()
        check(self.neighbor().get("localRole") == "customer"
              and self.neighbor().get("remoteRole") == "provider", self.neighbor())
        self.wait_count("sealaned", self.dut_paths, PEER_NET, 1)
        check(self.dut_paths(PEER_NET)[0].get("otc") == 65002, self.dut_paths(PEER_NET))
        feed = self.feed(0)
        marked, plain = "203.0.113.0/25", "203.0.113.128/25"
        feed.send(speaker.announce([marked], [65020], "10.98.0.3", [otc(65020)]))
        feed.send(speaker.announce([plain], [65020], "10.98.0.3"))
        self.wait_count(self.far.title, self.far.paths, plain, 1)
        self.wait_count("sealaned", self.dut_paths, marked, 1)
        check(not self.far.paths(marked), "what is for customers only went to a provider")
        check(feed.wait(lambda one: one.route(PEER_NET) is not None), "the feed was not told")


class ProviderCase(PathCase):
    what = "roles: provider of"
    feed_asns = (65020,)
    far_plan = {"role": "customer", "nets": {"ipv4": (PEER_NET,)}}

    def dut_lines(self):
        return [" neighbor %s local-role provider" % PEER4,
                " neighbor 10.98.0.3 local-role provider"], []

    def live(self):
        self.wait_up()
        feed = self.feed(0)
        feed.send(speaker.announce([FEED_NET], [65020], "10.98.0.3"))
        self.wait_count(self.far.title, self.far.paths, FEED_NET, 1)
        seen = self.far.paths(FEED_NET)[0]["otc"]
        check(seen in (65001, None), "OTC there is %s" % seen)
        feed.send(speaker.announce([FEED_NET], [65020], "10.98.0.3", [otc(65030)]))
        self.wait_count(self.far.title, self.far.paths, FEED_NET, 0)  # a leak
        check(self.dut_paths(FEED_NET)[0].get("reason") == "ineligible-route-leak"
              or "leak" in json.dumps(self.dut_paths(FEED_NET)), self.dut_paths(FEED_NET))


class WrongRoleCase(PathCase):
    what = "roles that do not fit,"
    far_plan = {"role": "provider"}

    def dut_lines(self):
        return [" neighbor %s local-role provider" % PEER4], []

    def live(self):
        netlab.wait_for("Role Mismatch", lambda: "2/11" in self.reset_text()
                        or "role" in self.reset_text().lower(), PATIENCE_S, 0.1)
        check(not self.far.is_established(), "it came up all the same")

    def reset_text(self):
        return str(self.neighbor().get("lastResetDueTo", ""))


class NoRoleCase(WrongRoleCase):
    what = "roles in strict mode, none at"
    far_plan = {}

    def dut_lines(self):
        return [" neighbor %s local-role provider strict-mode" % PEER4], []


class LeavingCase(PathCase):
    what = "graceful shutdown towards"
    feed_asns = (65020,)

    def dut_lines(self):
        return [" neighbor %s graceful-shutdown" % PEER4], []

    def live(self):
        self.wait_up()
        self.feed(0).send(speaker.announce([FEED_NET], [65020], "10.98.0.3"))
        self.wait_count(self.far.title, self.far.paths, FEED_NET, 1)
        found = self.far.paths(FEED_NET)[0]["communities"]
        check(found & {"graceful-shutdown", "(65535,0)"}, "communities there: %s" % found)


class NextHop6Case(PathCase):
    """RFC 2545 both ways, and IPv4 routes over it (RFC 8950) into our kernel."""

    what = "IPv6 next hops, also of IPv4 routes,"
    feed_asns = (65020,)
    far_plan = {"dut": DUT6, "peer": PEER6, "families": ("ipv4", "ipv6"), "extended": True,
                "nets": {"ipv4": (PEER_NET,), "ipv6": ("2001:db8:21::/48",)}}

    def prepare(self, wire):
        wire.dut.ip("addr del 10.99.0.1/24 dev eth0")
        wire.peer.ip("addr del 10.99.0.2/24 dev eth0")  # and with it the others
        wire.dut.ip("route add blackhole 2001:db8:31::/48")

    def dut_lines(self):
        return [" neighbor %s capability extended-nexthop" % PEER6,
                " address-family ipv6 unicast", "  network 2001:db8:31::/48",
                " exit-address-family"], []

    def live(self):
        self.wait_up()
        self.feed(0).send(speaker.announce([FEED_NET], [65020], "10.98.0.3"))
        for net in (FEED_NET, "2001:db8:31::/48"):
            self.wait_count(self.far.title, self.far.paths, net, 1)
            hops = self.far.paths(net)[0]["next"]
            check(DUT6 in hops, "next hops of %s there: %s" % (net, hops))
            check(any(hop.startswith("fe80:") for hop in hops),
                  "no link-local next hop of %s there: %s" % (net, hops))
        for net, family in ((PEER_NET, "-4"), ("2001:db8:21::/48", "-6")):
            self.wait_count("sealaned", self.dut_paths, net, 1)
            netlab.wait_for("%s in our kernel" % net,
                            lambda n=net, f=family: self.kernel_way(n, f), PATIENCE_S, 0.1)

    def kernel_way(self, net, family):
        """The route stands on a next-hop object over IPv6."""
        route = netlab.run(["ip", family, "route", "show", net], netns=self.wire.dut.name)[1]
        found = re.search(r"nhid (\d+)", route)
        if not found:
            return False
        text = netlab.run(["ip", "nexthop", "show"], netns=self.wire.dut.name)[1]
        return bool(re.search(r"via (fe80|fd99)::", text))


def cases(make_dut):
    made = [AddPathCase(make_dut, far) for far in (FrrFar, BirdFar, GoBgpFar)]
    for far in (FrrFar, BirdFar):
        made += [case(make_dut, far) for case in (CustomerCase, ProviderCase, WrongRoleCase,
                                                  NoRoleCase, LeavingCase, NextHop6Case)]
    return made
