/* SPDX-License-Identifier: GPL-2.0-only */
/* Whatever an agent answers: agent_check_parse() stays within it, and its text can be shown. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "health/agent_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent_report report;
	int err = agent_check_parse((const char *)data, size, &report);
	size_t length = strnlen(report.reason, sizeof(report.reason));

	if (length == sizeof(report.reason) || (err && (err != -EINVAL || !length)))
		abort();
	for (size_t i = 0; i < length; i++) {
		if (report.reason[i] < ' ' || report.reason[i] > '~')
			abort();
	}
	if (err)
		return 0;
	if (report.has_percent && report.percent > 1000)
		abort();
	if (report.has_state && (report.state < AGENT_UP || report.state > AGENT_DOWN))
		abort();
	return 0;
}
