/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/http_tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "health/http_client.h"
#include "model/addr.h"

#define CA_KEPT_S 60L /* the authorities' file is read again after this */

static int check_file(const char *path)
{
	return path && access(path, R_OK) ? -errno : 0;
}

int http_tls_check(const struct model_tls *tls)
{
	int err = check_file(tls->ca_file);

	err = err ? err : check_file(tls->cert_file);
	return err ? err : check_file(tls->key_file);
}

/* NULL would be none at all; the system's have a name. */
static bool set_authorities(CURL *easy, const char *file)
{
	const char *system = NULL;

	if (!file && !curl_easy_getinfo(easy, CURLINFO_CAINFO, &system))
		file = system;
	return !curl_easy_setopt(easy, CURLOPT_CAINFO, file);
}

bool http_tls_set(CURL *easy, const struct model_tls *tls)
{
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls->verify != VERIFY_NONE ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls->verify == VERIFY_FULL ? 2L : 0L);
	/* a resumed session shows no certificate, and one that expired would stay unseen */
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, CA_KEPT_S);
	return set_authorities(easy, tls->ca_file) &&
	       !curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert_file) &&
	       !curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key_file);
}

bool http_tls_name(const struct model_health *settings, char *buf, size_t size)
{
	const char *name = settings->tls.sni ? settings->tls.sni : settings->host;
	struct lb_addr address;
	unsigned port;
	size_t length;

	if (!name || !addr_parse(name, &address) || !addr_parse_port(name, true, &address, &port))
		return false;
	length = strcspn(name, ":");
	if (!length || length >= size)
		return false;
	memcpy(buf, name, length);
	buf[length] = '\0';
	return true;
}

/* "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0":
 * what says something stands after the last "::". */
static void abridge(const char *text, char *reason, size_t size)
{
	const char *from = text;
	const char *next;

	while ((next = strstr(from, "::")))
		from = next + 2;
	snprintf(reason, size, "TLS: %.*s", (int)strcspn(from, ","), from);
}

bool http_tls_explain(const struct http_probe *http, CURLcode result, char *reason, size_t size)
{
	switch (result) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
		break;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		if (!strstr(http->error, "SSL routines"))
			return false;
		break;
	default:
		return false;
	}
	abridge(http->error[0] ? http->error : curl_easy_strerror(result), reason, size);
	return true;
}
