/* Cells that hold a number or, with the lowest bit set, a pointer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    unsigned char length;
    char word[12];
};

struct cell {
    uintptr_t value;
};

static struct cell cells[3];

static void command(const char *line)
{
    char word[12];
    unsigned cell;
    int number;

    if (sscanf(line, "number %u %d", &cell, &number) == 2 && cell < 3) {
        cells[cell].value = (uintptr_t)number << 1;
    } else if (sscanf(line, "word %u %11s", &cell, word) == 2 && cell < 3) {
        struct text *text = calloc(1, sizeof *text);
        if (text == NULL) {
            exit(1);
        }
        text->length = (unsigned char)strlen(word);
        strcpy(text->word, word);
        cells[cell].value = (uintptr_t)text | 1;
    }
}

static void dump(void)
{
    for (int at = 0; at < 3; at++) {
        if (cells[at].value & 1) {
            printf("%s\n", ((const struct text *)(cells[at].value - 1))->word);
        } else {
            printf("%d\n", (int)(cells[at].value >> 1));
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
