/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/response.h"
#include "plan/wrr.h"

#define SIZE	     4093
#define MAX_BACKENDS 200
#define CONNECTIONS  10000
#define DEAREST	     1048576
#define COUNT(a)     (sizeof(a) / sizeof((a)[0]))

static const struct model_response settings = { .decay_permille = 300,
						.window_ms = 30000,
						.explore_percent = 20 };

/* ---- the moving average ------------------------------------------------------------ */

static void test_response_first_interval_is_the_average(void **state)
{
	struct response r = {};

	(void)state;

	response_observe(&r, &settings, 3000, 2, 1000);

	assert_int_equal(r.average_us, 1500);
	assert_int_equal(r.samples, 2);
}

static void test_response_newest_interval_counts_by_decay(void **state)
{
	struct response r = {};

	(void)state;
	response_observe(&r, &settings, 1000, 1, 1000);

	response_observe(&r, &settings, 4000, 2, 2000);
	assert_int_equal(r.average_us, 1300);

	response_observe(&r, &settings, 1300, 1, 3000);
	assert_int_equal(r.average_us, 1300);
	assert_int_equal(r.samples, 4);
}

static void test_response_approaches_a_new_level_from_both_sides(void **state)
{
	struct response r = {};

	(void)state;
	response_observe(&r, &settings, 1000, 1, 0);
	for (int i = 1; i <= 13; i++)
		response_observe(&r, &settings, 50000, 1, i * 1000);
	/* 0.7^13 is 0.0097 */
	assert_in_range(r.average_us, 49000, 50000);

	for (int i = 14; i <= 60; i++)
		response_observe(&r, &settings, 1, 1, i * 1000);
	assert_in_range(r.average_us, 1, 3);
}

static void test_response_is_forgotten_after_a_window_without_samples(void **state)
{
	struct response r = {};

	(void)state;
	response_observe(&r, &settings, 1000, 1, 5000);

	response_observe(&r, &settings, 0, 0, 34999);
	assert_int_equal(r.average_us, 1000);

	response_observe(&r, &settings, 0, 0, 35000);
	assert_int_equal(r.average_us, 0);
	assert_int_equal(r.samples, 0);
}

static void test_response_after_a_window_begins_anew(void **state)
{
	struct response r = {};

	(void)state;
	response_observe(&r, &settings, 1000, 1, 5000);

	response_observe(&r, &settings, 9000, 1, 50000);

	assert_int_equal(r.average_us, 9000);
	assert_int_equal(r.samples, 1);
}

static void test_response_extremes_stay_within_range(void **state)
{
	struct response r = {};

	(void)state;

	response_observe(&r, &settings, 0, 7, 0);
	assert_int_equal(r.average_us, 1);

	r = (struct response) {};
	response_observe(&r, &settings, UINT64_MAX, 1, 0);
	response_observe(&r, &settings, UINT64_MAX, UINT32_MAX, 0);
	assert_in_range(r.average_us, 1, UINT32_MAX);
	assert_int_equal(r.samples, UINT32_MAX);
}

/* ---- costs --------------------------------------------------------------------------- */

static struct response_backend make_known(uint32_t effective, uint32_t average_us)
{
	return (struct response_backend) {
		.effective = effective,
		.response = { .average_us = average_us, .samples = 1000000 },
		.cost = 77,
	};
}

static void test_response_least_conn_costs_go_by_weight_alone(void **state)
{
	struct response_backend be[] = { make_known(1000, 5), make_known(2000, 500),
					 make_known(0, 1), make_known(4000, 0) };

	(void)state;

	response_costs_least_conn(be, COUNT(be));

	assert_int_equal(be[0].cost, DEAREST);
	assert_int_equal(be[1].cost, DEAREST / 2);
	assert_int_equal(be[2].cost, 0);
	assert_int_equal(be[3].cost, DEAREST / 4);
}

static void test_response_costs_go_by_time_over_weight(void **state)
{
	struct response_backend be[] = { make_known(1000, 800), make_known(1000, 400),
					 make_known(4000, 800), make_known(0, 1) };

	(void)state;

	response_costs(be, COUNT(be), &settings);

	assert_int_equal(be[0].cost, DEAREST);
	assert_int_equal(be[1].cost, DEAREST / 2);
	assert_int_equal(be[2].cost, DEAREST / 4);
	assert_int_equal(be[3].cost, 0);
}

static void test_response_nobody_known_is_least_conn(void **state)
{
	struct response_backend be[] = { make_known(1000, 0), make_known(2000, 0),
					 make_known(0, 5) };

	(void)state;

	response_costs(be, COUNT(be), &settings);

	assert_int_equal(be[0].cost, DEAREST);
	assert_int_equal(be[1].cost, DEAREST / 2);
	assert_int_equal(be[2].cost, 0);
}

static void test_response_unknown_counts_as_the_best_less_explore(void **state)
{
	struct response_backend be[] = { make_known(1000, 1000), make_known(1000, 500),
					 make_known(1000, 0) };

	(void)state;

	response_costs(be, COUNT(be), &settings);

	/* 1000, 500 and 400, but for the thousandth that a million samples leave of the discount */
	assert_int_equal(be[0].cost, DEAREST);
	assert_in_range(be[1].cost, DEAREST / 2 - 1, DEAREST / 2 + 1);
	assert_in_range(be[2].cost, DEAREST * 0.4 - 1, DEAREST * 0.4 + 100);
}

static void test_response_discount_shrinks_with_samples(void **state)
{
	static const uint32_t samples[] = { 1, 3, 24, 99, 9999 };
	double last = 0.8;

	(void)state;

	for (size_t i = 0; i < COUNT(samples); i++) {
		struct response_backend be[] = { make_known(1000, 1000), make_known(1000, 1000) };
		double discounted;

		be[0].response.samples = UINT32_MAX;
		be[1].response.samples = samples[i];

		response_costs(be, COUNT(be), &settings);

		discounted = (double)be[1].cost / be[0].cost;
		assert_true(discounted > last);
		last = discounted;
		if (samples[i] == 3)
			assert_float_equal(discounted, 0.9, 0.0001);
		if (samples[i] == 99)
			assert_float_equal(discounted, 0.98, 0.0001);
	}
}

static void test_response_candidate_costs_1_at_least(void **state)
{
	struct model_response all = settings;
	struct response_backend be[] = { make_known(1, 4000000000), make_known(4000000000, 1),
					 make_known(1, 0) };

	(void)state;
	all.explore_percent = 100;

	response_costs(be, COUNT(be), &all);

	assert_int_equal(be[0].cost, DEAREST);
	assert_int_equal(be[1].cost, 1);
	assert_int_equal(be[2].cost, 1);

	/* everybody unknown or free */
	be[0] = make_known(1, 1);
	be[0].response.samples = 0;
	response_costs(be, 1, &all);
	assert_int_equal(be[0].cost, 1);

	response_costs(NULL, 0, &all);
}

/* ---- least_conn, as the data path chooses ---------------------------------------------- */

/** struct simulation - connections that come at random and stay for very different times */
struct simulation {
	uint16_t table[SIZE];
	uint32_t cycle;
	uint32_t cost[MAX_BACKENDS + 1];
	uint32_t live[MAX_BACKENDS + 1];
	int first_ending[CONNECTIONS + 1]; /* by time: a connection, 0: none */
	int next_ending[CONNECTIONS + 1];
	uint16_t owner[CONNECTIONS + 1];
	uint32_t total, total_weight, weight[MAX_BACKENDS + 1];
	uint64_t random, turn;
};

static uint64_t next_random(struct simulation *sim)
{
	sim->random += 0x9e3779b97f4a7c15ULL;
	return lb_mix(sim->random);
}

static void prepare(struct simulation *sim, const uint32_t *weights, size_t n, uint64_t seed)
{
	struct maglev_backend be[MAX_BACKENDS] = {};
	struct response_backend costs[MAX_BACKENDS] = {};

	memset(sim, 0, sizeof(*sim));
	sim->random = seed;
	for (size_t i = 0; i < n; i++) {
		be[i] = (struct maglev_backend) { .port = i, .id = i + 1, .weight = weights[i] };
		costs[i].effective = weights[i];
		sim->weight[i + 1] = weights[i];
		sim->total_weight += weights[i];
	}
	assert_int_equal(least_build(be, n, sim->table, SIZE, &sim->cycle), 0);
	response_costs_least_conn(costs, n);
	for (size_t i = 0; i < n; i++)
		sim->cost[i + 1] = costs[i].cost;
}

/* The least (live + 1) x cost; the first to be met in a tie, looking from another one each time. */
static uint16_t choose(struct simulation *sim, uint32_t draws)
{
	uint32_t start = sim->turn++ % sim->cycle;
	uint64_t least = UINT64_MAX;
	uint16_t best = 0;

	for (uint32_t i = 0; i < (draws ? draws : sim->cycle); i++) {
		uint32_t at = draws ? next_random(sim) % sim->cycle : (start + i) % sim->cycle;
		uint16_t id = sim->table[at];
		uint64_t load = (uint64_t)(sim->live[id] + 1) * sim->cost[id];

		if (load < least) {
			least = load;
			best = id;
		}
	}
	return best;
}

static void close_ended(struct simulation *sim, uint32_t now)
{
	for (int c = sim->first_ending[now]; c; c = sim->next_ending[c]) {
		sim->live[sim->owner[c]]--;
		sim->total--;
	}
}

static void open_until(struct simulation *sim, int c, uint16_t id, uint64_t end)
{
	sim->live[id]++;
	sim->total++;
	sim->owner[c] = id;
	if (end > CONNECTIONS)
		return;
	sim->next_ending[c] = sim->first_ending[end];
	sim->first_ending[end] = c;
}

/* Holds of 10, 100, ... 100,000 times the mean time between two connections. */
static uint64_t draw_hold(struct simulation *sim)
{
	uint64_t hold = 10;

	for (uint64_t decade = next_random(sim) % 5; decade; decade--)
		hold *= 10;
	return hold + next_random(sim) % (9 * hold);
}

/* One connection a moment; its number is the time. */
static void run(struct simulation *sim, uint32_t draws)
{
	for (uint32_t c = 1; c <= CONNECTIONS; c++) {
		close_ended(sim, c);
		open_until(sim, c, choose(sim, draws), c + draw_hold(sim));
	}
}

static uint32_t most_live(const struct simulation *sim, size_t n)
{
	uint32_t most = 0;

	for (size_t id = 1; id <= n; id++)
		most = sim->live[id] > most ? sim->live[id] : most;
	return most;
}

static void fill_weights(uint32_t *weights, size_t n, uint32_t step)
{
	for (size_t i = 0; i < n; i++)
		weights[i] = 1000 * (1 + i * step % 5);
}

static void test_least_conn_equal_weights_stay_within_5_percent_and_1_of_the_mean(void **state)
{
	static const size_t counts[] = { 2, 3, 10, 32 };
	uint32_t weights[MAX_BACKENDS];
	struct simulation *sim = malloc(sizeof(*sim));

	(void)state;
	assert_non_null(sim);

	for (uint64_t seed = 1; seed <= 3; seed++) {
		for (size_t i = 0; i < COUNT(counts); i++) {
			fill_weights(weights, counts[i], 0);
			prepare(sim, weights, counts[i], seed);

			run(sim, 0);

			assert_true(most_live(sim, counts[i]) <= 1.05 * sim->total / counts[i] + 1);
		}
	}
	free(sim);
}

static void test_least_conn_follows_the_weights(void **state)
{
	uint32_t weights[MAX_BACKENDS];
	struct simulation *sim = malloc(sizeof(*sim));

	(void)state;
	assert_non_null(sim);
	fill_weights(weights, 10, 1);
	prepare(sim, weights, 10, 4);

	run(sim, 0);

	for (uint32_t id = 1; id <= 10; id++) {
		double share = (double)sim->total * sim->weight[id] / sim->total_weight;

		assert_float_equal(sim->live[id], share, 0.05 * share + 1);
	}
	free(sim);
}

static void test_least_conn_draws_of_two_among_200_stay_near_the_mean(void **state)
{
	uint32_t weights[MAX_BACKENDS];
	struct simulation *sim = malloc(sizeof(*sim));

	(void)state;
	assert_non_null(sim);
	fill_weights(weights, 200, 0);
	prepare(sim, weights, 200, 5);
	assert_int_equal(sim->cycle, SIZE);

	run(sim, 2);

	/* the best of two draws is about ln ln n above the mean */
	assert_true(most_live(sim, 200) <= sim->total / 200.0 + 4);
	free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_response_first_interval_is_the_average),
		cmocka_unit_test(test_response_newest_interval_counts_by_decay),
		cmocka_unit_test(test_response_approaches_a_new_level_from_both_sides),
		cmocka_unit_test(test_response_is_forgotten_after_a_window_without_samples),
		cmocka_unit_test(test_response_after_a_window_begins_anew),
		cmocka_unit_test(test_response_extremes_stay_within_range),
		cmocka_unit_test(test_response_least_conn_costs_go_by_weight_alone),
		cmocka_unit_test(test_response_costs_go_by_time_over_weight),
		cmocka_unit_test(test_response_nobody_known_is_least_conn),
		cmocka_unit_test(test_response_unknown_counts_as_the_best_less_explore),
		cmocka_unit_test(test_response_discount_shrinks_with_samples),
		cmocka_unit_test(test_response_candidate_costs_1_at_least),
		cmocka_unit_test(
			test_least_conn_equal_weights_stay_within_5_percent_and_1_of_the_mean),
		cmocka_unit_test(test_least_conn_follows_the_weights),
		cmocka_unit_test(test_least_conn_draws_of_two_among_200_stay_near_the_mean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
