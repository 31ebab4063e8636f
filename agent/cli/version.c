/* SPDX-License-Identifier: GPL-2.0-only */
#include "version.h"

#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/fields.h"
#include "leat_abi.h"

/* the agent's version, or NULL where none answers: no failure of this verb */
static json_t *version_ask(const struct cli_arguments *args)
{
	struct client_reply reply;

	if (client_ask(args->socket_path, "GET", "/v1/version", &reply, NULL, 0) != 0)
		return NULL;
	if (reply.http_status == 200)
		return reply.body;
	json_decref(reply.body);
	return NULL;
}

static void version_print(const struct cli_arguments *args, const json_t *agent)
{
	fprintf(args->out, "leat %s, map layout %d\n", LEAT_VERSION, LB_LAYOUT_VERSION);
	if (!agent)
		return;
	fprintf(args->out, "the running agent: %s, map layout %" PRId64 "\n",
		field_text(agent, "version"), field_number(agent, "layout"));
	if (strcmp(field_text(agent, "version"), LEAT_VERSION) != 0)
		fprintf(args->out, "to let this version take over: leat stop, then leat run\n");
}

static int version_run(const struct cli_arguments *args)
{
	json_t *agent = version_ask(args);
	json_t *body;

	field_make_printable(agent);
	if (args->is_json) {
		body = json_pack("{s:s, s:i, s:O?}", "version", LEAT_VERSION, "layout",
				 LB_LAYOUT_VERSION, "agent", agent);
		client_print_json(args, body);
		json_decref(body);
	} else {
		version_print(args, agent);
	}
	json_decref(agent);
	return CLI_EXIT_OK;
}

const struct cli_verb cli_version_verb = {
	.name = "version",
	.summary = "of this program, and of the agent where one runs",
	.operands = "",
	.options = "js",
	.about = "Prints the version and the layout of the maps: an agent takes over the pinned "
		 "maps\n"
		 "of another only where their layouts are equal.\n",
	.statuses = "  0  printed, whether or not an agent runs\n"
		    "  2  the command line is wrong\n",
	.example = "  leat version --json\n",
	.run = version_run,
};
