/* UPDATE under negotiated options taken from the first octets: whatever is accepted has canonical
 * attributes, and comes back the same after encoding and decoding. */
#include "proto/as_path.h"
#include "proto/base/arena.h"
#include "proto/base/assert.h"
#include "proto/community.h"
#include "proto/message.h"
#include "proto/update.h"

#define UPDATE_FUZZ_HEAD_BYTES 3u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct update_options update_fuzz_options(const uint8_t *head)
{
    struct update_options options = {
        .as4 = (head[0] & 0x01) != 0,
        .is_ebgp = (head[0] & 0x02) != 0,
        .is_confed_member = (head[0] & 0x04) != 0,
        .reject_as_sets = (head[0] & 0x08) != 0,
        .families = (head[0] >> 4) & 3u,
        .add_path_receive = (head[0] >> 6) & 3u,
        .extended_next_hop = (head[1] & 0x01) != 0 ? AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST) : 0,
        .message_bytes_max =
            (head[1] & 0x02) != 0 ? BGP_EXTENDED_MESSAGE_BYTES_MAX : BGP_MESSAGE_BYTES_MAX,
        .as_path_count_max = head[2],
    };
    options.add_path_send = options.add_path_receive;
    return options;
}

static void update_fuzz_check_list(enum community_kind kind, struct byte_view list)
{
    struct arena arena;
    arena_init(&arena);
    struct byte_view canonical = community_list_canonical(&arena, kind, list);
    ASSERT(canonical.data == list.data && canonical.size == list.size);
    arena_fini(&arena);
}

static void update_fuzz_check_attrs(const struct update *update)
{
    const struct path_attrs *attrs = &update->attrs;
    ASSERT(as_path_is_canonical(attrs->as_path));
    update_fuzz_check_list(COMMUNITY_STANDARD, attrs->communities);
    update_fuzz_check_list(COMMUNITY_EXTENDED, attrs->ext_communities);
    update_fuzz_check_list(COMMUNITY_LARGE, attrs->large_communities);
    ASSERT(attrs->origin <= BGP_ORIGIN_INCOMPLETE);
}

/* A path whose confederation segments AS4_PATH cannot carry may change on a 2-octet session. */
static bool update_fuzz_is_faithful(const struct update_options *options)
{
    return options->as4 || !options->is_confed_member;
}

/* Decodes one message of ours and compares it with the run it was made from, which advances. */
static void update_fuzz_compare(struct byte_view message, const struct update_options *options,
                                const struct path_attrs *attrs, unsigned field,
                                struct nlri_run *run)
{
    struct message_view view;
    struct wire_error error;
    size_t taken = 0;
    enum status status = framer_next(message, options->message_bytes_max, &view, &taken, &error);
    ASSERT(status == STATUS_OK && taken == message.size && view.type == MESSAGE_UPDATE);
    struct arena scratch;
    struct update again;
    arena_init(&scratch);
    update_decode(view.body, options, &scratch, &again);
    ASSERT(again.error.disposition == WIRE_ACCEPT);
    struct nlri_run *written = attrs == NULL ? &again.unreachable[field] : &again.reachable[field];
    ASSERT(written->bytes.size != 0);
    if (attrs != NULL && update_fuzz_is_faithful(options)) {
        ASSERT(path_attrs_equal(attrs, &again.attrs));
    }
    struct nlri ours, theirs;
    while (nlri_next(written, &theirs)) {
        bool has_more = nlri_next(run, &ours);
        ASSERT(has_more && prefix_equal(&ours.prefix, &theirs.prefix));
        ASSERT(ours.path_id == theirs.path_id);
    }
    arena_fini(&scratch);
}

static void update_fuzz_encode(const struct update_options *options, struct nlri_run run,
                               const struct path_attrs *attrs)
{
    static uint8_t out[BGP_EXTENDED_MESSAGE_BYTES_MAX];
    enum afi_safi family = run.family == IP_V6 ? AFI_SAFI_IPV6_UNICAST : AFI_SAFI_IPV4_UNICAST;
    struct nlri_run unchecked = run;
    struct nlri nlri;
    bool has_one = nlri_next(&run, &nlri);
    while (has_one) {
        struct writer writer = writer_of(out, sizeof out);
        struct update_builder builder;
        enum status status = update_begin(&builder, &writer, options, family, attrs);
        if (status == STATUS_TRUNCATED && attrs != NULL) {
            return; /* AS4_PATH and longer flags can make attributes grow past a message */
        }
        ASSERT(status == STATUS_OK);
        unsigned field = builder.uses_mp ? 1 : 0;
        while (has_one && update_add(&builder, &nlri)) {
            has_one = nlri_next(&run, &nlri);
        }
        size_t length = update_finish(&builder, &writer);
        ASSERT(length == writer_size(&writer) && length <= options->message_bytes_max);
        update_fuzz_compare((struct byte_view){out, length}, options, attrs, field, &unchecked);
    }
    ASSERT(unchecked.bytes.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < UPDATE_FUZZ_HEAD_BYTES || size > BGP_EXTENDED_MESSAGE_BYTES_MAX) {
        return 0;
    }
    struct update_options options = update_fuzz_options(data);
    struct byte_view body = {data + UPDATE_FUZZ_HEAD_BYTES, size - UPDATE_FUZZ_HEAD_BYTES};
    struct arena scratch;
    struct update update;
    arena_init(&scratch);
    update_decode(body, &options, &scratch, &update);
    ASSERT(update.minor_count <= UPDATE_ERRORS_MAX);
    ASSERT((update.error.disposition == WIRE_ACCEPT) == (update.minor_count == 0));
    if (update.error.disposition != WIRE_SESSION_RESET) {
        update_fuzz_check_attrs(&update);
        for (unsigned i = 0; i < 2; i++) {
            update_fuzz_encode(&options, update.unreachable[i], NULL);
        }
    }
    if (update.error.disposition < WIRE_TREAT_AS_WITHDRAW) {
        update_fuzz_encode(&options, update.reachable[0], &update.attrs);
        update.attrs.next_hop = update.mp_next_hop;
        update.attrs.next_hop_link_local = update.mp_next_hop_link_local;
        update_fuzz_encode(&options, update.reachable[1], &update.attrs);
    }
    arena_fini(&scratch);
    return 0;
}
