/* Options: from the command line at the start, through CONFIG while the server runs. */
#include "kvd.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "mem.h"

enum option_kind { OPTION_NUMBER, OPTION_TEXT, OPTION_FLAG, OPTION_CHOICE };
enum option_source { FROM_DEFAULT, FROM_ARGUMENTS, FROM_CONFIG };

struct choice {
    const char *name;
    int value;
};

struct option {
    const char *name;
    enum option_kind kind;
    union {
        int *number;
        char **text;
        bool *flag;
    } target;
    const char *standard;
    long least;
    long most;
    const struct choice *choices;
    bool (*apply)(const struct option *option);
    unsigned fixed : 1;  /* not to be changed while the server runs */
    unsigned source : 2; /* an option_source */
};

static const struct choice log_levels[] = {
    {"debug", LOG_DEBUG}, {"info", LOG_INFO}, {"warning", LOG_WARNING}, {"error", LOG_ERROR}, {NULL, 0},
};

static char *append_only;

static bool apply_log_level(const struct option *option);
static bool apply_log_file(const struct option *option);
static bool apply_save(const struct option *option);

#define NUMBER(name, field, standard, least, most, fixed) \
    {name, OPTION_NUMBER, {.number = &server.field}, standard, least, most, NULL, NULL, fixed, FROM_DEFAULT}
#define TEXT(name, target, standard, apply, fixed) \
    {name, OPTION_TEXT, {.text = &target}, standard, 0, 0, NULL, apply, fixed, FROM_DEFAULT}
#define CHOICE(name, field, standard, choices, apply) \
    {name, OPTION_CHOICE, {.number = &server.field}, standard, 0, 0, choices, apply, 0, FROM_DEFAULT}

static struct option options[] = {
    NUMBER("port", port, "6380", 0, 65535, 1),
    NUMBER("maxclients", max_clients, "1000", 1, 100000, 0),
    NUMBER("timeout", timeout, "0", 0, 86400, 0),
    NUMBER("hz", hz, "10", 1, 500, 0),
    TEXT("dir", server.dir, ".", NULL, 0),
    TEXT("dbfilename", server.dump_name, "dump.kvd", NULL, 0),
    TEXT("unixsocket", server.unix_path, "", NULL, 1),
    TEXT("logfile", server.log_path, "", apply_log_file, 1),
    TEXT("save", server.save_rule, "", apply_save, 0),
    TEXT("appendonly", append_only, "no", NULL, 1),
    CHOICE("loglevel", log_level, "info", log_levels, apply_log_level),
    {"activerehashing", OPTION_FLAG, {.flag = &server.rehash_in_idle}, "yes", 0, 0, NULL, NULL, 0, FROM_DEFAULT},
};

#define OPTION_COUNT (sizeof options / sizeof *options)

static bool apply_log_level(const struct option *option)
{
    log_threshold((enum log_level)*option->target.number);
    return true;
}

static bool apply_log_file(const struct option *option)
{
    if (**option->target.text != '\0') {
        log_open(*option->target.text);
    }
    return true;
}

/* The rule is empty or `SECONDS CHANGES`. */
static bool apply_save(const struct option *option)
{
    int seconds = 0, changes = 0, end = 0;
    const char *rule = *option->target.text;

    if (*rule != '\0' && (sscanf(rule, "%d %d%n", &seconds, &changes, &end) != 2 || rule[end] != '\0')) {
        return false;
    }
    server.save_seconds = seconds;
    server.save_changes = changes;
    return true;
}

static struct option *find_option(const char *name)
{
    for (size_t at = 0; at < OPTION_COUNT; at++) {
        if (strcasecmp(options[at].name, name) == 0) {
            return &options[at];
        }
    }
    return NULL;
}

static bool set_number(struct option *option, const char *value)
{
    char *end;

    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno != 0 || *value == '\0' || *end != '\0' || number < option->least || number > option->most) {
        return false;
    }
    *option->target.number = (int)number;
    return true;
}

static bool set_choice(struct option *option, const char *value)
{
    for (const struct choice *choice = option->choices; choice->name != NULL; choice++) {
        if (strcasecmp(choice->name, value) == 0) {
            *option->target.number = choice->value;
            return true;
        }
    }
    return false;
}

static bool set_text(struct option *option, const char *value)
{
    char *before = *option->target.text;

    *option->target.text = mem_text(value);
    if (option->apply != NULL && !option->apply(option)) {
        mem_free(*option->target.text);
        *option->target.text = before;
        return false;
    }
    mem_free(before);
    return true;
}

static bool set_option(struct option *option, const char *value, enum option_source source)
{
    bool ok = false;

    switch (option->kind) {
    case OPTION_NUMBER:
        ok = set_number(option, value);
        break;
    case OPTION_CHOICE:
        ok = set_choice(option, value) && option->apply(option);
        break;
    case OPTION_FLAG:
        ok = strcasecmp(value, "yes") == 0 || strcasecmp(value, "no") == 0;
        *option->target.flag = ok ? tolower((unsigned char)*value) == 'y' : *option->target.flag;
        break;
    case OPTION_TEXT:
        ok = set_text(option, value);
        break;
    }
    if (ok) {
        option->source = source;
    }
    return ok;
}

static void option_text(const struct option *option, char *text, size_t room)
{
    switch (option->kind) {
    case OPTION_NUMBER:
        snprintf(text, room, "%d", *option->target.number);
        break;
    case OPTION_TEXT:
        snprintf(text, room, "%s", *option->target.text);
        break;
    case OPTION_FLAG:
        snprintf(text, room, "%s", *option->target.flag ? "yes" : "no");
        break;
    case OPTION_CHOICE:
        for (const struct choice *choice = option->choices; choice->name != NULL; choice++) {
            if (choice->value == *option->target.number) {
                snprintf(text, room, "%s", choice->name);
            }
        }
        break;
    }
}

/* Gives every option its standard value, then reads `--name value` pairs. */
void config_arguments(int argc, char **argv)
{
    for (size_t at = 0; at < OPTION_COUNT; at++) {
        set_option(&options[at], options[at].standard, FROM_DEFAULT);
    }
    for (int at = 1; at < argc; at += 2) {
        struct option *option = strncmp(argv[at], "--", 2) == 0 ? find_option(argv[at] + 2) : NULL;
        if (option == NULL || at + 1 >= argc) {
            log_fatal("%s: unknown option, or its value is missing", argv[at]);
        }
        if (!set_option(option, argv[at + 1], FROM_ARGUMENTS)) {
            log_fatal("%s: %s is not a possible value", argv[at], argv[at + 1]);
        }
    }
}

static void config_get(struct client *client)
{
    const char *pattern = client->argv[2]->data;
    char text[1024];
    size_t matched = 0;

    for (size_t at = 0; at < OPTION_COUNT; at++) {
        matched += glob_match(pattern, options[at].name);
    }
    reply_array(client, matched * 2);
    for (size_t at = 0; at < OPTION_COUNT; at++) {
        if (glob_match(pattern, options[at].name)) {
            option_text(&options[at], text, sizeof text);
            reply_text(client, options[at].name);
            reply_text(client, text);
        }
    }
}

static void config_set(struct client *client)
{
    struct option *option = find_option(client->argv[2]->data);

    if (option == NULL) {
        reply_error(client, "ERR Unknown option '%s'", client->argv[2]->data);
    } else if (option->fixed) {
        reply_error(client, "ERR Option '%s' can not be changed now", option->name);
    } else if (!set_option(option, client->argv[3]->data, FROM_CONFIG)) {
        reply_error(client, "ERR Invalid argument for '%s'", option->name);
    } else {
        reply_shared(client, REPLY_OK);
    }
}

void command_config(struct client *client)
{
    const char *action = client->argv[1]->data;

    if (strcasecmp(action, "get") == 0 && client->argc == 3) {
        config_get(client);
    } else if (strcasecmp(action, "set") == 0 && client->argc == 4) {
        config_set(client);
    } else {
        reply_shared(client, REPLY_SYNTAX);
    }
}
