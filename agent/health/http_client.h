/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kinds of probe that speak HTTP share: one libcurl multi handle, driven by the agent's
 * loop, and a few easy handles, lent to targets for one probe each. A handle of its own for each of
 * thousands of targets would cost twice the CPU: by its next probe it has left every cache.
 */
#ifndef LEAT_HEALTH_HTTP_CLIENT_H
#define LEAT_HEALTH_HTTP_CLIENT_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "health/probe.h"

/** enum http_shape - handles are lent again for requests of the same shape: options that differ
 * within a shape are set for each probe, the others once */
enum http_shape { HTTP_PLAIN, HTTP_TLS, HTTP_GRPC, HTTP_GRPC_TLS, HTTP_SHAPES };

/** struct http_probe - what a target keeps from probe to probe, and of the one in flight */
struct http_probe {
	enum http_shape shape;
	char *url;
	const char *path;	       /* request target; not owned */
	struct curl_slist *headers;    /* of the request */
	struct curl_slist *connect_to; /* where the URL names another host than t->to */
	void *request;		       /* body of the request; NULL: none */
	size_t request_size;
	/* prepare - set what the kind wants on the handle just lent; false: no memory */
	bool (*prepare)(const struct target *t, CURL *easy);
	/* judge - of a response that came whole: the outcome, and its reason into @reason */
	enum probe_outcome (*judge)(const struct target *t, char *reason, size_t size);
	/* see - one line of header or trailer, without its end; NULL: not looked at */
	void (*see)(struct http_probe *http, const char *line, size_t length);

	/* of the probe in flight */
	CURL *easy;   /* NULL: not connected */
	bool is_lent; /* the socket is libcurl's, which closes it */
	char *body;   /* HTTP_BODY_MAX bytes, from the first byte of a body until the end */
	size_t body_len;
	size_t header_len;
	bool is_cut;		     /* the body was long enough; the rest is not read */
	unsigned grpc_status;	     /* grpc: of the trailer; HTTP_NO_GRPC_STATUS: none yet */
	char grpc_message[64];	     /* grpc: of the trailer, decoded */
	char error[CURL_ERROR_SIZE]; /* libcurl's words */
};

#define HTTP_BODY_MAX	    (64 * 1024) /* what of a body is read */
#define HTTP_NO_GRPC_STATUS 0xffff

/** http_probe_of - of a target of a kind that speaks HTTP */
static inline struct http_probe *http_probe_of(const struct target *t)
{
	return t->of_kind;
}

/** http_is_tls, http_is_grpc - by shape */
static inline bool http_is_tls(const struct http_probe *http)
{
	return http->shape == HTTP_TLS || http->shape == HTTP_GRPC_TLS;
}

static inline bool http_is_grpc(const struct http_probe *http)
{
	return http->shape == HTTP_GRPC || http->shape == HTTP_GRPC_TLS;
}

/**
 * http_client_open - give @t what all requests have in common, and its URL by its settings
 * The kind adds headers, prepare() and judge().
 * @path: of the request; it must outlive @t
 * Returns 0, -ENOMEM, or of a file that `tls:` names -ENOENT or -EACCES.
 */
int http_client_open(struct target *t, enum http_shape shape, const char *path);

/** http_client_add_header - "@name: @value" to the request; 0, -ENOMEM or -ENAMETOOLONG */
int http_client_add_header(struct target *t, const char *name, const char *value);

/** http_client_start, http_client_cancel, http_client_close, http_client_stage - as in struct
 * probe_kind; close also undoes a kind's open that failed half-way */
void http_client_start(struct target *t);
void http_client_cancel(struct target *t);
void http_client_close(struct target *t);
const char *http_client_stage(const struct target *t);

#endif
