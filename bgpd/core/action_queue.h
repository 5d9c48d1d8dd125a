/* Actions on their way out, oldest first, with the octets they carry. */
#ifndef BGPD_CORE_ACTION_QUEUE_H
#define BGPD_CORE_ACTION_QUEUE_H

#include "bgpd/core/core.h"

struct action_chunk;

struct action_queue {
    struct action_chunk *first;
    struct action_chunk *last;
    struct action_chunk *spare;
    uint32_t count;
    uint8_t *taken_bytes; /* owned by the action handed out last */
};

void action_queue_init(struct action_queue *queue);
void action_queue_fini(struct action_queue *queue);

/* Copies the action. Strings and views inside it are copied too: the caller keeps its own. */
void action_queue_put(struct action_queue *queue, const struct core_action *action);

/* ACTION_SEND of owned octets: takes over bytes (mem kind MEM_QUEUE) instead of copying. */
void action_queue_put_send(struct action_queue *queue, conn_id conn, uint8_t *owned_bytes,
                           size_t size);

/* See core_take_action. */
bool action_queue_take(struct action_queue *queue, struct core_action *action_out);

#endif
