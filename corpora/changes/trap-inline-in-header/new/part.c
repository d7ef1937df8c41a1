#include "helpers.h"
#include "part.h"

static int part;

void part_add(int value)
{
    part = limit(part + value);
}

int part_value(void)
{
    return part;
}
