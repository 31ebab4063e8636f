/* SPDX-License-Identifier: GPL-2.0-only */
/* A data path whose agent is gone: seen by its pins alone. */
#ifndef LEAT_CLI_ORPHAN_H
#define LEAT_CLI_ORPHAN_H

#include <stddef.h>

enum orphan_state {
	ORPHAN_NONE,	 /* nothing is pinned, or this user may not look */
	ORPHAN_DETACHED, /* maps are pinned, but no interface has a link */
	ORPHAN_RUNNING,	 /* links are pinned: packets are being forwarded */
};

/**
 * orphan_find - look below @pin_dir
 * @interfaces: their names, separated by ", ", cut to @size; "" unless running
 */
enum orphan_state orphan_find(const char *pin_dir, char *interfaces, size_t size);

#endif
