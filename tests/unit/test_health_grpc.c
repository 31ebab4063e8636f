/* SPDX-License-Identifier: GPL-2.0-only */
/* The grpc probe against Debian's grpcio, and against servers of other kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "health_fixture.h"
#include "real_server.h"

static char dir[64];
static pid_t server;
static pid_t nginx;
static unsigned clear_port;
static unsigned tls_port;
static unsigned bare_port;
static unsigned web_port;   /* HTTP/2 in clear, no gRPC */
static unsigned http1_port; /* nothing but HTTP/1.1 */

/* ---- servers ------------------------------------------------------------ */

static void read_ports(void)
{
	char path[128];
	unsigned waited_ms = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/ports", dir);
	while (!(f = fopen(path, "r")) && waited_ms < 60000) {
		usleep(20000);
		waited_ms += 20;
	}
	assert_non_null(f);
	assert_int_equal(fscanf(f, "clear=%u tls=%u bare=%u", &clear_port, &tls_port, &bare_port),
			 3);
	fclose(f);
}

static void start_nginx(void)
{
	char path[128];
	char line[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/nginx.conf", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	web_port = real_port();
	http1_port = real_port();
	fprintf(f,
		"daemon off; master_process off; pid nginx.pid; error_log stderr crit;\n"
		"events {} http { access_log off; client_body_temp_path t1; proxy_temp_path t2;\n"
		"fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n"
		"server { listen 127.0.0.1:%u http2; return 404; }\n"
		"server { listen 127.0.0.1:%u; return 200; } }\n",
		web_port, http1_port);
	fclose(f);
	snprintf(line, sizeof(line),
		 "PATH=$PATH:/usr/sbin; exec nginx -p %s -c nginx.conf -e stderr", dir);
	nginx = real_start(line);
	real_wait(web_port);
}

static int start_servers(void **state)
{
	char line[256];

	(void)state;
	real_directory_new(dir);
	real_authority_new(dir);
	real_certificate_new(dir, "good", "DNS:www.example.com");
	snprintf(line, sizeof(line),
		 "exec /usr/bin/python3 tests/unit/grpc_server.py %s 2>/dev/null", dir);
	server = real_start(line);
	start_nginx();
	read_ports();
	return 0;
}

static int stop_servers(void **state)
{
	(void)state;
	real_stop(server);
	real_stop(nginx);
	real_directory_free(dir);
	return 0;
}

/* ---- settings ----------------------------------------------------------- */

static struct model_health grpc_settings(char *service)
{
	struct model_health s = tcp_settings();

	s.type = PROBE_GRPC;
	s.grpc_service = service;
	return s;
}

static struct model_health grpc_tls_settings(void)
{
	static char name[] = "www.example.com";
	static char ca[80];
	struct model_health s = grpc_settings(NULL);

	snprintf(ca, sizeof(ca), "%s/ca.crt", dir);
	s.tls = (struct model_tls) { .is_on = true, .ca_file = ca, .sni = name };
	return s;
}

static struct health_state first_state(struct fixture *fx, unsigned port,
				       const struct model_health *settings)
{
	assert_int_equal(fixture_set(fx, 1, "127.0.0.1", port, settings, 0), 0);
	fixture_run_until(fx, has_changes, 1);
	return fx->changes[0].state;
}

/* ---- the answers of a health service ------------------------------------ */

static const struct {
	const char *service;
	bool is_up;
	const char *reason;
} answers[] = {
	{ NULL, true, "status SERVING" },
	{ "", true, "status SERVING" },
	{ "up", true, "status SERVING" },
	{ "down", false, "status NOT_SERVING, expected SERVING" },
	{ "unknown", false, "status UNKNOWN, expected SERVING" },
	{ "gone", false, "status SERVICE_UNKNOWN, expected SERVING" },
	{ "odd", false, "status ?, expected SERVING" },
	{ "nobody", false, "grpc-status 5 NOT_FOUND: unknown service" },
	{ "abort", false, "grpc-status 14 UNAVAILABLE: going down: 100% sure" },
	{ "garbage", false, "the answer is no health check response" },
};

static void test_grpc_status_decides(void **state)
{
	struct fixture *fx = *state;

	for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		char service[32] = "";
		struct model_health settings;
		struct health_state *seen = &fx->changes[i].state;

		snprintf(service, sizeof(service), "%s",
			 answers[i].service ? answers[i].service : "");
		settings = grpc_settings(answers[i].service ? service : NULL);
		settings.interval_ms = 3600000;
		fixture_set(fx, i, "127.0.0.1", clear_port, &settings, 0);
		fixture_run_until(fx, has_changes, i + 1);

		assert_string_equal(seen->reason, answers[i].reason);
		assert_int_equal(seen->is_up, answers[i].is_up);
	}
}

static void test_grpc_slow_answer_times_out_waiting(void **state)
{
	char service[] = "slow";
	struct model_health settings = grpc_settings(service);
	struct health_state seen;

	settings.timeout_ms = 200;
	seen = first_state(*state, clear_port, &settings);

	assert_false(seen.is_up);
	/* the server keeps the deadline too, and may be the first to say so */
	if (strcmp(seen.reason, "timeout after 200 ms waiting for the response") != 0)
		assert_int_equal(strncmp(seen.reason, "grpc-status 4 DEADLINE_EXCEEDED", 31), 0);
}

static void test_grpc_stays_up_probe_after_probe(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = grpc_settings(NULL);

	fixture_set(fx, 1, "127.0.0.1", clear_port, &settings, 0);
	fixture_run_until(fx, has_probes, 20);

	assert_int_equal(fx->change_count, 1);
	assert_string_equal(fixture_state(fx, 1).reason, "status SERVING");
}

/* ---- TLS ---------------------------------------------------------------- */

static void test_grpc_over_tls_is_up(void **state)
{
	struct model_health settings = grpc_tls_settings();

	assert_string_equal(first_state(*state, tls_port, &settings).reason, "status SERVING");
}

static void test_grpc_certificate_of_another_name_is_down(void **state)
{
	static char name[] = "other.example.com";
	struct model_health settings = grpc_tls_settings();
	struct health_state seen;

	settings.tls.sni = name;
	seen = first_state(*state, tls_port, &settings);

	assert_false(seen.is_up);
	assert_non_null(strstr(seen.reason, "other.example.com"));
}

static void test_grpc_over_tls_to_a_clear_server_is_down(void **state)
{
	struct model_health settings = grpc_tls_settings();
	struct health_state seen = first_state(*state, clear_port, &settings);

	assert_false(seen.is_up);
	assert_int_equal(strncmp(seen.reason, "TLS: ", 5), 0);
}

/* ---- servers of other kinds --------------------------------------------- */

static void test_grpc_server_without_health_is_down(void **state)
{
	struct model_health settings = grpc_settings(NULL);
	struct health_state seen = first_state(*state, bare_port, &settings);

	assert_false(seen.is_up);
	assert_int_equal(strncmp(seen.reason, "grpc-status 12 UNIMPLEMENTED", 28), 0);
}

static void test_grpc_http2_server_that_is_no_grpc_is_down(void **state)
{
	struct model_health settings = grpc_settings(NULL);
	struct health_state seen = first_state(*state, web_port, &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "HTTP status 404, expected 200");
}

static void test_grpc_http1_server_is_down(void **state)
{
	struct model_health settings = grpc_settings(NULL);
	struct health_state seen = first_state(*state, http1_port, &settings);

	assert_false(seen.is_up);
	assert_string_equal(seen.reason, "connection closed without a response in HTTP/2");
}

static void test_grpc_closed_port_is_refused(void **state)
{
	struct model_health settings = grpc_settings(NULL);

	assert_string_equal(first_state(*state, real_port(), &settings).reason,
			    "connection refused");
}

static void test_grpc_silent_server_times_out(void **state)
{
	struct model_health settings = grpc_settings(NULL);
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 8, &port);

	settings.timeout_ms = 60;

	assert_string_equal(first_state(*state, port, &settings).reason,
			    "timeout after 60 ms waiting for the response");
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_grpc_status_decides),
		TEST(test_grpc_slow_answer_times_out_waiting),
		TEST(test_grpc_stays_up_probe_after_probe),
		TEST(test_grpc_over_tls_is_up),
		TEST(test_grpc_certificate_of_another_name_is_down),
		TEST(test_grpc_over_tls_to_a_clear_server_is_down),
		TEST(test_grpc_server_without_health_is_down),
		TEST(test_grpc_http2_server_that_is_no_grpc_is_down),
		TEST(test_grpc_http1_server_is_down),
		TEST(test_grpc_closed_port_is_refused),
		TEST(test_grpc_silent_server_times_out),
	};

	return cmocka_run_group_tests_name("health_grpc", tests, start_servers, stop_servers);
}
