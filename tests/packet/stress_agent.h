/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent of the stress test: moves, fails and returns backends at random, restarts now and
 * then, and lets plan/slots.c say what to write. Times are shrunk to fractions of a second.
 */
#ifndef LEAT_TESTS_STRESS_AGENT_H
#define LEAT_TESTS_STRESS_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dataplane.h"
#include "leat_abi.h"
#include "plan/slots.h"

#define STRESS_TABLE	199 /* slots a service */
#define STRESS_BACKENDS 4   /* a service */

/* In milliseconds. d must outlast the longest time for which a CPU may stand still. */
#define STRESS_T	 100
#define STRESS_HANDSHAKE 100 /* from the first SYN to the ACK, from a FIN to the last data */
#define STRESS_RESEND	 60  /* from the first SYN to the last */
#define STRESS_GRAIN	 8
#define STRESS_D	 200

enum stress_kind { STRESS_TCP, STRESS_UDP, STRESS_TRACKED, STRESS_KINDS };

/** struct stress_service - one of each kind; its backends are first_id and those after it */
struct stress_service {
	struct lb_service row;
	uint16_t first_id;
	uint16_t target[STRESS_TABLE];
	struct slots_memory memory[STRESS_TABLE];
	struct slots_times times;
	uint32_t named_at[STRESS_BACKENDS]; /* clock when a slot last named it */
};

/** struct stress_counts - what the agent has done */
struct stress_counts {
	unsigned moves; /* slots handed over */
	unsigned settles;
	unsigned refused_settles;
	unsigned failures;
	unsigned returns;
	unsigned restarts;
	unsigned freed; /* records, by sweeps */
};

struct stress_agent {
	struct dataplane *dp;
	char pin_dir[64];
	int family;
	struct stress_service services[STRESS_KINDS];
	uint16_t generations[LB_MAX_BACKENDS];
	struct stress_counts counts;
	uint64_t random; /* state */
	unsigned ticks;
};

/** stress_random - the next of a reproducible series */
uint32_t stress_random(uint64_t *state);

/** stress_open - a dataplane of its own with room for @max_flows records; 0 or -1 */
int stress_open(struct stress_agent *agent, int family, unsigned max_flows, uint64_t seed);

/** stress_tick - a few milliseconds of an agent's life */
void stress_tick(struct stress_agent *agent);

/** stress_close - everything away again */
void stress_close(struct stress_agent *agent);

#endif
