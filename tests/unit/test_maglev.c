/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/config.h"
#include "plan/maglev.h"

#define MAX_BACKENDS 1001
#define MAX_SIZE     131071
#define SIZE	     4093
#define SEEDS	     5
#define DIGEST_OF_7  0xa2f945d305a66759ULL

static struct maglev_backend backends[MAX_BACKENDS];
static uint16_t table[MAX_SIZE];
static uint16_t other[MAX_SIZE];

/* n backends 10.x.x.x:80 of weight 1 with ids from 1; each seed gives other addresses */
static void make_backends(size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t host = ((seed * 7919 + i) & 0xffffff) | 0x0a000000;

		backends[i] = (struct maglev_backend) { .port = 80, .id = i + 1, .weight = 1 };
		backends[i].address.words[2] = __builtin_bswap32(0xffff);
		backends[i].address.words[3] = __builtin_bswap32(host);
	}
}

static uint32_t count_slots(const uint16_t *slots, uint32_t size, uint16_t id)
{
	uint32_t count = 0;

	for (uint32_t s = 0; s < size; s++)
		count += slots[s] == id;
	return count;
}

static void test_maglev_equal_weights_differ_by_one_slot_at_most(void **state)
{
	(void)state;
	make_backends(7, 1);

	assert_int_equal(maglev_build(backends, 7, table, SIZE), 0);

	for (uint16_t id = 1; id <= 7; id++)
		assert_in_range(count_slots(table, SIZE, id), SIZE / 7, SIZE / 7 + 1);
}

static void test_maglev_weights_1_2_3_give_exact_shares(void **state)
{
	(void)state;
	make_backends(3, 2);
	for (int i = 0; i < 3; i++)
		backends[i].weight = i + 1;

	assert_int_equal(maglev_build(backends, 3, table, SIZE), 0);

	/* 682.17, 1364.33, 2046.5: one slot is left, for the largest remainder */
	assert_int_equal(count_slots(table, SIZE, 1), 682);
	assert_int_equal(count_slots(table, SIZE, 2), 1364);
	assert_int_equal(count_slots(table, SIZE, 3), 2047);
}

static void test_maglev_uneven_weights_give_shares_within_one_slot(void **state)
{
	uint64_t sum = 0;

	(void)state;
	make_backends(50, 3);
	for (int i = 0; i < 50; i++) {
		backends[i].weight = i == 7 ? 1000 : 1 + i % 5;
		sum += backends[i].weight;
	}

	assert_int_equal(maglev_build(backends, 50, table, SIZE), 0);

	for (int i = 0; i < 50; i++) {
		uint32_t whole = (uint64_t)SIZE * backends[i].weight / sum;

		assert_in_range(count_slots(table, SIZE, i + 1), whole, whole + 1);
	}
}

static void test_maglev_100000_flows_follow_the_weights(void **state)
{
	static const double expected[] = { 100.0 / 6, 100.0 / 3, 50 };
	uint32_t flows[4] = {};

	(void)state;
	make_backends(3, 4);
	for (int i = 0; i < 3; i++)
		backends[i].weight = i + 1;
	assert_int_equal(maglev_build(backends, 3, table, SIZE), 0);

	for (uint64_t flow = 0; flow < 100000; flow++) {
		uint64_t key = 0xc6336400 + flow % 251 + ((1024 + flow / 251) << 32);
		uint64_t hash = lb_hash_client4(key, 0x1234567890abcdef);

		flows[table[lb_slot_index(hash, SIZE)]]++;
	}

	for (int i = 0; i < 3; i++)
		assert_float_equal(flows[i + 1] / 1000.0, expected[i], 1.0);
}

static void test_maglev_another_order_gives_the_same_table(void **state)
{
	(void)state;
	make_backends(100, 5);
	for (int i = 0; i < 100; i++)
		backends[i].weight = 1 + i % 3;
	assert_int_equal(maglev_build(backends, 100, table, 16381), 0);

	for (int i = 0; i < 100; i++) {
		struct maglev_backend swapped = backends[i];
		int with = i * 37 % 100;

		backends[i] = backends[with];
		backends[with] = swapped;
	}

	assert_int_equal(maglev_build(backends, 100, other, 16381), 0);
	assert_memory_equal(table, other, 16381 * sizeof(*table));
}

static void test_maglev_other_ids_move_no_slot(void **state)
{
	(void)state;
	make_backends(10, 6);
	assert_int_equal(maglev_build(backends, 10, table, SIZE), 0);
	for (int i = 0; i < 10; i++)
		backends[i].id = 500 - i;

	assert_int_equal(maglev_build(backends, 10, other, SIZE), 0);

	for (uint32_t s = 0; s < SIZE; s++)
		assert_int_equal(other[s], 501 - table[s]);
}

static void test_maglev_multiplied_weights_move_no_slot(void **state)
{
	(void)state;
	make_backends(10, 7);
	assert_int_equal(maglev_build(backends, 10, table, SIZE), 0);
	for (int i = 0; i < 10; i++)
		backends[i].weight = 300;

	assert_int_equal(maglev_build(backends, 10, other, SIZE), 0);

	assert_memory_equal(table, other, SIZE * sizeof(*table));
}

/* Slots that moved although the backend that went away did not own them, in 1/1000 of the table. */
static unsigned disruption(size_t n, uint32_t size, uint32_t seed, size_t gone)
{
	uint32_t moved = 0;

	make_backends(n, seed);
	assert_int_equal(maglev_build(backends, n, table, size), 0);
	backends[gone].weight = 0;
	assert_int_equal(maglev_build(backends, n, other, size), 0);
	for (uint32_t s = 0; s < size; s++)
		moved += table[s] != gone + 1 && table[s] != other[s];
	return moved * 1000 / size;
}

static void test_maglev_removing_one_of_100_moves_2_percent_of_others_at_most(void **state)
{
	(void)state;

	for (uint32_t seed = 0; seed < SEEDS; seed++) {
		unsigned moved = disruption(100, model_table_size(100), seed, seed * 19 % 100);

		assert_in_range(moved, 0, 20);
	}
}

static void test_maglev_removing_one_at_65537_moves_1_percent_of_others_at_most(void **state)
{
	static const size_t counts[] = { 10, 100, 1000 };

	(void)state;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (uint32_t seed = 0; seed < SEEDS; seed++) {
			unsigned moved = disruption(counts[i], 65537, seed, seed);

			assert_in_range(moved, 0, 10);
		}
	}
}

static uint32_t count_differences(uint32_t size)
{
	uint32_t count = 0;

	for (uint32_t s = 0; s < size; s++)
		count += table[s] != other[s];
	return count;
}

/* Every slot that moves, those of the backend that goes or comes among them. */
static void test_maglev_one_of_n_gone_or_come_moves_one_nth_and_1_percent_at_most(void **state)
{
	static const size_t counts[] = { 10, 100, 1000 };

	(void)state;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint32_t bound = 65537 / counts[i] + 65537 / 100;

		for (uint32_t seed = 0; seed < SEEDS; seed++) {
			make_backends(counts[i] + 1, seed + 20);
			backends[counts[i]].weight = 0;
			assert_int_equal(maglev_build(backends, counts[i] + 1, table, 65537), 0);

			backends[seed * 2].weight = 0;
			assert_int_equal(maglev_build(backends, counts[i] + 1, other, 65537), 0);
			assert_in_range(count_differences(65537), 1, bound);

			backends[seed * 2].weight = backends[counts[i]].weight = 1;
			assert_int_equal(maglev_build(backends, counts[i] + 1, other, 65537), 0);
			assert_in_range(count_differences(65537), 1, bound);
		}
	}
}

static void test_maglev_weight_doubled_moves_little_besides(void **state)
{
	uint32_t moved = 0;

	(void)state;
	make_backends(10, 8);
	assert_int_equal(maglev_build(backends, 10, table, 65537), 0);
	backends[3].weight = 2;

	assert_int_equal(maglev_build(backends, 10, other, 65537), 0);

	for (uint32_t s = 0; s < 65537; s++)
		moved += table[s] != other[s];
	/* from 1/10 to 2/11 of the table must move; 1 % of it may move besides */
	assert_in_range(moved, 65537 * 9 / 110 - 1, 65537 * 9 / 110 + 655);
}

static void test_maglev_more_backends_than_slots_fills_every_slot(void **state)
{
	(void)state;
	make_backends(300, 9);

	assert_int_equal(maglev_build(backends, 300, table, 251), 0);

	for (uint16_t id = 1; id <= 300; id++)
		assert_in_range(count_slots(table, 251, id), 0, 1);
	assert_int_equal(count_slots(table, 251, 0), 0);
}

static void test_maglev_one_backend_takes_all(void **state)
{
	(void)state;
	make_backends(2, 10);
	backends[0].weight = 0;

	assert_int_equal(maglev_build(backends, 2, table, SIZE), 0);

	assert_int_equal(count_slots(table, SIZE, 2), SIZE);
}

static void test_maglev_nobody_with_weight_leaves_the_table_alone(void **state)
{
	(void)state;
	make_backends(2, 11);
	backends[0].weight = backends[1].weight = 0;
	table[0] = 77;

	assert_int_equal(maglev_build(backends, 2, table, SIZE), -ENOENT);
	assert_int_equal(maglev_build(NULL, 0, table, SIZE), -ENOENT);

	assert_int_equal(table[0], 77);
}

static void test_maglev_size_that_is_no_prime_is_refused(void **state)
{
	(void)state;
	make_backends(2, 12);

	assert_int_equal(maglev_build(backends, 2, table, 0), -EINVAL);
	assert_int_equal(maglev_build(backends, 2, table, 1), -EINVAL);
	assert_int_equal(maglev_build(backends, 2, table, 4096), -EINVAL);
}

/* Another build that filled slots in another order would not agree with balancers that run. */
static void test_maglev_tables_are_those_of_earlier_builds(void **state)
{
	(void)state;
	make_backends(7, 1);
	backends[2].weight = 3;

	assert_int_equal(maglev_build(backends, 7, table, SIZE), 0);

	assert_true(maglev_digest(backends, 7, table, SIZE) == DIGEST_OF_7);
}

static void test_maglev_digest_tells_tables_apart_but_not_ids(void **state)
{
	uint64_t first, same, changed;

	(void)state;
	make_backends(10, 13);
	maglev_build(backends, 10, table, SIZE);
	first = maglev_digest(backends, 10, table, SIZE);

	for (int i = 0; i < 10; i++)
		backends[i].id += 100;
	maglev_build(backends, 10, table, SIZE);
	same = maglev_digest(backends, 10, table, SIZE);
	table[17] = table[17] == 101 ? 102 : 101;
	changed = maglev_digest(backends, 10, table, SIZE);

	assert_true(first == same);
	assert_true(first != changed);
}

static void test_maglev_digest_counts_unknown_ids_as_empty(void **state)
{
	uint64_t empty, unknown;

	(void)state;
	make_backends(2, 14);
	memset(table, 0, sizeof(table));
	empty = maglev_digest(backends, 2, table, SIZE);
	table[5] = 999;

	unknown = maglev_digest(backends, 2, table, SIZE);

	assert_true(empty == unknown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maglev_equal_weights_differ_by_one_slot_at_most),
		cmocka_unit_test(test_maglev_weights_1_2_3_give_exact_shares),
		cmocka_unit_test(test_maglev_uneven_weights_give_shares_within_one_slot),
		cmocka_unit_test(test_maglev_100000_flows_follow_the_weights),
		cmocka_unit_test(test_maglev_another_order_gives_the_same_table),
		cmocka_unit_test(test_maglev_other_ids_move_no_slot),
		cmocka_unit_test(test_maglev_multiplied_weights_move_no_slot),
		cmocka_unit_test(test_maglev_removing_one_of_100_moves_2_percent_of_others_at_most),
		cmocka_unit_test(
			test_maglev_removing_one_at_65537_moves_1_percent_of_others_at_most),
		cmocka_unit_test(
			test_maglev_one_of_n_gone_or_come_moves_one_nth_and_1_percent_at_most),
		cmocka_unit_test(test_maglev_weight_doubled_moves_little_besides),
		cmocka_unit_test(test_maglev_more_backends_than_slots_fills_every_slot),
		cmocka_unit_test(test_maglev_one_backend_takes_all),
		cmocka_unit_test(test_maglev_nobody_with_weight_leaves_the_table_alone),
		cmocka_unit_test(test_maglev_size_that_is_no_prime_is_refused),
		cmocka_unit_test(test_maglev_tables_are_those_of_earlier_builds),
		cmocka_unit_test(test_maglev_digest_tells_tables_apart_but_not_ids),
		cmocka_unit_test(test_maglev_digest_counts_unknown_ids_as_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
