/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's files say, the load between readings, and the line made of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/line.h"
#include "backend/load.h"
#include "health/agent_check.h"

/* ---- files -------------------------------------------------------------- */

static void test_load_stat_idle_and_iowait_are_not_used(void **state)
{
	struct load_reading reading;

	(void)state;
	/* user nice system idle iowait irq softirq steal guest guest_nice */
	assert_int_equal(
		load_parse_stat("cpu  100 20 30 4000 500 6 7 8 90 9\ncpu0 1 1 1 1\n", &reading), 0);

	assert_int_equal(reading.used, 100 + 20 + 30 + 6 + 7 + 8);
	assert_int_equal(reading.offered, reading.used + 4000 + 500);
}

static void test_load_stat_of_something_else_is_refused(void **state)
{
	static const char *const texts[] = { "",
					     "cpu",
					     "cpu0 1 2 3 4 5 6 7 8\n",
					     "cpu  1 2 3\n",
					     "intr 1 2 3 4 5 6 7 8",
					     "cpu  a b c d e f g h\n" };
	struct load_reading reading = { 1, 2 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(load_parse_stat(texts[i], &reading), -EINVAL);
	assert_int_equal(reading.used, 1);
	assert_int_equal(reading.offered, 2);
}

static void test_load_max_is_thousandths_of_a_cpu(void **state)
{
	static const struct {
		const char *text;
		int result;
		unsigned milli;
	} rows[] = {
		{ "50000 100000\n", 0, 500 },
		{ "400000 100000\n", 0, 4000 },
		{ "1000 1000000\n", 0, 1 },
		{ "1 1000000\n", 0, 1 },
		{ "max 100000\n", 0, LOAD_UNLIMITED },
		{ "max\n", -EINVAL, 7 },
		{ "", -EINVAL, 7 },
		{ "50000\n", -EINVAL, 7 },
		{ "50000 0\n", -EINVAL, 7 },
		{ "-1 100000\n", -EINVAL, 7 },
		{ "x 100000\n", -EINVAL, 7 },
		{ "50000 y\n", -EINVAL, 7 },
		{ "99999999999 100000\n", -EINVAL, 7 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned milli = 7;

		if (load_parse_max(rows[i].text, &milli) != rows[i].result)
			fail_msg("\"%s\" should give %d", rows[i].text, rows[i].result);
		assert_int_equal(milli, rows[i].milli);
	}
}

static void test_load_quota_of_minus_1_is_unlimited(void **state)
{
	unsigned milli = 7;

	(void)state;
	assert_int_equal(load_parse_quota("-1\n", "100000\n", &milli), 0);
	assert_int_equal(milli, LOAD_UNLIMITED);
	assert_int_equal(load_parse_quota("25000\n", "100000\n", &milli), 0);
	assert_int_equal(milli, 250);
	assert_int_equal(load_parse_quota("", "100000\n", &milli), -EINVAL);
	assert_int_equal(milli, 250);
}

static void test_load_usage_is_found_on_any_line(void **state)
{
	uint64_t usage = 7;

	(void)state;
	assert_int_equal(load_parse_usage("usage_usec 123\nuser_usec 4\n", &usage), 0);
	assert_int_equal(usage, 123);
	assert_int_equal(load_parse_usage("user_usec 4\nusage_usec 5000000000\n", &usage), 0);
	assert_int_equal(usage, 5000000000);
	assert_int_equal(load_parse_usage("nr_periods 0\nnr_throttled 0\n", &usage), -EINVAL);
	assert_int_equal(load_parse_usage("usage_usec x\n", &usage), -EINVAL);
	assert_int_equal(usage, 5000000000);
}

static void test_load_acct_is_in_nanoseconds(void **state)
{
	uint64_t usage = 7;

	(void)state;
	assert_int_equal(load_parse_acct("1234567\n", &usage), 0);
	assert_int_equal(usage, 1234);
	assert_int_equal(load_parse_acct("", &usage), -EINVAL);
}

/* ---- the meter ---------------------------------------------------------- */

static void add(struct load_meter *meter, uint64_t used, uint64_t offered)
{
	struct load_reading reading = { .used = used, .offered = offered };

	load_meter_add(meter, &reading);
}

/* -1: unknown */
static int percent_of(const struct load_meter *meter)
{
	unsigned percent;

	return load_meter_percent(meter, &percent) ? (int)percent : -1;
}

static void test_load_meter_needs_two_readings(void **state)
{
	struct load_meter meter = {};

	(void)state;
	assert_int_equal(percent_of(&meter), -1);
	add(&meter, 100, 1000);
	assert_int_equal(percent_of(&meter), -1);
	add(&meter, 150, 1100);
	assert_int_equal(percent_of(&meter), 50);
	add(&meter, 150, 1200);
	assert_int_equal(percent_of(&meter), 25);
}

static void test_load_meter_forgets_what_is_older_than_its_window(void **state)
{
	struct load_meter meter = {};

	(void)state;
	for (unsigned i = 0; i < LOAD_READINGS; i++) /* full */
		add(&meter, i * 100, i * 100);
	assert_int_equal(percent_of(&meter), 100);
	for (unsigned i = 0; i < LOAD_READINGS - 1; i++) { /* idle */
		add(&meter, LOAD_READINGS * 100, (LOAD_READINGS + i) * 100);
		assert_true(percent_of(&meter) <= 100);
	}
	add(&meter, LOAD_READINGS * 100, 10000);

	assert_int_equal(percent_of(&meter), 0);
}

static void test_load_meter_equal_readings_tell_nothing(void **state)
{
	struct load_meter meter = {};

	(void)state;
	add(&meter, 5, 10);
	add(&meter, 5, 10);

	assert_int_equal(percent_of(&meter), -1);
}

static void test_load_meter_more_than_allowed_is_100(void **state)
{
	struct load_meter meter = {};

	(void)state;
	add(&meter, 0, 0);
	add(&meter, 110, 100);

	assert_int_equal(percent_of(&meter), 100);
}

static void test_load_meter_rounds(void **state)
{
	struct load_meter meter = {};

	(void)state;
	add(&meter, 0, 0);
	add(&meter, 996, 1000);
	assert_int_equal(percent_of(&meter), 100);
	add(&meter, 996, 2000);
	assert_int_equal(percent_of(&meter), 50);
}

static void test_load_meter_begins_anew_when_counters_do(void **state)
{
	struct load_meter meter = {};

	(void)state;
	add(&meter, 1000, 1000);
	add(&meter, 2000, 2000);
	add(&meter, 10, 3000);
	assert_int_equal(percent_of(&meter), -1);
	add(&meter, 20, 3100);

	assert_int_equal(percent_of(&meter), 10);
}

/* ---- the line ----------------------------------------------------------- */

static void test_line_is_words_percentage_and_text(void **state)
{
	static const struct {
		const char *words; /* NULL: no file */
		int idle;	   /* -1: unknown */
		const char *line;
	} rows[] = {
		{ NULL, 63, "up 63%\n" },
		{ NULL, 100, "up 100%\n" },
		{ NULL, 0, "up 1%\n" },
		{ NULL, -1, "up\n" },
		{ "", 63, "ready up 63%\n" },
		{ "", -1, "ready up\n" },
		{ "drain", 63, "drain 63%\n" },
		{ "drain", -1, "drain\n" },
		{ "maint", 0, "maint 1%\n" },
		{ "ready", 5, "ready 5%\n" },
		{ "down #disk full", 63, "down 63% #disk full\n" },
		{ "maint\t, #by bob", 63, "maint 63% #by bob\n" },
		{ "40%", 63, "ready up 40%\n" },
		{ "drain 40%", 63, "drain 40%\n" },
		{ "40% #half", -1, "ready up 40% #half\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct line_words words = {};
		struct agent_report report;
		char line[LINE_SIZE];
		size_t size;

		if (rows[i].words)
			snprintf(words.text, sizeof(words.text), "%s", rows[i].words);
		size = line_format(rows[i].words ? &words : NULL, rows[i].idle >= 0,
				   (unsigned)rows[i].idle, line);

		assert_string_equal(line, rows[i].line);
		assert_int_equal(size, strlen(line));
		assert_int_equal(agent_check_parse(line, size, &report), 0);
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_line_words_are_the_first_line_of_the_file(void **state)
{
	static const struct {
		const char *content, *text, *error;
	} rows[] = {
		{ "drain\n", "drain", "" },
		{ "drain", "drain", "" },
		{ "down #disk\r\nup\n", "down #disk", "" },
		{ "", "", "" },
		{ "\n", "", "" },
		{ " \t\n", "", "" },
		{ "drian\n", "", "unknown word drian" },
		{ "# only a text\n", "", "a line without a word" },
	};
	char path[] = "/tmp/leat-words-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct line_words words;

		write_file(path, rows[i].content);
		line_read_words(path, &words);

		assert_string_equal(words.text, rows[i].text);
		if (*rows[i].error && !strstr(words.error, rows[i].error))
			fail_msg("no \"%s\" in: %s", rows[i].error, words.error);
		assert_true(!*rows[i].error == !*words.error);
	}
	unlink(path);
}

static void test_line_words_without_a_file_are_none(void **state)
{
	struct line_words words;

	(void)state;
	line_read_words("/nonexistent/state", &words);
	assert_string_equal(words.text, "");
	assert_string_equal(words.error, "");
	line_read_words("/tmp", &words);
	assert_string_equal(words.text, "");
	assert_string_equal(words.error, "/tmp: Is a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load_stat_idle_and_iowait_are_not_used),
		cmocka_unit_test(test_load_stat_of_something_else_is_refused),
		cmocka_unit_test(test_load_max_is_thousandths_of_a_cpu),
		cmocka_unit_test(test_load_quota_of_minus_1_is_unlimited),
		cmocka_unit_test(test_load_usage_is_found_on_any_line),
		cmocka_unit_test(test_load_acct_is_in_nanoseconds),
		cmocka_unit_test(test_load_meter_needs_two_readings),
		cmocka_unit_test(test_load_meter_forgets_what_is_older_than_its_window),
		cmocka_unit_test(test_load_meter_equal_readings_tell_nothing),
		cmocka_unit_test(test_load_meter_more_than_allowed_is_100),
		cmocka_unit_test(test_load_meter_rounds),
		cmocka_unit_test(test_load_meter_begins_anew_when_counters_do),
		cmocka_unit_test(test_line_is_words_percentage_and_text),
		cmocka_unit_test(test_line_words_are_the_first_line_of_the_file),
		cmocka_unit_test(test_line_words_without_a_file_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
