/* Two threads add; the count of additions becomes one per thread. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long sum;
static _Thread_local int additions;

static void add(long value)
{
    pthread_mutex_lock(&lock);
    sum += value;
    additions++;
    pthread_mutex_unlock(&lock);
}

static void *helper(void *value)
{
    add(*(const long *)value);
    return NULL;
}

static void command(const char *line)
{
    pthread_t thread;
    long value;

    if (sscanf(line, "add %ld", &value) == 1) {
        add(value);
    } else if (sscanf(line, "help %ld", &value) == 1 && pthread_create(&thread, NULL, helper, &value) == 0) {
        pthread_join(thread, NULL);
    }
}

static void dump(void)
{
    printf("%ld, %d additions\n", sum, additions);
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
