/* A struct that lies by value in another, which lies in an array. */
#include <stdio.h>
#include <string.h>

struct span {
    long from;
    long to;
};

struct track {
    char title[12];
    struct span span;
    int plays;
};

static struct track tracks[2] = {{"one", {0, 5}, 0}, {"two", {5, 9}, 0}};

static void command(const char *line)
{
    int track;

    if (sscanf(line, "play %d", &track) == 1 && track >= 0 && track < 2) {
        tracks[track].plays++;
    }
}

static void dump(void)
{
    for (int at = 0; at < 2; at++) {
        printf("%s %ld %d\n", tracks[at].title, (long)(tracks[at].span.to - tracks[at].span.from), tracks[at].plays);
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
