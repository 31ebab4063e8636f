/* SPDX-License-Identifier: GPL-2.0-only */
/* What status, reload and explain print for canned replies; suggestions, tables, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fields.h"
#include "cli/render.h"
#include "cli/table.h"
#include "model/nearest.h"

#define NOW_MS 1700000000000

/* what one rendering printed; freed by the next */
static char *out_text, *err_text;
static size_t out_size, err_size;

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, 0, &error);

	if (!value)
		fail_msg("the test's JSON, line %d: %s", error.line, error.text);
	return value;
}

static int forget(void **state)
{
	(void)state;
	free(out_text);
	free(err_text);
	out_text = NULL;
	err_text = NULL;
	return 0;
}

static void status_of(const char *text, bool is_verbose)
{
	json_t *status = parse(text);
	FILE *out;

	forget(NULL);
	out = open_memstream(&out_text, &out_size);
	render_status(status, NOW_MS, is_verbose, out);
	fclose(out);
	json_decref(status);
}

static void reload_of(const char *text)
{
	json_t *reload = parse(text);
	FILE *out, *err;

	forget(NULL);
	out = open_memstream(&out_text, &out_size);
	err = open_memstream(&err_text, &err_size);
	render_reload(reload, out, err);
	fclose(out);
	fclose(err);
	json_decref(reload);
}

static void explain_of(const char *text)
{
	json_t *explain = parse(text);
	FILE *out;

	forget(NULL);
	out = open_memstream(&out_text, &out_size);
	render_explain(explain, out);
	fclose(out);
	json_decref(explain);
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

/* ---- status -------------------------------------------------------------- */

static const char whole_status[] =
	"{\"version\":\"0.1.0\",\"pid\":4242,\"started_ms\":1699999989000,\"config\":\"/etc/leat/"
	"lb.yaml\",\"adopted\":true,"
	"\"interfaces\":[{\"name\":\"gw0\",\"ifindex\":3,\"mode\":\"native\",\"state\":"
	"\"attached\",\"mac\":\"02:00:00:00:00:01\"},"
	"{\"name\":\"gw1\",\"ifindex\":0,\"mode\":\"generic\",\"state\":\"absent\",\"mac\":null}],"
	"\"flows\":{\"ipv4\":{\"used\":1234,\"capacity\":1048576},\"ipv6\":{\"used\":0,"
	"\"capacity\":1048576}},"
	"\"slots\":{\"used\":8186,\"capacity\":262144},\"clock\":{\"unit_us\":256000},"
	"\"warnings\":[\"IPv4 flows: 46 % used\"],"
	"\"services\":[{\"name\":\"web\",\"id\":1,\"vip\":\"198.51.100.10:80\",\"protocol\":"
	"\"tcp\",\"scheduler\":\"maglev\",\"forward\":\"dsr\",\"tracked\":false,"
	"\"table_size\":4093,\"moving\":41,\"flows\":1234,\"packets\":1234567,\"bytes\":987654321,"
	"\"connections\":54321,\"digest_target\":\"aa\",\"digest_live\":\"bb\","
	"\"backends\":[{\"name\":\"web1\",\"id\":1,\"address\":\"203.0.113.11:80\",\"state\":"
	"\"up\",\"reason\":\"connected\",\"since_ms\":1699999800000,"
	"\"weight\":3,\"effective_weight\":3,\"slots\":4052,\"share\":0.99,\"moving\":41,"
	"\"flows\":1200,\"packets\":1234000,\"bytes\":987000000,\"connections\":54000,"
	"\"next_hop\":\"02:00:00:00:00:0b on gw1\",\"probes\":7},"
	"{\"name\":\"web2\",\"id\":2,\"address\":\"203.0.113.12:80\",\"state\":\"down\","
	"\"reason\":\"connection refused\",\"since_ms\":null,\"weight\":1,"
	"\"effective_weight\":0,\"slots\":0,\"share\":0,\"moving\":0,\"flows\":34,"
	"\"packets\":567,\"bytes\":654321,\"connections\":321,\"next_hop\":null,\"probes\":7}]}],"
	"\"reasons\":[{\"name\":\"forwarded\",\"verdict\":\"forward\",\"packets\":1234567,"
	"\"text\":\"sent to a backend\"},"
	"{\"name\":\"no_backend\",\"verdict\":\"drop\",\"packets\":0,\"text\":\"no usable "
	"backend\"}]}";

static void test_render_status_aligns_every_part(void **state)
{
	(void)state;
	status_of(whole_status, false);

	assert_string_equal(
		out_text,
		"leat 0.1.0, pid 4242, up 11s, /etc/leat/lb.yaml\n"
		"adopted a data path that was already running\n"
		"warning: IPv4 flows: 46 % used\n"
		"\n"
		"INTERFACE  STATE     MODE     INDEX  MAC\n"
		"gw0        attached  native       3  02:00:00:00:00:01\n"
		"gw1        absent    generic      0  -\n"
		"\n"
		"ROOM         USED   CAPACITY   FULL\n"
		"IPv4 flows  1,234  1,048,576  0.1 %\n"
		"IPv6 flows      0  1,048,576  0.0 %\n"
		"slots       8,186    262,144  3.1 %\n"
		"\n"
		"service web: 198.51.100.10:80 tcp, maglev, dsr\n"
		"  table: 4,093 slots, 41 moving (1.0 %), on the way to what is wanted\n"
		"  seen: 54,321 connections, 1,234,567 packets (988 MB); 1,234 flows recorded\n"
		"  BACKEND  ADDRESS          STATE  SINCE   WEIGHT   SHARE  FLOWS   CONNS   BYTES  "
		"REASON\n"
		"  web1     203.0.113.11:80  up     3m 20s       3  99.0 %  1,200  54,000  987 MB  "
		"connected\n"
		"  web2     203.0.113.12:80  down   -       0 of 1   0.0 %     34     321  654 kB  "
		"connection refused\n"
		"\n"
		"REASON     VERDICT    PACKETS  MEANING\n"
		"forwarded  forward  1,234,567  sent to a backend\n");
}

static void test_render_status_verbose_adds_hops_digests_and_unmet_reasons(void **state)
{
	(void)state;
	status_of(whole_status, true);

	assert_contains(out_text, "dsr, id 1\n");
	assert_contains(out_text, "(digest bb, wanted aa)");
	assert_contains(out_text, "MOVING");
	assert_contains(out_text, "PACKETS");
	assert_contains(out_text, "\n    web1: id 1, next hop 02:00:00:00:00:0b on gw1\n");
	assert_contains(out_text, "no_backend  drop             0  no usable backend\n");
}

static void test_render_status_settled_table_is_as_wanted(void **state)
{
	(void)state;
	status_of("{\"services\":[{\"name\":\"dns\",\"tracked\":true,\"forward\":\"nat\","
		  "\"table_size\":4093,\"moving\":0,\"digest_target\":\"aa\","
		  "\"digest_live\":\"aa\",\"packets\":3,\"bytes\":192,\"replies\":2,"
		  "\"reply_bytes\":1280,\"backends\":[]}]}",
		  false);

	assert_contains(out_text, "nat, tracked\n");
	assert_contains(out_text, "4,093 slots, none moving, as wanted\n");
	assert_contains(out_text, "3 packets (192 B), 2 replies (1.28 kB); 0 flows recorded\n");
	assert_contains(out_text, "  no backends\n");
}

/* a service that uses everything; NOW_MS is 1700000000000 */
static const char busy_service[] =
	"{\"counts_corrected\":4,\"services\":[{\"name\":\"shop\",\"id\":2,\"vip\":\"198.51.100.10:"
	"443\",\"protocol\":"
	"\"tcp\",\"scheduler\":\"least_response\",\"hash\":null,\"response_source\":\"data_path\","
	"\"weights\":\"adaptive\",\"forward\":\"nat\",\"tracked\":true,\"table_size\":4093,"
	"\"moving\":0,\"slots_waiting\":120,\"slots_moved\":900,\"slots_forced\":33,"
	"\"connections_at_risk\":7,\"digest_target\":\"aa\",\"digest_live\":\"bb\","
	"\"panic\":\"open\",\"panic_since_ms\":1699999988000,\"spilling\":true,"
	"\"on_backup\":false,\"flows\":900,\"live\":640,\"packets\":1,\"bytes\":60,"
	"\"connections\":1,"
	"\"groups\":[{\"name\":\"zone-a\",\"priority\":0,\"weight\":0,\"backup\":false,"
	"\"total\":4,\"healthy\":1,\"share\":0.357},"
	"{\"name\":\"sorry\",\"priority\":0,\"weight\":1,\"backup\":true,\"total\":1,"
	"\"healthy\":1,\"share\":0}],"
	"\"backends\":[{\"name\":\"web1\",\"id\":1,\"group\":\"zone-a\",\"address\":"
	"\"203.0.113.11:80\",\"state\":\"up\",\"reason\":\"connected\",\"since_ms\":"
	"1699999800000,\"weight\":3,\"effective_weight\":0.864,\"slow_start_percent\":40,"
	"\"agent_percent\":90,\"adaptive_percent\":80,\"slots\":1,\"share\":0.5,\"moving\":0,"
	"\"live\":600,\"flows\":800,\"response_us\":12345,\"response_samples\":77,"
	"\"response_by\":\"requests\",\"connections\":1000,\"bytes\":60,\"next_hop\":"
	"\"02:00:00:00:00:0b on gw1\",\"probes\":7,\"probe\":\"connected\",\"latency_us\":250,"
	"\"probe_failures\":0,\"next_probe_ms\":1700000002000,\"flaps\":0,\"held_until_ms\":null,"
	"\"agent\":{\"state\":\"up\",\"percent\":90,\"since_ms\":1699999000000,\"heard_ms\":"
	"1699999999000,\"reason\":null,\"error\":null},"
	"\"passive\":{\"ejected\":false,\"until_ms\":null,\"ejections\":0,\"good\":9,\"bad\":0},"
	"\"samples\":{\"connects\":10,\"connected\":9,\"requests\":8,\"answered\":7,\"resets\":1}},"
	"{\"name\":\"web2\",\"id\":2,\"group\":\"zone-a\",\"address\":\"203.0.113.12:80\","
	"\"state\":\"ejected\",\"reason\":\"7 of 9 samples failed\",\"since_ms\":1699999990000,"
	"\"weight\":1,\"effective_weight\":0,\"live\":40,\"response_us\":null,"
	"\"held_until_ms\":1700000050000,\"flaps\":6,\"probe_failures\":5,\"next_probe_ms\":"
	"1700000130000,\"agent\":{\"state\":\"drain\",\"percent\":null,\"heard_ms\":1699999998000,"
	"\"reason\":\"backup runs\",\"error\":\"connection refused\"},"
	"\"passive\":{\"ejected\":true,\"until_ms\":1700000012000,\"ejections\":3,\"good\":2,"
	"\"bad\":7},\"samples\":null}]}]}";

static void test_render_status_tells_panic_groups_moves_and_times(void **state)
{
	(void)state;
	status_of(busy_service, false);

	assert_contains(out_text, "\ncounts of live connections set right: 4\n");
	assert_contains(out_text, "least_response, nat, tracked, adaptive weights\n");
	assert_contains(out_text, "none moving, 120 waiting, on the way to what is wanted\n");
	assert_contains(out_text,
			"  moved: 900 slots, 33 of them from dead backends; 7 connections at "
			"risk\n");
	assert_contains(out_text, "; 900 flows recorded, 640 live\n");
	assert_contains(out_text, "  response times: by the data path, sampled\n");
	assert_contains(out_text,
			"  panic for 12s: too few backends are healthy, so all are used\n");
	assert_contains(out_text,
			"  GROUP           PRIORITY  WEIGHT  HEALTHY   SHARE\n"
			"  zone-a                 0       4   25.0 %  35.7 %\n"
			"  sorry (backup)         0       1  100.0 %   0.0 %\n"
			"  spilling: some of it goes where priorities would not put it\n");
	assert_contains(
		out_text,
		"  BACKEND  GROUP   ADDRESS          STATE    SINCE       WEIGHT   SHARE  LIVE  "
		"CONNS  AVERAGE  BYTES  REASON\n"
		"  web1     zone-a  203.0.113.11:80  up       3m 20s  0.864 of 3  50.0 %   600  "
		"1,000  12.3 ms   60 B  connected\n");
}

static void test_render_status_notes_tell_why_a_backend_gets_less(void **state)
{
	(void)state;
	status_of(busy_service, false);

	assert_contains(out_text, "samples failed\n"
				  "    web1: weighs 0.864 of 3: slow start 40 %, agent check 90 %, "
				  "adaptive 80 %, its group has 35.7 % of the traffic\n"
				  "    web2: agent check: no answer (connection refused)\n"
				  "    web2: agent check: drain, backup runs, heard 2s ago\n"
				  "    web2: ejected for 12s more (3 in a row)\n"
				  "    web2: passive: 7 of 9 samples failed\n"
				  "    web2: held down for 50s more: 6 changes of late\n"
				  "    web2: 5 probes in a row failed, next in 2m 10s\n");
	assert_null(strstr(out_text, "    web1: agent"));
	assert_null(strstr(out_text, "next hop"));
}

static void test_render_status_verbose_notes_tell_all_that_is_known(void **state)
{
	(void)state;
	status_of(busy_service, true);

	assert_contains(out_text, "    web1: agent check: up 90 %, heard 1s ago\n");
	assert_contains(out_text, "    web1: passive: 0 of 9 samples failed\n");
	assert_contains(out_text, "    web1: 7 probes, the last: connected, 0.25 ms; next in 2s\n");
	assert_contains(out_text, "    web1: average of requests: 12.3 ms, 77 samples\n");
	assert_contains(out_text,
			"    web1: sampled: 9 of 10 connects went on, 7 of 8 requests were "
			"answered, 1 resets\n");
}

static void test_render_status_weight_that_a_group_changed_names_the_group(void **state)
{
	(void)state;
	status_of("{\"services\":[{\"groups\":[{\"name\":\"near\",\"share\":1},{\"name\":\"far\","
		  "\"share\":0}],\"backends\":[{\"name\":\"web1\","
		  "\"group\":\"far\",\"state\":\"up\",\"weight\":2,\"effective_weight\":0,"
		  "\"slow_start_percent\":50}]}]}",
		  false);

	assert_contains(
		out_text,
		"    web1: weighs 0 of 2: slow start 50 %, its group has 0 % of the traffic\n");
}

static void test_render_status_panic_closed_and_backups_are_said(void **state)
{
	(void)state;
	status_of(
		"{\"services\":[{\"scheduler\":\"maglev\",\"hash\":\"source\",\"panic\":\"closed\","
		"\"panic_since_ms\":1699999999000,\"response_source\":\"probes\",\"on_backup\":"
		"true,"
		"\"spilling\":true,\"groups\":[{\"name\":\"sorry\",\"backup\":true}]}]}",
		false);

	assert_contains(out_text, "maglev by source, ");
	assert_contains(out_text, "so none takes new connections\n");
	assert_contains(out_text, "by health probes, replies are not seen\n");
	assert_contains(out_text, "backup groups have the traffic\n");
	assert_null(strstr(out_text, "spilling"));
}

static void test_render_status_of_an_empty_reply_has_every_heading(void **state)
{
	(void)state;
	status_of("{}", true);

	assert_contains(out_text, "leat -, pid 0, up ");
	assert_contains(out_text, "INTERFACE  STATE");
	assert_contains(out_text, "\nno services\n");
	assert_contains(out_text, "\nno packets yet\n");
}

/* ---- reload -------------------------------------------------------------- */

static void test_render_reload_applied_prints_the_plan(void **state)
{
	(void)state;
	reload_of(
		"{\"applied\":true,\"dry_run\":false,\"changes\":["
		"{\"kind\":\"added\",\"object\":\"backend web/web4\",\"detail\":\"\",\"risk\":null,"
		"\"refusal\":null},"
		"{\"kind\":\"removed\",\"object\":\"service dns\",\"detail\":\"\",\"risk\":null,"
		"\"refusal\":null},"
		"{\"kind\":\"changed\",\"object\":\"backend web/web1\",\"detail\":\"weight 1 -> "
		"3\",\"risk\":null,\"refusal\":null}],"
		"\"slots_moved\":2047,\"slots_total\":4093,\"connections_affected\":12,"
		"\"errors\":[],\"error\":null}");

	assert_string_equal(out_text,
			    "  + backend web/web4\n"
			    "  - service dns\n"
			    "  ~ backend web/web1: weight 1 -> 3\n"
			    "2,047 of 4,093 slots move; 12 recorded connections are lost\n"
			    "applied\n");
	assert_string_equal(err_text, "");
}

static void test_render_reload_dry_run_says_that_nothing_was_changed(void **state)
{
	(void)state;
	reload_of("{\"applied\":false,\"dry_run\":true,\"changes\":[],\"errors\":[],"
		  "\"error\":null}");

	assert_string_equal(out_text, "the file says what is running already\n"
				      "dry run: nothing was changed\n");
	assert_string_equal(err_text, "");
}

static void test_render_reload_risk_asks_for_force(void **state)
{
	(void)state;
	reload_of("{\"applied\":false,\"dry_run\":false,\"changes\":[{\"kind\":\"changed\","
		  "\"object\":\"service web\",\"detail\":\"forward dsr -> nat\",\"risk\":\"every "
		  "connection breaks\",\"refusal\":null}],\"slots_moved\":0,\"slots_total\":4093,"
		  "\"connections_affected\":0,\"errors\":[],\"error\":null}");

	assert_contains(out_text, "  ~ service web: forward dsr -> nat\n"
				  "      risk: every connection breaks\n");
	assert_contains(out_text, "\nnothing was changed\n");
	assert_string_equal(err_text, "leat reload: --force accepts the risks named above\n");
}

static void test_render_reload_refusal_offers_no_force(void **state)
{
	(void)state;
	reload_of("{\"applied\":false,\"changes\":[{\"kind\":\"changed\",\"object\":\"node\","
		  "\"detail\":\"max_slots\",\"risk\":\"a risk\",\"refusal\":\"sized at first "
		  "start\"}],\"error\":\"cannot be done live\"}");

	assert_contains(out_text, "      refused: sized at first start\n");
	assert_string_equal(err_text, "leat reload: cannot be done live\n");
}

static void test_render_reload_errors_have_their_place(void **state)
{
	(void)state;
	reload_of("{\"applied\":false,\"changes\":[],\"errors\":["
		  "{\"file\":\"lb.yaml\",\"line\":12,\"column\":5,\"text\":\"unknown key\"},"
		  "{\"file\":\"lb.yaml\",\"line\":0,\"column\":0,\"text\":\"cannot be read\"}],"
		  "\"error\":\"2 errors\"}");

	assert_string_equal(err_text, "lb.yaml:12:5: unknown key\n"
				      "lb.yaml: cannot be read\n"
				      "leat reload: 2 errors\n");
	assert_string_equal(out_text, "");
}

/* ---- explain ------------------------------------------------------------- */

#define WEB1 "{\"id\":1,\"name\":\"web1\",\"address\":\"203.0.113.11:80\"}"
#define WEB2 "{\"id\":2,\"name\":\"web2\",\"address\":\"203.0.113.12:80\"}"

static void test_render_explain_settled_tells_slot_and_backend(void **state)
{
	(void)state;
	explain_of("{\"service\":\"web\",\"service_id\":1,\"table_size\":4093,\"slot\":77,"
		   "\"word\":{\"current\":" WEB2 ",\"origin\":" WEB2 ",\"moving\":false},"
		   "\"stamp\":0,\"record\":null,\"backend\":" WEB2 ",\"next_hop\":"
		   "\"02:00:00:00:00:0b on gw1\",\"verdict\":\"forward\",\"reason\":\"forwarded\","
		   "\"text\":\"sent to a backend\",\"would_record\":false}");

	assert_string_equal(out_text, "service   web (id 1)\n"
				      "slot      77 of 4093, settled: it belongs to web2\n"
				      "record    none\n"
				      "backend   web2 (id 2), 203.0.113.12:80\n"
				      "next hop  02:00:00:00:00:0b on gw1\n"
				      "verdict   forward (forwarded): sent to a backend\n");
}

static void test_render_explain_moving_tells_owners_stamp_and_record(void **state)
{
	(void)state;
	explain_of("{\"service\":\"web\",\"service_id\":1,\"table_size\":4093,\"slot\":77,"
		   "\"word\":{\"current\":" WEB2 ",\"origin\":" WEB1 ",\"moving\":true},"
		   "\"stamp\":61001,\"record\":{\"backend\":" WEB1 ",\"class\":\"established\","
		   "\"age_ms\":2500,\"generation_valid\":true},\"backend\":" WEB1 ","
		   "\"next_hop\":null,\"verdict\":\"forward\",\"reason\":\"forwarded\","
		   "\"text\":\"sent to a backend\"}");

	assert_string_equal(
		out_text,
		"service   web (id 1)\n"
		"slot      77 of 4093, moving: new connections go to web2 and are recorded,\n"
		"          what nobody recorded belongs to web1\n"
		"stamp     open: the slot settles when, for longer than the idle timeout, no "
		"packet went\n"
		"          elsewhere than to its current backend\n"
		"record    web1, established, last used 2s ago\n"
		"backend   web1 (id 1), 203.0.113.11:80\n"
		"verdict   forward (forwarded): sent to a backend\n");
}

static void test_render_explain_warm_up_would_record(void **state)
{
	(void)state;
	explain_of("{\"service\":\"web\",\"slot\":1,\"table_size\":4093,\"word\":{\"current\":" WEB1
		   ",\"origin\":" WEB1 ",\"moving\":true},\"stamp\":0,\"record\":null,"
		   "\"would_record\":true}");

	assert_contains(out_text, "warming up: it belongs to web1, new connections are recorded\n");
	assert_contains(out_text, "stamp     closed: the slot has not been handed over yet\n");
	assert_contains(out_text, "record    none; the packet would make one\n");
}

static void test_render_explain_record_of_a_dead_backend_is_void(void **state)
{
	(void)state;
	explain_of("{\"service\":\"web\",\"word\":{\"current\":null,\"origin\":null,"
		   "\"moving\":false},\"record\":{\"backend\":" WEB1 ",\"class\":\"udp\","
		   "\"age_ms\":1000,\"generation_valid\":false},\"backend\":null,"
		   "\"verdict\":\"drop\",\"reason\":\"no_backend\","
		   "\"text\":\"the service has no usable backend\"}");

	assert_contains(out_text, "settled: it belongs to nobody\n");
	assert_contains(out_text, "web1, udp, last used 1s ago; void, the backend has died");
	assert_contains(out_text,
			"backend   none\n"
			"verdict   drop (no_backend): the service has no usable backend\n");
}

static void test_render_explain_of_no_service_tells_the_verdict_alone(void **state)
{
	(void)state;
	explain_of("{\"service\":null,\"slot\":null,\"word\":null,\"record\":null,"
		   "\"backend\":null,\"verdict\":\"pass\",\"reason\":\"not_service\","
		   "\"text\":\"not addressed to a service\"}");

	assert_string_equal(out_text, "service   none\n"
				      "verdict   pass (not_service): not addressed to a service\n");
}

/* ---- numbers, tables, suggestions ---------------------------------------- */

static void test_format_count_groups_thousands(void **state)
{
	char buf[FIELD_STRLEN];

	(void)state;
	assert_string_equal(format_count(0, buf), "0");
	assert_string_equal(format_count(999, buf), "999");
	assert_string_equal(format_count(1000, buf), "1,000");
	assert_string_equal(format_count(-123456, buf), "-123,456");
	assert_string_equal(format_count(INT64_MAX, buf), "9,223,372,036,854,775,807");
	assert_string_equal(format_count(INT64_MIN, buf), "-9,223,372,036,854,775,808");
}

static void test_format_bytes_keeps_three_digits(void **state)
{
	char buf[FIELD_STRLEN];

	(void)state;
	assert_string_equal(format_bytes(0, buf), "0 B");
	assert_string_equal(format_bytes(999, buf), "999 B");
	assert_string_equal(format_bytes(1000, buf), "1 kB");
	assert_string_equal(format_bytes(999499, buf), "999 kB");
	assert_string_equal(format_bytes(999999, buf), "1 MB");
	assert_string_equal(format_bytes(1234567890, buf), "1.23 GB");
	assert_string_equal(format_bytes(INT64_MAX, buf), "9.22 EB");
}

static void test_format_duration_has_two_units(void **state)
{
	char buf[FIELD_STRLEN];

	(void)state;
	assert_string_equal(format_duration(-5000, buf), "0s");
	assert_string_equal(format_duration(59999, buf), "59s");
	assert_string_equal(format_duration(60000, buf), "1m 0s");
	assert_string_equal(format_duration(3599000, buf), "59m 59s");
	assert_string_equal(format_duration(7260000, buf), "2h 1m");
	assert_string_equal(format_duration(90000000, buf), "1d 1h");
}

static void test_field_make_printable_reaches_every_string(void **state)
{
	json_t *value = parse("{\"a\":\"x\\u001b[2Jy\",\"b\":[{\"c\":\"\\u009b\\u007f\\n\"}],"
			      "\"d\":\"caf\\u00e9\"}");
	const json_t *inner = json_array_get(json_object_get(value, "b"), 0);

	(void)state;
	field_make_printable(value);

	assert_string_equal(field_text(value, "a"), "x?[2Jy");
	assert_string_equal(field_text(inner, "c"), "????");
	assert_string_equal(field_text(value, "d"), "caf\xc3\xa9");
	json_decref(value);
}

static void test_table_counts_characters_not_bytes(void **state)
{
	static const char *const headings[] = { "NAME", ">N", "TEXT", NULL };
	struct table table;
	FILE *out;

	(void)state;
	forget(NULL);
	table_begin(&table, headings);
	table_add(&table, "caf\xc3\xa9");
	table_add(&table, "%d", 1);
	table_add(&table, "a");
	table_add(&table, "longer");
	table_add(&table, "%d", 22);
	table_add(&table, "b");

	out = open_memstream(&out_text, &out_size);
	table_print(&table, 2, out);
	fclose(out);

	table_free(&table);
	assert_string_equal(out_text, "  NAME     N  TEXT\n"
				      "  caf\xc3\xa9     1  a\n"
				      "  longer  22  b\n");
}

static const char *nearest_of(const char *word)
{
	static const char *const known[] = { "run",	"check", "reload",  "status",
					     "explain", "stop",	 "version", NULL };
	struct nearest nearest;

	nearest_begin(&nearest, word);
	for (const char *const *one = known; *one; one++)
		nearest_offer(&nearest, *one);
	return nearest.best;
}

static void test_nearest_finds_slips_and_beginnings(void **state)
{
	(void)state;
	assert_string_equal(nearest_of("statsu"), "status");
	assert_string_equal(nearest_of("realod"), "reload");
	assert_string_equal(nearest_of("chekc"), "check");
	assert_string_equal(nearest_of("rnu"), "run");
	assert_string_equal(nearest_of("exp"), "explain");
	assert_string_equal(nearest_of("vresion"), "version");
}

static void test_nearest_of_something_else_is_nothing(void **state)
{
	(void)state;
	assert_null(nearest_of("frobnicate"));
	assert_null(nearest_of("nur"));
	assert_null(nearest_of(""));
	assert_null(nearest_of("a-word-of-more-than-thirty-one-letters"));
}

#define RENDER(test) cmocka_unit_test_teardown(test, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RENDER(test_render_status_aligns_every_part),
		RENDER(test_render_status_verbose_adds_hops_digests_and_unmet_reasons),
		RENDER(test_render_status_settled_table_is_as_wanted),
		RENDER(test_render_status_tells_panic_groups_moves_and_times),
		RENDER(test_render_status_notes_tell_why_a_backend_gets_less),
		RENDER(test_render_status_verbose_notes_tell_all_that_is_known),
		RENDER(test_render_status_weight_that_a_group_changed_names_the_group),
		RENDER(test_render_status_panic_closed_and_backups_are_said),
		RENDER(test_render_status_of_an_empty_reply_has_every_heading),
		RENDER(test_render_reload_applied_prints_the_plan),
		RENDER(test_render_reload_dry_run_says_that_nothing_was_changed),
		RENDER(test_render_reload_risk_asks_for_force),
		RENDER(test_render_reload_refusal_offers_no_force),
		RENDER(test_render_reload_errors_have_their_place),
		RENDER(test_render_explain_settled_tells_slot_and_backend),
		RENDER(test_render_explain_moving_tells_owners_stamp_and_record),
		RENDER(test_render_explain_warm_up_would_record),
		RENDER(test_render_explain_record_of_a_dead_backend_is_void),
		RENDER(test_render_explain_of_no_service_tells_the_verdict_alone),
		RENDER(test_format_count_groups_thousands),
		RENDER(test_format_bytes_keeps_three_digits),
		RENDER(test_format_duration_has_two_units),
		RENDER(test_field_make_printable_reaches_every_string),
		RENDER(test_table_counts_characters_not_bytes),
		RENDER(test_nearest_finds_slips_and_beginnings),
		RENDER(test_nearest_of_something_else_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
