/* Must crash: proves that the fuzzing machinery finds and reports faults. */
#include <stddef.h>
#include <stdint.h>

#include "proto/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ASSERT(size < 3 || data[0] != 'b' || data[1] != 'g' || data[2] != 'p');
    return 0;
}
