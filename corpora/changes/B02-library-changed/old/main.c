/* Marks, tallied by a library. */
#include <stdio.h>
#include <string.h>

#include <tally.h>

static struct tally marks;

static void command(const char *line)
{
    int mark;

    if (sscanf(line, "mark %d", &mark) == 1) {
        tally_add(&marks, mark);
    }
}

static void dump(void)
{
    printf("%d marks, highest %d\n", marks.count, marks.highest);
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
