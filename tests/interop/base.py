"""What every interop case uses: its outcomes, its namespaces, its patience."""

import threading

import netlab

PATIENCE_S = 40.0


class Skip(Exception):
    """This case cannot run here; the text says why."""


class Failed(Exception):
    """A claim of the case did not hold."""


def check(claim, text):
    if not claim:
        raise Failed(text)


class Wire:
    """The daemon's namespace in the middle, the other daemon and the feed beside it."""

    _count = 0
    _lock = threading.Lock()

    def __init__(self):
        with Wire._lock:
            Wire._count += 1
            number = Wire._count
        self.dut = netlab.Netns("d%d" % number)
        self.peer = netlab.Netns("p%d" % number)
        self.feed = netlab.Netns("f%d" % number)
        for netns in (self.dut, self.peer, self.feed):
            netns.sysctl("net.ipv6.conf.default.accept_dad", 0)
        netlab.veth(self.dut, "eth0", self.peer, "eth0")
        netlab.veth(self.dut, "eth1", self.feed, "eth0")
        self.dut.ip("addr add 10.99.0.1/24 dev eth0", "addr add fd99::1/64 dev eth0 nodad",
                    "addr add 10.98.0.1/24 dev eth1", "addr add fd98::1/64 dev eth1 nodad")
        self.feed.ip("addr add 10.98.0.3/24 dev eth0", "addr add fd98::3/64 dev eth0 nodad")
        self.peer.ip(*["addr add 10.99.0.%d/24 dev eth0" % host for host in (2, 3, 4)],
                     *["addr add fd99::%d/64 dev eth0 nodad" % host for host in (2, 3, 4)])

        # FRR sends no IPv6 route before it has seen a link-local address.
        for netns in (self.dut, self.peer, self.feed):
            netlab.wait_for("a link-local address", lambda n=netns: "inet6 fe80" in n.ip(
                "addr show dev eth0"), 10, 0.02)

    def remove(self):
        for netns in (self.dut, self.peer, self.feed):
            netns.remove()


def wait_listening(netns, port=179):
    """Some daemons try once and then pause for minutes: let the listener stand first."""
    netlab.wait_for("a listener on port %d" % port, lambda: is_listening(netns, port),
                    PATIENCE_S, 0.05)


def is_listening(netns, port):
    for name in ("tcp", "tcp6"):
        with netns.entered(), open("/proc/thread-self/net/" + name, encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words[3] == "0A" and int(words[1].rsplit(":", 1)[1], 16) == port:
                    return True
    return False
