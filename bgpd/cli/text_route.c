/* Text of show ip route and show ipv6 route. */
#include <stdio.h>
#include <string.h>

#include "bgpd/cli/render.h"
#include "bgpd/cli/words.h"

static const char kind_letters[] = "BCSKPG";

static char kind_letter(uint32_t kind)
{
    return kind < sizeof kind_letters - 1 ? kind_letters[kind] : '?';
}

static void legend(struct render *render)
{
    out_text(render->out, "Codes: K - kernel route, C - connected, S - static, B - BGP,\n"
                          "       P - pin of a tunnel endpoint or inner peer,\n"
                          "       G - guard of a protected prefix,\n"
                          "       > - selected route, * - FIB route, q - queued, r - rejected, "
                          "b - backup\n\n");
    render->is_begun = true;
}

static const char *discard_words(int type)
{
    switch (type) {
    case CONTROL__IP_ROUTE__TYPE__BLACKHOLE:
        return "unreachable (blackhole)";
    case CONTROL__IP_ROUTE__TYPE__UNREACHABLE:
        return "unreachable (ICMP unreachable)";
    case CONTROL__IP_ROUTE__TYPE__PROHIBIT:
        return "unreachable (ICMP admin-prohibited)";
    default:
        return "no next hop";
    }
}

static char install_letter(const Control__IpRoute *route, const Control__Leg *leg)
{
    switch (route->install) {
    case CONTROL__IP_ROUTE__INSTALL__QUEUED:
        return 'q';
    case CONTROL__IP_ROUTE__INSTALL__FAILED:
        return 'r';
    case CONTROL__IP_ROUTE__INSTALL__INSTALLED:
        return leg != NULL && leg->is_backup ? 'b' : leg == NULL || leg->is_active ? '*' : ' ';
    default:
        return ' ';
    }
}

static void leg_words(const Control__Leg *leg, char out[128])
{
    char gateway[WORDS_ADDR_BYTES];
    if (leg->gateway.len == 0) {
        snprintf(out, 128, "is directly connected, %s", leg->interface);
    } else {
        snprintf(out, 128, "via %s, %s", words_addr(&leg->gateway, gateway),
                 leg->interface[0] != '\0' ? leg->interface : "unresolved");
    }
}

/* True when leg is of the same BGP next hop as the one before it. */
static bool same_recursion(const Control__Leg *leg, const Control__Leg *before)
{
    return before != NULL && leg->recursive_via.len == before->recursive_via.len &&
           memcmp(leg->recursive_via.data, before->recursive_via.data, leg->recursive_via.len) == 0;
}

/* One line per leg, and one before those found for a next hop further away. */
static void legs_show(struct render *render, const Control__IpRoute *route, const char *title,
                      const char *age)
{
    struct out *out = render->out;
    int indent = (int)strlen(title);
    bool is_first = true;
    for (size_t i = 0; i < route->n_legs; i++) {
        const Control__Leg *leg = route->legs[i];
        char text[128];
        char via[WORDS_ADDR_BYTES];
        bool is_recursive = leg->recursive_via.len != 0;
        if (is_recursive && !same_recursion(leg, i == 0 ? NULL : route->legs[i - 1])) {
            if (is_first) {
                out_printf(out, "%c%c  %s", kind_letter(route->kind),
                           route->is_selected ? '>' : ' ', title);
            } else {
                out_pad(out, 4 + indent);
            }
            out_printf(out, " via %s (recursive), weight %u, %s\n",
                       words_addr(&leg->recursive_via, via), leg->weight == 0 ? 1 : leg->weight,
                       age);
            is_first = false;
        }
        char letter = install_letter(route, leg);
        if (is_first) {
            out_printf(out, "%c%c%c %s", kind_letter(route->kind), route->is_selected ? '>' : ' ',
                       letter, title);
        } else {
            out_printf(out, "  %c ", letter);
            out_pad(out, indent + (is_recursive ? 2 : 0));
        }
        leg_words(leg, text);
        out_printf(out, " %s, weight %u, %s", text, leg->weight == 0 ? 1 : leg->weight, age);
        out_printf(out, "%s%s%s\n", route->note[0] != '\0' && i == 0 ? " (" : "",
                   i == 0 ? route->note : "", route->note[0] != '\0' && i == 0 ? ")" : "");
        is_first = false;
    }
}

static void route_show(struct render *render, const Control__IpRoute *route)
{
    char prefix[WORDS_PREFIX_BYTES];
    char title[WORDS_PREFIX_BYTES + 32];
    char age[WORDS_AGE_BYTES];
    words_prefix(&route->prefix, route->prefix_len, prefix);
    words_age(route->age_ms, age);
    if (route->kind == CONTROL__IP_ROUTE__KIND__CONNECTED) {
        snprintf(title, sizeof title, "%s", prefix);
    } else {
        snprintf(title, sizeof title, "%s [%u/%u]", prefix, route->distance, route->metric);
    }
    if (route->n_legs != 0 && route->type == CONTROL__IP_ROUTE__TYPE__UNICAST) {
        legs_show(render, route, title, age);
        return;
    }
    out_printf(render->out, "%c%c%c %s %s, weight 1, %s%s%s%s\n", kind_letter(route->kind),
               route->is_selected ? '>' : ' ', install_letter(route, NULL), title,
               discard_words(route->type), age, route->note[0] != '\0' ? " (" : "", route->note,
               route->note[0] != '\0' ? ")" : "");
}

static void routes_answer(struct render *render, const Control__Answer *answer)
{
    for (size_t i = 0; i < answer->n_ip_routes; i++) {
        if (!render->is_begun) {
            legend(render);
        }
        route_show(render, answer->ip_routes[i]);
    }
}

const struct view_ops text_ip_routes = {render_nothing, render_nothing, routes_answer,
                                        render_ignore_status, render_nothing};

/* ---- One prefix ---- */

static const char *kind_words(uint32_t kind)
{
    static const char *const words[] = {"bgp", "connected", "static", "kernel", "pin", "guard"};
    return kind < sizeof words / sizeof words[0] ? words[kind] : "unknown";
}

static void entry_show(struct render *render, const Control__IpRoute *route)
{
    char text[WORDS_PREFIX_BYTES];
    char age[WORDS_AGE_BYTES];
    struct out *out = render->out;
    out_printf(out, "Routing entry for %s\n",
               words_prefix(&route->prefix, route->prefix_len, text));
    out_printf(out, "  Known via \"%s\", distance %u, metric %u%s", kind_words(route->kind),
               route->distance, route->metric, route->is_selected ? ", best" : "");
    if (route->tag != 0) {
        out_printf(out, ", tag %u", route->tag);
    }
    out_printf(out, "\n  Last update %s ago\n", words_age(route->age_ms, age));
    if (route->nexthop_object != 0) {
        out_printf(out, "  Nexthop object ID: %u\n", route->nexthop_object);
    }
    if (route->note[0] != '\0') {
        out_printf(out, "  Note: %s\n", route->note);
    }
    if (route->n_legs == 0 || route->type != CONTROL__IP_ROUTE__TYPE__UNICAST) {
        out_printf(out, "  %c %s\n", install_letter(route, NULL), discard_words(route->type));
    }
    for (size_t i = 0; i < route->n_legs && route->type == CONTROL__IP_ROUTE__TYPE__UNICAST; i++) {
        const Control__Leg *leg = route->legs[i];
        out_printf(out, "  %c ", install_letter(route, leg));
        if (leg->gateway.len == 0) {
            out_printf(out, "directly connected, %s", leg->interface);
        } else {
            out_printf(out, "%s, via %s", words_addr(&leg->gateway, text),
                       leg->interface[0] != '\0' ? leg->interface : "unresolved");
        }
        out_printf(out, ", weight %u, %s", leg->weight == 0 ? 1 : leg->weight,
                   words_path_class(leg->path_class));
        if (leg->recursive_via.len != 0) {
            out_printf(out, " (for %s)", words_addr(&leg->recursive_via, text));
        }
        out_text(out, leg->is_backup ? " (backup)\n" : "\n");
    }
    out_text(out, "\n");
}

static void entry_answer(struct render *render, const Control__Answer *answer)
{
    for (size_t i = 0; i < answer->n_ip_routes; i++) {
        entry_show(render, answer->ip_routes[i]);
    }
    if (answer->n_absent != 0) {
        out_text(render->out, "% Network not in table\n");
        render->is_error = true;
    }
}

const struct view_ops text_ip_route = {render_nothing, render_nothing, entry_answer,
                                       render_ignore_status, render_nothing};

/* ---- Summary ---- */

static void count_answer(struct render *render, const Control__Answer *answer)
{
    for (size_t i = 0; i < answer->n_ip_routes; i++) {
        const Control__IpRoute *route = answer->ip_routes[i];
        if (route->kind < IP_ROUTE_KINDS) {
            render->kind_counts[route->kind]++;
            if (route->install == CONTROL__IP_ROUTE__INSTALL__INSTALLED) {
                render->fib_counts[route->kind]++;
            }
        }
    }
}

static void count_end(struct render *render)
{
    uint32_t routes = 0;
    uint32_t installed = 0;
    out_text(render->out, "Route Source         Routes               FIB  (vrf default)\n");
    for (uint32_t kind = 0; kind < IP_ROUTE_KINDS; kind++) {
        routes += render->kind_counts[kind];
        installed += render->fib_counts[kind];
        if (render->kind_counts[kind] != 0) {
            out_printf(render->out, "%-20s %-20u %u\n", kind_words(kind), render->kind_counts[kind],
                       render->fib_counts[kind]);
        }
    }
    out_printf(render->out, "------\n%-20s %-20u %u\n", "Totals", routes, installed);
}

const struct view_ops text_ip_summary = {render_nothing, render_nothing, count_answer,
                                         render_ignore_status, count_end};
