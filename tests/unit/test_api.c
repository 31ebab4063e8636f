/* SPDX-License-Identifier: GPL-2.0-only */
/* The API over real unix sockets: the server's loop in a thread, clients that speak raw HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/api.h"
#include "loop_thread.h"
#include "model/addr.h"
#include "model/cleanup.h"

#define BIG_BYTES (4 * 1024 * 1024)

/* what the operations were asked, and what they are to answer */
struct agent {
	int status;
	bool has_no_memory;
	bool is_big;
	bool is_dry_run, is_forced, is_detaching;
	struct api_explain_query query;
	unsigned calls;
	int replied_fd; /* eventfd: counts stop_replied */
};

struct fixture {
	char directory[64];
	char path[100];
	struct agent agent;
	struct loop_thread loop;
	struct api *api;
};

struct response {
	char *text; /* head and body */
	int status;
	json_t *body;
};

/* ---- the agent behind the API ------------------------------------------- */

static json_t *agent_answer(struct agent *agent, const char *operation, int *status)
{
	agent->calls++;
	if (agent->status)
		*status = agent->status;
	if (agent->has_no_memory)
		return NULL;
	return json_pack("{s:s}", "operation", operation);
}

static json_t *agent_version(void *arg, int *status)
{
	return agent_answer(arg, "version", status);
}

static json_t *agent_status(void *arg, int *status)
{
	struct agent *agent = arg;
	json_t *body = agent_answer(agent, "status", status);

	if (body && agent->is_big) {
		char *big = malloc(BIG_BYTES + 1);

		memset(big, 'x', BIG_BYTES);
		big[BIG_BYTES] = '\0';
		json_object_set_new(body, "big", json_string(big));
		free(big);
	}
	return body;
}

static json_t *agent_reload(void *arg, bool is_dry_run, bool is_forced, int *status)
{
	struct agent *agent = arg;

	agent->is_dry_run = is_dry_run;
	agent->is_forced = is_forced;
	return agent_answer(agent, "reload", status);
}

static json_t *agent_explain(void *arg, const struct api_explain_query *query, int *status)
{
	struct agent *agent = arg;

	agent->query = *query;
	return agent_answer(agent, "explain", status);
}

static json_t *agent_stop(void *arg, bool is_detaching, int *status)
{
	struct agent *agent = arg;

	agent->is_detaching = is_detaching;
	return agent_answer(agent, "stop", status);
}

static void agent_stop_replied(void *arg)
{
	struct agent *agent = arg;

	assert_int_equal(eventfd_write(agent->replied_fd, 1), 0);
}

static struct api_ops agent_ops(struct agent *agent)
{
	return (struct api_ops) {
		.version = agent_version,
		.status = agent_status,
		.reload = agent_reload,
		.explain = agent_explain,
		.stop = agent_stop,
		.stop_replied = agent_stop_replied,
		.arg = agent,
	};
}

/* ---- server -------------------------------------------------------------- */

/* a directory and a loop, nothing listening */
static int setup_directory(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	signal(SIGPIPE, SIG_IGN);
	strcpy(f->directory, "/tmp/leat-api-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/leat.sock", f->directory);
	f->agent.replied_fd = eventfd(0, 0);
	loop_thread_open(&f->loop);
	*state = f;
	return 0;
}

static int teardown_directory(void **state)
{
	struct fixture *f = *state;

	api_free(f->api);
	loop_thread_close(&f->loop);
	close(f->agent.replied_fd);
	unlink(f->path);
	assert_int_equal(rmdir(f->directory), 0);
	free(f);
	return 0;
}

static int setup_server(void **state)
{
	struct fixture *f;
	struct api_ops ops;

	setup_directory(state);
	f = *state;
	ops = agent_ops(&f->agent);
	assert_int_equal(api_new(f->loop.base, f->path, &ops, &f->api), 0);
	loop_thread_run(&f->loop);
	return 0;
}

static int teardown_server(void **state)
{
	loop_thread_halt(&((struct fixture *)*state)->loop);
	return teardown_directory(state);
}

static int listen_at(struct fixture *f, const char *path)
{
	struct api_ops ops = agent_ops(&f->agent);

	return api_new(f->loop.base, path, &ops, &f->api);
}

/* ---- client -------------------------------------------------------------- */

static int client_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	/* no test waits for this: it only ends one that would hang */
	struct timeval limit = { .tv_sec = 20 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void client_send(int fd, const char *text)
{
	size_t length = strlen(text);

	assert_int_equal(send(fd, text, length, MSG_NOSIGNAL), length);
}

/* to the end of the connection */
static struct response client_receive(int fd)
{
	struct response response = {};
	size_t used = 0, size = 65536;
	const char *blank;
	ssize_t got;

	response.text = malloc(size + 1);
	while ((got = recv(fd, response.text + used, size - used, 0)) > 0) {
		used += (size_t)got;
		if (used == size) {
			size *= 2;
			response.text = realloc(response.text, size + 1);
		}
	}
	assert_int_equal(got, 0);
	response.text[used] = '\0';
	close(fd);
	sscanf(response.text, "HTTP/1.%*d %d", &response.status);
	blank = strstr(response.text, "\r\n\r\n");
	if (blank)
		response.body = json_loads(blank + 4, 0, NULL);
	return response;
}

static struct response client_ask(const struct fixture *f, const char *method, const char *target)
{
	char text[512];
	int fd = client_connect(f->path);

	snprintf(text, sizeof(text),
		 "%s %s HTTP/1.1\r\nHost: leat\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		 method, target);
	client_send(fd, text);
	return client_receive(fd);
}

static void response_free(struct response *response)
{
	json_decref(response->body);
	free(response->text);
}

static const char *response_text(const struct response *response, const char *name)
{
	const char *text = json_string_value(json_object_get(response->body, name));

	return text ? text : "(absent)";
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

static void assert_operation(const struct fixture *f, const char *method, const char *target,
			     const char *operation)
{
	struct response response = client_ask(f, method, target);

	assert_int_equal(response.status, 200);
	assert_contains(response.text, "\r\nContent-Type: application/json\r\n");
	assert_string_equal(response_text(&response, "operation"), operation);
	response_free(&response);
}

/* refused with @status, an error that says @part, and no operation called */
static void assert_refused(const struct fixture *f, const char *method, const char *target,
			   int status, const char *part)
{
	unsigned calls = f->agent.calls;
	struct response response = client_ask(f, method, target);

	assert_int_equal(response.status, status);
	assert_contains(response.text, "\r\nContent-Type: application/json\r\n");
	assert_contains(response_text(&response, "error"), part);
	assert_int_equal(f->agent.calls, calls);
	response_free(&response);
}

/* ---- routes -------------------------------------------------------------- */

static void test_api_get_routes_call_their_operation(void **state)
{
	const struct fixture *f = *state;

	assert_operation(f, "GET", "/v1/version", "version");
	assert_operation(f, "GET", "/v1/status", "status");
}

static void test_api_metrics_are_text_made_of_the_status(void **state)
{
	struct fixture *f = *state;
	struct response response = client_ask(f, "GET", "/metrics");

	assert_int_equal(response.status, 200);
	assert_contains(response.text,
			"\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
	assert_contains(response.text, "\r\n\r\n# HELP leat_build_info ");
	assert_int_equal(f->agent.calls, 1);
	response_free(&response);
	f->agent.status = 500;
	response = client_ask(f, "GET", "/metrics");
	assert_int_equal(response.status, 500);
	assert_contains(response.text, "\r\nContent-Type: application/json\r\n");
	assert_string_equal(response_text(&response, "operation"), "status");
	response_free(&response);
}

static void test_api_reload_without_parameters_is_for_real_and_unforced(void **state)
{
	struct fixture *f = *state;

	f->agent.is_dry_run = true;
	f->agent.is_forced = true;

	assert_operation(f, "POST", "/v1/reload", "reload");

	assert_false(f->agent.is_dry_run);
	assert_false(f->agent.is_forced);
}

static void test_api_reload_flags_reach_the_agent(void **state)
{
	struct fixture *f = *state;

	assert_operation(f, "POST", "/v1/reload?dry_run=1", "reload");
	assert_true(f->agent.is_dry_run);
	assert_false(f->agent.is_forced);

	assert_operation(f, "POST", "/v1/reload?force=true&dry_run=0", "reload");
	assert_false(f->agent.is_dry_run);
	assert_true(f->agent.is_forced);
}

static void test_api_reload_refused_keeps_the_agents_status(void **state)
{
	struct fixture *f = *state;
	struct response response;

	f->agent.status = 409;

	response = client_ask(f, "POST", "/v1/reload");

	assert_int_equal(response.status, 409);
	assert_string_equal(response_text(&response, "operation"), "reload");
	response_free(&response);
}

static void assert_endpoint(const struct lb_addr *address, unsigned port, const char *expected)
{
	char text[ADDR_PORT_STRLEN];

	assert_string_equal(addr_format_port(address, port, text), expected);
}

static void test_api_explain_packet_reaches_the_agent(void **state)
{
	struct fixture *f = *state;

	assert_operation(f, "GET", "/v1/explain?client=192.0.2.7:40000&vip=198.51.100.10:80",
			 "explain");
	assert_endpoint(&f->agent.query.client, f->agent.query.client_port, "192.0.2.7:40000");
	assert_endpoint(&f->agent.query.vip, f->agent.query.vip_port, "198.51.100.10:80");
	assert_int_equal(f->agent.query.proto, IPPROTO_TCP);

	assert_operation(f, "GET",
			 "/v1/explain?protocol=udp&client=%5B2001:db8::7%5D:5000"
			 "&vip=[2001:db8::10]:53",
			 "explain");
	assert_endpoint(&f->agent.query.client, f->agent.query.client_port, "[2001:db8::7]:5000");
	assert_endpoint(&f->agent.query.vip, f->agent.query.vip_port, "[2001:db8::10]:53");
	assert_int_equal(f->agent.query.proto, IPPROTO_UDP);
}

static eventfd_t wait_for_stop_replied(const struct fixture *f)
{
	struct pollfd replied = { .fd = f->agent.replied_fd, .events = POLLIN };
	eventfd_t count = 0;

	if (poll(&replied, 1, 20000) == 1)
		eventfd_read(f->agent.replied_fd, &count);
	return count;
}

static void test_api_stop_tells_when_its_reply_has_left(void **state)
{
	struct fixture *f = *state;

	assert_operation(f, "POST", "/v1/stop?detach=1", "stop");

	assert_true(f->agent.is_detaching);
	assert_int_equal(wait_for_stop_replied(f), 1);
}

static void test_api_stop_of_a_client_that_left_still_stops(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->path);

	client_send(fd, "POST /v1/stop HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
	close(fd);

	assert_int_equal(wait_for_stop_replied(f), 1);
	assert_false(f->agent.is_detaching);
}

/* ---- refusals ------------------------------------------------------------ */

static void test_api_wrong_method_says_which_is_right(void **state)
{
	const struct fixture *f = *state;
	struct response response;

	assert_refused(f, "GET", "/v1/reload", 405, "answers to POST only");
	assert_refused(f, "DELETE", "/v1/status", 405, "answers to GET only");
	assert_refused(f, "PATCH", "/v1/stop", 405, "answers to POST only");

	response = client_ask(f, "GET", "/v1/stop?detach=1");
	assert_contains(response.text, "\r\nAllow: POST\r\n");
	response_free(&response);
}

static void test_api_unknown_path_lists_the_paths(void **state)
{
	const struct fixture *f = *state;
	struct response response = client_ask(f, "GET", "/v1/stats");
	json_t *paths = json_object_get(response.body, "paths");

	assert_int_equal(response.status, 404);
	assert_string_equal(response_text(&response, "error"), "no such path: /v1/stats");
	assert_int_equal(json_array_size(paths), 6);
	assert_string_equal(json_string_value(json_array_get(paths, 0)), "GET /v1/version");
	response_free(&response);

	assert_refused(f, "GET", "/", 404, "no such path: /");
	assert_refused(f, "GET", "/v1/status/", 404, "no such path: /v1/status/");
}

static void test_api_bad_query_says_what_is_right(void **state)
{
	static const struct {
		const char *method, *target, *part;
	} cases[] = {
		{ "POST", "/v1/reload?dryrun=1", "this path takes dry_run, force" },
		{ "GET", "/v1/status?verbose=1", "this path takes none" },
		{ "POST", "/v1/reload?force=maybe", "write force=1 or force=0" },
		{ "POST", "/v1/reload?force=1&force=0", "\"force\" is given twice" },
		{ "POST", "/v1/reload?force", "write name=value" },
		{ "GET", "/v1/explain", "write client=ADDRESS:PORT" },
		{ "GET", "/v1/explain?client=192.0.2.7:1", "write vip=ADDRESS:PORT" },
		{ "GET", "/v1/explain?client=192.0.2.7&vip=192.0.2.1:80", "write 192.0.2.1:80" },
		{ "GET", "/v1/explain?client=192.0.2.7:0&vip=192.0.2.1:80", "write 192.0.2.1:80" },
		{ "GET", "/v1/explain?client=192.0.2.7:1%00&vip=192.0.2.1:80", "name=value" },
		{ "GET", "/v1/explain?client=192.0.2.7:1&vip=[2001:db8::1]:80",
		  "client is IPv4 and vip is IPv6" },
		{ "GET", "/v1/explain?client=192.0.2.7:1&vip=192.0.2.1:80&protocol=sctp",
		  "write tcp or udp" },
		/* no text of a client can make a reply that is not JSON */
		{ "GET", "/v1/explain?client=192.0.2.7:1&vip=192.0.2.1:80&protocol=%ff%0a%22",
		  "protocol=??\" is unknown" },
	};
	const struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(f, cases[i].method, cases[i].target, 400, cases[i].part);
}

static void test_api_operation_without_memory_answers_500(void **state)
{
	struct fixture *f = *state;
	struct response response;

	f->agent.has_no_memory = true;

	response = client_ask(f, "GET", "/v1/version");

	assert_int_equal(response.status, 500);
	assert_contains(response_text(&response, "error"), "out of memory");
	response_free(&response);
}

/* whether the server ends this connection without an answer that counts; the rest of what was sent
 * may meet a closed socket */
static void assert_cut_off(int fd)
{
	char text[1024];
	ssize_t got = recv(fd, text, sizeof(text) - 1, 0);

	if (got < 0)
		assert_int_equal(errno, ECONNRESET);
	text[got < 0 ? 0 : got] = '\0';
	assert_null(strstr(text, "200 OK"));
	close(fd);
}

static void test_api_big_request_is_cut_off(void **state)
{
	struct fixture *f = *state;
	char padding[16 * 1024];
	int fd;

	/* not for being slow: for its size */
	assert_int_equal(listen_at(f, f->path), 0);
	api_set_timeout(f->api, 600000);
	loop_thread_run(&f->loop);
	memset(padding, 'x', sizeof(padding));

	fd = client_connect(f->path);
	client_send(fd, "GET /v1/version HTTP/1.1\r\nX-Padding: ");
	(void)!send(fd, padding, sizeof(padding), MSG_NOSIGNAL);
	assert_cut_off(fd);

	fd = client_connect(f->path);
	client_send(fd, "POST /v1/reload HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n");
	assert_cut_off(fd);

	assert_int_equal(f->agent.calls, 0);
	assert_operation(f, "GET", "/v1/version", "version");
	loop_thread_halt(&f->loop);
}

/* ---- several clients ----------------------------------------------------- */

static void test_api_second_client_is_answered_while_the_first_is_in_mid_request(void **state)
{
	struct fixture *f = *state;
	struct response response;
	int first = client_connect(f->path);

	client_send(first, "GET /v1/version HTTP/1.1\r\nConnec");

	assert_operation(f, "GET", "/v1/status", "status");

	client_send(first, "tion: close\r\n\r\n");
	response = client_receive(first);
	assert_int_equal(response.status, 200);
	assert_string_equal(response_text(&response, "operation"), "version");
	response_free(&response);
}

static void test_api_client_that_does_not_read_blocks_nobody(void **state)
{
	struct fixture *f = *state;
	struct response response;
	int first = client_connect(f->path);

	f->agent.is_big = true;
	client_send(first, "GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n");

	assert_operation(f, "GET", "/v1/version", "version");

	response = client_receive(first);
	assert_int_equal(response.status, 200);
	assert_int_equal(strlen(response_text(&response, "big")), BIG_BYTES);
	response_free(&response);
}

static void test_api_two_requests_on_one_connection_are_both_answered(void **state)
{
	struct fixture *f = *state;
	struct response response;
	const char *second;
	int fd = client_connect(f->path);

	client_send(fd, "GET /v1/version HTTP/1.1\r\n\r\n"
			"GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n");

	response = client_receive(fd);
	second = strstr(response.text + 1, "HTTP/1.1 200");
	assert_non_null(second);
	assert_contains(second, "\"operation\":\"status\"");
	response_free(&response);
}

static void test_api_silent_client_is_cut_off(void **state)
{
	struct fixture *f = *state;
	struct response response;
	int fd;

	assert_int_equal(listen_at(f, f->path), 0);
	api_set_timeout(f->api, 50);
	loop_thread_run(&f->loop);
	fd = client_connect(f->path);
	client_send(fd, "GET /v1/version HT");

	/* the end of the connection comes from the server; client_receive fails if it does not */
	response = client_receive(fd);

	assert_int_not_equal(response.status, 200);
	assert_int_equal(f->agent.calls, 0);
	response_free(&response);
	loop_thread_halt(&f->loop);
}

/* ---- the socket file ----------------------------------------------------- */

static void test_api_socket_is_for_its_owner_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(listen_at(f, f->path), 0);

	assert_int_equal(stat(f->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_api_free_removes_the_socket(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(listen_at(f, f->path), 0);

	api_free(TAKE(f->api));

	assert_int_equal(access(f->path, F_OK), -1);
}

static void test_api_free_leaves_the_socket_of_a_successor(void **state)
{
	struct fixture *f = *state;
	struct api *first;

	assert_int_equal(listen_at(f, f->path), 0);
	first = f->api;
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(listen_at(f, f->path), 0);

	api_free(first);

	loop_thread_run(&f->loop);
	assert_operation(f, "GET", "/v1/version", "version");
	loop_thread_halt(&f->loop);
}

static void test_api_stale_socket_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int dead = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", f->path);
	assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(dead, 1), 0);
	close(dead);

	assert_int_equal(listen_at(f, f->path), 0);

	loop_thread_run(&f->loop);
	assert_operation(f, "GET", "/v1/version", "version");
	loop_thread_halt(&f->loop);
}

static void test_api_live_socket_is_in_use(void **state)
{
	struct fixture *f = *state;
	struct api_ops ops = agent_ops(&f->agent);
	struct api *second = NULL;

	assert_int_equal(api_new(f->loop.base, f->path, &ops, &second), -EADDRINUSE);

	assert_null(second);
	assert_operation(f, "GET", "/v1/version", "version");
}

static void test_api_socket_being_made_by_another_is_in_use(void **state)
{
	struct fixture *f = *state;
	int lock = open(f->directory, O_RDONLY | O_DIRECTORY);

	assert_int_equal(flock(lock, LOCK_EX), 0);

	assert_int_equal(listen_at(f, f->path), -EADDRINUSE);

	close(lock);
	assert_null(f->api);
}

static void test_api_file_that_is_no_socket_is_left_alone(void **state)
{
	struct fixture *f = *state;
	FILE *file = fopen(f->path, "w");

	fclose(file);

	assert_int_equal(listen_at(f, f->path), -ENOTSOCK);

	assert_int_equal(access(f->path, F_OK), 0);
}

static void test_api_absent_directory_is_made(void **state)
{
	struct fixture *f = *state;
	char directory[80], path[90];

	snprintf(directory, sizeof(directory), "%s/run", f->directory);
	snprintf(path, sizeof(path), "%s/leat.sock", directory);

	assert_int_equal(listen_at(f, path), 0);

	assert_int_equal(access(path, F_OK), 0);
	api_free(TAKE(f->api));
	assert_int_equal(rmdir(directory), 0);
}

static void test_api_impossible_path_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[200];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(listen_at(f, path), -ENAMETOOLONG);

	snprintf(path, sizeof(path), "%s/absent/absent/leat.sock", f->directory);
	assert_int_equal(listen_at(f, path), -ENOENT);
	assert_null(f->api);
}

#define SERVED(test)  cmocka_unit_test_setup_teardown(test, setup_server, teardown_server)
#define OFFLINE(test) cmocka_unit_test_setup_teardown(test, setup_directory, teardown_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_api_get_routes_call_their_operation),
		SERVED(test_api_metrics_are_text_made_of_the_status),
		SERVED(test_api_reload_without_parameters_is_for_real_and_unforced),
		SERVED(test_api_reload_flags_reach_the_agent),
		SERVED(test_api_reload_refused_keeps_the_agents_status),
		SERVED(test_api_explain_packet_reaches_the_agent),
		SERVED(test_api_stop_tells_when_its_reply_has_left),
		SERVED(test_api_stop_of_a_client_that_left_still_stops),
		SERVED(test_api_wrong_method_says_which_is_right),
		SERVED(test_api_unknown_path_lists_the_paths),
		SERVED(test_api_bad_query_says_what_is_right),
		SERVED(test_api_operation_without_memory_answers_500),
		OFFLINE(test_api_big_request_is_cut_off),
		SERVED(test_api_second_client_is_answered_while_the_first_is_in_mid_request),
		SERVED(test_api_client_that_does_not_read_blocks_nobody),
		SERVED(test_api_two_requests_on_one_connection_are_both_answered),
		OFFLINE(test_api_silent_client_is_cut_off),
		OFFLINE(test_api_socket_is_for_its_owner_alone),
		OFFLINE(test_api_free_removes_the_socket),
		OFFLINE(test_api_free_leaves_the_socket_of_a_successor),
		OFFLINE(test_api_stale_socket_is_replaced),
		SERVED(test_api_live_socket_is_in_use),
		OFFLINE(test_api_socket_being_made_by_another_is_in_use),
		OFFLINE(test_api_file_that_is_no_socket_is_left_alone),
		OFFLINE(test_api_absent_directory_is_made),
		OFFLINE(test_api_impossible_path_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
