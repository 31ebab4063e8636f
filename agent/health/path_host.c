/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/path_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <unistd.h>

#include "model/addr.h"
#include "model/cleanup.h"

#define DISCARD_PORT 9		       /* any would do: nothing is sent there */
#define TAP_BUFFER   (4 * 1024 * 1024) /* answers to the 500 probes of one tick fit several times */

#define SOCKET_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

socklen_t path_sockaddr_set(union path_sockaddr *to, const struct lb_addr *address, unsigned port)
{
	in_port_t port_be = htons((uint16_t)port);

	if (addr_is_v4(address)) {
		to->v4 = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = port_be };
		to->v4.sin_addr.s_addr = address->words[3];
		return sizeof(to->v4);
	}
	to->v6 = (struct sockaddr_in6) { .sin6_family = AF_INET6, .sin6_port = port_be };
	memcpy(&to->v6.sin6_addr, address->bytes, sizeof(address->bytes));
	return sizeof(to->v6);
}

static struct lb_addr read_sockaddr(const union path_sockaddr *from)
{
	struct lb_addr a = { .bytes = { [10] = 0xff, [11] = 0xff } };

	if (from->any.sa_family == AF_INET)
		a.words[3] = from->v4.sin_addr.s_addr;
	else
		memcpy(a.bytes, &from->v6.sin6_addr, sizeof(a.bytes));
	return a;
}

/* A connected datagram socket has sent nothing yet, but its route has been found. */
int path_host_source(const struct lb_addr *address, struct lb_addr *out)
{
	union path_sockaddr sockaddr;
	socklen_t len = path_sockaddr_set(&sockaddr, address, DISCARD_PORT);
	AUTO_CLOSE int fd = socket(sockaddr.any.sa_family, SOCK_DGRAM | SOCKET_FLAGS, 0);

	if (fd < 0 || connect(fd, &sockaddr.any, len))
		return -errno;
	len = sizeof(sockaddr);
	if (getsockname(fd, &sockaddr.any, &len))
		return -errno;
	*out = read_sockaddr(&sockaddr);
	return 0;
}

bool path_host_has(const struct lb_addr *address)
{
	struct lb_addr source;

	/* a machine talks to itself from the address that it talks to */
	return !path_host_source(address, &source) && addr_compare(address, &source) == 0;
}

int path_host_guard(const struct lb_addr *address, unsigned port, int type)
{
	static struct sock_filter nothing[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	static const struct sock_fprog filter = { .len = 1, .filter = nothing };
	union path_sockaddr sockaddr;
	socklen_t len = path_sockaddr_set(&sockaddr, address, port);
	int fd = socket(sockaddr.any.sa_family, type | SOCKET_FLAGS, 0);
	int err;

	if (fd < 0)
		return -errno;
	/* the filter first: not one packet is for it */
	if (!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) &&
	    !bind(fd, &sockaddr.any, len) && (type != SOCK_STREAM || !listen(fd, 1)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* In this order: a socket of protocol 0 takes nothing before it is bound. */
static int set_up_tap(int fd, uint32_t ifindex, const struct sock_fprog *filter)
{
	static const int on = 1, buffer = TAP_BUFFER;
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)ifindex,
	};

	/* without the next two it works too, only worse */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof(*filter)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return 0;
}

int path_host_tap(uint32_t ifindex, const struct sock_fprog *filter)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCKET_FLAGS, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = set_up_tap(fd, ifindex, filter);
	if (!err)
		return fd;
	close(fd);
	return err;
}
