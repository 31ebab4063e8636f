/* SPDX-License-Identifier: GPL-2.0-only */
/* Collecting what is wrong with a file. */
#ifndef LEAT_CONFIG_ERRORS_H
#define LEAT_CONFIG_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

#define ERRORS_MAX    10000 /* more than these are counted as one */
#define ERRORS_QUOTED 56    /* bytes of a buffer for errors_quote */

/** errors_add - one more; 0, -ENOMEM, or -E2BIG where there are ERRORS_MAX already */
int errors_add(struct config_errors *errors, struct model_pos pos, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** errors_sort - into the order of the file; what was said twice of one place is said once */
void errors_sort(struct config_errors *errors);

/**
 * errors_quote - text of the file as a message shows it: in quotes, short, one line
 * @buf: ERRORS_QUOTED bytes
 * Returns @buf.
 */
char *errors_quote(char *buf, const char *text, size_t length);

#endif
