/* SPDX-License-Identifier: GPL-2.0-only */
/* The filter of a packet socket of `via: vip`: a classic BPF program, made for the VIPs in use.
 * Pure.
 */
#ifndef LEAT_HEALTH_PATH_FILTER_H
#define LEAT_HEALTH_PATH_FILTER_H

#include <linux/filter.h>
#include <stddef.h>

#include "leat_abi.h"

#define PATH_FILTER_VIPS                                                                           \
	200 /* more: ports alone decide. net.core.optmem_max bounds it, 20 KB before 6.9 */
#define PATH_FILTER_MAX 512 /* instructions */

/**
 * path_filter_build - let pass what replies to probes may be, and little else
 * Ethernet frames to this machine: TCP and UDP to a probe's port and echo replies to a probe's id,
 * from one of @vips; ICMP errors about packets to one of them. Of an address its last 32 bits are
 * compared: the reader looks at all of it.
 * @vips: @count of them, of both families
 * @out:  PATH_FILTER_MAX instructions
 * Returns how many there are.
 */
size_t path_filter_build(const struct lb_addr *vips, size_t count, struct sock_filter *out);

#endif
