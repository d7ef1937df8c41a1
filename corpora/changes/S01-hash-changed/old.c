/* A hash table of names; the hash changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16

struct name {
    struct name *next;
    char text[20];
};

static struct name *buckets[BUCKETS];

static unsigned hash_name(const char *text)
{
    unsigned hash = 0;

    while (*text != '\0') {
        hash = hash * 31 + (unsigned char)*text++;
    }
    return hash;
}

static struct name *find(const char *text)
{
    struct name *name = buckets[hash_name(text) % BUCKETS];

    while (name != NULL && strcmp(name->text, text) != 0) {
        name = name->next;
    }
    return name;
}

static void command(const char *line)
{
    char text[20];

    if (sscanf(line, "name %19s", text) == 1 && find(text) == NULL) {
        struct name **bucket = &buckets[hash_name(text) % BUCKETS];
        struct name *name = calloc(1, sizeof *name);
        if (name == NULL) {
            exit(1);
        }
        strcpy(name->text, text);
        name->next = *bucket;
        *bucket = name;
    }
}

static void dump(void)
{
    static const char *const asked[] = {"ada", "bob", "cleo"};

    for (int at = 0; at < 3; at++) {
        printf("%s %s\n", asked[at], find(asked[at]) != NULL ? "yes" : "no");
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
