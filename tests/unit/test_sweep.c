/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SETS   16
#define SLACK  8
#define RECORD 100	  /* Tr of service 1 */
#define NOW    0x1000005U /* the record's 24 bits have just wrapped */

/** struct world - plain memory in the place of the maps, and a clock that can be set */
struct world {
	struct lb_flow4_set flows4[SETS];
	struct lb_flow6_set flows6[SETS];
	struct lb_backend backends[LB_MAX_BACKENDS];
	struct lb_timers timers[LB_SERVICE_IDS];
	struct lb_hop hops[LB_MAX_HOPS];
	struct sweep_hop memory[LB_MAX_HOPS];
	bool hop_seen[LB_MAX_HOPS];
	struct dataplane_flows out;
	uint32_t now;
	unsigned clock_calls;
	uint32_t first_now; /* what the first call of the clock tells, when not 0 */
	struct sweep sweep;
};

static uint32_t tell(void *arg)
{
	struct world *world = arg;

	if (world->clock_calls++ == 0 && world->first_now)
		return world->first_now;
	return world->now;
}

static int setup(void **state)
{
	struct world *world = aligned_alloc(128, (sizeof(*world) + 127) / 128 * 128);

	assert_non_null(world);
	memset(world, 0, sizeof(*world));
	world->now = NOW;
	world->timers[1].record = RECORD;
	world->timers[2].record = 10 * RECORD;
	world->sweep = (struct sweep) { .flows4 = world->flows4,
					.flows6 = world->flows6,
					.sets4 = SETS,
					.sets6 = SETS,
					.backends = world->backends,
					.timers = world->timers,
					.slack = SLACK,
					.clock = tell,
					.arg = world };
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void put4(struct world *world, size_t set, size_t way, uint16_t service, uint64_t value)
{
	world->flows4[set].flows[way] = (struct lb_flow4) { .client = 7, .service = service };
	world->flows4[set].flows[way].record.value = value;
}

static void put6(struct world *world, size_t set, size_t way, uint16_t service, uint64_t value)
{
	world->flows6[set].flows[way] = (struct lb_flow6) { .port = 7, .service = service };
	world->flows6[set].flows[way].record.value = value;
}

static uint64_t value4(const struct world *world, size_t set, size_t way)
{
	return world->flows4[set].flows[way].record.value;
}

static void test_sweep_valid_records_are_counted_by_backend(void **state)
{
	struct world *world = *state;
	uint64_t to3 = LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW);

	put4(world, 0, 0, 1, to3);
	put4(world, SETS - 1, LB_FLOW_WAYS - 1, 1, to3);
	put6(world, SETS - 1, LB_FLOW_WAYS - 1, 2, to3);
	put6(world, 4, 0, 2, LB_RECORD(LB_MAX_BACKENDS - 1, 0, LB_CLASS_UDP, 0, NOW - 50));

	sweep_flows(&world->sweep, &world->out, world->hop_seen);

	assert_int_equal(world->out.used4, 2);
	assert_int_equal(world->out.used6, 2);
	assert_int_equal(world->out.per_backend[3], 3);
	assert_int_equal(world->out.per_backend[LB_MAX_BACKENDS - 1], 1);
	assert_int_equal(world->out.freed, 0);
}

static void test_sweep_age_tr_stays_and_one_more_is_freed(void **state)
{
	struct world *world = *state;

	put4(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW - RECORD));
	put4(world, 0, 1, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW - RECORD - 1));
	put4(world, 0, 2, 2, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW - RECORD - 1));

	sweep_flows(&world->sweep, &world->out, world->hop_seen);

	assert_int_not_equal(value4(world, 0, 0), 0);
	assert_int_equal(value4(world, 0, 1), 0);
	assert_int_not_equal(value4(world, 0, 2), 0);
	assert_int_equal(world->out.freed, 1);
	assert_int_equal(world->out.used4, 2);
}

static void test_sweep_time_slightly_ahead_stays_and_far_ahead_is_freed(void **state)
{
	struct world *world = *state;

	put6(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_UDP, 0, NOW + SLACK));
	put6(world, 0, 1, 1, LB_RECORD(3, 0, LB_CLASS_UDP, 0, NOW + SLACK + 1));

	sweep_flows(&world->sweep, &world->out, world->hop_seen);

	assert_int_equal(world->out.used6, 1);
	assert_int_equal(world->out.freed, 1);
	assert_int_equal(world->flows6[0].flows[1].record.value, 0);
}

static void test_sweep_stale_clock_frees_nothing_fresh(void **state)
{
	struct world *world = *state;

	/* the agent was stopped for long after it had read the clock */
	world->first_now = NOW - 100000;
	put4(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW));

	sweep_flows(&world->sweep, &world->out, world->hop_seen);

	assert_int_equal(world->out.freed, 0);
	assert_int_equal(world->out.per_backend[3], 1);
}

static void test_sweep_other_generation_or_dead_backend_is_freed(void **state)
{
	struct world *world = *state;

	world->backends[3].generation = 2;
	world->backends[4].generation = 5;
	world->backends[5].generation = 0x400 + 6; /* a record keeps ten bits */
	put4(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW));
	put4(world, 0, 1, 1, LB_RECORD(4, 5, LB_CLASS_ESTABLISHED, 0, NOW));
	put4(world, 0, 2, 1, LB_RECORD(5, 6, LB_CLASS_ESTABLISHED, 0, NOW));

	sweep_flows(&world->sweep, &world->out, world->hop_seen);

	assert_int_equal(world->out.freed, 2);
	assert_int_equal(world->out.used4, 1);
	assert_int_equal(world->out.per_backend[5], 1);
}

static void test_sweep_busy_entry_is_left_alone(void **state)
{
	struct world *world = *state;

	put4(world, 0, 0, 1, LB_RECORD_BUSY);

	sweep_flows(&world->sweep, &world->out, world->hop_seen);

	assert_int_equal(value4(world, 0, 0), LB_RECORD_BUSY);
	assert_int_equal(world->out.per_backend[0], 0);
	assert_int_equal(world->out.freed, 0);
	assert_int_equal(world->out.used4, 1);
}

static void test_sweep_unknown_service_is_freed(void **state)
{
	struct world *world = *state;

	put4(world, 0, 0, UINT16_MAX, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW));
	put4(world, 0, 1, 9, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW - 1));

	sweep_flows(&world->sweep, &world->out, world->hop_seen);

	assert_int_equal(world->out.freed, 2);
}

static void test_sweep_overwrites_what_was_counted_before(void **state)
{
	struct world *world = *state;

	memset(&world->out, 0xff, sizeof(world->out));

	sweep_flows(&world->sweep, &world->out, world->hop_seen);

	assert_int_equal(world->out.used4, 0);
	assert_int_equal(world->out.freed, 0);
	assert_int_equal(world->out.per_backend[17], 0);
}

static void test_sweep_hops_named_by_records_that_stay_are_seen(void **state)
{
	struct world *world = *state;

	put4(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 11, NOW));
	put4(world, 0, 1, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 12, NOW - RECORD - 1));

	sweep_flows(&world->sweep, &world->out, world->hop_seen);

	assert_true(world->hop_seen[11]);
	assert_false(world->hop_seen[12]);
}

static void step_hops(struct world *world, uint32_t began)
{
	const struct sweep_span span = { .began = began, .ended = began + 1, .slack = SLACK };

	sweep_hops(world->hops, world->memory, world->hop_seen, &span);
}

static void test_sweep_hops_unnamed_retires_then_is_free_after_2d(void **state)
{
	struct world *world = *state;

	world->hops[5].state = LB_HOP_READY;
	world->hops[5].ifindex = 4;

	step_hops(world, NOW);
	assert_int_equal(world->hops[5].state, LB_HOP_RETIRED);
	step_hops(world, NOW + 1 + SLACK);
	assert_int_equal(world->hops[5].state, LB_HOP_RETIRED);
	step_hops(world, NOW + 1 + SLACK + 1);
	assert_int_equal(world->hops[5].id_if, 0);
}

static void test_sweep_hops_named_again_is_ready_and_waits_anew(void **state)
{
	struct world *world = *state;

	world->hops[5].state = LB_HOP_READY;
	step_hops(world, NOW);

	world->hop_seen[5] = true;
	step_hops(world, NOW + 1);
	assert_int_equal(world->hops[5].state, LB_HOP_READY);
	world->hop_seen[5] = false;
	step_hops(world, NOW + 100);
	assert_int_equal(world->hops[5].state, LB_HOP_RETIRED);

	step_hops(world, NOW + 101);
	assert_int_equal(world->hops[5].state, LB_HOP_RETIRED);
}

static void test_sweep_hops_retired_before_this_agent_waits_anew(void **state)
{
	struct world *world = *state;

	world->hops[5].state = LB_HOP_RETIRED;

	step_hops(world, NOW);
	assert_int_equal(world->hops[5].state, LB_HOP_RETIRED);
	step_hops(world, NOW + SLACK + 2);
	assert_int_equal(world->hops[5].state, LB_HOP_FREE);
}

static void test_sweep_hops_busy_and_free_are_left_alone(void **state)
{
	struct world *world = *state;

	world->hops[5].state = LB_HOP_BUSY;
	world->hops[0].state = LB_HOP_READY; /* index 0 is "no hop", nobody's */

	step_hops(world, NOW);
	step_hops(world, NOW + 1000);

	assert_int_equal(world->hops[5].state, LB_HOP_BUSY);
	assert_int_equal(world->hops[6].state, LB_HOP_FREE);
	assert_int_equal(world->hops[0].state, LB_HOP_READY);
}

#define SWEEP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SWEEP_TEST(test_sweep_valid_records_are_counted_by_backend),
		SWEEP_TEST(test_sweep_age_tr_stays_and_one_more_is_freed),
		SWEEP_TEST(test_sweep_time_slightly_ahead_stays_and_far_ahead_is_freed),
		SWEEP_TEST(test_sweep_stale_clock_frees_nothing_fresh),
		SWEEP_TEST(test_sweep_other_generation_or_dead_backend_is_freed),
		SWEEP_TEST(test_sweep_busy_entry_is_left_alone),
		SWEEP_TEST(test_sweep_unknown_service_is_freed),
		SWEEP_TEST(test_sweep_overwrites_what_was_counted_before),
		SWEEP_TEST(test_sweep_hops_named_by_records_that_stay_are_seen),
		SWEEP_TEST(test_sweep_hops_unnamed_retires_then_is_free_after_2d),
		SWEEP_TEST(test_sweep_hops_named_again_is_ready_and_waits_anew),
		SWEEP_TEST(test_sweep_hops_retired_before_this_agent_waits_anew),
		SWEEP_TEST(test_sweep_hops_busy_and_free_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
