/* What a directory holds, as text. */
#include "ftpd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HALF_A_YEAR (182 * 86400)

/* Writes one entry of a directory. */
typedef void entry_writer(struct text *text, int directory, const char *name);

static bool all; /* also the names that begin with a dot */

/* A line as `ls -l` writes it: the time of day where the file is young, else the year. */
static void write_long(struct text *text, const struct stat *status, const char *name)
{
    static const char kinds[] = "?pc?d?b?-?l?s???", bits[] = "rwxrwxrwx";
    char mode[11], date[TIME_ROOM];
    time_t age = time(NULL) - status->st_mtime;

    mode[0] = kinds[status->st_mode >> 12 & 15];
    for (int at = 0; at < 9; at++) {
        mode[at + 1] = status->st_mode & (256U >> at) ? bits[at] : '-';
    }
    mode[10] = '\0';
    text_time(status->st_mtime, age < HALF_A_YEAR ? "%b %e %H:%M" : "%b %e  %Y", date);
    text_printf(text, "%s %4lu ftp ftp %12lld %s %s\r\n", mode, (unsigned long)status->st_nlink,
                (long long)status->st_size, date, name);
}

static void write_name(struct text *text, int directory, const char *name)
{
    (void)directory;
    text_printf(text, "%s\r\n", name);
}

static void write_line(struct text *text, int directory, const char *name)
{
    struct stat status;

    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        write_long(text, &status, name);
    }
}

static int is_listed(const struct dirent *entry)
{
    if (entry->d_name[0] != '.') {
        return true;
    }
    return all && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static bool write_directory(struct text *text, int directory, entry_writer *write)
{
    struct dirent **entries;
    int count = scandirat(directory, ".", &entries, is_listed, alphasort);

    if (count < 0) {
        return false;
    }
    for (int at = 0; at < count; at++) {
        write(text, directory, entries[at]->d_name);
        free(entries[at]);
    }
    free(entries);
    return true;
}

/* Clients add options of `ls` to the path; of these -a has a meaning. */
static const char *take_options(const char *argument)
{
    all = false;
    while (*argument == '-') {
        size_t length = strcspn(argument, " ");
        all |= memchr(argument, 'a', length) != NULL;
        argument += length;
        argument += strspn(argument, " ");
    }
    return argument;
}

/* Writes what `argument` names, one line for each entry; replies and returns false where that is not possible. */
bool listing_write(struct session *session, const char *argument, bool names_only, struct text *text)
{
    entry_writer *write = names_only ? write_name : write_line;
    struct place place;
    struct stat status;

    argument = take_options(argument);
    if (!place_find(session, argument, &place)) {
        return false;
    }
    bool done = fstatat(place.directory, place.name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (done && S_ISDIR(status.st_mode)) {
        int directory = openat(place.directory, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        done = directory >= 0 && write_directory(text, directory, write);
        close(directory);
    } else if (done) {
        write(text, place.directory, place.name);
    }
    if (!done) {
        reply_errno(session, argument, errno);
    }
    place_leave(&place);
    return done;
}
