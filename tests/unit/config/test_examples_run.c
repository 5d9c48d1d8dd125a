/* The examples, run: each text is loaded, its far ends announce, links and tunnels die, and packets
 * go where the example says. */
#include "tests/unit/config/config_test.h"
#include "tests/unit/core/kernel_model.h"

#define EXAMPLE_BYTES_MAX 65536u

struct place {
    const char *interface;
    const char *kind;
    const char *addr; /* NULL: none */
    uint8_t len_bits;
    const char *peer; /* NULL: nobody; announces from there */
    const char *peer_sees;
    uint32_t asn;
};

static struct config *example(const char *name)
{
    char path[256];
    static char text[EXAMPLE_BYTES_MAX];
    snprintf(path, sizeof path, "examples/%s", name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s cannot be read; run from the top folder", path);
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = 0;
    fclose(file);
    struct loaded loaded = load_text(text);
    ck_assert_int_eq(loaded.status, STATUS_OK);
    struct config *config = loaded.config;
    loaded.config = NULL;
    unload(&loaded);
    return config;
}

/* Interfaces get the numbers 1, 2, ... of their places; the first is lo. */
static struct model *run(const char *name, const struct place *places, size_t count,
                         const char *const *prefixes)
{
    struct model *model = calloc(1, sizeof *model);
    model->top = calloc(1, sizeof *model->top);
    model->queue = calloc(MODEL_QUEUE_MAX, sizeof *model->queue);
    model->top->now = (struct mono_time){INT64_C(1000000000000)};
    model->top->core = core_new(NULL, 70);
    for (uint32_t i = 0; i < count; i++) {
        const struct place *place = &places[i];
        model_link_add(model, i + 1, place->interface, place->kind, place->addr, place->len_bits);
        if (place->peer != NULL) {
            top_far_end(model->top, place->peer, place->peer_sees, place->asn, i + 1);
        }
    }
    model_configure(model, example(name));
    model_tell_all(model);
    model_wait_ms(model, 60000);
    for (uint32_t i = 0; i < model->top->end_count; i++) {
        struct far_end *end = &model->top->ends[i];
        ck_assert_msg(end->is_up, "%s: session %u", name, i);
        for (size_t k = 0; prefixes[k] != NULL; k++) {
            far_announce(model->top, end, prefixes[k]);
        }
        model_settle(model);
    }
    model_wait_ms(model, 2000);
    return model;
}

#define COUNT(places) (sizeof(places) / sizeof(places)[0])

START_TEST(er_primary_vpn_backup_uses_er_and_falls_back_to_the_tunnel)
{
    static const struct place places[] = {
        {"lo", "", "192.168.255.1", 32, NULL, NULL, 0},
        {"er1", "veth", "172.16.0.1", 30, "172.16.0.2", "172.16.0.1", 12076},
        {"er2", "veth", "172.16.0.5", 30, "172.16.0.6", "172.16.0.5", 12076},
        {"ipsec0", "xfrm", NULL, 0, "10.100.255.30", "192.168.255.1", 65515},
        {"inet", "veth", "198.51.100.10", 24, NULL, NULL, 0},
    };
    static const char *const prefixes[] = {"10.100.0.0/16", NULL};
    struct model *model = run("er-primary-vpn-backup.conf", places, COUNT(places), prefixes);
    ck_assert_uint_eq(model_ways_to(model, "10.100.1.1") & ~(WAY(2) | WAY(3)), 0);
    ck_assert_uint_ne(model_ways_to(model, "10.100.1.1"), 0);
    ck_assert_uint_eq(model_ways_to(model, "203.0.113.4"), WAY(5));
    model_link_set(model, 2, false);
    model_link_set(model, 3, false);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.100.1.1"), WAY(4));
    model_free(model);
}
END_TEST

static const struct place tunnels[] = {
    {"lo", "", "192.168.255.1", 32, NULL, NULL, 0},
    {"inet", "veth", "198.51.100.10", 24, NULL, NULL, 0},
    {"xfrm0", "xfrm", NULL, 0, "10.100.255.4", "192.168.255.1", 65515},
    {"xfrm1", "xfrm", NULL, 0, "10.100.255.5", "192.168.255.1", 65515},
};
static const char *const behind_tunnels[] = {"10.100.1.0/24", NULL};

START_TEST(active_standby_uses_the_first_tunnel_then_the_second_then_none)
{
    struct model *model =
        run("active-standby-tunnels.conf", tunnels, COUNT(tunnels), behind_tunnels);
    ck_assert_uint_eq(model_ways_to(model, "10.100.1.1"), WAY(3));
    mission_sa(model, 1, false);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, "10.100.1.1"), WAY(4));
    mission_sa(model, 2, false);
    model_settle(model);
    ck_assert_uint_eq(model_ways_to(model, "10.100.1.1"), 0);
    model_free(model);
}
END_TEST

START_TEST(active_active_uses_both_tunnels_and_the_one_that_is_left)
{
    struct model *model =
        run("active-active-tunnels.conf", tunnels, COUNT(tunnels), behind_tunnels);
    ck_assert_uint_eq(model_ways_to(model, "10.100.1.1"), WAY(3) | WAY(4));
    model_link_set(model, 3, false);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.100.1.1"), WAY(4));
    model_free(model);
}
END_TEST

START_TEST(two_circuits_use_the_near_one_until_both_its_links_are_gone)
{
    static const struct place places[] = {
        {"lo", "", "192.168.255.1", 32, NULL, NULL, 0},
        {"near1", "veth", "172.16.0.1", 30, "172.16.0.2", "172.16.0.1", 12076},
        {"near2", "veth", "172.16.0.5", 30, "172.16.0.6", "172.16.0.5", 12076},
        {"far1", "veth", "172.16.8.1", 30, "172.16.8.2", "172.16.8.1", 12076},
        {"far2", "veth", "172.16.8.5", 30, "172.16.8.6", "172.16.8.5", 12076},
    };
    static const char *const prefixes[] = {"10.100.0.0/16", NULL};
    struct model *model = run("two-circuits.conf", places, COUNT(places), prefixes);
    ck_assert_uint_eq(model_ways_to(model, "10.100.1.1"), WAY(2) | WAY(3));
    model_link_set(model, 2, false);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.100.1.1"), WAY(3));
    model_link_set(model, 3, false);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.100.1.1"), WAY(4) | WAY(5));
    model_free(model);
}
END_TEST

START_TEST(er_for_named_prefixes_only_and_never_for_what_is_protected)
{
    static const struct place places[] = {
        {"lo", "", "10.1.255.1", 32, NULL, NULL, 0},
        {"er1", "veth", "172.16.0.1", 30, "172.16.0.2", "172.16.0.1", 12076},
        {"er2", "veth", "172.16.0.5", 30, "172.16.0.6", "172.16.0.5", 12076},
        {"ipsec0", "xfrm", NULL, 0, "10.51.230.12", "10.1.255.1", 65515},
    };
    static const char *const prefixes[] = {"10.51.230.0/24", "10.51.231.0/24", "10.60.0.0/16",
                                           "10.61.0.0/16", NULL};
    struct model *model = run("er-for-named-prefixes.conf", places, COUNT(places), prefixes);
    ck_assert_uint_ne(model_ways_to(model, "10.60.1.1"), 0);
    ck_assert_uint_eq(model_ways_to(model, "10.60.1.1") & WAY(4), 0);
    ck_assert_uint_eq(model_ways_to(model, "10.61.1.1"), WAY(4));
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), WAY(4));
    model_link_set(model, 4, false);
    model_wait_ms(model, 100);
    ck_assert_uint_eq(model_ways_to(model, "10.51.231.10"), 0);
    ck_assert_uint_eq(model_ways_to(model, "10.61.1.1") & WAY(4), 0);
    ck_assert_uint_ne(model_ways_to(model, "10.61.1.1"), 0);
    model_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("examples run");
    TCase *tcase = tcase_create("run");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, er_primary_vpn_backup_uses_er_and_falls_back_to_the_tunnel);
    tcase_add_test(tcase, active_standby_uses_the_first_tunnel_then_the_second_then_none);
    tcase_add_test(tcase, active_active_uses_both_tunnels_and_the_one_that_is_left);
    tcase_add_test(tcase, two_circuits_use_the_near_one_until_both_its_links_are_gone);
    tcase_add_test(tcase, er_for_named_prefixes_only_and_never_for_what_is_protected);
    suite_add_tcase(suite, tcase);
    return suite;
}
