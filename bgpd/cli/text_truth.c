/* Text of what is true in the kernel: failovers. */
#include "bgpd/cli/render.h"
#include "bgpd/cli/words.h"

/* ---- show failover history ---- */

static double ms(uint64_t us)
{
    return (double)us / 1000.;
}

static void failover_show(struct render *render, const Control__Failover *row)
{
    char age[WORDS_AGE_BYTES];
    struct out *out = render->out;
    if (render->path_count++ == 0) {
        out_text(out,
                 "   #  Ago        Total ms  Detect  Decide  Program  Confirm  Destinations\n");
    }
    out_printf(out, "%4u  %-9s %9.3f %7.3f %7.3f  %7.3f  %7.3f  %12u\n", row->number,
               words_age(row->age_ms, age),
               ms(row->detect_us + row->decide_us + row->program_us + row->confirm_us),
               ms(row->detect_us), ms(row->decide_us), ms(row->program_us), ms(row->confirm_us),
               row->destinations);
    out_printf(out, "      %s: %u next-hop groups (%u to nowhere), %u plain routes\n", row->cause,
               row->groups, row->discarding, row->plain_routes);
}

static void failovers_answer(struct render *render, const Control__Answer *answer)
{
    for (size_t i = 0; i < answer->n_failovers; i++) {
        failover_show(render, answer->failovers[i]);
    }
}

static void failovers_end(struct render *render)
{
    if (render->path_count == 0) {
        out_text(render->out, "Nothing has failed over yet\n");
    }
}

const struct view_ops text_failovers = {render_nothing, render_nothing, failovers_answer,
                                        render_ignore_status, failovers_end};
