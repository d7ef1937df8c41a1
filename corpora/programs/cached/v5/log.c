#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_ROOM 16
#define LINE_ROOM 256

static int verbosity;
static _Thread_local char thread_name[NAME_ROOM] = "main";

void log_thread_name(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(thread_name, sizeof thread_name, format, arguments);
    va_end(arguments);
}

void log_set_verbosity(int level)
{
    __atomic_store_n(&verbosity, level, __ATOMIC_RELAXED);
}

int log_verbosity(void)
{
    return __atomic_load_n(&verbosity, __ATOMIC_RELAXED);
}

/* One write per line, so that the lines of several threads do not mix. */
static void emit(const char *format, va_list arguments)
{
    char line[LINE_ROOM];

    vsnprintf(line, sizeof line, format, arguments);
    fprintf(stderr, "cached %s: %s\n", thread_name, line);
}

/* Level 0 is always shown, higher ones where the verbosity is as high. */
void log_write(int level, const char *format, ...)
{
    va_list arguments;

    if (level > log_verbosity()) {
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
