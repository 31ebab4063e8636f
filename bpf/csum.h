/* SPDX-License-Identifier: GPL-2.0-only */
/* Incremental Internet checksums (RFC 1624): sums of 16-bit words as they lie in memory. */
#ifndef LEAT_BPF_CSUM_H
#define LEAT_BPF_CSUM_H

#include "packet.h"

/** csum_fold - a sum of at most 65536 words to 16 bits, not inverted */
ALWAYS_INLINE __u16 csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/** csum_add - checksum @csum after the words it covers changed by @difference (new + ~old, folded)
 */
ALWAYS_INLINE __u16 csum_add(__u16 csum, __u32 difference)
{
	return ~csum_fold((__u16)~csum + difference);
}

/** csum_replace - what replacing word @from by @to adds */
ALWAYS_INLINE __u32 csum_replace(__u16 from, __u16 to)
{
	return (__u32)(__u16)~from + to;
}

/* one TTL less: the word {ttl, protocol} sinks by 1 */
#define CSUM_TTL_DIFFERENCE 0xfffeU

#endif
