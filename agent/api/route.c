/* SPDX-License-Identifier: GPL-2.0-only */
#include "api/route.h"

#include <errno.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/metrics.h"
#include "api/query.h"

#define MAX_PARAMETERS 4

/* sets body and status, or says in error what is wrong with the query */
typedef void route_function(const struct api_ops *ops, const struct evkeyvalq *query,
			    struct api_answer *out, struct api_query_error *error);

static void route_version(const struct api_ops *ops, const struct evkeyvalq *query,
			  struct api_answer *out, struct api_query_error *error)
{
	(void)query;
	(void)error;
	out->status = HTTP_OK;
	out->body = ops->version(ops->arg, &out->status);
}

static void route_status(const struct api_ops *ops, const struct evkeyvalq *query,
			 struct api_answer *out, struct api_query_error *error)
{
	(void)query;
	(void)error;
	out->status = HTTP_OK;
	out->body = ops->status(ops->arg, &out->status);
}

/* One source for people and for Prometheus: what the status says. */
static void route_metrics(const struct api_ops *ops, const struct evkeyvalq *query,
			  struct api_answer *out, struct api_query_error *error)
{
	route_status(ops, query, out, error);
	if (!out->body || out->status != HTTP_OK)
		return;
	out->text = api_metrics_format(out->body);
	json_decref(out->body);
	out->body = NULL;
}

static void route_reload(const struct api_ops *ops, const struct evkeyvalq *query,
			 struct api_answer *out, struct api_query_error *error)
{
	bool is_dry_run, is_forced;

	if (api_query_get_flag(query, "dry_run", &is_dry_run, error) != 0 ||
	    api_query_get_flag(query, "force", &is_forced, error) != 0)
		return;
	out->status = HTTP_OK;
	out->body = ops->reload(ops->arg, is_dry_run, is_forced, &out->status);
}

static void route_explain(const struct api_ops *ops, const struct evkeyvalq *query,
			  struct api_answer *out, struct api_query_error *error)
{
	struct api_explain_query packet;

	if (api_query_get_explain(query, &packet, error) != 0)
		return;
	out->status = HTTP_OK;
	out->body = ops->explain(ops->arg, &packet, &out->status);
}

static void route_stop(const struct api_ops *ops, const struct evkeyvalq *query,
		       struct api_answer *out, struct api_query_error *error)
{
	bool is_detaching;

	if (api_query_get_flag(query, "detach", &is_detaching, error) != 0)
		return;
	out->status = HTTP_OK;
	out->body = ops->stop(ops->arg, is_detaching, &out->status);
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
	{ "/metrics", EVHTTP_REQ_GET, "GET", {}, route_metrics },
	{ "/v1/explain", EVHTTP_REQ_GET, "GET", { "client", "vip", "protocol" }, route_explain },
	{ "/v1/reload", EVHTTP_REQ_POST, "POST", { "dry_run", "force" }, route_reload },
	{ "/v1/stop", EVHTTP_REQ_POST, "POST", { "detach" }, route_stop },
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

json_t *api_route_error(const char *text)
{
	char clean[512];

	snprintf(clean, sizeof(clean), "%s", text);
	for (char *at = clean; *at; at++) {
		if (*at < 0x20 || *at == 0x7f)
			*at = '?';
	}
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

static void route_call(const struct route *route, const struct api_ops *ops, const char *text,
		       struct api_answer *out)
{
	struct api_query_error error;
	struct evkeyvalq query;

	error.text[0] = '\0';
	if (api_query_parse(text, route->parameters, &query, &error) == 0)
		route->answer(ops, &query, out, &error);
	evhttp_clear_headers(&query);
	if (error.text[0]) {
		out->status = HTTP_BADREQUEST;
		out->body = api_route_error(error.text);
	} else if (!out->body && !out->text) {
		out->status = HTTP_INTERNAL;
		out->body = api_route_error("the agent could not make a reply: out of memory");
	}
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
		route_call(route, ops, query, &answer);
		answer.is_stopping = route->answer == route_stop && answer.status == HTTP_OK;
	}
	if (!answer.body && !answer.text)
		return -ENOMEM;
	*out = answer;
	return 0;
}

void api_answer_free(struct api_answer *answer)
{
	json_decref(answer->body);
	free(answer->text);
	*answer = (struct api_answer) {};
}
