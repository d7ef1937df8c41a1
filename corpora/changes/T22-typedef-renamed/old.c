/* Amounts of money. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long amount_t;
typedef struct account account_t;

struct account {
    int id;
    amount_t balance;
    account_t *next;
};

static account_t *accounts;
static amount_t total;

static void command(const char *line)
{
    struct account *account = calloc(1, sizeof *account);

    if (account != NULL && sscanf(line, "account %d %ld", &account->id, &account->balance) == 2) {
        total += account->balance;
        account->next = accounts;
        accounts = account;
    } else {
        free(account);
    }
}

static void dump(void)
{
    for (const struct account *account = accounts; account != NULL; account = account->next) {
        printf("%d %ld\n", account->id, account->balance);
    }
    printf("total %ld\n", total);
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
