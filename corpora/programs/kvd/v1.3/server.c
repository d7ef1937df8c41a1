/* kvd: a key-value server. Start, the loop, and what is done at regular times. */
#include "kvd.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

#define IDLE_REHASH 100
#define DESCRIPTORS_SPARE 64

struct server server;

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    stop_asked = number;
}

void server_stop(void)
{
    server.phase = SERVER_STOPPING;
}

static void sample_rate(void)
{
    static uint64_t last_commands;

    server.rate[server.rate_at] = server.stats.commands - last_commands;
    server.rate_at = (server.rate_at + 1) % RATE_SAMPLES;
    last_commands = server.stats.commands;
}

static void save_if_needed(void)
{
    if (server.save_seconds > 0 && server.save_child <= 0 && server.dirty >= server.save_changes
        && time(NULL) - server.last_save >= server.save_seconds) {
        persist_save_in_background();
    }
}

/* The work that is due `hz` times per second. */
static int cron(void *data)
{
    struct server *self = data;

    expire_cycle();
    if (self->rehash_in_idle) {
        dict_rehash(self->keys, IDLE_REHASH);
        dict_rehash(self->expires, IDLE_REHASH);
    }
    sample_rate();
    persist_reap();
    save_if_needed();
    return 1000 / self->hz;
}

static void set_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void server_init(void)
{
    link_init(&server.clients);
    link_init(&server.waiting);
    link_init(&server.doomed);
    server.started = server.last_save = time(NULL);
    server.now = timer_clock();
    dict_seed((uint64_t)server.now << 16 ^ (uint64_t)getpid());
    server.keys = dict_new(&dict_of_objects);
    server.expires = dict_new(&dict_of_times);
    server.loop = event_open(server.max_clients + DESCRIPTORS_SPARE);
    command_init();
    persist_load();
    net_listen();
    timer_start(&server.cron, 1000 / server.hz, cron, &server);
    server.phase = SERVER_SERVING;
}

/* One turn: sends what is ready, waits, serves what has come. */
static void turn(void)
{
    net_flush();
    net_reap();
    event_poll(server.loop, timer_wait());
    server.now = timer_clock();
    timer_run();
}

int main(int argc, char **argv)
{
    config_arguments(argc, argv);
    set_signals();
    server_init();
    log_write(LOG_INFO, "kvd %s is ready", kvd_version);
    while (server.phase == SERVER_SERVING && !stop_asked) {
        turn();
    }
    if (stop_asked && server.save_seconds > 0) {
        persist_save();
    }
    net_flush();
    net_close_all();
    event_close(server.loop);
    log_write(LOG_INFO, "kvd stopped");
    return 0;
}
