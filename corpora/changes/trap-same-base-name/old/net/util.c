#include "net.h"

static int count;

void net_use(int value)
{
    count += value;
}

int net_count(void)
{
    return count * 1500;
}
