/* SPDX-License-Identifier: GPL-2.0-only */
/* The answer of a grpc health service: whatever it holds, nothing is read beyond it. */
#include <stddef.h>
#include <stdint.h>

#include "health/grpc_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char message[32];
	uint64_t status;

	if (!grpc_response_read(bytes, size, &status))
		(void)grpc_serving_name(status);
	grpc_message_decode((const char *)bytes, size, message, sizeof(message));
	return 0;
}
