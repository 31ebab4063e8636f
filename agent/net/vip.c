/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VIPs as addresses of this machine, so that the kernel answers ARP, NDP and ping for them.
 *
 * IPv4: on lo; the kernel answers ARP on any interface for any address that it has (scope global,
 * so that arp_ignore=3 and routing daemons take it for a real one).
 * IPv6: the kernel answers neighbour solicitations only for addresses of the interface they come
 * in on. So a VIP inside a prefix that is on an interface's link goes to that interface, any
 * other one to lo: for it the routers around have a route, and ask for the route's next hop.
 * It has a preferred lifetime of 0, so that nothing here sends from it of its own accord.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "model/addr.h"
#include "net/state.h"

#define DUMP_TRIES 3

static int compare_vip(const void *key, const void *item)
{
	return addr_compare(key, item);
}

void net_vip_init(struct net *net)
{
	net->vips.compare = compare_vip;
	net->ifaddrs_stale = true;
}

/* ---- the addresses there are --------------------------------------------- */

static int append_ifaddr(struct net *net, const struct net_ifaddr *ifaddr)
{
	if (net->ifaddr_count == net->ifaddr_capacity) {
		size_t capacity = net->ifaddr_capacity ? net->ifaddr_capacity * 2 : 16;
		void *list = reallocarray(net->ifaddrs, capacity, sizeof(*net->ifaddrs));

		if (!list)
			return -ENOMEM;
		net->ifaddrs = list;
		net->ifaddr_capacity = capacity;
	}
	net->ifaddrs[net->ifaddr_count++] = *ifaddr;
	return 0;
}

static int on_dumped(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[IFA_MAX + 1], *address, *mark;
	struct net_ifaddr ifaddr = { .ifindex = header->ifa_index };

	net_rtnl_parse(nlh, sizeof(*header), attrs, IFA_MAX);
	address = attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
	mark = attrs[IFA_PROTO];
	if (!address || net_rtnl_get_addr(address, &ifaddr.address) < 0)
		return MNL_CB_OK;
	ifaddr.prefix_len = header->ifa_prefixlen;
	if (header->ifa_family == AF_INET)
		ifaddr.prefix_len += 96;
	ifaddr.is_ours = mark && mnl_attr_get_u8(mark) == NET_PROTOCOL;
	if (append_ifaddr(arg, &ifaddr) < 0) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

static int read_ifaddrs(struct net *net)
{
	int err = -EAGAIN;

	if (!net->ifaddrs_stale)
		return 0;
	for (int i = 0; i < DUMP_TRIES && err == -EAGAIN; i++) {
		net->ifaddr_count = 0;
		err = net_rtnl_dump(&net->rtnl, RTM_GETADDR, AF_UNSPEC, on_dumped, net);
	}
	if (err)
		return err;
	net->ifaddrs_stale = false;
	return 0;
}

static struct net_ifaddr *find_ifaddr(struct net *net, const struct lb_addr *address,
				      uint32_t ifindex)
{
	for (size_t i = 0; i < net->ifaddr_count; i++) {
		struct net_ifaddr *ifaddr = &net->ifaddrs[i];

		if (ifaddr->ifindex == ifindex && addr_compare(&ifaddr->address, address) == 0)
			return ifaddr;
	}
	return NULL;
}

static bool is_link_local(const struct lb_addr *address)
{
	return address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

static bool covers(const struct net_ifaddr *ifaddr, const struct lb_addr *vip)
{
	unsigned bytes = ifaddr->prefix_len / 8, rest = ifaddr->prefix_len % 8;

	if (ifaddr->prefix_len >= 128 || ifaddr->is_ours || is_link_local(&ifaddr->address))
		return false;
	if (memcmp(ifaddr->address.bytes, vip->bytes, bytes) != 0)
		return false;
	return rest == 0 || ((ifaddr->address.bytes[bytes] ^ vip->bytes[bytes]) >> (8 - rest)) == 0;
}

/* choose_ifindex - where @vip belongs; 0: there is not even a lo */
static uint32_t choose_ifindex(const struct net *net, const struct lb_addr *vip)
{
	uint32_t ifindex = net_link_loopback(net);
	unsigned longest = 0;

	if (addr_is_v4(vip))
		return ifindex;
	for (size_t i = 0; i < net->ifaddr_count; i++) {
		const struct net_ifaddr *ifaddr = &net->ifaddrs[i];

		if (ifaddr->prefix_len > longest && covers(ifaddr, vip)) {
			longest = ifaddr->prefix_len;
			ifindex = ifaddr->ifindex;
		}
	}
	return ifindex;
}

/* ---- changes ------------------------------------------------------------- */

struct vip_change {
	uint16_t type; /* RTM_NEWADDR or RTM_DELADDR */
	uint32_t ifindex;
	const struct lb_addr *vip;
	int err;
};

static void put_lifetime(struct nlmsghdr *nlh)
{
	struct ifa_cacheinfo lifetime = { .ifa_prefered = 0, .ifa_valid = UINT32_MAX };

	mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(lifetime), &lifetime);
	mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
}

static void build_change(void *arg, size_t i, struct nlmsghdr *nlh)
{
	const struct vip_change *change = arg;
	bool is_v4 = addr_is_v4(change->vip);
	struct ifaddrmsg *header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));

	(void)i;
	nlh->nlmsg_type = change->type;
	nlh->nlmsg_flags |= NLM_F_ACK;
	header->ifa_family = net_rtnl_family(change->vip);
	header->ifa_prefixlen = is_v4 ? 32 : 128;
	header->ifa_scope = RT_SCOPE_UNIVERSE;
	header->ifa_index = change->ifindex;
	net_rtnl_put_addr(nlh, IFA_LOCAL, change->vip);
	if (change->type == RTM_DELADDR)
		return;
	nlh->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	net_rtnl_put_addr(nlh, IFA_ADDRESS, change->vip);
	mnl_attr_put_u8(nlh, IFA_PROTO, NET_PROTOCOL);
	if (!is_v4)
		put_lifetime(nlh);
}

static void answer_change(void *arg, size_t i, int err, const struct nlmsghdr *nlh)
{
	struct vip_change *change = arg;

	(void)i;
	(void)nlh;
	change->err = err;
}

static int make_change(struct net *net, uint16_t type, uint32_t ifindex, const struct lb_addr *vip)
{
	struct vip_change change = { .type = type, .ifindex = ifindex, .vip = vip, .err = -EIO };
	struct net_batch batch = {
		.count = 1, .build = build_change, .answer = answer_change, .arg = &change
	};
	int err = net_rtnl_batch(&net->rtnl, &batch);

	return err ? err : change.err;
}

/* put - @vip on @ifindex; *@is_foreign: it is there, and not by us */
static int put(struct net *net, uint32_t ifindex, const struct lb_addr *vip, bool *is_foreign)
{
	struct net_ifaddr ifaddr = { .ifindex = ifindex, .prefix_len = 128, .is_ours = true };
	const struct net_ifaddr *there;
	int err = make_change(net, RTM_NEWADDR, ifindex, vip);

	if (!err) {
		*is_foreign = false;
		ifaddr.address = *vip;
		return append_ifaddr(net, &ifaddr);
	}
	if (err != -EEXIST)
		return err;
	there = find_ifaddr(net, vip, ifindex);
	if (!there) {
		net->ifaddrs_stale = true;
		err = read_ifaddrs(net);
		if (err)
			return err;
		there = find_ifaddr(net, vip, ifindex);
	}
	*is_foreign = there && !there->is_ours;
	return 0;
}

/* take_off - @vip from wherever we put it, but for @kept_ifindex */
static int take_off(struct net *net, const struct lb_addr *vip, uint32_t kept_ifindex)
{
	for (size_t i = 0; i < net->ifaddr_count;) {
		struct net_ifaddr *ifaddr = &net->ifaddrs[i];
		int err;

		if (!ifaddr->is_ours || ifaddr->ifindex == kept_ifindex ||
		    addr_compare(&ifaddr->address, vip) != 0) {
			i++;
			continue;
		}
		err = make_change(net, RTM_DELADDR, ifaddr->ifindex, vip);
		if (err && err != -EADDRNOTAVAIL && err != -ENODEV)
			return err;
		*ifaddr = net->ifaddrs[--net->ifaddr_count];
	}
	return 0;
}

static int keep(struct net *net, const struct lb_addr *vip)
{
	struct lb_addr *copy;

	if (net_set_find(&net->vips, vip))
		return 0;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *vip;
	if (net_set_insert(&net->vips, vip, copy) < 0) {
		free(copy);
		return -ENOMEM;
	}
	return 0;
}

int net_add_vip(struct net *net, const struct lb_addr *vip, bool *was_there)
{
	bool is_foreign;
	uint32_t ifindex;
	int err = read_ifaddrs(net);

	if (err)
		return err;
	ifindex = choose_ifindex(net, vip);
	if (!ifindex)
		return -ENODEV;
	err = put(net, ifindex, vip, &is_foreign);
	if (!err && !is_foreign)
		err = keep(net, vip);
	if (err)
		return err;
	*was_there = is_foreign;
	return 0;
}

int net_del_vip(struct net *net, const struct lb_addr *vip)
{
	int err;

	free(net_set_remove(&net->vips, vip));
	err = read_ifaddrs(net);
	if (err)
		return err;
	return take_off(net, vip, 0);
}

int net_del_all_vips(struct net *net)
{
	int err = read_ifaddrs(net);

	for (size_t i = 0; !err && i < net->ifaddr_count;) {
		struct lb_addr vip = net->ifaddrs[i].address;

		if (net->ifaddrs[i].is_ours) /* takes this entry out, at least */
			err = net_del_vip(net, &vip);
		else
			i++;
	}
	return err;
}

int net_vip_ensure(struct net *net)
{
	int err;

	if (!net->vips_stale || net->vips.count == 0)
		return 0;
	err = read_ifaddrs(net);
	for (size_t i = 0; !err && i < net->vips.count; i++) {
		const struct lb_addr *vip = net->vips.items[i];
		uint32_t ifindex = choose_ifindex(net, vip);
		bool is_foreign;

		if (!find_ifaddr(net, vip, ifindex))
			err = put(net, ifindex, vip, &is_foreign);
		if (!err)
			err = take_off(net, vip, ifindex);
	}
	if (!err)
		net->vips_stale = false;
	return err;
}

void net_vip_on_news(struct net *net, const struct nlmsghdr *nlh)
{
	net->ifaddrs_stale = true;
	net->vips_stale = true;
	/* routes with this source address went without a word */
	if (nlh->nlmsg_type == RTM_DELADDR)
		net_route_forget_all(net);
	net_schedule_quiet(net);
}

void net_vip_free(struct net *net)
{
	for (size_t i = 0; i < net->vips.count; i++)
		free(net->vips.items[i]);
	net_set_clear(&net->vips);
	free(net->ifaddrs);
}
