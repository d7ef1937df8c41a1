#include "disk.h"

static int count;

void disk_use(int value)
{
    count += value;
}

int disk_count(void)
{
    return count * 512;
}
