/* identity.c: pointers of several kinds, kept in globals, tables and on the heap from before the first update on. `check` on
 * standard input compares them with fresh ones and prints what differs; `say` prints what the oldest ones lead to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef const char *function(void);

struct entry {
    const char *name;
    function *call;
};
struct node {
    struct node *next;
    const char *text;
    function *call;
};

static const char *hidden(void) { return "hidden VERSION"; }
const char *shown(void) { return "shown VERSION"; }
__attribute__((noinline)) static const char *steady(void) { return "steady"; }

static const struct entry table[] = {{"hidden", hidden}, {"shown", shown}, {"steady", steady}};
static const int primes[] = {2, 3, 5, 7, 11};
static const char title[] = "always the same";

static struct entry kept[3];
static const int *kept_primes;
static const char *kept_title;
static struct node *first;

/* One more of everything, from whatever version runs. */
__attribute__((noinline)) void remember(void) {
    static const char *const words = "written by VERSION";
    struct node *node = malloc(sizeof *node);
    *node = (struct node){first, words, shown};
    first = node;
}

static int differs(const char *what, const void *old, const void *fresh) {
    if (old == fresh)
        return 0;
    printf("%s differs\n", what);
    return 1;
}

__attribute__((noinline)) void check(void) {
    int wrong = differs("the address of a const array", kept_primes, primes) + differs("that of a const string", kept_title, title);
    for (int i = 0; i < 3; i++)
        wrong += differs(kept[i].name, (const void *)kept[i].call, (const void *)table[i].call);
    wrong += differs("hidden", (const void *)kept[0].call, (const void *)hidden);
    for (struct node *node = first; node; node = node->next)
        wrong += differs("a pointer on the heap", (const void *)node->call, (const void *)shown);
    printf("VERSION: %d differ\n", wrong);
    fflush(stdout);
}

__attribute__((noinline)) void say(void) {
    printf("%s, %s, %s;", kept[0].call(), kept[1].call(), kept[2].call());
    for (struct node *node = first; node; node = node->next)
        printf(" %s", node->text);
    puts("");
    fflush(stdout);
}

int main(void) {
    char line[64];
    memcpy(kept, table, sizeof kept);
    kept_primes = primes;
    kept_title = title;
    remember();
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "check\n") == 0)
            check();
        else if (strcmp(line, "remember\n") == 0)
            remember();
        else
            say();
    }
    return 0;
}
