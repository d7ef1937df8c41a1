/* From the paths that clients write to files. Every directory on the way is opened alone and no link is followed, so
 * that nothing outside of the root can be reached, whatever changes meanwhile.
 */
#include "ftpd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether a path may name something new: no byte in it that would disturb a listing or a reply. */
bool path_is_proper(const char *path)
{
    for (; *path != '\0'; path++) {
        if ((unsigned char)*path < ' ' || *path == 0x7f) {
            return false;
        }
    }
    return true;
}

/* Takes the last part off a path that starts with "/". */
static size_t drop_part(char *path, size_t length)
{
    while (length > 0 && path[length - 1] != '/') {
        length--;
    }
    return length > 0 ? length - 1 : 0;
}

/* Adds the parts of `more` to the `length` bytes of a path; returns its new length, or `room` where it is too long. */
static size_t add_parts(char *path, size_t length, size_t room, const char *more)
{
    while (*more != '\0') {
        size_t part = strcspn(more, "/");
        if (part == 2 && strncmp(more, "..", 2) == 0) {
            length = drop_part(path, length);
        } else if (part > 0 && !(part == 1 && *more == '.')) {
            if (length + part + 2 > room) {
                return room;
            }
            path[length] = '/';
            memcpy(path + length + 1, more, part);
            length += part + 1;
        }
        more += part;
        more += strspn(more, "/");
    }
    return length;
}

/* Makes the path that `argument` is, as seen from `directory`: it begins with "/", and "." and ".." are gone. */
bool path_join(const char *directory, const char *argument, char *result, size_t room)
{
    size_t length = *argument == '/' ? 0 : add_parts(result, 0, room, directory);

    if (length < room) {
        length = add_parts(result, length, room, argument);
    }
    if (length >= room) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (length == 0) {
        result[length++] = '/';
    }
    result[length] = '\0';
    return true;
}

/* Goes `length` bytes of a path down from the root; returns a descriptor or -1. */
static int descend(const struct session *session, const char *path, size_t length)
{
    char part[NAME_ROOM * 4];
    int directory = openat(session->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *end = path + length;

    while (directory >= 0 && path < end) {
        path += strspn(path, "/");
        size_t size = strcspn(path, "/");
        if (path >= end || size == 0) {
            break;
        }
        if (size >= sizeof part) {
            close(directory);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, path, size);
        part[size] = '\0';
        int next = openat(directory, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int problem = errno;
        close(directory);
        errno = problem;
        directory = next;
        path += size;
    }
    return directory;
}

int path_open_directory(const struct session *session, const char *path)
{
    return descend(session, path, strlen(path));
}

/* Finds the directory that holds what `argument` names, whether it exists or not; place_leave() closes it. */
bool place_find(struct session *session, const char *argument, struct place *place)
{
    place->directory = -1;
    if (path_join(session->directory, argument, place->path, sizeof place->path)) {
        const char *name = strrchr(place->path, '/') + 1;
        int length = snprintf(place->name, sizeof place->name, "%s", *name == '\0' ? "." : name);
        if (length < (int)sizeof place->name) {
            place->directory = descend(session, place->path, (size_t)(name - place->path));
        } else {
            errno = ENAMETOOLONG;
        }
    }
    if (place->directory < 0) {
        reply_errno(session, argument, errno);
    }
    return place->directory >= 0;
}

void place_leave(struct place *place)
{
    close(place->directory);
}

/* Looks at what `argument` names; replies where that is not possible. */
bool place_look(struct session *session, const char *argument, struct stat *status, struct place *place)
{
    if (!place_find(session, argument, place)) {
        return false;
    }
    int done = fstatat(place->directory, place->name, status, AT_SYMLINK_NOFOLLOW);
    int problem = errno;
    place_leave(place);
    if (done < 0) {
        reply_errno(session, argument, problem);
    }
    return done == 0;
}
