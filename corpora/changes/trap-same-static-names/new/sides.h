void left_add(int value);
int left_count(void);
void right_add(int value);
int right_count(void);
