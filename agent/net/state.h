/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this room remembers: links, watches -> destinations -> neighbours, VIPs.
 * The kernel is the truth; news (notifications) only says what to ask again.
 * Nothing outside agent/net includes this.
 */
#ifndef LEAT_NET_STATE_H
#define LEAT_NET_STATE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "net/net.h"
#include "net/rtnl.h"
#include "net/set.h"

/* our mark on neighbours and addresses, in the place where routes name their daemon */
#define NET_PROTOCOL 76

/** struct net_iface - one link; told, told_name: what on_link has said of it */
struct net_iface {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	uint16_t hw_type; /* ARPHRD_* */
	bool is_seen;	  /* by the dump that runs now */
	struct net_link link;
	struct net_link told;
	char told_name[IFNAMSIZ];
};

enum net_answer { NET_ASKED, NET_KNOWN, NET_SILENT };

/** struct net_neigh - one entry of the kernel's ARP or NDP table that destinations need */
struct net_neigh {
	uint32_t ifindex;
	struct lb_addr address;
	enum net_answer answer;
	uint8_t mac[6];	 /* of the last answer; used until the kernel says that none comes */
	bool must_query; /* the kernel's entry is to be read again */
	bool is_fixed;	 /* permanent, or a link without ARP: never touch it */
	bool is_managed; /* the kernel keeps it resolved (NTF_EXT_MANAGED) */
	bool is_ours;	 /* because we asked for that */
	unsigned wait_ms;
	uint64_t next_ask_ms;
	LIST_HEAD(net_dest_list, net_dest) dests;
};

/* why a destination has no next hop at all */
enum net_fault {
	NET_FAULT_NONE,
	NET_FAULT_PENDING,
	NET_FAULT_NO_ROUTE,
	NET_FAULT_BLACKHOLE,
	NET_FAULT_UNREACHABLE,
	NET_FAULT_PROHIBITED,
	NET_FAULT_OWN_ADDRESS,
	NET_FAULT_NOT_UNICAST,
	NET_FAULT_FAILED,
	NET_FAULT_COUNT
};

/** struct net_dest - one watched address, however many watch it */
struct net_dest {
	struct lb_addr address;
	enum net_fault fault;
	bool must_route;   /* its route is to be looked up again */
	bool is_stale;	   /* its hop is to be worked out again */
	bool is_undecided; /* no route or neighbour has answered yet, and none has failed to */
	struct net_neigh *neigh;
	LIST_ENTRY(net_dest) of_neigh;
	struct net_hop hop;
	LIST_HEAD(net_watch_list, net_watch) watches;
};

/** struct net_watch - one token */
struct net_watch {
	uint32_t token;
	struct net_dest *dest;
	LIST_ENTRY(net_watch) of_dest;
	bool is_queued; /* on net->queue: its hop may differ from what was told */
	bool was_told;
	TAILQ_ENTRY(net_watch) in_queue;
	struct net_hop told;
};

/** struct net_ifaddr - an address of this machine */
struct net_ifaddr {
	uint32_t ifindex;
	uint8_t prefix_len; /* IPv4: + 96 */
	bool is_ours;
	struct lb_addr address;
};

struct net {
	struct net_callbacks callbacks;
	struct net_rtnl rtnl;
	struct mnl_socket *news;
	struct event *on_news;
	struct event *on_time;

	struct net_set ifaces;	/* net_iface by ifindex */
	struct net_set watches; /* net_watch by token */
	struct net_set dests;	/* net_dest by address: a prefix is a stretch of it */
	struct net_set neighs;	/* net_neigh by ifindex, address */
	struct net_set vips;	/* struct lb_addr: those that we keep */
	TAILQ_HEAD(net_watch_queue, net_watch) queue;

	struct net_ifaddr *ifaddrs;
	size_t ifaddr_count;
	size_t ifaddr_capacity;

	bool is_pending; /* something below, or a must_* or is_stale, waits for net_settle */
	bool lost_news;	 /* the kernel dropped notifications: ask everything again */
	bool ifaddrs_stale;
	bool vips_stale;

	uint64_t first_news_ms; /* of those that wait for a quiet moment; 0: none */
	uint64_t last_news_ms;
	uint64_t due_ms; /* other work; 0: none */
};

/* ---- net.c: when ---- */

uint64_t net_now_ms(void);

/** net_schedule - settle in @delay_ms, or earlier where that is planned */
void net_schedule(struct net *net, unsigned delay_ms);

/** net_schedule_quiet - settle when news has ceased for a moment, though not later than a bound */
void net_schedule_quiet(struct net *net);

/* ---- link.c ---- */

int net_link_init(struct net *net);
/** net_link_dump - read all links; 0 or -errno */
int net_link_dump(struct net *net);
void net_link_on_news(struct net *net, const struct nlmsghdr *nlh);
/** net_link_deliver - calls on_link for what has changed; from the loop only */
void net_link_deliver(struct net *net);
const struct net_iface *net_link_find(const struct net *net, uint32_t ifindex);
/** net_link_loopback - ifindex of lo, or 0 */
uint32_t net_link_loopback(const struct net *net);
void net_link_free(struct net *net);

/* ---- route.c ---- */

/** net_route_resolve - look up the route of every destination that must be; 0 or -errno */
int net_route_resolve(struct net *net);
void net_route_on_news(struct net *net, const struct nlmsghdr *nlh);
/** net_route_forget_all - every route is to be looked up again */
void net_route_forget_all(struct net *net);

/* ---- neigh.c ---- */

void net_neigh_init(struct net *net);
/** net_neigh_get - the entry of @address on @ifindex, made where absent; NULL: no memory */
struct net_neigh *net_neigh_get(struct net *net, uint32_t ifindex, const struct lb_addr *address);
/** net_neigh_resolve - read what must be read, ask for what has no answer; 0 or -errno */
int net_neigh_resolve(struct net *net);
/** net_neigh_release - let go of entries that no destination needs; 0 or -errno */
int net_neigh_release(struct net *net);
/** net_neigh_ask_soon - what waits for an answer on @ifindex need not wait to be asked for */
void net_neigh_ask_soon(struct net *net, uint32_t ifindex);
/** net_neigh_query_all - read all of them again */
void net_neigh_query_all(struct net *net);
void net_neigh_on_news(struct net *net, const struct nlmsghdr *nlh);
void net_neigh_free(struct net *net);

/* ---- hop.c ---- */

void net_hop_init(struct net *net);
/** net_hop_refresh - work out the hops of stale destinations, queue the watches of changed ones */
void net_hop_refresh(struct net *net);
/** net_hop_deliver - calls on_hop for what has changed; from the loop only */
void net_hop_deliver(struct net *net);
/** net_hop_attach - @dest is reached through @neigh (NULL: it is not) */
void net_hop_attach(struct net_dest *dest, struct net_neigh *neigh);
/** net_hop_mark_neigh - the hops that go through @neigh are stale */
void net_hop_mark_neigh(struct net_neigh *neigh);
void net_hop_free(struct net *net);

/* ---- vip.c ---- */

void net_vip_init(struct net *net);
/** net_vip_ensure - put back what has vanished, move what belongs elsewhere; 0 or -errno */
int net_vip_ensure(struct net *net);
void net_vip_on_news(struct net *net, const struct nlmsghdr *nlh);
void net_vip_free(struct net *net);

#endif
