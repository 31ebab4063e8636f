/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/ramp.h"

static const struct model_ramp line = { .duration_ms = 30000,
					.minimum_percent = 10,
					.curve_milli = 1000 };

static void test_ramp_of_curve_1_is_a_line_above_its_minimum(void **state)
{
	(void)state;

	assert_int_equal(ramp_permille(&line, 0), 100);
	assert_int_equal(ramp_permille(&line, 3000), 100);
	assert_int_equal(ramp_permille(&line, 6000), 200);
	assert_int_equal(ramp_permille(&line, 15000), 500);
	assert_int_equal(ramp_permille(&line, 29999), 999);
}

static void test_ramp_at_its_end_and_beyond_is_whole(void **state)
{
	(void)state;

	assert_int_equal(ramp_permille(&line, 30000), 1000);
	assert_int_equal(ramp_permille(&line, UINT64_MAX), 1000);
}

static void test_ramp_without_duration_is_whole_at_once(void **state)
{
	static const struct model_ramp none = { .minimum_percent = 10, .curve_milli = 1000 };

	(void)state;

	assert_int_equal(ramp_permille(&none, 0), 1000);
}

static void test_ramp_curve_above_1_rises_sooner_below_1_later(void **state)
{
	struct model_ramp curved = line;

	(void)state;

	curved.curve_milli = 2000; /* the square root */
	assert_int_equal(ramp_permille(&curved, 7500), 500);
	assert_in_range(ramp_permille(&curved, 15000), 706, 708);

	curved.curve_milli = 500; /* the square */
	assert_int_equal(ramp_permille(&curved, 15000), 250);
	assert_int_equal(ramp_permille(&curved, 7500), 100);
}

static void test_ramp_never_falls_and_never_is_0(void **state)
{
	static const unsigned curves[] = { 0, 1, 100, 333, 1000, 3000, 10000, 4000000000 };

	(void)state;

	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		struct model_ramp ramp = { .duration_ms = 30000, .curve_milli = curves[i] };
		unsigned last = 1;

		for (uint64_t t = 0; t <= 30000; t += 10) {
			assert_in_range(ramp_permille(&ramp, t), last, 1000);
			last = ramp_permille(&ramp, t);
		}
		assert_int_equal(last, 1000);
	}
}

static void test_ramp_minimum_of_100_percent_is_no_ramp(void **state)
{
	struct model_ramp ramp = line;

	(void)state;
	ramp.minimum_percent = 100;

	assert_int_equal(ramp_permille(&ramp, 0), 1000);
	assert_int_equal(ramp_permille(&ramp, 10), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ramp_of_curve_1_is_a_line_above_its_minimum),
		cmocka_unit_test(test_ramp_at_its_end_and_beyond_is_whole),
		cmocka_unit_test(test_ramp_without_duration_is_whole_at_once),
		cmocka_unit_test(test_ramp_curve_above_1_rises_sooner_below_1_later),
		cmocka_unit_test(test_ramp_never_falls_and_never_is_0),
		cmocka_unit_test(test_ramp_minimum_of_100_percent_is_no_ramp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
