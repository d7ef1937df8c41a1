/* Leases with the time they last; the unit of that time changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNITS_PER_SECOND 1000

struct lease {
    int id;
    long remaining;
    struct lease *next;
};

static struct lease *leases;

static void command(const char *line)
{
    struct lease *lease = calloc(1, sizeof *lease);
    long seconds;

    if (lease == NULL) {
        exit(1);
    }
    if (sscanf(line, "lease %d %ld", &lease->id, &seconds) == 2) {
        lease->remaining = seconds * UNITS_PER_SECOND;
        lease->next = leases;
        leases = lease;
    } else {
        free(lease);
    }
}

static void dump(void)
{
    for (const struct lease *lease = leases; lease != NULL; lease = lease->next) {
        printf("%d %ld s\n", lease->id, lease->remaining / UNITS_PER_SECOND);
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
