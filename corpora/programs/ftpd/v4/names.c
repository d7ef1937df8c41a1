/* Commands about directories and the names in them. */
#include "ftpd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void command_pwd(struct session *session, const char *argument)
{
    (void)argument;
    reply_path(session, session->directory, "is the current directory.");
}

static void change_directory(struct session *session, const char *argument)
{
    char path[PATH_ROOM];
    int directory = -1;

    if (path_join(session->directory, argument, path, sizeof path)) {
        directory = path_open_directory(session, path);
    }
    if (directory < 0) {
        reply_errno(session, argument, errno);
        return;
    }
    close(directory);
    strcpy(session->directory, path);
    reply(session, "250 Done.");
}

void command_cwd(struct session *session, const char *argument)
{
    change_directory(session, argument);
}

void command_cdup(struct session *session, const char *argument)
{
    (void)argument;
    change_directory(session, "..");
}

void command_mkd(struct session *session, const char *argument)
{
    struct place place;

    if (!path_is_proper(argument)) {
        reply(session, "553 This is not a name.");
        return;
    }
    if (!place_find(session, argument, &place)) {
        return;
    }
    if (mkdirat(place.directory, place.name, 0777) < 0) {
        reply_errno(session, argument, errno);
    } else {
        reply_path(session, place.path, "was made.");
    }
    place_leave(&place);
}

static void remove_name(struct session *session, const char *argument, bool directory)
{
    struct place place;

    if (!place_find(session, argument, &place)) {
        return;
    }
    if (unlinkat(place.directory, place.name, directory ? AT_REMOVEDIR : 0) < 0) {
        reply_errno(session, argument, errno);
    } else {
        reply(session, "250 Done.");
    }
    place_leave(&place);
}

void command_rmd(struct session *session, const char *argument)
{
    remove_name(session, argument, true);
}

void command_dele(struct session *session, const char *argument)
{
    remove_name(session, argument, false);
}

void command_rnfr(struct session *session, const char *argument)
{
    struct stat status;
    struct place place;

    if (place_look(session, argument, &status, &place)) {
        strcpy(session->rename_from, place.path);
        reply(session, "350 To what?");
    }
}

static void rename_to(struct session *session, const char *argument, struct place *to)
{
    struct place from;

    if (!place_find(session, session->rename_from, &from)) {
        return;
    }
    if (renameat(from.directory, from.name, to->directory, to->name) < 0) {
        reply_errno(session, argument, errno);
    } else {
        reply(session, "250 Done.");
    }
    place_leave(&from);
}

void command_rnto(struct session *session, const char *argument)
{
    struct place place;

    if (session->rename_from[0] == '\0') {
        reply(session, "503 RNFR comes first.");
    } else if (!path_is_proper(argument)) {
        reply(session, "553 This is not a name.");
    } else if (place_find(session, argument, &place)) {
        rename_to(session, argument, &place);
        place_leave(&place);
    }
    session->rename_from[0] = '\0';
}

void command_size(struct session *session, const char *argument)
{
    struct stat status;
    struct place place;

    if (!place_look(session, argument, &status, &place)) {
        return;
    }
    if (S_ISREG(status.st_mode)) {
        reply(session, "213 %lld", (long long)status.st_size);
    } else {
        reply(session, "550 %s: not a file.", argument);
    }
}

void command_mdtm(struct session *session, const char *argument)
{
    struct stat status;
    struct place place;
    char text[TIME_ROOM];

    if (place_look(session, argument, &status, &place)) {
        text_time(status.st_mtime, "%Y%m%d%H%M%S", text);
        reply(session, "213 %s", text);
    }
}
