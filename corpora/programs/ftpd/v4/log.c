#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGE_ROOM 512

static int verbosity;

void log_set_verbosity(int level)
{
    verbosity = level;
}

/* One write per line, so that the lines of several processes do not mix. */
static void emit(const char *format, va_list arguments)
{
    char line[MESSAGE_ROOM];

    vsnprintf(line, sizeof line, format, arguments);
    fprintf(stderr, "ftpd %d: %s\n", (int)getpid(), line);
}

/* Level 0 is always shown, higher ones where the verbosity is as high. */
void log_write(int level, const char *format, ...)
{
    va_list arguments;

    if (level > verbosity) {
        return;
    }
    va_start(arguments, format);
    emit(format, arguments);
    va_end(arguments);
}

void log_fatal(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    emit(format, arguments);
    va_end(arguments);
    exit(1);
}
