/* The stopwatch: from the moment a source saw something die to the kernel's word that the groups
 * and plain routes which held it are replaced. Answers are known by their operation numbers. One
 * line in the log per failover, the last of them kept for show. */
#include <stdarg.h>
#include <stdio.h>

#include "bgpd/core/graceful_restart.h"
#include "bgpd/core/kernel_private.h"
#include "proto/base/assert.h"

void failover_begin(struct core *core, const char *format, ...)
{
    struct kernel_side *ks = kernel_of(core);
    struct failover *failover = &ks->failover;
    if (failover->waiting_count != 0 || ks->is_stopped) {
        return; /* Part of the one that runs: its first cause names it. */
    }
    *failover = (struct failover){
        .number = ks->failover_count + 1,
        .is_open = true,
        .record = {.seen = core->seen, .began = core->now, .told = MONO_NEVER},
    };
    va_list args;
    va_start(args, format);
    vsnprintf(failover->record.cause, sizeof failover->record.cause, format, args);
    va_end(args);
    restart_abandon(core, failover->record.cause);
}

bool failover_is_open(const struct core *core)
{
    return kernel_of(core)->failover.is_open;
}

void failover_count_group(struct core *core, struct nexthop_group *group)
{
    struct failover *failover = &kernel_of(core)->failover;
    failover->waiting_count++;
    if (group->failover == failover->number) {
        return; /* moved once already by the same failover */
    }
    group->failover = failover->number;
    failover->record.group_count++;
    failover->record.destination_count += group->entry_count;
    failover->record.discarding_count += group->is_discarding ? 1 : 0;
}

void failover_count_route(struct core *core)
{
    struct failover *failover = &kernel_of(core)->failover;
    failover->waiting_count++;
    failover->record.route_count++;
}

static long long us_between(struct mono_time earlier, struct mono_time later)
{
    return (long long)(mono_between(earlier, later).ns / 1000);
}

static void finish(struct core *core)
{
    struct kernel_side *ks = kernel_of(core);
    struct failover_record *record = &ks->failover.record;
    record->confirmed = core->now;
    ks->failovers[ks->failover_count++ % FAILOVERS_KEPT] = *record;
    core_log(core, LOG_FAILOVER, LOG_SEVERITY_NOTICE, NULL, NULL,
             "%s: %u next-hop groups with %u destinations moved, %u of them to nowhere, and %u "
             "plain routes; confirmed by the kernel after %lld us (detect %lld, decide %lld, "
             "program %lld, confirm %lld)",
             record->cause, record->group_count, record->destination_count,
             record->discarding_count, record->route_count,
             us_between(record->seen, record->confirmed), us_between(record->seen, record->began),
             us_between(record->began, record->told), us_between(record->told, record->programmed),
             us_between(record->programmed, record->confirmed));
}

void failover_decided(struct core *core)
{
    struct failover *failover = &kernel_of(core)->failover;
    failover->is_open = false;
}

void failover_on_answer(struct core *core, const struct fib_result *result)
{
    struct failover *failover = &kernel_of(core)->failover;
    struct failover_record *record = &failover->record;
    ASSERT(failover->waiting_count > 0);
    struct mono_time told = result->told.ns != 0 ? result->told : core->now;
    struct mono_time done = result->done.ns != 0 ? result->done : core->now;
    record->told = mono_earlier(record->told, told);
    record->programmed = mono_before(record->programmed, done) ? done : record->programmed;
    if (--failover->waiting_count == 0 && !failover->is_open) {
        finish(core);
    }
}

uint32_t snapshot_failover_total(const struct core *core)
{
    return kernel_of(core)->failover_count;
}

bool snapshot_failover(const struct core *core, uint32_t index, struct failover_record *out)
{
    const struct kernel_side *ks = kernel_of(core);
    if (index >= ks->failover_count || index >= FAILOVERS_KEPT) {
        return false;
    }
    *out = ks->failovers[(ks->failover_count - 1 - index) % FAILOVERS_KEPT];
    return true;
}
