/* SPDX-License-Identifier: GPL-2.0-only */
/* What the status says, for Prometheus; docs/api.md lists the names. */
#ifndef LEAT_API_METRICS_H
#define LEAT_API_METRICS_H

#include <jansson.h>

/** api_metrics_type - of the text, for the Content-Type header */
#define API_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/**
 * api_metrics_format - the reply of GET /v1/status in Prometheus' text format
 * What is null or absent in @status has no series.
 * Returns text that is the caller's, or NULL: no memory.
 */
char *api_metrics_format(const json_t *status);

#endif
