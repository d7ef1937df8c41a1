#include "sides.h"

static int count;

static int scale(int value)
{
    return value * 3;
}

void right_add(int value)
{
    count += scale(value);
}

int right_count(void)
{
    return count;
}
