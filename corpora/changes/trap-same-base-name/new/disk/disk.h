void disk_use(int value);
int disk_count(void);
