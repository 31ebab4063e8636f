/* SPDX-License-Identifier: GPL-2.0-only */
#include "backend/line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "health/agent_check.h"
#include "model/cleanup.h"

static void set_error(struct line_words *out, const char *path, const char *error)
{
	*out = (struct line_words) {};
	snprintf(out->error, sizeof(out->error), "%.80s: %.70s", path, error);
}

void line_read_words(const char *path, struct line_words *out)
{
	/* not blocking: it may be a pipe */
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct agent_report report;
	ssize_t size;

	*out = (struct line_words) {};
	if (fd < 0) {
		if (errno != ENOENT)
			set_error(out, path, strerror(errno));
		return;
	}
	size = read(fd, out->text, sizeof(out->text) - 1);
	if (size < 0) {
		set_error(out, path, strerror(errno));
		return;
	}
	out->text[size] = '\0';
	out->text[strcspn(out->text, "\r\n")] = '\0';
	if (strspn(out->text, " \t,") == strlen(out->text))
		out->text[0] = '\0';
	else if (agent_check_parse(out->text, strlen(out->text), &report))
		set_error(out, path, report.reason);
}

size_t line_format(const struct line_words *words, bool has_idle, unsigned idle,
		   char out[LINE_SIZE])
{
	const char *text = words ? words->text : "";
	int words_size = (int)strcspn(text, "#");
	const char *state = words ? "ready up" : "up";
	struct agent_report report = {};
	char percent[16] = "";

	if (agent_check_parse(text, strlen(text), &report))
		report = (struct agent_report) {}; /* none, or none that counts */
	while (words_size && strchr(" \t,", text[words_size - 1]))
		words_size--;
	if (has_idle && !report.has_percent)
		snprintf(percent, sizeof(percent), " %u%%", idle ? idle : 1);
	if (report.has_state)
		state = "";
	return (size_t)snprintf(out, LINE_SIZE, "%s%s%.*s%s%s%s\n", state,
				*state && words_size ? " " : "", words_size, text, percent,
				report.reason[0] ? " #" : "", report.reason);
}
