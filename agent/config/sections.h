/* SPDX-License-Identifier: GPL-2.0-only */
/* The small parts of the file: interfaces, limits, timers. */
#ifndef LEAT_CONFIG_SECTIONS_H
#define LEAT_CONFIG_SECTIONS_H

#include "config/keys.h"

extern const struct config_type value_interfaces; /* of struct model_config, all three */
extern const struct config_type value_limits;
extern const struct config_type value_timers;

#endif
