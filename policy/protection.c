#include "policy/protection.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"

/* A CE protects a handful of prefixes, so a scan beats any index; it is skipped when there are
 * none. */
struct protection_set {
    size_t count;
    struct protection_def *defs; /* longest first */
};

static void sort_longest_first(struct protection_def *defs, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct protection_def def = defs[i];
        size_t at = i;
        while (at > 0 && defs[at - 1].prefix.len_bits < def.prefix.len_bits) {
            defs[at] = defs[at - 1];
            at--;
        }
        defs[at] = def;
    }
}

struct protection_set *protection_set_new(const struct protection_def *defs, size_t count)
{
    struct protection_set *set = mem_alloc(MEM_POLICY, sizeof *set);
    set->count = count;
    set->defs = mem_alloc(MEM_POLICY, count * sizeof *set->defs);
    if (count != 0) {
        memcpy(set->defs, defs, count * sizeof *set->defs);
        sort_longest_first(set->defs, count);
    }
    return set;
}

void protection_set_free(struct protection_set *set)
{
    if (set != NULL) {
        mem_free(MEM_POLICY, set->defs);
        mem_free(MEM_POLICY, set);
    }
}

const struct protection_def *protection_find(const struct protection_set *set,
                                             const struct prefix *prefix)
{
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        if (prefix_contains(&set->defs[i].prefix, prefix)) {
            return &set->defs[i];
        }
    }
    return NULL;
}

uint32_t protection_allowed_classes(const struct protection_set *set, const struct prefix *prefix)
{
    uint32_t classes = PATH_CLASS_ANY;
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        if (prefix_contains(&set->defs[i].prefix, prefix)) {
            classes &= set->defs[i].allowed_classes;
        }
    }
    return classes;
}

bool protection_touches(const struct protection_set *set, const struct prefix *prefix)
{
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        if (prefix_contains(&set->defs[i].prefix, prefix) ||
            prefix_contains(prefix, &set->defs[i].prefix)) {
            return true;
        }
    }
    return false;
}

static struct prefix half_of(const struct prefix *prefix, unsigned bit)
{
    struct prefix half = *prefix;
    if (bit != 0) {
        half.bytes[prefix->len_bits / 8] |= (uint8_t)(0x80u >> (prefix->len_bits % 8));
    }
    half.len_bits++;
    return half;
}

/* Whether holes leave prefix whole, cover it, or cut into it. */
enum cut { CUT_NONE, CUT_ALL, CUT_PART };

static enum cut cut_of(const struct prefix *prefix, const struct prefix *holes, size_t hole_count)
{
    enum cut cut = CUT_NONE;
    for (size_t i = 0; i < hole_count; i++) {
        if (prefix_contains(&holes[i], prefix)) {
            return CUT_ALL;
        }
        if (prefix_contains(prefix, &holes[i])) {
            cut = CUT_PART;
        }
    }
    return cut;
}

/* Depth first over the halves of cover, lower half first, with an explicit stack: one pending upper
 * half per bit of depth. */
size_t prefix_complement(const struct prefix *cover, const struct prefix *holes, size_t hole_count,
                         struct prefix *out, size_t max)
{
    struct prefix stack[130];
    size_t depth = 0;
    size_t count = 0;
    stack[depth++] = *cover;
    while (depth != 0) {
        struct prefix prefix = stack[--depth];
        enum cut cut = cut_of(&prefix, holes, hole_count);
        if (cut == CUT_NONE) {
            if (count < max) {
                out[count] = prefix;
            }
            count++;
            if (count > max) {
                return count;
            }
        } else if (cut == CUT_PART) {
            ASSERT(prefix.len_bits < ip_family_bits(prefix.family));
            ASSERT(depth + 2 <= sizeof stack / sizeof stack[0]);
            stack[depth++] = half_of(&prefix, 1);
            stack[depth++] = half_of(&prefix, 0);
        }
    }
    return count;
}
