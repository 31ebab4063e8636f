/* SPDX-License-Identifier: GPL-2.0-only */
/* The network namespace of `via: vip`, with a TUN device that takes and gives all its packets. */
#ifndef LEAT_HEALTH_PATH_SPACE_H
#define LEAT_HEALTH_PATH_SPACE_H

#include <stddef.h>

#include "leat_abi.h"

#define PATH_SOURCES 64 /* addresses of the gateway that probes may have */

/** struct path_space - descriptors hold it; nothing of it has a name, so it ends with the agent */
struct path_space {
	int home_fd; /* the namespace of the agent; -1: nothing is open */
	int away_fd;
	int tun_fd;			      /* packets with a struct virtio_net_hdr before them */
	int control_v4;			      /* sockets for ioctl() */
	int control_v6;			      /* -1: a kernel without IPv6 */
	struct lb_addr sources[PATH_SOURCES]; /* zero: a free place */
};

/** PATH_SPACE_CLOSED - to initialize one */
#define PATH_SPACE_CLOSED                                                                          \
	((struct path_space) {                                                                     \
		.home_fd = -1, .away_fd = -1, .tun_fd = -1, .control_v4 = -1, .control_v6 = -1 })

/** path_space_open - make it; 0, -ENODEV (no /dev/net/tun), -ENOPKG (not allowed), -errno; on
 * failure it is closed */
int path_space_open(struct path_space *space);

/** path_space_close - sockets made in it live until they are closed */
void path_space_close(struct path_space *space);

/** path_space_socket - socket(2) there; a socket or -errno */
int path_space_socket(const struct path_space *space, int family, int type, int protocol);

/** path_space_add_source - let sockets there have @source; 0 (also where they may already),
 * -ENOSPC, -errno */
int path_space_add_source(struct path_space *space, const struct lb_addr *source);

/** path_space_del_source - @address is another's from now on; nothing where it is none of these */
void path_space_del_source(struct path_space *space, const struct lb_addr *address);

#endif
