/* SPDX-License-Identifier: GPL-2.0-only */
#include <jansson.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/fields.h"

/* what is no metrics is JSON that says why */
static void metrics_complain(const struct cli_arguments *args, const char *text)
{
	json_t *body = json_loads(text, 0, NULL);

	fprintf(args->err, "leat metrics: %s\n", field_text(body, "error"));
	json_decref(body);
}

static int metrics_run(const struct cli_arguments *args)
{
	char *text = NULL, error[256];
	long status = 0;

	if (client_fetch(args->socket_path, "/metrics", &status, &text, error, sizeof(error))) {
		fprintf(args->err, "leat: %s\n", error);
		return CLI_EXIT_NO_AGENT;
	}
	if (status == 200)
		fputs(text, args->out);
	else
		metrics_complain(args, text);
	free(text);
	return client_exit_status(status);
}

const struct cli_verb cli_metrics_verb = {
	.name = "metrics",
	.summary = "counters and gauges for Prometheus",
	.operands = "",
	.options = "s",
	.about = "Prints what the agent serves at /metrics on its socket, in Prometheus' text "
		 "format:\n"
		 "packets, bytes and connections, reasons, slots moved, connections at risk, "
		 "weights,\n"
		 "states, response times, how full the tables are. docs/api.md lists the names.\n",
	.statuses = "  0  the agent answered\n"
		    "  1  the agent answered with an error\n"
		    "  2  the command line is wrong\n"
		    "  3  no agent answers\n",
	.example = "  leat metrics > leat.tmp && mv leat.tmp /var/lib/node_exporter/leat.prom\n",
	.run = metrics_run,
};
