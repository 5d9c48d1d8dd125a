#include "bgpd/cli/json_parts.h"

#include "bgpd/cli/words.h"
#include "proto/base/cursor.h"

void json_document_begin(struct render *render)
{
    json_object_begin(&render->json, NULL);
    json_text(&render->json, "schema", render->schema);
}

void json_document_end(struct render *render)
{
    json_object_end(&render->json);
}

uint64_t json_message_total(const Control__MessageCounts *counts)
{
    return counts == NULL ? 0
                          : counts->opens + counts->notifications + counts->updates +
                                counts->keepalives + counts->route_refreshes;
}

void json_uptime(struct render *render, const char *words_key, const char *msec_key,
                 const char *epoch_key, int64_t age_ms)
{
    char text[WORDS_AGE_BYTES];
    json_text(&render->json, words_key, words_age(age_ms, text));
    json_number(&render->json, msec_key, age_ms < 0 ? 0 : age_ms);
    json_number(&render->json, epoch_key, age_ms < 0 ? 0 : render->now_epoch_s - age_ms / 1000);
}

static const char *path_from(const Control__Path *path)
{
    return path->source_kind == 1 ? "internal" : path_is_local(path) ? "local" : "external";
}

static void next_hops(struct render *render, const Control__Path *path, bool is_full)
{
    char text[WORDS_ADDR_BYTES];
    struct json *json = &render->json;
    json_array_begin(json, "nexthops");
    json_object_begin(json, NULL);
    json_text(json, "ip",
              path->next_hop.len != 0 ? words_addr(&path->next_hop, text)
              : render->family == 6   ? "::"
                                      : "0.0.0.0");
    json_text(json, "afi", path->next_hop.len == 16 || render->family == 6 ? "ipv6" : "ipv4");
    if (is_full) {
        json_unsigned(json, "metric", path->nexthop_metric);
        json_flag(json, "accessible", path_is_local(path) || path->nexthop_state == 1);
    }
    json_flag(json, "used", true);
    json_object_end(json);
    if (path->next_hop_link_local.len != 0) {
        json_object_begin(json, NULL);
        json_text(json, "ip", words_addr(&path->next_hop_link_local, text));
        json_text(json, "afi", "ipv6");
        json_text(json, "scope", "link-local");
        json_object_end(json);
    }
    json_array_end(json);
}

/* What FRR does not know. */
static void judgement(struct render *render, const Control__Path *path)
{
    struct json *json = &render->json;
    json_flag(json, "eligible", path->is_eligible);
    json_text(json, "reason", words_reason_identity(path->reason));
    if (!path_is_best(path)) {
        render_lost_reason(path, &render->scratch);
        json_text(json, "reasonText", buffer_text(&render->scratch));
    }
    json_text(json, "pathClass",
              path_is_local(path) ? "local" : words_path_class(path->path_class));
    if (path->tunnel[0] != '\0') {
        json_text(json, "tunnel", path->tunnel);
    }
    if (path->interface[0] != '\0') {
        json_text(json, "interfaceName", path->interface);
    }
    if ((path->flags & CONTROL__PATH__FLAG__STALE) != 0) {
        json_flag(json, "stale", true);
    }
    if (path->is_rib_failure) {
        json_flag(json, "ribFailure", true);
    }
}

void json_path_brief(struct render *render, const Control__Path *path)
{
    char text[WORDS_PREFIX_BYTES];
    struct json *json = &render->json;
    json_flag(json, "valid", path->is_eligible);
    json_flag(json, "bestpath", path_is_best(path));
    if (path_is_multipath(path)) {
        json_flag(json, "multipath", true);
    }
    if (path_is_best(path)) {
        json_text(json, "selectionReason", words_reason_won(path->reason));
    }
    json_text(json, "pathFrom", path_from(path));
    json_text(json, "prefix", words_addr(&path->prefix, text));
    json_unsigned(json, "prefixLen", path->prefix_len);
    json_text(json, "network", words_prefix(&path->prefix, path->prefix_len, text));
    if (path->has_med) {
        json_unsigned(json, "metric", path->med);
    }
    if (path->has_local_pref) {
        json_unsigned(json, "locPrf", path->local_pref);
    }
    json_unsigned(json, "weight", path->weight);
    json_text(json, "peerId", path->peer.len != 0 ? words_addr(&path->peer, text) : "(unspec)");
    words_as_path(&path->as_path, &render->scratch);
    json_text(json, "path", buffer_text(&render->scratch));
    json_text(json, "origin", words_origin(path->origin));
    next_hops(render, path, false);
    judgement(render, path);
}

/* ---- In full ---- */

static const char *segment_type(uint8_t type)
{
    return type == 1   ? "as-set"
           : type == 3 ? "as-confed-sequence"
           : type == 4 ? "as-confed-set"
                       : "as-sequence";
}

static void as_path(struct render *render, const ProtobufCBinaryData *path)
{
    struct json *json = &render->json;
    struct reader reader = reader_of(path->data, path->len);
    json_object_begin(json, "aspath");
    words_as_path(path, &render->scratch);
    json_text(json, "string", render->scratch.size != 0 ? buffer_text(&render->scratch) : "Local");
    json_array_begin(json, "segments");
    while (reader_left(&reader) != 0) {
        uint8_t type = reader_u8(&reader);
        uint8_t count = reader_u8(&reader);
        struct reader asns = reader_sub(&reader, (size_t)count * 4);
        if (reader.failed) {
            break;
        }
        json_object_begin(json, NULL);
        json_text(json, "type", segment_type(type));
        json_array_begin(json, "list");
        for (unsigned i = 0; i < count; i++) {
            json_unsigned(json, NULL, reader_u32(&asns));
        }
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
    json_unsigned(json, "length", words_as_path_length(path));
    json_object_end(json);
}

static void communities(struct render *render, const char *key, const ProtobufCBinaryData *list,
                        size_t size, void (*words)(const ProtobufCBinaryData *, struct buffer *))
{
    struct json *json = &render->json;
    if (list->len == 0) {
        return;
    }
    json_object_begin(json, key);
    words(list, &render->scratch);
    json_text(json, "string", buffer_text(&render->scratch));
    json_array_begin(json, "list");
    for (size_t at = 0; at + size <= list->len; at += size) {
        ProtobufCBinaryData one = {size, list->data + at};
        words(&one, &render->scratch);
        json_text(json, NULL, buffer_text(&render->scratch));
    }
    json_array_end(json);
    json_object_end(json);
}

static void peer_object(struct render *render, const Control__Path *path)
{
    char text[WORDS_ADDR_BYTES];
    struct json *json = &render->json;
    json_object_begin(json, "peer");
    json_text(json, "peerId",
              path->peer.len != 0   ? words_addr(&path->peer, text)
              : render->family == 6 ? "::"
                                    : "0.0.0.0");
    json_text(
        json, "routerId",
        words_router_id(path_is_local(path) ? render->router_id : path->peer_router_id, text));
    json_text(json, "type", path_from(path));
    if (path->peer_asn != 0) {
        json_unsigned(json, "as", path->peer_asn);
    }
    json_object_end(json);
}

static void best_object(struct render *render, const Control__Path *path)
{
    struct json *json = &render->json;
    if (path_is_multipath(path)) {
        json_flag(json, "multipath", true);
    }
    json_object_begin(json, "bestpath");
    json_flag(json, "overall", path_is_best(path));
    if (path_is_best(path)) {
        json_text(json, "selectionReason", words_reason_won(path->reason));
    }
    json_object_end(json);
}

static void rare_attributes(struct render *render, const Control__Path *path)
{
    char text[WORDS_ADDR_BYTES];
    struct json *json = &render->json;
    if (path->atomic_aggregate) {
        json_flag(json, "atomicAggregate", true);
    }
    if (path->aggregator_asn != 0) {
        json_unsigned(json, "aggregatorAs", path->aggregator_asn);
        json_text(json, "aggregatorId", words_router_id(path->aggregator_id, text));
    }
    if (path->originator_id != 0) {
        json_text(json, "originatorId", words_router_id(path->originator_id, text));
    }
    if (path->cluster_list.len != 0) {
        json_array_begin(json, "clusterList");
        for (size_t at = 0; at + 4 <= path->cluster_list.len; at += 4) {
            json_text(json, NULL, words_router_id(load_be32(path->cluster_list.data + at), text));
        }
        json_array_end(json);
    }
    if (path->otc_asn != 0) {
        json_unsigned(json, "otc", path->otc_asn);
    }
    if (path->path_id != 0) {
        json_unsigned(json, "pathId", path->path_id);
    }
}

void json_path_full(struct render *render, const Control__Path *path)
{
    char date[32];
    struct json *json = &render->json;
    int64_t epoch_s = render->now_epoch_s - path->age_ms / 1000;
    json_object_begin(json, NULL);
    as_path(render, &path->as_path);
    json_text(json, "origin", words_origin(path->origin));
    if (path->has_med) {
        json_unsigned(json, "metric", path->med);
    }
    json_unsigned(json, "locPrf",
                  path->has_local_pref ? path->local_pref : render->default_local_pref);
    json_unsigned(json, "weight", path->weight);
    json_flag(json, "valid", path->is_eligible);
    best_object(render, path);
    communities(render, "community", &path->communities, 4, words_communities);
    communities(render, "extendedCommunity", &path->ext_communities, 8, words_ext_communities);
    communities(render, "largeCommunity", &path->large_communities, 12, words_large_communities);
    rare_attributes(render, path);
    if (path->path_id != 0) {
        json_unsigned(json, "addpathRxId", path->path_id);
    }
    json_object_begin(json, "lastUpdate");
    json_number(json, "epoch", epoch_s);
    json_text(json, "string", words_date(epoch_s, date));
    json_text(json, "time", words_date_rfc3339(epoch_s, date));
    json_object_end(json);
    next_hops(render, path, true);
    peer_object(render, path);
    judgement(render, path);
    if (!path_is_local(path)) {
        render_encryption(path, &render->scratch);
        json_text(json, "encryption", buffer_text(&render->scratch));
    }
    json_object_end(json);
}

void json_absent(struct render *render, const Control__Absent *absent)
{
    char text[WORDS_PREFIX_BYTES];
    struct json *json = &render->json;
    json_text(json, "error", "Network not in table");
    json_text(json, absent->is_address ? "address" : "prefix",
              absent->is_address ? words_addr(&absent->prefix, text)
                                 : words_prefix(&absent->prefix, absent->prefix_len, text));
    if (absent->why[0] != '\0') {
        json_text(json, "why", absent->why);
    }
    render->is_error = true;
}

void json_classes(struct json *json, const char *key, uint32_t bits)
{
    json_array_begin(json, key);
    for (uint32_t i = 0; i < 3; i++) {
        if ((bits >> i & 1) != 0) {
            json_text(json, NULL, words_path_class(i + 1));
        }
    }
    json_array_end(json);
}

void json_evidence(struct render *render, Control__Evidence *const *rows, size_t count)
{
    struct json *json = &render->json;
    json_object_begin(json, "liveness");
    for (size_t i = 0; i < count; i++) {
        const Control__Evidence *item = rows[i];
        json_object_begin(json, words_evidence(item->source));
        json_flag(json, "known", item->is_known);
        json_flag(json, "alive", item->is_alive);
        if (item->is_known) {
            json_uptime(render, "since", "sinceMsec", "sinceEpoch", item->age_ms);
        }
        if (item->detail[0] != '\0') {
            json_text(json, "detail", item->detail);
        }
        json_object_end(json);
    }
    json_object_end(json);
}
