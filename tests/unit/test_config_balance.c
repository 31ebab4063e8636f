/* SPDX-License-Identifier: GPL-2.0-only */
/* Good values of all that says how weights come about and how backends are probed. */
#include "config/config.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/cleanup.h"

/* The one service of a file; free what config_of() returns of it. */
#define SERVICE(text)                                                                              \
	"interfaces: [{name: gw0}]\nservices:\n  - name: web\n    vip: 198.51.100.10:80\n"         \
	"    backends: [{address: 10.0.0.11}]\n    " text "\n"
#define HEALTH(text) SERVICE("health: {" text "}")
#define QUIC(text, id)                                                                             \
	"interfaces: [{name: gw0}]\nservices:\n  - name: web\n    vip: 198.51.100.10:443\n"        \
	"    protocol: udp\n    backends: [{address: 10.0.0.11, server_id: \"" id                  \
	"\"}]\n    " text "\n"

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

static void test_config_scheduler_words_set_scheduler_and_hash(void **state)
{
	static const struct {
		const char *text;
		enum model_scheduler scheduler;
		enum model_hash hash;
	} cases[] = {
		{ SERVICE("scheduler: maglev"), SCHEDULER_MAGLEV, HASH_SOURCE_PORT },
		{ SERVICE("hash: source"), SCHEDULER_MAGLEV, HASH_SOURCE },
		{ SERVICE("scheduler: source_hash"), SCHEDULER_SOURCE_HASH, HASH_SOURCE_PORT },
		{ QUIC("hash: quic", "0a0b"), SCHEDULER_MAGLEV, HASH_QUIC },
		{ SERVICE("scheduler: round_robin"), SCHEDULER_ROUND_ROBIN, HASH_SOURCE_PORT },
		{ SERVICE("scheduler: least_conn"), SCHEDULER_LEAST_CONN, HASH_SOURCE_PORT },
		{ SERVICE("scheduler: least_response"), SCHEDULER_LEAST_RESPONSE,
		  HASH_SOURCE_PORT },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model_config *config = parse_good(cases[i].text);

		assert_int_equal(config->services[0].scheduler, cases[i].scheduler);
		assert_int_equal(config->services[0].hash, cases[i].hash);
		model_config_free(config);
	}
}

static void test_config_quic_settings_and_server_ids_are_taken(void **state)
{
	static const struct {
		const char *text;
		unsigned config, length;
		uint64_t server_id;
	} cases[] = {
		{ QUIC("hash: quic", "0a0B"), 0, 2, 0x0a0b },
		{ QUIC("hash: quic\n    quic: {}", "0000"), 0, 2, 0 },
		{ QUIC("hash: quic\n    quic: {config: 6, server_id_length: 1}", "ff"), 6, 1,
		  0xff },
		{ QUIC("hash: quic\n    quic: {server_id_length: 8}", "fedcba9876543210"), 0, 8,
		  0xfedcba9876543210 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model_config *config = parse_good(cases[i].text);
		const struct model_service *s = &config->services[0];

		assert_true(model_service_is_quic(s));
		assert_false(model_service_is_tracked(s));
		assert_false(model_service_is_masked(s));
		assert_int_equal(s->quic.config, cases[i].config);
		assert_int_equal(s->quic.server_id_length, cases[i].length);
		assert_int_equal(s->backends[0].server_id, cases[i].server_id);
		assert_int_equal(s->backends[0].server_id_length, cases[i].length);
		model_config_free(config);
	}
}

static void test_config_balance_absent_keys_get_defaults(void **state)
{
	struct model_config *config = parse_good(SERVICE("scheduler: least_response"));
	const struct model_service *s = &config->services[0];
	(void)state;

	assert_int_equal(s->source_prefix6, 64);
	assert_int_equal(s->draws, 2);
	assert_int_equal(s->affinity_ms, 0);
	assert_int_equal(s->response.decay_permille, 300);
	assert_int_equal(s->response.window_ms, 30000);
	assert_int_equal(s->response.explore_percent, 20);
	assert_false(s->is_adaptive);
	assert_int_equal(s->slow_start.duration_ms, 0);
	assert_int_equal(s->panic.threshold_percent, 0);
	assert_int_equal(s->panic.mode, PANIC_OPEN);
	assert_int_equal(s->spill_percent, 70);
	assert_int_equal(s->agent_check.port, 0);
	assert_false(s->passive.is_on);
	assert_null(s->groups);
	assert_int_equal(s->group_count, 0);
	assert_int_equal(s->backends[0].group, 0);
	assert_int_equal(s->table_size, 4093);
	assert_int_equal(config->max_affinities, 0);
	model_config_free(config);
}

static void test_config_adaptive_without_keys_gets_defaults(void **state)
{
	struct model_config *config =
		parse_good(SERVICE("weights: adaptive\n    agent_check: {port: 8081}"));
	const struct model_service *s = &config->services[0];
	const struct model_adaptive expected = { .target_percent = 70,
						 .kp_milli = 500,
						 .ki_milli = 100,
						 .kd_milli = 50,
						 .minimum_percent = 10,
						 .maximum_percent = 200,
						 .step_percent = 10,
						 .interval_ms = 1000 };
	(void)state;

	assert_true(s->is_adaptive);
	assert_memory_equal(&s->adaptive, &expected, sizeof(expected));
	assert_int_equal(s->agent_check.port, 8081);
	assert_int_equal(s->agent_check.interval_ms, 2000);
	assert_int_equal(s->agent_check.timeout_ms, 1000);
	model_config_free(config);
}

static void test_config_adaptive_sets_every_field(void **state)
{
	struct model_config *config = parse_good(SERVICE(
		"weights: adaptive\n    agent_check: {port: 1, interval: 400ms}\n"
		"    adaptive: {target: 50%, kp: 1.25, ki: 0, kd: 10, minimum: 1%, maximum: "
		"1000%, step: 100%, interval: 100ms}"));
	const struct model_service *s = &config->services[0];
	const struct model_adaptive expected = { .target_percent = 50,
						 .kp_milli = 1250,
						 .ki_milli = 0,
						 .kd_milli = 10000,
						 .minimum_percent = 1,
						 .maximum_percent = 1000,
						 .step_percent = 100,
						 .interval_ms = 100 };
	(void)state;

	assert_memory_equal(&s->adaptive, &expected, sizeof(expected));
	assert_int_equal(s->agent_check.interval_ms, 400);
	assert_int_equal(s->agent_check.timeout_ms, 400);
	model_config_free(config);
}

static void test_config_least_response_sets_every_field(void **state)
{
	struct model_config *config =
		parse_good(SERVICE("scheduler: least_response\n    draws: 8\n    affinity: 10m\n"
				   "    response: {decay: 0.05, window: 1h, explore: 0%}"));
	const struct model_service *s = &config->services[0];
	(void)state;

	assert_int_equal(s->draws, 8);
	assert_int_equal(s->affinity_ms, 600000);
	assert_int_equal(s->response.decay_permille, 50);
	assert_int_equal(s->response.window_ms, 3600000);
	assert_int_equal(s->response.explore_percent, 0);
	model_config_free(config);
}

static void test_config_churn_is_bounded_for_tcp_and_hashes_alone(void **state)
{
	static const struct {
		const char *text;
		unsigned max_moves_permille;
	} cases[] = {
		{ SERVICE("scheduler: maglev"), 50 },
		{ SERVICE("scheduler: source_hash"), 50 },
		{ SERVICE("forward: nat"), 50 },
		{ SERVICE("churn: {max_moves: 0.1%}"), 1 },
		{ SERVICE("churn: {max_moves: 12.5%}"), 125 },
		{ SERVICE("protocol: udp"), 1000 },
		{ SERVICE("scheduler: round_robin"), 1000 },
		{ SERVICE("scheduler: least_conn"), 1000 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model_config *config = parse_good(cases[i].text);

		assert_int_equal(config->services[0].churn.max_moves_permille,
				 cases[i].max_moves_permille);
		model_config_free(config);
	}
}

static void test_config_churn_sets_every_field(void **state)
{
	struct model_config *config =
		parse_good(SERVICE("churn: {max_moves: 100%, interval: 250ms, hysteresis: 0%}"));
	const struct model_churn *churn = &config->services[0].churn;
	(void)state;

	assert_int_equal(churn->max_moves_permille, 1000);
	assert_int_equal(churn->interval_ms, 250);
	assert_int_equal(churn->hysteresis_percent, 0);
	model_config_free(config);
}

static void test_config_slow_start_short_and_long_forms(void **state)
{
	static const struct {
		const char *text;
		struct model_ramp expected;
	} cases[] = {
		{ SERVICE("slow_start: none"), { 0, 10, 1000 } },
		{ SERVICE("slow_start: 30s"), { 30000, 10, 1000 } },
		{ SERVICE("slow_start: {duration: 1s}"), { 1000, 10, 1000 } },
		{ SERVICE("slow_start: {duration: 1h, minimum: 1%, curve: 2.5}"),
		  { 3600000, 1, 2500 } },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model_config *config = parse_good(cases[i].text);
		const struct model_ramp *ramp = &config->services[0].slow_start;

		assert_memory_equal(ramp, &cases[i].expected, sizeof(*ramp));
		model_config_free(config);
	}
}

static void test_config_passive_short_and_long_forms(void **state)
{
	static const struct {
		const char *text;
		struct model_passive expected;
	} cases[] = {
		{ SERVICE("passive: off"), { false, 64, 3000, 10000, 5, 50, 30, 30000 } },
		{ SERVICE("passive: on"), { true, 64, 3000, 10000, 5, 50, 30, 30000 } },
		{ SERVICE("passive: {}"), { true, 64, 3000, 10000, 5, 50, 30, 30000 } },
		{ SERVICE("passive: {sample: 1, timeout: 100ms, window: 1s, minimum: 1, threshold: "
			  "1%, max_ejected: 100%, eject: 1s}"),
		  { true, 1, 100, 1000, 1, 1, 100, 1000 } },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model_config *config = parse_good(cases[i].text);
		const struct model_passive *got = &config->services[0].passive;
		const struct model_passive *expected = &cases[i].expected;

		assert_int_equal(got->is_on, expected->is_on);
		assert_int_equal(got->sample, expected->sample);
		assert_int_equal(got->timeout_ms, expected->timeout_ms);
		assert_int_equal(got->window_ms, expected->window_ms);
		assert_int_equal(got->minimum, expected->minimum);
		assert_int_equal(got->threshold_percent, expected->threshold_percent);
		assert_int_equal(got->max_ejected_percent, expected->max_ejected_percent);
		assert_int_equal(got->eject_ms, expected->eject_ms);
		model_config_free(config);
	}
}

static void test_config_panic_sets_every_field(void **state)
{
	struct model_config *config = parse_good(SERVICE("panic: {threshold: 30%, mode: closed}"));
	(void)state;

	assert_int_equal(config->services[0].panic.threshold_percent, 30);
	assert_int_equal(config->services[0].panic.mode, PANIC_CLOSED);
	model_config_free(config);
}

static void test_config_groups_are_found_by_name(void **state)
{
	struct model_config *config = parse_good(
		"interfaces: [{name: gw0}]\nservices:\n  - name: web\n    vip: 198.51.100.10:80\n"
		"    backends:\n"
		"      - {address: 10.0.0.11, group: b}\n"
		"      - {group: a, address: 10.0.0.12}\n"
		"      - {address: 10.0.0.13, group: c}\n"
		"    spill_below: 50%\n"
		"    groups:\n"
		"      - {name: a, priority: 3, weight: 7}\n"
		"      - {name: b}\n"
		"      - {name: c, backup: true}\n"
		"      - {name: empty}\n");
	const struct model_service *s = &config->services[0];
	(void)state;

	assert_int_equal(s->group_count, 4);
	assert_string_equal(s->groups[0].name, "a");
	assert_int_equal(s->groups[0].priority, 3);
	assert_int_equal(s->groups[0].weight, 7);
	assert_false(s->groups[0].is_backup);
	assert_int_equal(s->groups[0].pos.line, 11);
	assert_int_equal(s->groups[1].priority, 0);
	assert_int_equal(s->groups[1].weight, 0);
	assert_true(s->groups[2].is_backup);
	assert_int_equal(s->backends[0].group, 1);
	assert_int_equal(s->backends[1].group, 0);
	assert_int_equal(s->backends[2].group, 2);
	assert_int_equal(s->spill_percent, 50);
	model_config_free(config);
}

/* @count groups of one backend each */
static char *make_groups(unsigned count)
{
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "interfaces: [{name: gw0}]\nservices:\n  - name: web\n"
		     "    vip: 198.51.100.10:80\n    groups:\n");
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "      - {name: g%u}\n", i);
	fprintf(out, "    backends:\n");
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "      - {address: 10.0.0.%u, group: g%u}\n", i + 1, count - 1 - i);
	fclose(out);
	return text;
}

static void test_config_64_groups_are_read_and_65_are_not(void **state)
{
	AUTO_FREE char *most = make_groups(64);
	AUTO_FREE char *more = make_groups(65);
	struct config_errors errors = {};
	struct model_config *config;
	(void)state;

	config = parse_good(most);
	assert_int_equal(config->services[0].backends[0].group, 63);
	assert_int_equal(config->services[0].backends[63].group, 0);
	model_config_free(config);

	config = NULL;
	assert_true(config_parse(more, strlen(more), &config, &errors) < 0);
	assert_int_equal(errors.count, 1);
	assert_string_equal(errors.list[0].text, "groups: 65 are given; at most 64 are possible");
	config_errors_free(&errors);
}

static void test_config_unknown_group_of_many_names_some(void **state)
{
	AUTO_FREE char *right = make_groups(64);
	AUTO_FREE char *text = NULL;
	struct config_errors errors = {};
	struct model_config *config = NULL;
	const char *end;
	(void)state;

	assert_true(asprintf(&text, "%s      - {address: 10.0.1.1, group: xyz}\n", right) > 0);

	assert_true(config_parse(text, strlen(text), &config, &errors) < 0);

	assert_int_equal(errors.count, 1);
	end = errors.list[0].text + strlen(errors.list[0].text) - 3;
	assert_string_equal(end, "...");
	assert_null(strstr(errors.list[0].text, "g63"));
	config_errors_free(&errors);
}

static void test_config_source_prefix6_where_addresses_count(void **state)
{
	static const char *const cases[] = { "scheduler: source_hash", "hash: source",
					     "scheduler: round_robin, affinity: 1m" };
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model_config *config;
		char text[256];

		snprintf(text, sizeof(text),
			 "interfaces: [{name: gw0}]\nservices: [{name: web, vip: "
			 "\"[2001:db8::10]:80\", backends: [], source_prefix6: 128, %s}]\n",
			 cases[i]);
		config = parse_good(text);
		assert_int_equal(config->services[0].source_prefix6, 128);
		model_config_free(config);
	}
}

static void test_config_limits_set_max_affinities(void **state)
{
	struct model_config *config = parse_good("interfaces: [{name: gw0}]\nservices: []\n"
						 "limits: {max_affinities: 4194304}\n");
	(void)state;

	assert_int_equal(config->max_affinities, 4194304);
	model_config_free(config);
}

/* ---- probes ---- */

/* What all checks have where nothing is given. */
static struct model_health defaults(enum model_probe type)
{
	return (struct model_health) { .type = type,
				       .interval_ms = 2000,
				       .timeout_ms = 1000,
				       .rise = 2,
				       .fall = 3,
				       .jitter_percent = 10 };
}

static void assert_health(const char *text, const struct model_health *expected)
{
	struct model_config *config = parse_good(text);
	bool is_equal = model_health_equal(&config->services[0].health, expected);

	if (!is_equal)
		print_error("not what was expected of:\n%s", text);
	assert_true(is_equal);
	model_config_free(config);
}

static void expect_statuses(struct model_health *health, unsigned first, unsigned last)
{
	for (unsigned status = first; status <= last; status++)
		health->expect_status[status / 64] |= (uint64_t)1 << (status % 64);
}

static void test_config_health_pace_sets_every_field(void **state)
{
	struct model_health tcp = defaults(PROBE_TCP);
	(void)state;

	assert_health(HEALTH("backoff: none, damping: none, via: backend"), &tcp);
	tcp.via_vip = true;
	tcp.fast_interval_ms = 500;
	tcp.backoff_ms = 300000;
	tcp.flap_limit = 4;
	tcp.flap_window_ms = 60000;
	tcp.flap_hold_ms = 30000;
	assert_health(HEALTH("via: vip, fast_interval: 500ms, backoff: 5m, damping: {changes: 4, "
			     "window: 1m, hold: 30s}"),
		      &tcp);
}

static void test_config_damping_without_keys_gets_defaults(void **state)
{
	struct model_health tcp = defaults(PROBE_TCP);
	(void)state;

	tcp.flap_limit = 6;
	tcp.flap_window_ms = 300000;
	tcp.flap_hold_ms = 60000;

	assert_health(HEALTH("damping: {}"), &tcp);
}

static void test_config_https_sets_every_field(void **state)
{
	struct model_health https = defaults(PROBE_HTTPS);
	(void)state;

	https.method = "GET";
	https.path = "/";
	https.tls.is_on = true;
	expect_statuses(&https, 200, 399);
	assert_health(HEALTH("type: https"), &https);
	assert_health(HEALTH("type: https, tls: {}"), &https);

	https.host = "web.example";
	https.tls.verify = VERIFY_CA;
	https.tls.ca_file = "/etc/my ca.pem";
	https.tls.sni = "other.example";
	https.tls.cert_file = "/etc/cert.pem";
	https.tls.key_file = "/etc/key.pem";
	assert_health(HEALTH("tls: {verify: ca, ca: /etc/my ca.pem, sni: other.example, cert: "
			     "/etc/cert.pem, key: /etc/key.pem}, host: web.example, type: https"),
		      &https);
}

static void test_config_grpc_sets_every_field(void **state)
{
	struct model_health grpc = defaults(PROBE_GRPC);
	(void)state;

	assert_health(HEALTH("type: grpc"), &grpc);
	grpc.grpc_service = "shop.Orders";
	grpc.host = "web.example";
	grpc.tls.is_on = true;
	grpc.tls.verify = VERIFY_NONE;
	assert_health(HEALTH("type: grpc, service: shop.Orders, host: web.example, tls: {verify: "
			     "none}"),
		      &grpc);
}

static void test_config_udp_escapes_become_bytes(void **state)
{
	static uint8_t send[] = { 'a', '\n', '\r', '\t', 0, '\\', 0xff, 0x1b, ' ' };
	static uint8_t expect[] = { '2', '0', '0', 0 };
	struct model_health udp = defaults(PROBE_UDP);
	(void)state;

	assert_health(HEALTH("type: udp"), &udp);
	udp.send = (struct model_bytes) { send, sizeof(send) };
	udp.expect = (struct model_bytes) { expect, sizeof(expect) };
	assert_health(HEALTH("expect: '200\\0', send: 'a\\n\\r\\t\\0\\\\\\xfF\\x1b ', type: udp"),
		      &udp);
	assert_health(HEALTH("expect: \"200\\0\", send: 'a\\n\\r\\t\\0\\\\\\xfF\\x1b ', type: udp"),
		      &udp);
}

static void test_config_dns_sets_every_field(void **state)
{
	struct model_health dns = defaults(PROBE_DNS);
	(void)state;

	dns.query_name = "www.example.com";
	dns.query_type = 1;
	dns.expect_rcodes = 1;
	assert_health(HEALTH("type: dns, query: www.example.com"), &dns);
	dns.query_name = ".";
	dns.query_type = 28;
	dns.expect_rcodes = 1 << 0 | 1 << 3 | 1 << 5;
	dns.port = 5353;
	assert_health(HEALTH("type: dns, query: ., query_type: AAAA, port: 5353, rcodes: [refused, "
			     "nxdomain, noerror]"),
		      &dns);
}

static void test_config_exec_and_icmp_set_every_field(void **state)
{
	char *alone[] = { "/bin/true", NULL };
	char *words[] = { "/bin/check", "a b", "", "$HOME", NULL };
	struct model_health icmp = defaults(PROBE_ICMP);
	struct model_health exec = defaults(PROBE_EXEC);
	(void)state;

	assert_health(HEALTH("type: icmp"), &icmp);
	exec.command = alone;
	assert_health(HEALTH("type: exec, command: [/bin/true]"), &exec);
	exec.command = words;
	exec.port = 81;
	assert_health(HEALTH("type: exec, port: 81, command: [/bin/check, a b, \"\", $HOME]"),
		      &exec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_scheduler_words_set_scheduler_and_hash),
		cmocka_unit_test(test_config_quic_settings_and_server_ids_are_taken),
		cmocka_unit_test(test_config_balance_absent_keys_get_defaults),
		cmocka_unit_test(test_config_adaptive_without_keys_gets_defaults),
		cmocka_unit_test(test_config_adaptive_sets_every_field),
		cmocka_unit_test(test_config_least_response_sets_every_field),
		cmocka_unit_test(test_config_churn_is_bounded_for_tcp_and_hashes_alone),
		cmocka_unit_test(test_config_churn_sets_every_field),
		cmocka_unit_test(test_config_slow_start_short_and_long_forms),
		cmocka_unit_test(test_config_passive_short_and_long_forms),
		cmocka_unit_test(test_config_panic_sets_every_field),
		cmocka_unit_test(test_config_groups_are_found_by_name),
		cmocka_unit_test(test_config_64_groups_are_read_and_65_are_not),
		cmocka_unit_test(test_config_unknown_group_of_many_names_some),
		cmocka_unit_test(test_config_source_prefix6_where_addresses_count),
		cmocka_unit_test(test_config_limits_set_max_affinities),
		cmocka_unit_test(test_config_health_pace_sets_every_field),
		cmocka_unit_test(test_config_damping_without_keys_gets_defaults),
		cmocka_unit_test(test_config_https_sets_every_field),
		cmocka_unit_test(test_config_grpc_sets_every_field),
		cmocka_unit_test(test_config_udp_escapes_become_bytes),
		cmocka_unit_test(test_config_dns_sets_every_field),
		cmocka_unit_test(test_config_exec_and_icmp_set_every_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
