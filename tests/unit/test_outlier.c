/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "leat_abi.h"
#include "plan/outlier.h"

#define MAX_BACKENDS 20
#define START	     1000000 /* ms */

static const struct model_passive settings = {
	.is_on = true,
	.timeout_ms = 3000,
	.window_ms = 10000,
	.minimum = 5,
	.threshold_percent = 50,
	.max_ejected_percent = 30,
	.eject_ms = 30000,
};

static struct outlier outliers[MAX_BACKENDS];
static struct outlier_candidate candidates[MAX_BACKENDS];

/* n backends that take newcomers, with no sample yet */
static void make_candidates(size_t n)
{
	memset(outliers, 0, sizeof(outliers));
	memset(candidates, 0, sizeof(candidates));
	for (size_t i = 0; i < n; i++)
		candidates[i] =
			(struct outlier_candidate) { .outlier = &outliers[i], .is_used = true };
}

static void count(size_t i, uint32_t good, uint32_t bad, uint64_t now_ms)
{
	outlier_count(&outliers[i], &settings, (struct outlier_counts) { good, bad }, now_ms);
}

static void assert_window(size_t i, uint64_t now_ms, uint32_t good, uint32_t bad)
{
	struct outlier_counts window = outlier_window(&outliers[i], &settings, now_ms);

	assert_int_equal(window.good, good);
	assert_int_equal(window.bad, bad);
}

/* Who is ejected now, as bits; and who by this very judgement. */
static void assert_ejected(size_t n, uint64_t now_ms, unsigned ejected, unsigned news)
{
	outlier_judge(candidates, n, &settings, now_ms);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(candidates[i].is_ejected, ejected >> i & 1);
		assert_int_equal(candidates[i].is_news, news >> i & 1);
		assert_int_equal(outliers[i].ejected_until_ms != 0, ejected >> i & 1);
	}
}

/* ---- the window ------------------------------------------------------------------ */

static void test_outlier_window_sums_what_is_younger_than_it(void **state)
{
	(void)state;
	make_candidates(1);

	count(0, 1, 2, START);
	count(0, 10, 20, START + 999);
	count(0, 100, 200, START + 5000);

	assert_window(0, START + 5000, 111, 222);
	assert_window(0, START + 9999, 111, 222);
	assert_window(0, START + 10000, 100, 200);
	assert_window(0, START + 14999, 100, 200);
	assert_window(0, START + 15000, 0, 0);
}

static void test_outlier_window_old_buckets_are_not_counted_again(void **state)
{
	(void)state;
	make_candidates(1);
	for (uint64_t t = 0; t < 10; t++)
		count(0, 1, 0, START + t * 1000);
	assert_window(0, START + 9000, 10, 0);

	count(0, 5, 0, START + 12000);
	assert_window(0, START + 12000, 12, 0);

	count(0, 7, 0, START + 1000000);
	assert_window(0, START + 1000000, 7, 0);
}

static void test_outlier_window_begins_at_time_0(void **state)
{
	(void)state;
	make_candidates(1);

	count(0, 3, 4, 0);

	assert_window(0, 0, 3, 4);
	assert_window(0, 10000, 0, 0);
}

static void test_outlier_window_of_another_width_begins_anew(void **state)
{
	struct model_passive wider = settings;
	struct outlier_counts window;

	(void)state;
	make_candidates(1);
	wider.window_ms = 60000;
	count(0, 3, 4, START);

	window = outlier_window(&outliers[0], &wider, START);
	assert_int_equal(window.good + window.bad, 0);

	outlier_count(&outliers[0], &wider, (struct outlier_counts) { 1, 1 }, START);
	window = outlier_window(&outliers[0], &wider, START + 50000);
	assert_int_equal(window.good, 1);
	assert_int_equal(window.bad, 1);
}

/* ---- who goes ---------------------------------------------------------------------- */

static void test_outlier_bad_one_among_good_ones_goes(void **state)
{
	(void)state;
	make_candidates(3);
	count(0, 10, 0, START);
	count(1, 0, 5, START);
	count(2, 10, 1, START);

	assert_ejected(3, START, 2, 2);

	assert_int_equal(outliers[1].ejected_until_ms, START + 30000);
	assert_int_equal(outliers[1].ejections, 1);
}

static void test_outlier_too_few_samples_prove_nothing(void **state)
{
	(void)state;
	make_candidates(3);
	count(0, 10, 0, START);
	count(1, 0, 4, START);

	assert_ejected(3, START, 0, 0);
}

static void test_outlier_below_the_threshold_stays(void **state)
{
	(void)state;
	make_candidates(3);
	count(0, 100, 0, START);
	count(1, 51, 49, START);
	assert_ejected(3, START, 0, 0);

	count(1, 0, 2, START);
	assert_ejected(3, START, 2, 2);
}

static void test_outlier_trouble_that_all_have_ejects_nobody(void **state)
{
	(void)state;
	make_candidates(10);
	for (size_t i = 0; i < 10; i++)
		count(i, 4, 6, START);

	assert_ejected(10, START, 0, 0);
}

static void test_outlier_twice_as_bad_as_the_others_goes(void **state)
{
	(void)state;
	make_candidates(3);
	count(0, 60, 40, START);
	count(1, 60, 40, START);
	count(2, 21, 79, START);
	assert_ejected(3, START, 0, 0);

	count(2, 0, 5, START); /* 84 of 105 are twice 40 of 100 */
	assert_ejected(3, START, 4, 4);
}

static void test_outlier_worst_go_first_up_to_the_cap(void **state)
{
	(void)state;
	make_candidates(10);
	for (size_t i = 0; i < 10; i++)
		count(i, 100, 0, START);
	count(1, 0, 110, START);
	count(3, 0, 140, START);
	count(5, 0, 130, START);
	count(7, 0, 120, START);

	/* three of ten: 3, 5 and 7 */
	assert_ejected(10, START, 0xa8, 0xa8);
}

static void test_outlier_cap_of_two_or_more_is_one_at_least(void **state)
{
	(void)state;
	make_candidates(2);
	count(0, 0, 10, START);
	count(1, 10, 0, START);

	assert_ejected(2, START, 1, 1);
}

static void test_outlier_only_one_stays_whatever_it_does(void **state)
{
	(void)state;
	make_candidates(1);
	count(0, 0, 100, START);

	assert_ejected(1, START, 0, 0);
}

static void test_outlier_last_one_stays_even_where_all_may_go(void **state)
{
	struct model_passive all = settings;

	(void)state;
	make_candidates(3);
	all.max_ejected_percent = 100;
	all.threshold_percent = 10;
	count(0, 0, 100, START);
	count(1, 70, 30, START);
	count(2, 88, 12, START);

	outlier_judge(candidates, 3, &all, START);

	assert_true(candidates[0].is_ejected);
	assert_true(candidates[1].is_ejected);
	assert_false(candidates[2].is_ejected);
}

static void test_outlier_unused_ones_are_neither_judged_nor_compared(void **state)
{
	(void)state;
	make_candidates(3);
	candidates[0].is_used = false;
	count(0, 0, 100, START);
	count(1, 0, 10, START);
	count(2, 10, 0, START);

	assert_ejected(3, START, 2, 2);
}

/* ---- and comes back ------------------------------------------------------------------ */

static void test_outlier_comes_back_with_a_new_window(void **state)
{
	(void)state;
	make_candidates(2);
	count(0, 0, 10, START);
	assert_ejected(2, START, 1, 1);
	count(0, 0, 10, START + 29000);
	assert_ejected(2, START + 29999, 1, 0);

	assert_ejected(2, START + 30000, 0, 0);

	assert_window(0, START + 30000, 0, 0);
}

static void test_outlier_stays_away_longer_each_time_up_to_10(void **state)
{
	uint64_t now = START;

	(void)state;
	make_candidates(2);

	for (unsigned i = 1; i <= 12; i++) {
		unsigned times = i < 10 ? i : 10;

		count(0, 0, 10, now);
		assert_ejected(2, now, 1, 1);
		assert_int_equal(outliers[0].ejections, times);
		now += times * 30000;
		assert_ejected(2, now - 1, 1, 0);
		assert_ejected(2, now, 0, 0);
	}
}

static void test_outlier_calm_time_forgives_ejections_one_by_one(void **state)
{
	(void)state;
	make_candidates(2);
	outliers[0].ejections = 3;
	outliers[0].ejected_until_ms = START;

	assert_ejected(2, START + 100, 0, 0);
	assert_int_equal(outliers[0].ejections, 3);
	assert_ejected(2, START + 29999, 0, 0);
	assert_int_equal(outliers[0].ejections, 3);
	assert_ejected(2, START + 30000, 0, 0);
	assert_int_equal(outliers[0].ejections, 2);
	assert_ejected(2, START + 95000, 0, 0);
	assert_int_equal(outliers[0].ejections, 0);
}

static void test_outlier_ejections_of_an_earlier_agent_count_from_now(void **state)
{
	(void)state;
	make_candidates(2);
	outliers[0].ejections = 2;

	assert_ejected(2, START, 0, 0);
	assert_int_equal(outliers[0].ejections, 2);
	assert_ejected(2, START + 30000, 0, 0);
	assert_int_equal(outliers[0].ejections, 1);
}

static void test_outlier_ejected_ones_fill_the_cap(void **state)
{
	(void)state;
	make_candidates(4);
	for (size_t i = 0; i < 4; i++)
		count(i, 10, 0, START);
	count(0, 0, 100, START);
	assert_ejected(4, START, 1, 1);
	count(1, 0, 100, START + 1000);

	assert_ejected(4, START + 1000, 1, 0);

	candidates[0].is_used = false; /* went down: its place under the cap is free */
	assert_ejected(4, START + 2000, 3, 2);
}

static void test_outlier_ejected_one_comes_back_when_it_alone_is_left(void **state)
{
	(void)state;
	make_candidates(2);
	count(0, 0, 10, START);
	count(1, 10, 0, START);
	assert_ejected(2, START, 1, 1);

	candidates[1].is_used = false; /* went down */
	assert_ejected(2, START + 250, 0, 0);
	assert_int_equal(outliers[0].ejections, 1);

	candidates[1].is_used = true; /* its old samples count no more */
	assert_ejected(2, START + 500, 0, 0);
}

/* ---- samples -------------------------------------------------------------------------- */

static void test_sample_that_waits_too_long_is_bad(void **state)
{
	(void)state;

	assert_int_equal(sample_judge(LB_SAMPLE_SYN, 0, 3000, 3000), SAMPLE_OPEN);
	assert_int_equal(sample_judge(LB_SAMPLE_SYN, 0, 3001, 3000), SAMPLE_BAD);
	assert_int_equal(sample_judge(LB_SAMPLE_REQUEST, 0, 3001, 3000), SAMPLE_BAD);
}

static void test_sample_retransmitted_twice_is_bad_after_half_a_second(void **state)
{
	(void)state;

	assert_int_equal(sample_judge(LB_SAMPLE_REQUEST, 1, 2000, 3000), SAMPLE_OPEN);
	assert_int_equal(sample_judge(LB_SAMPLE_REQUEST, 2, 500, 3000), SAMPLE_OPEN);
	assert_int_equal(sample_judge(LB_SAMPLE_REQUEST, 2, 501, 3000), SAMPLE_BAD);
	assert_int_equal(sample_judge(LB_SAMPLE_SYN, 255, 501, 3000), SAMPLE_BAD);
}

static void test_sample_that_owes_nothing_is_never_bad(void **state)
{
	(void)state;

	assert_int_equal(sample_judge(LB_SAMPLE_FREE, 9, UINT64_MAX, 3000), SAMPLE_OPEN);
	assert_int_equal(sample_judge(LB_SAMPLE_IDLE, 9, UINT64_MAX, 3000), SAMPLE_OPEN);
	assert_int_equal(sample_judge(LB_SAMPLE_FAILED, 9, UINT64_MAX, 3000), SAMPLE_OPEN);
	assert_int_equal(sample_judge(77, 9, UINT64_MAX, 3000), SAMPLE_OPEN);
}

static void test_sample_counts_answers_decide_where_there_are_requests(void **state)
{
	const struct lb_load was = { .connected = 100, .requests = 90, .answered = 80 };
	/* ten handshakes that the kernel completed, ten requests, and a server that hangs */
	const struct lb_load hangs = { .connected = 110, .requests = 100, .answered = 80 };
	/* as many, all answered, one of them twice as long a conversation */
	const struct lb_load serves = { .connected = 110, .requests = 101, .answered = 91 };
	struct outlier_counts counts;

	(void)state;
	counts = sample_counts(&was, &hangs, 7);
	assert_int_equal(counts.good, 0);
	assert_int_equal(counts.bad, 7);

	counts = sample_counts(&was, &serves, 0);
	assert_int_equal(counts.good, 11);
	assert_int_equal(counts.bad, 0);
}

static void test_sample_counts_handshakes_where_nothing_was_asked(void **state)
{
	const struct lb_load was = { .connected = UINT32_MAX, .resets = 3 };
	const struct lb_load now = { .connected = 4, .resets = 5, .requests = 1, .answered = 1 };
	struct outlier_counts counts;

	(void)state;
	counts = sample_counts(&was, &now, 1);

	assert_int_equal(counts.good, 1 + 4);
	assert_int_equal(counts.bad, 2 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outlier_window_sums_what_is_younger_than_it),
		cmocka_unit_test(test_outlier_window_old_buckets_are_not_counted_again),
		cmocka_unit_test(test_outlier_window_begins_at_time_0),
		cmocka_unit_test(test_outlier_window_of_another_width_begins_anew),
		cmocka_unit_test(test_outlier_bad_one_among_good_ones_goes),
		cmocka_unit_test(test_outlier_too_few_samples_prove_nothing),
		cmocka_unit_test(test_outlier_below_the_threshold_stays),
		cmocka_unit_test(test_outlier_trouble_that_all_have_ejects_nobody),
		cmocka_unit_test(test_outlier_twice_as_bad_as_the_others_goes),
		cmocka_unit_test(test_outlier_worst_go_first_up_to_the_cap),
		cmocka_unit_test(test_outlier_cap_of_two_or_more_is_one_at_least),
		cmocka_unit_test(test_outlier_only_one_stays_whatever_it_does),
		cmocka_unit_test(test_outlier_last_one_stays_even_where_all_may_go),
		cmocka_unit_test(test_outlier_unused_ones_are_neither_judged_nor_compared),
		cmocka_unit_test(test_outlier_comes_back_with_a_new_window),
		cmocka_unit_test(test_outlier_stays_away_longer_each_time_up_to_10),
		cmocka_unit_test(test_outlier_calm_time_forgives_ejections_one_by_one),
		cmocka_unit_test(test_outlier_ejections_of_an_earlier_agent_count_from_now),
		cmocka_unit_test(test_outlier_ejected_ones_fill_the_cap),
		cmocka_unit_test(test_outlier_ejected_one_comes_back_when_it_alone_is_left),
		cmocka_unit_test(test_sample_that_waits_too_long_is_bad),
		cmocka_unit_test(test_sample_retransmitted_twice_is_bad_after_half_a_second),
		cmocka_unit_test(test_sample_that_owes_nothing_is_never_bad),
		cmocka_unit_test(test_sample_counts_answers_decide_where_there_are_requests),
		cmocka_unit_test(test_sample_counts_handshakes_where_nothing_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
