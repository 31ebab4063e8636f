/* SPDX-License-Identifier: GPL-2.0-only */
/* The agent's loop: configuration and observations -> plan -> data path. */
#ifndef LEAT_CONTROL_CONTROL_H
#define LEAT_CONTROL_CONTROL_H

#include <stddef.h>

/** struct control_settings - what `leat run` was told; the strings outlive the loop */
struct control_settings {
	const char *config_path;
	const char *socket_path;
	const char *pin_dir;
};

/**
 * control_run - run the agent until it is told to stop
 * Logs whatever goes wrong. Returns an exit status of the process.
 */
int control_run(const struct control_settings *settings);

/**
 * control_remove - take the data path off without an agent: programs, maps, VIP addresses
 * @pin_dir: of one that no agent has open
 * @error:   @size bytes, why not
 * Returns 0; -ENOENT: nothing is pinned; -EBUSY: an agent has it; else -errno.
 */
int control_remove(const char *pin_dir, char *error, size_t size);

#endif
