/* SPDX-License-Identifier: GPL-2.0-only */
#include "control_servers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ADDRESSES_BEGIN 0x7f010001 /* 127.1.0.1: listeners on any address answer there */

static int open_listener(in_port_t *port_be)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	/* any address, but of loopback alone */
	if (!setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) &&
	    !bind(fd, (struct sockaddr *)&at, len) && !listen(fd, 4096) &&
	    !getsockname(fd, (struct sockaddr *)&at, &len)) {
		*port_be = at.sin_port;
		return fd;
	}
	err = -errno;
	close(fd);
	return err;
}

static void answer(int fd)
{
	static const char response[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
				       "Content-Length: 3\r\nConnection: close\r\n\r\nok\n";
	char request[2048];

	/* small requests on loopback come whole */
	if (recv(fd, request, sizeof(request), MSG_DONTWAIT) > 0)
		(void)!send(fd, response, sizeof(response) - 1, MSG_NOSIGNAL);
	close(fd);
}

static void accept_all(int epoll, int listener, enum server_kind kind)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct epoll_event on = { .events = EPOLLIN, .data.fd = fd };

		if (kind == SERVER_TCP || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &on))
			close(fd);
	}
}

static bool is_listener(const int *listeners, int fd)
{
	for (int i = 0; i < SERVER_PORTS; i++) {
		if (listeners[i] == fd)
			return true;
	}
	return false;
}

static void serve(const int *listeners, enum server_kind kind)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[64];

	for (int i = 0; i < SERVER_PORTS; i++) {
		struct epoll_event on = { .events = EPOLLIN, .data.fd = listeners[i] };

		epoll_ctl(epoll, EPOLL_CTL_ADD, listeners[i], &on);
	}
	for (;;) {
		int count = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;

			if (is_listener(listeners, fd))
				accept_all(epoll, fd, kind);
			else
				answer(fd);
		}
	}
}

int control_servers_start(struct control_servers *s, enum server_kind kind)
{
	int listeners[SERVER_PORTS];
	int err = 0;

	*s = (struct control_servers) {};
	for (int i = 0; i < SERVER_PORTS && !err; i++) {
		listeners[i] = open_listener(&s->ports_be[i]);
		err = listeners[i] < 0 ? listeners[i] : 0;
	}
	if (err)
		return err; /* the process ends soon */
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listeners, kind);
	}
	for (int i = 0; i < SERVER_PORTS; i++)
		close(listeners[i]);
	return s->pid < 0 ? -errno : 0;
}

void control_servers_stop(struct control_servers *s)
{
	if (s->pid <= 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

struct sockaddr_in control_servers_address(const struct control_servers *s, unsigned index)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_port = s->ports_be[index % SERVER_PORTS],
		.sin_addr.s_addr = htonl(ADDRESSES_BEGIN + index / SERVER_PORTS),
	};
}
