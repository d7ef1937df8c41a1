/* Text in memory. */
#include "ftpd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "log.h"

#define ROOM_FIRST 1024

static void reserve(struct text *text, size_t more)
{
    size_t room = text->room > 0 ? text->room : ROOM_FIRST;

    while (room - text->length < more) {
        room *= 2;
    }
    if (room > text->room) {
        text->data = realloc(text->data, room);
        text->room = room;
    }
    if (text->data == NULL) {
        log_fatal("out of memory: a text");
    }
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments, again;

    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    reserve(text, (size_t)length + 1);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

void text_release(struct text *text)
{
    free(text->data);
    text->data = NULL;
    text->length = text->room = 0;
}

/* Writes a time as strftime() does, in UTC. */
void text_time(time_t time, const char *format, char text[static TIME_ROOM])
{
    struct tm parts;

    gmtime_r(&time, &parts);
    strftime(text, TIME_ROOM, format, &parts);
}
