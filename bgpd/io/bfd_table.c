#include "bgpd/io/bfd_table.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bgpd/io/bfd_memory.h"
#include "bgpd/io/bfd_socket.h"
#include "proto/base/mem.h"

/* A turn takes no more, so that a flood delays nobody's own packets. */
#define PACKETS_PER_TURN 512u
/* Packets that wait may be what a session needs to live: detection lets the reading catch up, but
 * not for ever. */
#define CATCH_UP_TURNS_MAX 16u
/* A machine that stood still for longer has not listened: what was sent meanwhile may yet come. */
#define LATE_MS            20
#define LATE_GRACE_MS      40
#define REQUIRED_TTL       255
#define INTERVAL_US_MIN    10000u
#define REOPEN_INTERVAL_MS 200
#define PLACE_MASK         (BFD_SESSIONS_MAX - 1u)

struct bfd_session {
    struct bfd_session_action key;
    struct bfd_machine machine;
    int socket; /* -1: to be opened */
    uint32_t ifindex;
    struct mono_time reopen_at;
    uint64_t send_errors;
    enum bfd_verdict reported;
    struct bfd_memory memory; /* as the file has it; all 0 while it has none */
    bool is_leaving;
    bool is_trouble_told;
};

struct bfd_table {
    struct bfd_session *sessions[BFD_SESSIONS_MAX];
    uint32_t used; /* places below which there may be sessions */
    int listeners[BFD_LISTENERS];
    bool is_listen_trouble_told[BFD_LISTENERS];
    struct random_source random;
    char *memory_path;                 /* NULL: none */
    struct bfd_remembered *remembered; /* of a process before, until they are gone on with */
    size_t remembered_count;
    bool is_memory_old;
    bool is_memory_trouble_told;
    uint32_t catch_up_turns;
    uint64_t discarded[BFD_FAULT_COUNT];
    void (*report)(void *context, const struct bfd_report *report);
    void *context;
    struct bfd_datagram batch[BFD_RECEIVE_BATCH];
};

/* ---- Telling ---- */

static void report_trouble(struct bfd_table *table, const char *what, int error)
{
    struct bfd_report report = {.is_trouble = true};
    snprintf(report.trouble, sizeof report.trouble, "BFD: %s: %s", what, strerror(error));
    table->report(table->context, &report);
}

static void report_verdict(struct bfd_table *table, struct bfd_session *session)
{
    const struct bfd_machine *machine = &session->machine;
    if (session->is_leaving || machine->verdict == session->reported) {
        return;
    }
    session->reported = machine->verdict;
    struct bfd_report report = {
        .fact = {.peer = session->key.peer,
                 .local = session->key.local,
                 .ifindex = session->ifindex,
                 .is_up = machine->verdict == BFD_VERDICT_WORKS,
                 .is_admin_down = machine->verdict == BFD_VERDICT_ADMIN_DOWN},
    };
    snprintf(report.fact.detail, sizeof report.fact.detail, "%s",
             report.fact.is_up           ? "BFD up"
             : report.fact.is_admin_down ? "BFD administratively down"
                                         : bfd_diagnostic_name(machine->diagnostic));
    table->report(table->context, &report);
}

/* ---- Memory ---- */

/* Sees whether the file has to follow the session. auth_sent alone is no reason: the sequence
 * number of a key that is not meticulous may stay where it was. */
static void session_note(struct bfd_table *table, struct bfd_session *session)
{
    struct bfd_memory now;
    memset(&now, 0, sizeof now);
    if (!session->is_leaving && bfd_remember(&session->machine, &now)) {
        now.auth_sent =
            session->memory.local_discriminator != 0 ? session->memory.auth_sent : now.auth_sent;
    }
    if (memcmp(&now, &session->memory, sizeof now) != 0) {
        session->memory = now;
        table->is_memory_old = true;
    }
}

static void memory_write(struct bfd_table *table)
{
    if (!table->is_memory_old || table->memory_path == NULL) {
        return;
    }
    table->is_memory_old = false;
    size_t count = 0;
    struct bfd_remembered *all = mem_alloc(MEM_IO, BFD_SESSIONS_MAX * sizeof *all);
    for (uint32_t i = 0; i < table->used; i++) {
        const struct bfd_session *session = table->sessions[i];
        if (session != NULL && session->memory.local_discriminator != 0) {
            all[count++] = (struct bfd_remembered){session->key, session->memory};
        }
    }
    if (!bfd_memory_write(table->memory_path, all, count) && !table->is_memory_trouble_told) {
        table->is_memory_trouble_told = true;
        report_trouble(table, "sessions will not outlive a restart", errno);
    }
    explicit_bzero(all, count * sizeof *all); /* their keys are secrets */
    mem_free(MEM_IO, all);
}

/* What is known of the session, once; its discriminator says its place. NULL when nothing is, or
 * the place is taken. */
static const struct bfd_memory *memory_take(struct bfd_table *table,
                                            const struct bfd_session_action *key)
{
    for (size_t i = 0; i < table->remembered_count; i++) {
        struct bfd_remembered *item = &table->remembered[i];
        uint32_t place = item->memory.local_discriminator & PLACE_MASK;
        if (item->memory.local_discriminator != 0 && bfd_same_session(&item->key, key)) {
            bool is_free = table->sessions[place] == NULL && !key->is_shutdown;
            item->key = (struct bfd_session_action){.peer = {.family = IP_NONE}};
            return is_free ? &item->memory : NULL;
        }
    }
    return NULL;
}

/* ---- Sockets ---- */

static uint32_t listener_place(uint8_t family, bool is_multihop)
{
    return (family == IP_V6 ? 1u : 0u) + (is_multihop ? 2u : 0u);
}

static void listener_need(struct bfd_table *table, const struct bfd_session_action *key)
{
    uint32_t place = listener_place(key->peer.family, key->is_multihop);
    if (table->listeners[place] >= 0) {
        return;
    }
    table->listeners[place] = bfd_socket_listen(key->peer.family, key->is_multihop);
    if (table->listeners[place] < 0 && !table->is_listen_trouble_told[place]) {
        char what[96];
        snprintf(what, sizeof what, "cannot listen on UDP port %d for %s",
                 key->is_multihop ? BFD_PORT_MULTIHOP : BFD_PORT_SINGLE_HOP,
                 key->peer.family == IP_V6 ? "IPv6" : "IPv4");
        report_trouble(table, what, errno);
        table->is_listen_trouble_told[place] = true;
    }
}

static void session_open(struct bfd_table *table, struct bfd_session *session)
{
    const struct bfd_session_action *key = &session->key;
    uint16_t first_port = (uint16_t)random_below(&table->random, 16384);
    session->ifindex = key->interface[0] != 0 ? if_nametoindex(key->interface) : 0;
    session->socket = bfd_socket_open(key->peer.family, &key->local, key->interface, first_port);
    if (session->socket >= 0) {
        session->is_trouble_told = false;
    } else if (!session->is_trouble_told) {
        char what[96];
        char addr[IP_TEXT_BYTES];
        session->is_trouble_told = true;
        snprintf(what, sizeof what, "no socket to %s yet", ip_format(&key->peer, addr));
        report_trouble(table, what, errno);
    }
}

/* Also when it is only the listener: somebody else's BFD may have had the port, and left. */
static void session_open_missing(struct bfd_table *table, struct bfd_session *session,
                                 struct mono_time now)
{
    uint32_t place = listener_place(session->key.peer.family, session->key.is_multihop);
    if ((session->socket >= 0 && table->listeners[place] >= 0) ||
        !mono_reached(session->reopen_at, now)) {
        return;
    }
    session->reopen_at = mono_add(now, mono_span_ms(REOPEN_INTERVAL_MS));
    listener_need(table, &session->key);
    if (session->socket < 0) {
        session_open(table, session);
    }
}

static void session_close(struct bfd_session *session)
{
    if (session->socket >= 0) {
        close(session->socket);
    }
    session->socket = -1;
}

/* An interface that was made anew has another index: the old socket is bound to nothing. */
static bool is_socket_dead(int error)
{
    return error == ENODEV || error == ENXIO || error == EADDRNOTAVAIL || error == EINVAL;
}

static void session_send(struct bfd_table *table, struct bfd_session *session,
                         const struct bfd_packet *packet, struct mono_time now)
{
    uint8_t octets[BFD_PACKET_BYTES_MAX];
    struct writer writer = writer_of(octets, sizeof octets);
    bfd_packet_encode(&writer, packet);
    bfd_auth_sign(octets, writer_size(&writer));
    session_open_missing(table, session, now);
    if (session->socket < 0) {
        session->send_errors++;
        return;
    }
    if (!bfd_socket_send(session->socket, &session->key.peer, session->ifindex,
                         session->key.is_multihop,
                         (struct byte_view){octets, writer_size(&writer)})) {
        session->send_errors++;
        if (is_socket_dead(errno)) {
            session_close(session);
        }
    }
}

/* ---- Adding and removing ---- */

bool bfd_same_session(const struct bfd_session_action *a, const struct bfd_session_action *b)
{
    return ip_equal(&a->peer, &b->peer) && ip_equal(&a->local, &b->local) &&
           strcmp(a->interface, b->interface) == 0 && a->is_multihop == b->is_multihop;
}

static struct bfd_session *session_find(struct bfd_table *table,
                                        const struct bfd_session_action *key)
{
    for (uint32_t i = 0; i < table->used; i++) {
        if (table->sessions[i] != NULL && bfd_same_session(&table->sessions[i]->key, key)) {
            return table->sessions[i];
        }
    }
    return NULL;
}

static struct bfd_settings settings_of(const struct bfd_session_action *action)
{
    return (struct bfd_settings){
        .transmit_interval_us = action->transmit_interval_us < INTERVAL_US_MIN
                                    ? INTERVAL_US_MIN
                                    : action->transmit_interval_us,
        .receive_interval_us = action->receive_interval_us < INTERVAL_US_MIN
                                   ? INTERVAL_US_MIN
                                   : action->receive_interval_us,
        .detect_multiplier = action->detect_multiplier == 0 ? 1 : action->detect_multiplier,
        .passive = action->passive,
        .hold_down_ms = action->hold_down_ms,
        .auth = action->auth,
    };
}

/* The place is in the low bits, the rest is random and not zero: unique, found at once, and not to
 * be guessed (RFC 5880 9). */
static uint32_t discriminator_make(struct bfd_table *table, uint32_t place)
{
    uint32_t high = 1 + random_below(&table->random, UINT32_MAX / BFD_SESSIONS_MAX);
    return high * BFD_SESSIONS_MAX + place;
}

static void session_add(struct bfd_table *table, const struct bfd_session_action *action,
                        struct mono_time now)
{
    uint32_t place = 0;
    const struct bfd_memory *memory = memory_take(table, action);
    if (memory != NULL) {
        place = memory->local_discriminator & PLACE_MASK;
    }
    while (place < BFD_SESSIONS_MAX && table->sessions[place] != NULL) {
        place++;
    }
    if (place == BFD_SESSIONS_MAX) {
        report_trouble(table, "no room for one more session", ENOSPC);
        return;
    }
    struct bfd_session *session = mem_alloc(MEM_IO, sizeof *session);
    struct bfd_settings settings = settings_of(action);
    session->key = *action;
    session->socket = -1;
    session->reopen_at = now;
    bfd_init(&session->machine, &settings,
             memory != NULL ? memory->local_discriminator : discriminator_make(table, place),
             random_u64(&table->random), now);
    if (memory != NULL) {
        bfd_resume(&session->machine, memory, now);
    }
    bfd_set_admin_down(&session->machine, action->is_shutdown, now);
    listener_need(table, action);
    session->ifindex = action->interface[0] != 0 ? if_nametoindex(action->interface) : 0;
    table->sessions[place] = session;
    table->used = place >= table->used ? place + 1 : table->used;
    session_note(table, session);
}

static void session_free(struct bfd_table *table, struct bfd_session *session)
{
    session_close(session);
    table->sessions[session->machine.local_discriminator & PLACE_MASK] = NULL;
    explicit_bzero(session, sizeof *session); /* its key is a secret */
    mem_free(MEM_IO, session);
}

/* The next process finds it in the memory, and its far end keeps routes until then. */
static bool session_can_be_kept(const struct bfd_session *session)
{
    return session->key.kept_s != 0 && session->memory.local_discriminator != 0;
}

static void session_leave(struct bfd_table *table, struct bfd_session *session,
                          struct mono_time now)
{
    struct bfd_packet packet;
    bool is_known = session->machine.remote_discriminator != 0;
    session->is_leaving = true;
    bfd_set_admin_down(&session->machine, true, now);
    if (is_known && bfd_take_packet(&session->machine, now, &packet)) {
        session_send(table, session, &packet, now);
    }
    session_note(table, session);
    session_free(table, session);
}

void bfd_table_apply(struct bfd_table *table, const struct bfd_session_action *actions,
                     size_t count, struct mono_time now)
{
    for (size_t i = 0; i < count; i++) {
        struct bfd_session *session = session_find(table, &actions[i]);
        if (actions[i].is_delete) {
            if (session != NULL) {
                session->is_leaving = true;
            }
        } else if (session == NULL) {
            session_add(table, &actions[i], now);
        } else {
            struct bfd_settings settings = settings_of(&actions[i]);
            session->key = actions[i];
            session->is_leaving = false;
            session->reported = BFD_VERDICT_UNKNOWN; /* Who asks anew wants to hear anew. */
            bfd_configure(&session->machine, &settings, now);
            bfd_set_admin_down(&session->machine, actions[i].is_shutdown, now);
            report_verdict(table, session);
        }
    }
    for (uint32_t i = 0; i < table->used; i++) {
        if (table->sessions[i] != NULL && table->sessions[i]->is_leaving) {
            session_leave(table, table->sessions[i], now);
        }
    }
    memory_write(table);
}

/* ---- Reception ---- */

static bool is_expected_on(const struct bfd_session *session, const struct bfd_datagram *datagram,
                           bool is_multihop)
{
    const struct bfd_session_action *key = &session->key;
    if (key->is_multihop != is_multihop || !ip_equal(&key->peer, &datagram->from)) {
        return false;
    }
    if (is_multihop) {
        return key->local.family == IP_NONE || ip_equal(&key->local, &datagram->to);
    }
    return key->interface[0] == 0 || session->ifindex == datagram->ifindex;
}

static enum bfd_fault session_select(struct bfd_table *table, const struct bfd_datagram *datagram,
                                     bool is_multihop, uint32_t discriminator,
                                     struct bfd_session **session_out)
{
    if (discriminator != 0) {
        struct bfd_session *session = table->sessions[discriminator & PLACE_MASK];
        if (session == NULL || session->machine.local_discriminator != discriminator) {
            return BFD_FAULT_NO_SESSION;
        }
        *session_out = session;
        return is_expected_on(session, datagram, is_multihop) ? BFD_FAULT_NONE
                                                              : BFD_FAULT_WRONG_SENDER;
    }
    for (uint32_t i = 0; i < table->used; i++) {
        struct bfd_session *session = table->sessions[i];
        if (session != NULL && is_expected_on(session, datagram, is_multihop)) {
            *session_out = session;
            return BFD_FAULT_NONE;
        }
    }
    return BFD_FAULT_NO_SESSION;
}

static void receive_one(struct bfd_table *table, const struct bfd_datagram *datagram,
                        bool is_multihop, struct mono_time now)
{
    struct bfd_packet packet = {0};
    struct bfd_session *session = NULL;
    enum bfd_fault fault = BFD_FAULT_TTL;
    if (is_multihop || datagram->ttl == REQUIRED_TTL) {
        fault = bfd_packet_decode((struct byte_view){datagram->data, datagram->size}, &packet);
    }
    if (fault == BFD_FAULT_NONE) {
        fault = session_select(table, datagram, is_multihop, packet.your_discriminator, &session);
    }
    if (fault == BFD_FAULT_NONE && is_multihop && datagram->ttl < session->key.minimum_ttl) {
        fault = BFD_FAULT_TTL;
    }
    if (fault != BFD_FAULT_NONE) {
        table->discarded[fault]++;
        return;
    }
    if (bfd_receive(&session->machine, &packet, now) == BFD_FAULT_NONE) {
        report_verdict(table, session);
        session_note(table, session);
    }
}

/* True when nothing waits any more. */
static bool receive_all(struct bfd_table *table, struct mono_time now)
{
    bool is_drained = true;
    for (uint32_t place = 0; place < BFD_LISTENERS; place++) {
        uint32_t left = PACKETS_PER_TURN / BFD_LISTENERS;
        size_t count = table->listeners[place] < 0 ? 0 : BFD_RECEIVE_BATCH;
        while (left != 0 && count == BFD_RECEIVE_BATCH) {
            count = bfd_socket_receive(table->listeners[place], table->batch, BFD_RECEIVE_BATCH);
            for (size_t i = 0; i < count; i++) {
                receive_one(table, &table->batch[i], place >= 2, now);
            }
            left -= BFD_RECEIVE_BATCH;
        }
        is_drained = is_drained && count != BFD_RECEIVE_BATCH;
    }
    return is_drained;
}

void bfd_table_turn(struct bfd_table *table, struct mono_time due, struct mono_time now)
{
    bool is_drained = receive_all(table, now);
    bool is_late = mono_before(mono_add(due, mono_span_ms(LATE_MS)), now);
    struct mono_time hold_until = mono_add(now, mono_span_ms(LATE_GRACE_MS));
    table->catch_up_turns = is_drained ? 0 : table->catch_up_turns + 1;
    bool may_expire = is_drained || table->catch_up_turns > CATCH_UP_TURNS_MAX;
    for (uint32_t i = 0; i < table->used; i++) {
        struct bfd_session *session = table->sessions[i];
        struct bfd_packet packet;
        if (session != NULL && is_late) {
            bfd_hold_detection(&session->machine, hold_until);
        }
        if (session == NULL || !mono_reached(bfd_deadline(&session->machine), now)) {
            continue;
        }
        if (may_expire) {
            bfd_expire(&session->machine, now);
            report_verdict(table, session);
            session_note(table, session);
        }
        while (bfd_take_packet(&session->machine, now, &packet)) {
            session_send(table, session, &packet, now);
        }
    }
    memory_write(table);
}

/* ---- The rest ---- */

struct bfd_table *bfd_table_new(uint64_t seed, const char *memory_path,
                                void (*report)(void *context, const struct bfd_report *report),
                                void *context)
{
    struct bfd_table *table = mem_alloc(MEM_IO, sizeof *table);
    if (memory_path != NULL) {
        table->memory_path = mem_strdup(MEM_IO, memory_path);
        table->remembered = mem_alloc(MEM_IO, BFD_SESSIONS_MAX * sizeof *table->remembered);
        table->remembered_count = bfd_memory_read(memory_path, table->remembered, BFD_SESSIONS_MAX);
    }
    random_init(&table->random, seed);
    for (uint32_t i = 0; i < BFD_LISTENERS; i++) {
        table->listeners[i] = -1;
    }
    table->report = report;
    table->context = context;
    return table;
}

void bfd_table_free(struct bfd_table *table, bool keeps_sessions)
{
    for (uint32_t i = 0; i < table->used; i++) {
        struct bfd_session *session = table->sessions[i];
        if (session != NULL && !(keeps_sessions && session_can_be_kept(session))) {
            session_leave(table, session, session->machine.sent_at);
        }
    }
    memory_write(table);
    for (uint32_t i = 0; i < table->used; i++) {
        if (table->sessions[i] != NULL) {
            session_free(table, table->sessions[i]);
        }
    }
    for (uint32_t i = 0; i < BFD_LISTENERS; i++) {
        if (table->listeners[i] >= 0) {
            close(table->listeners[i]);
        }
    }
    mem_free(MEM_IO, table->memory_path);
    mem_free(MEM_IO, table->remembered);
    mem_free(MEM_IO, table);
}

size_t bfd_table_poll_set(const struct bfd_table *table, struct pollfd *out)
{
    size_t count = 0;
    for (uint32_t i = 0; i < BFD_LISTENERS; i++) {
        if (table->listeners[i] >= 0) {
            out[count++] = (struct pollfd){.fd = table->listeners[i], .events = POLLIN};
        }
    }
    return count;
}

struct mono_time bfd_table_deadline(const struct bfd_table *table)
{
    struct mono_time deadline = MONO_NEVER;
    for (uint32_t i = 0; i < table->used; i++) {
        if (table->sessions[i] != NULL) {
            deadline = mono_earlier(deadline, bfd_deadline(&table->sessions[i]->machine));
        }
    }
    return deadline;
}

size_t bfd_table_read(const struct bfd_table *table, uint32_t *next,
                      struct bfd_session_view *views_out, size_t max)
{
    size_t count = 0;
    for (; *next < table->used && count < max; (*next)++) {
        const struct bfd_session *session = table->sessions[*next];
        if (session != NULL) {
            views_out[count++] =
                (struct bfd_session_view){session->key, session->machine, session->send_errors};
        }
    }
    return count;
}

const uint64_t *bfd_table_discarded(const struct bfd_table *table)
{
    return table->discarded;
}
