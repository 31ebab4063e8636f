/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/wrr.h"

#define MAX_BACKENDS 1000
#define MAX_SIZE     131071
#define SIZE	     4093
#define CONNECTIONS  100000

static struct maglev_backend backends[MAX_BACKENDS];
static uint16_t table[MAX_SIZE];
static uint16_t other[MAX_SIZE];

static void make_backend(size_t i, uint32_t weight)
{
	backends[i] = (struct maglev_backend) { .port = 80, .id = i + 1, .weight = weight };
	backends[i].address.words[2] = __builtin_bswap32(0xffff);
	backends[i].address.words[3] = __builtin_bswap32(0x0a000000 + i);
}

/* n backends 10.0.0.0:80 and on, ids from 1 */
static void make_backends(const uint32_t *weights, size_t n)
{
	for (size_t i = 0; i < n; i++)
		make_backend(i, weights[i]);
}

static uint32_t random_below(uint64_t *state, uint32_t bound)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*state >> 33) % bound;
}

/* The algorithm of nginx as it is always written down, with all its steps. */
static void build_naively(size_t n, uint16_t *out, uint32_t cycle)
{
	static int64_t current[MAX_BACKENDS];

	memset(current, 0, sizeof(current));
	for (uint32_t s = 0; s < cycle; s++) {
		size_t best = 0;
		int64_t total = 0;

		for (size_t i = 0; i < n; i++) {
			current[i] += backends[i].weight;
			total += backends[i].weight;
			if (current[i] > current[best])
				best = i;
		}
		current[best] -= total;
		out[s] = backends[best].id;
	}
}

/* After any number of slots, nobody has had a whole turn more than his share. */
static void assert_never_ahead_by_a_turn(uint32_t cycle)
{
	static uint32_t turns[MAX_BACKENDS + 1], total[MAX_BACKENDS + 1];

	memset(turns, 0, sizeof(turns));
	memset(total, 0, sizeof(total));
	for (uint32_t s = 0; s < cycle; s++)
		total[table[s]]++;
	for (uint32_t s = 0; s < cycle; s++) {
		turns[table[s]]++;
		/* only the one picked can be further ahead than before */
		assert_true((uint64_t)turns[table[s]] * cycle <
			    (uint64_t)(s + 1) * total[table[s]] + cycle);
	}
}

static void assert_cycle_repeats(uint32_t cycle, uint32_t size)
{
	for (uint32_t s = cycle; s < size; s++)
		assert_int_equal(table[s], table[s - cycle]);
}

static void test_wrr_weights_5_1_1_interleave_as_in_nginx(void **state)
{
	static const uint16_t expected[] = { 1, 1, 2, 1, 3, 1, 1 };
	uint32_t cycle = 0;

	(void)state;
	make_backends((const uint32_t[]) { 5, 1, 1 }, 3);

	assert_int_equal(wrr_build(backends, 3, table, SIZE, &cycle), 0);

	assert_int_equal(cycle, 7);
	assert_memory_equal(table, expected, sizeof(expected));
	assert_cycle_repeats(cycle, SIZE);
}

static void test_wrr_equal_weights_go_in_order_of_addresses(void **state)
{
	uint32_t cycle = 0;

	(void)state;
	make_backends((const uint32_t[]) { 1000, 1000, 1000, 1000 }, 4);

	assert_int_equal(wrr_build(backends, 4, table, SIZE, &cycle), 0);

	assert_int_equal(cycle, 4);
	for (uint32_t s = 0; s < SIZE; s++)
		assert_int_equal(table[s], s % 4 + 1);
}

static void test_wrr_same_address_goes_in_order_of_ports(void **state)
{
	uint32_t cycle = 0;

	(void)state;
	make_backends((const uint32_t[]) { 1, 1 }, 2);
	backends[1].address = backends[0].address;
	backends[0].port = 8080;

	assert_int_equal(wrr_build(backends, 2, table, SIZE, &cycle), 0);

	assert_int_equal(table[0], 2);
	assert_int_equal(table[1], 1);
}

static void test_wrr_any_weights_give_the_order_of_nginx(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		size_t n = 1 + random_below(&seed, 12);
		uint32_t cycle = 0;

		for (size_t i = 0; i < n; i++)
			make_backend(i, 1 + random_below(&seed, round % 2 ? 5 : 60));

		assert_int_equal(wrr_build(backends, n, table, SIZE, &cycle), 0);

		build_naively(n, other, cycle);
		assert_memory_equal(table, other, cycle * sizeof(*table));
	}
}

static void test_wrr_another_order_gives_the_same_table(void **state)
{
	uint32_t cycle = 0, again = 0;

	(void)state;
	for (size_t i = 0; i < 100; i++)
		make_backend(i, 1 + i % 7);
	assert_int_equal(wrr_build(backends, 100, table, SIZE, &cycle), 0);
	for (size_t i = 0; i < 100; i++) {
		struct maglev_backend swapped = backends[i];

		backends[i] = backends[i * 37 % 100];
		backends[i * 37 % 100] = swapped;
	}

	assert_int_equal(wrr_build(backends, 100, other, SIZE, &again), 0);

	assert_int_equal(cycle, again);
	assert_memory_equal(table, other, sizeof(*table) * SIZE);
}

static void test_wrr_shares_are_exact_over_one_cycle(void **state)
{
	uint32_t count[51] = {}, cycle = 0;

	(void)state;
	for (size_t i = 0; i < 50; i++)
		make_backend(i, 2 * (1 + i));

	assert_int_equal(wrr_build(backends, 50, table, SIZE, &cycle), 0);

	assert_int_equal(cycle, 50 * 51 / 2);
	for (uint32_t s = 0; s < cycle; s++)
		count[table[s]]++;
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(count[i + 1], i + 1);
	assert_never_ahead_by_a_turn(cycle);
}

/* 1 - what went elsewhere than in the ideal split, of 100,000 connections, in millionths */
static uint32_t accuracy_ppm(size_t n, uint32_t cycle)
{
	static uint32_t turns[MAX_BACKENDS + 1];
	double sum = 0, apart = 0;

	memset(turns, 0, sizeof(turns));
	for (uint32_t c = 0; c < CONNECTIONS; c++)
		turns[table[c % cycle]]++;
	for (size_t i = 0; i < n; i++)
		sum += backends[i].weight;
	for (size_t i = 0; i < n; i++) {
		double off = turns[i + 1] - backends[i].weight / sum * CONNECTIONS;

		apart += off < 0 ? -off : off;
	}
	return 1e6 * (1 - apart / CONNECTIONS);
}

static void test_wrr_100000_connections_split_within_a_thousandth(void **state)
{
	static const uint32_t weights[][8] = {
		{ 5, 1, 1 },
		{ 1000, 1000, 1000 },
		{ 1000, 999, 998, 1, 2, 3, 500, 7 },
		{ 1, 2, 3, 4, 5, 6, 7, 8 },
		{ 137000, 1000000, 1000000 },
		{ 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
		uint32_t cycle = 0;
		size_t n = 0;

		while (n < 8 && weights[i][n])
			n++;
		make_backends(weights[i], n);

		assert_int_equal(wrr_build(backends, n, table, SIZE, &cycle), 0);

		assert_in_range(accuracy_ppm(n, cycle), 999000, 1000000);
	}
}

static void test_wrr_weights_beyond_the_table_are_exact_to_one_slot(void **state)
{
	uint32_t count[101] = {}, cycle = 0;
	uint64_t seed = 7, sum = 0;

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		make_backend(i, 1 + random_below(&seed, 2000000));
		sum += backends[i].weight;
	}

	assert_int_equal(wrr_build(backends, 100, table, 16381, &cycle), 0);

	assert_int_equal(cycle, 16381);
	for (uint32_t s = 0; s < cycle; s++)
		count[table[s]]++;
	for (size_t i = 0; i < 100; i++) {
		uint32_t whole = 16381ULL * backends[i].weight / sum;

		assert_in_range(count[i + 1], whole, whole + 1);
	}
	assert_never_ahead_by_a_turn(cycle);
}

static void test_wrr_spare_slot_goes_to_the_largest_remainder(void **state)
{
	uint32_t count[4] = {}, cycle = 0;

	(void)state;
	make_backends((const uint32_t[]) { 101, 102, 104 }, 3);

	assert_int_equal(wrr_build(backends, 3, table, 10, &cycle), 0);

	/* 3.29, 3.32, 3.39 */
	for (uint32_t s = 0; s < cycle; s++)
		count[table[s]]++;
	assert_int_equal(cycle, 10);
	assert_int_equal(count[3], 4);
}

static void test_wrr_large_weights_with_a_divisor_keep_a_short_round(void **state)
{
	uint32_t cycle = 0;

	(void)state;
	make_backends((const uint32_t[]) { 2000000, 1000000, 3000000 }, 3);

	assert_int_equal(wrr_build(backends, 3, table, SIZE, &cycle), 0);

	assert_int_equal(cycle, 6);
}

static void test_wrr_1000_backends_of_any_weight_are_never_ahead_by_a_turn(void **state)
{
	uint64_t seed = 11;
	uint32_t cycle = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		make_backend(i, 1 + random_below(&seed, 1000000));

	assert_int_equal(wrr_build(backends, 1000, table, 131071, &cycle), 0);

	assert_never_ahead_by_a_turn(cycle);
}

static void test_wrr_backends_without_weight_take_no_slot(void **state)
{
	uint32_t cycle = 0;

	(void)state;
	make_backends((const uint32_t[]) { 0, 3, 0, 2 }, 4);

	assert_int_equal(wrr_build(backends, 4, table, SIZE, &cycle), 0);

	assert_int_equal(cycle, 5);
	for (uint32_t s = 0; s < SIZE; s++)
		assert_true(table[s] == 2 || table[s] == 4);
}

static void test_wrr_more_backends_than_slots_fills_each_slot_once(void **state)
{
	uint32_t cycle = 0;

	(void)state;
	for (size_t i = 0; i < 300; i++)
		make_backend(i, 1 + i % 2);

	assert_int_equal(wrr_build(backends, 300, table, 251, &cycle), 0);

	assert_int_equal(cycle, 251);
	for (uint32_t s = 1; s < 251; s++)
		assert_int_not_equal(table[s], table[s - 1]);
}

static void test_wrr_nobody_with_weight_leaves_the_table_alone(void **state)
{
	uint32_t cycle = 9;

	(void)state;
	make_backends((const uint32_t[]) { 0, 0 }, 2);
	table[0] = 77;

	assert_int_equal(wrr_build(backends, 2, table, SIZE, &cycle), -ENOENT);
	assert_int_equal(wrr_build(NULL, 0, table, SIZE, &cycle), -ENOENT);
	assert_int_equal(wrr_build(backends, 2, table, 0, &cycle), -EINVAL);
	assert_int_equal(least_build(backends, 2, table, SIZE, &cycle), -ENOENT);
	assert_int_equal(least_build(backends, 2, table, 0, &cycle), -EINVAL);

	assert_int_equal(table[0], 77);
	assert_int_equal(cycle, 9);
}

static void test_least_up_to_32_backends_stand_once_each(void **state)
{
	uint32_t cycle = 0;

	(void)state;
	for (size_t i = 0; i < 33; i++)
		make_backend(i, i == 5 ? 0 : 1 + i);

	assert_int_equal(least_build(backends, 33, table, SIZE, &cycle), 0);

	assert_int_equal(cycle, 32);
	for (uint32_t s = 0; s < 32; s++)
		assert_int_equal(table[s], s < 5 ? s + 1 : s + 2);
	assert_cycle_repeats(cycle, SIZE);
}

static void test_least_more_than_32_backends_stand_by_weight(void **state)
{
	uint32_t count[34] = {}, cycle = 0;

	(void)state;
	for (size_t i = 0; i < 33; i++)
		make_backend(i, i ? 1 : 32);

	assert_int_equal(least_build(backends, 33, table, SIZE, &cycle), 0);

	assert_int_equal(cycle, SIZE);
	for (uint32_t s = 0; s < SIZE; s++)
		count[table[s]]++;
	assert_in_range(count[1], SIZE / 2, SIZE / 2 + 1);
	assert_in_range(count[33], SIZE / 64, SIZE / 64 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrr_weights_5_1_1_interleave_as_in_nginx),
		cmocka_unit_test(test_wrr_equal_weights_go_in_order_of_addresses),
		cmocka_unit_test(test_wrr_same_address_goes_in_order_of_ports),
		cmocka_unit_test(test_wrr_any_weights_give_the_order_of_nginx),
		cmocka_unit_test(test_wrr_another_order_gives_the_same_table),
		cmocka_unit_test(test_wrr_shares_are_exact_over_one_cycle),
		cmocka_unit_test(test_wrr_100000_connections_split_within_a_thousandth),
		cmocka_unit_test(test_wrr_weights_beyond_the_table_are_exact_to_one_slot),
		cmocka_unit_test(test_wrr_spare_slot_goes_to_the_largest_remainder),
		cmocka_unit_test(test_wrr_large_weights_with_a_divisor_keep_a_short_round),
		cmocka_unit_test(test_wrr_1000_backends_of_any_weight_are_never_ahead_by_a_turn),
		cmocka_unit_test(test_wrr_backends_without_weight_take_no_slot),
		cmocka_unit_test(test_wrr_more_backends_than_slots_fills_each_slot_once),
		cmocka_unit_test(test_wrr_nobody_with_weight_leaves_the_table_alone),
		cmocka_unit_test(test_least_up_to_32_backends_stand_once_each),
		cmocka_unit_test(test_least_more_than_32_backends_stand_by_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
