/* Command lines of prefix, AS-path and community lists. */
#include "bgpd/config/config_private.h"

#define SETS        "sealane-policy:routing-policy/defined-sets/"
#define PREFIX4     SETS "prefix-sets/prefix-set[name,mode=ipv4]"
#define PREFIX6     SETS "prefix-sets/prefix-set[name,mode=ipv6]"
#define ENTRIES     "/prefixes/prefix-list[sequence]"
#define AS_PATH     SETS "as-path-sets/as-path-set[name]/entry[sequence]"
#define STANDARD    SETS "community-sets/community-set[name]/entry[sequence]"
#define EXTENDED    SETS "ext-community-sets/ext-community-set[name]/entry[sequence]"
#define LARGE       SETS "large-community-sets/large-community-set[name]/entry[sequence]"
#define SEQ_ACTION  "[ seq <sequence> ] <action> "
#define AUTO        ROW_AUTO_NUMBER
#define AUTO_ALIAS  (ROW_AUTO_NUMBER | ROW_ALIAS)
#define LE_GE_WORDS "[ ge <mask-length-lower> ] [ le <mask-length-upper> ]"

/* The six spellings of one kind of community list: by type and name, and by number; FRR's old
 * `ip KIND` besides `bgp KIND`. */
#define LIST_ROWS(kind, base, member, what)                                                        \
    {MODE_TOP,                                                                                     \
     MODE_TOP,                                                                                     \
     AUTO,                                                                                         \
     base,                                                                                         \
     "bgp " kind " standard <name> " SEQ_ACTION member,                                            \
     "Routes that carry all these " what "."},                                                     \
        {MODE_TOP,                                                                                 \
         MODE_TOP,                                                                                 \
         AUTO,                                                                                     \
         base,                                                                                     \
         "bgp " kind " expanded <name> " SEQ_ACTION "<regexp*>",                                   \
         "Routes whose " what " match an expression."},                                            \
        {MODE_TOP,                                                                                 \
         MODE_TOP,                                                                                 \
         AUTO_ALIAS,                                                                               \
         base,                                                                                     \
         "bgp " kind " <name!standard> " SEQ_ACTION member,                                        \
         "A standard list by its number."},                                                        \
        {MODE_TOP,                                                                                 \
         MODE_TOP,                                                                                 \
         AUTO_ALIAS,                                                                               \
         base,                                                                                     \
         "bgp " kind " <name!expanded> " SEQ_ACTION "<regexp*>",                                   \
         "An expanded list by its number."},                                                       \
        {MODE_TOP,                                                                                 \
         MODE_TOP,                                                                                 \
         AUTO_ALIAS,                                                                               \
         base,                                                                                     \
         "ip " kind " standard <name> " SEQ_ACTION member,                                         \
         "As bgp " kind "."},                                                                      \
    {                                                                                              \
        MODE_TOP, MODE_TOP, AUTO_ALIAS, base,                                                      \
            "ip " kind " expanded <name> " SEQ_ACTION "<regexp*>", "As bgp " kind "."              \
    }

static const struct config_row rows[] = {
    {MODE_TOP, MODE_TOP, 0, PREFIX4, "ip prefix-list <name> description <description*>",
     "What the list is for."},
    {MODE_TOP, MODE_TOP, 0, PREFIX6, "ipv6 prefix-list <name> description <description*>",
     "What the list is for."},
    {MODE_TOP, MODE_TOP, AUTO, PREFIX4 ENTRIES,
     "ip prefix-list <name> " SEQ_ACTION "<ip-prefix!4> " LE_GE_WORDS,
     "An entry of an IPv4 prefix list; without seq it goes to the end in steps of five. ge and le "
     "bound the length of prefixes inside the given one."},
    {MODE_TOP, MODE_TOP, AUTO_ALIAS, PREFIX4 ENTRIES,
     "ip prefix-list <name> " SEQ_ACTION "any =ip-prefix:0.0.0.0/0 =mask-length-upper:32",
     "As 0.0.0.0/0 le 32."},
    {MODE_TOP, MODE_TOP, AUTO, PREFIX6 ENTRIES,
     "ipv6 prefix-list <name> " SEQ_ACTION "<ip-prefix!6> " LE_GE_WORDS,
     "An entry of an IPv6 prefix list."},
    {MODE_TOP, MODE_TOP, AUTO_ALIAS, PREFIX6 ENTRIES,
     "ipv6 prefix-list <name> " SEQ_ACTION "any =ip-prefix:::/0 =mask-length-upper:128",
     "As ::/0 le 128."},
    {MODE_TOP, MODE_TOP, ROW_IGNORE, "", "ip prefix-list sequence-number", "numbers are kept"},
    {MODE_TOP, MODE_TOP, ROW_IGNORE, "", "ipv6 prefix-list sequence-number", "numbers are kept"},

    {MODE_TOP, MODE_TOP, AUTO, AS_PATH, "bgp as-path access-list <name> " SEQ_ACTION "<regexp*>",
     "An entry of an AS-path list; _ in the expression matches a border between AS numbers."},
    {MODE_TOP, MODE_TOP, AUTO_ALIAS, AS_PATH,
     "ip as-path access-list <name> " SEQ_ACTION "<regexp*>", "As bgp as-path access-list."},

    LIST_ROWS("community-list", STANDARD, "<member+!member>", "communities"),
    LIST_ROWS("large-community-list", LARGE, "<member+!large>", "large communities"),
    LIST_ROWS("extcommunity-list", EXTENDED, "<member+2!extended>", "extended communities"),
};

const struct config_row_table config_rows_policy = {rows, sizeof rows / sizeof rows[0]};
