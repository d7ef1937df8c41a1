/* stacks.c: everything on the stacks of parked threads: frames, the words of a frame, all words.
 *
 * Called by the worker while the thread is parked, also in a rehearsal's copy. The stack is read through the kernel, as in
 * unwind.c, so that wrong unwind information ends a walk and not the process.
 */
#define _GNU_SOURCE
#include <fcntl.h>

#include "runtime.h"

int pk__each_frame(const struct pk_thread *thread, int (*visit)(void *data, const struct pk_live *frame), void *data) {
    struct pk_live frame;
    pk__context_registers(thread->context, &frame.registers);
    frame.entering = pk__leave_stub(&frame.registers);
    frame.exact = 1;
    for (int count = 0; count < PK_MOST_FRAMES; count++) {
        struct pk_registers above = frame.registers;
        int exact = frame.exact;
        enum pk_step step = pk__step(&above, &exact);
        frame.end = step == PK_STEPPED ? above.value[PK_REG_SP] : 0;
        if (visit(data, &frame))
            return 0;
        if (step != PK_STEPPED)
            return step == PK_LAST;
        frame.registers = above;
        frame.exact = exact;
        frame.entering = 0;
    }
    return 0;
}

struct visiting {
    int (*visit)(void *data, const struct pk_word *word);
    void *data;
};

/* Reads [start, end) and shows it word by word; what cannot be read is passed over by the page. */
static int each_word(uintptr_t start, uintptr_t end, enum pk_owner (*owner)(uintptr_t place), const struct visiting *visiting) {
    uint64_t words[64];
    for (uintptr_t at = (start + 7) & ~(uintptr_t)7; at < end;) {
        uintptr_t page_end = (at | (PK_PAGE - 1)) + 1, stop = at + sizeof words;
        stop = stop < page_end ? stop : page_end;
        stop = stop < end ? stop : end;
        size_t count = pk__peek(at, words, stop - at) ? (stop - at) / 8 : 0;
        for (size_t i = 0; i < count; i++) {
            uintptr_t place = at + 8 * i;
            struct pk_word word = {words[i], (uint64_t *)place, owner(place), -1};
            int result = visiting->visit(visiting->data, &word);
            if (result)
                return result;
        }
        at = count ? stop : page_end;
    }
    return 0;
}

static int show_register(const struct pk_thread *thread, const struct pk_registers *registers, unsigned number, enum pk_owner owner,
                         const struct visiting *visiting) {
    uint64_t *place = registers->place[number] ? (uint64_t *)registers->place[number] : pk__context_slot(thread->context, number);
    struct pk_word word = {registers->value[number], place, owner, (int32_t)number};
    return visiting->visit(visiting->data, &word);
}

static enum pk_owner programs(uintptr_t place) {
    (void)place;
    return PK_OF_PROGRAM;
}

int pk__each_frame_word(const struct pk_thread *thread, const struct pk_live *frame,
                        int (*visit)(void *data, const struct pk_word *word), void *data) {
    const struct visiting visiting = {visit, data};
    int result = 0;
    for (unsigned i = 0; i < PK_PRESERVED && !result; i++)
        result = show_register(thread, &frame->registers, pk__preserved[i], PK_OF_PROGRAM, &visiting);
    return result ? result : each_word(frame->registers.value[PK_REG_SP], frame->end, programs, &visiting);
}

/* Once in each standstill: mappings do not change in it. */
static void read_mappings(void) {
    struct pk_scratch *scratch = pk__runtime.scratch;
    if (scratch->mappings_of == pk__pid() && scratch->mappings_round == pk__runtime.round + 1)
        return;
    pk__read_mappings(); /* without one, a stack ends with its page */
    scratch->mappings_of = pk__pid();
    scratch->mappings_round = pk__runtime.round + 1;
}

static const struct pk_span *search(const struct pk_span *rows, size_t count, uintptr_t place) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rows[middle].start <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return low && place < rows[low - 1].end ? &rows[low - 1] : NULL;
}

/* What the frames of one thread are, for the words between them. */
struct survey {
    uint32_t kept_by_program; /* registers, by number, that a frame of the program kept and nobody has saved */
};

static int survey_frame(void *data, const struct pk_live *frame) {
    struct survey *survey = data;
    struct pk_scratch *scratch = pk__runtime.scratch;
    struct pk_found found;
    uintptr_t place = frame->registers.value[PK_REG_IP] - (frame->exact ? 0 : 1);
    int own = pk__find_function(place, NULL, &found);
    struct pk_span *extent = &scratch->frames[scratch->frame_count++];
    *extent = (struct pk_span){frame->registers.value[PK_REG_SP], frame->end, own ? PK_OF_PROGRAM : PK_OF_LIBRARY};
    for (unsigned i = 0; own && i < PK_PRESERVED; i++) {
        uintptr_t saved = frame->registers.place[pk__preserved[i]];
        if (saved)
            scratch->saved[scratch->saved_count++] = saved;
        else
            survey->kept_by_program |= 1u << pk__preserved[i];
    }
    return 0;
}

static enum pk_owner owner_of(uintptr_t place) {
    const struct pk_scratch *scratch = pk__runtime.scratch;
    enum pk_owner owner = PK_OF_NOBODY;
    for (size_t i = 0; i < scratch->frame_count && owner == PK_OF_NOBODY; i++) {
        const struct pk_span *frame = &scratch->frames[i];
        uintptr_t start = frame->start - (i == 0 ? PK_RED_ZONE : 0);
        if (place >= start && place < frame->end)
            owner = frame->owner;
    }
    for (size_t i = 0; i < scratch->saved_count && owner != PK_OF_PROGRAM; i++)
        if (scratch->saved[i] == place)
            owner = PK_OF_PROGRAM;
    return owner;
}

/* Frame number `i` begins another stack, or is the first: everything from below it to the end of its mapping. */
static int each_word_from(size_t i, const struct pk_thread *thread, const struct visiting *visiting) {
    const struct pk_scratch *scratch = pk__runtime.scratch;
    uintptr_t start = scratch->frames[i].start;
    uintptr_t real = (uintptr_t)*pk__context_slot(thread->context, PK_REG_SP);
    if (i == 0 && real < start) /* a stub has pushed registers below */
        start = real;
    const struct pk_span *mapping = search(scratch->mappings, scratch->mapping_count, start);
    uintptr_t end = mapping ? mapping->end : (start | (PK_PAGE - 1)) + 1;
    uintptr_t low = start - PK_RED_ZONE;
    return each_word(mapping && low < mapping->start ? mapping->start : low, end, owner_of, visiting);
}

static int is_other_stack(size_t i) {
    const struct pk_scratch *scratch = pk__runtime.scratch;
    const struct pk_span *before = search(scratch->mappings, scratch->mapping_count, scratch->frames[i - 1].start);
    return !before || scratch->frames[i].start < before->start || scratch->frames[i].start >= before->end ||
           scratch->frames[i].start < scratch->frames[i - 1].start;
}

int pk__each_stack_word(const struct pk_thread *thread, int (*visit)(void *data, const struct pk_word *word), void *data) {
    struct pk_scratch *scratch = pk__runtime.scratch;
    const struct visiting visiting = {visit, data};
    struct survey survey = {0};
    struct pk_registers registers;
    scratch->frame_count = scratch->saved_count = 0;
    read_mappings();
    pk__each_frame(thread, survey_frame, &survey);
    pk__context_registers(thread->context, &registers);
    enum pk_owner innermost = scratch->frames[0].owner;
    int result = 0;
    for (unsigned i = 0; i < PK_REGISTERS && !result; i++)
        if (i != PK_REG_IP && i != PK_REG_SP)
            result = show_register(thread, &registers, i, survey.kept_by_program >> i & 1 ? PK_OF_PROGRAM : innermost, &visiting);
    for (size_t i = 0; i < scratch->frame_count && !result; i++)
        if (i == 0 || is_other_stack(i))
            result = each_word_from(i, thread, &visiting);
    return result;
}
