/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dns probe: one question over UDP, and the code of the answer. What the answer says is the
 * zone's business. An id drawn anew for each probe keeps a late answer to the last one apart.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "health/datagram.h"
#include "health/dns_message.h"
#include "health/probe.h"

#define REPLY_MAX 4096 /* of a reply, header and question are what counts */

/** struct dns_probe - what a target keeps */
struct dns_probe {
	struct dns_query query;
	bool has_stranger; /* something came, of another id */
};

static void end_by_rcode(struct target *t, unsigned rcode)
{
	uint16_t expect = t->settings.expect_rcodes;
	char reason[sizeof(t->state.reason)];
	bool is_expected = expect >> rcode & 1;

	datagram_close(t);
	if (is_expected)
		snprintf(reason, sizeof(reason), "rcode %s", dns_rcode_name(rcode));
	else
		dns_reason(rcode, expect, reason, sizeof(reason));
	health_end_probe(t, is_expected ? OUTCOME_PASSED : OUTCOME_FAILED, reason);
}

static void take_reply(struct target *t, const uint8_t *reply, size_t size)
{
	struct dns_probe *dns = t->of_kind;
	unsigned rcode = 0;

	switch (dns_reply_read(reply, size, &dns->query, &rcode)) {
	case 0:
		end_by_rcode(t, rcode);
		return;
	case -EAGAIN:
		dns->has_stranger = true;
		return;
	default:
		datagram_close(t);
		health_end_probe(t, OUTCOME_FAILED, "the reply is no answer to the question");
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct target *t = arg;
	uint8_t reply[REPLY_MAX];
	ssize_t size = recv(fd, reply, sizeof(reply), 0);

	(void)what;
	if (size >= 0)
		take_reply(t, reply, (size_t)size);
	else if (errno != EAGAIN && errno != EINTR)
		datagram_end_by_errno(t, errno);
}

static void dns_start(struct target *t)
{
	struct dns_probe *dns = t->of_kind;

	dns->has_stranger = false;
	/* as with any resolver, who cannot guess the id cannot forge an answer from afar */
	if (getrandom(dns->query.bytes, 2, GRND_NONBLOCK) != 2)
		dns->query.bytes[1]++;
	datagram_start(t, dns->query.bytes, dns->query.size, on_readable);
}

static int dns_open(struct target *t)
{
	struct dns_probe *dns;
	int err;

	if (!t->settings.query_name)
		return -EINVAL;
	dns = calloc(1, sizeof(*dns));
	if (!dns)
		return -ENOMEM;
	err = dns_query_build(t->settings.query_name, t->settings.query_type, &dns->query);
	if (err) {
		free(dns);
		return err;
	}
	t->of_kind = dns;
	return 0;
}

static void dns_close(struct target *t)
{
	free(t->of_kind);
	t->of_kind = NULL;
}

static const char *dns_stage(const struct target *t)
{
	const struct dns_probe *dns = t->of_kind;

	return dns->has_stranger ? "waiting for an answer: what came has another id"
				 : "waiting for an answer";
}

const struct probe_kind probe_dns = {
	.open = dns_open,
	.start = dns_start,
	.cancel = datagram_close,
	.close = dns_close,
	.stage = dns_stage,
	.has_via_vip = true,
};
