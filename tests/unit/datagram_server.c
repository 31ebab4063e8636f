/* SPDX-License-Identifier: GPL-2.0-only */
#include "datagram_server.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void on_datagram(evutil_socket_t fd, short what, void *arg)
{
	struct datagram_server *s = arg;
	socklen_t from_len = sizeof(s->from);
	uint8_t reply[DATAGRAM_MAX];
	ssize_t size;
	int reply_size;

	(void)what;
	memcpy(s->before, s->request, s->request_size);
	s->before_size = s->request_size;
	size = recvfrom(fd, s->request, sizeof(s->request), 0, (struct sockaddr *)&s->from,
			&from_len);
	if (size < 0)
		return;
	s->request_size = (size_t)size;
	s->requests++;
	reply_size = s->answer(s, reply);
	if (reply_size >= 0)
		sendto(fd, reply, (size_t)reply_size, 0, (struct sockaddr *)&s->from, from_len);
}

void datagram_server_start(struct datagram_server *s, struct event_base *base, const char *ip)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	bool is_v6 = inet_pton(AF_INET6, ip, &v6.sin6_addr) == 1;
	struct sockaddr *at = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	socklen_t len = is_v6 ? sizeof(v6) : sizeof(v4);

	if (!is_v6)
		assert_int_equal(inet_pton(AF_INET, ip, &v4.sin_addr), 1);
	s->fd = socket(at->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, at, len), 0);
	assert_int_equal(getsockname(s->fd, at, &len), 0);
	s->port = ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
	s->event = event_new(base, s->fd, EV_READ | EV_PERSIST, on_datagram, s);
	assert_int_equal(event_add(s->event, NULL), 0);
}

void datagram_server_stop(struct datagram_server *s)
{
	event_free(s->event);
	close(s->fd);
}
