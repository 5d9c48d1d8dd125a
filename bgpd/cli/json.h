/* A streaming JSON writer: nothing is kept but the nesting. Keys are given in code and are not
 * escaped; values are. A NULL key writes an array element. */
#ifndef BGPD_CLI_JSON_H
#define BGPD_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/cli/out.h"

#define JSON_DEPTH_MAX 16u

struct json {
    struct out *out;
    unsigned depth;
    bool has_members[JSON_DEPTH_MAX];
};

void json_init(struct json *json, struct out *out);
void json_object_begin(struct json *json, const char *key);
void json_object_end(struct json *json);
void json_array_begin(struct json *json, const char *key);
void json_array_end(struct json *json);
void json_text(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, int64_t value);
void json_unsigned(struct json *json, const char *key, uint64_t value);
void json_flag(struct json *json, const char *key, bool value);

#endif
