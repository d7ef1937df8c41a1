/* The recorder's part inside a build: loaded by LD_PRELOAD into every process of it.
 *
 * A process that is a compiler, an archiver, a linker or a tool that copies files writes one event file as it starts
 * and fills in its exit status as it ends; every other process does nothing. events.py reads the files. The wrappers
 * around exec and spawn keep the two variables alive where a program clears the environment.
 *
 * What may not be done here: report an error, allocate from the heap, keep a descriptor open, change errno. The
 * wrappers run in vfork children, where the parent's memory is shared: they write to nothing but their own stack.
 *
 * An event file is a series of strings that each end in NUL: status (always 4 characters, "----" until the process
 * ends), kind, pid, parent's pid, start in nanoseconds since 1970, executable, directory, $CPATH, $C_INCLUDE_PATH,
 * number of arguments, the arguments; then for each response file its argument, its size, and as many bytes of content.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EVENTS "PATCHKIT_EVENTS="
#define PRELOAD "LD_PRELOAD="

/* `prefixed`: a cross tool's name ends in it, as in x86_64-linux-gnu-gcc. */
struct tool {
	const char *name;
	const char *kind;
	int prefixed;
};

static const struct tool tools[] = {
	{"gcc", "compiler", 1},     {"cc", "compiler", 1},       {"clang", "compiler", 1},    {"g++", "compiler", 1},
	{"c++", "compiler", 1},     {"clang++", "compiler", 1},  {"tcc", "compiler", 0},      {"icx", "compiler", 0},
	{"pcc", "compiler", 0},     {"ccache", "launcher", 0},   {"sccache", "launcher", 0},  {"distcc", "launcher", 0},
	{"icecc", "launcher", 0},   {"ar", "archiver", 1},       {"ld", "linker", 1},         {"ld.bfd", "linker", 1},
	{"ld.gold", "linker", 1},   {"ld.lld", "linker", 1},     {"lld", "linker", 0},        {"mold", "linker", 0},
	{"as", "assembler", 1},     {"objcopy", "objcopy", 1},   {"strip", "strip", 1},       {"cp", "copy", 0},
	{"mv", "copy", 0},          {"ln", "copy", 0},           {"install", "copy", 0},
};

/* Both hold the whole `NAME=value`; empty while nothing is recorded. */
static char events_variable[sizeof EVENTS + PATH_MAX];
static char library[PATH_MAX];

static char event_path[PATH_MAX + 64];
static pid_t event_pid;

struct writer {
	int fd;
	size_t used;
	char buffer[4096];
};

static void flush(struct writer *writer)
{
	size_t done = 0;

	while (done < writer->used) {
		ssize_t count = write(writer->fd, writer->buffer + done, writer->used - done);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			break;
		done += (size_t)count;
	}
	writer->used = 0;
}

static void put(struct writer *writer, const char *data, size_t size)
{
	while (size > 0) {
		size_t room = sizeof writer->buffer - writer->used;
		size_t part = size < room ? size : room;

		memcpy(writer->buffer + writer->used, data, part);
		writer->used += part;
		data += part;
		size -= part;
		if (writer->used == sizeof writer->buffer)
			flush(writer);
	}
}

static void put_string(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text) + 1);
}

static void put_number(struct writer *writer, unsigned long long value)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", value);
	put_string(writer, text);
}

/* The value of `name` ("X="), or NULL. Not getenv(): some shells define their own, which is not ready yet. */
static const char *variable(char *const envp[], const char *name)
{
	size_t length = strlen(name);

	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, length) == 0)
			return *envp + length;
	return NULL;
}

/* A response file is often gone when the build has ended, so its content goes into the event. Reading anything but a
 * regular file could take from a pipe what is meant for the tool.
 */
static void put_response(struct writer *writer, const char *argument)
{
	struct stat status;
	char part[4096];
	off_t left;
	int fd;

	if (stat(argument + 1, &status) != 0 || !S_ISREG(status.st_mode))
		return;
	fd = open(argument + 1, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	put_string(writer, argument);
	put_number(writer, (unsigned long long)status.st_size);
	for (left = status.st_size; left > 0;) {
		ssize_t count = read(fd, part, left < (off_t)sizeof part ? (size_t)left : sizeof part);

		if (count <= 0)
			break;
		put(writer, part, (size_t)count);
		left -= count;
	}
	close(fd);
}

static void note_exit(int status, void *unused)
{
	char text[8];
	int fd;

	(void)unused;
	if (getpid() != event_pid)
		return;
	fd = open(event_path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	snprintf(text, sizeof text, "%04d", status & 0xff);
	if (pwrite(fd, text, 4, 0) != 4)
		(void)0; /* the event then counts as one without a status */
	close(fd);
}

static void write_event(const char *kind, const char *executable, int argc, char **argv, char *const envp[])
{
	struct writer writer = {.used = 0};
	struct timespec now;
	char directory[PATH_MAX];
	const char *value;
	unsigned long long start;

	if (!getcwd(directory, sizeof directory) || clock_gettime(CLOCK_REALTIME, &now) != 0)
		return;
	start = (unsigned long long)now.tv_sec * 1000000000ULL + (unsigned long long)now.tv_nsec;
	event_pid = getpid();
	snprintf(event_path, sizeof event_path, "%s/%llu-%ld", events_variable + strlen(EVENTS), start, (long)event_pid);
	writer.fd = open(event_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (writer.fd < 0)
		return;
	put_string(&writer, "----");
	put_string(&writer, kind);
	put_number(&writer, (unsigned long long)event_pid);
	put_number(&writer, (unsigned long long)getppid());
	put_number(&writer, start);
	put_string(&writer, executable);
	put_string(&writer, directory);
	value = variable(envp, "CPATH=");
	put_string(&writer, value ? value : "");
	value = variable(envp, "C_INCLUDE_PATH=");
	put_string(&writer, value ? value : "");
	put_number(&writer, (unsigned long long)argc);
	for (int i = 0; i < argc; i++)
		put_string(&writer, argv[i]);
	for (int i = 1; i < argc; i++)
		if (argv[i][0] == '@')
			put_response(&writer, argv[i]);
	flush(&writer);
	close(writer.fd);
	on_exit(note_exit, NULL);
}

/* What kind of tool `path` is by its last part, without a version (`gcc-12`), or NULL. */
static const char *tool_kind(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t length = strlen(base);
	size_t digits = strspn(base + length - (length > 0), "0123456789") ? length : 0;

	while (digits > 0 && strchr("0123456789.", base[digits - 1]))
		digits--;
	if (digits > 0 && base[digits - 1] == '-')
		length = digits - 1;
	for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
		size_t size = strlen(tools[i].name);

		if (size > length || memcmp(base + length - size, tools[i].name, size) != 0)
			continue;
		if (size == length || (tools[i].prefixed && base[length - size - 1] == '-'))
			return tools[i].kind;
	}
	return NULL;
}

typedef int execve_function(const char *, char *const[], char *const[]);
typedef int fexecve_function(int, char *const[], char *const[]);
typedef int spawn_function(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
			   char *const[], char *const[]);

static execve_function *real_execve, *real_execvpe;
static fexecve_function *real_fexecve;
static spawn_function *real_spawn, *real_spawnp;

/* dlsym() returns an object pointer; POSIX asks for this way to a function pointer. */
static void find_real(void)
{
	*(void **)&real_execve = dlsym(RTLD_NEXT, "execve");
	*(void **)&real_execvpe = dlsym(RTLD_NEXT, "execvpe");
	*(void **)&real_fexecve = dlsym(RTLD_NEXT, "fexecve");
	*(void **)&real_spawn = dlsym(RTLD_NEXT, "posix_spawn");
	*(void **)&real_spawnp = dlsym(RTLD_NEXT, "posix_spawnp");
}

__attribute__((constructor)) static void start(int argc, char **argv, char **envp)
{
	int saved = errno;
	const char *directory = variable(envp, EVENTS);
	const char *kind;
	char executable[PATH_MAX];
	Dl_info self;
	ssize_t length;

	find_real();
	if (directory && strlen(directory) < PATH_MAX && dladdr((void *)events_variable, &self) && self.dli_fname &&
	    strlen(self.dli_fname) < sizeof library) {
		strcpy(library, self.dli_fname);
		strcpy(events_variable, EVENTS);
		strcat(events_variable, directory);
		length = readlink("/proc/self/exe", executable, sizeof executable - 1);
		executable[length > 0 ? length : 0] = 0;
		kind = tool_kind(executable);
		if (!kind && argc > 0)
			kind = tool_kind(argv[0]);
		/* gcc names itself to what it starts; clang starts its compiler proper with -cc1 or -cc1as. */
		if (kind && !variable(envp, "COLLECT_GCC=") && !(argc > 1 && strncmp(argv[1], "-cc1", 4) == 0))
			write_event(kind, executable, argc, argv, envp);
	}
	errno = saved;
}

struct request {
	enum { EXECVE, EXECVPE, FEXECVE, SPAWN, SPAWNP } call;
	int fd;
	const char *file;
	char *const *argv;
	pid_t *pid;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attributes;
};

static int pass_on(const struct request *request, char *const envp[])
{
	if (!real_execve)
		find_real();
	switch (request->call) {
	case EXECVE:
		return real_execve(request->file, request->argv, envp);
	case EXECVPE:
		return real_execvpe(request->file, request->argv, envp);
	case FEXECVE:
		return real_fexecve(request->fd, request->argv, envp);
	case SPAWN:
		return real_spawn(request->pid, request->file, request->actions, request->attributes, request->argv, envp);
	case SPAWNP:
		return real_spawnp(request->pid, request->file, request->actions, request->attributes, request->argv, envp);
	}
	errno = EINVAL;
	return -1;
}

/* Pass `request` on with both variables in its environment. */
static int pass_on_recorded(const struct request *request, char *const envp[])
{
	const char *preload = variable(envp, PRELOAD);
	int loaded = preload && strstr(preload, library);
	size_t count = 0;

	if (!library[0] || (loaded && variable(envp, EVENTS)))
		return pass_on(request, envp);
	while (envp && envp[count])
		count++;

	char *changed[count + 3];
	char joined[sizeof PRELOAD + (preload ? strlen(preload) : 0) + sizeof ":" + strlen(library)];
	size_t used = 0;

	strcpy(joined, PRELOAD);
	if (preload && *preload) {
		strcat(joined, preload);
		strcat(joined, ":");
	}
	strcat(joined, library);
	for (size_t i = 0; i < count; i++)
		if (loaded || strncmp(envp[i], PRELOAD, strlen(PRELOAD)) != 0)
			changed[used++] = envp[i];
	if (!loaded)
		changed[used++] = joined;
	if (!variable(envp, EVENTS))
		changed[used++] = events_variable;
	changed[used] = NULL;
	return pass_on(request, changed);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return pass_on_recorded(&(struct request){.call = EXECVE, .file = path, .argv = argv}, envp);
}

int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return pass_on_recorded(&(struct request){.call = EXECVPE, .file = file, .argv = argv}, envp);
}

int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

int fexecve(int fd, char *const argv[], char *const envp[])
{
	return pass_on_recorded(&(struct request){.call = FEXECVE, .fd = fd, .argv = argv}, envp);
}

int posix_spawn(pid_t *restrict pid, const char *restrict path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *restrict attributes, char *const argv[restrict], char *const envp[restrict])
{
	return pass_on_recorded(
		&(struct request){
			.call = SPAWN, .file = path, .argv = argv, .pid = pid, .actions = actions, .attributes = attributes},
		envp);
}

int posix_spawnp(pid_t *restrict pid, const char *restrict file, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *restrict attributes, char *const argv[restrict], char *const envp[restrict])
{
	return pass_on_recorded(
		&(struct request){
			.call = SPAWNP, .file = file, .argv = argv, .pid = pid, .actions = actions, .attributes = attributes},
		envp);
}

/* The number of arguments of an execl() call up to and with its NULL. */
static size_t count_arguments(const char *first, va_list *list)
{
	size_t count = 1;

	for (const char *argument = first; argument; argument = va_arg(*list, const char *))
		count++;
	return count;
}

static void collect_arguments(char **argv, const char *first, va_list *list)
{
	const char *argument = first;

	for (; argument; argument = va_arg(*list, const char *))
		*argv++ = (char *)argument;
	*argv = NULL;
}

#define COLLECT_ARGUMENTS(first, list) \
	va_start(list, first); \
	char *argv[count_arguments(first, &list)]; \
	va_end(list); \
	va_start(list, first); \
	collect_arguments(argv, first, &list)

int execl(const char *path, const char *first, ...)
{
	va_list list;

	COLLECT_ARGUMENTS(first, list);
	va_end(list);
	return execve(path, argv, environ);
}

int execlp(const char *file, const char *first, ...)
{
	va_list list;

	COLLECT_ARGUMENTS(first, list);
	va_end(list);
	return execvpe(file, argv, environ);
}

int execle(const char *path, const char *first, ...)
{
	va_list list;
	char *const *envp;

	COLLECT_ARGUMENTS(first, list);
	envp = va_arg(list, char *const *);
	va_end(list);
	return execve(path, argv, envp);
}
