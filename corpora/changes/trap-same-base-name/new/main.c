/* Two files of one base name in two directories, each with a static count. */
#include <stdio.h>
#include <string.h>

#include "disk/disk.h"
#include "net/net.h"

static void command(const char *line)
{
    int value;

    if (sscanf(line, "disk %d", &value) == 1) {
        disk_use(value);
    } else if (sscanf(line, "net %d", &value) == 1) {
        net_use(value);
    }
}

static void dump(void)
{
    printf("%d %d\n", disk_count(), net_count());
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
