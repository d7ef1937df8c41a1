/* From a line to the command that it names. */
#include "ftpd.h"

#include <ctype.h>
#include <string.h>

#include "log.h"

#define VERB_ROOM 16

/* Copies the first word in capitals and returns what stands behind the space after it. */
static const char *cut_verb(const char *line, char *verb)
{
    size_t length = strcspn(line, " ");
    size_t at;

    for (at = 0; at < length && at < VERB_ROOM - 1; at++) {
        verb[at] = (char)toupper((unsigned char)line[at]);
    }
    verb[at] = '\0';
    return line[length] == ' ' ? line + length + 1 : line + length;
}

/* Carries out the command in one line. */
void dispatch(struct session *session, char *line)
{
    char verb[VERB_ROOM];
    const char *argument = cut_verb(line, verb);
    const struct command *command = command_named(verb);

    log_write(3, "%s", strcmp(verb, "PASS") == 0 ? verb : line);
    if (command == NULL) {
        reply(session, "500 Unknown command.");
    } else if ((command->needs & NEEDS_LOGIN) && !session->logged_in) {
        reply(session, "530 Log in first.");
    } else if ((command->needs & NEEDS_ARGUMENT) && *argument == '\0') {
        reply(session, "501 An argument is missing.");
    } else {
        command->run(session, argument);
    }
}
