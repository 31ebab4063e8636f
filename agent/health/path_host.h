/* SPDX-License-Identifier: GPL-2.0-only */
/* What `via: vip` asks of the gateway's own network. */
#ifndef LEAT_HEALTH_PATH_HOST_H
#define LEAT_HEALTH_PATH_HOST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "leat_abi.h"

struct sock_fprog;

/** union path_sockaddr - for bind(2) and its like */
union path_sockaddr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/** path_sockaddr_set - @address and @port (host order); returns the length */
socklen_t path_sockaddr_set(union path_sockaddr *to, const struct lb_addr *address, unsigned port);

/** path_host_source - the address that this machine talks to @address from; 0 or -errno (no route)
 */
int path_host_source(const struct lb_addr *address, struct lb_addr *out);

/** path_host_has - whether @address is this machine's own, whatever net.ipv4.ip_nonlocal_bind says
 */
bool path_host_has(const struct lb_addr *address);

/**
 * path_host_guard - a socket that takes no packet, so that the kernel answers none to this port
 * @type: SOCK_STREAM or SOCK_DGRAM
 * Returns it, -EADDRINUSE, or -errno.
 */
int path_host_guard(const struct lb_addr *address, unsigned port, int type);

/**
 * path_host_tap - a packet socket on one interface
 * Frames that @filter lets pass, whole, and frames to send, each behind a struct virtio_net_hdr.
 * Returns it, or -errno.
 */
int path_host_tap(uint32_t ifindex, const struct sock_fprog *filter);

#endif
