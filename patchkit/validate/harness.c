/* harness.c: runs the conversions of an update on sample objects, each in a process of its own, under the sanitizers.
 *
 * It is linked with generated/migrate.c, transform.c and stand-ins for what only the program has, reads cases from the file
 * that is its argument, and writes a record for each run to standard output; patchkit/validate/harness.py has the other end
 * of both formats. Old objects lie in memory that cannot be written and was not allocated, so that a conversion that writes
 * to one, frees one or leaves one is found where it does so. Each case runs over two fills of the new object that
 * differ in every bit, and over zeros, which it holds in a process.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <patchkit_migration.h>
#include <sanitizer/asan_interface.h>

enum outcome { DONE, GAVE_UP, REFUSED, DIED, TOO_LONG, MISSING };
enum { FILLS = 3, TEXT = 512, NOTES = 256, REPORT = 16384 };

/* How long one run may take, of processor time and in all. One that takes longer shows what there is to show: those after it
 * are given less, since many samples tell of the same loop. */
static struct limit {
    long microseconds;
    unsigned seconds;
} most = {2000000, 30};

static const unsigned char fills[FILLS] = {0x5a, 0xa5, 0};

struct block {
    uint64_t place, size, now, new_size;
    char name[TEXT];
    const unsigned char *bytes;
};

struct job {
    char shape[TEXT];
    uint64_t tail, from, to, size, blocks;
    struct block *block;
};

/* What a child tells; it lies in memory that parent and child share. */
struct result {
    uint32_t outcome, dropped;
    int64_t value;
    char text[TEXT];
    uint64_t notes[NOTES]; /* the objects that were dropped */
};

extern const struct pk_plan PLAN; /* pk_plan, or the one of the way back: the command line says which */
static struct result *result;
static unsigned char *output; /* shared as well: the new object */
static const struct job *current;
static FILE *input;

const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "detect_leaks=0:exitcode=99:handle_segv=1:handle_sigbus=1:handle_sigfpe=1:handle_sigill=1:handle_abort=1:"
           "color=never:allocator_may_return_null=1:print_legend=0:print_summary=0";
}
void __sanitizer_print_stack_trace(void);
void __sanitizer_symbolize_pc(void *place, const char *format, char *text, size_t size);
void pk_stand_in_called(const char *name);

static void stop(const char *what) {
    fprintf(stderr, "harness: %s\n", what);
    exit(2);
}

/* -- reading */

static void take(void *to, size_t size) {
    if (fread(to, 1, size, input) != size)
        stop("the file of cases is too short");
}

static uint64_t number(void) {
    uint64_t value;
    take(&value, sizeof value);
    return value;
}

static void text(char *to) {
    uint64_t size = number();
    if (size >= TEXT)
        stop("a name is too long");
    take(to, size);
    to[size] = 0;
}

static void *room(uint64_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        stop("no memory");
    return memory;
}

static struct job read_job(void) {
    struct job job = {.tail = 0};
    text(job.shape);
    job.tail = number();
    job.from = number();
    job.to = number();
    job.size = number();
    job.blocks = number();
    job.block = room(job.blocks, sizeof *job.block);
    for (uint64_t i = 0; i < job.blocks; i++) {
        struct block *block = &job.block[i];
        block->place = number();
        block->size = number();
        block->now = number();
        block->new_size = number();
        text(block->name);
        unsigned char *bytes = room(block->size, 1);
        take(bytes, block->size);
        block->bytes = bytes;
    }
    return job;
}

/* -- what the runtime does in a process */

static const struct pk_shape *shape_named(const char *name) {
    for (uint32_t i = 0; i < PLAN.shape_count; i++)
        if (PLAN.shapes[i].convert && !strcmp(PLAN.shapes[i].name, name))
            return &PLAN.shapes[i];
    return NULL;
}

static void *forward(struct pk_migration *migration, const void *old) {
    uint64_t place = (uint64_t)old;
    (void)migration;
    for (uint64_t i = 0; i < current->blocks; i++) {
        const struct block *block = &current->block[i];
        if (place < block->place || place >= block->place + block->size || !block->now)
            continue;
        uint64_t inside = place - block->place;
        const struct pk_shape *shape = shape_named(block->name);
        for (uint32_t run = 0; shape && inside && run < shape->run_count; run++)
            if (inside >= shape->runs[run].from && inside < shape->runs[run].from + shape->runs[run].size)
                return (void *)(block->now + inside - shape->runs[run].from + shape->runs[run].to);
        return (void *)(block->now + inside);
    }
    return (void *)place;
}

static void *forward_as(struct pk_migration *migration, const void *old, const char *type) {
    (void)type;
    return forward(migration, old);
}

static int refuse(struct pk_migration *migration, const char *what, int64_t value) {
    (void)migration;
    result->outcome = REFUSED;
    result->value = value;
    snprintf(result->text, sizeof result->text, "%s", what);
    return 1;
}

static int note(struct pk_migration *migration, void *object, void (*release)(void *), int made) {
    (void)migration, (void)release;
    if (!made && result->dropped < NOTES)
        result->notes[result->dropped++] = (uint64_t)object;
    return 0;
}

static const struct pk_services services = {forward, refuse, note, forward_as};

void pk_stand_in_called(const char *name) {
    result->outcome = MISSING;
    snprintf(result->text, sizeof result->text, "%s", name);
    _exit(0);
}

/* -- one run */

static void on_time(int signal, siginfo_t *information, void *context) {
    char where[TEXT] = "";
    void *place = (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    (void)signal, (void)information;
    result->outcome = TOO_LONG;
    struct sigaction end = {.sa_handler = SIG_DFL};
    sigaction(SIGALRM, &end, NULL);
    alarm(5); /* for what was interrupted may hold what the next lines need */
    __sanitizer_symbolize_pc(place, "    #0 %p in %f %S", where, sizeof where);
    fprintf(stderr, "%s\n", where);
    __sanitizer_print_stack_trace();
    _exit(0);
}

static void limit_time(void) {
    struct sigaction action = {.sa_sigaction = on_time, .sa_flags = SA_SIGINFO};
    struct itimerval processor = {{0, 0}, {most.microseconds / 1000000, most.microseconds % 1000000}};
    sigaction(SIGVTALRM, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_VIRTUAL, &processor, NULL);
    alarm(most.seconds);
}

/* Maps the pages from the lowest to the highest place, nothing of which may be touched until it is opened. */
static void *map(uint64_t low, uint64_t high) {
    uint64_t start = low & ~(uint64_t)4095, size = ((high + 4095) & ~(uint64_t)4095) - start + 4096;
    void *memory = mmap((void *)start, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (memory != (void *)start)
        stop("the places of samples are taken");
    __asan_poison_memory_region(memory, size);
    return memory;
}

/* Old and new objects lie far apart; on the way back some that do not change lie where objects go. */
enum { AREAS = 2, AREA_BITS = 40 };
struct area {
    uint64_t low, high;
    int written;
};

static void add_to(struct area *areas, uint64_t place, uint64_t size, int written) {
    struct area *area = &areas[place >> AREA_BITS & (AREAS - 1)];
    area->low = !area->high || place < area->low ? place : area->low;
    area->high = place + size > area->high ? place + size : area->high;
    area->written |= written;
}

static void lay_out(const struct job *job, unsigned char fill) {
    struct area areas[AREAS] = {{0, 0, 0}};
    void *memory[AREAS];
    add_to(areas, job->to, job->size, 1);
    for (uint64_t i = 0; i < job->blocks; i++) {
        add_to(areas, job->block[i].place, job->block[i].size, 0);
        if (job->block[i].now)
            add_to(areas, job->block[i].now, job->block[i].new_size, 1);
    }
    for (int i = 0; i < AREAS; i++)
        memory[i] = areas[i].high ? map(areas[i].low, areas[i].high) : NULL;
    for (uint64_t i = 0; i < job->blocks; i++) {
        const struct block *block = &job->block[i];
        __asan_unpoison_memory_region((void *)block->place, block->size);
        memcpy((void *)block->place, block->bytes, block->size);
        if (block->now)
            __asan_unpoison_memory_region((void *)block->now, block->new_size);
    }
    __asan_unpoison_memory_region((void *)job->to, job->size);
    memset((void *)job->to, fill, job->size);
    for (int i = 0; i < AREAS; i++)
        if (memory[i] && !areas[i].written)
            mprotect(memory[i], ((areas[i].high + 4095) & ~(uint64_t)4095) - (uint64_t)memory[i], PROT_READ);
}

static void run(const struct job *job, unsigned char fill) {
    const struct pk_shape *shape = shape_named(job->shape);
    if (!shape)
        stop("no such shape");
    struct pk_migration migration = {&services, job->tail};
    current = job;
    lay_out(job, fill);
    limit_time();
    int value = shape->convert(&migration, (const void *)job->from, (void *)job->to);
    if (result->outcome == DIED)
        result->outcome = value ? GAVE_UP : DONE;
    if (result->outcome == GAVE_UP)
        result->value = value;
    memcpy(output, (const void *)job->to, job->size);
    _exit(0);
}

/* -- writing */

static void put(const void *bytes, uint64_t size) {
    fwrite(&size, sizeof size, 1, stdout);
    fwrite(bytes, 1, size, stdout);
}

static void try(const struct job *job, unsigned char fill, FILE *report) {
    static char said[REPORT];
    rewind(report);
    if (ftruncate(fileno(report), 0))
        stop("a temporary file cannot be emptied");
    memset(result, 0, sizeof *result);
    result->outcome = DIED;
    fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        stop("no process");
    if (!child) {
        dup2(fileno(report), STDERR_FILENO);
        run(job, fill);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (result->outcome == TOO_LONG)
        most = (struct limit){100000, 3};
    rewind(report);
    uint64_t size = fread(said, 1, sizeof said, report);
    int64_t head[] = {result->outcome, WIFSIGNALED(status) ? -WTERMSIG(status) : result->value};
    fwrite(head, sizeof head, 1, stdout);
    put(result->text, strlen(result->text));
    put(said, size);
    put(output, job->size);
    put(result->notes, result->dropped * sizeof(uint64_t));
}

int main(int count, char **arguments) {
    input = count == 2 ? fopen(arguments[1], "rb") : NULL;
    FILE *report = tmpfile();
    if (!input || !report)
        stop("the file of cases cannot be opened");
    result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t cases = number();
    for (uint64_t i = 0; i < cases; i++) {
        struct job job = read_job();
        output = mmap(NULL, job.size + 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (output == MAP_FAILED || result == MAP_FAILED)
            stop("no memory");
        for (uint64_t fill = 0; fill < FILLS; fill++)
            try(&job, fills[fill], report);
        munmap(output, job.size + 1);
    }
    return fflush(stdout) ? 2 : 0;
}
