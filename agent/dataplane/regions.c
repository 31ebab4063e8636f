/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/regions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "leat_abi.h"

/* A table that begins on a row of its own shares no cache line with its neighbour. */
static uint64_t round_up(uint64_t slots)
{
	return (slots + LB_SLOTS_PER_ROW - 1) / LB_SLOTS_PER_ROW * LB_SLOTS_PER_ROW;
}

static uint64_t end_of(const struct region *region)
{
	return round_up((uint64_t)region->base + region->size);
}

static int insert_at(struct regions *regions, size_t at, uint32_t base, uint32_t size)
{
	if (regions->count == regions->capacity) {
		size_t capacity = regions->capacity ? 2 * regions->capacity : 16;
		struct region *list = reallocarray(regions->list, capacity, sizeof(*list));

		if (!list)
			return -ENOMEM;
		regions->list = list;
		regions->capacity = capacity;
	}
	memmove(&regions->list[at + 1], &regions->list[at],
		(regions->count - at) * sizeof(*regions->list));
	regions->list[at] = (struct region) { .base = base, .size = size };
	regions->count++;
	return 0;
}

int regions_add(struct regions *regions, uint32_t base, uint32_t size)
{
	const struct region *list = regions->list;
	size_t at = 0;

	if (!size || (uint64_t)base + size > regions->total)
		return -EINVAL;
	while (at < regions->count && list[at].base < base)
		at++;
	if ((at > 0 && end_of(&list[at - 1]) > base) ||
	    (at < regions->count && (uint64_t)base + size > list[at].base))
		return -EINVAL;
	return insert_at(regions, at, base, size);
}

int regions_take(struct regions *regions, uint32_t size, uint32_t *base)
{
	uint64_t from = 0;
	size_t at;
	int err;

	if (!size)
		return -EINVAL;
	for (at = 0; at < regions->count; at++) {
		if (from + size <= regions->list[at].base)
			break;
		from = end_of(&regions->list[at]);
	}
	if (from + size > regions->total)
		return -ENOSPC;
	err = insert_at(regions, at, (uint32_t)from, size);
	if (err)
		return err;
	*base = (uint32_t)from;
	return 0;
}

int regions_drop(struct regions *regions, uint32_t base)
{
	for (size_t at = 0; at < regions->count; at++) {
		if (regions->list[at].base != base)
			continue;
		regions->count--;
		memmove(&regions->list[at], &regions->list[at + 1],
			(regions->count - at) * sizeof(*regions->list));
		return 0;
	}
	return -ENOENT;
}

void regions_free(struct regions *regions)
{
	free(regions->list);
	*regions = (struct regions) {};
}
