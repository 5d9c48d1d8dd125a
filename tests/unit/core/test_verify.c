/* The judgement on a packet's way, for what a kernel may answer. */
#include "bgpd/core/verify.h"

#include "tests/unit/core/kernel_model.h"
#include "tests/unit/unit.h"

static struct kernel_path path;
static struct verify_result result;
static struct model *model;

static void up(void)
{
    model = mission_up(40);
}

static void down(void)
{
    model_free(model);
}

static void path_begin(const char *destination)
{
    memset(&path, 0, sizeof path);
    path.destination = addr_of(destination);
    path.xfrm = KERNEL_XFRM_READ;
    path.has_route = true;
    path.route.prefix = prefix_of("10.51.231.0/24");
    path.route.protocol = MODEL_OURS;
}

static void path_hop(uint32_t ifindex, bool is_chosen)
{
    path.hops[path.hop_count++] =
        (struct kernel_hop){.leg = {.ifindex = ifindex, .weight = 1}, .is_chosen = is_chosen};
}

static struct kernel_xfrm_policy *path_policy(uint32_t if_id, uint32_t spi)
{
    struct kernel_xfrm_policy *policy = &path.policies[path.policy_count++];
    *policy = (struct kernel_xfrm_policy){
        .if_id = if_id, .remote = addr_of("10.51.230.4"), .outbound_sa_spi = spi};
    return policy;
}

static enum verify_verdict verdict(void)
{
    core_verify_path(model->top->core, &path, &result);
    return result.verdict;
}

START_TEST(an_association_for_every_way_is_protected)
{
    path_begin("10.51.231.10");
    path_hop(IPSEC0, true);
    path_hop(IPSEC1, false);
    path_policy(0, 0xc0ffee01);
    ck_assert_int_eq(verdict(), VERIFY_PROTECTED);
    ck_assert_uint_eq(result.hop_count, 2);
    ck_assert_uint_eq(result.hops[0].tunnel_number, 1);
    ck_assert_ptr_nonnull(strstr(result.hops[0].encryption, "0xc0ffee01"));
    ck_assert(result.is_guard_installed);
    ck_assert(result.is_route_ours);
    ck_assert_uint_eq(result.protection.len_bits, 23);
    ck_assert_uint_eq(result.required_classes, PATH_CLASS_BIT(PATH_CLASS_IPSEC));
}
END_TEST

START_TEST(without_policy_or_association_an_xfrm_interface_lets_nothing_out)
{
    path_begin("10.51.231.10");
    path_hop(IPSEC0, true);
    ck_assert_int_eq(verdict(), VERIFY_BLOCKED);
    ck_assert(result.hops[0].is_dropped);
    path_policy(0, 0);
    ck_assert_int_eq(verdict(), VERIFY_BLOCKED);
    ck_assert_ptr_nonnull(strstr(result.hops[0].encryption, "without an SA"));
    path.policies[0].if_id = 99; /* of another interface */
    path.policies[0].outbound_sa_spi = 7;
    ck_assert_int_eq(verdict(), VERIFY_BLOCKED);
}
END_TEST

START_TEST(one_clear_way_among_several_is_exposure)
{
    path_begin("10.51.231.10");
    path_hop(IPSEC0, true);
    path_hop(ER1, false);
    ck_assert_int_eq(verdict(), VERIFY_EXPOSED);
    ck_assert_ptr_nonnull(strstr(result.text, "10.51.231.10"));
    path.hops[1].leg.ifindex = 77; /* nobody knows this interface: clear until proven otherwise */
    ck_assert_int_eq(verdict(), VERIFY_EXPOSED);
}
END_TEST

START_TEST(a_policy_on_a_clear_interface_protects)
{
    path_begin("10.51.231.10");
    path_hop(ER1, true);
    struct kernel_xfrm_policy *policy = path_policy(0, 0x100);
    ck_assert_int_eq(verdict(), VERIFY_PROTECTED);
    policy->is_bypass = true;
    ck_assert_int_eq(verdict(), VERIFY_EXPOSED);
    policy->is_bypass = false;
    policy->outbound_sa_spi = 0;
    ck_assert_int_eq(verdict(), VERIFY_BLOCKED);
    policy->is_block = true;
    ck_assert_int_eq(verdict(), VERIFY_BLOCKED);
    ck_assert_ptr_nonnull(strstr(result.hops[0].encryption, "blocks"));
    policy->if_id = 3; /* takes packets of XFRM interfaces only */
    ck_assert_int_eq(verdict(), VERIFY_EXPOSED);
}
END_TEST

START_TEST(a_kernel_without_xfrm_is_said_and_not_a_failure)
{
    path_begin("10.51.231.10");
    path.xfrm = KERNEL_XFRM_ABSENT;
    path_hop(IPSEC0, true);
    ck_assert_int_eq(verdict(), VERIFY_PROTECTED);
    ck_assert_ptr_nonnull(strstr(result.hops[0].encryption, "XFRM"));
    path_hop(ER1, false);
    ck_assert_int_eq(verdict(), VERIFY_EXPOSED);
    ck_assert_ptr_nonnull(strstr(result.hops[1].encryption, "no XFRM"));
}
END_TEST

START_TEST(an_endpoint_may_travel_the_underlay)
{
    path_begin("10.51.230.4");
    path_hop(ER1, true);
    ck_assert_int_eq(verdict(), VERIFY_ENDPOINT);
    ck_assert_uint_eq(result.endpoint_of, 1);
    path_begin("10.51.230.6");
    path_hop(ER1, true);
    ck_assert_int_eq(verdict(), VERIFY_EXPOSED);
}
END_TEST

START_TEST(what_needs_no_protection_is_clear_or_encrypted)
{
    path_begin("10.60.1.1");
    path_hop(ER1, true);
    ck_assert_int_eq(verdict(), VERIFY_CLEAR);
    ck_assert(!result.is_protected);
    path.hops[0].leg.ifindex = IPSEC0;
    path_policy(0, 1);
    ck_assert_int_eq(verdict(), VERIFY_ENCRYPTED);
}
END_TEST

START_TEST(nowhere_here_and_unknown)
{
    path_begin("10.51.231.10");
    path.route_error = EHOSTUNREACH;
    ck_assert_int_eq(verdict(), VERIFY_BLOCKED);
    ck_assert_ptr_nonnull(strstr(result.text, "unreachable"));
    path.route_error = EINVAL;
    ck_assert_int_eq(verdict(), VERIFY_BLOCKED);
    ck_assert_ptr_nonnull(strstr(result.text, "blackhole"));
    path.route_error = 0;
    path.is_local = true;
    ck_assert_int_eq(verdict(), VERIFY_LOCAL);
    path.error = EPERM;
    ck_assert_int_eq(verdict(), VERIFY_UNKNOWN);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("verify");
    TCase *tcase = tcase_create("verify");
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, up, down);
    tcase_add_test(tcase, an_association_for_every_way_is_protected);
    tcase_add_test(tcase, without_policy_or_association_an_xfrm_interface_lets_nothing_out);
    tcase_add_test(tcase, one_clear_way_among_several_is_exposure);
    tcase_add_test(tcase, a_policy_on_a_clear_interface_protects);
    tcase_add_test(tcase, a_kernel_without_xfrm_is_said_and_not_a_failure);
    tcase_add_test(tcase, an_endpoint_may_travel_the_underlay);
    tcase_add_test(tcase, what_needs_no_protection_is_clear_or_encrypted);
    tcase_add_test(tcase, nowhere_here_and_unknown);
    suite_add_tcase(suite, tcase);
    return suite;
}
