/* SPDX-License-Identifier: GPL-2.0-only */
/* Questions to the kernel over rtnetlink: many at once, each with exactly one answer. */
#ifndef LEAT_NET_RTNL_H
#define LEAT_NET_RTNL_H

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

#include "leat_abi.h"

/** struct net_rtnl - the socket for requests; it waits for its answers */
struct net_rtnl {
	struct mnl_socket *socket;
	uint32_t seq; /* of the next request */
};

/** struct net_batch - requests 0..count-1 */
struct net_batch {
	size_t count;
	/* the header is there: set nlmsg_type, add flags, append the body (96 bytes at most) */
	void (*build)(void *arg, size_t i, struct nlmsghdr *nlh);
	/* @err: 0 or -errno; @nlh: the reply, NULL for an acknowledgement or an error */
	void (*answer)(void *arg, size_t i, int err, const struct nlmsghdr *nlh);
	void *arg;
};

/** net_rtnl_open - 0 or -errno */
int net_rtnl_open(struct net_rtnl *rtnl);

void net_rtnl_close(struct net_rtnl *rtnl);

/**
 * net_rtnl_batch - ask all of @batch, in order
 * A request must have one answer: NLM_F_ACK on changes, none on queries.
 * Returns 0, or -errno where answers are missing (those have not been delivered).
 */
int net_rtnl_batch(struct net_rtnl *rtnl, const struct net_batch *batch);

/** net_rtnl_dump - every object of request @type and address family @family to @on_message;
 * 0 or -errno. -EAGAIN: the list changed meanwhile, and some objects may be missing. */
int net_rtnl_dump(struct net_rtnl *rtnl, uint16_t type, uint8_t family, mnl_cb_t on_message,
		  void *arg);

/** net_rtnl_put_addr - attribute @type with @addr in the length of its family */
void net_rtnl_put_addr(struct nlmsghdr *nlh, uint16_t type, const struct lb_addr *addr);

/** net_rtnl_get_addr - payload of 4 or 16 bytes to @out; 0 or -EINVAL */
int net_rtnl_get_addr(const struct nlattr *attr, struct lb_addr *out);

/** net_rtnl_family - AF_INET or AF_INET6 */
uint8_t net_rtnl_family(const struct lb_addr *addr);

/** net_rtnl_parse - attributes of @nlh behind @header_size bytes, into @table of @max + 1 */
void net_rtnl_parse(const struct nlmsghdr *nlh, size_t header_size, const struct nlattr **table,
		    uint16_t max);

#endif
