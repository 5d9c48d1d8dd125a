"""One lab with a CE daemon in it, and faults whose effect is measured.

A trial injects a fault, waits until traffic has found its way again, reports
the loss of each direction and the packets seen in the clear, then repairs and
waits for full strength. Used by the demo and by the comparison of daemons.
"""

import time

import azure
import ce
import meter
import netlab

SESSIONS = 4
QUIET_MS = 900  # without a loss for so long counts as whole


class Result:
    """What one window of the meter saw."""

    def __init__(self, report):
        self.out = meter.summary(report, "out")
        self.back = meter.summary(report, "in")
        self.leaked, self.samples = meter.leaks(report)
        self.open_back = meter.link_counts(report, "back_open")
        self.tunnelled = sum(meter.link_counts(report, kind) for kind in ("tunnel_out", "tunnel_in"))
        self.missed = meter.missed(report)
        self.window_ms = report["window_ms"]


class Trial:
    """The lab, its meter and the daemon under test."""

    def __init__(self, make_daemon):
        self.azure = azure.Azure()
        self.daemon = None
        self.make_daemon = make_daemon
        self.meter = None
        self.busy_line = 1
        self.busy_tunnel = 0

    # --- start

    def start_far_end(self):
        self.azure.start_far_end()
        self.azure.start_ce_tunnels()
        self.meter = meter.Meter(self.azure.flows(), self.azure.sniff(), self.azure.rules())
        self.meter.mark()

    def start_daemon(self):
        self.daemon = self.make_daemon(self.azure.ce)
        self.daemon.start()

    def wait_full_strength(self, timeout_s=45):
        """All sessions, both tunnels and both directions; gives the seconds it took."""
        start = time.monotonic()
        left = lambda: max(1.0, timeout_s - (time.monotonic() - start))  # noqa: E731
        parts = (
            ("four BGP sessions", self.all_sessions_up),
            ("both tunnels", self.both_tunnels_up),
            ("both tunnels and both lines in the CE's kernel", self.kernel_uses_everything),
            ("routes from both lines and both gateways at the hub", self.hub_has_returned),
        )
        while True:
            for what, claim in parts:
                netlab.wait_for(what, claim, left(), 0.05)
            self.wait_traffic(left())
            # A session that stood at first may have fallen meanwhile: all at once counts.
            if all(claim() for _what, claim in parts):
                return time.monotonic() - start
            if time.monotonic() - start > timeout_s:
                raise netlab.LabError("not at full strength after %.0f s" % timeout_s)

    def all_sessions_up(self):
        return len(self.daemon.sessions_up()) == SESSIONS

    def both_tunnels_up(self):
        return all(tunnel.is_up() for tunnel in self.azure.tunnels)

    def kernel_uses_everything(self):
        """Azure's networks go into both tunnels, the tunnels' outer ends over both lines."""
        routes = [(prefix, {"ipsec0", "ipsec1"}) for prefix in azure.NETWORKS]
        routes += [(gateway + "/32", {"er1", "er2"}) for gateway in azure.GATEWAYS]
        return all(ce.kernel_devices(self.azure.ce, prefix) == devices
                   for prefix, devices in routes)

    def hub_has_returned(self):
        """Azure hears the protected network from both gateways and ER from both MSEEs."""
        heard = self.azure.hub_prefixes()
        sources = set().union(*heard.values()) if heard else set()
        return heard.get("10.1.1.0/24", set()) >= {"g0", "g1"} and sources >= {"m1", "m2"}

    def wait_traffic(self, timeout_s, groups=("out", "in")):
        for group in groups:
            netlab.wait_for(
                "traffic without loss (%s)" % group,
                lambda g=group: self.meter.quiet(g, QUIET_MS), timeout_s, 0.05)

    def result(self):
        return Result(self.meter.report())

    # --- one fault

    def strike(self, inject, heal_s=15.0, groups=("out", "in")):
        """Injects and waits until traffic is whole again; gives a Result.

        Loss that does not end within heal_s stays open in the result.
        """
        self.meter.mark()
        inject()
        # Quiet is judged over a past: none of it may lie before the fault.
        time.sleep((QUIET_MS + meter.SETTLE_MS) / 1000)
        try:
            self.wait_traffic(heal_s, groups)
        except netlab.LabError:
            pass
        return self.result()

    def watch(self, inject, span_s):
        """Injects a fault that nothing can heal, and looks for span_s."""
        self.meter.mark()
        inject()
        time.sleep(span_s)
        return self.result()

    def repair(self, action, timeout_s=45):
        """Undoes a fault; gives (Result of the repair, seconds to full strength)."""
        self.meter.mark()
        action()
        took = self.wait_full_strength(timeout_s)
        return self.result(), took

    # --- where the traffic is: a fault beside it would prove nothing

    def look_where_traffic_is(self):
        """Sets busy_line, the number of the line that carries most of what the CE sends into
        its tunnels, and busy_tunnel, the index of the tunnel that takes most of it."""
        self.meter.mark()
        before = self._tunnel_packets()
        time.sleep(0.6)
        grown = [after - was for after, was in zip(self._tunnel_packets(), before)]
        lines = [link["counts"].get("tunnel_out", 0) for link in self.meter.report()["links"]]
        self.busy_tunnel = grown.index(max(grown))
        self.busy_line = 1 + lines.index(max(lines))

    def _tunnel_packets(self):
        files = ["/sys/class/net/%s/statistics/tx_packets" % tunnel.device
                 for tunnel in self.azure.tunnels]
        return [int(count) for count in self.azure.ce.run(["cat", *files])[1].split()]

    # --- the faults

    def kill_tunnels(self, *indexes):
        for index in indexes:
            self.azure.tunnels[index].kill()

    def restart_daemon(self):
        self.daemon.start()
