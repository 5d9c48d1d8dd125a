/* Texts of addresses, prefixes and communities: what is read can be written, and reads the same. */
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/buffer.h"
#include "proto/community.h"
#include "proto/prefix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void text_fuzz_addresses(const char *text)
{
    struct ip_addr addr, addr_again;
    struct prefix prefix, prefix_again;
    char addr_text[IP_TEXT_BYTES];
    char prefix_text[PREFIX_TEXT_BYTES];
    if (ip_parse(text, &addr) == STATUS_OK) {
        enum status status = ip_parse(ip_format(&addr, addr_text), &addr_again);
        ASSERT(status == STATUS_OK && ip_equal(&addr, &addr_again));
    }
    if (prefix_parse_loose(text, &prefix) == STATUS_OK) {
        enum status status = prefix_parse(prefix_format(&prefix, prefix_text), &prefix_again);
        ASSERT(status == STATUS_OK && prefix_equal(&prefix, &prefix_again));
    }
    if (prefix_parse(text, &prefix) == STATUS_OK) {
        enum status status = prefix_parse_loose(text, &prefix_again);
        ASSERT(status == STATUS_OK && prefix_equal(&prefix, &prefix_again));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[128];
    if (size >= sizeof text) {
        return 0;
    }
    if (size != 0) {
        memcpy(text, data, size);
    }
    text[size] = 0;
    text_fuzz_addresses(text);
    for (unsigned kind = COMMUNITY_STANDARD; kind <= COMMUNITY_LARGE; kind++) {
        struct community community, again;
        if (community_parse((enum community_kind)kind, text, &community) != STATUS_OK) {
            continue;
        }
        struct buffer written;
        buffer_init(&written, MEM_MISC);
        community_format((enum community_kind)kind, community.bytes, &written);
        enum status status =
            community_parse((enum community_kind)kind, buffer_text(&written), &again);
        ASSERT(status == STATUS_OK);
        ASSERT(memcmp(community.bytes, again.bytes, community_bytes((enum community_kind)kind)) ==
               0);
        buffer_fini(&written);
    }
    return 0;
}
