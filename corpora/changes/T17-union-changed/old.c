/* Messages whose content depends on their kind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum message_kind { NUMBER, TEXT };

struct message {
    enum message_kind kind;
    union {
        int number;
        char *text;
    } as;
    struct message *next;
};

static struct message *messages;

static void command(const char *line)
{
    struct message *message = calloc(1, sizeof *message);
    char text[32];
    int number;

    if (message == NULL) {
        exit(1);
    }
    if (sscanf(line, "number %d", &number) == 1) {
        message->kind = NUMBER;
        message->as.number = number;
    } else if (sscanf(line, "text %31s", text) == 1) {
        message->kind = TEXT;
        message->as.text = strdup(text);
    } else {
        free(message);
        return;
    }
    message->next = messages;
    messages = message;
}

static void dump(void)
{
    for (const struct message *message = messages; message != NULL; message = message->next) {
        switch (message->kind) {
        case NUMBER:
            printf("%ld\n", (long)message->as.number);
            break;
        case TEXT:
            printf("%s\n", message->as.text);
            break;
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
