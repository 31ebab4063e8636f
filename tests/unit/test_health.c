/* SPDX-License-Identifier: GPL-2.0-only */
/* Targets over time, and the tcp probe, against real sockets on loopback. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "health_fixture.h"
#include "model/addr.h"

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
static const char unavailable[] = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";

/* ---- the tcp probe ------------------------------------------------------ */

static void test_health_listening_port_is_up(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 8, &port);

	fixture_set(fx, 1, "127.0.0.1", port, &settings, 0);
	fixture_run_until(fx, has_changes, 1);

	assert_int_equal(fx->changes[0].token, 1);
	assert_true(fx->changes[0].state.is_up);
	assert_true(fx->changes[0].state.is_decided);
	assert_string_equal(fx->changes[0].state.reason, "connected");
	assert_int_equal(fx->changes[0].state.probes, 1);
	assert_true(fx->changes[0].state.latency_us > 0);
	assert_true(fx->changes[0].state.since_ms > 1600000000000);
	close(fd);
}

static void test_health_closed_port_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", -1, &port);

	fixture_set(fx, 1, "127.0.0.1", port, &settings, 0);
	fixture_run_until(fx, has_changes, 1);

	assert_false(fx->changes[0].state.is_up);
	assert_string_equal(fx->changes[0].state.reason, "connection refused");
	close(fd);
}

static void test_health_ipv6_target_is_up(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("::1", 8, &port);

	fixture_set(fx, 1, "::1", port, &settings, 0);
	fixture_run_until(fx, has_changes, 1);

	assert_true(fx->changes[0].state.is_up);
	close(fd);
}

static void test_health_port_of_settings_is_the_one_probed(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned closed_port = 0;
	int closed = open_port("127.0.0.1", -1, &closed_port);
	int fd = open_port("127.0.0.1", 8, &settings.port);

	fixture_set(fx, 1, "127.0.0.1", closed_port, &settings, 0);
	fixture_run_until(fx, has_changes, 1);

	assert_true(fx->changes[0].state.is_up);
	close(closed);
	close(fd);
}

/* Connections that wait to be accepted, until the kernel drops the next SYN. */
static size_t fill_backlog(unsigned port, int *fds, size_t size)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	size_t count;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (count = 0; count < size; count++) {
		fds[count] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fds[count], (struct sockaddr *)&to, sizeof(to));
	}
	return count;
}

static void test_health_full_backlog_times_out_connecting(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 0, &port);
	int waiting[4];
	size_t count = fill_backlog(port, waiting, 4);

	settings.timeout_ms = 60;
	fixture_set(fx, 1, "127.0.0.1", port, &settings, 0);
	fixture_run_until(fx, has_changes, 1);

	assert_false(fx->changes[0].state.is_up);
	assert_string_equal(fx->changes[0].state.reason, "timeout after 60 ms connecting");
	while (count)
		close(waiting[--count]);
	close(fd);
}

static void test_health_application_is_not_woken_by_a_tcp_probe(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	struct server server = {};

	server_start(&server, fx, NULL);
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_probes, 20);

	/* none, but for probes whose answer this loop came to see late */
	assert_true(server.accepted < 10);
	server_stop(&server);
}

/* ---- trouble of our own ------------------------------------------------- */

static bool is_short_of_files(struct fixture *fx, unsigned n)
{
	return strstr(fixture_state(fx, n).reason, "too many open files: raise LimitNOFILE");
}

static void limit_open_files(struct rlimit *before)
{
	struct rlimit limit;
	int next = dup(0);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
	limit = *before;
	limit.rlim_cur = (rlim_t)next;
	close(next);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_health_no_descriptor_left_is_not_a_failure(void **state)
{
	struct fixture *fx = *state;
	struct model_health tcp = tcp_settings();
	struct model_health http = http_settings();
	struct rlimit before;
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 8, &port);

	http.fall = tcp.fall = 1;
	fixture_set(fx, 1, "127.0.0.1", port, &tcp, 0);
	fixture_set(fx, 2, "127.0.0.1", port, &tcp, 1);
	fixture_set(fx, 3, "127.0.0.1", port, &http, 1);
	limit_open_files(&before);
	fixture_run_until(fx, is_short_of_files, 1);
	fixture_run_until(fx, is_short_of_files, 2);
	fixture_run_until(fx, is_short_of_files, 3);
	setrlimit(RLIMIT_NOFILE, &before);

	assert_int_equal(fx->change_count, 0);
	assert_false(fixture_state(fx, 1).is_decided);
	assert_true(fixture_state(fx, 2).is_up);
	assert_int_equal(fixture_state(fx, 2).streak, 0);
	assert_true(fixture_state(fx, 3).is_up);

	fixture_run_until(fx, has_changes, 1);

	assert_int_equal(fx->changes[0].token, 1);
	assert_true(fx->changes[0].state.is_up);
	close(fd);
}

static void test_health_loop_held_up_blames_no_backend(void **state)
{
	static const char *const replies[] = { ok, NULL };
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = { .stall_ms = 400 };

	server_start(&server, fx, replies);
	settings.timeout_ms = 200;
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_changes, 1);

	assert_string_equal(fx->changes[0].state.reason, "status 200");
	server_stop(&server);
}

/* ---- rise and fall ------------------------------------------------------ */

static void test_health_adopted_up_falls_after_fall_probes(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", -1, &port);

	fixture_set(fx, 1, "127.0.0.1", port, &settings, 1);

	assert_true(fixture_state(fx, 1).is_up);
	assert_false(fixture_state(fx, 1).is_decided);

	fixture_run_until(fx, has_changes, 1);

	assert_false(fx->changes[0].state.is_up);
	assert_int_equal(fx->changes[0].state.probes, 3);
	close(fd);
}

static void test_health_adopted_down_rises_after_rise_probes(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 8, &port);

	fixture_set(fx, 1, "127.0.0.1", port, &settings, -1);
	fixture_run_until(fx, has_changes, 1);

	assert_true(fx->changes[0].state.is_up);
	assert_int_equal(fx->changes[0].state.probes, 2);
	close(fd);
}

static void test_health_adopted_confirmed_reports_nothing(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 8, &port);

	fixture_set(fx, 1, "127.0.0.1", port, &settings, 1);
	fixture_run_until(fx, has_probes, 4);

	assert_int_equal(fx->change_count, 0);
	close(fd);
}

static void test_health_flapping_backend_turns_at_exactly_rise_and_fall(void **state)
{
	static const char *const replies[] = {
		ok, unavailable, unavailable, ok, unavailable, unavailable, unavailable,
		ok, unavailable, ok,	      ok, unavailable, ok,	    NULL,
	};
	static const unsigned at[] = { 1, 7, 11 };
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = {};

	server_start(&server, fx, replies);
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_probes, 15);

	assert_int_equal(fx->change_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(fx->changes[i].state.probes, at[i]);
		assert_int_equal(fx->changes[i].state.is_up, i != 1);
	}
	server_stop(&server);
}

static void test_health_killed_backend_is_found_and_found_again(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 8, &port);

	settings.jitter_percent = 50;
	fixture_set(fx, 1, "127.0.0.1", port, &settings, 0);
	fixture_run_until(fx, has_changes, 1);
	close(fd);
	fixture_run_until(fx, has_changes, 2);
	fd = open_port("127.0.0.1", 8, &port);
	fixture_run_until(fx, has_changes, 3);

	assert_false(fx->changes[1].state.is_up);
	assert_true(fx->changes[2].state.is_up);
	close(fd);
}

/* ---- set again ---------------------------------------------------------- */

static void set_unchanged(struct fixture *fx, struct server *server)
{
	/* equal, not the same: strings are compared, and the caller's may be gone */
	char method[] = "GET";
	char path[] = "/";
	struct model_health settings = http_settings();

	settings.method = method;
	settings.path = path;
	assert_int_equal(fixture_set(fx, 1, "127.0.0.1", server->port, &settings, 0), 0);
}

static void test_health_unchanged_set_disturbs_nothing(void **state)
{
	static const char *const replies[] = { ok, NULL };
	struct fixture *fx = *state;
	struct server server = {};

	server_start(&server, fx, replies);
	set_unchanged(fx, &server);
	for (unsigned n = 1; n <= 10; n++) {
		fixture_run_until(fx, has_probes, n);
		set_unchanged(fx, &server);
	}

	assert_int_equal(fx->change_count, 1);
	assert_int_equal(fixture_state(fx, 1).probes, 10);
	assert_int_equal(server.requests, 10);
	server_stop(&server);
}

static struct server *watched;

static bool has_requests(struct fixture *fx, unsigned n)
{
	(void)fx;
	return watched->requests >= n;
}

static void test_health_unchanged_set_leaves_probe_in_flight(void **state)
{
	struct fixture *fx = *state;
	struct server server = {};

	watched = &server;
	server_start(&server, fx, NULL);
	set_unchanged(fx, &server);
	fixture_run_until(fx, has_requests, 1);
	set_unchanged(fx, &server);
	fixture_run_for(fx, 100);

	assert_int_equal(server.accepted, 1);
	assert_non_null(server.open[0]);
	server_stop(&server);
}

static void test_health_changed_settings_keep_the_state(void **state)
{
	static const char *const replies[] = { unavailable, NULL };
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	struct model_health http = http_settings();
	struct health_state before;
	struct health_state after;
	struct server server = {};

	server_start(&server, fx, replies);
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_probes, 3);
	before = fixture_state(fx, 1);
	settings.interval_ms = 30;
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, -1);
	after = fixture_state(fx, 1);
	before.next_ms = after.next_ms;

	assert_memory_equal(&before, &after, sizeof(before));

	fixture_set(fx, 1, "127.0.0.1", server.port, &http, -1);
	fixture_run_until(fx, has_changes, 2);

	assert_int_equal(fx->changes[1].state.probes, before.probes + 3);
	assert_string_equal(fx->changes[1].state.reason, "status 503, expected 200-299");
	server_stop(&server);
}

static void test_health_shorter_interval_counts_at_once(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 8, &port);

	settings.interval_ms = 3600000;
	fixture_set(fx, 1, "127.0.0.1", port, &settings, 0);
	fixture_run_until(fx, has_probes, 1);
	settings.interval_ms = 20;
	fixture_set(fx, 1, "127.0.0.1", port, &settings, 0);
	fixture_run_until(fx, has_probes, 3);

	assert_int_equal(fx->change_count, 1);
	close(fd);
}

static void test_health_other_port_starts_anew(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	unsigned closed_port = 0;
	int fd = open_port("127.0.0.1", 8, &port);
	int closed = open_port("127.0.0.1", -1, &closed_port);

	fixture_set(fx, 1, "127.0.0.1", port, &settings, 0);
	fixture_run_until(fx, has_probes, 3);
	fixture_set(fx, 1, "127.0.0.1", closed_port, &settings, 0);

	assert_false(fixture_state(fx, 1).is_decided);
	assert_int_equal(fixture_state(fx, 1).probes, 0);

	fixture_run_until(fx, has_changes, 2);

	assert_false(fx->changes[1].state.is_up);
	assert_int_equal(fx->changes[1].state.probes, 1);
	close(fd);
	close(closed);
}

static void test_health_no_kind_of_probe_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = { .type = PROBE_NONE };
	struct health_state out;

	assert_int_equal(fixture_set(fx, 1, "127.0.0.1", 80, &settings, 0), -EINVAL);
	assert_int_equal(health_get(fx->health, 1, &out), -ENOENT);
}

/* ---- remove ------------------------------------------------------------- */

static void test_health_removed_in_flight_reports_nothing(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = {};
	struct health_state out;
	size_t files;

	watched = &server;
	server_start(&server, fx, NULL);
	settings.timeout_ms = 50;
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_requests, 1);
	files = count_open_files();
	health_remove(fx->health, 1);
	health_remove(fx->health, 1);

	assert_int_equal(count_open_files(), files - 1);

	fixture_run_for(fx, 200);

	assert_int_equal(fx->change_count, 0);
	assert_int_equal(server.accepted, 1);
	assert_int_equal(health_get(fx->health, 1, &out), -ENOENT);
	server_stop(&server);
}

static void test_health_removed_while_connecting_leaves_no_socket(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 0, &port);
	int waiting[4];
	size_t count = fill_backlog(port, waiting, 4);
	size_t files = count_open_files();

	fixture_set(fx, 1, "127.0.0.1", port, &settings, 0);
	fixture_run_for(fx, 100);

	assert_int_equal(count_open_files(), files + 1);

	health_remove(fx->health, 1);

	assert_int_equal(count_open_files(), files);
	assert_int_equal(fx->change_count, 0);
	while (count)
		close(waiting[--count]);
	close(fd);
}

/* ---- from inside the news ----------------------------------------------- */

static void remove_itself_and_next(struct fixture *fx, uint32_t token)
{
	health_remove(fx->health, token);
	health_remove(fx->health, token + 1);
}

static void test_health_removed_from_inside_on_change(void **state)
{
	static const char *const replies[] = { ok, NULL };
	struct fixture *fx = *state;
	struct model_health tcp = tcp_settings();
	struct model_health http = http_settings();
	struct server server = {};

	server_start(&server, fx, replies);
	fx->on_change = remove_itself_and_next;
	for (uint32_t token = 0; token < 20; token++) {
		tcp.interval_ms = http.interval_ms = 20 + token; /* equal ones would be one probe */
		fixture_set(fx, token, "127.0.0.1", server.port, token % 4 < 2 ? &tcp : &http, 0);
	}
	fixture_run_until(fx, has_changes, 10);
	fixture_run_for(fx, 100);

	assert_in_range(fx->change_count, 10, 20);
	server_stop(&server);
}

static void move_to_refused(struct fixture *fx, uint32_t token)
{
	struct model_health settings = tcp_settings();

	if (fx->change_count == 1)
		fixture_set(fx, token, "127.0.0.2", 1, &settings, 0);
}

static void test_health_set_from_inside_on_change(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 8, &port);

	fx->on_change = move_to_refused;
	fixture_set(fx, 1, "127.0.0.1", port, &settings, 0);
	fixture_run_until(fx, has_changes, 2);

	assert_true(fx->changes[0].state.is_up);
	assert_false(fx->changes[1].state.is_up);
	close(fd);
}

/* ---- many tokens, one probe --------------------------------------------- */

static unsigned changes_of(const struct fixture *fx, uint32_t token)
{
	unsigned count = 0;

	for (unsigned i = 0; i < fx->change_count && i < FIXTURE_CHANGES; i++)
		count += fx->changes[i].token == token;
	return count;
}

static const char *const always_ok[] = { ok, NULL };

static void test_health_equal_tokens_share_one_probe(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = {};

	server_start(&server, fx, always_ok);
	for (uint32_t token = 1; token <= 5; token++)
		fixture_set(fx, token, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_probes, 10);

	assert_int_equal(server.requests, 10);
	assert_int_equal(fx->change_count, 5);
	for (uint32_t token = 1; token <= 5; token++) {
		assert_int_equal(changes_of(fx, token), 1);
		assert_int_equal(fixture_state(fx, token).probes, 10);
	}
	server_stop(&server);
}

static void test_health_other_settings_share_nothing(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = {};

	server_start(&server, fx, always_ok);
	settings.interval_ms = 3600000;
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	settings.rise = 7;
	fixture_set(fx, 2, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_changes, 2);

	assert_int_equal(server.requests, 2);
	server_stop(&server);
}

static void test_health_token_that_joins_is_told_at_once(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = {};

	server_start(&server, fx, always_ok);
	settings.interval_ms = 3600000;
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_changes, 1);
	fixture_set(fx, 2, "127.0.0.1", server.port, &settings, 0);  /* unknown */
	fixture_set(fx, 3, "127.0.0.1", server.port, &settings, 1);  /* known so */
	fixture_set(fx, 4, "127.0.0.1", server.port, &settings, -1); /* known otherwise */

	assert_int_equal(changes_of(fx, 1), 1);
	assert_int_equal(changes_of(fx, 2), 1);
	assert_int_equal(changes_of(fx, 3), 0);
	assert_int_equal(changes_of(fx, 4), 1);
	assert_string_equal(fx->changes[1].state.reason, "status 200");
	assert_true(fixture_state(fx, 3).is_decided);
	server_stop(&server);
}

static void test_health_token_that_joins_brings_what_it_knows(void **state)
{
	static const char *const replies[] = { unavailable, NULL };
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = {};

	server_start(&server, fx, replies);
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_set(fx, 2, "127.0.0.1", server.port, &settings, 1);
	fixture_run_until(fx, has_changes, 3);

	/* 2 knew it was up, so 1 hears that; then it takes three failures for both */
	assert_int_equal(fx->changes[0].token, 1);
	assert_true(fx->changes[0].state.is_up);
	assert_false(fx->changes[1].state.is_up);
	assert_false(fx->changes[2].state.is_up);
	assert_int_equal(fx->changes[2].state.probes, 3);
	server_stop(&server);
}

static void test_health_removed_token_disturbs_no_other(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct health_state out;
	struct server server = {};

	watched = &server;
	server_start(&server, fx, NULL);
	settings.timeout_ms = 100;
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_set(fx, 2, "127.0.0.1", server.port, &settings, 0);
	fixture_set(fx, 3, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_requests, 1);
	health_remove(fx->health, 3);
	health_remove(fx->health, 1);
	fixture_run_until(fx, has_changes, 1);

	assert_int_equal(server.accepted, 1);
	assert_int_equal(fx->changes[0].token, 2);
	assert_string_equal(fx->changes[0].state.reason,
			    "timeout after 100 ms waiting for the response");
	assert_int_equal(fx->change_count, 1);
	assert_int_equal(health_get(fx->health, 1, &out), -ENOENT);
	server_stop(&server);
}

static void test_health_new_settings_of_all_join_again(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = {};
	unsigned before;

	server_start(&server, fx, always_ok);
	for (uint32_t token = 1; token <= 3; token++)
		fixture_set(fx, token, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_probes, 3);
	settings.interval_ms = 30;
	for (uint32_t token = 1; token <= 3; token++)
		fixture_set(fx, token, "127.0.0.1", server.port, &settings, 0);
	before = server.requests;
	fixture_run_until(fx, has_probes, 8);

	assert_int_equal(server.requests, before + 5);
	assert_int_equal(fx->change_count, 3);
	assert_int_equal(fixture_state(fx, 3).probes, 8);
	server_stop(&server);
}

static void test_health_new_settings_of_one_leave_the_others(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = {};

	server_start(&server, fx, always_ok);
	settings.interval_ms = 3600000;
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_set(fx, 2, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_changes, 2);
	settings.interval_ms = 20;
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_probes, 5);

	assert_int_equal(fixture_state(fx, 2).probes, 1);
	assert_true(fixture_state(fx, 2).is_up);
	assert_int_equal(fx->change_count, 2);
	server_stop(&server);
}

static void remove_all_three(struct fixture *fx, uint32_t token)
{
	(void)token;
	for (uint32_t other = 1; other <= 3; other++)
		health_remove(fx->health, other);
}

static void test_health_all_that_share_removed_from_inside_on_change(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 8, &port);

	fx->on_change = remove_all_three;
	for (uint32_t token = 1; token <= 3; token++)
		fixture_set(fx, token, "127.0.0.1", port, &settings, 0);
	fixture_run_until(fx, has_changes, 1);
	fixture_run_for(fx, 100);

	assert_int_equal(fx->change_count, 1);
	close(fd);
}

static unsigned shared_port;

static void join_from_inside(struct fixture *fx, uint32_t token)
{
	struct model_health settings = tcp_settings();

	if (token < 4)
		fixture_set(fx, token + 1, "127.0.0.1", shared_port, &settings, 0);
	health_remove(fx->health, token);
}

static void test_health_joined_and_left_from_inside_on_change(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	int fd;

	shared_port = 0;
	fd = open_port("127.0.0.1", 8, &shared_port);
	fx->on_change = join_from_inside;
	fixture_set(fx, 1, "127.0.0.1", shared_port, &settings, 0);
	fixture_run_until(fx, has_changes, 1);

	/* one after the other, each inside the last one's report */
	assert_int_equal(fx->change_count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(fx->changes[i].token, i + 1);
	close(fd);
}

/* ---- pace, damping, memory ---------------------------------------------- */

static void test_health_contradiction_is_followed_fast(void **state)
{
	static const char *const replies[] = {
		ok, ok, unavailable, unavailable, unavailable, NULL
	};
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = {};

	/* two hours, if the second and third failure were not looked for at once */
	server_start(&server, fx, replies);
	settings.interval_ms = 3600000;
	settings.fast_interval_ms = 20;
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_changes, 1);
	health_probe_now(fx->health, 1);
	fixture_run_until(fx, has_probes, 2);
	health_probe_now(fx->health, 1);
	fixture_run_until(fx, has_changes, 2);

	assert_false(fx->changes[1].state.is_up);
	assert_int_equal(fx->changes[1].state.probes, 5);
	assert_int_equal(fx->changes[1].state.failures, 3);
	server_stop(&server);
}

static void test_health_probe_now_leaves_one_in_flight(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = {};

	watched = &server;
	server_start(&server, fx, NULL);
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_requests, 1);
	health_probe_now(fx->health, 1);
	health_probe_now(fx->health, 2); /* nobody */
	fixture_run_for(fx, 100);

	assert_int_equal(server.accepted, 1);
	server_stop(&server);
}

static bool waits_long(struct fixture *fx, unsigned ms)
{
	struct health_state seen = fixture_state(fx, 1);

	return seen.is_decided && seen.next_ms >= seen.since_ms + ms;
}

static void test_health_dead_backend_is_asked_less_and_less(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", -1, &port);

	settings.backoff_ms = 3600000;
	fixture_set(fx, 1, "127.0.0.1", port, &settings, 0);
	fixture_run_until(fx, waits_long, 1000);

	/* 20 20 20 40 80 160 320 640: with 20 alone it would be fifty */
	assert_in_range(fixture_state(fx, 1).failures, 7, 9);

	close(fd);
	fd = open_port("127.0.0.1", 8, &port);
	health_probe_now(fx->health, 1);
	fixture_run_until(fx, has_changes, 2);

	assert_true(fx->changes[1].state.is_up);
	assert_int_equal(fixture_state(fx, 1).failures, 0);
	close(fd);
}

static void test_health_flapping_backend_is_held_and_let_go(void **state)
{
	static const char *const replies[] = { ok, unavailable, ok, unavailable, ok, NULL };
	struct fixture *fx = *state;
	struct model_health settings = http_settings();
	struct server server = {};
	struct health_state held;

	server_start(&server, fx, replies);
	settings.rise = settings.fall = 1;
	settings.flap_limit = 3;
	settings.flap_window_ms = 60000;
	settings.flap_hold_ms = 300;
	fixture_set(fx, 1, "127.0.0.1", server.port, &settings, 0);
	fixture_run_until(fx, has_changes, 4);
	held = fx->changes[3].state;

	assert_false(held.is_up);
	assert_int_equal(held.flaps, 3);
	assert_int_equal(held.held_until_ms, held.since_ms + 300);
	assert_int_equal(strncmp(held.reason, "held down until 20", 18), 0);
	assert_non_null(strstr(held.reason, " UTC, 3 changes: status 503, expected 200-299"));

	fixture_run_until(fx, has_changes, 5);

	assert_true(fx->changes[4].state.is_up);
	assert_true(fx->changes[4].state.since_ms >= held.held_until_ms);
	assert_string_equal(fx->changes[4].state.reason, "status 200");
	server_stop(&server);
}

static void test_health_memory_is_resumed_whole(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	struct health_memory memory = {
		.initial = -1,
		.since_ms = 1700000000000,
		.streak = 1,
		.failures = 0,
		.flaps = 2,
	};
	struct health_target at = {};
	struct health_state seen;
	int fd = open_port("127.0.0.1", 8, &at.port);

	assert_int_equal(addr_parse("127.0.0.1", &at.address), 0);
	health_set(fx->health, 1, &at, &settings, &memory);
	seen = fixture_state(fx, 1);

	assert_int_equal(seen.since_ms, 1700000000000);
	assert_int_equal(seen.streak, 1);
	assert_int_equal(seen.flaps, 2);
	assert_true(seen.next_ms > 1700000000000);

	fixture_run_until(fx, has_changes, 1);

	assert_true(fx->changes[0].state.is_up);
	assert_int_equal(fx->changes[0].state.probes, 1); /* the second success of rise */
	close(fd);
}

/* ---- many --------------------------------------------------------------- */

static void test_health_2000_targets_are_all_decided(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = tcp_settings();
	unsigned port = 0;
	unsigned closed_port = 0;
	int fd = open_port("0.0.0.0", 4096, &port);
	int closed = open_port("0.0.0.0", -1, &closed_port);

	settings.interval_ms = 60000;
	for (uint32_t token = 0; token < 2000; token++) {
		char ip[16];

		snprintf(ip, sizeof(ip), "127.0.%u.%u", token / 250, token % 250 + 1);
		fixture_set(fx, token, ip, token % 2 ? port : closed_port, &settings, 0);
	}
	fixture_run_until(fx, has_changes, 2000);

	assert_int_equal(fx->change_count, 2000);
	for (uint32_t token = 0; token < 2000; token++) {
		assert_true(fixture_state(fx, token).is_decided);
		assert_int_equal(fixture_state(fx, token).is_up, token % 2);
	}
	close(fd);
	close(closed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_health_listening_port_is_up),
		TEST(test_health_closed_port_is_refused),
		TEST(test_health_ipv6_target_is_up),
		TEST(test_health_port_of_settings_is_the_one_probed),
		TEST(test_health_full_backlog_times_out_connecting),
		TEST(test_health_application_is_not_woken_by_a_tcp_probe),
		TEST(test_health_no_descriptor_left_is_not_a_failure),
		TEST(test_health_loop_held_up_blames_no_backend),
		TEST(test_health_adopted_up_falls_after_fall_probes),
		TEST(test_health_adopted_down_rises_after_rise_probes),
		TEST(test_health_adopted_confirmed_reports_nothing),
		TEST(test_health_flapping_backend_turns_at_exactly_rise_and_fall),
		TEST(test_health_killed_backend_is_found_and_found_again),
		TEST(test_health_unchanged_set_disturbs_nothing),
		TEST(test_health_unchanged_set_leaves_probe_in_flight),
		TEST(test_health_changed_settings_keep_the_state),
		TEST(test_health_shorter_interval_counts_at_once),
		TEST(test_health_other_port_starts_anew),
		TEST(test_health_no_kind_of_probe_is_refused),
		TEST(test_health_removed_in_flight_reports_nothing),
		TEST(test_health_removed_while_connecting_leaves_no_socket),
		TEST(test_health_removed_from_inside_on_change),
		TEST(test_health_set_from_inside_on_change),
		TEST(test_health_equal_tokens_share_one_probe),
		TEST(test_health_other_settings_share_nothing),
		TEST(test_health_token_that_joins_is_told_at_once),
		TEST(test_health_token_that_joins_brings_what_it_knows),
		TEST(test_health_removed_token_disturbs_no_other),
		TEST(test_health_new_settings_of_all_join_again),
		TEST(test_health_new_settings_of_one_leave_the_others),
		TEST(test_health_all_that_share_removed_from_inside_on_change),
		TEST(test_health_joined_and_left_from_inside_on_change),
		TEST(test_health_contradiction_is_followed_fast),
		TEST(test_health_probe_now_leaves_one_in_flight),
		TEST(test_health_dead_backend_is_asked_less_and_less),
		TEST(test_health_flapping_backend_is_held_and_let_go),
		TEST(test_health_memory_is_resumed_whole),
		TEST(test_health_2000_targets_are_all_decided),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
