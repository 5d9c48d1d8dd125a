"""The daemon on the CE: sealaned, or FRR or BIRD for comparison.

The two others get what a careful operator would give them today: static host
routes for the tunnel endpoints and the inner BGP peers, a preference for the
VPN, a blackhole of worst metric for the protected prefix, and Azure's own
recipe of announcements (the cover over ExpressRoute, more specifics over VPN).
"""

import json
import os
import re

import netlab
import peers

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = os.path.join(TOP, "examples", "vwan-ipsec-over-er.conf")
PEERS = ("172.16.0.2", "172.16.0.6", "10.51.230.12", "10.51.230.13")

BIRD = """
router id 192.168.255.1;
protocol device { scan time 1; }
protocol direct { ipv4; interface "lan", "lan2", "er1", "er2", "lo"; }
protocol kernel { merge paths on limit 8; graceful restart on; ipv4 { export filter {
  if source = RTS_DEVICE then reject;
  if proto = "announced" then reject;
  if proto = "guard" then krt_metric = 9999;
  accept; }; }; }
protocol static pins { ipv4;
  route 10.51.230.4/32 via 172.16.0.2 bfd via 172.16.0.6 bfd;
  route 10.51.230.5/32 via 172.16.0.2 bfd via 172.16.0.6 bfd; }
protocol static inner { ipv4;
  route 10.51.230.12/32 via "ipsec0";
  route 10.51.230.13/32 via "ipsec1"; }
protocol static guard { ipv4 { preference 1; }; route 10.51.230.0/23 blackhole; }
protocol static announced { ipv4 { preference 2; };
  route 10.1.0.0/16 unreachable; }
protocol bfd { interface "er1", "er2" { min rx interval 300 ms; min tx interval 300 ms; multiplier 3; }; }
template bgp er_side {
  local as 65001; hold time 180; connect delay time 1; connect retry time 1; error wait time 1, 2;
  check link on; bfd on;
  ipv4 { preference 90; import where net !~ [10.51.230.4/32, 10.51.230.5/32]; export where net = 10.1.0.0/16; };
}
template bgp vpn_side {
  local 192.168.255.1 as 65001; multihop 5; hold time 180;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 { preference 200; gateway recursive; import all; export where net = 10.1.1.0/24; };
}
protocol bgp m1 from er_side { local 172.16.0.1 as 65001; neighbor 172.16.0.2 as 12076; }
protocol bgp m2 from er_side { local 172.16.0.5 as 65001; neighbor 172.16.0.6 as 12076; }
protocol bgp g0 from vpn_side { neighbor 10.51.230.12 as 65515; }
protocol bgp g1 from vpn_side { neighbor 10.51.230.13 as 65515; }
"""

FRR = """
hostname ce
ip route 10.51.230.4/32 172.16.0.2
ip route 10.51.230.4/32 172.16.0.6
ip route 10.51.230.5/32 172.16.0.2
ip route 10.51.230.5/32 172.16.0.6
ip route 10.51.230.12/32 ipsec0
ip route 10.51.230.13/32 ipsec1
ip route 10.51.230.0/23 blackhole 250
bfd
 profile er
  detect-multiplier 3
  receive-interval 300
  transmit-interval 300
router bgp 65001
 bgp router-id 192.168.255.1
 no bgp ebgp-requires-policy
 no bgp network import-check
 bgp bestpath as-path multipath-relax
 timers bgp 60 180
 neighbor ER peer-group
 neighbor ER remote-as 12076
 neighbor ER timers connect 1
 neighbor ER bfd profile er
 neighbor VPN peer-group
 neighbor VPN remote-as 65515
 neighbor VPN update-source 192.168.255.1
 neighbor VPN ebgp-multihop 5
 neighbor VPN timers connect 1
 neighbor 172.16.0.2 peer-group ER
 neighbor 172.16.0.6 peer-group ER
 neighbor 10.51.230.12 peer-group VPN
 neighbor 10.51.230.13 peer-group VPN
 address-family ipv4 unicast
  network 10.1.0.0/16
  network 10.1.1.0/24
  neighbor VPN weight 200
  neighbor ER route-map COVER out
  neighbor VPN route-map SPECIFIC out
ip prefix-list COVER permit 10.1.0.0/16
ip prefix-list SPECIFIC permit 10.1.1.0/24
route-map COVER permit 10
 match ip address prefix-list COVER
route-map SPECIFIC permit 10
 match ip address prefix-list SPECIFIC
"""


def build_folder():
    return os.path.join(TOP, os.environ.get("SEALANE_BUILD", "build"))


class WithoutProbes:
    """Has nothing to say about its tunnels."""

    def wait_for_evidence(self, tunnel, text):
        pass

    def picture(self):
        return kernel_picture(self.netns)


class BirdCe(WithoutProbes, peers.Bird):
    title = "BIRD 2.0"

    def __init__(self, netns):
        super().__init__("ce", netns, BIRD)

    def sessions_up(self):
        return [peer for peer, name in zip(PEERS, ("m1", "m2", "g0", "g1"))
                if self.is_established(name)]


class FrrCe(WithoutProbes, peers.Frr):
    title = "FRR 8.4"

    def __init__(self, netns):
        super().__init__("ce", netns, FRR, ("zebra", "staticd", "bfdd", "bgpd"))

    def sessions_up(self):
        found = self.json("show bgp ipv4 unicast summary").get("peers", {})
        return [peer for peer in PEERS if found.get(peer, {}).get("state") == "Established"]


class SealaneCe:
    """sealaned with nothing but the example configuration."""

    title = "Sealane"

    @classmethod
    def missing(cls):
        for name in ("sealaned", "sealane"):
            if not os.access(os.path.join(build_folder(), name), os.X_OK):
                return "no %s in %s (run make)" % (name, os.path.relpath(build_folder(), TOP))
        return None

    def __init__(self, netns, config=EXAMPLE):
        self.netns = netns
        self.config = config
        self.socket = os.path.join(netlab.WORK, "sealane.sock")
        self.process = None

    def start(self):
        self.process = netlab.Process(
            "sealaned",
            [os.path.join(build_folder(), "sealaned"), "-f", self.config, "-s", self.socket],
            netns=self.netns,
        )
        netlab.wait_for("sealaned's control socket", lambda: os.path.exists(self.socket), 15,
                        0.02, watch=[self.process])
        return self

    def cli(self, command):
        status, text = netlab.run(
            [os.path.join(build_folder(), "sealane"), "-s", self.socket, "-c", command],
            check=False, timeout=10,
        )
        return text if status == 0 else "%% exit %d\n%s" % (status, text)

    def json(self, command):
        text = self.cli(command + " json")
        return json.loads(text[text.index("{"):])

    def sessions_up(self):
        document = self.json("show bgp summary")
        found = (document.get("ipv4Unicast") or document).get("peers", {})
        return [peer for peer in PEERS if found.get(peer, {}).get("state") == "Established"]

    def wait_for_evidence(self, tunnel, text):
        """Until the probe through the tunnel says so."""
        def is_told():
            found = self.json("show tunnels %s" % tunnel)["tunnels"][tunnel]["liveness"]
            return text in found["probe"].get("detail", "")
        netlab.wait_for("a probe of %s that says %s" % (tunnel, text), is_told, 20, 0.1)

    def picture(self):
        """What it and its kernel believe, for whoever has to find out why a row did not end."""
        commands = ("show tunnels", "show bgp summary", "show protection")
        return "\n".join([self.cli(command).strip() for command in commands]
                         + [kernel_picture(self.netns)])

    def stop(self):
        if self.process:
            self.process.stop(10)

    def kill(self):
        if self.process:
            self.process.kill()


KINDS = {"sealane": SealaneCe, "bird": BirdCe, "frr": FrrCe}


def kernel_picture(netns):
    return "\n".join(netns.run(["ip", kind], check=False)[1].strip()
                     for kind in ("route", "nexthop"))


def _object_devices(netns, number):
    found = json.loads(netns.run(["ip", "-j", "nexthop", "get", "id", str(number)])[1])[0]
    if "group" not in found:
        return {found.get("dev")}
    weights = [member.get("weight", 1) for member in found["group"]]
    is_beside_standby = found.get("type") == "resilient" and weights[0] == 128
    return set().union(*(_object_devices(netns, member["id"])
                         for member, weight in zip(found["group"], weights)
                         if weight != 1 or not is_beside_standby))


def kernel_devices(netns, prefix):
    """The devices over which the kernel's route for exactly this prefix goes."""
    devices = set()
    for route in json.loads(netns.run(["ip", "-j", "route", "show", "exact", prefix])[1] or "[]"):
        legs = route.get("nexthops", [route])
        devices.update(leg["dev"] for leg in legs if "dev" in leg)
        if "nhid" in route and not any("dev" in leg for leg in legs):
            devices |= _object_devices(netns, route["nhid"])
    return devices


def kernel_next_hops(netns, target, source="10.1.1.10"):
    """(devices the kernel would use for target, the route's own text)."""
    text = netns.run(["ip", "route", "show", "match", target], check=False)[1]
    lines = netns.run(
        ["ip", "route", "get", target, "from", source, "iif", "lan"], check=False)[1]
    found = re.search(r"\bdev (\S+)", lines)
    return (found.group(1) if found else None), text.strip()
