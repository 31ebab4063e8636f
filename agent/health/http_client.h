/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kinds of probe that speak HTTP share: one libcurl multi handle for all targets, driven
 * by the agent's loop, and one easy handle a target, kept from probe to probe.
 */
#ifndef LEAT_HEALTH_HTTP_CLIENT_H
#define LEAT_HEALTH_HTTP_CLIENT_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "health/probe.h"

/** struct http_probe - what a target keeps from probe to probe, and of the one in flight */
struct http_probe {
	CURL *easy;
	struct curl_slist *headers;    /* of the request */
	struct curl_slist *connect_to; /* where the URL names another host than t->to */
	void *request;		       /* body of the request; NULL: none */
	bool is_tls;
	bool is_http2;
	/* judge - of a response that came whole: the outcome, and its reason into @reason */
	enum probe_outcome (*judge)(const struct target *t, char *reason, size_t size);
	/* see - one line of header or trailer, without its end; NULL: not looked at */
	void (*see)(struct http_probe *http, const char *line, size_t length);

	/* of the probe in flight */
	char *body; /* HTTP_BODY_MAX bytes, from the first byte of a body until the end */
	size_t body_len;
	size_t header_len;
	int socket_errno;	     /* why there is no socket at all */
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

/**
 * http_client_open - give @t its easy handle, with what all requests have in common
 * The kind adds URL, headers and judge(). Returns 0 or -ENOMEM.
 */
int http_client_open(struct target *t);

/**
 * http_client_set_url - "http[s]://NAME:PORT/", @path apart, and TLS where @is_tls, for t->settings
 * Returns 0, -ENOMEM, or of a file that `tls:` names -ENOENT or -EACCES.
 */
int http_client_set_url(struct target *t, bool is_tls, const char *path);

/** http_client_add_header - "@name: @value" to the request; 0, -ENOMEM or -ENAMETOOLONG */
int http_client_add_header(struct target *t, const char *name, const char *value);

/** http_client_start, http_client_cancel, http_client_close, http_client_stage - as in struct
 * probe_kind; close also undoes an open that failed half-way */
void http_client_start(struct target *t);
void http_client_cancel(struct target *t);
void http_client_close(struct target *t);
const char *http_client_stage(const struct target *t);

#endif
