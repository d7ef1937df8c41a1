int clamp(int value);
void part_add(int value);
int part_sum(void);
