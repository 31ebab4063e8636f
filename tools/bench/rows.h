/* SPDX-License-Identifier: GPL-2.0-only */
/* The table: which programs, which packets, how many flows, and what each cost. */
#ifndef LEAT_BENCH_ROWS_H
#define LEAT_BENCH_ROWS_H

#include <stdbool.h>

enum row_id {
	ROW_A,
	ROW_B,
	ROW_C,
	ROW_D,
	ROW_D_NEW,
	ROW_E,
	ROW_F,
	ROW_DSR4,
	ROW_DSR4_NAT,
	ROW_DSR4_TAGGED,
	ROW_DSR4_REDIRECT,
	ROW_DSR6,
	ROW_MOVING,
	ROW_NOT_SERVICE,
	ROW_PING,
	ROW_NAT_REQUEST,
	ROW_NAT_STALE,
	ROW_NAT_REPLY,
	ROW_NAT6_REQUEST,
	ROW_NAT_NEW,
	ROW_COUNT,
};

enum column { FLOWS_1, FLOWS_1K, FLOWS_100K, FLOWS_1M, COLUMN_COUNT };

struct rows_options {
	unsigned rounds;  /* at most 100 */
	bool drains;	  /* see wrapper_open() */
	bool is_verbose;  /* quartiles of every figure */
	const char *only; /* TEXT|TEXT: rows whose names contain one of them; NULL: all */
	bool is_listed;	  /* print every source line that a packet walks, with instructions taken */
};

/**
 * rows_measure - all of them in turn, one pair of runs (stub, program) for each figure, @rounds
 * times over; 0 or -errno
 */
int rows_measure(const struct rows_options *options);

/** rows_print - the table */
void rows_print(const struct rows_options *options);

/** rows_ns - nanoseconds a packet, the stub's taken off; NaN where it was not measured */
double rows_ns(enum row_id row, enum column column);

/** struct rows_cell - one figure of the table */
struct rows_cell {
	enum row_id row;
	enum column column;
};

/**
 * rows_ratio - median of the ratios of each round: a machine whose speed changes slows both
 * Returns NaN where either was not measured.
 */
double rows_ratio(const struct rows_cell *figure, const struct rows_cell *reference);

/** rows_calls - calls that a packet meets on its way through the shipped program; -1: not walked */
int rows_calls(enum row_id row);

/** rows_verified - instructions that the verifier walked for the shipped program, all features on
 */
unsigned rows_verified(void);

#endif
