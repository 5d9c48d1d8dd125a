/* JSON of what is true in the kernel: failovers. */
#include "bgpd/cli/json_parts.h"
#include "bgpd/cli/words.h"

/* ---- show failover history ---- */

static void begin_failovers(struct render *render)
{
    json_document_begin(render);
    json_array_begin(&render->json, "failovers");
}

static void end_list(struct render *render)
{
    json_array_end(&render->json);
    json_document_end(render);
}

static void failovers_answer(struct render *render, const Control__Answer *answer)
{
    struct json *json = &render->json;
    for (size_t i = 0; i < answer->n_failovers; i++) {
        const Control__Failover *row = answer->failovers[i];
        json_object_begin(json, NULL);
        json_unsigned(json, "number", row->number);
        json_text(json, "cause", row->cause);
        json_uptime(render, "ago", "agoMsec", "epoch", row->age_ms);
        json_unsigned(json, "totalUsec",
                      row->detect_us + row->decide_us + row->program_us + row->confirm_us);
        json_unsigned(json, "detectUsec", row->detect_us);
        json_unsigned(json, "decideUsec", row->decide_us);
        json_unsigned(json, "programUsec", row->program_us);
        json_unsigned(json, "confirmUsec", row->confirm_us);
        json_unsigned(json, "nexthopGroups", row->groups);
        json_unsigned(json, "nexthopGroupsDiscarding", row->discarding);
        json_unsigned(json, "destinations", row->destinations);
        json_unsigned(json, "plainRoutes", row->plain_routes);
        json_object_end(json);
    }
}

const struct view_ops json_failovers = {begin_failovers, render_nothing, failovers_answer,
                                        render_ignore_status, end_list};
