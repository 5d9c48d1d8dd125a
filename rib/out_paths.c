#include "rib/out_paths.h"

#include "proto/base/assert.h"
#include "proto/base/mem.h"
#include "proto/base/slab.h"
#include "rib/column.h"

struct out_path {
    dest_id dest;
    uint32_t path_id;
    uint32_t next; /* of the same destination */
    uint32_t hold_count;
    uint32_t round; /* in which it was taken last */
    uint16_t source;
};

struct out_paths {
    struct loc_rib *rib;
    struct slab slab;
    struct column first; /* destination -> its newest number */
    uint32_t round;
};

struct out_paths *out_paths_new(struct loc_rib *rib)
{
    struct out_paths *paths = mem_alloc(MEM_ADJ_RIB_OUT, sizeof *paths);
    paths->rib = rib;
    slab_init(&paths->slab, MEM_ADJ_RIB_OUT, sizeof(struct out_path));
    column_init(&paths->first, MEM_ADJ_RIB_OUT);
    return paths;
}

void out_paths_free(struct out_paths *paths)
{
    if (paths == NULL) {
        return;
    }
    ASSERT(paths->slab.live_count == 0);
    slab_fini(&paths->slab);
    column_fini(&paths->first);
    mem_free(MEM_ADJ_RIB_OUT, paths);
}

static struct out_path *path_at(const struct out_paths *paths, uint32_t number)
{
    struct out_path *path = slab_at(&paths->slab, number);
    ASSERT(path->hold_count != 0);
    return path;
}

void out_paths_begin_round(struct out_paths *paths)
{
    paths->round++;
}

bool out_path_is_current(const struct out_paths *paths, uint32_t number)
{
    return path_at(paths, number)->round == paths->round;
}

uint32_t out_paths_take(struct out_paths *paths, dest_id dest, uint16_t source, uint32_t path_id)
{
    ASSERT(dest != 0);
    uint32_t first = column_get(&paths->first, dest);
    for (uint32_t number = first; number != 0; number = path_at(paths, number)->next) {
        struct out_path *known = path_at(paths, number);
        if (known->source == source && known->path_id == path_id) {
            known->hold_count++;
            known->round = paths->round;
            return number;
        }
    }
    uint32_t number = slab_take(&paths->slab);
    struct out_path *path = slab_at(&paths->slab, number);
    *path = (struct out_path){.dest = dest,
                              .path_id = path_id,
                              .next = first,
                              .hold_count = 1,
                              .round = paths->round,
                              .source = source};
    column_set(&paths->first, dest, number);
    if (first == 0) {
        dest_hold(paths->rib, dest);
    }
    return number;
}

void out_path_hold(struct out_paths *paths, uint32_t number)
{
    path_at(paths, number)->hold_count++;
}

static void path_unlink(struct out_paths *paths, uint32_t number)
{
    const struct out_path *path = slab_at(&paths->slab, number);
    uint32_t at = column_get(&paths->first, path->dest);
    if (at == number) {
        column_set(&paths->first, path->dest, path->next);
        return;
    }
    while (path_at(paths, at)->next != number) {
        at = path_at(paths, at)->next;
        ASSERT(at != 0);
    }
    path_at(paths, at)->next = path->next;
}

void out_path_release(struct out_paths *paths, uint32_t number)
{
    struct out_path *path = path_at(paths, number);
    path->hold_count--;
    if (path->hold_count != 0) {
        return;
    }
    dest_id dest = path->dest;
    path_unlink(paths, number);
    slab_give(&paths->slab, number);
    if (column_get(&paths->first, dest) == 0) {
        dest_release(paths->rib, dest);
    }
}

uint32_t out_paths_next(const struct out_paths *paths, dest_id dest, uint32_t number)
{
    return number == 0 ? column_get(&paths->first, dest) : path_at(paths, number)->next;
}

dest_id out_path_dest(const struct out_paths *paths, uint32_t number)
{
    return path_at(paths, number)->dest;
}

bool out_path_route(const struct out_paths *paths, uint32_t number, struct route_view *route_out)
{
    const struct out_path *path = path_at(paths, number);
    *route_out = (struct route_view){0};
    while (dest_next_route(paths->rib, path->dest, route_out)) {
        if (route_out->source == path->source && route_out->path_id == path->path_id) {
            return true;
        }
    }
    return false;
}

uint32_t out_paths_limit(const struct out_paths *paths)
{
    return paths->slab.next_unused;
}

uint32_t out_paths_count(const struct out_paths *paths)
{
    return paths->slab.live_count;
}
