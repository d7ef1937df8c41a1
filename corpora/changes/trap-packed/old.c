/* Frames whose struct becomes packed. */
#include <stdio.h>
#include <string.h>

struct frame {
    unsigned char kind;
    unsigned length;
    unsigned short port;
};

static struct frame frames[2];

static void command(const char *line)
{
    unsigned at, kind, length, port;

    if (sscanf(line, "frame %u %u %u %u", &at, &kind, &length, &port) == 4 && at < 2) {
        frames[at].kind = (unsigned char)kind;
        frames[at].length = length;
        frames[at].port = (unsigned short)port;
    }
}

static void dump(void)
{
    for (int at = 0; at < 2; at++) {
        printf("%u %u %u\n", frames[at].kind, frames[at].length, frames[at].port);
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
