/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "health/state.h"

#define SECOND 1000
#define START  1000000

/* What the state is after each outcome of @outcomes: '+' passed, '-' failed, '0' not sent, a second
 * apart; 'U' and 'D' stand for news, 'u' and 'd' for none. Returns the time of the next one. */
static uint64_t run_from(struct health_state *s, struct state_past *past,
			 const struct model_health *settings, uint64_t now, const char *outcomes,
			 char *seen)
{
	size_t i;

	for (i = 0; outcomes[i]; i++, now += SECOND) {
		struct state_input in = {
			.outcome = outcomes[i] == '+'	? OUTCOME_PASSED
				   : outcomes[i] == '-' ? OUTCOME_FAILED
							: OUTCOME_NOT_SENT,
			.settings = settings,
			.realtime_ms = now,
			.latency_us = 70 + (uint32_t)i,
		};
		bool has_news = state_apply(s, past, &in);

		seen[i] = s->is_up ? (has_news ? 'U' : 'u') : (has_news ? 'D' : 'd');
	}
	seen[i] = '\0';
	return now;
}

static void run(struct health_state *s, const char *outcomes, bool is_adopted, char *seen)
{
	static const struct model_health settings = { .rise = 2, .fall = 3 };
	struct state_past past = { .is_adopted = is_adopted };

	run_from(s, &past, &settings, START, outcomes, seen);
}

static void test_state_first_probe_passed_decides_up(void **state)
{
	struct health_state s = {};
	char seen[32];

	(void)state;
	run(&s, "+", false, seen);

	assert_string_equal(seen, "U");
	assert_true(s.is_decided);
	assert_int_equal(s.since_ms, START);
	assert_int_equal(s.latency_us, 70);
}

static void test_state_first_probe_failed_decides_down(void **state)
{
	struct health_state s = {};
	char seen[32];

	(void)state;
	run(&s, "-", false, seen);

	assert_string_equal(seen, "D");
	assert_true(s.is_decided);
	assert_int_equal(s.latency_us, 0);
}

static void test_state_flapping_turns_at_exactly_rise_and_fall(void **state)
{
	struct health_state s = {};
	char seen[32];

	(void)state;
	run(&s, "+--+---+-++--+---", false, seen);

	assert_string_equal(seen, "UuuuuuDdddUuuuuuD");
	assert_int_equal(s.since_ms, START + 16 * SECOND);
	assert_int_equal(s.probes, 17);
}

static void test_state_adopted_up_falls_after_fall(void **state)
{
	struct health_state s = { .is_up = true, .since_ms = 5 };
	char seen[32];

	(void)state;
	run(&s, "--", true, seen);

	assert_string_equal(seen, "uu");
	assert_int_equal(s.streak, 2);
	assert_int_equal(s.since_ms, 5);

	run(&s, "-", true, seen);

	assert_string_equal(seen, "D");
	assert_int_equal(s.streak, 0);
}

static void test_state_adopted_down_rises_after_rise(void **state)
{
	struct health_state s = {};
	char seen[32];

	(void)state;
	run(&s, "++", true, seen);

	assert_string_equal(seen, "dU");
}

static void test_state_adopted_confirmed_is_no_news(void **state)
{
	struct health_state s = { .is_up = true };
	char seen[32];

	(void)state;
	run(&s, "+", true, seen);

	assert_string_equal(seen, "u");
	assert_true(s.is_decided);
}

static void test_state_not_sent_changes_nothing(void **state)
{
	struct health_state s = {};
	struct health_state before;
	char seen[32];

	(void)state;
	run(&s, "0", false, seen);

	assert_string_equal(seen, "d");
	assert_false(s.is_decided);

	run(&s, "+--", false, seen);
	before = s;
	run(&s, "000", false, seen);

	assert_memory_equal(&s, &before, sizeof(s));
}

/* ---- memory ------------------------------------------------------------- */

static void test_state_begin_without_memory_knows_nothing(void **state)
{
	struct health_state s = { .is_up = true, .probes = 5 };
	struct state_past past = { .flap_count = 7 };

	(void)state;
	state_begin(&s, &past, NULL, START);

	assert_false(s.is_up);
	assert_false(s.is_decided);
	assert_int_equal(s.since_ms, START);
	assert_int_equal(s.probes, 0);
	assert_int_equal(past.flap_count, 0);
	assert_false(past.is_adopted);
}

static void test_state_memory_goes_on_where_it_was(void **state)
{
	static const struct model_health settings = { .rise = 2,
						      .fall = 3,
						      .flap_window_ms = 60000 };
	static const struct health_memory memory = {
		.initial = 1,
		.since_ms = START - 5000,
		.streak = 2,
		.failures = 2,
		.flaps = 2,
	};
	struct health_state s;
	struct state_past past;
	char seen[32];

	(void)state;
	state_begin(&s, &past, &memory, START);

	assert_int_equal(s.since_ms, START - 5000);
	assert_int_equal(s.streak, 2);
	assert_int_equal(s.flaps, 2);

	run_from(&s, &past, &settings, START, "-", seen);

	assert_string_equal(seen, "D"); /* the third in a row */
	assert_int_equal(s.failures, 3);
	assert_int_equal(s.flaps, 3);
}

static void test_state_hold_outlives_the_agent(void **state)
{
	static const struct model_health settings = {
		.rise = 1,
		.fall = 1,
		.flap_limit = 4,
		.flap_window_ms = 60000,
		.flap_hold_ms = 10000,
	};
	static const struct health_memory memory = { .initial = -1,
						     .held_until_ms = START + 3 * SECOND };
	struct health_state s;
	struct state_past past;
	char seen[32];

	(void)state;
	state_begin(&s, &past, &memory, START);
	run_from(&s, &past, &settings, START, "++++", seen);

	assert_string_equal(seen, "dddU");
	assert_int_equal(s.held_until_ms, 0);
}

static void test_state_held_and_unknown_is_decided_down(void **state)
{
	static const struct model_health settings = {
		.rise = 1,
		.fall = 1,
		.flap_limit = 4,
		.flap_window_ms = 60000,
		.flap_hold_ms = 10000,
	};
	static const struct health_memory memory = { .held_until_ms = START + 2 * SECOND };
	struct health_state s;
	struct state_past past;
	char seen[32];

	(void)state;
	state_begin(&s, &past, &memory, START);
	run_from(&s, &past, &settings, START, "+++", seen);

	assert_string_equal(seen, "DdU");
}

/* ---- flaps -------------------------------------------------------------- */

/* What flaps does so with rise 1 and fall 1: each outcome that differs is a change. */
static const struct {
	const char *what;
	unsigned limit;
	unsigned window_s;
	unsigned hold_s;
	const char *outcomes;
	const char *seen;
	unsigned flaps; /* at the end */
} flap_cases[] = {
	{ "no damping", 0, 10, 0, "+-+-+-", "UDUDUD", 5 },
	{ "the first decision is no change", 2, 10, 5, "+-", "UD", 1 },
	{ "held at the change down", 3, 10, 5, "+-+-+++", "UDUDddd", 3 },
	{ "a change up that is one too many is not made", 2, 10, 5, "+-++", "UDDd", 2 },
	{ "up again when the hold is over", 3, 10, 5, "+-+-+++++", "UDUDddddU", 1 },
	{ "down after the hold, when it fails", 3, 10, 5, "+-+-++++--+", "UDUDddddddU", 1 },
	{ "counted anew after the hold", 3, 60, 2, "+-+-+++-+-", "UDUDdUuDDd", 3 },
	{ "old changes do not count", 3, 3, 5, "+-+++-+++-+", "UDUuuDUuuDU", 2 },
};

static void test_state_flapping_is_held_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(flap_cases) / sizeof(flap_cases[0]); i++) {
		struct model_health settings = {
			.rise = 1,
			.fall = 1,
			.flap_limit = flap_cases[i].limit,
			.flap_window_ms = flap_cases[i].window_s * SECOND,
			.flap_hold_ms = flap_cases[i].hold_s * SECOND,
		};
		struct health_state s = {};
		struct state_past past = {};
		char seen[32];

		run_from(&s, &past, &settings, START, flap_cases[i].outcomes, seen);

		if (strcmp(seen, flap_cases[i].seen) != 0 || s.flaps != flap_cases[i].flaps)
			fail_msg("%s: \"%s\", %u flaps", flap_cases[i].what, seen, s.flaps);
	}
}

static void test_state_hold_says_until_when(void **state)
{
	static const struct model_health settings = {
		.rise = 1,
		.fall = 1,
		.flap_limit = 1,
		.flap_window_ms = 60000,
		.flap_hold_ms = 7000,
	};
	struct health_state s = {};
	struct state_past past = {};
	char seen[32];

	(void)state;
	run_from(&s, &past, &settings, START, "+-", seen);

	assert_int_equal(s.held_until_ms, START + SECOND + 7000);
	assert_int_equal(s.since_ms, START + SECOND);
}

static void test_state_damping_switched_off_ends_the_hold(void **state)
{
	struct model_health settings = {
		.rise = 1,
		.fall = 1,
		.flap_limit = 1,
		.flap_window_ms = 60000,
		.flap_hold_ms = 60000,
	};
	struct health_state s = {};
	struct state_past past = {};
	char seen[32];
	uint64_t now;

	(void)state;
	now = run_from(&s, &past, &settings, START, "+-+", seen);

	assert_string_equal(seen, "UDd");

	settings.flap_limit = 0;
	run_from(&s, &past, &settings, now, "+", seen);

	assert_string_equal(seen, "U");
}

static void test_state_clock_set_back_shortens_the_hold(void **state)
{
	static const struct model_health settings = {
		.rise = 1,
		.fall = 1,
		.flap_limit = 2,
		.flap_window_ms = 60000,
		.flap_hold_ms = 3000,
	};
	struct health_state s = {};
	struct state_past past = {};
	char seen[32];

	(void)state;
	run_from(&s, &past, &settings, START, "+-+", seen);
	run_from(&s, &past, &settings, START / 2, "++++", seen);

	assert_string_equal(seen, "dddU");
}

static void test_state_more_flaps_than_fit_keeps_the_last(void **state)
{
	static const struct model_health settings = {
		.rise = 1,
		.fall = 1,
		.flap_limit = 1000,
		.flap_window_ms = 3600000,
		.flap_hold_ms = 60000,
	};
	struct health_state s = {};
	struct state_past past = {};
	uint64_t now = START;
	char seen[4];

	(void)state;
	for (unsigned i = 0; i < STATE_FLAPS_MAX; i++)
		now = run_from(&s, &past, &settings, now, i % 2 ? "-" : "+", seen);

	assert_int_equal(s.held_until_ms, 0);

	run_from(&s, &past, &settings, now, "+", seen);

	assert_int_equal(s.flaps, STATE_FLAPS_MAX);
	assert_true(s.held_until_ms > now);
}

/* ---- pace --------------------------------------------------------------- */

/* The interval after each outcome: interval 10, fast 1, back-off up to 60, rise 2, fall 3. */
static const struct {
	const char *what;
	const char *outcomes;
	unsigned intervals[12];
} pace_cases[] = {
	{ "confirmed", "+++", { 10, 10, 10 } },
	{ "fast while it contradicts", "+--+", { 10, 1, 1, 10 } },
	{ "down: doubles after fall", "+--------", { 10, 1, 1, 10, 20, 40, 60, 60, 60 } },
	{ "down from the start", "------", { 10, 10, 10, 20, 40, 60 } },
	{ "fast after a success", "------++", { 10, 10, 10, 20, 40, 60, 1, 10 } },
	{ "a relapse starts anew",
	  "------+-----",
	  { 10, 10, 10, 20, 40, 60, 1, 10, 10, 10, 20, 40 } },
	{ "not sent changes nothing", "+--0-0", { 10, 1, 1, 1, 10, 10 } },
};

static void test_state_interval_follows_the_state(void **state)
{
	static const struct model_health settings = {
		.rise = 2,
		.fall = 3,
		.interval_ms = 10,
		.fast_interval_ms = 1,
		.backoff_ms = 60,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pace_cases) / sizeof(pace_cases[0]); i++) {
		struct health_state s = {};
		struct state_past past = {};
		char seen[2];

		assert_int_equal(state_interval_ms(&s, &settings), 1);
		for (size_t n = 0; pace_cases[i].outcomes[n]; n++) {
			const char one[] = { pace_cases[i].outcomes[n], '\0' };

			run_from(&s, &past, &settings, START, one, seen);
			if (state_interval_ms(&s, &settings) != pace_cases[i].intervals[n])
				fail_msg("%s: %u after probe %zu", pace_cases[i].what,
					 state_interval_ms(&s, &settings), n + 1);
		}
	}
}

static void test_state_interval_without_options_is_the_interval(void **state)
{
	static const struct model_health settings = { .rise = 2, .fall = 3, .interval_ms = 10 };
	static const char *const outcomes[] = { "", "+", "+-", "+---", "+---------------", "-+" };

	(void)state;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		struct health_state s = {};
		struct state_past past = {};
		char seen[32];

		run_from(&s, &past, &settings, START, outcomes[i], seen);

		assert_int_equal(state_interval_ms(&s, &settings), 10);
	}
}

static void test_state_interval_of_endless_failures_does_not_overflow(void **state)
{
	static const struct model_health settings = {
		.rise = 2,
		.fall = 3,
		.interval_ms = 3600000,
		.backoff_ms = 4000000000,
	};
	struct health_state s = { .is_decided = true, .failures = 4000000000 };

	(void)state;
	assert_int_equal(state_interval_ms(&s, &settings), 4000000000);
}

static void test_state_interval_while_held_is_the_plain_one(void **state)
{
	static const struct model_health settings = {
		.rise = 1,
		.fall = 1,
		.interval_ms = 10,
		.fast_interval_ms = 1,
		.backoff_ms = 60,
		.flap_limit = 1,
		.flap_window_ms = 60000,
		.flap_hold_ms = 60000,
	};
	struct health_state s = {};
	struct state_past past = {};
	char seen[32];

	(void)state;
	run_from(&s, &past, &settings, START, "+-++", seen);

	assert_int_equal(state_interval_ms(&s, &settings), 10);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_first_probe_passed_decides_up),
		cmocka_unit_test(test_state_first_probe_failed_decides_down),
		cmocka_unit_test(test_state_flapping_turns_at_exactly_rise_and_fall),
		cmocka_unit_test(test_state_adopted_up_falls_after_fall),
		cmocka_unit_test(test_state_adopted_down_rises_after_rise),
		cmocka_unit_test(test_state_adopted_confirmed_is_no_news),
		cmocka_unit_test(test_state_not_sent_changes_nothing),
		cmocka_unit_test(test_state_begin_without_memory_knows_nothing),
		cmocka_unit_test(test_state_memory_goes_on_where_it_was),
		cmocka_unit_test(test_state_hold_outlives_the_agent),
		cmocka_unit_test(test_state_held_and_unknown_is_decided_down),
		cmocka_unit_test(test_state_flapping_is_held_down),
		cmocka_unit_test(test_state_hold_says_until_when),
		cmocka_unit_test(test_state_damping_switched_off_ends_the_hold),
		cmocka_unit_test(test_state_clock_set_back_shortens_the_hold),
		cmocka_unit_test(test_state_more_flaps_than_fit_keeps_the_last),
		cmocka_unit_test(test_state_interval_follows_the_state),
		cmocka_unit_test(test_state_interval_without_options_is_the_interval),
		cmocka_unit_test(test_state_interval_of_endless_failures_does_not_overflow),
		cmocka_unit_test(test_state_interval_while_held_is_the_plain_one),
	};

	return cmocka_run_group_tests_name("health_state", tests, NULL, NULL);
}
