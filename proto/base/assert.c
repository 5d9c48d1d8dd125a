#include "proto/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *claim, const char *file, int line)
{
    fprintf(stderr, "sealane: assertion failed: %s (%s:%d)\n", claim, file, line);
    abort();
}
