/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEAT_BENCH_CONTROL_PROBES_H
#define LEAT_BENCH_CONTROL_PROBES_H

/**
 * control_probes_run - time 10,000 tcp checks at 2 s intervals beside a bare connect/close loop
 * of as many probes, on this thread, for about 20 s; prints one line
 * Returns an exit status: 0, or 1 when it could not be measured.
 */
int control_probes_run(void);

#endif
