/* places.c: which object was at a place.
 *
 * Memory is looked at in blocks of a page. Each block where an object begins has a leaf, with one word for every place where
 * an allocator would put one; an open-addressing map leads to the leaf. So objects that are near each other are found near
 * each other, which a map of single objects would not give, and the leaves in order are the objects in order. An object that
 * finds its word taken has the next free one; one that finds none has another leaf of the same block.
 */
#include "migration.h"

enum { GRAIN = PK_BLOCK / PK_LEAF, FIRST = 1024, FEW = 4 };

/* gcc takes a function that only prefetches for one without effects, and drops calls of it. */
void pk__fetch(const void *place) {
    __builtin_prefetch(place);
    __asm__ volatile("");
}

uint32_t *pk__leaf(const struct pk_moving *moving, size_t index) {
    return (uint32_t *)moving->leaves.rows + index * PK_LEAF;
}

static size_t word_of(uintptr_t place) { return place / GRAIN % PK_LEAF; }

static size_t slot_of(uintptr_t number, size_t size) { return (size_t)(number * 0x9E3779B97F4A7C15u >> 40) & (size - 1); }

/* The block of that number in the map, or the free slot where it belongs. */
static struct pk_block *find_block(const struct pk_moving *moving, uintptr_t number) {
    size_t slot = slot_of(number, moving->map_size);
    while (moving->map[slot].leaf && moving->map[slot].number != number)
        slot = (slot + 1) & (moving->map_size - 1);
    return &moving->map[slot];
}

/* Another leaf of the same block, or a free slot. */
static struct pk_block *next_block(const struct pk_moving *moving, const struct pk_block *block, uintptr_t number) {
    size_t slot = (size_t)(block - moving->map);
    do
        slot = (slot + 1) & (moving->map_size - 1);
    while (moving->map[slot].leaf && moving->map[slot].number != number);
    return &moving->map[slot];
}

struct pk_object *pk__object_at(const struct pk_moving *moving, uintptr_t place) {
    uintptr_t number = place / PK_BLOCK;
    if (!moving->map_size)
        return NULL;
    for (struct pk_block *block = find_block(moving, number); block->leaf; block = next_block(moving, block, number)) {
        const uint32_t *leaf = pk__leaf(moving, block->leaf - 1);
        size_t word = word_of(place);
        for (unsigned i = 0; i < PK_LEAF && leaf[word]; i++, word = (word + 1) % PK_LEAF)
            if (pk__object(moving, leaf[word] - 1)->old == place)
                return pk__object(moving, leaf[word] - 1);
    }
    return NULL;
}

/* At most half full. */
static int grow(struct pk_moving *moving) {
    size_t before = moving->map_size, size = before ? 2 * before : FIRST;
    if (2 * (moving->leaves.count + 1) <= before)
        return 1;
    struct pk_block *old = moving->map, *map = pk__map(size * sizeof *map);
    if (!map)
        return 0;
    moving->map = map;
    moving->map_size = size;
    for (size_t i = 0; i < before; i++)
        if (old[i].leaf) {
            struct pk_block *block = find_block(moving, old[i].number);
            while (block->leaf)
                block = next_block(moving, block, old[i].number);
            *block = old[i];
        }
    pk__unmap(old, before * sizeof *old);
    return 1;
}

static void put(uint32_t *leaf, uintptr_t place, uint32_t index) {
    size_t word = word_of(place);
    while (leaf[word])
        word = (word + 1) % PK_LEAF;
    leaf[word] = index + 1;
}

int pk__enter(struct pk_moving *moving, uintptr_t place, uint32_t index) {
    uintptr_t number = place / PK_BLOCK;
    if (!grow(moving))
        return 0;
    struct pk_block *block = find_block(moving, number);
    while (block->leaf && block->used == PK_LEAF)
        block = next_block(moving, block, number);
    if (!block->leaf) {
        if (!pk__push(&moving->leaves))
            return 0;
        *block = (struct pk_block){number, (uint32_t)moving->leaves.count, 0};
    }
    block->used++;
    put(pk__leaf(moving, block->leaf - 1), place, index);
    return 1;
}

void pk__refill(struct pk_moving *moving, const struct pk_placed *leaves, size_t leaf_count, const struct pk_placed *rows, size_t count) {
    for (size_t i = 0; i < leaf_count; i++)
        pk__zero(pk__leaf(moving, leaves[i].index), PK_LEAF * sizeof(uint32_t));
    for (size_t i = 0; i < count; i++)
        put(pk__leaf(moving, leaves[i / PK_LEAF].index), rows[i].place, (uint32_t)rows[i].index);
}

void pk__expect_word(const struct pk_moving *moving, uintptr_t place) {
    const struct pk_block *block = moving->map_size ? find_block(moving, place / PK_BLOCK) : NULL;
    if (block && block->leaf)
        pk__fetch(&pk__leaf(moving, block->leaf - 1)[word_of(place)]);
}

void pk__expect_row(const struct pk_moving *moving, uintptr_t place) {
    const struct pk_block *block = moving->map_size ? find_block(moving, place / PK_BLOCK) : NULL;
    uint32_t row = block && block->leaf ? pk__leaf(moving, block->leaf - 1)[word_of(place)] : 0;
    if (row)
        pk__fetch(pk__object(moving, row - 1));
}

/* What the pointers of a small object lead to. */
static void expect_pointers(const struct pk_moving *moving, size_t index, void (*expect)(const struct pk_moving *, uintptr_t)) {
    if (index >= moving->objects.count)
        return;
    const struct pk_object *object = pk__object(moving, index);
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    if (object->count != 1 || shape->slot_count > FEW)
        return;
    for (uint32_t i = 0; i < shape->slot_count; i++) {
        uintptr_t word = pk__word((const uint8_t *)object->old + shape->slots[i].offset);
        if (word)
            expect(moving, word - (uintptr_t)(intptr_t)shape->slots[i].back);
    }
}

void pk__expect_elements(const struct pk_moving *moving, const struct pk_shape *shape, const uint8_t *holder, uint32_t left, int row) {
    if (shape->slot_count != 1 || left < 2 * PK_AHEAD)
        return;
    holder += shape->slots[0].offset;
    uintptr_t near = pk__word(holder + (size_t)PK_AHEAD * shape->size), far = pk__word(holder + (size_t)2 * PK_AHEAD * shape->size);
    if (near && row)
        pk__expect_row(moving, near - (uintptr_t)(intptr_t)shape->slots[0].back);
    if (far)
        pk__expect_word(moving, far - (uintptr_t)(intptr_t)shape->slots[0].back);
}

void pk__expect_object(const struct pk_moving *moving, size_t index) {
    if (index < moving->objects.count)
        pk__fetch((const uint8_t *)pk__object(moving, index)->old - 8); /* an allocator looks there */
}

void pk__expect_objects(const struct pk_moving *moving, size_t index, int row) {
    pk__expect_object(moving, index + 3 * PK_AHEAD);
    expect_pointers(moving, index + 2 * PK_AHEAD, pk__expect_word);
    if (row)
        expect_pointers(moving, index + PK_AHEAD, pk__expect_row);
}
