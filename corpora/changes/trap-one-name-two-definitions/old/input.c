#include "input.h"

struct buffer {
    int last;
    int count;
    char name[16];
};

static struct buffer buffer;

void input_put(int value)
{
    buffer.last = value;
    buffer.count++;
}

int input_sum(void)
{
    return buffer.last + buffer.count;
}
