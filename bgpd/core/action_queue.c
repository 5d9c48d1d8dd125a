/* Actions in chunks, so that a burst of a million of them neither moves nor reallocates anything.
 * What an action points to is copied into one block beside it and freed when the next is taken. */
#include "bgpd/core/action_queue.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/mem.h"

#define ACTIONS_PER_CHUNK 32u

struct queued_action {
    struct core_action action;
    uint8_t *owned_bytes; /* NULL when the action points to nothing */
};

struct action_chunk {
    struct action_chunk *next;
    uint32_t first; /* of those not taken yet */
    uint32_t end;
    struct queued_action items[ACTIONS_PER_CHUNK];
};

void action_queue_init(struct action_queue *queue)
{
    *queue = (struct action_queue){0};
}

void action_queue_fini(struct action_queue *queue)
{
    struct core_action action;
    while (action_queue_take(queue, &action)) {
    }
    mem_free(MEM_QUEUE, queue->first);
    mem_free(MEM_QUEUE, queue->spare);
    *queue = (struct action_queue){0};
}

static struct queued_action *append_slot(struct action_queue *queue)
{
    if (queue->last == NULL || queue->last->end == ACTIONS_PER_CHUNK) {
        struct action_chunk *chunk = queue->spare;
        queue->spare = NULL;
        if (chunk == NULL) {
            chunk = mem_realloc(MEM_QUEUE, NULL, sizeof *chunk);
        }
        chunk->next = NULL;
        chunk->first = 0;
        chunk->end = 0;
        if (queue->last == NULL) {
            queue->first = chunk;
        } else {
            queue->last->next = chunk;
        }
        queue->last = chunk;
    }
    queue->count++;
    return &queue->last->items[queue->last->end++];
}

static size_t text_bytes(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static const char *copy_text(uint8_t **at, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = text_bytes(text);
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

/* The tunnel with everything it points to, in one block. */
static uint8_t *copy_tunnel(struct tunnel_watch_action *watch)
{
    const struct config_tunnel *tunnel = watch->tunnel;
    size_t peers_bytes = tunnel->inner_peer_count * sizeof *tunnel->inner_peers;
    uint8_t *block = mem_realloc(
        MEM_QUEUE, NULL,
        sizeof *tunnel + peers_bytes + text_bytes(tunnel->name) + text_bytes(tunnel->interface) +
            text_bytes(tunnel->vici_socket) + text_bytes(tunnel->vici_child));
    struct config_tunnel *copy = memcpy(block, tunnel, sizeof *tunnel);
    uint8_t *at = block + sizeof *tunnel;
    if (peers_bytes != 0) {
        copy->inner_peers = memcpy(at, tunnel->inner_peers, peers_bytes);
        at += peers_bytes;
    }
    copy->name = copy_text(&at, tunnel->name);
    copy->interface = copy_text(&at, tunnel->interface);
    copy->vici_socket = copy_text(&at, tunnel->vici_socket);
    copy->vici_child = copy_text(&at, tunnel->vici_child);
    watch->tunnel = copy;
    return block;
}

/* The one that is given; there are never both. */
static uint8_t *copy_key(const char **key, const struct config_key_chain **chain)
{
    if (*chain != NULL) {
        struct config_key_chain *copy = mem_realloc(MEM_QUEUE, NULL, sizeof *copy);
        *copy = **chain;
        copy->name = NULL; /* lives with the configuration */
        *chain = copy;
        return (uint8_t *)copy;
    }
    if (*key == NULL) {
        return NULL;
    }
    char *copy = mem_strdup(MEM_QUEUE, *key);
    *key = copy;
    return (uint8_t *)copy;
}

void action_queue_put(struct action_queue *queue, const struct core_action *action)
{
    struct queued_action *slot = append_slot(queue);
    slot->action = *action;
    slot->owned_bytes = NULL;
    switch (action->kind) {
    case ACTION_CONNECT:
    case ACTION_ACCEPT:
        slot->owned_bytes = copy_key(&slot->action.conn_setup.md5_key, &slot->action.conn_setup.ao);
        break;
    case ACTION_PEER_KEY:
        slot->owned_bytes = copy_key(&slot->action.peer_key.md5_key, &slot->action.peer_key.ao);
        break;
    case ACTION_SEND:
        slot->owned_bytes = mem_realloc(MEM_QUEUE, NULL, action->send.bytes.size);
        memcpy(slot->owned_bytes, action->send.bytes.data, action->send.bytes.size);
        slot->action.send.bytes.data = slot->owned_bytes;
        break;
    case ACTION_TUNNEL_WATCH:
        if (action->tunnel_watch.tunnel != NULL) {
            slot->owned_bytes = copy_tunnel(&slot->action.tunnel_watch);
        }
        break;
    case ACTION_CLOSE:
    case ACTION_LISTEN:
    case ACTION_PEER_TTL:
    case ACTION_FIB_ROUTE:
    case ACTION_FIB_NEXTHOP:
    case ACTION_FIB_REQUEST_DUMP:
    case ACTION_BFD_SESSION:
    case ACTION_LOG:
    case ACTION_STOPPED:
        break;
    }
}

void action_queue_put_send(struct action_queue *queue, conn_id conn, uint8_t *owned_bytes,
                           size_t size)
{
    ASSERT(owned_bytes != NULL && size != 0);
    struct queued_action *slot = append_slot(queue);
    slot->action.kind = ACTION_SEND;
    slot->action.send.conn = conn;
    slot->action.send.bytes = (struct byte_view){owned_bytes, size};
    slot->owned_bytes = owned_bytes;
}

bool action_queue_take(struct action_queue *queue, struct core_action *action_out)
{
    mem_free(MEM_QUEUE, queue->taken_bytes);
    queue->taken_bytes = NULL;
    struct action_chunk *chunk = queue->first;
    if (queue->count == 0) {
        return false;
    }
    ASSERT(chunk->first < chunk->end);
    struct queued_action *slot = &chunk->items[chunk->first++];
    *action_out = slot->action;
    queue->taken_bytes = slot->owned_bytes;
    queue->count--;
    if (chunk->first == chunk->end && chunk->end == ACTIONS_PER_CHUNK) {
        queue->first = chunk->next;
        if (queue->first == NULL) {
            queue->last = NULL;
        }
        mem_free(MEM_QUEUE, queue->spare);
        queue->spare = chunk;
    } else if (chunk->first == chunk->end) {
        chunk->first = 0;
        chunk->end = 0;
    }
    return true;
}
