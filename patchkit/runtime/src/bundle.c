/* bundle.c: reads a bundle into memory of our own and proves that it is whole, in time, and signed where that is asked.
 *
 * Called by the worker. Everything is checked on the copy that is loaded afterwards: the file may change meanwhile.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime.h"
#include "sha256.h"

enum { TAR_BLOCK = 512, LARGEST_BUNDLE = 1 << 30, MOST_LINES = 200 };

static const char damaged[] = "PKL102";

/* A member of the archive. */
struct member {
    const char *start;
    size_t size;
};

static size_t octal(const char *digits, size_t count) {
    size_t value = 0;
    for (; count && *digits >= '0' && *digits <= '7'; digits++, count--)
        value = value * 8 + (size_t)(*digits - '0');
    return value;
}

static int find_member(const struct pk_bundle *bundle, const char *name, size_t length, struct member *ret) {
    for (size_t at = 0; at + TAR_BLOCK <= bundle->size && bundle->data[at];) {
        const char *header = bundle->data + at;
        size_t size = octal(header + 124, 11);
        if (size > bundle->size - at - TAR_BLOCK)
            return 0;
        if (length < 100 && pk__equal(header, name, length) && !header[length]) {
            *ret = (struct member){header + TAR_BLOCK, size};
            return 1;
        }
        at += TAR_BLOCK + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    }
    return 0;
}

/* The text behind `key` and a space on one of the manifest's lines, with its length; NULL where there is none. */
static const char *field(const struct member *manifest, const char *key, size_t *length) {
    const char *at = manifest->start, *end = at + manifest->size;
    size_t wanted = pk__length(key);
    while (at < end) {
        const char *line = at;
        while (at < end && *at != '\n')
            at++;
        if ((size_t)(at - line) > wanted && pk__equal(line, key, wanted) && line[wanted] == ' ') {
            *length = (size_t)(at - line) - wanted - 1;
            return line + wanted + 1;
        }
        at++;
    }
    return NULL;
}

static uint64_t number_field(const struct member *manifest, const char *key) {
    size_t length = 0;
    const char *text = field(manifest, key, &length);
    uint64_t value = 0;
    for (; text && length && *text >= '0' && *text <= '9'; text++, length--)
        value = value * 10 + (uint64_t)(*text - '0');
    return value;
}

static const struct pk_error *read_all(int descriptor, struct pk_bundle *ret) {
    struct stat status;
    if (pk__call2(SYS_fstat, descriptor, (long)&status) < 0 || !S_ISREG(status.st_mode))
        return pk__fail(damaged, "what was passed as a bundle is no regular file");
    if (status.st_size < TAR_BLOCK || status.st_size > LARGEST_BUNDLE)
        return pk__fail(damaged, "a bundle of %d bytes cannot be one", (int64_t)status.st_size);
    size_t size = (size_t)status.st_size, used = 0;
    char *data = pk__map(size);
    if (!data)
        return pk__fail("PKL104", "there is no memory for a bundle of %d bytes", (int64_t)size);
    ret->data = data;
    ret->size = size;
    while (used < size) {
        long got = pk__call4(SYS_pread64, descriptor, (long)(data + used), (long)(size - used), (long)used);
        if (got <= 0)
            return pk__fail(damaged, "the bundle ends after %d of %d bytes", (int64_t)used, (int64_t)size);
        used += (size_t)got;
    }
    return NULL;
}

static int is_digest(const char *text, size_t length, const uint8_t digest[32]) {
    char digits[65];
    struct pk_text written = {digits, sizeof digits, 0};
    pk__put_id(&written, digest, 32);
    return length == 64 && pk__equal(text, digits, 64);
}

/* Every line `sha256 NAME HEX` must hold, and there must be one for the payload. */
static const struct pk_error *check_digests(const struct pk_bundle *bundle, struct member manifest) {
    int seen = 0;
    for (int lines = 0; lines < MOST_LINES; lines++) {
        size_t length;
        const char *text = field(&manifest, "sha256", &length), *name = text;
        if (!text)
            break;
        size_t name_length = 0;
        while (name_length < length && name[name_length] != ' ')
            name_length++;
        struct member member;
        if (!find_member(bundle, name, name_length, &member))
            return pk__fail(damaged, "the bundle lacks a part that its manifest names");
        uint8_t digest[32];
        pk__sha256(member.start, member.size, digest);
        if (length < name_length + 1 || !is_digest(name + name_length + 1, length - name_length - 1, digest))
            return pk__fail(damaged, "the bundle's %s is not what its manifest says: it was damaged or changed",
                            name_length == 7 && pk__equal(name, "payload", 7) ? "payload" : "report or model");
        seen |= name_length == 7 && pk__equal(name, "payload", 7);
        manifest.size -= (size_t)(text + length - manifest.start);
        manifest.start = text + length;
    }
    return seen ? NULL : pk__fail(damaged, "the bundle's manifest does not name the payload");
}

static int memory_file(const struct member *content) {
    int file = pk__denied() ? -1 : (int)pk__call2(SYS_memfd_create, (long)"patchkit", 0);
    if (file >= 0 && pk__call3(SYS_write, file, (long)content->start, (long)content->size) != (long)content->size) {
        pk__close(file);
        return -1;
    }
    if (file >= 0)
        pk__call3(SYS_lseek, file, 0, 0);
    return file;
}

/* The program's own limits are no measure for what checks its bundles. */
static void lift(int what) {
    struct rlimit limit;
    if (pk__call4(SYS_prlimit64, 0, what, 0, (long)&limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    pk__call4(SYS_prlimit64, 0, what, (long)&limit, 0);
}

/* In the child: becomes ssh-keygen, with the manifest as its input. Returns where there is none. */
static void become_verifier(int manifest, int signature, const char *signers) {
    char path[40];
    struct pk_text text = {path, sizeof path, 0};
    pk__put(&text, "/proc/self/fd/");
    pk__put_number(&text, signature);
    lift(RLIMIT_AS);
    lift(RLIMIT_DATA);
    lift(RLIMIT_NOFILE);
    int nowhere = (int)pk__call4(SYS_openat, AT_FDCWD, (long)"/dev/null", O_RDWR, 0);
    pk__call3(SYS_dup3, manifest, 0, 0);
    pk__call3(SYS_dup3, nowhere, 1, 0);
    pk__call3(SYS_dup3, nowhere, 2, 0);
    const char *arguments[] = {"ssh-keygen", "-Y", "verify", "-n", "patchkit", "-I", "patchkit", "-f", signers, "-s", path, NULL};
    const char *environment[] = {"PATH=/usr/bin:/bin", NULL};
    pk__call3(SYS_execve, (long)"/usr/bin/ssh-keygen", (long)arguments, (long)environment);
    pk__call3(SYS_execve, (long)"/bin/ssh-keygen", (long)arguments, (long)environment);
}

static const struct pk_error *check_signature(const struct pk_bundle *bundle, const struct member *manifest) {
    const char *signers = pk__runtime.trusted;
    if (!signers)
        return NULL;
    struct member signature;
    if (!find_member(bundle, "manifest.sig", 12, &signature))
        return pk__fail("PKB803", "the bundle is not signed, and this process takes only what a key in %s signed", signers);
    int text = memory_file(manifest), proof = memory_file(&signature);
    long child = text < 0 || proof < 0 ? -12 /* ENOMEM */ : pk__fork();
    if (child == 0) {
        become_verifier(text, proof, signers);
        pk__call1(SYS_exit_group, 127);
    }
    pk__close(text);
    pk__close(proof);
    if (child < 0)
        return pk__fail("PKL104", "the signature cannot be checked: the system gives no memory, file or process for it");
    long status = pk__wait(child, 10000000000u);
    if (status == 127 << 8)
        return pk__fail("PKB803", "the signature cannot be checked: there is no ssh-keygen here, or it does not start");
    if (status < 0 || status & 127)
        return pk__fail("PKB803", "the signature cannot be checked: ssh-keygen did not come to an end");
    if (status != 0)
        return pk__fail("PKB803", "the bundle is signed by none of the keys in %s", signers);
    return NULL;
}

static const struct pk_error *check(struct pk_bundle *bundle) {
    struct member manifest, payload;
    if (!find_member(bundle, "manifest", 8, &manifest) || manifest.size < 19 ||
        !pk__equal(manifest.start, "patchkit-bundle 1\n", 18))
        return pk__fail(damaged, "this is no bundle of patchkit, or one of a later kind");
    const struct pk_error *error = check_signature(bundle, &manifest);
    if (!error)
        error = check_digests(bundle, manifest);
    if (error)
        return error;
    if (!find_member(bundle, "payload", 7, &payload))
        return pk__fail(damaged, "the bundle holds no payload");
    bundle->payload = payload.start;
    bundle->payload_size = payload.size;
    bundle->sequence = number_field(&manifest, "sequence");
    bundle->expires = (int64_t)number_field(&manifest, "expires");
    size_t length = 0;
    const char *reversible = field(&manifest, "reversible", &length);
    bundle->reversible = reversible && length == 3 && pk__equal(reversible, "yes", 3);
    const char *reason = field(&manifest, "irreversible", &length);
    if (reason)
        pk__copy(bundle->irreversible, reason, length < PK_REASON_SIZE ? length : PK_REASON_SIZE - 1);
    if (bundle->expires && pk__clock() > bundle->expires)
        return pk__fail("PKB806", "the bundle has expired: have a new one made");
    return NULL;
}

const struct pk_error *pk__open_bundle(int descriptor, struct pk_bundle *ret) {
    pk__zero(ret, sizeof *ret);
    const struct pk_error *error = read_all(descriptor, ret);
    if (!error)
        error = check(ret);
    if (error)
        pk__close_bundle(ret);
    return error;
}

void pk__close_bundle(struct pk_bundle *bundle) {
    pk__unmap(bundle->data, bundle->size);
    bundle->data = NULL;
}
