/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/fields.h"
#include "cli/render.h"

static int reload_run(const struct cli_arguments *args)
{
	struct client_reply reply;
	char target[64];
	int status;

	snprintf(target, sizeof(target), "/v1/reload?dry_run=%d&force=%d", args->is_dry_run,
		 args->is_forced);
	status = client_ask_or_complain(args, "POST", target, &reply);
	if (status != CLI_EXIT_OK)
		return status;
	if (args->is_json) {
		client_print_json(args, reply.body);
	} else {
		field_make_printable(reply.body);
		render_reload(reply.body, args->out, args->err);
	}
	json_decref(reply.body);
	return client_exit_status(reply.http_status);
}

const struct cli_verb cli_reload_verb = {
	.name = "reload",
	.summary = "apply the configuration file anew, as one transaction",
	.operands = "",
	.options = "nfjs",
	.about = "The agent reads its file again, checks it, and applies what changed; "
		 "connections,\n"
		 "health and counters of what did not change go on. Where anything is wrong with "
		 "the\n"
		 "file nothing is touched. Changes that break connections are refused unless "
		 "forced.\n",
	.statuses = "  0  applied; with --dry-run: would be applied\n"
		    "  1  refused, nothing was touched\n"
		    "  2  the command line is wrong\n"
		    "  3  no agent answers\n",
	.example = "  leat reload --dry-run && leat reload\n",
	.run = reload_run,
};
