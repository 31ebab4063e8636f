/* SPDX-License-Identifier: GPL-2.0-only */
/* Bounded churn: a table that follows its target by so many slots a time. Pure. */
#ifndef LEAT_PLAN_CHURN_H
#define LEAT_PLAN_CHURN_H

#include <stdbool.h>
#include <stdint.h>

/** struct churn_view - one service */
struct churn_view {
	const uint32_t *words;	/* as they stand: LB_SLOT_CURRENT */
	const uint32_t *stamps; /* beside them; NULL: all CLOSED */
	const uint16_t *wanted; /* the table of the effective weights */
	uint32_t size;
	const bool *may_stay; /* by backend id, LB_MAX_BACKENDS: alive, and takes newcomers */
};

/**
 * churn_step - the target for the next interval
 * @allowed: moves between backends that both may go on, to begin now; what must leave its backend
 *           (dead, drained, leaving, none) is always moved and counts for nothing, as does a slot
 *           in warm-up, which was counted when that began
 * @target:  size ids, filled: the wanted one, or the current where the move must wait
 * @seed:    picks which wait, so that they are spread over the table
 * Returns how many still wait.
 */
uint32_t churn_step(const struct churn_view *view, uint32_t allowed, uint64_t seed,
		    uint16_t *target);

/** churn_allowed - of @size slots, rounded up, at least 1; @size where permille is 1000 */
uint32_t churn_allowed(uint32_t size, unsigned max_moves_permille);

#endif
