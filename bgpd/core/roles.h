/* Only-to-Customer by BGP role (RFC 9234 5): who may send a route on to whom. Pure functions of our
 * role towards an external neighbour; BGP_ROLE_NONE asks for nothing. */
#ifndef BGPD_CORE_ROLES_H
#define BGPD_CORE_ROLES_H

#include "proto/open.h"
#include "proto/path_attr.h"

/* A received route is a leak: Only-to-Customer came from a customer or an RS client, or from a peer
 * of another AS than the one it names. */
bool role_import_is_leak(enum bgp_role role, uint32_t remote_asn, const struct path_attrs *attrs);

/* Marks what comes from a provider, a peer or a route server; true when attrs changed. */
bool role_import_mark(enum bgp_role role, uint32_t remote_asn, struct path_attrs *attrs);

/* What is marked goes to no provider, peer or route server. */
bool role_export_forbids(enum bgp_role role, const struct path_attrs *attrs);

/* Marks what goes to a customer, a peer or an RS client. */
void role_export_mark(enum bgp_role role, uint32_t local_asn, struct path_attrs *attrs);

#endif
