/* The table of the session machine, cell by cell against RFC 4271 section 8 as written down in the
 * project's notes on robustness (section 3 there). */
#include "bgpd/core/collision.h"
#include "bgpd/core/fsm.h"
#include "proto/wire_error.h"
#include "tests/unit/unit.h"

/* What a cell must say, in one line: act, next state, NOTIFICATION. */
struct wanted {
    enum fsm_act act;
    enum peer_state next;
    int code; /* 0 none, 255 what came with the event */
    int subcode;
};

#define I PEER_IDLE
#define C PEER_CONNECT
#define A PEER_ACTIVE
#define S PEER_OPEN_SENT
#define O PEER_OPEN_CONFIRM
#define E PEER_ESTABLISHED
#define STAY(state)                                                                                \
    {                                                                                              \
        FSM_IGNORE, state, 0, 0                                                                    \
    }
#define ERR(subcode)                                                                               \
    {                                                                                              \
        FSM_DROP, I, 5, subcode                                                                    \
    }

static const struct wanted wanted[FSM_EVENT_COUNT][FSM_STATE_COUNT] = {
    /* clang-format off */
    [FSM_START] = {{FSM_CONNECT, C, 0, 0}, STAY(C), STAY(A), STAY(S), STAY(O), STAY(E)},
    [FSM_START_PASSIVE] = {{FSM_LISTEN, A, 0, 0}, STAY(C), STAY(A), STAY(S), STAY(O), STAY(E)},
    [FSM_STOP] = {STAY(I), {FSM_CLOSE, I, 0, 0}, {FSM_CLOSE, I, 255, 0}, {FSM_CLOSE, I, 255, 0},
                  {FSM_CLOSE, I, 255, 0}, {FSM_CLOSE, I, 255, 0}},
    [FSM_CONNECT_RETRY_EXPIRED] = {STAY(I), {FSM_RECONNECT, C, 0, 0}, {FSM_CONNECT, C, 0, 0},
                                   ERR(1), ERR(2), ERR(3)},
    [FSM_HOLD_EXPIRED] = {STAY(I), {FSM_DROP, I, 0, 0}, {FSM_DROP, I, 0, 0}, {FSM_DROP, I, 4, 0},
                          {FSM_DROP, I, 4, 0}, {FSM_DROP, I, 4, 0}},
    [FSM_KEEPALIVE_EXPIRED] = {STAY(I), {FSM_DROP, I, 0, 0}, {FSM_DROP, I, 0, 0}, ERR(1),
                               {FSM_SEND_KEEPALIVE, O, 0, 0}, {FSM_SEND_KEEPALIVE, E, 0, 0}},
    [FSM_DELAY_OPEN_EXPIRED] = {STAY(I), {FSM_SEND_OPEN, S, 0, 0}, {FSM_SEND_OPEN, S, 0, 0},
                                ERR(1), ERR(2), ERR(3)},
    [FSM_TCP_UP] = {{FSM_CLOSE, I, 0, 0}, {FSM_BEGIN, S, 0, 0}, {FSM_BEGIN, S, 0, 0}, STAY(S),
                    STAY(O), STAY(E)},
    [FSM_TCP_FAILED] = {STAY(I), {FSM_WAIT, A, 0, 0}, {FSM_WAIT, A, 0, 0}, {FSM_WAIT, A, 0, 0},
                        {FSM_DROP, I, 0, 0}, {FSM_DROP, I, 0, 0}},
    [FSM_OPEN] = {STAY(I), {FSM_TAKE_OPEN, O, 0, 0}, {FSM_TAKE_OPEN, O, 0, 0},
                  {FSM_TAKE_OPEN, O, 0, 0}, ERR(2), ERR(3)},
    [FSM_HEADER_ERROR] = {STAY(I), {FSM_DROP, I, 255, 0}, {FSM_DROP, I, 255, 0},
                          {FSM_DROP, I, 255, 0}, {FSM_DROP, I, 255, 0}, {FSM_DROP, I, 255, 0}},
    [FSM_OPEN_ERROR] = {STAY(I), {FSM_DROP, I, 255, 0}, {FSM_DROP, I, 255, 0},
                        {FSM_DROP, I, 255, 0}, {FSM_DROP, I, 255, 0}, {FSM_DROP, I, 255, 0}},
    [FSM_COLLISION_DUMP] = {STAY(I), {FSM_CLOSE, I, 0, 0}, {FSM_CLOSE, I, 0, 0},
                            {FSM_CLOSE, I, 6, 7}, {FSM_CLOSE, I, 6, 7}, STAY(E)},
    [FSM_NOTIFICATION_VERSION] = {STAY(I), {FSM_DROP_LIGHTLY, I, 0, 0}, {FSM_DROP_LIGHTLY, I, 0, 0},
                                  {FSM_DROP_LIGHTLY, I, 0, 0}, {FSM_DROP_LIGHTLY, I, 0, 0},
                                  {FSM_DROP_LIGHTLY, I, 0, 0}},
    [FSM_NOTIFICATION] = {STAY(I), {FSM_DROP, I, 0, 0}, {FSM_DROP, I, 0, 0}, {FSM_DROP, I, 0, 0},
                          {FSM_DROP, I, 0, 0}, {FSM_DROP, I, 0, 0}},
    [FSM_KEEPALIVE] = {STAY(I), {FSM_DROP, I, 0, 0}, {FSM_DROP, I, 0, 0}, ERR(1),
                       {FSM_ESTABLISH, E, 0, 0}, {FSM_RESTART_HOLD, E, 0, 0}},
    [FSM_UPDATE] = {STAY(I), {FSM_DROP, I, 0, 0}, {FSM_DROP, I, 0, 0}, ERR(1), ERR(2),
                    {FSM_TAKE_UPDATE, E, 0, 0}},
    [FSM_UPDATE_ERROR] = {STAY(I), {FSM_DROP, I, 0, 0}, {FSM_DROP, I, 0, 0}, ERR(1), ERR(2),
                          {FSM_DROP, I, 255, 0}},
    [FSM_ROUTE_REFRESH] = {STAY(I), {FSM_DROP, I, 0, 0}, {FSM_DROP, I, 0, 0}, ERR(1), ERR(2),
                           {FSM_TAKE_REFRESH, E, 0, 0}},
    [FSM_SEND_HOLD_EXPIRED] = {STAY(I), {FSM_DROP, I, 0, 0}, {FSM_DROP, I, 0, 0},
                               {FSM_DROP, I, 8, 0}, {FSM_DROP, I, 8, 0}, {FSM_DROP, I, 8, 0}},
    /* clang-format on */
};

START_TEST(every_cell_is_as_the_rfc_wants_it)
{
    for (int event = 0; event < FSM_EVENT_COUNT; event++) {
        for (unsigned state = 0; state < FSM_STATE_COUNT; state++) {
            const struct fsm_cell *cell = fsm_cell((enum peer_state)state, (enum fsm_event)event);
            const struct wanted *want = &wanted[event][state];
            const char *name = fsm_event_name((enum fsm_event)event);
            ck_assert_msg(cell->act == want->act, "%s in state %u: act %d", name, state, cell->act);
            ck_assert_msg(cell->next == want->next, "%s in state %u: next %d", name, state,
                          cell->next);
            ck_assert_msg(cell->code == want->code, "%s in state %u: code %d", name, state,
                          cell->code);
            ck_assert_msg(cell->subcode == want->subcode, "%s in state %u: subcode %d", name, state,
                          cell->subcode);
        }
    }
}
END_TEST

/* Properties that no typing mistake in both tables would survive. */
START_TEST(the_table_keeps_its_rules)
{
    for (int event = 0; event < FSM_EVENT_COUNT; event++) {
        for (unsigned state = 0; state < FSM_STATE_COUNT; state++) {
            const struct fsm_cell *cell = fsm_cell((enum peer_state)state, (enum fsm_event)event);
            bool ends =
                cell->act == FSM_CLOSE || cell->act == FSM_DROP || cell->act == FSM_DROP_LIGHTLY;
            ck_assert(!ends || cell->next == PEER_IDLE);
            ck_assert(cell->act != FSM_IGNORE || cell->next == state);
            ck_assert(ends || cell->code == FSM_SAY_NOTHING);
            ck_assert(state != PEER_IDLE || cell->code == FSM_SAY_NOTHING);
            ck_assert(cell->next != PEER_ESTABLISHED || state >= PEER_OPEN_CONFIRM);
            bool is_answer_to_notification =
                (event == FSM_NOTIFICATION || event == FSM_NOTIFICATION_VERSION) && cell->code != 0;
            ck_assert(!is_answer_to_notification);
        }
    }
}
END_TEST

START_TEST(collision_is_decided_alike_by_both_sides)
{
    static const uint32_t ids[] = {1, 2, 0x0a000001, UINT32_MAX};
    static const uint32_t asns[] = {1, 65001, UINT32_MAX};
    for (int i = 0; i < 4 * 4 * 3 * 3; i++) {
        struct collision_sides us = {ids[i % 4], ids[i / 4 % 4], asns[i / 16 % 3],
                                     asns[i / 48 % 3]};
        struct collision_sides them = {us.their_router_id, us.our_router_id, us.their_asn,
                                       us.our_asn};
        if (us.our_router_id == us.their_router_id && us.our_asn == us.their_asn) {
            continue; /* such a pair never gets past the OPEN checks */
        }
        ck_assert_int_ne(collision_ours_stays(&us), collision_ours_stays(&them));
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("fsm");
    TCase *tcase = tcase_create("fsm");
    tcase_add_test(tcase, every_cell_is_as_the_rfc_wants_it);
    tcase_add_test(tcase, the_table_keeps_its_rules);
    tcase_add_test(tcase, collision_is_decided_alike_by_both_sides);
    suite_add_tcase(suite, tcase);
    return suite;
}
