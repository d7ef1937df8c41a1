/* The lines that a client sends. */
#include "ftpd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TELNET_IAC 0xff /* this byte and the one behind it are no text */

/* Whether anything of `events` happened on `fd` before the time was over. */
bool line_wait(const struct session *session, int fd, short events, int milliseconds)
{
    struct pollfd wanted = {.fd = fd, .events = events};

    (void)session;
    return poll(&wanted, 1, milliseconds) > 0;
}

/* Takes what the client has sent; returns whether there was anything. */
static bool fill(struct session *session)
{
    size_t room = sizeof session->input - session->filled;
    ssize_t got = recv(session->control, session->input + session->filled, room, 0);

    if (got <= 0) {
        session->closing = got == 0 || errno != EINTR;
        return false;
    }
    session->filled += (size_t)got;
    return true;
}

static size_t strip_telnet(char *line, size_t length)
{
    size_t kept = 0;

    for (size_t at = 0; at < length; at++) {
        if ((unsigned char)line[at] == TELNET_IAC) {
            at++;
        } else {
            line[kept++] = line[at];
        }
    }
    return kept;
}

/* Copies the first complete line without its end, and says how long it was with it; 0 where there is none. */
static size_t first_line(const struct session *session, char *line, size_t room)
{
    const char *end = memchr(session->input, '\n', session->filled);

    if (end == NULL) {
        return 0;
    }
    size_t length = (size_t)(end - session->input);
    size_t copied = length < room ? length : room - 1;
    memcpy(line, session->input, copied);
    copied = strip_telnet(line, copied);
    if (copied > 0 && line[copied - 1] == '\r') {
        copied--;
    }
    line[copied] = '\0';
    return length + 1;
}

static void drop(struct session *session, size_t length)
{
    session->filled -= length;
    memmove(session->input, session->input + length, session->filled);
}

/* Waits for a line; returns false where the session is over. */
bool line_read(struct session *session, char *line, size_t room)
{
    size_t length;

    while ((length = first_line(session, line, room)) == 0) {
        if (session->filled == sizeof session->input) {
            reply(session, "500 The line is too long.");
            session->filled = 0;
        }
        if (!line_wait(session, session->control, POLLIN, options.idle_seconds * 1000)) {
            session_end_idle(session);
        } else {
            fill(session);
        }
        if (session->closing) {
            return false;
        }
    }
    drop(session, length);
    return true;
}

/* During a transfer: whether the client has asked for its end. Anything else that it says waits. */
void line_look_for_abort(struct session *session)
{
    char line[LINE_ROOM];

    if (session->filled < sizeof session->input && line_wait(session, session->control, POLLIN, 0) && !fill(session)) {
        session->aborted = session->closing;
    }
    size_t length = first_line(session, line, sizeof line);
    if (length > 0 && strcasecmp(line, "ABOR") == 0) {
        drop(session, length);
        session->aborted = true;
    }
}
