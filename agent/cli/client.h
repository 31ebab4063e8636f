/* SPDX-License-Identifier: GPL-2.0-only */
/* Asks the agent: HTTP over its unix socket, JSON back. */
#ifndef LEAT_CLI_CLIENT_H
#define LEAT_CLI_CLIENT_H

#include <jansson.h>
#include <stddef.h>

#include "cli/cli.h"

/** struct client_reply - what the agent said */
struct client_reply {
	long http_status;
	json_t *body; /* owned by the caller */
};

/**
 * client_ask - one request, one reply
 * @method: "GET" or "POST"
 * @target: path and query
 * @error:  gets a sentence where this fails; may be NULL
 * Returns 0; -ECONNREFUSED, -ENOENT: nobody listens; -EACCES; -ETIMEDOUT; -EPROTO: what answered is
 * no agent; -ENOMEM.
 */
int client_ask(const char *socket_path, const char *method, const char *target,
	       struct client_reply *out, char *error, size_t error_size);

/**
 * client_ask_or_complain - the same for a verb: failures are said on args->err
 * Returns CLI_EXIT_OK, with @out set, or CLI_EXIT_NO_AGENT.
 */
int client_ask_or_complain(const struct cli_arguments *args, const char *method, const char *target,
			   struct client_reply *out);

/**
 * client_fetch - the same for a reply that is text
 * @text: the caller's, ends with a zero; also where @http_status is an error's
 */
int client_fetch(const char *socket_path, const char *target, long *http_status, char **text,
		 char *error, size_t error_size);

/** client_escape - @text as a value in a query; owned by the caller; NULL: no memory */
char *client_escape(const char *text);

/** client_print_json - @body for people and jq, on args->out */
void client_print_json(const struct cli_arguments *args, const json_t *body);

/** client_exit_status - what a verb returns for an HTTP status */
int client_exit_status(long http_status);

#endif
