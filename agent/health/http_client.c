/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A probe's deadline is health's, not libcurl's: with a loop that was held up, libcurl would call a
 * timeout before it looked at the answer that is there.
 */
#include "health/http_client.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "health/http_tls.h"
#include "health/reason.h"
#include "health/target.h"
#include "model/addr.h"

#define HEADER_MAX (64 * 1024) /* of all header lines; more is no answer to a probe */

#define IDLE_MAX    32	  /* handles kept of each shape; more are made and freed again */
#define BUFFER_SIZE 4096L /* of libcurl's, made for each transfer: answers are short */

struct http_client {
	CURLM *multi;
	struct event_base *base;
	struct event timer;
	CURL *idle[HTTP_SHAPES][IDLE_MAX]; /* the last one given back goes first: it is warm */
	unsigned idle_count[HTTP_SHAPES];
};

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
	/* each probe has a connection of its own, HTTP/2 or not */
	curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return client;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	for (int shape = 0; shape < HTTP_SHAPES; shape++) {
		while (client->idle_count[shape])
			curl_easy_cleanup(client->idle[shape][--client->idle_count[shape]]);
	}
	curl_multi_cleanup(client->multi);
	evtimer_del(&client->timer);
	curl_global_cleanup();
	free(client);
}

/* ---- what libcurl calls ------------------------------------------------- */

/* The socket is there, and but for grpc connected. */
static curl_socket_t give_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct target *t = arg;

	(void)purpose;
	(void)address; /* t->to, by the URL or by CONNECT_TO */
	http_probe_of(t)->is_lent = true;
	return t->fd;
}

static int skip_connect(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)arg;
	(void)fd;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
	struct http_probe *http = arg;
	size_t length = size * count;

	http->header_len += length;
	if (http->header_len > HEADER_MAX)
		return 0;
	while (length && (line[length - 1] == '\n' || line[length - 1] == '\r'))
		length--;
	if (http->see)
		http->see(http, line, length);
	return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct http_probe *http = arg;
	size_t len = size * count;

	if (!http->body)
		http->body = malloc(HTTP_BODY_MAX);
	if (!http->body)
		return 0;
	if (len > HTTP_BODY_MAX - http->body_len) {
		len = HTTP_BODY_MAX - http->body_len;
		http->is_cut = true;
	}
	memcpy(http->body + http->body_len, bytes, len);
	http->body_len += len;
	return len; /* fewer than were given: libcurl stops here */
}

/* ---- handles ------------------------------------------------------------ */

static void set_habits(CURL *easy, enum http_shape shape)
{
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "leat");
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* empty: not even the environment's */
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	/* each end of a transfer walks libcurl's cache of names, and a numeric address is in it:
	 * with 10,000 targets that walk would cost more than the probe */
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, give_socket);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	if (shape != HTTP_GRPC && shape != HTTP_GRPC_TLS)
		curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, skip_connect);
	if (shape == HTTP_PLAIN) /* one small request: nothing for Nagle to hold back */
		curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 0L);
}

static CURL *take(struct http_client *client, enum http_shape shape)
{
	CURL *easy;

	if (client->idle_count[shape])
		return client->idle[shape][--client->idle_count[shape]];
	easy = curl_easy_init();
	if (easy)
		set_habits(easy, shape);
	return easy;
}

static void give_back(struct http_client *client, enum http_shape shape, CURL *easy)
{
	if (client->idle_count[shape] < IDLE_MAX)
		client->idle[shape][client->idle_count[shape]++] = easy;
	else
		curl_easy_cleanup(easy);
}

static bool prepare(struct target *t, CURL *easy)
{
	struct http_probe *http = http_probe_of(t);

	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, http);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->error);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, http->connect_to);
	if (curl_easy_setopt(easy, CURLOPT_URL, http->url) ||
	    curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, http->path))
		return false;
	if (http_is_tls(http) && !http_tls_set(easy, &t->settings.tls))
		return false;
	return http->prepare(t, easy);
}

/* ---- the end of a transfer ---------------------------------------------- */

static const char *error_text(const struct http_probe *http, CURLcode result)
{
	switch (result) {
	case CURLE_GOT_NOTHING:
		return http_is_grpc(http) ? "connection closed without a response in HTTP/2"
					  : "connection closed without a response";
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return "connection reset before the end of the response";
	case CURLE_PARTIAL_FILE:
		return "connection closed before the end of the response";
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return "the answer is not HTTP";
	case CURLE_HTTP2:
		return "the answer is not HTTP/2";
	case CURLE_HTTP2_STREAM:
		return "the server reset the stream";
	default:
		if (http->header_len > HEADER_MAX)
			return "more than 64 KiB of response header";
		return curl_easy_strerror(result);
	}
}

static enum probe_outcome judge_error(const struct http_probe *http, CURLcode result, char *reason,
				      size_t size)
{
	enum probe_outcome outcome = OUTCOME_FAILED;
	long connect_errno = 0;

	if (http_is_tls(http) && http_tls_explain(http, result, reason, size))
		return OUTCOME_FAILED;
	if (result == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &connect_errno);
	if (result == CURLE_OUT_OF_MEMORY)
		outcome = OUTCOME_NOT_SENT;
	snprintf(reason, size, "%s",
		 connect_errno ? reason_errno((int)connect_errno, &outcome)
			       : error_text(http, result));
	return outcome;
}

void http_client_cancel(struct target *t)
{
	struct http_probe *http = http_probe_of(t);

	if (!http->easy)
		event_del(&t->socket_event);
	if (!http->is_lent) /* else libcurl closes it */
		close(t->fd);
	t->fd = -1;
	if (!http->easy)
		return;
	curl_multi_remove_handle(t->health->http->multi, http->easy);
	give_back(t->health->http, http->shape, http->easy);
	http->easy = NULL;
	free(http->body);
	http->body = NULL;
}

static void end_finished(struct http_client *client)
{
	struct target *t = NULL;
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		const struct http_probe *http;
		char reason[sizeof(t->state.reason)];
		enum probe_outcome outcome;
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		http = http_probe_of(t);
		if (result == CURLE_OK || http->is_cut)
			outcome = http->judge(t, reason, sizeof(reason));
		else
			outcome = judge_error(http, result, reason, sizeof(reason));
		http_client_cancel(t);
		health_end_probe(t, outcome, reason);
	}
}

/* ---- of all kinds that speak HTTP --------------------------------------- */

/* The certificate is for a name, the connection goes to an address. */
static int set_named_url(struct target *t, const char *name)
{
	struct http_probe *http = http_probe_of(t);
	char address[ADDR_PORT_STRLEN];
	char connect_to[ADDR_PORT_STRLEN + 8];

	snprintf(connect_to, sizeof(connect_to), "::%s", target_format_to(t, address));
	http->connect_to = curl_slist_append(NULL, connect_to);
	if (!http->connect_to)
		return -ENOMEM;
	return asprintf(&http->url, "https://%s%s/", name, strrchr(address, ':')) < 0 ? -ENOMEM : 0;
}

static int set_url(struct target *t)
{
	struct http_probe *http = http_probe_of(t);
	bool is_tls = http_is_tls(http);
	char address[ADDR_PORT_STRLEN];
	char name[256];
	int err = is_tls ? http_tls_check(&t->settings.tls) : 0;

	if (err)
		return err;
	if (is_tls && http_tls_name(&t->settings, name, sizeof(name)))
		return set_named_url(t, name);
	target_format_to(t, address);
	return asprintf(&http->url, "%s://%s/", is_tls ? "https" : "http", address) < 0 ? -ENOMEM
											: 0;
}

int http_client_open(struct target *t, enum http_shape shape, const char *path)
{
	struct health *h = t->health;
	struct http_probe *http;
	int err;

	if (!h->http)
		h->http = client_new(h->base);
	if (!h->http)
		return -ENOMEM;
	http = calloc(1, sizeof(*http));
	if (!http)
		return -ENOMEM;
	http->shape = shape;
	http->path = path;
	t->of_kind = http;
	err = set_url(t);
	if (err)
		http_client_close(t);
	return err;
}

int http_client_add_header(struct target *t, const char *name, const char *value)
{
	struct http_probe *http = http_probe_of(t);
	struct curl_slist *more;
	char line[300];

	if (snprintf(line, sizeof(line), "%s: %s", name, value) >= (int)sizeof(line))
		return -ENAMETOOLONG;
	more = curl_slist_append(http->headers, line);
	if (!more)
		return -ENOMEM;
	http->headers = more;
	return 0;
}

/* ---- a probe ------------------------------------------------------------ */

static bool ask(struct target *t)
{
	struct http_probe *http = http_probe_of(t);
	struct http_client *client = t->health->http;
	CURL *easy = take(client, http->shape);

	if (!easy)
		return false;
	if (!prepare(t, easy) || curl_multi_add_handle(client->multi, easy) != CURLM_OK) {
		curl_easy_cleanup(easy);
		return false;
	}
	http->easy = easy;
	return true;
}

static void end_by_errno(struct target *t, int err)
{
	enum probe_outcome outcome;
	const char *reason = reason_errno(err, &outcome);

	health_end_probe(t, outcome, reason);
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct target *t = arg;
	socklen_t len = sizeof(int);
	int err = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (!err && ask(t))
		return;
	http_client_cancel(t);
	end_by_errno(t, err ? err : ENOMEM);
}

static int open_socket(struct target *t)
{
	/* the server ends the connection ("Connection: close"); where we end it, be it on a timeout
	 * or a body cut short, no TIME_WAIT is to stay here: see probe_tcp.c */
	static const struct linger reset_on_close = { .l_onoff = 1 };
	int fd = target_socket(t, SOCK_STREAM);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof(reset_on_close));
	return fd;
}

static int connect_socket(struct target *t)
{
	if (connect(t->fd, &t->to.any, t->to_len) && errno != EINPROGRESS)
		return -errno;
	event_assign(&t->socket_event, t->health->base, t->fd, EV_WRITE, on_connected, t);
	return event_add(&t->socket_event, NULL) ? -ENOMEM : 0;
}

static int begin(struct target *t)
{
	if (!http_is_grpc(http_probe_of(t)))
		return connect_socket(t);
	return ask(t) ? 0 : -ENOMEM;
}

/* libcurl is called in when there is a connection: what cannot be connected costs a socket alone,
 * and libcurl sends the request as soon as it looks at the handle. But in HTTP/2 it would then look
 * for an answer between the head of a request and its body, and take one that comes so early, with
 * a reset behind it, for no answer (7.88); where it connects itself it does not. */
void http_client_start(struct target *t)
{
	struct http_probe *http = http_probe_of(t);
	int err = open_socket(t);

	http->is_lent = false;
	http->body_len = 0;
	http->header_len = 0;
	http->is_cut = false;
	http->grpc_status = HTTP_NO_GRPC_STATUS;
	http->grpc_message[0] = '\0';
	http->error[0] = '\0';
	if (err >= 0) {
		t->fd = err;
		err = begin(t);
	}
	if (!err)
		return;
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	end_by_errno(t, -err);
}

void http_client_close(struct target *t)
{
	struct http_probe *http = http_probe_of(t);

	curl_slist_free_all(http->headers);
	curl_slist_free_all(http->connect_to);
	free(http->request);
	free(http->url);
	free(http);
	t->of_kind = NULL;
}

/* libcurl's own time of the connect is there after the TLS handshake alone. */
static bool is_connected(const struct target *t)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);

	return t->fd >= 0 && !getpeername(t->fd, (struct sockaddr *)&peer, &length);
}

const char *http_client_stage(const struct target *t)
{
	const struct http_probe *http = http_probe_of(t);
	curl_off_t tls_us = 0;

	if (!http->easy || !is_connected(t))
		return "connecting";
	curl_easy_getinfo(http->easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
	if (http_is_tls(http) && !tls_us)
		return "in the TLS handshake";
	return http->body_len ? "reading the body" : "waiting for the response";
}
