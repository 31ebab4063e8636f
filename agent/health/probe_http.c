/* SPDX-License-Identifier: GPL-2.0-only */
/* The http and https probes: one request on a connection of its own. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "health/http_client.h"
#include "health/probe.h"
#include "health/reason.h"

static enum probe_outcome judge_response(const struct target *t, char *reason, size_t size)
{
	const struct model_health *s = &t->settings;
	const struct http_probe *http = http_probe_of(t);
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

/* Each one is said each time: the handle may have been another target's. */
static bool prepare(const struct target *t, CURL *easy)
{
	const char *method = t->settings.method ? t->settings.method : "GET";
	bool is_head = strcmp(method, "HEAD") == 0;
	bool is_get = strcmp(method, "GET") == 0;

	curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(easy, CURLOPT_NOBODY, is_head ? 1L : 0L);
	return !curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, is_head || is_get ? NULL : method);
}

static int http_open(struct target *t)
{
	const struct model_health *s = &t->settings;
	enum http_shape shape = s->type == PROBE_HTTPS ? HTTP_TLS : HTTP_PLAIN;
	int err = http_client_open(t, shape, s->path ? s->path : "/");

	if (err)
		return err;
	http_probe_of(t)->prepare = prepare;
	http_probe_of(t)->judge = judge_response;
	err = http_client_add_header(t, "Connection", "close");
	if (!err && s->host)
		err = http_client_add_header(t, "Host", s->host);
	if (err)
		http_client_close(t);
	return err;
}

const struct probe_kind probe_http = {
	.open = http_open,
	.start = http_client_start,
	.cancel = http_client_cancel,
	.close = http_client_close,
	.stage = http_client_stage,
	.has_via_vip = true,
};

/* the settings tell one from the other */
const struct probe_kind probe_https = {
	.open = http_open,
	.start = http_client_start,
	.cancel = http_client_cancel,
	.close = http_client_close,
	.stage = http_client_stage,
	.has_via_vip = true,
};
