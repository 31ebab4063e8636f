/* SPDX-License-Identifier: GPL-2.0-only */
/* The only user of netlink: interfaces, routes, neighbours, VIP addresses on lo. */
#ifndef LEAT_NET_NET_H
#define LEAT_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "leat_abi.h"

struct event_base;
struct net;

/** struct net_hop - how a backend is reached at layer 2; ifindex 0: it is not, see reason */
struct net_hop {
	uint32_t ifindex;
	uint8_t dst_mac[6]; /* of the backend, or of the router before it */
	uint8_t src_mac[6]; /* of the interface */
	char reason[96];    /* "no route to 10.0.0.11", "10.0.0.1 on eth1 does not answer ARP" */
};

/** struct net_link - one interface */
struct net_link {
	uint32_t ifindex; /* 0: absent */
	uint8_t mac[6];
	uint32_t mtu;
	bool is_up;
};

struct net_callbacks {
	/*
	 * the next hop of a watched address changed, or became known, or was lost (ifindex 0);
	 * while a new one is being asked for, nothing: the one told last may be used until then
	 */
	void (*on_hop)(void *arg, uint32_t token, const struct net_hop *hop);
	/* an interface came, went, or changed (up, MAC, MTU) */
	void (*on_link)(void *arg, const char *name, const struct net_link *link);
	void *arg;
};

/** net_new - opens and subscribes; NULL and errno on failure */
struct net *net_new(struct event_base *base, const struct net_callbacks *callbacks);

/**
 * net_watch - keep the next hop of @address resolved
 * @token: the caller's name of it (backend id)
 * The route is looked up, the neighbour is found or solicited (an entry in state NONE is asked for
 * by the kernel: NTF_USE), and changes of routes, neighbours and links are followed. Entries going
 * stale are kept in use and refreshed. @on_hop is called from the loop, never from here.
 * Returns 0 or -errno.
 */
int net_watch(struct net *net, uint32_t token, const struct lb_addr *address);

/** net_unwatch - @on_hop is not called for @token any more */
void net_unwatch(struct net *net, uint32_t token);

/**
 * net_get_hop - what is known now; 0 or -ENOENT (not watched)
 * Right after net_watch it asks the kernel, for all new watches at once; what it has in its
 * neighbour table is known from then on.
 */
int net_get_hop(struct net *net, uint32_t token, struct net_hop *out);

/** net_get_link - state of interface @name now; 0 or -ENODEV */
int net_get_link(struct net *net, const char *name, struct net_link *out);

/**
 * net_add_vip - @vip/32 or /128 as an address of this machine, so that ARP and NDP are answered
 * On lo; an IPv6 one inside an interface's prefix on that interface, as NDP needs. It is marked as
 * ours (protocol 76), and put back should it vanish, until net_del_vip or net_free.
 * *@was_there: someone else's address, left alone; false where an earlier agent of ours put it.
 * Returns 0 or -errno.
 */
int net_add_vip(struct net *net, const struct lb_addr *vip, bool *was_there);

/** net_del_vip - take off what net_add_vip put on; 0 (also where it was absent), -errno */
int net_del_vip(struct net *net, const struct lb_addr *vip);

/** net_del_all_vips - whatever any agent put on in this namespace, by its mark; 0, -errno */
int net_del_all_vips(struct net *net);

/** net_free - neighbours go back to the kernel's own care; VIPs stay. NULL is allowed */
void net_free(struct net *net);

#endif
