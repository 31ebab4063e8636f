/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows in two choices of a two-row set: where a key goes (lb_services, lb_replies). Pure. */
#ifndef LEAT_PLAN_PLACE_H
#define LEAT_PLAN_PLACE_H

#include <stdint.h>

#define PLACE_MAX_MOVES 64

/** struct place_move - copy the row at @from to @to, wait d, then clear the row at @from */
struct place_move {
	uint32_t from;
	uint32_t to;
};

/** struct place_table - how the caller's table answers */
struct place_table {
	uint32_t sets; /* a power of two */
	uint32_t ways;
	uint64_t (*hash_at)(const void *arg, uint32_t row); /* of the key in a used row */
	int (*is_used)(const void *arg, uint32_t row);
	const void *arg;
};

/**
 * place_find - a free row for a key of @hash
 * @moves: up to PLACE_MAX_MOVES, to be done first and in this order
 * @count: how many
 * Returns the row's index, or -ENOSPC.
 */
int64_t place_find(const struct place_table *table, uint64_t hash, struct place_move *moves,
		   unsigned *count);

#endif
