/* Files that are opened for a transfer. */
#include "ftpd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_regular(const struct place *place, int flags, struct stat *status)
{
    int file = openat(place->directory, place->name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);

    if (file >= 0 && fstat(file, status) == 0 && S_ISREG(status->st_mode)) {
        return file;
    }
    if (file >= 0) {
        close(file);
        errno = EISDIR;
    }
    return -1;
}

/* Goes to the place of REST; replies and returns false where the file has no such place. */
static bool go_to(struct session *session, int file, off_t place, off_t size)
{
    if (place > size) {
        reply(session, "554 The file ends before %lld.", (long long)place);
        return false;
    }
    return lseek(file, place, SEEK_SET) == place;
}

/* Opens what the client wants to have, at the place of REST; replies and returns -1 where that is not possible. */
int storage_open_download(struct session *session, const char *argument, off_t *length)
{
    struct stat status;
    struct place place;
    off_t restart = session->restart;

    session->restart = 0;
    if (!place_find(session, argument, &place)) {
        return -1;
    }
    int file = open_regular(&place, O_RDONLY, &status);
    if (file < 0) {
        reply_errno(session, argument, errno);
    } else if (go_to(session, file, restart, status.st_size)) {
        *length = status.st_size - restart;
    } else {
        close(file);
        file = -1;
    }
    place_leave(&place);
    return file;
}

/* Opens what the client wants to write: at its end, at the place of REST, or anew. */
int storage_open_upload(struct session *session, const char *argument, bool append)
{
    struct stat status;
    struct place place;
    off_t restart = session->restart;
    int how = append ? O_APPEND : restart > 0 ? 0 : O_TRUNC;

    session->restart = 0;
    if (!path_is_proper(argument)) {
        reply(session, "553 This is not a name.");
        return -1;
    }
    if (!place_find(session, argument, &place)) {
        return -1;
    }
    int file = open_regular(&place, O_WRONLY | O_CREAT | how, &status);
    if (file < 0) {
        reply_errno(session, argument, errno);
    } else if (!append) {
        lseek(file, restart, SEEK_SET);
    }
    place_leave(&place);
    return file;
}
