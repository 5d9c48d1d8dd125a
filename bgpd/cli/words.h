/* Values of the protocol in the words and forms operators know: addresses, AS paths, communities,
 * ages, sizes, reasons. */
#ifndef BGPD_CLI_WORDS_H
#define BGPD_CLI_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/buffer.h"
#include "proto/control.pb-c.h"

#define WORDS_ADDR_BYTES   48
#define WORDS_PREFIX_BYTES 52
#define WORDS_AGE_BYTES    24

/* "-" for no address. */
const char *words_addr(const ProtobufCBinaryData *addr, char out[WORDS_ADDR_BYTES]);
const char *words_prefix(const ProtobufCBinaryData *addr, uint32_t len_bits,
                         char out[WORDS_PREFIX_BYTES]);

/* Dotted, from host order. */
const char *words_router_id(uint32_t id, char out[WORDS_ADDR_BYTES]);

/* "never", "00:12:07", "1d02h03m", "02w3d04h", "01y02w3d". */
const char *words_age(int64_t age_ms, char out[WORDS_AGE_BYTES]);

#define BFD_STATE_UP 3u

/* FRR's words: "shutdown", "down", "init", "up". */
const char *words_bfd_state(uint32_t state);

/* "ok" for what RFC 5880 calls no diagnostic. */
const char *words_bfd_diagnostic(const char *diagnostic);

/* As the configuration spells it: "meticulous-sha1". */
const char *words_bfd_auth(uint32_t type);

/* "896 bytes", "66 KiB", "12 MiB". */
const char *words_size(uint64_t bytes, char out[WORDS_AGE_BYTES]);

/* Local date of an instant of the wall clock: "Fri Nov 20 21:00:00 2026". */
const char *words_date(int64_t epoch_s, char out[32]);
const char *words_date_rfc3339(int64_t epoch_s, char out[32]);

/* "65515 12076 {64512,64513}"; text is emptied first. False when the octets make no path. */
bool words_as_path(const ProtobufCBinaryData *path, struct buffer *text);
uint32_t words_as_path_length(const ProtobufCBinaryData *path);

/* Lists, blank-separated; text is emptied first. */
void words_communities(const ProtobufCBinaryData *list, struct buffer *text);
void words_ext_communities(const ProtobufCBinaryData *list, struct buffer *text);
void words_large_communities(const ProtobufCBinaryData *list, struct buffer *text);

/* "ipsec", "macsec", "clear"; "unknown" for 0. For the numbers of the protocol (1 clear ...). */
const char *words_path_class(uint32_t path_class);

/* "ipsec or macsec" from bits (1 clear, 2 macsec, 4 ipsec). */
const char *words_classes(uint32_t bits);

#define REASON_MULTIPATH        10u
#define REASON_INELIGIBLE_FIRST 16u
#define REASON_TUNNEL_DOWN      18u
#define REASON_PROTECTION       25u

/* Of the best path: the step that put it ahead, in FRR's words. */
const char *words_reason_won(uint32_t reason);

/* Of any other path: why it is not used. */
const char *words_reason_lost(uint32_t reason);
const char *words_reason_identity(uint32_t reason);

/* Of RFC 9234, by 1 + the number on the wire; "undefined" for 0. */
const char *words_role(uint32_t role);
const char *words_state(uint32_t state);
const char *words_origin(uint32_t origin);
char words_origin_letter(uint32_t origin);
const char *words_family_title(uint32_t family);
const char *words_family_json(uint32_t family);
const char *words_evidence(uint32_t source);

/* Of drift in the kernel: "route", "pin", ...; "removed", "missing", ... */
const char *words_drift_kind(uint32_t kind);
const char *words_drift_what(uint32_t what);

/* "protected", "exposed", ... */
const char *words_verdict(uint32_t verdict);

#endif
