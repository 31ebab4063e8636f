/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEAT_CONFIG_CONFIG_H
#define LEAT_CONFIG_CONFIG_H

#include <stddef.h>

#include "model/config.h"

/** struct config_error - one thing wrong; position 0:0 is the file as a whole */
struct config_error {
	struct model_pos pos;
	char *text; /* what is wrong, and what would be right; without the file's name */
};

/** struct config_errors - all of them, in the order of the file; zero it first */
struct config_errors {
	struct config_error *list;
	size_t count;
};

/**
 * config_load - read and check a configuration
 * @out:    the configuration, owned by the caller (model_config_free); untouched on failure
 * @errors: gets every error of the file, not the first alone
 * Returns 0, -EINVAL (see @errors), or -errno where the file cannot be read (@errors says so too).
 */
int config_load(const char *path, struct model_config **out, struct config_errors *errors);

/** config_parse - the same from memory; also -ENOMEM */
int config_parse(const char *text, size_t size, struct model_config **out,
		 struct config_errors *errors);

void config_errors_free(struct config_errors *errors);

#endif
