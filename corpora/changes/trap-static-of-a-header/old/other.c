#include "other.h"

static int sum;

void other_add(int value)
{
    sum += value;
}

int other_sum(void)
{
    return sum;
}
