/* Frames and roles: what a client may send, what becomes of everything else. */
#include "tests/unit/control/control_rig.h"
#include "tests/unit/unit.h"

#include "bgpd/control/frame_allocator.h"

START_TEST(a_client_of_another_version_is_told_and_closed)
{
    struct control_rig *rig = rig_new(true);
    ck_assert_int_eq(rig_hello(rig, CONTROL_VERSION + 1), CONTROL__STATUS__CODE__UNSUPPORTED);
    ck_assert_int_eq(rig_input(rig, "", 0), STATUS_INVALID);
    rig_free(rig);
}
END_TEST

START_TEST(hello_tells_who_is_there)
{
    struct control_rig *rig = rig_new(true);
    ck_assert_int_eq(rig_hello(rig, CONTROL_VERSION), CONTROL__STATUS__CODE__OK);
    ck_assert_ptr_nonnull(rig->answers[0]->welcome);
    ck_assert_str_eq(rig->answers[0]->welcome->hostname, "ce1");
    ck_assert(rig->answers[0]->welcome->is_admin);
    ck_assert_str_eq(rig->answers[0]->welcome->daemon_version, SEALANE_VERSION);
    rig_free(rig);
}
END_TEST

START_TEST(a_request_before_hello_is_refused)
{
    struct control_rig *rig = rig_new(true);
    Control__ReloadRequest reload = CONTROL__RELOAD_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    request.kind_case = CONTROL__REQUEST__KIND_RELOAD;
    request.reload = &reload;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__INVALID);
    ck_assert_uint_eq(rig->reloads, 0);
    ck_assert_int_eq(rig_input(rig, "", 0), STATUS_INVALID);
    rig_free(rig);
}
END_TEST

START_TEST(a_huge_length_ends_the_client_before_anything_is_allocated)
{
    static const uint32_t lengths[] = {CONTROL_REQUEST_BYTES_MAX + 1, 1u << 20, 0x7fffffff,
                                       0xffffffff};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct control_rig *rig = rig_greeted(true);
        uint8_t frame[4];
        int64_t before = mem_bytes(MEM_CONTROL);
        store_be32(frame, lengths[i]);
        ck_assert_int_eq(rig_input(rig, frame, sizeof frame), STATUS_INVALID);
        ck_assert_int_lt(mem_bytes(MEM_CONTROL) - before, 4096);
        rig_forget(rig);
        rig_read(rig, 4096);
        ck_assert_uint_eq(rig->answer_count, 1);
        ck_assert_int_eq(rig_status(rig)->code, CONTROL__STATUS__CODE__INVALID);
        ck_assert_int_eq(rig_input(rig, frame, sizeof frame), STATUS_INVALID);
        rig_free(rig);
    }
}
END_TEST

START_TEST(octets_that_are_no_message_end_the_client)
{
    static const uint8_t bad[][6] = {
        {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f}, /* a string of 4 GB */
        {0x12, 0x7f, 0x01, 0x02, 0x03, 0x04}, /* a message longer than its frame */
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, /* no end to a tag */
        {0x0f, 0x00, 0x00, 0x00, 0x00, 0x00}, /* no such wire type */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct control_rig *rig = rig_greeted(true);
        uint8_t frame[10];
        store_be32(frame, 6);
        memcpy(frame + 4, bad[i], 6);
        ck_assert_int_eq(rig_input(rig, frame, sizeof frame), STATUS_INVALID);
        rig_forget(rig);
        rig_read(rig, 1);
        ck_assert_uint_eq(rig->answer_count, 1);
        ck_assert_int_eq(rig_status(rig)->code, CONTROL__STATUS__CODE__INVALID);
        rig_free(rig);
    }
}
END_TEST

static size_t global_frame(uint32_t id, uint8_t *out)
{
    Control__GlobalRequest global = CONTROL__GLOBAL_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    request.id = id;
    request.kind_case = CONTROL__REQUEST__KIND_GLOBAL;
    request.global = &global;
    return rig_frame(&request, out);
}

START_TEST(a_request_may_arrive_octet_by_octet)
{
    struct control_rig *rig = rig_greeted(false);
    uint8_t frame[64];
    size_t size = global_frame(7, frame);
    rig_forget(rig);
    for (size_t i = 0; i < size; i++) {
        ck_assert(!control_client_wants_output(rig->client));
        ck_assert_int_eq(rig_input(rig, frame + i, 1), STATUS_OK);
    }
    rig_read(rig, 1);
    ck_assert_uint_eq(rig->answer_count, 1);
    ck_assert_uint_eq(rig->answers[0]->id, 7);
    ck_assert_ptr_nonnull(rig->answers[0]->global);
    rig_free(rig);
}
END_TEST

START_TEST(requests_sent_together_are_answered_in_order)
{
    struct control_rig *rig = rig_greeted(false);
    uint8_t frames[64 * 20];
    size_t size = 0;
    for (uint32_t id = 1; id <= 20; id++) {
        size += global_frame(id, frames + size);
    }
    rig_forget(rig);
    ck_assert_int_eq(rig_input(rig, frames, size), STATUS_OK);
    rig_read(rig, 777);
    ck_assert_uint_eq(rig->answer_count, 20);
    for (uint32_t i = 0; i < 20; i++) {
        ck_assert_uint_eq(rig->answers[i]->id, i + 1);
    }
    rig_free(rig);
}
END_TEST

START_TEST(a_client_that_asks_and_never_reads_costs_a_bounded_amount)
{
    struct control_rig *rig = rig_greeted(false);
    uint8_t frame[64];
    size_t size = global_frame(1, frame);
    int64_t before = mem_bytes(MEM_CONTROL);
    uint32_t sent = 0;
    while (rig_input(rig, frame, size) == STATUS_OK) {
        ck_assert_uint_lt(++sent, 1000000);
    }
    ck_assert_uint_ge(sent, CONTROL_BACKLOG_BYTES_MAX / size);
    ck_assert_int_lt(mem_bytes(MEM_CONTROL) - before, 512 * 1024);
    rig_free(rig);
}
END_TEST

START_TEST(fields_and_requests_of_newer_clients_do_no_harm)
{
    struct control_rig *rig = rig_greeted(false);
    uint8_t frame[64];
    size_t size = global_frame(3, frame);
    static const uint8_t unknown[] = {0xa2, 0x06, 0x02, 0x01, 0x02}; /* field 100, two octets */
    memcpy(frame + size, unknown, sizeof unknown);
    size += sizeof unknown;
    store_be32(frame, (uint32_t)size - 4);
    rig_forget(rig);
    ck_assert_int_eq(rig_input(rig, frame, size), STATUS_OK);
    rig_read(rig, 4096);
    ck_assert_int_eq(rig_status(rig)->code, CONTROL__STATUS__CODE__OK);
    rig_forget(rig);
    store_be32(frame, sizeof unknown);
    memcpy(frame + 4, unknown, sizeof unknown);
    ck_assert_int_eq(rig_input(rig, frame, 4 + sizeof unknown), STATUS_OK);
    rig_read(rig, 4096);
    ck_assert_int_eq(rig_status(rig)->code, CONTROL__STATUS__CODE__UNSUPPORTED);
    rig_free(rig);
}
END_TEST

/* A small generator: the same octets in every run. */
static uint32_t dice(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

START_TEST(mutated_requests_are_answered_or_end_the_client)
{
    uint64_t seed = 42;
    struct control_rig *rig = rig_greeted(false);
    for (uint32_t round = 0; round < 20000; round++) {
        Control__TableRequest table = CONTROL__TABLE_REQUEST__INIT;
        Control__Request request = CONTROL__REQUEST__INIT;
        uint8_t bytes[16] = {10, 1};
        uint8_t frame[128];
        table.family = 4;
        table.mode = (Control__TableRequest__Mode)(dice(&seed) % 4);
        table.prefix = (ProtobufCBinaryData){4, bytes};
        table.prefix_len = 16;
        request.kind_case = CONTROL__REQUEST__KIND_TABLE;
        request.table = &table;
        size_t size = rig_frame(&request, frame);
        for (uint32_t i = dice(&seed) % 4; i > 0; i--) {
            frame[4 + dice(&seed) % (size - 4)] = (uint8_t)dice(&seed);
        }
        rig_forget(rig);
        enum status status = rig_input(rig, frame, size);
        rig_read(rig, 100000);
        ck_assert_uint_ge(rig->answer_count, 1);
        ck_assert_ptr_nonnull(rig_status(rig));
        if (status != STATUS_OK) {
            control_client_free(rig->client);
            rig->client = control_client_new(rig->server, 1, 1, false);
            ck_assert_int_eq(rig_hello(rig, CONTROL_VERSION), CONTROL__STATUS__CODE__OK);
        }
    }
    ck_assert_uint_eq(rig->reloads, 0);
    rig_free(rig);
}
END_TEST

START_TEST(unpacking_stops_at_its_ceiling)
{
    struct arena arena;
    struct frame_allocator allocator;
    uint8_t frame[256];
    arena_init(&arena);
    size_t size = global_frame(1, frame) - 4;
    bool has_failed = false;
    bool has_worked = false;
    for (size_t ceiling = 0; ceiling < 1024; ceiling += 8) {
        frame_allocator_init(&allocator, &arena, ceiling);
        Control__Request *request = control__request__unpack(&allocator.base, size, frame + 4);
        has_failed = has_failed || request == NULL;
        has_worked = has_worked || request != NULL;
        ck_assert(!(has_worked && request == NULL));
    }
    ck_assert(has_failed && has_worked);
    arena_fini(&arena);
}
END_TEST

/* ---- Roles ---- */

static Control__Status__Code ask_clear_saying(struct control_rig *rig, uint32_t kind,
                                              const char *peer, const char *message)
{
    uint8_t bytes[16];
    Control__ClearRequest clear = CONTROL__CLEAR_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    clear.kind = (Control__ClearRequest__Kind)kind;
    if (peer != NULL) {
        clear.peer = rig_addr(peer, bytes);
    }
    request.kind_case = CONTROL__REQUEST__KIND_CLEAR;
    request.clear = &clear;
    if (message != NULL) {
        clear.message = (char *)(uintptr_t)message;
    }
    return rig_ask(rig, &request);
}

static Control__Status__Code ask_clear(struct control_rig *rig, uint32_t kind, const char *peer)
{
    return ask_clear_saying(rig, kind, peer, NULL);
}

static Control__Status__Code ask_reload(struct control_rig *rig)
{
    Control__ReloadRequest reload = CONTROL__RELOAD_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    request.kind_case = CONTROL__REQUEST__KIND_RELOAD;
    request.reload = &reload;
    return rig_ask(rig, &request);
}

static Control__Status__Code ask_config(struct control_rig *rig, bool with_secrets, int format)
{
    Control__ConfigRequest config = CONTROL__CONFIG_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    config.with_secrets = with_secrets;
    config.format = (Control__ConfigRequest__Format)format;
    request.kind_case = CONTROL__REQUEST__KIND_CONFIG;
    request.config = &config;
    return rig_ask(rig, &request);
}

START_TEST(who_may_only_look_changes_nothing_and_sees_no_secrets)
{
    struct control_rig *rig = rig_greeted(false);
    rig->config_text = "text";
    ck_assert_int_eq(ask_clear(rig, 0, NULL), CONTROL__STATUS__CODE__REFUSED);
    ck_assert_int_eq(ask_clear(rig, 1, "192.0.2.2"), CONTROL__STATUS__CODE__REFUSED);
    ck_assert_int_eq(ask_reload(rig), CONTROL__STATUS__CODE__REFUSED);
    ck_assert_int_eq(ask_config(rig, true, 0), CONTROL__STATUS__CODE__REFUSED);
    ck_assert_uint_eq(rig->reloads + rig->settles, 0);
    ck_assert(!rig->with_secrets);
    ck_assert(rig->top->ends[0].is_up && rig->top->ends[1].is_up);
    ck_assert_int_eq(ask_config(rig, false, 0), CONTROL__STATUS__CODE__OK);
    rig_free(rig);
}
END_TEST

START_TEST(a_reset_takes_its_message_along_and_nothing_else_does)
{
    char too_long[257];
    memset(too_long, 'x', 256);
    too_long[256] = 0;
    struct control_rig *rig = rig_greeted(true);
    const char *const peer = "192.0.2.2";
    ck_assert_int_eq(ask_clear_saying(rig, 1, peer, "soft"), CONTROL__STATUS__CODE__INVALID);
    ck_assert_int_eq(ask_clear_saying(rig, 0, peer, too_long), CONTROL__STATUS__CODE__INVALID);
    ck_assert_int_eq(ask_clear_saying(rig, 0, peer, "bell \a"), CONTROL__STATUS__CODE__INVALID);
    ck_assert_int_eq(ask_clear_saying(rig, 0, peer, "\xc3("), CONTROL__STATUS__CODE__INVALID);
    ck_assert(rig->top->ends[0].is_up);
    ck_assert_int_eq(ask_clear_saying(rig, 0, peer, "neue Kabel f\xc3\xbcr R1"),
                     CONTROL__STATUS__CODE__OK);
    top_settle(rig->top);
    ck_assert_uint_eq(rig->top->ends[0].notification_subcode, 4);
    ck_assert_uint_eq(rig->top->ends[0].notification_data[0], strlen("neue Kabel f\xc3\xbcr R1"));
    ck_assert_int_eq(memcmp(rig->top->ends[0].notification_data + 1, "neue Kabel", 10), 0);
    rig_free(rig);
}
END_TEST

START_TEST(an_administrator_clears_and_reloads)
{
    struct control_rig *rig = rig_greeted(true);
    rig->config_text = "text";
    ck_assert_int_eq(ask_clear(rig, 1, NULL), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(rig_status(rig)->count, 2);
    ck_assert_int_eq(ask_clear(rig, 0, "192.0.2.2"), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(rig_status(rig)->count, 1);
    ck_assert_uint_eq(rig->settles, 2);
    top_settle(rig->top);
    ck_assert_uint_eq(rig->top->ends[0].notification_code, 6); /* Cease */
    ck_assert_uint_eq(rig->top->ends[1].notification_code, 0);
    ck_assert_int_eq(ask_clear(rig, 0, "203.0.113.9"), CONTROL__STATUS__CODE__NOT_FOUND);
    ck_assert_int_eq(ask_clear(rig, 4, NULL), CONTROL__STATUS__CODE__INVALID);
    ck_assert_int_eq(ask_reload(rig), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(rig->reloads, 1);
    ck_assert_uint_eq(rig->answers[0]->text.len, strlen("one warning\n"));
    rig->reload_fails = true;
    ck_assert_int_eq(ask_reload(rig), CONTROL__STATUS__CODE__FAILED);
    ck_assert_int_eq(ask_config(rig, true, 2), CONTROL__STATUS__CODE__OK);
    ck_assert(rig->with_secrets);
    ck_assert_int_eq(ask_config(rig, false, 3), CONTROL__STATUS__CODE__INVALID);
    rig->config_text = NULL;
    ck_assert_int_eq(ask_config(rig, false, 0), CONTROL__STATUS__CODE__FAILED);
    rig_free(rig);
}
END_TEST

START_TEST(a_long_configuration_arrives_whole_in_bounded_frames)
{
    struct control_rig *rig = rig_greeted(false);
    char *text = calloc(1, 300001);
    for (size_t i = 0; i < 300000; i++) {
        text[i] = (char)('a' + i % 26);
    }
    rig->config_text = text;
    ck_assert_int_eq(ask_config(rig, false, 1), CONTROL__STATUS__CODE__OK);
    size_t at = 0;
    for (size_t i = 0; i + 1 < rig->answer_count; i++) {
        const ProtobufCBinaryData *part = &rig->answers[i]->text;
        size_t skip = at == 0 ? 2 : 0; /* the format's number and a line end */
        ck_assert_mem_eq(part->data + skip, text + at, part->len - skip);
        at += part->len - skip;
    }
    ck_assert_uint_eq(at, 300000);
    ck_assert_uint_lt(rig->largest_frame, 20000);
    free(text);
    rig_free(rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("control frames");
    TCase *tcase = tcase_create("frames");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_client_of_another_version_is_told_and_closed);
    tcase_add_test(tcase, hello_tells_who_is_there);
    tcase_add_test(tcase, a_request_before_hello_is_refused);
    tcase_add_test(tcase, a_huge_length_ends_the_client_before_anything_is_allocated);
    tcase_add_test(tcase, octets_that_are_no_message_end_the_client);
    tcase_add_test(tcase, a_request_may_arrive_octet_by_octet);
    tcase_add_test(tcase, requests_sent_together_are_answered_in_order);
    tcase_add_test(tcase, a_client_that_asks_and_never_reads_costs_a_bounded_amount);
    tcase_add_test(tcase, fields_and_requests_of_newer_clients_do_no_harm);
    tcase_add_test(tcase, mutated_requests_are_answered_or_end_the_client);
    tcase_add_test(tcase, unpacking_stops_at_its_ceiling);
    tcase_add_test(tcase, who_may_only_look_changes_nothing_and_sees_no_secrets);
    tcase_add_test(tcase, a_reset_takes_its_message_along_and_nothing_else_does);
    tcase_add_test(tcase, an_administrator_clears_and_reloads);
    tcase_add_test(tcase, a_long_configuration_arrives_whole_in_bounded_frames);
    suite_add_tcase(suite, tcase);
    return suite;
}
