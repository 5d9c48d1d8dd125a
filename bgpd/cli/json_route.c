/* JSON of show ip route and show ipv6 route. */
#include <string.h>

#include "bgpd/cli/json_parts.h"
#include "bgpd/cli/words.h"

static const char *kind_words(uint32_t kind)
{
    static const char *const words[] = {"bgp", "connected", "static", "kernel", "pin", "guard"};
    return kind < sizeof words / sizeof words[0] ? words[kind] : "unknown";
}

static void legs(struct json *json, const Control__IpRoute *route)
{
    char text[WORDS_ADDR_BYTES];
    bool is_installed = route->install == CONTROL__IP_ROUTE__INSTALL__INSTALLED;
    json_array_begin(json, "nexthops");
    for (size_t i = 0; i < route->n_legs; i++) {
        const Control__Leg *leg = route->legs[i];
        json_object_begin(json, NULL);
        json_flag(json, "fib", is_installed && leg->is_active);
        if (leg->gateway.len != 0) {
            json_text(json, "ip", words_addr(&leg->gateway, text));
            json_text(json, "afi", leg->gateway.len == 16 ? "ipv6" : "ipv4");
        } else {
            json_flag(json, "directlyConnected", true);
        }
        json_text(json, "interfaceName", leg->interface);
        json_flag(json, "active", leg->is_active);
        json_unsigned(json, "weight", leg->weight == 0 ? 1 : leg->weight);
        json_flag(json, "backup", leg->is_backup);
        json_text(json, "pathClass", words_path_class(leg->path_class));
        if (leg->recursive_via.len != 0) {
            json_flag(json, "resolver", true);
            json_text(json, "recursiveVia", words_addr(&leg->recursive_via, text));
        }
        json_object_end(json);
    }
    if (route->type != CONTROL__IP_ROUTE__TYPE__UNICAST) {
        json_object_begin(json, NULL);
        json_flag(json, "unreachable", true);
        json_flag(json, "fib", is_installed);
        json_flag(json,
                  route->type == CONTROL__IP_ROUTE__TYPE__BLACKHOLE     ? "blackhole"
                  : route->type == CONTROL__IP_ROUTE__TYPE__UNREACHABLE ? "reject"
                                                                        : "adminProhibited",
                  true);
        json_object_end(json);
    }
    json_array_end(json);
}

static void route_object(struct render *render, const Control__IpRoute *route)
{
    char text[WORDS_PREFIX_BYTES];
    struct json *json = &render->json;
    json_object_begin(json, NULL);
    json_text(json, "prefix", words_prefix(&route->prefix, route->prefix_len, text));
    json_unsigned(json, "prefixLen", route->prefix_len);
    json_text(json, "protocol", kind_words(route->kind));
    json_unsigned(json, "vrfId", 0);
    json_text(json, "vrfName", "default");
    json_flag(json, "selected", route->is_selected);
    json_flag(json, "destSelected", route->is_selected);
    json_unsigned(json, "distance", route->distance);
    json_unsigned(json, "metric", route->metric);
    json_flag(json, "installed", route->install == CONTROL__IP_ROUTE__INSTALL__INSTALLED);
    json_flag(json, "queued", route->install == CONTROL__IP_ROUTE__INSTALL__QUEUED);
    json_flag(json, "failed", route->install == CONTROL__IP_ROUTE__INSTALL__FAILED);
    json_unsigned(json, "table", route->table);
    if (route->tag != 0) {
        json_unsigned(json, "tag", route->tag);
    }
    if (route->nexthop_object != 0) {
        json_unsigned(json, "nexthopGroupId", route->nexthop_object);
        json_unsigned(json, "installedNexthopGroupId", route->nexthop_object);
    }
    json_uptime(render, "uptime", "uptimeMsec", "uptimeEpoch", route->age_ms);
    if (route->note[0] != '\0') {
        json_text(json, "note", route->note);
    }
    legs(json, route);
    json_object_end(json);
}

static bool same_prefix(struct render *render, const char *text)
{
    bool is_same = render->is_open && strcmp(buffer_text(&render->scratch), text) == 0;
    render->scratch.size = 0;
    buffer_append(&render->scratch, text, strlen(text));
    return is_same;
}

static void routes_answer(struct render *render, const Control__Answer *answer)
{
    char text[WORDS_PREFIX_BYTES];
    for (size_t i = 0; i < answer->n_ip_routes; i++) {
        const Control__IpRoute *route = answer->ip_routes[i];
        words_prefix(&route->prefix, route->prefix_len, text);
        if (!same_prefix(render, text)) {
            if (render->is_open) {
                json_array_end(&render->json);
            }
            json_array_begin(&render->json, text);
            render->is_open = true;
        }
        route_object(render, route);
    }
    for (size_t i = 0; i < answer->n_absent; i++) {
        json_absent(render, answer->absent[i]);
    }
}

static void routes_end(struct render *render)
{
    if (render->is_open) {
        json_array_end(&render->json);
    }
    json_document_end(render);
}

const struct view_ops json_ip_routes = {json_document_begin, render_nothing, routes_answer,
                                        render_ignore_status, routes_end};

const struct view_ops json_ip_route = {json_document_begin, render_nothing, routes_answer,
                                       render_ignore_status, routes_end};

/* ---- Summary ---- */

static void count_answer(struct render *render, const Control__Answer *answer)
{
    text_ip_summary.answer(render, answer);
}

static void count_end(struct render *render)
{
    uint32_t routes = 0;
    uint32_t installed = 0;
    struct json *json = &render->json;
    json_array_begin(json, "routes");
    for (uint32_t kind = 0; kind < IP_ROUTE_KINDS; kind++) {
        routes += render->kind_counts[kind];
        installed += render->fib_counts[kind];
        if (render->kind_counts[kind] != 0) {
            json_object_begin(json, NULL);
            json_unsigned(json, "fib", render->fib_counts[kind]);
            json_unsigned(json, "rib", render->kind_counts[kind]);
            json_text(json, "type", kind_words(kind));
            json_object_end(json);
        }
    }
    json_array_end(json);
    json_unsigned(json, "routesTotal", routes);
    json_unsigned(json, "routesTotalFib", installed);
    json_document_end(render);
}

const struct view_ops json_ip_summary = {json_document_begin, render_nothing, count_answer,
                                         render_ignore_status, count_end};
