/* SPDX-License-Identifier: GPL-2.0-only */
/* Every word of an agent check, and the client against agents on loopback. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "health/agent_check.h"
#include "health_fixture.h"
#include "model/addr.h"
#include "real_server.h"

/* ---- words -------------------------------------------------------------- */

#define UP    AGENT_UP
#define DRAIN AGENT_DRAIN
#define MAINT AGENT_MAINT
#define DOWN  AGENT_DOWN
#define NONE  AGENT_STATE_NONE
#define NO    (-1) /* no percentage */

static const struct {
	const char *line;
	enum model_agent_state state; /* NONE: the line has none */
	int percent;
	bool has_maxconn;
	const char *reason;
} good_lines[] = {
	/* each word */
	{ "up", UP, NO, false, "" },
	{ "ready", UP, NO, false, "" },
	{ "drain", DRAIN, NO, false, "" },
	{ "maint", MAINT, NO, false, "" },
	{ "down", DOWN, NO, false, "" },
	{ "fail", DOWN, NO, false, "" },
	{ "failed", DOWN, NO, false, "" },
	{ "stop", DOWN, NO, false, "" },
	{ "stopped", DOWN, NO, false, "" },
	{ "75%", NONE, 75, false, "" },
	{ "0%", NONE, 0, false, "" },
	{ "1000%", NONE, 1000, false, "" },
	{ "maxconn:30", NONE, NO, true, "" },
	{ "maxconn:0", NONE, NO, true, "" },
	/* letters, blanks, ends */
	{ "UP", UP, NO, false, "" },
	{ "Drain", DRAIN, NO, false, "" },
	{ "MAXCONN:3", NONE, NO, true, "" },
	{ "up\n", UP, NO, false, "" },
	{ "up\r\n", UP, NO, false, "" },
	{ "75%\r\n", NONE, 75, false, "" },
	{ "up\ndown", UP, NO, false, "" },
	{ "  up \t", UP, NO, false, "" },
	/* together */
	{ "up 75%", UP, 75, false, "" },
	{ "75% up", UP, 75, false, "" },
	{ "ready,75%,,maxconn:30", UP, 75, true, "" },
	{ "ready\tup , 50%\n", UP, 50, false, "" },
	{ "drain 40%", DRAIN, 40, false, "" },
	{ "DRAIN 99%", DRAIN, 99, false, "" },
	/* of several words of a kind the last counts */
	{ "50% 60%", NONE, 60, false, "" },
	{ "down up", UP, NO, false, "" },
	{ "up down", DOWN, NO, false, "" },
	{ "maint ready", UP, NO, false, "" },
	{ "drain maint", MAINT, NO, false, "" },
	/* what the operator wants, and what is so */
	{ "drain up", DRAIN, NO, false, "" },
	{ "up drain", DRAIN, NO, false, "" },
	{ "ready down", DOWN, NO, false, "" },
	{ "drain down", DOWN, NO, false, "" },
	{ "maint down", MAINT, NO, false, "" },
	{ "stopped maint", MAINT, NO, false, "" },
	/* a text */
	{ "down #disk full", DOWN, NO, false, "disk full" },
	{ "down # disk full \r\n", DOWN, NO, false, "disk full" },
	{ "down#disk", DOWN, NO, false, "disk" },
	{ "up 10% #drain 5%", UP, 10, false, "drain 5%" },
	{ "fail #a#b", DOWN, NO, false, "a#b" },
	{ "fail #", DOWN, NO, false, "" },
	{ "fail #\x1b[31mred\xc3\xa9", DOWN, NO, false, "?[31mred??" },
};

static void test_agent_check_parse_takes_every_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good_lines) / sizeof(good_lines[0]); i++) {
		const char *line = good_lines[i].line;
		struct agent_report report;

		if (agent_check_parse(line, strlen(line), &report))
			fail_msg("\"%s\" was refused: %s", line, report.reason);
		if (report.has_state != (good_lines[i].state != NONE) ||
		    (report.has_state && report.state != good_lines[i].state))
			fail_msg("\"%s\" gave state %d", line, (int)report.state);
		if (report.has_percent != (good_lines[i].percent != NO) ||
		    (report.has_percent && (int)report.percent != good_lines[i].percent))
			fail_msg("\"%s\" gave %u%%", line, report.percent);
		assert_int_equal(report.has_maxconn, good_lines[i].has_maxconn);
		assert_string_equal(report.reason, good_lines[i].reason);
	}
}

static void test_agent_check_parse_names_what_it_does_not_know(void **state)
{
	static const struct {
		const char *line, *reason;
	} rows[] = {
		{ "uptime", "unknown word uptime" },
		{ "up ready! 75%", "unknown word ready!" },
		{ "75", "unknown word 75" },
		{ "%", "unknown word %" },
		{ "-5%", "unknown word -5%" },
		{ "+5%", "unknown word +5%" },
		{ "5.5%", "unknown word 5.5%" },
		{ "0x5%", "unknown word 0x5%" },
		{ "1001%", "unknown word 1001%" },
		{ "4294967296%", "unknown word 4294967296%" },
		{ "99999999999999999999%", "unknown word 99999999999999999999%" },
		{ "maxconn:", "unknown word maxconn:" },
		{ "maxconn:x", "unknown word maxconn:x" },
		{ "maxconn", "unknown word maxconn" },
		{ "u", "unknown word u" },
		{ "HTTP/1.1 400 Bad Request", "unknown word HTTP/1.1" },
		{ "\x01", "unknown word ?" },
		{ "", "a line without a word" },
		{ " ,\t\r\n", "a line without a word" },
		{ "\nup", "a line without a word" },
		{ "#up", "a line without a word" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct agent_report report;

		if (agent_check_parse(rows[i].line, strlen(rows[i].line), &report) != -EINVAL)
			fail_msg("\"%s\" was taken", rows[i].line);
		assert_string_equal(report.reason, rows[i].reason);
	}
}

static void test_agent_check_parse_long_texts_are_cut(void **state)
{
	char line[300] = "down #";
	struct agent_report report;

	(void)state;
	memset(line + 6, 'x', sizeof(line) - 7);
	line[sizeof(line) - 1] = '\0';

	assert_int_equal(agent_check_parse(line, sizeof(line) - 1, &report), 0);
	assert_int_equal(strlen(report.reason), sizeof(report.reason) - 1);
	memset(line, 'y', 6);
	assert_int_equal(agent_check_parse(line, sizeof(line) - 1, &report), -EINVAL);
	assert_int_equal(strlen(report.reason), sizeof(report.reason) - 1);
}

/* under ASan: the line has no byte behind its length */
static void test_agent_check_parse_stays_within_the_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good_lines) / sizeof(good_lines[0]); i++) {
		size_t size = strlen(good_lines[i].line);

		for (size_t cut = 0; cut <= size; cut++) {
			char *line = malloc(cut ? cut : 1);
			struct agent_report report;

			memcpy(line, good_lines[i].line, cut);
			(void)agent_check_parse(line, cut, &report);
			assert_true(strlen(report.reason) < sizeof(report.reason));
			free(line);
		}
	}
}

/* ---- agents on loopback ------------------------------------------------- */

/** struct agent - says its line to whoever connects, and closes */
struct agent {
	struct evconnlistener *listener;
	struct event_base *base;
	unsigned port;
	const char *line;
	bool stays_open; /* after its line */
	unsigned asked;
	int open_fd; /* of the last connection that stays open */
};

#define REPORTS 64

/** struct scene - a loop, its checks, and what they said */
struct scene {
	struct event_base *base;
	struct agent_checks *checks;
	size_t open_files;
	struct agent agent;
	unsigned count;
	struct {
		uint32_t token;
		bool is_answer;
		struct agent_report report;
		char error[96];
	} reports[REPORTS];
	void (*on_report)(struct scene *s, uint32_t token);
};

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
		      int len, void *arg)
{
	struct agent *agent = arg;

	(void)listener;
	(void)from;
	(void)len;
	agent->asked++;
	if (agent->line)
		assert_int_equal(write(fd, agent->line, strlen(agent->line)), strlen(agent->line));
	if (!agent->stays_open) {
		close(fd);
		return;
	}
	if (agent->open_fd >= 0)
		close(agent->open_fd);
	agent->open_fd = fd;
}

static void agent_start(struct agent *agent, struct event_base *base, const char *ip)
{
	int fd = open_port(ip, 128, &agent->port);

	evutil_make_socket_nonblocking(fd);
	agent->base = base;
	agent->open_fd = -1;
	agent->listener = evconnlistener_new(base, on_accept, agent, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	assert_non_null(agent->listener);
}

static void agent_stop(struct agent *agent)
{
	evconnlistener_free(agent->listener);
	if (agent->open_fd >= 0)
		close(agent->open_fd);
	agent->open_fd = -1;
	agent->listener = NULL;
}

static void on_report(void *arg, uint32_t token, const struct agent_report *report,
		      const char *error)
{
	struct scene *s = arg;

	if (s->count < REPORTS) {
		s->reports[s->count].token = token;
		s->reports[s->count].is_answer = report != NULL;
		if (report)
			s->reports[s->count].report = *report;
		strncpy(s->reports[s->count].error, error, sizeof(s->reports[0].error) - 1);
	}
	s->count++;
	if (s->on_report)
		s->on_report(s, token);
}

static int scene_setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	s->open_files = count_open_files();
	s->base = event_base_new();
	s->checks = agent_checks_new(s->base, on_report, s);
	agent_start(&s->agent, s->base, "127.0.0.1");
	*state = s;
	return s->checks ? 0 : -1;
}

static int scene_teardown(void **state)
{
	struct scene *s = *state;
	size_t leaked;

	agent_checks_free(s->checks);
	if (s->agent.listener)
		agent_stop(&s->agent);
	event_base_free(s->base);
	leaked = count_open_files() - s->open_files;
	free(s);
	return leaked ? -1 : 0;
}

static void run_until_reports(struct scene *s, unsigned n)
{
	time_t end = time(NULL) + 20;

	while (s->count < n) {
		struct timeval soon = { .tv_usec = 100000 };

		assert_true(time(NULL) < end);
		event_base_loopexit(s->base, &soon);
		event_base_loop(s->base, EVLOOP_ONCE);
	}
}

static void run_for(struct scene *s, unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(s->base, &tv);
	event_base_loop(s->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void set(struct scene *s, uint32_t token, const char *ip, unsigned interval_ms)
{
	struct model_agent_check settings = { .port = s->agent.port,
					      .interval_ms = interval_ms,
					      .timeout_ms = 10000 };
	struct lb_addr address;

	assert_int_equal(addr_parse(ip, &address), 0);
	assert_int_equal(agent_checks_set(s->checks, token, &address, &settings), 0);
}

static void test_agent_check_line_is_reported(void **state)
{
	struct scene *s = *state;

	s->agent.line = "up 75%\n";
	set(s, 7, "127.0.0.1", 20);
	run_until_reports(s, 1);

	assert_int_equal(s->reports[0].token, 7);
	assert_true(s->reports[0].is_answer);
	assert_true(s->reports[0].report.has_state && s->reports[0].report.state == AGENT_UP);
	assert_int_equal(s->reports[0].report.percent, 75);
	assert_string_equal(s->reports[0].error, "");
}

static void test_agent_check_goes_on_and_sees_changes(void **state)
{
	struct scene *s = *state;

	s->agent.line = "up\n";
	set(s, 1, "127.0.0.1", 20);
	run_until_reports(s, 3);
	s->agent.line = "drain\r\n";
	run_until_reports(s, s->count + 2);

	assert_int_equal(s->reports[s->count - 1].report.state, AGENT_DRAIN);
}

static void test_agent_check_ipv6_agent_is_asked(void **state)
{
	struct scene *s = *state;

	agent_stop(&s->agent);
	s->agent.port = 0;
	agent_start(&s->agent, s->base, "::1");
	s->agent.line = "maint\n";
	set(s, 1, "::1", 20);
	run_until_reports(s, 1);

	assert_int_equal(s->reports[0].report.state, AGENT_MAINT);
}

/* one of those that are on the net for HAProxy, in short */
static void test_agent_check_script_of_another_hand_is_understood(void **state)
{
	static const char script[] = "exec /usr/bin/python3 -c 'import socketserver as s\n"
				     "class H(s.StreamRequestHandler):\n"
				     " def handle(self): self.wfile.write(b\"UP 99%%\\n\")\n"
				     "s.TCPServer((\"127.0.0.1\", %u), H).serve_forever()'";
	struct scene *s = *state;
	char line[512];
	pid_t server;

	agent_stop(&s->agent);
	s->agent.port = real_port();
	snprintf(line, sizeof(line), script, s->agent.port);
	server = real_start(line);
	real_wait(s->agent.port);
	set(s, 1, "127.0.0.1", 20);
	run_until_reports(s, 2);
	real_stop(server);

	assert_true(s->reports[1].is_answer);
	assert_int_equal(s->reports[1].report.state, AGENT_UP);
	assert_int_equal(s->reports[1].report.percent, 99);
}

static void test_agent_check_line_without_an_end_counts_when_closed(void **state)
{
	struct scene *s = *state;

	s->agent.line = "50%";
	set(s, 1, "127.0.0.1", 20);
	run_until_reports(s, 1);

	assert_true(s->reports[0].is_answer);
	assert_int_equal(s->reports[0].report.percent, 50);
}

static void test_agent_check_end_of_line_ends_it_though_the_agent_stays(void **state)
{
	struct scene *s = *state;

	s->agent.line = "50%\n";
	s->agent.stays_open = true;
	set(s, 1, "127.0.0.1", 20);
	run_until_reports(s, 3);

	assert_true(s->reports[2].is_answer);
}

static void test_agent_check_failures_are_named(void **state)
{
	static char long_line[1024];
	struct scene *s = *state;

	memset(long_line, 'x', sizeof(long_line) - 1);
	set(s, 1, "127.0.0.1", 20);
	s->agent.line = "";
	run_until_reports(s, 1);
	assert_string_equal(s->reports[s->count - 1].error, "connection closed without an answer");
	s->agent.line = "hello\n";
	run_until_reports(s, s->count + 2);
	assert_string_equal(s->reports[s->count - 1].error, "unknown word hello");
	s->agent.line = long_line;
	run_until_reports(s, s->count + 2);
	assert_string_equal(s->reports[s->count - 1].error,
			    "the answer is no line of the agent-check protocol");
	agent_stop(&s->agent);
	run_until_reports(s, s->count + 2);
	assert_string_equal(s->reports[s->count - 1].error, "connection refused");
	assert_false(s->reports[s->count - 1].is_answer);
}

static void test_agent_check_slow_agents_time_out(void **state)
{
	struct scene *s = *state;
	struct model_agent_check settings = { .port = s->agent.port,
					      .interval_ms = 20,
					      .timeout_ms = 60 };
	struct lb_addr address;

	addr_parse("127.0.0.1", &address);
	s->agent.stays_open = true;
	agent_checks_set(s->checks, 1, &address, &settings);
	run_until_reports(s, 1);
	assert_string_equal(s->reports[0].error, "timeout after 60 ms waiting for the answer");
	s->agent.line = "up 7";
	run_until_reports(s, s->count + 2);
	assert_string_equal(s->reports[s->count - 1].error,
			    "timeout after 60 ms waiting for the end of the line");
}

/* bit n: token n is among @count reports from @first on */
static unsigned tokens_of(const struct scene *s, unsigned first, unsigned count)
{
	unsigned tokens = 0;

	for (unsigned i = first; i < first + count; i++)
		tokens |= 1U << s->reports[i].token;
	return tokens;
}

static void test_agent_check_tokens_of_one_agent_share_a_check(void **state)
{
	struct scene *s = *state;

	s->agent.line = "up\n";
	for (uint32_t token = 1; token <= 4; token++)
		set(s, token, "127.0.0.1", 20);
	run_until_reports(s, 8);

	assert_int_equal(s->agent.asked, 2);
	assert_int_equal(tokens_of(s, 0, 4), 0x1e);
	assert_int_equal(tokens_of(s, 4, 4), 0x1e);
}

static void test_agent_check_other_settings_make_a_check_of_their_own(void **state)
{
	struct scene *s = *state;

	s->agent.line = "up\n";
	set(s, 1, "127.0.0.1", 20000);
	set(s, 2, "127.0.0.1", 21000);
	run_until_reports(s, 2);

	assert_int_equal(s->agent.asked, 2);
}

static void test_agent_check_equal_settings_disturb_nothing(void **state)
{
	struct scene *s = *state;

	s->agent.stays_open = true;
	set(s, 1, "127.0.0.1", 20);
	run_for(s, 100);
	assert_int_equal(s->agent.asked, 1);
	set(s, 1, "127.0.0.1", 20);
	assert_int_equal(write(s->agent.open_fd, "up\n", 3), 3);
	run_until_reports(s, 1);

	assert_true(s->reports[0].is_answer);
	assert_int_equal(s->agent.asked, 1);
}

static void test_agent_check_new_settings_leave_the_old_check(void **state)
{
	struct scene *s = *state;

	s->agent.stays_open = true;
	set(s, 1, "127.0.0.1", 20);
	run_for(s, 100);
	set(s, 1, "127.0.0.1", 30);
	s->agent.line = "up\n";
	run_until_reports(s, 1);

	assert_int_equal(s->agent.asked, 2);
}

static void test_agent_check_removed_token_hears_nothing(void **state)
{
	struct scene *s = *state;

	s->agent.line = "up\n";
	set(s, 1, "127.0.0.1", 20);
	set(s, 2, "127.0.0.1", 20);
	run_until_reports(s, 2);
	agent_checks_remove(s->checks, 1);
	agent_checks_remove(s->checks, 99);
	s->count = 0;
	run_until_reports(s, 2);

	assert_int_equal(s->reports[0].token, 2);
	assert_int_equal(s->reports[1].token, 2);
}

static void test_agent_check_removed_in_flight_is_dropped(void **state)
{
	struct scene *s = *state;

	s->agent.stays_open = true;
	set(s, 1, "127.0.0.1", 20);
	run_for(s, 100);
	agent_checks_remove(s->checks, 1);
	run_for(s, 100);

	assert_int_equal(s->agent.asked, 1);
	assert_int_equal(s->count, 0);
}

static void remove_all(struct scene *s, uint32_t token)
{
	(void)token;
	for (uint32_t each = 1; each <= 4; each++)
		agent_checks_remove(s->checks, each);
}

static void test_agent_check_all_may_be_removed_in_a_report(void **state)
{
	struct scene *s = *state;

	s->agent.line = "up\n";
	s->on_report = remove_all;
	for (uint32_t token = 1; token <= 4; token++)
		set(s, token, "127.0.0.1", 20);
	run_until_reports(s, 1);
	run_for(s, 100);

	assert_int_equal(s->count, 1);
	assert_int_equal(s->agent.asked, 1);
}

static void set_again(struct scene *s, uint32_t token)
{
	agent_checks_remove(s->checks, token);
	set(s, token, "127.0.0.1", 20);
}

static void test_agent_check_token_may_be_set_anew_in_its_report(void **state)
{
	struct scene *s = *state;

	s->agent.line = "up\n";
	s->on_report = set_again;
	set(s, 1, "127.0.0.1", 20);
	set(s, 2, "127.0.0.1", 20);
	run_until_reports(s, 4);

	/* each once a round */
	assert_int_equal(tokens_of(s, 0, 2), 0x6);
	assert_int_equal(tokens_of(s, 2, 2), 0x6);
	assert_int_equal(s->agent.asked, 2);
}

#define CHECK_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agent_check_parse_takes_every_word),
		cmocka_unit_test(test_agent_check_parse_names_what_it_does_not_know),
		cmocka_unit_test(test_agent_check_parse_long_texts_are_cut),
		cmocka_unit_test(test_agent_check_parse_stays_within_the_line),
		CHECK_TEST(test_agent_check_line_is_reported),
		CHECK_TEST(test_agent_check_goes_on_and_sees_changes),
		CHECK_TEST(test_agent_check_ipv6_agent_is_asked),
		CHECK_TEST(test_agent_check_script_of_another_hand_is_understood),
		CHECK_TEST(test_agent_check_line_without_an_end_counts_when_closed),
		CHECK_TEST(test_agent_check_end_of_line_ends_it_though_the_agent_stays),
		CHECK_TEST(test_agent_check_failures_are_named),
		CHECK_TEST(test_agent_check_slow_agents_time_out),
		CHECK_TEST(test_agent_check_tokens_of_one_agent_share_a_check),
		CHECK_TEST(test_agent_check_other_settings_make_a_check_of_their_own),
		CHECK_TEST(test_agent_check_equal_settings_disturb_nothing),
		CHECK_TEST(test_agent_check_new_settings_leave_the_old_check),
		CHECK_TEST(test_agent_check_removed_token_hears_nothing),
		CHECK_TEST(test_agent_check_removed_in_flight_is_dropped),
		CHECK_TEST(test_agent_check_all_may_be_removed_in_a_report),
		CHECK_TEST(test_agent_check_token_may_be_set_anew_in_its_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
