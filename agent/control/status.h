/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of GET /v1/status; docs/api.md has their fields. */
#ifndef LEAT_CONTROL_STATUS_H
#define LEAT_CONTROL_STATUS_H

#include <jansson.h>
#include <stdint.h>

#include "control/state.h"

/**
 * status_describe_service - one service with its groups and backends; counts its slots anew
 * @all: LB_MAX_BACKENDS rows of counters, as control_stats() returns them
 * Returns a new object, or NULL: no memory.
 */
json_t *status_describe_service(struct control *ctl, struct control_service *s,
				const struct lb_be_stats *all);

/** status_describe_backend - one of @s; a new object, or NULL: no memory */
json_t *status_describe_backend(struct control *ctl, const struct control_service *s,
				const struct control_backend *b, const struct lb_be_stats *stats);

/**
 * status_live - connections of @b that are open, as far as records tell
 * Returns -1 where not every connection has a record.
 */
int64_t status_live(const struct control *ctl, const struct control_service *s,
		    const struct control_backend *b);

/** status_add_counters - packets, bytes, connections, replies, reply_bytes into @json */
void status_add_counters(json_t *json, const struct lb_be_stats *stats);

/** status_integer - a number that may be larger than an int */
json_t *status_integer(uint64_t value);

#endif
