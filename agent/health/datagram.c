/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "health/probe.h"
#include "health/reason.h"
#include "health/target.h"

#define QUOTE_MAX 20 /* bytes of a reply that a reason shows */

void datagram_close(struct target *t)
{
	if (t->fd < 0)
		return;
	if (event_initialized(&t->socket_event))
		event_del(&t->socket_event);
	close(t->fd);
	t->fd = -1;
}

void datagram_end_by_errno(struct target *t, int err)
{
	enum probe_outcome outcome;
	const char *reason = reason_errno(err, &outcome);

	datagram_close(t);
	health_end_probe(t, outcome, err == ECONNREFUSED ? "port unreachable" : reason);
}

int datagram_listen(struct target *t, event_callback_fn on_readable)
{
	static const int on = 1;

	/* without these a socket hears of closed ports, but not of unreachable hosts and networks;
	 * they cannot fail */
	if (t->to.any.sa_family == AF_INET)
		setsockopt(t->fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	else
		setsockopt(t->fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	event_assign(&t->socket_event, t->health->base, t->fd, EV_READ | EV_PERSIST, on_readable,
		     t);
	return event_add(&t->socket_event, NULL) ? -ENOMEM : 0;
}

void datagram_start(struct target *t, const uint8_t *bytes, size_t size,
		    event_callback_fn on_readable)
{
	int err;

	t->fd = target_socket(t, SOCK_DGRAM);
	if (t->fd < 0) {
		err = -t->fd;
		t->fd = -1;
		datagram_end_by_errno(t, err);
		return;
	}
	err = datagram_listen(t, on_readable);
	if (!err && connect(t->fd, &t->to.any, t->to_len))
		err = -errno;
	if (!err && send(t->fd, bytes, size, 0) < 0)
		err = -errno;
	if (err)
		datagram_end_by_errno(t, -err);
}

/* What is not plain text is written as \xNN. */
static size_t append_quoted(char *buf, size_t size, size_t used, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count && i < QUOTE_MAX && used < size; i++) {
		bool is_plain = bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '\\';

		used += (size_t)snprintf(buf + used, size - used, is_plain ? "%c" : "\\x%02x",
					 bytes[i]);
	}
	if (used < size)
		used += (size_t)snprintf(buf + used, size - used, "%s\"",
					 count > QUOTE_MAX ? "..." : "");
	return used;
}

void reason_reply(const uint8_t *reply, size_t size, const uint8_t *expect, size_t expect_size,
		  char *buf, size_t buf_size)
{
	size_t used = (size_t)snprintf(buf, buf_size, "reply \"");

	used = append_quoted(buf, buf_size, used, reply, size);
	if (used < buf_size)
		used += (size_t)snprintf(buf + used, buf_size - used, ", expected \"");
	append_quoted(buf, buf_size, used, expect, expect_size);
}
