/* A session from its greeting to its end. */
#include "ftpd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static struct session session = {.control = -1, .passive = -1, .root = -1, .type = 'A', .directory = "/"};

static void open_session(int control)
{
    session.control = control;
    session.root = open(options.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (session.root < 0) {
        log_write(0, "%s: %s", options.root, strerror(errno));
        reply(&session, "421 The files are out of reach.");
        session.closing = true;
        return;
    }
    reply(&session, "220 ftpd %s is ready.", ftpd_version);
}

static void close_session(void)
{
    passive_forget(&session);
    close(session.root);
    close(session.control);
    log_write(1, "%s has gone after %u commands", session.user, session.commands);
}

/* Serves one client, to its end. */
void session_serve(int control)
{
    char line[LINE_ROOM];

    open_session(control);
    while (!session.closing && line_read(&session, line, sizeof line)) {
        session.commands++;
        dispatch(&session, line);
    }
    close_session();
    exit(0);
}

/* The client has said nothing for too long. */
void session_end_idle(struct session *idle)
{
    log_write(1, "%s said nothing for %d seconds", idle->user, options.idle_seconds);
    reply(idle, "421 Nothing was said for %d seconds.", options.idle_seconds);
    idle->closing = true;
}
