/* SPDX-License-Identifier: GPL-2.0-only */
/* Effective weights: what a scheduler is told, from what is configured and what is observed. Pure.
 */
#ifndef LEAT_PLAN_WEIGH_H
#define LEAT_PLAN_WEIGH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/config.h"

#define WEIGH_UNIT 1000 /* effective weight of a backend of weight 1, all else being well */

enum weigh_panic { WEIGH_CALM, WEIGH_PANIC_OPEN, WEIGH_PANIC_CLOSED };

/** struct weigh_backend - one backend as it stands */
struct weigh_backend {
	unsigned weight; /* configured */
	unsigned group;	 /* index of the groups; 0 where there are none */
	bool counts;	 /* is of the configuration and neither drained nor leaving: capacity */
	bool is_healthy; /* of what counts: may take newcomers; false while ejected or held down */
	unsigned agent_percent;	  /* of the weight, by its agent check; 100 where there is none */
	unsigned ramp_permille;	  /* slow start; 1000 when over */
	unsigned factor_permille; /* adaptive; 1000 where it does not apply */
	uint32_t effective;	  /* out: 0: takes no newcomers */
};

/** struct weigh_policy - of one service */
struct weigh_policy {
	const struct model_group *groups; /* NULL: none */
	size_t group_count;
	struct model_panic panic;
	unsigned spill_percent;
};

/** struct weigh_group - what became of one group; for status */
struct weigh_group {
	uint64_t total;	    /* configured weight that counts */
	uint64_t healthy;   /* of that; in an open panic all, in a closed one nothing */
	unsigned share_ppm; /* of the service's new connections */
};

/**
 * weigh_panic - whether too few are healthy; decided before any generation moves
 * Share of healthy weight among all groups that are no backup, below threshold_percent. One whose
 * agent check says 0 % is not healthy here. Backups that are healthy are used before the last is
 * gone: with nobody else healthy and a healthy backup there is no panic.
 */
enum weigh_panic weigh_panic(const struct weigh_policy *policy, const struct weigh_backend *be,
			     size_t n);

/**
 * weigh_backends - fill in @be[].effective
 * @panic:  open: those that count are taken as healthy, and an agent's 0 % as 1 %; closed: all get
 *          0. Without panic an agent's 0 % takes no newcomers, and counts as not healthy
 * @shares: group_count entries, filled; NULL: not wanted
 *
 * Groups: u = min(1, (healthy / total) / spill_percent). Priorities in order, each group with the
 * share w of its priority's weights: a priority takes L = left x sum(w u), its groups split L by
 * w u, and left -= L; the last priority's rest is spread over all in proportion. Backup groups
 * share what there is, in the same way, when no other has a healthy backend. A group of which
 * nothing counts is left out: drained, not lost. Within a group shares go by weight x agent_percent
 * x ramp x factor. A backend with any share has an effective weight of at least 1.
 * Returns 0, or -ENOMEM with nothing filled in.
 */
int weigh_backends(const struct weigh_policy *policy, enum weigh_panic panic,
		   struct weigh_backend *be, size_t n, struct weigh_group *shares);

/**
 * weigh_differ - whether @now is worth a new table: somebody came or went, or an effective weight's
 * share of the sum changed by more than @hysteresis_percent of itself
 */
bool weigh_differ(const uint32_t *was, const uint32_t *now, size_t n, unsigned hysteresis_percent);

#endif
