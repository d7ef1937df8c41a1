/* Options on the command line: `--name value` pairs. */
#include "ftpd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

struct options options = {.port = 2121, .root = ".", .sessions_max = 64, .idle_seconds = 300, .burst_kb = 64};

enum option_kind { OPTION_NUMBER, OPTION_VERBOSITY, OPTION_TEXT };

static const struct option {
    const char *name;
    enum option_kind kind;
    void *target;
    long least;
    long most;
} known[] = {
    {"port", OPTION_NUMBER, &options.port, 0, 65535},
    {"port-file", OPTION_TEXT, &options.port_file, 0, 0},
    {"root", OPTION_TEXT, &options.root, 0, 0},
    {"password", OPTION_TEXT, &options.password, 0, 0},
    {"sessions", OPTION_NUMBER, &options.sessions_max, 1, SESSIONS_MAX},
    {"idle-seconds", OPTION_NUMBER, &options.idle_seconds, 1, 86400},
    {"rate-kb", OPTION_NUMBER, &options.rate_kb, 0, 1 << 20},
    {"burst-kb", OPTION_NUMBER, &options.burst_kb, 1, 1 << 20},
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
    if (option->kind == OPTION_VERBOSITY) {
        log_set_verbosity((int)number);
    } else {
        *(int *)option->target = (int)number;
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
