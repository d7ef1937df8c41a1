/* A small library that comes with the system. */
#ifndef TALLY_H
#define TALLY_H

struct tally {
    long sum;
    int count;
    int highest;
};

static inline void tally_add(struct tally *tally, int value)
{
    tally->count++;
    tally->sum += value;
    tally->highest = value > tally->highest ? value : tally->highest;
}

#endif
