/* Which destinations must travel protected, and the covers around networks that may not be
 * announced in the clear (design: protection is step 0 of the decision, by longest cover). */
#ifndef POLICY_PROTECTION_H
#define POLICY_PROTECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/prefix.h"
#include "rib/nexthop.h"

enum protection_guard {
    PROTECTION_GUARD_UNREACHABLE,
    PROTECTION_GUARD_BLACKHOLE,
};

struct protection_def {
    struct prefix prefix;
    uint32_t allowed_classes; /* PATH_CLASS_BITs that satisfy the requirement */
    enum protection_guard guard;
    bool overrules_foreign; /* routes of other programs that break it are passed over */
};

struct protection_set;

/* defs is copied. */
struct protection_set *protection_set_new(const struct protection_def *defs, size_t count);
void protection_set_free(struct protection_set *set);

/* The longest requirement that covers prefix, or NULL: everything is allowed then. A prefix inside
 * several requirements must meet all of them; the result's classes are their intersection. */
const struct protection_def *protection_find(const struct protection_set *set,
                                             const struct prefix *prefix);
uint32_t protection_allowed_classes(const struct protection_set *set, const struct prefix *prefix);

/* True when prefix itself is inside a requirement or contains one: a clear default or aggregate. */
bool protection_touches(const struct protection_set *set, const struct prefix *prefix);

/* The prefixes that make up cover without the holes (each inside cover), fewest first; at most max
 * are written. Returns how many there are; a result over max means nothing useful was written. */
size_t prefix_complement(const struct prefix *cover, const struct prefix *holes, size_t hole_count,
                         struct prefix *out, size_t max);

#endif
