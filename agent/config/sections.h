/* SPDX-License-Identifier: GPL-2.0-only */
/* Mappings within mappings: interfaces, limits, timers, and the sections of a service. */
#ifndef LEAT_CONFIG_SECTIONS_H
#define LEAT_CONFIG_SECTIONS_H

#include "config/keys.h"

extern const struct config_type value_interfaces; /* of struct model_config, all three */
extern const struct config_type value_limits;
extern const struct config_type value_timers;

extern const struct config_type value_section;	  /* the key's field, by the key's table */
extern const struct config_type value_slow_start; /* struct model_ramp; or a duration, or a word */
extern const struct config_type value_passive;	  /* struct model_passive; or a word */
extern const struct config_type value_tls;	  /* struct model_tls */
extern const struct config_type value_damping;	  /* of struct model_health; or a word */

#endif
