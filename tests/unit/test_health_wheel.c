/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "health/wheel.h"

static void test_wheel_entry_is_due_at_its_tick_not_before(void **state)
{
	struct wheel w;
	struct wheel_entry e = {};

	(void)state;
	wheel_init(&w, 100);
	wheel_add(&w, &e, 107);
	wheel_advance(&w, 106);

	assert_null(wheel_pop(&w));
	assert_int_equal(wheel_next(&w), 107);

	wheel_advance(&w, 107);

	assert_ptr_equal(wheel_pop(&w), &e);
	assert_null(wheel_pop(&w));
	assert_true(wheel_next(&w) == WHEEL_NEVER);
}

static void test_wheel_past_tick_counts_as_next(void **state)
{
	struct wheel w;
	struct wheel_entry e = {};

	(void)state;
	wheel_init(&w, 100);
	wheel_add(&w, &e, 3);

	assert_int_equal(wheel_next(&w), 101);

	wheel_advance(&w, 101);

	assert_ptr_equal(wheel_pop(&w), &e);
}

static void test_wheel_entry_turns_ahead_waits_its_turns(void **state)
{
	struct wheel w;
	struct wheel_entry e = {};
	uint64_t due = 5 + 3 * WHEEL_BUCKETS;

	(void)state;
	wheel_init(&w, 0);
	wheel_add(&w, &e, due);
	for (uint64_t tick = wheel_next(&w); tick < due; tick = wheel_next(&w)) {
		wheel_advance(&w, tick);
		assert_null(wheel_pop(&w));
	}
	wheel_advance(&w, due);

	assert_ptr_equal(wheel_pop(&w), &e);
}

static void test_wheel_long_sleep_finds_all_due(void **state)
{
	struct wheel w;
	struct wheel_entry near = {};
	struct wheel_entry far = {};
	struct wheel_entry later = {};

	(void)state;
	wheel_init(&w, 50);
	wheel_add(&w, &near, 60);
	wheel_add(&w, &far, 50 + 2 * WHEEL_BUCKETS);
	wheel_add(&w, &later, 50 + 9 * WHEEL_BUCKETS);
	wheel_advance(&w, 50 + 5 * WHEEL_BUCKETS);

	assert_non_null(wheel_pop(&w));
	assert_non_null(wheel_pop(&w));
	assert_null(wheel_pop(&w));
	assert_int_equal(later.tick, 50 + 9 * WHEEL_BUCKETS);
}

static void test_wheel_removed_entry_never_comes(void **state)
{
	struct wheel w;
	struct wheel_entry e = {};
	struct wheel_entry due = {};

	(void)state;
	wheel_init(&w, 0);
	wheel_add(&w, &e, 4);
	wheel_add(&w, &due, 6);
	wheel_remove(&w, &e);
	wheel_remove(&w, &e);

	assert_int_equal(wheel_next(&w), 6);

	wheel_advance(&w, 10);
	wheel_remove(&w, &due);

	assert_null(wheel_pop(&w));
	assert_true(wheel_next(&w) == WHEEL_NEVER);
}

static void test_wheel_added_while_popping_is_not_due_yet(void **state)
{
	struct wheel w;
	struct wheel_entry e = {};

	(void)state;
	wheel_init(&w, 0);
	wheel_add(&w, &e, 1);
	wheel_advance(&w, 1);
	wheel_add(&w, wheel_pop(&w), 1);

	assert_null(wheel_pop(&w));
	assert_int_equal(wheel_next(&w), 2);
}

/* against the plain truth: an array of ticks */
static void test_wheel_random_use_agrees_with_an_array(void **state)
{
	enum { COUNT = 300 };
	struct wheel w;
	struct wheel_entry entries[COUNT] = {};
	uint64_t due[COUNT] = {}; /* 0: not in */
	uint64_t now = 7;

	(void)state;
	srand(1);
	wheel_init(&w, now);
	for (int round = 0; round < 20000; round++) {
		int i = rand() % COUNT;
		uint64_t earliest = WHEEL_NEVER;
		struct wheel_entry *e;

		wheel_remove(&w, &entries[i]);
		due[i] = rand() % 4 ? now + 1 + (uint64_t)(rand() % 3000) : 0;
		if (due[i])
			wheel_add(&w, &entries[i], due[i]);
		now += (uint64_t)(rand() % 8);
		wheel_advance(&w, now);
		while ((e = wheel_pop(&w))) {
			assert_in_range(due[e - entries], 1, now);
			due[e - entries] = 0;
		}
		for (int n = 0; n < COUNT; n++) {
			assert_true(!due[n] || due[n] > now);
			if (due[n] && due[n] < earliest)
				earliest = due[n];
		}
		assert_true(wheel_next(&w) <= earliest);
		assert_true(wheel_next(&w) > now);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wheel_entry_is_due_at_its_tick_not_before),
		cmocka_unit_test(test_wheel_past_tick_counts_as_next),
		cmocka_unit_test(test_wheel_entry_turns_ahead_waits_its_turns),
		cmocka_unit_test(test_wheel_long_sleep_finds_all_due),
		cmocka_unit_test(test_wheel_removed_entry_never_comes),
		cmocka_unit_test(test_wheel_added_while_popping_is_not_due_yet),
		cmocka_unit_test(test_wheel_random_use_agrees_with_an_array),
	};

	return cmocka_run_group_tests_name("health_wheel", tests, NULL, NULL);
}
