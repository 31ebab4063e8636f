/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEAT_CONFIG_PROBE_H
#define LEAT_CONFIG_PROBE_H

#include "config/keys.h"

/**
 * probe_finish - give a service's health check its defaults, and judge what depends on its type
 * The service's protocol must have been read: it decides what an absent `health:` means.
 */
void probe_finish(struct reader *r, struct model_service *service, struct service_source *source);

#endif
