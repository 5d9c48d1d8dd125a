/* The table of interned attribute sets. A set is one block: a short head with what the decision
 * process reads most, then its canonical form. */
#include "rib/attr_set.h"

#include <string.h>

#include "proto/as_path.h"
#include "proto/base/hash.h"
#include "proto/base/mem.h"
#include "rib/attr_set_private.h"

struct attr_table *attr_table_new(uint64_t hash_key)
{
    struct attr_table *table = mem_alloc(MEM_ATTR_SET, sizeof *table);
    table->hash_key = hash_key;
    table->next_unused = 1;
    number_hash_init(&table->by_value, MEM_ATTR_SET);
    pool_init(&table->blocks, MEM_ATTR_SET);
    buffer_init(&table->form, MEM_ATTR_SET);
    return table;
}

void attr_table_free(struct attr_table *table)
{
    if (table == NULL) {
        return;
    }
    ASSERT(table->by_value.count == 0);
    number_hash_fini(&table->by_value);
    pool_fini(&table->blocks);
    buffer_fini(&table->form);
    mem_free(MEM_ATTR_SET, table->sets);
    mem_free(MEM_ATTR_SET, table->free_numbers);
    mem_free(MEM_ATTR_SET, table);
}

uint32_t attr_table_count(const struct attr_table *table)
{
    return table->by_value.count;
}

void attr_table_on_release(struct attr_table *table,
                           void (*release)(void *context, struct nexthop *nexthop), void *context)
{
    table->release = release;
    table->release_context = context;
}

static uint64_t hash_of(const struct attr_table *table, const struct attr_set *set)
{
    return hash_bytes(table->hash_key, set->value, set->value_bytes);
}

static uint32_t number_take(struct attr_table *table)
{
    if (table->free_count > 0) {
        return table->free_numbers[--table->free_count];
    }
    if (table->next_unused >= table->capacity) {
        ASSERT(table->capacity <= UINT32_MAX / 2);
        table->capacity = table->capacity == 0 ? 256 : table->capacity * 2;
        table->sets = mem_realloc(MEM_ATTR_SET, table->sets, table->capacity * sizeof *table->sets);
        table->free_numbers = mem_realloc(MEM_ATTR_SET, table->free_numbers,
                                          table->capacity * sizeof *table->free_numbers);
    }
    return table->next_unused++;
}

static struct attr_set *find_form(const struct attr_table *table, uint64_t hash)
{
    const struct buffer *form = &table->form;
    struct number_probe probe = number_probe_start(&table->by_value, hash);
    uint32_t number;
    while ((number = number_probe_next(&table->by_value, &probe)) != 0) {
        struct attr_set *set = table->sets[number];
        if (set->value_bytes == form->size && memcmp(set->value, form->data, form->size) == 0) {
            return set;
        }
    }
    return NULL;
}

static size_t set_bytes(uint32_t value_bytes)
{
    size_t bytes = offsetof(struct attr_set, value) + value_bytes;
    return bytes < sizeof(struct attr_set) ? sizeof(struct attr_set) : bytes;
}

static struct attr_set *set_new(struct attr_table *table, const struct path_attrs *attrs)
{
    const struct buffer *form = &table->form;
    ASSERT(form->size <= UINT32_MAX);
    struct attr_set *set = pool_take(&table->blocks, set_bytes((uint32_t)form->size));
    *set = (struct attr_set){.value_bytes = (uint32_t)form->size};
    memcpy(set->value, form->data, form->size);
    if (path_attrs_has(attrs, PATH_ATTR_AS_PATH)) {
        uint32_t length = as_path_length(attrs->as_path);
        set->as_path_length = length < UINT16_MAX ? (uint16_t)length : UINT16_MAX;
        set->first_asn = as_path_first(attrs->as_path);
    }
    set->origin = set->value[ATTR_FIXED_ORIGIN];
    set->next_hop_bytes = set->value[ATTR_FIXED_NEXT_HOP];
    set->number = number_take(table);
    table->sets[set->number] = set;
    return set;
}

static void by_value_grow(struct attr_table *table)
{
    number_hash_grow(&table->by_value);
    struct number_refill refill = {.table = &table->by_value};
    for (uint32_t number = 1; number < table->next_unused; number++) {
        if (table->sets[number] != NULL) {
            number_refill_add(&refill, hash_of(table, table->sets[number]), number);
        }
    }
    number_refill_end(&refill);
}

struct attr_set *attr_set_intern(struct attr_table *table, const struct path_attrs *attrs)
{
    attr_form_build(&table->form, attrs);
    uint64_t hash = hash_bytes(table->hash_key, table->form.data, table->form.size);
    struct attr_set *set = find_form(table, hash);
    if (set == NULL) {
        if (number_hash_is_full(&table->by_value)) {
            by_value_grow(table);
        }
        set = set_new(table, attrs);
        number_hash_add(&table->by_value, hash, set->number);
    }
    return attr_set_ref(set);
}

struct attr_set *attr_set_ref(struct attr_set *set)
{
    ASSERT(set->ref_count < UINT32_MAX);
    set->ref_count++;
    return set;
}

void attr_set_unref(struct attr_table *table, struct attr_set *set)
{
    ASSERT(set->ref_count > 0);
    ASSERT(table->sets[set->number] == set);
    if (--set->ref_count > 0) {
        return;
    }
    if (set->nexthop != NULL && table->release != NULL) {
        table->release(table->release_context, set->nexthop);
    }
    number_hash_remove(&table->by_value, hash_of(table, set), set->number);
    table->sets[set->number] = NULL;
    table->free_numbers[table->free_count++] = set->number;
    pool_give(&table->blocks, set, set_bytes(set->value_bytes));
}

void attr_set_view(const struct attr_set *set, struct path_attrs *view_out)
{
    attr_form_view(set->value, view_out);
}

static uint64_t present_of(const struct attr_set *set)
{
    uint64_t present;
    memcpy(&present, set->value + ATTR_FIXED_PRESENT, sizeof present);
    return present;
}

static bool has(const struct attr_set *set, enum path_attr_type type)
{
    return (present_of(set) & PATH_ATTR_BIT(type)) != 0;
}

/* The first numbers of the form, in their order: MED, LOCAL_PREF, weight, ORIGINATOR_ID. */
static uint32_t early_number(const struct attr_set *set, unsigned index)
{
    static const uint64_t bits[] = {
        PATH_ATTR_BIT(PATH_ATTR_MED),
        PATH_ATTR_BIT(PATH_ATTR_LOCAL_PREF),
        PATH_LOCAL_WEIGHT,
        PATH_ATTR_BIT(PATH_ATTR_ORIGINATOR_ID),
    };
    uint64_t present = present_of(set);
    if ((present & bits[index]) == 0) {
        return 0;
    }
    uint32_t offset = ATTR_FIXED_BYTES + set->next_hop_bytes;
    for (unsigned i = 0; i < index; i++) {
        offset += (present & bits[i]) != 0 ? 4u : 0u;
    }
    uint32_t value;
    memcpy(&value, set->value + offset, sizeof value);
    return value;
}

bool attr_set_has_med(const struct attr_set *set)
{
    return has(set, PATH_ATTR_MED);
}

uint32_t attr_set_med(const struct attr_set *set)
{
    return early_number(set, 0);
}

uint32_t attr_set_local_pref(const struct attr_set *set, uint32_t default_local_pref)
{
    return has(set, PATH_ATTR_LOCAL_PREF) ? early_number(set, 1) : default_local_pref;
}

bool attr_set_has_weight(const struct attr_set *set)
{
    return (present_of(set) & PATH_LOCAL_WEIGHT) != 0;
}

bool attr_set_is_last(const struct attr_set *set)
{
    return (present_of(set) & PATH_LOCAL_LAST) != 0;
}

bool attr_set_discards(const struct attr_set *set)
{
    return (present_of(set) & PATH_LOCAL_DISCARD) != 0;
}

bool attr_set_is_shaped(const struct attr_set *set)
{
    return (present_of(set) & PATH_LOCAL_SHAPED) != 0;
}

uint32_t attr_set_weight(const struct attr_set *set)
{
    return early_number(set, 2);
}

bool attr_set_has_originator(const struct attr_set *set)
{
    return has(set, PATH_ATTR_ORIGINATOR_ID);
}

uint32_t attr_set_originator_id(const struct attr_set *set)
{
    return early_number(set, 3);
}

uint8_t attr_set_origin(const struct attr_set *set)
{
    return set->origin;
}

uint16_t attr_set_as_path_length(const struct attr_set *set)
{
    return set->as_path_length;
}

uint32_t attr_set_first_asn(const struct attr_set *set)
{
    return set->first_asn;
}

uint16_t attr_set_cluster_count(const struct attr_set *set)
{
    if (!has(set, PATH_ATTR_CLUSTER_LIST)) {
        return 0;
    }
    struct path_attrs view;
    attr_form_view(set->value, &view);
    size_t count = view.cluster_list.size / 4;
    return count < UINT16_MAX ? (uint16_t)count : UINT16_MAX;
}

struct ip_addr attr_set_next_hop(const struct attr_set *set)
{
    struct ip_addr addr = {.family = set->next_hop_bytes == 4    ? IP_V4
                                     : set->next_hop_bytes == 16 ? IP_V6
                                                                 : IP_NONE};
    memcpy(addr.bytes, set->value + ATTR_FIXED_BYTES, set->next_hop_bytes);
    return addr;
}

bool attr_set_same_as_path(const struct attr_set *a, const struct attr_set *b)
{
    if (a == b) {
        return true;
    }
    if (a->as_path_length != b->as_path_length || a->first_asn != b->first_asn) {
        return false;
    }
    struct path_attrs left;
    struct path_attrs right;
    attr_form_view(a->value, &left);
    attr_form_view(b->value, &right);
    return left.as_path.size == right.as_path.size &&
           (left.as_path.size == 0 ||
            memcmp(left.as_path.data, right.as_path.data, left.as_path.size) == 0);
}

struct nexthop *attr_set_nexthop(const struct attr_set *set)
{
    return set->nexthop;
}

void attr_set_bind_nexthop(struct attr_set *set, struct nexthop *nexthop)
{
    ASSERT(set->nexthop == NULL || nexthop == NULL || set->nexthop == nexthop);
    set->nexthop = nexthop;
}

bool attr_table_is_consistent(const struct attr_table *table)
{
    uint32_t count = 0;
    for (uint32_t number = 1; number < table->next_unused; number++) {
        const struct attr_set *set = table->sets[number];
        if (set == NULL) {
            continue;
        }
        count++;
        bool is_filed = false;
        struct number_probe probe = number_probe_start(&table->by_value, hash_of(table, set));
        uint32_t candidate;
        while ((candidate = number_probe_next(&table->by_value, &probe)) != 0) {
            is_filed = is_filed || candidate == number;
        }
        if (set->number != number || set->ref_count == 0 || !is_filed) {
            return false;
        }
    }
    return count == table->by_value.count && count + table->free_count + 1 == table->next_unused;
}

uint64_t attr_table_references(const struct attr_table *table)
{
    uint64_t references = 0;
    for (uint32_t number = 1; number < table->next_unused; number++) {
        references += table->sets[number] == NULL ? 0 : table->sets[number]->ref_count;
    }
    return references;
}
