/* MLST: what is known of one file, for programs to read (RFC 3659). */
#include "ftpd.h"

#include <sys/stat.h>

static const char *kind_of(const struct stat *status)
{
    return S_ISDIR(status->st_mode) ? "dir" : S_ISREG(status->st_mode) ? "file" : "OS.unix=other";
}

void command_mlst(struct session *session, const char *argument)
{
    struct stat status;
    struct place place;
    char modified[TIME_ROOM];

    if (!place_look(session, argument, &status, &place)) {
        return;
    }
    text_time(status.st_mtime, "%Y%m%d%H%M%S", modified);
    reply(session, "250-Facts:");
    reply(session, " type=%s;size=%lld;modify=%s; %s", kind_of(&status), (long long)status.st_size, modified,
          place.path);
    reply(session, "250 End");
}
