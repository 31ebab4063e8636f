/* SPDX-License-Identifier: GPL-2.0-only */
#include "api/api.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/metrics.h"
#include "api/route.h"
#include "api/socket.h"

#define TIMEOUT_MS	  10000
#define MAX_HEADERS_BYTES 8192
#define MAX_BODY_BYTES	  4096 /* no request has a body that matters */
#define ACCEPT_PAUSE_S	  1
#define STOP_GRACE_S	  1

#define ALL_METHODS                                                                                \
	(EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | \
	 EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH)

struct api {
	struct api_ops ops;
	struct api_socket socket;
	struct evhttp *http;
	struct evconnlistener *listener; /* owned by http */
	struct event *resume;		 /* accept again, where descriptors ran out */
	struct event *stopped;
};

static int api_dump(const char *text, size_t size, void *arg)
{
	return evbuffer_add(arg, text, size);
}

static int api_fill(struct evbuffer *buffer, const struct api_answer *answer)
{
	/* a share is known to far fewer digits than a double prints */
	size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(9);

	if (answer->text)
		return evbuffer_add(buffer, answer->text, strlen(answer->text));
	if (json_dump_callback(answer->body, api_dump, buffer, flags) != 0)
		return -1;
	return evbuffer_add(buffer, "\n", 1);
}

static void api_send(struct evhttp_request *request, const struct api_answer *answer)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *buffer = evbuffer_new();

	if (!buffer || api_fill(buffer, answer) != 0) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
	} else {
		evhttp_add_header(headers, "Content-Type",
				  answer->text ? API_METRICS_TYPE : "application/json");
		evhttp_add_header(headers, "Cache-Control", "no-store");
		evhttp_send_reply(request, answer->status, NULL, buffer);
	}
	if (buffer)
		evbuffer_free(buffer);
}

static void api_on_stop_sent(struct evhttp_request *request, void *arg)
{
	struct api *api = arg;

	(void)request;
	evtimer_add(api->stopped, &(struct timeval) {});
}

static void api_on_stopped(evutil_socket_t fd, short what, void *arg)
{
	struct api *api = arg;

	(void)fd;
	(void)what;
	if (api->ops.stop_replied)
		api->ops.stop_replied(api->ops.arg);
}

static void api_on_request(struct evhttp_request *request, void *arg)
{
	struct api *api = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	struct api_answer answer;

	if (api_route_answer(&api->ops, evhttp_request_get_command(request),
			     uri ? evhttp_uri_get_path(uri) : NULL,
			     uri ? evhttp_uri_get_query(uri) : NULL, &answer) != 0) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
		return;
	}
	if (answer.allow)
		evhttp_add_header(evhttp_request_get_output_headers(request), "Allow",
				  answer.allow);
	if (answer.is_stopping) {
		/* the timer serves where the client is gone and nothing can be sent */
		evtimer_add(api->stopped, &(struct timeval) { .tv_sec = STOP_GRACE_S });
		evhttp_request_set_on_complete_cb(request, api_on_stop_sent, api);
	}
	api_send(request, &answer);
	api_answer_free(&answer);
}

/*
 * Out of descriptors, the listener stays readable: without a pause the loop would spin.
 * @arg is evhttp's, not ours, so the timer that ends the pause simply always runs.
 */
static void api_on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	evconnlistener_disable(listener);
}

static void api_on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct api *api = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(api->listener);
}

static int api_bind(struct api *api, struct event_base *base)
{
	unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;

	api->listener = evconnlistener_new(base, NULL, NULL, flags, 0, api->socket.fd);
	if (!api->listener)
		return -ENOMEM;
	api->socket.fd = -1;
	if (!evhttp_bind_listener(api->http, api->listener)) {
		evconnlistener_free(api->listener);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(api->listener, api_on_accept_error);
	return 0;
}

static int api_prepare(struct api *api, struct event_base *base)
{
	api->http = evhttp_new(base);
	api->resume = event_new(base, -1, EV_PERSIST, api_on_resume, api);
	api->stopped = evtimer_new(base, api_on_stopped, api);
	if (!api->http || !api->resume || !api->stopped)
		return -ENOMEM;
	evhttp_set_allowed_methods(api->http, ALL_METHODS);
	evhttp_set_max_headers_size(api->http, MAX_HEADERS_BYTES);
	evhttp_set_max_body_size(api->http, MAX_BODY_BYTES);
	evhttp_set_gencb(api->http, api_on_request, api);
	api_set_timeout(api, TIMEOUT_MS);
	return 0;
}

int api_new(struct event_base *base, const char *path, const struct api_ops *ops, struct api **out)
{
	struct api *api = calloc(1, sizeof(*api));
	int err;

	if (!api)
		return -ENOMEM;
	api->ops = *ops;
	err = api_socket_open(path, &api->socket);
	if (err) {
		free(api);
		return err;
	}
	err = api_prepare(api, base);
	if (!err)
		err = api_bind(api, base);
	if (err) {
		api_free(api);
		return err;
	}
	evtimer_add(api->resume, &(struct timeval) { .tv_sec = ACCEPT_PAUSE_S });
	*out = api;
	return 0;
}

void api_set_timeout(struct api *api, unsigned timeout_ms)
{
	struct timeval timeout = {
		.tv_sec = timeout_ms / 1000,
		.tv_usec = timeout_ms % 1000 * 1000,
	};

	evhttp_set_timeout_tv(api->http, &timeout);
}

void api_free(struct api *api)
{
	if (!api)
		return;
	api_socket_unlink(&api->socket);
	if (api->socket.fd >= 0)
		close(api->socket.fd);
	if (api->http)
		evhttp_free(api->http);
	if (api->resume)
		event_free(api->resume);
	if (api->stopped)
		event_free(api->stopped);
	free(api);
}
