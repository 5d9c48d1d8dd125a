#!/usr/bin/env python3
"""The daemon and the shell as a person meets them: options, mistakes, reload, stop, crash, restart.

Two routers, each a sealaned, joined by one cable, in namespaces of their own.
Prints one line per promise and `N passed, N failed, N skipped` at the end.
"""

import json
import os
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "lab"))

import netlab  # noqa: E402

BUILD = os.path.join(TOP, os.environ.get("SEALANE_BUILD", "build"))
SEALANED = os.path.join(BUILD, "sealaned")
SEALANE = os.path.join(BUILD, "sealane")
SECRET = "Invented7Secret"

A_CONF = """hostname a
router bgp 65001
 bgp router-id 10.0.0.1
 no bgp ebgp-requires-policy
 neighbor 10.0.0.2 remote-as 65002
 neighbor 10.0.0.2 password %s
 neighbor 10.0.0.2 timers connect 1
 network 192.0.2.0/24
""" % SECRET

B_CONF = """hostname b
protect 203.0.113.0/24 require ipsec
ip route 198.51.100.0/24 blackhole
router bgp 65002
 bgp router-id 10.0.0.2
 no bgp ebgp-requires-policy
 neighbor 10.0.0.1 remote-as 65001
 neighbor 10.0.0.1 password %s
 neighbor 10.0.0.1 timers connect 1
 redistribute static
""" % SECRET


class Result:
    passed = 0
    failed = 0


def check(promise, holds, detail=""):
    print("%-5s %s" % ("ok" if holds else "FAIL", promise))
    if holds:
        Result.passed += 1
    else:
        Result.failed += 1
        if detail:
            print("      " + str(detail).strip().replace("\n", "\n      "))


def sealaned(*arguments, netns=None, prefix=()):
    argv = list(prefix) + [SEALANED] + list(arguments)
    if netns:
        argv = ["ip", "netns", "exec", netns] + argv
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


def conf(name, text):
    return netlab.write(os.path.join(netlab.WORK, name), text)


class Router:
    def __init__(self, name, config):
        self.netns = netlab.Netns(name)
        self.path = conf(name + ".conf", config)
        self.socket = os.path.join(netlab.WORK, name + ".sock")
        self.process = None

    def start(self):
        self.process = netlab.Process("sealaned-" + self.netns.name,
                                      [SEALANED, "-f", self.path, "-s", self.socket],
                                      netns=self.netns)
        netlab.wait_for("socket of " + self.netns.name, lambda: os.path.exists(self.socket), 15,
                        watch=[self.process])

    def shell(self, *commands, prefix=()):
        argv = list(prefix) + [SEALANE, "-s", self.socket]
        for command in commands:
            argv += ["-c", command]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
        return done.returncode, done.stdout + done.stderr

    def json(self, command):
        status, text = self.shell(command + " json")
        if status != 0:
            raise netlab.LabError(text)
        return json.loads(text)

    def peer(self, addr):
        return self.json("show bgp summary")["ipv4Unicast"]["peers"][addr]

    def is_up(self, addr):
        return self.peer(addr)["state"] == "Established"

    def prefixes(self):
        return set(self.json("show bgp ipv4 unicast").get("routes", {}))

    def kernel(self):
        return self.netns.run(["ip", "route", "show", "proto", "165"])[1]


def check_options():
    status, out, _ = sealaned("--version")
    check("--version prints the version", status == 0 and out.startswith("sealaned "), out)
    status, out, _ = sealaned("--help")
    check("--help prints the usage", status == 0 and "usage: sealaned" in out, out)
    status, _, err = sealaned("-z")
    check("a wrong option ends with 2 and the usage", status == 2 and "usage" in err, err)
    status, _, err = sealaned("extra")
    check("an argument nobody asked for is named", status == 2 and '"extra"' in err, err)
    status, _, err = sealaned("-C", "-f", "/nonexistent/x.conf")
    check("a missing file is named", status == 1 and "/nonexistent/x.conf" in err, err)
    status, _, err = sealaned("-C", "-f", netlab.WORK)
    check("a folder is no configuration", status == 1 and "directory" in err, err)


def check_bad_configs():
    cases = [
        ("an unknown line", "router bgp 65001\n nieghbor 10.0.0.1 remote-as 1\n", ":2:", "neighbor"),
        ("an AS out of range", "router bgp 4294967296\n", ":1:", "4294967296"),
        ("a bad address", "router bgp 65001\n neighbor 10.0.0.300 remote-as 1\n", ":2:",
         "10.0.0.300"),
        ("host bits", "protect 10.51.230.1/23 require ipsec\n", ":1:", "10.51.230.1/23"),
        ("an AS Azure reserves", "router bgp 65515\n neighbor 172.16.0.2 azure-role msee\n", "",
         "65515"),
        ("a regexp that is none", "bgp as-path access-list X permit ^(1\n", "", "^(1"),
        ("a tunnel nobody defined",
         "router bgp 65001\n neighbor 10.51.230.12 azure-role vwan-hub tunnel nowhere\n", "",
         "nowhere"),
    ]
    for what, text, place, value in cases:
        path = conf("bad.conf", text)
        status, _, err = sealaned("-C", "-f", path)
        check("%s is refused with place and value" % what,
              status == 1 and place in err and value in err and "error" in err, err)
    path = conf("bad.json", '{"sealane-bgp:bgp": {"global": {"as": "many"}}}')
    status, _, err = sealaned("-C", "-f", path)
    check("JSON of the wrong type is refused with its path", status == 1 and "as" in err, err)
    path = conf("bad.json", '{"sealane-bgp:bgp": ')
    status, _, err = sealaned("-C", "-f", path)
    check("broken JSON is refused", status == 1 and err.strip() != "", err)
    path = conf("empty.conf", "")
    status, out, err = sealaned("-C", "-f", path)
    check("an empty configuration is valid", status == 0 and "valid" in out, err)


def check_resources(a):
    status, _, err = sealaned("-f", a.path, "-s", a.socket, netns=a.netns.name)
    check("a second daemon on the same socket is refused", status == 1 and a.socket in err, err)
    status, _, err = sealaned("-f", a.path, "-s", a.socket + "2", netns=a.netns.name)
    check("an occupied port is said in one line",
          status == 1 and "port 179" in err.strip().split("\n")[-1], err)
    plain = conf("plain.sock", "no socket")
    status, _, err = sealaned("-f", a.path, "-s", plain, netns=a.netns.name)
    check("a plain file is not taken for a socket", status == 1 and "no socket" in err, err)
    check("and is still there", os.path.exists(plain))


def check_shell(a):
    status, text = a.shell("show bgp summary")
    check("show bgp summary", status == 0 and "10.0.0.2" in text, text)
    status, text = a.shell("sh bg su")
    check("abbreviations work", status == 0 and "10.0.0.2" in text, text)
    status, text = a.shell("show nonsense")
    check("an unknown command ends with 1 and a caret", status == 1 and "^" in text, text)
    status, text = a.shell("show bgp neighbors 10.9.9.9")
    check("an unknown neighbor is said", status == 1 and "10.9.9.9" in text, text)
    done = subprocess.run([SEALANE, "-s", "/nonexistent.sock", "-c", "show version"],
                          capture_output=True, text=True, timeout=10, check=False)
    check("no daemon: 2 and the next step", done.returncode == 2 and "/nonexistent.sock" in
          done.stdout + done.stderr, done.stdout + done.stderr)
    for command in ("show bgp ipv4 unicast", "show bgp ipv6 unicast", "show bgp neighbors",
                    "show bgp neighbors 10.0.0.2", "show ip route", "show ipv6 route",
                    "show tunnels", "show protection", "show running-config", "show version",
                    "show bgp ipv4 unicast neighbors 10.0.0.2 advertised-routes",
                    "show bgp ipv4 unicast neighbors 10.0.0.2 received-routes",
                    "show bgp ipv4 unicast neighbors 10.0.0.2 routes",
                    "show bgp ipv4 unicast 198.51.100.0/24"):
        status, text = a.shell(command)
        check(command, status == 0 and text.strip() != "", text)
        wide = [line for line in text.split("\n") if len(line) > 100]
        check("  fits a terminal", not wide, "\n".join(wide[:3]))
        try:
            document = a.json(command)
        except (ValueError, netlab.LabError) as error:
            check("  json", False, error)
            continue
        check("  json is an object with a schema",
              isinstance(document, dict) and ("schema" in document or "running" in command),
              str(document)[:200])


def check_secrets(a):
    status, text = a.shell("show running-config", prefix=["setpriv", "--reuid", "65534",
                                                          "--clear-groups"])
    check("nobody may not even open the socket", status == 2 or SECRET not in text, text)
    with open(a.process.log_path, encoding="utf-8", errors="replace") as log:
        check("the password is not in the log", SECRET not in log.read())
    text = a.shell("show bgp neighbors")[1] + json.dumps(a.json("show bgp neighbors"))
    check("nor in show bgp neighbors", SECRET not in text)


def check_reload(a, b):
    before = a.peer("10.0.0.2")
    conf("a.conf", A_CONF + " neighbor 10.0.0.2 description far end\n network 192.0.3.0/24\n")
    a.process.signal(signal.SIGHUP)
    netlab.wait_for("the new network at b", lambda: "192.0.3.0/24" in b.prefixes(), 10)
    after = a.peer("10.0.0.2")
    check("SIGHUP adds a network without resetting the session",
          after["connectionsEstablished"] == before["connectionsEstablished"] and
          after["connectionsDropped"] == before["connectionsDropped"], after)
    conf("a.conf", A_CONF + " neighbor broken\n")
    a.process.signal(signal.SIGHUP)
    netlab.wait_for("the refusal in the log", lambda: "rejected" in a.process.log_tail(30), 10)
    check("a broken file changes nothing", "192.0.3.0/24" in b.prefixes() and a.is_up("10.0.0.2"))
    status, text = a.shell("reload")
    check("reload says what is wrong and ends with 1", status == 1 and "broken" in text, text)
    conf("a.conf", A_CONF)
    status, text = a.shell("reload")
    check("reload takes the mended file", status == 0, text)
    netlab.wait_for("the network to go", lambda: "192.0.3.0/24" not in b.prefixes(), 10)
    check("and the session stood", a.peer("10.0.0.2")["connectionsDropped"] ==
          before["connectionsDropped"])


def check_clear(a, b):
    before = a.peer("10.0.0.2")["connectionsEstablished"]
    status, text = a.shell("clear bgp 10.0.0.2")
    check("clear bgp X", status == 0, text)
    _, took = netlab.wait_for("the session again", lambda: a.peer("10.0.0.2")
                              ["connectionsEstablished"] > before and a.is_up("10.0.0.2"), 20)
    check("the session is back (%.1f s)" % took, True)
    netlab.wait_for("routes again", lambda: "192.0.2.0/24" in b.prefixes(), 10)


def check_crash(a, b):
    netlab.wait_for("the route in a's kernel", lambda: "198.51.100.0/24" in a.kernel(), 10)
    a.process.kill()
    check("after SIGKILL the kernel keeps the route", "198.51.100.0/24" in a.kernel(), a.kernel())
    watch = netlab.Process("monitor-a", ["ip", "monitor", "route"], netns=a.netns)
    a.start()
    netlab.wait_for("the session", lambda: a.is_up("10.0.0.2"), 30)
    netlab.wait_for("the route", lambda: "198.51.100.0/24" in a.prefixes(), 10)
    time.sleep(0.5)
    watch.stop()
    deleted = [line for line in watch.log_tail(200).split("\n")
               if line.startswith("Deleted") and "198.51.100.0/24" in line]
    check("restart adopts it without a gap", "198.51.100.0/24" in a.kernel() and not deleted,
          "\n".join(deleted))


def check_repair(a):
    a.netns.run(["ip", "route", "del", "198.51.100.0/24", "proto", "165"])
    _, took = netlab.wait_for("the repair", lambda: "198.51.100.0/24" in a.kernel(), 5)
    check("a route deleted behind our back is back (%.2f s)" % took, took < 1.5)
    a.netns.ip("route add 203.0.113.128/25 dev lo proto 99")
    time.sleep(0.3)
    text = a.netns.run(["ip", "route", "show", "proto", "99"])[1]
    check("routes of others are left alone", "203.0.113.128/25" in text)


def check_stop(a, b):
    b.process.signal(signal.SIGTERM)
    begin = time.monotonic()
    status = b.process.popen.wait(10)
    check("SIGTERM ends with 0 within 5 s", status == 0 and time.monotonic() - begin < 5, status)
    kernel = b.kernel()
    check("BGP and static routes are gone", "192.0.2.0" not in kernel and
          "198.51.100.0" not in kernel, kernel)
    check("the guard stays", "203.0.113.0/24" in kernel, kernel)
    check("the socket is gone", not os.path.exists(b.socket))
    netlab.wait_for("a to notice", lambda: not a.is_up("10.0.0.2"), 5)
    reason = json.dumps(a.json("show bgp neighbors 10.0.0.2"))
    check("the far end knows it was an administrative shutdown", "hutdown" in reason, reason[:300])
    netlab.wait_for("a's kernel to be clean", lambda: "198.51.100.0" not in a.kernel(), 10)


def check_unprivileged(a):
    prefix = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    os.chmod(netlab.WORK, 0o777)
    path = conf("user.conf", "router bgp 65009\n neighbor 10.0.0.9 remote-as 1\n")
    status, _, err = sealaned("-f", path, "-s", netlab.WORK + "/user.sock", prefix=prefix)
    check("without privilege: one clear line", status == 1 and "179" in err and "root" in err, err)


def body():
    check_options()
    check_bad_configs()
    a = Router("a", A_CONF)
    b = Router("b", B_CONF)
    netlab.veth(a.netns, "eth0", b.netns, "eth0")
    a.netns.ip("addr add 10.0.0.1/24 dev eth0", "addr add 2001:db8::1/64 dev eth0 nodad")
    b.netns.ip("addr add 10.0.0.2/24 dev eth0")
    a.start()
    b.start()
    _, took = netlab.wait_for("a session with MD5", lambda: a.is_up("10.0.0.2"), 30)
    check("two daemons meet, with MD5 (%.1f s)" % took, True)
    netlab.wait_for("routes both ways", lambda: "198.51.100.0/24" in a.prefixes() and
                    "192.0.2.0/24" in b.prefixes(), 10)
    check_resources(a)
    check_shell(a)
    check_secrets(a)
    check_reload(a, b)
    check_clear(a, b)
    check_crash(a, b)
    check_repair(a)
    check_stop(a, b)
    check_unprivileged(a)
    for router in (a, b):
        with open(router.process.log_path, encoding="utf-8", errors="replace") as log:
            text = log.read()
        check("no sanitizer or assertion report of " + router.netns.name,
              "ERROR: " not in text and "runtime error" not in text and
              "assertion failed" not in text, text[-1500:])
    summary()
    return 0 if Result.failed == 0 else 1


def summary():
    print("daemon: %d passed, %d failed" % (Result.passed, Result.failed))


def main():
    try:
        return netlab.isolate(body, keep=os.environ.get("SEALANE_KEEP"))
    except netlab.LabMissing as reason:
        print("skip (%s)\ndaemon: 0 passed, 0 failed, 1 skipped" % reason)
        return 0


if __name__ == "__main__":
    sys.exit(main())
