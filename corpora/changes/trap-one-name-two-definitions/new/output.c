#include "output.h"

struct buffer {
    int count;
    int last;
    long flushed;
};

static struct buffer buffer;

void output_put(int value)
{
    buffer.last = value;
    buffer.count++;
}

int output_sum(void)
{
    return buffer.last + buffer.count;
}
