/* Compiled policy objects, for the files of this room and their tests. */
#ifndef POLICY_POLICY_PRIVATE_H
#define POLICY_POLICY_PRIVATE_H

#include "policy/policy.h"
#include "proto/base/buffer.h"

/* What an object decides, in 128 bits: equal digests stand for equal behaviour. */
struct policy_digest {
    uint64_t words[2];
};

struct digest_builder {
    struct buffer text;
};

void digest_begin(struct digest_builder *builder);
void digest_add(struct digest_builder *builder, const void *data, size_t size);
void digest_add_u32(struct digest_builder *builder, uint32_t value);
void digest_add_text(struct digest_builder *builder, const char *text); /* NULL is a value too */
struct policy_digest digest_end(struct digest_builder *builder);

static inline bool digest_equal(const struct policy_digest *a, const struct policy_digest *b)
{
    return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

/* ---- prefix_list.c ---- */

struct prefix_list_entry {
    struct prefix prefix;
    uint32_t order; /* place in the list: the lowest that matches decides */
    uint8_t length_min;
    uint8_t length_max;
    bool is_permit;
};

struct prefix_list {
    const char *name;
    uint8_t family;
    struct prefix_list_entry *entries; /* by prefix length, address, order */
    size_t entry_count;
    uint32_t length_start[130]; /* first entry of each prefix length; [129] is the end */
    struct policy_digest digest;
};

void prefix_list_compile(struct arena *arena, const struct prefix_list_def *def,
                         struct prefix_list *list_out);

/* ---- regexp.c ---- */

/* A pattern on text with `_` as a boundary. */
struct regexp;

/* NULL with error_out when the pattern is no regular expression. */
struct regexp *regexp_new(const char *pattern, char *error_out, size_t error_size);
void regexp_free(struct regexp *regexp);

/* Gives up (no match) on patterns that would take forever. */
bool regexp_matches(const struct regexp *regexp, const char *text, size_t size);

/* ---- as_path_list.c ---- */

#define AS_PATH_PATTERN_ASNS_MAX 8u

struct as_path_pattern {
    bool is_permit;
    bool is_shape; /* matched on numbers; regexp only for paths with sets */
    bool is_any;
    bool starts_at_start;
    bool ends_at_end;
    uint8_t asn_count;
    uint32_t asns[AS_PATH_PATTERN_ASNS_MAX];
    struct regexp *regexp;
};

struct as_path_list {
    const char *name;
    struct as_path_pattern *patterns;
    size_t pattern_count;
    struct policy_digest digest;
};

/* STATUS_INVALID with a message when a regexp does not compile. */
NODISCARD enum status as_path_list_compile(struct arena *arena, const struct as_path_list_def *def,
                                           struct as_path_list *list_out, char error_out[256]);
void as_path_list_fini(struct as_path_list *list);

/* ---- community_list.c ---- */

struct community_list_entry {
    bool is_permit;
    struct regexp *regexp;        /* expanded */
    struct byte_view communities; /* standard: canonical */
};

struct community_list {
    const char *name;
    enum community_kind kind;
    struct community_list_entry *entries;
    size_t entry_count;
    struct policy_digest digest;
};

NODISCARD enum status community_list_compile(struct arena *arena,
                                             const struct community_list_def *def,
                                             struct community_list *list_out, char error_out[256]);
void community_list_fini(struct community_list *list);
bool community_list_permits(const struct community_list *list, struct byte_view communities,
                            bool exact);

/* The members of communities that the list, looking at each alone, does not permit. */
struct byte_view community_list_without(const struct community_list *list, struct arena *arena,
                                        struct byte_view communities);

/* ---- route_map.c ---- */

struct compiled_match {
    const struct match_def *def;
    const struct prefix_list *prefix_list;
    const struct as_path_list *as_path_list;
    const struct community_list *community_list;
};

struct compiled_set {
    const struct set_def *def;
    const struct community_list *community_list;
    struct byte_view communities; /* canonical */
};

struct compiled_entry {
    const struct route_map_entry_def *def;
    struct compiled_match *matches;
    struct compiled_set *sets;
    const struct route_map *call;
    uint32_t next_index; /* where to go on after a match; UINT32_MAX: stop */
};

struct route_map {
    const char *name;
    struct compiled_entry *entries;
    size_t entry_count;
    struct policy_digest digest;
    bool is_prefix_blind;
    bool uses_nexthop;
    uint8_t call_depth; /* 0: not known yet */
};

struct policy_set {
    struct arena arena; /* copies of the definitions and everything compiled */
    struct prefix_list *prefix_lists;
    size_t prefix_list_count;
    struct as_path_list *as_path_lists;
    size_t as_path_list_count;
    struct community_list *community_lists;
    size_t community_list_count;
    struct route_map *route_maps;
    size_t route_map_count;
    char **missing;
    size_t missing_count;
    size_t missing_capacity;
};

#define POLICY_CALL_DEPTH_MAX 16u

const struct community_list *policy_community_list(const struct policy_set *set,
                                                   enum community_kind kind, const char *name);

/* Links lists and maps into every entry of map; dangling names go to set->missing. */
void route_map_compile(struct policy_set *set, const struct route_map_def *def,
                       struct route_map *map);

/* Digest and traits, once every called map has its own. */
void route_map_finish(struct route_map *map);

/* Applies the sets of one entry. */
void route_map_apply_sets(const struct compiled_entry *entry, const struct policy_route *route,
                          struct path_attrs *attrs, struct arena *scratch,
                          struct policy_verdict *verdict);

#endif
