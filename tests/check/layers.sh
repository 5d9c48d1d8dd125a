#!/bin/sh
# The include graph of docs/decisions/0001: who may include whom, and which library belongs where.
set -u
cd "$(dirname "$0")/../.." || exit 1
fail=0
# room_may FOLDER ALLOWED-REGEXP: every "..." include of FOLDER must match.
room_may() {
    bad=$(grep -rnE '^#include "' "$1" --include='*.c' --include='*.h' 2>/dev/null |
        sed -E 's/^([^:]+:[0-9]+):#include "([^"]+)".*/\1 \2/' |
        awk -v ok="$2" '$2 !~ ok {print $1 ": may not include " $2}')
    if [ -n "$bad" ]; then
        printf '%s\n' "$bad"
        fail=1
    fi
}
# system_only HEADER-REGEXP FOLDERS...: <...> headers of a library may be used only there.
system_only() {
    header=$1
    shift
    bad=$(grep -rnE "^#include <$header" proto rib policy bgpd --include='*.c' --include='*.h' 2>/dev/null)
    for folder in "$@"; do
        bad=$(printf '%s\n' "$bad" | grep -v "^$folder")
    done
    if [ -n "$bad" ]; then
        printf 'library header in the wrong room:\n%s\n' "$bad"
        fail=1
    fi
}
room_may proto/base '^proto/base/'
room_may proto '^proto/'
room_may rib '^(proto|rib)/'
room_may policy '^(proto|policy)/|^rib/(attr_set|nexthop|route_view)\.h$'
room_may bgpd/core '^(proto|rib|policy|bgpd/core)/'
room_may bgpd/config '^(proto|rib|policy|bgpd/core|bgpd/config)/|^yang_modules\.h$'
room_may bgpd/control '^(proto|rib|policy|bgpd/core|bgpd/control)/'
room_may bgpd/io '^(proto|rib|policy|bgpd/core|bgpd/io)/'
room_may bgpd/cli '^proto/base/|^proto/control\.pb-c\.h$|^bgpd/cli/'
system_only '(libyang)' bgpd/config
system_only '(ev)\.h' bgpd/io bgpd/main.c
system_only '(libmnl|linux/(netlink|rtnetlink|nexthop|xfrm)|sys/socket|netinet|arpa)' bgpd/io bgpd/main.c bgpd/cli
system_only '(protobuf-c)' bgpd/control bgpd/cli
system_only '(pcre2)' policy/
system_only '(time|sys/time|fcntl|unistd)\.h' bgpd/io bgpd/cli bgpd/control bgpd/config bgpd/main.c
[ "$fail" -eq 0 ] && echo "layers: include graph as designed"
exit "$fail"
