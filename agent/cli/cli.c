/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/cli.h"

#include <string.h>

#include "cli/options.h"
#include "cli/usage.h"
#include "model/nearest.h"

static const struct cli_verb *cli_find_verb(const struct cli_verb *const *verbs, const char *name)
{
	for (; *verbs; verbs++) {
		if (strcmp((*verbs)->name, name) == 0)
			return *verbs;
	}
	return NULL;
}

static int cli_refuse_verb(const struct cli_verb *const *verbs, const char *name, FILE *err)
{
	struct nearest nearest;

	nearest_begin(&nearest, name);
	for (; *verbs; verbs++)
		nearest_offer(&nearest, (*verbs)->name);
	nearest_offer(&nearest, "help");
	fprintf(err, "leat: unknown command \"%s\"", name);
	if (nearest.best)
		fprintf(err, ": did you mean `leat %s`?\n", nearest.best);
	else
		fprintf(err, ": `leat help` lists what there is\n");
	return CLI_EXIT_USAGE;
}

static int cli_run_verb_with(const struct cli_verb *verb, int argc, char **argv, FILE *out,
			     FILE *err)
{
	struct cli_arguments args = { .out = out, .err = err };

	if (options_parse(verb, argc, argv, &args) != 0)
		return CLI_EXIT_USAGE;
	if (args.is_help) {
		usage_print_verb(verb, out);
		return CLI_EXIT_OK;
	}
	return verb->run(&args);
}

static int cli_show_help(const struct cli_verb *const *verbs, const char *name, FILE *out,
			 FILE *err)
{
	const struct cli_verb *verb;

	if (!name) {
		usage_print_all(verbs, out);
		return CLI_EXIT_OK;
	}
	verb = cli_find_verb(verbs, name);
	if (!verb)
		return cli_refuse_verb(verbs, name, err);
	usage_print_verb(verb, out);
	return CLI_EXIT_OK;
}

int cli_main(const struct cli_verb *const *verbs, int argc, char **argv, FILE *out, FILE *err)
{
	const struct cli_verb *verb;
	const char *name;

	if (argc < 2) {
		usage_print_all(verbs, err);
		return CLI_EXIT_USAGE;
	}
	name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return cli_show_help(verbs, NULL, out, err);
	if (strcmp(name, "help") == 0)
		return cli_show_help(verbs, argv[2], out, err);
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	verb = cli_find_verb(verbs, name);
	if (!verb)
		return cli_refuse_verb(verbs, name, err);
	return cli_run_verb_with(verb, argc - 1, argv + 1, out, err);
}
