/* SPDX-License-Identifier: GPL-2.0-only */
/* What control decides without a data path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/state.h"
#include "health/agent_check.h"
#include "plan/maglev.h"

static void test_config_default_slots_of_a_small_file_is_a_million(void **state)
{
	struct model_service service = { .table_size = 4093 };
	struct model_config config = { .services = &service, .service_count = 1 };

	(void)state;

	assert_int_equal(config_default_slots(&config), 1 << 20);
}

static void test_config_default_slots_is_twice_what_a_large_file_needs(void **state)
{
	static struct model_service services[1000];
	struct model_config config = { .services = services, .service_count = 1000 };

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		services[i].table_size = 4093; /* 256 rows of 16 */

	assert_int_equal(config_default_slots(&config), 2 * 4096 * 1000);
}

static void test_config_default_slots_keeps_to_what_max_slots_may_be(void **state)
{
	static struct model_service services[100];
	struct model_config config = { .services = services, .service_count = 100 };

	(void)state;
	for (size_t i = 0; i < 100; i++)
		services[i].table_size = MODEL_TABLE_MAX;

	assert_int_equal(config_default_slots(&config), 67108864);
}

static void test_config_features_has_nat_where_one_service_has(void **state)
{
	struct model_service services[2] = { { .forward = LB_FORWARD_DSR },
					     { .forward = LB_FORWARD_NAT } };
	struct model_config config = { .services = services, .service_count = 1 };

	(void)state;
	assert_false(config_features(&config).has_nat);
	config.service_count = 2;

	assert_true(config_features(&config).has_nat);
}

static void test_config_features_has_quic_where_one_service_hashes_so(void **state)
{
	struct model_service services[2] = { { .hash = HASH_SOURCE }, { .hash = HASH_QUIC } };
	struct model_config config = { .services = services, .service_count = 1 };
	struct dataplane_features without, with;

	(void)state;
	without = config_features(&config);
	assert_false(without.has_quic);
	config.service_count = 2;
	with = config_features(&config);

	assert_true(with.has_quic);
	assert_true(features_union(&without, &with).has_quic);
	assert_true(features_union(&with, &without).has_quic);
	assert_false(features_union(&without, &without).has_quic);
}

/* ---- a service of four backends, nothing of it in a data path ------------------ */

#define TABLE_SIZE 101

struct lab {
	struct control ctl;
	struct control_service service;
	struct model_service model;
	struct control_backend backends[4];
	struct control_backend *list[4];
	struct model_group groups[2];
	struct weigh_group shares[2];
	uint16_t wanted[TABLE_SIZE];
	uint16_t target[TABLE_SIZE];
};

static int make_lab(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(lab);
	lab->model = (struct model_service) { .name = (char *)"web",
					      .scheduler = SCHEDULER_MAGLEV,
					      .proto = 6,
					      .spill_percent = 70,
					      .churn.hysteresis_percent = 5 };
	lab->service = (struct control_service) { .model = &lab->model,
						  .backends = lab->list,
						  .backend_count = 4,
						  .wanted = lab->wanted,
						  .target = lab->target,
						  .row.table_size = TABLE_SIZE };
	for (uint16_t i = 0; i < 4; i++) {
		lab->backends[i] = (struct control_backend) { .id = i + 1,
							      .name = (char *)"b",
							      .address.bytes = { [15] = i + 1 },
							      .weight = 1,
							      .is_decided = true,
							      .is_healthy = true,
							      .takes_newcomers = true,
							      .ramp_permille = 1000,
							      .factor_permille = 1000 };
		lab->list[i] = &lab->backends[i];
		lab->ctl.by_id[i + 1] = &lab->backends[i];
		lab->ctl.service_of[i + 1] = &lab->service;
	}
	*state = lab;
	return 0;
}

static int drop_lab(void **state)
{
	free(*state);
	return 0;
}

static void use_groups(struct lab *lab)
{
	lab->groups[0] = (struct model_group) { .name = (char *)"near", .priority = 0 };
	lab->groups[1] = (struct model_group) { .name = (char *)"far", .priority = 1 };
	lab->model.groups = lab->groups;
	lab->model.group_count = 2;
	lab->service.groups = lab->shares;
	lab->service.group_count = 2;
	lab->backends[2].group = 1;
	lab->backends[3].group = 1;
}

/* ---- weights ------------------------------------------------------------------- */

static void test_weights_propose_gives_each_its_weight(void **state)
{
	struct lab *lab = *state;

	lab->backends[1].weight = 3;

	assert_int_equal(weights_propose(&lab->service), 0);
	assert_int_equal(lab->backends[0].proposed, WEIGH_UNIT);
	assert_int_equal(lab->backends[1].proposed, 3 * WEIGH_UNIT);
}

static void test_weights_propose_gives_nothing_to_who_takes_no_newcomers(void **state)
{
	struct lab *lab = *state;

	lab->backends[2].takes_newcomers = false;

	assert_int_equal(weights_propose(&lab->service), 0);
	assert_int_equal(lab->backends[2].proposed, 0);
	assert_int_equal(lab->backends[3].proposed, WEIGH_UNIT);
}

static void test_weights_propose_in_open_panic_waits_until_the_dead_are_alive_again(void **state)
{
	struct lab *lab = *state;

	lab->service.panic = WEIGH_PANIC_OPEN;
	lab->backends[0].is_healthy = false;
	lab->backends[0].takes_newcomers = false; /* its generation is still odd */
	lab->backends[1].is_healthy = false;

	assert_int_equal(weights_propose(&lab->service), 0);
	assert_int_equal(lab->backends[0].proposed, 0);
	assert_int_equal(lab->backends[1].proposed, WEIGH_UNIT);
}

static void test_weights_propose_in_closed_panic_gives_nothing(void **state)
{
	struct lab *lab = *state;

	lab->service.panic = WEIGH_PANIC_CLOSED;

	assert_int_equal(weights_propose(&lab->service), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(lab->backends[i].proposed, 0);
}

static void test_weights_propose_scales_by_what_the_agent_check_says(void **state)
{
	struct lab *lab = *state;

	lab->backends[0].agent = (struct control_agent) { .has_percent = true, .percent = 25 };

	assert_int_equal(weights_propose(&lab->service), 0);
	assert_int_equal(lab->backends[0].proposed, WEIGH_UNIT / 4);
}

static void test_weights_propose_adaptive_goes_by_the_factor_instead(void **state)
{
	struct lab *lab = *state;

	lab->model.is_adaptive = true;
	lab->backends[0].agent = (struct control_agent) { .has_percent = true, .percent = 25 };
	lab->backends[0].factor_permille = 800;

	assert_int_equal(weights_propose(&lab->service), 0);
	assert_int_equal(lab->backends[0].proposed, WEIGH_UNIT * 8 / 10);
}

static void test_weights_propose_who_leaves_may_be_of_a_group_that_is_gone(void **state)
{
	struct lab *lab = *state;

	lab->model.groups = lab->groups;
	lab->model.group_count = 1;
	lab->backends[3].group = 1000;
	lab->backends[3].wants_drain = true;
	lab->backends[3].takes_newcomers = false;
	weights_propose(&lab->service);

	assert_int_equal(lab->backends[0].proposed, WEIGH_UNIT);
	assert_int_equal(lab->backends[3].proposed, 0);
}

static void test_weights_adopt_notes_that_traffic_spills(void **state)
{
	struct lab *lab = *state;

	use_groups(lab);
	lab->backends[0].takes_newcomers = false;
	lab->service.is_dirty = true;

	assert_int_equal(weights_propose(&lab->service), 0);
	weights_adopt(&lab->service);

	assert_true(lab->service.is_spilling);
	assert_false(lab->service.is_on_backup);
	assert_int_equal(lab->shares[0].healthy, 1);
	assert_true(lab->backends[2].effective > 0);
}

static void test_weights_adopt_notes_that_the_backup_is_in_use(void **state)
{
	struct lab *lab = *state;

	use_groups(lab);
	lab->groups[1].is_backup = true;
	lab->backends[0].takes_newcomers = false;
	lab->backends[1].takes_newcomers = false;
	lab->service.is_dirty = true;

	assert_int_equal(weights_propose(&lab->service), 0);
	weights_adopt(&lab->service);

	assert_true(lab->service.is_on_backup);
	assert_false(lab->service.is_spilling);
}

static void test_weights_differ_by_less_than_the_hysteresis_is_no_new_table(void **state)
{
	struct lab *lab = *state;

	weights_propose(&lab->service);
	weights_adopt(&lab->service);
	lab->model.is_adaptive = true;
	lab->backends[0].factor_permille = 980;
	weights_propose(&lab->service);

	assert_false(weights_differ(&lab->service));

	lab->backends[0].factor_permille = 800;
	weights_propose(&lab->service);
	assert_true(weights_differ(&lab->service));
}

static void test_weights_differ_for_round_robin_by_anything(void **state)
{
	struct lab *lab = *state;

	lab->model.scheduler = SCHEDULER_ROUND_ROBIN;
	weights_propose(&lab->service);
	weights_adopt(&lab->service);
	lab->model.is_adaptive = true;
	lab->backends[0].factor_permille = 980;
	weights_propose(&lab->service);

	assert_true(weights_differ(&lab->service));
}

static void test_weights_judge_panic_counts_probes_agents_and_ejections(void **state)
{
	struct lab *lab = *state;

	lab->model.panic = (struct model_panic) { 50, PANIC_OPEN };
	lab->backends[0].is_healthy = false;
	lab->backends[1].agent.state = AGENT_DOWN;

	weights_judge_panic(&lab->service);
	assert_int_equal(lab->service.panic, WEIGH_CALM); /* half are healthy */

	lab->backends[2].is_ejected = true;
	weights_judge_panic(&lab->service);
	assert_int_equal(lab->service.panic, WEIGH_PANIC_OPEN);
	assert_true(lab->service.is_dirty);
}

static void test_weights_judge_panic_leaves_out_the_drained_and_the_undecided(void **state)
{
	struct lab *lab = *state;

	lab->model.panic = (struct model_panic) { 60, PANIC_CLOSED };
	lab->backends[0].is_healthy = false;
	lab->backends[0].is_decided = false;
	lab->backends[1].is_healthy = false;
	lab->backends[1].wants_drain = true;

	weights_judge_panic(&lab->service);

	assert_int_equal(lab->service.panic, WEIGH_CALM);
}

static void test_weights_begin_ramp_begins_at_the_minimum(void **state)
{
	struct lab *lab = *state;

	lab->model.slow_start = (struct model_ramp) { 30000, 10, 1000 };
	weights_begin_ramp(&lab->service, &lab->backends[0]);
	weights_propose(&lab->service);

	assert_int_equal(lab->backends[0].proposed, WEIGH_UNIT / 10);
	assert_true(lab->service.is_dirty);
}

static void test_weights_begin_ramp_of_udp_is_none(void **state)
{
	struct lab *lab = *state;

	lab->model.slow_start = (struct model_ramp) { 30000, 10, 1000 };
	lab->model.proto = 17;
	weights_begin_ramp(&lab->service, &lab->backends[0]);

	assert_int_equal(lab->backends[0].ramp_from_ms, 0);
}

static void test_weights_step_controllers_ends_a_ramp_with_the_whole_weight(void **state)
{
	struct lab *lab = *state;

	lab->model.slow_start = (struct model_ramp) { 30000, 10, 1000 };
	lab->backends[0].ramp_from_ms = control_realtime_ms() - 30001;
	lab->backends[0].ramp_permille = 990;
	weights_step_controllers(&lab->service, control_monotonic_ms());

	assert_int_equal(lab->backends[0].ramp_from_ms, 0);
	assert_int_equal(lab->backends[0].ramp_permille, 1000);
	assert_true(lab->service.is_dirty);
}

static void test_weights_step_controllers_begins_anew_where_the_clock_was_set_back(void **state)
{
	struct lab *lab = *state;

	lab->model.slow_start = (struct model_ramp) { 30000, 10, 1000 };
	lab->backends[0].ramp_from_ms = control_realtime_ms() + 3600000;
	lab->backends[0].ramp_permille = 500;
	weights_step_controllers(&lab->service, control_monotonic_ms());

	assert_true(lab->backends[0].ramp_from_ms <= control_realtime_ms());
	assert_true(lab->backends[0].ramp_permille < 500);
}

static void test_weights_step_controllers_lowers_who_is_busy_keeps_who_is_silent(void **state)
{
	struct lab *lab = *state;
	struct control_agent busy = { .has_percent = true, .percent = 0 };

	lab->model.is_adaptive = true;
	lab->model.adaptive = (struct model_adaptive) { 70, 500, 100, 50, 10, 200, 10, 1000 };
	lab->backends[0].agent = busy;
	lab->backends[1].agent = busy;
	strcpy(lab->backends[1].agent.error, "connection refused");
	weights_step_controllers(&lab->service, control_monotonic_ms());

	assert_true(lab->backends[0].factor_permille < 1000);
	assert_int_equal(lab->backends[1].factor_permille, 1000);
	assert_true(lab->service.is_news);
}

/* ---- schedules ------------------------------------------------------------------- */

static void test_schedule_build_without_weight_is_an_empty_table(void **state)
{
	struct maglev_backend be[2] = { { .id = 1 }, { .id = 2 } };
	enum model_scheduler each[] = { SCHEDULER_MAGLEV, SCHEDULER_ROUND_ROBIN,
					SCHEDULER_LEAST_CONN };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint16_t table[TABLE_SIZE] = { 9, 9, 9 };
		uint32_t cycle = 1;

		assert_int_equal(schedule_build(each[i], be, 2, table, TABLE_SIZE, &cycle), 0);
		assert_int_equal(cycle, 0);
		assert_int_equal(table[0], 0);
		assert_int_equal(table[2], 0);
	}
}

static void test_schedule_build_goes_by_the_scheduler(void **state)
{
	struct maglev_backend be[2] = { { .address.bytes = { 1 }, .id = 1, .weight = 2000 },
					{ .address.bytes = { 2 }, .id = 2, .weight = 1000 } };
	uint16_t table[TABLE_SIZE];
	uint32_t cycle;

	(void)state;

	assert_int_equal(schedule_build(SCHEDULER_ROUND_ROBIN, be, 2, table, TABLE_SIZE, &cycle),
			 0);
	assert_int_equal(cycle, 3);
	assert_int_equal(schedule_build(SCHEDULER_LEAST_CONN, be, 2, table, TABLE_SIZE, &cycle), 0);
	assert_int_equal(cycle, 2);
	assert_int_equal(schedule_build(SCHEDULER_SOURCE_HASH, be, 2, table, TABLE_SIZE, &cycle),
			 0);
	assert_int_equal(cycle, TABLE_SIZE);
}

static void test_schedule_mask_covers_the_prefix_in_network_order(void **state)
{
	struct model_service model = { .vip.bytes = { 0x20, 1 } };
	union {
		uint64_t halves[2];
		uint8_t bytes[16];
	} mask;
	const unsigned prefixes[] = { 1, 56, 64, 65, 100, 128 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		model.source_prefix6 = prefixes[i];
		schedule_mask(&model, &mask.halves[0], &mask.halves[1]);
		for (unsigned bit = 0; bit < 128; bit++)
			assert_int_equal(mask.bytes[bit / 8] >> (7 - bit % 8) & 1,
					 bit < prefixes[i]);
	}
}

static void test_schedule_mask_of_ipv4_is_the_whole_address(void **state)
{
	struct model_service model = { .vip.bytes = { [10] = 0xff, [11] = 0xff, [12] = 192 },
				       .source_prefix6 = 64 };
	uint64_t hi, lo;

	(void)state;
	schedule_mask(&model, &hi, &lo);

	assert_true(hi == ~0ULL && lo == ~0ULL);
}

static void test_service_hashes_as_before_where_no_client_changes_its_slot(void **state)
{
	struct lab *lab = *state;
	struct model_service next;

	lab->model.vip = (struct lb_addr) { .bytes = { 0x20, 1 } };
	lab->model.source_prefix6 = 64;
	next = lab->model;
	next.source_prefix6 = 56;
	assert_true(service_hashes_as(&lab->service, &next)); /* nothing is masked */

	next.hash = HASH_SOURCE;
	next.source_prefix6 = 64;
	assert_false(service_hashes_as(&lab->service, &next));

	next.source_prefix6 = 56;
	lab->model.scheduler = SCHEDULER_SOURCE_HASH;
	assert_false(service_hashes_as(&lab->service, &next));
	next.source_prefix6 = 64;
	assert_true(service_hashes_as(&lab->service, &next));
}

/* ---- moves ------------------------------------------------------------------------ */

static void test_moves_foresee_has_what_was_granted_and_what_goes_back(void **state)
{
	struct lab *lab = *state;
	const bool may_stay[LB_MAX_BACKENDS] = { [1] = true, [2] = true, [3] = true };
	uint32_t live[TABLE_SIZE], words[TABLE_SIZE];

	for (size_t i = 0; i < TABLE_SIZE; i++) {
		live[i] = LB_SLOT(1, 1, 1); /* warming up */
		lab->target[i] = 2;
		lab->wanted[i] = 2;
	}
	lab->wanted[1] = 3;
	lab->wanted[2] = 1;
	lab->target[3] = 4; /* who died meanwhile */
	moves_foresee(&lab->service, live, may_stay, words);

	assert_int_equal(LB_SLOT_CURRENT(words[0]), 2);
	assert_int_equal(LB_SLOT_CURRENT(words[1]), 2);
	assert_int_equal(words[2], live[2]);
	assert_int_equal(words[3], live[3]);
}

static void test_moves_count_tells_forced_moves_and_first_fills_apart(void **state)
{
	struct lab *lab = *state;
	struct control_churn *churn = &lab->service.churn;

	lab->ctl.generations[2] = 1;
	moves_count(&lab->ctl, &lab->service, LB_SLOT(0, 0, 0), LB_SLOT(1, 1, 0));
	moves_count(&lab->ctl, &lab->service, LB_SLOT(1, 1, 0), LB_SLOT(1, 1, 1));
	assert_int_equal(churn->slots_moved, 0);

	moves_count(&lab->ctl, &lab->service, LB_SLOT(1, 1, 1), LB_SLOT(3, 1, 1));
	moves_count(&lab->ctl, &lab->service, LB_SLOT(2, 2, 0), LB_SLOT(3, 3, 0));
	assert_int_equal(churn->slots_moved, 2);
	assert_int_equal(churn->slots_forced, 1);
}

/* ---- agent checks ------------------------------------------------------------------ */

static void report(struct lab *lab, const char *line)
{
	struct agent_report said;

	assert_int_equal(agent_check_parse(line, strlen(line), &said), 0);
	agents_reported(&lab->ctl, 1, &said, "");
}

static void test_agents_reported_maint_drains_and_ready_lifts_it(void **state)
{
	struct lab *lab = *state;
	char text[160];

	report(lab, "maint #replacing a disk");
	agent_say(&lab->backends[0].agent, text, sizeof(text));

	assert_true(lab->backends[0].wants_drain);
	assert_true(lab->service.is_dirty);
	assert_string_equal(text, "agent check: maint, replacing a disk");

	report(lab, "ready");
	assert_false(lab->backends[0].wants_drain);
}

static void test_agents_reported_does_not_lift_a_configured_drain(void **state)
{
	struct lab *lab = *state;

	lab->backends[0].is_draining = lab->backends[0].wants_drain = true;
	report(lab, "up 100%");

	assert_true(lab->backends[0].wants_drain);
}

static void test_agents_reported_down_is_unhealthy_until_up(void **state)
{
	struct lab *lab = *state;

	report(lab, "down #no database");
	assert_false(backend_is_healthy(&lab->backends[0]));
	assert_false(lab->backends[0].wants_drain);

	report(lab, "50%"); /* a weight alone lifts nothing */
	assert_false(backend_is_healthy(&lab->backends[0]));

	report(lab, "up");
	assert_true(backend_is_healthy(&lab->backends[0]));
	assert_int_equal(lab->backends[0].agent.percent, 50);
}

static void test_agents_reported_silence_keeps_what_was_known(void **state)
{
	struct lab *lab = *state;

	report(lab, "drain 30%");
	agents_reported(&lab->ctl, 1, NULL, "connection refused");

	assert_int_equal(lab->backends[0].agent.state, AGENT_DRAIN);
	assert_int_equal(lab->backends[0].agent.percent, 30);
	assert_string_equal(lab->backends[0].agent.error, "connection refused");
}

/* ---- memory -------------------------------------------------------------------------- */

static void test_memory_of_tells_what_the_next_agent_goes_on_with(void **state)
{
	struct lab *lab = *state;
	struct control_backend *b = &lab->backends[0];
	struct lb_memo memo;

	b->ramp_from_ms = 1000;
	b->ejected_until_ms = 2000;
	b->outlier.ejections = 3;
	b->pid = (struct pid) { .integral = -5, .factor_permille = 700 };
	b->agent = (struct control_agent) { .state = AGENT_MAINT };
	b->state = BACKEND_DRAINING;
	b->since_ms = 1795379437911;
	memo = memory_of(&lab->ctl, b);

	assert_int_equal(memo.flags, LB_MEMO_DECIDED | LB_MEMO_UP);
	assert_int_equal(memo.ramp_from_ms, 1000);
	assert_int_equal(memo.ejected_until_ms, 2000);
	assert_int_equal(memo.ejections, 3);
	assert_int_equal(memo.integral, -5);
	assert_int_equal(memo.factor, 700);
	assert_int_equal(memo.agent_state, AGENT_MAINT);
	assert_int_equal(memo.agent_percent, 0xffff);
	assert_int_equal(memo.state, BACKEND_DRAINING);
	assert_int_equal(memo.state_since_s, 1795379437);
}

static void test_memory_for_probe_goes_on_where_the_last_agent_was(void **state)
{
	struct control_backend b = { .is_decided = true,
				     .memo = { .streak = 1, .failures = 7, .since_ms = 99 } };
	struct health_memory memory = memory_for_probe(&b, true);

	(void)state;

	assert_int_equal(memory.initial, -1);
	assert_int_equal(memory.streak, 1);
	assert_int_equal(memory.failures, 7);
	assert_int_equal(memory.since_ms, 99);

	b.is_decided = false;
	assert_int_equal(memory_for_probe(&b, true).initial, 1);
	assert_int_equal(memory_for_probe(&b, false).initial, 0);
}

#define lab_test(name) cmocka_unit_test_setup_teardown(name, make_lab, drop_lab)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_default_slots_of_a_small_file_is_a_million),
		cmocka_unit_test(test_config_default_slots_is_twice_what_a_large_file_needs),
		cmocka_unit_test(test_config_default_slots_keeps_to_what_max_slots_may_be),
		cmocka_unit_test(test_config_features_has_nat_where_one_service_has),
		cmocka_unit_test(test_config_features_has_quic_where_one_service_hashes_so),
		lab_test(test_weights_propose_gives_each_its_weight),
		lab_test(test_weights_propose_gives_nothing_to_who_takes_no_newcomers),
		lab_test(test_weights_propose_in_open_panic_waits_until_the_dead_are_alive_again),
		lab_test(test_weights_propose_in_closed_panic_gives_nothing),
		lab_test(test_weights_propose_scales_by_what_the_agent_check_says),
		lab_test(test_weights_propose_adaptive_goes_by_the_factor_instead),
		lab_test(test_weights_propose_who_leaves_may_be_of_a_group_that_is_gone),
		lab_test(test_weights_adopt_notes_that_traffic_spills),
		lab_test(test_weights_adopt_notes_that_the_backup_is_in_use),
		lab_test(test_weights_differ_by_less_than_the_hysteresis_is_no_new_table),
		lab_test(test_weights_differ_for_round_robin_by_anything),
		lab_test(test_weights_judge_panic_counts_probes_agents_and_ejections),
		lab_test(test_weights_judge_panic_leaves_out_the_drained_and_the_undecided),
		lab_test(test_weights_begin_ramp_begins_at_the_minimum),
		lab_test(test_weights_begin_ramp_of_udp_is_none),
		lab_test(test_weights_step_controllers_ends_a_ramp_with_the_whole_weight),
		lab_test(test_weights_step_controllers_begins_anew_where_the_clock_was_set_back),
		lab_test(test_weights_step_controllers_lowers_who_is_busy_keeps_who_is_silent),
		cmocka_unit_test(test_schedule_build_without_weight_is_an_empty_table),
		cmocka_unit_test(test_schedule_build_goes_by_the_scheduler),
		cmocka_unit_test(test_schedule_mask_covers_the_prefix_in_network_order),
		cmocka_unit_test(test_schedule_mask_of_ipv4_is_the_whole_address),
		lab_test(test_service_hashes_as_before_where_no_client_changes_its_slot),
		lab_test(test_moves_foresee_has_what_was_granted_and_what_goes_back),
		lab_test(test_moves_count_tells_forced_moves_and_first_fills_apart),
		lab_test(test_agents_reported_maint_drains_and_ready_lifts_it),
		lab_test(test_agents_reported_does_not_lift_a_configured_drain),
		lab_test(test_agents_reported_down_is_unhealthy_until_up),
		lab_test(test_agents_reported_silence_keeps_what_was_known),
		lab_test(test_memory_of_tells_what_the_next_agent_goes_on_with),
		cmocka_unit_test(test_memory_for_probe_goes_on_where_the_last_agent_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
