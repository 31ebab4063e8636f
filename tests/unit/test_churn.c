/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "leat_abi.h"
#include "plan/churn.h"

#define SIZE 4093

static uint32_t words[SIZE];
static uint32_t stamps[SIZE];
static uint16_t wanted[SIZE];
static uint16_t target[SIZE];
static bool may_stay[LB_MAX_BACKENDS];
static struct churn_view view;

/* backends 1 to 3 may stay; all slots settled at 1 and wanted by 2 */
static void make_view(void)
{
	memset(may_stay, 0, sizeof(may_stay));
	may_stay[1] = may_stay[2] = may_stay[3] = true;
	for (uint32_t s = 0; s < SIZE; s++) {
		words[s] = LB_SLOT(1, 1, 0);
		stamps[s] = LB_STAMP_CLOSED;
		wanted[s] = 2;
		target[s] = 77;
	}
	view = (struct churn_view) {
		.words = words,
		.stamps = stamps,
		.wanted = wanted,
		.size = SIZE,
		.may_stay = may_stay,
	};
}

static uint32_t count_target(uint16_t id, uint32_t from, uint32_t to)
{
	uint32_t count = 0;

	for (uint32_t s = from; s < to; s++)
		count += target[s] == id;
	return count;
}

static void test_churn_moves_what_is_allowed_and_no_more(void **state)
{
	(void)state;
	make_view();

	assert_int_equal(churn_step(&view, 205, 1, target), SIZE - 205);

	assert_int_equal(count_target(2, 0, SIZE), 205);
	assert_int_equal(count_target(1, 0, SIZE), SIZE - 205);
}

static void test_churn_enough_allowed_gives_the_wanted_table(void **state)
{
	(void)state;
	make_view();

	assert_int_equal(churn_step(&view, SIZE, 1, target), 0);
	assert_memory_equal(target, wanted, sizeof(target));

	assert_int_equal(churn_step(&view, UINT32_MAX, 1, target), 0);
	assert_memory_equal(target, wanted, sizeof(target));
}

static void test_churn_nothing_to_move_waits_for_nothing(void **state)
{
	(void)state;
	make_view();
	for (uint32_t s = 0; s < SIZE; s++)
		wanted[s] = 1;

	assert_int_equal(churn_step(&view, 0, 1, target), 0);

	assert_memory_equal(target, wanted, sizeof(target));
}

static void test_churn_what_must_leave_moves_and_counts_for_nothing(void **state)
{
	(void)state;
	make_view();
	for (uint32_t s = 0; s < SIZE; s++) {
		if (s % 4 == 1)
			words[s] = LB_SLOT(9, 9, 0); /* dead */
		if (s % 4 == 2)
			words[s] = 0; /* nobody's */
	}

	assert_int_equal(churn_step(&view, 10, 1, target), SIZE - SIZE / 2 - 10);

	for (uint32_t s = 0; s < SIZE; s++) {
		if (s % 4 == 1 || s % 4 == 2)
			assert_int_equal(target[s], 2);
	}
	assert_int_equal(count_target(2, 0, SIZE), SIZE / 2 + 10);
}

static void test_churn_warm_up_goes_on_and_counts_for_nothing(void **state)
{
	(void)state;
	make_view();
	for (uint32_t s = 0; s < 500; s++)
		words[s] = LB_SLOT(1, 1, 1);

	assert_int_equal(churn_step(&view, 100, 1, target), SIZE - 600);

	assert_int_equal(count_target(2, 0, 500), 500);
	assert_int_equal(count_target(2, 500, SIZE), 100);
}

static void test_churn_slot_that_came_back_or_was_handed_over_counts(void **state)
{
	(void)state;
	make_view();
	for (uint32_t s = 0; s < SIZE; s++) {
		words[s] = s % 2 ? LB_SLOT(1, 1, 1) : LB_SLOT(1, 3, 1);
		stamps[s] = 12345;
	}

	assert_int_equal(churn_step(&view, 100, 1, target), SIZE - 100);
	assert_int_equal(count_target(2, 0, SIZE), 100);

	/* where the stamps are not known, {c,c,1} is taken for a warm-up */
	view.stamps = NULL;
	assert_int_equal(churn_step(&view, 100, 1, target), SIZE / 2 + 1 - 100);
}

static void test_churn_waits_are_spread_over_the_table(void **state)
{
	(void)state;
	make_view();

	churn_step(&view, 1000, 5, target);

	/* of 1000, 244.3 in each quarter, standard deviation 11.8 */
	for (uint32_t quarter = 0; quarter < 4; quarter++)
		assert_in_range(count_target(2, quarter * 1023, (quarter + 1) * 1023), 190, 310);
}

static void test_churn_same_seed_gives_the_same_target_another_does_not(void **state)
{
	static uint16_t first[SIZE];

	(void)state;
	make_view();
	churn_step(&view, 1000, 5, target);
	memcpy(first, target, sizeof(first));

	churn_step(&view, 1000, 5, target);
	assert_memory_equal(first, target, sizeof(target));

	churn_step(&view, 1000, 6, target);
	assert_memory_not_equal(first, target, sizeof(target));
}

static void test_churn_steps_of_5_percent_arrive_after_20(void **state)
{
	uint32_t allowed = churn_allowed(SIZE, 50);
	unsigned steps = 0;
	uint32_t waiting = 1;

	(void)state;
	make_view();

	while (waiting) {
		uint32_t moved = 0;

		waiting = churn_step(&view, allowed, steps, target);
		for (uint32_t s = 0; s < SIZE; s++) {
			moved += LB_SLOT_CURRENT(words[s]) != target[s];
			words[s] = LB_SLOT(target[s], target[s], 0);
		}
		assert_in_range(moved, 1, allowed);
		steps++;
	}

	assert_int_equal(steps, 20);
	assert_int_equal(count_target(2, 0, SIZE), SIZE);
}

static void test_churn_allowed_rounds_up(void **state)
{
	(void)state;

	assert_int_equal(churn_allowed(4093, 50), 205);
	assert_int_equal(churn_allowed(4093, 1), 5);
	assert_int_equal(churn_allowed(251, 1), 1);
	assert_int_equal(churn_allowed(4093, 0), 1);
	assert_int_equal(churn_allowed(4093, 999), 4089);
	assert_int_equal(churn_allowed(4093, 1000), 4093);
	assert_int_equal(churn_allowed(4294967291U, 500), 2147483646U);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_churn_moves_what_is_allowed_and_no_more),
		cmocka_unit_test(test_churn_enough_allowed_gives_the_wanted_table),
		cmocka_unit_test(test_churn_nothing_to_move_waits_for_nothing),
		cmocka_unit_test(test_churn_what_must_leave_moves_and_counts_for_nothing),
		cmocka_unit_test(test_churn_warm_up_goes_on_and_counts_for_nothing),
		cmocka_unit_test(test_churn_slot_that_came_back_or_was_handed_over_counts),
		cmocka_unit_test(test_churn_waits_are_spread_over_the_table),
		cmocka_unit_test(test_churn_same_seed_gives_the_same_target_another_does_not),
		cmocka_unit_test(test_churn_steps_of_5_percent_arrive_after_20),
		cmocka_unit_test(test_churn_allowed_rounds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
