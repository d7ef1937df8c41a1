#include "parts.h"

static int parts;

void part_add(int value)
{
    parts += value;
}

int part_sum(void)
{
    return parts;
}
