/* A registry of words and how often they came, first a list, then a hash table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    char text[16];
    int count;
    struct word *next;
};

struct registry {
    struct word *first;
    int words;
};

static struct registry registry;

static struct word **locate(const char *text)
{
    struct word **place = &registry.first;

    while (*place != NULL && strcmp((*place)->text, text) != 0) {
        place = &(*place)->next;
    }
    return place;
}

static void command(const char *line)
{
    char text[16];

    if (sscanf(line, "word %15s", text) == 1) {
        struct word **place = locate(text);
        if (*place == NULL) {
            *place = calloc(1, sizeof **place);
            if (*place == NULL) {
                exit(1);
            }
            strcpy((*place)->text, text);
            registry.words++;
        }
        (*place)->count++;
    }
}

static void dump(void)
{
    printf("%d words\n", registry.words);
    for (const struct word *word = registry.first; word != NULL; word = word->next) {
        printf("%s %d\n", word->text, word->count);
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
