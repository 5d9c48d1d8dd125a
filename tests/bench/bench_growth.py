"""Growth: time and memory by number of prefixes and by number of peers. The shape must be linear:
the last column is the time per prefix, or per path, against the first row's."""
from bench_daemons import Plan
from bench_document import seconds_text
from bench_scenarios import Scenario, table_load

PEER_TABLE = 1000  # prefixes of every peer when the peers are many


def line(kind, count, paths, result, base):
    seconds = result["times"][""]
    each = seconds / paths
    return "| %s | %s | %s | %.2f | %.0f | %.2f µs | %.2fx |" % (
        format(count, ","), kind, seconds_text(seconds), result["cpu_s"], result["settled_mb"],
        each * 1e6, each / (base or each)), base or each


def rows(kinds, counts, make):
    out = []
    for kind in kinds:
        base = None
        for count in counts:
            scenario, paths = make(count)
            text, base = line(kind, count, paths, scenario.run(kind), base)
            print(text, flush=True)
            out.append(text)
    return out


def growth(kinds, prefixes):
    counts = [count for count in (10000, 100000, 1000000, 4000000) if count <= prefixes]
    head = "| %s | daemon | time | CPU s | settled MB | each | to the first |\n|---:|---|---:|---:|---:|---:|---:|"
    text = ["One peer in, one out:", "", head % "prefixes"]
    text += rows(kinds, counts, lambda count: (
        Scenario("", Plan(2), count, table_load), count))
    text += ["", "Many peers in, each with the same %d prefixes and its own paths, one out:"
             % PEER_TABLE, "", head % "peers"]
    text += rows(kinds, (1, 10, 100, 1000), lambda count: (
        Scenario("", Plan(count + 1), PEER_TABLE, table_load, senders=count),
        count * PEER_TABLE))
    return "\n".join(text)
