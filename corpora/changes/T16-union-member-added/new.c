/* Values with a tag, none of them a pointer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum sort { WHOLE, REAL };

union content {
    long whole;
    double real;
    unsigned char bytes[8];
};

struct value {
    enum sort sort;
    union content content;
};

static struct value values[4];
static int used;

static void command(const char *line)
{
    long whole;
    double real;

    if (used == 4) {
        return;
    }
    if (sscanf(line, "whole %ld", &whole) == 1) {
        values[used].sort = WHOLE;
        values[used++].content.whole = whole;
    } else if (sscanf(line, "real %lf", &real) == 1) {
        values[used].sort = REAL;
        values[used++].content.real = real;
    }
}

static void dump(void)
{
    for (int at = 0; at < used; at++) {
        switch (values[at].sort) {
        case WHOLE:
            printf("%ld\n", values[at].content.whole);
            break;
        case REAL:
            printf("%.2f (%02x)\n", values[at].content.real, values[at].content.bytes[7]);
            break;
        }
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
