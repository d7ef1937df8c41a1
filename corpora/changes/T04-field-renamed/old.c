/* Peers in a hash table by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 8

struct peer {
    char name[16];
    int port;
    struct peer *next;
};

static struct peer *buckets[BUCKETS];

static unsigned bucket_of(const char *name)
{
    unsigned sum = 0;

    while (*name != '\0') {
        sum = sum * 31 + (unsigned char)*name++;
    }
    return sum % BUCKETS;
}

static void command(const char *line)
{
    char name[16];
    int port;

    if (sscanf(line, "peer %15s %d", name, &port) == 2) {
        struct peer *peer = calloc(1, sizeof *peer);
        struct peer **bucket = &buckets[bucket_of(name)];
        if (peer == NULL) {
            exit(1);
        }
        strcpy(peer->name, name);
        peer->port = port;
        peer->next = *bucket;
        *bucket = peer;
    }
}

static void dump(void)
{
    for (int at = 0; at < BUCKETS; at++) {
        for (const struct peer *peer = buckets[at]; peer != NULL; peer = peer->next) {
            printf("%s:%d\n", peer->name, peer->port);
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
