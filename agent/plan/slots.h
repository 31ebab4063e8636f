/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent's half of the slot protocol (docs/slots.md, rules 1 to 8 and 10) for one
 * service, as a pure function: what the words and stamps are now -> the stores to make.
 */
#ifndef LEAT_PLAN_SLOTS_H
#define LEAT_PLAN_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leat_abi.h"

enum slots_op_kind {
	SLOTS_OP_WORD,	 /* store @word */
	SLOTS_OP_STAMP,	 /* store @stamp */
	SLOTS_OP_SETTLE, /* CAS(stamp, @seen, CLOSED); where that succeeds store @word, then, where
			    @stamp is not 0, stamp := @stamp */
};

/** struct slots_op - one step; the executor keeps their order, and stores nothing else between */
struct slots_op {
	enum slots_op_kind kind;
	uint32_t slot; /* index within the service */
	uint32_t word;
	uint32_t stamp;
	uint32_t seen;
};

/** struct slots_memory - what the agent remembers of one slot; zero at start, and losing it breaks
 * nothing */
struct slots_memory {
	uint32_t since;	  /* clock: what is_warming or is_waiting counts from */
	uint16_t pending; /* warming: the target, 0: nobody; UDP waiting: whose word it was */
	bool is_warming;  /* TCP: no move by plan before W has passed */
	bool is_waiting;  /* towards move_deadline */
};

/** struct slots_times - in clock units */
struct slots_times {
	uint32_t warm_up;	/* W */
	uint32_t settle;	/* Ts */
	uint32_t slack;		/* 2d */
	uint32_t move_deadline; /* TCP: of all moves together, UDP: of each word; then a slot
				   need not be quiet to settle; 0: none */
};

/** struct slots_view - one service as it stands */
struct slots_view {
	const uint32_t *words; /* size words, read once each */
	const uint32_t *stamps;
	uint32_t size;
	const uint16_t *target; /* size backend ids; 0, or one that is dead: nobody (no heir) */
	const uint16_t *
		generations; /* by backend id, LB_MAX_BACKENDS; odd: dead. Bumped before the call */
	bool is_udp;
	bool is_tracked;
	struct slots_times times;
};

/** struct slots_counts - what stands after the step; a settle counts once the next step sees it */
struct slots_counts {
	uint32_t moving;     /* words with moving = 1 */
	uint32_t unfinished; /* slots whose current is not their target, or that move: call again
				later */
};

/**
 * slots_step - everything that may be done now
 * @memory: size entries; updated
 * @now:    clock, 32 bits
 * @emit:   called for each operation, in order; must not fail
 * The words of a slot are written only by the caller that executes these operations.
 */
void slots_step(const struct slots_view *view, struct slots_memory *memory, uint32_t now,
		void (*emit)(void *arg, const struct slots_op *op), void *arg,
		struct slots_counts *counts);

/**
 * slots_restart - rule 8, once, before the first step after an adoption
 * Words in mid-settle are finished, warm-ups begin anew.
 */
void slots_restart(const struct slots_view *view, struct slots_memory *memory, uint32_t now,
		   void (*emit)(void *arg, const struct slots_op *op), void *arg);

/**
 * slots_execute - carry out one operation on the live (or any) memory, with release stores
 * @words, @stamps: of the service
 * Returns true, or false where a settle was refused because the stamp had changed.
 */
bool slots_execute(const struct slots_op *op, uint32_t *words, uint32_t *stamps);

#endif
