/* SPDX-License-Identifier: GPL-2.0-only */
/* Interfaces: which there are, their MAC and MTU, and whether they are up. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "net/state.h"

#define DUMP_TRIES 3

static int compare_iface(const void *key, const void *item)
{
	const uint32_t *ifindex = key;
	const struct net_iface *iface = item;

	return (*ifindex > iface->ifindex) - (*ifindex < iface->ifindex);
}

/* is_same - field by field: padding is not compared */
static bool is_same(const struct net_link *a, const struct net_link *b)
{
	return a->ifindex == b->ifindex && a->mtu == b->mtu && a->is_up == b->is_up &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

static int parse(const struct nlmsghdr *nlh, struct net_iface *out)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[IFLA_MAX + 1];
	struct net_iface iface = { .ifindex = (uint32_t)header->ifi_index,
				   .hw_type = header->ifi_type };

	net_rtnl_parse(nlh, sizeof(*header), attrs, IFLA_MAX);
	if (!attrs[IFLA_IFNAME])
		return -EINVAL;
	strncpy(iface.name, mnl_attr_get_str(attrs[IFLA_IFNAME]), sizeof(iface.name) - 1);
	iface.link.ifindex = iface.ifindex;
	iface.link.is_up = (header->ifi_flags & IFF_UP) && (header->ifi_flags & IFF_RUNNING);
	if (attrs[IFLA_MTU])
		iface.link.mtu = mnl_attr_get_u32(attrs[IFLA_MTU]);
	if (attrs[IFLA_ADDRESS] && mnl_attr_get_payload_len(attrs[IFLA_ADDRESS]) == 6)
		memcpy(iface.link.mac, mnl_attr_get_payload(attrs[IFLA_ADDRESS]), 6);
	*out = iface;
	return 0;
}

static struct net_iface *add_iface(struct net *net, uint32_t ifindex)
{
	struct net_iface *iface = calloc(1, sizeof(*iface));

	if (!iface)
		return NULL;
	iface->ifindex = ifindex;
	if (net_set_insert(&net->ifaces, &ifindex, iface) < 0) {
		free(iface);
		return NULL;
	}
	return iface;
}

/* changed - routes may leave another way now, and neighbours may answer where none did */
static void changed(struct net *net, const struct net_iface *iface)
{
	net_route_forget_all(net);
	net_neigh_ask_soon(net, iface->ifindex);
	net_schedule_quiet(net);
}

/* drop - gone; the entry stays until on_link has said so */
static void drop(struct net *net, struct net_iface *iface)
{
	iface->link = (struct net_link) {};
	changed(net, iface);
}

static int update(struct net *net, const struct nlmsghdr *nlh)
{
	struct net_iface now, *iface;
	int err = parse(nlh, &now);

	if (err)
		return err;
	iface = net_set_find(&net->ifaces, &now.ifindex);
	if (!iface) {
		iface = add_iface(net, now.ifindex);
		if (!iface)
			return -ENOMEM;
	}
	iface->is_seen = true;
	iface->hw_type = now.hw_type;
	memcpy(iface->name, now.name, sizeof(iface->name));
	if (is_same(&iface->link, &now.link))
		return 0;
	iface->link = now.link;
	changed(net, iface);
	return 0;
}

static int on_dumped(const struct nlmsghdr *nlh, void *arg)
{
	if (nlh->nlmsg_type == RTM_NEWLINK && update(arg, nlh) == -ENOMEM) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

int net_link_dump(struct net *net)
{
	int err;

	for (size_t i = 0; i < net->ifaces.count; i++)
		((struct net_iface *)net->ifaces.items[i])->is_seen = false;
	err = net_rtnl_dump(&net->rtnl, RTM_GETLINK, AF_UNSPEC, on_dumped, net);
	if (err)
		return err;
	for (size_t i = 0; i < net->ifaces.count; i++) {
		struct net_iface *iface = net->ifaces.items[i];

		if (!iface->is_seen && iface->link.ifindex)
			drop(net, iface);
	}
	return 0;
}

int net_link_init(struct net *net)
{
	int err = -EAGAIN;

	net->ifaces.compare = compare_iface;
	for (int i = 0; i < DUMP_TRIES && err == -EAGAIN; i++)
		err = net_link_dump(net);
	if (err)
		return err;
	/* what is there at the start is no news */
	for (size_t i = 0; i < net->ifaces.count; i++) {
		struct net_iface *iface = net->ifaces.items[i];

		iface->told = iface->link;
		memcpy(iface->told_name, iface->name, sizeof(iface->name));
	}
	return 0;
}

void net_link_on_news(struct net *net, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(nlh);
	uint32_t ifindex = (uint32_t)header->ifi_index;
	struct net_iface *iface;

	/* a bridge speaks of its ports in messages of its own family: "deleted" means "left me" */
	if (header->ifi_family != AF_UNSPEC)
		return;
	if (nlh->nlmsg_type == RTM_NEWLINK) {
		if (update(net, nlh) == -ENOMEM) {
			net->lost_news = true;
			net_schedule_quiet(net);
		}
		return;
	}
	iface = net_set_find(&net->ifaces, &ifindex);
	if (iface)
		drop(net, iface);
}

/* is_gone - the interface that was told of; a renamed one went as well, and another came */
static bool is_gone(const struct net_iface *iface)
{
	return !iface->link.ifindex ||
	       (iface->told.ifindex && strcmp(iface->name, iface->told_name) != 0);
}

static bool is_news(const struct net_iface *iface)
{
	return !is_same(&iface->link, &iface->told);
}

static struct net_iface *find_iface(struct net *net, bool (*is_wanted)(const struct net_iface *))
{
	for (size_t i = 0; i < net->ifaces.count; i++) {
		if (is_wanted(net->ifaces.items[i]))
			return net->ifaces.items[i];
	}
	return NULL;
}

/* tell - to be called last: the callee may make us change the table */
static void tell(struct net *net, const char *told_name, struct net_link link)
{
	char name[IFNAMSIZ];

	memcpy(name, told_name, sizeof(name));
	if (net->callbacks.on_link)
		net->callbacks.on_link(net->callbacks.arg, name, &link);
}

static void deliver_gone(struct net *net, struct net_iface *iface)
{
	bool was_told = iface->told.ifindex != 0;
	char name[IFNAMSIZ];

	memcpy(name, iface->told_name, sizeof(name));
	iface->told = (struct net_link) {};
	if (!iface->link.ifindex) {
		net_set_remove(&net->ifaces, &iface->ifindex);
		free(iface);
	}
	if (was_told)
		tell(net, name, (struct net_link) {});
}

void net_link_deliver(struct net *net)
{
	struct net_iface *iface;

	/* first who went: another of the same name may have come */
	while ((iface = find_iface(net, is_gone)))
		deliver_gone(net, iface);
	while ((iface = find_iface(net, is_news))) {
		iface->told = iface->link;
		memcpy(iface->told_name, iface->name, sizeof(iface->name));
		tell(net, iface->name, iface->link);
	}
}

const struct net_iface *net_link_find(const struct net *net, uint32_t ifindex)
{
	const struct net_iface *iface = net_set_find(&net->ifaces, &ifindex);

	return iface && iface->link.ifindex ? iface : NULL;
}

uint32_t net_link_loopback(const struct net *net)
{
	for (size_t i = 0; i < net->ifaces.count; i++) {
		const struct net_iface *iface = net->ifaces.items[i];

		if (iface->hw_type == ARPHRD_LOOPBACK && iface->link.ifindex)
			return iface->ifindex;
	}
	return 0;
}

struct link_query {
	const char *name;
	int err;
	struct net_iface iface;
};

static void build_query(void *arg, size_t i, struct nlmsghdr *nlh)
{
	const struct link_query *query = arg;

	(void)i;
	nlh->nlmsg_type = RTM_GETLINK;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, query->name);
}

static void answer_query(void *arg, size_t i, int err, const struct nlmsghdr *nlh)
{
	struct link_query *query = arg;

	(void)i;
	query->err = nlh ? parse(nlh, &query->iface) : err;
}

int net_get_link(struct net *net, const char *name, struct net_link *out)
{
	struct link_query query = { .name = name, .err = -ENODEV };
	struct net_batch batch = {
		.count = 1, .build = build_query, .answer = answer_query, .arg = &query
	};
	int err;

	if (strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	err = net_rtnl_batch(&net->rtnl, &batch);
	if (!err)
		err = query.err;
	if (err)
		return err;
	*out = query.iface.link;
	return 0;
}

void net_link_free(struct net *net)
{
	for (size_t i = 0; i < net->ifaces.count; i++)
		free(net->ifaces.items[i]);
	net_set_clear(&net->ifaces);
}
