#include "bgpd/cli/json.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/assert.h"

#define INDENT_BLANKS 2

void json_init(struct json *json, struct out *out)
{
    *json = (struct json){.out = out};
}

static void text_write(struct json *json, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    const char *from = text;
    out_bytes(json->out, "\"", 1);
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c != '"' && c != '\\' && c >= 0x20) {
            continue;
        }
        out_bytes(json->out, from, (size_t)(at - from));
        from = at + 1;
        if (c == '"' || c == '\\' || c == '\n') {
            char escaped[2] = {'\\', c == '\n' ? 'n' : (char)c};
            out_bytes(json->out, escaped, sizeof escaped);
        } else {
            char escaped[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
            out_bytes(json->out, escaped, sizeof escaped);
        }
    }
    out_text(json->out, from);
    out_bytes(json->out, "\"", 1);
}

static void member_begin(struct json *json, const char *key)
{
    if (json->depth != 0) {
        bool *has_members = &json->has_members[json->depth - 1];
        out_text(json->out, *has_members ? ",\n" : "\n");
        *has_members = true;
        out_pad(json->out, (int)json->depth * INDENT_BLANKS);
    }
    if (key != NULL) {
        text_write(json, key);
        out_bytes(json->out, ":", 1);
    }
}

static void nest_begin(struct json *json, const char *key, const char *bracket)
{
    ASSERT(json->depth < JSON_DEPTH_MAX);
    member_begin(json, key);
    out_text(json->out, bracket);
    json->has_members[json->depth++] = false;
}

static void nest_end(struct json *json, const char *bracket)
{
    ASSERT(json->depth > 0);
    json->depth--;
    if (json->has_members[json->depth]) {
        out_bytes(json->out, "\n", 1);
        out_pad(json->out, (int)json->depth * INDENT_BLANKS);
    }
    out_text(json->out, bracket);
    if (json->depth == 0) {
        out_bytes(json->out, "\n", 1);
    }
}

void json_object_begin(struct json *json, const char *key)
{
    nest_begin(json, key, "{");
}

void json_object_end(struct json *json)
{
    nest_end(json, "}");
}

void json_array_begin(struct json *json, const char *key)
{
    nest_begin(json, key, "[");
}

void json_array_end(struct json *json)
{
    nest_end(json, "]");
}

void json_text(struct json *json, const char *key, const char *value)
{
    member_begin(json, key);
    text_write(json, value);
}

void json_number(struct json *json, const char *key, int64_t value)
{
    member_begin(json, key);
    out_printf(json->out, "%lld", (long long)value);
}

void json_unsigned(struct json *json, const char *key, uint64_t value)
{
    member_begin(json, key);
    out_printf(json->out, "%llu", (unsigned long long)value);
}

void json_flag(struct json *json, const char *key, bool value)
{
    member_begin(json, key);
    out_text(json->out, value ? "true" : "false");
}
