/* ftpd: a file server that speaks FTP (RFC 959, 2389, 2428, 3659). The types that several files share.
 *
 * The first process listens and forks one process for each control connection: its session. A session carries out one
 * command after the other. For a transfer the client asks for a port first, and connects to it. Paths are the client's:
 * "/" is the directory that is served, nothing above it can be named, and symbolic links are not followed.
 */
#ifndef FTPD_H
#define FTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct stat;

#define LINE_ROOM 4096
#define PATH_ROOM 2048
#define NAME_ROOM 64
#define BLOCK_SIZE 16384
#define SESSIONS_MAX 1024

/* version.c */
extern const char ftpd_version[];

/* Options, fixed after the start. */
struct options {
    int port; /* 0: any that is free */
    const char *port_file;
    const char *root;
    const char *password; /* of every user, NULL: any will do */
    int sessions_max;
    int idle_seconds;
    int rate_kb;  /* what a transfer may move in a second, 0: no limit */
    int burst_kb; /* what it may move before the limit holds */
};

extern struct options options;

void options_read(int argc, char **argv);

/* listener.c */
void listener_open(void);
void listener_serve(void);
void listener_close(void);

/* sessions.c: what the first process knows of the others. */
void sessions_start(int fd);
void sessions_reap(void);
void sessions_stop(void);

/* One session; it has a process of its own. */
struct session {
    int control;
    int passive; /* listens for a data connection, -1: none was asked for */
    int root;    /* the directory that is served */
    bool logged_in;
    bool closing;
    bool aborted; /* the client does not want the rest of the transfer */
    char type;
    char user[NAME_ROOM];
    char directory[PATH_ROOM];
    char rename_from[PATH_ROOM]; /* "": nothing is being renamed */
    off_t restart;               /* where the next transfer begins */
    uint32_t commands;
    size_t filled;
    char input[LINE_ROOM];
    uint32_t replies; /* lines that the client was told */
};

/* session.c */
void session_serve(int control) __attribute__((noreturn));
void session_end_idle(struct session *session);

/* line.c */
bool line_read(struct session *session, char *line, size_t room);
bool line_wait(const struct session *session, int fd, short events, int milliseconds);
void line_look_for_abort(struct session *session);

/* reply.c */
void reply(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
void reply_errno(struct session *session, const char *name, int problem);
void reply_path(struct session *session, const char *path, const char *after);

/* dispatch.c */
void dispatch(struct session *session, char *line);

typedef void command_handler(struct session *session, const char *argument);

enum { NEEDS_LOGIN = 1, NEEDS_ARGUMENT = 2 };

struct command {
    const char *name;
    command_handler *run;
    unsigned needs;
};

/* table.c */
const struct command *command_named(const char *name);

/* access.c: who it is, and what the server is. */
command_handler command_user, command_pass, command_quit, command_noop, command_syst, command_feat, command_stat;
/* names.c: directories and names. */
command_handler command_pwd, command_cwd, command_cdup, command_mkd, command_rmd, command_dele, command_rnfr;
command_handler command_rnto, command_size, command_mdtm;
/* facts.c, checksum.c: what a file is. */
command_handler command_mlst, command_xcrc;
/* transfer.c: transfers and how they are done. */
command_handler command_type, command_mode, command_stru, command_pasv, command_epsv, command_rest, command_abor;
command_handler command_retr, command_stor, command_appe, command_list, command_nlst;

/* Where a path leads: a name in an open directory. The name of "/" is ".". */
struct place {
    int directory;
    char path[PATH_ROOM]; /* from "/", without "." and ".." */
    char name[NAME_ROOM * 4];
};

/* path.c */
bool path_join(const char *directory, const char *argument, char *result, size_t room);
bool path_is_proper(const char *path);
int path_open_directory(const struct session *session, const char *path);
bool place_look(struct session *session, const char *argument, struct stat *status, struct place *place);
bool place_find(struct session *session, const char *argument, struct place *place);
void place_leave(struct place *place);

/* checksum.c */
uint32_t checksum_add(uint32_t checksum, const char *data, size_t length);

/* storage.c: files that are read and written. */
int storage_open_download(struct session *session, const char *argument, off_t *length);
int storage_open_upload(struct session *session, const char *argument, bool append);

/* What one transfer may move, as a bucket that fills with time. */
struct throttle {
    int64_t allowed; /* bytes */
    int64_t filled_at; /* nanoseconds */
};

/* throttle.c */
void throttle_begin(struct throttle *throttle);
size_t throttle_room(struct throttle *throttle, size_t wanted);
void throttle_count(struct throttle *throttle, size_t moved);
int throttle_delay(const struct throttle *throttle);
uint64_t throttle_moved(void);

/* passive.c: how a data connection comes to be. */
bool passive_open(struct session *session, uint16_t *port);
void passive_forget(struct session *session);
int passive_accept(const struct session *session);

/* data.c: what goes over it. */
uint32_t data_transfers(void);
void data_send_file(struct session *session, int file, const char *name, off_t length);
void data_receive_file(struct session *session, int file, const char *name);
void data_send_text(struct session *session, const char *text, size_t length);

/* text.c: text that grows. */
struct text {
    char *data;
    size_t length;
    size_t room;
};

void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_release(struct text *text);

#define TIME_ROOM 32

void text_time(time_t time, const char *format, char text[static TIME_ROOM]);

/* listing.c */
bool listing_write(struct session *session, const char *argument, bool names_only, struct text *text);

#endif
