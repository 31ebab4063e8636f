/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ARP and NDP. Packets that XDP forwards do not count as use with the kernel, so it is asked to
 * keep the entries resolved by itself (NTF_EXT_MANAGED), and not to count them among those that it
 * throws away when the table is full (NTF_EXT_LEARNED; its default limit is 1,024).
 *
 * An answer is used until the kernel has asked in vain (FAILED). An entry that vanishes, as by
 * `ip neigh flush` or with the link's carrier, is asked for anew meanwhile.
 */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "model/addr.h"
#include "model/cleanup.h"
#include "net/state.h"

#define ASK_MIN_MS 1000
#define ASK_MAX_MS 5000

#define NUD_FIXED  (NUD_PERMANENT | NUD_NOARP)
#define NUD_USABLE (NUD_FIXED | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

struct neigh_key {
	uint32_t ifindex;
	struct lb_addr address;
};

/* neighs - those that one batch is about */
struct neighs {
	struct net *net;
	struct net_neigh **list;
	size_t count;
};

static int compare_neigh(const void *key, const void *item)
{
	const struct neigh_key *a = key;
	const struct net_neigh *b = item;

	if (a->ifindex != b->ifindex)
		return a->ifindex > b->ifindex ? 1 : -1;
	return addr_compare(&a->address, &b->address);
}

void net_neigh_init(struct net *net)
{
	net->neighs.compare = compare_neigh;
}

struct net_neigh *net_neigh_get(struct net *net, uint32_t ifindex, const struct lb_addr *address)
{
	struct neigh_key key = { .ifindex = ifindex, .address = *address };
	struct net_neigh *neigh = net_set_find(&net->neighs, &key);

	if (neigh)
		return neigh;
	neigh = calloc(1, sizeof(*neigh));
	if (!neigh)
		return NULL;
	neigh->ifindex = ifindex;
	neigh->address = *address;
	neigh->must_query = true;
	LIST_INIT(&neigh->dests);
	if (net_set_insert(&net->neighs, &key, neigh) < 0) {
		free(neigh);
		return NULL;
	}
	return neigh;
}

/* collect - the neighbours that @is_wanted, into @out; its list is the caller's to free */
static int collect(struct net *net, bool (*is_wanted)(const struct net *, const struct net_neigh *),
		   struct neighs *out)
{
	struct neighs neighs = { .net = net };

	neighs.list = calloc(net->neighs.count + 1, sizeof(struct net_neigh *));
	if (!neighs.list)
		return -ENOMEM;
	for (size_t i = 0; i < net->neighs.count; i++) {
		if (is_wanted(net, net->neighs.items[i]))
			neighs.list[neighs.count++] = net->neighs.items[i];
	}
	*out = neighs;
	return 0;
}

/* ---- what the kernel says ------------------------------------------------ */

static bool is_managed(const struct ndmsg *ndm, const struct nlattr **attrs)
{
	return !(ndm->ndm_state & NUD_FIXED) && attrs[NDA_FLAGS_EXT] &&
	       (mnl_attr_get_u32(attrs[NDA_FLAGS_EXT]) & NTF_EXT_MANAGED);
}

static void apply_mac(struct net_neigh *neigh, const struct nlattr *lladdr)
{
	const uint8_t *mac = mnl_attr_get_payload(lladdr);

	neigh->wait_ms = 0;
	if (neigh->answer == NET_KNOWN && memcmp(neigh->mac, mac, 6) == 0)
		return;
	memcpy(neigh->mac, mac, 6);
	neigh->answer = NET_KNOWN;
	net_hop_mark_neigh(neigh);
}

/* apply - take over one entry as the kernel has it; FAILED only where @is_certain */
static void apply(struct net_neigh *neigh, const struct nlmsghdr *nlh, bool is_certain)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[NDA_MAX + 1];
	const struct nlattr *mark;

	net_rtnl_parse(nlh, sizeof(*ndm), attrs, NDA_MAX);
	mark = attrs[NDA_PROTOCOL];
	neigh->is_fixed = ndm->ndm_state & NUD_FIXED;
	neigh->is_managed = is_managed(ndm, attrs);
	neigh->is_ours = neigh->is_managed && mark && mnl_attr_get_u8(mark) == NET_PROTOCOL;
	if ((ndm->ndm_state & NUD_USABLE) && attrs[NDA_LLADDR] &&
	    mnl_attr_get_payload_len(attrs[NDA_LLADDR]) == 6) {
		apply_mac(neigh, attrs[NDA_LLADDR]);
	} else if ((ndm->ndm_state & NUD_FAILED) && is_certain) {
		if (neigh->answer == NET_SILENT)
			return;
		neigh->answer = NET_SILENT;
		net_hop_mark_neigh(neigh);
	}
}

static bool must_query(const struct net *net, const struct net_neigh *neigh)
{
	(void)net;
	return neigh->must_query;
}

static void build_query(void *arg, size_t i, struct nlmsghdr *nlh)
{
	const struct neighs *neighs = arg;
	const struct net_neigh *neigh = neighs->list[i];
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	nlh->nlmsg_type = RTM_GETNEIGH;
	ndm->ndm_family = net_rtnl_family(&neigh->address);
	ndm->ndm_ifindex = (int)neigh->ifindex;
	net_rtnl_put_addr(nlh, NDA_DST, &neigh->address);
}

static void answer_query(void *arg, size_t i, int err, const struct nlmsghdr *nlh)
{
	struct neighs *neighs = arg;
	struct net_neigh *neigh = neighs->list[i];

	(void)err; /* whatever it is: there is no entry to be read */
	neigh->must_query = false;
	if (nlh) {
		apply(neigh, nlh, true);
		return;
	}
	neigh->is_fixed = false;
	neigh->is_managed = false;
	neigh->is_ours = false;
}

static int query(struct net *net)
{
	struct neighs neighs;
	AUTO_FREE struct net_neigh **list = NULL;
	struct net_batch batch = { .build = build_query, .answer = answer_query, .arg = &neighs };
	int err = collect(net, must_query, &neighs);

	if (err)
		return err;
	list = neighs.list;
	batch.count = neighs.count;
	return net_rtnl_batch(&net->rtnl, &batch);
}

/* ---- what we ask of it --------------------------------------------------- */

/* needs_asking - not resolved, or not kept so; time apart */
static bool needs_asking(const struct net *net, const struct net_neigh *neigh)
{
	const struct net_iface *iface = net_link_find(net, neigh->ifindex);

	/* a daemon that manages the entry itself (is_managed, not ours) is left to it */
	if (neigh->is_fixed || (neigh->is_managed && !neigh->is_ours))
		return false;
	if (!iface || !iface->link.is_up || LIST_EMPTY(&neigh->dests))
		return false;
	return !neigh->is_managed || neigh->answer != NET_KNOWN;
}

static bool must_ask(const struct net *net, const struct net_neigh *neigh)
{
	return needs_asking(net, neigh) && net_now_ms() >= neigh->next_ask_ms;
}

/*
 * put_change - a neighbour request that changes flags and nothing else
 * NTF_USE makes the kernel ask. It also makes a permanent entry an ordinary one: never for those.
 */
static void put_change(struct nlmsghdr *nlh, const struct net_neigh *neigh, uint8_t flags)
{
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	nlh->nlmsg_type = RTM_NEWNEIGH;
	nlh->nlmsg_flags |= NLM_F_ACK;
	ndm->ndm_family = net_rtnl_family(&neigh->address);
	ndm->ndm_ifindex = (int)neigh->ifindex;
	ndm->ndm_state = NUD_NONE;
	ndm->ndm_flags = NTF_USE | flags;
	net_rtnl_put_addr(nlh, NDA_DST, &neigh->address);
}

static void build_ask(void *arg, size_t i, struct nlmsghdr *nlh)
{
	const struct neighs *neighs = arg;

	put_change(nlh, neighs->list[i], NTF_EXT_LEARNED);
	nlh->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
	mnl_attr_put_u32(nlh, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
	mnl_attr_put_u8(nlh, NDA_PROTOCOL, NET_PROTOCOL);
}

static void answer_ask(void *arg, size_t i, int err, const struct nlmsghdr *nlh)
{
	struct neighs *neighs = arg;
	struct net_neigh *neigh = neighs->list[i];
	unsigned wait_ms = neigh->wait_ms ? neigh->wait_ms * 2 : ASK_MIN_MS;

	(void)nlh;
	neigh->wait_ms = wait_ms < ASK_MAX_MS ? wait_ms : ASK_MAX_MS;
	neigh->next_ask_ms = net_now_ms() + neigh->wait_ms;
	neigh->is_managed = err == 0;
	neigh->is_ours = err == 0;
}

static int ask(struct net *net)
{
	struct neighs neighs;
	AUTO_FREE struct net_neigh **list = NULL;
	struct net_batch batch = { .build = build_ask, .answer = answer_ask, .arg = &neighs };
	int err = collect(net, must_ask, &neighs);

	if (err)
		return err;
	list = neighs.list;
	batch.count = neighs.count;
	return net_rtnl_batch(&net->rtnl, &batch);
}

int net_neigh_resolve(struct net *net)
{
	int err = query(net);

	if (!err)
		err = ask(net);
	if (err)
		return err;
	for (size_t i = 0; i < net->neighs.count; i++) {
		if (needs_asking(net, net->neighs.items[i])) {
			net_schedule(net, ASK_MIN_MS);
			break;
		}
	}
	return 0;
}

/* ---- letting go ---------------------------------------------------------- */

static bool is_orphan(const struct net *net, const struct net_neigh *neigh)
{
	(void)net;
	return LIST_EMPTY(&neigh->dests);
}

static bool must_release(const struct net *net, const struct net_neigh *neigh)
{
	return is_orphan(net, neigh) && neigh->is_ours;
}

static void build_release(void *arg, size_t i, struct nlmsghdr *nlh)
{
	const struct neighs *neighs = arg;

	put_change(nlh, neighs->list[i], 0);
}

static void answer_release(void *arg, size_t i, int err, const struct nlmsghdr *nlh)
{
	/* where the entry or its link is gone, so is what we asked for */
	(void)arg;
	(void)i;
	(void)err;
	(void)nlh;
}

static void free_orphans(struct net *net)
{
	size_t kept = 0;

	for (size_t i = 0; i < net->neighs.count; i++) {
		struct net_neigh *neigh = net->neighs.items[i];

		if (is_orphan(net, neigh))
			free(neigh);
		else
			net->neighs.items[kept++] = neigh;
	}
	net->neighs.count = kept;
}

int net_neigh_release(struct net *net)
{
	struct neighs neighs;
	AUTO_FREE struct net_neigh **list = NULL;
	struct net_batch batch = { .build = build_release,
				   .answer = answer_release,
				   .arg = &neighs };
	int err = collect(net, must_release, &neighs);

	if (err)
		return err;
	list = neighs.list;
	batch.count = neighs.count;
	err = net_rtnl_batch(&net->rtnl, &batch);
	if (err)
		return err;
	free_orphans(net);
	return 0;
}

void net_neigh_free(struct net *net)
{
	net_neigh_release(net);
	for (size_t i = 0; i < net->neighs.count; i++)
		free(net->neighs.items[i]);
	net_set_clear(&net->neighs);
}

/* ---- news ---------------------------------------------------------------- */

void net_neigh_ask_soon(struct net *net, uint32_t ifindex)
{
	for (size_t i = 0; i < net->neighs.count; i++) {
		struct net_neigh *neigh = net->neighs.items[i];

		if (neigh->ifindex != ifindex)
			continue;
		neigh->must_query = true;
		neigh->wait_ms = 0;
		neigh->next_ask_ms = 0;
	}
}

void net_neigh_query_all(struct net *net)
{
	for (size_t i = 0; i < net->neighs.count; i++)
		((struct net_neigh *)net->neighs.items[i])->must_query = true;
}

void net_neigh_on_news(struct net *net, const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct neigh_key key = { .ifindex = (uint32_t)ndm->ndm_ifindex };
	const struct nlattr *attrs[NDA_MAX + 1];
	struct net_neigh *neigh;

	if (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6)
		return; /* a bridge's forwarding table */
	net_rtnl_parse(nlh, sizeof(*ndm), attrs, NDA_MAX);
	if ((ndm->ndm_flags & NTF_PROXY) || !attrs[NDA_DST] ||
	    net_rtnl_get_addr(attrs[NDA_DST], &key.address) < 0)
		return;
	neigh = net_set_find(&net->neighs, &key);
	if (!neigh)
		return;
	if (nlh->nlmsg_type == RTM_NEWNEIGH)
		apply(neigh, nlh, false);
	/* a deletion is announced as FAILED first: look in a moment which of the two it was */
	if (nlh->nlmsg_type == RTM_DELNEIGH || (ndm->ndm_state & NUD_FAILED) ||
	    needs_asking(net, neigh)) {
		neigh->must_query = true;
		net_schedule_quiet(net);
	}
}
