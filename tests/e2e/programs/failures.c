/* failures.c: what made updates of other systems fail to build, hang, or corrupt or kill the process. `fill N` makes the
 * objects of one case, `tell N` prints what is in them. NEW is the version whose types differ. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGE = 300000, CELLS = 100, NODES = 1000000 };

/* 3: a pointer in the heap to a literal of the version that wrote it */
struct message {
    const char *text;
#ifdef NEW
    long seen;
#endif
    int number;
};
static struct message *message;

/* 4: pointers into an array whose elements change */
struct cell {
    int x;
#ifdef NEW
    long more;
#endif
    int y;
};
static struct cell *cells, *cell_in_the_middle, *cell_past_the_end;
static int *y_of_the_last;

/* 5: a constant in the middle, float to double */
enum kind {
    KIND_FIRST,
#ifdef NEW
    KIND_INSERTED,
#endif
    KIND_SECOND,
    KIND_THIRD
};
struct measure {
    enum kind kind;
#ifdef NEW
    double value;
#else
    float value;
#endif
};
static struct measure *measures[3];

/* 6: bit-fields */
struct bits {
    unsigned low : 3;
#ifdef NEW
    unsigned between : 7;
#endif
    int middle : 9;
    unsigned long high : 33;
};
static struct bits *bits;

/* 7: blocks that are mapped, and of an arena that is not the main one */
struct block {
    struct block *next;
#ifdef NEW
    long stamp;
#endif
    int number;
    char bytes[LARGE];
};
struct small {
    struct small *next;
#ifdef NEW
    long stamp[4];
#endif
    int number;
};
static struct block *blocks;
static struct small *smalls;

/* 8: int to long, an array that grows, a new member */
struct record {
#ifdef NEW
    long count;
    int slots[8];
    int added;
#else
    int count;
    int slots[4];
#endif
};
static struct record *record;
#ifdef NEW
static int totals[6];
#else
static int totals[3];
#endif

/* 9: a list that recursion would not survive */
struct node {
    struct node *next;
#ifdef NEW
    long weight;
#endif
    int value;
};
static struct node *list;

__attribute__((noinline)) static const char *version(void) { return "VERSION"; }
__attribute__((noinline)) static const char *written_by(void) { return "written by VERSION"; }

static void *new_object(size_t size) {
    void *object = calloc(1, size);
    if (!object)
        abort();
    return object;
}

static void *fill_in_a_thread(void *unused) {
    for (int i = 0; i < 10; i++) {
        struct small *small = new_object(sizeof *small);
        small->number = i;
        small->next = smalls;
        smalls = small;
    }
    return unused;
}

__attribute__((noinline)) static void fill(int number) {
    pthread_t thread;
    switch (number) {
    case 3:
        message = new_object(sizeof *message);
        message->text = written_by();
        message->number = 3;
        break;
    case 4:
        cells = new_object(CELLS * sizeof *cells);
        for (int i = 0; i < CELLS; i++)
            cells[i].x = i, cells[i].y = -i;
        cell_in_the_middle = &cells[42];
        cell_past_the_end = cells + CELLS;
        y_of_the_last = &cells[CELLS - 1].y;
        break;
    case 5:
        for (int i = 0; i < 3; i++) {
            measures[i] = new_object(sizeof *measures[i]);
            measures[i]->kind = i == 0 ? KIND_FIRST : i == 1 ? KIND_SECOND : KIND_THIRD;
            measures[i]->value = 0.5f + (float)i;
        }
        break;
    case 6:
        bits = new_object(sizeof *bits);
        bits->low = 5, bits->middle = -200, bits->high = 0x1abcdef01;
        break;
    case 7:
        for (int i = 0; i < 3; i++) {
            struct block *block = new_object(sizeof *block);
            block->number = i;
            memset(block->bytes, i + 1, LARGE);
            block->next = blocks;
            blocks = block;
        }
        if (pthread_create(&thread, NULL, fill_in_a_thread, NULL) || pthread_join(thread, NULL))
            abort();
        break;
    case 8:
        record = new_object(sizeof *record);
        record->count = -7;
        for (int i = 0; i < 4; i++)
            record->slots[i] = 10 + i;
        for (int i = 0; i < 3; i++)
            totals[i] = 100 + i;
        break;
    case 9:
        for (int i = 0; i < NODES; i++) {
            struct node *node = new_object(sizeof *node);
            node->value = i;
            node->next = list;
            list = node;
        }
        break;
    }
}

static void tell_cells(void) {
    long x = 0, y = 0;
    for (struct cell *cell = cells; cell < cell_past_the_end; cell++)
        x += cell->x, y += cell->y;
    dprintf(1, "%s: cells %ld %ld, middle %d, end %ld, last %d\n", version(), x, y, cell_in_the_middle->x,
            (long)(cell_past_the_end - cells), *y_of_the_last);
}

static void tell_blocks(void) {
    long sum = 0, small = 0;
    int count = 0;
    for (struct block *block = blocks; block; block = block->next, count++)
        for (int i = 0; i < LARGE; i++)
            sum += block->bytes[i] == block->number + 1;
    for (struct small *each = smalls; each; each = each->next)
        small += each->number;
    dprintf(1, "%s: %d blocks, %ld bytes right, small ones %ld\n", version(), count, sum, small);
}

static void tell_record(void) {
    int sum = 0, zero = 0;
    for (size_t i = 0; i < sizeof record->slots / sizeof record->slots[0]; i++)
        sum += record->slots[i];
    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++)
        zero += i >= 3 && !totals[i];
    dprintf(1, "%s: count %ld, slots %d, totals %d %d %d and %d zero\n", version(), (long)record->count, sum, totals[0], totals[1],
            totals[2], zero);
}

static void tell_list(void) {
    long count = 0, sum = 0;
    for (struct node *node = list; node; node = node->next, count++)
        sum += node->value;
    dprintf(1, "%s: %ld nodes, sum %ld\n", version(), count, sum);
}

static const char *name_of(enum kind kind) {
    switch (kind) {
    case KIND_FIRST:
        return "first";
    case KIND_SECOND:
        return "second";
    case KIND_THIRD:
        return "third";
    default:
        return "no kind";
    }
}

__attribute__((noinline)) static void tell(int number) {
    switch (number) {
    case 3:
        dprintf(1, "%s: %s, %d\n", version(), message->text, message->number);
        break;
    case 4:
        tell_cells();
        break;
    case 5:
        dprintf(1, "%s:", version());
        for (int i = 0; i < 3; i++)
            dprintf(1, " %s %.1f", name_of(measures[i]->kind), (double)measures[i]->value);
        dprintf(1, "\n");
        break;
    case 6:
        dprintf(1, "%s: %u %d %lx\n", version(), bits->low, bits->middle, (unsigned long)bits->high);
        break;
    case 7:
        tell_blocks();
        break;
    case 8:
        tell_record();
        break;
    case 9:
        tell_list();
        break;
    default:
        dprintf(1, "%s serves\n", version());
    }
}

/* While it waits for a line, main alone is on the stack. */
int main(void) {
    char line[64];
    dprintf(1, "ready\n");
    while (read(0, line, sizeof line) > 0) {
        int number = atoi(line + 5);
        if (line[0] == 'f')
            fill(number);
        tell(number);
    }
    return 0;
}
