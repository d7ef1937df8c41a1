/* Tasks and their states, declared as what they are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum task_state { NEW, WAITING, RUNNING, DONE };

struct task {
    enum task_state state;
    struct task *next;
    int id;
};

static struct task *tasks;
static const char *const names[] = {"new", "waiting", "running", "done"};

static void command(const char *line)
{
    int id;

    if (sscanf(line, "task %d", &id) == 1) {
        struct task *task = calloc(1, sizeof *task);
        if (task == NULL) {
            exit(1);
        }
        task->id = id;
        task->next = tasks;
        tasks = task;
    } else if (sscanf(line, "finish %d", &id) == 1) {
        for (struct task *task = tasks; task != NULL; task = task->next) {
            if (task->id == id) {
                task->state = DONE;
            }
        }
    }
}

static void dump(void)
{
    for (const struct task *task = tasks; task != NULL; task = task->next) {
        printf("%d %s\n", task->id, names[task->state]);
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
