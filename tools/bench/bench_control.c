/* SPDX-License-Identifier: GPL-2.0-only */
/* make bench-control: what the agent costs; a line a figure. */
#include "control_probes.h"

int main(void)
{
	return control_probes_run();
}
