/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a backend may be alive or dead for the data path (docs/slots.md, rules 5 to 7),
 * and what people are told about it. Pure.
 */
#ifndef LEAT_PLAN_LIFECYCLE_H
#define LEAT_PLAN_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

enum lifecycle_state {
	BACKEND_STARTING, /* no probe has decided */
	BACKEND_UP,
	BACKEND_DOWN,
	BACKEND_DRAINING, /* weight 0 by `drain: true` or weight: 0, still seen */
	BACKEND_DRAINED,  /* nobody is left, or the deadline passed, or it failed while draining */
	BACKEND_LEAVING,  /* no longer in the file; removed when drained */
	BACKEND_EJECTED, /* passive detection: takes no newcomers for a while; those it has go on */
};

/** lifecycle_name - "starting", "up", ... as status shows it */
const char *lifecycle_name(enum lifecycle_state state);

/** struct lifecycle_bumps - how often a generation has changed of late; zero at start */
struct lifecycle_bumps {
	unsigned count;
	uint32_t since; /* clock: where this window began */
};

/**
 * lifecycle_may_bump - whether a dead backend's generation may be raised (rule 6)
 * A record keeps 10 bits of it, and within Tr no value may come back. Any span of Tr touches two
 * windows of Tr at most, and 511 bumps in each are fewer than 1024.
 * @bumps:  the caller counts each bump there; a new window is begun here
 * @record: Tr
 */
bool lifecycle_may_bump(struct lifecycle_bumps *bumps, uint32_t now, uint32_t record);

/** struct lifecycle_input - one backend as it stands; times in clock units */
struct lifecycle_input {
	bool is_healthy;  /* the probe's word; true without a probe */
	bool is_decided;  /* a first probe (or init: up, or adoption) has decided */
	bool wants_drain; /* drain: true, weight 0, or gone from the file */
	bool is_leaving;  /* gone from the file */
	bool is_ejected;  /* takes no newcomers, and is alive or dead as it would be anyway */
	bool has_deadline;
	uint32_t deadline;	/* of the drain */
	uint16_t generation;	/* odd: dead */
	bool is_named;		/* a slot's current or origin has it now */
	uint32_t unnamed_since; /* clock of the last write that removed it */
	bool is_quiet;		/* a whole sweep of the flow table found no valid record of it */
	uint32_t quiet_since;
};

/** struct lifecycle_output - what to do, in this order: bump, then weigh, later remove */
struct lifecycle_output {
	bool bump_generation; /* dead now (before any slot), or alive again (before any slot) */
	bool takes_newcomers; /* has its weight in the table; else weight 0 */
	bool remove;	      /* leaving, drained, unnamed for longer than d: free the row */
	enum lifecycle_state state;
};

/**
 * lifecycle_step - what one backend is to be now
 * @now:    clock
 * @d:      the bound of one packet's stay in the data path
 * @settle: how long no valid record may have named it before its drain is done: Ts; 0 for a
 *          tracked service, where the records are all there is
 * A drain that is done leaves the backend alive, so that it comes back by an ordinary move; one
 * that its deadline ended, or whose backend failed, leaves it dead. One that leaves always ends
 * dead, before its row is freed.
 */
void lifecycle_step(const struct lifecycle_input *in, uint32_t now, uint32_t d, uint32_t settle,
		    struct lifecycle_output *out);

#endif
