/* SPDX-License-Identifier: GPL-2.0-only */
#include "api/route.h"

#include <errno.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <string.h>

#include "api/query.h"

#define MAX_PARAMETERS 4

typedef json_t *route_function(const struct api_ops *ops, const struct evkeyvalq *query,
			       int *status, struct api_query_error *error);

/* a function that returns NULL and leaves the status at 400 has filled in the error */
static json_t *route_version(const struct api_ops *ops, const struct evkeyvalq *query, int *status,
			     struct api_query_error *error)
{
	(void)query;
	(void)error;
	*status = HTTP_OK;
	return ops->version(ops->arg, status);
}

static json_t *route_status(const struct api_ops *ops, const struct evkeyvalq *query, int *status,
			    struct api_query_error *error)
{
	(void)query;
	(void)error;
	*status = HTTP_OK;
	return ops->status(ops->arg, status);
}

static json_t *route_reload(const struct api_ops *ops, const struct evkeyvalq *query, int *status,
			    struct api_query_error *error)
{
	bool is_dry_run, is_forced;

	if (api_query_get_flag(query, "dry_run", &is_dry_run, error) != 0 ||
	    api_query_get_flag(query, "force", &is_forced, error) != 0)
		return NULL;
	*status = HTTP_OK;
	return ops->reload(ops->arg, is_dry_run, is_forced, status);
}

static json_t *route_explain(const struct api_ops *ops, const struct evkeyvalq *query, int *status,
			     struct api_query_error *error)
{
	struct api_explain_query packet;

	if (api_query_get_explain(query, &packet, error) != 0)
		return NULL;
	*status = HTTP_OK;
	return ops->explain(ops->arg, &packet, status);
}

static json_t *route_stop(const struct api_ops *ops, const struct evkeyvalq *query, int *status,
			  struct api_query_error *error)
{
	bool is_detaching;

	if (api_query_get_flag(query, "detach", &is_detaching, error) != 0)
		return NULL;
	*status = HTTP_OK;
	return ops->stop(ops->arg, is_detaching, status);
}

static const struct route {
	const char *path;
	enum evhttp_cmd_type method;
	const char *method_name;
	const char *parameters[MAX_PARAMETERS]; /* NULL at the end */
	route_function *answer;
} routes[] = {
	{ "/v1/version", EVHTTP_REQ_GET, "GET", {}, route_version },
	{ "/v1/status", EVHTTP_REQ_GET, "GET", {}, route_status },
	{ "/v1/explain", EVHTTP_REQ_GET, "GET", { "client", "vip", "protocol" }, route_explain },
	{ "/v1/reload", EVHTTP_REQ_POST, "POST", { "dry_run", "force" }, route_reload },
	{ "/v1/stop", EVHTTP_REQ_POST, "POST", { "detach" }, route_stop },
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

json_t *api_route_error(const char *text)
{
	char clean[512];
	size_t i;

	for (i = 0; text[i] && i < sizeof(clean) - 1; i++)
		clean[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	clean[i] = '\0';
	return json_pack("{s:s}", "error", clean);
}

static const struct route *route_find(const char *path)
{
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	}
	return NULL;
}

static json_t *route_not_found(const char *path)
{
	char text[256];
	json_t *body, *paths;

	snprintf(text, sizeof(text), "no such path: %.128s", path);
	body = api_route_error(text);
	paths = json_array();
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		snprintf(text, sizeof(text), "%s %s", routes[i].method_name, routes[i].path);
		json_array_append_new(paths, json_string(text));
	}
	json_object_set_new(body, "paths", paths);
	return body;
}

static json_t *route_wrong_method(const struct route *route)
{
	char text[128];

	snprintf(text, sizeof(text), "%s answers to %s only", route->path, route->method_name);
	return api_route_error(text);
}

static json_t *route_call(const struct route *route, const struct api_ops *ops, const char *text,
			  int *status)
{
	struct api_query_error error;
	struct evkeyvalq query;
	json_t *body;

	*status = HTTP_BADREQUEST;
	error.text[0] = '\0';
	if (api_query_parse(text, route->parameters, &query, &error) != 0)
		body = NULL;
	else
		body = route->answer(ops, &query, status, &error);
	evhttp_clear_headers(&query);
	if (body)
		return body;
	if (error.text[0])
		return api_route_error(error.text);
	*status = HTTP_INTERNAL;
	return api_route_error("the agent could not make a reply: out of memory");
}

int api_route_answer(const struct api_ops *ops, enum evhttp_cmd_type method, const char *path,
		     const char *query, struct api_answer *out)
{
	struct api_answer answer = {};
	const struct route *route = route_find(path ? path : "");

	if (!route) {
		answer.status = HTTP_NOTFOUND;
		answer.body = route_not_found(path ? path : "");
	} else if (method != route->method) {
		answer.status = HTTP_BADMETHOD;
		answer.allow = route->method_name;
		answer.body = route_wrong_method(route);
	} else {
		answer.body = route_call(route, ops, query, &answer.status);
		answer.is_stopping = route->answer == route_stop && answer.status == HTTP_OK;
	}
	if (!answer.body)
		return -ENOMEM;
	*out = answer;
	return 0;
}
