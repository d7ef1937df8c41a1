/* Orders and the customers that placed them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct customer {
    int id;
    char city[12];
};

struct order {
    struct customer *customer;
    int amount;
    unsigned discount;
    struct order *next;
};

static struct customer customers[2] = {{.id = 1, .city = "Rome"}, {.id = 2, .city = "Oslo"}};
static struct order *orders;

static void command(const char *line)
{
    int who, amount;
    unsigned discount;

    if (sscanf(line, "order %d %d %u", &who, &amount, &discount) == 3 && who >= 1 && who <= 2) {
        struct order *order = calloc(1, sizeof *order);
        if (order == NULL) {
            exit(1);
        }
        order->customer = &customers[who - 1];
        order->amount = amount;
        order->discount = discount;
        order->next = orders;
        orders = order;
    }
}

static void dump(void)
{
    for (const struct order *order = orders; order != NULL; order = order->next) {
        printf("%s %d -%u%%\n", order->customer->city, order->amount, order->discount);
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
