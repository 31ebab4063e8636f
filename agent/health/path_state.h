/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside `via: vip`: what path.c (sockets) and path_tap.c (packets) share. */
#ifndef LEAT_HEALTH_PATH_STATE_H
#define LEAT_HEALTH_PATH_STATE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "health/path_filter.h"
#include "health/path_packet.h"
#include "health/path_space.h"
#include "leat_abi.h"

#define PATH_PACKET_MAX 65536 /* replies may come merged (GRO) */

struct event;
struct event_base;
struct target_hop;

/** struct path_tap - the packet socket of one interface */
struct path_tap {
	LIST_ENTRY(path_tap) link;
	struct path *path;
	uint32_t ifindex; /* 0: its interface has gone */
	int fd;
	struct event *event;
	unsigned users;
};

/** struct path_flow - the way to one backend */
struct path_flow {
	LIST_ENTRY(path_flow) link;
	struct path *path;
	struct path_tap *tap; /* of the last socket's interface; NULL before the first */
	struct lb_addr vip;
	struct lb_addr backend;
	struct lb_addr source; /* of the last socket */
	unsigned port;	       /* of the last socket; 0: none */
	int guard_fd;	       /* -1: none */
	const struct target_hop *hop;
	uint64_t since_ms; /* CLOCK_MONOTONIC */
	bool had_hop;
};

/** struct path - all of them */
struct path {
	struct event_base *base;
	struct path_space space;
	struct event *tun_event;
	LIST_HEAD(path_taps, path_tap) taps;
	LIST_HEAD(path_flows, path_flow) flows;
	struct path_flow *owners[PATH_PORTS]; /* by port */
	unsigned next_port;
	int open_err;
	uint64_t open_err_ms; /* CLOCK_MONOTONIC */
	bool is_filter_stale;
	struct sock_filter insns[PATH_FILTER_MAX];
	struct sock_fprog filter;
	uint8_t packet[PATH_PACKET_MAX];
};

/** path_tap_use - open the packet socket of the interface that @flow's next hop is on, unless it is
 * open; 0, -ENOPKG (not allowed), -errno */
int path_tap_use(struct path_flow *flow);

/** path_tap_leave - close it, where no other flow uses it */
void path_tap_leave(struct path_flow *flow);

/** path_tap_refresh - filters for the VIPs of all flows; 0 or -errno */
int path_tap_refresh(struct path *path);

/** path_tap_forward - send what has come out of the TUN device, so many packets at most as fit a
 * turn of the loop; nothing where it is closed */
void path_tap_forward(struct path *path);

#endif
