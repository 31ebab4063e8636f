/* SPDX-License-Identifier: GPL-2.0-only */
/* Which way a destination lies: the kernel's own route lookup, asked again when routes change. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "model/addr.h"
#include "model/cleanup.h"
#include "net/state.h"

#define RETRY_MS 1000

struct lookup {
	struct net *net;
	struct net_dest **dests;
};

static void build_lookup(void *arg, size_t i, struct nlmsghdr *nlh)
{
	const struct lookup *lookup = arg;
	const struct lb_addr *address = &lookup->dests[i]->address;
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	nlh->nlmsg_type = RTM_GETROUTE;
	rtm->rtm_family = net_rtnl_family(address);
	rtm->rtm_dst_len = addr_is_v4(address) ? 32 : 128;
	net_rtnl_put_addr(nlh, RTA_DST, address);
}

/* fault_of_error - IPv4 lookups answer routes without a way with an error */
static enum net_fault fault_of_error(int err)
{
	switch (err) {
	case -EINVAL:
		return NET_FAULT_BLACKHOLE;
	case -EHOSTUNREACH:
		return NET_FAULT_UNREACHABLE;
	case -EACCES:
		return NET_FAULT_PROHIBITED;
	case -ENETUNREACH:
	case -ESRCH:
		return NET_FAULT_NO_ROUTE;
	default:
		return NET_FAULT_FAILED;
	}
}

/* fault_of_type - IPv6 lookups answer them with their type */
static enum net_fault fault_of_type(uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
		return NET_FAULT_NONE;
	case RTN_LOCAL:
	case RTN_ANYCAST:
		return NET_FAULT_OWN_ADDRESS;
	case RTN_BLACKHOLE:
		return NET_FAULT_BLACKHOLE;
	case RTN_UNREACHABLE:
		return NET_FAULT_UNREACHABLE;
	case RTN_PROHIBIT:
		return NET_FAULT_PROHIBITED;
	case RTN_BROADCAST:
	case RTN_MULTICAST:
		return NET_FAULT_NOT_UNICAST;
	default:
		return NET_FAULT_NO_ROUTE;
	}
}

/* next_hop - the router, or the destination itself where it is on the link */
static int next_hop(const struct net_dest *dest, const struct nlattr **attrs, struct lb_addr *out)
{
	const struct nlattr *via = attrs[RTA_VIA];

	if (attrs[RTA_GATEWAY])
		return net_rtnl_get_addr(attrs[RTA_GATEWAY], out);
	if (via) { /* IPv4 through a router with an IPv6 address (RFC 8950) */
		const struct rtvia *router = mnl_attr_get_payload(via);

		if (router->rtvia_family != AF_INET6 ||
		    mnl_attr_get_payload_len(via) < sizeof(*router) + sizeof(out->bytes))
			return -EINVAL;
		memcpy(out->bytes, router->rtvia_addr, sizeof(out->bytes));
		return 0;
	}
	*out = dest->address;
	return 0;
}

static enum net_fault apply_route(struct net *net, struct net_dest *dest,
				  const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[RTA_MAX + 1];
	enum net_fault fault = fault_of_type(rtm->rtm_type);
	struct net_neigh *neigh;
	struct lb_addr router;

	if (fault != NET_FAULT_NONE)
		return fault;
	net_rtnl_parse(nlh, sizeof(*rtm), attrs, RTA_MAX);
	if (!attrs[RTA_OIF] || next_hop(dest, attrs, &router) < 0)
		return NET_FAULT_NO_ROUTE;
	neigh = net_neigh_get(net, mnl_attr_get_u32(attrs[RTA_OIF]), &router);
	if (!neigh)
		return NET_FAULT_FAILED;
	net_hop_attach(dest, neigh);
	return NET_FAULT_NONE;
}

static void answer_lookup(void *arg, size_t i, int err, const struct nlmsghdr *nlh)
{
	struct lookup *lookup = arg;
	struct net_dest *dest = lookup->dests[i];

	dest->is_stale = true;
	dest->fault = nlh ? apply_route(lookup->net, dest, nlh) : fault_of_error(err);
	dest->must_route = dest->fault == NET_FAULT_FAILED;
	if (dest->must_route)
		net_schedule(lookup->net, RETRY_MS);
	if (dest->fault != NET_FAULT_NONE)
		net_hop_attach(dest, NULL);
}

int net_route_resolve(struct net *net)
{
	AUTO_FREE struct net_dest **dests = NULL;
	struct lookup lookup = { .net = net };
	struct net_batch batch = { .build = build_lookup, .answer = answer_lookup, .arg = &lookup };

	dests = calloc(net->dests.count + 1, sizeof(struct net_dest *));
	if (!dests)
		return -ENOMEM;
	for (size_t i = 0; i < net->dests.count; i++) {
		struct net_dest *dest = net->dests.items[i];

		if (dest->must_route)
			dests[batch.count++] = dest;
	}
	lookup.dests = dests;
	return net_rtnl_batch(&net->rtnl, &batch);
}

void net_route_forget_all(struct net *net)
{
	for (size_t i = 0; i < net->dests.count; i++)
		((struct net_dest *)net->dests.items[i])->must_route = true;
}

static bool is_within(const struct lb_addr *address, const struct lb_addr *prefix, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	if (memcmp(address->bytes, prefix->bytes, bytes) != 0)
		return false;
	return rest == 0 || ((address->bytes[bytes] ^ prefix->bytes[bytes]) >> (8 - rest)) == 0;
}

void net_route_on_news(struct net *net, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[RTA_MAX + 1];
	struct lb_addr prefix = {};
	unsigned bits = rtm->rtm_dst_len;
	size_t i;

	if (rtm->rtm_flags & RTM_F_CLONED)
		return;
	if (rtm->rtm_family == AF_INET) {
		prefix.bytes[10] = 0xff;
		prefix.bytes[11] = 0xff;
		bits += 96;
	}
	net_rtnl_parse(nlh, sizeof(*rtm), attrs, RTA_MAX);
	if (attrs[RTA_DST] && net_rtnl_get_addr(attrs[RTA_DST], &prefix) < 0)
		return;
	if (bits > 128)
		return;
	for (i = net_set_lower_bound(&net->dests, &prefix); i < net->dests.count; i++) {
		struct net_dest *dest = net->dests.items[i];

		if (!is_within(&dest->address, &prefix, bits))
			return;
		dest->must_route = true;
		net_schedule_quiet(net);
	}
}
