/* The clocks: read once per wake-up, by nobody below bgpd/io. */
#ifndef BGPD_IO_CLOCK_H
#define BGPD_IO_CLOCK_H

#include <time.h>

#include "proto/base/mono.h"

struct mono_time clock_mono_now(void);

/* Writes the local wall time as RFC 3339 with milliseconds; text_out holds 32 octets. */
void clock_wall_text(char text_out[32]);

#endif
