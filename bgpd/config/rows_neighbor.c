/* Command lines about one neighbour or peer-group, global ones first, then those of a family. */
#include "bgpd/config/config_private.h"

#define PEER      "%peer"
#define PEER_AF   "%peer/afi-safis/afi-safi[name=$family]"
#define IN_BGP    MODE_BGP, MODE_TOP
#define IN_FAMILY MODE_FAMILY, MODE_TOP
#define ROW(flags, words, help)                                                                    \
    {                                                                                              \
        IN_BGP, flags, PEER, "neighbor <peer> " words, help                                        \
    }
#define AF_ROW(flags, words, help)                                                                 \
    {                                                                                              \
        IN_FAMILY, flags, PEER_AF, "neighbor <peer> " words, help                                  \
    }

static const struct config_row rows[] = {
    {IN_BGP, ROW_CREATE_GROUP, "peer-groups/peer-group[name:peer]",
     "neighbor <peer!group> peer-group", "Make a peer-group."},
    {IN_BGP, 0, "neighbors/neighbor[remote-address:peer]",
     "neighbor <peer!peer> peer-group <peer-group>", "Inherit from a peer-group."},
    ROW(0, "remote-as <peer-as>", "AS of the neighbour: a number, internal or external."),
    ROW(0, "azure-role <azure-role> tunnel <tunnel>",
        "The role, and the tunnel that the session runs through."),
    ROW(0, "azure-role <azure-role>",
        "What the neighbour is in Azure: sets AS, timers, BFD, multihop, limits and filters."),
    ROW(0, "tunnel <tunnel>", "The session runs through this tunnel and no other way."),
    ROW(0, "interface <interface>", "Interface of a link-local neighbour."),
    ROW(0, "description <description*>", "For people."),
    ROW(0,
        "local-as <local-as/as> [ no-prepend =local-as/no-prepend:true ] "
        "[ replace-as =local-as/replace-as:true ] [ dual-as =local-as/dual-as:true ]",
        "Another AS of ours towards this neighbour."),
    ROW(0, "shutdown message <shutdown-message*> =enabled:false",
        "Shut the neighbour down and tell it why (RFC 9003)."),
    ROW(ROW_NO, "shutdown =enabled:false", "Shut the neighbour down."),
    ROW(ROW_SECRET, "password <transport/secure-session/md5-key-string*!secret>",
        "TCP MD5 key (RFC 2385)."),
    ROW(0, "timers <timers/keepalive> <timers/hold-time>",
        "KEEPALIVE interval and hold time in seconds (default 60 180)."),
    ROW(0, "timers connect <timers/connect-retry-interval>",
        "Seconds between attempts to connect (default 10)."),
    ROW(0, "timers delayopen <timers/delay-open>", "Seconds that OPEN waits for the other's."),
    ROW(0, "timers send-hold <timers/send-hold-time>",
        "Seconds after which a neighbour that reads nothing is given up (RFC 9687)."),
    ROW(0, "advertisement-interval <timers/min-route-advertisement-interval>",
        "Seconds between updates for the same prefix (default 0)."),
    ROW(0, "ebgp-multihop <transport/ebgp-multihop/multihop-ttl>",
        "TTL of packets to a neighbour that is not directly connected."),
    ROW(ROW_ALIAS, "ebgp-multihop =transport/ebgp-multihop/multihop-ttl:255", "With a TTL of 255."),
    ROW(0, "ttl-security hops <transport/ttl-security-hops>",
        "Drop packets from further away (RFC 5082)."),
    ROW(ROW_NO, "disable-connected-check =transport/ebgp-multihop/disable-connected-check:true",
        "A TTL of 1 reaches the neighbour although no subnet is shared."),
    ROW(0, "update-source <transport/local-address>",
        "Source of the session: an address or an interface."),
    ROW(ROW_NO, "passive =transport/passive-mode:true", "Wait for the neighbour to connect."),
    ROW(0, "port <transport/remote-port>", "TCP port of the neighbour (default 179)."),
    ROW(0, "tcp-mss <transport/tcp-mss>",
        "Largest TCP segment; of a connection that comes in, the smallest of all neighbours."),
    ROW(ROW_NO, "bfd =transport/bfd/enabled:true", "The session follows BFD."),
    ROW(0, "bfd profile <transport/bfd/profile>", "BFD with the parameters of a profile."),
    ROW(0,
        "bfd <transport/bfd/local-multiplier> <transport/bfd/required-min-rx-interval!ms> "
        "<transport/bfd/desired-min-tx-interval!ms>",
        "BFD with multiplier and intervals in milliseconds: receive, transmit."),
    ROW(0, "bfd multiplier <transport/bfd/local-multiplier>", "BFD multiplier alone."),
    ROW(0, "bfd receive-interval <transport/bfd/required-min-rx-interval!ms>",
        "BFD receive interval alone, milliseconds."),
    ROW(0, "bfd transmit-interval <transport/bfd/desired-min-tx-interval!ms>",
        "BFD transmit interval alone, milliseconds."),
    ROW(ROW_NO, "bfd strict =transport/bfd/strict:true", "The BGP session waits for BFD."),
    ROW(ROW_IGNORE, "bfd check-control-plane-failure", "not needed"),
    ROW(ROW_NO, "enforce-first-as =enforce-first-as:true",
        "Refuse paths that do not begin with the neighbour's AS (default on)."),
    ROW(ROW_NO, "graceful-restart =graceful-restart/enabled:true", "Announce graceful restart."),
    ROW(ROW_NO, "graceful-restart-helper =graceful-restart/helper-only:true",
        "Only help the neighbour when it restarts."),
    ROW(ROW_NO, "graceful-restart-disable =graceful-restart/disabled:true",
        "Neither restart gracefully nor help."),
    ROW(ROW_NO, "capability extended-message =capabilities/extended-message:true",
        "Messages up to 65535 octets (RFC 8654; default on)."),
    ROW(ROW_NO, "capability extended-nexthop =capabilities/extended-nexthop:true",
        "IPv4 routes with IPv6 next hops (RFC 8950)."),
    ROW(ROW_NO, "dont-capability-negotiate =capabilities/dont-negotiate:true",
        "Send no capabilities."),
    ROW(ROW_IGNORE, "capability dynamic", "not negotiated"),
    ROW(ROW_IGNORE, "capability fqdn", "not needed"),
    ROW(ROW_IGNORE, "capability software-version", "not announced"),
    ROW(ROW_IGNORE, "strict-capability-match", "unknown capabilities do no harm"),
    ROW(ROW_IGNORE, "override-capability", "unknown capabilities do no harm"),
    ROW(ROW_IGNORE, "solo", "not needed"),
    ROW(0, "local-role <role/local-role> [ strict-mode =role/strict-mode:true ]",
        "Our role towards the neighbour (RFC 9234)."),
    ROW(ROW_NO, "graceful-shutdown =graceful-shutdown:true",
        "Traffic is to leave the session before it ends (RFC 8326)."),
};

static const struct config_row family_rows[] = {
    AF_ROW(ROW_NO, "activate =enabled:true",
           "Exchange routes of the family (default on for IPv4)."),
    AF_ROW(0, "route-map <apply-policy/import-policy> in", "Policy for routes received."),
    AF_ROW(0, "route-map <apply-policy/export-policy> out", "Policy for routes sent."),
    AF_ROW(0, "prefix-list <apply-policy/import-prefix-set> in",
           "Prefix list for routes received."),
    AF_ROW(0, "prefix-list <apply-policy/export-prefix-set> out", "Prefix list for routes sent."),
    AF_ROW(0, "filter-list <apply-policy/import-as-path-set> in",
           "AS-path list for routes received."),
    AF_ROW(0, "filter-list <apply-policy/export-as-path-set> out", "AS-path list for routes sent."),
    AF_ROW(ROW_NO, "next-hop-self =next-hop-self:true", "Our address is the next hop."),
    AF_ROW(ROW_NO, "next-hop-self force =next-hop-self-force:true", "Also of reflected routes."),
    AF_ROW(ROW_NO, "send-community standard =send-community/standard:true",
           "Send communities (default on)."),
    AF_ROW(ROW_NO, "send-community extended =send-community/extended:true",
           "Send extended communities (default on)."),
    AF_ROW(ROW_NO, "send-community large =send-community/large:true",
           "Send large communities (default on)."),
    AF_ROW(ROW_NO | ROW_ALIAS, "send-community =send-community/standard:true",
           "As send-community standard."),
    AF_ROW(ROW_NO | ROW_ALIAS,
           "send-community both =send-community/standard:true =send-community/extended:true",
           "Standard and extended."),
    AF_ROW(ROW_NO | ROW_ALIAS,
           "send-community all =send-community/standard:true =send-community/extended:true "
           "=send-community/large:true",
           "All three."),
    AF_ROW(0, "weight <weight>", "Weight of routes received."),
    AF_ROW(0,
           "maximum-prefix <prefix-limit/max-prefixes> [ <prefix-limit/warning-threshold-pct> ] "
           "[ warning-only =prefix-limit/action:warn ] [ hold =prefix-limit/action:hold ] "
           "[ teardown =prefix-limit/action:teardown ] [ restart <prefix-limit/idle-time> ]",
           "Most prefixes taken, a warning from this percentage on; then the session ends, unless "
           "warning-only, or hold, which keeps the session and refuses more; restart: minutes "
           "until the next attempt."),
    AF_ROW(ROW_IGNORE, "maximum-prefix force", "filtered routes always count"),
    AF_ROW(0, "maximum-prefix-out <prefix-limit/max-prefixes-out>", "Most prefixes sent."),
    AF_ROW(0, "allowas-in <as-path-options/allow-own-as>",
           "How often our own AS may be in a path received."),
    AF_ROW(ROW_ALIAS, "allowas-in =as-path-options/allow-own-as:3", "Up to three times."),
    AF_ROW(ROW_NO, "as-override =as-path-options/replace-peer-as:true",
           "Replace the neighbour's AS in paths sent by ours."),
    AF_ROW(0, "remove-private-AS =remove-private-as:remove",
           "Remove private numbers when the whole path is private."),
    AF_ROW(0, "remove-private-AS all =remove-private-as:remove-all", "Remove private numbers."),
    AF_ROW(0, "remove-private-AS all replace-AS =remove-private-as:replace-all",
           "Replace private numbers by ours."),
    AF_ROW(0, "remove-private-AS none =remove-private-as:keep", "Keep them (default)."),
    AF_ROW(0,
           "default-originate route-map <default-originate/route-map> "
           "=default-originate/send-default-route:true",
           "Send a default route edited by a route map."),
    AF_ROW(ROW_NO, "default-originate =default-originate/send-default-route:true",
           "Send a default route."),
    AF_ROW(ROW_NO, "soft-reconfiguration inbound =soft-reconfiguration:true",
           "Accepted; routes as received are always kept."),
    AF_ROW(ROW_NO, "route-reflector-client =route-reflector/client:true",
           "Reflect routes to the neighbour."),
    AF_ROW(ROW_NO, "addpath-tx-all-paths =add-paths/send:true", "Send all paths (RFC 7911)."),
    AF_ROW(ROW_NO, "addpath-tx-bestpath-per-AS =add-paths/send-best-per-as:true",
           "Send the best path of every neighbour AS."),
    AF_ROW(0, "addpath-tx-best-selected <add-paths/send-best>", "Send the best so many paths."),
    AF_ROW(ROW_NO, "addpath-rx =add-paths/receive:true", "Take several paths (RFC 7911)."),
    AF_ROW(ROW_ALIAS, "disable-addpath-rx =add-paths/receive:false", "As no addpath-rx."),
    AF_ROW(0,
           "advertise-map <conditional-advertisement/advertise-map> exist-map "
           "<conditional-advertisement/exist-map>",
           "Send what one map permits while a route that the other permits exists."),
    AF_ROW(0,
           "advertise-map <conditional-advertisement/advertise-map> non-exist-map "
           "<conditional-advertisement/non-exist-map>",
           "Send it while none exists."),
};

const struct config_row_table config_rows_neighbor = {rows, sizeof rows / sizeof rows[0]};
const struct config_row_table config_rows_neighbor_family = {
    family_rows, sizeof family_rows / sizeof family_rows[0]};
