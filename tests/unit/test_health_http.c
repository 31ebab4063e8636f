/* SPDX-License-Identifier: GPL-2.0-only */
/* The http probe against a server in the same loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "health_fixture.h"

#define OK_HEADER "HTTP/1.1 200 OK\r\n"

/* One probe, decided, of a server that answers with @reply (NULL: never). */
static struct health_state probe_once(struct fixture *fx, struct server *server, const char *reply,
				      const struct model_health *settings)
{
	const char *const replies[] = { reply, NULL };

	server_start(server, fx, replies);
	fixture_set(fx, 1, "127.0.0.1", server->port, settings, 0);
	fixture_run_until(fx, has_changes, 1);
	health_remove(fx->health, 1);
	server_stop(server);
	return fx->changes[0].state;
}

static void assert_verdict(void **state, const char *reply, const struct model_health *settings,
			   const char *reason)
{
	struct server server = { .keeps_open = true };
	struct health_state seen = probe_once(*state, &server, reply, settings);

	assert_string_equal(seen.reason, reason);
	assert_int_equal(seen.is_up, strncmp(reason, "status 2", 8) == 0);
}

/* ---- the request -------------------------------------------------------- */

static void test_http_request_is_as_configured(void **state)
{
	char method[] = "OPTIONS";
	char path[] = "/health/../check?full=1&x=%20";
	char host[] = "www.example.org";
	struct model_health settings = http_settings();
	struct server server = {};

	settings.method = method;
	settings.path = path;
	settings.host = host;
	probe_once(*state, &server, OK_HEADER "Content-Length: 0\r\n\r\n", &settings);

	assert_string_equal(server.request, "OPTIONS /health/../check?full=1&x=%20 HTTP/1.1\r\n"
					    "Host: www.example.org\r\n"
					    "User-Agent: leat\r\n"
					    "Accept: */*\r\n"
					    "Connection: close\r\n\r\n");
}

static void test_http_host_is_the_backend_by_default(void **state)
{
	struct model_health settings = http_settings();
	struct server server = {};
	char expected[64];

	probe_once(*state, &server, OK_HEADER "Content-Length: 0\r\n\r\n", &settings);

	snprintf(expected, sizeof(expected), "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n",
		 server.port);
	assert_memory_equal(server.request, expected, strlen(expected));
}

static void test_http_head_waits_for_no_body(void **state)
{
	char method[] = "HEAD";
	struct model_health settings = http_settings();
	struct server server = { .keeps_open = true };
	struct health_state seen;

	settings.method = method;
	seen = probe_once(*state, &server, OK_HEADER "Content-Length: 999\r\n\r\n", &settings);

	assert_string_equal(seen.reason, "status 200");
	assert_memory_equal(server.request, "HEAD / HTTP/1.1\r\n", 17);
}

static void test_http_proxy_of_the_environment_is_not_used(void **state)
{
	struct model_health settings = http_settings();

	setenv("http_proxy", "http://127.0.0.2:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.2:1", 1);
	assert_verdict(state, OK_HEADER "Content-Length: 0\r\n\r\n", &settings, "status 200");
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

static void test_http_each_probe_makes_a_connection(void **state)
{
	static const char *const replies[] = {
		OK_HEADER "Connection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
		NULL,
	};
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = { .keeps_open = true };

	server_start(&server, fx, replies);
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_probes, 5);

	assert_int_equal(server.accepted, 5);
	assert_int_equal(fx->change_count, 1);
	server_stop(&server);
}

/* ---- the response ------------------------------------------------------- */

static void test_http_other_status_is_down(void **state)
{
	struct model_health settings = http_settings();

	assert_verdict(state, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", &settings,
		       "status 503, expected 200-299");
}

static void test_http_redirect_is_not_followed(void **state)
{
	struct model_health settings = http_settings();
	struct server server = {};
	struct health_state seen;

	seen = probe_once(*state, &server,
			  "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
			  &settings);

	assert_string_equal(seen.reason, "status 302, expected 200-299");
	assert_int_equal(server.requests, 1);
}

static void test_http_expected_status_other_than_2xx_is_up(void **state)
{
	struct model_health settings = http_settings();
	struct server server = {};
	struct health_state seen;

	settings.expect_status[404 / 64] |= 1ULL << (404 % 64);
	seen = probe_once(*state, &server, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
			  &settings);

	assert_true(seen.is_up);
	assert_string_equal(seen.reason, "status 404");
}

static void test_http_interim_response_is_not_the_answer(void **state)
{
	struct model_health settings = http_settings();

	assert_verdict(state,
		       "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
		       "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
		       &settings, "status 500, expected 200-299");
}

static void test_http_body_with_the_text_is_up(void **state)
{
	char body[] = "all is well";
	struct model_health settings = http_settings();

	settings.body = body;
	assert_verdict(state, OK_HEADER "Content-Length: 19\r\n\r\nhere all is well ok", &settings,
		       "status 200");
}

static void test_http_text_across_chunks_is_found(void **state)
{
	char body[] = "all is well";
	struct model_health settings = http_settings();

	settings.body = body;
	assert_verdict(state,
		       OK_HEADER "Transfer-Encoding: chunked\r\n\r\n"
				 "6\r\nall is\r\n5\r\n well\r\n0\r\n\r\n",
		       &settings, "status 200");
}

static void test_http_body_without_the_text_is_down(void **state)
{
	char body[] = "ok";
	struct model_health settings = http_settings();

	settings.body = body;
	assert_verdict(state, OK_HEADER "Content-Length: 4\r\n\r\nfail", &settings,
		       "body does not contain \"ok\"");
}

static void test_http_no_body_does_not_contain_the_text(void **state)
{
	char body[] = "ok";
	struct model_health settings = http_settings();

	settings.body = body;
	assert_verdict(state, OK_HEADER "Content-Length: 0\r\n\r\n", &settings,
		       "body does not contain \"ok\"");
}

/* @before bytes, "ok", and a megabyte that never ends */
static char *long_reply(size_t before)
{
	static const char header[] = OK_HEADER "Content-Length: 999999999\r\n\r\n";
	size_t size = sizeof(header) + before + 2 + 1024 * 1024;
	char *reply = malloc(size);

	memset(reply, '.', size);
	memcpy(reply, header, sizeof(header) - 1);
	memcpy(reply + sizeof(header) - 1 + before, "ok", 2);
	reply[size - 1] = '\0';
	return reply;
}

static void test_http_text_within_64_kib_is_found_without_reading_on(void **state)
{
	char body[] = "ok";
	struct model_health settings = http_settings();
	char *reply = long_reply(64 * 1024 - 2);

	settings.body = body;
	assert_verdict(state, reply, &settings, "status 200");
	free(reply);
}

static void test_http_text_beyond_64_kib_is_not_read(void **state)
{
	char body[] = "ok";
	struct model_health settings = http_settings();
	char *reply = long_reply(64 * 1024 - 1);

	settings.body = body;
	assert_verdict(state, reply, &settings, "body does not contain \"ok\"");
	free(reply);
}

/* ---- what goes wrong ---------------------------------------------------- */

static void test_http_silent_server_times_out_waiting(void **state)
{
	struct model_health settings = http_settings();

	settings.timeout_ms = 60;
	assert_verdict(state, NULL, &settings, "timeout after 60 ms waiting for the response");
}

static void test_http_slow_body_times_out_reading(void **state)
{
	struct model_health settings = http_settings();

	settings.timeout_ms = 60;
	assert_verdict(state, OK_HEADER "Content-Length: 10\r\n\r\nhalf", &settings,
		       "timeout after 60 ms reading the body");
}

static void test_http_closed_port_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", -1, &port);

	fixture_set(fx, 1, "127.0.0.1", port, &settings, 0);
	fixture_run_until(fx, has_changes, 1);

	assert_string_equal(fx->changes[0].state.reason, "connection refused");
	close(fd);
}

static void test_http_full_backlog_times_out_connecting(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 0, &port);

	/* the first probes fill the backlog: nobody accepts them */
	settings.timeout_ms = 60;
	for (uint32_t token = 5; token >= 1; token--) {
		settings.interval_ms = 20 + token; /* equal ones would be one probe */
		fixture_set(fx, token, "127.0.0.1", port, &settings, 0);
	}
	fixture_run_until(fx, has_changes, 5);

	assert_string_equal(fixture_state(fx, 1).reason, "timeout after 60 ms connecting");
	close(fd);
}

static void test_http_server_of_another_protocol_is_down(void **state)
{
	struct model_health settings = http_settings();

	assert_verdict(state, "220 mail.example.org ESMTP ready, at your service\r\n", &settings,
		       "the answer is not HTTP");
}

static void test_http_connection_closed_without_a_word_is_down(void **state)
{
	struct model_health settings = http_settings();
	struct server server = {};
	struct health_state seen = probe_once(*state, &server, "", &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "connection closed without a response");
}

static void test_http_response_cut_short_is_down(void **state)
{
	struct model_health settings = http_settings();
	struct server server = {};
	struct health_state seen =
		probe_once(*state, &server, OK_HEADER "Content-Length: 10\r\n\r\nhalf", &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "connection closed before the end of the response");
}

static void test_http_endless_header_is_down(void **state)
{
	static const char line[] = "X-Filler: 0123456789012345678901234567890123456789\r\n";
	struct model_health settings = http_settings();
	char *reply = calloc(1, 200 * 1024);
	char *end = stpcpy(reply, OK_HEADER);

	while (end - reply < 199 * 1024)
		end = stpcpy(end, line);
	assert_verdict(state, reply, &settings, "more than 64 KiB of response header");
	free(reply);
}

static void test_http_many_targets_are_all_decided(void **state)
{
	static const char *const replies[] = { OK_HEADER "Content-Length: 2\r\n\r\nok", NULL };
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = {};

	server_start(&server, fx, replies);
	for (uint32_t token = 0; token < 60; token++) {
		settings.interval_ms = 60000 + token; /* equal ones would be one probe */
		fixture_set(fx, token, "127.0.0.1", server.port, &settings, 0);
	}
	fixture_run_until(fx, has_changes, 60);

	for (unsigned i = 0; i < 60; i++)
		assert_string_equal(fx->changes[i].state.reason, "status 200");
	server_stop(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_http_request_is_as_configured),
		TEST(test_http_host_is_the_backend_by_default),
		TEST(test_http_head_waits_for_no_body),
		TEST(test_http_proxy_of_the_environment_is_not_used),
		TEST(test_http_each_probe_makes_a_connection),
		TEST(test_http_other_status_is_down),
		TEST(test_http_redirect_is_not_followed),
		TEST(test_http_expected_status_other_than_2xx_is_up),
		TEST(test_http_interim_response_is_not_the_answer),
		TEST(test_http_body_with_the_text_is_up),
		TEST(test_http_text_across_chunks_is_found),
		TEST(test_http_body_without_the_text_is_down),
		TEST(test_http_no_body_does_not_contain_the_text),
		TEST(test_http_text_within_64_kib_is_found_without_reading_on),
		TEST(test_http_text_beyond_64_kib_is_not_read),
		TEST(test_http_silent_server_times_out_waiting),
		TEST(test_http_slow_body_times_out_reading),
		TEST(test_http_closed_port_is_refused),
		TEST(test_http_full_backlog_times_out_connecting),
		TEST(test_http_server_of_another_protocol_is_down),
		TEST(test_http_connection_closed_without_a_word_is_down),
		TEST(test_http_response_cut_short_is_down),
		TEST(test_http_endless_header_is_down),
		TEST(test_http_many_targets_are_all_decided),
	};

	return cmocka_run_group_tests_name("health_http", tests, NULL, NULL);
}
