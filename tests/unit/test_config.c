/* SPDX-License-Identifier: GPL-2.0-only */
/* Good files: every field. Files with many errors, many services, and the shipped lb.yaml. */
#include "config/config.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/addr.h"
#include "model/cleanup.h"

static const char *const full_file =
	"interfaces:\n"
	"  - {name: gw0, mode: native}\n"
	"  - {name: gw1, mode: generic}\n"
	"  - name: gw2\n"
	"limits: {max_flows: 4096, max_slots: 65536}\n"
	"timers: {warm_up: 200ms, handshake: 1m}\n"
	"hash_key: \"000102030405060708090a0b0c0D0E0F\"\n"
	"services:\n"
	"  - name: web\n"
	"    vip: \"[2001:db8::10]:80\"\n"
	"    protocol: tcp\n"
	"    scheduler: maglev\n"
	"    forward: nat\n"
	"    track: all\n"
	"    table_size: 10007\n"
	"    idle_timeout: 1h\n"
	"    drain_timeout: none\n"
	"    init: up\n"
	"    vip_address: none\n"
	"    health:\n"
	"      type: http\n"
	"      interval: 3s\n"
	"      timeout: 1500ms\n"
	"      rise: 4\n"
	"      fall: 5\n"
	"      jitter: 0%\n"
	"      port: 8081\n"
	"      method: OPTIONS\n"
	"      path: /health?full=1\n"
	"      host: web.example:80\n"
	"      expect: [200-299, 301, 599]\n"
	"      body: all is \"well\"\n"
	"    backends:\n"
	"      - {name: web1, address: \"[fd00::11]:8080\", weight: 1000, drain: true}\n"
	"      - address: fd00::12\n"
	"        weight: 0\n"
	"      - {address: \"[fd00::13]:8080\"}\n"
	"  - name: dns.udp-1_a\n"
	"    vip: 198.51.100.10:53\n"
	"    protocol: udp\n"
	"    backends: []\n"
	"  - name: plain\n"
	"    vip: 198.51.100.10:80\n"
	"    backends: [{address: 10.0.0.11}, {address: 10.0.0.12:80}]\n"
	"  - name: udp-probed\n"
	"    vip: 198.51.100.10:54\n"
	"    protocol: udp\n"
	"    health: {interval: 400ms}\n"
	"    backends: []\n"
	"  - name: silent\n"
	"    vip: 198.51.100.10:81\n"
	"    health: {type: none}\n"
	"    backends: []\n"
	"  - name: http\n"
	"    vip: 198.51.100.10:82\n"
	"    health: {type: http}\n"
	"    backends: []\n";

static struct model_config *parse_good(const char *text)
{
	struct config_errors errors = {};
	struct model_config *config = NULL;
	int err = config_parse(text, strlen(text), &config, &errors);

	for (size_t i = 0; i < errors.count; i++)
		print_error("%u:%u: %s\n", errors.list[i].pos.line, errors.list[i].pos.column,
			    errors.list[i].text);
	assert_int_equal(err, 0);
	assert_int_equal(errors.count, 0);
	assert_non_null(config);
	return config;
}

static void assert_address(const struct lb_addr *a, const char *expected)
{
	char text[ADDR_STRLEN];

	assert_string_equal(addr_format(a, text), expected);
}

static void assert_pos(struct model_pos pos, unsigned line, unsigned column)
{
	assert_int_equal(pos.line, line);
	assert_int_equal(pos.column, column);
}

static void test_config_full_file_sets_node(void **state)
{
	(void)state;

	struct model_config *config = parse_good(full_file);

	assert_int_equal(config->interface_count, 3);
	assert_string_equal(config->interfaces[0].name, "gw0");
	assert_int_equal(config->interfaces[0].mode, XDP_MODE_NATIVE);
	assert_pos(config->interfaces[0].pos, 2, 5);
	assert_int_equal(config->interfaces[1].mode, XDP_MODE_GENERIC);
	assert_string_equal(config->interfaces[2].name, "gw2");
	assert_int_equal(config->interfaces[2].mode, XDP_MODE_AUTO);
	assert_int_equal(config->max_flows, 4096);
	assert_int_equal(config->max_slots, 65536);
	assert_int_equal(config->warm_up_ms, 200);
	assert_int_equal(config->handshake_ms, 60000);
	assert_true(config->has_hash_key);
	assert_true(config->hash_key[0] == 0x0001020304050607);
	assert_true(config->hash_key[1] == 0x08090a0b0c0d0e0f);
	assert_int_equal(config->service_count, 6);
	model_config_free(config);
}

static void test_config_full_file_sets_service(void **state)
{
	struct model_config *config = parse_good(full_file);
	const struct model_service *web = &config->services[0];
	(void)state;

	assert_string_equal(web->name, "web");
	assert_address(&web->vip, "2001:db8::10");
	assert_int_equal(web->port, 80);
	assert_int_equal(web->proto, IPPROTO_TCP);
	assert_int_equal(web->scheduler, SCHEDULER_MAGLEV);
	assert_int_equal(web->forward, LB_FORWARD_NAT);
	assert_true(web->track_all);
	assert_int_equal(web->table_size, 10007);
	assert_int_equal(web->idle_timeout_ms, 3600000);
	assert_int_equal(web->drain_timeout_ms, 0);
	assert_true(web->init_up);
	assert_false(web->add_vip);
	assert_pos(web->pos, 9, 5);
	assert_int_equal(web->backend_count, 3);
	model_config_free(config);
}

static bool expects(const struct model_health *health, unsigned status)
{
	return health->expect_status[status / 64] >> (status % 64) & 1;
}

static void test_config_full_file_sets_health(void **state)
{
	struct model_config *config = parse_good(full_file);
	const struct model_health *health = &config->services[0].health;
	unsigned expected = 0;
	(void)state;

	assert_int_equal(health->type, PROBE_HTTP);
	assert_int_equal(health->interval_ms, 3000);
	assert_int_equal(health->timeout_ms, 1500);
	assert_int_equal(health->rise, 4);
	assert_int_equal(health->fall, 5);
	assert_int_equal(health->jitter_percent, 0);
	assert_int_equal(health->port, 8081);
	assert_string_equal(health->method, "OPTIONS");
	assert_string_equal(health->path, "/health?full=1");
	assert_string_equal(health->host, "web.example:80");
	assert_string_equal(health->body, "all is \"well\"");
	for (unsigned status = 0; status < 640; status++)
		expected += expects(health, status);
	assert_int_equal(expected, 102);
	assert_true(expects(health, 200) && expects(health, 299) && expects(health, 301) &&
		    expects(health, 599));
	model_config_free(config);
}

static void test_config_full_file_sets_backends(void **state)
{
	struct model_config *config = parse_good(full_file);
	const struct model_backend *backends = config->services[0].backends;
	const struct model_backend *plain = config->services[2].backends;
	(void)state;

	assert_string_equal(backends[0].name, "web1");
	assert_address(&backends[0].address, "fd00::11");
	assert_int_equal(backends[0].port, 8080);
	assert_int_equal(backends[0].weight, 1000);
	assert_true(backends[0].drain);
	assert_pos(backends[0].pos, 34, 9);
	assert_string_equal(backends[1].name, "fd00::12");
	assert_int_equal(backends[1].port, 80);
	assert_int_equal(backends[1].weight, 0);
	assert_pos(backends[1].pos, 35, 9);
	assert_string_equal(backends[2].name, "[fd00::13]:8080");
	assert_int_equal(backends[2].weight, 1);
	assert_false(backends[2].drain);
	assert_string_equal(plain[0].name, "10.0.0.11");
	assert_int_equal(plain[0].port, 80);
	assert_string_equal(plain[1].name, "10.0.0.12:80");
	model_config_free(config);
}

static void assert_service_defaults(const struct model_service *s)
{
	assert_int_equal(s->scheduler, SCHEDULER_MAGLEV);
	assert_int_equal(s->forward, LB_FORWARD_DSR);
	assert_false(s->track_all);
	assert_int_equal(s->table_size, 4093);
	assert_int_equal(s->drain_timeout_ms, 600000);
	assert_false(s->init_up);
	assert_true(s->add_vip);
}

static void test_config_absent_keys_get_defaults(void **state)
{
	const struct model_health none = {};
	struct model_config *config = parse_good(full_file);
	const struct model_service *udp = &config->services[1];
	const struct model_service *tcp = &config->services[2];
	(void)state;

	assert_service_defaults(udp);
	assert_int_equal(udp->proto, IPPROTO_UDP);
	assert_int_equal(udp->idle_timeout_ms, 60000);
	assert_true(model_health_equal(&udp->health, &none));
	assert_service_defaults(tcp);
	assert_int_equal(tcp->proto, IPPROTO_TCP);
	assert_int_equal(tcp->idle_timeout_ms, 900000);
	model_config_free(config);
}

static void test_config_absent_health_keys_get_defaults(void **state)
{
	const struct model_health tcp = { .type = PROBE_TCP,
					  .interval_ms = 2000,
					  .timeout_ms = 1000,
					  .rise = 2,
					  .fall = 3,
					  .jitter_percent = 10 };
	const struct model_health none = {};
	struct model_health quick = tcp, http = tcp;
	struct model_config *config = parse_good(full_file);
	(void)state;

	quick.interval_ms = 400;
	quick.timeout_ms = 400;
	http.type = PROBE_HTTP;
	http.method = "GET";
	http.path = "/";
	for (unsigned status = 200; status <= 399; status++)
		http.expect_status[status / 64] |= (uint64_t)1 << (status % 64);

	assert_true(model_health_equal(&config->services[2].health, &tcp));
	assert_true(model_health_equal(&config->services[3].health, &quick));
	assert_true(model_health_equal(&config->services[4].health, &none));
	assert_true(model_health_equal(&config->services[5].health, &http));
	model_config_free(config);
}

static void test_config_smallest_file_gets_defaults(void **state)
{
	(void)state;

	struct model_config *config = parse_good("interfaces: [{name: gw0}]\nservices: []\n");

	assert_int_equal(config->service_count, 0);
	assert_int_equal(config->max_flows, 0);
	assert_int_equal(config->max_slots, 0);
	assert_int_equal(config->warm_up_ms, 5000);
	assert_int_equal(config->handshake_ms, 10000);
	assert_false(config->has_hash_key);
	model_config_free(config);
}

static void test_config_aliases_stand_for_what_they_name(void **state)
{
	(void)state;

	struct model_config *config = parse_good(
		"interfaces: [{name: gw0}]\n"
		"services:\n"
		"  - {name: a, vip: 198.51.100.10:80, backends: &b [{address: 10.0.0.11}],\n"
		"     health: &h {type: http, path: /up}}\n"
		"  - {name: b, vip: 198.51.100.11:80, backends: *b, health: *h}\n");

	assert_string_equal(config->services[1].backends[0].name, "10.0.0.11");
	assert_string_equal(config->services[1].health.path, "/up");
	assert_ptr_not_equal(config->services[1].health.path, config->services[0].health.path);
	model_config_free(config);
}

static void test_config_weights_all_zero_is_allowed(void **state)
{
	(void)state;

	struct model_config *config =
		parse_good("interfaces: [{name: gw0}]\n"
			   "services: [{name: a, vip: 198.51.100.10:80,\n"
			   "            backends: [{address: 10.0.0.11, weight: 0}]}]\n");

	assert_int_equal(config->services[0].backends[0].weight, 0);
	model_config_free(config);
}

static void test_config_nat_backend_shared_by_tcp_and_udp_is_allowed(void **state)
{
	(void)state;

	struct model_config *config = parse_good(
		"interfaces: [{name: gw0}]\n"
		"services:\n"
		"  - {name: a, vip: 198.51.100.10:53, forward: nat, backends: &b [{address: "
		"10.0.0.11}]}\n"
		"  - {name: b, vip: 198.51.100.10:53, forward: nat, protocol: udp, backends: "
		"*b}\n");

	assert_int_equal(config->service_count, 2);
	model_config_free(config);
}

static void test_config_shipped_file_is_right(void **state)
{
	struct config_errors errors = {};
	struct model_config *config = NULL;
	(void)state;

	int err = config_load("lb.yaml", &config, &errors);

	for (size_t i = 0; i < errors.count; i++)
		print_error("lb.yaml:%u:%u: %s\n", errors.list[i].pos.line,
			    errors.list[i].pos.column, errors.list[i].text);
	assert_int_equal(err, 0);
	assert_int_equal(errors.count, 0);
	assert_int_equal(config->interface_count, 2);
	assert_int_equal(config->service_count, 6);
	for (size_t i = 0; i < config->service_count; i++)
		assert_int_equal(config->services[i].backend_count, 3);
	model_config_free(config);
}

static void test_config_errors_of_many_lines_come_in_order(void **state)
{
	static const char *const text = "services:\n"
					"  - name: b\n"
					"    vip: 198.51.100.10:80\n"
					"    health: {timeout: 5s, foo: 1, rise: 0}\n"
					"    table_size: 8\n"
					"    backends:\n"
					"      - {address: 10.0.0.11:81}\n"
					"      - {address: fd00::1, weight: x}\n"
					"  - name: b\n"
					"    vip: 198.51.100.10:80\n"
					"    backends: []\n"
					"interfaces: []\n"
					"limit: {}\n";
	static const struct model_pos expected[] = {
		{ 4, 23 }, { 4, 27 }, { 4, 41 },  { 5, 17 },  { 7, 19 }, { 8, 19 },
		{ 8, 36 }, { 9, 11 }, { 10, 10 }, { 12, 13 }, { 13, 1 },
	};
	size_t expected_count = sizeof(expected) / sizeof(expected[0]);
	struct config_errors errors = {};
	struct model_config *config = NULL;
	(void)state;

	int err = config_parse(text, strlen(text), &config, &errors);

	assert_int_equal(err, -EINVAL);
	assert_null(config);
	assert_int_equal(errors.count, expected_count);
	for (size_t i = 0; i < expected_count; i++)
		assert_pos(errors.list[i].pos, expected[i].line, expected[i].column);
	config_errors_free(&errors);
}

static void test_config_unreadable_file_says_why(void **state)
{
	struct config_errors errors = {};
	struct model_config *config = NULL;
	(void)state;

	int err = config_load("no/such/file", &config, &errors);

	assert_int_equal(err, -ENOENT);
	assert_int_equal(errors.count, 1);
	assert_pos(errors.list[0].pos, 0, 0);
	assert_string_equal(errors.list[0].text, "cannot be read: No such file or directory");
	assert_null(config);
	config_errors_free(&errors);
}

static void test_config_directory_says_why(void **state)
{
	struct config_errors errors = {};
	struct model_config *config = NULL;
	(void)state;

	int err = config_load("/", &config, &errors);

	assert_int_equal(err, -EISDIR);
	assert_string_equal(errors.list[0].text, "cannot be read: Is a directory");
	config_errors_free(&errors);
}

/* @services on a VIP each, or all on one; each with @backends of its own. */
static char *make_file(unsigned services, unsigned backends, bool is_one_vip)
{
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "interfaces: [{name: gw0}]\nservices:\n");
	for (unsigned i = 0; i < services; i++) {
		fprintf(out, "  - name: s%u\n    vip: 10.0.%u.%u:%u\n    backends:", i,
			is_one_vip ? 0 : i / 256, is_one_vip ? 1 : i % 256,
			is_one_vip ? i + 1 : 80);
		fprintf(out, backends ? "\n" : " []\n");
		for (unsigned j = 0; j < backends; j++)
			fprintf(out, "      - {name: b%u, address: 172.%u.%u.%u}\n", j,
				16 + i / 256, i % 256, j + 1);
	}
	fclose(out);
	return text;
}

static void test_config_1000_services_of_10_backends_are_read(void **state)
{
	AUTO_FREE char *text = make_file(1000, 10, false);
	(void)state;

	struct model_config *config = parse_good(text);

	assert_int_equal(config->service_count, 1000);
	assert_string_equal(config->services[999].name, "s999");
	assert_int_equal(config->services[999].backend_count, 10);
	assert_address(&config->services[999].backends[9].address, "172.19.231.10");
	model_config_free(config);
}

static void assert_only_error(const char *text, unsigned line, unsigned column,
			      const char *expected)
{
	struct config_errors errors = {};
	struct model_config *config = NULL;
	int err = config_parse(text, strlen(text), &config, &errors);

	assert_int_equal(err, -EINVAL);
	assert_int_equal(errors.count, 1);
	assert_string_equal(errors.list[0].text, expected);
	assert_pos(errors.list[0].pos, line, column);
	config_errors_free(&errors);
}

static void test_config_too_many_services_is_one_error(void **state)
{
	AUTO_FREE char *text = make_file(4097, 0, true);
	(void)state;

	assert_only_error(text, 3, 3, "services: 4097 are given; at most 4096 are possible");
}

static void test_config_too_many_rows_is_one_error(void **state)
{
	AUTO_FREE char *right = make_file(2048, 0, false);
	AUTO_FREE char *wrong = make_file(2049, 0, false);
	(void)state;

	model_config_free(parse_good(right));
	assert_only_error(wrong, 3, 3,
			  "services: 2049 services on 2049 addresses need 4098 rows; at most 4096 "
			  "are possible");
}

static void test_config_too_many_backends_is_one_error(void **state)
{
	AUTO_FREE char *text = make_file(130, 254, false);
	(void)state;

	assert_only_error(text, 33159, 7,
			  "backends: these make more than 32767 in all services; at most that many "
			  "are possible");
}

static void test_config_too_large_file_is_one_error(void **state)
{
	size_t size = (8u << 20) + 1;
	AUTO_FREE char *text = malloc(size + 1);
	(void)state;

	memset(text, '\n', size);
	text[size] = '\0';

	assert_only_error(text, 0, 0, "is larger than 8 MiB");
}

static void test_config_endless_errors_are_cut(void **state)
{
	struct config_errors errors = {};
	struct model_config *config = NULL;
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);
	(void)state;

	for (unsigned i = 0; i < 20000; i++)
		fprintf(out, "k%u: 1\n", i);
	fclose(out);

	int err = config_parse(text, size, &config, &errors);

	assert_int_equal(err, -EINVAL);
	assert_int_equal(errors.count, 10001);
	assert_string_equal(errors.list[0].text, "more than 10000 errors; the rest is not shown");
	assert_pos(errors.list[10000].pos, 10000, 1);
	config_errors_free(&errors);
	free(text);
}

static void test_config_aliases_cannot_multiply_without_end(void **state)
{
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);
	(void)state;

	fprintf(out, "interfaces: [{name: gw0}]\nservices:\n");
	fprintf(out, "- {name: s, vip: 10.0.0.1:1, backends: &b [");
	for (unsigned i = 0; i < 250; i++)
		fprintf(out, "{address: 172.16.0.%u},", i + 1);
	fprintf(out, "]}\n");
	for (unsigned i = 0; i < 200; i++)
		fprintf(out, "- {name: s%u, vip: 10.0.0.1:%u, backends: *b}\n", i, i + 2);
	fclose(out);

	assert_only_error(text, 3, 40,
			  "backends: these make more than 32767 in all services; at most that many "
			  "are possible");
	free(text);
}

static void test_config_too_many_anchors_is_one_error(void **state)
{
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);
	(void)state;

	for (unsigned i = 0; i < 300; i++)
		fprintf(out, "- &a%u x\n", i);
	fclose(out);

	assert_only_error(text, 257, 3, "more than 256 anchors");
	free(text);
}

static void test_config_alias_of_itself_ends(void **state)
{
	const char *text = "services: &s [*s, {name: a, vip: 192.0.2.1:80, backends: *s}]\n";
	struct config_errors errors = {};
	struct model_config *config = NULL;
	(void)state;

	int err = config_parse(text, strlen(text), &config, &errors);

	assert_int_equal(err, -EINVAL);
	assert_true(errors.count > 0);
	config_errors_free(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_full_file_sets_node),
		cmocka_unit_test(test_config_full_file_sets_service),
		cmocka_unit_test(test_config_full_file_sets_health),
		cmocka_unit_test(test_config_full_file_sets_backends),
		cmocka_unit_test(test_config_absent_keys_get_defaults),
		cmocka_unit_test(test_config_absent_health_keys_get_defaults),
		cmocka_unit_test(test_config_smallest_file_gets_defaults),
		cmocka_unit_test(test_config_aliases_stand_for_what_they_name),
		cmocka_unit_test(test_config_weights_all_zero_is_allowed),
		cmocka_unit_test(test_config_nat_backend_shared_by_tcp_and_udp_is_allowed),
		cmocka_unit_test(test_config_shipped_file_is_right),
		cmocka_unit_test(test_config_errors_of_many_lines_come_in_order),
		cmocka_unit_test(test_config_unreadable_file_says_why),
		cmocka_unit_test(test_config_directory_says_why),
		cmocka_unit_test(test_config_1000_services_of_10_backends_are_read),
		cmocka_unit_test(test_config_too_many_services_is_one_error),
		cmocka_unit_test(test_config_too_many_rows_is_one_error),
		cmocka_unit_test(test_config_too_many_backends_is_one_error),
		cmocka_unit_test(test_config_too_large_file_is_one_error),
		cmocka_unit_test(test_config_endless_errors_are_cut),
		cmocka_unit_test(test_config_aliases_cannot_multiply_without_end),
		cmocka_unit_test(test_config_too_many_anchors_is_one_error),
		cmocka_unit_test(test_config_alias_of_itself_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
