/* Requests on an intrusive list: the list links the node inside. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct link {
    struct link *prev;
    struct link *next;
};

static void link_before(struct link *place, struct link *link)
{
    link->prev = place->prev;
    link->next = place;
    place->prev->next = link;
    place->prev = link;
}

struct request {
    char method[8];
    int id;
    struct link link;
    char path[16];
};

#define REQUEST_OF(pointer) ((struct request *)((char *)(pointer) - offsetof(struct request, link)))

static struct link requests = {&requests, &requests};
static struct request *latest;

static void command(const char *line)
{
    char path[16];
    int id;

    if (sscanf(line, "request %d %15s", &id, path) == 2) {
        struct request *request = calloc(1, sizeof *request);
        if (request == NULL) {
            exit(1);
        }
        request->id = id;
        strcpy(request->method, "GET");
        strcpy(request->path, path);
        link_before(&requests, &request->link);
        latest = request;
    }
}

static void dump(void)
{
    for (const struct link *at = requests.next; at != &requests; at = at->next) {
        printf("%d %s %s\n", REQUEST_OF(at)->id, REQUEST_OF(at)->method, REQUEST_OF(at)->path);
    }
    printf("latest %d\n", latest != NULL ? latest->id : 0);
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
