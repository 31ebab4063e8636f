/* SPDX-License-Identifier: GPL-2.0-only */
/* Making and unmaking one thing probed. */
#ifndef LEAT_HEALTH_TARGET_H
#define LEAT_HEALTH_TARGET_H

#include "health/probe.h"

/**
 * target_new - a target of @h with its kind of probe opened, in no table and not scheduled
 * @port:     the backend's, host order; @settings (copied) may name another
 * @out:      to be freed with target_free()
 * Returns 0, -EINVAL (settings of no kind of probe), -ENAMETOOLONG (host), -ENOMEM.
 */
int target_new(struct health *h, const struct lb_addr *address, unsigned port,
	       const struct model_health *settings, struct target **out);

/** target_free - @t, which has no probe in flight and is not scheduled */
void target_free(struct target *t);

/** target_is_at - whether @t is the backend at @address and @port */
bool target_is_at(const struct target *t, const struct lb_addr *address, unsigned port);

/** target_inherit - let @t go on with what is known of @old, the same backend */
void target_inherit(struct target *t, const struct target *old);

#endif
