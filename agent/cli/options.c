/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "model/nearest.h"

#define MAX_WATCH_S 3600

static const struct cli_option options[] = {
	{ 'c', "config", "FILE", "the configuration (default " CLI_CONFIG_PATH ")" },
	{ 's', "socket", "PATH", "where the agent listens (default " API_SOCKET ")" },
	{ 'p', "pin-dir", "DIR", "where maps and links are pinned (default " CLI_PIN_DIR ")" },
	{ 'j', "json", NULL, "print JSON" },
	{ 'v', "verbose", NULL, "print more" },
	{ 'w', "watch", "SECONDS", "print again and again, until interrupted" },
	{ 'n', "dry-run", NULL, "say what would change, and change nothing" },
	{ 'f', "force", NULL, "accept the risks that the plan names" },
	{ 'd', "detach", NULL, "remove the data path too: services stop being served" },
	{ 'a', "agent-check", "PORT", "serve agent checks on this TCP port" },
	{ 'b', "bind", "ADDRESS", "listen on this address alone (default: all)" },
	{ 't', "state", "FILE", "words that go out first, such as drain" },
	{ 'g', "cgroup", "DIR", "watch this cgroup's CPU time against its limit" },
	{ 'h', "help", NULL, "print this text" },
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

const struct cli_option *options_find(char letter)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (options[i].letter == letter)
			return &options[i];
	}
	return NULL;
}

static bool options_takes(const struct cli_verb *verb, char letter)
{
	return letter == 'h' || strchr(verb->options, letter);
}

/* what getopt_long wants: a leading ':' makes it tell a missing value from an unknown option */
static void options_fill_getopt(const struct cli_verb *verb, char *letters, struct option *names)
{
	*letters++ = ':';
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (!options_takes(verb, options[i].letter))
			continue;
		*letters++ = options[i].letter;
		if (options[i].value)
			*letters++ = ':';
		*names++ = (struct option) {
			.name = options[i].name,
			.has_arg = options[i].value ? required_argument : no_argument,
			.val = options[i].letter,
		};
	}
	*letters = '\0';
	*names = (struct option) {};
}

static int options_refuse_long(const struct cli_verb *verb, const char *word, FILE *err)
{
	char name[32];
	struct nearest nearest;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	nearest_begin(&nearest, name);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (options_takes(verb, options[i].letter))
			nearest_offer(&nearest, options[i].name);
	}
	fprintf(err, "leat %s: unknown option \"--%s\"", verb->name, name);
	if (nearest.best)
		fprintf(err, ": did you mean --%s?\n", nearest.best);
	else
		fprintf(err, ": `leat %s --help` lists its options\n", verb->name);
	return -EINVAL;
}

/* @word: where getopt stands; optopt is 0 for an unknown long option */
static int options_refuse(const struct cli_verb *verb, const char *word, FILE *err)
{
	const struct cli_option *option = optopt ? options_find((char)optopt) : NULL;

	if (optopt == 0)
		return options_refuse_long(verb, word, err);
	if (option && options_takes(verb, option->letter))
		fprintf(err, "leat %s: --%s takes no value\n", verb->name, option->name);
	else
		fprintf(err,
			"leat %s: unknown option \"-%c\": `leat %s --help` lists its options\n",
			verb->name, optopt, verb->name);
	return -EINVAL;
}

static int options_refuse_missing(const struct cli_verb *verb, FILE *err)
{
	const struct cli_option *option = options_find((char)optopt);

	fprintf(err, "leat %s: --%s needs a value: --%s %s\n", verb->name, option->name,
		option->name, option->value);
	return -EINVAL;
}

static int options_set_watch(const struct cli_verb *verb, const char *value,
			     struct cli_arguments *args)
{
	char *end;
	unsigned long seconds = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || seconds < 1 || seconds > MAX_WATCH_S) {
		fprintf(args->err, "leat %s: --watch %s: write whole seconds, 1 to %d\n",
			verb->name, value, MAX_WATCH_S);
		return -EINVAL;
	}
	args->watch_s = (unsigned)seconds;
	return 0;
}

static int options_set(const struct cli_verb *verb, int letter, struct cli_arguments *args)
{
	switch (letter) {
	case 'c':
		args->config_path = optarg;
		return 0;
	case 's':
		args->socket_path = optarg;
		return 0;
	case 'p':
		args->pin_dir = optarg;
		return 0;
	case 'j':
		args->is_json = true;
		return 0;
	case 'v':
		args->is_verbose = true;
		return 0;
	case 'w':
		return options_set_watch(verb, optarg, args);
	case 'n':
		args->is_dry_run = true;
		return 0;
	case 'f':
		args->is_forced = true;
		return 0;
	case 'd':
		args->is_detaching = true;
		return 0;
	case 'a':
		args->agent_check = optarg;
		return 0;
	case 'b':
		args->bind_address = optarg;
		return 0;
	case 't':
		args->state_path = optarg;
		return 0;
	case 'g':
		args->cgroup_path = optarg;
		return 0;
	case 'h':
		args->is_help = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int options_check_operands(const struct cli_verb *verb, const struct cli_arguments *args)
{
	if (args->is_help)
		return 0;
	if (args->operand_count > verb->max_operands) {
		fprintf(args->err, "leat %s: \"%s\" is one operand too many\n", verb->name,
			args->operands[verb->max_operands]);
	} else if (args->operand_count < verb->min_operands) {
		fprintf(args->err, "leat %s: operands are missing\n", verb->name);
	} else {
		return 0;
	}
	fprintf(args->err, "usage: leat %s [OPTIONS]%s%s\n", verb->name, *verb->operands ? " " : "",
		verb->operands);
	return -EINVAL;
}

int options_parse(const struct cli_verb *verb, int argc, char **argv, struct cli_arguments *args)
{
	char letters[2 * OPTION_COUNT + 2];
	struct option names[OPTION_COUNT + 1];
	int letter, err;

	args->config_path = CLI_CONFIG_PATH;
	args->socket_path = API_SOCKET;
	args->pin_dir = CLI_PIN_DIR;
	options_fill_getopt(verb, letters, names);
	optind = 0; /* glibc: begin anew */
	opterr = 0;
	while ((letter = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		if (letter == '?')
			return options_refuse(verb, argv[optind - 1], args->err);
		if (letter == ':')
			return options_refuse_missing(verb, args->err);
		err = options_set(verb, letter, args);
		if (err)
			return err;
	}
	args->operands = argv + optind;
	args->operand_count = argc - optind;
	return options_check_operands(verb, args);
}
