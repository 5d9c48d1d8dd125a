/* Community lists of all kinds, standard (all of the named ones) and expanded (a regexp on the text
 * of the whole list). */
#include "policy/policy_private.h"

#include <stdio.h>
#include <string.h>

static struct byte_view pack(struct arena *arena, enum community_kind kind,
                             const struct community *communities, size_t count)
{
    size_t bytes = community_bytes(kind);
    uint8_t *packed = arena_alloc(arena, count * bytes);
    for (size_t i = 0; i < count; i++) {
        memcpy(packed + i * bytes, communities[i].bytes, bytes);
    }
    return community_list_canonical(arena, kind, (struct byte_view){packed, count * bytes});
}

enum status community_list_compile(struct arena *arena, const struct community_list_def *def,
                                   struct community_list *list_out, char error_out[256])
{
    struct digest_builder builder;
    *list_out = (struct community_list){.name = arena_strdup(arena, def->name), .kind = def->kind};
    list_out->entries = arena_alloc(arena, def->entry_count * sizeof *list_out->entries);
    digest_begin(&builder);
    digest_add_u32(&builder, def->kind);
    for (size_t i = 0; i < def->entry_count; i++) {
        const struct community_list_entry_def *source = &def->entries[i];
        struct community_list_entry *entry = &list_out->entries[i];
        char error[160];
        entry->is_permit = source->is_permit;
        if (source->regexp != NULL) {
            entry->regexp = regexp_new(source->regexp, error, sizeof error);
        } else {
            entry->communities =
                pack(arena, def->kind, source->communities, source->community_count);
        }
        if (source->regexp != NULL && entry->regexp == NULL) {
            snprintf(error_out, 256, "community-list %.32s seq %u: %s", def->name, source->sequence,
                     error);
            list_out->entry_count = i;
            digest_end(&builder);
            return STATUS_INVALID;
        }
        digest_add_u32(&builder, entry->is_permit);
        digest_add_text(&builder, source->regexp);
        digest_add(&builder, entry->communities.data, entry->communities.size);
    }
    list_out->entry_count = def->entry_count;
    list_out->digest = digest_end(&builder);
    return STATUS_OK;
}

void community_list_fini(struct community_list *list)
{
    for (size_t i = 0; i < list->entry_count; i++) {
        regexp_free(list->entries[i].regexp);
    }
}

static bool has_all(enum community_kind kind, struct byte_view have, struct byte_view wanted)
{
    size_t bytes = community_bytes(kind);
    for (size_t at = 0; at < wanted.size; at += bytes) {
        if (!community_list_has(kind, have, wanted.data + at)) {
            return false;
        }
    }
    return true;
}

static bool entry_matches(const struct community_list *list,
                          const struct community_list_entry *entry, struct byte_view communities,
                          bool exact)
{
    if (entry->regexp == NULL) {
        return has_all(list->kind, communities, entry->communities) &&
               (!exact || communities.size == entry->communities.size);
    }
    struct buffer text;
    buffer_init(&text, MEM_POLICY);
    community_list_format(list->kind, communities, &text);
    bool matches = regexp_matches(entry->regexp, buffer_text(&text), text.size);
    buffer_fini(&text);
    return matches;
}

bool community_list_permits(const struct community_list *list, struct byte_view communities,
                            bool exact)
{
    for (size_t i = 0; i < list->entry_count; i++) {
        if (entry_matches(list, &list->entries[i], communities, exact)) {
            return list->entries[i].is_permit;
        }
    }
    return false;
}

struct byte_view community_list_without(const struct community_list *list, struct arena *arena,
                                        struct byte_view communities)
{
    size_t bytes = community_bytes(list->kind);
    uint8_t *kept = arena_alloc(arena, communities.size);
    size_t size = 0;
    for (size_t at = 0; at < communities.size; at += bytes) {
        struct byte_view one = {communities.data + at, bytes};
        if (!community_list_permits(list, one, false)) {
            memcpy(kept + size, one.data, bytes);
            size += bytes;
        }
    }
    return (struct byte_view){kept, size};
}
