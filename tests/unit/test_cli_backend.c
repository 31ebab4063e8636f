/* SPDX-License-Identifier: GPL-2.0-only */
/* What is wrong with a command line of `leat backend`. What is right runs: test_backend_server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

static const struct cli_verb *const verbs[] = { &cli_backend_verb, NULL };

/* the exit status; what is said on both streams into @said, to be freed */
static int leat(char *const *words, char **said)
{
	char *argv[8] = { "leat", "backend" };
	size_t size;
	FILE *out = open_memstream(said, &size);
	int argc = 2, status;

	while (*words)
		argv[argc++] = *words++;
	status = cli_main(verbs, argc, argv, out, out);
	fclose(out);
	return status;
}

static void test_cli_backend_wrong_command_lines_are_explained(void **state)
{
	static const struct {
		char *words[5];
		int status;
		const char *said;
	} rows[] = {
		{ { NULL }, CLI_EXIT_USAGE, "say what to serve: leat backend --agent-check PORT" },
		{ { "--agent-check" }, CLI_EXIT_USAGE, "--agent-check needs a value" },
		{ { "--agent-check", "0" }, CLI_EXIT_USAGE, "write a port, 1 to 65535" },
		{ { "--agent-check", "65536" }, CLI_EXIT_USAGE, "write a port, 1 to 65535" },
		{ { "--agent-check", "80x" }, CLI_EXIT_USAGE, "write a port, 1 to 65535" },
		{ { "--agent-check", "-1" }, CLI_EXIT_USAGE, "write a port, 1 to 65535" },
		{ { "-a", "" }, CLI_EXIT_USAGE, "write a port, 1 to 65535" },
		{ { "--agnt-check", "80" }, CLI_EXIT_USAGE, "did you mean --agent-check?" },
		{ { "--config", "x" }, CLI_EXIT_USAGE, "unknown option \"--config\"" },
		{ { "-a", "80", "web1" }, CLI_EXIT_USAGE, "one operand too many" },
		{ { "--help" }, CLI_EXIT_OK, "-a, --agent-check PORT  serve" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *said = NULL;

		assert_int_equal(leat(rows[i].words, &said), rows[i].status);
		if (!strstr(said, rows[i].said))
			fail_msg("no \"%s\" in: %s", rows[i].said, said);
		free(said);
	}
}

static void test_cli_backend_what_cannot_start_is_refused(void **state)
{
	char *words[] = { "-a", "65000", "--cgroup", "/nonexistent", NULL };
	char *said = NULL;

	(void)state;
	assert_int_equal(leat(words, &said), CLI_EXIT_REFUSED);
	free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cli_backend_wrong_command_lines_are_explained),
		cmocka_unit_test(test_cli_backend_what_cannot_start_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
