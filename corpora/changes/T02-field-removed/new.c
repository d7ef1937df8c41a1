/* Sessions in a fixed table; each may own a note. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS 4

struct session {
    int id;
    int hits;
};

static struct session sessions[SESSIONS];

static struct session *find(int id)
{
    for (int at = 0; at < SESSIONS; at++) {
        if (sessions[at].id == id) {
            return &sessions[at];
        }
    }
    return NULL;
}

static void command(const char *line)
{
    char text[32];
    int id;

    if (sscanf(line, "open %d %31s", &id, text) == 2 && find(0) != NULL) {
        struct session *session = find(0);
        session->id = id;
    } else if (sscanf(line, "hit %d", &id) == 1 && find(id) != NULL) {
        find(id)->hits++;
    }
}

static void dump(void)
{
    for (int at = 0; at < SESSIONS; at++) {
        if (sessions[at].id != 0) {
            printf("%d %d\n", sessions[at].id, sessions[at].hits);
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
