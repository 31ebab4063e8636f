/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of a URL after '?', checked; every error says what is right. */
#ifndef LEAT_API_QUERY_H
#define LEAT_API_QUERY_H

#include <stdbool.h>

#include "api/api.h"

struct evkeyvalq;

/** struct api_query_error - one sentence for the client */
struct api_query_error {
	char text[256];
};

/**
 * api_query_parse - split and decode @query
 * @query: as it stands in the URL; NULL: none
 * @known: the names that are allowed, NULL at the end
 * @out:   to be freed with evhttp_clear_headers, also on failure
 * Returns 0, or -EINVAL: not name=value, an unknown name, or one given twice.
 */
int api_query_parse(const char *query, const char *const *known, struct evkeyvalq *out,
		    struct api_query_error *error);

/** api_query_get_flag - parameter @name: 1 or 0, absent is 0; 0 or -EINVAL */
int api_query_get_flag(const struct evkeyvalq *query, const char *name, bool *out,
		       struct api_query_error *error);

/** api_query_get_explain - client, vip and protocol of a packet (protocol absent: tcp); 0 or
 * -EINVAL
 */
int api_query_get_explain(const struct evkeyvalq *query, struct api_explain_query *out,
			  struct api_query_error *error);

#endif
