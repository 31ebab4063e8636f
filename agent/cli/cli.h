/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line: a verb is a row of text, the options it takes, and a function.
 * In reading order: cli.c (which verb), options.c, usage.c,
 * client.c (asks the agent), fields.c and table.c (how things look), then one file a verb;
 * what status, reload and explain print is in render_*.c.
 */
#ifndef LEAT_CLI_CLI_H
#define LEAT_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CLI_CONFIG_PATH "/etc/leat/lb.yaml"
#define CLI_PIN_DIR	"/sys/fs/bpf/leat"

/** enum cli_exit - exit statuses of every verb; run may return others of the agent */
enum cli_exit {
	CLI_EXIT_OK,
	CLI_EXIT_REFUSED,  /* wrong configuration, or the agent said no */
	CLI_EXIT_USAGE,	   /* the command line is wrong */
	CLI_EXIT_NO_AGENT, /* nobody answers on the socket, or not to this user */
};

/** struct cli_arguments - the command line, read; strings belong to argv or are constants */
struct cli_arguments {
	const char *config_path;
	const char *socket_path;
	const char *pin_dir;
	unsigned watch_s;	  /* 0: once */
	const char *agent_check;  /* a port, as typed; NULL: not given */
	const char *bind_address; /* NULL: all */
	const char *state_path;
	const char *cgroup_path;
	bool is_json;
	bool is_verbose;
	bool is_dry_run;
	bool is_forced;
	bool is_detaching;
	bool is_help; /* --help: nothing else counts */
	char *const *operands;
	int operand_count;
	FILE *out;
	FILE *err;
};

/** struct cli_verb - one command, with all that its --help says */
struct cli_verb {
	const char *name;
	const char *summary;  /* its line in `leat --help` */
	const char *operands; /* as in a usage line; "" for none */
	const char *options;  /* letters of the options it takes, in the order of its help */
	int min_operands;
	int max_operands;
	const char *about;    /* what it does; whole lines */
	const char *statuses; /* what the exit statuses mean here; whole lines */
	const char *example;  /* whole lines */
	int (*run)(const struct cli_arguments *args);
};

extern const struct cli_verb cli_run_verb;
extern const struct cli_verb cli_check_verb;
extern const struct cli_verb cli_reload_verb;
extern const struct cli_verb cli_status_verb;
extern const struct cli_verb cli_metrics_verb;
extern const struct cli_verb cli_explain_verb;
extern const struct cli_verb cli_stop_verb;
extern const struct cli_verb cli_backend_verb;
extern const struct cli_verb cli_version_verb;

/**
 * cli_main - find the verb, read its options, run it
 * @verbs: NULL at the end
 * @argv:  as main got it; options and operands may be put in another order
 * Returns the exit status.
 */
int cli_main(const struct cli_verb *const *verbs, int argc, char **argv, FILE *out, FILE *err);

#endif
