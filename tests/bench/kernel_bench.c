/* The kernel's side of the benchmarks, inside the namespace of the daemon under test.
 *
 *   kernel_bench fill --prefixes 1000000 --gateway 10.9.0.2 --dev d0
 *     The bare sender: installs the table on one next-hop group as fast as netlink takes it.
 *   kernel_bench wait --prefixes 1000000 --gateway 10.9.0.2 --source 10.9.0.1
 *       [--samples 4096] [--every-us 200]
 *     Says when packets to sampled prefixes of the table leave from source, our address on the
 *     gateway's link, then reads all routes and says when every prefix has the gateway.
 *
 * Prints lines of JSON; times are of CLOCK_MONOTONIC, so that another program's can be taken off.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/mem.h"
#include "tests/bench/table.h"

#define BATCH_BYTES   65536u
#define MESSAGE_BYTES 256u
#define OBJECTS_MAX   4096u
#define OBJECT_MEMBER 900001u
#define OBJECT_GROUP  900002u
#define METRIC        20u
#define GIVE_UP_S     240.0

struct kernel {
    struct mnl_socket *socket;
    uint32_t sequence;
    struct table table;
    /* Next-hop objects: what their packets leave by; groups stand for their first member. */
    struct {
        uint32_t id;
        uint32_t member;
        uint32_t gateway_be;
    } objects[OBJECTS_MAX];
    uint32_t object_count;
    uint32_t gateway_be;
    uint32_t source_be; /* our address on the gateway's link */
    uint32_t right_count;
};

_Alignas(8) static uint8_t buffer[BATCH_BYTES + MESSAGE_BYTES];

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "kernel_bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void say(const char *what, uint32_t count)
{
    printf("{\"%s\":%u,\"now_s\":%.6f}\n", what, count, now_s());
    fflush(stdout);
}

/* Sends what buffer holds and reads answers to the callback until the last is acknowledged or
 * a dump ends. Returns false with errno when the kernel refused. */
static bool exchange(struct kernel *kernel, size_t size, mnl_cb_t answer, uint32_t last)
{
    static _Alignas(8) uint8_t answers[1 << 18];
    if (mnl_socket_sendto(kernel->socket, buffer, size) < 0) {
        die("netlink send");
    }
    for (;;) {
        ssize_t got = mnl_socket_recvfrom(kernel->socket, answers, sizeof answers);
        if (got < 0) {
            die("netlink receive");
        }
        int state = mnl_cb_run(answers, (size_t)got, last, 0, answer, kernel);
        if (state <= MNL_CB_STOP) {
            return state == MNL_CB_STOP;
        }
    }
}

static struct nlmsghdr *put_message(struct kernel *kernel, uint8_t *at, uint16_t type,
                                    uint16_t flags, size_t head_bytes)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(at);
    message->nlmsg_type = type;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    message->nlmsg_seq = ++kernel->sequence;
    memset(mnl_nlmsg_put_extra_header(message, head_bytes), 0, head_bytes);
    return message;
}

/* ---- The bare sender ---- */

static void make_objects(struct kernel *kernel, uint32_t ifindex)
{
    struct nlmsghdr *message =
        put_message(kernel, buffer, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_ACK, sizeof(struct nhmsg));
    ((struct nhmsg *)mnl_nlmsg_get_payload(message))->nh_family = AF_INET;
    mnl_attr_put_u32(message, NHA_ID, OBJECT_MEMBER);
    mnl_attr_put_u32(message, NHA_OIF, ifindex);
    mnl_attr_put_u32(message, NHA_GATEWAY, kernel->gateway_be);
    if (!exchange(kernel, message->nlmsg_len, NULL, kernel->sequence)) {
        die("next-hop object");
    }
    struct nexthop_grp member = {.id = OBJECT_MEMBER};
    message =
        put_message(kernel, buffer, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_ACK, sizeof(struct nhmsg));
    mnl_attr_put_u32(message, NHA_ID, OBJECT_GROUP);
    mnl_attr_put(message, NHA_GROUP, sizeof member, &member);
    if (!exchange(kernel, message->nlmsg_len, NULL, kernel->sequence)) {
        die("next-hop group");
    }
}

static size_t put_route(struct kernel *kernel, uint8_t *at, const struct table_prefix *prefix)
{
    struct nlmsghdr *message =
        put_message(kernel, at, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(struct rtmsg));
    struct rtmsg *head = mnl_nlmsg_get_payload(message);
    head->rtm_family = AF_INET;
    head->rtm_dst_len = prefix->len_bits;
    head->rtm_table = RT_TABLE_MAIN;
    head->rtm_protocol = RTPROT_STATIC;
    head->rtm_type = RTN_UNICAST;
    mnl_attr_put_u32(message, RTA_DST, htonl(prefix->addr));
    mnl_attr_put_u32(message, RTA_PRIORITY, METRIC);
    mnl_attr_put_u32(message, RTA_NH_ID, OBJECT_GROUP);
    return mnl_nlmsg_size(mnl_nlmsg_get_payload_len(message));
}

static void fill(struct kernel *kernel, uint32_t ifindex)
{
    make_objects(kernel, ifindex);
    double start = now_s();
    for (uint32_t i = 0; i < kernel->table.prefix_count;) {
        size_t size = 0;
        uint8_t *last = buffer;
        for (; i < kernel->table.prefix_count && size < BATCH_BYTES; i++) {
            last = buffer + size;
            size += put_route(kernel, last, &kernel->table.prefixes[i]);
        }
        ((struct nlmsghdr *)last)->nlmsg_flags |= NLM_F_ACK;
        if (!exchange(kernel, size, NULL, kernel->sequence)) {
            die("route");
        }
    }
    printf("{\"fill_s\":%.4f}\n", now_s() - start);
}

/* ---- The watcher ---- */

static int index_attr(const struct nlattr *attr, void *data)
{
    const struct nlattr **index = data;
    if (mnl_attr_get_type(attr) <= RTA_MAX) {
        index[mnl_attr_get_type(attr)] = attr;
    }
    return MNL_CB_OK;
}

/* Packets to it take this very prefix: nothing of the table lies inside it or around it. */
static bool is_lonely(const struct table *table, const struct table_prefix *prefix)
{
    for (uint8_t length = 8; length < 24; length++) {
        uint32_t mask = ~UINT32_C(0) << (32 - length);
        if (table_find(table, prefix->addr & mask, length) != UINT32_MAX) {
            return false;
        }
    }
    return prefix->len_bits == 24;
}

/* Asks as a program would: which address of ours would packets to it carry? That takes no lock a
 * daemon that installs routes could hold. */
static bool leaves_right(const struct kernel *kernel, uint32_t addr)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    socklen_t size = sizeof from;
    to.sin_addr.s_addr = htonl(addr + 1);
    bool is_right = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
                    getsockname(fd, (struct sockaddr *)&from, &size) == 0 &&
                    from.sin_addr.s_addr == kernel->source_be;
    close(fd);
    return is_right;
}

/* Addresses of up to *count lonely prefixes, evenly spread. */
static uint32_t *choose_samples(const struct table *table, uint32_t *count)
{
    uint32_t *samples = mem_alloc(MEM_MISC, *count * sizeof *samples);
    uint32_t step = table->prefix_count / *count + 1;
    *count = 0;
    for (uint32_t place = step - 1; place < table->prefix_count; place += step) {
        uint32_t at = place;
        while (at < table->prefix_count && !is_lonely(table, &table->prefixes[at])) {
            at++;
        }
        if (at < table->prefix_count) {
            samples[(*count)++] = table->prefixes[at].addr;
        }
    }
    return samples;
}

static void wait_for_samples(const struct kernel *kernel, const uint32_t *samples, uint32_t count,
                             useconds_t every_us)
{
    double start = now_s();
    for (uint32_t i = 0; i < count; i++) {
        while (!leaves_right(kernel, samples[i])) {
            usleep(every_us);
            if (now_s() - start > GIVE_UP_S) {
                errno = ETIMEDOUT;
                die("packets do not leave by the gateway");
            }
        }
    }
    say("samples", count);
}

static int note_object(const struct nlmsghdr *message, void *data)
{
    struct kernel *kernel = data;
    const struct nlattr *index[RTA_MAX + 1] = {NULL};
    mnl_attr_parse(message, sizeof(struct nhmsg), index_attr, index);
    if (index[NHA_ID] == NULL || kernel->object_count == OBJECTS_MAX) {
        return MNL_CB_OK;
    }
    uint32_t at = kernel->object_count++;
    kernel->objects[at].id = mnl_attr_get_u32(index[NHA_ID]);
    kernel->objects[at].gateway_be =
        index[NHA_GATEWAY] == NULL ? 0 : mnl_attr_get_u32(index[NHA_GATEWAY]);
    kernel->objects[at].member =
        index[NHA_GROUP] == NULL
            ? 0
            : ((const struct nexthop_grp *)mnl_attr_get_payload(index[NHA_GROUP]))->id;
    return MNL_CB_OK;
}

static uint32_t object_gateway(const struct kernel *kernel, uint32_t id)
{
    for (uint32_t i = 0; i < kernel->object_count; i++) {
        if (kernel->objects[i].id == id) {
            return kernel->objects[i].member == 0
                       ? kernel->objects[i].gateway_be
                       : object_gateway(kernel, kernel->objects[i].member);
        }
    }
    return 0;
}

static int note_route(const struct nlmsghdr *message, void *data)
{
    struct kernel *kernel = data;
    const struct rtmsg *head = mnl_nlmsg_get_payload(message);
    const struct nlattr *index[RTA_MAX + 1] = {NULL};
    mnl_attr_parse(message, sizeof *head, index_attr, index);
    if (index[RTA_DST] == NULL || head->rtm_table != RT_TABLE_MAIN ||
        table_find(&kernel->table, ntohl(mnl_attr_get_u32(index[RTA_DST])), head->rtm_dst_len) ==
            UINT32_MAX) {
        return MNL_CB_OK;
    }
    uint32_t gateway_be = 0;
    if (index[RTA_GATEWAY] != NULL) {
        gateway_be = mnl_attr_get_u32(index[RTA_GATEWAY]);
    } else if (index[RTA_NH_ID] != NULL) {
        gateway_be = object_gateway(kernel, mnl_attr_get_u32(index[RTA_NH_ID]));
    }
    kernel->right_count += gateway_be == kernel->gateway_be;
    return MNL_CB_OK;
}

static void dump(struct kernel *kernel, uint16_t type, size_t head_bytes, mnl_cb_t answer)
{
    struct nlmsghdr *message = put_message(kernel, buffer, type, NLM_F_DUMP, head_bytes);
    *(uint8_t *)mnl_nlmsg_get_payload(message) = type == RTM_GETROUTE ? AF_INET : AF_UNSPEC;
    if (!exchange(kernel, message->nlmsg_len, answer, kernel->sequence) && errno != EINTR) {
        die("dump"); /* EINTR: the table changed meanwhile; it is read again. */
    }
}

static void wait_for_all(struct kernel *kernel)
{
    double start = now_s();
    do {
        kernel->object_count = 0;
        kernel->right_count = 0;
        dump(kernel, RTM_GETNEXTHOP, sizeof(struct nhmsg), note_object);
        dump(kernel, RTM_GETROUTE, sizeof(struct rtmsg), note_route);
        if (now_s() - start > GIVE_UP_S) {
            fprintf(stderr, "kernel_bench: %u of %u routes are right\n", kernel->right_count,
                    kernel->table.prefix_count);
            exit(1);
        }
    } while (kernel->right_count != kernel->table.prefix_count);
    say("right", kernel->right_count);
}

int main(int argc, char **argv)
{
    static struct kernel kernel;
    uint32_t prefixes = 100000;
    uint32_t sample_count = 256;
    useconds_t every_us = 200;
    unsigned ifindex = 0;
    for (int i = 2; i + 1 < argc; i += 2) {
        uint32_t number = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--prefixes") == 0) {
            prefixes = number;
        } else if (strcmp(argv[i], "--samples") == 0) {
            sample_count = number;
        } else if (strcmp(argv[i], "--every-us") == 0) {
            every_us = number;
        } else if (strcmp(argv[i], "--dev") == 0) {
            ifindex = if_nametoindex(argv[i + 1]);
        } else if (strcmp(argv[i], "--gateway") == 0) {
            inet_pton(AF_INET, argv[i + 1], &kernel.gateway_be);
        } else if (strcmp(argv[i], "--source") == 0) {
            inet_pton(AF_INET, argv[i + 1], &kernel.source_be);
        } else {
            errno = EINVAL;
            die(argv[i]);
        }
    }
    kernel.socket = mnl_socket_open(NETLINK_ROUTE);
    if (argc < 2 || sample_count == 0 || kernel.socket == NULL ||
        mnl_socket_bind(kernel.socket, 0, MNL_SOCKET_AUTOPID) != 0) {
        die("usage: kernel_bench fill|wait ...");
    }
    int one = 1;
    mnl_socket_setsockopt(kernel.socket, NETLINK_CAP_ACK, &one, sizeof one);
    table_make(&kernel.table, prefixes, 20160811);
    if (strcmp(argv[1], "fill") == 0) {
        fill(&kernel, ifindex);
        return 0;
    }
    uint32_t *samples = choose_samples(&kernel.table, &sample_count);
    /* It mostly sleeps, but must look in time however busy the daemon keeps the cores. */
    struct sched_param first = {.sched_priority = 1};
    (void)sched_setscheduler(0, SCHED_RR, &first);
    say("ready", prefixes);
    wait_for_samples(&kernel, samples, sample_count, every_us);
    (void)sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
    mem_free(MEM_MISC, samples);
    wait_for_all(&kernel);
    return 0;
}
