/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* a reload of a thousand services takes half a second; this is for an agent that hangs */
#define TIMEOUT_S	60
#define MAX_REPLY_BYTES (256UL * 1024 * 1024)

struct client_text {
	char *bytes;
	size_t size;
};

static size_t client_append(char *bytes, size_t one, size_t count, void *arg)
{
	struct client_text *text = arg;
	char *grown;

	(void)one; /* always 1 */
	if (count > MAX_REPLY_BYTES - text->size)
		return 0;
	grown = realloc(text->bytes, text->size + count);
	if (!grown)
		return 0;
	memcpy(grown + text->size, bytes, count);
	text->bytes = grown;
	text->size += count;
	return count;
}

static void client_prepare(CURL *curl, const char *socket_path, const char *method, const char *url,
			   struct client_text *text)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, client_append);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, text);
	if (strcmp(method, "POST") == 0)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
}

static int client_errno(CURL *curl, CURLcode code)
{
	long os_errno = 0;

	if (code == CURLE_OPERATION_TIMEDOUT)
		return -ETIMEDOUT;
	if (code == CURLE_OUT_OF_MEMORY)
		return -ENOMEM;
	if (code != CURLE_COULDNT_CONNECT)
		return -EPROTO;
	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_errno);
	return os_errno ? -(int)os_errno : -ECONNREFUSED;
}

static int client_perform(CURL *curl, long *http_status)
{
	CURLcode code = curl_easy_perform(curl);

	if (code != CURLE_OK)
		return client_errno(curl, code);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, http_status);
	return 0;
}

static void client_say(int err, const char *path, char *error, size_t size)
{
	switch (-err) {
	case EACCES:
	case EPERM:
		snprintf(error, size,
			 "permission denied on %s: only root may talk to the agent (try sudo)",
			 path);
		break;
	case ETIMEDOUT:
		snprintf(error, size, "the agent on %s did not answer within %d s", path,
			 TIMEOUT_S);
		break;
	case EPROTO:
		snprintf(error, size, "what answers on %s is not a leat agent, or broke off", path);
		break;
	default:
		snprintf(error, size, "no agent answers on %s: is `leat run` running? (%s)", path,
			 strerror(-err));
	}
}

/* @out's bytes are the caller's where this succeeds */
static int client_exchange(const char *socket_path, const char *method, const char *target,
			   long *http_status, struct client_text *out)
{
	struct client_text text = {};
	char url[1024];
	CURL *curl;
	int err;

	if ((size_t)snprintf(url, sizeof(url), "http://leat%s", target) >= sizeof(url))
		return -EINVAL;
	curl = curl_easy_init();
	if (!curl)
		return -ENOMEM;
	client_prepare(curl, socket_path, method, url, &text);
	err = client_perform(curl, http_status);
	curl_easy_cleanup(curl);
	if (err)
		free(text.bytes);
	else
		*out = text;
	return err;
}

int client_ask(const char *socket_path, const char *method, const char *target,
	       struct client_reply *out, char *error, size_t error_size)
{
	struct client_reply reply = {};
	struct client_text text = {};
	int err = client_exchange(socket_path, method, target, &reply.http_status, &text);

	if (!err) {
		reply.body = text.bytes ? json_loadb(text.bytes, text.size, 0, NULL) : NULL;
		err = json_is_object(reply.body) ? 0 : -EPROTO;
	}
	free(text.bytes);
	if (!err)
		*out = reply;
	else
		json_decref(reply.body);
	if (err && error)
		client_say(err, socket_path, error, error_size);
	return err;
}

int client_fetch(const char *socket_path, const char *target, long *http_status, char **text,
		 char *error, size_t error_size)
{
	struct client_text got = {};
	char end = '\0';
	int err = client_exchange(socket_path, "GET", target, http_status, &got);

	if (!err && client_append(&end, 1, 1, &got) != 1)
		err = -ENOMEM;
	if (!err)
		*text = got.bytes;
	else
		free(got.bytes);
	if (err)
		client_say(err, socket_path, error, error_size);
	return err;
}

int client_ask_or_complain(const struct cli_arguments *args, const char *method, const char *target,
			   struct client_reply *out)
{
	char error[256];

	if (client_ask(args->socket_path, method, target, out, error, sizeof(error)) == 0)
		return CLI_EXIT_OK;
	fprintf(args->err, "leat: %s\n", error);
	return CLI_EXIT_NO_AGENT;
}

char *client_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0);
	char *copy = escaped ? strdup(escaped) : NULL;

	curl_free(escaped);
	return copy;
}

void client_print_json(const struct cli_arguments *args, const json_t *body)
{
	json_dumpf(body, args->out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	fputc('\n', args->out);
}

int client_exit_status(long http_status)
{
	return http_status >= 200 && http_status < 300 ? CLI_EXIT_OK : CLI_EXIT_REFUSED;
}
