/* How fast a transfer may be. */
#include "ftpd.h"

#include <time.h>

#define SECOND 1000000000

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * (int64_t)SECOND + time.tv_nsec;
}

void throttle_begin(struct throttle *throttle)
{
    throttle->allowed = options.burst_kb * (int64_t)1024;
    throttle->filled_at = now();
}

/* Fills the bucket with what the time since the last call has brought. */
static void refill(struct throttle *throttle)
{
    int64_t most = options.burst_kb * (int64_t)1024, time = now();

    throttle->allowed += (time - throttle->filled_at) / 1000 * options.rate_kb * 1024 / 1000000;
    throttle->filled_at = time;
    if (throttle->allowed > most) {
        throttle->allowed = most;
    }
}

/* Returns how many of `wanted` bytes may be moved now; it may be none. */
size_t throttle_allow(struct throttle *throttle, size_t wanted)
{
    if (options.rate_kb == 0) {
        return wanted;
    }
    refill(throttle);
    if (throttle->allowed <= 0) {
        return 0;
    }
    return (int64_t)wanted < throttle->allowed ? wanted : (size_t)throttle->allowed;
}

void throttle_count(struct throttle *throttle, size_t moved)
{
    throttle->allowed -= (int64_t)moved;
}

/* Returns how many milliseconds to wait where nothing may be moved. */
int throttle_delay(struct throttle *throttle)
{
    (void)throttle;
    return 5;
}
