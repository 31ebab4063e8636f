/* SPDX-License-Identifier: GPL-2.0-only */
/* Whatever a server sends: dns_reply_read() stays within it, and takes nothing that is not ours. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "health/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_query query;
	unsigned rcode = 99;
	char reason[96];

	if (dns_query_build("www.leat.test", 1, &query))
		abort();
	if (dns_reply_read(data, size, &query, &rcode))
		return 0;
	if (rcode > 15 || size < 12 || !(data[2] & 0x80))
		abort();
	dns_reason(rcode, 1, reason, sizeof(reason));
	return 0;
}
