/* SPDX-License-Identifier: GPL-2.0-only */
/* make bench-control: what the agent costs; a line a figure. */
#include <libgen.h>
#include <stdio.h>

#include "control_probes.h"
#include "control_scale.h"

int main(int argc, char **argv)
{
	char leat[4096];
	int failed;

	(void)argc;
	snprintf(leat, sizeof(leat), "%s/../leat", dirname(argv[0]));
	failed = control_scale_run(leat);
	return control_probes_run() || failed;
}
