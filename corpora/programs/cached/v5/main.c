/* Start and end. */
#include "cached.h"

#include <signal.h>

#include "log.h"

int main(int argc, char **argv)
{
    options_read(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    stats_thread(0);
    store_open(options.memory);
    listener_open();
    workers_start();
    maintain_start();
    log_write(1, "cached %s is ready", cached_version);
    listener_serve();
    listener_close();
    workers_stop();
    maintain_stop();
    store_close();
    log_write(1, "stopped");
    return 0;
}
