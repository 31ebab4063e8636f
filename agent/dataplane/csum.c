/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/csum.h"

#include <string.h>

#include "model/addr.h"

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

uint16_t csum_difference(const void *from, const void *to, size_t words)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < words; i++) {
		uint16_t before, after;

		memcpy(&before, (const char *)from + 2 * i, 2);
		memcpy(&after, (const char *)to + 2 * i, 2);
		sum += (uint16_t)~before + (uint32_t)after;
	}
	return fold(sum);
}

void csum_set_backend(struct lb_backend *row)
{
	size_t skip = addr_is_v4(&row->vip) ? 12 : 0; /* ::ffff: is not in the packet */
	uint16_t address, port;

	address = csum_difference(row->vip.bytes + skip, row->address.bytes + skip,
				  (sizeof(row->vip) - skip) / 2);
	port = csum_difference(&row->vip_port, &row->port, 1);
	row->csum_l3 = skip ? address : 0; /* the IPv6 header has no checksum */
	row->csum_l4 = fold((uint32_t)address + port);
}
