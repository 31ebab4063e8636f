/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/lifecycle.h"

#define NOW    1000u
#define D      4u
#define SETTLE 100u

/* A backend that has been up for long, serves, and is named by slots. */
static struct lifecycle_input serving(void)
{
	return (struct lifecycle_input) {
		.is_healthy = true,
		.is_decided = true,
		.generation = 2,
		.is_named = true,
	};
}

/* The same, dead, and named by nobody for just long enough. */
static struct lifecycle_input dead(void)
{
	struct lifecycle_input in = serving();

	in.generation = 3;
	in.is_named = false;
	in.unnamed_since = NOW - D - 1;
	in.is_quiet = true;
	return in;
}

/* A drain of which nothing is left. */
static struct lifecycle_input emptied(void)
{
	struct lifecycle_input in = serving();

	in.wants_drain = true;
	in.is_named = false;
	in.unnamed_since = NOW - D - 1;
	in.is_quiet = true;
	in.quiet_since = NOW - SETTLE;
	return in;
}

static struct lifecycle_output step(const struct lifecycle_input *in)
{
	struct lifecycle_output out;

	lifecycle_step(in, NOW, D, SETTLE, &out);
	return out;
}

static void assert_step(const struct lifecycle_input *in, bool bump, bool takes,
			enum lifecycle_state state)
{
	struct lifecycle_output out = step(in);

	assert_int_equal(out.bump_generation, bump);
	assert_int_equal(out.takes_newcomers, takes);
	assert_string_equal(lifecycle_name(out.state), lifecycle_name(state));
	assert_false(out.remove);
}

static void test_lifecycle_new_backend_waits_for_its_first_probe(void **state)
{
	struct lifecycle_input in = dead();

	(void)state;
	in.is_decided = false;
	in.is_healthy = false;

	assert_step(&in, false, false, BACKEND_STARTING);
}

static void test_lifecycle_undecided_and_healthy_waits_as_well(void **state)
{
	struct lifecycle_input in = dead();

	(void)state;
	in.is_decided = false;

	assert_step(&in, false, false, BACKEND_STARTING);
}

static void test_lifecycle_healthy_serves_without_a_bump(void **state)
{
	struct lifecycle_input in = serving();

	(void)state;

	assert_step(&in, false, true, BACKEND_UP);
}

static void test_lifecycle_alive_and_undecided_goes_on_serving(void **state)
{
	struct lifecycle_input in = serving();

	(void)state;
	in.is_decided = false;
	in.is_healthy = false;

	assert_step(&in, false, true, BACKEND_UP);
}

static void test_lifecycle_failed_is_bumped_and_takes_nobody(void **state)
{
	struct lifecycle_input in = serving();

	(void)state;
	in.is_healthy = false;

	assert_step(&in, true, false, BACKEND_DOWN);
}

static void test_lifecycle_failed_and_dead_is_not_bumped_again(void **state)
{
	struct lifecycle_input in = dead();

	(void)state;
	in.is_healthy = false;

	assert_step(&in, false, false, BACKEND_DOWN);
}

static void test_lifecycle_recovered_is_bumped_once_unnamed_for_longer_than_d(void **state)
{
	struct lifecycle_input in = dead();

	(void)state;

	assert_step(&in, true, true, BACKEND_UP);
}

static void test_lifecycle_recovered_but_unnamed_for_d_only_stays_dead(void **state)
{
	struct lifecycle_input in = dead();

	(void)state;
	in.unnamed_since = NOW - D;

	assert_step(&in, false, false, BACKEND_DOWN);
}

static void test_lifecycle_recovered_but_named_stays_dead(void **state)
{
	struct lifecycle_input in = dead();

	(void)state;
	in.is_named = true;

	assert_step(&in, false, false, BACKEND_DOWN);
}

static void test_lifecycle_unnamed_since_the_future_stays_dead(void **state)
{
	struct lifecycle_input in = dead();

	(void)state;
	in.unnamed_since = NOW + 1;

	assert_step(&in, false, false, BACKEND_DOWN);
}

static void test_lifecycle_ejected_is_alive_and_takes_nobody(void **state)
{
	struct lifecycle_input in = serving();

	(void)state;
	in.is_ejected = true;

	assert_step(&in, false, false, BACKEND_EJECTED);
}

static void test_lifecycle_ejected_and_failed_is_down(void **state)
{
	struct lifecycle_input in = serving();

	(void)state;
	in.is_ejected = true;
	in.is_healthy = false;

	assert_step(&in, true, false, BACKEND_DOWN);
}

static void test_lifecycle_draining_is_alive_and_takes_nobody(void **state)
{
	struct lifecycle_input in = serving();

	(void)state;
	in.wants_drain = true;
	in.has_deadline = true;
	in.deadline = NOW + 1;

	assert_step(&in, false, false, BACKEND_DRAINING);
}

static void test_lifecycle_drain_without_deadline_never_ends_by_time(void **state)
{
	struct lifecycle_input in = serving();

	(void)state;
	in.wants_drain = true;
	in.deadline = NOW - 500;

	assert_step(&in, false, false, BACKEND_DRAINING);
}

static void test_lifecycle_drain_at_its_deadline_is_bumped(void **state)
{
	struct lifecycle_input in = serving();

	(void)state;
	in.wants_drain = true;
	in.has_deadline = true;
	in.deadline = NOW;

	assert_step(&in, true, false, BACKEND_DRAINED);
}

static void test_lifecycle_drain_past_its_deadline_does_not_revive(void **state)
{
	struct lifecycle_input in = dead();

	(void)state;
	in.wants_drain = true;
	in.has_deadline = true;
	in.deadline = NOW - 50;

	assert_step(&in, false, false, BACKEND_DRAINED);
}

static void test_lifecycle_failed_while_draining_is_bumped(void **state)
{
	struct lifecycle_input in = serving();

	(void)state;
	in.wants_drain = true;
	in.is_healthy = false;

	assert_step(&in, true, false, BACKEND_DRAINED);
}

static void test_lifecycle_drain_is_done_when_nobody_is_left(void **state)
{
	struct lifecycle_input in = emptied();

	(void)state;

	assert_step(&in, false, false, BACKEND_DRAINED);
}

static void test_lifecycle_drain_goes_on_while_quiet_for_less_than_ts(void **state)
{
	struct lifecycle_input in = emptied();

	(void)state;
	in.quiet_since = NOW - SETTLE + 1;

	assert_step(&in, false, false, BACKEND_DRAINING);
}

static void test_lifecycle_drain_goes_on_while_a_record_names_it(void **state)
{
	struct lifecycle_input in = emptied();

	(void)state;
	in.is_quiet = false;

	assert_step(&in, false, false, BACKEND_DRAINING);
}

static void test_lifecycle_drain_goes_on_while_a_slot_names_it(void **state)
{
	struct lifecycle_input in = emptied();

	(void)state;
	in.is_named = true;

	assert_step(&in, false, false, BACKEND_DRAINING);
}

static void test_lifecycle_drain_done_before_its_deadline_stays_alive(void **state)
{
	struct lifecycle_input in = emptied();

	(void)state;
	in.has_deadline = true;
	in.deadline = NOW - 1;

	assert_step(&in, false, false, BACKEND_DRAINED);
}

static void test_lifecycle_drained_and_wanted_again_serves_without_a_bump(void **state)
{
	struct lifecycle_input in = emptied();

	(void)state;
	in.wants_drain = false;

	assert_step(&in, false, true, BACKEND_UP);
}

static void test_lifecycle_drained_by_deadline_and_wanted_again_is_bumped(void **state)
{
	struct lifecycle_input in = dead();

	(void)state;
	in.wants_drain = false;

	assert_step(&in, true, true, BACKEND_UP);
}

static void test_lifecycle_leaving_serves_its_connections_on(void **state)
{
	struct lifecycle_input in = serving();

	(void)state;
	in.is_leaving = true;

	assert_step(&in, false, false, BACKEND_LEAVING);
}

static void test_lifecycle_leaving_dies_once_drained_and_is_removed_after(void **state)
{
	struct lifecycle_input in = emptied();

	(void)state;
	in.is_leaving = true;

	assert_step(&in, true, false, BACKEND_LEAVING);
	in.generation++;
	struct lifecycle_output out = step(&in);

	assert_true(out.remove);
	assert_false(out.bump_generation);
	assert_int_equal(out.state, BACKEND_LEAVING);
}

static void test_lifecycle_leaving_and_dead_is_kept_while_it_was_named_within_d(void **state)
{
	struct lifecycle_input in = dead();

	(void)state;
	in.is_leaving = true;
	in.unnamed_since = NOW - D;

	assert_step(&in, false, false, BACKEND_LEAVING);
}

static void test_lifecycle_leaving_and_dead_is_kept_while_records_were_seen(void **state)
{
	struct lifecycle_input in = dead();

	(void)state;
	in.is_leaving = true;
	in.is_quiet = false;

	assert_step(&in, false, false, BACKEND_LEAVING);
}

static void test_lifecycle_works_across_the_wrap_of_the_clock(void **state)
{
	struct lifecycle_input in = dead();
	struct lifecycle_output out;

	(void)state;
	in.unnamed_since = UINT32_MAX - 1;

	lifecycle_step(&in, 2, D, SETTLE, &out);
	assert_false(out.bump_generation);
	lifecycle_step(&in, 3, D, SETTLE, &out);
	assert_true(out.bump_generation);
}

/* the age by the rule and not by the window: no value of 10 bits within @record */
static void test_lifecycle_generations_never_recur_within_tr(void **state)
{
	enum { RECORD = 3600, STEPS = 20000 };
	static uint32_t at[STEPS];
	struct lifecycle_bumps bumps = {};
	unsigned count = 0;

	(void)state;
	/* as fast as can be: dies, returns, dies; from late in the first window on */
	for (uint32_t now = 3000; now < STEPS; now++) {
		bool is_dead = count % 2;

		if (is_dead && !lifecycle_may_bump(&bumps, now, RECORD))
			continue;
		lifecycle_may_bump(&bumps, now, RECORD);
		bumps.count++;
		at[count++] = now;
	}

	assert_true(count > 2000);
	for (unsigned i = 1024; i < count; i++)
		assert_true(at[i] - at[i - 1024] > RECORD);
}

static void test_lifecycle_may_bump_again_in_the_next_window(void **state)
{
	struct lifecycle_bumps bumps = { .count = 510, .since = 1000 };

	(void)state;

	assert_false(lifecycle_may_bump(&bumps, 1000 + 3600, 3600));
	assert_true(lifecycle_may_bump(&bumps, 1000 + 3601, 3600));
	assert_int_equal(bumps.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lifecycle_new_backend_waits_for_its_first_probe),
		cmocka_unit_test(test_lifecycle_undecided_and_healthy_waits_as_well),
		cmocka_unit_test(test_lifecycle_healthy_serves_without_a_bump),
		cmocka_unit_test(test_lifecycle_alive_and_undecided_goes_on_serving),
		cmocka_unit_test(test_lifecycle_failed_is_bumped_and_takes_nobody),
		cmocka_unit_test(test_lifecycle_failed_and_dead_is_not_bumped_again),
		cmocka_unit_test(test_lifecycle_recovered_is_bumped_once_unnamed_for_longer_than_d),
		cmocka_unit_test(test_lifecycle_recovered_but_unnamed_for_d_only_stays_dead),
		cmocka_unit_test(test_lifecycle_recovered_but_named_stays_dead),
		cmocka_unit_test(test_lifecycle_unnamed_since_the_future_stays_dead),
		cmocka_unit_test(test_lifecycle_ejected_is_alive_and_takes_nobody),
		cmocka_unit_test(test_lifecycle_ejected_and_failed_is_down),
		cmocka_unit_test(test_lifecycle_draining_is_alive_and_takes_nobody),
		cmocka_unit_test(test_lifecycle_drain_without_deadline_never_ends_by_time),
		cmocka_unit_test(test_lifecycle_drain_at_its_deadline_is_bumped),
		cmocka_unit_test(test_lifecycle_drain_past_its_deadline_does_not_revive),
		cmocka_unit_test(test_lifecycle_failed_while_draining_is_bumped),
		cmocka_unit_test(test_lifecycle_drain_is_done_when_nobody_is_left),
		cmocka_unit_test(test_lifecycle_drain_goes_on_while_quiet_for_less_than_ts),
		cmocka_unit_test(test_lifecycle_drain_goes_on_while_a_record_names_it),
		cmocka_unit_test(test_lifecycle_drain_goes_on_while_a_slot_names_it),
		cmocka_unit_test(test_lifecycle_drain_done_before_its_deadline_stays_alive),
		cmocka_unit_test(test_lifecycle_drained_and_wanted_again_serves_without_a_bump),
		cmocka_unit_test(test_lifecycle_drained_by_deadline_and_wanted_again_is_bumped),
		cmocka_unit_test(test_lifecycle_leaving_serves_its_connections_on),
		cmocka_unit_test(test_lifecycle_leaving_dies_once_drained_and_is_removed_after),
		cmocka_unit_test(
			test_lifecycle_leaving_and_dead_is_kept_while_it_was_named_within_d),
		cmocka_unit_test(test_lifecycle_leaving_and_dead_is_kept_while_records_were_seen),
		cmocka_unit_test(test_lifecycle_works_across_the_wrap_of_the_clock),
		cmocka_unit_test(test_lifecycle_generations_never_recur_within_tr),
		cmocka_unit_test(test_lifecycle_may_bump_again_in_the_next_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
