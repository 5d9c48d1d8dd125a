/* TCP-AO (RFC 5925) as Linux 6.7 and later have it, when built with CONFIG_TCP_AO. */
#ifndef BGPD_IO_TCP_AO_H
#define BGPD_IO_TCP_AO_H

#include <stdbool.h>

#include "bgpd/core/config_model.h"
#include "proto/prefix.h"

/* Asks the kernel with a socket that goes nowhere. */
bool tcp_ao_is_available(void);

/* Puts every key of the chain on fd for a peer or a range, the first one as that which signs. False
 * with errno set, ENOPROTOOPT where the kernel has no TCP-AO; keys put before are left. */
bool tcp_ao_add(int fd, const struct prefix *peer, const struct config_key_chain *chain,
                bool includes_options);

/* Takes them off a listening socket again; connections that stand keep theirs. */
void tcp_ao_remove(int fd, const struct prefix *peer, const struct config_key_chain *chain);

#endif
