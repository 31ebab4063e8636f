/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/sweep.h"

#include <pthread.h>
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
	struct lb_load loads[LB_MAX_BACKENDS];
	struct sweep_count counts[LB_MAX_BACKENDS];
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

/* ---- counts: the data path keeps them, the sweep subtracts what it frees and mends drift ---- */

static void keep_counts(struct world *world)
{
	world->sweep.loads = world->loads;
	world->sweep.counts = world->counts;
	world->sweep.ids = 100;
	for (uint32_t id = 1; id < world->sweep.ids; id++)
		world->backends[id].service = 1;
}

static void sweep_it(struct world *world)
{
	sweep_flows(&world->sweep, &world->out, world->hop_seen);
}

static void test_sweep_live_is_half_open_established_and_udp(void **state)
{
	struct world *world = *state;

	put4(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_HALF_OPEN, 0, NOW));
	put4(world, 0, 1, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW));
	put6(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_UDP, 0, NOW));
	put6(world, 0, 1, 1, LB_RECORD(3, 0, LB_CLASS_CLOSED, 0, NOW));
	put6(world, 0, 2, 1, LB_RECORD(3, 0, LB_CLASS_UNVERIFIED, 0, NOW));
	put6(world, 0, 3, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW - RECORD - 1));

	sweep_it(world);

	assert_int_equal(world->out.live[3], 3);
	assert_int_equal(world->out.per_backend[3], 5);
}

static void test_sweep_freed_record_that_counted_is_subtracted(void **state)
{
	struct world *world = *state;
	const uint32_t old = NOW - RECORD - 1;

	keep_counts(world);
	world->loads[3].live = 10;
	put4(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_HALF_OPEN, 0, old));
	put4(world, 0, 1, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, old));
	put6(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_UDP, 0, old));

	sweep_it(world);

	assert_int_equal(world->out.freed, 3);
	assert_int_equal(world->loads[3].live, 7);
}

static void test_sweep_freed_record_that_did_not_count_is_not_subtracted(void **state)
{
	struct world *world = *state;
	const uint32_t old = NOW - RECORD - 1;

	keep_counts(world);
	world->loads[3].live = world->loads[4].live = world->loads[5].live = 10;
	world->backends[4].generation = 2;
	world->backends[5].generation = 1;
	put4(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_CLOSED, 0, old));
	put4(world, 0, 1, 1, LB_RECORD(3, 0, LB_CLASS_UNVERIFIED, 0, old));
	put4(world, 0, 2, 1, LB_RECORD(4, 0, LB_CLASS_ESTABLISHED, 0, NOW)); /* another life's */
	put4(world, 0, 3, 1, LB_RECORD(5, 1, LB_CLASS_ESTABLISHED, 0, NOW)); /* dead */

	sweep_it(world);

	assert_int_equal(world->out.freed, 4);
	assert_int_equal(world->loads[3].live, 10);
	assert_int_equal(world->loads[4].live, 10);
	assert_int_equal(world->loads[5].live, 10);
}

/* A packet takes the entry between the sweep's look and its CAS: the clock is read in between. */
static uint32_t take_entry_and_tell(void *arg)
{
	struct world *world = arg;

	if (world->clock_calls++)
		world->flows4[0].flows[0].record.value =
			LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW);
	return NOW;
}

static void test_sweep_record_taken_before_the_cas_is_not_subtracted(void **state)
{
	struct world *world = *state;

	keep_counts(world);
	world->loads[3].live = 1;
	world->sweep.clock = take_entry_and_tell;
	put4(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW - RECORD - 1));

	sweep_it(world);

	assert_int_equal(world->out.freed, 0);
	assert_int_equal(world->loads[3].live, 1);
}

static void test_sweep_without_counts_touches_no_load(void **state)
{
	struct world *world = *state;

	keep_counts(world);
	world->sweep.loads = NULL;
	world->loads[3].live = 10;
	put4(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW - RECORD - 1));

	sweep_it(world);
	sweep_it(world);

	assert_int_equal(world->loads[3].live, 10);
	assert_int_equal(world->out.corrected, 0);
}

static void test_sweep_drift_seen_twice_is_set_right(void **state)
{
	struct world *world = *state;

	keep_counts(world);
	put4(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW));
	world->loads[3].live = 6;	     /* five too many */
	world->loads[4].live = (uint32_t)-2; /* two too few */
	world->loads[5].live = 0;	     /* right */

	sweep_it(world);
	assert_int_equal(world->out.corrected, 0);
	assert_int_equal(world->loads[3].live, 6);
	sweep_it(world);

	assert_int_equal(world->out.corrected, 2);
	assert_int_equal(world->loads[3].live, 1);
	assert_int_equal(world->loads[4].live, 0);
	sweep_it(world);
	assert_int_equal(world->out.corrected, 0);
}

static void test_sweep_drift_of_another_amount_waits_anew(void **state)
{
	struct world *world = *state;

	keep_counts(world);
	world->loads[3].live = 5;
	sweep_it(world);
	world->loads[3].live = 4;

	sweep_it(world);
	assert_int_equal(world->loads[3].live, 4);
	sweep_it(world);

	assert_int_equal(world->loads[3].live, 0);
}

static void test_sweep_drift_is_found_while_expired_records_go(void **state)
{
	struct world *world = *state;
	const uint64_t old = LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW - RECORD - 1);

	keep_counts(world);
	world->loads[3].live = 1 + 5; /* five too many */
	put4(world, 0, 0, 1, old);
	sweep_it(world);
	assert_int_equal(world->loads[3].live, 5);
	world->loads[3].live++;
	put4(world, 0, 0, 1, old);

	sweep_it(world);

	assert_int_equal(world->out.corrected, 1);
	assert_int_equal(world->loads[3].live, 0);
}

/* Counts that a packet changes while the sweep runs. */
static uint32_t count_and_tell(void *arg)
{
	struct world *world = arg;

	world->loads[3].live++;
	return NOW;
}

static void test_sweep_count_in_motion_is_left_alone(void **state)
{
	struct world *world = *state;

	keep_counts(world);
	world->sweep.clock = count_and_tell; /* twice a sweep */

	for (int i = 0; i < 3; i++) {
		world->loads[3].live = 0; /* the same coincidence each time */
		sweep_it(world);
		assert_int_equal(world->loads[3].live, 2);
		assert_int_equal(world->out.corrected, 0);
	}
}

static void test_sweep_drift_of_an_earlier_life_is_forgotten(void **state)
{
	struct world *world = *state;

	keep_counts(world);
	world->loads[3].live = 5;
	sweep_it(world);
	world->backends[3].generation = 2;

	sweep_it(world);

	assert_int_equal(world->loads[3].live, 5);
	assert_int_equal(world->out.corrected, 0);
}

static void test_sweep_count_of_the_dead_and_of_free_rows_is_left_alone(void **state)
{
	struct world *world = *state;

	keep_counts(world);
	world->backends[3].generation = 1;
	world->backends[4].service = 0;
	world->loads[3].live = world->loads[4].live = 5;

	sweep_it(world);
	sweep_it(world);

	assert_int_equal(world->loads[3].live, 5);
	assert_int_equal(world->loads[4].live, 5);
}

static void test_sweep_first_counts_what_was_recorded_before(void **state)
{
	struct world *world = *state;

	keep_counts(world);
	world->sweep.is_first = true;
	put4(world, 0, 0, 1, LB_RECORD(3, 0, LB_CLASS_ESTABLISHED, 0, NOW));
	put4(world, 0, 1, 1, LB_RECORD(3, 0, LB_CLASS_HALF_OPEN, 0, NOW));
	world->loads[3].live = (uint32_t)-1; /* one was closed since, that nobody had counted */

	sweep_it(world);

	assert_int_equal(world->loads[3].live, 2);
	assert_int_equal(world->out.corrected, 0); /* that was no drift */
}

/* ---- counts, while two packets' threads open, close and take entries ---- */

#define PACKETS 200000

/** struct traffic - a thread that does to records and counts what the data path does */
struct traffic {
	struct world *world;
	unsigned seed;
};

static bool is_counted(uint64_t value)
{
	unsigned class = LB_RECORD_CLASS(value);

	return class == LB_CLASS_HALF_OPEN || class == LB_CLASS_ESTABLISHED ||
	       class == LB_CLASS_UDP;
}

static void add_live(struct world *world, uint64_t value, uint32_t by)
{
	__atomic_fetch_add(&world->loads[LB_RECORD_BACKEND(value)].live, by, __ATOMIC_SEQ_CST);
}

static void *run_traffic(void *arg)
{
	static const unsigned classes[] = { LB_CLASS_FREE,	LB_CLASS_UNVERIFIED,
					    LB_CLASS_HALF_OPEN, LB_CLASS_ESTABLISHED,
					    LB_CLASS_CLOSED,	LB_CLASS_UDP };
	struct traffic *traffic = arg;
	struct world *world = traffic->world;

	for (int i = 0; i < PACKETS; i++) {
		unsigned at = (unsigned)rand_r(&traffic->seed);
		struct lb_flow4 *flow = &world->flows4[at % SETS].flows[at / SETS % LB_FLOW_WAYS];
		unsigned class = classes[(unsigned)rand_r(&traffic->seed) % 6];
		unsigned age = rand_r(&traffic->seed) % 8 ? 0 : RECORD + 1; /* for the sweep */
		__u64 was = __atomic_load_n(&flow->record.value, __ATOMIC_SEQ_CST);
		__u64 is = class ? LB_RECORD(1 + at % 3, 0, class, 0, NOW - age) : 0;

		if (!__atomic_compare_exchange_n(&flow->record.value, &was, is, false,
						 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			continue;
		if (is_counted(is))
			add_live(world, is, 1);
		if (is_counted(was))
			add_live(world, was, (uint32_t)-1);
	}
	return NULL;
}

static uint32_t tell_now(void *arg)
{
	(void)arg;
	return NOW;
}

static void sweep_under_traffic(struct world *world)
{
	struct traffic traffic[2] = { { world, 1 }, { world, 2 } };
	pthread_t threads[2];
	uint32_t freed = 0;

	world->sweep.clock = tell_now;
	for (size_t set = 0; set < SETS; set++) {
		for (size_t way = 0; way < LB_FLOW_WAYS; way++)
			world->flows4[set].flows[way].service = 1;
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_traffic, &traffic[i]), 0);
	for (int i = 0; i < 2000; i++) {
		sweep_it(world);
		freed += world->out.freed;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(freed > 0);
}

static void assert_counts_are_what_is_seen(const struct world *world)
{
	for (uint32_t id = 1; id <= 3; id++)
		assert_int_equal(world->loads[id].live, world->out.live[id]);
}

static void test_sweep_under_traffic_subtracts_each_freed_record_once(void **state)
{
	struct world *world = *state;

	keep_counts(world);
	world->sweep.ids = 0; /* nothing is corrected: subtracting alone must be right */

	sweep_under_traffic(world);

	sweep_it(world);
	assert_counts_are_what_is_seen(world);
}

static void test_sweep_under_traffic_leaves_no_drift_once_it_is_quiet(void **state)
{
	struct world *world = *state;

	keep_counts(world);
	for (uint32_t id = 1; id <= 3; id++)
		world->loads[id].live = 1000 * id;

	sweep_under_traffic(world);

	for (int i = 0; i < 3; i++)
		sweep_it(world);
	assert_counts_are_what_is_seen(world);
	assert_int_equal(world->out.corrected, 0);
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
		SWEEP_TEST(test_sweep_live_is_half_open_established_and_udp),
		SWEEP_TEST(test_sweep_freed_record_that_counted_is_subtracted),
		SWEEP_TEST(test_sweep_freed_record_that_did_not_count_is_not_subtracted),
		SWEEP_TEST(test_sweep_record_taken_before_the_cas_is_not_subtracted),
		SWEEP_TEST(test_sweep_without_counts_touches_no_load),
		SWEEP_TEST(test_sweep_drift_seen_twice_is_set_right),
		SWEEP_TEST(test_sweep_drift_of_another_amount_waits_anew),
		SWEEP_TEST(test_sweep_drift_is_found_while_expired_records_go),
		SWEEP_TEST(test_sweep_count_in_motion_is_left_alone),
		SWEEP_TEST(test_sweep_drift_of_an_earlier_life_is_forgotten),
		SWEEP_TEST(test_sweep_count_of_the_dead_and_of_free_rows_is_left_alone),
		SWEEP_TEST(test_sweep_first_counts_what_was_recorded_before),
		SWEEP_TEST(test_sweep_under_traffic_subtracts_each_freed_record_once),
		SWEEP_TEST(test_sweep_under_traffic_leaves_no_drift_once_it_is_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
