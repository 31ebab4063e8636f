/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/addr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct lb_addr parsed(const char *text)
{
	struct lb_addr a = {};

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void test_addr_parse_v4_is_mapped(void **state)
{
	const struct lb_addr expected = { .bytes = { [10] = 0xff, 0xff, 192, 0, 2, 1 } };
	struct lb_addr a = {};
	(void)state;

	int err = addr_parse("192.0.2.1", &a);

	assert_int_equal(err, 0);
	assert_memory_equal(&a, &expected, sizeof(a));
	assert_true(addr_is_v4(&a));
	assert_int_equal(addr_family(&a), 4);
}

static void test_addr_parse_v6_is_as_on_the_wire(void **state)
{
	const struct lb_addr expected = { .bytes = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x10 } };
	struct lb_addr a = {};
	(void)state;

	int err = addr_parse("2001:db8::10", &a);

	assert_int_equal(err, 0);
	assert_memory_equal(&a, &expected, sizeof(a));
	assert_false(addr_is_v4(&a));
	assert_int_equal(addr_family(&a), 6);
}

static void test_addr_parse_nonsense_leaves_out_untouched(void **state)
{
	static const char *const texts[] = {
		"",	      "web1",	   "192.0.2",	   "192.0.2.256", "192.0.2.01",
		"192.0.2.1 ", "[2001::1]", "2001:db8:::1", "fe80::1%gw0", "::ffff:192.0.2.1",
	};
	const struct lb_addr before = { .bytes = { 1, 2, 3 } };
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct lb_addr a = before;

		assert_int_equal(addr_parse(texts[i], &a), -EINVAL);
		assert_memory_equal(&a, &before, sizeof(a));
	}
}

struct port_case {
	const char *text;
	bool is_optional;
	int err;
	const char *address;
	unsigned port;
};

static const struct port_case port_cases[] = {
	{ "192.0.2.1:80", false, 0, "192.0.2.1", 80 },
	{ "192.0.2.1:65535", false, 0, "192.0.2.1", 65535 },
	{ "[2001:db8::1]:443", false, 0, "2001:db8::1", 443 },
	{ "192.0.2.1", true, 0, "192.0.2.1", 0 },
	{ "2001:db8::1", true, 0, "2001:db8::1", 0 },
	{ "[2001:db8::1]", true, 0, "2001:db8::1", 0 },
	{ "2001:db8::1:80", true, 0, "2001:db8::1:80", 0 },
	{ "192.0.2.1", false, -EINVAL, NULL, 0 },
	{ "2001:db8::1", false, -EINVAL, NULL, 0 },
	{ "[2001:db8::1]", false, -EINVAL, NULL, 0 },
	{ "192.0.2.1:", true, -EINVAL, NULL, 0 },
	{ "192.0.2.1:0", true, -EINVAL, NULL, 0 },
	{ "192.0.2.1:080", true, -EINVAL, NULL, 0 },
	{ "192.0.2.1:65536", true, -EINVAL, NULL, 0 },
	{ "192.0.2.1:99999999999999999999", true, -EINVAL, NULL, 0 },
	{ "192.0.2.1:80x", true, -EINVAL, NULL, 0 },
	{ "192.0.2.1:-1", true, -EINVAL, NULL, 0 },
	{ "[192.0.2.1]:80", true, -EINVAL, NULL, 0 },
	{ "[2001:db8::1", true, -EINVAL, NULL, 0 },
	{ "[2001:db8::1]80", true, -EINVAL, NULL, 0 },
	{ "[]:80", true, -EINVAL, NULL, 0 },
	{ ":80", true, -EINVAL, NULL, 0 },
	{ "", true, -EINVAL, NULL, 0 },
	{ "[2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0001]:80", true, -EINVAL, NULL, 0 },
};

static void test_addr_parse_port_each_form_is_judged(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(port_cases) / sizeof(port_cases[0]); i++) {
		const struct port_case *c = &port_cases[i];
		struct lb_addr a = {};
		unsigned port = 7;
		char text[ADDR_STRLEN];

		int err = addr_parse_port(c->text, c->is_optional, &a, &port);

		assert_int_equal(err, c->err);
		assert_int_equal(port, err ? 7 : c->port);
		if (!err)
			assert_string_equal(addr_format(&a, text), c->address);
	}
}

static void test_addr_format_longest_fits(void **state)
{
	const char *longest = "2001:db81:1111:2222:3333:4444:5555:6666";
	struct lb_addr v4 = parsed("192.0.2.1");
	struct lb_addr v6 = parsed(longest);
	char text[ADDR_PORT_STRLEN];
	(void)state;

	assert_string_equal(addr_format(&v6, text), longest);
	assert_string_equal(addr_format_port(&v4, 80, text), "192.0.2.1:80");
	assert_string_equal(addr_format_port(&v6, 65535, text),
			    "[2001:db81:1111:2222:3333:4444:5555:6666]:65535");
}

static void test_addr_compare_orders_as_bytes(void **state)
{
	struct lb_addr low = parsed("192.0.2.1");
	struct lb_addr high = parsed("192.0.2.200");
	struct lb_addr v6 = parsed("2001:db8::1");
	(void)state;

	assert_true(addr_compare(&low, &high) < 0);
	assert_true(addr_compare(&high, &low) > 0);
	assert_true(addr_compare(&low, &v6) < 0);
	assert_int_equal(addr_compare(&v6, &v6), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addr_parse_v4_is_mapped),
		cmocka_unit_test(test_addr_parse_v6_is_as_on_the_wire),
		cmocka_unit_test(test_addr_parse_nonsense_leaves_out_untouched),
		cmocka_unit_test(test_addr_parse_port_each_form_is_judged),
		cmocka_unit_test(test_addr_format_longest_fits),
		cmocka_unit_test(test_addr_compare_orders_as_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
