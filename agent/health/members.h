/* SPDX-License-Identifier: GPL-2.0-only */
/* Tokens and the targets they share; who is told what. */
#ifndef LEAT_HEALTH_MEMBERS_H
#define LEAT_HEALTH_MEMBERS_H

#include "health/probe.h"

/** members_find - the member called @token, or NULL */
struct member *members_find(const struct health *h, uint32_t token);

/** members_find_target - the target that is probed at @at by @settings, or NULL */
struct target *members_find_target(const struct health *h, const struct health_target *at,
				   const struct model_health *settings);

/** members_new - a member of no target yet; NULL: no memory */
struct member *members_new(struct health *h, uint32_t token);

/** members_join - make @m, a member of no target, one of @t, known in the table from now on */
void members_join(struct member *m, struct target *t);

/** members_leave - take @m out of its target; the last one stops and frees it */
void members_leave(struct member *m);

/** members_free - forget @m, a member of no target */
void members_free(struct health *h, struct member *m);

/**
 * members_report - tell each member of @t what it does not know yet; @to_all: all of them anew
 * Users may set and remove any token in it: @t may be gone afterwards.
 */
void members_report(struct target *t, bool to_all);

#endif
