/* Micro-benchmark of UPDATE on the wire: nanoseconds per message and per prefix to write a table,
 * to cut the stream into messages and to decode them. wire_bench [prefixes] */
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/buffer.h"
#include "proto/base/mem.h"
#include "proto/message.h"
#include "proto/update.h"
#include "tests/bench/table_gen.h"

#define MESSAGE_BYTES 4096u
#define ROUNDS        3

static const struct update_options options = {
    .as4 = true,
    .is_ebgp = true,
    .families = AFI_SAFI_BIT(AFI_SAFI_IPV4_UNICAST),
    .message_bytes_max = MESSAGE_BYTES,
};

struct counts {
    uint32_t messages;
    uint32_t prefixes;
};

static void report(const char *what, struct counts counts, int64_t took_ns)
{
    printf("%-28s %8.1f ms %8.1f ns a message %6.1f ns a prefix\n", what, (double)took_ns / 1e6,
           (double)took_ns / counts.messages, (double)took_ns / counts.prefixes);
}

/* One group may need several messages. */
static void encode_group(const struct gen_table *table, const struct gen_group *group,
                         struct buffer *stream, struct counts *counts)
{
    uint8_t path[40];
    struct path_attrs attrs;
    gen_attrs(group, path, 0, &attrs);
    for (uint32_t i = 0; i < group->count;) {
        struct update_builder builder;
        struct writer out = writer_of(buffer_reserve(stream, MESSAGE_BYTES), MESSAGE_BYTES);
        if (update_begin(&builder, &out, &options, AFI_SAFI_IPV4_UNICAST, &attrs) != STATUS_OK) {
            fprintf(stderr, "wire_bench: attributes that cannot be written\n");
            exit(1);
        }
        for (; i < group->count; i++) {
            struct nlri nlri = {.prefix = table->prefixes[group->first + i]};
            if (!update_add(&builder, &nlri)) {
                break;
            }
            counts->prefixes++;
        }
        stream->size += update_finish(&builder, &out);
        counts->messages++;
    }
}

static struct counts encode(const struct gen_table *table, struct buffer *stream)
{
    struct counts counts = {0, 0};
    stream->size = 0;
    for (uint32_t g = 0; g < table->group_count; g++) {
        encode_group(table, &table->groups[g], stream, &counts);
    }
    return counts;
}

/* Reads the stream as a session does; without an arena only cuts it into messages. */
static struct counts read_stream(const struct buffer *stream, struct arena *scratch)
{
    struct counts counts = {0, 0};
    struct byte_view left = {stream->data, stream->size};
    struct message_view message;
    struct wire_error error;
    size_t taken;
    while (framer_next(left, MESSAGE_BYTES, &message, &taken, &error) == STATUS_OK) {
        left.data += taken;
        left.size -= taken;
        counts.messages++;
        if (scratch == NULL) {
            continue;
        }
        struct update update;
        struct nlri nlri;
        arena_reset(scratch);
        update_decode(message.body, &options, scratch, &update);
        while (update.error.disposition == WIRE_ACCEPT && nlri_next(&update.reachable[0], &nlri)) {
            counts.prefixes++;
        }
    }
    return counts;
}

int main(int argc, char **argv)
{
    uint32_t prefixes = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    if (prefixes == 0) {
        fprintf(stderr, "usage: wire_bench [prefixes]\n");
        return 2;
    }
    struct gen_table table;
    struct buffer stream;
    struct arena scratch;
    gen_table_init(&table, prefixes, 1);
    buffer_init(&stream, MEM_MISC);
    arena_init(&scratch);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = gen_now_ns();
        struct counts written = encode(&table, &stream);
        int64_t encoded = gen_now_ns();
        read_stream(&stream, NULL);
        int64_t cut = gen_now_ns();
        struct counts read = read_stream(&stream, &scratch);
        int64_t decoded = gen_now_ns();
        if (read.prefixes != table.prefix_count || read.messages != written.messages) {
            fprintf(stderr, "wire_bench: what was written does not read back\n");
            return 1;
        }
        if (round + 1 == ROUNDS) { /* the others warmed up */
            printf("%u prefixes in %u UPDATEs, %.1f MB\n", read.prefixes, read.messages,
                   (double)stream.size / 1e6);
            report("encode", written, encoded - start);
            report("cut into messages", read, cut - encoded);
            report("cut, decode, walk the NLRI", read, decoded - cut);
        }
    }
    arena_fini(&scratch);
    buffer_fini(&stream);
    gen_table_fini(&table);
    return 0;
}
