/* Turning the tree into the model: what the files of this step share. */
#ifndef BGPD_CONFIG_MODEL_PRIVATE_H
#define BGPD_CONFIG_MODEL_PRIVATE_H

#include "bgpd/config/config_private.h"

enum field_type {
    FIELD_STRING,
    FIELD_BOOL,
    FIELD_BOOL_NOT,
    FIELD_ENUM_BOOL, /* the second word of the enumeration is true */
    FIELD_U8,
    FIELD_U32,
    FIELD_MS, /* microseconds in the tree */
    FIELD_ENUM_U8,
    FIELD_ENUM_U32,
    FIELD_ROLE,      /* enum azure_role: 0 is none */
    FIELD_ENUM_BITS, /* leaf-list of an enumeration into bits of an u32 */
    FIELD_IP,
    FIELD_PREFIX,
    FIELD_OPT_BOOL,
    FIELD_OPT_BOOL_NOT,
    FIELD_OPT_U32,
    FIELD_OPT_MS_MAX, /* the larger of several */
    FIELD_OPT_ENUM,
    FIELD_OPT_IP4, /* host order */
    FIELD_OPT_BIT, /* parameter: the bit; bits_default: what is not given */
    FIELD_PEER_AS,
    FIELD_LOCAL_ADDRESS,
    FIELD_EXIST_MAP,
    FIELD_NON_EXIST_MAP,
};

/* A leaf below the node that stands for a struct. */
struct model_field {
    const char *path;
    size_t offset;
    uint8_t type; /* enum field_type */
    uint8_t bit;
    uint8_t bits_default;
};

struct model_table {
    const struct model_field *fields;
    size_t count;
};

extern const struct model_table model_config;
extern const struct model_table model_tunnel;
extern const struct model_table model_interface;
extern const struct model_table model_static_route;
extern const struct model_table model_bfd_profile;
extern const struct model_table model_protection;
extern const struct model_table model_global;
extern const struct model_table model_neighbor;
extern const struct model_table model_family;
extern const struct model_table model_network;
extern const struct model_table model_aggregate;
extern const struct model_table model_bgp_family;

struct model_builder {
    const struct config_loader *loader;
    struct config *config;
    struct arena *arena;
    struct config_report *report;
    const struct lyd_node *root;
};

/* Reports node, with its line when it came from text. */
void model_error(const struct model_builder *builder, const struct lyd_node *node,
                 const char *format, ...) PRINTF_LIKE(3, 4);

/* Stores the leaves below node, not those of lists inside it, into the struct at base. */
void model_fill(const struct model_builder *builder, const struct lyd_node *node, void *base);

/* Below parent (NULL: the root), by names; NULL when something is missing. */
const struct lyd_node *model_get(const struct model_builder *builder, const struct lyd_node *parent,
                                 const char *path);
const char *model_text(const struct model_builder *builder, const struct lyd_node *parent,
                       const char *path); /* arena's; NULL */

/* The entries of a list of the given name among parent's children, in the tree's order. Memory of
 * the arena. */
const struct lyd_node **model_entries(const struct model_builder *builder,
                                      const struct lyd_node *parent, const char *name,
                                      size_t *count_out);

/* Numeric value of an unsigned leaf or of an enumeration; unions give their member's. */
uint32_t leaf_number(const struct lyd_node *leaf);
bool leaf_is_enum(const struct lyd_node *leaf);
bool leaf_is_number(const struct lyd_node *leaf);
bool leaf_is_true(const struct lyd_node *leaf);
struct ip_addr leaf_ip(const struct lyd_node *leaf);

/* False after an error was reported. */
bool leaf_prefix(const struct model_builder *builder, const struct lyd_node *leaf,
                 struct prefix *prefix_out);

void model_build_system(const struct model_builder *builder);
void model_build_bgp(const struct model_builder *builder);
void model_build_sets(const struct model_builder *builder);
void model_build_route_maps(const struct model_builder *builder);

/* Text of communities into an array of the arena. */
const struct community *model_communities(const struct model_builder *builder,
                                          const struct lyd_node *parent, const char *name,
                                          enum community_kind kind, const char *tag,
                                          size_t *count_out);

#endif
