#include "bgpd/cli/requests.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* text has passed the grammar. */
static ProtobufCBinaryData addr_parse(const char *text, uint8_t out[16])
{
    if (inet_pton(AF_INET, text, out) == 1) {
        return (ProtobufCBinaryData){4, out};
    }
    return (ProtobufCBinaryData){inet_pton(AF_INET6, text, out) == 1 ? 16 : 0, out};
}

static ProtobufCBinaryData prefix_parse(const char *text, uint8_t out[16], uint32_t *len_out)
{
    char addr[64];
    const char *slash = strchr(text, '/');
    if (slash == NULL) {
        ProtobufCBinaryData whole = addr_parse(text, out);
        *len_out = (uint32_t)whole.len * 8;
        return whole;
    }
    snprintf(addr, sizeof addr, "%.*s", (int)(slash - text), text);
    *len_out = (uint32_t)strtoul(slash + 1, NULL, 10);
    return addr_parse(addr, out);
}

/* The family that words or arguments of the line name; 0 when none does. */
static uint32_t line_family(const struct command_line *line)
{
    const char *text = line_arg(line, ARG_PREFIX);
    if (line_has(line, "ipv6")) {
        return 6;
    }
    if (line_has(line, "ipv4") || line_has(line, "ip")) {
        return 4;
    }
    text = text != NULL ? text : line_arg(line, ARG_ADDR);
    return text == NULL ? 0 : strchr(text, ':') != NULL ? 6 : 4;
}

static bool check_family(uint32_t family, const ProtobufCBinaryData *prefix, const char *text,
                         char error_out[128])
{
    if (prefix->len != (family == 6 ? 16 : 4)) {
        snprintf(error_out, 128, "%.60s is no IPv%u prefix or address", text, family);
        return false;
    }
    return true;
}

bool request_summary(const struct command_line *line, unsigned index, struct request_box *box,
                     char error_out[128])
{
    uint32_t family = line_family(line);
    (void)error_out;
    if (index > (family == 0 ? 1 : 0)) {
        return false;
    }
    control__neighbors_request__init(&box->neighbors);
    box->request.kind_case = CONTROL__REQUEST__KIND_NEIGHBORS;
    box->request.neighbors = &box->neighbors;
    box->family = family != 0 ? family : index == 0 ? 4 : 6;
    return true;
}

bool request_neighbors(const struct command_line *line, unsigned index, struct request_box *box,
                       char error_out[128])
{
    const char *peer = line_arg(line, ARG_NEIGHBOR);
    (void)error_out;
    if (index != 0) {
        return false;
    }
    control__neighbors_request__init(&box->neighbors);
    box->request.kind_case = CONTROL__REQUEST__KIND_NEIGHBORS;
    box->request.neighbors = &box->neighbors;
    box->family = 4;
    if (peer != NULL) {
        box->neighbors.peer = addr_parse(peer, box->peer);
    }
    return true;
}

static Control__TableRequest__Table line_table(const struct command_line *line)
{
    return line_has(line, "advertised-routes") ? CONTROL__TABLE_REQUEST__TABLE__ADVERTISED
           : line_has(line, "received-routes") ? CONTROL__TABLE_REQUEST__TABLE__RECEIVED
           : line_has(line, "filtered-routes") ? CONTROL__TABLE_REQUEST__TABLE__FILTERED
           : line_has(line, "routes")          ? CONTROL__TABLE_REQUEST__TABLE__ACCEPTED
                                               : CONTROL__TABLE_REQUEST__TABLE__LOC_RIB;
}

bool request_table(const struct command_line *line, unsigned index, struct request_box *box,
                   char error_out[128])
{
    const char *peer = line_arg(line, ARG_NEIGHBOR);
    const char *prefix = line_arg(line, ARG_PREFIX);
    const char *addr = line_arg(line, ARG_ADDR);
    uint32_t family = line_family(line);
    if (index != 0) {
        return false;
    }
    box->family = family != 0 ? family : 4;
    Control__TableRequest *table = &box->table;
    control__table_request__init(table);
    box->request.kind_case = CONTROL__REQUEST__KIND_TABLE;
    box->request.table = table;
    table->family = box->family;
    table->table = line_table(line);
    if (peer != NULL) {
        table->peer = addr_parse(peer, box->peer);
    }
    bool is_longer = line_has(line, "longer-prefixes");
    if (prefix != NULL || addr != NULL) {
        const char *text = prefix != NULL ? prefix : addr;
        table->prefix = prefix_parse(text, box->prefix, &table->prefix_len);
        table->mode = is_longer        ? CONTROL__TABLE_REQUEST__MODE__LONGER
                      : prefix != NULL ? CONTROL__TABLE_REQUEST__MODE__EXACT
                                       : CONTROL__TABLE_REQUEST__MODE__MATCH;
        if (!check_family(box->family, &table->prefix, text, error_out)) {
            return false;
        }
    }
    bool is_lookup = (prefix != NULL || addr != NULL) && !is_longer;
    table->with_heads = is_lookup || line_has(line, "detail");
    table->best_only = line_has(line, "bestpath");
    return true;
}

bool request_ip_routes(const struct command_line *line, unsigned index, struct request_box *box,
                       char error_out[128])
{
    static const struct {
        const char *word;
        uint32_t kinds;
    } kinds[] = {
        {"bgp", 1u << CONTROL__IP_ROUTE__KIND__BGP},
        {"connected", 1u << CONTROL__IP_ROUTE__KIND__CONNECTED},
        {"static", 1u << CONTROL__IP_ROUTE__KIND__STATIC},
        {"kernel", 1u << CONTROL__IP_ROUTE__KIND__KERNEL},
    };
    const char *prefix = line_arg(line, ARG_PREFIX);
    const char *text = prefix != NULL ? prefix : line_arg(line, ARG_ADDR);
    if (index != 0) {
        return false;
    }
    Control__IpRoutesRequest *routes = &box->ip_routes;
    control__ip_routes_request__init(routes);
    box->request.kind_case = CONTROL__REQUEST__KIND_IP_ROUTES;
    box->request.ip_routes = routes;
    box->family = line_has(line, "ipv6") ? 6 : 4;
    routes->family = box->family;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        routes->kinds |= line_has(line, kinds[i].word) ? kinds[i].kinds : 0;
    }
    if (text == NULL) {
        return true;
    }
    routes->prefix = prefix_parse(text, box->prefix, &routes->prefix_len);
    routes->mode = line_has(line, "longer-prefixes") ? CONTROL__TABLE_REQUEST__MODE__LONGER
                   : prefix != NULL                  ? CONTROL__TABLE_REQUEST__MODE__EXACT
                                                     : CONTROL__TABLE_REQUEST__MODE__MATCH;
    return check_family(box->family, &routes->prefix, text, error_out);
}

bool request_bfd(const struct command_line *line, unsigned index, struct request_box *box,
                 char error_out[128])
{
    const char *peer = line_arg(line, ARG_ADDR);
    (void)error_out;
    if (index != 0) {
        return false;
    }
    control__bfd_request__init(&box->bfd);
    box->request.kind_case = CONTROL__REQUEST__KIND_BFD;
    box->request.bfd = &box->bfd;
    if (peer != NULL) {
        box->bfd.peer = addr_parse(peer, box->peer);
    }
    return true;
}

bool request_tunnels(const struct command_line *line, unsigned index, struct request_box *box,
                     char error_out[128])
{
    const char *name = line_arg(line, ARG_TUNNEL);
    (void)error_out;
    if (index != 0) {
        return false;
    }
    control__tunnels_request__init(&box->tunnels);
    box->request.kind_case = CONTROL__REQUEST__KIND_TUNNELS;
    box->request.tunnels = &box->tunnels;
    if (name != NULL) {
        union {
            const char *in;
            char *out;
        } cast = {.in = name};
        box->tunnels.name = cast.out; /* only read, by the packer */
    }
    return true;
}

bool request_protection(const struct command_line *line, unsigned index, struct request_box *box,
                        char error_out[128])
{
    const char *prefix = line_arg(line, ARG_PREFIX);
    const char *text = prefix != NULL ? prefix : line_arg(line, ARG_ADDR);
    (void)error_out;
    if (index != 0) {
        return false;
    }
    control__protection_request__init(&box->protection);
    box->request.kind_case = CONTROL__REQUEST__KIND_PROTECTION;
    box->request.protection = &box->protection;
    if (text != NULL) {
        box->protection.prefix = prefix_parse(text, box->prefix, &box->protection.prefix_len);
    }
    return true;
}

bool request_config(const struct command_line *line, unsigned index, struct request_box *box,
                    char error_out[128])
{
    (void)error_out;
    if (index != 0) {
        return false;
    }
    control__config_request__init(&box->config);
    box->request.kind_case = CONTROL__REQUEST__KIND_CONFIG;
    box->request.config = &box->config;
    box->config.format = line_has(line, "json")  ? CONTROL__CONFIG_REQUEST__FORMAT__JSON
                         : line_has(line, "xml") ? CONTROL__CONFIG_REQUEST__FORMAT__XML
                                                 : CONTROL__CONFIG_REQUEST__FORMAT__TEXT;
    box->config.with_secrets = line_has(line, "with-secrets");
    return true;
}

bool request_global(const struct command_line *line, unsigned index, struct request_box *box,
                    char error_out[128])
{
    (void)line;
    (void)error_out;
    control__global_request__init(&box->global);
    box->request.kind_case = CONTROL__REQUEST__KIND_GLOBAL;
    box->request.global = &box->global;
    return index == 0;
}

bool request_memory(const struct command_line *line, unsigned index, struct request_box *box,
                    char error_out[128])
{
    (void)line;
    (void)error_out;
    control__memory_request__init(&box->memory);
    box->request.kind_case = CONTROL__REQUEST__KIND_MEMORY;
    box->request.memory = &box->memory;
    return index == 0;
}

bool request_clear(const struct command_line *line, unsigned index, struct request_box *box,
                   char error_out[128])
{
    const char *peer = line_arg(line, ARG_NEIGHBOR);
    (void)error_out;
    if (index != 0) {
        return false;
    }
    control__clear_request__init(&box->clear);
    box->request.kind_case = CONTROL__REQUEST__KIND_CLEAR;
    box->request.clear = &box->clear;
    box->clear.kind = !line_has(line, "soft") ? CONTROL__CLEAR_REQUEST__KIND__HARD
                      : line_has(line, "in")  ? CONTROL__CLEAR_REQUEST__KIND__SOFT_IN
                      : line_has(line, "out") ? CONTROL__CLEAR_REQUEST__KIND__SOFT_OUT
                                              : CONTROL__CLEAR_REQUEST__KIND__SOFT_BOTH;
    uint32_t family = line_family(line);
    box->clear.families = family == 0 ? 0 : family == 6 ? 2 : 1;
    if (peer != NULL) {
        box->clear.peer = addr_parse(peer, box->peer);
    }
    if (line_has(line, "message")) {
        box->clear.message = (char *)(uintptr_t)line_arg(line, ARG_TEXT);
    }
    return true;
}

bool request_reload(const struct command_line *line, unsigned index, struct request_box *box,
                    char error_out[128])
{
    (void)line;
    (void)error_out;
    control__reload_request__init(&box->reload);
    box->request.kind_case = CONTROL__REQUEST__KIND_RELOAD;
    box->request.reload = &box->reload;
    return index == 0;
}

bool request_failovers(const struct command_line *line, unsigned index, struct request_box *box,
                       char error_out[128])
{
    (void)line;
    (void)error_out;
    control__failovers_request__init(&box->failovers);
    box->request.kind_case = CONTROL__REQUEST__KIND_FAILOVERS;
    box->request.failovers = &box->failovers;
    return index == 0;
}

bool request_verify(const struct command_line *line, unsigned index, struct request_box *box,
                    char error_out[128])
{
    const char *destination = line_arg(line, ARG_ADDR);
    const char *source = line_arg_after(line, "from");
    if (index != 0) {
        return false;
    }
    if (source != NULL && (strchr(source, ':') == NULL) != (strchr(destination, ':') == NULL)) {
        snprintf(error_out, 128, "%s and %s are of different families", source, destination);
        return false;
    }
    control__verify_request__init(&box->verify);
    box->request.kind_case = CONTROL__REQUEST__KIND_VERIFY;
    box->request.verify = &box->verify;
    box->verify.destination = addr_parse(destination, box->prefix);
    if (source != NULL) {
        box->verify.source = addr_parse(source, box->peer);
    }
    return true;
}

bool request_fib_audit(const struct command_line *line, unsigned index, struct request_box *box,
                       char error_out[128])
{
    (void)line;
    (void)error_out;
    control__fib_audit_request__init(&box->fib_audit);
    box->request.kind_case = CONTROL__REQUEST__KIND_FIB_AUDIT;
    box->request.fib_audit = &box->fib_audit;
    return index == 0;
}
