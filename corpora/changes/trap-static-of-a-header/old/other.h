void other_add(int value);
int other_sum(void);
