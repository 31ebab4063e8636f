/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The http probe: one request on a connection of its own, through one libcurl multi handle for all
 * targets, driven by the agent's event loop. Its deadline is health.c's, not libcurl's: with a loop
 * that was held up, libcurl would call a timeout before it looked at the answer that is there.
 */
#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/probe.h"
#include "health/reason.h"
#include "health/target.h"
#include "model/addr.h"

#define BODY_MAX   (64 * 1024) /* what of a body is read */
#define HEADER_MAX (64 * 1024) /* of all header lines; more is no answer to a probe */

struct http_client {
	CURLM *multi;
	struct event_base *base;
	struct event timer;
};

/** struct http_probe - what a target keeps from probe to probe, and of the one in flight */
struct http_probe {
	CURL *easy;
	struct curl_slist *headers;
	char *body; /* BODY_MAX bytes, from the first byte of a body until the end of the probe */
	size_t body_len;
	size_t header_len;
	int socket_errno; /* why there is no socket at all */
	bool is_cut;	  /* the body was long enough; the rest is not read */
};

static struct http_probe *http_of(const struct target *t)
{
	return t->of_kind;
}

/* ---- libcurl's sockets and timer on libevent ---------------------------- */

static void end_finished(struct http_client *client);

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct http_client *client = arg;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	end_finished(client);
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct http_client *client = arg;
	struct timeval tv = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };

	(void)multi;
	if (timeout_ms < 0)
		evtimer_del(&client->timer);
	else
		evtimer_add(&client->timer, &tv);
	return 0;
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct http_client *client = arg;
	int mask =
		(what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	curl_multi_socket_action(client->multi, fd, mask, &running);
	end_finished(client);
}

/* A probe has one socket at a time, so the event lies in its target. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
	struct http_client *client = arg;
	struct target *t = assigned;
	short flags = EV_PERSIST;

	if (t)
		event_del(&t->socket_event);
	if (what == CURL_POLL_REMOVE)
		return 0;
	if (!t) {
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
		curl_multi_assign(client->multi, fd, t);
	}
	flags |= what & CURL_POLL_IN ? EV_READ : 0;
	flags |= what & CURL_POLL_OUT ? EV_WRITE : 0;
	event_assign(&t->socket_event, client->base, fd, flags, on_ready, client);
	return event_add(&t->socket_event, NULL);
}

static struct http_client *client_new(struct event_base *base)
{
	struct http_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(client);
		return NULL;
	}
	client->base = base;
	client->multi = curl_multi_init();
	if (!client->multi) {
		curl_global_cleanup();
		free(client);
		return NULL;
	}
	evtimer_assign(&client->timer, base, on_timer, client);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	return client;
}

void probe_http_free(struct http_client *client)
{
	if (!client)
		return;
	curl_multi_cleanup(client->multi);
	evtimer_del(&client->timer);
	curl_global_cleanup();
	free(client);
}

/* ---- one request -------------------------------------------------------- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	/* the server ends the connection ("Connection: close"); where we end it, be it on a timeout
	 * or a body cut short, no TIME_WAIT is to stay here: see probe_tcp.c */
	static const struct linger reset_on_close = { .l_onoff = 1 };
	struct target *t = arg;
	int fd = target_socket(t, SOCK_STREAM);

	(void)purpose;
	(void)address; /* the URL's, which is t->to */
	if (fd < 0) {
		http_of(t)->socket_errno = -fd;
		return CURL_SOCKET_BAD;
	}
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof(reset_on_close));
	return fd;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
	struct http_probe *http = arg;

	(void)line;
	http->header_len += size * count;
	return http->header_len > HEADER_MAX ? 0 : size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct http_probe *http = arg;
	size_t len = size * count;

	if (!http->body)
		http->body = malloc(BODY_MAX);
	if (!http->body)
		return 0;
	if (len > BODY_MAX - http->body_len) {
		len = BODY_MAX - http->body_len;
		http->is_cut = true;
	}
	memcpy(http->body + http->body_len, bytes, len);
	http->body_len += len;
	return len; /* fewer than were given: libcurl stops here */
}

static int set_headers(struct http_probe *http, const char *host)
{
	struct curl_slist *more;
	char line[300];

	http->headers = curl_slist_append(NULL, "Connection: close");
	if (!http->headers)
		return -ENOMEM;
	if (host) {
		if (snprintf(line, sizeof(line), "Host: %s", host) >= (int)sizeof(line))
			return -ENAMETOOLONG;
		more = curl_slist_append(http->headers, line);
		if (!more)
			return -ENOMEM;
		http->headers = more;
	}
	curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, http->headers);
	return 0;
}

static int set_request(struct target *t)
{
	const struct model_health *s = &t->settings;
	const char *method = s->method ? s->method : "GET";
	CURL *easy = http_of(t)->easy;
	char address[ADDR_PORT_STRLEN];
	char url[ADDR_PORT_STRLEN + 16];

	snprintf(url, sizeof(url), "http://%s/", target_format_to(t, address));
	if (curl_easy_setopt(easy, CURLOPT_URL, url) ||
	    curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, s->path ? s->path : "/"))
		return -ENOMEM;
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else if (strcmp(method, "GET") != 0 &&
		 curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method))
		return -ENOMEM;
	return set_headers(http_of(t), s->host);
}

static void set_habits(struct target *t)
{
	CURL *easy = http_of(t)->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "leat");
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* empty: not even the environment's */
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	/* each end of a transfer walks libcurl's cache of names, and a numeric address is in it:
	 * with 10,000 targets that walk would cost more than the probe */
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, http_of(t));
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, http_of(t));
}

/* ---- the verdict -------------------------------------------------------- */

static enum probe_outcome judge_response(const struct target *t, char *reason, size_t size)
{
	const struct model_health *s = &t->settings;
	const struct http_probe *http = http_of(t);
	long status = 0;

	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!reason_status_is_expected((unsigned)status, s->expect_status)) {
		reason_status((unsigned)status, s->expect_status, reason, size);
		return OUTCOME_FAILED;
	}
	if (s->body &&
	    (!http->body || !memmem(http->body, http->body_len, s->body, strlen(s->body)))) {
		reason_body(s->body, reason, size);
		return OUTCOME_FAILED;
	}
	snprintf(reason, size, "status %ld", status);
	return OUTCOME_PASSED;
}

static const char *error_text(const struct http_probe *http, CURLcode result)
{
	switch (result) {
	case CURLE_GOT_NOTHING:
		return "connection closed without a response";
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return "connection reset before the end of the response";
	case CURLE_PARTIAL_FILE:
		return "connection closed before the end of the response";
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return "the answer is not HTTP";
	default:
		if (http->header_len > HEADER_MAX)
			return "more than 64 KiB of response header";
		return curl_easy_strerror(result);
	}
}

static enum probe_outcome judge(const struct target *t, CURLcode result, char *reason, size_t size)
{
	const struct http_probe *http = http_of(t);
	enum probe_outcome outcome = OUTCOME_FAILED;
	long connect_errno = 0;

	if (result == CURLE_OK || http->is_cut)
		return judge_response(t, reason, size);
	if (result == CURLE_OUT_OF_MEMORY)
		outcome = OUTCOME_NOT_SENT;
	if (result == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &connect_errno);
	if (http->socket_errno)
		connect_errno = http->socket_errno;
	snprintf(reason, size, "%s",
		 connect_errno ? reason_errno((int)connect_errno, &outcome)
			       : error_text(http, result));
	return outcome;
}

static void leave(struct target *t)
{
	curl_multi_remove_handle(t->health->http->multi, http_of(t)->easy);
	free(http_of(t)->body);
	http_of(t)->body = NULL;
}

static void end_finished(struct http_client *client)
{
	struct target *t = NULL;
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		char reason[sizeof(t->state.reason)];
		enum probe_outcome outcome;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		outcome = judge(t, message->data.result, reason, sizeof(reason));
		leave(t);
		health_end_probe(t, outcome, reason);
	}
}

/* ---- the kind ----------------------------------------------------------- */

static void http_close(struct target *t)
{
	struct http_probe *http = http_of(t);

	curl_easy_cleanup(http->easy);
	curl_slist_free_all(http->headers);
	free(http);
	t->of_kind = NULL;
}

static int http_open(struct target *t)
{
	struct http_probe *http;
	int err;

	if (!t->health->http)
		t->health->http = client_new(t->health->base);
	if (!t->health->http)
		return -ENOMEM;
	http = calloc(1, sizeof(*http));
	if (!http)
		return -ENOMEM;
	t->of_kind = http;
	http->easy = curl_easy_init();
	err = http->easy ? set_request(t) : -ENOMEM;
	if (err) {
		http_close(t);
		return err;
	}
	set_habits(t);
	return 0;
}

static void http_start(struct target *t)
{
	struct http_probe *http = http_of(t);

	http->body_len = 0;
	http->header_len = 0;
	http->socket_errno = 0;
	http->is_cut = false;
	if (curl_multi_add_handle(t->health->http->multi, http->easy) != CURLM_OK)
		health_end_probe(t, OUTCOME_NOT_SENT, "no memory for a probe");
}

static const char *http_stage(const struct target *t)
{
	curl_off_t connect_us = 0;

	curl_easy_getinfo(http_of(t)->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
	if (!connect_us)
		return "connecting";
	return http_of(t)->body_len ? "reading the body" : "waiting for the response";
}

const struct probe_kind probe_http = {
	.open = http_open,
	.start = http_start,
	.cancel = leave,
	.close = http_close,
	.stage = http_stage,
	.has_via_vip = true,
};
