/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plan/pid.h"

#define SECOND 1000

static const struct model_adaptive settings = {
	.target_percent = 70,
	.kp_milli = 500,
	.ki_milli = 100,
	.kd_milli = 50,
	.minimum_percent = 10,
	.maximum_percent = 200,
	.step_percent = 10,
	.interval_ms = SECOND,
};

/** struct plant - a backend whose load follows its weight, late */
struct plant {
	double per_factor; /* load at factor 1, when it has settled */
	double lag;	   /* share of the way that is left after one interval */
	double load;
};

static unsigned load_after(struct plant *plant, unsigned factor_permille)
{
	double settled = plant->per_factor * factor_permille / 1000;

	plant->load = plant->lag * plant->load + (1 - plant->lag) * settled;
	return plant->load < 1 ? (unsigned)(plant->load * 1000 + 0.5) : 1000;
}

static unsigned run(struct pid *pid, struct plant *plant, int intervals)
{
	unsigned factor = pid->factor_permille ? pid->factor_permille : 1000;

	for (int i = 0; i < intervals; i++)
		factor = pid_step(pid, &settings, load_after(plant, factor), SECOND);
	return factor;
}

static void test_pid_on_target_from_the_start_changes_nothing(void **state)
{
	struct pid pid = {};

	(void)state;

	for (int i = 0; i < 100; i++)
		assert_int_equal(pid_step(&pid, &settings, 700, SECOND), 1000);
}

static void test_pid_terms_add_up_as_documented(void **state)
{
	struct pid pid = {};

	(void)state;

	/* e = -0.1: 1 - 0.05 - 0.01 */
	assert_int_equal(pid_step(&pid, &settings, 800, SECOND), 940);
	/* e = -0.05: 1 - 0.025 - 0.015 + 0.05 * 0.05 */
	assert_int_equal(pid_step(&pid, &settings, 750, SECOND), 963);
	assert_int_equal(pid.integral, -150000);
	assert_int_equal(pid.error, -50000);
}

static void test_pid_interval_scales_integral_and_slope(void **state)
{
	struct pid pid = {};

	(void)state;

	assert_int_equal(pid_step(&pid, &settings, 800, 500), 945);
	assert_int_equal(pid.integral, -50000);
	/* 1 - 0.025 - 0.0075 + 0.05 * 0.05 / 0.5 */
	assert_int_equal(pid_step(&pid, &settings, 750, 500), 973);
}

static void test_pid_loads_of_slow_and_fast_plants_settle_at_the_target(void **state)
{
	/* a plant of 2 and more, without any lag, would be too much for a gain of 0.5 */
	static const double per_factor[] = { 0.4, 0.6, 0.9, 1.2, 1.5 };
	static const double lags[] = { 0, 0.3, 0.6 };

	(void)state;

	for (size_t i = 0; i < sizeof(per_factor) / sizeof(per_factor[0]); i++) {
		for (size_t j = 0; j < sizeof(lags) / sizeof(lags[0]); j++) {
			struct plant plant = { per_factor[i], lags[j], per_factor[i] };
			struct pid pid = {};

			run(&pid, &plant, 150);
			for (int t = 0; t < 60; t++) {
				run(&pid, &plant, 1);
				assert_float_equal(plant.load, 0.7, 0.01);
			}
		}
	}
}

static void test_pid_step_in_load_is_taken_without_much_overshoot(void **state)
{
	struct plant plant = { 0.7, 0.3, 0.7 };
	struct pid pid = {};
	double lowest = 1;

	(void)state;
	run(&pid, &plant, 10);
	plant.per_factor = 1.0; /* its CPU got slower */

	for (int t = 0; t < 120; t++) {
		run(&pid, &plant, 1);
		lowest = plant.load < lowest ? plant.load : lowest;
	}

	assert_float_equal(plant.load, 0.7, 0.01);
	assert_true(lowest > 0.65);
}

static void test_pid_factor_moves_by_a_step_at_most(void **state)
{
	struct pid pid = {};
	unsigned last = 1000;

	(void)state;

	for (int i = 0; i < 200; i++) {
		unsigned factor = pid_step(&pid, &settings, i / 20 % 2 ? 0 : 1000, SECOND);

		assert_in_range(factor, last - 100, last + 100);
		last = factor;
	}
}

static void test_pid_factor_stays_between_its_clamps(void **state)
{
	struct pid pid = {};
	struct model_adaptive fast = settings;
	unsigned factor = 0;

	(void)state;
	fast.ki_milli = 1000;

	for (int i = 0; i < 1000; i++)
		factor = pid_step(&pid, &fast, 1000, SECOND);
	assert_int_equal(factor, 100);

	for (int i = 0; i < 1000; i++)
		factor = pid_step(&pid, &fast, 0, SECOND);
	assert_int_equal(factor, 2000);
}

static void test_pid_at_a_clamp_the_integral_does_not_wind_up(void **state)
{
	struct pid after_a_minute = {}, after_a_day = {};
	int intervals = 0;

	(void)state;

	for (int i = 0; i < 86400; i++) {
		pid_step(&after_a_day, &settings, 1000, SECOND);
		if (i < 60)
			pid_step(&after_a_minute, &settings, 1000, SECOND);
	}
	assert_int_equal(after_a_day.factor_permille, 100);
	assert_int_equal(after_a_day.integral, after_a_minute.integral);

	/* idle again: at once on its way up, and whole within half a minute */
	assert_int_equal(pid_step(&after_a_day, &settings, 300, SECOND), 200);
	while (after_a_day.factor_permille < 1000 && intervals++ < 30)
		pid_step(&after_a_day, &settings, 300, SECOND);
	assert_in_range(intervals, 1, 29);
}

static void test_pid_held_back_by_the_step_the_integral_does_not_wind_up(void **state)
{
	struct model_adaptive slow = settings;
	struct pid pid = {};

	(void)state;
	slow.step_percent = 1;

	for (int i = 0; i < 10; i++)
		pid_step(&pid, &slow, 1000, SECOND);

	assert_int_equal(pid.factor_permille, 900);
	assert_int_equal(pid.integral, 0);
}

static void test_pid_goes_on_from_what_an_earlier_agent_left(void **state)
{
	struct plant plant = { 1.0, 0.3, 1.0 };
	struct pid pid = {}, next;
	unsigned factor;

	(void)state;
	factor = run(&pid, &plant, 120);

	next = (struct pid) { .integral = pid.integral, .factor_permille = pid.factor_permille };
	assert_in_range(run(&next, &plant, 1), factor - 5, factor + 5);
}

static void test_pid_reports_beyond_all_reason_are_cut(void **state)
{
	struct pid pid = { .integral = INT32_MIN }, other = { .integral = INT32_MIN };
	struct model_adaptive wild = settings;

	(void)state;
	wild.kp_milli = wild.ki_milli = wild.kd_milli = 1000000;

	for (int i = 0; i < 10; i++)
		assert_int_equal(pid_step(&pid, &wild, UINT32_MAX, SECOND),
				 pid_step(&other, &wild, 1000, SECOND));
	assert_int_equal(pid_step(&pid, &wild, 1000, 0), 100);
	assert_in_range(pid_step(&pid, &wild, 0, UINT32_MAX), 1, 2000);
}

static void test_pid_factor_is_never_0(void **state)
{
	struct model_adaptive none = settings;
	struct pid pid = { .integral = INT32_MIN, .factor_permille = 10 };

	(void)state;
	none.minimum_percent = 0;

	assert_int_equal(pid_step(&pid, &none, 1000, SECOND), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pid_on_target_from_the_start_changes_nothing),
		cmocka_unit_test(test_pid_terms_add_up_as_documented),
		cmocka_unit_test(test_pid_interval_scales_integral_and_slope),
		cmocka_unit_test(test_pid_loads_of_slow_and_fast_plants_settle_at_the_target),
		cmocka_unit_test(test_pid_step_in_load_is_taken_without_much_overshoot),
		cmocka_unit_test(test_pid_factor_moves_by_a_step_at_most),
		cmocka_unit_test(test_pid_factor_stays_between_its_clamps),
		cmocka_unit_test(test_pid_at_a_clamp_the_integral_does_not_wind_up),
		cmocka_unit_test(test_pid_held_back_by_the_step_the_integral_does_not_wind_up),
		cmocka_unit_test(test_pid_goes_on_from_what_an_earlier_agent_left),
		cmocka_unit_test(test_pid_reports_beyond_all_reason_are_cut),
		cmocka_unit_test(test_pid_factor_is_never_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
