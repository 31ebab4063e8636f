/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The icmp probe: an echo request, and its reply. It says that the machine is there and nothing of
 * its services. A ping socket serves where net.ipv4.ping_group_range (IPv6 goes by it too) has our
 * group; else a raw one, which takes CAP_NET_RAW and sees all echo replies of that host.
 */
#include <errno.h>
#include <event2/event.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "health/datagram.h"
#include "health/probe.h"
#include "health/target.h"

#define PAYLOAD_SIZE 16
/* <linux/icmp.h> has it, and clashes with <net/if.h>: a mask of the types that are not wanted */
#define ICMP_FILTER 1

/** struct echo - a request or a reply, of IPv4 or IPv6; network order */
struct echo {
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	uint16_t id;
	uint16_t sequence;
	uint8_t payload[PAYLOAD_SIZE];
};

/** struct icmp_probe - what a target keeps of the probe in flight */
struct icmp_probe {
	struct echo request;
	bool is_raw; /* ids are ours to check; else the kernel has set and checked them */
};

static bool is_v4(const struct target *t)
{
	return t->to.any.sa_family == AF_INET;
}

/* RFC 1071; IPv6 sockets and IPv4 ping sockets have it done by the kernel. */
static uint16_t checksum(const struct echo *echo)
{
	const uint16_t *words = (const uint16_t *)echo;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*echo) / sizeof(*words); i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void draw_request(struct target *t)
{
	struct icmp_probe *icmp = t->of_kind;
	struct echo *request = &icmp->request;
	uint16_t last = request->sequence;

	/* id, sequence and payload: whoever did not see the request cannot answer it */
	if (getrandom(request, sizeof(*request), GRND_NONBLOCK) < 0)
		request->sequence = (uint16_t)(last + 1);
	request->type = is_v4(t) ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	request->code = 0;
	request->checksum = 0;
	request->checksum = checksum(request);
}

/* ---- the reply ---------------------------------------------------------- */

/* A raw IPv4 socket gives the IP header too. Returns false for what is no echo of ours. */
static bool find_reply(const struct target *t, const uint8_t *packet, size_t size,
		       struct echo *reply)
{
	const struct icmp_probe *icmp = t->of_kind;
	size_t skip = icmp->is_raw && is_v4(t) && size ? (size_t)(packet[0] & 0x0f) * 4 : 0;

	if (size < skip + offsetof(struct echo, payload))
		return false;
	*reply = (struct echo) {};
	size -= skip;
	memcpy(reply, packet + skip, size < sizeof(*reply) ? size : sizeof(*reply));
	return reply->type == (is_v4(t) ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) &&
	       reply->sequence == icmp->request.sequence &&
	       (!icmp->is_raw || reply->id == icmp->request.id);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct target *t = arg;
	const struct icmp_probe *icmp = t->of_kind;
	uint8_t packet[60 + sizeof(struct echo) + 64];
	ssize_t size = recv(fd, packet, sizeof(packet), 0);
	struct echo reply;

	(void)what;
	if (size < 0) {
		if (errno != EAGAIN && errno != EINTR)
			datagram_end_by_errno(t, errno);
		return;
	}
	if (!find_reply(t, packet, (size_t)size, &reply))
		return;
	datagram_close(t);
	if (memcmp(reply.payload, icmp->request.payload, PAYLOAD_SIZE) != 0)
		health_end_probe(t, OUTCOME_FAILED, "echo reply with another payload");
	else
		health_end_probe(t, OUTCOME_PASSED, "echo reply");
}

/* ---- the socket --------------------------------------------------------- */

/* so that a busy host's other ICMP does not wake us; a probe would be right without it */
static void filter_raw(int fd, bool is_ipv4)
{
	uint32_t filter4 = ~(1U << ICMP_ECHOREPLY);
	struct icmp6_filter filter6;

	ICMP6_FILTER_SETBLOCKALL(&filter6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter6);
	if (is_ipv4)
		setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter4, sizeof(filter4));
	else
		setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter6, sizeof(filter6));
}

static int open_socket(struct target *t)
{
	struct icmp_probe *icmp = t->of_kind;
	int family = t->to.any.sa_family;
	int proto = is_v4(t) ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd;

	icmp->is_raw = false;
	fd = target_ping_socket(t);
	if (!t->flow && (fd == -EACCES || fd == -EPROTONOSUPPORT)) {
		icmp->is_raw = true;
		fd = socket(family, SOCK_RAW | flags, proto);
		if (fd < 0)
			return -errno;
		filter_raw(fd, is_v4(t));
	}
	if (fd < 0)
		return fd;
	t->fd = fd;
	return 0;
}

/* A port would be taken for an id or a protocol. */
static int connect_socket(const struct target *t)
{
	struct sockaddr_in v4 = t->to.v4;
	struct sockaddr_in6 v6 = t->to.v6;

	v4.sin_port = 0;
	v6.sin6_port = 0;
	if (is_v4(t))
		return connect(t->fd, (struct sockaddr *)&v4, sizeof(v4)) ? -errno : 0;
	return connect(t->fd, (struct sockaddr *)&v6, sizeof(v6)) ? -errno : 0;
}

static void icmp_start(struct target *t)
{
	struct icmp_probe *icmp = t->of_kind;
	int err = open_socket(t);

	if (err == -EPERM || err == -EACCES) {
		health_end_probe(t, OUTCOME_NOT_SENT,
				 "may not ping: needs CAP_NET_RAW or net.ipv4.ping_group_range");
		return;
	}
	draw_request(t);
	if (!err)
		err = datagram_listen(t, on_readable);
	if (!err)
		err = connect_socket(t);
	if (!err && send(t->fd, &icmp->request, sizeof(icmp->request), 0) < 0)
		err = -errno;
	if (err)
		datagram_end_by_errno(t, -err);
}

/* ---- the kind ----------------------------------------------------------- */

static int icmp_open(struct target *t)
{
	t->of_kind = calloc(1, sizeof(struct icmp_probe));
	return t->of_kind ? 0 : -ENOMEM;
}

static void icmp_close(struct target *t)
{
	free(t->of_kind);
	t->of_kind = NULL;
}

static const char *icmp_stage(const struct target *t)
{
	(void)t;
	return "waiting for an echo reply";
}

const struct probe_kind probe_icmp = {
	.open = icmp_open,
	.start = icmp_start,
	.cancel = datagram_close,
	.close = icmp_close,
	.stage = icmp_stage,
	.has_via_vip = true,
};
