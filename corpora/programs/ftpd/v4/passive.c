/* The port that a client is told to connect to, and the connection that comes in there. */
#include "ftpd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_SECONDS 30

/* Ends the wait for a data connection that did not come. */
void passive_forget(struct session *session)
{
    if (session->passive >= 0) {
        close(session->passive);
        session->passive = -1;
    }
}

/* Listens where the control connection came in, on any port. */
bool passive_open(struct session *session, uint16_t *port)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    passive_forget(session);
    if (getsockname(session->control, (struct sockaddr *)&address, &length) < 0) {
        return false;
    }
    address.sin_port = 0;
    session->passive = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(session->passive, (struct sockaddr *)&address, length) < 0 || listen(session->passive, 1) < 0
        || getsockname(session->passive, (struct sockaddr *)&address, &length) < 0) {
        passive_forget(session);
        return false;
    }
    *port = ntohs(address.sin_port);
    return true;
}

static bool is_client(const struct session *session, const struct sockaddr_in *address)
{
    struct sockaddr_in client;
    socklen_t length = sizeof client;

    return getpeername(session->control, (struct sockaddr *)&client, &length) == 0
        && client.sin_addr.s_addr == address->sin_addr.s_addr;
}

/* Takes the connection that the client has made to the port it was told; -1 where none comes. */
int passive_accept(const struct session *session)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    if (session->passive < 0 || !line_wait(session, session->passive, POLLIN, CONNECT_SECONDS * 1000)) {
        return -1;
    }
    int fd = accept4(session->passive, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 && !is_client(session, &address)) {
        close(fd);
        return -1;
    }
    return fd;
}
