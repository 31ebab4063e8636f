/* SPDX-License-Identifier: GPL-2.0-only */
/* What decides weights: judged across the keys of one service, or of one section. */
#ifndef LEAT_CONFIG_BALANCE_H
#define LEAT_CONFIG_BALANCE_H

#include "config/keys.h"

/** balance_finish - judge and complete a service's scheduler and all that changes weights */
void balance_finish(struct reader *r, struct model_service *service,
		    const struct service_source *source);

/* One section each: finish of its table. */
void balance_finish_panic(struct reader *r, const struct config_mark *marks, void *panic);
void balance_finish_agent_check(struct reader *r, const struct config_mark *marks, void *check);
void balance_finish_passive(struct reader *r, const struct config_mark *marks, void *passive);

#endif
