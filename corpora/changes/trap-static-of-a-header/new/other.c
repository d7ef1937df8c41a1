#include "other.h"

#include "limit.h"

static int sum;

void other_add(int value)
{
    sum += limited(value);
    set_limit(limited(99));
}

int other_sum(void)
{
    return sum;
}
