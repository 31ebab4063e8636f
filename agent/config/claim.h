/* SPDX-License-Identifier: GPL-2.0-only */
/* Finding what is given twice, by sorting. */
#ifndef LEAT_CONFIG_CLAIM_H
#define LEAT_CONFIG_CLAIM_H

#include "config/keys.h"

/** struct claim - that something is somebody's: a name, or an address, port and protocol */
struct claim {
	const char *name;
	struct lb_addr address;
	unsigned port;
	unsigned proto;
	size_t group; /* the service */
	struct model_pos pos;
	size_t order; /* in the file; makes the sort stable */
};

int claim_compare_name(const struct claim *a, const struct claim *b);
int claim_compare_address(const struct claim *a, const struct claim *b);

/**
 * claim_find_repeated - sort @claims, and report each that equals an earlier one of the file
 * @report: gets it and the first that claims the same
 */
void claim_find_repeated(struct reader *r, struct claim *claims, size_t count,
			 int (*compare)(const struct claim *, const struct claim *),
			 void (*report)(struct reader *, const struct claim *,
					const struct claim *first));

#endif
