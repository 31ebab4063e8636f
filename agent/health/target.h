/* SPDX-License-Identifier: GPL-2.0-only */
/* Making and unmaking one thing probed. */
#ifndef LEAT_HEALTH_TARGET_H
#define LEAT_HEALTH_TARGET_H

#include "health/probe.h"

/**
 * target_new - a target of @h with its kind of probe opened, in no table and not scheduled
 * @at, @settings: copied
 * @out:           to be freed with target_free()
 * Returns 0, -EINVAL (settings of no kind of probe), -EAFNOSUPPORT (`via: vip` to a backend of the
 * other family), or what opening the kind returned.
 */
int target_new(struct health *h, const struct health_target *at,
	       const struct model_health *settings, struct target **out);

/** target_free - @t, which has no probe in flight and is not scheduled */
void target_free(struct target *t);

/**
 * target_socket - a socket for a probe of @t, which is then to connect (or send) to t->to
 * @type: SOCK_STREAM, SOCK_DGRAM, ...
 * Non-blocking, close-on-exec, of the family of t->to; with `via: vip` one whose packets go the way
 * of the service's (one at a time). The caller closes it. Returns the socket, or -errno.
 */
int target_socket(struct target *t, int type);

/** target_ping_socket - the same for ICMP echo, whose id the kernel sets (icmp(7)); not for raw
 * ones
 */
int target_ping_socket(struct target *t);

/** target_format_to - t->to as text, with its port, into @buf of ADDR_PORT_STRLEN bytes; returns
 * @buf */
char *target_format_to(const struct target *t, char *buf);

/** target_is_at - whether @t is what @at says, as far as a probe can tell */
bool target_is_at(const struct target *t, const struct health_target *at);

/** target_inherit - let @t, which knows nothing, go on with what is known of @old, the same backend
 */
void target_inherit(struct target *t, const struct target *old);

#endif
