/* SPDX-License-Identifier: GPL-2.0-only */
/* The https probe against nginx, with certificates made for the occasion. */
#include <errno.h>
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
static pid_t nginx;
static struct {
	unsigned good;	  /* certificate for www.example.com */
	unsigned address; /* for 127.0.0.1 */
	unsigned expired;
	unsigned stranger; /* signed by nobody known */
	unsigned mutual;   /* asks for a certificate of ours */
	unsigned sick;	   /* answers 503 */
	unsigned plain;	   /* http */
} ports;

/* ---- the server --------------------------------------------------------- */

static void make_certificates(void)
{
	real_authority_new(dir);
	real_certificate_new(dir, "good", "DNS:www.example.com");
	real_certificate_new(dir, "address", "IP:127.0.0.1");
	real_certificate_new(dir, "client", "DNS:balancer");
	real_certificate_expired_new(dir, "expired", "DNS:www.example.com");
	real_certificate_stranger_new(dir, "stranger", "DNS:www.example.com");
}

static void write_server(FILE *f, unsigned *port, const char *certificate, const char *more)
{
	*port = real_port();
	fprintf(f,
		"server { listen 127.0.0.1:%u ssl; ssl_certificate %s.crt;\n"
		"ssl_certificate_key %s.key; %s }\n",
		*port, certificate, certificate, more);
}

static void write_configuration(void)
{
	static const char answer[] = "location / { return 200 \"$ssl_server_name $host\\n\"; }";
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/nginx.conf", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"daemon off; master_process off; pid nginx.pid; error_log stderr crit;\n"
		"events {} http { access_log off; client_body_temp_path t1; proxy_temp_path t2;\n"
		"fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n");
	write_server(f, &ports.good, "good", answer);
	write_server(f, &ports.address, "address", answer);
	write_server(f, &ports.expired, "expired", answer);
	write_server(f, &ports.stranger, "stranger", answer);
	write_server(f, &ports.mutual, "good",
		     "ssl_verify_client on; ssl_client_certificate ca.crt; return 200;");
	write_server(f, &ports.sick, "good", "return 503;");
	ports.plain = real_port();
	fprintf(f, "server { listen 127.0.0.1:%u; return 200; } }\n", ports.plain);
	fclose(f);
}

static int start_nginx(void **state)
{
	char line[256];

	(void)state;
	real_directory_new(dir);
	make_certificates();
	write_configuration();
	snprintf(line, sizeof(line),
		 "PATH=$PATH:/usr/sbin; exec nginx -p %s -c nginx.conf -e stderr", dir);
	nginx = real_start(line);
	real_wait(ports.plain);
	return 0;
}

static int stop_nginx(void **state)
{
	(void)state;
	real_stop(nginx);
	real_directory_free(dir);
	return 0;
}

/* ---- settings ----------------------------------------------------------- */

/* https with our CA and the name www.example.com */
static struct model_health https_settings(void)
{
	static char name[] = "www.example.com";
	static char ca[80];
	struct model_health s = http_settings();

	snprintf(ca, sizeof(ca), "%s/ca.crt", dir);
	s.type = PROBE_HTTPS;
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

#define assert_up(s)                                                                               \
	do {                                                                                       \
		assert_string_equal((s).reason, "status 200");                                     \
		assert_true((s).is_up);                                                            \
	} while (0)

#define assert_down(s, text)                                                                       \
	do {                                                                                       \
		assert_false((s).is_up);                                                           \
		if (!strstr((s).reason, (text)))                                                   \
			fail_msg("%s, not %s", (s).reason, (text));                                \
	} while (0)

/* ---- tests -------------------------------------------------------------- */

static void test_https_good_certificate_is_up(void **state)
{
	struct model_health settings = https_settings();

	assert_up(first_state(*state, ports.good, &settings));
}

static void test_https_name_goes_as_sni_and_host(void **state)
{
	static char text[] = "www.example.com www.example.com";
	struct model_health settings = https_settings();

	settings.body = text;

	assert_up(first_state(*state, ports.good, &settings));
}

static void test_https_host_is_the_name_where_sni_is_absent(void **state)
{
	static char host[] = "www.example.com:8443";
	static char text[] = "www.example.com www.example.com";
	struct model_health settings = https_settings();

	settings.tls.sni = NULL;
	settings.host = host;
	settings.body = text;

	assert_up(first_state(*state, ports.good, &settings));
}

static void test_https_sni_and_host_may_differ(void **state)
{
	static char host[] = "internal.example.net";
	static char text[] = "www.example.com internal.example.net";
	struct model_health settings = https_settings();

	settings.host = host;
	settings.body = text;

	assert_up(first_state(*state, ports.good, &settings));
}

static void test_https_certificate_for_the_address_is_up(void **state)
{
	struct model_health settings = https_settings();

	settings.tls.sni = NULL;

	assert_up(first_state(*state, ports.address, &settings));
}

static void test_https_certificate_of_another_name_is_down(void **state)
{
	static char name[] = "other.example.com";
	struct model_health settings = https_settings();

	settings.tls.sni = name;

	assert_down(first_state(*state, ports.good, &settings), "other.example.com");
}

static void test_https_verify_ca_takes_any_name(void **state)
{
	static char name[] = "other.example.com";
	struct model_health settings = https_settings();

	settings.tls.sni = name;
	settings.tls.verify = VERIFY_CA;

	assert_up(first_state(*state, ports.good, &settings));
}

static void test_https_verify_ca_refuses_a_stranger(void **state)
{
	struct model_health settings = https_settings();

	settings.tls.verify = VERIFY_CA;

	assert_down(first_state(*state, ports.stranger, &settings), "self-signed certificate");
}

static void test_https_verify_none_takes_a_stranger(void **state)
{
	struct model_health settings = https_settings();

	settings.tls.verify = VERIFY_NONE;

	assert_up(first_state(*state, ports.stranger, &settings));
}

static void test_https_expired_certificate_is_down(void **state)
{
	struct model_health settings = https_settings();

	assert_down(first_state(*state, ports.expired, &settings), "certificate has expired");
}

static void test_https_authorities_of_the_system_do_not_know_it(void **state)
{
	struct model_health settings = https_settings();

	settings.tls.ca_file = NULL;

	assert_down(first_state(*state, ports.good, &settings), "certificate");
}

static void test_https_client_certificate_opens_the_door(void **state)
{
	static char cert[80];
	static char key[80];
	struct model_health settings = https_settings();

	snprintf(cert, sizeof(cert), "%s/client.crt", dir);
	snprintf(key, sizeof(key), "%s/client.key", dir);
	settings.tls.cert_file = cert;
	settings.tls.key_file = key;

	assert_up(first_state(*state, ports.mutual, &settings));
}

static void test_https_without_client_certificate_is_down(void **state)
{
	struct model_health settings = https_settings();

	assert_down(first_state(*state, ports.mutual, &settings), "status 400");
}

static void test_https_unexpected_status_is_down(void **state)
{
	struct model_health settings = https_settings();

	assert_down(first_state(*state, ports.sick, &settings), "status 503, expected 200-299");
}

static void test_https_server_of_plain_http_is_down(void **state)
{
	struct model_health settings = https_settings();

	assert_down(first_state(*state, ports.plain, &settings), "TLS: wrong version number");
}

static void test_https_closed_port_is_refused(void **state)
{
	struct model_health settings = https_settings();

	assert_down(first_state(*state, real_port(), &settings), "connection refused");
}

static void test_https_silent_server_times_out_in_the_handshake(void **state)
{
	struct model_health settings = https_settings();
	unsigned port = 0;
	int fd = open_port("127.0.0.1", 8, &port);

	settings.timeout_ms = 60;

	assert_down(first_state(*state, port, &settings),
		    "timeout after 60 ms in the TLS handshake");
	close(fd);
}

static void test_https_files_that_are_not_there_are_refused(void **state)
{
	static char absent[] = "/nonexistent/file.pem";
	struct fixture *fx = *state;
	struct model_health settings = https_settings();
	struct health_state out;

	settings.tls.ca_file = absent;
	assert_int_equal(fixture_set(fx, 1, "127.0.0.1", 443, &settings, 0), -ENOENT);

	settings = https_settings();
	settings.tls.cert_file = absent;
	assert_int_equal(fixture_set(fx, 1, "127.0.0.1", 443, &settings, 0), -ENOENT);

	settings = https_settings();
	settings.tls.key_file = absent;
	assert_int_equal(fixture_set(fx, 1, "127.0.0.1", 443, &settings, 0), -ENOENT);

	assert_int_equal(health_get(fx->health, 1, &out), -ENOENT);
}

static void test_https_stays_up_probe_after_probe(void **state)
{
	struct fixture *fx = *state;
	struct model_health settings = https_settings();

	fixture_set(fx, 1, "127.0.0.1", ports.good, &settings, 0);
	fixture_run_until(fx, has_probes, 20);

	assert_int_equal(fx->change_count, 1);
	assert_up(fixture_state(fx, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_https_good_certificate_is_up),
		TEST(test_https_name_goes_as_sni_and_host),
		TEST(test_https_host_is_the_name_where_sni_is_absent),
		TEST(test_https_sni_and_host_may_differ),
		TEST(test_https_certificate_for_the_address_is_up),
		TEST(test_https_certificate_of_another_name_is_down),
		TEST(test_https_verify_ca_takes_any_name),
		TEST(test_https_verify_ca_refuses_a_stranger),
		TEST(test_https_verify_none_takes_a_stranger),
		TEST(test_https_expired_certificate_is_down),
		TEST(test_https_authorities_of_the_system_do_not_know_it),
		TEST(test_https_client_certificate_opens_the_door),
		TEST(test_https_without_client_certificate_is_down),
		TEST(test_https_unexpected_status_is_down),
		TEST(test_https_server_of_plain_http_is_down),
		TEST(test_https_closed_port_is_refused),
		TEST(test_https_silent_server_times_out_in_the_handshake),
		TEST(test_https_files_that_are_not_there_are_refused),
		TEST(test_https_stays_up_probe_after_probe),
	};

	return cmocka_run_group_tests_name("health_tls", tests, start_nginx, stop_nginx);
}
