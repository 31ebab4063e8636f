/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/regions.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_regions_take_begins_on_rows_and_does_not_overlap(void **state)
{
	struct regions regions = { .total = 1024 };
	uint32_t a, b;

	(void)state;
	assert_int_equal(regions_take(&regions, 17, &a), 0);
	assert_int_equal(regions_take(&regions, 100, &b), 0);

	assert_int_equal(a, 0);
	assert_int_equal(b, 32);
	regions_free(&regions);
}

static void test_regions_take_fills_the_first_gap(void **state)
{
	struct regions regions = { .total = 1024 };
	uint32_t a, b, c, again;

	(void)state;
	assert_int_equal(regions_take(&regions, 64, &a), 0);
	assert_int_equal(regions_take(&regions, 64, &b), 0);
	assert_int_equal(regions_take(&regions, 64, &c), 0);

	assert_int_equal(regions_drop(&regions, b), 0);
	assert_int_equal(regions_take(&regions, 65, &again), 0);
	assert_int_equal(again, 192);
	assert_int_equal(regions_take(&regions, 64, &again), 0);

	assert_int_equal(again, b);
	regions_free(&regions);
}

static void test_regions_take_more_than_there_is_fails(void **state)
{
	struct regions regions = { .total = 100 };
	uint32_t base = 7;

	(void)state;
	assert_int_equal(regions_take(&regions, 101, &base), -ENOSPC);
	assert_int_equal(regions_take(&regions, UINT32_MAX, &base), -ENOSPC);
	assert_int_equal(regions_take(&regions, 0, &base), -EINVAL);

	assert_int_equal(base, 7);
	assert_int_equal(regions_take(&regions, 100, &base), 0);
	regions_free(&regions);
}

static void test_regions_add_overlapping_is_refused(void **state)
{
	struct regions regions = { .total = 1024 };
	uint32_t base;

	(void)state;
	assert_int_equal(regions_add(&regions, 160, 100), 0);
	assert_int_equal(regions_add(&regions, 0, 100), 0);

	assert_int_equal(regions_add(&regions, 96, 10), -EINVAL);
	assert_int_equal(regions_add(&regions, 112, 49), -EINVAL);
	assert_int_equal(regions_add(&regions, 160, 1), -EINVAL);
	assert_int_equal(regions_add(&regions, 1000, 25), -EINVAL);
	assert_int_equal(regions_add(&regions, 0, 0), -EINVAL);
	assert_int_equal(regions_add(&regions, 112, 48), 0);
	assert_int_equal(regions_take(&regions, 16, &base), 0);
	assert_int_equal(base, 272);
	regions_free(&regions);
}

static void test_regions_drop_unknown_base_fails(void **state)
{
	struct regions regions = { .total = 1024 };
	uint32_t base;

	(void)state;
	assert_int_equal(regions_take(&regions, 64, &base), 0);

	assert_int_equal(regions_drop(&regions, 16), -ENOENT);
	assert_int_equal(regions.count, 1);
	regions_free(&regions);
}

static void test_regions_thousand_taken_and_dropped_leaves_all_free(void **state)
{
	struct regions regions = { .total = 1000 * 4096 };
	uint32_t bases[1000], whole;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(regions_take(&regions, 4093, &bases[i]), 0);
	assert_int_equal(regions_take(&regions, 4093, &whole), -ENOSPC);

	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(regions_drop(&regions, bases[i * 7 % 1000]), 0);

	assert_int_equal(regions_take(&regions, regions.total, &whole), 0);
	regions_free(&regions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regions_take_begins_on_rows_and_does_not_overlap),
		cmocka_unit_test(test_regions_take_fills_the_first_gap),
		cmocka_unit_test(test_regions_take_more_than_there_is_fails),
		cmocka_unit_test(test_regions_add_overlapping_is_refused),
		cmocka_unit_test(test_regions_drop_unknown_base_fails),
		cmocka_unit_test(test_regions_thousand_taken_and_dropped_leaves_all_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
