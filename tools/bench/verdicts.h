/* SPDX-License-Identifier: GPL-2.0-only */
/* The ratios that the project holds itself to. */
#ifndef LEAT_BENCH_VERDICTS_H
#define LEAT_BENCH_VERDICTS_H

/** verdicts_print - each ratio, its target, and whether it was reached; after rows_measure() */
void verdicts_print(void);

#endif
