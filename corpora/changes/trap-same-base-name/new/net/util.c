#include "net.h"

static int count;
static int lost;

void net_use(int value)
{
    if (value < 0) {
        lost++;
        return;
    }
    count += value;
}

int net_count(void)
{
    return count * 1500 - lost;
}
