/* SPDX-License-Identifier: GPL-2.0-only */
/* From a path and a method to the operation behind it. */
#ifndef LEAT_API_ROUTE_H
#define LEAT_API_ROUTE_H

#include <event2/http.h>
#include <stdbool.h>

#include "api/api.h"

/** struct api_answer - what goes back */
struct api_answer {
	int status;	   /* of HTTP */
	json_t *body;	   /* owned by the caller; NULL where there is a text */
	char *text;	   /* instead of JSON, in Prometheus' format; owned by the caller */
	const char *allow; /* the Allow header; NULL: none */
	bool is_stopping;  /* the stop operation succeeded */
};

/**
 * api_route_answer - find the route, check the query, call the operation
 * @method: of the request
 * @path:   without the query; NULL counts as ""
 * @query:  without the '?'; NULL: none
 * Returns 0, or -ENOMEM.
 */
int api_route_answer(const struct api_ops *ops, enum evhttp_cmd_type method, const char *path,
		     const char *query, struct api_answer *out);

/** api_answer_free - what an answer owns */
void api_answer_free(struct api_answer *answer);

/** api_route_error - {"error": @text}, bytes that JSON cannot carry replaced; NULL: no memory */
json_t *api_route_error(const char *text);

#endif
