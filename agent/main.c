/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

static const struct cli_verb *const verbs[] = {
	&cli_run_verb,	   &cli_check_verb, &cli_reload_verb,  &cli_status_verb,  &cli_metrics_verb,
	&cli_explain_verb, &cli_stop_verb,  &cli_backend_verb, &cli_version_verb, NULL,
};

int main(int argc, char **argv)
{
	int status = cli_main(verbs, argc, argv, stdout, stderr);

	/* a full disk is no success */
	if (fflush(stdout) != 0 && status == EXIT_SUCCESS)
		return EXIT_FAILURE;
	return status;
}
