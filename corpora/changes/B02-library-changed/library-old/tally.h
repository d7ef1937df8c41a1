/* A small library that comes with the system. */
#ifndef TALLY_H
#define TALLY_H

struct tally {
    int count;
    int highest;
};

static inline void tally_add(struct tally *tally, int value)
{
    tally->count++;
    tally->highest = value > tally->highest ? value : tally->highest;
}

#endif
