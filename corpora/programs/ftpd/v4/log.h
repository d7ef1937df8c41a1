/* Messages on standard error, from any process. */
#ifndef LOG_H
#define LOG_H

void log_set_verbosity(int level);
void log_write(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
