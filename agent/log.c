/* SPDX-License-Identifier: GPL-2.0-only */
#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* longer lines are cut, and end in "..." */
#define LOG_LINE_MAX 2048

static enum log_level max_level = LOG_INFO_EVENT;

static const struct {
	const char *name;
	const char *journal_prefix; /* sd-daemon(3) */
} levels[] = {
	[LOG_ERROR_EVENT] = { "error", "<3>" },
	[LOG_WARN_EVENT] = { "warn ", "<4>" },
	[LOG_INFO_EVENT] = { "info ", "<6>" },
	[LOG_DEBUG_EVENT] = { "debug", "<7>" },
};

void log_set_level(enum log_level level)
{
	max_level = level;
}

/*
 * The variable alone does not say it: a shell started by a service inherits it
 * and may have sent stderr elsewhere. So compare the device and inode it names.
 */
static bool log_goes_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	if (fstat(STDERR_FILENO, &st) != 0)
		return false;
	return st.st_dev == device && st.st_ino == inode;
}

static int log_format_prefix(char *buf, size_t size, enum log_level level)
{
	struct timespec now;
	struct tm utc;
	char date[32];

	if (log_goes_to_journal())
		return snprintf(buf, size, "%s", levels[level].journal_prefix);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	return snprintf(buf, size, "%s.%03ldZ %s ", date, now.tv_nsec / 1000000,
			levels[level].name);
}

/* text from a probe's reply or a file may hold anything: one event stays one line */
static void log_flatten(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
	}
}

static void log_write(const char *line, size_t length)
{
	/* nowhere to complain to where this fails */
	ssize_t written = write(STDERR_FILENO, line, length);

	(void)written;
}

void log_event(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX + sizeof("...\n")];
	size_t length, room;
	va_list args;
	int wanted;

	if (level > max_level)
		return;
	length = (size_t)log_format_prefix(line, LOG_LINE_MAX, level);
	room = LOG_LINE_MAX - length;
	va_start(args, format);
	wanted = vsnprintf(line + length, room, format, args);
	va_end(args);
	if (wanted < 0)
		return;
	log_flatten(line + length);
	if ((size_t)wanted < room) {
		length += (size_t)wanted;
	} else {
		length = LOG_LINE_MAX - 1;
		for (int i = 0; i < 3; i++)
			line[length++] = '.';
	}
	line[length++] = '\n';
	log_write(line, length);
}

const char *log_escape(const char *text)
{
	static char buffers[4][512];
	static unsigned turn;
	char *buf = buffers[turn++ % 4];
	size_t used = 0;

	for (; *text && used + 2 < sizeof(buffers[0]); text++) {
		if (*text == '"' || *text == '\\')
			buf[used++] = '\\';
		buf[used++] = *text;
	}
	buf[used] = '\0';
	return buf;
}
