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
	assert_only_change(&sides, "service web", "health tcp every 2s; changed: fall", "");
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

static void assert_only_risk(struct sides *sides, const char *detail, const char *risk)
{
	const struct diff_change *change = only_change(sides);

	assert_change(change, DIFF_CHANGED, change->object, detail, risk ? "sr" : "");
	if (risk)
		assert_non_null(strstr(change->risk, risk));
	diff_free(&sides->diff);
}

/* The first service of both sides, before and after. */
static void make_schedulers(struct sides *sides, enum model_scheduler from, enum model_scheduler to,
			    bool is_nat)
{
	make_sides(sides);
	sides->services[0][0].scheduler = from;
	sides->services[1][0].scheduler = to;
	if (is_nat)
		sides->services[0][0].forward = sides->services[1][0].forward = LB_FORWARD_NAT;
}

static void test_diff_scheduler_of_another_class_names_what_breaks(void **state)
{
	struct sides sides;

	(void)state;
	make_schedulers(&sides, SCHEDULER_MAGLEV, SCHEDULER_ROUND_ROBIN, false);
	assert_only_risk(&sides, "scheduler maglev -> round_robin", "lose their records");

	make_schedulers(&sides, SCHEDULER_LEAST_RESPONSE, SCHEDULER_SOURCE_HASH, false);
	assert_only_risk(&sides, "scheduler least_response -> source_hash", "lose their records");

	make_schedulers(&sides, SCHEDULER_MAGLEV, SCHEDULER_LEAST_CONN, true);
	assert_only_risk(&sides, "scheduler maglev -> least_conn",
			 "connections with a record stay where they are");

	make_schedulers(&sides, SCHEDULER_ROUND_ROBIN, SCHEDULER_MAGLEV, false);
	sides.services[0][0].track_all = sides.services[1][0].track_all = true;
	assert_only_risk(&sides, "scheduler round_robin -> maglev",
			 "connections with a record stay where they are");
}

static void test_diff_scheduler_without_a_hash_for_another_is_free(void **state)
{
	static const char *const details[] = { "scheduler round_robin -> least_conn",
					       "scheduler least_conn -> least_response",
					       "scheduler least_response -> round_robin" };
	static const enum model_scheduler ring[] = { SCHEDULER_ROUND_ROBIN, SCHEDULER_LEAST_CONN,
						     SCHEDULER_LEAST_RESPONSE,
						     SCHEDULER_ROUND_ROBIN };
	struct sides sides;

	(void)state;
	for (int i = 0; i < 3; i++) {
		make_schedulers(&sides, ring[i], ring[i + 1], i % 2);
		assert_only_change(&sides, "service web", details[i], "s");
	}
}

static void test_diff_hash_of_something_else_names_what_breaks(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.services[1][0].hash = HASH_SOURCE;
	assert_only_risk(&sides, "hash source_port -> source", "without a record break");

	make_schedulers(&sides, SCHEDULER_MAGLEV, SCHEDULER_MAGLEV, true);
	sides.services[0][0].hash = HASH_SOURCE;
	assert_only_risk(&sides, "hash source -> source_port",
			 "connections with a record stay where they are");

	make_schedulers(&sides, SCHEDULER_MAGLEV, SCHEDULER_SOURCE_HASH, false);
	assert_only_risk(&sides, "scheduler maglev -> source_hash", "without a record break");
}

/* web, on both sides: quic, with ids 0001 and 0002. */
static void make_quic(struct sides *sides)
{
	make_sides(sides);
	for (int side = 0; side < 2; side++) {
		sides->services[side][0].hash = HASH_QUIC;
		sides->services[side][0].quic.server_id_length = 2;
		for (unsigned i = 0; i < 3; i++) {
			sides->backends[side][i].server_id = i + 1;
			sides->backends[side][i].server_id_length = 2;
		}
	}
}

static void test_diff_quic_comes_freely_and_goes_with_force(void **state)
{
	struct sides sides;

	(void)state;
	make_quic(&sides);
	sides.services[0][0].hash = HASH_SOURCE_PORT;
	assert_change(only_change(&sides), DIFF_CHANGED, "service web", "hash source_port -> quic",
		      "");
	diff_free(&sides.diff);

	make_quic(&sides);
	sides.services[1][0].hash = HASH_SOURCE_PORT;
	assert_change(only_change(&sides), DIFF_CHANGED, "service web", "hash quic -> source_port",
		      "r");
	assert_non_null(strstr(sides.diff.list[0].risk, "whose slot has moved"));
	diff_free(&sides.diff);

	make_quic(&sides);
	sides.services[0][0].hash = HASH_SOURCE;
	assert_only_risk(&sides, "hash source -> quic", "without a record break");
}

static void test_diff_quic_ids_elsewhere_need_force(void **state)
{
	struct sides sides;

	(void)state;
	make_quic(&sides);
	assert_no_change(&sides);

	sides.services[1][0].quic.config = 3;
	assert_only_change(&sides, "service web", "quic.config 0 -> 3", "r");

	make_quic(&sides);
	sides.services[1][0].quic.server_id_length = 4;
	assert_only_change(&sides, "service web", "quic.server_id_length 2 -> 4", "r");

	sides.services[0][0].hash = sides.services[1][0].hash = HASH_SOURCE_PORT;
	assert_no_change(&sides);
}

static void test_diff_server_id_of_another_needs_force(void **state)
{
	struct sides sides;

	(void)state;
	make_quic(&sides);
	sides.backends[1][1].server_id = 0xbeef;
	assert_only_change(&sides, "backend web/web2", "server_id 0002 -> beef", "r");

	sides.backends[1][1].server_id = 1;
	sides.backends[1][0].server_id = 9;
	assert_int_equal(diff_configs(&sides.running, &sides.next, &sides.diff), 0);
	assert_int_equal(sides.diff.count, 2);
	assert_change(&sides.diff.list[0], DIFF_CHANGED, "backend web/web1",
		      "server_id 0001 -> 0009", "r");
	assert_change(&sides.diff.list[1], DIFF_CHANGED, "backend web/web2",
		      "server_id 0001, which web1 has", "r");
	diff_free(&sides.diff);
}

static void test_diff_server_id_of_a_new_backend_is_free_unless_it_was_anothers(void **state)
{
	struct sides sides;

	(void)state;
	make_quic(&sides);
	sides.services[1][0].backend_count = 3;
	assert_change(only_change(&sides), DIFF_ADDED, "backend web/web3", "192.0.2.3:80, weight 1",
		      "s");
	diff_free(&sides.diff);

	sides.services[1][0].backends = &sides.backends[1][1]; /* web1 goes, web3 comes */
	sides.services[1][0].backend_count = 2;
	sides.backends[1][2].server_id = 1;
	assert_int_equal(diff_configs(&sides.running, &sides.next, &sides.diff), 0);
	assert_int_equal(sides.diff.count, 3);
	assert_change(&sides.diff.list[2], DIFF_CHANGED, "backend web/web3",
		      "server_id 0001, which web1 has", "r");
	diff_free(&sides.diff);
}

static void test_diff_two_names_of_the_same_hash_are_free(void **state)
{
	struct sides sides;

	(void)state;
	make_schedulers(&sides, SCHEDULER_MAGLEV, SCHEDULER_SOURCE_HASH, false);
	sides.services[0][0].hash = HASH_SOURCE;
	assert_only_risk(&sides, "scheduler maglev -> source_hash", NULL);
}

/* web6's prefix goes from 64 to 56. */
static void make_prefixes(struct sides *sides, enum model_scheduler scheduler)
{
	make_sides(sides);
	for (int side = 0; side < 2; side++) {
		sides->services[side][1].scheduler = scheduler;
		sides->services[side][1].source_prefix6 = side ? 56 : 64;
	}
}

static void test_diff_source_prefix6_needs_force_where_it_is_hashed(void **state)
{
	struct sides sides;

	(void)state;
	make_prefixes(&sides, SCHEDULER_SOURCE_HASH);
	assert_only_risk(&sides, "source_prefix6 64 -> 56", "without a record break");

	make_prefixes(&sides, SCHEDULER_MAGLEV);
	sides.services[0][1].hash = sides.services[1][1].hash = HASH_SOURCE;
	sides.services[0][1].track_all = sides.services[1][1].track_all = true;
	assert_only_risk(&sides, "source_prefix6 64 -> 56",
			 "connections with a record stay where they are");
}

static void test_diff_source_prefix6_is_free_where_it_is_not_hashed(void **state)
{
	struct sides sides;

	(void)state;
	make_prefixes(&sides, SCHEDULER_MAGLEV);
	assert_only_risk(&sides, "source_prefix6 64 -> 56", NULL);

	make_prefixes(&sides, SCHEDULER_ROUND_ROBIN);
	assert_only_risk(&sides, "source_prefix6 64 -> 56", NULL);

	/* the clients of an IPv4 service have IPv4 addresses */
	make_schedulers(&sides, SCHEDULER_SOURCE_HASH, SCHEDULER_SOURCE_HASH, false);
	sides.services[1][0].source_prefix6 = 48;
	assert_only_risk(&sides, "source_prefix6 0 -> 48", NULL);
}

#define AT(field) offsetof(struct model_service, field)

/* One number of a service changed: what the plan says. */
static const struct {
	size_t offset;
	unsigned from, to;
	const char *detail;
} balancing[] = {
	{ AT(draws), 2, 4, "draws 2 -> 4" },
	{ AT(affinity_ms), 0, 600000, "affinity none -> 10m" },
	{ AT(response.decay_permille), 300, 1000, "response.decay 0.3 -> 1" },
	{ AT(response.window_ms), 30000, 90000, "response.window 30s -> 90s" },
	{ AT(response.explore_percent), 20, 0, "response.explore 20% -> 0%" },
	{ AT(adaptive.target_percent), 70, 80, "adaptive.target 70% -> 80%" },
	{ AT(adaptive.kp_milli), 500, 1050, "adaptive.kp 0.5 -> 1.05" },
	{ AT(adaptive.ki_milli), 100, 5, "adaptive.ki 0.1 -> 0.005" },
	{ AT(adaptive.kd_milli), 50, 0, "adaptive.kd 0.05 -> 0" },
	{ AT(adaptive.minimum_percent), 10, 20, "adaptive.minimum 10% -> 20%" },
	{ AT(adaptive.maximum_percent), 200, 150, "adaptive.maximum 200% -> 150%" },
	{ AT(adaptive.step_percent), 10, 5, "adaptive.step 10% -> 5%" },
	{ AT(adaptive.interval_ms), 1000, 500, "adaptive.interval 1s -> 500ms" },
	{ AT(churn.max_moves_permille), 50, 5, "churn.max_moves 5% -> 0.5%" },
	{ AT(churn.interval_ms), 1000, 2000, "churn.interval 1s -> 2s" },
	{ AT(churn.hysteresis_percent), 5, 10, "churn.hysteresis 5% -> 10%" },
	{ AT(slow_start.duration_ms), 0, 30000, "slow_start none -> 30s" },
	{ AT(slow_start.minimum_percent), 10, 1, "slow_start.minimum 10% -> 1%" },
	{ AT(slow_start.curve_milli), 1000, 2500, "slow_start.curve 1 -> 2.5" },
	{ AT(panic.threshold_percent), 0, 50, "panic.threshold 0% -> 50%" },
	{ AT(spill_percent), 70, 100, "spill_below 70% -> 100%" },
	{ AT(agent_check.port), 0, 8081, "agent_check.port none -> 8081" },
	{ AT(agent_check.interval_ms), 2000, 1000, "agent_check.interval 2s -> 1s" },
	{ AT(agent_check.timeout_ms), 1000, 1500, "agent_check.timeout 1s -> 1500ms" },
	{ AT(passive.sample), 64, 1, "passive.sample 64 -> 1" },
	{ AT(passive.timeout_ms), 3000, 5000, "passive.timeout 3s -> 5s" },
	{ AT(passive.window_ms), 10000, 60000, "passive.window 10s -> 1m" },
	{ AT(passive.minimum), 5, 10, "passive.minimum 5 -> 10" },
	{ AT(passive.threshold_percent), 50, 60, "passive.threshold 50% -> 60%" },
	{ AT(passive.max_ejected_percent), 30, 50, "passive.max_ejected 30% -> 50%" },
	{ AT(passive.eject_ms), 30000, 60000, "passive.eject 30s -> 1m" },
};

static void test_diff_each_setting_of_balancing_says_its_key(void **state)
{
	struct sides sides = {};

	(void)state;
	for (size_t i = 0; i < sizeof(balancing) / sizeof(balancing[0]); i++) {
		make_sides(&sides);
		memcpy((char *)&sides.services[0][0] + balancing[i].offset, &balancing[i].from,
		       sizeof(unsigned));
		memcpy((char *)&sides.services[1][0] + balancing[i].offset, &balancing[i].to,
		       sizeof(unsigned));

		assert_only_change(&sides, "service web", balancing[i].detail, "");
	}
}

static void test_diff_modes_of_balancing_say_their_words(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.services[1][0].is_adaptive = true;
	assert_only_change(&sides, "service web", "weights static -> adaptive", "");

	make_sides(&sides);
	sides.services[0][0].passive.is_on = true;
	assert_only_change(&sides, "service web", "passive on -> off", "");

	make_sides(&sides);
	sides.services[1][0].panic.mode = PANIC_CLOSED;
	assert_only_change(&sides, "service web", "panic.mode open -> closed", "");
}

static void test_diff_groups_come_go_and_change(void **state)
{
	struct model_group before[] = { { .name = "a" }, { .name = "b", .priority = 1 } };
	struct model_group after[] = { { .name = "b", .priority = 1 }, { .name = "a" } };
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.services[0][0].groups = before;
	sides.services[0][0].group_count = 2;
	sides.services[1][0].groups = after;
	sides.services[1][0].group_count = 2;
	sides.backends[1][0].group = sides.backends[1][1].group = 1;
	assert_no_change(&sides);

	after[0].priority = 2;
	assert_only_change(&sides, "group web/b", "priority 1 -> 2", "s");
	after[0].priority = 1;
	after[1].weight = 3;
	assert_only_change(&sides, "group web/a", "weight of its backends -> 3", "s");
	after[1].weight = 0;
	after[0].is_backup = true;
	assert_only_change(&sides, "group web/b", "backup false -> true", "s");
	after[0].is_backup = false;
	sides.backends[1][1].group = 0;
	assert_only_change(&sides, "backend web/web2", "group a -> b", "s");
	sides.backends[1][1].group = 1;

	sides.services[0][0].group_count = 1;
	assert_change(only_change(&sides), DIFF_ADDED, "group web/b",
		      "priority 1, weight of its backends", "s");
	diff_free(&sides.diff);
	after[0] = after[1];
	sides.backends[1][0].group = sides.backends[1][1].group = 0;
	sides.services[0][0].group_count = 2;
	sides.services[1][0].group_count = 1;
	assert_change(only_change(&sides), DIFF_REMOVED, "group web/b", "", "s");
	diff_free(&sides.diff);
}

static void test_diff_backends_that_join_groups_say_so(void **state)
{
	struct model_group groups[] = { { .name = "a", .weight = 2, .is_backup = true } };
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.services[1][0].groups = groups;
	sides.services[1][0].group_count = 1;
	sides.services[1][0].backend_count = 3;

	assert_int_equal(diff_configs(&sides.running, &sides.next, &sides.diff), 0);

	assert_int_equal(sides.diff.count, 4);
	assert_change(&sides.diff.list[0], DIFF_ADDED, "group web/a",
		      "priority 0, weight 2, backup", "s");
	assert_change(&sides.diff.list[2], DIFF_CHANGED, "backend web/web2", "group none -> a",
		      "s");
	assert_change(&sides.diff.list[3], DIFF_ADDED, "backend web/web3",
		      "192.0.2.3:80, weight 1, group a", "s");
	diff_free(&sides.diff);
}

static void test_diff_health_names_every_key_that_changed(void **state)
{
	struct sides sides = {};
	struct model_health *health = &sides.services[1][0].health;
	char *command[] = { "/bin/true", NULL };

	(void)state;
	make_sides(&sides);
	sides.services[0][0].health.type = health->type = PROBE_HTTPS;
	health->via_vip = true;
	health->fast_interval_ms = health->backoff_ms = health->timeout_ms = 500;
	health->rise = health->fall = health->jitter_percent = health->port = 7;
	health->flap_limit = 6;
	health->flap_window_ms = health->flap_hold_ms = 60000;
	health->method = health->path = health->host = health->body = "x";
	health->tls.verify = VERIFY_NONE;
	health->grpc_service = health->query_name = "x";
	health->send = health->expect = (struct model_bytes) { .bytes = (uint8_t *)"x", .size = 1 };
	health->expect_status[3] = 1;
	health->query_type = health->expect_rcodes = 1;
	health->command = command;

	assert_only_change(&sides, "service web",
			   "health https every 2s; changed: via, fast_interval, timeout, rise, "
			   "fall, jitter, backoff, damping, port, method, path, host, expect, "
			   "body, tls, service, send, query, query_type, rcodes, command",
			   "");

	make_sides(&sides);
	health->interval_ms = 1000;
	assert_only_change(&sides, "service web", "health tcp every 2s -> tcp every 1s", "");
	health->rise = 9;
	assert_only_change(&sides, "service web",
			   "health tcp every 2s -> tcp every 1s; changed: rise", "");
	health->type = PROBE_NONE;
	assert_only_change(&sides, "service web", "health tcp every 2s -> none", "");
}

static void test_diff_max_affinities_that_do_not_fit_are_refused(void **state)
{
	struct sides sides;

	(void)state;
	make_sides(&sides);
	sides.running.max_affinities = 65536;
	assert_only_change(&sides, "limits",
			   "max_affinities 65536 -> unset; counts from the next first start on",
			   "");

	sides.next.max_affinities = 65537;
	assert_only_change(&sides, "limits", "max_affinities 65536 -> 65537", "x");

	sides.running.max_affinities = 0;
	assert_only_change(&sides, "limits", "max_affinities unset -> 65537", "x");
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
		cmocka_unit_test(test_diff_scheduler_of_another_class_names_what_breaks),
		cmocka_unit_test(test_diff_scheduler_without_a_hash_for_another_is_free),
		cmocka_unit_test(test_diff_hash_of_something_else_names_what_breaks),
		cmocka_unit_test(test_diff_quic_comes_freely_and_goes_with_force),
		cmocka_unit_test(test_diff_quic_ids_elsewhere_need_force),
		cmocka_unit_test(test_diff_server_id_of_another_needs_force),
		cmocka_unit_test(
			test_diff_server_id_of_a_new_backend_is_free_unless_it_was_anothers),
		cmocka_unit_test(test_diff_two_names_of_the_same_hash_are_free),
		cmocka_unit_test(test_diff_source_prefix6_needs_force_where_it_is_hashed),
		cmocka_unit_test(test_diff_source_prefix6_is_free_where_it_is_not_hashed),
		cmocka_unit_test(test_diff_each_setting_of_balancing_says_its_key),
		cmocka_unit_test(test_diff_modes_of_balancing_say_their_words),
		cmocka_unit_test(test_diff_groups_come_go_and_change),
		cmocka_unit_test(test_diff_backends_that_join_groups_say_so),
		cmocka_unit_test(test_diff_health_names_every_key_that_changed),
		cmocka_unit_test(test_diff_max_affinities_that_do_not_fit_are_refused),
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
