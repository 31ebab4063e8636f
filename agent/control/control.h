/* SPDX-License-Identifier: GPL-2.0-only */
/* The agent's loop: configuration and observations -> plan -> data path. */
#ifndef LEAT_CONTROL_CONTROL_H
#define LEAT_CONTROL_CONTROL_H

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

#endif
