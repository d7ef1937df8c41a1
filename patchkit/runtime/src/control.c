/* control.c: the worker: a socket that exists while somebody asks, and the answers. See docs/protocol.md.
 *
 * One client at a time is served, so that one update at a time happens; the next waits in the socket's queue.
 *
 * Descriptors are the whole process's: a program that closes all there are closes ours too, and what has their number
 * afterwards is its own. So each is held with what it stands for, and looked at before it is used.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "runtime.h"

enum { IDLE_MS = 5000, SEND_MS = 5000, BACKLOG = 8, MOST_FIELDS = 16, RETRY = 20000000 /* ns */ };

struct held {
    int descriptor;
    uint64_t device, inode;
};
static const struct held nothing = {-1, 0, 0};
static struct held client = {-1, 0, 0};

static struct held hold(int descriptor) {
    struct stat status;
    if (descriptor < 0 || pk__call2(SYS_fstat, descriptor, (long)&status) < 0)
        return nothing;
    return (struct held){descriptor, status.st_dev, status.st_ino};
}

static int is_ours(const struct held *held) {
    struct held now = hold(held->descriptor);
    return now.descriptor >= 0 && now.device == held->device && now.inode == held->inode;
}

static void let_go(struct held *held) {
    if (is_ours(held))
        pk__close(held->descriptor);
    *held = nothing;
}

/* A request, cut at its tabs in place. */
struct request {
    const char *fields[MOST_FIELDS];
    size_t count;
    struct held bundle;
};

static int wait_for(int descriptor, short what, int ms) {
    struct pollfd wait = {descriptor, what, 0};
    struct timespec limit = {ms / 1000, (long)(ms % 1000) * 1000000};
    return pk__syscall(SYS_ppoll, (long)&wait, 1, (long)&limit, 0, 8, 0) > 0;
}

/* A client that does not read is left. */
static void tell(const char *line) {
    if (is_ours(&client) && wait_for(client.descriptor, POLLOUT, SEND_MS)) {
        long sent = pk__syscall(SYS_sendto, client.descriptor, (long)line, (long)pk__length(line), MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
        if (sent >= 0)
            return;
    }
    let_go(&client);
}

static void tell_error(const struct pk_error *error) {
    char line[PK_ERROR_SIZE + 64];
    struct pk_text text = {line, sizeof line, 0};
    pk__put(&text, "error\tcode=");
    pk__put(&text, error->code);
    pk__put(&text, "\ttext=");
    pk__put(&text, error->text);
    tell(line);
}

static const char *value_of(const struct request *request, const char *name) {
    size_t length = pk__length(name);
    for (size_t i = 1; i < request->count; i++)
        if (pk__starts(request->fields[i], name) && request->fields[i][length] == '=')
            return request->fields[i] + length + 1;
    return NULL;
}

static uint64_t ms_of(const struct request *request, const char *name, uint64_t otherwise) {
    const char *value = value_of(request, name);
    if (value)
        pk__number(value, &otherwise);
    return otherwise * 1000000;
}

static void tell_fact(const char *name, const char *value) {
    char line[512];
    struct pk_text text = {line, sizeof line, 0};
    pk__put(&text, "fact\tname=");
    pk__put(&text, name);
    pk__put(&text, "\tvalue=");
    pk__put(&text, value);
    tell(line);
}

static void tell_id(const char *name, const uint8_t *id, size_t size) {
    char digits[2 * PK_ID_SIZE + 1] = "";
    struct pk_text text = {digits, sizeof digits, 0};
    pk__put_id(&text, id, size);
    tell_fact(name, digits);
}

static void tell_number(const char *name, int64_t number) {
    char digits[24];
    struct pk_text text = {digits, sizeof digits, 0};
    pk__put_number(&text, number);
    tell_fact(name, digits);
}

static void tell_update(const struct pk_image *image) {
    char line[512];
    struct pk_text text = {line, sizeof line, 0};
    pk__put(&text, "fact\tname=update\tfrom=");
    pk__put_id(&text, image->payload->from, image->payload->from_size);
    pk__put(&text, "\tto=");
    pk__put_id(&text, image->payload->to, image->payload->to_size);
    pk__put(&text, "\tfunctions=");
    pk__put_number(&text, (int64_t)image->payload->patches.count);
    pk__put(&text, "\tpause-us=");
    pk__put_number(&text, (int64_t)(image->pause / 1000));
    pk__put(&text, image->reverted ? "\tstate=reverted" : image->text_gone ? "\tstate=gone" : "\tstate=here");
    tell(line);
}

static void status(void) {
    const struct pk_runtime *rt = &pk__runtime;
    if (rt->current)
        tell_id("version", rt->current->payload->to, rt->current->payload->to_size);
    else
        tell_id("version", rt->program.id, rt->program.id_size);
    tell_id("started-as", rt->program.id, rt->program.id_size);
    tell_number("updates", rt->epoch);
    tell_fact("state", rt->state == PK_PROBATION ? "probation" : "idle");
    tell_fact("reversible", rt->current && rt->current->reversible ? "yes" : "no");
    tell_number("signal", rt->signal);
    for (size_t i = 0; i < rt->thread_count; i++) {
        if (rt->threads[i].tid <= 0 || pk__call3(SYS_tgkill, rt->pid, rt->threads[i].tid, 0) < 0)
            continue;
        char line[96];
        struct pk_text text = {line, sizeof line, 0};
        pk__put(&text, "fact\tname=thread\ttid=");
        pk__put_number(&text, rt->threads[i].tid);
        pk__put(&text, "\tepoch=");
        pk__put_number(&text, rt->threads[i].epoch);
        tell(line);
    }
    for (const struct pk_image *image = rt->images; image; image = image->older)
        tell_update(image);
    tell("ok");
}

static void finish(const struct pk_error *error, const char *result, uint64_t pause) {
    char line[160];
    struct pk_text text = {line, sizeof line, 0};
    if (error) {
        tell_error(error);
        return;
    }
    pk__put(&text, "ok\tresult=");
    pk__put(&text, result);
    pk__put(&text, "\tpause-us=");
    pk__put_number(&text, (int64_t)(pause / 1000));
    tell(line);
}

static void update(struct request *request, int only_rehearse) {
    const char *rehearse = value_of(request, "rehearse"), *result = "rehearsed";
    struct pk_wish wish = {ms_of(request, "timeout-ms", 2000), ms_of(request, "probation-ms", 0),
                           !(rehearse && pk__same(rehearse, "no")), only_rehearse};
    uint64_t pause = 0;
    if (request->bundle.descriptor < 0) {
        tell_error(pk__fail("PKL112", "the request came without a bundle"));
        return;
    }
    const struct pk_error *error = pk__update(request->bundle.descriptor, &wish, &pause, &result);
    finish(error, result, pause);
}

static void answer(struct request *request) {
    const char *name = request->fields[0];
    if (pk__same(name, "hello")) {
        const char *protocol = value_of(request, "protocol");
        if (!protocol || !pk__same(protocol, "1"))
            tell_error(pk__fail("PKL112", "this runtime speaks protocol 1"));
        else
            tell("ok\tprotocol=1\truntime=" PK_VERSION);
    } else if (pk__same(name, "status"))
        status();
    else if (pk__same(name, "apply"))
        update(request, 0);
    else if (pk__same(name, "rehearse"))
        update(request, 1);
    else if (pk__same(name, "revert")) {
        const char *rehearse = value_of(request, "rehearse");
        struct pk_wish wish = {ms_of(request, "timeout-ms", 2000), 0, !(rehearse && pk__same(rehearse, "no")), 0};
        uint64_t pause = 0;
        const struct pk_error *error = pk__revert(&wish, &pause);
        finish(error, "reverted", pause);
    } else if (pk__same(name, "confirm")) {
        pk__confirm();
        tell("ok");
    } else if (pk__same(name, "log")) {
        pk__each_event(tell);
        tell("ok");
    } else
        tell_error(pk__fail("PKL112", "this runtime does not know the request"));
}

static void cut(char *packet, struct request *ret) {
    ret->count = 0;
    for (char *at = packet; ret->count < MOST_FIELDS; at++) {
        ret->fields[ret->count++] = at;
        while (*at && *at != '\t')
            at++;
        if (!*at)
            return;
        *at = 0;
    }
}

/* Receives one packet; returns 0 where the client has gone or says nothing in time. */
static int receive(char *packet, struct request *ret) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct iovec content = {packet, PK_MESSAGE};
    struct msghdr message = {NULL, 0, &content, 1, control.space, sizeof control.space, 0};
    ret->bundle = nothing;
    if (!is_ours(&client) || !wait_for(client.descriptor, POLLIN, IDLE_MS) || !is_ours(&client))
        return 0;
    long got = pk__call3(SYS_recvmsg, client.descriptor, (long)&message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got <= 0)
        return 0;
    packet[got] = 0;
    struct cmsghdr *header = message.msg_controllen >= sizeof *header ? &control.header : NULL;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        int *descriptors = (int *)CMSG_DATA(header);
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 1; i < count; i++)
            pk__close(descriptors[i]);
        ret->bundle = hold(count ? descriptors[0] : -1);
    }
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        let_go(&ret->bundle);
        if (message.msg_flags & MSG_CTRUNC)
            tell_error(pk__fail("PKL104", "the process may not open one more file, so it cannot take the bundle"));
        return 0;
    }
    cut(packet, ret);
    return 1;
}

static int is_permitted(void) {
    struct ucred peer;
    int size = sizeof peer;
    if (pk__syscall(SYS_getsockopt, client.descriptor, SOL_SOCKET, SO_PEERCRED, (long)&peer, (long)&size, 0) < 0)
        return 0;
    return peer.uid == 0 || peer.uid == (unsigned)pk__call0(SYS_geteuid);
}

static void serve_client(char *packet) {
    struct request request;
    if (!is_permitted()) {
        tell_error(pk__fail("PKL115", "this process listens to root and to its own user only"));
        return;
    }
    pk__tell = tell;
    while (client.descriptor >= 0 && receive(packet, &request)) {
        answer(&request);
        let_go(&request.bundle);
    }
    pk__tell = NULL;
}

static int listen_at(const char *path) {
    struct sockaddr_un address = {AF_UNIX, ""};
    size_t length = pk__length(path);
    if (length >= sizeof address.sun_path)
        return -1;
    pk__copy(address.sun_path, path, length + 1);
    int listener = (int)pk__call3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0)
        return listener;
    pk__call3(SYS_unlinkat, AT_FDCWD, (long)path, 0);
    /* The directory lets nobody else in, so the mode may follow. */
    if (pk__call3(SYS_bind, listener, (long)&address, sizeof address) < 0 ||
        pk__call3(SYS_fchmodat, AT_FDCWD, (long)path, 0600) < 0 || pk__call2(SYS_listen, listener, BACKLOG) < 0) {
        pk__close(listener);
        return -1;
    }
    return listener;
}

static int idle_ms(void) {
    const struct pk_runtime *rt = &pk__runtime;
    if (rt->state != PK_PROBATION)
        return IDLE_MS;
    uint64_t now = pk__now();
    return now < rt->probation_end ? (int)((rt->probation_end - now) / 1000000) + 1 : 0;
}

static void answer_request(const struct pk_error *error, const char *result) {
    struct pk_runtime *rt = &pk__runtime;
    struct pk_text text = {rt->answer_text, sizeof rt->answer_text, 0};
    pk__put(&text, error ? error->code : result);
    if (error) {
        pk__put(&text, " ");
        pk__put(&text, error->text);
    }
    rt->answer = error ? PK_REFUSED : PK_UPDATED;
}

/* What the program itself asked for. */
static void serve_request(void) {
    struct pk_runtime *rt = &pk__runtime;
    struct pk_wish wish = {2000000000u, 0, 1, 0};
    const char *result = "";
    uint64_t pause;
    int bundle = __atomic_load_n(&rt->requested, __ATOMIC_SEQ_CST);
    if (bundle < 0)
        return;
    const struct pk_error *error = pk__update(bundle, &wish, &pause, &result);
    answer_request(error, result);
    pk__close(bundle);
    __atomic_store_n(&rt->requested, -1, __ATOMIC_SEQ_CST);
}

/* Waits for a client; the runtime's signal may come meanwhile, and only meanwhile. Returns 0 where nobody came. */
static int wait_for_client(int listener) {
    struct pollfd wait = {listener, POLLIN, 0};
    int ms = idle_ms();
    struct timespec limit = {ms / 1000, (long)(ms % 1000) * 1000000};
    uint64_t mask = ~((uint64_t)1 << (pk__runtime.signal - 1));
    return pk__syscall(SYS_ppoll, (long)&wait, 1, (long)&limit, (long)&mask, sizeof mask, 0) != 0;
}

static void serve_all(const struct held *listener, char *packet) {
    struct pk_runtime *rt = &pk__runtime;
    while (is_ours(listener)) {
        serve_request();
        int asked = wait_for_client(listener->descriptor);
        if (rt->state == PK_PROBATION && pk__now() >= rt->probation_end)
            pk__confirm();
        else if (!asked)
            return;
        if (!asked)
            continue;
        if (is_ours(listener))
            client = hold((int)pk__call4(SYS_accept4, listener->descriptor, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (client.descriptor >= 0)
            serve_client(packet);
        else
            pk__pause(RETRY); /* where there is no descriptor for it, it goes on waiting */
        let_go(&client);
    }
}

void pk__serve(void *unused) {
    struct pk_runtime *rt = &pk__runtime;
    char path[160];
    struct pk_text text = {path, sizeof path, 0};
    (void)unused;
    rt->worker = pk__tid();
    rt->scratch = pk__map(sizeof *rt->scratch);
    char *packet = pk__map(PK_MESSAGE + 1);
    pk__file_name(&text, ".sock");
    struct held listener = hold(rt->scratch && packet ? listen_at(path) : -1);
    if (rt->scratch && packet && listener.descriptor < 0)
        serve_request();
    if (listener.descriptor >= 0) {
        serve_all(&listener, packet);
        pk__call3(SYS_unlinkat, AT_FDCWD, (long)path, 0);
        let_go(&listener);
    }
    pk__unmap(packet, PK_MESSAGE + 1);
    pk__unmap(rt->scratch, sizeof *rt->scratch);
    rt->scratch = NULL;
}
