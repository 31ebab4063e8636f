/* SPDX-License-Identifier: GPL-2.0-only */
/* The server of agent checks, asked over TCP: by plain sockets, and by the agent's own client. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "health/agent_check.h"
#include "health_fixture.h"
#include "loop_thread.h"
#include "model/addr.h"

/** struct scene - a backend in a thread of its own */
struct scene {
	struct loop_thread loop;
	struct backend *backend;
	struct backend_settings settings;
	char state_path[64];
	char error[PATH_MAX + 256];
};

static int scene_setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	snprintf(s->state_path, sizeof(s->state_path), "/tmp/leat-state-%d", (int)getpid());
	unlink(s->state_path);
	loop_thread_open(&s->loop);
	*state = s;
	return 0;
}

static int scene_teardown(void **state)
{
	struct scene *s = *state;

	if (s->backend) {
		loop_thread_halt(&s->loop);
		backend_free(s->backend);
	}
	loop_thread_close(&s->loop);
	unlink(s->state_path);
	free(s);
	return 0;
}

static void start(struct scene *s)
{
	int err = backend_new(s->loop.base, &s->settings, &s->backend, s->error, sizeof(s->error));

	if (err)
		fail_msg("%s", s->error);
	loop_thread_run(&s->loop);
}

static int connect_to(const struct scene *s)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)backend_port(s->backend)) };
	static const struct timeval patience = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* all that comes until the end; the end must be one in order */
static const char *read_all(int fd)
{
	static char text[1024];
	size_t size = 0;
	ssize_t more;

	while ((more = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)more;
	assert_int_equal(more, 0);
	text[size] = '\0';
	close(fd);
	return text;
}

static void write_state(const struct scene *s, const char *text)
{
	FILE *file = fopen(s->state_path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* ---- what is said ------------------------------------------------------- */

static void test_backend_says_up_and_a_percentage(void **state)
{
	struct scene *s = *state;
	struct agent_report report;
	const char *line;
	time_t end = time(NULL) + 20;

	start(s);
	do { /* without a percentage until there are two readings */
		assert_true(time(NULL) < end);
		usleep(20000);
		line = read_all(connect_to(s));
		assert_int_equal(agent_check_parse(line, strlen(line), &report), 0);
	} while (!report.has_percent);

	assert_memory_equal(line, "up ", 3);
	assert_memory_equal(line + strlen(line) - 2, "%\n", 2);
	assert_int_equal(report.state, AGENT_UP);
	assert_true(report.percent >= 1 && report.percent <= 100);
}

static void test_backend_state_file_goes_out_first(void **state)
{
	struct scene *s = *state;

	s->settings.state_path = s->state_path;
	start(s);

	assert_memory_equal(read_all(connect_to(s)), "ready up", 8);
	write_state(s, "drain\n");
	assert_memory_equal(read_all(connect_to(s)), "drain", 5);
	write_state(s, "maint #by bob\n");
	assert_non_null(strstr(read_all(connect_to(s)), " #by bob\n"));
	write_state(s, "nonsense\n");
	assert_memory_equal(read_all(connect_to(s)), "ready up", 8);
	unlink(s->state_path);
	assert_memory_equal(read_all(connect_to(s)), "ready up", 8);
}

/* ---- clients of all kinds ----------------------------------------------- */

static void test_backend_client_that_sends_first_gets_its_line(void **state)
{
	struct scene *s = *state;
	char request[2048];
	int fd;

	start(s);
	memset(request, 'x', sizeof(request));
	for (unsigned i = 0; i < 20; i++) {
		fd = connect_to(s);
		assert_int_equal(write(fd, request, sizeof(request)), sizeof(request));
		assert_memory_equal(read_all(fd), "up", 2);
	}
}

static void test_backend_clients_that_stay_do_not_keep_others_out(void **state)
{
	struct scene *s = *state;
	int staying[200];

	start(s);
	for (unsigned i = 0; i < 200; i++)
		staying[i] = connect_to(s);
	/* more than are served at once: in time those before it are put out */
	assert_memory_equal(read_all(connect_to(s)), "up", 2);

	for (unsigned i = 0; i < 200; i++)
		close(staying[i]);
	assert_memory_equal(read_all(connect_to(s)), "up", 2);
}

/** struct answer - what the agent's client made of the line */
struct answer {
	struct event_base *base;
	bool is_there;
	struct agent_report report;
	char error[96];
};

static void on_report(void *arg, uint32_t token, const struct agent_report *report,
		      const char *error)
{
	struct answer *answer = arg;

	(void)token;
	answer->is_there = report != NULL;
	if (report)
		answer->report = *report;
	snprintf(answer->error, sizeof(answer->error), "%s", error);
	event_base_loopbreak(answer->base);
}

static void test_backend_is_understood_by_agent_checks(void **state)
{
	struct scene *s = *state;
	struct answer answer = { .base = event_base_new() };
	struct agent_checks *checks = agent_checks_new(answer.base, on_report, &answer);
	struct model_agent_check settings = { .interval_ms = 50, .timeout_ms = 10000 };
	struct lb_addr address;

	s->settings.state_path = s->state_path;
	write_state(s, "drain #patching\n");
	start(s);
	settings.port = backend_port(s->backend);
	addr_parse("127.0.0.1", &address);
	agent_checks_set(checks, 1, &address, &settings);
	event_base_dispatch(answer.base);

	assert_true(answer.is_there);
	assert_int_equal(answer.report.state, AGENT_DRAIN);
	assert_string_equal(answer.report.reason, "patching");
	agent_checks_free(checks);
	event_base_free(answer.base);
}

/* ---- where it listens --------------------------------------------------- */

static int try(struct scene *s)
{
	struct backend *backend;

	return backend_new(s->loop.base, &s->settings, &backend, s->error, sizeof(s->error));
}

static void test_backend_port_in_use_is_said(void **state)
{
	struct scene *s = *state;
	char expected[128];

	s->settings.bind_address = "127.0.0.1";
	start(s);
	s->settings.port = backend_port(s->backend);
	snprintf(expected, sizeof(expected),
		 "cannot listen on 127.0.0.1 port %u: the port is in use", s->settings.port);

	assert_int_equal(try(s), -EADDRINUSE);
	assert_string_equal(s->error, expected);
	s->settings.bind_address = NULL;
	assert_int_equal(try(s), -EADDRINUSE);
}

static void test_backend_bind_addresses_are_checked(void **state)
{
	struct scene *s = *state;

	s->settings.bind_address = "web1";
	assert_int_equal(try(s), -EINVAL);
	assert_non_null(strstr(s->error, "no IPv4 or IPv6 address"));
	s->settings.bind_address = "192.0.2.1";
	assert_int_equal(try(s), -EADDRNOTAVAIL);
	assert_non_null(strstr(s->error, "this machine does not have that address"));
}

static void test_backend_cgroup_that_is_none_is_said(void **state)
{
	struct scene *s = *state;

	s->settings.cgroup = "/nonexistent/cgroup";
	assert_int_equal(try(s), -ENOENT);
	assert_string_equal(s->error, "/nonexistent/cgroup: No such file or directory");
}

static void test_backend_bound_to_one_address_answers_there_alone(void **state)
{
	struct scene *s = *state;
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	s->settings.bind_address = "127.0.0.1";
	start(s);
	to.sin6_port = htons((uint16_t)backend_port(s->backend));

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	assert_memory_equal(read_all(connect_to(s)), "up", 2);
}

static void test_backend_unbound_answers_ipv6_too(void **state)
{
	struct scene *s = *state;
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	start(s);
	to.sin6_port = htons((uint16_t)backend_port(s->backend));

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_memory_equal(read_all(fd), "up", 2);
	assert_memory_equal(read_all(connect_to(s)), "up", 2);
}

/* ---- in the foreground -------------------------------------------------- */

static void test_backend_run_ends_by_sigterm_with_success(void **state)
{
	struct scene *s = *state;
	unsigned port = 0;
	int status = -1, probe, fds[2];
	char line[256] = "";
	pid_t pid;

	close(open_port("127.0.0.1", -1, &port));
	s->settings.port = port;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		_exit(backend_run(&s->settings) ? 1 : 0);
	}
	close(fds[1]);
	/* it listens when it says so */
	probe = (int)read(fds[0], line, sizeof(line) - 1);
	assert_true(probe > 0);
	assert_non_null(strstr(line, "agent check served"));
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(fds[0]);
}

#define BACKEND_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BACKEND_TEST(test_backend_says_up_and_a_percentage),
		BACKEND_TEST(test_backend_state_file_goes_out_first),
		BACKEND_TEST(test_backend_client_that_sends_first_gets_its_line),
		BACKEND_TEST(test_backend_clients_that_stay_do_not_keep_others_out),
		BACKEND_TEST(test_backend_is_understood_by_agent_checks),
		BACKEND_TEST(test_backend_port_in_use_is_said),
		BACKEND_TEST(test_backend_bind_addresses_are_checked),
		BACKEND_TEST(test_backend_cgroup_that_is_none_is_said),
		BACKEND_TEST(test_backend_bound_to_one_address_answers_there_alone),
		BACKEND_TEST(test_backend_unbound_answers_ipv6_too),
		BACKEND_TEST(test_backend_run_ends_by_sigterm_with_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
