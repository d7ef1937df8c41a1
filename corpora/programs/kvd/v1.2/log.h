/* Messages to standard error or to a file. */
#ifndef LOG_H
#define LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

void log_open(const char *path);
void log_threshold(enum log_level level);
unsigned long log_count(enum log_level level);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
