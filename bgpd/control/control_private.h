/* Inside of bgpd/control: one client, its request, and the frames of its answer. */
#ifndef BGPD_CONTROL_CONTROL_PRIVATE_H
#define BGPD_CONTROL_CONTROL_PRIVATE_H

#include "bgpd/control/control.h"
#include "bgpd/core/snapshot.h"
#include "proto/base/arena.h"
#include "proto/control.pb-c.h"

/* A frame is closed once it is this long; a single row may make it longer. */
#define ANSWER_FRAME_BYTES 16384u

/* Destinations, routes or peers looked at per call. */
#define ANSWER_STEP_ROWS 1024u

struct control_server {
    struct core *core;
    struct control_hooks hooks;
    uint32_t client_count;
};

struct table_request {
    struct snapshot_cursor cursor;
    struct prefix asked; /* for the Absent row */
    bool is_lookup;      /* EXACT or MATCH: nothing found deserves a reason */
    bool is_address;
    bool with_heads;
    bool best_only;
    uint32_t count;
};

struct ip_routes_request {
    struct ip_route_cursor cursor;
    struct prefix exact; /* family IP_NONE: no exact match asked for */
    uint32_t kinds;
};

struct neighbors_request {
    uint32_t index;
    struct ip_addr last;
    struct ip_addr only; /* IP_NONE: all */
};

struct list_request {
    uint32_t index;
    uint32_t count;
    struct prefix within; /* of protections; IP_NONE: all */
    char name[64];        /* of tunnels; "": all */
};

struct bfd_request {
    uint32_t next;
    uint32_t count;
    struct ip_addr only; /* IP_NONE: all */
};

struct control_client {
    struct control_server *server;
    uid_t uid;
    gid_t gid;
    bool is_admin;
    bool is_greeted;
    bool is_broken; /* nothing it sends is read any more */
    struct buffer input;
    struct buffer pending; /* whole frames, but for one that is open */
    size_t pending_at;     /* octets of it handed out */
    bool is_frame_open;
    size_t frame_at;      /* where the open frame's length field is */
    struct arena scratch; /* of one request or one row */
    uint32_t request_id;
    /* Produces more of the answer; NULL when nothing is asked. */
    void (*step)(struct control_client *client, struct mono_time now);
    struct mono_time now; /* of the running step, for row callbacks */
    union {
        struct table_request table;
        struct ip_routes_request ip_routes;
        struct neighbors_request neighbors;
        struct list_request list;
        struct bfd_request bfd;
        size_t text_at;
    };
    struct buffer text; /* a configuration on its way out */
};

/* ---- Frames ---- */

/* Adds the rows of part to the answer. part->id is set here. */
void answer_put(struct control_client *client, Control__Answer *part);

/* Closes the open frame, if there is one. */
void answer_flush(struct control_client *client);

/* Octets produced and not handed out. */
size_t answer_pending(const struct control_client *client);

/* Ends a request that names a peer nobody configured. */
void answer_no_neighbor(struct control_client *client, const struct ip_addr *peer);

/* The last Answer of the request. */
void answer_finish(struct control_client *client, Control__Status__Code code, uint32_t count,
                   const char *format, ...) PRINTF_LIKE(4, 5);

/* The Global row that heads tables. */
void answer_global(struct control_client *client);

/* ---- Requests: each checks every field, then answers at once or sets client->step ---- */

void request_global(struct control_client *client);
void request_neighbors(struct control_client *client, const Control__NeighborsRequest *request);
void request_table(struct control_client *client, const Control__TableRequest *request);
void request_ip_routes(struct control_client *client, const Control__IpRoutesRequest *request);
void request_bfd(struct control_client *client, const Control__BfdRequest *request);
void request_tunnels(struct control_client *client, const Control__TunnelsRequest *request);
void request_protection(struct control_client *client, const Control__ProtectionRequest *request);
void request_config(struct control_client *client, const Control__ConfigRequest *request);
void request_memory(struct control_client *client);
void request_clear(struct control_client *client, struct mono_time now,
                   const Control__ClearRequest *request);
void request_reload(struct control_client *client);
void request_failovers(struct control_client *client);
void request_fib_audit(struct control_client *client);
void request_verify(struct control_client *client, const Control__VerifyRequest *request);

/* ---- Values ---- */

/* False when bytes is neither empty (IP_NONE) nor an address. */
bool value_addr_read(const ProtobufCBinaryData *bytes, struct ip_addr *addr_out);

/* False unless bytes and length make a prefix of family; host bits are cleared. */
bool value_prefix_read(const ProtobufCBinaryData *bytes, uint32_t len_bits, uint8_t family,
                       struct prefix *prefix_out);

/* Views: addr, prefix and text must outlive the message. */
ProtobufCBinaryData value_addr(const struct ip_addr *addr);
ProtobufCBinaryData value_prefix(const struct prefix *prefix);
ProtobufCBinaryData value_bytes(struct byte_view view);
char *value_text(const char *text);
int64_t value_age_ms(struct mono_time now, struct mono_time then);

static inline uint32_t value_path_class(bool is_known, uint8_t path_class)
{
    return is_known ? path_class + 1u : 0;
}

/* Rows of evidence and of legs in the client's scratch arena. */
Control__Evidence **value_evidence(struct control_client *client,
                                   const struct snapshot_evidence *evidence, size_t count);
Control__Leg **value_legs(struct control_client *client, const struct snapshot_leg *legs,
                          size_t count);

#endif
