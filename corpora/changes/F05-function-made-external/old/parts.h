void part_add(int value);
int part_sum(void);
