/* SPDX-License-Identifier: GPL-2.0-only */
/* Every option that any verb takes, in one table. */
#ifndef LEAT_CLI_OPTIONS_H
#define LEAT_CLI_OPTIONS_H

#include "cli/cli.h"

/** struct cli_option - one option */
struct cli_option {
	char letter;
	const char *name;
	const char *value; /* what its value is called; NULL: it takes none */
	const char *text;
};

/** options_find - the option of @letter; NULL: there is none */
const struct cli_option *options_find(char letter);

/**
 * options_parse - fill @args from a command line; what is wrong is said on args->err
 * @verb: the options it takes; --help is always among them
 * @argv: argv[0] is the verb
 * @args: out and err are set by the caller
 * Returns 0 or -EINVAL.
 */
int options_parse(const struct cli_verb *verb, int argc, char **argv, struct cli_arguments *args);

#endif
