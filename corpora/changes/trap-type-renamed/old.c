/* A struct under another name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char key[12];
    int value;
    struct entry *next;
};

static struct entry *entries;

static void command(const char *line)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry != NULL && sscanf(line, "entry %11s %d", entry->key, &entry->value) == 2) {
        entry->next = entries;
        entries = entry;
    } else {
        free(entry);
    }
}

static void dump(void)
{
    for (const struct entry *entry = entries; entry != NULL; entry = entry->next) {
        printf("%s %d\n", entry->key, entry->value);
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
