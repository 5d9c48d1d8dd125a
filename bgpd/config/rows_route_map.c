/* Command lines of route maps. */
#include "bgpd/config/config_private.h"

#define MAP                                                                                        \
    "sealane-policy:routing-policy/policy-definitions/policy-definition[name:map]/statements/"     \
    "statement[name:number]"
#define IN_MAP MODE_ROUTE_MAP, MODE_TOP

static const struct config_row rows[] = {
    {MODE_TOP, MODE_ROUTE_MAP, 0, MAP, "route-map <map> <actions/policy-result!permit> <number>",
     "A statement of a route map; statements are tried by number, the first whose matches all hold "
     "decides, and what no statement matches is denied."},
    {IN_MAP, 0, "", "description <description*>", "For people."},

    {IN_MAP, 0, "conditions", "match ip address prefix-list <match-prefix-set/ipv4-prefix-set>",
     "The destination is permitted by an IPv4 prefix list."},
    {IN_MAP, 0, "conditions", "match ipv6 address prefix-list <match-prefix-set/ipv6-prefix-set>",
     "The destination is permitted by an IPv6 prefix list."},
    {IN_MAP, 0, "conditions", "match ip next-hop prefix-list <match-next-hop-set/ipv4-prefix-set>",
     "The next hop is permitted by an IPv4 prefix list."},
    {IN_MAP, 0, "conditions",
     "match ipv6 next-hop prefix-list <match-next-hop-set/ipv6-prefix-set>",
     "The next hop is permitted by an IPv6 prefix list."},
    {IN_MAP, 0, "conditions", "match ip next-hop address <match-next-hop-set/ipv4-address>",
     "The next hop is this address."},
    {IN_MAP, 0, "conditions", "match ipv6 next-hop address <match-next-hop-set/ipv6-address>",
     "The next hop is this address."},
    {IN_MAP, 0, "conditions", "match as-path <match-as-path-set>",
     "The AS path is permitted by an AS-path list."},
    {IN_MAP, 0, "conditions",
     "match community <match-community-set/community-set> "
     "[ exact-match =match-community-set/exact:true ]",
     "The communities are permitted by a list; exact-match: and no others are there."},
    {IN_MAP, 0, "conditions",
     "match large-community <match-large-community-set/large-community-set> "
     "[ exact-match =match-large-community-set/exact:true ]",
     "The large communities are permitted by a list."},
    {IN_MAP, 0, "conditions", "match extcommunity <match-ext-community-set/ext-community-set>",
     "The extended communities are permitted by a list."},
    {IN_MAP, 0, "conditions", "match metric <med>", "MULTI_EXIT_DISC is this."},
    {IN_MAP, 0, "conditions", "match local-preference <local-pref>", "LOCAL_PREF is this."},
    {IN_MAP, 0, "conditions", "match weight <weight>", "The weight is this."},
    {IN_MAP, 0, "conditions", "match origin <origin-eq>", "ORIGIN is this."},
    {IN_MAP, 0, "conditions", "match tag <match-tag>", "The tag is this."},
    {IN_MAP, 0, "conditions", "match peer <match-neighbor!ip>",
     "The route came from this neighbour."},
    {IN_MAP, 0, "conditions", "match path-class <path-class>",
     "The next hop resolves through this path class."},
    {IN_MAP, 0, "conditions", "match source-protocol <source-protocol>",
     "Where the route comes from."},
    {IN_MAP, 0, "conditions",
     "match as-path-length <as-path-length/value> "
     "[ exact-match =as-path-length/operator:attribute-eq ]",
     "The AS path has at most, or exactly, so many hops."},
    {IN_MAP, ROW_ALIAS, "conditions",
     "match as-path-length <as-path-length/value> "
     "at-most =as-path-length/operator:attribute-le",
     "As without at-most."},
    {IN_MAP, 0, "conditions", "match interface <match-interface>",
     "The next hop leaves through this interface."},

    {IN_MAP, 0, "conditions", "call <call-policy>", "Another route map must permit the route too."},
    {IN_MAP, 0, "actions", "on-match next =on-match:next", "Go on to the next statement."},
    {IN_MAP, 0, "actions", "on-match goto <on-match>",
     "Go on to the first statement from this number on."},
    {IN_MAP, ROW_ALIAS, "actions", "continue =on-match:next", "As on-match next."},
    {IN_MAP, ROW_ALIAS, "actions", "continue <on-match>", "As on-match goto."},

    {IN_MAP, 0, "actions", "set weight <set-weight>", "Weight."},
    {IN_MAP, 0, "actions", "set local-preference <set-local-pref>",
     "LOCAL_PREF, or +N or -N to change it."},
    {IN_MAP, 0, "actions", "set metric <set-med>", "MULTI_EXIT_DISC, or +N or -N to change it."},
    {IN_MAP, 0, "actions", "set origin <set-route-origin>", "ORIGIN."},
    {IN_MAP, 0, "actions", "set tag <set-tag>", "Tag."},
    {IN_MAP, 0, "actions", "set ip next-hop <set-next-hop/ipv4>",
     "Next hop: an address, self, peer-address or unchanged."},
    {IN_MAP, ROW_ALIAS, "actions", "set ipv6 next-hop peer-address =set-next-hop/ipv4:peer-address",
     "As set ip next-hop peer-address."},
    {IN_MAP, 0, "actions", "set ipv6 next-hop global <set-next-hop/ipv6-global>",
     "Next hop of IPv6 routes."},
    {IN_MAP, 0, "actions", "set ipv6 next-hop local <set-next-hop/ipv6-local>",
     "Link-local next hop of IPv6 routes."},
    {IN_MAP, 0, "actions", "set as-path prepend last-as <set-as-path-prepend/last-as>",
     "Put the first AS of the path in front so many times."},
    {IN_MAP, 0, "actions", "set as-path prepend <set-as-path-prepend/asns*!asns>",
     "Put these AS numbers in front."},
    {IN_MAP, 0, "actions", "set as-path exclude <as-path-exclude+>", "Take these AS numbers out."},
    {IN_MAP, 0, "actions", "set community none =set-community/options:none",
     "Remove all communities."},
    {IN_MAP, 0, "actions",
     "set community <set-community/communities+!community> "
     "[ additive =set-community/options:add ]",
     "Replace the communities, or add to them."},
    {IN_MAP, 0, "actions", "set comm-list <set-community/delete-set> delete",
     "Remove the communities that a list permits."},
    {IN_MAP, 0, "actions", "set large-community none =set-large-community/options:none",
     "Remove all large communities."},
    {IN_MAP, 0, "actions",
     "set large-community <set-large-community/communities+!large> "
     "[ additive =set-large-community/options:add ]",
     "Replace the large communities, or add to them."},
    {IN_MAP, 0, "actions", "set large-comm-list <set-large-community/delete-set> delete",
     "Remove the large communities that a list permits."},
    {IN_MAP, 0, "actions", "set extcommunity none =set-ext-community/options:none",
     "Remove all extended communities."},
    {IN_MAP, 0, "actions",
     "set extcommunity rt <set-ext-community/route-target+!rt> "
     "[ additive =set-ext-community/options:add ]",
     "Set route targets."},
    {IN_MAP, 0, "actions",
     "set extcommunity soo <set-ext-community/site-of-origin+!soo> "
     "[ additive =set-ext-community/options:add ]",
     "Set sites of origin."},
    {IN_MAP, 0, "actions", "set extended-comm-list <set-ext-community/delete-set> delete",
     "Remove the extended communities that a list permits."},
    {IN_MAP, 0, "actions", "set src <set-preferred-source!ip>",
     "Source address of our own packets along the route (table-map)."},
    {IN_MAP, ROW_NO, "actions", "set atomic-aggregate =set-atomic-aggregate:true",
     "Add ATOMIC_AGGREGATE."},
    {IN_MAP, 0, "actions", "set aggregator as <set-aggregator/as> <set-aggregator/address>",
     "Set AGGREGATOR."},
};

const struct config_row_table config_rows_route_map = {rows, sizeof rows / sizeof rows[0]};
