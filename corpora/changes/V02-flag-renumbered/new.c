/* Files with flags kept as bits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_READ (1 << 0)
#define FILE_HIDDEN (1 << 1)
#define FILE_WRITE (1 << 2)

struct entry {
    char name[12];
    unsigned flags;
    struct entry *next;
};

static struct entry *entries;

static void command(const char *line)
{
    struct entry *entry = calloc(1, sizeof *entry);
    char modes[8];

    if (entry == NULL) {
        exit(1);
    }
    if (sscanf(line, "file %11s %7s", entry->name, modes) == 2) {
        entry->flags |= strchr(modes, 'r') != NULL ? FILE_READ : 0;
        entry->flags |= strchr(modes, 'w') != NULL ? FILE_WRITE : 0;
        entry->flags |= strchr(modes, 'h') != NULL ? FILE_HIDDEN : 0;
        entry->next = entries;
        entries = entry;
    } else {
        free(entry);
    }
}

static void dump(void)
{
    for (const struct entry *entry = entries; entry != NULL; entry = entry->next) {
        printf("%s %s%s%s\n", entry->name, entry->flags & FILE_READ ? "r" : "", entry->flags & FILE_WRITE ? "w" : "",
               entry->flags & FILE_HIDDEN ? "h" : "");
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
