struct pair { int a; struct pair *next; };
static inline int twice(int x) { static int calls; calls++; return x * 2; }
