/* Graceful restart of one neighbor, in FRR's words and keys. */
#include "bgpd/cli/neighbor_restart.h"

#include "bgpd/cli/words.h"

static const Control__Capabilities none = CONTROL__CAPABILITIES__INIT;

static const Control__Capabilities *or_none(const Control__Capabilities *capabilities)
{
    return capabilities != NULL ? capabilities : &none;
}

/* RFC 4724 3: who lists no family only helps. */
static const char *mode_of(const Control__Capabilities *capabilities)
{
    return !capabilities->graceful_restart  ? "Disable"
           : capabilities->gr_families == 0 ? "Helper"
                                            : "Restart";
}

static const char *yes_no(bool value)
{
    return value ? "Yes" : "No";
}

static const char *true_false(bool value)
{
    return value ? "True" : "False";
}

static bool has_family(uint32_t families, const Control__NeighborFamily *family)
{
    return (families >> (family->family == 6 ? 1 : 0) & 1) != 0;
}

static bool is_shown(const Control__Neighbor *row)
{
    bool keeps = false;
    for (size_t i = 0; i < row->n_families; i++) {
        keeps = keeps || row->families[i]->is_stale;
    }
    return keeps || or_none(row->local_capabilities)->graceful_restart ||
           or_none(row->remote_capabilities)->graceful_restart;
}

/* ---- Text ---- */

static void family_text(struct out *out, const Control__Neighbor *row,
                        const Control__NeighborFamily *family)
{
    const Control__Capabilities *remote = or_none(row->remote_capabilities);
    out_printf(out, "    %s:\n", words_family_title(family->family));
    if (row->state == 5) {
        out_printf(out, "      F bit: %s\n", true_false(has_family(remote->gr_forwarding, family)));
        out_printf(out, "      End-of-RIB sent: %s\n", yes_no(family->end_of_rib_sent));
        out_printf(out, "      End-of-RIB received: %s\n", yes_no(family->end_of_rib_received));
    }
    out_printf(out, "      Timers:\n        Configured Stale Path Time(sec): %u\n",
               row->stale_path_time_s);
    if (family->is_stale) {
        out_printf(out, "      Stale routes are kept for another %u seconds%s\n",
                   family->stale_left_s, family->is_long_lived ? ", as a last resort" : "");
    }
}

void neighbor_restart_text(struct out *out, const Control__Neighbor *row)
{
    const Control__Capabilities *local = or_none(row->local_capabilities);
    const Control__Capabilities *remote = or_none(row->remote_capabilities);
    if (!is_shown(row)) {
        return;
    }
    out_text(out, "  Graceful restart information:\n");
    if (row->state == 5) {
        out_printf(out, "    Local GR Mode: %s\n    Remote GR Mode: %s\n", mode_of(local),
                   mode_of(remote));
        out_printf(out, "    R bit: %s\n    N bit: %s\n", true_false(remote->restart_state),
                   true_false(remote->restart_notification));
        out_printf(out,
                   "    Timers:\n      Configured Restart Time(sec): %u\n"
                   "      Received Restart Time(sec): %u\n",
                   local->restart_time_s, remote->restart_time_s);
    }
    for (size_t i = 0; i < row->n_families; i++) {
        if (row->families[i]->is_negotiated || row->families[i]->is_stale) {
            family_text(out, row, row->families[i]);
        }
    }
}

/* ---- JSON ---- */

static void families_flag(struct json *json, const char *key, const Control__Neighbor *row,
                          bool is_sent)
{
    json_object_begin(json, key);
    for (size_t i = 0; i < row->n_families; i++) {
        const Control__NeighborFamily *family = row->families[i];
        if (family->is_negotiated) {
            json_flag(json, words_family_json(family->family),
                      is_sent ? family->end_of_rib_sent : family->end_of_rib_received);
        }
    }
    json_object_end(json);
}

static void family_json(struct json *json, const Control__Neighbor *row,
                        const Control__NeighborFamily *family)
{
    const Control__Capabilities *remote = or_none(row->remote_capabilities);
    json_object_begin(json, words_family_json(family->family));
    if (row->state == 5) {
        json_flag(json, "fBit", has_family(remote->gr_forwarding, family));
        json_object_begin(json, "endOfRibStatus");
        json_flag(json, "endOfRibSend", family->end_of_rib_sent);
        json_flag(json, "endOfRibRecv", family->end_of_rib_received);
        json_object_end(json);
    }
    json_object_begin(json, "timers");
    json_unsigned(json, "stalePathTimer", row->stale_path_time_s);
    if (family->is_stale) {
        json_unsigned(json, "stalePathTimerRemaining", family->stale_left_s);
    }
    json_object_end(json);
    json_flag(json, "staleRoutes", family->is_stale);
    json_flag(json, "longLivedStaleRoutes", family->is_long_lived);
    json_object_end(json);
}

void neighbor_restart_json(struct json *json, const Control__Neighbor *row)
{
    const Control__Capabilities *local = or_none(row->local_capabilities);
    const Control__Capabilities *remote = or_none(row->remote_capabilities);
    if (!is_shown(row)) {
        return;
    }
    json_object_begin(json, "gracefulRestartInfo");
    if (row->state == 5) {
        families_flag(json, "endOfRibSend", row, true);
        families_flag(json, "endOfRibRecv", row, false);
        json_text(json, "localGrMode", mode_of(local));
        json_text(json, "remoteGrMode", mode_of(remote));
        json_flag(json, "rBit", remote->restart_state);
        json_flag(json, "nBit", remote->restart_notification);
        json_object_begin(json, "timers");
        json_unsigned(json, "configuredRestartTimer", local->restart_time_s);
        json_unsigned(json, "receivedRestartTimer", remote->restart_time_s);
        json_object_end(json);
    }
    for (size_t i = 0; i < row->n_families; i++) {
        if (row->families[i]->is_negotiated || row->families[i]->is_stale) {
            family_json(json, row, row->families[i]);
        }
    }
    json_object_end(json);
}
