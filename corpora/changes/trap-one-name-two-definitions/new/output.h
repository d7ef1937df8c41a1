void output_put(int value);
int output_sum(void);
