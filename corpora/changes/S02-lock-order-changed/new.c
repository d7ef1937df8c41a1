/* Two accounts, each with a lock; transfers take both. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct account {
    pthread_mutex_t lock;
    long balance;
};

static struct account accounts[2] = {
    {PTHREAD_MUTEX_INITIALIZER, 100},
    {PTHREAD_MUTEX_INITIALIZER, 100},
};

static void transfer(struct account *from, struct account *to, long amount)
{
    pthread_mutex_lock(&to->lock);
    pthread_mutex_lock(&from->lock);
    from->balance -= amount;
    to->balance += amount;
    pthread_mutex_unlock(&to->lock);
    pthread_mutex_unlock(&from->lock);
}

static void command(const char *line)
{
    long amount;

    if (sscanf(line, "move %ld", &amount) == 1) {
        transfer(&accounts[0], &accounts[1], amount);
    }
}

static void dump(void)
{
    printf("%ld %ld\n", accounts[0].balance, accounts[1].balance);
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
