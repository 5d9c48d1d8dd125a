#include "bgpd/io/vici_watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bgpd/io/vici_message.h"
#include "proto/base/buffer.h"
#include "proto/base/mem.h"

#define SOCKET_OF_TUNNEL "/var/run/charon.%s.vici" /* where each tunnel has a charon of its own */
#define SOCKET_OF_ALL    "/var/run/charon.vici"
#define RETRY_FIRST_S    0.1
#define RETRY_LAST_S     1.6
#define ANSWER_S         5.0  /* charon is stopped or stuck when a request takes longer */
#define LIST_PERIOD_S    10.0 /* a lost event is found at the latest by then */
#define LIST_SOON_S      0.25 /* after an event: lets a burst of them pass */
#define SAS_MAX          64u
#define READ_BYTES       (64u << 10)
#define READS_PER_TURN   16

/* One request after the other: what is registered for, then the list. */
static const char *const event_names[] = {"list-sa", "child-updown", "ike-updown", "child-rekey",
                                          "ike-rekey"};
#define EVENT_COUNT (sizeof event_names / sizeof event_names[0])

enum vici_state {
    VICI_CLOSED,      /* timer: when to connect */
    VICI_REGISTERING, /* timer: patience for an answer */
    VICI_LISTING,     /* timer: the same */
    VICI_LISTENING,   /* timer: when to list again */
};

struct sa {
    uint32_t ike_id;
    uint32_t child_id;
};

struct sa_set {
    struct sa items[SAS_MAX];
    size_t count;
};

struct vici_watch {
    struct ev_loop *loop;
    struct evidence_hooks hooks;
    struct evidence evidence;
    char tunnel_name[64];
    bool is_socket_given;
    char socket_path[sizeof((struct sockaddr_un *)0)->sun_path];
    char child_name[VICI_NAME_BYTES]; /* "" when the endpoints decide */
    struct ip_addr local_endpoint;
    struct ip_addr remote_endpoint;
    enum vici_state state;
    size_t registered_count;
    double retry_s;
    bool is_told_apart; /* configuration says which SAs are ours */
    bool is_reached;    /* charon has answered a list: from now on its silence tells something */
    bool is_stale;      /* an event came in during the list */
    struct sa_set installed; /* of our tunnel */
    struct sa_set listed;    /* the list under way */
    struct buffer input;
    struct ev_io readable;
    struct ev_timer timer;
    struct vici_ike ike; /* of the message being looked at */
};

/* ---- Sets of SAs ---- */

static void set_remove(struct sa_set *set, uint32_t ike_id, uint32_t child_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        bool is_meant =
            child_id != 0 ? set->items[i].child_id == child_id : set->items[i].ike_id == ike_id;
        if (!is_meant) {
            set->items[kept++] = set->items[i];
        }
    }
    set->count = kept;
}

static void set_add(struct sa_set *set, uint32_t ike_id, uint32_t child_id)
{
    set_remove(set, ike_id, child_id);
    if (set->count < SAS_MAX) {
        set->items[set->count++] = (struct sa){ike_id, child_id};
    }
}

static void set_renumber_ike(struct sa_set *set, uint32_t old_id, uint32_t new_id)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].ike_id == old_id) {
            set->items[i].ike_id = new_id;
        }
    }
}

/* ---- Verdicts ---- */

static void tell_installed(struct vici_watch *watch)
{
    bool is_alive = watch->installed.count != 0;
    const char *name = watch->child_name[0] != 0 ? watch->child_name : "of its endpoints";
    evidence_tell(&watch->evidence, &watch->hooks, is_alive ? EVIDENCE_ALIVE : EVIDENCE_DEAD,
                  is_alive ? "CHILD_SA %s is installed" : "no CHILD_SA %s is installed", name);
}

/* Before charon was ever heard its absence proves nothing; afterwards it has died, and nobody
 * renews the SAs any more. */
static void tell_unreachable(struct vici_watch *watch, int error)
{
    bool is_gone = watch->is_reached && (error == ECONNREFUSED || error == ENOENT);
    watch->installed.count = 0;
    evidence_tell(&watch->evidence, &watch->hooks, is_gone ? EVIDENCE_DEAD : EVIDENCE_UNKNOWN,
                  "%s %.50s: %s", is_gone ? "strongSwan is gone," : "cannot reach",
                  watch->socket_path, strerror(error));
}

/* ---- Connection ---- */

static void set_timer(struct vici_watch *watch, double after_s)
{
    ev_timer_stop(watch->loop, &watch->timer);
    ev_now_update(watch->loop);
    ev_timer_set(&watch->timer, after_s, 0.);
    ev_timer_start(watch->loop, &watch->timer);
}

static void disconnect(struct vici_watch *watch, double retry_after_s)
{
    if (watch->state != VICI_CLOSED) {
        ev_io_stop(watch->loop, &watch->readable);
        close(watch->readable.fd);
    }
    watch->state = VICI_CLOSED;
    watch->input.size = 0;
    set_timer(watch, retry_after_s);
}

static void retry_later(struct vici_watch *watch)
{
    disconnect(watch, watch->retry_s);
    watch->retry_s = watch->retry_s * 2 < RETRY_LAST_S ? watch->retry_s * 2 : RETRY_LAST_S;
}

static void give_up(struct vici_watch *watch, const char *why)
{
    evidence_tell(&watch->evidence, &watch->hooks, EVIDENCE_UNKNOWN, "%.50s: %s",
                  watch->socket_path, why);
    retry_later(watch);
}

static void send_request(struct vici_watch *watch, enum vici_packet_type type, const char *name,
                         const char *key, const char *value)
{
    uint8_t request[VICI_REQUEST_BYTES_MAX];
    size_t size = vici_packet_write(request, sizeof request, type, name, key, value);
    ssize_t sent = send(watch->readable.fd, request, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != (ssize_t)size) {
        retry_later(watch); /* Its end of the socket is closed; connecting tells why. */
        return;
    }
    set_timer(watch, ANSWER_S);
}

static void request_list(struct vici_watch *watch)
{
    bool is_by_name = watch->child_name[0] != 0;
    watch->state = VICI_LISTING;
    watch->is_stale = false;
    watch->listed.count = 0;
    send_request(watch, VICI_CMD_REQUEST, "list-sas", is_by_name ? "child" : NULL,
                 watch->child_name);
}

static void register_next(struct vici_watch *watch)
{
    if (watch->registered_count == EVENT_COUNT) {
        request_list(watch);
        return;
    }
    send_request(watch, VICI_EVENT_REGISTER, event_names[watch->registered_count], NULL, NULL);
}

static void choose_socket(struct vici_watch *watch)
{
    if (watch->is_socket_given) {
        return;
    }
    snprintf(watch->socket_path, sizeof watch->socket_path, SOCKET_OF_TUNNEL, watch->tunnel_name);
    if (access(watch->socket_path, F_OK) != 0) {
        snprintf(watch->socket_path, sizeof watch->socket_path, SOCKET_OF_ALL);
    }
}

static void connect_to_charon(struct vici_watch *watch)
{
    choose_socket(watch);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    memcpy(addr.sun_path, watch->socket_path, sizeof addr.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        tell_unreachable(watch, errno);
        if (fd >= 0) {
            close(fd);
        }
        retry_later(watch);
        return;
    }
    ev_io_set(&watch->readable, fd, EV_READ);
    ev_io_start(watch->loop, &watch->readable);
    watch->state = VICI_REGISTERING;
    watch->registered_count = 0;
    register_next(watch);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct vici_watch *watch = timer->data;
    if (!watch->is_told_apart) {
        evidence_tell(&watch->evidence, &watch->hooks, EVIDENCE_UNKNOWN,
                      "which SA? give remote-endpoint, vici child or vici socket");
        return;
    }
    switch (watch->state) {
    case VICI_CLOSED:
        connect_to_charon(watch);
        return;
    case VICI_REGISTERING:
    case VICI_LISTING:
        give_up(watch, "strongSwan does not answer");
        return;
    case VICI_LISTENING:
        request_list(watch);
        return;
    }
}

/* ---- What charon says ---- */

static bool is_ours(const struct vici_watch *watch, const struct vici_child *child)
{
    const struct vici_ike *ike = &watch->ike;
    if (watch->child_name[0] != 0) {
        return strcmp(child->name, watch->child_name) == 0;
    }
    return (watch->remote_endpoint.family == IP_NONE ||
            ip_equal(&watch->remote_endpoint, &ike->remote_host)) &&
           (watch->local_endpoint.family == IP_NONE ||
            ip_equal(&watch->local_endpoint, &ike->local_host));
}

static void add_installed(struct vici_watch *watch, struct sa_set *set)
{
    for (size_t i = 0; i < watch->ike.child_count; i++) {
        const struct vici_child *child = &watch->ike.children[i];
        if (!child->is_old && child->is_installed && is_ours(watch, child)) {
            set_add(set, watch->ike.unique_id, child->unique_id);
        }
    }
}

static void remove_children(struct vici_watch *watch, bool only_old)
{
    for (size_t i = 0; i < watch->ike.child_count; i++) {
        if (!only_old || watch->ike.children[i].is_old) {
            set_remove(&watch->installed, 0, watch->ike.children[i].unique_id);
        }
    }
}

static void on_sa_event(struct vici_watch *watch, const struct vici_packet *packet)
{
    const struct vici_ike *ike = &watch->ike;
    if (vici_packet_is(packet, VICI_EVENT, "child-updown")) {
        if (ike->is_up) {
            add_installed(watch, &watch->installed);
        } else {
            remove_children(watch, false);
        }
    } else if (vici_packet_is(packet, VICI_EVENT, "ike-updown")) {
        if (!ike->is_up) {
            set_remove(&watch->installed, ike->unique_id, 0);
        }
    } else if (vici_packet_is(packet, VICI_EVENT, "child-rekey")) {
        add_installed(watch, &watch->installed); /* the new one first: no gap between them */
        remove_children(watch, true);
    } else if (vici_packet_is(packet, VICI_EVENT, "ike-rekey")) {
        set_renumber_ike(&watch->installed, ike->old_unique_id, ike->unique_id);
    } else {
        return;
    }
    watch->is_stale = true;
    if (watch->is_reached) {
        tell_installed(watch);
    }
    if (watch->state == VICI_LISTENING) {
        set_timer(watch, LIST_SOON_S);
    }
}

static void on_list_end(struct vici_watch *watch)
{
    watch->retry_s = RETRY_FIRST_S;
    watch->state = VICI_LISTENING;
    if (watch->is_stale) {
        set_timer(watch, LIST_SOON_S); /* Parts of this list are older than what we heard. */
        return;
    }
    watch->is_reached = true;
    watch->installed = watch->listed;
    tell_installed(watch);
    set_timer(watch, LIST_PERIOD_S);
}

static bool handle_packet(struct vici_watch *watch, struct byte_view octets)
{
    struct vici_packet packet;
    if (!vici_packet_parse(octets, &packet)) {
        return false;
    }
    if (packet.type == VICI_EVENT) {
        if (!vici_message_parse(packet.message, &watch->ike)) {
            return false;
        }
        if (vici_packet_is(&packet, VICI_EVENT, "list-sa")) {
            add_installed(watch, &watch->listed);
        } else {
            on_sa_event(watch, &packet);
        }
        return true;
    }
    /* An event that this charon does not know of is done without. */
    bool is_answer = packet.type == VICI_EVENT_CONFIRM || packet.type == VICI_EVENT_UNKNOWN;
    if (watch->state == VICI_REGISTERING && is_answer) {
        watch->registered_count++;
        register_next(watch);
        return true;
    }
    if (watch->state == VICI_LISTING && packet.type == VICI_CMD_RESPONSE) {
        on_list_end(watch);
        return true;
    }
    return false;
}

/* Takes whole packets off the input; false when it is not VICI. */
static bool handle_input(struct vici_watch *watch)
{
    size_t at = 0;
    while (watch->state != VICI_CLOSED && watch->input.size - at >= VICI_LENGTH_BYTES) {
        uint32_t size = load_be32(watch->input.data + at);
        if (size == 0 || size > VICI_PACKET_BYTES_MAX) {
            return false;
        }
        if (watch->input.size - at - VICI_LENGTH_BYTES < size) {
            break;
        }
        struct byte_view octets = {watch->input.data + at + VICI_LENGTH_BYTES, size};
        if (!handle_packet(watch, octets)) {
            return false;
        }
        at += VICI_LENGTH_BYTES + size;
    }
    if (watch->state != VICI_CLOSED) {
        buffer_drop(&watch->input, at);
    }
    return true;
}

/* Whether charon has died is for connecting to find out: at once, unless it hung up on us before
 * we got to the list. */
static void on_end_of_file(struct vici_watch *watch)
{
    if (watch->state == VICI_LISTENING) {
        disconnect(watch, 0.);
    } else {
        retry_later(watch);
    }
}

static void on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
    (void)loop;
    (void)events;
    struct vici_watch *watch = io->data;
    for (int i = 0; i < READS_PER_TURN && watch->state != VICI_CLOSED; i++) {
        uint8_t *at = buffer_reserve(&watch->input, READ_BYTES);
        ssize_t got = recv(io->fd, at, READ_BYTES, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got <= 0) {
            on_end_of_file(watch);
            return;
        }
        watch->input.size += (size_t)got;
        if (!handle_input(watch)) {
            give_up(watch, "what answers there does not speak VICI");
            return;
        }
    }
}

/* ---- Life ---- */

struct vici_watch *vici_watch_new(struct ev_loop *loop, const struct evidence_hooks *hooks,
                                  uint16_t tunnel_number, const struct config_tunnel *tunnel)
{
    struct vici_watch *watch = mem_alloc(MEM_IO, sizeof *watch);
    watch->loop = loop;
    watch->hooks = *hooks;
    evidence_init(&watch->evidence, tunnel_number, LIVENESS_VICI);
    snprintf(watch->tunnel_name, sizeof watch->tunnel_name, "%s", tunnel->name);
    watch->is_socket_given = tunnel->vici_socket != NULL;
    snprintf(watch->socket_path, sizeof watch->socket_path, "%s",
             watch->is_socket_given ? tunnel->vici_socket : "");
    snprintf(watch->child_name, sizeof watch->child_name, "%s",
             tunnel->vici_child != NULL ? tunnel->vici_child : "");
    watch->local_endpoint = tunnel->local_endpoint;
    watch->remote_endpoint = tunnel->remote_endpoint;
    watch->is_told_apart = tunnel->vici_socket != NULL || tunnel->vici_child != NULL ||
                           tunnel->remote_endpoint.family != IP_NONE;
    watch->retry_s = RETRY_FIRST_S;
    buffer_init(&watch->input, MEM_IO);
    ev_io_init(&watch->readable, on_readable, -1, EV_READ);
    ev_timer_init(&watch->timer, on_timer, 0., 0.);
    watch->readable.data = watch;
    watch->timer.data = watch;
    set_timer(watch, 0.);
    return watch;
}

void vici_watch_free(struct vici_watch *watch)
{
    if (watch->state != VICI_CLOSED) {
        ev_io_stop(watch->loop, &watch->readable);
        close(watch->readable.fd);
    }
    ev_timer_stop(watch->loop, &watch->timer);
    buffer_fini(&watch->input);
    mem_free(MEM_IO, watch);
}
