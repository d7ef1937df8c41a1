/* A word is cleaned and then stored; both steps agree on the form. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static char words[4][16];
static int used;

static void clean(char *word)
{
    for (; *word != '\0'; word++) {
        *word = (char)tolower((unsigned char)*word);
    }
}

static void store(const char *word)
{
    if (used < 4 && islower((unsigned char)word[0])) {
        strcpy(words[used++], word);
    }
}

static void command(const char *line)
{
    char word[16];

    if (sscanf(line, "word %15s", word) == 1) {
        clean(word);
        store(word);
    }
}

static void dump(void)
{
    for (int at = 0; at < used; at++) {
        printf("%s\n", words[at]);
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
