#include "proto/base/status.h"

#include "proto/base/assert.h"

const char *status_name(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return "ok";
    case STATUS_NOT_FOUND:
        return "not found";
    case STATUS_EXISTS:
        return "exists already";
    case STATUS_LIMIT:
        return "limit reached";
    case STATUS_INVALID:
        return "invalid";
    case STATUS_TRUNCATED:
        return "truncated";
    case STATUS_BUSY:
        return "busy";
    case STATUS_REFUSED:
        return "refused";
    }
    UNREACHABLE();
}
