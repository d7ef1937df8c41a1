/* The server's own types: what it knows of itself, of a connection and of a command. */
#ifndef KVD_H
#define KVD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "buffer.h"
#include "dict.h"
#include "event.h"
#include "link.h"
#include "object.h"
#include "timer.h"

#define CLIENT_NAME_MAX 32
#define ARGUMENTS_MAX 4096
#define BULK_MAX (64L * 1024 * 1024)
#define RATE_SAMPLES 8
#define EXPIRE_LARGEST (INT64_MAX / 4000) /* the longest time to live, in seconds */
#define LISTENERS_MAX 2

struct client;

typedef void command_handler(struct client *client);

enum command_flag {
    COMMAND_READ = 1 << 0,
    COMMAND_WRITE = 1 << 1,
    COMMAND_ADMIN = 1 << 2,
};

/* A row of the command table. `arity` counts the name; negative means at least that many. */
struct command {
    const char *name;
    command_handler *handler;
    int arity;
    unsigned flags;
    uint64_t calls;
    uint64_t microseconds;
};

/* What the bytes that come next are taken for. */
enum client_state { CLIENT_IDLE, CLIENT_INLINE, CLIENT_ARRAY, CLIENT_BULK, CLIENT_CLOSING };

struct client {
    struct link link;    /* in server.clients or, when closing, in server.doomed */
    struct link waiting; /* in server.waiting while there is output that was not tried yet */
    uint64_t id;
    int fd;
    enum client_state state;
    unsigned close_after_reply : 1;
    unsigned has_output : 1;
    unsigned local : 1; /* came through the Unix socket */
    char name[CLIENT_NAME_MAX];
    struct buffer in;
    struct buffer out;
    int expected;     /* arguments still to come */
    long bulk_length; /* of the argument that is being read */
    int argc;
    int argv_room;
    struct bytes **argv;
    const struct command *command;
    struct timer idle;
    int64_t created;
    int64_t active;
};

enum server_phase { SERVER_STARTING, SERVER_SERVING, SERVER_STOPPING };

struct server {
    /* set by options */
    char *dir;
    char *dump_name;
    char *unix_path;
    char *log_path;
    char *save_rule;
    int port;
    int max_clients;
    int timeout;
    int hz;
    int log_level;
    bool rehash_in_idle;
    /* connections */
    enum server_phase phase;
    struct event_loop *loop;
    int listeners[LISTENERS_MAX];
    int listener_count;
    struct link clients;
    struct link waiting;
    struct link doomed;
    int client_count;
    uint64_t next_client;
    /* data */
    struct dict *keys;
    struct dict *expires;
    struct dict *commands;
    /* saving */
    pid_t save_child;
    long dirty;
    long dirty_at_fork;
    time_t last_save;
    unsigned last_save_failed : 1;
    unsigned loading : 1;
    int save_seconds;
    int save_changes;
    /* time and numbers */
    time_t started;
    int64_t now;
    struct timer cron;
    uint64_t rate[RATE_SAMPLES];
    int rate_at;
    struct {
        uint64_t connections;
        uint64_t refused;
        uint64_t commands;
        uint64_t expired;
        uint64_t bytes_in;
        uint64_t bytes_out;
    } stats;
};

extern struct server server;
extern const char kvd_version[];

/* net.c */
void net_listen(void);
void net_flush(void);
void net_reap(void);
void net_close(struct client *client);
void net_close_all(void);
void net_wake(struct client *client);

/* proto.c */
enum parse_result { PARSE_MORE, PARSE_READY, PARSE_BROKEN };
enum reply {
    REPLY_OK,
    REPLY_PONG,
    REPLY_NIL,
    REPLY_EMPTY,
    REPLY_WRONG_TYPE,
    REPLY_SYNTAX,
    REPLY_NOT_NUMBER,
    REPLY_NO_KEY,
};

enum parse_result proto_parse(struct client *client);
void proto_reset(struct client *client);
void reply_shared(struct client *client, enum reply reply);
void reply_error(struct client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
void reply_number(struct client *client, int64_t number);
void reply_bulk(struct client *client, const char *data, size_t length);
void reply_bytes(struct client *client, const struct bytes *bytes);
void reply_text(struct client *client, const char *text);
void reply_object(struct client *client, const struct object *object);
void reply_array(struct client *client, size_t count);

/* command.c */
void command_init(void);
void command_run(struct client *client);
const struct command *command_row(size_t at);

/* keyspace.c */
enum lookup_purpose { LOOKUP_READ, LOOKUP_WRITE };

struct object *keyspace_find(const struct bytes *key, enum lookup_purpose purpose);
struct object *keyspace_find_typed(struct client *client, enum object_type type, enum lookup_purpose purpose,
                                   bool *wrong);
void keyspace_store(const struct bytes *key, struct object *object, int64_t when);
void keyspace_lookups(uint64_t *hits, uint64_t *misses);
bool keyspace_remove(const struct bytes *key);

/* glob.c */
bool glob_match(const char *pattern, const char *text);

/* expire.c */
void expire_set(const struct bytes *key, int64_t when);
int64_t expire_get(const struct bytes *key);
bool expire_due(const struct bytes *key);
void expire_cycle(void);

/* persist.c */
bool persist_save(void);
bool persist_save_in_background(void);
void persist_reap(void);
void persist_load(void);

/* config.c */
void config_arguments(int argc, char **argv);

/* server.c */
void server_stop(void);

/* The handlers of all commands. */
command_handler command_ping, command_echo, command_quit, command_info, command_client, command_command;
command_handler command_config, command_save, command_bgsave, command_shutdown;
command_handler command_get, command_set, command_setex, command_append, command_strlen, command_incr, command_decr;
command_handler command_mset, command_mget, command_del, command_exists, command_keys, command_dbsize;
command_handler command_flushall, command_randomkey, command_expire, command_ttl, command_persist;
command_handler command_lpush, command_rpush, command_lpop, command_rpop, command_lrange, command_llen;
command_handler command_hset, command_hget, command_hdel, command_hgetall, command_hlen;
command_handler command_incrby, command_decrby, command_getset, command_setnx, command_type, command_rename;
command_handler command_pexpire, command_pttl, command_lindex, command_hexists;

#endif
