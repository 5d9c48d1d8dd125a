#!/usr/bin/env python3
"""The demo: traffic to Azure stays inside IPsec, whatever breaks.

Exit status 0 only if every claim held; 77 when this machine cannot run it.
"""

import argparse
import os
import sys
import textwrap
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import azure  # noqa: E402
import ce  # noqa: E402
import faults  # noqa: E402
import netlab  # noqa: E402

WIDTH = 80
PICTURE = """\
  company                       two leased lines                     Azure
  +---------------+      er1, er2: private, not encrypted     +-------------+
  | LAN  10.1.1.x |   +-------------------------------------+ | Microsoft's |
  | LAN2 10.1.2.x +---+ CE router                           +-+ edge, hub,  |
  +---------------+   | (sealaned)   ipsec0, ipsec1:        | | VM          |
                      |            encrypted, inside er1/2  | | 10.51.231.x |
                      +-------------------------------------+ +-------------+"""


class Story:
    """Prints the narration and keeps the score of the claims."""

    def __init__(self):
        self.start = time.monotonic()
        self.held = 0
        self.broken = []
        self.chapters = 0

    def title(self, text):
        print("\n%s\n%s" % (text, "=" * len(text)), flush=True)

    def chapter(self, text):
        self.chapters += 1
        stamp = "%.0f s" % (time.monotonic() - self.start)
        head = "%d. %s" % (self.chapters, text)
        print("\n%s%s\n%s" % (head, stamp.rjust(WIDTH - len(head)), "-" * WIDTH), flush=True)

    def say(self, text):
        for line in textwrap.wrap(" ".join(text.split()), WIDTH):
            print(line)
        sys.stdout.flush()

    def show(self, command, output, lines_max=40):
        print("\n    $ " + command)
        lines = output.rstrip().splitlines()
        while lines and not lines[0].strip():
            lines.pop(0)
        for line in lines[:lines_max]:
            line = line.rstrip().expandtabs()
            room = WIDTH - 4
            print("    " + (line if len(line) <= room else line[: room - 1] + ">") if line else "")
        if len(lines) > lines_max:
            print("    (%d more lines)" % (len(lines) - lines_max))
        print(flush=True)

    def claim(self, text, is_true, figure=""):
        mark = "  ok    " if is_true else "  FAIL  "
        figure = str(figure)
        dots = "." * max(2, WIDTH - len(mark) - len(text) - len(figure) - 2)
        print("%s%s %s %s" % (mark, text, dots, figure), flush=True)
        if is_true:
            self.held += 1
        else:
            self.broken.append(text)
        return is_true


def milliseconds(summary):
    if summary["open"]:
        return "not healed"
    return "%.0f ms" % summary["outage_ms"]


class Demo:
    def __init__(self, kind):
        self.kind = kind
        self.story = Story()
        self.trial = faults.Trial(ce.KINDS[kind])

    # --- chapters

    def run(self):
        self.intro()
        self.far_end()
        self.first_minute()
        self.heard_twice()
        self.one_tunnel()
        self.one_line()
        self.both_tunnels()
        return self.score()

    def intro(self):
        story = self.story
        story.title("Sealane: traffic to Azure stays inside IPsec")
        print(PICTURE)
        print()
        story.say("""Routers tell each other by BGP which addresses they can reach. Azure
            tells this company's router about the same addresses twice: once over the leased
            lines, in the clear, and once through two IPsec tunnels that run inside those lines.
            Both offers look equally good to an ordinary router. This demo shows that the
            encrypted one is always used, what happens when things break, and that nothing
            ever leaves in the clear.""")
        print()
        story.say("""All of it runs in network namespaces that vanish at the end: real IPsec
            (strongSwan), real BGP daemons at the far end (FRR and BIRD), real packets, 100 a
            second in each of 18 streams.""")

    def far_end(self):
        story = self.story
        story.chapter("The far end and the tunnels' software start")
        self.trial.start_far_end()
        story.claim("two Microsoft edge routers, two VPN gateways, one hub are up", True, "5")

    def first_minute(self):
        story = self.story
        title = ce.KINDS[self.kind].title
        story.chapter("%s starts on the company's router" % title)
        if self.kind == "sealane":
            story.say("Its whole configuration:")
            with open(ce.EXAMPLE, encoding="utf-8") as file:
                story.show("cat examples/vwan-ipsec-over-er.conf", file.read())
        begin = time.monotonic()
        self.trial.start_daemon()
        netlab.wait_for("four BGP sessions", self.trial.all_sessions_up, 30)
        story.claim("four BGP sessions are established", True, "%.1f s" % (time.monotonic() - begin))
        self.trial.wait_full_strength(30)
        story.claim("packets flow both ways, protected", True, "%.1f s" % (time.monotonic() - begin))
        start = self.trial.result()
        self.no_leak(start, "in the clear since before the start, protected networks")
        status, text = self.trial.azure.lan.run(
            ["ping", "-c", "3", "-i", "0.2", "-W", "1", "10.51.231.10"], check=False)
        round_trip = text.rsplit("/", 3)
        story.claim("the VM in Azure answers the company's host", status == 0,
                    "%s ms" % round_trip[-3] if len(round_trip) > 3 else "")
        self.pins()

    def pins(self):
        """Which device the kernel takes for the VM and for the tunnels' outer ends."""
        device, _text = ce.kernel_next_hops(self.trial.azure.ce, "10.51.231.10")
        self.story.claim("kernel's way to the VM is a tunnel",
                         str(device).startswith("ipsec"), device)
        outer, _text = ce.kernel_next_hops(self.trial.azure.ce, "10.51.230.4")
        self.story.claim("kernel's way to the tunnel's own far end is a leased line",
                         str(outer).startswith("er"), outer)

    def heard_twice(self):
        story = self.story
        daemon = self.trial.daemon
        story.chapter("The same addresses, heard twice")
        if self.kind == "sealane":
            story.say("""10.51.230.0/24 and 10.51.231.0/24 come from AS 12076 (the lines) and from
                AS 65515 (the tunnels). The mark > is the choice:""")
            story.show("sealane -c 'show bgp ipv4 unicast'", daemon.cli("show bgp ipv4 unicast"))
            story.say("What the kernel was given:")
            story.show("sealane -c 'show ip route'", daemon.cli("show ip route"))
            story.show("sealane -c 'show tunnels'", daemon.cli("show tunnels"))
            story.show("sealane -c 'show protection'", daemon.cli("show protection"))
            self.twice()
        elif self.kind == "bird":
            story.show("birdc show route", daemon.cli("show route"))
        else:
            story.show("vtysh -c 'show bgp ipv4 unicast'", daemon.cli("show bgp ipv4 unicast"))
        self.return_path()

    def twice(self):
        table = self.trial.daemon.json("show bgp ipv4 unicast").get("routes", {})
        for prefix in ("10.51.230.0/24", "10.51.231.0/24"):
            paths = table.get(prefix, [])
            self.story.claim("%s is known over all four sessions" % prefix,
                             len(paths) == 4, "%d paths" % len(paths))
            best = [path for path in paths if is_best(path)]
            over = best[0].get("path", "") if best else "none"
            self.story.claim("the best one came through a tunnel", str(over) == "65515", "AS " + str(over))

    def return_path(self):
        story = self.story
        heard = self.trial.azure.hub_prefixes()
        over_er = sorted(prefix for prefix, sources in heard.items() if sources & {"m1", "m2"})
        exposed = [prefix for prefix in over_er if covers(prefix, "10.1.1.10")]
        story.say("""Azure chooses the way back by what this router announces. The LAN 10.1.1.0/24
            is announced through the tunnels only, and nothing that contains it over the lines.
            LAN2 10.1.2.0/24 is not declared protected: its packets to Azure are encrypted, its
            answers come back in the clear, as configured. That also proves that the sniffers on
            the lines see what is there to see.""")
        story.claim("routes over the lines that would expose the LAN", not exposed,
                    " ".join(exposed) or "0 of %d" % len(over_er))
        self.trial.meter.mark()
        time.sleep(1.0)
        seen = self.trial.result()
        story.claim("LAN2's answers seen in the clear (expected)", seen.open_back > 0,
                    "%d packets" % seen.open_back)
        self.no_leak(seen)

    def one_tunnel(self):
        story = self.story
        story.chapter("Fault: one tunnel dies")
        pid = self.trial.azure.tunnels[0].process.pid
        story.say("""The IPsec process of ipsec0 (pid %d) is killed. Its device vanishes; the far
            gateway is not told and finds out by its own keepalives.""" % pid)
        hit = self.trial.strike(lambda: self.trial.kill_tunnels(0))
        self.toward_azure(hit)
        story.claim("from Azure: back when Azure's gateway has noticed, under 10 s",
                    not hit.back["open"] and hit.back["outage_ms"] < 10000, milliseconds(hit.back))
        self.no_leak(hit)
        self.repaired("the tunnel", lambda: self.trial.azure.restart_tunnels([0]))

    def one_line(self):
        story = self.story
        story.chapter("Fault: one leased line is cut")
        story.say("""er1 loses its light at both ends. Both tunnels ran over both lines, so both
            must move to er2; the sessions inside them stay up.""")
        hit = self.trial.strike(lambda: self.trial.azure.set_er_carrier(1, False))
        self.toward_azure(hit)
        story.claim("from Azure: interrupted under 5 s",
                    not hit.back["open"] and hit.back["outage_ms"] < 5000, milliseconds(hit.back))
        self.no_leak(hit)
        self.repaired("the line", lambda: self.trial.azure.set_er_carrier(1, True))

    def both_tunnels(self):
        story = self.story
        story.chapter("Fault: both tunnels die")
        story.say("""Now no encrypted way is left, while both lines still offer the same addresses
            in the clear. The protected traffic must stop.""")
        hit = self.trial.watch(lambda: self.trial.kill_tunnels(0, 1), 4.0)
        story.claim("traffic stopped", hit.out["open"] and hit.back["open"],
                    "%d packets held back" % (hit.out["lost"] + hit.back["lost"]))
        self.no_leak(hit)
        self.repaired("both tunnels", lambda: self.trial.azure.restart_tunnels([0, 1]))

    # --- claims made in several chapters

    def toward_azure(self, hit):
        out = hit.out
        self.story.claim("toward Azure: %d of %d streams hit, longest loss under 1 s"
                         % (out["hit"], out["flows"]),
                         not out["open"] and out["outage_ms"] < 1000, milliseconds(out))

    def no_leak(self, result, text="packets of protected networks in the clear, both ways"):
        self.story.claim(text, result.leaked == 0 and result.missed == 0,
                         "%d of %d" % (result.leaked, result.leaked + result.tunnelled))
        for sample in result.samples[:3]:
            print("          seen: " + sample)
        if result.missed:
            print("          the sniffers missed %d packets" % result.missed)

    def repaired(self, what, action):
        back, took = self.trial.repair(action)
        self.story.claim("%s repaired: back at full strength" % what, True, "%.1f s" % took)
        self.no_leak(back, "packets in the clear meanwhile")

    def score(self):
        story = self.story
        total = story.held + len(story.broken)
        print("\n%s\n%d of %d claims held, %.0f seconds." % (
            "=" * WIDTH, story.held, total, time.monotonic() - story.start))
        for text in story.broken:
            print("  broken: " + text)
        return 1 if story.broken else 0


def is_best(path):
    best = path.get("bestpath")
    return bool(best.get("overall")) if isinstance(best, dict) else bool(best)


def covers(prefix, address):
    import ipaddress

    return ipaddress.ip_address(address) in ipaddress.ip_network(prefix)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ce", choices=sorted(ce.KINDS), default="sealane",
                        help="the daemon on the CE (default: sealane)")
    parser.add_argument("--keep", metavar="FOLDER", help="on failure, copy all logs there")
    options = parser.parse_args()
    reason = azure.missing() or ce.KINDS[options.ce].missing()
    if reason:
        print("demo: cannot run here: %s" % reason, file=sys.stderr)
        return 77
    try:
        return netlab.isolate(lambda: Demo(options.ce).run(), keep=options.keep)
    except netlab.LabMissing as error:
        print("demo: cannot run here: %s" % error, file=sys.stderr)
        return 77


if __name__ == "__main__":
    sys.exit(main())
