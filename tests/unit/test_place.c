/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "leat_abi.h"
#include "plan/place.h"

#define MAX_ROWS (LB_REPLY_SETS * LB_REPLY_WAYS)

/* Hashes by row; 0: free. */
struct rows {
	uint64_t hashes[MAX_ROWS];
	uint32_t sets;
	uint32_t ways;
};

static struct rows rows;

static uint64_t hash_at(const void *arg, uint32_t row)
{
	return ((const struct rows *)arg)->hashes[row];
}

static int is_used(const void *arg, uint32_t row)
{
	return ((const struct rows *)arg)->hashes[row] != 0;
}

static struct place_table empty_table(uint32_t sets, uint32_t ways)
{
	memset(&rows, 0, sizeof(rows));
	rows.sets = sets;
	rows.ways = ways;
	return (struct place_table) {
		.sets = sets, .ways = ways, .hash_at = hash_at, .is_used = is_used, .arg = &rows
	};
}

static void assert_in_own_set(uint64_t hash, uint32_t row)
{
	uint32_t set = row / rows.ways;

	assert_true(set == lb_set_first(hash, rows.sets - 1) ||
		    set == lb_set_second(hash, rows.sets - 1));
}

/* Carry moves out as the caller must: copy, then clear; no used row may be written over. */
static void carry_out(const struct place_move *moves, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(rows.hashes[moves[i].to], 0);
		assert_int_not_equal(rows.hashes[moves[i].from], 0);
		rows.hashes[moves[i].to] = rows.hashes[moves[i].from];
		rows.hashes[moves[i].from] = 0;
		assert_in_own_set(rows.hashes[moves[i].to], moves[i].to);
	}
}

/* Place one key; the moves it took, or -ENOSPC. */
static int place(const struct place_table *table, uint64_t hash)
{
	struct place_move moves[PLACE_MAX_MOVES];
	unsigned count = 0;
	int64_t row = place_find(table, hash, moves, &count);

	if (row < 0)
		return row;
	carry_out(moves, count);
	assert_int_equal(rows.hashes[row], 0);
	assert_in_own_set(hash, row);
	rows.hashes[row] = hash;
	return count;
}

/* Keys that are placed before the first that cannot be. */
static uint32_t fill(const struct place_table *table, uint32_t limit, uint64_t seed)
{
	uint32_t placed = 0;

	while (placed < limit && place(table, lb_mix(seed + placed) | 1ULL << 63) >= 0)
		placed++;
	return placed;
}

static uint64_t hash_of_sets(uint32_t first, uint32_t second, uint64_t nonce)
{
	return first | (uint64_t)second << 24 | (nonce + 1) << 48;
}

static void test_place_empty_table_needs_no_move(void **state)
{
	struct place_table table = empty_table(8, 2);

	(void)state;

	assert_int_equal(place(&table, hash_of_sets(3, 5, 0)), 0);

	assert_int_not_equal(rows.hashes[6], 0);
}

static void test_place_full_first_set_takes_the_second(void **state)
{
	struct place_table table = empty_table(8, 2);

	(void)state;
	place(&table, hash_of_sets(3, 3, 0));
	place(&table, hash_of_sets(3, 3, 1));

	assert_int_equal(place(&table, hash_of_sets(3, 5, 2)), 0);

	assert_int_not_equal(rows.hashes[10], 0);
}

static void test_place_both_sets_full_moves_one_row(void **state)
{
	struct place_table table = empty_table(8, 2);

	(void)state;
	place(&table, hash_of_sets(3, 3, 0));
	place(&table, hash_of_sets(3, 6, 1));
	place(&table, hash_of_sets(5, 5, 2));
	place(&table, hash_of_sets(5, 5, 3));

	assert_int_equal(place(&table, hash_of_sets(3, 5, 4)), 1);

	assert_true(rows.hashes[12] == hash_of_sets(3, 6, 1));
	assert_true(rows.hashes[7] == hash_of_sets(3, 5, 4));
}

static void test_place_chain_of_two_moves_last_row_first(void **state)
{
	struct place_table table = empty_table(8, 2);
	struct place_move moves[PLACE_MAX_MOVES];
	unsigned count = 0;

	(void)state;
	place(&table, hash_of_sets(0, 0, 0));
	place(&table, hash_of_sets(0, 1, 1));
	place(&table, hash_of_sets(1, 1, 2));
	place(&table, hash_of_sets(1, 2, 3));

	int64_t row = place_find(&table, hash_of_sets(0, 0, 4), moves, &count);

	assert_int_equal(row, 1);
	assert_int_equal(count, 2);
	assert_int_equal(moves[0].from, 3);
	assert_int_equal(moves[0].to, 4);
	assert_int_equal(moves[1].from, 1);
	assert_int_equal(moves[1].to, 3);
}

static void test_place_no_way_out_is_enospc_and_writes_nothing(void **state)
{
	struct place_table table = empty_table(8, 2);
	struct place_move moves[PLACE_MAX_MOVES];
	unsigned count = 77;

	(void)state;
	place(&table, hash_of_sets(3, 3, 0));
	place(&table, hash_of_sets(3, 3, 1));

	assert_int_equal(place_find(&table, hash_of_sets(3, 3, 2), moves, &count), -ENOSPC);

	assert_int_equal(count, 77);
}

static void test_place_services_half_full_never_fails(void **state)
{
	struct place_table table = empty_table(LB_SERVICE_SETS, LB_SERVICE_WAYS);

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		memset(rows.hashes, 0, sizeof(rows.hashes));

		assert_int_equal(fill(&table, LB_MAX_SERVICES, seed << 32), LB_MAX_SERVICES);
	}
}

static void test_place_replies_half_full_never_fails(void **state)
{
	struct place_table table = empty_table(LB_REPLY_SETS, LB_REPLY_WAYS);

	(void)state;
	for (uint64_t seed = 1; seed <= 2; seed++) {
		memset(rows.hashes, 0, sizeof(rows.hashes));

		assert_int_equal(fill(&table, LB_REPLY_SETS, seed << 32), LB_REPLY_SETS);
	}
}

/* Keys as operators choose them: one network, one port. */
static uint64_t hash_of_address(uint32_t network, uint32_t host, uint16_t port)
{
	struct lb_addr address = { .words = { 0, 0, __builtin_bswap32(0xffff) } };
	uint32_t key_word = __builtin_bswap16(port) | 6u << 16 | 4u << 24;

	address.words[3] = __builtin_bswap32(network + host);
	return lb_hash_addr(address.halves[0], address.halves[1], key_word, 0x1234567890abcdef);
}

static void test_place_services_of_one_network_find_room(void **state)
{
	struct place_table table = empty_table(LB_SERVICE_SETS, LB_SERVICE_WAYS);

	(void)state;
	for (uint32_t host = 0; host < LB_MAX_SERVICES; host++)
		assert_true(place(&table, hash_of_address(0xc6336400, host, 80)) >= 0);
}

static void test_place_ports_of_one_address_find_room(void **state)
{
	struct place_table table = empty_table(LB_SERVICE_SETS, LB_SERVICE_WAYS);

	(void)state;
	for (uint32_t port = 1; port <= LB_MAX_SERVICES; port++)
		assert_true(place(&table, hash_of_address(0xc6336400, 0, port)) >= 0);
}

static void test_place_replies_of_one_network_find_room(void **state)
{
	struct place_table table = empty_table(LB_REPLY_SETS, LB_REPLY_WAYS);

	(void)state;
	for (uint32_t host = 0; host < LB_REPLY_SETS; host++)
		assert_true(place(&table, hash_of_address(0x0a000000, host, 8080)) >= 0);
}

static void test_place_full_table_ends_in_enospc(void **state)
{
	struct place_table table = empty_table(64, 2);

	(void)state;

	uint32_t placed = fill(&table, 129, 6ULL << 32);

	assert_in_range(placed, 64, 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place_empty_table_needs_no_move),
		cmocka_unit_test(test_place_full_first_set_takes_the_second),
		cmocka_unit_test(test_place_both_sets_full_moves_one_row),
		cmocka_unit_test(test_place_chain_of_two_moves_last_row_first),
		cmocka_unit_test(test_place_no_way_out_is_enospc_and_writes_nothing),
		cmocka_unit_test(test_place_services_half_full_never_fails),
		cmocka_unit_test(test_place_replies_half_full_never_fails),
		cmocka_unit_test(test_place_services_of_one_network_find_room),
		cmocka_unit_test(test_place_ports_of_one_address_find_room),
		cmocka_unit_test(test_place_replies_of_one_network_find_room),
		cmocka_unit_test(test_place_full_table_ends_in_enospc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
