#include "seed.h"
typedef enum { RED = -1, GREEN = 200 } colour;
typedef struct { unsigned low : 3, high : 9; union { long l; double d; }; char name[4]; char tail[]; } item;
struct pair pairs[2]; static item *items; __thread int own; extern int elsewhere;
const char *const words[] = { "one" };
int (*call)(const item *, ...);
int f(colour c, int n, int v[n]) { static struct { short s; } state; state.s++; return twice(c) + v[0] + own + elsewhere + (items != 0) + pairs[0].a; }
