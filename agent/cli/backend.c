/* SPDX-License-Identifier: GPL-2.0-only */
#include "backend/backend.h"

#include <stdlib.h>

#include "cli/cli.h"

/* Returns 0 where @text is no port. */
static unsigned backend_parse_port(const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end && port <= 65535 ? (unsigned)port : 0;
}

static int backend_run_verb(const struct cli_arguments *args)
{
	struct backend_settings settings = {
		.bind_address = args->bind_address,
		.state_path = args->state_path,
		.cgroup = args->cgroup_path,
	};

	if (!args->agent_check) {
		fprintf(args->err,
			"leat backend: say what to serve: leat backend --agent-check PORT\n");
		return CLI_EXIT_USAGE;
	}
	settings.port = backend_parse_port(args->agent_check);
	if (!settings.port) {
		fprintf(args->err, "leat backend: --agent-check %s: write a port, 1 to 65535\n",
			args->agent_check);
		return CLI_EXIT_USAGE;
	}
	return backend_run(&settings) ? CLI_EXIT_REFUSED : CLI_EXIT_OK;
}

const struct cli_verb cli_backend_verb = {
	.name = "backend",
	.summary = "run on a backend: tell balancers how busy it is",
	.operands = "",
	.options = "abtg",
	.about =
		"Serves HAProxy's agent-check protocol over TCP, in the foreground; needs no "
		"root.\n"
		"Whoever connects is sent one line, such as \"up 63%\": of the CPU time of the "
		"last\n"
		"three seconds 63 % was left, 1 % at least. Where a cgroup limits the CPU time of "
		"this\n"
		"process, what counts is that cgroup and its limit, else the whole machine.\n"
		"With --state, a word in FILE goes out first: drain, maint, ready, or down with a\n"
		"reason (\"down #disk full\"); a percentage in it replaces the measured one. FILE "
		"is\n"
		"read at each check. Without it, or while it is empty, the line is \"ready up "
		"63%\".\n"
		"SIGTERM and SIGINT end it.\n",
	.statuses = "  0  told to stop\n"
		    "  1  could not start: the log says why\n"
		    "  2  the command line is wrong\n",
	.example = "  leat backend --agent-check 8081 --state /run/leat-backend\n"
		   "  echo drain > /run/leat-backend\n",
	.run = backend_run_verb,
};
