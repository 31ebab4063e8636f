/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of one service that diff.c compares: each adds its changes to the list. */
#ifndef LEAT_PLAN_DIFF_PARTS_H
#define LEAT_PLAN_DIFF_PARTS_H

#include "model/config.h"
#include "plan/changes.h"

/** diff_balancing - how connections are shared out, but for what decides where packets go: weights,
 * churn, slow start, panic, agent check, passive. None of it needs force. */
void diff_balancing(struct changes *c, const struct model_service *from,
		    const struct model_service *to);

/** diff_groups - groups by name; the object becomes "group SERVICE/NAME" */
void diff_groups(struct changes *c, const struct model_service *running,
		 const struct model_service *next);

/** diff_group_name - of a backend's group, "none" where the service has none */
const char *diff_group_name(const struct model_service *service,
			    const struct model_backend *backend);

/** diff_hash - what of the client is hashed, where the scheduler is the same; @pick: the nature of
 * a change of it */
void diff_hash(struct changes *c, struct changes_nature pick, const struct model_service *from,
	       const struct model_service *to);

/** diff_server_id - hash: quic: of one backend, NULL: not there before; the object is the backend
 */
void diff_server_id(struct changes *c, const struct model_service *running,
		    const struct model_backend *from, const struct model_service *next,
		    const struct model_backend *to);

/** diff_health - the probe: one line, with the names of what changed */
void diff_health(struct changes *c, const struct model_health *from, const struct model_health *to);

#endif
