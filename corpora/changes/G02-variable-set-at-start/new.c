/* A word count; the new version has a stop word that start-up code sets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int words;
static char *stop_word;

static void command(const char *line)
{
    char word[16];

    if (sscanf(line, "%15s", word) == 1 && strcmp(word, stop_word) != 0) {
        words++;
    }
}

static void dump(void)
{
    printf("%d\n", words);
}

static void init(void)
{
    words = 0;
    stop_word = strdup("stop");
}

int main(void)
{
    char line[128];

    setvbuf(stdout, NULL, _IOLBF, 0);
    init();
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
