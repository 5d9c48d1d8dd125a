"""Real IPsec tunnels without kernel ESP: strongSwan with kernel-libipsec.

One charon is one tunnel: libipsec has a single TUN device and a single policy
table per process. Each charon gets an empty /run of its own (its process id
file has a fixed place), its own configuration folders and its own VICI socket.
ESP travels in UDP, as behind a NAT, so any kernel will do.
"""

import os
import shutil

import netlab

CHARON = "/usr/lib/ipsec/charon"
SECRET = "demo-only-preshared-key"

# The routes libipsec makes for "any to any" go to a table that only packets
# with this mark would use; nobody sets the mark, routing stays BGP's.
PARKED_MARK = "0x5ea1"

STRONGSWAN_CONF = """charon {{
  load_modular = no
  load = random nonce openssl aes sha1 sha2 hmac kdf gcm kernel-libipsec kernel-netlink socket-default vici updown
  port = {port}
  port_nat_t = {port_nat_t}
  install_routes = no
  install_virtual_ip = no
  retry_initiate_interval = 1
  retransmit_timeout = {retransmit_s}
  retransmit_base = {retransmit_base}
  retransmit_tries = {retransmit_tries}
  threads = 16
  filelog {{
    log {{
      path = {folder}/charon.log
      time_format = %H:%M:%S
      time_add_ms = yes
      default = 1
      flush_line = yes
    }}
  }}
  plugins {{
    kernel-libipsec {{
      allow_peer_ts = yes
    }}
    kernel-netlink {{
      fwmark = {mark}
    }}
    socket-default {{
      use_ipv6 = no
    }}
    vici {{
      socket = unix://{folder}/vici
    }}
  }}
}}
"""

SWANCTL_CONF = """connections {{
  azure {{
    version = 2
    mobike = no
    encap = yes
    unique = replace
    local_addrs = {local}
    remote_addrs = {remote}
    proposals = aes128-sha256-ecp256
    dpd_delay = 1s
    keyingtries = 0
    local {{
      auth = psk
      id = {local_id}
    }}
    remote {{
      auth = psk
      id = {remote_id}
    }}
    children {{
      all {{
        local_ts = 0.0.0.0/0
        remote_ts = 0.0.0.0/0
        esp_proposals = aes128gcm16
        start_action = {start_action}
        close_action = {start_action}
        dpd_action = {dpd_action}
        updown = {updown}
      }}
    }}
  }}
}}
secrets {{
  ike-azure {{
    secret = "{secret}"
  }}
}}
"""

UPDOWN = """#!/bin/sh
# Called by charon when an SA of the tunnel comes and goes.
exec 9>{folder}/updown.lock
flock 9
case "$PLUTO_VERB" in
up-client)
    echo "$PLUTO_UNIQUEID" >{folder}/owner
    {on_up}
    ;;
down-client)
    if [ "$(cat {folder}/owner)" = "$PLUTO_UNIQUEID" ]; then
        {on_down}
    fi
    exec 9>&-
    {on_lost}
    ;;
esac
exit 0
"""


def missing():
    """The reason why no tunnel can be made here, or None."""
    if not os.path.exists(CHARON):
        return "no strongswan-charon"
    if shutil.which("swanctl", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
        return "no strongswan-swanctl"
    if not os.path.exists("/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so"):
        return "no kernel-libipsec (Debian package libcharon-extra-plugins)"
    if not os.path.exists("/dev/net/tun"):
        return "no /dev/net/tun"
    return None


class Tunnel:
    """One end of one tunnel: a charon and the TUN device it makes."""

    def __init__(self, name, netns, device, local, remote, local_id, remote_id,
                 initiates=False, second=False, on_up=":", on_down=":", on_lost=":"):
        self.name = name
        self.netns = netns
        self.device = device
        self.folder = os.path.join(netlab.WORK, "ipsec", name)
        self.process = None
        updown = self._write_updown(on_up, on_down, on_lost)
        self.config = SWANCTL_CONF.format(
            local=local, remote=remote, local_id=local_id, remote_id=remote_id,
            start_action="start" if initiates else "none",
            dpd_action="restart" if initiates else "clear",
            updown=updown, secret=SECRET,
        )
        # The side that initiates tries soon and often; the other side's patience
        # is what a far gateway needs to notice that its peer is gone: 2 to 3 s.
        self.daemon_config = STRONGSWAN_CONF.format(
            folder=self.folder, mark=PARKED_MARK,
            port=501 if second else 500, port_nat_t=4501 if second else 4500,
            retransmit_s=0.4, retransmit_base=1.3 if initiates else 1.5,
            retransmit_tries=4 if initiates else 2,
        )
        self.environment = {
            "STRONGSWAN_CONF": os.path.join(self.folder, "strongswan.conf"),
            "SWANCTL_DIR": os.path.join(self.folder, "swanctl"),
        }

    def _write_updown(self, on_up, on_down, on_lost):
        """on_up and on_down run when the tunnel gains an SA and has none left, on_lost whenever
        one is lost. A charon runs the scripts of an SA that ends and of its successor side by
        side: the last that came up owns the tunnel, and only its end takes the tunnel down."""
        return netlab.write(os.path.join(self.folder, "updown"), UPDOWN.format(
            folder=self.folder, on_up=on_up, on_down=on_down, on_lost=on_lost), 0o755)

    def spawn(self):
        """Starts the charon without waiting for anything."""
        netlab.write(self.environment["STRONGSWAN_CONF"], self.daemon_config)
        private = os.path.join(self.folder, "run")
        os.makedirs(private + "/lab", exist_ok=True)
        for stale in (os.path.join(private, "charon.pid"), os.path.join(self.folder, "vici")):
            if os.path.lexists(stale):
                os.unlink(stale)
        # `ip netns exec` gives the process its own mounts; /run becomes private
        # there, except for the work folder.
        script = 'mount --bind "$2" "$1/lab" && mount --rbind "$1" /run && shift 2 && exec "$@"'
        self.process = netlab.Process(
            "charon-" + self.name, [CHARON], netns=self.netns, env=self.environment,
            prefix=["sh", "-c", script, "sh", private, netlab.WORK],
        )

    def wait_device(self, timeout_s=10):
        """Waits for the TUN device, then hands the charon its configuration."""
        netlab.wait_for(
            "TUN device %s of charon %s" % (self.device, self.name),
            lambda: self.netns.has_link(self.device) and os.path.exists(self.folder + "/vici"),
            timeout_s, 0.02, watch=[self.process],
        )

    def unload(self):
        """Forgets its configuration: SAs stay, new ones are refused."""
        netlab.write(os.path.join(self.environment["SWANCTL_DIR"], "swanctl.conf"), "", 0o600)
        self.swanctl("--load-all", "--noprompt")

    def load(self):
        netlab.write(os.path.join(self.environment["SWANCTL_DIR"], "swanctl.conf"), self.config,
                     0o600)

        def taken():
            status, text = self.swanctl("--load-all", "--noprompt")
            if status != 0:
                raise netlab.LabError(text.strip()[-300:])
            return True

        netlab.wait_for(
            "charon %s with its configuration" % self.name, taken, 10, 0.1, watch=[self.process]
        )

    def start(self):
        self.spawn()
        self.wait_device()
        self.load()

    def swanctl(self, *arguments):
        return netlab.run(
            ["swanctl", *arguments, "--uri", "unix://%s/vici" % self.folder],
            check=False, timeout=10, env=dict(os.environ, **self.environment),
        )

    def is_up(self):
        status, text = self.swanctl("--list-sas", "--raw")
        return status == 0 and "state=INSTALLED" in text

    def wait_up(self, timeout_s=30):
        return netlab.wait_for(
            "IPsec SA of %s" % self.name, self.is_up, timeout_s, 0.1, watch=[self.process]
        )[1]

    def initiate(self):
        self.swanctl("--initiate", "--child", "all", "--timeout", "5")

    def terminate(self):
        """Deletes the SA in an orderly way; the device stays."""
        return self.swanctl("--terminate", "--ike", "azure", "--timeout", "3")[0] == 0

    def kill(self):
        """The process dies as in a crash and its TUN device vanishes with it."""
        self.process.kill()

    def stop(self):
        if self.process:
            self.process.stop()

    def log(self):
        try:
            with open(self.folder + "/charon.log", encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""
