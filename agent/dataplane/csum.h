/* SPDX-License-Identifier: GPL-2.0-only */
/* What address translation adds to Internet checksums (RFC 1624). Pure. */
#ifndef LEAT_DATAPLANE_CSUM_H
#define LEAT_DATAPLANE_CSUM_H

#include <stddef.h>
#include <stdint.h>

#include "leat_abi.h"

/**
 * csum_difference - what a checksum's sum gains when @from becomes @to: new + ~old, folded
 * @words: 16-bit words, taken as they lie in memory (no byte swap)
 * A checksum then becomes ~fold(~csum + difference); the way back adds ~difference.
 */
uint16_t csum_difference(const void *from, const void *to, size_t words);

/** csum_set_backend - csum_l3 and csum_l4 of a nat backend, from vip, vip_port, address, port */
void csum_set_backend(struct lb_backend *row);

#endif
