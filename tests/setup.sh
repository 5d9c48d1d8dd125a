#!/bin/sh
# Installs the Debian packages a target needs: setup.sh build|test|fuzz|demo.
#
# As root it installs what is missing and nothing else; otherwise it prints the
# exact line to run and exits with 1. No service is started or enabled: the lab
# runs every daemon itself, in namespaces of its own.
set -eu

build="gcc make pkg-config libc6-dev libev-dev libyang2-dev libmnl-dev
 libprotobuf-c-dev protobuf-c-compiler libxxhash-dev libpcre2-dev
 libedit-dev libjson-c-dev"
peers="frr bird2 openbgpd gobgpd exabgp python3 iproute2 procps"
ipsec="strongswan-charon strongswan-swanctl libcharon-extra-plugins
 libstrongswan-standard-plugins"

case "${1:-}" in
build) want=$build ;;
test) want="$build check $peers $ipsec iputils-ping" ;;
fuzz) want="$build clang libclang-rt-14-dev" ;;
demo) want="$build $peers $ipsec iputils-ping" ;;
*)
    echo "usage: $0 build|test|fuzz|demo" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "$0: no dpkg or apt-get here; install the equivalent of:" >&2
    echo " "$want >&2
    exit 1
fi

missing=
for package in $want; do
    state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    case "$state" in
    ii*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

line="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -ne 0 ]; then
    echo "Some packages are missing. As root, run:" >&2
    echo "  $line" >&2
    exit 1
fi

# The policy file keeps package scripts from starting daemons; ours goes again.
policy=/usr/sbin/policy-rc.d
placed=no
before=$(mktemp)
cleanup() {
    [ "$placed" = no ] || rm -f "$policy"
    rm -f "$before"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    placed=yes
fi

units() {
    find /etc/systemd/system -type l -path '*.wants/*' -printf '%f\n' 2>/dev/null | sort -u
}
units >"$before"

echo "Installing:$missing"
log=$(mktemp)
if ! { DEBIAN_FRONTEND=noninteractive $line || {
    apt-get update && DEBIAN_FRONTEND=noninteractive $line
}; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "Could not install the packages. The line was:" >&2
    echo "  $line" >&2
    exit 1
fi
rm -f "$log"

# A service that the installation has just enabled is disabled again.
if command -v systemctl >/dev/null; then
    for unit in $(units); do
        case "$unit" in
        frr.service | bird.service | openbgpd.service | gobgpd.service | exabgp.service | \
            strongswan-starter.service | strongswan.service)
            grep -qxF "$unit" "$before" || systemctl disable --quiet "$unit" >/dev/null 2>&1 || true
            ;;
        esac
    done
fi
