#include "bgpd/core/roles.h"

bool role_import_is_leak(enum bgp_role role, uint32_t remote_asn, const struct path_attrs *attrs)
{
    if (!path_attrs_has(attrs, PATH_ATTR_OTC)) {
        return false;
    }
    return role == BGP_ROLE_PROVIDER || role == BGP_ROLE_RS ||
           (role == BGP_ROLE_PEER && attrs->otc_asn != remote_asn);
}

static void mark(uint32_t asn, struct path_attrs *attrs)
{
    attrs->otc_asn = asn;
    path_attrs_set(attrs, PATH_ATTR_OTC);
}

bool role_import_mark(enum bgp_role role, uint32_t remote_asn, struct path_attrs *attrs)
{
    bool is_marked_here =
        role == BGP_ROLE_CUSTOMER || role == BGP_ROLE_PEER || role == BGP_ROLE_RS_CLIENT;
    if (!is_marked_here || path_attrs_has(attrs, PATH_ATTR_OTC)) {
        return false;
    }
    mark(remote_asn, attrs);
    return true;
}

bool role_export_forbids(enum bgp_role role, const struct path_attrs *attrs)
{
    return path_attrs_has(attrs, PATH_ATTR_OTC) &&
           (role == BGP_ROLE_CUSTOMER || role == BGP_ROLE_PEER || role == BGP_ROLE_RS_CLIENT);
}

void role_export_mark(enum bgp_role role, uint32_t local_asn, struct path_attrs *attrs)
{
    bool is_marked_here = role == BGP_ROLE_PROVIDER || role == BGP_ROLE_PEER || role == BGP_ROLE_RS;
    if (is_marked_here && !path_attrs_has(attrs, PATH_ATTR_OTC)) {
        mark(local_asn, attrs);
    }
}
