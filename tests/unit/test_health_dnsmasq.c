/* SPDX-License-Identifier: GPL-2.0-only */
/* The dns and udp probes against Debian's dnsmasq: up, down, slow and wrong. */
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "health_fixture.h"
#include "real_server.h"

#define TYPE_A	  1
#define TYPE_AAAA 28
#define NOERROR	  (1 << 0)
#define NXDOMAIN  (1 << 3)

static char dir[64];
static unsigned port;
static pid_t server;

/* It knows www and nothing else below leat.test; of other zones it has nobody to ask. */
static void start_server(void)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "exec /usr/sbin/dnsmasq --keep-in-foreground --conf-file=/dev/null --no-hosts "
		 "--no-resolv --bind-interfaces --listen-address=127.0.0.1 --port=%u --user=$(id "
		 "-un) "
		 "--pid-file=%s/pid --local=/leat.test/ --host-record=www.leat.test,192.0.2.10 "
		 "2>%s/log",
		 port, dir, dir);
	server = real_start(line);
	real_wait(port);
}

static int group_setup(void **state)
{
	(void)state;
	real_directory_new(dir);
	port = real_port();
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	real_directory_free(dir);
	return 0;
}

static int setup(void **state)
{
	start_server();
	return fixture_setup(state);
}

static int teardown(void **state)
{
	real_stop(server);
	return fixture_teardown(state);
}

static struct model_health dns_settings(char *name, unsigned type)
{
	struct model_health s = tcp_settings();

	s.type = PROBE_DNS;
	s.query_name = name;
	s.query_type = type;
	s.expect_rcodes = NOERROR;
	return s;
}

/* token 1's first decision */
static struct health_state decide(struct fixture *fx, const struct model_health *settings)
{
	assert_int_equal(fixture_set(fx, 1, "127.0.0.1", port, settings, 0), 0);
	fixture_run_until(fx, has_changes, 1);
	return fx->changes[0].state;
}

static void test_health_dnsmasq_known_name_is_up(void **state)
{
	static char name[] = "www.leat.test";
	struct fixture *fx = *state;
	struct model_health settings = dns_settings(name, TYPE_A);
	struct health_state seen = decide(fx, &settings);

	assert_true(seen.is_up);
	assert_string_equal(seen.reason, "rcode NOERROR");
}

static void test_health_dnsmasq_name_without_such_a_record_is_up(void **state)
{
	static char name[] = "WWW.leat.test.";
	struct fixture *fx = *state;
	struct model_health settings = dns_settings(name, TYPE_AAAA);

	assert_true(decide(fx, &settings).is_up);
}

static void test_health_dnsmasq_unknown_name_is_down_or_what_was_expected(void **state)
{
	static char name[] = "nobody.leat.test";
	struct fixture *fx = *state;
	struct model_health settings = dns_settings(name, TYPE_A);
	struct health_state seen = decide(fx, &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "rcode NXDOMAIN, expected NOERROR");
	settings.expect_rcodes = NXDOMAIN;
	fixture_set(fx, 2, "127.0.0.1", port, &settings, 0);
	fixture_run_until(fx, has_changes, 2);
	assert_true(fx->changes[1].state.is_up);
}

static void test_health_dnsmasq_other_zone_is_refused(void **state)
{
	static char name[] = "example.com";
	struct fixture *fx = *state;
	struct model_health settings = dns_settings(name, TYPE_A);
	struct health_state seen = decide(fx, &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "rcode REFUSED, expected NOERROR");
}

static void follow_server(struct fixture *fx, const struct model_health *settings,
			  const char *slow_reason)
{
	assert_true(decide(fx, settings).is_up);
	kill(server, SIGSTOP);
	fixture_run_until(fx, has_changes, 2);
	assert_false(fx->changes[1].state.is_up);
	assert_string_equal(fx->changes[1].state.reason, slow_reason);
	kill(server, SIGCONT);
	fixture_run_until(fx, has_changes, 3);
	assert_true(fx->changes[2].state.is_up);
	real_stop(server);
	fixture_run_until(fx, has_changes, 4);
	assert_false(fx->changes[3].state.is_up);
	assert_string_equal(fx->changes[3].state.reason, "port unreachable");
	start_server();
	fixture_run_until(fx, has_changes, 5);
	assert_true(fx->changes[4].state.is_up);
}

static void test_health_dnsmasq_is_followed_as_it_hangs_ends_and_returns(void **state)
{
	static char name[] = "www.leat.test";
	struct model_health settings = dns_settings(name, TYPE_A);

	settings.timeout_ms = 200;
	follow_server(*state, &settings, "timeout after 200 ms waiting for an answer");
}

/* a query written out, and the beginning of its answer: the id, a reply, rcode 0 */
static struct model_health udp_settings(void)
{
	static uint8_t query[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\0\3www\4leat\4test\0\0\1\0\1";
	static uint8_t answer[] = "\x12\x34\x85\x80";
	struct model_health s = tcp_settings();

	s.type = PROBE_UDP;
	s.timeout_ms = 200;
	s.send = (struct model_bytes) { .bytes = query, .size = sizeof(query) - 1 };
	s.expect = (struct model_bytes) { .bytes = answer, .size = sizeof(answer) - 1 };
	return s;
}

static void test_health_udp_follows_dnsmasq_as_it_hangs_ends_and_returns(void **state)
{
	struct model_health settings = udp_settings();

	follow_server(*state, &settings, "timeout after 200 ms waiting for a reply");
}

static void test_health_udp_other_answer_of_dnsmasq_is_down(void **state)
{
	static uint8_t other[] = "\x12\x34\x85\x83";
	struct model_health settings = udp_settings();
	struct health_state seen;

	settings.expect = (struct model_bytes) { .bytes = other, .size = sizeof(other) - 1 };
	seen = decide(*state, &settings);

	assert_false(seen.is_up);
	assert_memory_equal(seen.reason, "reply \"\\x124\\x85\\x80", 18);
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(test_health_dnsmasq_known_name_is_up),
		SERVER_TEST(test_health_dnsmasq_name_without_such_a_record_is_up),
		SERVER_TEST(test_health_dnsmasq_unknown_name_is_down_or_what_was_expected),
		SERVER_TEST(test_health_dnsmasq_other_zone_is_refused),
		SERVER_TEST(test_health_dnsmasq_is_followed_as_it_hangs_ends_and_returns),
		SERVER_TEST(test_health_udp_follows_dnsmasq_as_it_hangs_ends_and_returns),
		SERVER_TEST(test_health_udp_other_answer_of_dnsmasq_is_down),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
