/* Requests that point at the row of a table which serves them; one row goes, and its function. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct handler {
    const char *word;
    int (*serve)(int value);
};

static int twice(int value)
{
    return value * 2;
}

static const struct handler handlers[] = {
    {"twice", twice},
};

struct request {
    const struct handler *handler;
    int value;
    struct request *next;
};

static struct request *requests;

static void command(const char *line)
{
    char word[12];
    int value;

    for (size_t at = 0; at < sizeof handlers / sizeof *handlers; at++) {
        if (sscanf(line, "%11s %d", word, &value) == 2 && strcmp(word, handlers[at].word) == 0) {
            struct request *request = calloc(1, sizeof *request);
            if (request == NULL) {
                exit(1);
            }
            request->handler = &handlers[at];
            request->value = value;
            request->next = requests;
            requests = request;
        }
    }
}

static void dump(void)
{
    for (const struct request *request = requests; request != NULL; request = request->next) {
        printf("%d\n", request->handler->serve(request->value));
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
