/* SPDX-License-Identifier: GPL-2.0-only */
/* Which parts of the slot array belong to services. Pure. */
#ifndef LEAT_DATAPLANE_REGIONS_H
#define LEAT_DATAPLANE_REGIONS_H

#include <stddef.h>
#include <stdint.h>

struct region {
	uint32_t base;
	uint32_t size;
};

/** struct regions - those in use, by rising base; each begins on a row of slots */
struct regions {
	struct region *list;
	size_t count;
	size_t capacity;
	uint32_t total; /* slots there are */
};

/** regions_add - @base and @size are in use already; 0, -EINVAL (outside, overlapping), -ENOMEM */
int regions_add(struct regions *regions, uint32_t base, uint32_t size);

/** regions_take - the first gap of @size slots to *@base; 0, -EINVAL (size 0), -ENOSPC, -ENOMEM */
int regions_take(struct regions *regions, uint32_t size, uint32_t *base);

/** regions_drop - the region that begins at @base is free again; 0 or -ENOENT */
int regions_drop(struct regions *regions, uint32_t base);

/** regions_free - the list */
void regions_free(struct regions *regions);

#endif
