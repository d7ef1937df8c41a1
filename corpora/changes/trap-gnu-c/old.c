/* What GNU C has beyond the standard, and one body that changes. */
#include <stdio.h>
#include <string.h>

#define max(a, b) ({ __typeof__(a) left = (a); __typeof__(b) right = (b); left > right ? left : right; })

typedef int four __attribute__((vector_size(16)));

static four lanes;
static __int128 wide;
static int highest __attribute__((used, aligned(32)));

static inline __attribute__((always_inline)) int lane(int at)
{
    return lanes[at & 3];
}

static int scale(int value)
{
    static void *const ways[] = {&&small, &&large};

    goto *ways[value > 9];
small:
    return value;
large:
    return value * 2;
}

static void command(const char *line)
{
    int at, value;

    if (sscanf(line, "put %d %d", &at, &value) == 2) {
        lanes[at & 3] = scale(value);
        wide += (__int128)value << 64;
        highest = max(highest, value);
        __asm__ volatile("" : : : "memory");
    }
}

static void dump(void)
{
    printf("%d %d %d %d, %d, %s\n", lane(0), lane(1), lane(2), lane(3), highest ?: -1, _Generic(wide, __int128: "wide", default: "narrow"));
    printf("%ld\n", (long)(wide >> 64));
}

int main(void)
{
    char line[128];

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "quit\n") != 0) {
        if (strcmp(line, "dump\n") == 0) {
            dump();
            puts(".");
        } else {
            command(line);
        }
    }
    return 0;
}
