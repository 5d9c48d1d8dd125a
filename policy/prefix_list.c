/* Prefix lists: entries grouped by prefix length, so that a look-up is one binary search per length
 * that occurs, however long the list is. */
#include "policy/policy_private.h"

#include <stdlib.h>
#include <string.h>

static int compare_entries(const void *left, const void *right)
{
    const struct prefix_list_entry *a = left;
    const struct prefix_list_entry *b = right;
    if (a->prefix.len_bits != b->prefix.len_bits) {
        return a->prefix.len_bits < b->prefix.len_bits ? -1 : 1;
    }
    int order = memcmp(a->prefix.bytes, b->prefix.bytes, sizeof a->prefix.bytes);
    if (order != 0) {
        return order;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static void digest_list(const struct prefix_list_def *def, struct prefix_list *list)
{
    struct digest_builder builder;
    digest_begin(&builder);
    digest_add_u32(&builder, def->family);
    for (size_t i = 0; i < def->entry_count; i++) {
        const struct prefix_list_entry_def *entry = &def->entries[i];
        digest_add_u32(&builder, entry->is_permit);
        digest_add_u32(&builder, entry->prefix.len_bits);
        digest_add(&builder, entry->prefix.bytes, sizeof entry->prefix.bytes);
        digest_add_u32(&builder, entry->ge_bits);
        digest_add_u32(&builder, entry->le_bits);
    }
    list->digest = digest_end(&builder);
}

void prefix_list_compile(struct arena *arena, const struct prefix_list_def *def,
                         struct prefix_list *list_out)
{
    struct prefix_list *list = list_out;
    uint8_t bits = ip_family_bits(def->family);
    *list = (struct prefix_list){.name = arena_strdup(arena, def->name), .family = def->family};
    list->entry_count = def->entry_count;
    list->entries = arena_alloc(arena, def->entry_count * sizeof *list->entries);
    for (size_t i = 0; i < def->entry_count; i++) {
        const struct prefix_list_entry_def *entry = &def->entries[i];
        uint8_t length = entry->prefix.len_bits;
        list->entries[i] = (struct prefix_list_entry){
            .prefix = entry->prefix,
            .order = (uint32_t)i,
            .length_min = entry->ge_bits != 0 ? entry->ge_bits : length,
            .length_max = entry->le_bits != 0   ? entry->le_bits
                          : entry->ge_bits != 0 ? bits
                                                : length,
            .is_permit = entry->is_permit,
        };
    }
    if (def->entry_count != 0) {
        qsort(list->entries, def->entry_count, sizeof *list->entries, compare_entries);
    }
    size_t at = 0;
    for (unsigned length = 0; length < 130; length++) {
        while (at < list->entry_count && list->entries[at].prefix.len_bits < length) {
            at++;
        }
        list->length_start[length] = (uint32_t)at;
    }
    digest_list(def, list);
}

/* First entry of one length whose address is not below bytes. */
static uint32_t lower_bound(const struct prefix_list *list, unsigned length, const uint8_t *bytes)
{
    uint32_t low = list->length_start[length];
    uint32_t high = list->length_start[length + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(list->entries[middle].prefix.bytes, bytes, 16) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool prefix_list_permits(const struct prefix_list *list, const struct prefix *prefix)
{
    uint32_t best_order = UINT32_MAX;
    bool is_permit = false;
    struct ip_addr addr = prefix_addr(prefix);
    if (prefix->family != list->family) {
        return false;
    }
    for (unsigned length = 0; length <= prefix->len_bits; length++) {
        if (list->length_start[length] == list->length_start[length + 1]) {
            continue;
        }
        struct prefix cover = prefix_make(&addr, (uint8_t)length);
        for (uint32_t i = lower_bound(list, length, cover.bytes);
             i < list->length_start[length + 1] &&
             memcmp(list->entries[i].prefix.bytes, cover.bytes, 16) == 0;
             i++) {
            const struct prefix_list_entry *entry = &list->entries[i];
            if (entry->order < best_order && prefix->len_bits >= entry->length_min &&
                prefix->len_bits <= entry->length_max) {
                best_order = entry->order;
                is_permit = entry->is_permit;
            }
        }
    }
    return is_permit;
}

bool prefix_list_equal(const struct prefix_list *a, const struct prefix_list *b)
{
    return a == b || (a != NULL && b != NULL && digest_equal(&a->digest, &b->digest));
}
