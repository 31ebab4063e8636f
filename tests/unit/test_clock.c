/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NS_PER_SEC 1000000000ULL

static const unsigned rates[] = { 100, 250, 300, 1000 };

/* a machine of @hz that has been up for @seconds; the tick began 0.3 s late */
static struct lb_clock_reading after_boot(unsigned hz, uint64_t seconds)
{
	return (struct lb_clock_reading) {
		.jiffies = (1ULL << 32) - 300ULL * hz + seconds * hz,
		.ktime_ns = seconds * NS_PER_SEC + 3 * NS_PER_SEC / 10,
	};
}

static void test_clock_guess_hz_at_any_uptime_names_it(void **state)
{
	const uint64_t uptimes[] = { 1, 10, 200, 400, 3600, 86400, 1000 * 86400ULL };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < sizeof(uptimes) / sizeof(uptimes[0]); j++) {
			struct lb_clock_reading reading = after_boot(rates[i], uptimes[j]);

			assert_int_equal(clock_guess_hz(&reading), rates[i]);
		}
	}
}

static void test_clock_guess_hz_of_nonsense_names_none(void **state)
{
	struct lb_clock_reading early = { .jiffies = 1000, .ktime_ns = NS_PER_SEC };
	struct lb_clock_reading apart = after_boot(250, 3600);

	(void)state;
	apart.ktime_ns *= 2;

	assert_int_equal(clock_guess_hz(&early), 0);
	assert_int_equal(clock_guess_hz(&apart), 0);
}

static void test_clock_guess_hz_where_jiffies_wrap_names_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct lb_clock_reading reading = after_boot(rates[i], 300);

		assert_int_equal(clock_guess_hz(&reading), 0);
	}
}

static void test_clock_measure_hz_of_two_readings_names_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct lb_clock_reading from = { .jiffies = 77, .ktime_ns = 5 };
		struct lb_clock_reading to = { .jiffies = 77 + rates[i] / 5,
					       .ktime_ns = 5 + NS_PER_SEC / 5 };

		assert_int_equal(clock_measure_hz(&from, &to), rates[i]);
		to.jiffies--;
		assert_int_equal(clock_measure_hz(&from, &to), rates[i]);
		assert_int_equal(clock_measure_hz(&from, &from), 0);
	}
}

static void test_clock_shift_for_each_hz_is_about_a_quarter_second(void **state)
{
	(void)state;
	assert_int_equal(clock_shift_for(100), 5);  /* 320 ms */
	assert_int_equal(clock_shift_for(250), 6);  /* 256 ms */
	assert_int_equal(clock_shift_for(300), 6);  /* 213 ms */
	assert_int_equal(clock_shift_for(1000), 8); /* 256 ms */
}

static void test_clock_units_round_up(void **state)
{
	(void)state;
	assert_int_equal(clock_units(0, 250, 6), 0);
	assert_int_equal(clock_units(1, 250, 6), 1);
	assert_int_equal(clock_units(256, 250, 6), 1);
	assert_int_equal(clock_units(257, 250, 6), 2);
	assert_int_equal(clock_units(1000, 250, 0), 250);
	assert_int_equal(clock_units(1000, 1000, 8), 4);
	assert_int_equal(clock_units(UINT64_MAX, 250, 0), UINT32_MAX);
	assert_int_equal(clock_unit_us(250, 6), 256000);
	assert_int_equal(clock_unit_us(300, 0), 3333);
}

static void test_clock_at_goes_on_from_the_reading(void **state)
{
	struct lb_clock_reading reading = { .jiffies = 6400, .ktime_ns = 100 * NS_PER_SEC };

	(void)state;
	assert_int_equal(clock_at(&reading, reading.ktime_ns, 250, 6), 100);
	assert_int_equal(clock_at(&reading, reading.ktime_ns + 255000000, 250, 6), 100);
	assert_int_equal(clock_at(&reading, reading.ktime_ns + 256000000, 250, 6), 101);
	assert_int_equal(clock_at(&reading, reading.ktime_ns + 64 * NS_PER_SEC, 250, 6), 350);
	assert_int_equal(clock_at(&reading, reading.ktime_ns - 1, 250, 6), 100);
}

static void test_clock_at_is_cut_to_32_bits(void **state)
{
	struct lb_clock_reading reading = { .jiffies = (1ULL << 32) + 5, .ktime_ns = 0 };

	(void)state;
	assert_int_equal(clock_at(&reading, 0, 250, 0), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock_guess_hz_at_any_uptime_names_it),
		cmocka_unit_test(test_clock_guess_hz_of_nonsense_names_none),
		cmocka_unit_test(test_clock_guess_hz_where_jiffies_wrap_names_none),
		cmocka_unit_test(test_clock_measure_hz_of_two_readings_names_it),
		cmocka_unit_test(test_clock_shift_for_each_hz_is_about_a_quarter_second),
		cmocka_unit_test(test_clock_units_round_up),
		cmocka_unit_test(test_clock_at_goes_on_from_the_reading),
		cmocka_unit_test(test_clock_at_is_cut_to_32_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
