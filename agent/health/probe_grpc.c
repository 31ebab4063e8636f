/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The grpc probe: grpc.health.v1.Health/Check, one call on a connection of its own, over HTTP/2 in
 * clear (prior knowledge) or in TLS (ALPN). A backend is up when its status is SERVING.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "health/grpc_wire.h"
#include "health/http_client.h"
#include "health/probe.h"

/* ---- the answer --------------------------------------------------------- */

/* The value of a header line called @name, or NULL; @length becomes that of the value. */
static const char *value_of(const char *line, size_t *length, const char *name)
{
	size_t skipped = strlen(name);

	if (*length <= skipped || strncasecmp(line, name, skipped) != 0 || line[skipped] != ':')
		return NULL;
	skipped++;
	while (skipped < *length && line[skipped] == ' ')
		skipped++;
	*length -= skipped;
	return line + skipped;
}

/* Where there is no message the trailer comes as the header, so the two are not told apart. */
static void see_trailer(struct http_probe *http, const char *line, size_t length)
{
	size_t value_length = length;
	const char *value = value_of(line, &value_length, "grpc-status");
	unsigned status = 0;

	if (value) {
		for (size_t i = 0; i < value_length && i < 4; i++)
			status = status * 10 + (unsigned)(value[i] - '0') % 10;
		http->grpc_status = status;
		return;
	}
	value_length = length;
	value = value_of(line, &value_length, "grpc-message");
	if (value)
		grpc_message_decode(value, value_length, http->grpc_message,
				    sizeof(http->grpc_message));
}

static enum probe_outcome judge_call(const struct http_probe *http, char *reason, size_t size)
{
	long version = 0;
	long status = 0;

	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(http->easy, CURLINFO_HTTP_VERSION, &version);
	if (version != CURL_HTTP_VERSION_2)
		snprintf(reason, size, "the answer is not HTTP/2");
	else if (status != 200)
		snprintf(reason, size, "HTTP status %ld, expected 200", status);
	else if (http->grpc_status == HTTP_NO_GRPC_STATUS)
		snprintf(reason, size, "no grpc-status in the answer");
	else if (http->grpc_status)
		snprintf(reason, size, "grpc-status %u %s%s%s", http->grpc_status,
			 grpc_status_name(http->grpc_status), http->grpc_message[0] ? ": " : "",
			 http->grpc_message);
	else
		return OUTCOME_PASSED;
	return OUTCOME_FAILED;
}

static enum probe_outcome judge_answer(const struct target *t, char *reason, size_t size)
{
	const struct http_probe *http = http_probe_of(t);
	uint64_t status = 0;
	int err;

	if (judge_call(http, reason, size) != OUTCOME_PASSED)
		return OUTCOME_FAILED;
	err = grpc_response_read((const uint8_t *)http->body, http->body_len, &status);
	if (err) {
		snprintf(reason, size, "%s",
			 err == -EOPNOTSUPP ? "the answer is compressed"
					    : "the answer is no health check response");
		return OUTCOME_FAILED;
	}
	if (status == GRPC_SERVING) {
		snprintf(reason, size, "status SERVING");
		return OUTCOME_PASSED;
	}
	snprintf(reason, size, "status %s, expected SERVING", grpc_serving_name(status));
	return OUTCOME_FAILED;
}

/* ---- the request -------------------------------------------------------- */

static bool prepare(const struct target *t, CURL *easy)
{
	const struct http_probe *http = http_probe_of(t);
	long version =
		http_is_tls(http) ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;

	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)http->request_size);
	return !curl_easy_setopt(easy, CURLOPT_POSTFIELDS, http->request); /* not copied */
}

static int set_headers(struct target *t)
{
	char timeout[24];
	int err = http_client_add_header(t, "Content-Type", "application/grpc");

	snprintf(timeout, sizeof(timeout), "%um", t->settings.timeout_ms);
	err = err ? err : http_client_add_header(t, "TE", "trailers");
	err = err ? err : http_client_add_header(t, "grpc-timeout", timeout);
	if (!err && t->settings.host)
		err = http_client_add_header(t, "Host", t->settings.host); /* :authority */
	return err;
}

static int grpc_open(struct target *t)
{
	enum http_shape shape = t->settings.tls.is_on ? HTTP_GRPC_TLS : HTTP_GRPC;
	int err = http_client_open(t, shape, "/grpc.health.v1.Health/Check");
	struct http_probe *http = http_probe_of(t);

	if (err)
		return err;
	http->prepare = prepare;
	http->judge = judge_answer;
	http->see = see_trailer;
	http->request = grpc_request_new(t->settings.grpc_service, &http->request_size);
	err = http->request ? set_headers(t) : -ENOMEM;
	if (err)
		http_client_close(t);
	return err;
}

const struct probe_kind probe_grpc = {
	.open = grpc_open,
	.start = http_client_start,
	.cancel = http_client_cancel,
	.close = http_client_close,
	.stage = http_client_stage,
	.has_via_vip = true,
};
