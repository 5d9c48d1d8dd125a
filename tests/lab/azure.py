"""The far end and the wires: two ExpressRoute links, two VPN gateways, a hub.

    lan 10.1.1.10 --+              er1 172.16.0.0/30     +-- m1 MSEE AS 12076 --+
                    +-- ce 65001 ---- provider bridges --+                      +- hub -- vm 10.51.231.10
    lan2 10.1.2.10 -+              er2 172.16.0.4/30     +-- m2 MSEE AS 12076 --+   |
                     | ipsec0 === ESP in UDP over ER ======= g0 10.51.230.4  AS 65515  BGP 10.51.230.12
                     | ipsec1 ============================== g1 10.51.230.5  AS 65515  BGP 10.51.230.13

m1 and g0 are FRR, m2, g1 and the hub are BIRD. The hub chooses Azure's return
path from what the CE announces: longest prefix, then ExpressRoute over VPN,
then ECMP. The tunnels' outer addresses lie inside the hub prefix that both
sides announce, so the recursion trap of IPsec over ExpressRoute is real.
"""

import os

import ipsec
import netlab
import peers

ENDPOINT = "10.1.255.1"
LOOPBACK = "192.168.255.1"
PROTECTED = "10.51.230.0/23"
NETWORKS = ("10.51.230.0/24", "10.51.231.0/24")
INSIDE = ["10.1.1.0/24", LOOPBACK + "/32"]
GATEWAYS = ("10.51.230.4", "10.51.230.5")
GATEWAY_BGP = ("10.51.230.12", "10.51.230.13")
MSEES = ("172.16.0.2", "172.16.0.6")
LAN_HOSTS = ["10.1.1.10", "10.1.1.11"]
VM_HOSTS = ["10.51.231.10", "10.51.231.11"]
WORKLOADS = ["10.51.230.100", "10.51.230.101"]
LAN2_HOST = "10.1.2.10"

MSEE_FRR = """
hostname m1
ip route 10.51.230.0/23 100.64.1.2
bfd
 profile er
  detect-multiplier 3
  receive-interval 300
  transmit-interval 300
router bgp 12076
 bgp router-id 172.16.0.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 timers bgp 60 180
 neighbor 172.16.0.1 remote-as 65001
 neighbor 172.16.0.1 timers connect 1
 neighbor 172.16.0.1 bfd profile er
 neighbor 100.64.1.2 remote-as 65515
 neighbor 100.64.1.2 timers connect 1
 address-family ipv4 unicast
  network 10.51.230.0/24
  network 10.51.231.0/24
  neighbor 172.16.0.1 route-map OWN out
  neighbor 100.64.1.2 route-map CUSTOMER out
ip prefix-list AZURE permit 10.51.230.0/23 le 24
route-map OWN permit 10
 match ip address prefix-list AZURE
route-map CUSTOMER deny 10
 match ip address prefix-list AZURE
route-map CUSTOMER permit 20
"""

MSEE_BIRD = """
router id 172.16.0.6;
protocol device { scan time 2; }
protocol kernel { ipv4 { export where source != RTS_STATIC || net = 10.51.230.0/23; }; }
protocol direct { ipv4; interface "ce", "hub"; }
protocol static toward_hub { ipv4; route 10.51.230.0/23 via 100.64.2.2; }
protocol static own { ipv4; route 10.51.230.0/24 unreachable; route 10.51.231.0/24 unreachable; }
protocol bfd { interface "ce" { min rx interval 300 ms; min tx interval 300 ms; multiplier 3; }; }
protocol bgp ce {
  local 172.16.0.6 as 12076;
  neighbor 172.16.0.5 as 65001;
  hold time 180; connect delay time 1; connect retry time 1; error wait time 1, 2;
  check link on; bfd on;
  ipv4 { import all; export where proto = "own"; next hop self; };
}
protocol bgp hub {
  local 100.64.2.1 as 12076;
  neighbor 100.64.2.2 as 65515;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 { import none; export where proto = "ce"; next hop self; };
}
"""

HUB_BIRD = """
router id 10.51.230.1;
protocol device { scan time 2; }
protocol direct { ipv4; }
protocol kernel { merge paths on limit 8; ipv4 { export where source = RTS_BGP; }; }
# Longest prefix decides first by itself; for equal prefixes ExpressRoute wins.
# A neighbour that is gone is gone within 3 s, and nothing is kept of it: inside
# Azure the platform sees to that.
template bgp msee {
  local as 65515;
  hold time 3; graceful restart off;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  check link on;
  ipv4 {
    import filter { if net ~ [10.51.0.0/16+] then reject; bgp_local_pref = 200; accept; };
    export none;
  };
}
template bgp vpn_gateway {
  local 10.51.230.1 as 65515;
  hold time 3; graceful restart off;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 {
    import filter { if net ~ [10.51.0.0/16+] then reject; bgp_local_pref = 100; accept; };
    export none;
  };
}
protocol bgp m1 from msee { neighbor 100.64.1.1 as 12076; }
protocol bgp m2 from msee { neighbor 100.64.2.1 as 12076; }
protocol bgp g0 from vpn_gateway { neighbor 10.51.230.4 as 65515; }
protocol bgp g1 from vpn_gateway { neighbor 10.51.230.5 as 65515; }
"""

GATEWAY_FRR = """
hostname g0
router bgp 65515
 bgp router-id 10.51.230.12
 no bgp ebgp-requires-policy
 no bgp network import-check
 timers bgp 60 180
 neighbor 192.168.255.1 remote-as 65001
 neighbor 192.168.255.1 update-source 10.51.230.12
 neighbor 192.168.255.1 ebgp-multihop 5
 neighbor 192.168.255.1 timers connect 1
 neighbor 10.51.230.1 remote-as 65515
 neighbor 10.51.230.1 timers connect 1
 address-family ipv4 unicast
  network 10.51.230.0/24
  network 10.51.231.0/24
  neighbor 10.51.230.1 next-hop-self
"""

GATEWAY_BIRD = """
router id 10.51.230.13;
protocol device { scan time 2; }
protocol kernel { learn yes; ipv4 { import where net = 192.168.255.1/32; export where source = RTS_BGP; }; }
protocol static own { ipv4; route 10.51.230.0/24 unreachable; route 10.51.231.0/24 unreachable; }
protocol bgp ce {
  local 10.51.230.13 as 65515;
  neighbor 192.168.255.1 as 65001;
  multihop 5;
  hold time 180; connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; export where proto = "own"; gateway recursive; };
}
protocol bgp hub {
  local 10.51.230.5 as 65515;
  neighbor 10.51.230.1 as 65515;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 { import none; export where proto = "ce"; next hop self; };
}
"""

CE_ADDRESSES = (
    "addr add 10.1.255.1/32 dev lo",
    "addr add 192.168.255.1/32 dev lo",
    "addr add 172.16.0.1/30 dev er1",
    "addr add 172.16.0.5/30 dev er2",
    "addr add 10.1.1.1/24 dev lan",
    "addr add 10.1.2.1/24 dev lan2",
)


def missing():
    """The reason why this lab cannot run here, or None."""
    return (netlab.missing_for_isolation() or ipsec.missing() or peers.Frr.missing()
            or peers.Bird.missing())


class Azure:
    """Everything except the daemon on the CE."""

    def __init__(self):
        self._make_namespaces()
        self._cable()
        self._address()
        self.peers = {}
        self.tunnels = []
        self.gateway_ends = []

    # --- wires

    def _make_namespaces(self):
        routers = ("ce", "m1", "m2", "hub", "g0", "g1")
        for name in routers:
            setattr(self, name, netlab.Netns(name, forwarding=True))
        for name in ("lan", "lan2", "prov", "vm"):
            setattr(self, name, netlab.Netns(name))

    def _cable(self):
        for number, msee in ((1, self.m1), (2, self.m2)):
            er = "er%d" % number
            netlab.bridge(self.prov, er)
            netlab.veth(self.ce, er, self.prov, er + "-ce")
            netlab.veth(msee, "ce", self.prov, er + "-msee")
            self.prov.ip("link set %s-ce master %s" % (er, er),
                         "link set %s-msee master %s" % (er, er))
        netlab.veth(self.ce, "lan", self.lan, "eth0")
        netlab.veth(self.ce, "lan2", self.lan2, "eth0")
        netlab.veth(self.m1, "hub", self.hub, "m1")
        netlab.veth(self.m2, "hub", self.hub, "m2")
        netlab.bridge(self.hub, "vnet")
        for name, netns in (("g0", self.g0), ("g1", self.g1), ("work", self.vm)):
            netlab.veth(self.hub, name, netns, "hub")
            self.hub.ip("link set %s master vnet" % name)
        netlab.veth(self.hub, "spoke", self.vm, "eth0")

    def _address(self):
        self.ce.ip(*CE_ADDRESSES)
        self.lan.ip(*["addr add %s/24 dev eth0" % host for host in LAN_HOSTS],
                    "route add default via 10.1.1.1")
        self.lan2.ip("addr add %s/24 dev eth0" % LAN2_HOST, "route add default via 10.1.2.1")
        self.m1.ip("addr add 172.16.0.2/30 dev ce", "addr add 100.64.1.1/30 dev hub")
        self.m2.ip("addr add 172.16.0.6/30 dev ce", "addr add 100.64.2.1/30 dev hub")
        self.hub.ip("addr add 100.64.1.2/30 dev m1", "addr add 100.64.2.2/30 dev m2",
                    "addr add 10.51.230.1/24 dev vnet", "addr add 10.51.231.1/24 dev spoke")
        self.vm.ip(*["addr add %s/24 dev eth0" % host for host in VM_HOSTS],
                   *["addr add %s/24 dev hub" % host for host in WORKLOADS],
                   "route add default via 10.51.231.1")
        for index, netns in enumerate((self.g0, self.g1)):
            netns.ip("addr add %s/24 dev hub" % GATEWAYS[index],
                     "addr add %s/32 dev lo" % GATEWAY_BGP[index],
                     "route add default via 10.51.230.1")

    # --- daemons

    def start_far_end(self):
        """MSEEs, hub, gateways and the gateways' tunnel ends."""
        self._start_gateway_tunnels()
        self.peers["hub"] = peers.Bird("hub", self.hub, HUB_BIRD).start()
        self.peers["m2"] = peers.Bird("m2", self.m2, MSEE_BIRD).start()
        self.peers["g1"] = peers.Bird("g1", self.g1, GATEWAY_BIRD).start()
        self.peers["m1"] = peers.Frr(
            "m1", self.m1, MSEE_FRR, ("zebra", "staticd", "bfdd", "bgpd")).start()
        self.peers["g0"] = peers.Frr("g0", self.g0, GATEWAY_FRR).start()
        netlab.wait_for("hub to hear m1, m2, g0 and g1", self._hub_is_ready, 30)

    def _hub_is_ready(self):
        return all(self.peers["hub"].is_established(name) for name in ("m1", "m2", "g0", "g1"))

    def _start_gateway_tunnels(self):
        # A gateway that loses a tunnel drops the BGP session that ran in it, as
        # one does whose tunnel is an interface.
        reset = (
            "vtysh --vty_socket %s/frr/g0/vty -c 'clear bgp 192.168.255.1' >/dev/null 2>&1"
            % netlab.WORK,
            "birdc -s %s/bird/g1/ctl restart ce >/dev/null 2>&1" % netlab.WORK,
        )
        for index, netns in enumerate((self.g0, self.g1)):
            tunnel = ipsec.Tunnel(
                "g%d" % index, netns, "ipsec0", GATEWAYS[index], ENDPOINT,
                GATEWAYS[index], "ce%d" % index,
                on_up="ip route replace 192.168.255.1/32 dev ipsec0",
                on_down="ip route del 192.168.255.1/32 dev ipsec0",
                on_lost=reset[index],
            )
            tunnel.spawn()
            self.gateway_ends.append(tunnel)
        for tunnel in self.gateway_ends:
            tunnel.wait_device()
            tunnel.load()

    def start_ce_tunnels(self):
        """The CE's two charons; libipsec names their devices ipsec0, ipsec1 in
        the order they start. Their SAs come up once routes to the gateways exist."""
        for index in range(2):
            self.tunnels.append(ipsec.Tunnel(
                "ce%d" % index, self.ce, "ipsec%d" % index, ENDPOINT, GATEWAYS[index],
                "ce%d" % index, GATEWAYS[index], initiates=True, second=index == 1,
            ))
        for tunnel in self.tunnels:
            tunnel.start()
            # Where a daemon looks for the charon of a tunnel that has one of its own.
            os.symlink(tunnel.folder + "/vici", "/run/charon.%s.vici" % tunnel.device)

    def restart_tunnels(self, indexes):
        """Brings killed charons of the CE back, in the order of their devices."""
        for index in sorted(indexes):
            self.tunnels[index].start()

    # --- faults

    def kill_gateway(self, index):
        """A gateway instance crashes: its IPsec and its BGP are gone at once."""
        self.gateway_ends[index].kill()
        self.peers["g%d" % index].kill()

    def revive_gateway(self, index):
        self.gateway_ends[index].start()
        self.peers["g%d" % index].start()

    def set_gateway_silent(self, index, silent):
        """A gateway instance is gone without a word: nothing reaches it, nobody is told."""
        netlab.run(["bridge", "link", "set", "dev", "g%d" % index, "state",
                    "0" if silent else "3"], netns="hub")

    def block_ike(self, blocked):
        """The gateways delete their SAs and take no new ones, as at the end of a contract."""
        for tunnel in self.gateway_ends:
            if blocked:
                tunnel.unload()
                tunnel.terminate()
            else:
                tunnel.load()
        for tunnel in self.tunnels if not blocked else ():
            tunnel.initiate()  # one that was refused does not try again by itself

    def drop_echo(self, dropped):
        """What many gateways do; their BGP goes on."""
        for netns in (self.g0, self.g1):
            netns.sysctl("net.ipv4.icmp_echo_ignore_all", int(dropped))

    def set_er_carrier(self, number, up):
        """Both ends of an ExpressRoute link lose or regain light together."""
        state = "up" if up else "down"
        self.prov.ip("link set er%d-ce %s" % (number, state),
                     "link set er%d-msee %s" % (number, state))

    def set_er_silent(self, number, silent):
        """The provider drops everything; carrier stays."""
        state = 0 if silent else 3
        netlab.run(["bridge", "link", "set", "dev", "er%d-msee" % number, "state", str(state)],
                   netns="prov")

    # --- what the far end believes

    def hub_route(self, target):
        """How Azure would answer: the kernel route lines of the hub for a CE address."""
        return self.hub.run(["ip", "route", "get", target], check=False)[1].strip()

    def hub_prefixes(self):
        """{prefix: set of the neighbours it was heard from} at the hub."""
        table = {}
        prefix = None
        for line in self.peers["hub"].cli("show route").splitlines():
            words = line.split()
            if not words or words[0].startswith(("BIRD", "Table")):
                continue
            if "/" in words[0] and words[0][0].isdigit():
                prefix = words[0]
            if "[" in line and prefix:
                table.setdefault(prefix, set()).add(line.split("[", 1)[1].split()[0])
        return table

    # --- measuring

    def flows(self):
        """Streams between the protected LAN and both Azure networks, and lan2."""
        flows = []
        for name, targets in (("vm", VM_HOSTS), ("work", WORKLOADS)):
            for host in LAN_HOSTS:
                for target in targets:
                    flows.append({"name": "%s>%s" % (host, target), "group": "out",
                                  "from": "lan", "source": host, "to": "vm", "target": target})
        for host in LAN_HOSTS:
            for target in VM_HOSTS:
                for _ in range(2):
                    flows.append({"name": "%s>%s" % (target, host), "group": "in",
                                  "from": "vm", "source": target, "to": "lan", "target": host})
        flows.append({"name": "lan2>vm", "group": "lan2-out", "from": "lan2",
                      "source": LAN2_HOST, "to": "vm", "target": VM_HOSTS[0]})
        flows.append({"name": "vm>lan2", "group": "lan2-in", "from": "vm",
                      "source": VM_HOSTS[0], "to": "lan2", "target": LAN2_HOST})
        return flows

    def sniff(self):
        return [{"name": "er%d" % n, "netns": "prov", "link": "er%d-ce" % n} for n in (1, 2)]

    def rules(self):
        return {"protected": [PROTECTED], "inside": INSIDE,
                "endpoints": [[ENDPOINT, gateway] for gateway in GATEWAYS]}
