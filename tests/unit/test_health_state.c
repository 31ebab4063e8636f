/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "health/state.h"

/* What the state is after each outcome of @outcomes: '+' passed, '-' failed, '0' not sent;
 * 'U' and 'D' stand for news, 'u' and 'd' for none. */
static void run(struct health_state *s, const char *outcomes, bool is_adopted, char *seen)
{
	static const struct model_health settings = { .rise = 2, .fall = 3 };
	struct state_past past = { .is_adopted = is_adopted };
	size_t i;

	for (i = 0; outcomes[i]; i++) {
		struct state_input in = {
			.outcome = outcomes[i] == '+'	? OUTCOME_PASSED
				   : outcomes[i] == '-' ? OUTCOME_FAILED
							: OUTCOME_NOT_SENT,
			.settings = &settings,
			.realtime_ms = 1000 + i,
			.latency_us = 70 + (uint32_t)i,
		};
		bool has_news = state_apply(s, &past, &in);

		seen[i] = s->is_up ? (has_news ? 'U' : 'u') : (has_news ? 'D' : 'd');
	}
	seen[i] = '\0';
}

static void test_state_first_probe_passed_decides_up(void **state)
{
	struct health_state s = {};
	char seen[32];

	(void)state;
	run(&s, "+", false, seen);

	assert_string_equal(seen, "U");
	assert_true(s.is_decided);
	assert_int_equal(s.since_ms, 1000);
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
	assert_int_equal(s.since_ms, 1016);
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
	};

	return cmocka_run_group_tests_name("health_state", tests, NULL, NULL);
}
