/* Commands about who the client is and what the server is. */
#include "ftpd.h"

#include <stdio.h>
#include <string.h>

static const char *const features[] = {
    "EPSV", "MDTM", "MLST type*;size*;modify*;", "REST STREAM", "SIZE", "XCRC",
};

void command_user(struct session *session, const char *argument)
{
    session->logged_in = false;
    snprintf(session->user, sizeof session->user, "%s", argument);
    reply(session, "331 And the password?");
}

void command_pass(struct session *session, const char *argument)
{
    if (session->user[0] == '\0') {
        reply(session, "503 USER comes first.");
    } else if (options.password != NULL && strcmp(argument, options.password) != 0) {
        session->user[0] = '\0';
        reply(session, "530 This is not the password.");
    } else {
        session->logged_in = true;
        reply(session, "230 Welcome.");
    }
}

void command_quit(struct session *session, const char *argument)
{
    (void)argument;
    reply(session, "221 Goodbye.");
    session->closing = true;
}

void command_noop(struct session *session, const char *argument)
{
    (void)argument;
    reply(session, "200 Done.");
}

void command_syst(struct session *session, const char *argument)
{
    (void)argument;
    reply(session, "215 UNIX Type: L8");
}

void command_feat(struct session *session, const char *argument)
{
    (void)argument;
    reply(session, "211-Extensions:");
    for (size_t at = 0; at < sizeof features / sizeof *features; at++) {
        reply(session, " %s", features[at]);
    }
    reply(session, "211 End");
}

void command_stat(struct session *session, const char *argument)
{
    if (*argument != '\0') {
        reply(session, "504 Only the server's own state is known.");
        return;
    }
    reply(session, "211-ftpd %s", ftpd_version);
    reply(session, " User: %s", session->user);
    reply(session, " Type: %c", session->type);
    reply(session, " Commands: %u", session->commands);
    reply(session, " Replies: %u", session->replies);
    reply(session, " Transfers: %u", data_transfers());
    reply(session, " Moved: %llu bytes", (unsigned long long)throttle_moved());
    reply(session, "211 End");
}
