/* SPDX-License-Identifier: GPL-2.0-only */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/fields.h"
#include "cli/orphan.h"
#include "control/control.h"
#include "model/cleanup.h"

#define WAIT_MS 30000

/*
 * A descriptor of the process that listens on @path, or -1: the kernel says who it is.
 * So the end of the agent can be waited for even though its socket goes first.
 */
static int stop_open_process(const char *path)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (fd < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
		return -1;
	/* 0: of another pid namespace; itself: in tests */
	if (peer.pid <= 0 || peer.pid == getpid())
		return -1;
	return pidfd_open(peer.pid, 0);
}

static int stop_wait(const struct cli_arguments *args, int process)
{
	struct pollfd end = { .fd = process, .events = POLLIN };

	if (process < 0 || poll(&end, 1, WAIT_MS) == 1)
		return CLI_EXIT_OK;
	fprintf(args->err, "leat stop: the agent still runs after %d s; its log says why\n",
		WAIT_MS / 1000);
	return CLI_EXIT_REFUSED;
}

/* what --detach is for is still there, and nobody else is left to do it */
static bool stop_has_orphan(const struct cli_arguments *args)
{
	struct client_reply reply;
	char interfaces[256];
	int err;

	if (!args->is_detaching ||
	    orphan_find(args->pin_dir, interfaces, sizeof(interfaces)) == ORPHAN_NONE)
		return false;
	err = client_ask(args->socket_path, "GET", "/v1/version", &reply, NULL, 0);
	if (!err)
		json_decref(reply.body);
	return err == -ENOENT || err == -ECONNREFUSED;
}

static int stop_remove_orphan(const struct cli_arguments *args)
{
	char error[512];
	int err = control_remove(args->pin_dir, error, sizeof(error));

	if (err) {
		fprintf(args->err, "leat stop: no agent answers on %s, and %s\n", args->socket_path,
			error);
		return CLI_EXIT_REFUSED;
	}
	if (args->is_json)
		fprintf(args->out, "{\"stopping\": false, \"detached\": true}\n");
	else
		fprintf(args->out, "no agent was running; the data path is removed\n");
	return CLI_EXIT_OK;
}

static int stop_run(const struct cli_arguments *args)
{
	AUTO_CLOSE int process = stop_open_process(args->socket_path);
	const char *target = args->is_detaching ? "/v1/stop?detach=1" : "/v1/stop";
	struct client_reply reply;
	int status;

	if (stop_has_orphan(args))
		return stop_remove_orphan(args);
	status = client_ask_or_complain(args, "POST", target, &reply);
	if (status != CLI_EXIT_OK)
		return status;
	status = client_exit_status(reply.http_status);
	field_make_printable(reply.body);
	if (status == CLI_EXIT_OK)
		status = stop_wait(args, process);
	else if (!args->is_json)
		fprintf(args->err, "leat stop: %s\n", field_text(reply.body, "error"));
	if (args->is_json)
		client_print_json(args, reply.body);
	else if (status == CLI_EXIT_OK)
		fprintf(args->out, "%s\n",
			field_flag(reply.body, "detached")
				? "stopped; the data path is removed"
				: "stopped; the data path goes on forwarding");
	json_decref(reply.body);
	return status;
}

const struct cli_verb cli_stop_verb = {
	.name = "stop",
	.summary = "end the agent; the data path goes on unless detached",
	.operands = "",
	.options = "djsp",
	.about =
		"Tells the agent to end, and waits until it has. Packets go on being forwarded by\n"
		"what it last wrote, and the next `leat run` takes over without losing one.\n"
		"With --detach the data path goes too: programs, maps, and the VIP addresses that\n"
		"the agent added. That works without an agent as well, when it has died.\n",
	.statuses = "  0  the agent has ended; with --detach, the data path is gone\n"
		    "  1  it refused, or has not ended within 30 s\n"
		    "  2  the command line is wrong\n"
		    "  3  no agent answers\n",
	.example = "  leat stop --detach\n",
	.run = stop_run,
};
