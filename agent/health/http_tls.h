/* SPDX-License-Identifier: GPL-2.0-only */
/* TLS of the probes that speak HTTP: what is verified, and what a failure is called. */
#ifndef LEAT_HEALTH_HTTP_TLS_H
#define LEAT_HEALTH_HTTP_TLS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "model/config.h"

struct http_probe;

/** http_tls_check - 0, or of a file that @tls names and that cannot be read -ENOENT, -EACCES */
int http_tls_check(const struct model_tls *tls);

/** http_tls_set - what @tls asks for, on a handle that another target may have used; false: no
 * memory */
bool http_tls_set(CURL *easy, const struct model_tls *tls);

/**
 * http_tls_name - the name that is sent (SNI) and verified, into @buf
 * `sni`, else `host` without its port, where that is a name. Returns false where there is none: the
 * certificate is then to be for the address.
 */
bool http_tls_name(const struct model_health *settings, char *buf, size_t size);

/** http_tls_explain - what TLS did not like about @result into @reason; false: it was not TLS */
bool http_tls_explain(const struct http_probe *http, CURLcode result, char *reason, size_t size);

#endif
