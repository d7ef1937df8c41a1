/* Patterns as shells have them: * ? [a-z] [^a] and a backslash before what is meant as it stands. */
#include "kvd.h"

/* Matches one character against a set that starts behind `[`; returns the end of the set. */
static const char *glob_set(const char *pattern, char character, bool *matched)
{
    bool negated = *pattern == '^';

    *matched = false;
    pattern += negated;
    if (*pattern == ']') { /* first in the set, it stands for itself */
        *matched = character == ']';
        pattern++;
    }
    for (; *pattern != '\0' && *pattern != ']'; pattern++) {
        char first = *pattern, last = first;
        if (pattern[1] == '-' && pattern[2] != '\0' && pattern[2] != ']') {
            last = pattern[2];
            pattern += 2;
        }
        *matched |= character >= first && character <= last;
    }
    *matched ^= negated;
    return *pattern == ']' ? pattern + 1 : pattern;
}

bool glob_match(const char *pattern, const char *text)
{
    for (; *pattern != '\0'; text++) {
        if (*pattern == '*') {
            do {
                if (glob_match(pattern + 1, text)) {
                    return true;
                }
            } while (*text++ != '\0');
            return false;
        }
        if (*text == '\0') {
            return false;
        }
        if (*pattern == '[') {
            bool matched;
            pattern = glob_set(pattern + 1, *text, &matched);
            if (!matched) {
                return false;
            }
            continue;
        }
        if (*pattern == '\\' && pattern[1] != '\0') {
            pattern++;
        } else if (*pattern == '?') {
            pattern++;
            continue;
        }
        if (*pattern++ != *text) {
            return false;
        }
    }
    return *text == '\0';
}
