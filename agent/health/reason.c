/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/reason.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "model/config.h"

static const struct {
	int err;
	enum probe_outcome outcome;
	const char *text;
} errno_texts[] = {
	{ ECONNREFUSED, OUTCOME_FAILED, "connection refused" },
	{ ECONNRESET, OUTCOME_FAILED, "connection reset" },
	{ EHOSTUNREACH, OUTCOME_FAILED, "no route to host" },
	{ ENETUNREACH, OUTCOME_FAILED, "network unreachable" },
	{ ETIMEDOUT, OUTCOME_FAILED, "no answer to the connect" },
	{ EACCES, OUTCOME_FAILED, "forbidden by this machine's routes or firewall" },
	{ EPERM, OUTCOME_FAILED, "forbidden by this machine's routes or firewall" },
	{ EMFILE, OUTCOME_NOT_SENT, "too many open files: raise LimitNOFILE" },
	{ ENFILE, OUTCOME_NOT_SENT, "too many open files on this machine: raise fs.file-max" },
	{ EADDRNOTAVAIL, OUTCOME_NOT_SENT, "no local address or port to connect from" },
	/* what path_socket() returns, and connect() of no probe */
	{ ENXIO, OUTCOME_NOT_SENT, "via: vip: no next hop of the backend yet" },
	{ EDESTADDRREQ, OUTCOME_FAILED, "via: vip: no next hop of the backend" },
	{ ENOTUNIQ, OUTCOME_NOT_SENT, "via: vip: the VIP is the only address towards the backend" },
	{ ENODEV, OUTCOME_NOT_SENT, "via: vip needs /dev/net/tun (modprobe tun)" },
	{ ENOPKG, OUTCOME_NOT_SENT, "via: vip needs CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW" },
	{ ENOBUFS, OUTCOME_NOT_SENT, "no memory for a probe" },
	{ ENOMEM, OUTCOME_NOT_SENT, "no memory for a probe" },
};

const char *reason_errno(int err, enum probe_outcome *outcome)
{
	for (size_t i = 0; i < sizeof(errno_texts) / sizeof(errno_texts[0]); i++) {
		if (errno_texts[i].err != err)
			continue;
		*outcome = errno_texts[i].outcome;
		return errno_texts[i].text;
	}
	*outcome = OUTCOME_FAILED;
	return strerror(err);
}

bool reason_status_is_expected(unsigned status, const uint64_t *expect)
{
	return status < MODEL_STATUS_WORDS * 64 && (expect[status / 64] >> (status % 64) & 1);
}

/* What does not fit is cut: the first ranges say enough. */
static size_t append_range(char *buf, size_t size, size_t used, unsigned first, unsigned last)
{
	int len;

	if (used >= size)
		return used;
	if (first == last)
		len = snprintf(buf + used, size - used, "%u,", first);
	else
		len = snprintf(buf + used, size - used, "%u-%u,", first, last);
	return used + (size_t)len;
}

void reason_status(unsigned status, const uint64_t *expect, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "status %u, expected ", status);
	unsigned first = 0;

	for (unsigned s = 1; s <= MODEL_STATUS_WORDS * 64; s++) {
		bool was_in = reason_status_is_expected(s - 1, expect);
		bool is_in = reason_status_is_expected(s, expect);

		if (is_in && !was_in)
			first = s;
		if (!is_in && was_in)
			used = append_range(buf, size, used, first, s - 1);
	}
	if (used < size && buf[used - 1] == ',')
		buf[used - 1] = '\0';
}

/* Bytes of @text that fit into @room without cutting a UTF-8 character in two: this text goes into
 * JSON, which must be valid. */
static size_t fitting_length(const char *text, size_t room)
{
	size_t len = strlen(text);

	if (len <= room)
		return len;
	while (room && ((unsigned char)text[room] & 0xc0) == 0x80)
		room--;
	return room;
}

void reason_body(const char *text, char *buf, size_t size)
{
	static const char before[] = "body does not contain \"";
	size_t room = size - sizeof(before) - strlen("...\"");
	size_t len = fitting_length(text, room);
	const char *cut = text[len] ? "..." : "";

	snprintf(buf, size, "%s%.*s%s\"", before, (int)len, text, cut);
	for (char *c = buf; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
}

void reason_held(unsigned changes, uint64_t until_ms, const char *last, char *buf, size_t size)
{
	time_t until = (time_t)((until_ms + 999) / 1000);
	char clock[32] = "";
	struct tm utc;
	size_t used;

	if (gmtime_r(&until, &utc))
		strftime(clock, sizeof(clock), "%Y-%m-%d %H:%M:%S", &utc);
	used = (size_t)snprintf(buf, size, "held down until %s UTC, %u changes: ", clock, changes);
	if (used < size)
		snprintf(buf + used, size - used, "%.*s",
			 (int)fitting_length(last, size - used - 1), last);
}
