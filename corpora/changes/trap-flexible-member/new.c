/* Texts with their characters behind them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    struct text *next;
    unsigned length;
    char data[];
};

static struct text *texts;

static void command(const char *line)
{
    char word[16];

    if (sscanf(line, "text %15s", word) == 1) {
        struct text *text = calloc(1, sizeof *text + 16);
        if (text == NULL) {
            exit(1);
        }
        text->length = (unsigned)strlen(word);
        strcpy(text->data, word);
        text->next = texts;
        texts = text;
    }
}

static void dump(void)
{
    for (const struct text *text = texts; text != NULL; text = text->next) {
        printf("%u %s\n", text->length, text->data);
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
