"""The faults of the lab, one row of its table each, with what Sealane owes.

A row injects its fault, waits until traffic is whole again (or looks for a
while where nothing can heal it), then repairs. Limits are the longest loss of
the worst stream; what is not limited is shown all the same. No row of any
daemon may show a packet of a protected network in the clear; only Sealane is
held to it.
"""

import time

import ce
import meter
import netlab


class Row:
    """A fault, its repair, and how long each direction may be interrupted.

    prepare runs before anything is measured.
    """

    def __init__(self, name, inject, repair=None, out_ms=None, back_ms=None, heal_s=30.0,
                 heals=True, is_short=False, repair_out_ms=None, prepare=None):
        self.name = name
        self.inject = inject
        self.repair = repair or (lambda: None)
        self.out_ms = out_ms
        self.back_ms = back_ms
        self.repair_out_ms = repair_out_ms
        self.heal_s = heal_s
        self.heals = heals
        self.is_short = is_short
        self.prepare = prepare

    def run(self, trial):
        if self.prepare:
            self.prepare()
        trial.look_where_traffic_is()
        if self.heals:
            hit = trial.strike(self.inject, self.heal_s)
        else:
            hit = trial.watch(self.inject, 5.0)
        again, took = trial.repair(self.repair, 120)
        result = outcome(self.name, hit, again, took)
        result["misses"] = self.misses(hit, again)
        result["owed"] = self.owed()
        result["never"] = "over %d s" % self.heal_s if self.heals else "blocked"
        return result

    def owed(self):
        """The longest loss toward Azure, as the table shows it."""
        if not self.heals:
            return "blocked"
        return "-" if self.out_ms is None else "%d ms" % self.out_ms

    def misses(self, hit, again):
        """The limits that did not hold, in words."""
        found = []
        if self.heals:
            found += over("to Azure", hit.out, self.out_ms)
            found += over("from Azure", hit.back, self.back_ms)
        elif not hit.out["open"] or not hit.back["open"]:
            found.append("traffic found a way that should not be there")
        found += over("to Azure at the repair", again.out, self.repair_out_ms)
        return found


def over(direction, summary, limit_ms):
    """One lost packet of a stream that sends every 5 ms may have been no time at all: so much is
    granted, except where no packet may be lost."""
    if summary["open"]:
        return ["%s: never whole again" % direction]
    granted_ms = meter.INTERVAL_MS + 1 if limit_ms else 0
    if limit_ms is not None and summary["outage_ms"] > limit_ms + granted_ms:
        return ["%s: %.0f ms, at most %d" % (direction, summary["outage_ms"], limit_ms)]
    return []


def outcome(name, hit, again, took_s):
    return {
        "fault": name, "out": hit.out, "back": hit.back, "leaked": hit.leaked + again.leaked,
        "samples": (hit.samples + again.samples)[:3], "missed": hit.missed + again.missed,
        "repair_s": round(took_s, 1), "misses": [],
    }


def start(trial):
    """From nothing to full strength: lines come up before tunnels, and nothing may leak."""
    begin = time.monotonic()
    trial.start_daemon()
    trial.wait_full_strength(60)
    seen = trial.result()
    nothing = {"out": seen.out, "back": seen.back, "leaked": 0, "samples": [], "missed": 0}
    result = outcome("start from nothing", seen, type("Result", (), nothing),
                     time.monotonic() - begin)
    result["is_start"] = True
    return result


def rows(trial):
    """In their order; a fault of one line or tunnel hits the one that is in use."""
    lab = trial.azure

    def line(action, *arguments):
        return lambda: action(trial.busy_line, *arguments)

    def tunnel(action, *arguments):
        return lambda: action(trial.busy_tunnel, *arguments)

    return [
        Row("a line loses carrier", line(lab.set_er_carrier, False), line(lab.set_er_carrier, True),
            out_ms=5, is_short=True),
        Row("a line goes silent", line(lab.set_er_silent, True), line(lab.set_er_silent, False),
            out_ms=950, repair_out_ms=0, heal_s=45),
        Row("MSEE 1's daemon is killed", lab.peers["m1"].kill, lab.peers["m1"].start, out_ms=0),
        Row("MSEE 1's daemon stops", lab.peers["m1"].stop, lab.peers["m1"].start, out_ms=0),
        Row("a gateway deletes its SA", tunnel(lambda n: lab.gateway_ends[n].terminate()),
            out_ms=50, heal_s=20, is_short=True),
        Row("a gateway vanishes, silently", tunnel(lab.set_gateway_silent, True),
            tunnel(lab.set_gateway_silent, False), out_ms=1000, heal_s=45),
        Row("a gateway without echo vanishes", tunnel(lab.set_gateway_silent, True),
            tunnel(lambda n: (lab.set_gateway_silent(n, False), lab.drop_echo(False))),
            out_ms=2500, heal_s=45, prepare=lambda: drop_echo(trial)),
        Row("a gateway crashes", tunnel(lab.kill_gateway), tunnel(lab.revive_gateway),
            out_ms=1000, heal_s=45),
        Row("a tunnel's device vanishes", tunnel(trial.kill_tunnels),
            tunnel(lambda n: lab.restart_tunnels([n])), out_ms=5, is_short=True),
        Row("both tunnels' devices vanish", lambda: trial.kill_tunnels(0, 1),
            lambda: lab.restart_tunnels([0, 1]), heals=False, is_short=True),
        Row("both gateways delete their SAs", lambda: lab.block_ike(True),
            lambda: lab.block_ike(False), heals=False),
        Row("both gateways vanish, silently", lambda: silence_gateways(lab, True),
            lambda: silence_gateways(lab, False), heals=False),
        Row("killed, restarted at once", lambda: (trial.daemon.kill(), trial.daemon.start()),
            out_ms=0, back_ms=0),
        Row("killed, restarted after 8 s", lambda: kill_and_wait(trial), out_ms=0, back_ms=0),
        Row("restarted over stale routes, gateways gone", lambda: restart_without_gateways(trial),
            lambda: silence_gateways(lab, False), heals=False),
        Row("stops, starts again", lambda: (trial.daemon.stop(), trial.daemon.start()),
            heal_s=40),
    ]


def silence_gateways(lab, silent):
    for index in range(2):
        lab.set_gateway_silent(index, silent)


def drop_echo(trial):
    """The gateways drop echo from now on, and the daemon has seen that their TCP goes on."""
    trial.azure.drop_echo(True)
    for name in ("ipsec0", "ipsec1"):
        trial.daemon.wait_for_evidence(name, "acknowledges TCP")
    trial.wait_full_strength(30)


def kill_and_wait(trial):
    trial.daemon.kill()
    time.sleep(8)  # the row's own condition, not a wait for something
    trial.daemon.start()


def restart_without_gateways(trial):
    trial.daemon.kill()
    silence_gateways(trial.azure, True)
    trial.daemon.start()


def configuration_lines(path=ce.EXAMPLE):
    with open(path, encoding="utf-8") as file:
        return sum(1 for line in file if line.strip() and line.strip()[0] not in "!#")


def chosen(trial, only, is_short):
    return [row for row in rows(trial)
            if (not only or only in row.name) and (not is_short or row.is_short)]


def run_all(trial, tell, only=None, is_short=False, done=0):
    """Tells the result of each row after the first `done`; false after one that did not end: where
    it left the lab, the next would prove nothing."""
    parts = [("start from nothing", start)]
    parts += [(row.name, row.run) for row in chosen(trial, only, is_short)[done:]]
    for name, run in parts:
        try:
            tell(run(trial))
        except netlab.LabError as error:
            tell({"fault": name, "error": str(error), "picture": trial.daemon.picture()})
            return False
    return True
