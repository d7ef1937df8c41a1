/* Small helpers that every file has a copy of. */
#ifndef HELPERS_H
#define HELPERS_H

static inline int limit(int value)
{
    static int calls;

    calls++;
    return value > 100 ? 100 : value + calls - calls;
}

#endif
