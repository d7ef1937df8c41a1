/* ring.c: what happened, in a file of fixed size that outlives the process.
 *
 * Layout: 16 bytes "PKRING1\n" and the count of bytes ever written (little-endian), then a ring of RING bytes of lines
 * `ns text`. Mapped when the worker starts; without a place for it events are not kept.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "runtime.h"

enum { RING = 65536 - 16 };

struct ring {
    char magic[8];
    uint64_t written;
    char bytes[RING];
};

static struct ring *ring;
static int32_t owner;

static void open_ring(void) {
    char path[160];
    struct pk_text text = {path, sizeof path, 0};
    owner = pk__runtime.pid;
    ring = NULL;
    pk__file_name(&text, ".log");
    int file = pk__open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (file < 0)
        return;
    if (!pk__denied() && pk__call2(SYS_ftruncate, file, sizeof(struct ring)) == 0) {
        long result = pk__syscall(SYS_mmap, 0, sizeof(struct ring), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        ring = PK__FAILED(result) ? NULL : (struct ring *)result;
    }
    pk__close(file);
    if (ring && !pk__equal(ring->magic, "PKRING1\n", 8)) {
        pk__copy(ring->magic, "PKRING1\n", 8);
        ring->written = 0;
    }
}

void pk__log(const char *format, ...) {
    char line[PK_ERROR_SIZE + 200];
    struct pk_text text = {line, sizeof line, 0};
    if (owner != pk__runtime.pid)
        open_ring();
    if (!ring)
        return;
    pk__put_number(&text, (int64_t)pk__now());
    pk__put(&text, " ");
    va_list arguments;
    va_start(arguments, format);
    pk__format(&text, format, arguments);
    va_end(arguments);
    if (text.used > sizeof line - 2)
        text.used = sizeof line - 2;
    line[text.used++] = '\n';
    for (size_t i = 0; i < text.used; i++)
        ring->bytes[(ring->written + i) % RING] = line[i];
    ring->written += text.used;
}

void pk__each_event(void (*tell)(const char *line)) {
    if (owner != pk__runtime.pid)
        open_ring();
    if (!ring)
        return;
    uint64_t at = ring->written > RING ? ring->written - RING : 0;
    if (at) /* the oldest line is cut */
        while (at < ring->written && ring->bytes[at++ % RING] != '\n')
            ;
    while (at < ring->written) {
        char line[PK_ERROR_SIZE + 300];
        struct pk_text text = {line, sizeof line, 0};
        pk__put(&text, "event\tat-ns=");
        int in_text = 0;
        for (char c; at < ring->written && (c = ring->bytes[at++ % RING]) != '\n';) {
            if (c == ' ' && !in_text++)
                pk__put(&text, "\ttext=");
            else
                pk__put_bytes(&text, c == '\t' ? " " : &c, 1);
        }
        tell(line);
    }
}
