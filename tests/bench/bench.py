#!/usr/bin/env python3
"""Sealane beside other daemons on the same made-up table, in namespaces of its own.

  make bench                       sealane and bird, three runs each
  bench.py --prefixes 100000 --runs 1 --only sealane

Prints a table and, with --write, puts it into docs/benchmarks.md.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("SEALANE_BUILD", "build"))
LOAD = os.path.join(BUILD, "bench", "bgp_load")
SCENARIOS = [
    # name, senders, receivers, scenario of bgp_load
    ("one peer in, one out", 1, 1, "load"),
    ("two peers in, one out", 2, 1, "load"),
    ("ten peers in, one out", 10, 1, "load"),
    ("one peer in, ten out", 1, 10, "load"),
    ("best peer withdraws", 2, 1, "withdraw"),
    ("best peer's session dies", 2, 1, "reset"),
]


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Namespaces:
    """The daemon's namespace and the peers', joined by one veth pair."""

    def __init__(self):
        self.tag = "slb%d" % os.getpid()
        self.dut = self.tag + "d"
        self.load = self.tag + "l"

    def __enter__(self):
        run("ip", "netns", "add", self.dut)
        run("ip", "netns", "add", self.load)
        run("ip", "link", "add", "d0", "netns", self.dut, "type", "veth",
            "peer", "name", "l0", "netns", self.load)
        for name, device, address in ((self.dut, "d0", "10.9.0.1/24"), (self.load, "l0", None)):
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "link", "set", device, "up")
            if address:
                run("ip", "-n", name, "addr", "add", address, "dev", device)
        for host in range(2, 40):
            run("ip", "-n", self.load, "addr", "add", "10.9.0.%d/24" % host, "dev", "l0")
        return self

    def __exit__(self, *_):
        for name in (self.dut, self.load):
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


def sealane_config(peers):
    lines = ["log stdout warnings", "router bgp 65001", " bgp router-id 10.9.0.1",
             " no bgp ebgp-requires-policy"]
    for i in range(peers):
        lines += [" neighbor 10.9.0.%d remote-as %d" % (2 + i, 64601 + i),
                  " neighbor 10.9.0.%d passive" % (2 + i)]
    return "\n".join(lines) + "\n"


def bird_config(peers):
    text = "log stderr { warning, error, fatal };\nrouter id 10.9.0.1;\nprotocol device { }\n"
    for i in range(peers):
        text += ("protocol bgp p%d { local 10.9.0.1 as 65001; neighbor 10.9.0.%d as %d; passive on;"
                 " ipv4 { import all; export all; }; }\n" % (i, 2 + i, 64601 + i))
    return text


def daemon_command(kind, folder, peers):
    config = os.path.join(folder, kind + ".conf")
    with open(config, "w") as f:
        f.write(sealane_config(peers) if kind == "sealane" else bird_config(peers))
    if kind == "sealane":
        return [os.path.join(BUILD, "sealaned"), "-n", "-f", config, "-s", folder + "/s.sock"]
    return ["bird", "-f", "-c", config, "-s", folder + "/b.ctl", "-P", folder + "/b.pid"]


def memory_mb(pid, field):
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


def cpu_s(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def one_run(kind, senders, receivers, scenario, prefixes):
    with tempfile.TemporaryDirectory() as folder, Namespaces() as ns:
        command = daemon_command(kind, folder, senders + receivers)
        daemon = subprocess.Popen(["ip", "netns", "exec", ns.dut] + command)
        load = None
        try:
            load = subprocess.Popen(
                ["ip", "netns", "exec", ns.load, LOAD, "--senders", str(senders), "--receivers",
                 str(receivers), "--prefixes", str(prefixes), "--scenario", scenario],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            line = load.stdout.readline()
            if not line:
                raise RuntimeError("%s: the load did not complete" % kind)
            result = json.loads(line)
            result["cpu_s"] = cpu_s(daemon.pid)
            result["peak_mb"] = memory_mb(daemon.pid, "VmHWM")
            time.sleep(0.5)
            result["settled_mb"] = memory_mb(daemon.pid, "VmRSS")
            load.stdin.close()
            load.wait(10)
            return result
        finally:
            for process in (load, daemon):
                if process and process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                    try:
                        process.wait(10)
                    except subprocess.TimeoutExpired:
                        process.kill()
                        process.wait()


def measure(kind, row, options):
    _, senders, receivers, scenario = row
    results = [one_run(kind, senders, receivers, scenario, options.prefixes)
               for _ in range(options.runs)]
    key = "load_s" if scenario == "load" else "second_s"
    return {
        "seconds": statistics.median(r[key] for r in results),
        "cpu_s": statistics.median(r["cpu_s"] for r in results),
        "peak_mb": statistics.median(r["peak_mb"] for r in results),
        "settled_mb": statistics.median(r["settled_mb"] for r in results),
        "updates": results[0]["updates_received"],
    }


def table(rows, kinds, options):
    out = ["| scenario (%s prefixes) | daemon | seconds | CPU s | settled MB | peak MB | UPDATEs out"
           " | time to BIRD | memory to BIRD |" % format(options.prefixes, ","),
           "|---|---|---:|---:|---:|---:|---:|---:|---:|"]
    for name, results in rows:
        base = results.get("bird")
        for kind in kinds:
            r = results.get(kind)
            if r is None:
                continue
            ratios = ("-", "-") if base is None else (
                "%.2fx" % (r["seconds"] / base["seconds"]),
                "%.2fx" % (r["settled_mb"] / base["settled_mb"]))
            out.append("| %s | %s | %.2f | %.2f | %.0f | %.0f | %d | %s | %s |" % (
                name, kind, r["seconds"], r["cpu_s"], r["settled_mb"], r["peak_mb"], r["updates"],
                *ratios))
    return "\n".join(out)


def write_document(text, options):
    path = os.path.join(ROOT, "docs", "benchmarks.md")
    start, end = "<!-- table -->", "<!-- end of table -->"
    with open(path) as f:
        content = f.read()
    head, rest = content.split(start, 1)
    tail = rest.split(end, 1)[1]
    with open(path, "w") as f:
        f.write("%s%s\n%d runs each, medians.\n\n%s\n%s%s" % (
            head, start, options.runs, text, end, tail))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefixes", type=int, default=1000000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", help="sealane or bird")
    parser.add_argument("--scenario", help="a word of the scenario's name")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: needs root for network namespaces")
    kinds = [options.only] if options.only else ["sealane", "bird"]
    if "bird" in kinds and shutil.which("bird") is None:
        sys.exit("bench: bird is not installed (apt-get install bird2)")
    rows = []
    for row in SCENARIOS:
        if options.scenario and options.scenario not in row[0]:
            continue
        results = {kind: measure(kind, row, options) for kind in kinds}
        rows.append((row[0], results))
        print(table(rows[-1:], kinds, options).split("\n", 2)[2], flush=True)
    text = table(rows, kinds, options)
    print("\n" + text)
    if options.write:
        write_document(text, options)


if __name__ == "__main__":
    main()
