/* Nodes of a cluster; one port becomes two, and which of them it was depends on settings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    char name[12];
    int tcp_port;
    int tls_port;
    int bus;
    struct node *next;
};

static struct node *nodes;
static int secure;

static void command(const char *line)
{
    struct node *node = calloc(1, sizeof *node);
    int port;

    if (node == NULL) {
        exit(1);
    }
    if (strcmp(line, "secure\n") == 0) {
        secure = 1;
    }
    if (sscanf(line, "node %11s %d", node->name, &port) == 2) {
        node->tcp_port = secure ? 0 : port;
        node->tls_port = secure ? port : 0;
        node->bus = port + (secure ? 20000 : 10000);
        node->next = nodes;
        nodes = node;
    } else {
        free(node);
    }
}

static void dump(void)
{
    for (const struct node *node = nodes; node != NULL; node = node->next) {
        printf("%s %d %d %d\n", node->name, node->tcp_port, node->tls_port, node->bus);
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
