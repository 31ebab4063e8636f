/* SPDX-License-Identifier: GPL-2.0-only */
/* Which backend each slot of a service should have: Maglev with weights. Pure. */
#ifndef LEAT_PLAN_MAGLEV_H
#define LEAT_PLAN_MAGLEV_H

#include <stddef.h>
#include <stdint.h>

#include "leat_abi.h"

/** struct maglev_backend - one candidate; only address and port say where its slots lie */
struct maglev_backend {
	struct lb_addr address;
	uint16_t port; /* host order */
	uint16_t id;
	uint32_t weight; /* 0: takes nothing */
};

/**
 * maglev_build - fill one service's table
 * @be:   n backends; their order must not matter
 * @out:  @size slots of backend id, host order; @size is a prime (model_table_size())
 * Shares are exact to one slot (largest remainder). How long it takes depends on @size, hardly
 * on @n or on the weights.
 * Returns 0, -ENOENT (no backend with weight; @out untouched), -EINVAL (size), -ENOMEM.
 * Source: Eisenbud et al., NSDI 2016, section 3.4.
 */
int maglev_build(const struct maglev_backend *be, size_t n, uint16_t *out, uint32_t size);

/**
 * maglev_digest - 64 bits that tell two tables apart
 * Of the backends' addresses and ports by slot, not of their ids, so that balancers can compare.
 * A slot with no backend (0), or with an id that is not in @be, counts as empty.
 * Returns the digest; 0 where memory was short.
 */
uint64_t maglev_digest(const struct maglev_backend *be, size_t n, const uint16_t *table,
		       uint32_t size);

#endif
