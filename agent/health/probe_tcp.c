/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tcp probe: does the backend answer a SYN on this port?
 *
 * It leaves by RST (SO_LINGER 0), and it holds back the ACK of the handshake (TCP_QUICKACK off), so
 * that on the wire there are SYN, SYN+ACK, RST. Why:
 * - the backend's kernel drops the half-open request; its application is not woken, accepts
 *   nothing and logs nothing. A full handshake and a FIN would cost it a socket, an accept, a read
 *   and a close for each probe of each balancer;
 * - nobody keeps TIME_WAIT. 10,000 targets every 2 s would keep 300,000 here, more than
 *   net.ipv4.tcp_max_tw_buckets, and hold their ports;
 * - nothing is lost as a test: a listener whose queue is full drops the SYN, so a hung application
 *   with clients shows, and one without looks alive to a full handshake too. What the application
 *   answers is for an http probe to find out.
 * The price: the backend counts a failed attempt (TcpAttemptFails), and a port scan detector may
 * have to be told of the balancer. Where the ACK cannot be held back (the answer is handled more
 * than 40 ms late) the application sees a connection that is reset at once.
 */
#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "health/probe.h"
#include "health/reason.h"
#include "health/target.h"

static void end_by_errno(struct target *t, int err)
{
	enum probe_outcome outcome;
	const char *reason = reason_errno(err, &outcome);

	health_end_probe(t, outcome, reason);
}

static void close_socket(struct target *t)
{
	close(t->fd);
	t->fd = -1;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct target *t = arg;
	socklen_t len = sizeof(int);
	int err = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	close_socket(t);
	if (err)
		end_by_errno(t, err);
	else
		health_end_probe(t, OUTCOME_PASSED, "connected");
}

static int open_socket(struct target *t)
{
	static const struct linger reset_on_close = { .l_onoff = 1 };
	static const int off = 0;
	int fd = target_socket(t, SOCK_STREAM);

	if (fd < 0)
		return fd;
	/* neither can fail on a TCP socket, and a probe would still be right without them */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof(reset_on_close));
	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
	return fd;
}

static int connect_socket(struct target *t)
{
	if (!connect(t->fd, &t->to.any, t->to_len))
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	event_assign(&t->socket_event, t->health->base, t->fd, EV_WRITE, on_writable, t);
	return event_add(&t->socket_event, NULL) ? -ENOMEM : -EINPROGRESS;
}

static void tcp_start(struct target *t)
{
	int err = open_socket(t);

	if (err < 0) {
		end_by_errno(t, -err);
		return;
	}
	t->fd = err;
	err = connect_socket(t);
	if (err == -EINPROGRESS)
		return;
	close_socket(t);
	if (err)
		end_by_errno(t, -err);
	else
		health_end_probe(t, OUTCOME_PASSED, "connected");
}

static void tcp_cancel(struct target *t)
{
	event_del(&t->socket_event);
	close_socket(t);
}

static int tcp_open(struct target *t)
{
	(void)t;
	return 0;
}

static void tcp_close(struct target *t)
{
	(void)t;
}

static const char *tcp_stage(const struct target *t)
{
	(void)t;
	return "connecting";
}

const struct probe_kind probe_tcp = {
	.open = tcp_open,
	.start = tcp_start,
	.cancel = tcp_cancel,
	.close = tcp_close,
	.stage = tcp_stage,
	.has_via_vip = true,
};
