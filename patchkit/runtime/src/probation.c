/* probation.c: a crash while an update is on probation is put on record before it goes its normal way, and the version that
 * crashed is not taken again.
 *
 * The signals of a crash come here only between the switch and the end of probation, and only those that would end the
 * process: a handler of the program's own stays, and is alone. What crashed is not taken back: see docs/adr/0008. The
 * handler runs in the thread that crashes, whatever it holds: it makes system calls only.
 */
#define _GNU_SOURCE
#include <fcntl.h>

#include "actions.h"
#include "runtime.h"

enum { MOST_TEXT = 300 };

static const int crashes[] = {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE};
static const char *const names[] = {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"};
enum { CRASHES = sizeof crashes / sizeof *crashes };

static uint32_t reported; /* one crash in each probation: others that follow have it for a cause */

static void mark_path(struct pk_text *ret, const struct pk_payload *payload) {
    pk__put(ret, pk__runtime.directory);
    pk__put(ret, "/bad-");
    pk__put_id(ret, payload->to, payload->to_size);
}

static void mark(const struct pk_payload *payload, const char *text) {
    char path[256];
    struct pk_text name = {path, sizeof path, 0};
    mark_path(&name, payload);
    int file = pk__open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    if (file < 0)
        return;
    pk__call3(SYS_write, file, (long)text, (long)pk__length(text));
    pk__close(file);
}

/* The name of the function of the new version that is innermost on the stack, NULL where there is none. */
static const char *new_code(const void *context) {
    struct pk_registers registers;
    struct pk_found found;
    int exact = 1;
    pk__context_registers(context, &registers);
    for (int frames = 0; frames < PK_MOST_FRAMES; frames++) {
        uintptr_t place = registers.value[PK_REG_IP] - !exact;
        if (pk__find_function(place, NULL, &found) && found.image && found.image == pk__runtime.current)
            return found.function ? pk__string(found.payload, found.function->name) : "code without a name";
        if (pk__step(&registers, &exact) != PK_STEPPED)
            break;
    }
    return NULL;
}

static const char *name_of(int signal) {
    for (int i = 0; i < CRASHES; i++)
        if (crashes[i] == signal)
            return names[i];
    return "a signal";
}

static void report(int signal, const void *context) {
    const struct pk_payload *payload = pk__runtime.current->payload;
    const char *function = new_code(context);
    char line[MOST_TEXT];
    struct pk_text text = {line, sizeof line, 0};
    pk__put(&text, "process ");
    pk__put_number(&text, pk__pid());
    pk__put(&text, " crashed of ");
    pk__put(&text, name_of(signal));
    pk__put(&text, function ? " in " : " outside of the new code");
    pk__put(&text, function ? function : "");
    pk__put(&text, " while the update was on probation to ");
    pk__put_id(&text, payload->to, payload->to_size);
    pk__log("%s", line);
    if (function)
        mark(payload, line);
}

static void on_crash(int signal, siginfo_t *information, void *context) {
    const struct pk_runtime *rt = &pk__runtime;
    int sent = information->si_code <= 0; /* by a call, as abort() does, and not by the kernel for what the code did */
    if (rt->state == PK_PROBATION && rt->current && !(sent && information->si_pid != pk__pid()) &&
        !__atomic_exchange_n(&reported, 1, __ATOMIC_SEQ_CST))
        report(signal, context);
    pk__reset_action(signal, NULL);
    /* Back at the instruction the kernel finds the same fault again; what was sent has to be sent again. */
    if (sent)
        pk__call3(SYS_tgkill, pk__pid(), pk__tid(), signal);
}

void pk__watch_crashes(void) {
    reported = 0;
    for (int i = 0; i < CRASHES; i++)
        if (!pk__action_of(crashes[i]).handler)
            pk__set_action(crashes[i], pk__action(on_crash, SA_ONSTACK), NULL);
}

/* The program runs, and may take one for itself at any moment: then it gets it back at once. */
void pk__unwatch_crashes(void) {
    for (int i = 0; i < CRASHES; i++) {
        struct pk_action theirs = pk__action_of(crashes[i]);
        if (theirs.handler != on_crash)
            continue;
        pk__reset_action(crashes[i], &theirs);
        if (theirs.handler != on_crash)
            pk__set_action(crashes[i], theirs, NULL);
    }
}

const struct pk_error *pk__check_mark(const struct pk_payload *payload) {
    char path[256], text[MOST_TEXT];
    struct pk_text name = {path, sizeof path, 0};
    mark_path(&name, payload);
    if (pk__read_file(path, text, sizeof text) <= 0)
        return NULL;
    return pk__fail("PKL116", "%s; remove %s to try that version again", text, path);
}
