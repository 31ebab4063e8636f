/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#define COLLECTED_MAX 4096

/* The verifier explains itself at the end, so the end is what is kept. libbpf has one
 * callback for the whole process; this room is its only user. */
static char collected[COLLECTED_MAX];

int dataplane_fail(struct dataplane_error *error, int err, const char *format, ...)
{
	va_list args;

	if (!error)
		return err;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return err;
}

static void append(const char *text)
{
	size_t old = strlen(collected), add = strlen(text);
	const size_t room = sizeof(collected) - 1;

	if (add > room) {
		text += add - room;
		add = room;
	}
	if (old + add > room) {
		size_t gone = old + add - room;

		memmove(collected, collected + gone, old - gone);
		old -= gone;
	}
	memcpy(collected + old, text, add + 1);
}

__attribute__((format(printf, 2, 0))) static int collect(enum libbpf_print_level level,
							 const char *format, va_list args)
{
	char *text;
	int length;

	if (level != LIBBPF_WARN)
		return 0;
	length = vasprintf(&text, format, args);
	if (length < 0)
		return 0;
	append(text);
	free(text);
	return length;
}

void errors_collect(void)
{
	collected[0] = '\0';
	libbpf_set_print(collect);
}

/* what libbpf adds around the one line that tells */
static bool is_noise(const char *line)
{
	static const char *const noise[] = { "PROG LOAD LOG --", "failed to load object",
					     "failed to load BPF skeleton", "processed " };

	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
		if (strstr(line, noise[i]))
			return true;
	}
	return !line[0];
}

const char *errors_tail(char *buf, size_t size)
{
	char lines[COLLECTED_MAX], joined[2 * COLLECTED_MAX] = "";
	size_t used = 0, skip;
	char *rest = lines, *line;

	memcpy(lines, collected, sizeof(lines));
	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, "libbpf: ", 8))
			line += 8;
		if (!is_noise(line))
			used += (size_t)snprintf(joined + used, sizeof(joined) - used, "%s%s",
						 used ? "; " : "", line);
	}
	skip = used >= size ? used - size + 1 : 0;
	snprintf(buf, size, "%s", joined + skip);
	return buf;
}
