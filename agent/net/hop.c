/* SPDX-License-Identifier: GPL-2.0-only */
/* Watches and destinations: the next hop of each, or the reason why there is none. */
#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/addr.h"
#include "net/state.h"

static const struct {
	const char *before; /* the address stands between the two */
	const char *after;
} fault_texts[NET_FAULT_COUNT] = {
	[NET_FAULT_NONE] = { "", "" },
	[NET_FAULT_PENDING] = { "route to ", " not looked up yet" },
	[NET_FAULT_NO_ROUTE] = { "no route to ", "" },
	[NET_FAULT_BLACKHOLE] = { "the route to ", " is a blackhole" },
	[NET_FAULT_UNREACHABLE] = { "the route to ", " says unreachable" },
	[NET_FAULT_PROHIBITED] = { "the route to ", " says prohibited" },
	[NET_FAULT_OWN_ADDRESS] = { "", " is this machine's own address" },
	[NET_FAULT_NOT_UNICAST] = { "", " is a broadcast or multicast address" },
	[NET_FAULT_FAILED] = { "route to ", " could not be looked up" },
};

static int compare_watch(const void *key, const void *item)
{
	const uint32_t *token = key;
	const struct net_watch *watch = item;

	return (*token > watch->token) - (*token < watch->token);
}

static int compare_dest(const void *key, const void *item)
{
	const struct net_dest *dest = item;

	return addr_compare(key, &dest->address);
}

void net_hop_init(struct net *net)
{
	net->watches.compare = compare_watch;
	net->dests.compare = compare_dest;
	TAILQ_INIT(&net->queue);
}

/* ---- what the hop is ----------------------------------------------------- */

static void explain_link(const struct net_iface *iface, const struct net_dest *dest,
			 struct net_hop *hop)
{
	char address[ADDR_STRLEN];

	addr_format(&dest->address, address);
	if (!iface)
		snprintf(hop->reason, sizeof(hop->reason), "the interface towards %s is gone",
			 address);
	else if (!iface->link.is_up)
		snprintf(hop->reason, sizeof(hop->reason), "%s, the way to %s, is down",
			 iface->name, address);
	else
		snprintf(hop->reason, sizeof(hop->reason), "%s, the way to %s, is not Ethernet",
			 iface->name, address);
}

static void explain_neigh(const struct net_iface *iface, const struct net_neigh *neigh,
			  struct net_hop *hop)
{
	const char *protocol = addr_is_v4(&neigh->address) ? "ARP" : "NDP";
	char address[ADDR_STRLEN];

	addr_format(&neigh->address, address);
	snprintf(hop->reason, sizeof(hop->reason),
		 neigh->answer == NET_SILENT ? "%s on %s does not answer %s"
					     : "%s on %s has not answered %s yet",
		 address, iface->name, protocol);
}

static void work_out(const struct net *net, struct net_dest *dest, struct net_hop *hop)
{
	const struct net_neigh *neigh = dest->neigh;
	const struct net_iface *iface;
	char address[ADDR_STRLEN];

	dest->is_undecided = dest->fault == NET_FAULT_PENDING;
	*hop = (struct net_hop) {};
	if (dest->fault != NET_FAULT_NONE || !neigh) {
		snprintf(hop->reason, sizeof(hop->reason), "%s%s%s",
			 fault_texts[dest->fault].before, addr_format(&dest->address, address),
			 fault_texts[dest->fault].after);
		return;
	}
	iface = net_link_find(net, neigh->ifindex);
	if (!iface || !iface->link.is_up || iface->hw_type != ARPHRD_ETHER) {
		explain_link(iface, dest, hop);
	} else if (neigh->answer != NET_KNOWN) {
		dest->is_undecided = neigh->answer == NET_ASKED;
		explain_neigh(iface, neigh, hop);
	} else {
		hop->ifindex = neigh->ifindex;
		memcpy(hop->dst_mac, neigh->mac, sizeof(hop->dst_mac));
		memcpy(hop->src_mac, iface->link.mac, sizeof(hop->src_mac));
	}
}

static bool is_same(const struct net_hop *a, const struct net_hop *b)
{
	return a->ifindex == b->ifindex &&
	       memcmp(a->dst_mac, b->dst_mac, sizeof(a->dst_mac)) == 0 &&
	       memcmp(a->src_mac, b->src_mac, sizeof(a->src_mac)) == 0 &&
	       strcmp(a->reason, b->reason) == 0;
}

static void enqueue(struct net *net, struct net_watch *watch)
{
	if (watch->is_queued)
		return;
	watch->is_queued = true;
	TAILQ_INSERT_TAIL(&net->queue, watch, in_queue);
}

void net_hop_refresh(struct net *net)
{
	for (size_t i = 0; i < net->dests.count; i++) {
		struct net_dest *dest = net->dests.items[i];
		struct net_watch *watch;
		struct net_hop hop;

		if (!dest->is_stale)
			continue;
		dest->is_stale = false;
		work_out(net, dest, &hop);
		if (is_same(&hop, &dest->hop))
			continue;
		dest->hop = hop;
		for (watch = LIST_FIRST(&dest->watches); watch; watch = LIST_NEXT(watch, of_dest))
			enqueue(net, watch);
	}
}

void net_hop_deliver(struct net *net)
{
	struct net_watch *watch;

	/* the callee may watch and unwatch: nothing is held across the call */
	while ((watch = TAILQ_FIRST(&net->queue))) {
		struct net_hop hop = watch->dest->hop;

		TAILQ_REMOVE(&net->queue, watch, in_queue);
		watch->is_queued = false;
		if (watch->dest->is_undecided)
			continue; /* queued again when there is something to say */
		if (watch->was_told && is_same(&hop, &watch->told))
			continue;
		watch->was_told = true;
		watch->told = hop;
		if (net->callbacks.on_hop)
			net->callbacks.on_hop(net->callbacks.arg, watch->token, &hop);
	}
}

void net_hop_attach(struct net_dest *dest, struct net_neigh *neigh)
{
	if (dest->neigh)
		LIST_REMOVE(dest, of_neigh);
	dest->neigh = neigh;
	if (neigh)
		LIST_INSERT_HEAD(&neigh->dests, dest, of_neigh);
}

void net_hop_mark_neigh(struct net_neigh *neigh)
{
	struct net_dest *dest;

	for (dest = LIST_FIRST(&neigh->dests); dest; dest = LIST_NEXT(dest, of_neigh))
		dest->is_stale = true;
}

/* ---- who watches --------------------------------------------------------- */

static struct net_dest *get_dest(struct net *net, const struct lb_addr *address)
{
	struct net_dest *dest = net_set_find(&net->dests, address);

	if (dest)
		return dest;
	dest = calloc(1, sizeof(*dest));
	if (!dest)
		return NULL;
	dest->address = *address;
	dest->fault = NET_FAULT_PENDING;
	dest->must_route = true;
	dest->is_stale = true;
	LIST_INIT(&dest->watches);
	if (net_set_insert(&net->dests, address, dest) < 0) {
		free(dest);
		return NULL;
	}
	return dest;
}

static void drop_dest_if_idle(struct net *net, struct net_dest *dest)
{
	if (!LIST_EMPTY(&dest->watches))
		return;
	net_hop_attach(dest, NULL);
	net_set_remove(&net->dests, &dest->address);
	free(dest);
	/* not at once: a reload may want the same neighbour again */
	net_schedule_quiet(net);
}

static int add_watch(struct net *net, uint32_t token, struct net_dest *dest)
{
	struct net_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->token = token;
	watch->dest = dest;
	if (net_set_insert(&net->watches, &token, watch) < 0) {
		free(watch);
		return -ENOMEM;
	}
	LIST_INSERT_HEAD(&dest->watches, watch, of_dest);
	enqueue(net, watch);
	return 0;
}

int net_watch(struct net *net, uint32_t token, const struct lb_addr *address)
{
	struct net_watch *known = net_set_find(&net->watches, &token);
	struct net_dest *dest;
	int err;

	if (known && addr_compare(&known->dest->address, address) == 0)
		return 0;
	dest = get_dest(net, address);
	if (!dest)
		return -ENOMEM;
	if (known)
		net_unwatch(net, token);
	err = add_watch(net, token, dest);
	if (err) {
		drop_dest_if_idle(net, dest);
		return err;
	}
	net_schedule(net, 0);
	return 0;
}

void net_unwatch(struct net *net, uint32_t token)
{
	struct net_watch *watch = net_set_remove(&net->watches, &token);

	if (!watch)
		return;
	if (watch->is_queued)
		TAILQ_REMOVE(&net->queue, watch, in_queue);
	LIST_REMOVE(watch, of_dest);
	drop_dest_if_idle(net, watch->dest);
	free(watch);
}

void net_hop_free(struct net *net)
{
	for (size_t i = 0; i < net->watches.count; i++)
		free(net->watches.items[i]);
	for (size_t i = 0; i < net->dests.count; i++) {
		net_hop_attach(net->dests.items[i], NULL);
		free(net->dests.items[i]);
	}
	net_set_clear(&net->watches);
	net_set_clear(&net->dests);
}
