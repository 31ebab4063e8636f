/* SPDX-License-Identifier: GPL-2.0-only */
/* One line an event: time (absent under systemd's journal), level, what, key=value. */
#ifndef LEAT_LOG_H
#define LEAT_LOG_H

enum log_level { LOG_ERROR_EVENT, LOG_WARN_EVENT, LOG_INFO_EVENT, LOG_DEBUG_EVENT };

/**
 * log_event - write one line to stderr
 * @format: "backend up service=web backend=web1 reason=\"connected\""; no trailing dot, no newline
 */
void log_event(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_event(LOG_ERROR_EVENT, __VA_ARGS__)
#define log_warn(...)  log_event(LOG_WARN_EVENT, __VA_ARGS__)
#define log_info(...)  log_event(LOG_INFO_EVENT, __VA_ARGS__)
#define log_debug(...) log_event(LOG_DEBUG_EVENT, __VA_ARGS__)

/**
 * log_escape - @text for a value in quotes: " and \\ get a backslash
 * Returns one of four buffers in turn; long text is cut. One thread.
 */
const char *log_escape(const char *text);

/** log_set_level - lines above @level are dropped */
void log_set_level(enum log_level level);

#endif
