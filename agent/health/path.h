/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of `via: vip`: a probe's packets go as clients' packets go, to the VIP as IP address and
 * to the backend's next hop as Ethernet address; so a backend that lost its VIP is found down.
 *
 * An ordinary socket cannot do that: the VIP is this machine's own address, and where it is not,
 * one address stands for all backends. So probes have sockets in a network namespace of their own:
 *
 *     socket --- kernel's TCP, UDP, ICMP --- TUN device          in the namespace, which has no
 *                                             |                  name and ends with the agent
 *     backend --- interface --- packet socket +--- the agent     in the gateway's network
 *
 * What comes out of the TUN device is framed for the next hop of its flow, which its source port
 * tells, and sent by a packet socket. Replies come from the VIP to the gateway's address on that
 * interface; a filter on the packet socket copies them, and they go back into the TUN device.
 *
 * - The gateway's kernel sees those replies too. Where the VIP is its own, it drops them as martian
 *   (IPv6: answers itself). Where not (`vip_address: none`, a standby), it would reset the
 *   connection: a socket on the same port that takes no packet keeps it silent.
 * - Packets live for two hops, pings for one. A backend may pass them on to a container; where it
 *   lacks the VIP and routes them back, the balancer drops them for their age, and no other backend
 *   can answer for it.
 * - The source address is the gateway's own towards the backend, so that it answers directly.
 *
 * Not for datagrams that need fragments: requests of up to 1352 bytes and what comes back in one.
 */
#ifndef LEAT_HEALTH_PATH_H
#define LEAT_HEALTH_PATH_H

#include "leat_abi.h"

struct event_base;
struct path;
struct path_flow;
struct target_hop;

/** path_new - nothing is opened before the first path_socket(); @base must outlive it. NULL: no
 * memory */
struct path *path_new(struct event_base *base);

/** path_free - all flows have been released; NULL is allowed */
void path_free(struct path *path);

/**
 * path_add_flow - a way to one backend of @vip
 * @backend: its address, of the same family: the route to it decides the source of probes
 * @hop:     where its packets go; read whenever one is sent, so it may change at any time; it stays
 *           the caller's and must outlive the flow
 * Returns 0, -EAFNOSUPPORT (families differ), -ENOMEM.
 */
int path_add_flow(struct path *path, const struct lb_addr *vip, const struct lb_addr *backend,
		  const struct target_hop *hop, struct path_flow **out);

/** path_release - @flow is over, and its sockets are closed: their last packets are sent. NULL is
 * allowed */
void path_release(struct path_flow *flow);

/**
 * path_socket - a socket whose packets go the way of @flow, bound, not connected
 * @type:     SOCK_STREAM or SOCK_DGRAM
 * @protocol: 0, or IPPROTO_ICMP or IPPROTO_ICMPV6 for a ping socket
 * One at a time: the next one of a flow takes the way from the last.
 * Returns the socket (non-blocking, close-on-exec; the caller closes it), or
 * -ENXIO (no next hop yet), -EDESTADDRREQ (none for seconds), -ENOTUNIQ (no address of this machine
 * but the VIP itself leads to the backend), -EADDRNOTAVAIL (no port is left), -ENODEV (no
 * /dev/net/tun), -ENOPKG (may not make a network namespace, a TUN device or a packet socket), or
 * what the kernel said.
 */
int path_socket(struct path_flow *flow, int type, int protocol);

#endif
