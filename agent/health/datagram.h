/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside this room: one datagram out, what comes back; for udp, dns and icmp. */
#ifndef LEAT_HEALTH_DATAGRAM_H
#define LEAT_HEALTH_DATAGRAM_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

struct target;

/**
 * datagram_start - a socket of @t connected to t->to, @size bytes sent, @on_readable at what
 * follows Where that fails the probe has ended.
 */
void datagram_start(struct target *t, const uint8_t *bytes, size_t size,
		    event_callback_fn on_readable);

/** datagram_listen - call @on_readable with @t for t->fd, which hears of ICMP errors from now on;
 * 0 or -ENOMEM */
int datagram_listen(struct target *t, event_callback_fn on_readable);

/** datagram_close - drop the socket and its event; a kind's cancel */
void datagram_close(struct target *t);

/** datagram_end_by_errno - end the probe of @t, whose socket may be open: @err is positive */
void datagram_end_by_errno(struct target *t, int err);

/** reason_reply - "reply "-ERR", expected "+PONG"" into @buf; long ones are cut */
void reason_reply(const uint8_t *reply, size_t size, const uint8_t *expect, size_t expect_size,
		  char *buf, size_t buf_size);

#endif
