/* transaction.c: one update from its bundle to its end, and the way back.
 *
 *     received > verified > prepared > rehearsed > quiescing > switched > probation > committed
 *
 * Up to `switched` nothing of the program has changed; every failure frees what was brought and names its reason. Called
 * by the worker.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/resource.h>

#include "migration.h"
#include "runtime.h"

static const uint64_t rehearsal_limit = 30000000000u; /* ns */

void (*pk__tell)(const char *line);

/* What a rehearsal's copy says, in memory that both share. */
struct rehearsal {
    int32_t done, unreached;
    struct pk_error error;
};

static void phase(const char *name, uint64_t begun) {
    char line[128];
    struct pk_text text = {line, sizeof line, 0};
    int64_t us = (int64_t)((pk__now() - begun) / 1000);
    pk__put(&text, "phase\tname=");
    pk__put(&text, name);
    pk__put(&text, "\tus=");
    pk__put_number(&text, us);
    pk__log("%s after %d us", name, us);
    if (pk__tell)
        pk__tell(line);
}

static int is_id(const uint8_t *id, size_t size, const uint8_t *other, size_t other_size) {
    return size == other_size && pk__equal(id, other, size);
}

static int is_current(const uint8_t *id, size_t size) {
    const struct pk_runtime *rt = &pk__runtime;
    if (rt->current)
        return is_id(id, size, rt->current->payload->to, rt->current->payload->to_size);
    return is_id(id, size, rt->program.id, rt->program.id_size);
}

static const struct pk_error *check_fit(const struct pk_bundle *bundle) {
    const struct pk_payload *payload = (const struct pk_payload *)bundle->payload;
    const struct pk_image *current = pk__runtime.current;
    if (is_current(payload->from, payload->from_size)) {
        if (bundle->sequence && current && bundle->sequence <= current->sequence)
            return pk__fail("PKB806", "the bundle's number %d is not newer than that of the last update, %d",
                            (int64_t)bundle->sequence, (int64_t)current->sequence);
        return NULL;
    }
    char ids[2][2 * PK_ID_SIZE + 1];
    struct pk_text wanted = {ids[0], sizeof ids[0], 0}, own = {ids[1], sizeof ids[1], 0};
    pk__put_id(&wanted, payload->from, payload->from_size);
    if (current)
        pk__put_id(&own, current->payload->to, current->payload->to_size);
    else
        pk__put_id(&own, pk__runtime.program.id, pk__runtime.program.id_size);
    return pk__fail("PKB801", "the bundle is for build %s, but this process is at %s", ids[0], own.used ? ids[1] : "a build without an id");
}

/* Everything of the new version is where it should be; only in a copy, or while all stand still. */
static const struct pk_error *check_switched(const struct pk_image *image) {
    const struct pk_patch *patch = pk__rows(image->payload, &image->payload->patches);
    for (uint64_t i = 0; i < image->payload->patches.count; i++) {
        uint8_t jump[PK_JUMP_SIZE];
        const uint8_t *place = (const uint8_t *)image->olds[patch[i].old];
        pk__copy(jump, place, 1);
        int32_t distance = 0;
        if (place)
            pk__copy(&distance, place + 1, 4);
        if (place && place + PK_JUMP_SIZE + distance != image->place + patch[i].code)
            return pk__fail("PKL108", "after the rehearsed switch a function does not lead to its successor");
    }
    const struct pk_scratch *scratch = pk__runtime.scratch;
    for (size_t i = 0; i < scratch->move_count; i++)
        if (*scratch->moves[i].place != scratch->moves[i].after)
            return pk__fail("PKL108", "after the rehearsed switch a frame does not go on in the new code");
    return NULL;
}

/* The code and the frames of the version before take their places again. */
static const struct pk_error *go_back(struct pk_image *image) {
    const struct pk_error *error = pk__note_moves(image, 1);
    if (!error)
        error = pk__unswitch(image);
    if (!error)
        pk__make_moves();
    return error;
}

static void undo_turn(struct pk_image *image, int reverting) {
    if (reverting)
        pk__reswitch(image);
    else
        pk__unswitch(image);
    pk__undo_moves();
    pk__unmigrate(image);
}

/* State, code and frames go to the image's version, or back from it, or stay as they were. */
static const struct pk_error *turn(struct pk_image *image, int reverting) {
    const struct pk_error *error = pk__migrate(image, reverting);
    if (!error && (error = reverting ? go_back(image) : pk__switch(image)))
        pk__unmigrate(image);
    return error;
}

/* In the copy: the whole update, its checks, and back again. */
__attribute__((noreturn)) static void rehearse_in_copy(const struct pk_gathering *gathering, struct pk_image *image, struct rehearsal *said) {
    struct rlimit none = {0, 0};
    pk__call2(SYS_setrlimit, RLIMIT_CORE, (long)&none);
    struct pk_image *old = gathering->reverting ? NULL : pk__sweepable();
    said->unreached = old && !pk__is_reached(old);
    const struct pk_error *error = turn(image, gathering->reverting);
    if (!error && !gathering->reverting)
        error = check_switched(image);
    if (!error && pk__has_hook(image)) /* what it writes is not kept, so there is no way back from it */
        error = pk__run_hook(image);
    else if (!error)
        undo_turn(image, gathering->reverting);
    if (error)
        pk__copy(&said->error, error, sizeof *error);
    said->done = error ? -1 : 1;
    pk__call1(SYS_exit_group, 0);
    __builtin_unreachable();
}

static const struct pk_error *judge_rehearsal(long status, const struct rehearsal *said) {
    if (said->done > 0 && status == 0)
        return NULL;
    if (said->done < 0)
        return pk__fail(said->error.code, "%s (found in the rehearsal)", said->error.text);
    if (status > 0 && (status & 127))
        return pk__fail("PKL108", "the rehearsal's copy of the process died of signal %d", (int64_t)(status & 127));
    return pk__fail("PKL108", "the rehearsal's copy of the process did not come to an end");
}

static const struct pk_error *stand_still(struct pk_gathering *gathering) {
    gathering->begun = pk__now();
    const struct pk_error *error = pk__gather(gathering);
    if (!error) {
        pk__disarm_points();
        return NULL;
    }
    if (pk__tell && pk__same(error->code, "PKL107"))
        pk__report_threads(gathering, pk__tell);
    pk__release();
    return error;
}

static const struct pk_error *rehearse(struct pk_gathering *gathering, struct pk_image *image, uint64_t *pause, int *unreached) {
    long shared = pk__denied() ? -1
                               : pk__syscall(SYS_mmap, 0, PK_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (PK__FAILED(shared))
        return pk__fail("PKL104", "there is no memory for the rehearsal's report");
    struct rehearsal *said = (struct rehearsal *)shared;
    const struct pk_error *error = stand_still(gathering);
    if (!error) {
        long child = pk__fork();
        if (child == 0)
            rehearse_in_copy(gathering, image, said);
        pk__release();
        *pause = pk__now() - gathering->begun;
        if (child < 0)
            error = pk__fail("PKL108", "the process cannot be copied for the rehearsal (error %d)", (int64_t)-child);
        else
            error = judge_rehearsal(pk__wait(child, rehearsal_limit), said);
        *unreached = said->unreached;
    }
    pk__unmap(said, PK_PAGE);
    return error;
}

static void count_epoch(void) {
    struct pk_runtime *rt = &pk__runtime;
    rt->epoch++;
    for (size_t i = 0; i < rt->thread_count; i++)
        rt->threads[i].epoch = rt->epoch;
}

static void take(struct pk_image *image) {
    struct pk_runtime *rt = &pk__runtime;
    image->older = rt->images;
    rt->images = rt->current = image;
    if (!rt->first)
        rt->first = image;
    count_epoch();
}

/* Before the first thread runs new code. */
static void begin_probation(const struct pk_wish *wish) {
    struct pk_runtime *rt = &pk__runtime;
    if (!wish->probation)
        return;
    rt->probation_end = pk__now() + wish->probation;
    rt->state = PK_PROBATION;
    pk__watch_crashes();
}

static void end_probation(void) {
    if (pk__runtime.state == PK_PROBATION)
        pk__unwatch_crashes();
    pk__runtime.state = PK_IDLE;
}

static const struct pk_error *switch_live(struct pk_image *image, const struct pk_wish *wish, uint64_t *pause) {
    struct pk_gathering gathering = {image, 0, wish->timeout, 0};
    const struct pk_error *error = stand_still(&gathering);
    if (error)
        return error;
    phase("quiescing", gathering.begun); /* whoever hears it knows that from here on the end of the process is our doing */
    error = turn(image, 0);
    if (!error && (error = pk__run_hook(image)))
        undo_turn(image, 0);
    if (!error) {
        take(image);
        begin_probation(wish);
        pk__forget_old(image);
    }
    pk__release();
    *pause = image->pause = pk__now() - gathering.begun;
    return error;
}

static const struct pk_error *carry_out(struct pk_image *image, const struct pk_wish *wish, uint64_t *pause) {
    uint64_t begun = pk__now();
    int unreached = 0;
    struct pk_image *old = pk__sweepable();
    const struct pk_error *error = pk__prepare_points(image);
    if (!error && (wish->rehearse || wish->only_rehearse)) {
        struct pk_gathering gathering = {image, 0, wish->timeout, 0};
        error = rehearse(&gathering, image, pause, &unreached);
        if (!error)
            phase("rehearsed", begun);
    }
    if (error || wish->only_rehearse)
        return error;
    begun = pk__now();
    error = switch_live(image, wish, pause);
    if (error)
        return error;
    phase("switched", begun);
    pk__tell_staying();
    if (unreached && old)
        pk__drop_text(old);
    return NULL;
}

void pk__confirm(void) {
    if (pk__runtime.state != PK_PROBATION)
        return;
    end_probation();
    phase("committed", pk__now());
}

static const struct pk_error *update(const struct pk_bundle *bundle, const struct pk_wish *wish, uint64_t *pause, const char **result) {
    uint64_t begun = pk__now();
    const struct pk_payload *payload = (const struct pk_payload *)bundle->payload;
    const struct pk_error *error = pk__check_payload(payload, bundle->payload_size);
    if (error)
        return error;
    if (is_current(payload->to, payload->to_size)) {
        *result = "already";
        return NULL;
    }
    error = check_fit(bundle);
    if (!error && !wish->only_rehearse)
        error = pk__check_mark(payload);
    if (error)
        return error;
    pk__confirm(); /* whoever brings the next version has accepted this one */
    pk__find_modules();
    pk__expect_changes();
    struct pk_image *image = NULL;
    struct pk_libraries libraries = {{NULL}, 0};
    error = pk__load_libraries(payload, &libraries);
    if (!error)
        error = pk__load_image(bundle, &image);
    if (!error) {
        phase("prepared", begun);
        error = carry_out(image, wish, pause);
        if (error || wish->only_rehearse)
            pk__free_image(image);
    }
    if (error || wish->only_rehearse) {
        pk__unload_libraries(&libraries);
        *result = "rehearsed";
        return error;
    }
    *result = "applied";
    phase(wish->probation ? "probation" : "committed", pk__now());
    return NULL;
}

const struct pk_error *pk__update(int descriptor, const struct pk_wish *wish, uint64_t *pause, const char **result) {
    uint64_t begun = pk__now();
    struct pk_bundle bundle;
    *pause = 0;
    phase("received", begun);
    const struct pk_error *error = pk__open_bundle(descriptor, &bundle);
    if (error) {
        pk__log("refused: %s %s", error->code, error->text);
        return error;
    }
    phase("verified", begun);
    error = update(&bundle, wish, pause, result);
    pk__close_bundle(&bundle);
    if (error) {
        phase("undone", begun);
        pk__log("refused: %s %s", error->code, error->text);
    }
    return error;
}

static const struct pk_error *check_reversible(const struct pk_image *image) {
    if (!image)
        return pk__fail("PKL109", "there is no update to go back from: the process runs the version that it was started as");
    if (!image->reversible)
        return pk__fail("PKL109", "the update's bundle says that it cannot be reverted%s%s", image->irreversible[0] ? ": " : "",
                        image->irreversible);
    if (image->before && image->before->text_gone)
        return pk__fail("PKL109", "the version before this one was given back already");
    if (pk__plan_of(image, 0) && !pk__plan_of(image, 1))
        return pk__fail("PKL109", "the update converted state, and its bundle has nothing that converts it back");
    return NULL;
}

static void leave(struct pk_image *image) {
    pk__forget_switch(image);
    pk__forget_old(image);
    image->reverted = 1;
    pk__runtime.current = image->before;
    end_probation();
    count_epoch();
}

static const struct pk_error *revert(struct pk_image *image, const struct pk_wish *wish, uint64_t *pause) {
    uint64_t begun = pk__now();
    struct pk_gathering gathering = {image, 1, wish->timeout, 0};
    const struct pk_error *error = NULL;
    int unreached;
    if (pk__plan_of(image, 1) && wish->rehearse) {
        error = rehearse(&gathering, image, pause, &unreached);
        if (!error)
            phase("rehearsed", begun);
    }
    if (error)
        return error;
    error = stand_still(&gathering);
    if (error)
        return error;
    phase("quiescing", gathering.begun);
    error = turn(image, 1);
    if (!error && (error = pk__run_hook(image)))
        undo_turn(image, 1);
    if (!error)
        leave(image);
    pk__release();
    *pause = pk__now() - gathering.begun;
    if (!error)
        phase("undone", begun);
    return error;
}

const struct pk_error *pk__revert(const struct pk_wish *wish, uint64_t *pause) {
    struct pk_image *image = pk__runtime.current;
    const struct pk_error *error = check_reversible(image);
    if (!error) {
        pk__find_modules();
        error = revert(image, wish, pause);
    }
    if (error)
        pk__log("not reverted: %s %s", error->code, error->text);
    return error;
}
