/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HTTP + JSON on a unix socket: what `leat status` and curl --unix-socket talk to; docs/api.md.
 * In reading order: api.c (the server), route.c (path to operation), query.c, metrics.c and
 * families.c (the status for Prometheus), socket.c (the file).
 */
#ifndef LEAT_API_API_H
#define LEAT_API_API_H

#include <jansson.h>
#include <stdbool.h>

#include "leat_abi.h"

#define API_SOCKET "/run/leat/leat.sock"

struct event_base;
struct api;

/** struct api_explain_query - a packet, in words; addresses already checked by the API */
struct api_explain_query {
	struct lb_addr client;
	unsigned client_port;
	struct lb_addr vip;
	unsigned vip_port;
	unsigned proto; /* IPPROTO_TCP or IPPROTO_UDP */
};

/**
 * struct api_ops - the agent behind the API. Each returns a new JSON object, owned by the caller,
 * and sets *@status to the HTTP status (200; 400, 404, 409, 500 with {"error": ..., "errors":
 * [...]}).
 */
struct api_ops {
	json_t *(*version)(void *arg, int *status);
	json_t *(*status)(void *arg, int *status_code);
	json_t *(*reload)(void *arg, bool is_dry_run, bool is_forced, int *status);
	json_t *(*explain)(void *arg, const struct api_explain_query *query, int *status);
	json_t *(*stop)(void *arg, bool is_detaching, int *status);
	/*
	 * May be NULL. After a stop that answered 200: its reply has left, or a second has passed.
	 * Called from the loop by itself, so that ending the loop or api_free() is safe here. In
	 * @stop they are not: the reply would be lost.
	 */
	void (*stop_replied)(void *arg);
	void *arg;
};

/**
 * api_new - listen on @path, mode 0600, its directory made where absent (0755)
 * A socket file that nobody answers on is replaced; one that answers is -EADDRINUSE.
 * @ops: copied; all but stop_replied must be set
 * The process must ignore SIGPIPE: a client may go away before its reply.
 * Returns 0 or -errno (-ENOTSOCK: @path is not a socket, and is left alone).
 */
int api_new(struct event_base *base, const char *path, const struct api_ops *ops, struct api **out);

/** api_set_timeout - how long a client may be silent, or not read, before it is cut off (10 s) */
void api_set_timeout(struct api *api, unsigned timeout_ms);

/** api_free - stop listening, drop clients and remove the socket file; not from within an operation
 */
void api_free(struct api *api);

#endif
