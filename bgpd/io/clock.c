#include "bgpd/io/clock.h"

#include <stdio.h>

struct mono_time clock_mono_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct mono_time){(int64_t)now.tv_sec * 1000000000 + now.tv_nsec};
}

void clock_wall_text(char text_out[32])
{
    struct timespec now;
    struct tm local;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    size_t length = strftime(text_out, 32, "%Y-%m-%dT%H:%M:%S", &local);
    snprintf(text_out + length, 32 - length, ".%03d", (int)(now.tv_nsec / 1000000));
}
