#include "bgpd/io/xfrm_table.h"

#include <string.h>

void xfrm_table_init(struct xfrm_table *table, const struct xfrm_match *match)
{
    memset(table, 0, sizeof *table);
    table->match = *match;
}

static bool may_be(const struct ip_addr *wanted, const struct ip_addr *addr)
{
    return wanted->family == IP_NONE || ip_equal(wanted, addr);
}

/* With an if_id but no endpoints the first association's destination stands for the far end: what
 * counts then is that there is one each way. */
static bool is_first_destination(const struct xfrm_table *table, const struct xfrm_sa *sa)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const struct xfrm_table_entry *entry = &table->entries[i];
        if (ip_equal(&entry->sa.destination, &sa->destination)) {
            return !entry->is_inbound;
        }
        if (ip_equal(&entry->sa.source, &sa->destination)) {
            return entry->is_inbound;
        }
    }
    return true;
}

static bool matches(const struct xfrm_table *table, const struct xfrm_sa *sa, bool *is_inbound_out)
{
    const struct xfrm_match *match = &table->match;
    if (match->if_id != 0 && match->if_id != sa->if_id) {
        return false;
    }
    if (match->remote.family == IP_NONE && match->local.family == IP_NONE) {
        *is_inbound_out = !is_first_destination(table, sa);
        return match->if_id != 0;
    }
    bool is_out = may_be(&match->remote, &sa->destination) && may_be(&match->local, &sa->source);
    bool is_in = may_be(&match->remote, &sa->source) && may_be(&match->local, &sa->destination);
    *is_inbound_out = is_in;
    return is_out != is_in;
}

static uint32_t find(const struct xfrm_table *table, const struct xfrm_sa *sa)
{
    uint32_t at = 0;
    while (at < table->count && (table->entries[at].sa.spi != sa->spi ||
                                 !ip_equal(&table->entries[at].sa.destination, &sa->destination))) {
        at++;
    }
    return at;
}

static void put(struct xfrm_table *table, const struct xfrm_sa *sa)
{
    bool is_inbound;
    uint32_t at = find(table, sa);
    if (!matches(table, sa, &is_inbound) || at == XFRM_TABLE_SAS_MAX) {
        return;
    }
    table->entries[at] = (struct xfrm_table_entry){*sa, is_inbound, true};
    table->count += at == table->count;
}

void xfrm_table_apply(struct xfrm_table *table, const struct xfrm_change *change)
{
    uint32_t at;
    switch (change->kind) {
    case XFRM_SA_PUT:
        put(table, &change->sa);
        return;
    case XFRM_SA_REMOVED:
        at = find(table, &change->sa);
        if (at < table->count) {
            table->entries[at] = table->entries[--table->count];
        }
        return;
    case XFRM_SA_ALL_REMOVED:
        table->count = 0;
        return;
    }
}

void xfrm_table_dump_begin(struct xfrm_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        table->entries[i].is_seen = false;
    }
}

void xfrm_table_dump_end(struct xfrm_table *table)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->entries[i].is_seen) {
            table->entries[kept++] = table->entries[i];
        }
    }
    table->count = kept;
}

enum xfrm_verdict xfrm_table_verdict(const struct xfrm_table *table)
{
    bool has_inbound = false;
    bool has_outbound = false;
    for (uint32_t i = 0; i < table->count; i++) {
        has_inbound |= table->entries[i].is_inbound;
        has_outbound |= !table->entries[i].is_inbound;
    }
    return has_inbound && has_outbound ? XFRM_BOTH
           : has_inbound               ? XFRM_INBOUND_ONLY
           : has_outbound              ? XFRM_OUTBOUND_ONLY
                                       : XFRM_NEITHER;
}
