/* Values between words of a line and leaves of the tree: the few whose spelling differs, and the
 * rules of types in words for messages and manuals. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/config/config_private.h"
#include "proto/base/assert.h"

static bool is_digits(const char *word)
{
    return word[0] != '\0' && word[strspn(word, "0123456789")] == '\0';
}

static void copy_value(char out[VALUE_BYTES_MAX], const char *value)
{
    snprintf(out, VALUE_BYTES_MAX, "%s", value);
}

static bool print_same(const char *value, char word_out[VALUE_BYTES_MAX])
{
    copy_value(word_out, value);
    return true;
}

static enum value_result read_prefix(const char *word, uint8_t family, char *value_out,
                                     char *error_out)
{
    const char *version = family == IP_V4 ? "IPv4" : "IPv6";
    struct prefix prefix;
    if (prefix_parse(word, &prefix) != STATUS_OK) {
        if (strchr(word, '/') != NULL && prefix_parse_loose(word, &prefix) == STATUS_OK) {
            char text[PREFIX_TEXT_BYTES];
            snprintf(error_out, VALUE_BYTES_MAX, "host bits are set; the prefix is %s",
                     prefix_format(&prefix, text));
        } else {
            snprintf(error_out, VALUE_BYTES_MAX, "an %s prefix, ADDRESS/LENGTH, is expected",
                     version);
        }
        return VALUE_BAD;
    }
    if (prefix.family != family) {
        snprintf(error_out, VALUE_BYTES_MAX, "an %s prefix is expected here", version);
        return VALUE_BAD;
    }
    prefix_format(&prefix, value_out);
    return VALUE_OK;
}

static enum value_result read_prefix4(const char *word, char *value_out, char *error_out)
{
    return read_prefix(word, IP_V4, value_out, error_out);
}

static enum value_result read_prefix6(const char *word, char *value_out, char *error_out)
{
    return read_prefix(word, IP_V6, value_out, error_out);
}

static enum value_result read_prefix_any(const char *word, char *value_out, char *error_out)
{
    return read_prefix(word, strchr(word, ':') != NULL ? IP_V6 : IP_V4, value_out, error_out);
}

static bool print_prefix4(const char *value, char word_out[VALUE_BYTES_MAX])
{
    return strchr(value, ':') == NULL && print_same(value, word_out);
}

static bool print_prefix6(const char *value, char word_out[VALUE_BYTES_MAX])
{
    return strchr(value, ':') != NULL && print_same(value, word_out);
}

/* The address of a neighbour; anything else may be the name of a peer-group. */
static enum value_result read_peer(const char *word, char *value_out, char *error_out)
{
    struct ip_addr addr;
    if (ip_parse(word, &addr) == STATUS_OK) {
        ip_format(&addr, value_out);
        return VALUE_OK;
    }
    if (strchr(word, ':') != NULL || word[strspn(word, "0123456789.")] == '\0') {
        snprintf(error_out, VALUE_BYTES_MAX, "this is no IPv4 or IPv6 address");
        return VALUE_BAD;
    }
    return VALUE_OTHER;
}

static enum value_result read_group(const char *word, char *value_out, char *error_out)
{
    (void)error_out;
    if (strchr(word, ':') != NULL || word[strspn(word, "0123456789.")] == '\0' ||
        strlen(word) >= VALUE_BYTES_MAX) {
        return VALUE_OTHER;
    }
    copy_value(value_out, word);
    return VALUE_OK;
}

/* A gateway's address in its canonical spelling; interface names stay as they are. */
static enum value_result read_gateway(const char *word, char *value_out, char *error_out)
{
    struct ip_addr addr;
    if (ip_parse(word, &addr) == STATUS_OK) {
        ip_format(&addr, value_out);
        return VALUE_OK;
    }
    if (strlen(word) > 15 || word[strspn(word, "0123456789.")] == '\0') {
        snprintf(error_out, VALUE_BYTES_MAX,
                 "a gateway's address, an interface, blackhole, Null0 or reject is expected");
        return VALUE_BAD;
    }
    copy_value(value_out, word);
    return VALUE_OK;
}

/* The discard routes have rows of their own. */
static bool print_gateway(const char *value, char word_out[VALUE_BYTES_MAX])
{
    return strcmp(value, "blackhole") != 0 && strcmp(value, "reject") != 0 &&
           print_same(value, word_out);
}

static enum value_result read_address(const char *word, char *value_out, char *error_out)
{
    struct ip_addr addr;
    if (ip_parse(word, &addr) != STATUS_OK) {
        snprintf(error_out, VALUE_BYTES_MAX, "an IPv4 or IPv6 address is expected");
        return VALUE_BAD;
    }
    ip_format(&addr, value_out);
    return VALUE_OK;
}

/* Milliseconds in lines, microseconds in the tree (RFC 9314). */
static enum value_result read_milliseconds(const char *word, char *value_out, char *error_out)
{
    unsigned long milliseconds = is_digits(word) ? strtoul(word, NULL, 10) : 0;
    if (milliseconds < 10 || milliseconds > 60000) {
        snprintf(error_out, VALUE_BYTES_MAX, "milliseconds from 10 to 60000 are expected");
        return VALUE_BAD;
    }
    snprintf(value_out, VALUE_BYTES_MAX, "%lu", milliseconds * 1000);
    return VALUE_OK;
}

static bool print_milliseconds(const char *value, char word_out[VALUE_BYTES_MAX])
{
    snprintf(word_out, VALUE_BYTES_MAX, "%lu", strtoul(value, NULL, 10) / 1000);
    return true;
}

static enum value_result read_permit(const char *word, char *value_out, char *error_out)
{
    if (strcmp(word, "permit") == 0) {
        copy_value(value_out, "accept-route");
        return VALUE_OK;
    }
    if (strcmp(word, "deny") == 0) {
        copy_value(value_out, "reject-route");
        return VALUE_OK;
    }
    snprintf(error_out, VALUE_BYTES_MAX, "permit or deny is expected");
    return VALUE_BAD;
}

static bool print_permit(const char *value, char word_out[VALUE_BYTES_MAX])
{
    copy_value(word_out, strcmp(value, "accept-route") == 0 ? "permit" : "deny");
    return true;
}

static enum value_result read_numbered(const char *word, unsigned long min, unsigned long max,
                                       char *value_out)
{
    unsigned long number = is_digits(word) ? strtoul(word, NULL, 10) : 0;
    if (number < min || number > max) {
        return VALUE_OTHER;
    }
    snprintf(value_out, VALUE_BYTES_MAX, "%lu", number);
    return VALUE_OK;
}

/* Numbered community lists: 1 to 99 are standard ones, 100 to 500 expanded ones. */
static enum value_result read_standard(const char *word, char *value_out, char *error_out)
{
    (void)error_out;
    return read_numbered(word, 1, 99, value_out);
}

static enum value_result read_expanded(const char *word, char *value_out, char *error_out)
{
    (void)error_out;
    return read_numbered(word, 100, 500, value_out);
}

static enum value_result read_community(enum community_kind kind, const char *word,
                                        const char *rule, char *value_out, char *error_out)
{
    struct community community;
    if (community_parse(kind, word, &community) != STATUS_OK) {
        snprintf(error_out, VALUE_BYTES_MAX, "%s is expected", rule);
        return VALUE_BAD;
    }
    struct buffer text;
    buffer_init(&text, MEM_CONFIG);
    community_format(kind, community.bytes, &text);
    copy_value(value_out, kind == COMMUNITY_EXTENDED ? word : buffer_text(&text));
    buffer_fini(&text);
    return VALUE_OK;
}

static enum value_result read_standard_community(const char *word, char *value_out, char *error_out)
{
    return read_community(COMMUNITY_STANDARD, word,
                          "a community (AS:NUMBER, a number or a name such as no-export)",
                          value_out, error_out);
}

static enum value_result read_large_community(const char *word, char *value_out, char *error_out)
{
    return read_community(COMMUNITY_LARGE, word, "a large community (A:B:C)", value_out, error_out);
}

static enum value_result read_extended_community(const char *word, char *value_out, char *error_out)
{
    return read_community(COMMUNITY_EXTENDED, word,
                          "an extended community (rt AS:NUMBER or soo AS:NUMBER)", value_out,
                          error_out);
}

static enum value_result read_tagged_community(const char *tag, const char *word, char *value_out,
                                               char *error_out)
{
    char text[VALUE_BYTES_MAX];
    snprintf(text, sizeof text, "%s %.200s", tag, word);
    enum value_result result = read_community(COMMUNITY_EXTENDED, text,
                                              "AS:NUMBER or ADDRESS:NUMBER", value_out, error_out);
    if (result == VALUE_OK) {
        copy_value(value_out, word);
    }
    return result;
}

static enum value_result read_route_target(const char *word, char *value_out, char *error_out)
{
    return read_tagged_community("rt", word, value_out, error_out);
}

static enum value_result read_site_of_origin(const char *word, char *value_out, char *error_out)
{
    return read_tagged_community("soo", word, value_out, error_out);
}

/* "internet" stands for every route. */
static enum value_result read_member(const char *word, char *value_out, char *error_out)
{
    if (strcmp(word, "internet") == 0) {
        copy_value(value_out, word);
        return VALUE_OK;
    }
    return read_standard_community(word, value_out, error_out);
}

/* AS numbers with one blank between them. */
static enum value_result read_asns(const char *word, char *value_out, char *error_out)
{
    size_t size = 0;
    for (const char *at = word; *at != '\0'; at++) {
        bool is_blank = *at == ' ' || *at == '\t';
        if (is_blank && (size == 0 || value_out[size - 1] == ' ')) {
            continue;
        }
        if ((!is_blank && (*at < '0' || *at > '9')) || size + 2 > VALUE_BYTES_MAX) {
            snprintf(error_out, VALUE_BYTES_MAX, "up to 20 AS numbers are expected");
            return VALUE_BAD;
        }
        value_out[size++] = is_blank ? ' ' : *at;
    }
    value_out[size] = '\0';
    return VALUE_OK;
}

/* A masked secret must not become the secret. */
static enum value_result read_secret(const char *word, char *value_out, char *error_out)
{
    if (strcmp(word, CONFIG_SECRET_MASK) == 0) {
        snprintf(error_out, VALUE_BYTES_MAX, "the secret was masked when this was printed");
        return VALUE_BAD;
    }
    if (strlen(word) > 80) {
        snprintf(error_out, VALUE_BYTES_MAX, "at most 80 characters are possible");
        return VALUE_BAD;
    }
    copy_value(value_out, word);
    return VALUE_OK;
}

static const struct value_converter converters[] = {
    {"4", "A.B.C.D/M", read_prefix4, print_prefix4, false},
    {"6", "X:X::X:X/M", read_prefix6, print_prefix6, false},
    {"prefix", "PREFIX", read_prefix_any, print_same, false},
    {"ip", "ADDRESS", read_address, print_same, false},
    {"peer", "PEER", read_peer, print_same, true},
    {"group", "PEER", read_group, print_same, true},
    {"gateway", "GATEWAY|INTERFACE", read_gateway, print_gateway, false},
    {"ms", "MILLISECONDS", read_milliseconds, print_milliseconds, false},
    {"permit", "permit|deny", read_permit, print_permit, false},
    {"standard", "1-99", read_standard, print_same, true},
    {"expanded", "100-500", read_expanded, print_same, true},
    {"member", "COMMUNITY", read_member, print_same, false},
    {"community", "COMMUNITY", read_standard_community, print_same, false},
    {"large", "A:B:C", read_large_community, print_same, false},
    {"extended", "rt|soo AS:NUMBER", read_extended_community, print_same, false},
    {"rt", "AS:NUMBER", read_route_target, print_same, false},
    {"soo", "AS:NUMBER", read_site_of_origin, print_same, false},
    {"asns", "AS...", read_asns, print_same, false},
    {"secret", "KEY", read_secret, print_same, false},
};

const struct value_converter *value_converter_find(const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < sizeof converters / sizeof converters[0]; i++) {
        if (strlen(converters[i].name) == name_bytes &&
            memcmp(converters[i].name, name, name_bytes) == 0) {
            return &converters[i];
        }
    }
    return NULL;
}

/* ---- Rules of types ---- */

static void append(char out[VALUE_BYTES_MAX], const char *text)
{
    size_t used = strlen(out);
    snprintf(out + used, VALUE_BYTES_MAX - used, "%s", text);
}

static void rule_number(const struct lysc_type *type, char out[VALUE_BYTES_MAX])
{
    const struct lysc_type_num *number = (const struct lysc_type_num *)type;
    uint64_t whole_max = type->basetype == LY_TYPE_UINT8    ? UINT8_MAX
                         : type->basetype == LY_TYPE_UINT16 ? UINT16_MAX
                                                            : UINT32_MAX;
    char part[64];
    append(out, "a number ");
    if (number->range == NULL) {
        snprintf(part, sizeof part, "from 0 to %" PRIu64, whole_max);
        append(out, part);
        return;
    }
    for (LY_ARRAY_COUNT_TYPE i = 0; i < LY_ARRAY_COUNT(number->range->parts); i++) {
        uint64_t min = number->range->parts[i].min_u64;
        uint64_t max = number->range->parts[i].max_u64;
        append(out, i == 0 ? "" : " or ");
        if (min == max) {
            snprintf(part, sizeof part, "%" PRIu64, min);
        } else {
            snprintf(part, sizeof part, "from %" PRIu64 " to %" PRIu64, min, max);
        }
        append(out, part);
    }
}

static void rule_enum(const struct lysc_type *type, char out[VALUE_BYTES_MAX])
{
    const struct lysc_type_enum *list = (const struct lysc_type_enum *)type;
    LY_ARRAY_COUNT_TYPE count = LY_ARRAY_COUNT(list->enums);
    for (LY_ARRAY_COUNT_TYPE i = 0; i < count; i++) {
        append(out, i == 0 ? "" : i + 1 == count ? " or " : ", ");
        append(out, list->enums[i].name);
    }
}

static void rule_string(const struct lysc_type *type, char out[VALUE_BYTES_MAX])
{
    const struct lysc_type_str *string = (const struct lysc_type_str *)type;
    if (string->patterns != NULL && string->patterns[0]->emsg != NULL) {
        append(out, string->patterns[0]->emsg);
    } else if (string->patterns != NULL) {
        append(out, strstr(string->patterns[0]->expr, "\\.") != NULL ? "an address" : "a text");
    } else {
        append(out, "a text");
    }
    if (string->length != NULL) {
        char part[64];
        snprintf(part, sizeof part, " of %" PRIu64 " to %" PRIu64 " characters",
                 string->length->parts[0].min_u64, string->length->parts[0].max_u64);
        append(out, part);
    }
}

static void rule_simple(const struct lysc_type *type, char out[VALUE_BYTES_MAX])
{
    switch (type->basetype) {
    case LY_TYPE_UINT8:
    case LY_TYPE_UINT16:
    case LY_TYPE_UINT32:
        rule_number(type, out);
        return;
    case LY_TYPE_ENUM:
        rule_enum(type, out);
        return;
    case LY_TYPE_BOOL:
        append(out, "true or false");
        return;
    case LY_TYPE_STRING:
        rule_string(type, out);
        return;
    default:
        append(out, "a value");
        return;
    }
}

static const struct lysc_type *leaf_type(const struct lysc_node *leaf)
{
    ASSERT((leaf->nodetype & (LYS_LEAF | LYS_LEAFLIST)) != 0);
    return leaf->nodetype == LYS_LEAF ? ((const struct lysc_node_leaf *)leaf)->type
                                      : ((const struct lysc_node_leaflist *)leaf)->type;
}

char *value_rule(const struct lysc_node *leaf, char text_out[VALUE_BYTES_MAX])
{
    const struct lysc_type *type = leaf_type(leaf);
    text_out[0] = '\0';
    if (type->basetype != LY_TYPE_UNION) {
        rule_simple(type, text_out);
        return text_out;
    }
    /* Unions of the modules are at most two deep and the inner ones are addresses. */
    const struct lysc_type_union *members = (const struct lysc_type_union *)type;
    for (LY_ARRAY_COUNT_TYPE i = 0; i < LY_ARRAY_COUNT(members->types); i++) {
        char part[VALUE_BYTES_MAX] = "";
        rule_simple(members->types[i], part);
        if (strstr(text_out, part) == NULL) {
            append(text_out, text_out[0] == '\0' ? "" : " or ");
            append(text_out, part);
        }
    }
    return text_out;
}

const char *value_metavariable(const struct lysc_node *leaf)
{
    switch (leaf_type(leaf)->basetype) {
    case LY_TYPE_UINT8:
    case LY_TYPE_UINT16:
    case LY_TYPE_UINT32:
        return "NUMBER";
    case LY_TYPE_UNION:
        return "VALUE";
    default:
        return "NAME";
    }
}
