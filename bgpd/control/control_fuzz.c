/* A client of the control socket that says anything: it gets whole frames within their limit, or is
 * ended; the core behind it is none the worse. The first octet says whether it is an administrator
 * and how its stream is cut. */
#include "bgpd/control/control.h"
#include "proto/base/assert.h"

#define NOW             ((struct mono_time){INT64_C(1000000000000)})
#define ROOM_BYTES      65536u
#define FRAME_BYTES_MAX (1u << 20)
#define TURNS_MAX       10000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config *control_fuzz_config(void)
{
    struct config *config = config_new();
    struct config_neighbor *neighbors = arena_alloc(&config->arena, 2 * sizeof *neighbors);
    for (uint32_t i = 0; i < 2; i++) {
        neighbors[i] = (struct config_neighbor){.addr = ip_from_v4(0x0a000002u + i),
                                                .remote_as_kind = REMOTE_AS_NUMBER,
                                                .remote_asn = 65002 + i,
                                                .password = "invented"};
    }
    config->bgp.is_configured = true;
    config->bgp.asn = 65001;
    config->bgp.router_id = (struct opt_u32){true, 0x0a000001};
    config->bgp.neighbors = neighbors;
    config->bgp.neighbor_count = 2;
    return config;
}

static struct core *control_fuzz_core(void)
{
    struct core *core = core_new(NULL, 1);
    struct core_event event = {.kind = EVENT_KERNEL_DUMP_BEGIN};
    core_feed(core, NOW, &event);
    event.kind = EVENT_KERNEL_DUMP_END;
    core_feed(core, NOW, &event);
    event = (struct core_event){.kind = EVENT_CONFIG, .config = control_fuzz_config()};
    core_feed(core, NOW, &event);
    return core;
}

static void control_fuzz_settle(struct core *core)
{
    struct core_action action;
    bool has_more = true;
    while (has_more) {
        has_more = core_work(core, NOW, 1000);
        while (core_take_action(core, &action)) {
        }
    }
}

/* Whole frames, one after the other. */
static void control_fuzz_check(const struct buffer *out)
{
    size_t at = 0;
    while (at < out->size) {
        ASSERT(out->size - at >= 4);
        size_t frame = load_be32(out->data + at);
        ASSERT(frame <= FRAME_BYTES_MAX && out->size - at - 4 >= frame);
        at += 4 + frame;
    }
}

static void control_fuzz_read(struct control_client *client, struct buffer *out)
{
    for (int turn = 0; control_client_wants_output(client); turn++) {
        ASSERT(turn < TURNS_MAX);
        control_client_output(client, NOW, out, ROOM_BYTES);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    static const struct control_hooks hooks = {.context = NULL};
    size_t step = 1u + (data[0] & 0x7f) * 8u;
    struct core *core = control_fuzz_core();
    struct control_server *server = control_server_new(core, &hooks);
    struct control_client *client = control_client_new(server, 1000, 1000, (data[0] & 0x80) != 0);
    struct buffer out;
    buffer_init(&out, MEM_CONTROL);
    control_fuzz_settle(core);
    enum status status = STATUS_OK;
    for (size_t at = 1; at < size && status == STATUS_OK; at += step) {
        size_t part = size - at < step ? size - at : step;
        status = control_client_input(client, NOW, (struct byte_view){data + at, part});
        control_fuzz_read(client, &out);
        control_fuzz_settle(core);
    }
    control_fuzz_check(&out);
    buffer_fini(&out);
    control_client_free(client);
    control_server_free(server);
    core_free(core);
    return 0;
}
