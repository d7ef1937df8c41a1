#ifndef COUNT_H
#define COUNT_H

void count_sent(unsigned amount);
unsigned count_total(void);

#endif
