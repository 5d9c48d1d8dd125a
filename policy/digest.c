#include "policy/policy_private.h"

#include <string.h>

#include "proto/base/hash.h"

void digest_begin(struct digest_builder *builder)
{
    buffer_init(&builder->text, MEM_POLICY);
}

void digest_add(struct digest_builder *builder, const void *data, size_t size)
{
    digest_add_u32(builder, (uint32_t)size); /* so that neighbours cannot run together */
    buffer_append(&builder->text, data, size);
}

void digest_add_u32(struct digest_builder *builder, uint32_t value)
{
    buffer_append(&builder->text, &value, sizeof value);
}

void digest_add_text(struct digest_builder *builder, const char *text)
{
    digest_add_u32(builder, text != NULL);
    digest_add(builder, text, text == NULL ? 0 : strlen(text));
}

struct policy_digest digest_end(struct digest_builder *builder)
{
    struct policy_digest digest = {{
        hash_bytes(0x5ea1a7e, builder->text.data, builder->text.size),
        hash_bytes(0xd19e57, builder->text.data, builder->text.size),
    }};
    buffer_fini(&builder->text);
    return digest;
}
