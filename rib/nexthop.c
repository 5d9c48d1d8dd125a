#include "rib/nexthop.h"

#include "proto/base/assert.h"

const char *path_class_name(enum path_class path_class)
{
    static const char *const names[PATH_CLASS_COUNT] = {
        [PATH_CLASS_CLEAR] = "clear",
        [PATH_CLASS_MACSEC] = "macsec",
        [PATH_CLASS_IPSEC] = "ipsec",
    };
    ASSERT(path_class < PATH_CLASS_COUNT);
    return names[path_class];
}
