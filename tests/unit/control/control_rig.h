/* A control server over a real core with two established neighbours, and a client's end: frames are
 * built and read octet by octet here, independently of the shell. */
#ifndef TESTS_UNIT_CONTROL_RIG_H
#define TESTS_UNIT_CONTROL_RIG_H

#include "bgpd/control/control.h"
#include "proto/control.pb-c.h"
#include "tests/unit/core/far_end.h"

#define RIG_ANSWERS_MAX 8192u

struct control_rig {
    struct table_top *top;
    struct control_server *server;
    struct control_client *client;
    struct buffer received;
    Control__Answer *answers[RIG_ANSWERS_MAX];
    size_t answer_count;
    size_t largest_frame;
    uint32_t reloads;
    uint32_t settles;
    bool with_secrets;
    bool reload_fails;
    const char *config_text;
    struct kernel_path path; /* what the kernel answers */
    struct ip_addr asked_destination;
    struct ip_addr asked_source;
    struct bfd_session_view bfd[40];
    uint32_t bfd_count;
};

static inline bool rig_print_config(void *context, enum control_config_format format,
                                    bool with_secrets, struct buffer *out)
{
    struct control_rig *rig = context;
    rig->with_secrets = with_secrets;
    if (rig->config_text == NULL) {
        return false;
    }
    buffer_printf(out, "%d\n%s", (int)format, rig->config_text);
    return true;
}

static inline bool rig_reload(void *context, struct buffer *message_out)
{
    struct control_rig *rig = context;
    rig->reloads++;
    buffer_printf(message_out, "one warning\n");
    return !rig->reload_fails;
}

static inline void rig_settle(void *context)
{
    struct control_rig *rig = context;
    rig->settles++;
}

static inline void rig_query_path(void *context, const struct ip_addr *destination,
                                  const struct ip_addr *source, struct kernel_path *path_out)
{
    struct control_rig *rig = context;
    rig->asked_destination = *destination;
    rig->asked_source = *source;
    *path_out = rig->path;
    path_out->destination = *destination;
    path_out->source = *source;
}

static inline size_t rig_read_bfd(void *context, uint32_t *next, struct bfd_session_view *views_out,
                                  size_t max)
{
    const struct control_rig *rig = context;
    size_t count = 0;
    for (; *next < rig->bfd_count && count < max; (*next)++) {
        views_out[count++] = rig->bfd[*next];
    }
    return count;
}

static inline void rig_read_bfd_discarded(void *context, uint64_t discarded_out[BFD_FAULT_COUNT])
{
    (void)context;
    discarded_out[BFD_FAULT_NO_SESSION] = 12;
}

static inline struct control_rig *rig_new(bool is_admin)
{
    struct control_rig *rig = calloc(1, sizeof *rig);
    rig->top = top_new(11);
    struct table_top *top = rig->top;
    top_link(top, 2, "eth0", "veth", "192.0.2.1", 30);
    top_link(top, 3, "eth1", "veth", "192.0.2.5", 30);
    top_far_end(top, "192.0.2.2", "192.0.2.1", 64501, 2);
    top_far_end(top, "192.0.2.6", "192.0.2.5", 64502, 3);
    struct config *config = config_begin(65001);
    config->hostname = "ce1";
    config->bgp.ebgp_requires_policy = false;
    config_neighbor_add(config, "192.0.2.2", 64501)->password = "invented-secret";
    config_neighbor_add(config, "192.0.2.6", 64502)->description = "second";
    config_network_add(config, "10.1.0.0/16", 0);
    struct config_tunnel *tunnel = config_tunnel_add(config, "ipsec0", "10.1.255.1", "10.51.230.4");
    (void)tunnel;
    struct protection_def *protection = arena_alloc(&config->arena, sizeof *protection);
    *protection = (struct protection_def){.prefix = prefix_of("10.51.230.0/23"),
                                          .allowed_classes = PATH_CLASS_BIT(PATH_CLASS_IPSEC)};
    config->protections = protection;
    config->protection_count = 1;
    top_configure(top, config);
    top_wait_s(top, 20);
    struct control_hooks hooks = {
        rig,          rig_print_config,      rig_reload, rig_settle, rig_query_path,
        rig_read_bfd, rig_read_bfd_discarded};
    rig->server = control_server_new(top->core, &hooks);
    rig->client = control_client_new(rig->server, 1000, 1000, is_admin);
    buffer_init(&rig->received, MEM_CONTROL);
    return rig;
}

static inline void rig_forget(struct control_rig *rig)
{
    for (size_t i = 0; i < rig->answer_count; i++) {
        control__answer__free_unpacked(rig->answers[i], NULL);
    }
    rig->answer_count = 0;
    rig->largest_frame = 0;
}

static inline void rig_free(struct control_rig *rig)
{
    rig_forget(rig);
    buffer_fini(&rig->received);
    control_client_free(rig->client);
    control_server_free(rig->server);
    top_free(rig->top);
    free(rig);
}

static inline enum status rig_input(struct control_rig *rig, const void *data, size_t size)
{
    return control_client_input(rig->client, rig->top->now, (struct byte_view){data, size});
}

/* Reads at most room octets at a time until the client has no more, and takes the frames apart. */
static inline void rig_read(struct control_rig *rig, size_t room)
{
    for (uint32_t turn = 0; control_client_wants_output(rig->client); turn++) {
        ASSERT(turn < 10000000);
        control_client_output(rig->client, rig->top->now, &rig->received, room);
    }
    size_t at = 0;
    while (rig->received.size - at >= 4) {
        size_t size = load_be32(rig->received.data + at);
        ASSERT(rig->received.size - at - 4 >= size);
        ASSERT(rig->answer_count < RIG_ANSWERS_MAX);
        Control__Answer *answer = control__answer__unpack(NULL, size, rig->received.data + at + 4);
        ASSERT(answer != NULL);
        rig->answers[rig->answer_count++] = answer;
        rig->largest_frame = size > rig->largest_frame ? size : rig->largest_frame;
        at += 4 + size;
    }
    ASSERT(at == rig->received.size);
    rig->received.size = 0;
}

static inline size_t rig_frame(const Control__Request *request, uint8_t *out)
{
    size_t size = control__request__pack(request, out + 4);
    store_be32(out, (uint32_t)size);
    return size + 4;
}

/* Sends request and reads its whole answer. Returns the code of the status. */
static inline Control__Status__Code rig_ask(struct control_rig *rig, Control__Request *request)
{
    uint8_t frame[8192];
    rig_forget(rig);
    request->id++;
    size_t size = rig_frame(request, frame);
    enum status status = rig_input(rig, frame, size);
    (void)status;
    rig_read(rig, 4096);
    ASSERT(rig->answer_count > 0);
    const Control__Status *last = rig->answers[rig->answer_count - 1]->status;
    ASSERT(last != NULL);
    return last->code;
}

static inline const Control__Status *rig_status(const struct control_rig *rig)
{
    return rig->answers[rig->answer_count - 1]->status;
}

static inline Control__Status__Code rig_hello(struct control_rig *rig, uint32_t version)
{
    Control__Hello hello = CONTROL__HELLO__INIT;
    hello.version = version;
    Control__Request request = CONTROL__REQUEST__INIT;
    request.kind_case = CONTROL__REQUEST__KIND_HELLO;
    request.hello = &hello;
    return rig_ask(rig, &request);
}

/* A rig whose client has said hello. */
static inline struct control_rig *rig_greeted(bool is_admin)
{
    struct control_rig *rig = rig_new(is_admin);
    ASSERT(rig_hello(rig, CONTROL_VERSION) == CONTROL__STATUS__CODE__OK);
    return rig;
}

static inline ProtobufCBinaryData rig_addr(const char *text, uint8_t out[16])
{
    struct ip_addr addr = addr_of(text);
    memcpy(out, addr.bytes, 16);
    return (ProtobufCBinaryData){ip_family_bytes(addr.family), out};
}

#endif
