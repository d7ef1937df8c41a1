/* Options with their values: the table is constant but for those. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct option {
    const char *name;
    int value;
};

static struct option options[] = {
    {"depth", 3},
    {"width", 80},
};

static struct option *find(const char *name)
{
    for (size_t at = 0; at < sizeof options / sizeof *options; at++) {
        if (strcmp(options[at].name, name) == 0) {
            return &options[at];
        }
    }
    return NULL;
}

static void load_options(void)
{
    const char *width = getenv("COLUMNS");

    if (width != NULL) {
        find("width")->value = atoi(width);
    }
}

static void command(const char *line)
{
    char name[12];
    int value;

    if (sscanf(line, "set %11s %d", name, &value) == 2 && find(name) != NULL) {
        find(name)->value = value;
    }
}

static void dump(void)
{
    for (size_t at = 0; at < sizeof options / sizeof *options; at++) {
        printf("%s %d\n", options[at].name, options[at].value);
    }
}

int main(void)
{
    char line[128];

    setvbuf(stdout, NULL, _IOLBF, 0);
    load_options();
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
