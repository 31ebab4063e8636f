/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows found by (address, key word) in two choices of a set: lb_services and
 * lb_replies, whose rows begin alike. Written while packets read them.
 */
#ifndef LEAT_DATAPLANE_KEYED_H
#define LEAT_DATAPLANE_KEYED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leat_abi.h"

/** struct keyed_row - how both kinds of row begin; key_word 0: empty */
struct keyed_row {
	struct lb_addr address;
	uint32_t key_word;
};

/** struct keyed - one table and who waits for packets in flight */
struct keyed {
	uint8_t *rows;
	size_t row_size;
	uint32_t sets;
	uint32_t ways;
	uint64_t hash_key;
	bool *is_cleared; /* by row: emptied since the last wait, perhaps still being read */
	int (*wait)(void *arg);
	void *arg;
};

/** keyed_init - @rows of @sets x @ways; 0 or -ENOMEM */
int keyed_init(struct keyed *table, void *rows, size_t row_size, uint32_t sets, uint32_t ways);
void keyed_free(struct keyed *table);

/** keyed_find - index of the row of this key; -ENOENT */
int64_t keyed_find(const struct keyed *table, const struct lb_addr *address, uint32_t key_word);

/**
 * keyed_put - make a row, moving others where need be; the key must not be there yet
 * @row: row_size bytes, the key among them
 * Returns 0; -ENOSPC: no place; else what wait returned.
 */
int keyed_put(struct keyed *table, const void *row);

/** keyed_clear - empty the row; the rest of it stays, for packets that have just found it */
void keyed_clear(struct keyed *table, uint32_t index);

/** keyed_forget_cleared - a grace period has passed: no packet reads what was emptied before */
void keyed_forget_cleared(struct keyed *table);

#endif
