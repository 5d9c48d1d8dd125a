/* The BFD session: RFC 5880 6.8, every rule in the order the RFC gives it. */
#include "bgpd/core/bfd.h"

#include <string.h>

#include "proto/base/assert.h"

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* ---- Intervals ---- */

/* RFC 5880 6.8.7: who may not send at all. */
static bool may_send_periodically(const struct bfd_machine *machine)
{
    if (machine->settings.passive && machine->remote_discriminator == 0) {
        return false;
    }
    if (machine->remote_min_rx_us == 0) {
        return false;
    }
    return !machine->remote_demand || machine->state != BFD_UP || machine->remote_state != BFD_UP ||
           machine->is_polling;
}

static uint32_t transmit_interval_us(const struct bfd_machine *machine)
{
    return larger(machine->tx_in_force_us, machine->remote_min_rx_us);
}

struct mono_span bfd_transmit_interval(const struct bfd_machine *machine)
{
    return may_send_periodically(machine) ? mono_span_us(transmit_interval_us(machine))
                                          : MONO_SPAN_NONE;
}

struct mono_span bfd_detection_time(const struct bfd_machine *machine)
{
    int64_t interval_us = larger(machine->rx_in_force_us, machine->remote_desired_tx_us);
    return mono_span_us(interval_us * machine->remote_multiplier);
}

/* RFC 5880 6.8.7: 75 to 100 % of the interval, 75 to 90 % when one loss is already too many. */
static struct mono_span jittered(struct bfd_machine *machine, uint32_t interval_us)
{
    uint32_t most = machine->settings.detect_multiplier == 1 ? 90000 : 100000;
    uint32_t share = 75000 + random_below(&machine->random, most - 75000 + 1);
    return mono_span_ns((int64_t)interval_us * share / 100);
}

/* The next periodic packet, counted from the last one so that changes neither pile up packets nor
 * put them off. */
static void schedule(struct bfd_machine *machine, struct mono_time now)
{
    if (!may_send_periodically(machine)) {
        machine->send_at = MONO_NEVER;
        return;
    }
    if (!machine->has_sent) {
        machine->send_at = now;
        return;
    }
    machine->send_at = mono_add(machine->sent_at, jittered(machine, transmit_interval_us(machine)));
}

/* RFC 5880 6.8.7: a packet whose content differs SHOULD not wait for its turn. */
static void send_soon(struct bfd_machine *machine, struct mono_time now)
{
    machine->send_at = may_send_periodically(machine) ? now : MONO_NEVER;
}

static void poll_begin(struct bfd_machine *machine)
{
    if (machine->is_polling) {
        machine->is_poll_stale = true;
    }
    machine->is_polling = true;
}

/* Puts the wanted intervals where they may take effect at once, and polls for the rest
 * (RFC 5880 6.8.3). */
static void intervals_update(struct bfd_machine *machine)
{
    bool is_up = machine->state == BFD_UP;
    uint32_t desired = machine->settings.transmit_interval_us;
    if (!is_up) {
        desired = larger(desired, BFD_SLOW_INTERVAL_US);
    }
    machine->desired_tx_us = desired;
    if (!is_up || desired < machine->tx_in_force_us) {
        machine->tx_in_force_us = desired;
    }
    if (!is_up || machine->settings.receive_interval_us > machine->rx_in_force_us) {
        machine->rx_in_force_us = machine->settings.receive_interval_us;
    }
}

static void poll_end(struct bfd_machine *machine, struct mono_time now)
{
    if (machine->is_poll_stale) {
        machine->is_poll_stale = false; /* The answer may be to older values: ask again. */
        send_soon(machine, now);
        return;
    }
    machine->is_polling = false;
    machine->tx_in_force_us = machine->desired_tx_us;
    machine->rx_in_force_us = machine->settings.receive_interval_us;
}

/* ---- States ---- */

static void verdict_on_state(struct bfd_machine *machine, uint8_t old, struct mono_time now)
{
    if (machine->is_unconfirmed) {
        machine->is_unconfirmed = false;
        return; /* Of this process it was never up. */
    }
    if (machine->state == BFD_UP) {
        machine->statistics.ups++;
        if (machine->settings.hold_down_ms == 0) {
            machine->verdict = BFD_VERDICT_WORKS;
        } else {
            machine->works_at = mono_add(now, mono_span_ms(machine->settings.hold_down_ms));
        }
        return;
    }
    if (old != BFD_UP) {
        return;
    }
    machine->statistics.downs++;
    bool was_held = !mono_is_never(machine->works_at);
    machine->works_at = MONO_NEVER;
    if (machine->state == BFD_ADMIN_DOWN || machine->remote_state == BFD_ADMIN_DOWN) {
        machine->verdict = BFD_VERDICT_ADMIN_DOWN;
    } else if (!was_held) {
        machine->verdict = BFD_VERDICT_FAILED; /* Else nobody has heard of it being up. */
    }
}

static void set_state(struct bfd_machine *machine, uint8_t state, uint8_t diagnostic,
                      struct mono_time now)
{
    uint8_t old = machine->state;
    if (old == state) {
        return;
    }
    machine->state = state;
    machine->diagnostic = diagnostic;
    machine->statistics.changed_at = now;
    intervals_update(machine);
    if (state == BFD_UP) {
        poll_begin(machine); /* From the slow interval to the wanted one. */
    } else {
        machine->is_polling = false;
        machine->is_poll_stale = false;
    }
    machine->auth_sent++; /* What is said is new: RFC 5880 6.7.3. */
    verdict_on_state(machine, old, now);
    send_soon(machine, now);
}

void bfd_init(struct bfd_machine *machine, const struct bfd_settings *settings,
              uint32_t discriminator, uint64_t seed, struct mono_time now)
{
    ASSERT(discriminator != 0 && settings->detect_multiplier != 0);
    memset(machine, 0, sizeof *machine);
    machine->settings = *settings;
    machine->state = BFD_DOWN;
    machine->remote_state = BFD_DOWN;
    machine->local_discriminator = discriminator;
    machine->remote_min_rx_us = 1; /* RFC 5880 6.8.1 */
    machine->detect_at = MONO_NEVER;
    machine->statistics.changed_at = now;
    machine->works_at = MONO_NEVER;
    random_init(&machine->random, seed);
    machine->auth_sent = (uint32_t)random_u64(&machine->random);
    intervals_update(machine);
    schedule(machine, now);
}

bool bfd_remember(const struct bfd_machine *machine, struct bfd_memory *memory_out)
{
    bool is_known_to_work = machine->verdict == BFD_VERDICT_WORKS || machine->is_unconfirmed;
    if (machine->state != BFD_UP || !is_known_to_work ||
        bfd_auth_is_meticulous(machine->settings.auth.type)) {
        return false;
    }
    *memory_out = (struct bfd_memory){
        .local_discriminator = machine->local_discriminator,
        .remote_discriminator = machine->remote_discriminator,
        .remote_min_rx_us = machine->remote_min_rx_us,
        .remote_desired_tx_us = machine->remote_desired_tx_us,
        .remote_multiplier = machine->remote_multiplier,
        .auth_sent = machine->auth_sent,
    };
    return true;
}

void bfd_resume(struct bfd_machine *machine, const struct bfd_memory *memory, struct mono_time now)
{
    ASSERT(machine->state == BFD_DOWN && !machine->has_sent);
    ASSERT(machine->local_discriminator == memory->local_discriminator);
    machine->state = BFD_UP;
    machine->remote_state = BFD_UP;
    machine->is_unconfirmed = true;
    machine->remote_discriminator = memory->remote_discriminator;
    machine->remote_min_rx_us = memory->remote_min_rx_us;
    machine->remote_desired_tx_us = memory->remote_desired_tx_us;
    machine->remote_multiplier = (uint8_t)memory->remote_multiplier;
    machine->auth_sent = memory->auth_sent;
    machine->desired_tx_us = machine->settings.transmit_interval_us;
    machine->tx_in_force_us = machine->desired_tx_us;
    machine->rx_in_force_us = machine->settings.receive_interval_us;
    machine->detect_at = mono_add(now, bfd_detection_time(machine));
    poll_begin(machine); /* Our wishes may have changed meanwhile. */
    send_soon(machine, now);
}

/* Up and heard: what an earlier process said of the path holds. */
static void confirm(struct bfd_machine *machine)
{
    machine->is_unconfirmed = false;
    machine->statistics.ups++;
    machine->verdict = BFD_VERDICT_WORKS;
}

void bfd_configure(struct bfd_machine *machine, const struct bfd_settings *settings,
                   struct mono_time now)
{
    ASSERT(settings->detect_multiplier != 0);
    bool is_changed = settings->transmit_interval_us != machine->settings.transmit_interval_us ||
                      settings->receive_interval_us != machine->settings.receive_interval_us;
    if (memcmp(&settings->auth, &machine->settings.auth, sizeof settings->auth) != 0) {
        machine->is_auth_sequence_known = false;
    }
    machine->settings = *settings;
    intervals_update(machine);
    if (is_changed && machine->state == BFD_UP) {
        poll_begin(machine);
        send_soon(machine, now);
    } else {
        schedule(machine, now);
    }
}

void bfd_set_admin_down(struct bfd_machine *machine, bool is_down, struct mono_time now)
{
    if (is_down) {
        set_state(machine, BFD_ADMIN_DOWN, BFD_DIAG_ADMIN_DOWN, now);
        if (machine->verdict == BFD_VERDICT_FAILED) {
            machine->verdict = BFD_VERDICT_ADMIN_DOWN; /* Nobody looks at the path any more. */
        }
    } else if (machine->state == BFD_ADMIN_DOWN) {
        set_state(machine, BFD_DOWN, BFD_DIAG_NONE, now);
    }
}

/* ---- Reception, RFC 5880 6.8.6 ---- */

static void take_state(struct bfd_machine *machine, uint8_t received, struct mono_time now)
{
    if (received == BFD_ADMIN_DOWN) {
        if (machine->state != BFD_DOWN) {
            set_state(machine, BFD_DOWN, BFD_DIAG_NEIGHBOR_DOWN, now);
        }
        if (machine->verdict == BFD_VERDICT_FAILED) {
            machine->verdict = BFD_VERDICT_ADMIN_DOWN; /* It is back, and wants no BFD. */
        }
        return;
    }
    switch (machine->state) {
    case BFD_DOWN:
        if (received == BFD_DOWN) {
            set_state(machine, BFD_INIT, BFD_DIAG_NONE, now);
        } else if (received == BFD_INIT) {
            set_state(machine, BFD_UP, BFD_DIAG_NONE, now);
        }
        return;
    case BFD_INIT:
        if (received == BFD_INIT || received == BFD_UP) {
            set_state(machine, BFD_UP, BFD_DIAG_NONE, now);
        }
        return;
    default:
        if (received == BFD_DOWN) {
            set_state(machine, BFD_DOWN, BFD_DIAG_NEIGHBOR_DOWN, now);
        }
        return;
    }
}

static enum bfd_fault discard(struct bfd_machine *machine, enum bfd_fault fault)
{
    machine->statistics.discarded[fault]++;
    return fault;
}

/* RFC 5880 6.7.2 to 6.7.4. The digest goes first: only who has the key moves the window. */
static enum bfd_fault take_auth(struct bfd_machine *machine, const struct bfd_packet *packet,
                                struct mono_time now)
{
    const struct bfd_auth_key *key = &machine->settings.auth;
    if (packet->has_auth != (key->type != BFD_AUTH_NONE)) {
        return BFD_FAULT_AUTH;
    }
    if (!packet->has_auth) {
        return BFD_FAULT_NONE;
    }
    if (!bfd_auth_verify(key, packet)) {
        return BFD_FAULT_AUTH_KEY;
    }
    if (!bfd_auth_has_sequence(key->type)) {
        return BFD_FAULT_NONE;
    }
    /* RFC 5880 6.8.1: known for twice the detection time. */
    struct mono_span detection = bfd_detection_time(machine);
    if (mono_reached(mono_add(machine->received_at, mono_span_ns(detection.ns * 2)), now)) {
        machine->is_auth_sequence_known = false;
    }
    uint32_t ahead = packet->auth.sequence - machine->auth_received;
    uint32_t least = bfd_auth_is_meticulous(key->type) ? 1 : 0;
    if (machine->is_auth_sequence_known &&
        (ahead < least || ahead > 3u * packet->detect_multiplier)) {
        return BFD_FAULT_AUTH_SEQUENCE;
    }
    machine->is_auth_sequence_known = true;
    machine->auth_received = packet->auth.sequence;
    return BFD_FAULT_NONE;
}

enum bfd_fault bfd_receive(struct bfd_machine *machine, const struct bfd_packet *packet,
                           struct mono_time now)
{
    if (packet->your_discriminator != 0 &&
        packet->your_discriminator != machine->local_discriminator) {
        return discard(machine, BFD_FAULT_NO_SESSION);
    }
    enum bfd_fault fault = take_auth(machine, packet, now);
    if (fault != BFD_FAULT_NONE) {
        return discard(machine, fault);
    }
    machine->received_at = now;
    uint32_t old_interval_us = transmit_interval_us(machine);
    bool could_send = may_send_periodically(machine);
    machine->remote_discriminator = packet->my_discriminator;
    machine->remote_state = packet->state;
    machine->remote_diagnostic = packet->diagnostic;
    machine->remote_demand = packet->demand;
    machine->remote_min_rx_us = packet->required_min_rx_us;
    machine->remote_desired_tx_us = packet->desired_min_tx_us;
    machine->remote_multiplier = packet->detect_multiplier;
    if (packet->final && machine->is_polling) {
        poll_end(machine, now);
    }
    if (machine->state == BFD_ADMIN_DOWN) {
        return discard(machine, BFD_FAULT_ADMIN_DOWN);
    }
    machine->statistics.received++;
    take_state(machine, packet->state, now);
    if (machine->is_unconfirmed) {
        confirm(machine);
    }
    if (old_interval_us != transmit_interval_us(machine) ||
        could_send != may_send_periodically(machine)) {
        struct mono_time soon = machine->send_at;
        schedule(machine, now);
        /* What set_state called for goes out now. */
        machine->send_at = mono_is_never(machine->send_at) ? machine->send_at
                                                           : mono_earlier(soon, machine->send_at);
    }
    machine->is_final_due = machine->is_final_due || packet->poll;
    machine->detect_at = mono_add(now, bfd_detection_time(machine));
    machine->is_detection_held = false;
    return BFD_FAULT_NONE;
}

void bfd_hold_detection(struct bfd_machine *machine, struct mono_time until)
{
    if (!machine->is_detection_held && mono_before(machine->detect_at, until)) {
        machine->detect_at = until;
        machine->is_detection_held = true;
    }
}

void bfd_expire(struct bfd_machine *machine, struct mono_time now)
{
    if (!mono_reached(machine->detect_at, now)) {
        if (mono_reached(machine->works_at, now)) {
            machine->works_at = MONO_NEVER;
            machine->verdict = BFD_VERDICT_WORKS;
        }
        return;
    }
    machine->detect_at = MONO_NEVER;
    /* RFC 5880 6.8.1: who has been silent for a detection time starts anew. */
    machine->remote_discriminator = 0;
    machine->remote_min_rx_us = 1;
    machine->remote_demand = false;
    if (machine->state == BFD_INIT || machine->state == BFD_UP) {
        machine->remote_state = BFD_DOWN;
        set_state(machine, BFD_DOWN, BFD_DIAG_TIME_EXPIRED, now);
    } else {
        machine->remote_state = BFD_DOWN;
        schedule(machine, now);
    }
}

/* ---- Sending, RFC 5880 6.8.7 ---- */

static void fill(struct bfd_machine *machine, struct bfd_packet *packet_out)
{
    *packet_out = (struct bfd_packet){
        .diagnostic = machine->diagnostic,
        .state = machine->state,
        .detect_multiplier = machine->settings.detect_multiplier,
        .my_discriminator = machine->local_discriminator,
        .your_discriminator = machine->remote_discriminator,
        .desired_min_tx_us = machine->desired_tx_us,
        .required_min_rx_us = machine->settings.receive_interval_us,
    };
    const struct bfd_auth_key *key = &machine->settings.auth;
    if (key->type != BFD_AUTH_NONE) {
        machine->auth_sent += bfd_auth_is_meticulous(key->type) ? 1 : 0;
        packet_out->has_auth = true;
        bfd_auth_fill(key, machine->auth_sent, &packet_out->auth);
    }
}

bool bfd_take_packet(struct bfd_machine *machine, struct mono_time now,
                     struct bfd_packet *packet_out)
{
    if (machine->is_final_due) {
        machine->is_final_due = false; /* Beside the timer, and without regard to it. */
        fill(machine, packet_out);
        packet_out->final = true;
        machine->statistics.sent++;
        return true;
    }
    if (!mono_reached(machine->send_at, now)) {
        return false;
    }
    fill(machine, packet_out);
    packet_out->poll = machine->is_polling;
    machine->has_sent = true;
    machine->sent_at = now;
    machine->statistics.sent++;
    schedule(machine, now);
    return true;
}

struct mono_time bfd_deadline(const struct bfd_machine *machine)
{
    if (machine->is_final_due) {
        return (struct mono_time){0};
    }
    return mono_earlier(machine->works_at, mono_earlier(machine->send_at, machine->detect_at));
}
