/* A line in words, and what words say. */
#include "cached.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Cuts `line` at its spaces, in place; returns false where there are too many words. */
bool words_split(char *line, struct words *words)
{
    char *end = line;

    words->count = 0;
    for (;;) {
        char *word = end + strspn(end, " ");
        if (*word == '\0') {
            return true;
        }
        if (words->count == WORDS_MAX) {
            return false;
        }
        size_t length = strcspn(word, " ");
        end = word + length;
        if (*end != '\0') {
            *end++ = '\0';
        }
        words->at[words->count] = word;
        words->length[words->count++] = length;
    }
}

/* Whether word `at` asks for no reply; remembers it. */
bool words_quiet(struct conn *conn, const struct words *words, int at)
{
    conn->quiet = at < words->count && strcmp(words->at[at], "noreply") == 0;
    return conn->quiet;
}

bool words_number(const char *text, uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && isdigit((unsigned char)*text) && *end == '\0';
}

bool words_signed(const char *text, int64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}
