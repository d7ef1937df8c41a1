/* INFO. */
#include "kvd.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

#define INFO_ROOM 4096

/* Text that is put together piece by piece and cut off where the room ends. */
struct report {
    char text[INFO_ROOM];
    size_t length;
};

static void report_add(struct report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void report_add(struct report *report, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(report->text + report->length, INFO_ROOM - report->length, format, arguments);
    va_end(arguments);
    report->length += (size_t)length;
    if (report->length >= INFO_ROOM) {
        report->length = INFO_ROOM - 1;
    }
}

static uint64_t commands_per_second(void)
{
    uint64_t total = 0;

    for (int at = 0; at < RATE_SAMPLES; at++) {
        total += server.rate[at];
    }
    return total * (uint64_t)server.hz / RATE_SAMPLES;
}

static void info_server(struct report *report)
{
    report_add(report, "# Server\r\nkvd_version:%s\r\nredis_version:2.4.0\r\nprocess_id:%d\r\n", kvd_version,
               (int)getpid());
    report_add(report, "tcp_port:%d\r\nuptime_in_seconds:%lld\r\n", server.port,
               (long long)(server.now / 1000 - server.started));
}

static void info_clients(struct report *report)
{
    report_add(report, "# Clients\r\nconnected_clients:%d\r\nmaxclients:%d\r\n", server.client_count,
               server.max_clients);
}

static void info_memory(struct report *report)
{
    report_add(report, "# Memory\r\nused_memory:%zu\r\nused_memory_peak:%zu\r\n", mem_used(), mem_peak());
}

static void info_persistence(struct report *report)
{
    report_add(report, "# Persistence\r\nrdb_changes_since_last_save:%ld\r\nrdb_bgsave_in_progress:%d\r\n",
               server.dirty, server.save_child > 0);
    report_add(report, "rdb_last_save_time:%lld\r\nrdb_last_bgsave_status:%s\r\n", (long long)server.last_save,
               server.last_save_failed ? "err" : "ok");
}

static void info_stats(struct report *report)
{
    report_add(report, "# Stats\r\ntotal_connections_received:%llu\r\nrejected_connections:%llu\r\n",
               (unsigned long long)server.stats.connections, (unsigned long long)server.stats.refused);
    report_add(report, "total_commands_processed:%llu\r\ninstantaneous_ops_per_sec:%llu\r\nexpired_keys:%llu\r\n",
               (unsigned long long)server.stats.commands, (unsigned long long)commands_per_second(),
               (unsigned long long)server.stats.expired);
    report_add(report, "total_net_input_bytes:%llu\r\ntotal_net_output_bytes:%llu\r\nwarnings:%lu\r\n",
               (unsigned long long)server.stats.bytes_in, (unsigned long long)server.stats.bytes_out,
               log_count(LOG_WARNING));
}

static void info_keyspace(struct report *report)
{
    report_add(report, "# Keyspace\r\ndb0:keys=%zu,expires=%zu,buckets=%zu\r\n", dict_size(server.keys),
               dict_size(server.expires), dict_buckets(server.keys));
}

static void info_calls(struct report *report, const struct command *command)
{
    if (command->calls > 0) {
        report_add(report, "cmdstat_%s:calls=%llu,usec=%llu\r\n", command->name, (unsigned long long)command->calls,
                   (unsigned long long)command->microseconds);
    }
}

static void info_commands(struct report *report)
{
    const struct command *command;

    report_add(report, "# Commandstats\r\n");
    for (size_t at = 0; (command = command_row(at)) != NULL; at++) {
        info_calls(report, command);
    }
}

static const struct {
    const char *name;
    void (*write)(struct report *report);
} sections[] = {
    {"server", info_server},
    {"clients", info_clients},
    {"memory", info_memory},
    {"persistence", info_persistence},
    {"stats", info_stats},
    {"keyspace", info_keyspace},
    {"commandstats", info_commands},
};

void command_info(struct client *client)
{
    struct report report = {.length = 0};

    for (size_t at = 0; at < sizeof sections / sizeof *sections; at++) {
        if (client->argc == 1 || strcasecmp(client->argv[1]->data, sections[at].name) == 0) {
            sections[at].write(&report);
        }
    }
    reply_bulk(client, report.text, report.length);
}
