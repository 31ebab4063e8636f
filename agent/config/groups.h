/* SPDX-License-Identifier: GPL-2.0-only */
/* `groups:` of a service, and `group:` of its backends. */
#ifndef LEAT_CONFIG_GROUPS_H
#define LEAT_CONFIG_GROUPS_H

#include "config/keys.h"

#define GROUPS_MAX 64 /* of one service */

extern const struct config_type value_groups; /* of struct model_service */
extern const struct config_type value_group;  /* kept in the mark; resolved by groups_finish() */

/** groups_finish - find the group of each backend, and judge the groups together */
void groups_finish(struct reader *r, struct model_service *service,
		   const struct service_source *source);

#endif
