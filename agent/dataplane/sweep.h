/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One pass over all records (docs/slots.md, rules 9, 12 and 19): what is valid is
 * counted, what is expired or of a dead backend is freed. Counts of live connections
 * that have drifted are set right ("Counting", same page). Works on any memory.
 */
#ifndef LEAT_DATAPLANE_SWEEP_H
#define LEAT_DATAPLANE_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dataplane.h"
#include "leat_abi.h"

/** struct sweep_count - what the agent remembers of a backend's count; zero at start */
struct sweep_count {
	uint32_t before; /* the count when this sweep began */
	uint32_t freed;	 /* of it, by this sweep */
	uint32_t drift;	 /* found by the last sweep, where the count stood still; 0: none */
	uint16_t generation;
};

/** struct sweep - what is swept, and by which clock */
struct sweep {
	struct lb_flow4_set *flows4;
	struct lb_flow6_set *flows6;
	uint32_t sets4;
	uint32_t sets6;
	const struct lb_backend *backends; /* LB_MAX_BACKENDS rows */
	const struct lb_timers *timers;	   /* LB_SERVICE_IDS rows */
	uint32_t slack;			   /* 2d */
	struct lb_load *loads;	    /* LB_MAX_BACKENDS rows; NULL: the data path keeps no counts */
	struct sweep_count *counts; /* LB_MAX_BACKENDS entries; where there are loads */
	uint32_t ids;		    /* no backend has an id this high */
	bool is_first; /* since counting began: what was there before is nobody's count yet */
	uint32_t (*clock)(void *arg);
	void *arg;
};

/**
 * sweep_flows - judge every record once, then the counts
 * @out:      overwritten
 * @hop_seen: LB_MAX_HOPS flags, zeroed by the caller; set where a record that stays names the hop
 */
void sweep_flows(const struct sweep *sweep, struct dataplane_flows *out, bool *hop_seen);

/** struct sweep_hop - what the agent remembers of a hop between sweeps; zero at start */
struct sweep_hop {
	uint32_t retired_at; /* clock */
	bool is_retired;
};

/** struct sweep_span - clock when the sweep that saw hop_seen began and ended; 2d */
struct sweep_span {
	uint32_t began;
	uint32_t ended;
	uint32_t slack;
};

/**
 * sweep_hops - READY and named by no record: RETIRED (no new record takes it). RETIRED, still
 * named by none in a sweep that began more than 2d later: FREE. Named: READY again.
 * @memory: LB_MAX_HOPS entries; losing it only delays
 */
void sweep_hops(struct lb_hop *hops, struct sweep_hop *memory, const bool *hop_seen,
		const struct sweep_span *span);

#endif
