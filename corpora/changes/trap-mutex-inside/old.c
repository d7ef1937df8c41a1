/* Boxes with a lock inside; the boxes grow. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct box {
    pthread_mutex_t lock;
    int items;
    struct box *next;
};

static struct box *boxes;

static void command(const char *line)
{
    int items;

    if (sscanf(line, "box %d", &items) == 1) {
        struct box *box = calloc(1, sizeof *box);
        if (box == NULL || pthread_mutex_init(&box->lock, NULL) != 0) {
            exit(1);
        }
        pthread_mutex_lock(&box->lock);
        box->items = items;
        box->next = boxes;
        boxes = box;
        pthread_mutex_unlock(&box->lock);
    }
}

static void dump(void)
{
    for (const struct box *box = boxes; box != NULL; box = box->next) {
        printf("%d\n", box->items);
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
