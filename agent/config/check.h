/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEAT_CONFIG_CHECK_H
#define LEAT_CONFIG_CHECK_H

#include "config/keys.h"

/**
 * check_all - judge what no key, backend or service can be judged by alone
 * Names, VIPs, addresses that are given twice, families, ports, sizes. Values that were wrong by
 * themselves are left out, so that one mistake is one error.
 */
void check_all(struct reader *r);

#endif
