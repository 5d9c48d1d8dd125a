#include "bgpd/core/negotiate.h"

#include <string.h>

/* OpenBGPD's experience: paths in the wild stay far below; what goes beyond is an attack. */
#define AS_PATH_COUNT_MAX 1000u

#define OPEN_BAD_PEER_AS          2u
#define OPEN_BAD_IDENTIFIER       3u
#define OPEN_BAD_HOLD_TIME        6u
#define OPEN_CAPABILITY_MISSING   7u
#define OPEN_ROLE_MISMATCH        11u /* RFC 9234 4.2 */
#define GR_RESTART_TIME_S_DEFAULT 120u
#define GR_RESTART_TIME_S_MAX     4095u /* 12 bits */

uint32_t negotiate_families(const struct neighbor_settings *settings)
{
    uint32_t families = 0;
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        if (settings->merged.families[i].activate.value) {
            families |= AFI_SAFI_BIT(i);
        }
    }
    return families;
}

/* RFC 4724 3: families are listed by a speaker that keeps its own forwarding state; a mere helper
 * sends the capability without any. */
static void add_graceful_restart(const struct core *core, const struct neighbor_settings *settings,
                                 struct capabilities *capabilities)
{
    const struct config_neighbor *merged = &settings->merged;
    bool is_restarter = merged->graceful_restart.value;
    bool is_helper = merged->graceful_restart_helper_only.value;
    if (merged->graceful_restart_disable.value || (!is_restarter && !is_helper)) {
        return;
    }
    uint32_t time_s = GR_RESTART_TIME_S_DEFAULT;
    if (core->config != NULL && core->config->bgp.gr_restart_time_s.is_set) {
        time_s = core->config->bgp.gr_restart_time_s.value;
    }
    capabilities->graceful_restart = true;
    capabilities->restart_notification = core->config == NULL ||
                                         !core->config->bgp.gr_notification.is_set ||
                                         core->config->bgp.gr_notification.value;
    capabilities->restart_time_s =
        (uint16_t)(time_s > GR_RESTART_TIME_S_MAX ? GR_RESTART_TIME_S_MAX : time_s);
    /* A cover that is held back while the tunnels are dead must not be kept by somebody while we
     * are: what is inside may be gone from the tunnels' far ends by then. */
    bool is_cover_holder = core->config != NULL && core->config->bgp.cover == COVER_HOLD &&
                           settings->tunnel_number == 0;
    if (!is_helper && !is_cover_holder) {
        capabilities->gr_families = capabilities->families;
    }
    if (core->config != NULL && core->config->bgp.llgr_stale_time_s.is_set) {
        capabilities->long_lived_gr = true;
        capabilities->llgr_families = capabilities->gr_families;
        for (unsigned family = 0; family < AFI_SAFI_COUNT; family++) {
            capabilities->llgr_stale_time_s[family] = core->config->bgp.llgr_stale_time_s.value;
        }
    }
}

void negotiate_local_open(const struct core *core, const struct neighbor_settings *settings,
                          struct open_message *open_out)
{
    const struct config_neighbor *merged = &settings->merged;
    uint32_t hold_s = merged->hold_time_s.value;
    *open_out = (struct open_message){
        .asn = settings->local_asn,
        .hold_time_s = (uint16_t)(hold_s > UINT16_MAX ? UINT16_MAX : hold_s),
        .router_id = core->router_id,
        .capabilities = {.role = BGP_ROLE_NONE},
    };
    if (merged->dont_capability_negotiate.value) {
        return;
    }
    struct capabilities *capabilities = &open_out->capabilities;
    capabilities->families = negotiate_families(settings);
    capabilities->has_any_multiprotocol = capabilities->families != 0;
    capabilities->route_refresh = true;
    capabilities->enhanced_refresh = true;
    capabilities->extended_message = merged->extended_message.value;
    capabilities->as4 = true;
    capabilities->as4_asn = settings->local_asn;
    capabilities->role = (uint8_t)merged->role.value;
    if (merged->extended_next_hop.value) {
        capabilities->extended_next_hop = AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST);
    }
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        if (merged->families[i].activate.value) {
            const struct config_family *family = &merged->families[i];
            bool sends = config_add_path_mode(family) != ADD_PATH_MODE_NONE;
            capabilities->add_path[i] =
                (uint8_t)((family->add_path_receive.value ? ADD_PATH_RECEIVE : 0) |
                          (sends ? ADD_PATH_SEND : 0));
        }
    }
    add_graceful_restart(core, settings, capabilities);
}

bool negotiate_open_differs(const struct open_message *before, const struct open_message *after)
{
    const struct capabilities *a = &before->capabilities;
    const struct capabilities *b = &after->capabilities;
    return before->asn != after->asn || before->router_id != after->router_id ||
           a->families != b->families || a->route_refresh != b->route_refresh ||
           a->enhanced_refresh != b->enhanced_refresh ||
           a->extended_message != b->extended_message || a->as4 != b->as4 ||
           a->graceful_restart != b->graceful_restart || a->restart_time_s != b->restart_time_s ||
           a->gr_families != b->gr_families || a->long_lived_gr != b->long_lived_gr ||
           a->restart_notification != b->restart_notification ||
           memcmp(a->add_path, b->add_path, sizeof a->add_path) != 0 ||
           a->extended_next_hop != b->extended_next_hop || a->role != b->role;
}

static struct wire_error open_error(uint8_t subcode, const char *what)
{
    return (struct wire_error){.disposition = WIRE_SESSION_RESET,
                               .code = NOTIFICATION_OPEN,
                               .subcode = subcode,
                               .what = what};
}

static struct wire_error check_asn(const struct neighbor_settings *settings, uint32_t asn)
{
    switch ((enum remote_as_kind)settings->merged.remote_as_kind) {
    case REMOTE_AS_NUMBER:
    case REMOTE_AS_INTERNAL:
        if (asn != settings->remote_asn) {
            return open_error(OPEN_BAD_PEER_AS, "AS number is not the configured one");
        }
        return WIRE_NO_ERROR;
    case REMOTE_AS_EXTERNAL:
        if (asn == settings->local_asn) {
            return open_error(OPEN_BAD_PEER_AS, "AS number is ours, remote-as is external");
        }
        return WIRE_NO_ERROR;
    case REMOTE_AS_UNSET:
        break;
    }
    return open_error(OPEN_BAD_PEER_AS, "no remote-as is configured");
}

/* RFC 9234 4.2: each role goes with exactly one other. */
static bool roles_fit(uint8_t ours, uint8_t theirs)
{
    switch ((enum bgp_role)ours) {
    case BGP_ROLE_PROVIDER:
        return theirs == BGP_ROLE_CUSTOMER;
    case BGP_ROLE_CUSTOMER:
        return theirs == BGP_ROLE_PROVIDER;
    case BGP_ROLE_RS:
        return theirs == BGP_ROLE_RS_CLIENT;
    case BGP_ROLE_RS_CLIENT:
        return theirs == BGP_ROLE_RS;
    case BGP_ROLE_PEER:
        return theirs == BGP_ROLE_PEER;
    case BGP_ROLE_NONE:
        break;
    }
    return true;
}

static struct wire_error check_role(const struct neighbor_settings *settings, uint8_t theirs)
{
    uint8_t ours = (uint8_t)settings->merged.role.value;
    if (!settings->is_ebgp || ours == BGP_ROLE_NONE) {
        return WIRE_NO_ERROR;
    }
    if (theirs == BGP_ROLE_NONE) {
        return settings->merged.role_strict.value
                   ? open_error(OPEN_ROLE_MISMATCH, "no role, and strict mode wants one")
                   : WIRE_NO_ERROR;
    }
    return roles_fit(ours, theirs) ? WIRE_NO_ERROR
                                   : open_error(OPEN_ROLE_MISMATCH, "role does not fit ours");
}

/* A peer that sends no multiprotocol capability at all speaks IPv4 unicast (RFC 4760 8). */
static uint32_t families_of(const struct open_message *open)
{
    const struct capabilities *capabilities = &open->capabilities;
    return capabilities->has_any_multiprotocol ? capabilities->families
                                               : AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST);
}

uint32_t negotiate_common_families(const struct open_message *local,
                                   const struct open_message *remote)
{
    return families_of(local) & families_of(remote);
}

/* RFC 5492 5: the data lists what we cannot do without. */
static struct byte_view wanted_capabilities(uint32_t families, uint8_t *data)
{
    struct writer writer = writer_of(data, AFI_SAFI_COUNT * MP_CAPABILITY_BYTES);
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        if ((families & AFI_SAFI_BIT(i)) != 0) {
            writer_u8(&writer, CAPABILITY_MULTIPROTOCOL);
            writer_u8(&writer, 4);
            writer_u16(&writer, afi_safi_afi((enum afi_safi)i));
            writer_u8(&writer, 0);
            writer_u8(&writer, SAFI_UNICAST);
        }
    }
    return (struct byte_view){data, writer_size(&writer)};
}

struct wire_error negotiate_check_open(const struct core *core,
                                       const struct neighbor_settings *settings,
                                       const struct open_message *local,
                                       const struct open_message *remote,
                                       uint8_t data_out[AFI_SAFI_COUNT * MP_CAPABILITY_BYTES])
{
    struct wire_error error = check_asn(settings, remote->asn);
    if (error.disposition != WIRE_ACCEPT) {
        return error;
    }
    /* RFC 6286 2.1: between different ASes equal identifiers are fine. */
    if (remote->router_id == 0 ||
        (remote->asn == local->asn && remote->router_id == local->router_id)) {
        return open_error(OPEN_BAD_IDENTIFIER, "BGP identifier is ours");
    }
    struct opt_u32 hold_min = core->config->bgp.minimum_hold_time_s;
    if (hold_min.is_set && remote->hold_time_s != 0 && remote->hold_time_s < hold_min.value) {
        return open_error(OPEN_BAD_HOLD_TIME, "hold time is below our minimum");
    }
    error = check_role(settings, remote->capabilities.role);
    if (error.disposition == WIRE_ACCEPT && negotiate_common_families(local, remote) == 0) {
        error = open_error(OPEN_CAPABILITY_MISSING, "no address family in common");
        error.data = wanted_capabilities(families_of(local), data_out);
    }
    return error;
}

void negotiate_update_options(const struct core *core, const struct neighbor_settings *settings,
                              const struct open_message *local, const struct open_message *remote,
                              struct update_options *options_out)
{
    const struct capabilities *ours = &local->capabilities;
    const struct capabilities *theirs = &remote->capabilities;
    uint32_t families = negotiate_common_families(local, remote);
    /* RFC 8654 4: of what is sent. What is taken may be long as soon as we said so. */
    bool is_extended = ours->extended_message && theirs->extended_message;
    *options_out = (struct update_options){
        .as4 = ours->as4 && theirs->as4,
        .is_ebgp = settings->is_ebgp,
        .reject_as_sets = core->config->bgp.reject_as_sets,
        .families = families,
        .extended_next_hop = ours->extended_next_hop & theirs->extended_next_hop & families,
        .message_bytes_max = is_extended ? BGP_EXTENDED_MESSAGE_BYTES_MAX : BGP_MESSAGE_BYTES_MAX,
        .as_path_count_max = AS_PATH_COUNT_MAX,
    };
    for (int i = 0; i < AFI_SAFI_COUNT; i++) {
        if ((families & AFI_SAFI_BIT(i)) == 0) {
            continue;
        }
        if ((ours->add_path[i] & ADD_PATH_RECEIVE) && (theirs->add_path[i] & ADD_PATH_SEND)) {
            options_out->add_path_receive |= AFI_SAFI_BIT(i);
        }
        if ((ours->add_path[i] & ADD_PATH_SEND) && (theirs->add_path[i] & ADD_PATH_RECEIVE)) {
            options_out->add_path_send |= AFI_SAFI_BIT(i);
        }
    }
}

uint32_t negotiate_hold_time_s(const struct open_message *local, const struct open_message *remote)
{
    return local->hold_time_s < remote->hold_time_s ? local->hold_time_s : remote->hold_time_s;
}

struct mono_span negotiate_keepalive(uint32_t hold_time_s, uint32_t configured_s)
{
    if (hold_time_s == 0) {
        return MONO_SPAN_NONE;
    }
    int64_t third_ms = (int64_t)hold_time_s * 1000 / 3;
    int64_t wanted_ms = (int64_t)configured_s * 1000;
    int64_t span_ms = wanted_ms != 0 && wanted_ms < third_ms ? wanted_ms : third_ms;
    return mono_span_ms(span_ms < 1000 ? 1000 : span_ms);
}
