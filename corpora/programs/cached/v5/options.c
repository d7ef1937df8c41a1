/* Options on the command line: `--name value` pairs. */
#include "cached.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

struct options options = {.port = 11211, .workers = 4, .connections_max = 1024, .memory = 64 * 1024 * 1024};

enum option_kind { OPTION_NUMBER, OPTION_KILOBYTES, OPTION_VERBOSITY, OPTION_TEXT };

static const struct option {
    const char *name;
    enum option_kind kind;
    void *target;
    long least;
    long most;
} known[] = {
    {"port", OPTION_NUMBER, &options.port, 0, 65535},
    {"port-file", OPTION_TEXT, &options.port_file, 0, 0},
    {"threads", OPTION_NUMBER, &options.workers, 1, WORKERS_MAX},
    {"connections", OPTION_NUMBER, &options.connections_max, 1, 100000},
    {"memory-kb", OPTION_KILOBYTES, &options.memory, 64, 1L << 30},
    {"verbosity", OPTION_VERBOSITY, NULL, 0, 9},
};

static bool set_number(const struct option *option, const char *value)
{
    char *end;

    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < option->least || number > option->most) {
        return false;
    }
    switch (option->kind) {
    case OPTION_NUMBER:
        *(int *)option->target = (int)number;
        break;
    case OPTION_KILOBYTES:
        *(size_t *)option->target = (size_t)number * 1024;
        break;
    case OPTION_VERBOSITY:
        log_set_verbosity((int)number);
        break;
    case OPTION_TEXT:
        break;
    }
    return true;
}

static const struct option *find(const char *argument)
{
    for (size_t at = 0; at < sizeof known / sizeof *known; at++) {
        if (strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, known[at].name) == 0) {
            return &known[at];
        }
    }
    return NULL;
}

void options_read(int argc, char **argv)
{
    for (int at = 1; at < argc; at += 2) {
        const struct option *option = find(argv[at]);
        if (option == NULL || at + 1 >= argc) {
            log_fatal("%s: unknown option, or its value is missing", argv[at]);
        }
        if (option->kind == OPTION_TEXT) {
            *(const char **)option->target = argv[at + 1];
        } else if (!set_number(option, argv[at + 1])) {
            log_fatal("%s: %s is not a possible value", argv[at], argv[at + 1]);
        }
    }
}
