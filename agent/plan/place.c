/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two choices of set for each key, as in cuckoo hashing. Where both are full, a row of one of
 * them goes to its own other set; the search for a chain of such moves is breadth first, so the
 * chain found is a shortest one, and half full tables need hardly ever more than one move.
 */
#include "plan/place.h"

#include <errno.h>
#include <stdbool.h>

#include "leat_abi.h"

#define MAX_VISITED 512 /* sets looked at before giving up */
#define NO_PARENT   (-1)

/* A set reached in the search, and the row whose move leads to it. */
struct visit {
	uint32_t set;
	uint32_t from; /* row in the parent's set */
	int parent;    /* index of the visit that leads here */
};

struct search {
	const struct place_table *table;
	struct visit visits[MAX_VISITED];
	int count;
};

static bool is_visited(const struct search *search, uint32_t set)
{
	for (int i = 0; i < search->count; i++) {
		if (search->visits[i].set == set)
			return true;
	}
	return false;
}

static void add_visit(struct search *search, uint32_t set, uint32_t from, int parent)
{
	if (search->count < MAX_VISITED && !is_visited(search, set))
		search->visits[search->count++] = (struct visit) { set, from, parent };
}

static int64_t find_free(const struct place_table *table, uint32_t set)
{
	for (uint32_t row = set * table->ways; row < (set + 1) * table->ways; row++) {
		if (!table->is_used(table->arg, row))
			return row;
	}
	return -ENOSPC;
}

/* Where the rows of a full set could go instead. */
static void add_alternatives(struct search *search, int parent)
{
	const struct place_table *table = search->table;
	uint32_t set = search->visits[parent].set;

	for (uint32_t row = set * table->ways; row < (set + 1) * table->ways; row++) {
		uint64_t hash = table->hash_at(table->arg, row);
		uint32_t first = lb_set_first(hash, table->sets - 1);
		uint32_t second = lb_set_second(hash, table->sets - 1);

		add_visit(search, set == first ? second : first, row, parent);
	}
}

/* The last row of the chain moves first, into the free one: a key is never without a row. */
static int64_t make_chain(const struct search *search, int last, uint32_t free_row,
			  struct place_move *moves, unsigned *count)
{
	unsigned made = 0;

	for (int i = last; search->visits[i].parent != NO_PARENT; i = search->visits[i].parent) {
		if (made == PLACE_MAX_MOVES)
			return -ENOSPC;
		moves[made++] =
			(struct place_move) { .from = search->visits[i].from, .to = free_row };
		free_row = search->visits[i].from;
	}
	*count = made;
	return free_row;
}

int64_t place_find(const struct place_table *table, uint64_t hash, struct place_move *moves,
		   unsigned *count)
{
	struct search search = { .table = table };

	add_visit(&search, lb_set_first(hash, table->sets - 1), 0, NO_PARENT);
	add_visit(&search, lb_set_second(hash, table->sets - 1), 0, NO_PARENT);
	for (int i = 0; i < search.count; i++) {
		int64_t row = find_free(table, search.visits[i].set);

		if (row >= 0)
			return make_chain(&search, i, row, moves, count);
		add_alternatives(&search, i);
	}
	return -ENOSPC;
}
