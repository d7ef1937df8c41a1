/* How fast a transfer may be. */
#include "ftpd.h"

#include <time.h>

#define SECOND 1000000000
#define DELAY_LONGEST 100 /* milliseconds */

static uint64_t moved_so_far; /* bytes, in this session */

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
    int64_t most = options.burst_kb * (int64_t)1024, rate = options.rate_kb * (int64_t)1024;
    int64_t more = (now() - throttle->filled_at) / 1000 * rate / 1000000;

    throttle->allowed += more;
    throttle->filled_at += more * SECOND / rate; /* what is less than a byte is counted the next time */
    if (throttle->allowed > most) {
        throttle->allowed = most;
    }
}

/* Returns how many of `wanted` bytes may be moved now; it may be none. */
size_t throttle_room(struct throttle *throttle, size_t wanted)
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
    moved_so_far += moved;
}

uint64_t throttle_moved(void)
{
    return moved_so_far;
}

/* Returns how many milliseconds to wait until a block may be moved, or most of it. */
int throttle_delay(const struct throttle *throttle)
{
    int64_t missing = BLOCK_SIZE - throttle->allowed;
    int64_t wait = missing * 1000 / (options.rate_kb * (int64_t)1024) + 1;

    return wait < DELAY_LONGEST ? (int)wait : DELAY_LONGEST;
}
