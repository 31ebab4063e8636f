/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/claim.h"

#include <stdlib.h>
#include <string.h>

#include "model/addr.h"

typedef int (*claim_compare_fn)(const struct claim *, const struct claim *);

int claim_compare_name(const struct claim *a, const struct claim *b)
{
	return strcmp(a->name, b->name);
}

int claim_compare_address(const struct claim *a, const struct claim *b)
{
	int order = addr_compare(&a->address, &b->address);

	if (order)
		return order;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return a->proto == b->proto ? 0 : a->proto < b->proto ? -1 : 1;
}

static int compare_then_order(const void *a, const void *b, void *compare)
{
	const struct claim *x = a;
	const struct claim *y = b;
	int order = (*(claim_compare_fn *)compare)(x, y);

	return order ?: x->order < y->order ? -1 : 1;
}

void claim_find_repeated(struct reader *r, struct claim *claims, size_t count,
			 int (*compare)(const struct claim *, const struct claim *),
			 void (*report)(struct reader *, const struct claim *,
					const struct claim *first))
{
	const struct claim *first = claims;

	if (count == 0)
		return;
	qsort_r(claims, count, sizeof(claims[0]), compare_then_order, &compare);
	for (size_t i = 1; i < count && !r->is_full; i++) {
		if (compare(first, &claims[i]) == 0)
			report(r, &claims[i], first);
		else
			first = &claims[i];
	}
}
