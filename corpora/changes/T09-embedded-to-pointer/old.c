/* Customers with an address inside. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct address {
    char street[16];
    int house;
};

struct customer {
    int id;
    struct address home;
    struct customer *next;
};

static struct customer *customers;

static void command(const char *line)
{
    struct customer *customer = calloc(1, sizeof *customer);

    if (customer == NULL) {
        exit(1);
    }
    if (sscanf(line, "new %d %15s %d", &customer->id, customer->home.street, &customer->home.house) == 3) {
        customer->next = customers;
        customers = customer;
    } else {
        free(customer);
    }
}

static void dump(void)
{
    for (const struct customer *customer = customers; customer != NULL; customer = customer->next) {
        printf("%d %s %d\n", customer->id, customer->home.street, customer->home.house);
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
