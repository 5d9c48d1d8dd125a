/* The BFD session: the state table cell by cell, intervals, Poll Sequences, detection, jitter, and
 * two of them against each other over a line that loses packets. */
#include <string.h>

#include "bgpd/core/bfd.h"
#include "tests/unit/unit.h"

#define MY_DISCRIMINATOR  0x1001u
#define FAR_DISCRIMINATOR 0x2002u

static const struct bfd_settings fast = {
    .transmit_interval_us = 50000, .receive_interval_us = 50000, .detect_multiplier = 3};

static struct mono_time at_ms(int64_t ms)
{
    return mono_add((struct mono_time){1000000000}, mono_span_ms(ms));
}

static struct bfd_machine machine_new(void)
{
    struct bfd_machine machine;
    bfd_init(&machine, &fast, MY_DISCRIMINATOR, 7, at_ms(0));
    return machine;
}

static struct bfd_packet far_packet(uint8_t state)
{
    return (struct bfd_packet){
        .state = state,
        .detect_multiplier = 3,
        .my_discriminator = FAR_DISCRIMINATOR,
        .your_discriminator = MY_DISCRIMINATOR,
        .desired_min_tx_us = 50000,
        .required_min_rx_us = 50000,
    };
}

static void far_says(struct bfd_machine *machine, uint8_t state, struct mono_time now)
{
    struct bfd_packet packet = far_packet(state);
    ck_assert_int_eq(bfd_receive(machine, &packet, now), BFD_FAULT_NONE);
}

/* Takes all packets that are due; returns how many, the last one in packet_out. */
static int drain(struct bfd_machine *machine, struct mono_time now, struct bfd_packet *packet_out)
{
    int count = 0;
    while (bfd_take_packet(machine, now, packet_out)) {
        ck_assert_int_lt(++count, 10);
    }
    return count;
}

/* In the wanted state, with everything due at that time sent. */
static struct bfd_machine machine_in(uint8_t state, struct mono_time now)
{
    struct bfd_machine machine = machine_new();
    struct bfd_packet packet;
    if (state == BFD_ADMIN_DOWN) {
        bfd_set_admin_down(&machine, true, now);
    } else if (state == BFD_INIT) {
        far_says(&machine, BFD_DOWN, now);
    } else if (state == BFD_UP) {
        far_says(&machine, BFD_INIT, now);
    }
    ck_assert_uint_eq(machine.state, state);
    drain(&machine, now, &packet);
    return machine;
}

/* Up, with its first Poll Sequence done. */
static struct bfd_machine machine_settled(struct mono_time now)
{
    struct bfd_machine machine = machine_in(BFD_UP, now);
    struct bfd_packet packet = far_packet(BFD_UP);
    packet.final = true;
    ck_assert(machine.is_polling);
    ck_assert_int_eq(bfd_receive(&machine, &packet, now), BFD_FAULT_NONE);
    ck_assert(!machine.is_polling);
    drain(&machine, now, &packet);
    return machine;
}

/* ---- States ---- */

START_TEST(every_state_follows_every_received_state_as_the_table_says)
{
    /* [ours][received], RFC 5880 6.8.6 */
    static const uint8_t next[4][4] = {
        [BFD_ADMIN_DOWN] = {BFD_ADMIN_DOWN, BFD_ADMIN_DOWN, BFD_ADMIN_DOWN, BFD_ADMIN_DOWN},
        [BFD_DOWN] = {BFD_DOWN, BFD_INIT, BFD_UP, BFD_DOWN},
        [BFD_INIT] = {BFD_DOWN, BFD_INIT, BFD_UP, BFD_UP},
        [BFD_UP] = {BFD_DOWN, BFD_DOWN, BFD_UP, BFD_UP},
    };
    for (uint8_t ours = 0; ours < 4; ours++) {
        for (uint8_t received = 0; received < 4; received++) {
            struct bfd_machine machine = machine_in(ours, at_ms(0));
            struct bfd_packet packet = far_packet(received);
            enum bfd_fault fault = bfd_receive(&machine, &packet, at_ms(1));
            ck_assert_int_eq(fault, ours == BFD_ADMIN_DOWN ? BFD_FAULT_ADMIN_DOWN : BFD_FAULT_NONE);
            ck_assert_uint_eq(machine.state, next[ours][received]);
            bool is_signaled = machine.state == BFD_DOWN && (ours == BFD_INIT || ours == BFD_UP);
            ck_assert_uint_eq(machine.diagnostic, is_signaled              ? BFD_DIAG_NEIGHBOR_DOWN
                                                  : ours == BFD_ADMIN_DOWN ? BFD_DIAG_ADMIN_DOWN
                                                                           : BFD_DIAG_NONE);
            enum bfd_verdict verdict = machine.state == BFD_UP      ? BFD_VERDICT_WORKS
                                       : ours != BFD_UP             ? BFD_VERDICT_UNKNOWN
                                       : received == BFD_ADMIN_DOWN ? BFD_VERDICT_ADMIN_DOWN
                                                                    : BFD_VERDICT_FAILED;
            ck_assert_int_eq(machine.verdict, verdict);
        }
    }
}
END_TEST

START_TEST(a_changed_state_is_told_at_once)
{
    struct bfd_machine machine = machine_in(BFD_DOWN, at_ms(0));
    struct bfd_packet packet;
    far_says(&machine, BFD_DOWN, at_ms(5));
    ck_assert_int_eq(drain(&machine, at_ms(5), &packet), 1);
    ck_assert_uint_eq(packet.state, BFD_INIT);
    ck_assert_uint_eq(packet.your_discriminator, FAR_DISCRIMINATOR);
    ck_assert_uint_eq(packet.my_discriminator, MY_DISCRIMINATOR);
}
END_TEST

START_TEST(silence_in_init_and_up_ends_in_down_with_diagnostic_1)
{
    for (uint8_t state = BFD_INIT; state <= BFD_UP; state++) {
        struct bfd_machine machine = machine_in(state, at_ms(0));
        struct bfd_packet packet;
        struct mono_time end = mono_add(at_ms(0), bfd_detection_time(&machine));
        bfd_expire(&machine, (struct mono_time){end.ns - 1});
        ck_assert_uint_eq(machine.state, state);
        bfd_expire(&machine, end);
        ck_assert_uint_eq(machine.state, BFD_DOWN);
        ck_assert_uint_eq(machine.diagnostic, BFD_DIAG_TIME_EXPIRED);
        ck_assert_int_eq(machine.verdict,
                         state == BFD_UP ? BFD_VERDICT_FAILED : BFD_VERDICT_UNKNOWN);
        ck_assert_int_eq(drain(&machine, end, &packet), 1);
        ck_assert_uint_eq(packet.your_discriminator, 0);
        ck_assert_uint_eq(packet.diagnostic, BFD_DIAG_TIME_EXPIRED);
    }
}
END_TEST

START_TEST(our_own_lateness_puts_detection_off_once)
{
    struct bfd_machine machine = machine_settled(at_ms(0));
    bfd_hold_detection(&machine, at_ms(140)); /* no later than it is anyway */
    ck_assert_int_eq(machine.detect_at.ns, at_ms(150).ns);
    bfd_hold_detection(&machine, at_ms(240));
    bfd_expire(&machine, at_ms(200));
    ck_assert_uint_eq(machine.state, BFD_UP);
    bfd_hold_detection(&machine, at_ms(400));
    bfd_expire(&machine, at_ms(240));
    ck_assert_int_eq(machine.verdict, BFD_VERDICT_FAILED);
}
END_TEST

START_TEST(who_never_spoke_has_not_failed)
{
    struct bfd_machine machine = machine_new();
    struct bfd_packet packet;
    for (int64_t ms = 0; ms < 60000; ms += 10) {
        bfd_expire(&machine, at_ms(ms));
        drain(&machine, at_ms(ms), &packet);
    }
    ck_assert_int_eq(machine.verdict, BFD_VERDICT_UNKNOWN);
    ck_assert_uint_eq(machine.state, BFD_DOWN);
}
END_TEST

START_TEST(a_far_end_that_wants_no_bfd_takes_a_failure_back)
{
    struct bfd_machine machine = machine_settled(at_ms(0));
    bfd_expire(&machine, at_ms(1000));
    ck_assert_int_eq(machine.verdict, BFD_VERDICT_FAILED);
    far_says(&machine, BFD_ADMIN_DOWN, at_ms(2000));
    ck_assert_int_eq(machine.verdict, BFD_VERDICT_ADMIN_DOWN);
    ck_assert_uint_eq(machine.state, BFD_DOWN);
}
END_TEST

START_TEST(admin_down_is_told_and_left_through_down)
{
    struct bfd_machine machine = machine_settled(at_ms(0));
    struct bfd_packet packet;
    bfd_set_admin_down(&machine, true, at_ms(10));
    ck_assert_int_eq(machine.verdict, BFD_VERDICT_ADMIN_DOWN);
    ck_assert_int_eq(drain(&machine, at_ms(10), &packet), 1);
    ck_assert_uint_eq(packet.state, BFD_ADMIN_DOWN);
    ck_assert_uint_eq(packet.diagnostic, BFD_DIAG_ADMIN_DOWN);
    ck_assert_uint_eq(packet.desired_min_tx_us, BFD_SLOW_INTERVAL_US);
    bfd_set_admin_down(&machine, false, at_ms(20));
    ck_assert_uint_eq(machine.state, BFD_DOWN);
}
END_TEST

/* ---- Reception ---- */

START_TEST(each_discard_has_its_counter_and_changes_nothing)
{
    struct bfd_machine machine = machine_settled(at_ms(0));
    struct bfd_machine before = machine;
    struct bfd_packet packet = far_packet(BFD_DOWN);
    packet.has_auth = true;
    ck_assert_int_eq(bfd_receive(&machine, &packet, at_ms(1)), BFD_FAULT_AUTH);
    packet = far_packet(BFD_DOWN);
    packet.your_discriminator++;
    ck_assert_int_eq(bfd_receive(&machine, &packet, at_ms(1)), BFD_FAULT_NO_SESSION);
    ck_assert_uint_eq(machine.statistics.discarded[BFD_FAULT_AUTH], 1);
    ck_assert_uint_eq(machine.statistics.discarded[BFD_FAULT_NO_SESSION], 1);
    machine.statistics = before.statistics;
    ck_assert_mem_eq(&machine, &before, sizeof machine);
}
END_TEST

START_TEST(a_poll_is_answered_at_once_and_beside_the_timer)
{
    struct bfd_machine machine = machine_settled(at_ms(0));
    struct bfd_packet packet = far_packet(BFD_UP);
    struct mono_time next = machine.send_at;
    packet.poll = true;
    ck_assert_int_eq(bfd_receive(&machine, &packet, at_ms(3)), BFD_FAULT_NONE);
    ck_assert(mono_reached(bfd_deadline(&machine), at_ms(3)));
    ck_assert_int_eq(drain(&machine, at_ms(3), &packet), 1);
    ck_assert(packet.final && !packet.poll);
    ck_assert_int_eq(machine.send_at.ns, next.ns);
}
END_TEST

START_TEST(required_min_rx_0_stops_periodic_packets_but_not_answers)
{
    struct bfd_machine machine = machine_settled(at_ms(0));
    struct bfd_packet packet = far_packet(BFD_UP);
    packet.required_min_rx_us = 0;
    packet.poll = true;
    ck_assert_int_eq(bfd_receive(&machine, &packet, at_ms(1)), BFD_FAULT_NONE);
    ck_assert(mono_is_never(machine.send_at));
    ck_assert_int_eq(bfd_transmit_interval(&machine).ns, 0);
    ck_assert_int_eq(drain(&machine, at_ms(100), &packet), 1);
    ck_assert(packet.final);
    far_says(&machine, BFD_UP, at_ms(120));
    ck_assert(!mono_is_never(machine.send_at));
}
END_TEST

START_TEST(a_far_end_in_demand_mode_hears_nothing_but_polls)
{
    struct bfd_machine machine = machine_settled(at_ms(0));
    struct bfd_packet packet = far_packet(BFD_UP);
    packet.demand = true;
    ck_assert_int_eq(bfd_receive(&machine, &packet, at_ms(1)), BFD_FAULT_NONE);
    ck_assert(mono_is_never(machine.send_at));
    struct bfd_settings slower = {
        .transmit_interval_us = 80000, .receive_interval_us = 80000, .detect_multiplier = 3};
    bfd_configure(&machine, &slower, at_ms(2));
    ck_assert_int_eq(drain(&machine, at_ms(2), &packet), 1);
    ck_assert(packet.poll && !packet.demand);
}
END_TEST

START_TEST(a_passive_session_waits_to_be_spoken_to)
{
    struct bfd_settings passive = fast;
    struct bfd_machine machine;
    struct bfd_packet packet;
    passive.passive = true;
    bfd_init(&machine, &passive, MY_DISCRIMINATOR, 7, at_ms(0));
    ck_assert_int_eq(drain(&machine, at_ms(5000), &packet), 0);
    far_says(&machine, BFD_DOWN, at_ms(5000));
    ck_assert_int_eq(drain(&machine, at_ms(5000), &packet), 1);
}
END_TEST

/* ---- Intervals ---- */

START_TEST(detection_time_is_their_multiplier_times_the_slower_interval)
{
    static const uint32_t intervals_us[] = {10000, 50000, 300000, 1000000, UINT32_MAX};
    static const uint8_t multipliers[] = {1, 3, 255};
    for (size_t ours = 0; ours < 5; ours++) {
        for (size_t theirs = 0; theirs < 5; theirs++) {
            for (size_t i = 0; i < 3; i++) {
                struct bfd_settings settings = {.transmit_interval_us = 50000,
                                                .receive_interval_us = intervals_us[ours],
                                                .detect_multiplier = 5};
                struct bfd_machine machine;
                struct bfd_packet packet = far_packet(BFD_DOWN);
                packet.desired_min_tx_us = intervals_us[theirs];
                packet.detect_multiplier = multipliers[i];
                bfd_init(&machine, &settings, MY_DISCRIMINATOR, 7, at_ms(0));
                ck_assert_int_eq(bfd_receive(&machine, &packet, at_ms(0)), BFD_FAULT_NONE);
                uint32_t slower = intervals_us[ours > theirs ? ours : theirs];
                ck_assert_int_eq(bfd_detection_time(&machine).ns,
                                 (int64_t)slower * multipliers[i] * 1000);
                ck_assert_int_eq(machine.detect_at.ns,
                                 at_ms(0).ns + (int64_t)slower * multipliers[i] * 1000);
            }
        }
    }
}
END_TEST

START_TEST(nobody_sends_faster_than_a_second_while_not_up)
{
    for (uint8_t state = BFD_ADMIN_DOWN; state <= BFD_INIT; state++) {
        struct bfd_machine machine = machine_in(state, at_ms(0));
        ck_assert_int_eq(bfd_transmit_interval(&machine).ns, 1000000000);
        ck_assert_int_ge(mono_between(at_ms(0), machine.send_at).ns, 750000000);
    }
}
END_TEST

START_TEST(jitter_stays_in_its_bounds_and_uses_them)
{
    for (uint8_t multiplier = 1; multiplier <= 3; multiplier += 2) {
        struct bfd_machine machine = machine_settled(at_ms(0));
        struct bfd_packet packet;
        struct mono_time now = machine.send_at;
        int64_t least_ns = INT64_MAX;
        int64_t most_ns = 0;
        machine.settings.detect_multiplier = multiplier;
        drain(&machine, now, &packet);
        for (int i = 0; i < 2000; i++) {
            int64_t wait_ns = mono_between(now, machine.send_at).ns;
            least_ns = wait_ns < least_ns ? wait_ns : least_ns;
            most_ns = wait_ns > most_ns ? wait_ns : most_ns;
            now = machine.send_at;
            ck_assert_int_eq(drain(&machine, now, &packet), 1);
        }
        int64_t ceiling_ns = multiplier == 1 ? 45000000 : 50000000;
        ck_assert_int_ge(least_ns, 37500000);
        ck_assert_int_le(least_ns, 37600000);
        ck_assert_int_le(most_ns, ceiling_ns);
        ck_assert_int_ge(most_ns, ceiling_ns - 100000);
    }
}
END_TEST

START_TEST(the_slower_of_our_wish_and_their_limit_is_sent)
{
    struct bfd_machine machine = machine_settled(at_ms(0));
    struct bfd_packet packet = far_packet(BFD_UP);
    packet.required_min_rx_us = 400000;
    ck_assert_int_eq(bfd_receive(&machine, &packet, at_ms(1)), BFD_FAULT_NONE);
    ck_assert_int_eq(bfd_transmit_interval(&machine).ns, 400000000);
    packet.required_min_rx_us = 10000;
    ck_assert_int_eq(bfd_receive(&machine, &packet, at_ms(2)), BFD_FAULT_NONE);
    ck_assert_int_eq(bfd_transmit_interval(&machine).ns, 50000000);
    ck_assert_int_le(mono_between(at_ms(2), machine.send_at).ns, 50000000);
}
END_TEST

START_TEST(up_polls_from_the_slow_interval_to_the_wanted_one)
{
    struct bfd_machine machine = machine_in(BFD_INIT, at_ms(0));
    struct bfd_packet packet;
    far_says(&machine, BFD_UP, at_ms(1));
    ck_assert_int_eq(drain(&machine, at_ms(1), &packet), 1);
    ck_assert(packet.poll);
    ck_assert_uint_eq(packet.desired_min_tx_us, 50000);
    ck_assert_int_eq(bfd_transmit_interval(&machine).ns, 50000000);
    ck_assert_int_eq(drain(&machine, at_ms(60), &packet), 1);
    ck_assert(packet.poll); /* until it is answered */
    packet = far_packet(BFD_UP);
    packet.final = true;
    ck_assert_int_eq(bfd_receive(&machine, &packet, at_ms(61)), BFD_FAULT_NONE);
    ck_assert_int_eq(drain(&machine, at_ms(120), &packet), 1);
    ck_assert(!packet.poll);
}
END_TEST

START_TEST(slower_sending_and_faster_hearing_wait_for_the_final)
{
    struct bfd_machine machine = machine_settled(at_ms(0));
    struct bfd_settings changed = {
        .transmit_interval_us = 200000, .receive_interval_us = 20000, .detect_multiplier = 3};
    struct bfd_packet packet;
    struct bfd_packet final = far_packet(BFD_UP);
    final.final = true;
    final.desired_min_tx_us = 20000;
    bfd_configure(&machine, &changed, at_ms(1));
    ck_assert_uint_eq(machine.state, BFD_UP);
    ck_assert_int_eq(drain(&machine, at_ms(1), &packet), 1);
    ck_assert(packet.poll);
    ck_assert_uint_eq(packet.desired_min_tx_us, 200000);
    ck_assert_uint_eq(packet.required_min_rx_us, 20000);
    ck_assert_int_eq(bfd_transmit_interval(&machine).ns, 50000000);
    ck_assert_int_eq(bfd_detection_time(&machine).ns, 150000000);
    ck_assert_int_eq(bfd_receive(&machine, &final, at_ms(2)), BFD_FAULT_NONE);
    ck_assert_int_eq(bfd_transmit_interval(&machine).ns, 200000000);
    ck_assert_int_eq(bfd_detection_time(&machine).ns, 60000000);
}
END_TEST

START_TEST(faster_sending_and_slower_hearing_need_no_final)
{
    struct bfd_machine machine = machine_settled(at_ms(0));
    struct bfd_settings changed = {
        .transmit_interval_us = 20000, .receive_interval_us = 200000, .detect_multiplier = 3};
    struct bfd_packet packet = far_packet(BFD_UP);
    packet.required_min_rx_us = 10000;
    ck_assert_int_eq(bfd_receive(&machine, &packet, at_ms(1)), BFD_FAULT_NONE);
    bfd_configure(&machine, &changed, at_ms(1));
    ck_assert(machine.is_polling);
    ck_assert_int_eq(bfd_transmit_interval(&machine).ns, 20000000);
    ck_assert_int_eq(bfd_detection_time(&machine).ns, 600000000);
}
END_TEST

START_TEST(a_change_during_a_poll_is_polled_for_again)
{
    struct bfd_machine machine = machine_settled(at_ms(0));
    struct bfd_settings first = {
        .transmit_interval_us = 200000, .receive_interval_us = 50000, .detect_multiplier = 3};
    struct bfd_settings second = {
        .transmit_interval_us = 400000, .receive_interval_us = 50000, .detect_multiplier = 3};
    struct bfd_packet final = far_packet(BFD_UP);
    struct bfd_packet packet;
    final.final = true;
    bfd_configure(&machine, &first, at_ms(1));
    drain(&machine, at_ms(1), &packet);
    bfd_configure(&machine, &second, at_ms(2));
    drain(&machine, at_ms(2), &packet);
    ck_assert_int_eq(bfd_receive(&machine, &final, at_ms(3)), BFD_FAULT_NONE);
    ck_assert_int_eq(bfd_transmit_interval(&machine).ns, 50000000);
    ck_assert_int_eq(drain(&machine, at_ms(3), &packet), 1);
    ck_assert(packet.poll);
    ck_assert_int_eq(bfd_receive(&machine, &final, at_ms(4)), BFD_FAULT_NONE);
    ck_assert_int_eq(bfd_transmit_interval(&machine).ns, 400000000);
}
END_TEST

/* ---- Two of them ---- */

struct line {
    struct bfd_machine ends[2];
    struct random_source random;
    uint32_t loss_percent[2]; /* of what end i sends */
    int64_t now_ms;
};

static void line_init(struct line *line, uint64_t seed)
{
    memset(line, 0, sizeof *line);
    random_init(&line->random, seed);
    bfd_init(&line->ends[0], &fast, 0x1001, seed + 1, at_ms(0));
    bfd_init(&line->ends[1], &fast, 0x2002, seed + 2, at_ms(0));
}

static void line_run(struct line *line, int64_t until_ms)
{
    for (; line->now_ms < until_ms; line->now_ms++) {
        struct mono_time now = at_ms(line->now_ms);
        for (int i = 0; i < 2; i++) {
            struct bfd_packet packet;
            bfd_expire(&line->ends[i], now);
            for (int count = 0; bfd_take_packet(&line->ends[i], now, &packet); count++) {
                ck_assert_int_lt(count, 4);
                if (random_below(&line->random, 100) >= line->loss_percent[i]) {
                    ck_assert_int_eq(bfd_receive(&line->ends[1 - i], &packet, now), BFD_FAULT_NONE);
                }
            }
        }
    }
}

START_TEST(two_ends_meet_at_once_and_settle_on_the_fast_interval)
{
    struct line line;
    line_init(&line, 1);
    line_run(&line, 20);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(line.ends[i].state, BFD_UP);
        ck_assert(!line.ends[i].is_polling);
        ck_assert_int_eq(bfd_detection_time(&line.ends[i]).ns, 150000000);
    }
    line_run(&line, 60000);
    ck_assert_uint_eq(line.ends[0].statistics.downs + line.ends[1].statistics.downs, 0);
    ck_assert_uint_ge(line.ends[0].statistics.sent, 1100);
    ck_assert_uint_le(line.ends[0].statistics.sent, 1600);
}
END_TEST

START_TEST(silence_is_detected_between_two_and_three_intervals)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct line line;
        line_init(&line, seed);
        line_run(&line, 1000 + (int64_t)seed);
        line.loss_percent[0] = 100;
        line.loss_percent[1] = 100;
        line_run(&line, line.now_ms + 98);
        ck_assert_uint_eq(line.ends[0].state, BFD_UP);
        ck_assert_uint_eq(line.ends[1].state, BFD_UP);
        line_run(&line, line.now_ms + 54);
        ck_assert_int_eq(line.ends[0].verdict, BFD_VERDICT_FAILED);
        ck_assert_int_eq(line.ends[1].verdict, BFD_VERDICT_FAILED);
        line.loss_percent[0] = 0;
        line.loss_percent[1] = 0;
        line_run(&line, line.now_ms + 1100);
        ck_assert_int_eq(line.ends[0].verdict, BFD_VERDICT_WORKS);
        ck_assert_int_eq(line.ends[1].verdict, BFD_VERDICT_WORKS);
    }
}
END_TEST

START_TEST(a_line_dead_one_way_is_down_both_ways)
{
    struct line line;
    line_init(&line, 3);
    line_run(&line, 500);
    line.loss_percent[0] = 100;
    line_run(&line, 660);
    ck_assert_int_eq(line.ends[1].verdict, BFD_VERDICT_FAILED);
    ck_assert_uint_eq(line.ends[1].diagnostic, BFD_DIAG_TIME_EXPIRED);
    ck_assert_int_eq(line.ends[0].verdict, BFD_VERDICT_FAILED);
    ck_assert_uint_eq(line.ends[0].diagnostic, BFD_DIAG_NEIGHBOR_DOWN);
    line_run(&line, 10000);
    ck_assert_uint_ne(line.ends[0].state, BFD_UP);
    ck_assert_uint_ne(line.ends[1].state, BFD_UP);
}
END_TEST

START_TEST(ends_come_up_again_over_a_line_that_loses_a_fifth)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct line line;
        line_init(&line, seed);
        line.loss_percent[0] = 20;
        line.loss_percent[1] = 20;
        line_run(&line, 60000);
        ck_assert_uint_ge(line.ends[0].statistics.ups, 1);
        line.loss_percent[0] = 0;
        line.loss_percent[1] = 0;
        line_run(&line, 65000);
        for (int i = 0; i < 2; i++) {
            ck_assert_uint_eq(line.ends[i].state, BFD_UP);
            ck_assert(!line.ends[i].is_polling);
        }
    }
}
END_TEST

/* ---- Across a restart ---- */

static struct bfd_machine machine_resumed(struct mono_time now)
{
    struct bfd_machine before = machine_settled(at_ms(0));
    struct bfd_memory memory;
    ck_assert(bfd_remember(&before, &memory));
    struct bfd_machine machine = machine_new();
    bfd_resume(&machine, &memory, now);
    return machine;
}

START_TEST(the_next_process_goes_on_with_a_session_that_is_up)
{
    struct bfd_machine machine = machine_resumed(at_ms(100));
    struct bfd_packet packet;
    ck_assert_int_eq(machine.verdict, BFD_VERDICT_UNKNOWN); /* nothing was heard yet */
    ck_assert_int_eq(drain(&machine, at_ms(100), &packet), 1);
    ck_assert_uint_eq(packet.state, BFD_UP);
    ck_assert_uint_eq(packet.my_discriminator, MY_DISCRIMINATOR);
    ck_assert_uint_eq(packet.your_discriminator, FAR_DISCRIMINATOR);
    ck_assert_uint_eq(packet.desired_min_tx_us, 50000);
    far_says(&machine, BFD_UP, at_ms(120));
    ck_assert_int_eq(machine.verdict, BFD_VERDICT_WORKS);
    ck_assert_uint_eq(machine.statistics.ups, 1);
}
END_TEST

START_TEST(what_was_remembered_in_vain_is_no_failure)
{
    struct bfd_machine silent = machine_resumed(at_ms(100));
    bfd_expire(&silent, at_ms(251));
    ck_assert_uint_eq(silent.state, BFD_DOWN);
    ck_assert_int_eq(silent.verdict, BFD_VERDICT_UNKNOWN);
    far_says(&silent, BFD_INIT, at_ms(300));
    ck_assert_int_eq(silent.verdict, BFD_VERDICT_WORKS);

    struct bfd_machine forgotten = machine_resumed(at_ms(100));
    far_says(&forgotten, BFD_DOWN, at_ms(120));
    ck_assert_uint_eq(forgotten.state, BFD_DOWN);
    ck_assert_int_eq(forgotten.verdict, BFD_VERDICT_UNKNOWN);
    far_says(&forgotten, BFD_DOWN, at_ms(140));
    ck_assert_uint_eq(forgotten.state, BFD_INIT);
    ck_assert_uint_eq(forgotten.statistics.downs, 0);
}
END_TEST

START_TEST(only_a_session_that_works_is_remembered)
{
    static const uint8_t states[] = {BFD_ADMIN_DOWN, BFD_DOWN, BFD_INIT};
    struct bfd_memory memory;
    for (size_t i = 0; i < sizeof states; i++) {
        struct bfd_machine machine = machine_in(states[i], at_ms(0));
        ck_assert(!bfd_remember(&machine, &memory));
    }
    /* What was gone on with is remembered until it is disproved: the next end may come sooner. */
    struct bfd_machine resumed = machine_resumed(at_ms(0));
    ck_assert(bfd_remember(&resumed, &memory));
    ck_assert_uint_eq(memory.remote_discriminator, FAR_DISCRIMINATOR);
    bfd_expire(&resumed, at_ms(151));
    ck_assert(!bfd_remember(&resumed, &memory));
    struct bfd_machine meticulous = machine_settled(at_ms(0));
    meticulous.settings.auth.type = BFD_AUTH_METICULOUS_SHA1;
    ck_assert(!bfd_remember(&meticulous, &memory));
}
END_TEST

START_TEST(changed_intervals_never_bring_a_session_down)
{
    static const uint32_t intervals_us[] = {10000, 50000, 300000, 2000000};
    struct line line;
    line_init(&line, 9);
    line_run(&line, 500);
    for (int i = 0; i < 200; i++) {
        struct bfd_settings settings = {
            .transmit_interval_us = intervals_us[random_below(&line.random, 4)],
            .receive_interval_us = intervals_us[random_below(&line.random, 4)],
            .detect_multiplier = (uint8_t)(2 + random_below(&line.random, 4)),
        };
        bfd_configure(&line.ends[i % 2], &settings, at_ms(line.now_ms));
        line_run(&line, line.now_ms + random_below(&line.random, 3000));
    }
    ck_assert_uint_eq(line.ends[0].statistics.downs + line.ends[1].statistics.downs, 0);
    ck_assert_uint_eq(line.ends[0].state, BFD_UP);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("core: bfd");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, every_state_follows_every_received_state_as_the_table_says);
    tcase_add_test(cases, a_changed_state_is_told_at_once);
    tcase_add_test(cases, silence_in_init_and_up_ends_in_down_with_diagnostic_1);
    tcase_add_test(cases, our_own_lateness_puts_detection_off_once);
    tcase_add_test(cases, who_never_spoke_has_not_failed);
    tcase_add_test(cases, a_far_end_that_wants_no_bfd_takes_a_failure_back);
    tcase_add_test(cases, admin_down_is_told_and_left_through_down);
    tcase_add_test(cases, each_discard_has_its_counter_and_changes_nothing);
    tcase_add_test(cases, a_poll_is_answered_at_once_and_beside_the_timer);
    tcase_add_test(cases, required_min_rx_0_stops_periodic_packets_but_not_answers);
    tcase_add_test(cases, a_far_end_in_demand_mode_hears_nothing_but_polls);
    tcase_add_test(cases, a_passive_session_waits_to_be_spoken_to);
    tcase_add_test(cases, detection_time_is_their_multiplier_times_the_slower_interval);
    tcase_add_test(cases, nobody_sends_faster_than_a_second_while_not_up);
    tcase_add_test(cases, jitter_stays_in_its_bounds_and_uses_them);
    tcase_add_test(cases, the_slower_of_our_wish_and_their_limit_is_sent);
    tcase_add_test(cases, up_polls_from_the_slow_interval_to_the_wanted_one);
    tcase_add_test(cases, slower_sending_and_faster_hearing_wait_for_the_final);
    tcase_add_test(cases, faster_sending_and_slower_hearing_need_no_final);
    tcase_add_test(cases, a_change_during_a_poll_is_polled_for_again);
    tcase_add_test(cases, two_ends_meet_at_once_and_settle_on_the_fast_interval);
    tcase_add_test(cases, silence_is_detected_between_two_and_three_intervals);
    tcase_add_test(cases, a_line_dead_one_way_is_down_both_ways);
    tcase_add_test(cases, ends_come_up_again_over_a_line_that_loses_a_fifth);
    tcase_add_test(cases, the_next_process_goes_on_with_a_session_that_is_up);
    tcase_add_test(cases, what_was_remembered_in_vain_is_no_failure);
    tcase_add_test(cases, only_a_session_that_works_is_remembered);
    tcase_add_test(cases, changed_intervals_never_bring_a_session_down);
    suite_add_tcase(suite, cases);
    return suite;
}
