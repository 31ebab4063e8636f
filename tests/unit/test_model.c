/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_model_table_size_is_first_rung_of_100_slots_a_backend(void **state)
{
	(void)state;

	assert_int_equal(model_table_size(0), 4093);
	assert_int_equal(model_table_size(3), 4093);
	assert_int_equal(model_table_size(40), 4093);
	assert_int_equal(model_table_size(41), 8191);
	assert_int_equal(model_table_size(81), 8191);
	assert_int_equal(model_table_size(82), 16381);
	assert_int_equal(model_table_size(655), 65537);
	assert_int_equal(model_table_size(656), 131071);
	assert_int_equal(model_table_size(10485), 1048573);
	assert_int_equal(model_table_size(32767), 1048573);
}

static void test_model_table_size_each_rung_is_prime(void **state)
{
	(void)state;

	for (size_t backends = 1; backends <= 32768; backends *= 2)
		assert_true(model_is_prime(model_table_size(backends)));
}

static void test_model_is_prime_agrees_with_sieve(void **state)
{
	static bool is_composite[10000];
	(void)state;

	for (unsigned d = 2; d < 100; d++) {
		for (unsigned n = 2 * d; n < 10000; n += d)
			is_composite[n] = true;
	}

	for (unsigned n = 0; n < 10000; n++)
		assert_int_equal(model_is_prime(n), n >= 2 && !is_composite[n]);
	assert_false(model_is_prime(4294967295u));
	assert_true(model_is_prime(4294967291u));
}

static void test_model_slots_needed_counts_whole_rows(void **state)
{
	struct model_service services[] = { { .table_size = 4093 }, { .table_size = 17 } };
	struct model_config config = { .services = services, .service_count = 2 };
	(void)state;

	uint64_t slots = model_slots_needed(&config);

	assert_int_equal(slots, 4096 + 32);
}

static uint8_t ping[] = { 'p', 0, 'n' };
static uint8_t pong[] = { 'p', 0, 'm' };
static char *command[] = { "/bin/check", "-q", NULL };
static char *longer_command[] = { "/bin/check", "-q", "-q", NULL };
static char *other_command[] = { "/bin/check", "-v", NULL };

static struct model_health probe(void)
{
	return (struct model_health) {
		.type = PROBE_HTTP,
		.interval_ms = 2000,
		.timeout_ms = 1000,
		.rise = 2,
		.fall = 3,
		.jitter_percent = 10,
		.port = 8080,
		.method = "GET",
		.path = "/",
		.host = "web.example",
		.expect_status = { [3] = 1 },
		.body = "ok",
		.tls = { .ca_file = "/ca", .sni = "web", .cert_file = "/cert", .key_file = "/key" },
		.grpc_service = "web",
		.send = { ping, sizeof(ping) },
		.expect = { ping, sizeof(ping) },
		.query_name = "example.com",
		.command = command,
	};
}

static void test_model_health_equal_any_field_differs_false(void **state)
{
	const struct model_health reference = probe();
	struct model_health other[36];
	const size_t count = sizeof(other) / sizeof(other[0]);
	size_t i = 0;
	(void)state;

	for (size_t j = 0; j < count; j++)
		other[j] = probe();
	other[i++].type = PROBE_TCP;
	other[i++].interval_ms++;
	other[i++].timeout_ms++;
	other[i++].rise++;
	other[i++].fall++;
	other[i++].jitter_percent++;
	other[i++].port++;
	other[i++].method = "HEAD";
	other[i++].path = "/health";
	other[i++].host = NULL;
	other[i++].expect_status[9] = 1;
	other[i++].body = NULL;
	other[i++].body = "OK";
	other[i++].via_vip = true;
	other[i++].fast_interval_ms++;
	other[i++].backoff_ms++;
	other[i++].flap_limit++;
	other[i++].flap_window_ms++;
	other[i++].flap_hold_ms++;
	other[i++].tls.is_on = true;
	other[i++].tls.verify = VERIFY_CA;
	other[i++].tls.ca_file = NULL;
	other[i++].tls.sni = "app";
	other[i++].tls.cert_file = NULL;
	other[i++].tls.key_file = "/other";
	other[i++].grpc_service = NULL;
	other[i++].send.bytes = pong;
	other[i++].send.size--;
	other[i++].expect = (struct model_bytes) {};
	other[i++].expect.bytes = pong;
	other[i++].query_name = "example.net";
	other[i++].query_type = 28;
	other[i++].expect_rcodes = 1;
	other[i++].command = NULL;
	other[i++].command = longer_command;
	other[i++].command = other_command;
	assert_int_equal(i, count);

	for (i = 0; i < count; i++) {
		if (model_health_equal(&reference, &other[i]))
			print_error("change %zu is not seen\n", i);
		assert_false(model_health_equal(&reference, &other[i]));
		assert_false(model_health_equal(&other[i], &reference));
	}
}

static void test_model_health_equal_same_text_elsewhere_true(void **state)
{
	char method[] = "GET", path[] = "/", sni[] = "web", query[] = "example.com";
	uint8_t bytes[] = { 'p', 0, 'n' };
	char program[] = "/bin/check";
	char *program_and_flag[] = { program, "-q", NULL };
	const struct model_health reference = probe();
	struct model_health same = probe();
	(void)state;

	same.method = method;
	same.path = path;
	same.tls.sni = sni;
	same.query_name = query;
	same.send.bytes = bytes;
	same.expect.bytes = bytes;
	same.command = program_and_flag;

	assert_true(model_health_equal(&reference, &same));
	assert_true(model_health_equal(&same, &reference));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model_table_size_is_first_rung_of_100_slots_a_backend),
		cmocka_unit_test(test_model_table_size_each_rung_is_prime),
		cmocka_unit_test(test_model_is_prime_agrees_with_sieve),
		cmocka_unit_test(test_model_slots_needed_counts_whole_rows),
		cmocka_unit_test(test_model_health_equal_any_field_differs_false),
		cmocka_unit_test(test_model_health_equal_same_text_elsewhere_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
