/* SPDX-License-Identifier: GPL-2.0-only */
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
 * @out:  @size slots of backend id, host order; @size is prime
 * Shares are exact to one slot (largest remainder).
 * Returns 0, -ENOENT (no backend with weight; @out untouched), -EINVAL (size), -ENOMEM.
 * Source: Eisenbud et al., NSDI 2016, section 3.4.
 */
int maglev_build(const struct maglev_backend *be, size_t n, uint16_t *out, uint32_t size);

/** maglev_table_size - the default prime for @n expected backends: at least 100 x n and
 * LB_TABLE_MIN */
uint32_t maglev_table_size(size_t n);

/** maglev_is_prime - whether @n may be a table's size */
int maglev_is_prime(uint32_t n);

/** maglev_digest - 64 bits that tell two tables apart: of the backends' addresses by slot, not of
 * their ids */
uint64_t maglev_digest(const struct maglev_backend *be, size_t n, const uint16_t *table,
		       uint32_t size);

#endif
