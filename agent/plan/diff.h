/* SPDX-License-Identifier: GPL-2.0-only */
/* What a reload changes. Pure. */
#ifndef LEAT_PLAN_DIFF_H
#define LEAT_PLAN_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "model/config.h"

enum diff_kind { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };

/** struct diff_change - one line of the plan */
struct diff_change {
	enum diff_kind kind;
	char *object;  /* "service web", "backend web/web2", "interface gw0", "timers", "limits" */
	char *detail;  /* "weight 1 -> 3"; "" where the kind says all */
	char *risk;    /* not NULL: needs --force, and why */
	char *refusal; /* not NULL: cannot be done live, and what would be right */
	bool changes_slots;
};

struct diff {
	struct diff_change *list;
	size_t count;
};

/**
 * diff_configs - from the running configuration to the next
 * Services are the same when VIP, port and protocol are; backends when address and port are.
 * What moves connections needs force: forward, tracking, table size, a scheduler that hashes for
 * one that does not or that hashes something else, and source_prefix6 where that is hashed; the
 * risk says whether connections with a record stay. max_slots, max_flows, max_affinities and
 * hash_key that do not fit the running ones are refused.
 * @out: zeroed by the caller; freed with diff_free
 * Returns 0 or -ENOMEM.
 */
int diff_configs(const struct model_config *running, const struct model_config *next,
		 struct diff *out);

void diff_free(struct diff *diff);

#endif
