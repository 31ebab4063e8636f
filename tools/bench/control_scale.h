/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEAT_BENCH_CONTROL_SCALE_H
#define LEAT_BENCH_CONTROL_SCALE_H

/**
 * control_scale_run - 1,000 services of 10 backends each: how long check, start and a reload take
 * @leat: the binary
 * Prints a line a figure; 0, or 1 where one was not taken. Works in namespaces of its own; root.
 */
int control_scale_run(const char *leat);

#endif
