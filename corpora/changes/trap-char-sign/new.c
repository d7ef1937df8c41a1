/* Bytes of a key, first plain char and then unsigned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct key {
    unsigned char bytes[4];
    struct key *next;
};

static struct key *keys;

static void command(const char *line)
{
    struct key *key = calloc(1, sizeof *key);

    if (key != NULL && sscanf(line, "key %4c", (char *)key->bytes) == 1) {
        key->next = keys;
        keys = key;
    } else {
        free(key);
    }
}

static void dump(void)
{
    for (const struct key *key = keys; key != NULL; key = key->next) {
        printf("%.4s\n", (const char *)key->bytes);
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
