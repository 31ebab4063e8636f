/* SPDX-License-Identifier: GPL-2.0-only */
/* A check's settings, copied with all that they point to. */
#ifndef LEAT_HEALTH_SETTINGS_H
#define LEAT_HEALTH_SETTINGS_H

#include "model/config.h"

/** settings_copy - @from and its strings into @to, to be freed with settings_free(); 0 or -ENOMEM,
 * and then @to is not touched */
int settings_copy(struct model_health *to, const struct model_health *from);

/** settings_free - what @s points to; @s is then as without any text */
void settings_free(struct model_health *s);

#endif
