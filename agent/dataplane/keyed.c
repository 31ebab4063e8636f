/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/keyed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/place.h"

static struct keyed_row *row_at(const struct keyed *table, uint32_t index)
{
	return (struct keyed_row *)(table->rows + index * table->row_size);
}

static uint64_t hash_of(const struct keyed *table, const struct lb_addr *address, uint32_t key_word)
{
	return lb_hash_addr(address->halves[0], address->halves[1], key_word, table->hash_key);
}

static uint64_t hash_at(const void *arg, uint32_t index)
{
	const struct keyed *table = arg;
	const struct keyed_row *row = row_at(table, index);

	return hash_of(table, &row->address, row->key_word);
}

static int is_used(const void *arg, uint32_t index)
{
	return row_at(arg, index)->key_word != 0;
}

int keyed_init(struct keyed *table, void *rows, size_t row_size, uint32_t sets, uint32_t ways)
{
	bool *cleared = calloc((size_t)sets * ways, sizeof(*cleared));

	if (!cleared)
		return -ENOMEM;
	*table = (struct keyed) {
		.rows = rows,
		.row_size = row_size,
		.sets = sets,
		.ways = ways,
		.is_cleared = cleared,
	};
	return 0;
}

void keyed_free(struct keyed *table)
{
	free(table->is_cleared);
	*table = (struct keyed) {};
}

static bool is_row_of(const struct keyed_row *row, const struct lb_addr *address, uint32_t key_word)
{
	return row->key_word == key_word && !memcmp(&row->address, address, sizeof(*address));
}

int64_t keyed_find(const struct keyed *table, const struct lb_addr *address, uint32_t key_word)
{
	uint64_t hash = hash_of(table, address, key_word);
	uint32_t sets[2] = { lb_set_first(hash, table->sets - 1),
			     lb_set_second(hash, table->sets - 1) };

	for (unsigned choice = 0; choice < 2; choice++) {
		for (uint32_t way = 0; way < table->ways; way++) {
			uint32_t index = sets[choice] * table->ways + way;

			if (is_row_of(row_at(table, index), address, key_word))
				return index;
		}
	}
	return -ENOENT;
}

/* All but the key word is written while the row is empty; the key word makes it a row. */
static int fill(struct keyed *table, uint32_t index, const void *from)
{
	const size_t head = offsetof(struct keyed_row, key_word);
	const size_t tail = head + sizeof(uint32_t);
	struct keyed_row *row = row_at(table, index);
	int err;

	if (table->is_cleared[index]) {
		err = table->wait(table->arg);
		if (err)
			return err;
	}
	memcpy(row, from, head);
	memcpy((char *)row + tail, (const char *)from + tail, table->row_size - tail);
	__atomic_store_n(&row->key_word, ((const struct keyed_row *)from)->key_word,
			 __ATOMIC_RELEASE);
	return 0;
}

/* A packet that looked where the row goes before it was there must not miss it where it was. */
static int move(struct keyed *table, const struct place_move *step)
{
	int err = fill(table, step->to, row_at(table, step->from));

	if (!err)
		err = table->wait(table->arg);
	if (!err)
		keyed_clear(table, step->from);
	return err;
}

int keyed_put(struct keyed *table, const void *row)
{
	const struct keyed_row *key = row;
	const struct place_table place = { .sets = table->sets,
					   .ways = table->ways,
					   .hash_at = hash_at,
					   .is_used = is_used,
					   .arg = table };
	struct place_move moves[PLACE_MAX_MOVES];
	unsigned count = 0;
	int64_t index;

	index = place_find(&place, hash_of(table, &key->address, key->key_word), moves, &count);
	if (index < 0)
		return (int)index;
	for (unsigned i = 0; i < count; i++) {
		int err = move(table, &moves[i]);

		if (err)
			return err;
	}
	return fill(table, (uint32_t)index, row);
}

void keyed_clear(struct keyed *table, uint32_t index)
{
	__atomic_store_n(&row_at(table, index)->key_word, 0, __ATOMIC_RELEASE);
	table->is_cleared[index] = true;
}

void keyed_forget_cleared(struct keyed *table)
{
	memset(table->is_cleared, 0, (size_t)table->sets * table->ways * sizeof(bool));
}
