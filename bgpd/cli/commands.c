/* The table of commands. Patterns are the synopsis of the manual page, word for word. */
#include "bgpd/cli/commands.h"

#include <string.h>

#include "bgpd/cli/requests.h"
#include "proto/base/assert.h"

#define BGP "(bgp [(ipv4|ipv6) [unicast]]|ip bgp)"

const struct command commands[] = {
    {"show " BGP " summary [wide] [json]", "State of all BGP neighbors, one line each",
     "sealane/show-bgp-summary@1", VIEW_SUMMARY, LOCAL_NONE, false, request_summary},
    {"show " BGP " [json]", "The BGP table of a family (IPv4 when none is named)",
     "sealane/show-bgp@1", VIEW_TABLE, LOCAL_NONE, false, request_table},
    {"show " BGP " detail [json]", "The BGP table, every path in full", "sealane/show-bgp-detail@1",
     VIEW_PATHS, LOCAL_NONE, false, request_table},
    {"show " BGP " (PREFIX|ADDRESS) [bestpath] [detail] [json]",
     "Paths of one prefix, or of the longest match of an address, and why each is used or not",
     "sealane/show-bgp-prefix@1", VIEW_PATHS, LOCAL_NONE, false, request_table},
    {"show " BGP " PREFIX longer-prefixes [json]", "A prefix and all inside it",
     "sealane/show-bgp@1", VIEW_TABLE, LOCAL_NONE, false, request_table},
    {"show " BGP " PREFIX longer-prefixes detail [json]",
     "A prefix and all inside it, every path in full", "sealane/show-bgp-detail@1", VIEW_PATHS,
     LOCAL_NONE, false, request_table},
    {"show " BGP " neighbors [NEIGHBOR] [json]", "Everything about the sessions with neighbors",
     "sealane/show-bgp-neighbors@1", VIEW_NEIGHBORS, LOCAL_NONE, false, request_neighbors},
    {"show " BGP
     " neighbors NEIGHBOR (advertised-routes|received-routes|routes|filtered-routes) [json]",
     "What a neighbor was told, has sent, and what policy made of it",
     "sealane/show-bgp-neighbor-routes@1", VIEW_TABLE, LOCAL_NONE, false, request_table},
    {"show (ip|ipv6) route [bgp|connected|static|kernel] [json]",
     "Routes known for the kernel, and what became of them", "sealane/show-ip-route@1",
     VIEW_IP_ROUTES, LOCAL_NONE, false, request_ip_routes},
    {"show (ip|ipv6) route (PREFIX|ADDRESS) [json]",
     "Routes of one prefix, or of the longest match of an address", "sealane/show-ip-route@1",
     VIEW_IP_ROUTE, LOCAL_NONE, false, request_ip_routes},
    {"show (ip|ipv6) route PREFIX longer-prefixes [json]", "Routes to a prefix and all inside it",
     "sealane/show-ip-route@1", VIEW_IP_ROUTES, LOCAL_NONE, false, request_ip_routes},
    {"show (ip|ipv6) route summary [json]", "Numbers of routes by kind",
     "sealane/show-ip-route-summary@1", VIEW_IP_SUMMARY, LOCAL_NONE, false, request_ip_routes},
    {"show bfd peers [json]", "BFD sessions in full", "sealane/show-bfd-peers@1", VIEW_BFD_PEERS,
     LOCAL_NONE, false, request_bfd},
    {"show bfd peers brief [json]", "BFD sessions, one line each", "sealane/show-bfd-peers-brief@1",
     VIEW_BFD_BRIEF, LOCAL_NONE, false, request_bfd},
    {"show bfd peers counters [json]", "Packets of BFD sessions, and why some were discarded",
     "sealane/show-bfd-peers-counters@1", VIEW_BFD_COUNTERS, LOCAL_NONE, false, request_bfd},
    {"show bfd peer ADDRESS [json]", "The BFD session with one neighbor",
     "sealane/show-bfd-peers@1", VIEW_BFD_PEERS, LOCAL_NONE, false, request_bfd},
    {"show bfd peer ADDRESS counters [json]", "Packets of one BFD session",
     "sealane/show-bfd-peers-counters@1", VIEW_BFD_COUNTERS, LOCAL_NONE, false, request_bfd},
    {"show tunnels [TUNNEL] [json]", "Tunnels: liveness and its evidence, endpoint routes",
     "sealane/show-tunnels@1", VIEW_TUNNELS, LOCAL_NONE, false, request_tunnels},
    {"show protection [PREFIX|ADDRESS] [json]",
     "Prefixes that must travel protected, and whether they do", "sealane/show-protection@1",
     VIEW_PROTECTION, LOCAL_NONE, false, request_protection},
    {"show fib audit [json]", "What of ours in the kernel was not as it should be, and is again",
     "sealane/show-fib-audit@1", VIEW_FIB_AUDIT, LOCAL_NONE, false, request_fib_audit},
    {"show failover history [json]", "The last failovers, newest first, and where their time went",
     "sealane/show-failover-history@1", VIEW_FAILOVERS, LOCAL_NONE, false, request_failovers},
    {"show running-config [json|xml] [with-secrets]",
     "The configuration in force; secrets only with-secrets and for administrators",
     "sealane/show-running-config@1", VIEW_CONFIG, LOCAL_NONE, false, request_config},
    {"show version [json]", "Versions of daemon and shell", "sealane/show-version@1", VIEW_VERSION,
     LOCAL_NONE, false, request_global},
    {"show memory [json]", "Memory of the daemon by kind", "sealane/show-memory@1", VIEW_MEMORY,
     LOCAL_NONE, false, request_memory},
    {"verify path ADDRESS [from ADDRESS] [json]",
     "Asks the kernel whether a packet would leave protected; fails when it must and would not",
     "sealane/verify-path@1", VIEW_VERIFY, LOCAL_NONE, false, request_verify},
    {"clear " BGP " (NEIGHBOR|*) [soft [in|out]|message TEXT] [json]",
     "Resets sessions, with a message for the other side, or with soft only applies policies again",
     "sealane/clear-bgp@1", VIEW_DONE, LOCAL_NONE, true, request_clear},
    {"reload [json]", "Loads the configuration file anew; unchanged sessions stay up",
     "sealane/reload@1", VIEW_DONE, LOCAL_NONE, true, request_reload},
    {"configure [terminal]", "Says how to change the configuration", NULL, VIEW_DONE,
     LOCAL_CONFIGURE, true, NULL},
    {"terminal length NUMBER", "Lines per page of output; 0 for no pager", NULL, VIEW_DONE,
     LOCAL_TERMINAL_LENGTH, false, NULL},
    {"enable", "To the mode in which operations are allowed", NULL, VIEW_DONE, LOCAL_ENABLE, false,
     NULL},
    {"disable", "Back to the mode for looking only", NULL, VIEW_DONE, LOCAL_DISABLE, false, NULL},
    {"(exit|quit)", "Leaves the shell", NULL, VIEW_DONE, LOCAL_EXIT, false, NULL},
};

const size_t command_count = sizeof commands / sizeof commands[0];

const char *command_word_help(const char *word)
{
    static const struct {
        const char *word;
        const char *help;
    } words[] = {
        {"*", "All neighbors"},
        {"advertised-routes", "What the neighbor has been told"},
        {"audit", "Tables against the kernel"},
        {"bestpath", "Only the paths in use"},
        {"bfd", "Bidirectional forwarding detection"},
        {"bgp", "Border Gateway Protocol"},
        {"brief", "One line each"},
        {"clear", "Reset sessions or apply policies again"},
        {"configure", "How to change the configuration"},
        {"connected", "Networks of our own interfaces"},
        {"counters", "Packets sent, received and discarded"},
        {"detail", "Every path in full"},
        {"disable", "Leave the privileged mode"},
        {"enable", "Enter the privileged mode"},
        {"exit", "Leave the shell"},
        {"failover", "What moved when something died"},
        {"fib", "The kernel's forwarding table"},
        {"filtered-routes", "What import policy refused"},
        {"from", "A packet from this address"},
        {"history", "The last ones, newest first"},
        {"in", "What the neighbor has sent"},
        {"ip", "IPv4"},
        {"ipv4", "IPv4"},
        {"ipv6", "IPv6"},
        {"json", "As JSON"},
        {"kernel", "Routes of other programs"},
        {"length", "Lines per page"},
        {"longer-prefixes", "This prefix and all inside it"},
        {"memory", "Memory of the daemon"},
        {"message", "Tell the other side why (RFC 9003)"},
        {"neighbors", "Sessions with neighbors"},
        {"out", "What the neighbor is told"},
        {"path", "The way of a packet"},
        {"peer", "One session"},
        {"peers", "All sessions"},
        {"protection", "Prefixes that must travel protected"},
        {"quit", "Leave the shell"},
        {"received-routes", "What the neighbor has sent, before policy"},
        {"reload", "Load the configuration file anew"},
        {"route", "Routes known for the kernel"},
        {"routes", "What the neighbor has sent, after policy"},
        {"running-config", "The configuration in force"},
        {"show", "Show what is going on"},
        {"soft", "Without resetting the session"},
        {"static", "Static routes of the configuration"},
        {"summary", "An overview, one line each"},
        {"terminal", "This terminal"},
        {"tunnels", "IPsec tunnels and their liveness"},
        {"unicast", "Unicast routes"},
        {"verify", "Ask the kernel for the truth"},
        {"version", "Versions of daemon and shell"},
        {"wide", "With local AS, path class and liveness"},
        {"with-secrets", "Passwords in full"},
        {"xml", "As XML"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].word, word) == 0) {
            return words[i].help;
        }
    }
    return NULL;
}

struct grammar *commands_grammar(void)
{
    const char *patterns[64];
    ASSERT(command_count <= sizeof patterns / sizeof patterns[0]);
    for (size_t i = 0; i < command_count; i++) {
        patterns[i] = commands[i].pattern;
    }
    return grammar_new(patterns, command_count);
}
