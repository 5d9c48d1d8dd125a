/* BGP's TCP connections: listeners, options, buffers. Knows octets and addresses, no BGP. */
#ifndef BGPD_IO_TCP_H
#define BGPD_IO_TCP_H

#include <ev.h>

#include "bgpd/core/core.h"
#include "bgpd/io/log_sink.h"

struct tcp_side;

/* feed is called for every fact; the core is the caller's. */
struct tcp_hooks {
    void *context;
    void (*feed)(void *context, const struct core_event *event);
    uint32_t (*receive_room)(void *context, conn_id conn);
    /* A listener could not be opened: text says what and why. */
    void (*listen_failed)(void *context, const char *text);
};

struct tcp_side *tcp_side_new(struct ev_loop *loop, const struct tcp_hooks *hooks,
                              struct log_sink *log);
void tcp_side_free(struct tcp_side *side);

void tcp_connect(struct tcp_side *side, const struct conn_setup_action *setup);
void tcp_accept(struct tcp_side *side, const struct conn_setup_action *setup);
void tcp_send(struct tcp_side *side, conn_id conn, struct byte_view bytes);
void tcp_close(struct tcp_side *side, conn_id conn);

/* port 0 closes it; with the port it has already only the segment size changes (0: default). */
void tcp_listen(struct tcp_side *side, uint8_t family, uint16_t port, uint32_t tcp_mss);

/* What signs the segments of a session: RFC 2385 or RFC 5925, never both; neither: nothing. */
struct tcp_key_setup {
    const char *md5_key;
    const struct config_key_chain *ao;
    bool ao_includes_options;
};

/* What the listener demands of a peer or a range of them: a key, and a TTL that is not lower (0:
 * any). In force before the first SYN. A neighbor whose key the kernel refuses is let in neither
 * with nor without it. */
void tcp_peer_key(struct tcp_side *side, const struct prefix *peer,
                  const struct tcp_key_setup *setup);
void tcp_peer_ttl(struct tcp_side *side, const struct prefix *peer, uint8_t ttl_min);

/* The socket of an open connection, to be looked at and not to be closed; -1 when there is none. */
int tcp_socket_of(struct tcp_side *side, conn_id conn);

/* Writes what tcp_send gathered, one system call per connection, where most waits first. Once per
 * turn of the loop. */
void tcp_flush(struct tcp_side *side);

/* Looks again at connections whose reading was paused for want of room in the core. */
void tcp_resume_reading(struct tcp_side *side);

/* True while octets of a connection that is being closed are still on their way. */
bool tcp_is_closing(const struct tcp_side *side);

#endif
