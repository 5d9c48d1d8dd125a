#!/usr/bin/env python3
"""The kernel's truth in IPv6: pins, captures, guards, and routes of other programs.

A router (ce), two clear links to MSEEs (m0, m1) and two tunnels to gateways (g0, g1); the tunnels are
plain cables declared as tunnels. The gateways' outer addresses lie inside the hub, which everybody
announces.
Prints one line per promise and `N passed, N failed, N skipped` at the end.
"""

import json
import os
import signal
import socket
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "lab"))
sys.path.insert(0, os.path.join(TOP, "tests"))

import netlab  # noqa: E402
from daemon import Result, Router, check  # noqa: E402

HUB = "2001:db8:230::/48"
GUARD = "unreachable 2001:db8:230::/47"
ENDPOINT = ("2001:db8:230::4", "2001:db8:230::5")
INNER = ("2001:db8:230::12", "2001:db8:230::13")
MSEE = ("2001:db8:16::2", "2001:db8:16::6")
WORKLOAD = "2001:db8:230::10"
BOTH_TUNNELS = {"ipsec0", "ipsec1"}
BOTH_LINKS = {"er0", "er1"}

CE = """tunnel ipsec0
 local-endpoint 2001:db8:1::1
 remote-endpoint 2001:db8:230::4
tunnel ipsec1
 local-endpoint 2001:db8:1::1
 remote-endpoint 2001:db8:230::5
protect 2001:db8:230::/47 require ipsec%s
%srouter bgp 65001
 bgp router-id 192.168.255.1
""" + "".join(""" neighbor %s azure-role msee
 no neighbor %s bfd
 neighbor %s timers connect 1
""" % (msee, msee, msee) for msee in MSEE) + "".join(
    """ neighbor %s azure-role vwan-hub tunnel ipsec%d
 neighbor %s update-source 2001:db8:1::1
 neighbor %s timers connect 1
""" % (inner, i, inner, inner) for i, inner in enumerate(INNER)) + """ address-family ipv6 unicast
  maximum-paths 2
  network 2001:db8:1::/48 path-class clear
  network 2001:db8:1:1::/64 path-class ipsec
 exit-address-family
"""

FAR = """router bgp %d
 bgp router-id 10.254.0.%d
 no bgp ebgp-requires-policy
 neighbor %s remote-as 65001
 neighbor %s ebgp-multihop 5
 neighbor %s timers connect 1
 address-family ipv6 unicast
  neighbor %s activate
"""


def far_conf(asn, number, peer, prefixes):
    return FAR % (asn, number, peer, peer, peer, peer) + "".join(
        "  network %s\n" % prefix for prefix in prefixes)


class Site:
    def __init__(self):
        self.ce = Router("ce", CE % ("", ""))
        self.m = [Router("m%d" % i, self.msee_conf(i, [HUB])) for i in range(2)]
        self.g = [Router("g%d" % i, self.gateway_conf(i, [])) for i in range(2)]
        ce = self.ce.netns
        ce.sysctl("net.ipv6.conf.all.forwarding", 1)
        ce.ip("addr add 2001:db8:1::1/128 dev lo")
        for i, msee in enumerate(self.m):
            netlab.veth(ce, "er%d" % i, msee.netns, "er")
            ce.ip("addr add 2001:db8:16::%d/126 dev er%d nodad" % (4 * i + 1, i))
            msee.netns.ip("addr add %s/126 dev er nodad" % MSEE[i])
        for i, gateway in enumerate(self.g):
            netlab.veth(ce, "ipsec%d" % i, gateway.netns, "t0")
            for netns, device in ((ce, "ipsec%d" % i), (gateway.netns, "t0")):
                # As in a tunnel: nobody is asked where an address lives.
                netns.ip("link set %s down" % device, "link set %s address 02:00:00:00:51:0%d arp off"
                         % (device, i), "link set %s up" % device)
            gateway.netns.ip("addr add %s/128 dev lo" % INNER[i],
                             "route add 2001:db8:1::1/128 dev t0")

    def msee_conf(self, i, prefixes):
        return far_conf(12076, 1 + i, "2001:db8:16::%d" % (4 * i + 1),
                        prefixes + ["2001:db8:60::/48"])

    def gateway_conf(self, i, more):
        return far_conf(65515, 3 + i, "2001:db8:1::1", [HUB, "2001:db8:231::/48"] + more)

    def start(self):
        for router in self.m + self.g + [self.ce]:
            router.start()
        return self.wait_up()

    def wait_up(self):
        return netlab.wait_for("all routes", lambda: self.way(WORKLOAD) == BOTH_TUNNELS and
                               self.way("2001:db8:231::10") == BOTH_TUNNELS and
                               self.way(ENDPOINT[0]) == BOTH_LINKS, 60,
                               watch=[self.ce.process])[1]

    def reload(self, router, text):
        netlab.write(router.path, text)
        status, text = router.shell("reload")
        if status != 0:
            raise netlab.LabError("reload of %s: %s" % (router.netns.name, text))

    def verify(self, target):
        status, text = self.ce.shell("verify path %s json" % target)
        return status, json.loads(text)

    def way(self, target):
        """Interfaces by which packets to target may leave, as the kernel says."""
        return {hop["interfaceName"] for hop in self.verify(target)[1]["nexthops"]}

    def routes(self, what=""):
        return self.ce.netns.run(["ip", "-6", "route", "show"] + what.split())[1]

    def tunnel(self, name):
        return self.ce.json("show tunnels")["tunnels"][name]

    def foreign(self):
        return {(row["prefix"], row["overruled"]): row
                for row in self.ce.json("show protection")["foreignRoutes"]}

    def wait_way(self, target, ways, limit_s=20):
        return netlab.wait_for("%s by %s" % (target, ways), lambda: self.way(target) == ways,
                               limit_s, step_s=0.02, watch=[self.ce.process])[1]

    def wait_foreign(self, prefix, is_overruled):
        return netlab.wait_for("%s in show protection" % prefix,
                               lambda: (prefix, is_overruled) in self.foreign(), 10, step_s=0.02)

    def wait_harmless(self):
        netlab.wait_for("an empty list", lambda: not self.foreign(), 10, step_s=0.02)


def check_pins(site):
    """An IPv6 underlay learned by BGP, with the endpoints inside the hub that both sides announce."""
    ce = site.ce.netns
    pin = site.routes(ENDPOINT[0])
    check("the endpoint has a host route over both MSEEs", site.way(ENDPOINT[0]) == BOTH_LINKS and
          "proto 165" in pin and "nexthop" in pin, pin)
    check("each inner peer is reached through its own tunnel",
          site.way(INNER[0]) == {"ipsec0"} and site.way(INNER[1]) == {"ipsec1"}, site.routes())
    status, document = site.verify(WORKLOAD)
    check("a workload beside the endpoint goes through the tunnels", status == 0 and
          document["verdict"] == "protected" and site.way(WORKLOAD) == BOTH_TUNNELS, document)
    ce.ip("link set er0 down")
    site.wait_way(ENDPOINT[0], {"er1"})
    check("a link goes: the endpoint follows", True)
    ce.ip("link set er0 up", "addr replace 2001:db8:16::1/126 dev er0 nodad")
    site.wait_way(ENDPOINT[0], BOTH_LINKS, 60)
    site.reload(site.m[0], site.msee_conf(0, []))
    site.wait_way(ENDPOINT[0], {"er1"})
    check("an MSEE withdraws the hub: the endpoint follows", True)
    site.reload(site.m[0], site.msee_conf(0, [HUB]))
    site.wait_way(ENDPOINT[0], BOTH_LINKS)
    site.reload(site.g[0], site.gateway_conf(0, [ENDPOINT[0] + "/128"]))
    netlab.wait_for("the capture", lambda: site.tunnel("ipsec0").get("refusedCapture", "").startswith(
        ENDPOINT[0] + "/128"), 20)
    check("a captured endpoint is refused and listed with its reason",
          "into its own tunnel" in site.tunnel("ipsec0")["refusedCapture"] and
          site.way(ENDPOINT[0]) == BOTH_LINKS, site.tunnel("ipsec0"))
    site.reload(site.g[0], site.gateway_conf(0, []))


def check_static_underlay(site):
    """MSEEs that say nothing of the hub, and a static route to it in the clear."""
    for i in range(2):
        site.reload(site.m[i], site.msee_conf(i, []))
    netlab.wait_for("no way to the endpoint", lambda: site.way(ENDPOINT[0]) == set(), 20)
    static = "ipv6 route %s %s\nipv6 route %s %s\n" % (HUB, MSEE[0], HUB, MSEE[1])
    site.reload(site.ce, CE % ("", static))
    site.wait_way(ENDPOINT[0], BOTH_LINKS)
    check("a static route to the protected hub carries the endpoints", True)
    site.wait_way(WORKLOAD, BOTH_TUNNELS)
    check("  and nothing beside them", site.verify(WORKLOAD)[1]["verdict"] == "protected")
    for i in range(2):
        site.reload(site.m[i], site.msee_conf(i, [HUB]))
    site.reload(site.ce, CE % ("", ""))
    site.wait_up()


def check_reported(site):
    ce = site.ce.netns
    ce.ip("route add 2001:db8:231::/64 via %s dev er0 proto 77 metric 1024" % MSEE[0])
    site.wait_foreign("2001:db8:231::/64", False)
    row = site.foreign()[("2001:db8:231::/64", False)]
    check("a clear more-specific inside the protected prefix is listed", row["protocol"] == 77 and
          row["interfaceName"] == "er0" and "clear" in row["reason"] and row["answer"] == "stands",
          row)
    status, document = site.verify("2001:db8:231::10")
    check("verify path: exposed, status 1", status == 1 and document["verdict"] == "exposed",
          document)
    check("it is logged once", site.ce.process.log_tail(50).count(
        "protocol 77, metric 1024, dev er0 carries protected") == 1)
    check("and it is not touched", "proto 77" in site.routes("2001:db8:231::/64"))
    ce.ip("route del 2001:db8:231::/64 proto 77")
    site.wait_harmless()
    check("the list is empty when it goes", site.way("2001:db8:231::10") == BOTH_TUNNELS)
    ce.ip("addr add 2001:db8:231:1::1/64 dev er0 nodad")
    site.wait_foreign("2001:db8:231:1::/64", False)
    check("a clear network inside the protected prefix is listed",
          site.foreign()[("2001:db8:231:1::/64", False)]["answer"] == "cannot be overruled")
    ce.ip("addr del 2001:db8:231:1::1/64 dev er0")
    site.wait_harmless()


def check_less_specific(site):
    """Clear routes that contain the protected prefix, in front of all of ours by their metric."""
    ce = site.ce.netns
    ce.ip("route add ::/0 via %s dev er0 proto 77 metric 1" % MSEE[0],
          "route add 2001:db8::/32 via %s dev er0 proto 77 metric 1" % MSEE[0],
          "route add 2001:db8:230::/47 via %s dev er0 proto 77 metric 4294967295" % MSEE[0])
    site.wait_way("2001:db8:99::1", {"er0"})
    check("a clear default and a clear aggregate carry nothing protected",
          site.way(WORKLOAD) == BOTH_TUNNELS and
          site.verify("2001:db8:231::10")[1]["verdict"] == "protected", site.routes())
    ce.ip("link set ipsec0 down", "link set ipsec1 down")
    netlab.wait_for("the guard", lambda: site.verify(WORKLOAD)[1]["verdict"] == "blocked", 10,
                    step_s=0.02)
    check("  nor when the tunnels are dead: the guard is longer, or in front", all(
        site.verify(target)[1]["verdict"] == "blocked"
        for target in (WORKLOAD, "2001:db8:231::10", "2001:db8:231:ffff::1")), site.routes())
    ce.ip("link set ipsec0 up", "link set ipsec1 up",
          "route del 2001:db8:230::/47 proto 77", "route del 2001:db8::/32 proto 77",
          "route del ::/0 proto 77")
    site.wait_up()


def overruled(site, what, prefix, target, metric):
    """One foreign route: overruled, left alone, and the overruling gone with it."""
    ce = site.ce.netns
    ce.ip("route add %s via %s dev er0 proto 77 metric %d" % (prefix, MSEE[0], metric))
    site.wait_foreign(prefix, True)
    took = site.wait_way(target, BOTH_TUNNELS, 10)
    status, document = site.verify(target)
    check("%s is overruled (%.0f ms)" % (what, took * 1000), status == 0 and
          document["route"]["ours"] and document["route"]["prefix"] == prefix, document)
    check("  and still there, theirs", " proto 77 " in site.routes(prefix), site.routes(prefix))
    ce.ip("route del %s proto 77" % prefix)
    netlab.wait_for("the end", lambda: not site.foreign() and not site.routes(prefix).strip(), 10,
                    step_s=0.02)
    check("  ours goes with it", True)


def check_overruled(site):
    ce = site.ce.netns
    site.reload(site.ce, CE % (" overrule-foreign", ""))
    overruled(site, "a more-specific with the usual metric", "2001:db8:231::/64",
              "2001:db8:231::10", 1024)
    overruled(site, "a host route", "2001:db8:231::10/128", "2001:db8:231::10", 1024)
    overruled(site, "one with a low metric", "2001:db8:231::/64", "2001:db8:231::10", 2)
    overruled(site, "one with our metric", "2001:db8:231::/64", "2001:db8:231::10", 20)
    overruled(site, "one just behind our metric", "2001:db8:231::/64", "2001:db8:231::10", 21)
    ce.ip("route add 2001:db8:231::/64 via %s dev er0 proto 77 metric 1" % MSEE[0])
    site.wait_foreign("2001:db8:231::/64", False)
    check("with the lowest metric there is it is reported, and the answer says so", "lowest" in
          site.foreign()[("2001:db8:231::/64", False)]["answer"], site.foreign())
    ce.ip("route del 2001:db8:231::/64 proto 77")
    site.wait_harmless()
    ce.ip("route add 2001:db8:231::/64 via %s dev er0 proto 77 metric 50" % MSEE[0],
          "route append 2001:db8:231::/64 via %s dev er1 proto 77 metric 50" % MSEE[1])
    site.wait_foreign("2001:db8:231::/64", True)
    site.wait_way("2001:db8:231::10", BOTH_TUNNELS, 10)
    check("one with two legs is overruled", True)
    ce.ip("route del 2001:db8:231::/64 via %s dev er0 proto 77" % MSEE[0])
    site.wait_way("2001:db8:231::10", BOTH_TUNNELS, 10)
    check("  and stays so when it loses one", "proto 77" in site.routes("2001:db8:231::/64"))
    ce.ip("link set ipsec0 down")
    site.wait_way("2001:db8:231::10", {"ipsec1"}, 10)
    ce.ip("link set ipsec1 down")
    netlab.wait_for("nowhere", lambda: site.verify("2001:db8:231::10")[1]["verdict"] == "blocked",
                    10, step_s=0.02)
    check("overruling follows the tunnels, and leads nowhere when they are dead", True)
    ce.ip("link set ipsec0 up", "link set ipsec1 up")
    site.wait_way("2001:db8:231::10", BOTH_TUNNELS, 60)
    site.ce.process.kill()
    check("SIGKILL leaves it standing", "proto 165" in site.routes("2001:db8:231::/64"),
          site.routes("2001:db8:231::/64"))
    site.ce.start()
    seen = set()
    netlab.wait_for("the way", lambda: seen.add(site.verify("2001:db8:231::10")[1]["verdict"]) or
                    ("2001:db8:231::/64", True) in site.foreign(), 60)
    check("a restart never lets it go", seen == {"protected"}, seen)
    site.wait_up()
    ce.ip("route del 2001:db8:231::/64 via %s dev er1 proto 77" % MSEE[1])
    netlab.wait_for("the end", lambda: not site.foreign() and
                    not site.routes("2001:db8:231::/64").strip(), 10, step_s=0.02)
    check("nothing of it is left", True)
    ce.ip("route add %s/128 dev ipsec1 proto 77 metric 5" % ENDPOINT[0])
    site.wait_foreign(ENDPOINT[0] + "/128", True)
    site.wait_way(ENDPOINT[0], BOTH_LINKS, 10)
    check("a captured endpoint goes back to its underlay", True)
    ce.ip("route del %s/128 dev ipsec1 proto 77" % ENDPOINT[0])
    site.wait_harmless()


def check_our_place(site):
    """Others write exactly where ours stand: IPv6 has one slot per prefix and metric, or merges."""
    ce = site.ce.netns
    ce.ip("route replace 2001:db8:231::/48 via %s dev er0 proto 77 metric 20" % MSEE[0])
    site.wait_foreign("2001:db8:231::/48", True)
    site.wait_way("2001:db8:231::10", BOTH_TUNNELS, 10)
    check("one put in the place of ours is overruled", "proto 77" in
          site.routes("2001:db8:231::/48"), site.routes("2001:db8:231::/48"))
    ce.ip("route del 2001:db8:231::/48 proto 77")
    site.wait_harmless()
    netlab.wait_for("ours", lambda: "proto 165 metric 20" in site.routes("2001:db8:231::/48"), 10)
    check("  ours is back when it goes", site.way("2001:db8:231::10") == BOTH_TUNNELS)
    ce.ip("route append 2001:db8:231::/48 via %s dev er0 proto 77 metric 20" % MSEE[0])
    site.wait_way("2001:db8:231::10", BOTH_TUNNELS, 10)
    check("one appended behind ours changes nothing", True, site.routes("2001:db8:231::/48"))
    ce.run(["ip", "-6", "route", "del", "2001:db8:231::/48", "proto", "77"])
    site.wait_harmless()
    ce.ip("route append %s/128 via fe80::99 dev ipsec1 proto 77 metric 20" % ENDPOINT[0])
    site.wait_way(ENDPOINT[0], BOTH_LINKS, 10)
    check("a leg that others put into a pin leaves it again", "ipsec1" not in
          site.routes(ENDPOINT[0]), site.routes(ENDPOINT[0]))
    site.wait_harmless()


def check_leaving(site):
    site.ce.process.kill()
    check("SIGKILL: guard and pins stay", GUARD in site.routes() and
          "nexthop" in site.routes(ENDPOINT[0]), site.routes())
    site.ce.start()
    site.wait_up()
    site.ce.process.signal(signal.SIGTERM)
    status = site.ce.process.popen.wait(20)
    left = site.routes()
    check("graceful stop: routes and pins go, the guard stays", status == 0 and GUARD in left and
          not site.routes(ENDPOINT[0]).strip() and "2001:db8:231::/48" not in left, left)


def body():
    if not socket.has_ipv6:
        raise netlab.LabMissing("no IPv6")
    site = Site()
    print("all routes after %.1f s" % site.start())
    check_pins(site)
    check_static_underlay(site)
    check_reported(site)
    check_less_specific(site)
    check_overruled(site)
    check_our_place(site)
    check_leaving(site)
    print("truth in IPv6: %d passed, %d failed" % (Result.passed, Result.failed))
    return 0 if Result.failed == 0 else 1


def main():
    try:
        return netlab.isolate(body, keep=os.environ.get("SEALANE_KEEP"))
    except netlab.LabMissing as reason:
        print("skip (%s)\ntruth in IPv6: 0 passed, 0 failed, 1 skipped" % reason)
        return 0


if __name__ == "__main__":
    sys.exit(main())
