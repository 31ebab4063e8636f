/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan/weigh.h"

#define MAX_BACKENDS 1000
#define MAX_GROUPS   20

static struct weigh_backend backends[MAX_BACKENDS];
static struct model_group groups[MAX_GROUPS];
static struct weigh_group shares[MAX_GROUPS];
static struct weigh_policy policy;

/* n healthy backends of weight 1, in no group; spill below 70 % */
static void make_backends(size_t n)
{
	for (size_t i = 0; i < n; i++)
		backends[i] = (struct weigh_backend) {
			.weight = 1,
			.counts = true,
			.is_healthy = true,
			.agent_percent = 100,
			.ramp_permille = 1000,
			.factor_permille = 1000,
			.effective = 77,
		};
	memset(groups, 0, sizeof(groups));
	memset(shares, 0, sizeof(shares));
	policy = (struct weigh_policy) { .spill_percent = 70 };
}

/* the backends dealt to @count groups in turn, of priority 0 and the weight of their backends */
static void make_groups(size_t n, size_t count)
{
	make_backends(n);
	for (size_t i = 0; i < n; i++)
		backends[i].group = i % count;
	policy.groups = groups;
	policy.group_count = count;
}

/* of each group, @healthy backends are healthy and the rest are not */
static void set_healthy(size_t n, unsigned group, size_t healthy)
{
	for (size_t i = 0; i < n; i++) {
		if (backends[i].group != group)
			continue;
		backends[i].is_healthy = healthy > 0;
		healthy -= healthy > 0;
	}
}

static void set_counts(size_t n, unsigned group, bool counts)
{
	for (size_t i = 0; i < n; i++) {
		if (backends[i].group == group)
			backends[i].counts = counts;
	}
}

static void weigh(size_t n, enum weigh_panic panic)
{
	assert_int_equal(weigh_backends(&policy, panic, backends, n, shares), 0);
}

/* a group's part of all effective weights */
static double part_of(size_t n, unsigned group)
{
	double sum = 0, of_group = 0;

	for (size_t i = 0; i < n; i++) {
		sum += backends[i].effective;
		of_group += backends[i].group == group ? backends[i].effective : 0;
	}
	return of_group / sum;
}

static void assert_parts(size_t n, const double *parts)
{
	for (size_t g = 0; g < policy.group_count; g++) {
		assert_float_equal(part_of(n, g), parts[g], 0.001);
		assert_float_equal(shares[g].share_ppm / 1e6, parts[g], 0.000001);
	}
}

/* ---- no groups ------------------------------------------------------------------ */

static void test_weigh_all_well_gives_units_of_1000(void **state)
{
	(void)state;
	make_backends(3);
	backends[1].weight = 7;
	backends[2].weight = 1000;

	weigh(3, WEIGH_CALM);

	assert_int_equal(backends[0].effective, 1000);
	assert_int_equal(backends[1].effective, 7000);
	assert_int_equal(backends[2].effective, 1000000);
}

static void test_weigh_percent_ramp_and_factor_multiply(void **state)
{
	(void)state;
	make_backends(5);
	backends[0].weight = 10;
	backends[0].agent_percent = 50;
	backends[0].ramp_permille = 100;
	backends[0].factor_permille = 2000;
	backends[1].agent_percent = 75;
	backends[2].ramp_permille = 333;
	backends[3].factor_permille = 1500;

	weigh(5, WEIGH_CALM);

	assert_int_equal(backends[0].effective, 1000);
	assert_int_equal(backends[1].effective, 750);
	assert_int_equal(backends[2].effective, 333);
	assert_int_equal(backends[3].effective, 1500);
	assert_int_equal(backends[4].effective, 1000);
}

static void test_weigh_tiny_product_keeps_1(void **state)
{
	(void)state;
	make_backends(2);
	backends[0].agent_percent = 1;
	backends[0].ramp_permille = 1;
	backends[0].factor_permille = 100;

	weigh(2, WEIGH_CALM);

	assert_int_equal(backends[0].effective, 1);
	assert_int_equal(backends[1].effective, 1000);
}

static void test_weigh_who_takes_no_newcomers_gets_0(void **state)
{
	(void)state;
	make_backends(5);
	backends[0].is_healthy = false;
	backends[1].counts = false;
	backends[2].weight = 0;
	backends[3].agent_percent = 0;

	weigh(5, WEIGH_CALM);

	for (int i = 0; i < 4; i++)
		assert_int_equal(backends[i].effective, 0);
	assert_int_equal(backends[4].effective, 1000);
}

static void test_weigh_nobody_at_all_is_no_error(void **state)
{
	(void)state;
	make_backends(1);
	backends[0].is_healthy = false;

	weigh(0, WEIGH_CALM);
	weigh(1, WEIGH_CALM);

	assert_int_equal(backends[0].effective, 0);
}

static void test_weigh_without_groups_spilling_goes_nowhere(void **state)
{
	(void)state;
	make_backends(10);
	for (int i = 0; i < 9; i++)
		backends[i].is_healthy = false;

	weigh(10, WEIGH_CALM);

	assert_int_equal(backends[9].effective, 1000);
}

/* ---- groups --------------------------------------------------------------------- */

static void test_weigh_groups_of_one_priority_share_by_their_backends(void **state)
{
	(void)state;
	make_groups(9, 2); /* 5 and 4 */

	weigh(9, WEIGH_CALM);

	for (int i = 0; i < 9; i++)
		assert_int_equal(backends[i].effective, 1000);
	assert_parts(9, (const double[]) { 5.0 / 9, 4.0 / 9 });
	assert_int_equal(shares[0].total, 5);
	assert_int_equal(shares[0].healthy, 5);
}

static void test_weigh_group_weights_share_within_a_priority(void **state)
{
	(void)state;
	make_groups(6, 2);
	groups[0].weight = 2;
	groups[1].weight = 1;

	weigh(6, WEIGH_CALM);

	assert_parts(6, (const double[]) { 2.0 / 3, 1.0 / 3 });
	assert_int_equal(backends[0].effective, 2000);
	assert_int_equal(backends[1].effective, 1000);
}

static void test_weigh_next_priority_gets_nothing_while_the_first_is_well(void **state)
{
	(void)state;
	make_groups(20, 2);
	groups[1].priority = 1;
	set_healthy(20, 0, 7);

	weigh(20, WEIGH_CALM);

	assert_parts(20, (const double[]) { 1, 0 });
	assert_int_equal(backends[1].effective, 0);
}

static void test_weigh_zone_that_loses_half_spills_by_the_formula(void **state)
{
	(void)state;
	make_groups(20, 2);
	groups[1].priority = 1;
	set_healthy(20, 0, 5);

	weigh(20, WEIGH_CALM);

	/* u = 0.5 / 0.7 */
	assert_parts(20, (const double[]) { 5.0 / 7, 2.0 / 7 });
	assert_int_equal(shares[0].healthy, 5);
	assert_int_equal(shares[0].total, 10);
}

static void test_weigh_zones_of_one_priority_spill_to_the_next_before_each_other(void **state)
{
	(void)state;
	make_groups(30, 3);
	groups[2].priority = 1;
	set_healthy(30, 0, 5);

	weigh(30, WEIGH_CALM);

	/* the first zone takes 5/7 of its half */
	assert_parts(30, (const double[]) { 2.5 / 7, 0.5, 1.0 / 7 });
}

static void test_weigh_what_the_last_priority_leaves_is_spread_over_all(void **state)
{
	const double u0 = 0.2 / 0.7, u1 = 0.1 / 0.7, second = (1 - u0) * u1;

	(void)state;
	make_groups(20, 2);
	groups[1].priority = 1;
	set_healthy(20, 0, 2);
	set_healthy(20, 1, 1);

	weigh(20, WEIGH_CALM);

	assert_parts(20, (const double[]) { u0 / (u0 + second), second / (u0 + second) });
}

static void test_weigh_priorities_need_not_follow_each_other_or_the_file(void **state)
{
	(void)state;
	make_groups(30, 3);
	groups[0].priority = 4000000000;
	groups[1].priority = 7;
	groups[2].priority = 9;
	set_healthy(30, 1, 0);
	set_healthy(30, 2, 5);

	weigh(30, WEIGH_CALM);

	assert_parts(30, (const double[]) { 2.0 / 7, 0, 5.0 / 7 });
}

static void test_weigh_backup_waits_until_all_others_are_down(void **state)
{
	(void)state;
	make_groups(40, 4);
	groups[1].priority = 1;
	groups[2].is_backup = groups[3].is_backup = true;
	groups[2].weight = 3;
	groups[3].weight = 1;
	set_healthy(40, 0, 0);
	set_healthy(40, 1, 1);

	weigh(40, WEIGH_CALM);
	assert_parts(40, (const double[]) { 0, 1, 0, 0 });

	set_healthy(40, 1, 0);
	weigh(40, WEIGH_CALM);
	assert_parts(40, (const double[]) { 0, 0, 0.75, 0.25 });
}

static void test_weigh_backups_have_priorities_too(void **state)
{
	(void)state;
	make_groups(30, 3);
	groups[1].is_backup = groups[2].is_backup = true;
	groups[2].priority = 1;
	set_healthy(30, 0, 0);
	set_healthy(30, 1, 3);

	weigh(30, WEIGH_CALM);

	assert_parts(30, (const double[]) { 0, 3.0 / 7, 4.0 / 7 });
}

static void test_weigh_drained_zone_is_left_out_and_spills_nothing(void **state)
{
	(void)state;
	make_groups(30, 3);
	groups[0].weight = groups[1].weight = 1;
	groups[2].priority = 1;
	set_counts(30, 0, false);

	weigh(30, WEIGH_CALM);

	assert_parts(30, (const double[]) { 0, 1, 0 });
	assert_int_equal(shares[0].total, 0);
}

static void test_weigh_drained_backends_are_no_capacity(void **state)
{
	(void)state;
	make_groups(20, 2);
	groups[1].priority = 1;
	for (int i = 0; i < 10; i += 2)
		backends[i].counts = false;

	weigh(20, WEIGH_CALM);

	assert_int_equal(shares[0].total, 5);
	assert_parts(20, (const double[]) { 1, 0 });
}

static void test_weigh_within_a_group_percent_ramp_and_factor_decide(void **state)
{
	(void)state;
	make_groups(4, 2);
	groups[0].weight = groups[1].weight = 1;
	backends[0].ramp_permille = 500;
	backends[2].weight = 2;

	weigh(4, WEIGH_CALM);

	/* the zones stay equal; in the first 0.5 against 2 */
	assert_parts(4, (const double[]) { 0.5, 0.5 });
	assert_int_equal(backends[2].effective, 4 * backends[0].effective);
	assert_int_equal(backends[1].effective, backends[3].effective);
}

static void test_weigh_spill_percent_0_keeps_all_while_one_lives(void **state)
{
	(void)state;
	make_groups(20, 2);
	groups[1].priority = 1;
	policy.spill_percent = 0;
	set_healthy(20, 0, 1);

	weigh(20, WEIGH_CALM);
	assert_parts(20, (const double[]) { 1, 0 });

	set_healthy(20, 0, 0);
	weigh(20, WEIGH_CALM);
	assert_parts(20, (const double[]) { 0, 1 });
}

static void test_weigh_far_apart_group_weights_stay_within_bounds(void **state)
{
	(void)state;
	make_groups(20, 2);
	groups[0].weight = 4000000000;
	groups[1].weight = 1;

	weigh(20, WEIGH_CALM);

	assert_int_equal(backends[0].effective, 1U << 30);
	assert_int_equal(backends[1].effective, 1);
}

/* The formula of weigh.h once more, written down for priorities in order of the groups. */
static void expect_parts(const size_t *healthy, size_t in_group, size_t in_priority, double *parts)
{
	double left = 1, sum = 0;

	for (size_t first = 0; first < MAX_GROUPS; first += in_priority) {
		double weights = 0, taken = 0;

		for (size_t g = first; g < first + in_priority; g++)
			weights += groups[g].weight;
		for (size_t g = first; g < first + in_priority; g++) {
			double u = (double)healthy[g] / in_group / 0.7;

			parts[g] = left * groups[g].weight / weights * (u < 1 ? u : 1);
			taken += parts[g];
		}
		left -= taken;
		sum += taken;
	}
	for (size_t g = 0; g < MAX_GROUPS; g++)
		parts[g] /= sum;
}

static void test_weigh_1000_backends_in_20_groups_follow_the_formula(void **state)
{
	size_t healthy[MAX_GROUPS];
	double parts[MAX_GROUPS];

	(void)state;
	for (size_t round = 0; round < 50; round++) {
		make_groups(1000, MAX_GROUPS);
		for (size_t g = 0; g < MAX_GROUPS; g++) {
			groups[g].priority = g / 5 * 10;
			groups[g].weight = 1 + (g * 7 + round) % 4;
			healthy[g] = (g * 13 + round * 11) % 51;
			set_healthy(1000, g, healthy[g]);
		}
		expect_parts(healthy, 50, 5, parts);

		weigh(1000, WEIGH_CALM);

		for (size_t g = 0; g < MAX_GROUPS; g++)
			assert_float_equal(part_of(1000, g), parts[g], 0.01 * parts[g] + 1e-9);
		for (size_t i = 0; i < 1000; i++)
			assert_int_equal(backends[i].effective > 0,
					 backends[i].is_healthy && parts[i % MAX_GROUPS] > 0);
	}
}

/* ---- panic ------------------------------------------------------------------------ */

static void test_weigh_panic_below_the_threshold_alone(void **state)
{
	(void)state;
	make_backends(10);
	policy.panic = (struct model_panic) { .threshold_percent = 50, .mode = PANIC_OPEN };
	for (int i = 0; i < 5; i++)
		backends[i].is_healthy = false;
	assert_int_equal(weigh_panic(&policy, backends, 10), WEIGH_CALM);

	backends[5].is_healthy = false;
	assert_int_equal(weigh_panic(&policy, backends, 10), WEIGH_PANIC_OPEN);

	policy.panic.threshold_percent = 0;
	assert_int_equal(weigh_panic(&policy, backends, 10), WEIGH_CALM);
}

static void test_weigh_panic_goes_by_weight_that_counts(void **state)
{
	(void)state;
	make_backends(4);
	policy.panic = (struct model_panic) { .threshold_percent = 50, .mode = PANIC_OPEN };
	backends[0].is_healthy = backends[1].is_healthy = backends[2].is_healthy = false;
	backends[3].weight = 10;
	assert_int_equal(weigh_panic(&policy, backends, 4), WEIGH_CALM);

	backends[3].counts = false;
	assert_int_equal(weigh_panic(&policy, backends, 4), WEIGH_PANIC_OPEN);

	backends[0].counts = backends[1].counts = backends[2].counts = false;
	assert_int_equal(weigh_panic(&policy, backends, 4), WEIGH_CALM);
}

static void test_weigh_panic_leaves_backups_to_their_turn(void **state)
{
	(void)state;
	make_groups(20, 2);
	groups[1].is_backup = true;
	policy.panic = (struct model_panic) { .threshold_percent = 50, .mode = PANIC_OPEN };
	set_healthy(20, 0, 4);
	assert_int_equal(weigh_panic(&policy, backends, 20), WEIGH_PANIC_OPEN);

	set_healthy(20, 0, 0);
	assert_int_equal(weigh_panic(&policy, backends, 20), WEIGH_CALM);

	set_healthy(20, 1, 0);
	assert_int_equal(weigh_panic(&policy, backends, 20), WEIGH_PANIC_OPEN);
}

static void test_weigh_30_percent_healthy_open_uses_all_that_counts(void **state)
{
	(void)state;
	make_backends(11);
	policy.panic = (struct model_panic) { .threshold_percent = 50, .mode = PANIC_OPEN };
	for (int i = 3; i < 10; i++)
		backends[i].is_healthy = false;
	backends[9].agent_percent = 0;
	backends[10].counts = false;

	assert_int_equal(weigh_panic(&policy, backends, 11), WEIGH_PANIC_OPEN);
	weigh(11, WEIGH_PANIC_OPEN);

	for (int i = 0; i < 9; i++)
		assert_int_equal(backends[i].effective, 1000);
	assert_int_equal(backends[9].effective, 10);
	assert_int_equal(backends[10].effective, 0);
}

static void test_weigh_30_percent_healthy_closed_uses_nobody(void **state)
{
	(void)state;
	make_groups(10, 2);
	policy.panic = (struct model_panic) { .threshold_percent = 50, .mode = PANIC_CLOSED };
	for (int i = 3; i < 10; i++)
		backends[i].is_healthy = false;

	assert_int_equal(weigh_panic(&policy, backends, 10), WEIGH_PANIC_CLOSED);
	weigh(10, WEIGH_PANIC_CLOSED);

	for (int i = 0; i < 10; i++)
		assert_int_equal(backends[i].effective, 0);
	assert_int_equal(shares[0].share_ppm, 0);
	assert_int_equal(shares[0].total, 5);
}

static void test_weigh_open_panic_spills_to_nobody(void **state)
{
	(void)state;
	make_groups(20, 2);
	groups[1].priority = 1;
	set_healthy(20, 0, 1);
	set_healthy(20, 1, 1);

	weigh(20, WEIGH_PANIC_OPEN);

	assert_parts(20, (const double[]) { 1, 0 });
}

/* ---- what is worth a new table ------------------------------------------------------ */

static void test_weigh_differ_sees_who_comes_and_goes(void **state)
{
	const uint32_t was[] = { 1000, 0, 1 };

	(void)state;

	assert_true(weigh_differ(was, (const uint32_t[]) { 1000, 1, 1 }, 3, 50));
	assert_true(weigh_differ(was, (const uint32_t[]) { 1000, 0, 0 }, 3, 50));
	assert_false(weigh_differ(was, was, 3, 0));
	assert_false(weigh_differ(NULL, NULL, 0, 0));
}

static void test_weigh_differ_goes_by_shares_not_by_weights(void **state)
{
	const uint32_t was[] = { 1000, 2000 };

	(void)state;

	assert_false(weigh_differ(was, (const uint32_t[]) { 3000, 6000 }, 2, 0));
	assert_false(weigh_differ(was, (const uint32_t[]) { 1000, 2100 }, 2, 5));
	assert_true(weigh_differ(was, (const uint32_t[]) { 1000, 2200 }, 2, 5));
	assert_true(weigh_differ(was, (const uint32_t[]) { 1000, 1800 }, 2, 5));
	assert_true(weigh_differ(was, (const uint32_t[]) { 1000, 2001 }, 2, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weigh_all_well_gives_units_of_1000),
		cmocka_unit_test(test_weigh_percent_ramp_and_factor_multiply),
		cmocka_unit_test(test_weigh_tiny_product_keeps_1),
		cmocka_unit_test(test_weigh_who_takes_no_newcomers_gets_0),
		cmocka_unit_test(test_weigh_nobody_at_all_is_no_error),
		cmocka_unit_test(test_weigh_without_groups_spilling_goes_nowhere),
		cmocka_unit_test(test_weigh_groups_of_one_priority_share_by_their_backends),
		cmocka_unit_test(test_weigh_group_weights_share_within_a_priority),
		cmocka_unit_test(test_weigh_next_priority_gets_nothing_while_the_first_is_well),
		cmocka_unit_test(test_weigh_zone_that_loses_half_spills_by_the_formula),
		cmocka_unit_test(
			test_weigh_zones_of_one_priority_spill_to_the_next_before_each_other),
		cmocka_unit_test(test_weigh_what_the_last_priority_leaves_is_spread_over_all),
		cmocka_unit_test(test_weigh_priorities_need_not_follow_each_other_or_the_file),
		cmocka_unit_test(test_weigh_backup_waits_until_all_others_are_down),
		cmocka_unit_test(test_weigh_backups_have_priorities_too),
		cmocka_unit_test(test_weigh_drained_zone_is_left_out_and_spills_nothing),
		cmocka_unit_test(test_weigh_drained_backends_are_no_capacity),
		cmocka_unit_test(test_weigh_within_a_group_percent_ramp_and_factor_decide),
		cmocka_unit_test(test_weigh_spill_percent_0_keeps_all_while_one_lives),
		cmocka_unit_test(test_weigh_far_apart_group_weights_stay_within_bounds),
		cmocka_unit_test(test_weigh_1000_backends_in_20_groups_follow_the_formula),
		cmocka_unit_test(test_weigh_panic_below_the_threshold_alone),
		cmocka_unit_test(test_weigh_panic_goes_by_weight_that_counts),
		cmocka_unit_test(test_weigh_panic_leaves_backups_to_their_turn),
		cmocka_unit_test(test_weigh_30_percent_healthy_open_uses_all_that_counts),
		cmocka_unit_test(test_weigh_30_percent_healthy_closed_uses_nobody),
		cmocka_unit_test(test_weigh_open_panic_spills_to_nobody),
		cmocka_unit_test(test_weigh_differ_sees_who_comes_and_goes),
		cmocka_unit_test(test_weigh_differ_goes_by_shares_not_by_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
