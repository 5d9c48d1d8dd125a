#!/usr/bin/env python3
"""The examples of a router at the edge, run: the daemon with that very file, far ends that speak BGP, and
a look at what each example claims: ways in the kernel, what is announced to whom, what is refused.

(The others run over a model of the kernel: tests/unit/config/test_examples_run.c.)
Prints one line per claim and `N passed, N failed, N skipped` at the end.
"""

import contextlib
import os
import socket
import struct
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
for folder in ("tests", os.path.join("tests", "lab"), os.path.join("tests", "interop")):
    sys.path.insert(0, os.path.join(TOP, folder))

import netlab  # noqa: E402
import speaker as bgp  # noqa: E402
from daemon import Result, Router, check  # noqa: E402

PATIENCE_S = 60.0


class Site:
    """One router that runs an example, and namespaces around it."""

    def __init__(self, example):
        with open(os.path.join(TOP, "examples", example), encoding="utf-8") as file:
            self.ce = Router("ce", file.read())
        if example.endswith(".json"):  # the ending tells the spelling
            os.rename(self.ce.path, self.ce.path + ".json")
            self.ce.path += ".json"
        self.example = example
        self.others = []
        self.speakers = []
        self.ce.netns.sysctl("net.ipv4.ip_forward", 1)

    def cable(self, name, ours, theirs):
        """A link to a namespace of its own."""
        other = netlab.Netns(name)
        self.others.append(other)
        netlab.veth(self.ce.netns, ours, other, theirs)
        return other

    def session(self, netns, asn, local, remote, password=None, ttl=None, **options):
        def make_socket(*arguments):
            sock = netns.socket(*arguments)
            if ttl is not None:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
            return sock
        router_id = options.pop("router_id", local)
        kind = options.pop("kind", bgp.Speaker)
        one = kind(asn, router_id, 180, make_socket=make_socket, **options)
        self.speakers.append(one)
        deadline = time.monotonic() + PATIENCE_S
        while True:  # the daemon may not have read the kernel yet, or want another connection
            one.connect(local, remote, password=password, timeout_s=PATIENCE_S).start()
            if one.wait_established(5) and not one.closed.wait(0.1):
                break
            if time.monotonic() > deadline:
                raise netlab.LabError("no session %s: %s" % (local, one.notifications))
            one.close()
            one = kind(asn, router_id, 180, make_socket=make_socket, **options)
            self.speakers[-1] = one
        one.hop = local
        return one

    def way(self, target):
        """Devices by which the kernel may send a packet to target."""
        document = self.ce.json("verify path %s" % target)
        return {hop["interfaceName"] for hop in document["nexthops"]}

    def wait_way(self, target, devices, what):
        try:
            _, took = netlab.wait_for(what, lambda: self.way(target) == devices, PATIENCE_S,
                                      step_s=0.02, watch=[self.ce.process])
            check("%s: %s" % (self.example, what), True)
            return took
        except netlab.LabError as error:
            check("%s: %s" % (self.example, what), False, "%s: %s\n%s" % (
                target, self.way(target), error))
            return None

    def wait_heard(self, one, prefixes, what):
        holds = one.wait(lambda s: s.prefixes() == set(prefixes), PATIENCE_S)
        check("%s: %s" % (self.example, what), holds, sorted(one.prefixes()))

    def check(self, what, holds, detail=""):
        check("%s: %s" % (self.example, what), holds, detail)

    def paths(self, prefix, family="ipv4"):
        routes = self.ce.json("show bgp %s unicast" % family)["routes"]
        return routes.get(prefix, [])

    def close(self):
        for one in self.speakers:
            with contextlib.suppress(OSError, AttributeError):
                one.close()
        if self.ce.process:
            self.ce.process.kill()
        for netns in self.others + [self.ce.netns]:
            netns.remove()


def announce(one, prefixes, asns=(), **attributes):
    extra = [bgp.communities(attributes["communities"])] if "communities" in attributes else []
    one.send(bgp.announce(list(prefixes), [one.asn] + list(asns), one.hop, extra))


# ---- ExpressRoute alone ----

def expressroute_two_msee(site):
    key = "Sampl3KeyForMd5"
    m = []
    for i in range(2):
        ours, theirs = "172.16.0.%d" % (4 * i + 1), "172.16.0.%d" % (4 * i + 2)
        netns = site.cable("m%d" % i, "er%d" % (i + 1), "er")
        site.ce.netns.ip("addr add %s/30 dev er%d" % (ours, i + 1))
        netns.ip("addr add %s/30 dev er" % theirs)
        m.append((netns, theirs, ours))
    site.ce.start()
    m = [site.session(netns, 12076, theirs, ours, password=key) for netns, theirs, ours in m]
    site.check("both sessions stand, with their MD5 key", True)
    for one in m:
        announce(one, ["10.90.0.0/16", "0.0.0.0/0", "10.1.7.0/24", "172.20.0.0/16", "10.91.0.0/29"])
        announce(one, ["10.92.0.0/16"], asns=[65001])
    announce(m[0], ["10.93.0.0/16"], communities=["12076:51002"])
    announce(m[1], ["10.93.0.0/16"])
    site.wait_way("10.90.1.1", {"er1", "er2"}, "both links carry load")
    site.wait_way("10.93.1.1", {"er1"}, "West Europe is preferred where it is tagged")
    best = [path for path in site.paths("10.93.0.0/16") if path.get("bestpath")]
    site.check("  by LOCAL_PREF 120", len(best) == 1 and best[0]["locPrf"] == 120, best)
    for what, target in (("the default route", "203.0.113.1"), ("a network of ours", "10.1.7.1"),
                         ("what is outside 10.0.0.0/8", "172.20.1.1"), ("a /29", "10.91.0.1"),
                         ("what has our AS in its path", "10.92.1.1")):
        site.check("%s is refused" % what, site.way(target) == set())
    for i, one in enumerate(m):
        site.wait_heard(one, ["10.1.0.0/16", "10.2.0.0/16"],
                        "MSEE %d hears what this site announces, and nothing else" % i)
    m[0].close()
    site.wait_way("10.90.1.1", {"er2"}, "one session ends: the other link carries all")


# ---- Two providers ----

def frr_two_providers(site):
    ce = site.ce.netns
    a = site.cable("a", "eth0", "e")
    b = site.cable("b", "eth1", "e")
    ce.ip("addr add 198.51.100.2/30 dev eth0", "addr add 203.0.113.2/30 dev eth1",
          "addr add 2001:db8:a::2/64 dev eth0 nodad")
    a.ip("addr add 198.51.100.1/30 dev e", "addr add 2001:db8:a::1/64 dev e nodad")
    b.ip("addr add 203.0.113.1/30 dev e")
    site.ce.start()
    provider = [bgp.capability(9, b"\0")]  # RFC 9234: we are the provider
    one = site.session(a, 64501, "198.51.100.1", "198.51.100.2", password="n0t-a-r3al-key",
                       capabilities=bgp.default_capabilities(64501) + provider)
    two = site.session(b, 64502, "203.0.113.1", "203.0.113.2",
                       capabilities=bgp.default_capabilities(64502) + provider)
    v6 = site.session(a, 64501, "2001:db8:a::1", "2001:db8:a::2", ttl=255, router_id="198.51.100.1",
                      families=((bgp.IPV6, bgp.UNICAST),))
    site.check("all sessions stand: with a key, with roles, and one hop away in IPv6", True)
    for each in (one, two):
        announce(each, ["198.18.0.0/15", "10.5.0.0/16"], asns=[64999])
    announce(one, ["198.51.100.128/32"], communities=["65535:666"])
    announce(one, ["100.64.0.0/16"])
    announce(two, ["100.64.0.0/16"], asns=[64999])
    site.wait_way("198.18.1.1", {"eth0", "eth1"}, "equal paths of both providers share the load")
    site.wait_way("100.64.1.1", {"eth0"}, "the shorter path is used alone")
    site.check("private networks and BLACKHOLE are refused", site.way("10.5.1.1") == set() and
               not [path for path in site.paths("198.51.100.128/32") if path.get("valid")],
               site.way("10.5.1.1"))
    for each, name in ((one, "A"), (two, "B")):
        site.wait_heard(each, ["192.0.2.0/24"], "provider %s hears our network only" % name)
        site.check("  with MED 10 and our AS alone", each.route("192.0.2.0/24").med == 10 and
                   each.route("192.0.2.0/24").as_path == "64500",
                   vars(each.route("192.0.2.0/24")))
    v6.send(bgp.update([bgp.origin(), bgp.as_path([64501]),
                        bgp.mp_reach("2001:db8:a::1", ["2001:db8:77::/48", "fc00:1::/32"])]))
    site.wait_way("2001:db8:77::1", {"eth0"}, "IPv6 of provider A is used")
    site.check("  and unique local addresses are refused", site.way("fc00:1::1") == set())
    site.wait_heard(v6, ["2001:db8:100::/48"], "provider A hears our IPv6 network")
    two.close()
    site.wait_way("198.18.1.1", {"eth0"}, "one provider ends: the other carries all")


# ---- One of two routers of a site, towards the inside ----

class PathSpeaker(bgp.Speaker):
    """Takes several paths of a prefix (RFC 7911): how many it was told of each."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.paths = {}

    def _take(self, body):
        gone = int.from_bytes(body[:2], "big")
        size = int.from_bytes(body[2 + gone:4 + gone], "big")
        with self._lock:
            for prefix, number in bgp.read_paths(body[2:2 + gone], bgp.IPV4, True):
                self.paths.get(prefix, set()).discard(number)
            for prefix, number in bgp.read_paths(body[4 + gone + size:], bgp.IPV4, True):
                self.paths.setdefault(prefix, set()).add(number)


def ce_pair_inside(site):
    ce = site.ce.netns
    m = site.cable("m", "er1", "er")
    lan = site.cable("lan", "lan0", "e")
    ce.ip("addr add 192.168.255.1/32 dev lo", "addr add 172.16.0.1/30 dev er1",
          "addr add 10.1.0.1/24 dev lan0", "route add 192.168.255.2/32 via 10.1.0.2")
    m.ip("addr add 172.16.0.2/30 dev er")
    lan.ip("addr add 192.168.255.2/32 dev lo", "addr add 10.1.0.2/24 dev e",
           "addr add 10.1.0.10/24 dev e", "addr add 10.1.0.20/24 dev e",
           "route add 192.168.255.1/32 via 10.1.0.1")
    site.ce.start()
    msee = site.session(m, 12076, "172.16.0.2", "172.16.0.1")
    add_path = [bgp.capability(69, b"\0\1\1\1")]
    twin = site.session(lan, 65001, "192.168.255.2", "192.168.255.1", kind=PathSpeaker,
                        capabilities=bgp.default_capabilities(65001) + add_path)
    core = site.session(lan, 65010, "10.1.0.10", "10.1.0.1")
    firewall = site.session(lan, 65020, "10.1.0.20", "10.1.0.1")
    site.check("sessions stand to Azure, the other CE, the core switch and the firewall", True)
    announce(firewall, ["0.0.0.0/0"])
    announce(firewall, ["10.1.9.9/32"], communities=["65535:666"])
    site.wait_way("203.0.113.1", {"lan0"}, "the firewall's default route is used")
    netlab.wait_for("the discard", lambda: "blackhole 10.1.9.9" in ce.run(["ip", "route"])[1],
                    PATIENCE_S)
    site.check("a host that the firewall tags BLACKHOLE is discarded", True)
    site.check("the core switch hears no default route without Azure",
               "0.0.0.0/0" not in core.prefixes(), sorted(core.prefixes()))
    announce(msee, ["10.51.0.0/16", "10.77.0.0/16"])
    site.wait_heard(core, ["0.0.0.0/0"], "it does once something of Azure is known")
    site.wait_heard(firewall, ["10.51.0.0/16"], "the firewall hears Azure's networks only")
    site.wait_heard(msee, ["10.1.0.0/16"], "Azure hears our network only")
    site.check("the other CE hears Azure's network", twin.wait(
        lambda s: len(s.paths.get("10.51.0.0/16", ())) == 1, PATIENCE_S), twin.paths)
    twin.send(bgp.update([bgp.origin(), bgp.as_path([12076, 65515]),
                          bgp.next_hop("192.168.255.2"), bgp.local_pref(100)], ["10.51.8.0/24"]))
    announce(msee, ["10.51.8.0/24"])
    site.wait_way("10.51.8.1", {"er1"}, "the own path is better than the other CE's")
    msee.send(bgp.withdraw(["10.51.0.0/16", "10.51.8.0/24"]))
    site.wait_way("10.51.8.1", {"lan0"}, "which is at hand when the own one goes")
    twin.close()
    site.wait_heard(core, [], "with nothing of Azure left the default route is taken back")


# ---- IPsec over ExpressRoute ----

# 10.1.0.0/16 without 10.1.1.0/24, and what Azure has to reach first.
CLEAR = ["10.1.0.0/24", "10.1.2.0/23", "10.1.4.0/22", "10.1.8.0/21", "10.1.16.0/20", "10.1.32.0/19",
         "10.1.64.0/18", "10.1.128.0/17", "10.1.255.1/32"]
BOTH_TUNNELS = {"ipsec0", "ipsec1"}
BOTH_LINKS = {"er1", "er2"}
WORKLOAD = "10.51.230.10"
INNER = ("10.51.230.12", "10.51.230.13")


def vwan_up(site, before_sessions=None, devices=frozenset(BOTH_TUNNELS)):
    """Two MSEEs and two gateways; gives their sessions and the gateways' namespaces."""
    ce = site.ce.netns
    ce.ip("addr add 10.1.255.1/32 dev lo", "addr add 192.168.255.1/32 dev lo")
    m, g = [], []
    for i in range(2):
        netns = site.cable("m%d" % i, "er%d" % (i + 1), "er")
        ce.ip("addr add 172.16.0.%d/30 dev er%d" % (4 * i + 1, i + 1))
        netns.ip("addr add 172.16.0.%d/30 dev er" % (4 * i + 2))
        m.append(netns)
    for i in range(2):
        netns = site.cable("g%d" % i, "ipsec%d" % i, "t0")
        netns.ip("addr add %s/32 dev lo" % INNER[i], "route add 192.168.255.1/32 dev t0")
        g.append(netns)
    if before_sessions:
        before_sessions(g)
    site.ce.start()
    msee = [site.session(netns, 12076, "172.16.0.%d" % (4 * i + 2), "172.16.0.%d" % (4 * i + 1))
            for i, netns in enumerate(m)]
    gateway = [site.session(netns, 65515, INNER[i], "192.168.255.1") for i, netns in enumerate(g)]
    for one in msee + gateway:
        announce(one, ["10.51.230.0/24", "10.51.231.0/24"])
    for one in msee:
        announce(one, ["10.60.0.0/16"])
    site.wait_way(WORKLOAD, devices, "protected destinations use %s" % " and ".join(sorted(devices)))
    return msee, gateway, g


def vwan_ipsec_over_er(site):
    msee, gateway, g = vwan_up(site)
    site.check("verify path says protected",
               site.ce.json("verify path %s" % WORKLOAD)["verdict"] == "protected")
    site.wait_way("10.60.1.1", BOTH_LINKS, "what is not protected stays on ExpressRoute")
    for endpoint in ("10.51.230.4", "10.51.230.5"):
        site.wait_way(endpoint, BOTH_LINKS, "endpoint %s is reached over both MSEEs" % endpoint)
    for i, inner in enumerate(INNER):
        site.wait_way(inner, {"ipsec%d" % i}, "inner peer %d is reached through its own tunnel" % i)
    for one in msee:
        site.wait_heard(one, CLEAR, "an MSEE hears the endpoint and the cover around 10.1.1.0/24")
    for one in gateway:
        site.check("a gateway hears 10.1.1.0/24, and never the endpoint", one.wait(
            lambda s: "10.1.1.0/24" in s.prefixes(), PATIENCE_S) and
            "10.1.255.1/32" not in one.prefixes(), sorted(one.prefixes()))
    g[0].ip("link set t0 down")
    site.wait_way(WORKLOAD, {"ipsec1"}, "one tunnel dies: the other carries all")
    g[1].ip("link set t0 down")
    site.wait_way(WORKLOAD, set(), "both are dead: nowhere, never the clear twin")
    site.check("  the MSEEs still hear no more than before",
               all(one.prefixes() == set(CLEAR) for one in msee))
    site.wait_way("10.51.230.4", BOTH_LINKS, "  the endpoint stays on its underlay")


def tunnel(site, name):
    return site.ce.json("show tunnels")["tunnels"][name]


def says(site, name, source):
    """What a source of evidence says of a tunnel: True, False, or None when it does not know."""
    row = tunnel(site, name)["liveness"][source]
    return row["alive"] if row["known"] else None


def vanish(netns, i):
    """The gateway is gone without a word: carrier and device stay, nothing answers."""
    netns.ip("addr del %s/32 dev lo" % INNER[i])


def vwan_ipsec_probe(site):
    def silent_gateway(g):
        g[1].sysctl("net.ipv4.icmp_echo_ignore_all", 1)
    _msee, _gateway, g = vwan_up(site, silent_gateway)
    netlab.wait_for("probes", lambda: says(site, "ipsec0", "probe") and
                    says(site, "ipsec1", "probe"), PATIENCE_S)
    site.check("probes see both gateways: by echo, and by acknowledgements where echo is dropped",
               True)
    vanish(g[0], 0)
    took = site.wait_way(WORKLOAD, {"ipsec1"}, "a gateway that vanishes without a word is left")
    print("      echo: %.1f s" % (took or 0))
    vanish(g[1], 1)
    took = site.wait_way(WORKLOAD, set(), "so is one that drops echo, and nothing is in the clear")
    print("      acknowledgements: %.1f s" % (took or 0))


class Charon(threading.Thread):
    """As much of strongSwan's VICI as it takes: one IKE_SA with one CHILD_SA, up or down."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.is_up = True
        self.clients = []
        with contextlib.suppress(OSError):
            os.unlink(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen(4)
        self.start()

    @staticmethod
    def value(key, value):
        return struct.pack("!BB%dsH%ds" % (len(key), len(value)), 3, len(key), key.encode(),
                           len(value), value.encode())

    @staticmethod
    def section(name, content):
        return struct.pack("!BB%ds" % len(name), 1, len(name), name.encode()) + content + b"\2"

    def sa(self, state):
        child = "".encode() + self.value("name", "azure0") + self.value("uniqueid", "1") + \
            self.value("state", state)
        return self.section("azure", self.value("uniqueid", "1") +
                            self.value("state", "ESTABLISHED") +
                            self.value("local-host", "10.1.255.1") +
                            self.value("remote-host", "10.51.230.4") +
                            self.section("child-sas", self.section("azure0-1", child)))

    @staticmethod
    def named(kind, name, body=b""):
        return struct.pack("!BB%ds" % len(name), kind, len(name), name.encode()) + body

    @staticmethod
    def say(client, packet):
        client.sendall(struct.pack("!I", len(packet)) + packet)

    def down(self):
        self.is_up = False
        for client in self.clients:
            with contextlib.suppress(OSError):
                self.say(client, self.named(7, "child-updown", self.sa("INSTALLED")))

    def run(self):
        while True:
            client, _ = self.server.accept()
            self.clients.append(client)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with contextlib.suppress(OSError, struct.error):
            stream = client.makefile("rb")
            while True:
                size = struct.unpack("!I", stream.read(4))[0]
                packet = stream.read(size)
                if packet[0] == 3:  # registers for an event
                    self.say(client, b"\5")
                elif packet[0] == 0:  # asks for the list
                    if self.is_up:
                        self.say(client, self.named(7, "list-sa", self.sa("INSTALLED")))
                    self.say(client, b"\1")


def vwan_ipsec_liveness(site):
    charon = Charon("/var/run/charon.vici")
    vwan_up(site, devices={"ipsec0"})
    site.check("strongSwan and the probe say that ipsec0 is alive", bool(netlab.wait_for(
        "evidence", lambda: says(site, "ipsec0", "vici") and says(site, "ipsec0", "probe"),
        PATIENCE_S)))
    site.check("what is chosen counts from the start: ipsec1 has no SA in the kernel, and is not used",
               says(site, "ipsec1", "xfrm") is False and not tunnel(site, "ipsec1")["alive"] and
               netlab.wait_for("the probe", lambda: says(site, "ipsec1", "probe"), PATIENCE_S),
               tunnel(site, "ipsec1"))
    charon.down()
    site.wait_way(WORKLOAD, set(), "strongSwan's word that its CHILD_SA is gone is enough")
    site.check("  show tunnels says which evidence says so, against which",
               says(site, "ipsec0", "vici") is False and says(site, "ipsec0", "probe") is True,
               tunnel(site, "ipsec0"))


EXAMPLES = (
    ("expressroute-two-msee.conf", expressroute_two_msee),
    ("frr-two-providers.conf", frr_two_providers),
    ("ce-pair-inside.conf", ce_pair_inside),
    ("vwan-ipsec-over-er.conf", vwan_ipsec_over_er),
    ("vwan-ipsec-over-er.json", vwan_ipsec_over_er),
    ("vwan-ipsec-probe.conf", vwan_ipsec_probe),
    ("vwan-ipsec-liveness.conf", vwan_ipsec_liveness),
)


def body():
    for example, run in EXAMPLES:
        if len(sys.argv) > 1 and sys.argv[1] not in example:
            continue
        began = time.monotonic()
        site = Site(example)
        try:
            run(site)
        except (netlab.LabError, OSError, KeyError) as error:
            check("%s runs to its end" % example, False, repr(error))
            if site.ce.process:
                print(site.ce.process.log_tail(30))
        finally:
            site.close()
        print("      %s took %.1f s" % (example, time.monotonic() - began))
    print("examples that run: %d passed, %d failed" % (Result.passed, Result.failed))
    return 0 if Result.failed == 0 else 1


def main():
    try:
        return netlab.isolate(body, keep=os.environ.get("SEALANE_KEEP"))
    except netlab.LabMissing as reason:
        print("skip (%s)\nexamples that run: 0 passed, 0 failed, 1 skipped" % reason)
        return 0


if __name__ == "__main__":
    sys.exit(main())
