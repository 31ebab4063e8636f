/* SPDX-License-Identifier: GPL-2.0-only */
/* What control decides without a data path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/state.h"

static void test_config_default_slots_of_a_small_file_is_a_million(void **state)
{
	struct model_service service = { .table_size = 4093 };
	struct model_config config = { .services = &service, .service_count = 1 };

	(void)state;

	assert_int_equal(config_default_slots(&config), 1 << 20);
}

static void test_config_default_slots_is_twice_what_a_large_file_needs(void **state)
{
	static struct model_service services[1000];
	struct model_config config = { .services = services, .service_count = 1000 };

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		services[i].table_size = 4093; /* 256 rows of 16 */

	assert_int_equal(config_default_slots(&config), 2 * 4096 * 1000);
}

static void test_config_default_slots_keeps_to_what_max_slots_may_be(void **state)
{
	static struct model_service services[100];
	struct model_config config = { .services = services, .service_count = 100 };

	(void)state;
	for (size_t i = 0; i < 100; i++)
		services[i].table_size = MODEL_TABLE_MAX;

	assert_int_equal(config_default_slots(&config), 67108864);
}

static void test_config_features_has_nat_where_one_service_has(void **state)
{
	struct model_service services[2] = { { .forward = LB_FORWARD_DSR },
					     { .forward = LB_FORWARD_NAT } };
	struct model_config config = { .services = services, .service_count = 1 };

	(void)state;
	assert_false(config_features(&config).has_nat);
	config.service_count = 2;

	assert_true(config_features(&config).has_nat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_default_slots_of_a_small_file_is_a_million),
		cmocka_unit_test(test_config_default_slots_is_twice_what_a_large_file_needs),
		cmocka_unit_test(test_config_default_slots_keeps_to_what_max_slots_may_be),
		cmocka_unit_test(test_config_features_has_nat_where_one_service_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
