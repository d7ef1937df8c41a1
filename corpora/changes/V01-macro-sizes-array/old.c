/* A ring of the last values. */
#include <stdio.h>
#include <string.h>

#define RING_SIZE 4

struct ring {
    long values[RING_SIZE];
    unsigned next;
};

static struct ring ring;

static void command(const char *line)
{
    long value;

    if (sscanf(line, "put %ld", &value) == 1) {
        ring.values[ring.next % RING_SIZE] = value;
        ring.next++;
    }
}

static void dump(void)
{
    unsigned first = ring.next > RING_SIZE ? ring.next - RING_SIZE : 0;

    for (unsigned at = first; at < ring.next; at++) {
        printf("%ld\n", ring.values[at % RING_SIZE]);
    }
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
