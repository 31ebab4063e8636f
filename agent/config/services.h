/* SPDX-License-Identifier: GPL-2.0-only */
/* Services, their backends and health checks: each is read, completed and judged by itself. */
#ifndef LEAT_CONFIG_SERVICES_H
#define LEAT_CONFIG_SERVICES_H

#include "config/keys.h"

extern const struct config_type value_services; /* of struct model_config */
extern const struct config_type value_backends; /* of struct model_service */
extern const struct config_type value_health;	/* of struct model_service */

#endif
