/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/fields.h"
#include "cli/render.h"
#include "model/cleanup.h"

#define HTTP_BAD_REQUEST 400

static int explain_ask(const struct cli_arguments *args, const char *protocol,
		       struct client_reply *reply)
{
	AUTO_FREE char *client = client_escape(args->operands[0]);
	AUTO_FREE char *vip = client_escape(args->operands[1]);
	AUTO_FREE char *escaped = client_escape(protocol);
	char target[512];
	int length;

	if (!client || !vip || !escaped)
		return CLI_EXIT_REFUSED;
	length = snprintf(target, sizeof(target), "/v1/explain?client=%s&vip=%s&protocol=%s",
			  client, vip, escaped);
	if ((size_t)length >= sizeof(target)) {
		fprintf(args->err, "leat explain: an operand is too long to be an address\n");
		return CLI_EXIT_USAGE;
	}
	return client_ask_or_complain(args, "GET", target, reply);
}

static int explain_run(const struct cli_arguments *args)
{
	const char *protocol = args->operand_count > 2 ? args->operands[2] : "tcp";
	struct client_reply reply;
	int status;

	status = explain_ask(args, protocol, &reply);
	if (status != CLI_EXIT_OK)
		return status;
	status = client_exit_status(reply.http_status);
	if (reply.http_status == HTTP_BAD_REQUEST)
		status = CLI_EXIT_USAGE;
	field_make_printable(reply.body);
	if (args->is_json) {
		client_print_json(args, reply.body);
	} else if (status == CLI_EXIT_OK) {
		fprintf(args->out, "%-10s%s from %s to %s\n", "packet", protocol, args->operands[0],
			args->operands[1]);
		render_explain(reply.body, args->out);
	} else {
		fprintf(args->err, "leat explain: %s\n", field_text(reply.body, "error"));
	}
	json_decref(reply.body);
	return status;
}

const struct cli_verb cli_explain_verb = {
	.name = "explain",
	.summary = "what one packet would meet: slot, record, backend, and why",
	.operands = "CLIENT:PORT VIP:PORT [tcp|udp]",
	.options = "js",
	.min_operands = 2,
	.max_operands = 3,
	.about = "Runs the data path itself on such a packet (a first one: SYN for tcp), over the\n"
		 "live tables and without writing to them, and tells what it met on its way.\n"
		 "IPv6 addresses go into brackets: [2001:db8::1]:80.\n",
	.statuses = "  0  explained, whatever the verdict\n"
		    "  1  the agent answered with an error\n"
		    "  2  the command line is wrong\n"
		    "  3  no agent answers\n",
	.example = "  leat explain 192.0.2.7:40000 198.51.100.10:80\n",
	.run = explain_run,
};
