/* runtime.h: the types of the runtime, all in one place.
 *
 * Words
 *   worker    the one thread of the runtime, started on demand; everything but the signal handler and the public calls runs in it
 *   image     a payload's segments as mapped in this process
 *   version   what the process is at: the executable itself, or the image that the last update brought
 *   parked    a thread that waits in the signal handler until the worker lets it go
 *   PK_STOPPED marks functions that run while threads are parked: no allocation, no lock, no call into a library
 *
 * Memory: what belongs to one update lives in mappings of its own and goes with it. There is one worker and therefore no
 * lock; the handler shares `struct pk_thread` rows, `gathering` and `round` with it, by atomics.
 */
#ifndef PK_RUNTIME_H
#define PK_RUNTIME_H

#include "payload.h"
#include "sys.h"

#define PK_RUNTIME
#include "../include/patchkit.h"

#define PK_STOPPED
#define PK_ABI 1
#define PK_VERSION "0.3"

enum { PK_ID_SIZE = 32, PK_ERROR_SIZE = 600, PK_REASON_SIZE = 200, PK_MESSAGE = 65536, PK_MOST_THREADS = 4096, PK_MOST_FRAMES = 256 };

/* Why something was not done: `code` is known to `patchkit explain`. */
struct pk_error {
    const char *code;
    char text[PK_ERROR_SIZE];
};

/* An executable or shared library that is loaded. */
struct pk_module {
    uintptr_t base;           /* what is added to the addresses in the file */
    uintptr_t start, end;     /* of its mappings */
    const uint8_t *unwind;    /* .eh_frame_hdr, NULL where there is none */
    size_t unwind_size;
    const void *dynamic;      /* its dynamic section, NULL for a static program */
    const char *name;
};

enum { PK_MOST_MODULES = 256 };

/* The running program before any update. */
struct pk_program {
    const void *headers; /* program headers */
    size_t header_count;
    uintptr_t base;
    uintptr_t code_start, code_end; /* its executable mapping */
    uint8_t id[PK_ID_SIZE];
    size_t id_size;
    uintptr_t system; /* the vDSO's ELF header */
};

/* A changed stretch of code: what stood there before. */
struct pk_undo {
    uint8_t *place;
    uint8_t before[PK_JUMP_SIZE];
};

/* A payload in memory: its tables, and its image as mapped. */
struct pk_image {
    const struct pk_payload *payload; /* our private copy of the whole member; the bundle may change meanwhile */
    const void *copy;                 /* the bundle that holds it, */
    size_t copy_size;                 /* in bytes */
    uint8_t *place;
    size_t size;
    uintptr_t *olds;    /* addresses, by index into payload->olds */
    uintptr_t *imports;
    uint32_t *by_key; /* open addressing over payload->news: index + 1, 0 is free */
    size_t by_key_size;
    struct pk_undo *undo; /* all that lead into this image, as far as no later one has them; none in code that has gone */
    size_t undo_count;
    void *tables; /* one mapping that holds all of the arrays above */
    size_t tables_size;
    struct pk_image *before; /* the image of the version before, NULL where that is the executable */
    struct pk_image *older;  /* the next in the list of all images, whether reverted or not */
    uint64_t sequence;
    uint64_t pause; /* ns */
    struct pk_moving *moving; /* what was converted, while it can be undone */
    char irreversible[PK_REASON_SIZE]; /* why, as the bundle says */
    uint8_t reversible;
    uint8_t text_gone; /* TEXT was unmapped */
    uint8_t reverted;
};

struct pk_moving;

/* What one thread is found to be while all are gathered. */
enum pk_thread_state { PK_RUNNING, PK_PARKED, PK_FREED };

/* A limit of ours for a call that a thread waits in: see restart.c. */
struct pk_wait {
    uint64_t end;    /* ns */
    int64_t left[2]; /* seconds and nanoseconds, as the kernel reads them */
};

struct pk_thread {
    int32_t tid;
    uint32_t state;   /* enum pk_thread_state, written by the thread itself */
    void *context;    /* its registers at the interruption, valid while parked */
    uint64_t thread_pointer;
    int64_t call;     /* number of the system call that it was seen blocked in before, -1: none */
    struct pk_wait wait;
    uint32_t signalled;
    uint32_t epoch;   /* updates it has run under */
    uint32_t safe;    /* its stack was looked at and is safe */
    uint32_t lent;    /* it has an errand; it says itself when that is done */
    const char *reason;
    const char *function; /* that the reason is about */
};

/* What a thread of the program does for the worker, which is no thread of the C library's. */
struct pk_errand {
    void (*run)(void *argument);
    void *argument;
};

struct pk_frame {
    uintptr_t place;
    const char *function; /* NULL where unknown */
    const char *module;
};

struct pk_stack {
    struct pk_frame frames[PK_MOST_FRAMES];
    size_t count;
    int complete; /* walked to its end */
};

/* A frame as a walk up the stack of a parked thread finds it. */
struct pk_live {
    struct pk_registers registers; /* as they are in it */
    uintptr_t end; /* its words lie from its stack pointer up to here; 0 for the last one */
    int exact;     /* its place is that of an instruction; else it is where a call returns to */
    int entering;  /* it is at an update point: the function is about to begin, in whatever its current code is */
};

/* A function that holds some place. */
struct pk_found {
    const struct pk_image *image; /* whose code it is, NULL for the executable's */
    const struct pk_payload *payload;    /* that describes it, NULL where none does */
    const struct pk_function *function;  /* NULL where no symbol covers it */
};

/* A return address that leads to another version's code. */
struct pk_move {
    uintptr_t *place;
    uintptr_t before, after;
};

enum pk_owner {
    PK_OF_NOBODY,  /* beyond the outermost frame: the start of the thread, its own block, arguments and environment */
    PK_OF_LIBRARY, /* in a frame of a library, of the runtime or of the kernel */
    PK_OF_PROGRAM  /* in a frame of the program, or what a frame of the program kept in a register, wherever that is saved */
};

/* One word of a stack, or a register. */
struct pk_word {
    uint64_t value;
    uint64_t *place; /* where it is: writing there changes what the thread goes on with */
    enum pk_owner owner;
    int32_t number; /* of the register, -1 for a word of the stack */
};

struct pk_span {
    uintptr_t start, end;
    enum pk_owner owner;
};

enum { PK_MOST_MOVES = 16384, PK_MOST_STAYING = 16, PK_MOST_MAPPINGS = 65536 };

/* Where addresses of old code stand that are no references to it, so that a sweep passes it over. */
struct pk_scratch {
    struct pk_stack stack;
    uint64_t words[8192];
    struct pk_move moves[PK_MOST_MOVES];
    size_t move_count;
    const char *staying[PK_MOST_STAYING]; /* functions that the update changes and that go on in their old code, each once */
    size_t staying_count;
    struct pk_span frames[PK_MOST_FRAMES];
    size_t frame_count;
    uintptr_t saved[PK_MOST_FRAMES * PK_PRESERVED]; /* where registers of the program's frames are saved */
    size_t saved_count;
    struct pk_span mappings[PK_MOST_MAPPINGS]; /* writable ones, sorted */
    size_t mapping_count;
    int32_t mappings_of;     /* the process that they are of, */
    uint32_t mappings_round; /* and the round + 1 in which they were read */
};

enum pk_state { PK_IDLE, PK_PROBATION };

struct pk_runtime {
    int32_t pid; /* of the process that this state belongs to: a forked child starts anew */
    int32_t signal;
    uint32_t on;
    uint32_t serving;    /* a worker runs or is about to */
    uint32_t gathering;  /* the handler parks whoever gets the signal */
    uint32_t round;      /* counts releases; parked threads wait on it */
    uint32_t arrived;    /* counts parked threads of this round; the worker waits on it */
    uint32_t waiting;    /* an update waits: pk_update_point() looks at it */
    int32_t worker;      /* thread id, */
    struct pk_span stack; /* and the memory that it runs in */
    int32_t requested;   /* descriptor of a bundle that the program itself asked for, else -1 */
    uint32_t answer;     /* enum pk_result: what became of the last one, */
    char answer_text[PK_ERROR_SIZE + 16]; /* in words; both are written before `requested` is free again */
    uint32_t epoch;      /* updates applied */
    uint32_t state;      /* enum pk_state */
    uint64_t probation_end;
    struct pk_scratch *scratch; /* mapped while the worker runs */
    struct pk_errand errand;
    struct pk_thread *threads; /* PK_MOST_THREADS rows, mapped while it is needed */
    size_t thread_count;
    struct pk_program program;
    struct pk_image *current; /* NULL: the executable */
    struct pk_image *images;  /* all that are mapped, the newest first */
    struct pk_image *first;   /* the first image, which knows the executable's functions; never freed */
    struct pk_module modules[PK_MOST_MODULES];
    size_t module_count;
    struct pk_error error;
    char directory[108];
    char signers[256];
    const char *trusted; /* path of the allowed signers, NULL: none named */
};

extern struct pk_runtime pk__runtime;

/* Fills the runtime's error and returns it. */
const struct pk_error *pk__fail(const char *code, const char *format, ...);

/* modules.c: what is loaded, and where its symbols are. */
void pk__find_program(struct pk_program *ret, const uint64_t *auxiliary);
void pk__find_modules(void);
const struct pk_module *pk__module_of(uintptr_t place);
/* Whether it is the C library or the dynamic linker. */
int pk__is_system(const struct pk_module *module);
/* The address of an exported function or object; 0 where no loaded module has it. */
uintptr_t pk__find_symbol(const char *name, const char *version);
int pk__is_loaded(const char *soname);
/* The name of the exported function that holds `place`, NULL where none does. */
const char *pk__exported_name(const struct pk_module *module, uintptr_t place);

/* bundle.c: the archive, its digests, its signature. */
struct pk_bundle {
    const char *data;
    size_t size;
    const char *payload;
    size_t payload_size;
    uint64_t sequence;
    int64_t expires; /* 0: never */
    int reversible;
    char irreversible[PK_REASON_SIZE]; /* why it is not */
};
const struct pk_error *pk__open_bundle(int descriptor, struct pk_bundle *ret);
void pk__close_bundle(struct pk_bundle *bundle);

/* libraries.c: libraries that the new version needs and the process has not loaded. What was loaded goes again where the update
 * does not come about. */
enum { PK_MOST_LIBRARIES = 16 };
struct pk_libraries {
    void *handles[PK_MOST_LIBRARIES];
    size_t count;
};
const struct pk_error *pk__load_libraries(const struct pk_payload *payload, struct pk_libraries *ret);
void pk__unload_libraries(struct pk_libraries *libraries);

/* payload.c: checks every table and index, so that whoever follows one need not. */
const struct pk_error *pk__check_payload(const void *data, size_t size);
const char *pk__string(const struct pk_payload *payload, uint32_t offset);
const void *pk__rows(const struct pk_payload *payload, const struct pk_table *table);

/* image.c: maps, finds, relocates. Nothing of it can be seen by the program. */
const struct pk_error *pk__load_image(const struct pk_bundle *bundle, struct pk_image **ret);
void pk__free_image(struct pk_image *image);
/* Memory within reach of the program's code, writable; NULL where there is none. */
uint8_t *pk__map_near(const struct pk_program *program, size_t size);
/* The row of `key` in the current version, NULL where it has none. */
const struct pk_new *pk__find_new(const struct pk_image *image, uint64_t key);
uintptr_t pk__new_address(const struct pk_image *image, const struct pk_new *row);

/* switch.c: the code of one version in the place of another's. */
/* Moves frames too; pk__unswitch does not: pk__undo_moves before anybody goes on, pk__note_moves and pk__make_moves later.
 * pk__reswitch makes the last pk__unswitch undone, until pk__forget_switch. */
PK_STOPPED const struct pk_error *pk__switch(struct pk_image *image);
PK_STOPPED const struct pk_error *pk__unswitch(struct pk_image *image);
PK_STOPPED void pk__reswitch(struct pk_image *image);
PK_STOPPED void pk__forget_switch(struct pk_image *image);
PK_STOPPED const struct pk_error *pk__check_expectations(const struct pk_image *image);

/* unwind.c: one frame up, by call frame information. `exact` tells whether the place of execution is one (the innermost
 * frame, or one that a signal interrupted) or a return address; it is set for the frame above. */
enum pk_step { PK_NO_STEP, PK_STEPPED, PK_LAST };
PK_STOPPED enum pk_step pk__step(struct pk_registers *registers, int *exact);
PK_STOPPED int pk__peek(uintptr_t place, void *ret, size_t size);

/* frames.c: what a stack holds, and whether the update may happen under it. `coming` may be NULL. Returns 0 where `place`
 * is in no code of the program. */
PK_STOPPED int pk__find_function(uintptr_t place, const struct pk_image *coming, struct pk_found *ret);
/* Whether an update to `image`, or the way back, wants `frame` moved; `ret` is where to. */
PK_STOPPED int pk__is_moved(const struct pk_thread *thread, const struct pk_live *frame, const struct pk_image *image, int reverting,
                            uintptr_t *ret);
PK_STOPPED void pk__judge(struct pk_thread *thread, const struct pk_image *image, struct pk_stack *stack, int reverting);

/* transfers.c: frames that go on in another version's code. Whether `frame`, which waits at a call, can; `ret` is where. */
PK_STOPPED int pk__transfer(const struct pk_thread *thread, const struct pk_live *frame, const struct pk_image *image, int reverting,
                            uintptr_t *ret);
/* Notes every frame that is to be moved; then moves them; or moves back those that were. */
PK_STOPPED const struct pk_error *pk__note_moves(const struct pk_image *image, int reverting);
PK_STOPPED void pk__make_moves(void);
/* Says which functions on a stack were changed and not moved; they go on in their old code until they return. */
void pk__tell_staying(void);
PK_STOPPED void pk__undo_moves(void);

/* stacks.c: all of a parked thread's stack. A visit that returns other than 0 ends the walk.
 *
 * pk__each_frame goes from the innermost frame outwards; returns whether it came to the end of the stack. */
PK_STOPPED int pk__each_frame(const struct pk_thread *thread, int (*visit)(void *data, const struct pk_live *frame), void *data);
/* The words that belong to `frame`: those on the stack, and the registers that it keeps across the call it waits at. */
PK_STOPPED int pk__each_frame_word(const struct pk_thread *thread, const struct pk_live *frame,
                                   int (*visit)(void *data, const struct pk_word *word), void *data);
/* Every word from the red zone below the stack pointer to the end of the mapping, of each stack that the thread is on (a
 * signal's own stack leads to the one that it interrupted), and every register. Returns what a visit returned, else 0. */
PK_STOPPED int pk__each_stack_word(const struct pk_thread *thread, int (*visit)(void *data, const struct pk_word *word), void *data);

/* threads.c: everybody stands still at a good place, or everybody goes on. */
struct pk_gathering {
    const struct pk_image *image;
    int reverting;
    uint64_t limit; /* ns from its begin */
    uint64_t begun;
};
const struct pk_error *pk__gather(struct pk_gathering *gathering);
void pk__release(void);
void pk__park(void *context);
/* One parked thread that fits does the errand, in the handler, while all others run. `limit` is for finding one, and again for
 * what it does. Returns 0, -EAGAIN where none fits, -ETIMEDOUT where it has not come to its end. */
int pk__lend(int (*fits)(const struct pk_thread *thread), const struct pk_errand *errand, uint64_t limit);
/* Each thread that held it up, with its stack; before pk__release. */
void pk__report_threads(const struct pk_gathering *gathering, void (*tell)(const char *line));

/* points.c: update points armed and disarmed; only while all threads are parked. */
const struct pk_error *pk__prepare_points(const struct pk_image *image);
PK_STOPPED void pk__arm_points(void);
PK_STOPPED void pk__disarm_points(void);

/* maps.c: fills scratch->mappings with every readable and writable mapping of this process, in ascending order.
 * Returns 0, or -1 where the list cannot be read to its end or has more than PK_MOST_MAPPINGS. */
int pk__read_mappings(void);
/* Shows each word that the program had an epoll instance keep, with that one's descriptor. */
PK_STOPPED void pk__each_epoll_word(void (*visit)(void *data, uint64_t number, uint64_t word), void *data);

/* sweep.c: code of earlier versions that nothing can reach any more. */
struct pk_image *pk__sweepable(void); /* NULL where there is none */
/* Whether any word of the process may point into the image's TEXT; for a forked copy, in which nothing moves. */
int pk__is_reached(const struct pk_image *image);
void pk__drop_text(struct pk_image *image);

/* transaction.c */
struct pk_wish {
    uint64_t timeout;   /* ns */
    uint64_t probation; /* ns */
    int rehearse;
    int only_rehearse;
};
const struct pk_error *pk__update(int bundle, const struct pk_wish *wish, uint64_t *pause, const char **result);
const struct pk_error *pk__revert(const struct pk_wish *wish, uint64_t *pause);
void pk__confirm(void);
/* The connected client hears of a phase; NULL: nobody listens. */
extern void (*pk__tell)(const char *line);

/* probation.c: crashes on probation. Watching begins while all threads are parked. */
PK_STOPPED void pk__watch_crashes(void);
void pk__unwatch_crashes(void);
/* An error where the version that `payload` leads to has crashed a process of this user. */
const struct pk_error *pk__check_mark(const struct pk_payload *payload);

/* control.c */
void pk__serve(void *unused);

/* ring.c: events, in a file that outlives a crash. */
void pk__log(const char *format, ...);
void pk__each_event(void (*tell)(const char *line));

/* process.c: children that the program does not see. */
long pk__fork(void);
/* Waits for a child of pk__fork; returns its status as wait4 gives it, or a negative error. */
long pk__wait(long child, uint64_t limit);

/* restart.c: makes the call that was interrupted at the time `interrupted` begin again, if the kernel would not do so, with
 * what is left of its time. `number` is the call's where it is known, else negative. `wait` may be NULL. */
void pk__restart(void *context, long number, struct pk_wait *wait, uint64_t interrupted);

/* signals.c: the two signals. */
int pk__take_signal(void);
/* The same in a program that has been running; `avoid` is a mask of those that would not wake it. */
int pk__take_late_signal(uint64_t avoid);
void pk__give_signal_back(int signal);
/* Before a gathering: makes sure that interruptions come here. */
void pk__take_interruptions(void);
/* guard.c: runs code that is not ours, in the worker. Returns NULL, or why it was ended: it crashed or took too long. */
PK_STOPPED const struct pk_error *pk__guard(void (*run)(void *), void *argument, uint64_t limit, const char *const *what);
/* The limit is over; in the handler. */
void pk__too_long(void *context);

/* Interrupts a thread of this process: it parks if a gathering is on. Negative where there is none. */
long pk__interrupt(int tid);

/* start.c */
void pk__wake(void);
/* Whether this state is the calling process's own; what a fork copied is made so. */
void pk__own(void);
/* A file of this process in the control directory. */
void pk__file_name(struct pk_text *ret, const char *suffix);

#endif
