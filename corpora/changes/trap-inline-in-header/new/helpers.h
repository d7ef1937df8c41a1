/* Small helpers that every file has a copy of. */
#ifndef HELPERS_H
#define HELPERS_H

static inline int limit(int value)
{
    static long calls;

    calls++;
    return value > 200 ? 200 : value + (int)(calls - calls);
}

#endif
