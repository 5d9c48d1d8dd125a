/* Members that several JSON views share. */
#ifndef BGPD_CLI_JSON_PARTS_H
#define BGPD_CLI_JSON_PARTS_H

#include "bgpd/cli/render.h"

/* Every document is one object that names its schema. */
void json_document_begin(struct render *render);
void json_document_end(struct render *render);

uint64_t json_message_total(const Control__MessageCounts *counts);

/* An age in words and milliseconds, and the instant as seconds of the epoch; never: "never", 0, 0.
 */
void json_uptime(struct render *render, const char *words_key, const char *msec_key,
                 const char *epoch_key, int64_t age_ms);

/* A path as in tables, into the open object. */
void json_path_brief(struct render *render, const Control__Path *path);

/* A path with everything known, as an array element. */
void json_path_full(struct render *render, const Control__Path *path);
void json_absent(struct render *render, const Control__Absent *absent);

/* Names of path classes from bits, and the evidence about a tunnel. */
void json_classes(struct json *json, const char *key, uint32_t bits);
void json_evidence(struct render *render, Control__Evidence *const *rows, size_t count);

#endif
