/* SPDX-License-Identifier: GPL-2.0-only */
/* A UDP server on loopback in the loop of a test. */
#ifndef LEAT_TESTS_DATAGRAM_SERVER_H
#define LEAT_TESTS_DATAGRAM_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct event_base;
struct event;

#define DATAGRAM_MAX 1024

/** struct datagram_server - answers each datagram with what @answer makes of it */
struct datagram_server {
	/* the reply to s->request into @reply; returns its size, or -1: none */
	int (*answer)(struct datagram_server *s, uint8_t *reply);
	const void *arg;
	int fd;
	unsigned port;
	struct event *event;
	unsigned requests;
	uint8_t request[DATAGRAM_MAX]; /* the last one */
	size_t request_size;
	struct sockaddr_storage from; /* who sent it */
	uint8_t before[DATAGRAM_MAX]; /* the one before it */
	size_t before_size;
};

/** datagram_server_start - on @ip, any port; @s has its answer and is else zero */
void datagram_server_start(struct datagram_server *s, struct event_base *base, const char *ip);

void datagram_server_stop(struct datagram_server *s);

#endif
