/* Text turned to capitals; the new version can also reverse it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static char text[32];

static void capitals(void)
{
    for (char *at = text; *at != '\0'; at++) {
        *at = (char)toupper((unsigned char)*at);
    }
}

static void reverse(void)
{
    for (size_t from = 0, to = strlen(text); from + 1 < to; from++) {
        char kept = text[from];
        to--;
        text[from] = text[to];
        text[to] = kept;
    }
}

static void command(const char *line)
{
    if (sscanf(line, "text %31s", text) == 1) {
        return;
    }
    if (strcmp(line, "capitals\n") == 0) {
        capitals();
    } else if (strcmp(line, "reverse\n") == 0) {
        reverse();
    }
}

static void dump(void)
{
    printf("%s\n", text);
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
