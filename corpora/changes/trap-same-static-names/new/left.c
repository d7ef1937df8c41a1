#include "sides.h"

static int count;

static int scale(int value)
{
    return value * 2;
}

void left_add(int value)
{
    count += scale(value);
}

int left_count(void)
{
    return count;
}
