/* Counts what is sent. */
#include "count.h"

static unsigned sent;

void count_sent(unsigned amount)
{
    sent += amount;
}

unsigned count_total(void)
{
    return sent;
}
