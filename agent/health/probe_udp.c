/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The udp probe: a datagram, and what comes back. UDP has no handshake, so a service that does not
 * answer strangers can only be told from a closed port by the ICMP error that the latter causes; a
 * connected socket hears of it. Where nothing is expected, silence is therefore a success: it also
 * is one for a machine that is off, or that limits or drops its ICMP errors. Give an expected reply
 * wherever the service has one.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "health/datagram.h"
#include "health/probe.h"
#include "health/reason.h"

#define REPLY_MAX 65536 /* of a datagram; what is longer is cut, and cannot be expected */

static void end_by_reply(struct target *t, const uint8_t *reply, size_t size)
{
	const struct model_bytes *expect = &t->settings.expect;
	char reason[sizeof(t->state.reason)];

	datagram_close(t);
	if (expect->bytes &&
	    (size < expect->size || memcmp(reply, expect->bytes, expect->size) != 0)) {
		reason_reply(reply, size, expect->bytes, expect->size, reason, sizeof(reason));
		health_end_probe(t, OUTCOME_FAILED, reason);
		return;
	}
	snprintf(reason, sizeof(reason), "reply of %zu bytes", size);
	health_end_probe(t, OUTCOME_PASSED, reason);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t reply[REPLY_MAX]; /* of one loop, used between two lines */
	struct target *t = arg;
	ssize_t size = recv(fd, reply, sizeof(reply), 0);

	(void)what;
	if (size >= 0)
		end_by_reply(t, reply, (size_t)size);
	else if (errno != EAGAIN && errno != EINTR)
		datagram_end_by_errno(t, errno);
}

static void udp_start(struct target *t)
{
	const struct model_bytes *send_bytes = &t->settings.send;

	datagram_start(t, send_bytes->bytes, send_bytes->size, on_readable);
}

static int udp_open(struct target *t)
{
	(void)t;
	return 0;
}

static void udp_close(struct target *t)
{
	(void)t;
}

static const char *udp_stage(const struct target *t)
{
	(void)t;
	return "waiting for a reply";
}

static const char *udp_silence(const struct target *t)
{
	return t->settings.expect.bytes ? NULL : "no reply, and no ICMP error";
}

const struct probe_kind probe_udp = {
	.open = udp_open,
	.start = udp_start,
	.cancel = datagram_close,
	.close = udp_close,
	.stage = udp_stage,
	.silence = udp_silence,
	.has_via_vip = true,
};
