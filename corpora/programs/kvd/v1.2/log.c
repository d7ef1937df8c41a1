#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX 256
#define LOG_LEVELS 4

static const char *const names[LOG_LEVELS] = {"debug", "info", "warning", "error"};

static FILE *out;
static enum log_level threshold = LOG_INFO;
static unsigned long counts[LOG_LEVELS];

void log_open(const char *path)
{
    FILE *file = fopen(path, "a");
    if (file == NULL) {
        log_write(LOG_ERROR, "cannot open log file %s", path);
        return;
    }
    setvbuf(file, NULL, _IOLBF, 0);
    if (out != NULL) {
        fclose(out);
    }
    out = file;
}

void log_threshold(enum log_level level)
{
    threshold = level;
}

unsigned long log_count(enum log_level level)
{
    return counts[level];
}

/* The time of day as text, made anew only when the second has changed. */
static const char *time_text(void)
{
    static time_t cached;
    static char text[20];

    time_t now = time(NULL);
    if (now != cached) {
        struct tm parts;
        localtime_r(&now, &parts);
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
        cached = now;
    }
    return text;
}

static void emit(enum log_level level, const char *format, va_list arguments)
{
    char line[LOG_LINE_MAX];

    vsnprintf(line, sizeof line, format, arguments);
    fprintf(out ? out : stderr, "%d %s %s: %s\n", (int)getpid(), time_text(), names[level], line);
}

void log_write(enum log_level level, const char *format, ...)
{
    counts[level]++;
    if (level < threshold) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    emit(level, format, arguments);
    va_end(arguments);
}

void log_fatal(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    emit(LOG_ERROR, format, arguments);
    va_end(arguments);
    exit(1);
}
