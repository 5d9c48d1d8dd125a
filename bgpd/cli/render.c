/* What all formats share, and the tables of views. */
#include "bgpd/cli/render.h"

#include <string.h>

#include "bgpd/cli/words.h"

void render_init(struct render *render, struct out *out)
{
    memset(render, 0, sizeof *render);
    render->out = out;
    json_init(&render->json, out);
    buffer_init(&render->scratch, MEM_IO);
}

void render_fini(struct render *render)
{
    buffer_fini(&render->scratch);
}

void render_take_global(struct render *render, const Control__Global *global)
{
    render->has_global = true;
    render->is_configured = global->is_configured;
    render->asn = global->asn;
    render->router_id = global->router_id;
    render->default_local_pref = global->default_local_pref;
    render->rib_bytes = global->rib_bytes;
    render->peer_bytes = global->peer_bytes;
    render->peers = global->peers;
    for (size_t i = 0; i < global->n_families; i++) {
        if (global->families[i]->family == render->family) {
            render->table_version = global->families[i]->table_version;
            render->destinations = global->families[i]->destinations;
        }
    }
}

void render_nothing(struct render *render)
{
    (void)render;
}

void render_ignore_status(struct render *render, const struct connection_status *status)
{
    (void)render;
    (void)status;
}

void render_lost_reason(const Control__Path *path, struct buffer *text)
{
    text->size = 0;
    if (path->reason == REASON_PROTECTION && path->required_classes != 0) {
        buffer_printf(text, "prefix requires %s", words_classes(path->required_classes));
    } else {
        buffer_printf(text, "%s", words_reason_lost(path->reason));
    }
}

void render_encryption(const Control__Path *path, struct buffer *text)
{
    const char *by = path->tunnel[0] != '\0' ? path->tunnel : path->interface;
    const char *name = path->path_class == 1 ? "clear-text" : words_path_class(path->path_class);
    struct buffer reason;
    buffer_init(&reason, MEM_IO);
    render_lost_reason(path, &reason);
    text->size = 0;
    buffer_printf(text, "%s%s%s%s", name, by[0] != '\0' ? " (" : "", by, by[0] != '\0' ? ")" : "");
    if (path->reason >= REASON_INELIGIBLE_FIRST) {
        buffer_printf(text, ": ineligible, %s", buffer_text(&reason));
    }
    buffer_fini(&reason);
}

const char *render_peer_state(const Control__Neighbor *neighbor)
{
    return neighbor->is_admin_down       ? "Idle (Admin)"
           : neighbor->is_prefix_limited ? "Idle (PfxCt)"
                                         : words_state(neighbor->state);
}

const Control__NeighborFamily *render_neighbor_family(const Control__Neighbor *neighbor,
                                                      uint32_t family)
{
    for (size_t i = 0; i < neighbor->n_families; i++) {
        if (neighbor->families[i]->family == family) {
            return neighbor->families[i];
        }
    }
    return NULL;
}
