/* AS-path access lists. Nearly all real patterns are numbers between anchors and boundaries: those
 * are matched on the numbers themselves; the rest, and paths with sets, on the text form. */
#include "policy/policy_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "proto/as_path.h"

static bool take_number(const char **at, uint32_t *number_out)
{
    uint64_t number = 0;
    const char *start = *at;
    while (isdigit((unsigned char)**at) && number <= UINT32_MAX) {
        number = number * 10 + (uint64_t)(**at - '0');
        (*at)++;
    }
    *number_out = (uint32_t)number;
    return *at != start && number <= UINT32_MAX;
}

/* "^N_M$", "_N_", "^$", ".*" and the like. False for any other pattern. */
static bool parse_shape(const char *text, struct as_path_pattern *pattern)
{
    const char *at = text;
    if (strcmp(text, ".*") == 0 || strcmp(text, "^.*$") == 0 || strcmp(text, "^.*") == 0 ||
        strcmp(text, ".*$") == 0) {
        pattern->is_any = true;
        return true;
    }
    pattern->starts_at_start = *at == '^';
    if (*at != '^' && *at != '_') {
        return false; /* "123" also matches inside "41234": that is text, not numbers */
    }
    at++;
    while (isdigit((unsigned char)*at)) {
        if (pattern->asn_count == AS_PATH_PATTERN_ASNS_MAX ||
            !take_number(&at, &pattern->asns[pattern->asn_count++])) {
            return false;
        }
        if ((*at == '_' || *at == ' ') && isdigit((unsigned char)at[1])) {
            at++;
        }
    }
    pattern->ends_at_end = *at == '$';
    if (*at != '$' && *at != '_') {
        return false;
    }
    if (pattern->asn_count == 0 && !(pattern->starts_at_start && pattern->ends_at_end)) {
        return false;
    }
    return at[1] == 0;
}

enum status as_path_list_compile(struct arena *arena, const struct as_path_list_def *def,
                                 struct as_path_list *list_out, char error_out[256])
{
    struct digest_builder builder;
    *list_out = (struct as_path_list){.name = arena_strdup(arena, def->name)};
    list_out->patterns = arena_alloc(arena, def->entry_count * sizeof *list_out->patterns);
    digest_begin(&builder);
    for (size_t i = 0; i < def->entry_count; i++) {
        const struct as_path_list_entry_def *entry = &def->entries[i];
        struct as_path_pattern *pattern = &list_out->patterns[i];
        char error[160];
        struct regexp *regexp = regexp_new(entry->regexp, error, sizeof error);
        if (regexp == NULL) {
            snprintf(error_out, 256, "as-path access-list %.32s seq %u: %s", def->name,
                     entry->sequence, error);
            list_out->pattern_count = i;
            digest_end(&builder);
            return STATUS_INVALID;
        }
        struct as_path_pattern shape = {.is_permit = entry->is_permit};
        *pattern = (struct as_path_pattern){.is_permit = entry->is_permit};
        if (parse_shape(entry->regexp, &shape)) {
            *pattern = shape;
            pattern->is_shape = true;
        }
        pattern->regexp = regexp;
        digest_add_u32(&builder, entry->is_permit);
        digest_add_text(&builder, entry->regexp);
    }
    list_out->pattern_count = def->entry_count;
    list_out->digest = digest_end(&builder);
    return STATUS_OK;
}

void as_path_list_fini(struct as_path_list *list)
{
    for (size_t i = 0; i < list->pattern_count; i++) {
        regexp_free(list->patterns[i].regexp);
    }
}

/* The numbers of a path that is nothing but AS_SEQUENCEs, read once for all patterns of a list. */
#define FLAT_NUMBERS_MAX 128u

struct flat_path {
    size_t count;
    uint32_t numbers[FLAT_NUMBERS_MAX];
};

/* False for paths with sets and for extremely long ones: those are matched as text. */
static bool flatten(struct byte_view path, struct flat_path *flat_out)
{
    struct reader reader = reader_of_view(path);
    flat_out->count = 0;
    while (reader_left(&reader) != 0) {
        uint8_t type = reader_u8(&reader);
        uint8_t count = reader_u8(&reader);
        const uint8_t *numbers = reader_bytes(&reader, (size_t)count * 4);
        if (type != AS_PATH_SEQUENCE || reader.failed ||
            flat_out->count + count > FLAT_NUMBERS_MAX) {
            return false;
        }
        for (uint8_t i = 0; i < count; i++) {
            flat_out->numbers[flat_out->count++] = load_be32(numbers + 4 * (size_t)i);
        }
    }
    return true;
}

static bool stands_at(const struct as_path_pattern *pattern, const struct flat_path *path,
                      size_t place)
{
    for (uint8_t i = 0; i < pattern->asn_count; i++) {
        if (path->numbers[place + i] != pattern->asns[i]) {
            return false;
        }
    }
    return true;
}

static bool shape_matches(const struct as_path_pattern *pattern, const struct flat_path *path)
{
    if (pattern->is_any) {
        return true;
    }
    if (path->count < pattern->asn_count) {
        return false;
    }
    size_t last = path->count - pattern->asn_count;
    size_t from = pattern->ends_at_end ? last : 0;
    size_t to = pattern->starts_at_start ? 0 : last;
    for (size_t place = from; place <= to; place++) {
        if (stands_at(pattern, path, place)) {
            return true;
        }
    }
    return false;
}

bool as_path_list_permits(const struct as_path_list *list, struct byte_view as_path)
{
    struct buffer text;
    struct flat_path flat;
    bool is_flat = flatten(as_path, &flat);
    bool is_permit = false;
    buffer_init(&text, MEM_POLICY);
    for (size_t i = 0; i < list->pattern_count; i++) {
        const struct as_path_pattern *pattern = &list->patterns[i];
        bool matches;
        if (pattern->is_shape && is_flat) {
            matches = shape_matches(pattern, &flat);
        } else {
            if (text.data == NULL) {
                as_path_format(as_path, &text);
                buffer_text(&text);
            }
            matches = regexp_matches(pattern->regexp, (const char *)text.data, text.size);
        }
        if (matches) {
            is_permit = pattern->is_permit;
            break;
        }
    }
    buffer_fini(&text);
    return is_permit;
}

bool as_path_list_equal(const struct as_path_list *a, const struct as_path_list *b)
{
    return a == b || (a != NULL && b != NULL && digest_equal(&a->digest, &b->digest));
}
