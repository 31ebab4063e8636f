/* SPDX-License-Identifier: GPL-2.0-only */
/* The udp probe against real sockets on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datagram_server.h"
#include "health_fixture.h"

static int answer_text(struct datagram_server *s, uint8_t *reply)
{
	size_t size = strlen(s->arg);

	memcpy(reply, s->arg, size);
	return (int)size;
}

static int answer_nothing(struct datagram_server *s, uint8_t *reply)
{
	(void)s;
	(void)reply;
	return -1;
}

static struct model_bytes bytes_of(char *text)
{
	return (struct model_bytes) { .bytes = (uint8_t *)text, .size = strlen(text) };
}

static struct model_health udp_settings(void)
{
	static char ping[] = "PING\r\n", pong[] = "+PONG";
	struct model_health s = tcp_settings();

	s.type = PROBE_UDP;
	s.timeout_ms = 10000;
	s.send = bytes_of(ping);
	s.expect = bytes_of(pong);
	return s;
}

/* token 1 at @ip and @port, until its first probe decides */
static struct health_state decide(struct fixture *fx, const char *ip, unsigned port,
				  const struct model_health *settings)
{
	assert_int_equal(fixture_set(fx, 1, ip, port, settings, 0), 0);
	fixture_run_until(fx, has_changes, 1);
	return fx->changes[0].state;
}

static void test_health_udp_expected_reply_is_up(void **state)
{
	struct fixture *fx = *state;
	struct datagram_server server = { .answer = answer_text, .arg = "+PONG\r\n" };
	struct model_health settings = udp_settings();
	struct health_state seen;

	datagram_server_start(&server, fx->base, "127.0.0.1");
	seen = decide(fx, "127.0.0.1", server.port, &settings);

	assert_true(seen.is_up);
	assert_string_equal(seen.reason, "reply of 7 bytes");
	assert_true(seen.latency_us > 0);
	assert_int_equal(server.request_size, 6);
	assert_memory_equal(server.request, "PING\r\n", 6);
	datagram_server_stop(&server);
}

static void test_health_udp_ipv6_reply_is_up(void **state)
{
	struct fixture *fx = *state;
	struct datagram_server server = { .answer = answer_text, .arg = "+PONG" };
	struct model_health settings = udp_settings();

	datagram_server_start(&server, fx->base, "::1");

	assert_true(decide(fx, "::1", server.port, &settings).is_up);
	datagram_server_stop(&server);
}

static void test_health_udp_other_reply_is_down(void **state)
{
	struct fixture *fx = *state;
	struct datagram_server server = { .answer = answer_text, .arg = "-ERR loading\n" };
	struct model_health settings = udp_settings();
	struct health_state seen;

	datagram_server_start(&server, fx->base, "127.0.0.1");
	seen = decide(fx, "127.0.0.1", server.port, &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "reply \"-ERR loading\\x0a\", expected \"+PONG\"");
	datagram_server_stop(&server);
}

static void test_health_udp_beginning_of_the_expected_reply_is_down(void **state)
{
	struct fixture *fx = *state;
	struct datagram_server server = { .answer = answer_text, .arg = "+PONG" };
	struct model_health settings = udp_settings();

	datagram_server_start(&server, fx->base, "127.0.0.1");
	assert_true(decide(fx, "127.0.0.1", server.port, &settings).is_up);
	server.arg = "+PO"; /* the rest is not to be taken from the reply before */
	fixture_run_until(fx, has_changes, 2);

	assert_false(fx->changes[1].state.is_up);
	assert_string_equal(fx->changes[1].state.reason, "reply \"+PO\", expected \"+PONG\"");
	datagram_server_stop(&server);
}

static void test_health_udp_long_replies_are_cut_in_the_reason(void **state)
{
	struct fixture *fx = *state;
	struct datagram_server server = { .answer = answer_text,
					  .arg = "0123456789012345678901234567890123456789" };
	struct model_health settings = udp_settings();
	struct health_state seen;

	datagram_server_start(&server, fx->base, "127.0.0.1");
	seen = decide(fx, "127.0.0.1", server.port, &settings);

	assert_string_equal(seen.reason, "reply \"01234567890123456789...\", expected \"+PONG\"");
	datagram_server_stop(&server);
}

/* of UDP: a bound socket could not be told from one that answers nothing */
static unsigned closed_port(struct fixture *fx, const char *ip)
{
	struct datagram_server server = { .answer = answer_nothing };

	datagram_server_start(&server, fx->base, ip);
	datagram_server_stop(&server);
	return server.port;
}

static void test_health_udp_closed_port_is_unreachable_at_once(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = udp_settings();
	struct health_state seen = decide(fx, "127.0.0.1", closed_port(fx, "127.0.0.1"), &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "port unreachable");
}

static void test_health_udp_closed_port_of_ipv6_is_unreachable(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = udp_settings();
	struct health_state seen = decide(fx, "::1", closed_port(fx, "::1"), &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "port unreachable");
}

static void test_health_udp_silence_times_out_where_a_reply_is_expected(void **state)
{
	struct fixture *fx = *state;
	struct datagram_server server = { .answer = answer_nothing };
	struct model_health settings = udp_settings();
	struct health_state seen;

	settings.timeout_ms = 60;
	datagram_server_start(&server, fx->base, "127.0.0.1");
	seen = decide(fx, "127.0.0.1", server.port, &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "timeout after 60 ms waiting for a reply");
	datagram_server_stop(&server);
}

static void test_health_udp_silence_is_up_where_nothing_is_expected(void **state)
{
	struct fixture *fx = *state;
	struct datagram_server server = { .answer = answer_nothing };
	struct model_health settings = udp_settings();
	struct health_state seen;

	settings.timeout_ms = 60;
	settings.expect = (struct model_bytes) {};
	datagram_server_start(&server, fx->base, "127.0.0.1");
	seen = decide(fx, "127.0.0.1", server.port, &settings);

	assert_true(seen.is_up);
	assert_string_equal(seen.reason, "no reply, and no ICMP error");
	assert_int_equal(server.requests, 1);
	datagram_server_stop(&server);
}

static void test_health_udp_any_reply_is_up_where_nothing_is_expected(void **state)
{
	struct fixture *fx = *state;
	struct datagram_server server = { .answer = answer_text, .arg = "" };
	struct model_health settings = udp_settings();
	struct health_state seen;

	settings.expect = (struct model_bytes) {};
	datagram_server_start(&server, fx->base, "127.0.0.1");
	seen = decide(fx, "127.0.0.1", server.port, &settings);

	assert_true(seen.is_up);
	assert_string_equal(seen.reason, "reply of 0 bytes");
	datagram_server_stop(&server);
}

static void test_health_udp_closed_port_is_down_where_nothing_is_expected(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = udp_settings();
	struct health_state seen;

	settings.expect = (struct model_bytes) {};
	seen = decide(fx, "127.0.0.1", closed_port(fx, "127.0.0.1"), &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "port unreachable");
}

static void test_health_udp_zero_bytes_are_sent_and_expected(void **state)
{
	static uint8_t request[] = { 0, 1, 0xff };
	struct fixture *fx = *state;
	struct datagram_server server = { .answer = answer_text, .arg = "" };
	struct model_health settings = udp_settings();

	settings.send = (struct model_bytes) { .bytes = request, .size = sizeof(request) };
	settings.expect = settings.send;
	datagram_server_start(&server, fx->base, "127.0.0.1");
	decide(fx, "127.0.0.1", server.port, &settings);

	assert_int_equal(server.request_size, sizeof(request));
	assert_memory_equal(server.request, request, sizeof(request));
	assert_string_equal(fx->changes[0].state.reason,
			    "reply \"\", expected \"\\x00\\x01\\xff\"");
	datagram_server_stop(&server);
}

static void test_health_udp_server_that_stops_goes_down_after_fall_probes(void **state)
{
	struct fixture *fx = *state;
	struct datagram_server server = { .answer = answer_text, .arg = "+PONG" };
	struct model_health settings = udp_settings();

	datagram_server_start(&server, fx->base, "127.0.0.1");
	decide(fx, "127.0.0.1", server.port, &settings);
	datagram_server_stop(&server);
	fixture_run_until(fx, has_changes, 2);

	assert_false(fx->changes[1].state.is_up);
	assert_string_equal(fx->changes[1].state.reason, "port unreachable");
}

static void test_health_udp_probe_in_flight_can_be_removed(void **state)
{
	struct fixture *fx = *state;
	struct datagram_server server = { .answer = answer_nothing };
	struct model_health settings = udp_settings();

	datagram_server_start(&server, fx->base, "127.0.0.1");
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_for(fx, 50);
	health_remove(fx->health, 1);
	fixture_run_for(fx, 50);

	assert_int_equal(server.requests, 1);
	assert_int_equal(fx->change_count, 0);
	datagram_server_stop(&server);
}

#define HEALTH_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HEALTH_TEST(test_health_udp_expected_reply_is_up),
		HEALTH_TEST(test_health_udp_ipv6_reply_is_up),
		HEALTH_TEST(test_health_udp_other_reply_is_down),
		HEALTH_TEST(test_health_udp_beginning_of_the_expected_reply_is_down),
		HEALTH_TEST(test_health_udp_long_replies_are_cut_in_the_reason),
		HEALTH_TEST(test_health_udp_closed_port_is_unreachable_at_once),
		HEALTH_TEST(test_health_udp_closed_port_of_ipv6_is_unreachable),
		HEALTH_TEST(test_health_udp_silence_times_out_where_a_reply_is_expected),
		HEALTH_TEST(test_health_udp_silence_is_up_where_nothing_is_expected),
		HEALTH_TEST(test_health_udp_any_reply_is_up_where_nothing_is_expected),
		HEALTH_TEST(test_health_udp_closed_port_is_down_where_nothing_is_expected),
		HEALTH_TEST(test_health_udp_zero_bytes_are_sent_and_expected),
		HEALTH_TEST(test_health_udp_server_that_stops_goes_down_after_fall_probes),
		HEALTH_TEST(test_health_udp_probe_in_flight_can_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
