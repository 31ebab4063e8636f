/* SPDX-License-Identifier: GPL-2.0-only */
/* Replies of the agent as text for people. docs/api.md has their fields. */
#ifndef LEAT_CLI_RENDER_H
#define LEAT_CLI_RENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/**
 * render_status - GET /v1/status
 * @now_ms:     since the epoch
 * @is_verbose: ids, next hops, digests and what is known of each backend too, and reasons that were
 *              never met
 */
void render_status(const json_t *status, int64_t now_ms, bool is_verbose, FILE *out);

/** render_service - one of GET /v1/status, with its backends */
void render_service(const json_t *service, int64_t now_ms, bool is_verbose, FILE *out);

/**
 * render_backend_notes - lines below its service's table: what is not ordinary about it, and why it
 * weighs what it weighs; where @is_verbose all that is known
 */
void render_backend_notes(const json_t *service, const json_t *backend, int64_t now_ms,
			  bool is_verbose, FILE *out);

/** render_reload - POST /v1/reload: the plan on @out, what is wrong with the file on @err */
void render_reload(const json_t *reload, FILE *out, FILE *err);

/** render_explain - GET /v1/explain: what the packet meets, in the order in which it meets it */
void render_explain(const json_t *explain, FILE *out);

#endif
