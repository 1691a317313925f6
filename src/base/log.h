/* One line a message on standard error: `LEVEL program: sentence`, prefixed with an ISO time when
 * standard error is not a terminal. Control characters are escaped, so a hostile name cannot forge
 * a line. Never log a secret, a page's content or a whole address. */
#ifndef SAFEWEB_BASE_LOG_H
#define SAFEWEB_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* program: a string that outlives the process's logging. Level from SAFEWEB_LOG
 * (error|warning|info|debug), info when unset. */
void log_open(const char *program);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
