/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "health/reason.h"
#include "model/config.h"

static void expect(uint64_t *bitmap, unsigned first, unsigned last)
{
	for (unsigned s = first; s <= last; s++)
		bitmap[s / 64] |= 1ULL << (s % 64);
}

static void test_reason_errno_of_the_backend_is_a_failure(void **state)
{
	static const struct {
		int err;
		const char *text;
	} cases[] = {
		{ ECONNREFUSED, "connection refused" },
		{ EHOSTUNREACH, "no route to host" },
		{ ENETUNREACH, "network unreachable" },
		{ ECONNRESET, "connection reset" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum probe_outcome outcome = OUTCOME_PASSED;

		assert_string_equal(reason_errno(cases[i].err, &outcome), cases[i].text);
		assert_int_equal(outcome, OUTCOME_FAILED);
	}
}

static void test_reason_errno_of_our_own_is_no_failure(void **state)
{
	static const int ours[] = { EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL };
	enum probe_outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		outcome = OUTCOME_FAILED;
		assert_non_null(reason_errno(ours[i], &outcome));
		assert_int_equal(outcome, OUTCOME_NOT_SENT);
	}
	assert_string_equal(reason_errno(EMFILE, &outcome),
			    "too many open files: raise LimitNOFILE");
}

static void test_reason_errno_unknown_is_a_failure_with_its_text(void **state)
{
	enum probe_outcome outcome = OUTCOME_PASSED;

	(void)state;
	assert_string_equal(reason_errno(EDOM, &outcome), strerror(EDOM));
	assert_int_equal(outcome, OUTCOME_FAILED);
}

static void test_reason_status_lists_ranges(void **state)
{
	uint64_t bitmap[MODEL_STATUS_WORDS] = {};
	char text[96];

	(void)state;
	expect(bitmap, 200, 299);
	reason_status(503, bitmap, text, sizeof(text));
	assert_string_equal(text, "status 503, expected 200-299");

	expect(bitmap, 304, 304);
	expect(bitmap, 598, 599);
	reason_status(404, bitmap, text, sizeof(text));
	assert_string_equal(text, "status 404, expected 200-299,304,598-599");
}

static void test_reason_status_too_many_ranges_are_cut(void **state)
{
	uint64_t bitmap[MODEL_STATUS_WORDS] = {};
	char text[96];

	(void)state;
	for (unsigned s = 100; s < 600; s += 2)
		expect(bitmap, s, s);
	reason_status(503, bitmap, text, sizeof(text));

	assert_int_equal(strlen(text), sizeof(text) - 1);
	assert_memory_equal(text, "status 503, expected 100,102,", 29);
}

static void test_reason_status_beyond_the_bitmap_is_not_expected(void **state)
{
	uint64_t bitmap[MODEL_STATUS_WORDS];

	(void)state;
	memset(bitmap, 0xff, sizeof(bitmap));

	assert_true(reason_status_is_expected(599, bitmap));
	assert_false(reason_status_is_expected(999, bitmap));
	assert_false(reason_status_is_expected(640, bitmap));
}

static void test_reason_body_names_the_text(void **state)
{
	char text[96];

	(void)state;
	reason_body("ok", text, sizeof(text));
	assert_string_equal(text, "body does not contain \"ok\"");

	reason_body("a\nb\x7f", text, sizeof(text));
	assert_string_equal(text, "body does not contain \"a?b?\"");
}

static void test_reason_body_long_text_is_cut_between_characters(void **state)
{
	char body[200] = "";
	char text[96];
	size_t len;

	(void)state;
	for (int i = 0; i < 60; i++)
		memcpy(body + 3 * i, "\xe2\x82\xac", 4); /* the euro sign, three bytes */
	for (size_t odd = 0; odd < 3; odd++) {
		reason_body(body + 3 * odd, text, sizeof(text) - odd);
		len = strlen(text);
		assert_true(len < sizeof(text) - odd && len > sizeof(text) - odd - 5);
		assert_string_equal(text + len - 4, "...\"");
		assert_memory_equal(text + len - 7, "\xe2\x82\xac", 3);
	}
}

static void test_reason_held_says_until_when_and_what_was_last(void **state)
{
	char buf[96];

	(void)state;
	reason_held(6, 1700000000000, "connected", buf, sizeof(buf));

	assert_string_equal(buf, "held down until 2023-11-14 22:13:20 UTC, 6 changes: connected");

	reason_held(6, 1699999999001, "connected", buf, 52);

	assert_string_equal(buf, "held down until 2023-11-14 22:13:20 UTC, 6 changes:");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reason_errno_of_the_backend_is_a_failure),
		cmocka_unit_test(test_reason_errno_of_our_own_is_no_failure),
		cmocka_unit_test(test_reason_errno_unknown_is_a_failure_with_its_text),
		cmocka_unit_test(test_reason_status_lists_ranges),
		cmocka_unit_test(test_reason_status_too_many_ranges_are_cut),
		cmocka_unit_test(test_reason_status_beyond_the_bitmap_is_not_expected),
		cmocka_unit_test(test_reason_body_names_the_text),
		cmocka_unit_test(test_reason_body_long_text_is_cut_between_characters),
		cmocka_unit_test(test_reason_held_says_until_when_and_what_was_last),
	};

	return cmocka_run_group_tests_name("health_reason", tests, NULL, NULL);
}
