/* Commands that move files and listings, and those that say how. */
#include "ftpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

void command_type(struct session *session, const char *argument)
{
    if (strcasecmp(argument, "A") == 0 || strcasecmp(argument, "A N") == 0) {
        session->type = 'A';
    } else if (strcasecmp(argument, "I") == 0 || strcasecmp(argument, "L 8") == 0) {
        session->type = 'I';
    } else {
        reply(session, "504 This type is not known.");
        return;
    }
    reply(session, "200 The type is %c.", session->type);
}

static void only(struct session *session, const char *argument, const char *known)
{
    if (strcasecmp(argument, known) == 0) {
        reply(session, "200 Done.");
    } else {
        reply(session, "504 Only %s is known.", known);
    }
}

void command_mode(struct session *session, const char *argument)
{
    only(session, argument, "S");
}

void command_stru(struct session *session, const char *argument)
{
    only(session, argument, "F");
}

void command_pasv(struct session *session, const char *argument)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    uint16_t port;

    (void)argument;
    if (getsockname(session->control, (struct sockaddr *)&address, &length) < 0 || !passive_open(session, &port)) {
        reply(session, "425 There is no port: %s.", strerror(errno));
        return;
    }
    uint32_t host = ntohl(address.sin_addr.s_addr);
    reply(session, "227 Connect to (%u,%u,%u,%u,%u,%u).", host >> 24, host >> 16 & 255, host >> 8 & 255, host & 255,
          port / 256U, port % 256U);
}

void command_epsv(struct session *session, const char *argument)
{
    uint16_t port;

    if (*argument != '\0' && strcmp(argument, "1") != 0) {
        reply(session, "522 Only (1) is known.");
    } else if (!passive_open(session, &port)) {
        reply(session, "425 There is no port: %s.", strerror(errno));
    } else {
        reply(session, "229 Connect to (|||%u|).", port);
    }
}

void command_rest(struct session *session, const char *argument)
{
    char *end;

    errno = 0;
    long long place = strtoll(argument, &end, 10);
    if (errno != 0 || end == argument || *end != '\0' || place < 0) {
        reply(session, "501 This is not a place in a file.");
        return;
    }
    session->restart = place;
    reply(session, "350 The next transfer begins at %lld.", place);
}

void command_abor(struct session *session, const char *argument)
{
    (void)argument;
    passive_forget(session);
    reply(session, "226 Nothing was going on.");
}

void command_retr(struct session *session, const char *argument)
{
    off_t length;
    int file = storage_open_download(session, argument, &length);

    if (file >= 0) {
        data_send_file(session, file, argument, length);
        close(file);
    }
}

static void receive(struct session *session, const char *argument, bool append)
{
    int file = storage_open_upload(session, argument, append);

    if (file >= 0) {
        data_receive_file(session, file, argument);
        close(file);
    }
}

void command_stor(struct session *session, const char *argument)
{
    receive(session, argument, false);
}

void command_appe(struct session *session, const char *argument)
{
    receive(session, argument, true);
}

static void list(struct session *session, const char *argument, bool names_only)
{
    struct text text = {0};

    if (listing_write(session, argument, names_only, &text)) {
        data_send_text(session, text.data, text.length);
    }
    text_release(&text);
}

void command_list(struct session *session, const char *argument)
{
    list(session, argument, false);
}

void command_nlst(struct session *session, const char *argument)
{
    list(session, argument, true);
}
