/* objects.c: objects of every size, closely packed at random, are found by their places and passed over in order:
 * `objects SEED TIMES`.
 *
 * Built together with the runtime's objects.c, places.c, order.c and sys.c. What they say of each object, of each place inside
 * of one and of those between is compared with a list in which nothing is clever. Ends with 0, and prints how many objects
 * there were in all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../patchkit/runtime/src/migration.h"

enum { SHAPES = 12, AREAS = 3, AREA = 3 * PK_REGION / 2, MOST = 4000, SHIFT = 8 };

struct item {
    uintptr_t place, now;
    uint32_t shape, count;
};

struct pk_runtime pk__runtime;
int32_t pk__interruption[32];
const struct pk_error *pk__fail(const char *code, const char *format, ...) {
    fprintf(stderr, "%s: %s\n", code, format);
    exit(1);
}
const struct pk_plan *pk__plan_of(const struct pk_image *image, int reverting) {
    (void)image, (void)reverting;
    return NULL;
}

static uint64_t state;
static unsigned chance(unsigned of) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % of);
}

#define CHECK(condition, at) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "objects.c:%d: %s, at %lx\n", __LINE__, #condition, (unsigned long)(at)); \
            exit(1); \
        } \
    } while (0)

static int convert(struct pk_migration *migration, const void *old, void *new) {
    (void)migration, (void)old, (void)new;
    return 0;
}
static struct pk_run runs[SHAPES];
static struct pk_shape shapes[SHAPES];
static const char *names[SHAPES] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
static struct pk_plan plan = {.shapes = shapes, .shape_count = SHAPES};
static struct item items[MOST];
static size_t count;
static uint8_t *areas[AREAS];

static void make_shapes(void) {
    for (uint32_t i = 0; i < SHAPES; i++) {
        uint32_t size = i < 4 ? 1u << i : 4 * (1 + chance(60)); /* of whatever a program keeps close together */
        runs[i] = (struct pk_run){0, SHIFT, size};
        shapes[i] = (struct pk_shape){.name = names[i], .size = size, .new_size = size + SHIFT, .runs = &runs[i], .run_count = 1};
        shapes[i].convert = i % 3 ? convert : NULL; /* some do not change */
    }
}

/* Items from the start of each area, with gaps or none. */
static void make_items(void) {
    static const unsigned grains[] = {1, 4, 8, 16, 64, 4096};
    count = 0;
    for (int area = 0; area < AREAS; area++) {
        uintptr_t at = (uintptr_t)areas[area] + chance(64), end = (uintptr_t)areas[area] + AREA;
        unsigned grain = grains[chance(sizeof grains / sizeof *grains)];
        for (size_t left = MOST / AREAS; left; left--) {
            uint32_t shape = chance(SHAPES), elements = chance(10) ? 1 : 2 + chance(40);
            at = (at + grain - 1) / grain * grain + (chance(4) ? 0 : 1 + chance(100));
            if (at + (uint64_t)shapes[shape].size * elements >= end)
                break;
            items[count++] = (struct item){at, at, shape, elements};
            at += (uint64_t)shapes[shape].size * elements + 1; /* one past the end is nobody else's */
        }
    }
}

static void add(struct pk_moving *moving, const struct item *item) {
    if (item->count > 1 && chance(2)) /* an element of it was found before */
        CHECK(!pk__add_object(moving, item->place + shapes[item->shape].size * chance(item->count), (int32_t)item->shape, 1, 0), item->place);
    CHECK(!pk__add_object(moving, item->place, (int32_t)item->shape, item->count, 0), item->place);
}

/* Each once or several times, in no order. */
static void add_all(struct pk_moving *moving) {
    static size_t order[MOST];
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t other = chance((unsigned)i), number = order[i - 1];
        order[i - 1] = order[other];
        order[other] = number;
    }
    for (size_t i = 0; i < count; i++) {
        add(moving, &items[order[i]]);
        if (!chance(3))
            add(moving, &items[order[chance((unsigned)i + 1)]]);
    }
}

/* The first pass: what is a part of another is left out, the others get places. */
static void place_all(struct pk_moving *moving) {
    struct pk_walk walk = {0};
    uintptr_t before = 0;
    size_t next = 0;
    moving->low = UINTPTR_MAX;
    while (pk__next(moving, &walk)) {
        CHECK(walk.object.old > before, walk.object.old);
        before = walk.object.old;
        if (pk__is_part(moving, &walk, pk__old_size(moving, &walk.object))) {
            pk__leave_out(moving, &walk);
            continue;
        }
        CHECK(next < count, walk.object.old);
        struct item *item = &items[next++];
        CHECK(walk.object.old == item->place && walk.object.shape == item->shape && walk.object.count == item->count, item->place);
        if (!pk__is_changed(moving, &walk.object))
            continue;
        item->now = chance(2) ? item->place : (uintptr_t)(chance(50) ? 0x7f00 : 0x12345) << 36 | chance(1u << 30) << 4;
        CHECK(!pk__put_at(moving, &walk, item->now), item->place);
        moving->low = moving->low < item->place ? moving->low : item->place;
        moving->high = item->place + (uint64_t)shapes[item->shape].size * item->count;
        moving->changed++;
    }
    CHECK(next == count, before);
}

static void pass_again(const struct pk_moving *moving) {
    struct pk_walk walk = {.expects = 1};
    for (size_t next = 0; pk__next(moving, &walk);) {
        if (walk.object.root == PK_PART)
            continue;
        CHECK(walk.object.old == items[next].place && walk.object.now == items[next].now, walk.object.old);
        next++;
        CHECK(next <= count, walk.object.old);
    }
}

static void look_for(struct pk_moving *moving, const struct item *item) {
    const struct pk_shape *shape = &shapes[item->shape];
    uint64_t row = chance(item->count), offset = chance(shape->size), size = (uint64_t)shape->size * item->count;
    uintptr_t inside = item->place + row * shape->size + offset, expected = inside;
    struct pk_object object;
    int known;
    CHECK(pk__find_object(moving, item->place, &object) && object.count == item->count, item->place);
    if (shape->convert)
        expected = item->now + row * shape->new_size + (offset ? SHIFT + offset : 0);
    CHECK(pk__new_place(moving, inside, NULL, &known) == expected && known == (shape->convert != NULL), inside);
    CHECK(pk__new_place(moving, item->place, shape->name, &known) == item->now, item->place);
    if (item->count == 1)
        CHECK(pk__new_place(moving, item->place + size, NULL, &known) == item->place + size && !known, item->place);
}

static void try(void) {
    struct pk_moving moving = {.plan = &plan};
    moving.objects.size = sizeof(struct pk_object);
    moving.again.size = sizeof(uint32_t);
    moving.found.size = sizeof(uint64_t);
    moving.leaves.size = PK_LEAF * sizeof(uint64_t);
    moving.directories.size = PK_BLOCKS * sizeof(uint32_t);
    make_shapes();
    make_items();
    CHECK(pk__grow_map(&moving), 0);
    add_all(&moving);
    CHECK(!pk__put_in_order(&moving), 0);
    place_all(&moving);
    pass_again(&moving);
    for (size_t i = 0; i < count && moving.changed; i++)
        look_for(&moving, &items[i]);
    pk__unmap(moving.map, moving.map_size * sizeof *moving.map);
    pk__unmap(moving.order, (moving.directories.count + 1) * sizeof *moving.order);
    pk__unmap(moving.sorted, moving.changed * sizeof *moving.sorted);
    pk__empty(&moving.objects);
    pk__empty(&moving.again);
    pk__empty(&moving.found);
    pk__empty(&moving.leaves);
    pk__empty(&moving.directories);
}

int main(int argc, char **argv) {
    size_t all = 0;
    if (argc != 3)
        return 2;
    state = 88172645463325252u + strtoul(argv[1], NULL, 10);
    uint8_t *all_areas = mmap(NULL, 8 * AREAS * AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(all_areas != MAP_FAILED, 0);
    for (int area = 0; area < AREAS; area++)
        areas[area] = all_areas + 8 * AREA * area;
    for (int i = atoi(argv[2]); i > 0; i--) {
        try();
        all += count;
    }
    printf("%zu\n", all);
    return 0;
}
