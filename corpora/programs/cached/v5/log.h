/* Messages on standard error, from any thread. */
#ifndef LOG_H
#define LOG_H

void log_thread_name(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_set_verbosity(int level);
int log_verbosity(void);
void log_write(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
