/* harness.c: the parts of the runtime that read what others wrote, under sanitizers: `harness PAYLOAD|bundle|frames FILE`.
 *
 * Built together with payload.c, bundle.c, sha256.c, unwind.c, ring.c and sys.c; system calls are the real ones. What those
 * parts ask of the rest of the runtime stands here. Each input is tried as it is, cut at many places, and with many bytes
 * changed; a harness that ends with 0 printed how many of each were taken.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../patchkit/runtime/src/runtime.h"

struct pk_runtime pk__runtime;
int32_t pk__interruption[32];

const struct pk_error *pk__fail(const char *code, const char *format, ...) {
    struct pk_error *error = &pk__runtime.error;
    struct pk_text text = {error->text, sizeof error->text, 0};
    va_list arguments;
    va_start(arguments, format);
    pk__format(&text, format, arguments);
    va_end(arguments);
    error->code = code;
    return error;
}

void pk__file_name(struct pk_text *ret, const char *suffix) {
    pk__put(ret, pk__runtime.directory);
    pk__put(ret, "/ring");
    pk__put(ret, suffix);
}

long pk__fork(void) { return -1; }
long pk__wait(long child, uint64_t limit) { return child - (long)limit; }

static struct pk_module module;
const struct pk_module *pk__module_of(uintptr_t place) { return place ? &module : NULL; }

static uint64_t state = 88172645463325252u;
static uint64_t random_number(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* A copy that ends where its memory ends, so that one byte too far is seen. */
static void *exact(const void *data, size_t size) {
    void *copy = NULL;
    if (posix_memalign(&copy, 64, size ? size : 1))
        abort();
    memcpy(copy, data, size);
    return copy;
}

static int try_payload(const void *data, size_t size) {
    void *copy = exact(data, size);
    int taken = !pk__check_payload(copy, size);
    free(copy);
    return taken;
}

static int try_bundle(const void *data, size_t size) {
    struct pk_bundle bundle;
    int file = memfd_create("bundle", 0);
    if (file < 0 || write(file, data, size) != (ssize_t)size)
        abort();
    int taken = !pk__open_bundle(file, &bundle);
    if (taken)
        pk__close_bundle(&bundle);
    close(file);
    return taken;
}

/* The whole of FILE is a section .eh_frame_hdr with the .eh_frame behind it, and every place is asked for. */
static int try_frames(const void *data, size_t size) {
    uint8_t *copy = exact(data, size);
    uint64_t stack[64];
    int steps = 0;
    module = (struct pk_module){.start = (uintptr_t)copy, .end = (uintptr_t)copy + size, .unwind = copy, .unwind_size = size};
    for (size_t i = 0; i < 64; i++)
        stack[i] = (uint64_t)copy;
    for (int64_t place = -8192; place < 0; place += 3) {
        struct pk_registers registers = {{0}, {0}};
        int exactly = 1;
        for (size_t i = 0; i < PK_REGISTERS; i++)
            registers.value[i] = (uint64_t)stack;
        registers.value[PK_REG_IP] = (uint64_t)((int64_t)copy + place);
        steps += pk__step(&registers, &exactly) != PK_NO_STEP;
    }
    free(copy);
    return steps > 0;
}

static int lines;
static void count_line(const char *line) { lines += strncmp(line, "event\t", 6) == 0; }

static int try_ring(const void *data, size_t size) {
    char path[200];
    snprintf(path, sizeof path, "%s/ring.log", pk__runtime.directory);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file))
        abort();
    pk__runtime.pid++; /* opened anew */
    lines = 0;
    pk__each_event(count_line);
    pk__log("%s %d %x", "one more", (int64_t)-7, (uint64_t)255);
    pk__each_event(count_line);
    return lines > 0;
}

static const struct {
    const char *name;
    int (*attempt)(const void *data, size_t size);
} parts[] = {{"payload", try_payload}, {"bundle", try_bundle}, {"frames", try_frames}, {"ring", try_ring}};

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        exit(2);
    long length = ftell(file);
    char *data = malloc((size_t)length + 1);
    rewind(file);
    if (fread(data, 1, (size_t)length, file) != (size_t)length)
        exit(2);
    fclose(file);
    *size = (size_t)length;
    return data;
}

static int mutated(int (*attempt)(const void *, size_t), const char *data, size_t size, int count) {
    int taken = 0;
    for (int i = 0; i < count; i++) {
        uint8_t *copy = exact(data, size);
        for (uint64_t changes = 1 + random_number() % 4; changes; changes--) {
            /* Heads and tables come first, so the first kilobytes are hit more often. */
            size_t place = random_number() % (random_number() & 1 ? size : size < 2048 ? size : 2048);
            copy[place] = (uint8_t)(random_number() & 1 ? random_number() : copy[place] ^ (1u << random_number() % 8));
        }
        taken += attempt(copy, size);
        free(copy);
    }
    return taken;
}

int main(int count, char **words) {
    if (count < 5)
        return 2;
    size_t size = 0;
    char *data = read_file(words[2], &size);
    int times = atoi(words[3]);
    snprintf(pk__runtime.directory, sizeof pk__runtime.directory, "%s", words[4]);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(words[1], parts[i].name))
            continue;
        int whole = parts[i].attempt(data, size), cut = 0;
        for (int n = 0; n < times; n++)
            cut += parts[i].attempt(data, random_number() % size);
        printf("whole %d cut %d changed %d\n", whole, cut, mutated(parts[i].attempt, data, size, times));
    }
    free(data);
    return 0;
}
