"""The tables of docs/benchmarks.md."""
import os
import sys

from bench_daemons import ROOT

sys.path.append(os.path.join(ROOT, "tests"))

import marked  # noqa: E402

PAGE = "benchmarks.md"

RUNS = 3  # what the page says; a line of another number of runs says so itself
HEAD = ["| scenario | daemon | time | to BIRD | CPU s | settled MB | peak MB | memory to BIRD | |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|"]


def seconds_text(seconds):
    return "%.2f s" % seconds if seconds >= 1 else "%.*f ms" % (
        0 if seconds >= 0.1 else 1 if seconds >= 0.01 else 2 if seconds >= 0.001 else 3,
        seconds * 1000)


def ratio_text(value, base):
    return "-" if not base else "%.2fx" % (value / base)


def lines_of(name, results, runs):
    """The lines of one scenario."""
    out = []
    bird = results.get("bird")
    bare = results.get("bare netlink")
    for kind, result in results.items():
        for key, seconds in result["times"].items():
            note = result.get("note", "")
            if runs != RUNS:
                note = "; ".join(filter(None, (note, "runs: %d" % runs)))
            if bare and result is not bare:
                note = "%s of the bare sender; %s" % (
                    ratio_text(seconds, bare["times"][""]), note)
            base = bird["times"].get(key) if bird else None
            figures = "- | - | - | -" if "cpu_s" not in result else "%.2f | %.0f | %.0f | %s" % (
                result["cpu_s"], result["settled_mb"], result["peak_mb"],
                ratio_text(result["settled_mb"], bird and bird["settled_mb"]))
            out.append("| %s | %s | %s | %s | %s | %s |" % (
                name + (": " + key if key else ""), kind, seconds_text(seconds),
                ratio_text(seconds, base), figures, note))
    return out


def table(lines):
    return "\n".join(HEAD + lines)


def write(section, text):
    marked.write(PAGE, section, text)


def write_scenarios(section, measured, names):
    """Replaces the lines of the measured scenarios and keeps those of the others that exist."""
    lines = []
    old = [line for line in marked.read(PAGE, section).splitlines() if line.startswith("| ")]
    for name in names:
        lines += measured.get(name) or [
            line for line in old if line[2:].split(" | ")[0].split(": ")[0] == name]
    write(section, table(lines))
