/* SPDX-License-Identifier: GPL-2.0-only */
/* The status as Prometheus reads it: https://prometheus.io/docs/instrumenting/exposition_formats */
#include "api/metrics.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_SERIES 400

static const char status_text[] =
	"{\"version\":\"0.1.0\",\"started_ms\":1700000000500,\"warnings\":[\"one\",\"two\"],"
	"\"slot_writes\":12,\"counts_corrected\":0,\"slots\":{\"used\":4093,\"capacity\":65536},"
	"\"flows\":{\"ipv4\":{\"used\":5,\"capacity\":1024},\"ipv6\":{\"used\":0,\"capacity\":1024}"
	"},"
	"\"interfaces\":[{\"name\":\"gw0\",\"mode\":\"native\",\"state\":\"attached\"},"
	"{\"name\":\"gw1\",\"mode\":\"generic\",\"state\":\"absent\"}],"
	"\"reasons\":[{\"name\":\"forwarded\",\"verdict\":\"forward\",\"packets\":9007199254740993}"
	","
	"{\"name\":\"no_backend\",\"verdict\":\"drop\",\"packets\":4}],"
	"\"services\":[{\"name\":\"web\",\"vip\":\"198.51.100.10:80\",\"protocol\":\"tcp\","
	"\"scheduler\":\"maglev\",\"forward\":\"dsr\",\"table_size\":4093,\"moving\":41,"
	"\"slots_waiting\":7,\"slots_moved\":900,\"slots_forced\":33,\"connections_at_risk\":2,"
	"\"panic\":\"closed\",\"spilling\":true,\"on_backup\":false,\"live\":null,\"flows\":5,"
	"\"packets\":10,\"bytes\":640,\"connections\":3,\"replies\":0,\"reply_bytes\":0,"
	"\"groups\":[{\"name\":\"zone \\\"a\\\"\\\\1\",\"total\":4,\"healthy\":1,\"share\":0.357}],"
	"\"backends\":[{\"name\":\"web1\",\"address\":\"203.0.113.11:80\",\"state\":\"up\","
	"\"group\":\"zone \\\"a\\\"\\\\1\",\"weight\":3,\"effective_weight\":1.25,\"slots\":4000,"
	"\"moving\":41,\"live\":null,\"flows\":5,\"packets\":10,\"bytes\":640,\"connections\":3,"
	"\"replies\":0,\"reply_bytes\":0,\"response_us\":12345,\"probes\":70,\"probe_failures\":0,"
	"\"latency_us\":250,\"agent\":{\"percent\":90},"
	"\"passive\":{\"ejected\":false,\"good\":9,\"bad\":1},\"samples\":{\"connects\":10,"
	"\"connected\":9,\"requests\":8,\"answered\":7,\"resets\":1}},"
	"{\"name\":\"web2\",\"address\":\"[2001:db8::12]:80\",\"state\":\"ejected\",\"group\":null,"
	"\"weight\":1,\"effective_weight\":0,\"live\":12,\"response_us\":null,\"agent\":null,"
	"\"passive\":{\"ejected\":true,\"total\":3,\"good\":1,\"bad\":8},\"samples\":null}]}]}";

static char *text;

static int setup(void **state)
{
	json_t *status = json_loads(status_text, 0, NULL);

	(void)state;
	assert_non_null(status);
	text = api_metrics_format(status);
	json_decref(status);
	return text ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(text);
	return 0;
}

/* a whole line */
static bool has_line(const char *line)
{
	size_t length = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at += length) {
		if ((at == text || at[-1] == '\n') && at[length] == '\n')
			return true;
	}
	return false;
}

static void assert_line(const char *line)
{
	if (!has_line(line))
		fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void test_metrics_node_is_in_base_units(void **state)
{
	(void)state;
	assert_line("leat_build_info{version=\"0.1.0\"} 1");
	assert_line("leat_start_time_seconds 1700000000.5");
	assert_line("leat_slots_used 4093");
	assert_line("leat_slots_capacity 65536");
	assert_line("leat_slot_writes_total 12");
	assert_line("leat_warnings 2");
	assert_line("leat_flow_table_used{family=\"ipv4\"} 5");
	assert_line("leat_flow_table_capacity{family=\"ipv6\"} 1024");
	assert_line("leat_interface_attached{interface=\"gw0\",mode=\"native\"} 1");
	assert_line("leat_interface_attached{interface=\"gw1\",mode=\"generic\"} 0");
}

static void test_metrics_counters_keep_every_digit(void **state)
{
	(void)state;
	assert_line("leat_packets_total{reason=\"forwarded\",verdict=\"forward\"} "
		    "9007199254740993");
	assert_line("leat_packets_total{reason=\"no_backend\",verdict=\"drop\"} 4");
}

static void test_metrics_service_has_moves_panic_and_traffic(void **state)
{
	(void)state;
	assert_line("leat_service_info{service=\"web\",vip=\"198.51.100.10:80\",protocol=\"tcp\","
		    "scheduler=\"maglev\",forward=\"dsr\"} 1");
	assert_line("leat_service_slots_moved_total{service=\"web\"} 900");
	assert_line("leat_service_slots_waiting{service=\"web\"} 7");
	assert_line("leat_service_connections_at_risk_total{service=\"web\"} 2");
	assert_line("leat_service_panic{service=\"web\",mode=\"open\"} 0");
	assert_line("leat_service_panic{service=\"web\",mode=\"closed\"} 1");
	assert_line("leat_service_spilling{service=\"web\"} 1");
	assert_line("leat_service_on_backup{service=\"web\"} 0");
	assert_line("leat_service_bytes_total{service=\"web\"} 640");
}

static void test_metrics_labels_are_escaped(void **state)
{
	(void)state;
	assert_line("leat_group_share_ratio{service=\"web\",group=\"zone \\\"a\\\"\\\\1\"} 0.357");
	assert_line("leat_group_healthy_weight{service=\"web\",group=\"zone \\\"a\\\"\\\\1\"} 1");
}

#define WEB1 "{service=\"web\",backend=\"web1\",address=\"203.0.113.11:80\"}"
#define WEB2 "{service=\"web\",backend=\"web2\",address=\"[2001:db8::12]:80\"}"

static void test_metrics_backend_has_weight_load_and_times(void **state)
{
	(void)state;
	assert_line("leat_backend_up" WEB1 " 1");
	assert_line("leat_backend_up" WEB2 " 0");
	assert_line("leat_backend_state{service=\"web\",backend=\"web2\","
		    "address=\"[2001:db8::12]:80\",state=\"ejected\",group=\"\"} 1");
	assert_line("leat_backend_effective_weight" WEB1 " 1.25");
	assert_line("leat_backend_response_seconds" WEB1 " 0.012345");
	assert_line("leat_backend_probe_duration_seconds" WEB1 " 0.00025");
	assert_line("leat_backend_agent_ratio" WEB1 " 0.9");
	assert_line("leat_backend_ejected" WEB1 " 0");
	assert_line("leat_backend_ejected" WEB2 " 1");
	assert_line("leat_backend_ejections_total" WEB2 " 3");
	assert_line("leat_backend_live_connections" WEB2 " 12");
	assert_line("leat_backend_sampled_answered_total" WEB1 " 7");
}

static void test_metrics_what_is_unknown_has_no_series(void **state)
{
	(void)state;
	assert_null(strstr(text, "leat_service_live_connections{"));
	assert_null(strstr(text, "leat_backend_live_connections" WEB1));
	assert_null(strstr(text, "leat_backend_response_seconds" WEB2));
	assert_null(strstr(text, "leat_backend_agent_ratio" WEB2));
	assert_null(strstr(text, "leat_backend_sampled_connects_total" WEB2));
}

/* ---- the format ------------------------------------------------------------- */

/** struct grammar - what has been read so far */
struct grammar {
	char family[80]; /* of the last # TYPE */
	char type[16];
	char helped[80]; /* of the last # HELP */
	char *seen[MAX_SERIES];
	size_t count;
	size_t families;
};

static void check_type(struct grammar *g, const char *line)
{
	size_t length;

	assert_int_equal(sscanf(line, "# TYPE %79s %15s", g->family, g->type), 2);
	assert_string_equal(g->family, g->helped);
	assert_true(!strcmp(g->type, "counter") || !strcmp(g->type, "gauge"));
	length = strlen(g->family);
	if (!strcmp(g->type, "counter") !=
	    (length > 6 && !strcmp(g->family + length - 6, "_total")))
		fail_msg("%s is a %s", g->family, g->type);
	for (size_t i = 0; i < g->count; i++) {
		if (!strncmp(g->seen[i], g->family, length) && strchr("{ ", g->seen[i][length]))
			fail_msg("%s begins a second time", g->family);
	}
	g->families++;
}

static void check_series(struct grammar *g, const char *line)
{
	size_t name = strcspn(line, "{ "), length = strlen(line);
	const char *space = strrchr(line, ' ');
	char *end;

	assert_int_equal(name, strlen(g->family));
	assert_memory_equal(line, g->family, name);
	assert_non_null(space);
	strtod(space + 1, &end);
	assert_int_equal(*end, '\0');
	assert_true(space[1] != '\0' && (line[name] != '{' || space[-1] == '}'));
	for (size_t i = 0; i < g->count; i++)
		assert_true(strncmp(g->seen[i], line, (size_t)(space - line) + 1) != 0);
	assert_true(g->count < MAX_SERIES);
	g->seen[g->count] = malloc(length + 1);
	memcpy(g->seen[g->count++], line, length + 1);
}

static void test_metrics_follow_the_format(void **state)
{
	struct grammar *g = calloc(1, sizeof(*g));
	char *rest = text, *line;

	(void)state;
	assert_int_equal(text[strlen(text) - 1], '\n');
	while ((line = strsep(&rest, "\n")) && *line) {
		if (!strncmp(line, "# HELP ", 7))
			assert_int_equal(sscanf(line, "# HELP %79s %*[^\n]", g->helped), 1);
		else if (!strncmp(line, "# TYPE ", 7))
			check_type(g, line);
		else
			check_series(g, line);
	}

	assert_true(g->families > 50);
	assert_true(g->count > 60);
	for (size_t i = 0; i < g->count; i++)
		free(g->seen[i]);
	free(g);
}

static void test_metrics_of_an_empty_status_are_headers(void **state)
{
	json_t *status = json_object();
	char *empty = api_metrics_format(status);

	(void)state;
	assert_non_null(strstr(empty, "# TYPE leat_backend_up gauge\n"));
	assert_null(strstr(empty, "leat_backend_up{"));
	json_decref(status);
	free(empty);
}

#define METRICS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		METRICS_TEST(test_metrics_node_is_in_base_units),
		METRICS_TEST(test_metrics_counters_keep_every_digit),
		METRICS_TEST(test_metrics_service_has_moves_panic_and_traffic),
		METRICS_TEST(test_metrics_labels_are_escaped),
		METRICS_TEST(test_metrics_backend_has_weight_load_and_times),
		METRICS_TEST(test_metrics_what_is_unknown_has_no_series),
		METRICS_TEST(test_metrics_follow_the_format),
		METRICS_TEST(test_metrics_of_an_empty_status_are_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
