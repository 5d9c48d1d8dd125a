/* The stopwatch: from the fact that something died to the kernel's word that the groups which held
 * it are replaced. One line in the log per failover. */
#include <stdarg.h>
#include <stdio.h>

#include "bgpd/core/kernel_private.h"

void failover_begin(struct core *core, const char *format, ...)
{
    struct failover *failover = &kernel_of(core)->failover;
    if (failover->waiting_count != 0) {
        return; /* Part of the one that runs: its first cause names it. */
    }
    *failover = (struct failover){.began = core->now, .is_open = true};
    va_list args;
    va_start(args, format);
    vsnprintf(failover->cause, sizeof failover->cause, format, args);
    va_end(args);
}

void failover_count(struct core *core, const struct nexthop_group *group)
{
    struct failover *failover = &kernel_of(core)->failover;
    failover->group_count++;
    failover->destination_count += group->entry_count;
    failover->discarding_count += group->is_discarding ? 1 : 0;
    failover->waiting_count++;
}

/* The fact has been worked on: what changes from now on has another cause. */
void failover_decided(struct core *core)
{
    kernel_of(core)->failover.is_open = false;
}

void failover_on_answer(struct core *core)
{
    struct failover *failover = &kernel_of(core)->failover;
    if (failover->waiting_count == 0 || --failover->waiting_count != 0) {
        return;
    }
    int64_t us = mono_between(failover->began, core->now).ns / 1000;
    core_log(core, LOG_FAILOVER, LOG_SEVERITY_NOTICE, NULL, NULL,
             "%s: %u next-hop groups with %u destinations moved, %u of them to nowhere; confirmed "
             "by the kernel after %lld us",
             failover->cause, failover->group_count, failover->destination_count,
             failover->discarding_count, (long long)us);
}
