#include "bgpd/io/kernel_query.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgpd/io/fib_message.h"
#include "bgpd/io/netlink_walk.h"
#include "bgpd/io/xfrm_message.h"
#include "proto/base/mem.h"

#define ANSWER_TIMEOUT_MS 500
#define DATAGRAM_BYTES    65536u
#define REQUEST_BYTES     256u
/* Of one account of policies or associations: tens of thousands of them. */
#define DATAGRAMS_MAX 512u

struct question {
    int fd;
    uint32_t sequence;
    _Alignas(8) uint8_t request[REQUEST_BYTES];
    _Alignas(8) uint8_t answer[DATAGRAM_BYTES];
};

static bool question_open(struct question *question, int protocol)
{
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK};
    question->sequence = 0;
    question->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (question->fd < 0) {
        return false;
    }
    if (bind(question->fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        int error = errno;
        close(question->fd);
        errno = error;
        return false;
    }
    return true;
}

/* One datagram of the answer; its size, or a negative errno. */
static ssize_t receive(struct question *question)
{
    struct pollfd ready = {.fd = question->fd, .events = POLLIN};
    int count = poll(&ready, 1, ANSWER_TIMEOUT_MS);
    if (count <= 0) {
        return count == 0 ? -ETIMEDOUT : -errno;
    }
    ssize_t got = recv(question->fd, question->answer, sizeof question->answer, 0);
    return got < 0 ? -errno : got;
}

/* Sends the request and takes its one answer. 0 with *message_out, or the errno of the answer. */
static int ask(struct question *question, const struct nlmsghdr **message_out)
{
    struct nlmsghdr *request = (struct nlmsghdr *)question->request;
    request->nlmsg_seq = ++question->sequence;
    if (send(question->fd, request, request->nlmsg_len, 0) < 0) {
        return errno;
    }
    ssize_t got = receive(question);
    const struct nlmsghdr *message = (const struct nlmsghdr *)question->answer;
    if (got < 0) {
        return (int)-got;
    }
    if (!netlink_message_ok(message, (int)got) || message->nlmsg_seq != question->sequence) {
        return EPROTO;
    }
    if (message->nlmsg_type == NLMSG_ERROR) {
        const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
        bool is_whole = mnl_nlmsg_get_payload_len(message) >= sizeof *error;
        return !is_whole || error->error == 0 ? EPROTO : -error->error;
    }
    *message_out = message;
    return 0;
}

/* ---- Routes ---- */

struct route_question {
    const struct ip_addr *destination;
    const struct ip_addr *source; /* IP_NONE: none */
    uint32_t iif;
    bool wants_entry; /* what is in the table, instead of what becomes of the packet */
};

static int ask_route(struct question *question, const struct route_question *what,
                     const struct nlmsghdr **message_out)
{
    struct nlmsghdr *request = mnl_nlmsg_put_header(question->request);
    request->nlmsg_type = RTM_GETROUTE;
    request->nlmsg_flags = NLM_F_REQUEST;
    struct rtmsg *header = mnl_nlmsg_put_extra_header(request, sizeof *header);
    memset(header, 0, sizeof *header);
    bool is_six = what->destination->family == IP_V6;
    header->rtm_family = is_six ? AF_INET6 : AF_INET;
    header->rtm_dst_len = ip_family_bits(what->destination->family);
    header->rtm_flags = RTM_F_LOOKUP_TABLE | (what->wants_entry ? RTM_F_FIB_MATCH : 0);
    mnl_attr_put(request, RTA_DST, ip_family_bytes(what->destination->family),
                 what->destination->bytes);
    if (what->source->family != IP_NONE) {
        header->rtm_src_len = ip_family_bits(what->source->family);
        mnl_attr_put(request, RTA_SRC, ip_family_bytes(what->source->family), what->source->bytes);
    }
    if (what->iif != 0) {
        mnl_attr_put_u32(request, RTA_IIF, what->iif);
    }
    return ask(question, message_out);
}

struct route_answer {
    uint8_t type; /* RTN_ */
    uint32_t oif;
    struct ip_addr gateway;
    struct ip_addr source;
};

static struct ip_addr via_addr(const struct nlattr *attr)
{
    size_t size = mnl_attr_get_payload_len(attr);
    return size <= 2 ? (struct ip_addr){.family = IP_NONE}
                     : ip_from_bytes((const uint8_t *)mnl_attr_get_payload(attr) + 2, size - 2);
}

static int read_route_attr(const struct nlattr *attr, void *data)
{
    struct route_answer *answer = data;
    size_t size = mnl_attr_get_payload_len(attr);
    switch (mnl_attr_get_type(attr)) {
    case RTA_OIF:
        answer->oif = size == sizeof(uint32_t) ? mnl_attr_get_u32(attr) : 0;
        break;
    case RTA_GATEWAY:
        answer->gateway = ip_from_bytes(mnl_attr_get_payload(attr), size);
        break;
    case RTA_VIA:
        answer->gateway = via_addr(attr);
        break;
    case RTA_PREFSRC:
        answer->source = ip_from_bytes(mnl_attr_get_payload(attr), size);
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

static bool read_route(const struct nlmsghdr *message, struct route_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    if (message->nlmsg_type != RTM_NEWROUTE ||
        mnl_nlmsg_get_payload_len(message) < sizeof(struct rtmsg) ||
        mnl_attr_parse(message, sizeof(struct rtmsg), read_route_attr, answer) < MNL_CB_STOP) {
        return false;
    }
    answer->type = ((const struct rtmsg *)mnl_nlmsg_get_payload(message))->rtm_type;
    return true;
}

/* IPv6 answers with a route of the refusing type where IPv4 answers with an error. */
static int type_error(uint8_t type)
{
    switch (type) {
    case RTN_UNREACHABLE:
        return EHOSTUNREACH;
    case RTN_BLACKHOLE:
        return EINVAL;
    case RTN_PROHIBIT:
        return EACCES;
    case RTN_THROW:
        return ENETUNREACH;
    default:
        return 0;
    }
}

static void add_hop(struct kernel_path *path, const struct fib_leg *leg)
{
    for (uint8_t i = 0; i < path->hop_count; i++) {
        if (path->hops[i].leg.ifindex == leg->ifindex &&
            ip_equal(&path->hops[i].leg.gateway, &leg->gateway)) {
            return;
        }
    }
    if (path->hop_count < FIB_LEGS_MAX) {
        path->hops[path->hop_count++].leg = *leg;
    }
}

static bool ask_nexthop(struct question *question, uint32_t id, struct fib_nexthop *out)
{
    struct nlmsghdr *request = mnl_nlmsg_put_header(question->request);
    const struct nlmsghdr *message;
    struct kernel_nexthop_event event;
    request->nlmsg_type = RTM_GETNEXTHOP;
    request->nlmsg_flags = NLM_F_REQUEST;
    struct nhmsg *header = mnl_nlmsg_put_extra_header(request, sizeof *header);
    memset(header, 0, sizeof *header);
    mnl_attr_put_u32(request, NHA_ID, id);
    if (ask(question, &message) != 0 || !fib_message_parse_nexthop(message, 0, &event)) {
        return false;
    }
    *out = event.nexthop;
    return true;
}

static void add_object(struct question *question, uint32_t id, struct kernel_path *path)
{
    struct fib_nexthop object;
    if (!ask_nexthop(question, id, &object)) {
        return;
    }
    if (object.member_count == 0 && !object.is_blackhole) {
        add_hop(path, &object.leg);
    }
    for (uint8_t i = 0; i < object.member_count; i++) {
        struct fib_nexthop member;
        if (!fib_member_waits(&object, i) && ask_nexthop(question, object.members[i], &member) &&
            !member.is_blackhole) {
            add_hop(path, &member.leg);
        }
    }
}

/* All ways of the entry: which of them a packet takes hangs on a hash of its ports. */
static void ask_entry(struct question *question, struct route_question *what,
                      struct kernel_path *path)
{
    const struct nlmsghdr *message;
    struct kernel_route_event event;
    what->wants_entry = true;
    if (ask_route(question, what, &message) != 0 || !fib_message_parse_route(message, &event)) {
        return;
    }
    path->has_route = true;
    path->route = event.route;
    for (uint8_t i = 0; i < event.route.leg_count; i++) {
        add_hop(path, &event.route.legs[i]);
    }
    if (event.route.nexthop_object != 0) {
        add_object(question, event.route.nexthop_object, path);
    }
}

/* Where a packet from source comes in; 0 when source is ours, with *error_out when nowhere. */
static uint32_t incoming_interface(struct question *question, const struct ip_addr *source,
                                   int *error_out)
{
    static const struct ip_addr nobody = {.family = IP_NONE};
    struct route_question what = {.destination = source, .source = &nobody};
    const struct nlmsghdr *message;
    struct route_answer answer;
    *error_out = ask_route(question, &what, &message);
    if (*error_out != 0 || !read_route(message, &answer)) {
        return 0;
    }
    *error_out = type_error(answer.type);
    return answer.type == RTN_LOCAL ? 0 : answer.oif;
}

static void query_route(struct question *question, struct kernel_path *path)
{
    struct route_question what = {.destination = &path->destination, .source = &path->source};
    const struct nlmsghdr *message;
    struct route_answer answer;
    if (path->source.family != IP_NONE) {
        what.iif = incoming_interface(question, &path->source, &path->error);
        if (path->error != 0) {
            return;
        }
    }
    int error = ask_route(question, &what, &message);
    if (error != 0) {
        path->route_error = error;
        return;
    }
    if (!read_route(message, &answer)) {
        path->error = EPROTO;
        return;
    }
    path->route_error = type_error(answer.type);
    path->is_local = answer.type == RTN_LOCAL || answer.type == RTN_BROADCAST;
    if (path->source.family == IP_NONE) {
        path->source = answer.source;
    }
    if (!path->is_local) {
        ask_entry(question, &what, path);
    }
    if (!path->is_local && path->route_error == 0) {
        struct fib_leg chosen = {.gateway = answer.gateway, .ifindex = answer.oif, .weight = 1};
        add_hop(path, &chosen);
        for (uint8_t i = 0; i < path->hop_count; i++) {
            struct kernel_hop *hop = &path->hops[i];
            hop->is_chosen =
                hop->leg.ifindex == answer.oif && ip_equal(&hop->leg.gateway, &answer.gateway);
        }
    }
}

/* ---- XFRM ---- */

struct policy_search {
    struct kernel_path *path;
    struct xfrm_policy items[KERNEL_XFRM_POLICIES_MAX];
};

/* Best priority first, the oldest first among equals; the worst falls off. */
static void keep_policy(struct policy_search *search, const struct xfrm_policy *policy)
{
    struct kernel_path *path = search->path;
    uint8_t at = path->policy_count;
    while (at > 0 && search->items[at - 1].priority > policy->priority) {
        at--;
    }
    if (at == KERNEL_XFRM_POLICIES_MAX) {
        return;
    }
    uint8_t kept = path->policy_count < KERNEL_XFRM_POLICIES_MAX ? path->policy_count
                                                                 : KERNEL_XFRM_POLICIES_MAX - 1;
    memmove(&search->items[at + 1], &search->items[at], (kept - at) * sizeof search->items[0]);
    search->items[at] = *policy;
    path->policy_count = (uint8_t)(kept + 1);
}

static void on_policy(const struct nlmsghdr *message, void *context)
{
    struct policy_search *search = context;
    const struct kernel_path *path = search->path;
    struct xfrm_policy policy;
    if (xfrm_message_parse_policy(message, &policy) && policy.is_outbound &&
        prefix_contains_ip(&policy.destination, &path->destination) &&
        (path->source.family == IP_NONE || prefix_contains_ip(&policy.source, &path->source))) {
        keep_policy(search, &policy);
    }
}

static void on_sa(const struct nlmsghdr *message, void *context)
{
    struct policy_search *search = context;
    struct xfrm_change change;
    if (!xfrm_message_parse(message, &change) || change.kind != XFRM_SA_PUT) {
        return;
    }
    for (uint8_t i = 0; i < search->path->policy_count; i++) {
        const struct xfrm_policy *policy = &search->items[i];
        if (change.sa.if_id == policy->if_id &&
            (policy->remote.family == IP_NONE ||
             ip_equal(&policy->remote, &change.sa.destination))) {
            search->path->policies[i].outbound_sa_spi = change.sa.spi;
        }
    }
}

/* Hands take all messages of one account. 0, or an errno. */
static int dump(struct question *question, uint16_t type,
                void (*take)(const struct nlmsghdr *message, void *context), void *context)
{
    struct nlmsghdr *request = (struct nlmsghdr *)question->request;
    xfrm_message_dump_request(question->request, ++question->sequence);
    request->nlmsg_type = type;
    if (send(question->fd, request, request->nlmsg_len, 0) < 0) {
        return errno;
    }
    for (uint32_t i = 0; i < DATAGRAMS_MAX; i++) {
        ssize_t got = receive(question);
        if (got < 0) {
            return (int)-got;
        }
        int left = (int)got;
        for (const struct nlmsghdr *message = (const struct nlmsghdr *)question->answer;
             netlink_message_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            if (message->nlmsg_seq != question->sequence) {
                continue; /* the rest of an account that was cut off */
            }
            if (message->nlmsg_type == NLMSG_DONE) {
                return 0;
            }
            if (message->nlmsg_type == NLMSG_ERROR) {
                const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
                return mnl_nlmsg_get_payload_len(message) < sizeof *error ? EPROTO : -error->error;
            }
            take(message, context);
        }
    }
    return E2BIG;
}

static void query_xfrm(struct question *question, struct kernel_path *path)
{
    struct policy_search search = {.path = path};
    if (!question_open(question, NETLINK_XFRM)) {
        bool is_absent = errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT;
        path->xfrm = is_absent ? KERNEL_XFRM_ABSENT : KERNEL_XFRM_FAILED;
        path->xfrm_error = errno;
        return;
    }
    path->xfrm_error = dump(question, XFRM_MSG_GETPOLICY, on_policy, &search);
    for (uint8_t i = 0; i < path->policy_count; i++) {
        const struct xfrm_policy *policy = &search.items[i];
        path->policies[i] = (struct kernel_xfrm_policy){.if_id = policy->if_id,
                                                        .priority = policy->priority,
                                                        .is_block = policy->is_block,
                                                        .is_bypass = policy->is_bypass,
                                                        .remote = policy->remote};
    }
    if (path->xfrm_error == 0 && path->policy_count != 0) {
        path->xfrm_error = dump(question, XFRM_MSG_GETSA, on_sa, &search);
    }
    path->xfrm = path->xfrm_error == 0 ? KERNEL_XFRM_READ : KERNEL_XFRM_FAILED;
    close(question->fd);
}

void kernel_query_path(const struct ip_addr *destination, const struct ip_addr *source,
                       struct kernel_path *path_out)
{
    struct question *question = mem_alloc(MEM_IO, sizeof *question);
    memset(path_out, 0, sizeof *path_out);
    path_out->destination = *destination;
    path_out->source = *source;
    if (!question_open(question, NETLINK_ROUTE)) {
        path_out->error = errno;
    } else {
        query_route(question, path_out);
        close(question->fd);
    }
    if (path_out->error == 0) {
        query_xfrm(question, path_out);
    }
    mem_free(MEM_IO, question);
}
