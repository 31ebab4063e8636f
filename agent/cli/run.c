/* SPDX-License-Identifier: GPL-2.0-only */
#include <signal.h>

#include "cli/cli.h"
#include "control/control.h"
#include "log.h"

static int run_run(const struct cli_arguments *args)
{
	const struct control_settings settings = {
		.config_path = args->config_path,
		.socket_path = args->socket_path,
		.pin_dir = args->pin_dir,
	};

	/* clients of the API and backends hang up when they like */
	signal(SIGPIPE, SIG_IGN);
	if (args->is_verbose)
		log_set_level(LOG_DEBUG_EVENT);
	return control_run(&settings);
}

const struct cli_verb cli_run_verb = {
	.name = "run",
	.summary = "run the agent in the foreground",
	.operands = "",
	.options = "cspv",
	.about = "Loads the data path, or takes over the one that is pinned, attaches it to the\n"
		 "interfaces of the configuration, and keeps it in line with the health of the\n"
		 "backends. Logs one line an event to stderr. Needs root.\n"
		 "SIGHUP reloads; SIGTERM and SIGINT end the agent and leave the data path "
		 "running.\n",
	.statuses = "  0  told to stop\n"
		    "  1  could not start: the log says why, and what ran before still runs\n"
		    "  2  the command line is wrong\n",
	.example = "  leat run -c lb.yaml\n",
	.run = run_run,
};
