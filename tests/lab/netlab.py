"""Namespaces, processes and waiting, for tests that need a small network.

Everything a test makes lives in namespaces of its own. isolate() runs a
function in a child that is the first process of a new process namespace and
has a mount namespace with an empty /run and a network namespace with nothing
in it. When that child ends, however it ends, the kernel ends every process it
started and removes every interface, route and file it made; so two runs never
meet, and nothing of the host is touched.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

WORK = "/run/lab"

_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something the lab needs did not happen; the text says what was awaited."""


class LabMissing(Exception):
    """The machine lacks something; a test that gets this skips with its text."""


def _checked(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, "%s: %s" % (what, os.strerror(code)))


# --- the sandbox -------------------------------------------------------------


def missing_for_isolation():
    """The reason why isolate() cannot work here, or None."""
    if os.geteuid() != 0:
        return "not root"
    for tool in ("ip", "mount", "sysctl"):
        if shutil.which(tool) is None and shutil.which(tool, path="/usr/sbin:/sbin") is None:
            return "no %s" % tool
    return None


def isolate(function, keep=None):
    """Runs function() in namespaces of its own; gives its exit status.

    keep names a folder that receives a copy of the work folder (logs and
    configurations of every process) when the function fails.
    """
    reason = missing_for_isolation()
    if reason:
        raise LabMissing(reason)
    try:
        _checked(_libc.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC), "unshare")
    except OSError as error:
        raise LabMissing("no namespaces here (%s)" % error) from error
    sys.stdout.flush()
    sys.stderr.flush()
    out = _keep_folder_open(keep)
    child = os.fork()
    if child == 0:
        _run_isolated(function, out)
    return _wait_for_child(child)


def _keep_folder_open(keep):
    if not keep:
        return None
    os.makedirs(keep, exist_ok=True)
    return os.path.abspath(keep)


def _run_isolated(function, keep):
    status = 1
    try:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda n, _frame: sys.exit(128 + n))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _prepare_mounts()
        status = function()
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        status = 130
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
    except LabMissing as reason:
        print("skip: %s" % reason, file=sys.stderr)
        status = 77
    except LabError as error:
        print("\nlab: %s" % error, file=sys.stderr)
        status = 1
    except BaseException:  # the last frame of this process: say it, then end
        import traceback

        traceback.print_exc()
        status = 1
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        with contextlib.suppress(Exception):
            stop_all()
        if keep and status not in (0, 77):
            with contextlib.suppress(Exception):
                _copy_work(keep)
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status or 0)


def _prepare_mounts():
    environment = dict(os.environ, PATH=_path())
    os.environ["PATH"] = environment["PATH"]
    for command in (
        ["mount", "--make-rprivate", "/"],
        ["mount", "-t", "proc", "proc", "/proc"],
        ["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"],
    ):
        subprocess.run(command, check=True, env=environment)
    os.makedirs(WORK)
    os.makedirs("/run/netns")
    os.makedirs("/run/lock", exist_ok=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _path():
    path = os.environ.get("PATH", "")
    for extra in ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"):
        if extra not in path.split(":"):
            path = path + ":" + extra
    return path


def _copy_work(keep):
    for folder, _folders, files in os.walk(WORK):
        target = os.path.join(keep, os.path.relpath(folder, WORK))
        os.makedirs(target, exist_ok=True)
        for name in files:
            source = os.path.join(folder, name)
            if os.path.isfile(source) and not os.path.islink(source):
                shutil.copyfile(source, os.path.join(target, name))


def _wait_for_child(child):
    def forward(number, _frame):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, forward)
    # A Ctrl-C reaches the child through the terminal; here it only waits.
    signal.signal(signal.SIGINT, lambda _n, _f: None)
    while True:
        try:
            _pid, status = os.waitpid(child, 0)
        except InterruptedError:
            continue
        if os.WIFSIGNALED(status):
            return 128 + os.WTERMSIG(status)
        return os.WEXITSTATUS(status)


# --- commands ----------------------------------------------------------------


def run(argv, netns=None, check=True, timeout=20, stdin=None, env=None):
    """Runs a command to its end; gives (status, output with errors after it)."""
    if netns:
        argv = ["ip", "netns", "exec", netns] + list(argv)
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=timeout, env=env, check=False
        )
    except subprocess.TimeoutExpired as late:
        if check:
            raise LabError("%s: no end after %s s" % (" ".join(argv), timeout)) from late
        return 124, ""
    if check and done.returncode != 0:
        raise LabError(
            "%s: exit %d: %s" % (" ".join(argv), done.returncode, (done.stdout + done.stderr).strip())
        )
    return done.returncode, done.stdout if check else done.stdout + done.stderr


def ip_batch(netns, lines):
    """Runs `ip` lines inside a namespace in one go."""
    text = "\n".join(line for line in lines if line) + "\n"
    argv = ["ip"] + (["-n", netns] if netns else []) + ["-batch", "-"]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode != 0:
        raise LabError("ip in %s: %s\n%s" % (netns, done.stderr.strip(), text))
    return done.stdout


# --- namespaces --------------------------------------------------------------


class Netns:
    """A network namespace with a name that is private to this run."""

    def __init__(self, name, forwarding=False):
        self.name = name
        run(["ip", "netns", "add", name])
        ip_batch(name, ["link set lo up"])
        self.sysctl("net.ipv4.conf.all.rp_filter", 0)
        self.sysctl("net.ipv4.conf.default.rp_filter", 0)
        if forwarding:
            self.sysctl("net.ipv4.ip_forward", 1)
            self.sysctl("net.ipv6.conf.all.forwarding", 1)
            self.sysctl("net.ipv4.fib_multipath_hash_policy", 1)

    def sysctl(self, key, value):
        """Sets a value when this kernel has the key; gives whether it had."""
        with self.entered():
            try:
                with open("/proc/sys/" + key.replace(".", "/"), "w", encoding="ascii") as file:
                    file.write(str(value))
                return True
            except OSError:
                return False

    def ip(self, *lines):
        return ip_batch(self.name, lines)

    def run(self, argv, **options):
        return run(argv, netns=self.name, **options)

    @contextlib.contextmanager
    def entered(self):
        """Runs the body with the calling thread inside the namespace."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(
            "/run/netns/" + self.name, "rb"
        ) as there:
            _checked(_libc.setns(there.fileno(), CLONE_NEWNET), "setns")
            try:
                yield self
            finally:
                _checked(_libc.setns(home.fileno(), CLONE_NEWNET), "setns back")

    def socket(self, *arguments):
        """A socket that stays in the namespace wherever it is used."""
        with self.entered():
            return socket.socket(*arguments)

    def has_link(self, name):
        with self.entered():
            try:
                socket.if_nametoindex(name)
                return True
            except OSError:
                return False

    def remove(self):
        run(["ip", "netns", "del", self.name], check=False)


def veth(a, a_name, b, b_name):
    """Connects two namespaces by a cable; both ends up."""
    ip_batch(
        None,
        ["link add %s netns %s type veth peer name %s netns %s" % (a_name, a.name, b_name, b.name)],
    )
    a.ip("link set %s up" % a_name)
    b.ip("link set %s up" % b_name)


def bridge(netns, name):
    """A switch; ports join it with `link set X master NAME`."""
    netns.ip(
        "link add %s type bridge stp_state 0 forward_delay 0 mcast_snooping 0" % name,
        "link set %s up" % name,
    )


# --- processes ---------------------------------------------------------------

_processes = []
_processes_lock = threading.Lock()


class Process:
    """A process the lab started, ended by its own id and never by a name."""

    def __init__(self, name, argv, netns=None, env=None, prefix=None, stdin=None, stdout=None):
        self.name = name
        self.argv = list(argv)
        self.netns = netns
        self.log_path = os.path.join(WORK, "log", name + ".log")
        os.makedirs(os.path.dirname(self.log_path), exist_ok=True)
        command = list(prefix or []) + self.argv
        if netns is not None:
            command = ["ip", "netns", "exec", netns.name] + command
        self._log = open(self.log_path, "ab", buffering=0)
        self.popen = subprocess.Popen(
            command,
            stdin=stdin if stdin is not None else subprocess.DEVNULL,
            stdout=stdout if stdout is not None else self._log,
            stderr=self._log,
            start_new_session=True,
            env=dict(os.environ, **(env or {})),
        )
        self.pid = self.popen.pid
        with _processes_lock:
            _processes.append(self)

    def is_running(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.is_running():
            self.popen.send_signal(number)

    def stop(self, grace_s=3.0):
        """Asks the process to end, then insists; waits until it is gone."""
        if self.is_running():
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(grace_s)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        self._reap()

    def kill(self):
        """Ends the process the hard way, as a crash would."""
        if self.is_running():
            self.popen.kill()
        self._reap()

    def _reap(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(5)
        with _processes_lock:
            if self in _processes:
                _processes.remove(self)
        self._log.close()

    def log_tail(self, lines=15):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return ""

    def cpu_seconds(self):
        """Processor time used so far, user and system."""
        try:
            with open("/proc/%d/stat" % self.pid, encoding="ascii") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, IndexError, ValueError):
            return 0.0


def stop_all():
    """Ends every process still running, the last started first."""
    with _processes_lock:
        left = list(reversed(_processes))
    for process in left:
        process.signal(signal.SIGTERM)
    deadline = time.monotonic() + 2
    for process in left:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.popen.wait(max(0.01, deadline - time.monotonic()))
        process.kill()


# --- waiting -----------------------------------------------------------------


def wait_for(what, claim, timeout_s=30.0, step_s=0.05, watch=()):
    """Polls claim() until it is true; gives (value, seconds it took).

    A process in watch that ends meanwhile fails the wait at once, with the
    end of its log. LabError is raised at the deadline.
    """
    start = time.monotonic()
    last = None
    while True:
        try:
            last = claim()
        except (LabError, OSError, ValueError, KeyError, IndexError, TypeError) as error:
            last = None
            reason = error
        else:
            reason = None
        spent = time.monotonic() - start
        if last:
            return last, spent
        for process in watch:
            if not process.is_running():
                raise LabError(
                    "%s ended while waiting for %s:\n%s" % (process.name, what, process.log_tail())
                )
        if spent > timeout_s:
            detail = " (%s)" % reason if reason else ""
            raise LabError("no %s after %.0f s%s" % (what, timeout_s, detail))
        time.sleep(step_s)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path
