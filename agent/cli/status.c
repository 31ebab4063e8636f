/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/fields.h"
#include "cli/orphan.h"
#include "cli/render.h"

static int64_t status_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *status_orphan_name(enum orphan_state orphan)
{
	static const char *const names[] = {
		[ORPHAN_NONE] = "absent",
		[ORPHAN_DETACHED] = "detached",
		[ORPHAN_RUNNING] = "running",
	};

	return names[orphan];
}

static void status_print_orphan(const struct cli_arguments *args, enum orphan_state orphan,
				const char *interfaces)
{
	if (orphan == ORPHAN_RUNNING)
		fprintf(args->out,
			"the agent is not running; the data path pinned at %s goes on forwarding "
			"on %s\nno health check acts, no flow expires: `leat run` takes it over as "
			"it is\n",
			args->pin_dir, interfaces);
	else if (orphan == ORPHAN_DETACHED)
		fprintf(args->out,
			"the agent is not running; maps are pinned at %s, but no interface is "
			"attached: nothing is forwarded\n",
			args->pin_dir);
}

/* an agent that is dead, or that this user may not ask */
static void status_report_absence(const struct cli_arguments *args, int err, const char *error)
{
	enum orphan_state orphan = ORPHAN_NONE;
	char interfaces[256] = "";
	json_t *body;

	if (err == -ECONNREFUSED || err == -ENOENT)
		orphan = orphan_find(args->pin_dir, interfaces, sizeof(interfaces));
	fprintf(args->err, "leat: %s\n", error);
	if (!args->is_json) {
		status_print_orphan(args, orphan, interfaces);
		return;
	}
	body = json_pack("{s:s, s:s}", "error", error, "data_path", status_orphan_name(orphan));
	client_print_json(args, body);
	json_decref(body);
}

static int status_print_once(const struct cli_arguments *args)
{
	struct client_reply reply;
	char error[256];
	int err;

	err = client_ask(args->socket_path, "GET", "/v1/status", &reply, error, sizeof(error));
	if (err) {
		status_report_absence(args, err, error);
		return CLI_EXIT_NO_AGENT;
	}
	if (args->is_json) {
		client_print_json(args, reply.body);
	} else if (reply.http_status == 200) {
		field_make_printable(reply.body);
		render_status(reply.body, status_now_ms(), args->is_verbose, args->out);
	} else {
		fprintf(args->err, "leat status: %s\n", field_text(reply.body, "error"));
	}
	json_decref(reply.body);
	return client_exit_status(reply.http_status);
}

/* ends with the process, or with the reader of its output */
static int status_watch(const struct cli_arguments *args)
{
	bool is_screen = isatty(fileno(args->out));

	for (;;) {
		if (is_screen)
			fputs("\033[H\033[2J", args->out);
		status_print_once(args);
		if (!is_screen && !args->is_json)
			fputc('\n', args->out);
		if (fflush(args->out) != 0)
			return CLI_EXIT_REFUSED;
		sleep(args->watch_s);
	}
}

static int status_run(const struct cli_arguments *args)
{
	return args->watch_s ? status_watch(args) : status_print_once(args);
}

const struct cli_verb cli_status_verb = {
	.name = "status",
	.summary = "services, backends, their state and counters",
	.operands = "",
	.options = "jvwsp",
	.about = "Shows what the agent knows: interfaces, how full the tables are, each service "
		 "with\n"
		 "its backends (state, since when and why, weight, share of the slots, "
		 "connections),\n"
		 "and why packets were forwarded, passed or dropped. Where no agent runs it says\n"
		 "whether the data path goes on without one.\n",
	.statuses = "  0  the agent answered\n"
		    "  1  the agent answered with an error\n"
		    "  2  the command line is wrong\n"
		    "  3  no agent answers\n",
	.example =
		"  leat status --json | jq '.services[].backends[] | select(.state != \"up\")'\n",
	.run = status_run,
};
