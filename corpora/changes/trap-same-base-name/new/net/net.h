void net_use(int value);
int net_count(void);
