/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEAT_CLI_USAGE_H
#define LEAT_CLI_USAGE_H

#include <stdio.h>

#include "cli/cli.h"

/** usage_print_all - what leat is and its verbs; @verbs: NULL at the end */
void usage_print_all(const struct cli_verb *const *verbs, FILE *out);

/** usage_print_verb - one verb: usage, options, exit statuses, an example */
void usage_print_verb(const struct cli_verb *verb, FILE *out);

#endif
