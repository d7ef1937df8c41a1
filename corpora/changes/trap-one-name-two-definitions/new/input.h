void input_put(int value);
int input_sum(void);
