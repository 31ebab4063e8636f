/* SPDX-License-Identifier: GPL-2.0-only */
/* What log_event writes to file descriptor 2, which each test points at a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

struct fixture {
	char path[32];
	int file;
	int stderr_copy;
	char text[8192];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->path, "/tmp/leat-log-XXXXXX");
	f->file = mkstemp(f->path);
	assert_true(f->file >= 0);
	f->stderr_copy = dup(STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	log_set_level(LOG_INFO_EVENT);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->file);
	close(f->stderr_copy);
	unlink(f->path);
	unsetenv("JOURNAL_STREAM");
	free(f);
	return 0;
}

/* only around the call: what cmocka itself has to say belongs on the terminal */
#define CAPTURE(f, call)                                                                           \
	do {                                                                                       \
		dup2((f)->file, STDERR_FILENO);                                                    \
		call;                                                                              \
		dup2((f)->stderr_copy, STDERR_FILENO);                                             \
		read_back(f);                                                                      \
	} while (0)

static void read_back(struct fixture *f)
{
	ssize_t size = pread(f->file, f->text, sizeof(f->text) - 1, 0);

	assert_true(size >= 0);
	f->text[size] = '\0';
}

static void assert_matches(const char *text, const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, text, 0, NULL, 0) != 0)
		fail_msg("\"%s\" does not match %s", text, pattern);
	regfree(&regex);
}

static void set_journal(const struct fixture *f, unsigned long long inode_offset)
{
	struct stat st;
	char stream[64];

	assert_int_equal(fstat(f->file, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + inode_offset);
	setenv("JOURNAL_STREAM", stream, 1);
}

static void test_log_event_has_time_level_and_text(void **state)
{
	struct fixture *f = *state;

	CAPTURE(f, log_warn("backend down service=%s backend=%s", "web", "web1"));

	assert_matches(f->text, "^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
				"\\.[0-9]{3}Z warn  backend down service=web backend=web1\n$");
}

static void test_log_levels_above_the_limit_are_dropped(void **state)
{
	struct fixture *f = *state;

	CAPTURE(f, log_debug("probe sent"));
	assert_string_equal(f->text, "");

	log_set_level(LOG_DEBUG_EVENT);
	CAPTURE(f, log_debug("probe sent"));
	assert_matches(f->text, "Z debug probe sent\n$");

	log_set_level(LOG_ERROR_EVENT);
	CAPTURE(f, log_warn("never seen"));
	CAPTURE(f, log_error("seen"));
	assert_null(strstr(f->text, "never seen"));
	assert_matches(f->text, "Z error seen\n$");
}

static void test_log_to_the_journal_has_priorities_and_no_time(void **state)
{
	struct fixture *f = *state;

	set_journal(f, 0);
	log_set_level(LOG_DEBUG_EVENT);

	CAPTURE(f, {
		log_error("one");
		log_warn("two");
		log_info("three");
		log_debug("four");
	});

	assert_string_equal(f->text, "<3>one\n<4>two\n<6>three\n<7>four\n");
}

static void test_log_with_an_inherited_journal_variable_keeps_the_time(void **state)
{
	struct fixture *f = *state;

	set_journal(f, 1);

	CAPTURE(f, log_info("elsewhere"));

	assert_matches(f->text, "^20.*Z info  elsewhere\n$");
}

static void test_log_text_with_newlines_stays_one_line(void **state)
{
	struct fixture *f = *state;

	set_journal(f, 0);

	CAPTURE(f, log_info("reason=\"a\nb\r\033[31mc\""));

	assert_string_equal(f->text, "<6>reason=\"a b  [31mc\"\n");
}

static void test_log_long_text_is_cut_and_says_so(void **state)
{
	struct fixture *f = *state;
	char text[4000];
	size_t length;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';

	CAPTURE(f, log_info("%s", text));

	length = strlen(f->text);
	assert_in_range(length, 2000, 2100);
	assert_string_equal(f->text + length - 5, "x...\n");
}

static void test_log_escape_marks_quotes_and_backslashes(void **state)
{
	(void)state;

	const char *first = log_escape("body does not contain \"ok\"");
	const char *second = log_escape("a\\b");

	assert_string_equal(first, "body does not contain \\\"ok\\\"");
	assert_string_equal(second, "a\\\\b");
}

static void test_log_escape_of_long_text_ends_in_time(void **state)
{
	char text[2000];

	(void)state;
	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';

	assert_in_range(strlen(log_escape(text)), 500, 511);
}

#define LOGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOGGED(test_log_event_has_time_level_and_text),
		LOGGED(test_log_levels_above_the_limit_are_dropped),
		LOGGED(test_log_to_the_journal_has_priorities_and_no_time),
		LOGGED(test_log_with_an_inherited_journal_variable_keeps_the_time),
		LOGGED(test_log_text_with_newlines_stays_one_line),
		LOGGED(test_log_long_text_is_cut_and_says_so),
		cmocka_unit_test(test_log_escape_marks_quotes_and_backslashes),
		cmocka_unit_test(test_log_escape_of_long_text_ends_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
