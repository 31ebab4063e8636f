/* SPDX-License-Identifier: GPL-2.0-only */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/addr.h"
#include "plan/changes.h"
#include "plan/diff.h"

/* Two equal configurations; each test changes the one that comes next. */
struct sides {
	struct model_config running, next;
	struct model_service services[2][3];
	struct model_backend backends[2][4];
	struct model_interface interfaces[2][3];
	struct diff diff;
};

static void fill_service(struct model_service *s, char *name, const char *vip)
{
	*s = (struct model_service) {
		.name = name,
		.port = 80,
		.proto = IPPROTO_TCP,
		.forward = LB_FORWARD_DSR,
		.table_size = 4093,
		.idle_timeout_ms = 900000,
		.drain_timeout_ms = 600000,
		.add_vip = true,
		.health = { .type = PROBE_TCP, .interval_ms = 2000 },
	};
	assert_int_equal(addr_parse(vip, &s->vip), 0);
}

static void fill_backend(struct model_backend *b, char *name, const char *address)
{
	*b = (struct model_backend) { .name = name, .port = 80, .weight = 1 };
	assert_int_equal(addr_parse(address, &b->address), 0);
}

static void fill_side(struct sides *sides, int side, struct model_config *config)
{
	struct model_service *services = sides->services[side];
	struct model_backend *backends = sides->backends[side];

	fill_service(&services[0], "web", "198.51.100.10");
	fill_service(&services[1], "web6", "2001:db8::10");
	fill_service(&services[2], "extra", "198.51.100.30");
	fill_backend(&backends[0], "web1", "192.0.2.1");
	fill_backend(&backends[1], "web2", "192.0.2.2");
	fill_backend(&backends[2], "web3", "192.0.2.3");
	fill_backend(&backends[3], "web1", "2001:db8::1");
	services[0].backends = &backends[0];
	services[0].backend_count = 2;
	services[1].backends = &backends[3];
	services[1].backend_count = 1;
	sides->interfaces[side][0] = (struct model_interface) { .name = "gw0" };
	sides->interfaces[side][1] = (struct model_interface) { .name = "gw1" };
	*config = (struct model_config) {
		.interfaces = sides->interfaces[side],
		.interface_count = 1,
		.services = services,
		.service_count = 2,
		.max_slots = 100000,
		.max_flows = 100000,
		.warm_up_ms = 5000,
		.handshake_ms = 10000,
	};
}

static void make_sides(struct sides *sides)
{
	memset(sides, 0, sizeof(*sides));
	fill_side(sides, 0, &sides->running);
	fill_side(sides, 1, &sides->next);
}

/* The one change there is. */
static const struct diff_change *only_change(struct sides *sides)
{
	assert_int_equal(diff_configs(&sides->running, &sides->next, &sides->diff), 0);
	assert_int_equal(sides->diff.count, 1);
	return &sides->diff.list[0];
}

/* @flags: 's' changes slots, 'r' has a risk, 'x' is refused */
static void assert_change(const struct diff_change *change, enum diff_kind kind, const char *object,
			  const char *detail, const char *flags)
{
	assert_int_equal(change->kind, kind);
	assert_string_equal(change->object, object);
	assert_string_equal(change->detail, detail);
	assert_int_equal(change->changes_slots, strchr(flags, 's') != NULL);
	assert_int_equal(change->risk != NULL, strchr(flags, 'r') != NULL);
	assert_int_equal(change->refusal != NULL, strchr(flags, 'x') != NULL);
}

static void assert_only_change(struct sides *sides, const char *object, const char *detail,
			       const char *flags)
{
	assert_change(only_change(sides), DIFF_CHANGED, object, detail, flags);
	diff_free(&sides->diff);
}

static void assert_no_change(struct sides *sides)
{
	assert_int_equal(diff_configs(&sides->running, &sides->next, &sides->diff), 0);
	assert_int_equal(sides->diff.count, 0);
	diff_free(&sides->diff);
}

static void test_diff_equal_configurations_give_nothing(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);

	assert_no_change(&sides);
}

static void test_diff_another_order_is_no_change(void **state)
{
	struct sides sides;
	struct model_service service;
	struct model_backend backend;

	(void)state;
	make_sides(&sides);
	backend = sides.backends[1][0];
	sides.backends[1][0] = sides.backends[1][1];
	sides.backends[1][1] = backend;
	service = sides.services[1][0];
	sides.services[1][0] = sides.services[1][1];
	sides.services[1][1] = service;

	assert_no_change(&sides);
}

static void test_diff_interfaces_come_go_and_change_their_mode(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.next.interface_count = 2;
	assert_change(only_change(&sides), DIFF_ADDED, "interface gw1", "mode auto", "");
	diff_free(&sides.diff);

	sides.next.interface_count = 0;
	assert_change(only_change(&sides), DIFF_REMOVED, "interface gw0", "detached", "");
	diff_free(&sides.diff);

	sides.next.interface_count = 1;
	sides.interfaces[1][0].mode = XDP_MODE_NATIVE;
	assert_only_change(&sides, "interface gw0", "mode auto -> native", "");
}

static void test_diff_service_added_and_removed(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.next.service_count = 3;
	assert_change(only_change(&sides), DIFF_ADDED, "service extra",
		      "198.51.100.30:80 tcp, dsr, backends: 0", "s");
	diff_free(&sides.diff);

	sides.next.service_count = 1;
	assert_change(only_change(&sides), DIFF_REMOVED, "service web6",
		      "[2001:db8::10]:80 tcp, dsr, backends: 1", "s");
	diff_free(&sides.diff);
}

static void test_diff_service_on_another_port_is_another_service(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.services[1][0].port = 81;

	assert_int_equal(diff_configs(&sides.running, &sides.next, &sides.diff), 0);

	assert_int_equal(sides.diff.count, 2);
	assert_int_equal(sides.diff.list[0].kind, DIFF_REMOVED);
	assert_int_equal(sides.diff.list[1].kind, DIFF_ADDED);
	diff_free(&sides.diff);
}

static void test_diff_protocol_is_part_of_what_a_service_is(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.services[1][0].proto = IPPROTO_UDP;

	assert_int_equal(diff_configs(&sides.running, &sides.next, &sides.diff), 0);

	assert_int_equal(sides.diff.count, 2);
	diff_free(&sides.diff);
}

static void test_diff_plain_settings_of_a_service_need_no_force(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.services[1][0].name = "www";
	assert_only_change(&sides, "service www", "name web -> www", "");

	make_sides(&sides);
	sides.services[1][0].idle_timeout_ms = 90000;
	assert_only_change(&sides, "service web", "idle_timeout 15m -> 90s", "");

	make_sides(&sides);
	sides.services[1][0].drain_timeout_ms = 0;
	assert_only_change(&sides, "service web", "drain_timeout 10m -> none", "");

	make_sides(&sides);
	sides.services[1][0].init_up = true;
	assert_only_change(&sides, "service web", "init probe -> up", "");

	make_sides(&sides);
	sides.services[1][0].add_vip = false;
	assert_only_change(&sides, "service web", "vip_address add -> none", "");
}

static void test_diff_health_says_which_probe(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.services[1][0].health.type = PROBE_HTTP;
	sides.services[1][0].health.interval_ms = 500;
	assert_only_change(&sides, "service web", "health tcp every 2s -> http every 500ms", "");

	make_sides(&sides);
	sides.services[1][0].health.fall = 7;
	assert_only_change(&sides, "service web", "health tcp every 2s, other settings", "");
}

static void test_diff_forward_track_and_table_size_need_force(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.services[1][0].forward = LB_FORWARD_NAT;
	assert_only_change(&sides, "service web", "forward dsr -> nat", "sr");

	make_sides(&sides);
	sides.services[1][0].track_all = true;
	assert_only_change(&sides, "service web", "track exceptions -> all", "sr");

	make_sides(&sides);
	sides.services[1][0].table_size = 8191;
	assert_only_change(&sides, "service web", "table_size 4093 -> 8191", "sr");
}

static void test_diff_track_of_a_nat_service_changes_nothing_for_packets(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.services[0][0].forward = LB_FORWARD_NAT;
	sides.services[1][0].forward = LB_FORWARD_NAT;
	sides.services[1][0].track_all = true;

	assert_only_change(&sides, "service web", "track exceptions -> all", "");
}

static void test_diff_backend_added_and_removed(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.services[1][0].backend_count = 3;
	assert_change(only_change(&sides), DIFF_ADDED, "backend web/web3", "192.0.2.3:80, weight 1",
		      "s");
	diff_free(&sides.diff);

	sides.services[1][0].backend_count = 1;
	assert_change(only_change(&sides), DIFF_REMOVED, "backend web/web2",
		      "drains, drain_timeout 10m", "s");
	diff_free(&sides.diff);
}

static void test_diff_backend_added_draining_changes_no_slot(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.services[1][0].backend_count = 3;
	sides.backends[1][2].drain = true;

	assert_change(only_change(&sides), DIFF_ADDED, "backend web/web3",
		      "192.0.2.3:80, weight 1, drain", "");
	diff_free(&sides.diff);
}

static void test_diff_backend_settings(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.backends[1][1].weight = 3;
	assert_only_change(&sides, "backend web/web2", "weight 1 -> 3", "s");

	make_sides(&sides);
	sides.backends[1][1].drain = true;
	assert_only_change(&sides, "backend web/web2", "drain false -> true", "s");

	make_sides(&sides);
	sides.backends[1][1].name = "web9";
	assert_only_change(&sides, "backend web/web9", "name web2 -> web9", "");

	make_sides(&sides);
	sides.backends[0][1].drain = sides.backends[1][1].drain = true;
	sides.backends[1][1].weight = 3;
	assert_only_change(&sides, "backend web/web2", "weight 1 -> 3", "");
}

static void test_diff_backend_on_another_port_is_another_backend(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.backends[1][1].port = 8080;

	assert_int_equal(diff_configs(&sides.running, &sides.next, &sides.diff), 0);

	assert_int_equal(sides.diff.count, 2);
	assert_int_equal(sides.diff.list[0].kind, DIFF_REMOVED);
	assert_int_equal(sides.diff.list[1].kind, DIFF_ADDED);
	diff_free(&sides.diff);
}

static void test_diff_timers(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.next.warm_up_ms = 1500;
	assert_only_change(&sides, "timers", "warm_up 5s -> 1500ms", "");

	make_sides(&sides);
	sides.next.handshake_ms = 3600000;
	assert_only_change(&sides, "timers", "handshake 10s -> 1h", "");
}

static void test_diff_larger_limits_are_refused_and_smaller_ones_wait(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.next.max_slots = 100001;
	assert_only_change(&sides, "limits", "max_slots 100000 -> 100001", "x");

	sides.next.max_slots = 90000;
	assert_only_change(&sides, "limits",
			   "max_slots 100000 -> 90000; counts from the next first start on", "");

	sides.next.max_slots = 0;
	assert_only_change(&sides, "limits",
			   "max_slots 100000 -> unset; counts from the next first start on", "");

	sides.running.max_slots = 0;
	sides.next.max_slots = 100000;
	assert_only_change(&sides, "limits", "max_slots unset -> 100000", "x");
}

static void test_diff_max_flows_fits_up_to_the_next_power_of_two(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.next.max_flows = 131072;
	assert_only_change(&sides, "limits",
			   "max_flows 100000 -> 131072; counts from the next first start on", "");

	sides.next.max_flows = 131073;
	assert_only_change(&sides, "limits", "max_flows 100000 -> 131073", "x");
}

static void test_diff_tables_that_do_not_fit_are_refused(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.running.max_slots = sides.next.max_slots = 10000;
	sides.next.service_count = 3;

	assert_int_equal(diff_configs(&sides.running, &sides.next, &sides.diff), 0);

	assert_int_equal(sides.diff.count, 2);
	assert_change(&sides.diff.list[0], DIFF_CHANGED, "limits",
		      "12288 slots needed, max_slots is 10000", "x");
	diff_free(&sides.diff);
}

static void test_diff_hash_key_is_fixed_at_the_first_start(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.running.has_hash_key = sides.next.has_hash_key = true;
	assert_no_change(&sides);

	sides.next.hash_key[1] = 1;
	assert_only_change(&sides, "hash_key", "another", "x");

	sides.next.has_hash_key = false;
	assert_only_change(&sides, "hash_key", "unset; the running one stays", "");

	sides.running.has_hash_key = false;
	sides.next.has_hash_key = true;
	assert_only_change(&sides, "hash_key", "set, where one was drawn at the first start", "x");
}

static void test_diff_many_changes_are_all_listed(void **state)
{
	struct sides sides;
	struct model_backend many[100];
	char names[100][16];

	(void)state;
	make_sides(&sides);
	for (int i = 0; i < 100; i++) {
		snprintf(names[i], sizeof(names[i]), "b%d", i);
		fill_backend(&many[i], names[i], "192.0.2.9");
		many[i].port = 1000 + i;
	}
	sides.services[1][1].backends = many;
	sides.services[1][1].backend_count = 100;

	assert_int_equal(diff_configs(&sides.running, &sides.next, &sides.diff), 0);

	assert_int_equal(sides.diff.count, 101);
	assert_string_equal(sides.diff.list[100].object, "backend web6/b99");
	diff_free(&sides.diff);
	assert_null(sides.diff.list);
}

static void test_diff_durations_are_written_as_in_the_file(void **state)
{
	char buf[CHANGES_DURATION_LEN];

	(void)state;

	assert_string_equal(changes_format_duration(0, buf), "none");
	assert_string_equal(changes_format_duration(1, buf), "1ms");
	assert_string_equal(changes_format_duration(61000, buf), "61s");
	assert_string_equal(changes_format_duration(120000, buf), "2m");
	assert_string_equal(changes_format_duration(7200000, buf), "2h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diff_equal_configurations_give_nothing),
		cmocka_unit_test(test_diff_another_order_is_no_change),
		cmocka_unit_test(test_diff_interfaces_come_go_and_change_their_mode),
		cmocka_unit_test(test_diff_service_added_and_removed),
		cmocka_unit_test(test_diff_service_on_another_port_is_another_service),
		cmocka_unit_test(test_diff_protocol_is_part_of_what_a_service_is),
		cmocka_unit_test(test_diff_plain_settings_of_a_service_need_no_force),
		cmocka_unit_test(test_diff_health_says_which_probe),
		cmocka_unit_test(test_diff_forward_track_and_table_size_need_force),
		cmocka_unit_test(test_diff_track_of_a_nat_service_changes_nothing_for_packets),
		cmocka_unit_test(test_diff_backend_added_and_removed),
		cmocka_unit_test(test_diff_backend_added_draining_changes_no_slot),
		cmocka_unit_test(test_diff_backend_settings),
		cmocka_unit_test(test_diff_backend_on_another_port_is_another_backend),
		cmocka_unit_test(test_diff_timers),
		cmocka_unit_test(test_diff_larger_limits_are_refused_and_smaller_ones_wait),
		cmocka_unit_test(test_diff_max_flows_fits_up_to_the_next_power_of_two),
		cmocka_unit_test(test_diff_tables_that_do_not_fit_are_refused),
		cmocka_unit_test(test_diff_hash_key_is_fixed_at_the_first_start),
		cmocka_unit_test(test_diff_many_changes_are_all_listed),
		cmocka_unit_test(test_diff_durations_are_written_as_in_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
