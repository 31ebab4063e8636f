/* SPDX-License-Identifier: GPL-2.0-only */
#include "net/rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "model/addr.h"

#define REQUEST_SIZE	128 /* bytes, header included */
#define CHUNK		64  /* requests a send: their answers must fit the receive buffer */
#define RECEIVE_BYTES	(4 * 1024 * 1024)
#define ANSWER_BYTES	32768 /* the kernel fills dumps up to this */
#define ANSWER_WAIT_SEC 2     /* the kernel answers at once; this only keeps us from hanging */

int net_rtnl_open(struct net_rtnl *rtnl)
{
	struct timeval wait = { .tv_sec = ANSWER_WAIT_SEC };
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int bytes = RECEIVE_BYTES;
	int fd;

	if (!socket)
		return -errno;
	fd = mnl_socket_get_fd(socket);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int err = -errno;

		mnl_socket_close(socket);
		return err;
	}
	rtnl->socket = socket;
	rtnl->seq = 1;
	return 0;
}

void net_rtnl_close(struct net_rtnl *rtnl)
{
	if (rtnl->socket)
		mnl_socket_close(rtnl->socket);
	rtnl->socket = NULL;
}

static ssize_t receive(struct net_rtnl *rtnl, char *buffer)
{
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(rtnl->socket, buffer, ANSWER_BYTES);

		if (n >= 0)
			return n;
		if (errno == EAGAIN)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int send_chunk(struct net_rtnl *rtnl, const struct net_batch *batch, size_t first, size_t n)
{
	_Alignas(struct nlmsghdr) char buffer[CHUNK * REQUEST_SIZE];
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		struct nlmsghdr *nlh;

		memset(buffer + used, 0, REQUEST_SIZE);
		nlh = mnl_nlmsg_put_header(buffer + used);
		nlh->nlmsg_flags = NLM_F_REQUEST;
		nlh->nlmsg_seq = rtnl->seq + (uint32_t)i;
		batch->build(batch->arg, first + i, nlh);
		used += MNL_ALIGN(nlh->nlmsg_len);
	}
	if (mnl_socket_sendto(rtnl->socket, buffer, used) < 0)
		return -errno;
	return 0;
}

static void deliver(const struct net_batch *batch, size_t i, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *error;

	if (nlh->nlmsg_type != NLMSG_ERROR) {
		batch->answer(batch->arg, i, 0, nlh);
		return;
	}
	error = mnl_nlmsg_get_payload(nlh);
	batch->answer(batch->arg, i, error->error, NULL);
}

static int receive_chunk(struct net_rtnl *rtnl, const struct net_batch *batch, size_t first,
			 size_t n)
{
	_Alignas(struct nlmsghdr) char buffer[ANSWER_BYTES];
	size_t answered = 0;

	while (answered < n) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buffer;
		ssize_t got = receive(rtnl, buffer);
		int left = (int)got;

		if (got < 0)
			return (int)got;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			/* late answers to a batch that gave up carry older numbers */
			uint32_t i = nlh->nlmsg_seq - rtnl->seq;

			if (i >= n)
				continue;
			deliver(batch, first + i, nlh);
			answered++;
		}
	}
	return 0;
}

int net_rtnl_batch(struct net_rtnl *rtnl, const struct net_batch *batch)
{
	for (size_t first = 0; first < batch->count; first += CHUNK) {
		size_t left = batch->count - first;
		size_t n = left < CHUNK ? left : CHUNK;
		int err = send_chunk(rtnl, batch, first, n);

		if (!err)
			err = receive_chunk(rtnl, batch, first, n);
		rtnl->seq += (uint32_t)n;
		if (err)
			return err;
	}
	return 0;
}

int net_rtnl_dump(struct net_rtnl *rtnl, uint16_t type, uint8_t family, mnl_cb_t on_message,
		  void *arg)
{
	_Alignas(struct nlmsghdr) char buffer[ANSWER_BYTES];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	unsigned portid = mnl_socket_get_portid(rtnl->socket);
	uint32_t seq = rtnl->seq++;
	int state = MNL_CB_OK;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	/* every family's header begins with the family byte and is at most this long */
	*(uint8_t *)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg)) = family;
	if (mnl_socket_sendto(rtnl->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (state > MNL_CB_STOP) {
		ssize_t got = receive(rtnl, buffer);

		if (got < 0)
			return (int)got;
		nlh = (struct nlmsghdr *)buffer;
		if (got >= (ssize_t)sizeof(*nlh) && nlh->nlmsg_seq != seq)
			continue; /* late, of a request that gave up */
		state = mnl_cb_run(buffer, (size_t)got, seq, portid, on_message, arg);
		if (state == MNL_CB_ERROR)
			return errno == EINTR ? -EAGAIN : -errno;
	}
	return 0;
}

uint8_t net_rtnl_family(const struct lb_addr *addr)
{
	return addr_is_v4(addr) ? AF_INET : AF_INET6;
}

void net_rtnl_put_addr(struct nlmsghdr *nlh, uint16_t type, const struct lb_addr *addr)
{
	if (addr_is_v4(addr))
		mnl_attr_put(nlh, type, 4, &addr->bytes[12]);
	else
		mnl_attr_put(nlh, type, 16, addr->bytes);
}

int net_rtnl_get_addr(const struct nlattr *attr, struct lb_addr *out)
{
	struct lb_addr addr = {};
	uint16_t length = mnl_attr_get_payload_len(attr);

	if (length == 16) {
		memcpy(addr.bytes, mnl_attr_get_payload(attr), 16);
	} else if (length == 4) {
		addr.bytes[10] = 0xff;
		addr.bytes[11] = 0xff;
		memcpy(&addr.bytes[12], mnl_attr_get_payload(attr), 4);
	} else {
		return -EINVAL;
	}
	*out = addr;
	return 0;
}

void net_rtnl_parse(const struct nlmsghdr *nlh, size_t header_size, const struct nlattr **table,
		    uint16_t max)
{
	const struct nlattr *attr;

	for (size_t i = 0; i <= max; i++)
		table[i] = NULL;
	mnl_attr_for_each (attr, nlh, header_size) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type <= max)
			table[type] = attr;
	}
}
