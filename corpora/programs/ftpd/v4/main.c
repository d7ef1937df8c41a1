/* Start and end. */
#include "ftpd.h"

#include <signal.h>

#include "log.h"

int main(int argc, char **argv)
{
    options_read(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    listener_open();
    log_write(1, "ftpd %s is ready", ftpd_version);
    listener_serve();
    listener_close();
    sessions_stop();
    log_write(1, "stopped");
    return 0;
}
