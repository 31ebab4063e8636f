/* SPDX-License-Identifier: GPL-2.0-only */
/* `hash: quic`: judged across a service and its backends. */
#ifndef LEAT_CONFIG_QUIC_H
#define LEAT_CONFIG_QUIC_H

#include "config/keys.h"

/** quic_finish - judge what `hash: quic` needs of @service and its backends, and what is of no use
 * without it */
void quic_finish(struct reader *r, const struct model_service *service,
		 const struct service_source *source);

#endif
