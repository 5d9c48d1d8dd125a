/* Answers: the rows of each request against a core whose state is known. */
#include "tests/unit/control/control_rig.h"
#include "tests/unit/unit.h"

static struct far_end *end_of(struct control_rig *rig, const char *addr)
{
    return far_end_of(rig->top, addr);
}

/* One table request. prefix NULL: all. */
static Control__Status__Code ask_table(struct control_rig *rig, uint32_t table, const char *peer,
                                       uint32_t mode, const char *prefix, bool with_heads)
{
    uint8_t peer_bytes[16];
    uint8_t prefix_bytes[16];
    Control__TableRequest row = CONTROL__TABLE_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    row.family = 4;
    row.table = (Control__TableRequest__Table)table;
    row.mode = (Control__TableRequest__Mode)mode;
    row.with_heads = with_heads;
    if (peer != NULL) {
        row.peer = rig_addr(peer, peer_bytes);
    }
    if (prefix != NULL) {
        struct prefix value = {0};
        ASSERT(prefix_parse_loose(prefix, &value) == STATUS_OK);
        memcpy(prefix_bytes, value.bytes, 16);
        row.prefix = (ProtobufCBinaryData){ip_family_bytes(value.family), prefix_bytes};
        row.prefix_len = value.len_bits;
        row.family = value.family;
    }
    request.kind_case = CONTROL__REQUEST__KIND_TABLE;
    request.table = &row;
    return rig_ask(rig, &request);
}

static size_t path_count(const struct control_rig *rig)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->answer_count; i++) {
        count += rig->answers[i]->n_paths;
    }
    return count;
}

static const Control__Path *path_at(const struct control_rig *rig, size_t index)
{
    for (size_t i = 0; i < rig->answer_count; i++) {
        if (index < rig->answers[i]->n_paths) {
            return rig->answers[i]->paths[index];
        }
        index -= rig->answers[i]->n_paths;
    }
    ck_abort_msg("no such path");
    return NULL;
}

static void announce(struct control_rig *rig, const char *peer, const char *prefix)
{
    far_announce(rig->top, end_of(rig, peer), prefix);
    top_settle(rig->top);
}

START_TEST(tables_show_every_path_with_its_reason)
{
    struct control_rig *rig = rig_greeted(false);
    announce(rig, "192.0.2.2", "203.0.113.0/24");
    announce(rig, "192.0.2.6", "203.0.113.0/24");
    ck_assert_int_eq(ask_table(rig, 0, NULL, 0, NULL, false), CONTROL__STATUS__CODE__OK);
    ck_assert_ptr_nonnull(rig->answers[0]->global);
    ck_assert_uint_eq(rig->answers[0]->global->asn, 65001);
    ck_assert_uint_eq(path_count(rig), 3);
    ck_assert_uint_eq(path_at(rig, 0)->prefix_len, 16);
    ck_assert_uint_ge(path_at(rig, 0)->source_kind, 2);
    ck_assert(path_at(rig, 1)->is_first && !path_at(rig, 2)->is_first);
    ck_assert_uint_eq(path_at(rig, 1)->flags & ROUTE_BEST, ROUTE_BEST);
    ck_assert_uint_eq(path_at(rig, 2)->flags & ROUTE_BEST, 0);
    ck_assert_uint_eq(path_at(rig, 2)->path_class, 1);
    ck_assert_uint_eq(path_at(rig, 1)->nexthop_state, NEXTHOP_RESOLVED);
    ck_assert_int_eq(ask_table(rig, 0, NULL, 1, "203.0.113.0/24", true), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(path_count(rig), 2);
    const Control__Destination *head = NULL;
    for (size_t i = 0; i < rig->answer_count; i++) {
        head = rig->answers[i]->n_destinations != 0 ? rig->answers[i]->destinations[0] : head;
        ck_assert_uint_le(rig->answers[i]->n_destinations, 1);
    }
    ck_assert_ptr_nonnull(head);
    ck_assert_uint_eq(head->path_count, 2);
    ck_assert_uint_eq(head->best, 1);
    ck_assert_uint_eq(head->advertised_count, head->n_advertised_to);
    rig_free(rig);
}
END_TEST

START_TEST(an_address_finds_its_longest_match_and_a_prefix_its_inside)
{
    struct control_rig *rig = rig_greeted(false);
    announce(rig, "192.0.2.2", "203.0.113.0/24");
    announce(rig, "192.0.2.2", "203.0.113.64/26");
    ck_assert_int_eq(ask_table(rig, 0, NULL, 2, "203.0.113.65", true), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(path_at(rig, 0)->prefix_len, 26);
    ck_assert_int_eq(ask_table(rig, 0, NULL, 2, "203.0.113.1", true), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(path_at(rig, 0)->prefix_len, 24);
    ck_assert_int_eq(ask_table(rig, 0, NULL, 3, "203.0.113.0/24", false),
                     CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(path_count(rig), 2);
    ck_assert_int_eq(ask_table(rig, 0, NULL, 3, "198.51.100.0/24", false),
                     CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(path_count(rig), 0);
    rig_free(rig);
}
END_TEST

START_TEST(an_absent_prefix_comes_with_a_reason)
{
    struct control_rig *rig = rig_greeted(false);
    ck_assert_int_eq(ask_table(rig, 0, NULL, 1, "198.51.100.0/24", true),
                     CONTROL__STATUS__CODE__NOT_FOUND);
    const Control__Absent *absent = NULL;
    for (size_t i = 0; i < rig->answer_count; i++) {
        absent = rig->answers[i]->n_absent != 0 ? rig->answers[i]->absent[0] : absent;
    }
    ck_assert_ptr_nonnull(absent);
    ck_assert_uint_ne(strlen(absent->why), 0);
    ck_assert_int_eq(ask_table(rig, 0, NULL, 2, "198.51.100.9", true),
                     CONTROL__STATUS__CODE__NOT_FOUND);
    rig_free(rig);
}
END_TEST

START_TEST(the_tables_of_a_neighbor_are_its_own)
{
    struct control_rig *rig = rig_greeted(false);
    announce(rig, "192.0.2.2", "203.0.113.0/24");
    for (uint32_t table = 1; table <= 2; table++) {
        ck_assert_int_eq(ask_table(rig, table, "192.0.2.2", 0, NULL, false),
                         CONTROL__STATUS__CODE__OK);
        ck_assert_uint_eq(path_count(rig), 1);
        ck_assert_int_eq(ask_table(rig, table, "192.0.2.6", 0, NULL, false),
                         CONTROL__STATUS__CODE__OK);
        ck_assert_uint_eq(path_count(rig), 0);
    }
    ck_assert_int_eq(ask_table(rig, 4, "192.0.2.6", 1, "203.0.113.0/24", false),
                     CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(path_count(rig), 1);
    ck_assert_int_eq(ask_table(rig, 4, "192.0.2.6", 1, "203.0.113.0/25", false),
                     CONTROL__STATUS__CODE__NOT_FOUND);
    ck_assert_int_eq(ask_table(rig, 4, "192.0.2.77", 0, NULL, false),
                     CONTROL__STATUS__CODE__NOT_FOUND);
    rig_free(rig);
}
END_TEST

START_TEST(every_field_of_a_table_request_is_checked)
{
    struct control_rig *rig = rig_greeted(false);
    uint8_t bytes[16] = {10};
    for (unsigned variant = 0; variant < 9; variant++) {
        Control__TableRequest row = CONTROL__TABLE_REQUEST__INIT;
        Control__Request request = CONTROL__REQUEST__INIT;
        row.family = 4;
        row.mode = CONTROL__TABLE_REQUEST__MODE__EXACT;
        row.prefix = (ProtobufCBinaryData){4, bytes};
        row.prefix_len = 8;
        row.family = variant == 0 ? 5 : row.family;
        row.prefix_len = variant == 1 ? 33 : row.prefix_len;
        row.prefix.len = variant == 2 ? 16 : variant == 3 ? 3 : variant == 4 ? 0 : row.prefix.len;
        row.table = variant == 5 ? (Control__TableRequest__Table)5 : row.table;
        row.mode = variant == 6 ? (Control__TableRequest__Mode)4 : row.mode;
        row.peer = variant == 7 ? (ProtobufCBinaryData){5, bytes} : row.peer;
        row.table = variant == 8 ? (Control__TableRequest__Table)-1 : row.table;
        request.kind_case = CONTROL__REQUEST__KIND_TABLE;
        request.table = &row;
        ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__INVALID);
    }
    rig_free(rig);
}
END_TEST

START_TEST(a_long_table_comes_in_bounded_frames_however_slowly_it_is_read)
{
    struct control_rig *rig = rig_greeted(false);
    char text[32];
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "20.%u.%u.0/24", i / 256, i % 256);
        far_announce(rig->top, end_of(rig, "192.0.2.2"), text);
    }
    top_settle(rig->top);
    ck_assert_int_eq(ask_table(rig, 0, NULL, 0, NULL, false), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(path_count(rig), 2001);
    ck_assert_uint_eq(rig_status(rig)->count, 2001);
    ck_assert_uint_lt(rig->largest_frame, 20000);
    ck_assert_uint_gt(rig->answer_count, 5);

    uint8_t frame[64];
    Control__TableRequest row = CONTROL__TABLE_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    row.family = 4;
    request.id = 99;
    request.kind_case = CONTROL__REQUEST__KIND_TABLE;
    request.table = &row;
    size_t size = rig_frame(&request, frame);
    rig_forget(rig);
    int64_t before = mem_bytes(MEM_CONTROL);
    ck_assert_int_eq(rig_input(rig, frame, size), STATUS_OK);
    ck_assert_int_lt(mem_bytes(MEM_CONTROL) - before, 65536);
    rig_read(rig, 3);
    ck_assert_uint_eq(path_count(rig), 2001);
    rig_free(rig);
}
END_TEST

START_TEST(a_walk_survives_changes_between_its_steps)
{
    struct control_rig *rig = rig_greeted(false);
    char text[32];
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "20.%u.%u.0/24", i / 256, i % 256);
        far_announce(rig->top, end_of(rig, "192.0.2.2"), text);
    }
    top_settle(rig->top);
    uint8_t frame[64];
    Control__TableRequest row = CONTROL__TABLE_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    row.family = 4;
    request.id = 5;
    request.kind_case = CONTROL__REQUEST__KIND_TABLE;
    request.table = &row;
    rig_forget(rig);
    ck_assert_int_eq(rig_input(rig, frame, rig_frame(&request, frame)), STATUS_OK);
    for (unsigned i = 0; i < 3000; i += 3) {
        control_client_output(rig->client, rig->top->now, &rig->received, 500);
        snprintf(text, sizeof text, "20.%u.%u.0/24", i / 256, i % 256);
        far_withdraw(rig->top, end_of(rig, "192.0.2.2"), text);
        top_settle(rig->top);
    }
    rig_read(rig, 65536);
    ck_assert_int_eq(rig_status(rig)->code, CONTROL__STATUS__CODE__OK);
    ck_assert_uint_ge(path_count(rig), 2001);
    ck_assert_uint_le(path_count(rig), 3001);
    rig_free(rig);
}
END_TEST

static Control__Status__Code ask_neighbors(struct control_rig *rig, const char *peer)
{
    uint8_t bytes[16];
    Control__NeighborsRequest neighbors = CONTROL__NEIGHBORS_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    if (peer != NULL) {
        neighbors.peer = rig_addr(peer, bytes);
    }
    request.kind_case = CONTROL__REQUEST__KIND_NEIGHBORS;
    request.neighbors = &neighbors;
    return rig_ask(rig, &request);
}

START_TEST(neighbors_tell_everything_but_their_password)
{
    struct control_rig *rig = rig_greeted(true);
    ck_assert_int_eq(ask_neighbors(rig, NULL), CONTROL__STATUS__CODE__OK);
    size_t count = 0;
    for (size_t i = 0; i < rig->answer_count; i++) {
        for (size_t j = 0; j < rig->answers[i]->n_neighbors; j++) {
            const Control__Neighbor *row = rig->answers[i]->neighbors[j];
            ck_assert_uint_eq(row->state, PEER_ESTABLISHED);
            ck_assert_uint_eq(row->remote_asn, count == 0 ? 64501 : 64502);
            ck_assert_int_eq(row->has_password, count == 0);
            ck_assert_str_eq(row->description, count == 0 ? "" : "second");
            ck_assert_ptr_nonnull(row->local_capabilities);
            ck_assert_uint_eq(row->n_families, 2);
            ck_assert_int_ge(row->state_age_ms, 0);
            uint8_t packed[4096];
            size_t size = control__neighbor__pack(row, packed);
            ck_assert_ptr_null(memmem(packed, size, "invented-secret", 15));
            count++;
        }
    }
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(ask_neighbors(rig, "192.0.2.6"), CONTROL__STATUS__CODE__OK);
    ck_assert_int_eq(ask_neighbors(rig, "192.0.2.7"), CONTROL__STATUS__CODE__NOT_FOUND);
    rig_free(rig);
}
END_TEST

static Control__Status__Code ask_ip_routes(struct control_rig *rig, uint32_t mode,
                                           const char *prefix, uint32_t kinds)
{
    uint8_t bytes[16];
    Control__IpRoutesRequest routes = CONTROL__IP_ROUTES_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    routes.family = 4;
    routes.mode = (Control__TableRequest__Mode)mode;
    routes.kinds = kinds;
    if (prefix != NULL) {
        struct prefix value = {0};
        ASSERT(prefix_parse_loose(prefix, &value) == STATUS_OK);
        memcpy(bytes, value.bytes, 16);
        routes.prefix = (ProtobufCBinaryData){ip_family_bytes(value.family), bytes};
        routes.prefix_len = value.len_bits;
    }
    request.kind_case = CONTROL__REQUEST__KIND_IP_ROUTES;
    request.ip_routes = &routes;
    return rig_ask(rig, &request);
}

static size_t route_count(const struct control_rig *rig, uint32_t *kinds_out)
{
    size_t count = 0;
    *kinds_out = 0;
    for (size_t i = 0; i < rig->answer_count; i++) {
        for (size_t j = 0; j < rig->answers[i]->n_ip_routes; j++) {
            *kinds_out |= 1u << rig->answers[i]->ip_routes[j]->kind;
            count++;
        }
    }
    return count;
}

START_TEST(kernel_routes_are_shown_by_kind_and_prefix)
{
    struct control_rig *rig = rig_greeted(false);
    uint32_t kinds;
    announce(rig, "192.0.2.2", "203.0.113.0/24");
    ck_assert_int_eq(ask_ip_routes(rig, 0, NULL, 0), CONTROL__STATUS__CODE__OK);
    size_t all = route_count(rig, &kinds);
    ck_assert_uint_ge(all, 4);
    ck_assert((kinds & (1u << IP_ROUTE_BGP)) != 0 && (kinds & (1u << IP_ROUTE_CONNECTED)) != 0 &&
              (kinds & (1u << IP_ROUTE_GUARD)) != 0);
    size_t sum = 0;
    for (uint32_t kind = IP_ROUTE_BGP; kind <= IP_ROUTE_GUARD; kind++) {
        ck_assert_int_eq(ask_ip_routes(rig, 0, NULL, 1u << kind), CONTROL__STATUS__CODE__OK);
        sum += route_count(rig, &kinds);
        ck_assert_uint_eq(kinds & ~(1u << kind), 0);
    }
    ck_assert_uint_eq(sum, all);
    ck_assert_int_eq(ask_ip_routes(rig, 2, "203.0.113.9", 0), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(route_count(rig, &kinds), 1);
    ck_assert_uint_eq(kinds, 1u << IP_ROUTE_BGP);
    ck_assert_int_eq(ask_ip_routes(rig, 1, "203.0.113.0/24", 0), CONTROL__STATUS__CODE__OK);
    ck_assert_int_eq(ask_ip_routes(rig, 1, "203.0.113.0/25", 0), CONTROL__STATUS__CODE__NOT_FOUND);
    ck_assert_int_eq(ask_ip_routes(rig, 2, "8.8.8.8", 0), CONTROL__STATUS__CODE__NOT_FOUND);
    ck_assert_int_eq(ask_ip_routes(rig, 4, "8.8.8.8", 0), CONTROL__STATUS__CODE__INVALID);
    ck_assert_int_eq(ask_ip_routes(rig, 1, "2001:db8::/32", 0), CONTROL__STATUS__CODE__INVALID);
    ck_assert_int_eq(ask_ip_routes(rig, 3, "192.0.2.0/24", 0), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(route_count(rig, &kinds), 2);
    rig_free(rig);
}
END_TEST

START_TEST(tunnels_and_protections_are_shown_one_or_all)
{
    struct control_rig *rig = rig_greeted(false);
    Control__TunnelsRequest tunnels = CONTROL__TUNNELS_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    char name[80] = "ipsec0";
    request.kind_case = CONTROL__REQUEST__KIND_TUNNELS;
    request.tunnels = &tunnels;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(rig->answers[0]->n_tunnels, 1);
    ck_assert_str_eq(rig->answers[0]->tunnels[0]->name, "ipsec0");
    ck_assert(!rig->answers[0]->tunnels[0]->is_alive);
    tunnels.name = name;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__OK);
    name[0] = 'I';
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__NOT_FOUND);
    memset(name, 'x', sizeof name - 1);
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__NOT_FOUND);

    Control__ProtectionRequest protection = CONTROL__PROTECTION_REQUEST__INIT;
    uint8_t bytes[16];
    request.kind_case = CONTROL__REQUEST__KIND_PROTECTION;
    request.protection = &protection;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(rig->answers[0]->n_protections, 1);
    ck_assert_uint_eq(rig->answers[0]->protections[0]->allowed_classes, 4);
    protection.prefix = rig_addr("10.51.231.7", bytes);
    protection.prefix_len = 32;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__OK);
    protection.prefix_len = 33;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__INVALID);
    protection.prefix = rig_addr("10.52.0.0", bytes);
    protection.prefix_len = 16;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__NOT_FOUND);
    rig_free(rig);
}
END_TEST

START_TEST(a_path_refused_by_protection_says_what_is_required)
{
    struct control_rig *rig = rig_greeted(false);
    announce(rig, "192.0.2.2", "10.51.230.0/24");
    ck_assert_int_eq(ask_table(rig, 0, NULL, 1, "10.51.230.0/24", true), CONTROL__STATUS__CODE__OK);
    const Control__Path *path = path_at(rig, 0);
    ck_assert_uint_eq(path->reason, DECISION_PROTECTION);
    ck_assert_uint_eq(path->required_classes, 4);
    ck_assert(!path->is_eligible);
    ck_assert_uint_eq(path->flags & ROUTE_BEST, 0);
    rig_free(rig);
}
END_TEST

START_TEST(failovers_are_told_newest_first_with_where_their_time_went)
{
    struct control_rig *rig = rig_greeted(false);
    Control__FailoversRequest failovers = CONTROL__FAILOVERS_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    request.kind_case = CONTROL__REQUEST__KIND_FAILOVERS;
    request.failovers = &failovers;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(rig->answers[0]->n_failovers, 0);
    announce(rig, "192.0.2.2", "198.51.100.0/24");
    announce(rig, "192.0.2.6", "198.51.100.0/24");
    top_wait_s(rig->top, 1);
    for (int i = 0; i < 2; i++) {
        struct core_event event = {.kind = EVENT_BFD_STATE};
        event.bfd.peer = addr_of(i == 0 ? "192.0.2.2" : "192.0.2.6");
        top_feed(rig->top, &event);
        top_wait_s(rig->top, 1);
    }
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(rig->answers[0]->n_failovers, 2);
    const Control__Failover *newest = rig->answers[0]->failovers[0];
    ck_assert_uint_eq(newest->number, 2);
    ck_assert_ptr_nonnull(strstr(newest->cause, "192.0.2.6"));
    ck_assert_uint_eq(newest->groups, 1);
    ck_assert_uint_eq(newest->destinations, 1);
    ck_assert_int_ge(newest->age_ms, 0);
    ck_assert_uint_eq(rig->answers[0]->failovers[1]->number, 1);
    rig_free(rig);
}
END_TEST

/* More than fit one read of the thread; a key is shown by its number only. */
START_TEST(bfd_sessions_are_shown_one_or_all_without_their_keys)
{
    struct control_rig *rig = rig_greeted(false);
    Control__BfdRequest bfd = CONTROL__BFD_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    uint8_t peer[16];
    request.kind_case = CONTROL__REQUEST__KIND_BFD;
    request.bfd = &bfd;
    for (uint32_t i = 0; i < 40; i++) {
        struct bfd_settings settings = {.transmit_interval_us = 300000,
                                        .receive_interval_us = 200000,
                                        .detect_multiplier = 3,
                                        .auth = {BFD_AUTH_KEYED_MD5, 7, 9, "Hush4Hush"}};
        struct bfd_session_view *view = &rig->bfd[rig->bfd_count++];
        view->key.peer = addr_of("10.0.0.1");
        view->key.peer.bytes[3] = (uint8_t)(i + 1);
        bfd_init(&view->machine, &settings, i + 100, 1, (struct mono_time){0});
        view->machine.statistics.discarded[BFD_FAULT_AUTH_KEY] = i;
    }
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__OK);
    size_t seen = 0;
    size_t strays = 0;
    for (size_t i = 0; i < rig->answer_count; i++) {
        for (size_t k = 0; k < rig->answers[i]->n_bfd_peers; k++) {
            const Control__BfdPeer *row = rig->answers[i]->bfd_peers[k];
            ck_assert_uint_eq(row->discriminator, 100 + seen);
            ck_assert_uint_eq(row->transmit_us, 300000);
            ck_assert_uint_eq(row->auth_key_id, 7);
            ck_assert_uint_eq(row->n_discards, seen == 0 ? 0 : 1);
            seen++;
        }
        strays += rig->answers[i]->n_bfd_discards;
    }
    ck_assert_uint_eq(seen, 40);
    ck_assert_uint_eq(strays, 1);
    ck_assert_ptr_null(memmem(rig->received.data, rig->received.size, "Hush4", 5));
    bfd.peer = rig_addr("10.0.0.40", peer);
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(rig->answers[0]->bfd_peers[0]->discriminator, 139);
    bfd.peer = rig_addr("10.0.0.41", peer);
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__NOT_FOUND);
    bfd.peer.len = 3;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__INVALID);
    rig_free(rig);
}
END_TEST

START_TEST(the_way_of_a_packet_is_asked_and_judged)
{
    struct control_rig *rig = rig_greeted(false);
    Control__VerifyRequest verify = CONTROL__VERIFY_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    uint8_t destination[16];
    uint8_t source[16];
    request.kind_case = CONTROL__REQUEST__KIND_VERIFY;
    request.verify = &verify;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__INVALID);
    verify.destination = rig_addr("10.51.231.10", destination);
    verify.source = rig_addr("2001:db8::1", source);
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__INVALID);
    verify.source = rig_addr("10.1.1.10", source);
    rig->path.hop_count = 1;
    rig->path.hops[0].leg.ifindex = 2;
    rig->path.hops[0].is_chosen = true;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__FAILED);
    struct ip_addr asked = addr_of("10.51.231.10");
    ck_assert(ip_equal(&rig->asked_destination, &asked));
    asked = addr_of("10.1.1.10");
    ck_assert(ip_equal(&rig->asked_source, &asked));
    const Control__PathVerdict *row = rig->answers[0]->verdicts[0];
    ck_assert_int_eq(row->verdict, CONTROL__PATH_VERDICT__VERDICT__EXPOSED);
    ck_assert_uint_eq(row->n_hops, 1);
    ck_assert_str_eq(row->hops[0]->leg->interface, "eth0");
    ck_assert_uint_eq(row->hops[0]->leg->path_class, 1);
    verify.destination = rig_addr("10.60.0.1", destination);
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__OK);
    ck_assert_int_eq(rig->answers[0]->verdicts[0]->verdict, CONTROL__PATH_VERDICT__VERDICT__CLEAR);
    rig->path.error = 1;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__FAILED);
    rig_free(rig);
}
END_TEST

START_TEST(the_audit_tells_what_it_repaired)
{
    struct control_rig *rig = rig_greeted(false);
    Control__FibAuditRequest audit = CONTROL__FIB_AUDIT_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    request.kind_case = CONTROL__REQUEST__KIND_FIB_AUDIT;
    request.fib_audit = &audit;
    struct core_event event = {.kind = EVENT_KERNEL_DUMP_BEGIN, .dump.is_audit = true};
    top_feed(rig->top, &event);
    event.kind = EVENT_KERNEL_DUMP_END; /* nothing of ours was met */
    top_feed(rig->top, &event);
    top_wait_s(rig->top, 1);
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__OK);
    const Control__FibAudit *row = rig->answers[0]->fib_audit;
    ck_assert_ptr_nonnull(row);
    ck_assert_uint_eq(row->rounds, 1);
    ck_assert_int_ge(row->ended_age_ms, 0);
    ck_assert_uint_eq(row->n_repaired, DRIFT_KIND_COUNT);
    ck_assert_uint_eq(row->repaired[DRIFT_GUARD], 1);
    ck_assert_uint_ge(row->n_drifts, 1);
    rig_free(rig);
}
END_TEST

START_TEST(memory_is_shown_by_kind)
{
    struct control_rig *rig = rig_greeted(false);
    Control__MemoryRequest memory = CONTROL__MEMORY_REQUEST__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    request.kind_case = CONTROL__REQUEST__KIND_MEMORY;
    request.memory = &memory;
    ck_assert_int_eq(rig_ask(rig, &request), CONTROL__STATUS__CODE__OK);
    ck_assert_uint_eq(rig->answers[0]->n_memory, MEM_KIND_COUNT);
    rig_free(rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("control rows");
    TCase *tcase = tcase_create("rows");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, tables_show_every_path_with_its_reason);
    tcase_add_test(tcase, an_address_finds_its_longest_match_and_a_prefix_its_inside);
    tcase_add_test(tcase, an_absent_prefix_comes_with_a_reason);
    tcase_add_test(tcase, the_tables_of_a_neighbor_are_its_own);
    tcase_add_test(tcase, every_field_of_a_table_request_is_checked);
    tcase_add_test(tcase, a_long_table_comes_in_bounded_frames_however_slowly_it_is_read);
    tcase_add_test(tcase, a_walk_survives_changes_between_its_steps);
    tcase_add_test(tcase, neighbors_tell_everything_but_their_password);
    tcase_add_test(tcase, kernel_routes_are_shown_by_kind_and_prefix);
    tcase_add_test(tcase, tunnels_and_protections_are_shown_one_or_all);
    tcase_add_test(tcase, a_path_refused_by_protection_says_what_is_required);
    tcase_add_test(tcase, failovers_are_told_newest_first_with_where_their_time_went);
    tcase_add_test(tcase, bfd_sessions_are_shown_one_or_all_without_their_keys);
    tcase_add_test(tcase, the_way_of_a_packet_is_asked_and_judged);
    tcase_add_test(tcase, the_audit_tells_what_it_repaired);
    tcase_add_test(tcase, memory_is_shown_by_kind);
    suite_add_tcase(suite, tcase);
    return suite;
}
