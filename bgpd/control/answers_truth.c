/* What is true in the kernel and how fast it became so: the stopwatch. */
#include "bgpd/control/control_private.h"

/* ---- Failovers ---- */

static uint64_t us_between(struct mono_time earlier, struct mono_time later)
{
    return mono_before(earlier, later) ? (uint64_t)mono_between(earlier, later).ns / 1000 : 0;
}

static void put_failover(struct control_client *client, uint32_t number,
                         const struct failover_record *record)
{
    Control__Failover row = CONTROL__FAILOVER__INIT;
    row.number = number;
    row.cause = value_text(record->cause);
    row.age_ms = value_age_ms(client->now, record->confirmed);
    row.detect_us = us_between(record->seen, record->began);
    row.decide_us = us_between(record->began, record->told);
    row.program_us = us_between(record->told, record->programmed);
    row.confirm_us = us_between(record->programmed, record->confirmed);
    row.groups = record->group_count;
    row.destinations = record->destination_count;
    row.discarding = record->discarding_count;
    row.plain_routes = record->route_count;
    Control__Failover *rows[] = {&row};
    Control__Answer part = CONTROL__ANSWER__INIT;
    part.n_failovers = 1;
    part.failovers = rows;
    answer_put(client, &part);
}

void request_failovers(struct control_client *client)
{
    const struct core *core = client->server->core;
    struct failover_record record;
    uint32_t count = 0;
    for (; snapshot_failover(core, count, &record); count++) {
        put_failover(client, snapshot_failover_total(core) - count, &record);
    }
    answer_finish(client, CONTROL__STATUS__CODE__OK, count, "%s", "");
}
