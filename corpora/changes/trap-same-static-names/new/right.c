#include "sides.h"

static long count;

static int scale(int value)
{
    return value * 4;
}

void right_add(int value)
{
    count += scale(value);
}

int right_count(void)
{
    return (int)count;
}
