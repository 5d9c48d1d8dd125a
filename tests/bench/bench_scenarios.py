"""The scenarios: each runs one daemon once and returns its figures, times in seconds.

A scenario's result has "times", a dictionary of what is measured (the empty key when it is one
thing), and the figures of bench_run; "note" says what else was seen."""
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Callable

from bench_daemons import CHANGED_ASN, Plan
from bench_run import Run, ip


@dataclass
class Scenario:
    name: str
    plan: Plan
    prefixes: int
    measure: Callable  # (kind, scenario) -> result
    words: str = ""    # of bgp_load's scenario
    senders: int = 1
    is_compared_bare: bool = False

    def run(self, kind):
        return self.measure(kind, self)

    def load_options(self):
        return {"prefixes": self.prefixes, "senders": self.senders,
                "receivers": self.plan.peers - self.senders, "scenario": self.words or "load"}


def table_load(kind, scenario):
    with Run(kind, scenario.plan) as run:
        load = run.load(**scenario.load_options())
        load.line()
        result = load.line()
        seconds = result["load_s"]
        if scenario.words:
            result = load.line()
            seconds = result["second_s"]
        return {"times": {"": seconds}, "note": "%d UPDATEs out" % result["updates_received"],
                **run.figures()}


def latency(kind, scenario, rate=0):
    with Run(kind, scenario.plan) as run:
        load = run.load(rate=rate, **scenario.load_options())
        load.line()
        result = load.line()
        if rate and result["rate"] < rate * 0.9:
            raise RuntimeError("the load sent %d updates a second only" % result["rate"])
        return {"times": {"p50": result["p50_s"], "p99": result["p99_s"]},
                "note": "worst %.1f ms" % (result["max_s"] * 1000), **run.figures()}


def busy_latency(kind, scenario):
    return latency(kind, scenario, rate=10000)


def into_kernel(kind, scenario):
    with Run(kind, scenario.plan) as run:
        watch = run.kernel_watch(scenario.prefixes, 0, samples=4096)
        load = run.load(best="first", **scenario.load_options())
        start = load.line()["start_s"]
        reached = watch.line()["now_s"]
        watch.line()
        return {"times": {"": reached - start},
                "note": "%.0f ms after the daemon's start" % ((reached - run.started_s) * 1000),
                **run.figures()}


def fault(kind, scenario, netns, command, **options):
    """The best way leaves by link 1; command, to `ip` in a namespace of the run, ends it. Timed until
    packets leave by link 0."""
    with Run(kind, scenario.plan) as run:
        load = run.load(best="first", **options, **scenario.load_options())
        load.line()
        load.line()
        first = run.kernel_watch(scenario.prefixes, 1, every_us=5000)
        first.line()
        first.line()
        run.wait_until_quiet()
        before = run.daemon.cpu_s()
        watch = run.kernel_watch(scenario.prefixes, 0)
        switch = subprocess.Popen(["ip", "-n", getattr(run.namespaces, netns), "-batch", "-"],
                                  stdin=subprocess.PIPE, text=True)
        time.sleep(0.1)  # The program is up by then; a late one only makes the result worse.
        died = time.monotonic()
        switch.stdin.write(command + "\n")
        switch.stdin.close()
        moved = watch.line()["now_s"]
        watch.line()
        switch.wait()
        figures = run.figures()
        figures["cpu_s"] -= before
        return {"times": {"": moved - died}, **figures}


def next_hop_dies(kind, scenario):
    return fault(kind, scenario, "dut", "route del 10.77.0.0/24 via 10.10.0.2",
                 next_hop="10.77.0.1")


def carrier_lost(kind, scenario):
    return fault(kind, scenario, "load", "link set l1 down", first="10.9.0.1",
                 apart="10.10.0.2")


def policy_rerun(kind, scenario):
    """The import policy changes over the whole table; meanwhile somebody looks at the summary."""
    with Run(kind, scenario.plan) as run:
        load = run.load(hold=6, extra_asn=CHANGED_ASN, **scenario.load_options())
        load.line()
        load.line()
        run.wait_until_quiet()
        before = run.daemon.cpu_s()
        slowest, ended = [0.0], threading.Event()

        def look():
            while not ended.is_set():
                start = time.monotonic()
                subprocess.run(run.daemon.show_command(), check=True, stdout=subprocess.DEVNULL)
                slowest[0] = max(slowest[0], time.monotonic() - start)
                ended.wait(0.02)

        looker = threading.Thread(target=look)
        looker.start()
        start = time.monotonic()
        run.daemon.change_policy()
        result = load.line()
        ended.set()
        looker.join()
        figures = run.figures()
        figures["cpu_s"] -= before
        return {"times": {"": result["now_s"] - start, "slowest `show`": slowest[0]},
                "note": "longest silence of a session with keepalives every 2 s: %.1f s"
                        % result["silence_s"], **figures}


def all_scenarios(prefixes):
    """The suite, cheap ones first; prefixes is the size of the big table."""
    small = min(prefixes, 4000)
    text = format(prefixes, ",")
    kernel = {"kernel": True}
    rows = [
        Scenario("one prefix through the daemon, idle", Plan(3), small, latency, "latency", 2),
        Scenario("one prefix through the daemon, 10,000 updates/s", Plan(3), small, busy_latency,
                 "latency", 2),
        Scenario("%s prefixes from four peers into the kernel" % format(small, ","),
                 Plan(4, **kernel), small, into_kernel, senders=4),
        Scenario("%s prefixes into the kernel" % text, Plan(1, **kernel), prefixes, into_kernel,
                 is_compared_bare=True),
    ]
    for count in (1000, 10000, 100000, 1000000):
        if count <= prefixes:
            rows.append(Scenario("a next hop dies under %s routes" % format(count, ","),
                                 Plan(2, recursive=True, **kernel), count, next_hop_dies,
                                 senders=2))
    for count in (4000, 1000000):
        if count <= prefixes:
            rows.append(Scenario("the only best link loses its carrier under %s routes"
                                 % format(count, ","), Plan(2, apart=True, **kernel), count,
                                 carrier_lost, senders=2))
    rows += [
        Scenario("one peer in, one out", Plan(2), prefixes, table_load),
        Scenario("two peers in, one out", Plan(3), prefixes, table_load, senders=2),
        Scenario("ten peers in, one out", Plan(11), prefixes, table_load, senders=10),
        Scenario("one peer in, ten out", Plan(11), prefixes, table_load),
        Scenario("best peer withdraws", Plan(3), prefixes, table_load, "withdraw", 2),
        Scenario("best peer's session dies", Plan(3), prefixes, table_load, "reset", 2),
        Scenario("import policy changes over %s routes" % text, Plan(2, policy="before"), prefixes,
                 policy_rerun, "policy"),
    ]
    return rows
