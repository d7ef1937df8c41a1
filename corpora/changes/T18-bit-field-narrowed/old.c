/* Ports of a switch, packed into bit-fields. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct port {
    unsigned enabled : 1;
    unsigned speed : 6;
    unsigned vlan : 12;
};

static struct port ports[3];

static void command(const char *line)
{
    unsigned port, speed, vlan;

    if (sscanf(line, "port %u %u %u", &port, &speed, &vlan) == 3 && port < 3) {
        ports[port].enabled = 1;
        ports[port].speed = speed & 7U;
        ports[port].vlan = vlan & 0xfffU;
    }
}

static void dump(void)
{
    for (int at = 0; at < 3; at++) {
        printf("%d %u %u %u\n", at, ports[at].enabled, ports[at].speed, ports[at].vlan);
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
