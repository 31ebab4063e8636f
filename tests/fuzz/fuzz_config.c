/* SPDX-License-Identifier: GPL-2.0-only */
/* config_parse with anything: no crash, no leak; either a configuration or errors in order. */
#include <stdint.h>
#include <stdlib.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int is_in_order(const struct config_errors *errors)
{
	for (size_t i = 1; i < errors->count; i++) {
		const struct model_pos *before = &errors->list[i - 1].pos;
		const struct model_pos *pos = &errors->list[i].pos;

		if (before->line > pos->line ||
		    (before->line == pos->line && before->column > pos->column))
			return 0;
	}
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct config_errors errors = {};
	struct model_config *config = NULL;
	int err = config_parse((const char *)bytes, size, &config, &errors);

	if ((err == 0) != (config != NULL) || (err == 0) != (errors.count == 0) ||
	    !is_in_order(&errors))
		abort();
	model_config_free(config);
	config_errors_free(&errors);
	return 0;
}
