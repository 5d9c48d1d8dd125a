/* Numbers for the paths that ADD-PATH neighbours are told of (RFC 7911): one per destination,
 * source and identifier received, the same for every update group, so that the number is also the
 * path identifier that we send. It stays as long as anybody holds it, whatever becomes of the
 * path's attributes; its destination stays as long. */
#ifndef RIB_OUT_PATHS_H
#define RIB_OUT_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "rib/loc_rib.h"

struct out_paths;

/* rib must outlive the result. */
struct out_paths *out_paths_new(struct loc_rib *rib);

/* No number may be held any more (asserted). */
void out_paths_free(struct out_paths *paths);

/* Begins a look at what is to be told: numbers taken from now on are current. */
void out_paths_begin_round(struct out_paths *paths);
bool out_path_is_current(const struct out_paths *paths, uint32_t number);

/* The path's number, made when it has none, with one hold more. O(numbers of dest). */
uint32_t out_paths_take(struct out_paths *paths, dest_id dest, uint16_t source, uint32_t path_id);
void out_path_hold(struct out_paths *paths, uint32_t number);
void out_path_release(struct out_paths *paths, uint32_t number);

/* Numbers of a destination one after the other: after 0 the first, 0 at the end. */
uint32_t out_paths_next(const struct out_paths *paths, dest_id dest, uint32_t number);
dest_id out_path_dest(const struct out_paths *paths, uint32_t number);

/* Whether the path that number stands for is there now. */
bool out_path_route(const struct out_paths *paths, uint32_t number, struct route_view *route_out);

/* Exclusive bound of the numbers in use. */
uint32_t out_paths_limit(const struct out_paths *paths);
uint32_t out_paths_count(const struct out_paths *paths);

#endif
