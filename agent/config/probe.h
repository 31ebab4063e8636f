/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEAT_CONFIG_PROBE_H
#define LEAT_CONFIG_PROBE_H

#include "config/keys.h"

/**
 * probe_finish - give a service's health check its defaults, and judge what depends on its type
 * The service's protocol must have been read: it decides what an absent `health:` means.
 */
void probe_finish(struct reader *r, struct model_service *service, struct service_source *source);

/** probe_finish_tls - judge a section `tls`: what goes together, and what has no effect */
void probe_finish_tls(struct reader *r, const struct config_mark *marks, void *tls);

/**
 * probe_finish_timeout - a timeout that is not given, or one that is too long
 * Of anything that has an interval: a health check, an agent check.
 */
void probe_finish_timeout(struct reader *r, unsigned *timeout_ms, unsigned interval_ms,
			  const struct config_mark *timeout, const struct config_mark *interval);

#endif
