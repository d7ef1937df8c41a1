/* What the client is told. */
#include "ftpd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"

#define REPLY_ROOM (2 * PATH_ROOM + 256)

/* A session whose client does not listen is over. */
static void say(struct session *session, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(session->control, text, length, 0);
        if (sent < 0 && errno != EINTR) {
            session->closing = true;
            return;
        }
        if (sent > 0) {
            text += sent;
            length -= (size_t)sent;
        }
    }
}

/* Answers with a line, or with several where the text holds line ends. */
void reply(struct session *session, const char *format, ...)
{
    char text[REPLY_ROOM];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text - 2, format, arguments);
    va_end(arguments);
    size_t end = length < (int)sizeof text - 3 ? (size_t)length : sizeof text - 3;
    memcpy(text + end, "\r\n", 2);
    log_write(3, "%.*s", (int)end, text);
    session->replies++;
    say(session, text, end + 2);
}

/* Answers that something is not possible with the file of that name. */
void reply_errno(struct session *session, const char *name, int problem)
{
    switch (problem) {
    case ENOSPC:
    case EDQUOT:
        reply(session, "552 %s: there is no room.", name);
        break;
    case ENOENT:
    case ENOTDIR:
        reply(session, "550 %s: not found.", name);
        break;
    default:
        reply(session, "550 %s: %s.", name, strerror(problem));
        break;
    }
}

/* Copies a path with each quote in it doubled. */
static void double_quotes(const char *path, char *quoted, size_t room)
{
    size_t length = 0;

    for (; *path != '\0' && length + 2 < room; path++) {
        if (*path == '"') {
            quoted[length++] = '"';
        }
        quoted[length++] = *path;
    }
    quoted[length] = '\0';
}

/* Answers with a directory in quotes. */
void reply_path(struct session *session, const char *path, const char *after)
{
    char quoted[2 * PATH_ROOM];

    double_quotes(path, quoted, sizeof quoted);
    reply(session, "257 \"%s\" %s", quoted, after);
}
