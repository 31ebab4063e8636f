/* SPDX-License-Identifier: GPL-2.0-only */
#include "net/set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t net_set_lower_bound(const struct net_set *set, const void *key)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->compare(key, set->items[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void *net_set_find(const struct net_set *set, const void *key)
{
	size_t i = net_set_lower_bound(set, key);

	if (i == set->count || set->compare(key, set->items[i]) != 0)
		return NULL;
	return set->items[i];
}

int net_set_insert(struct net_set *set, const void *key, void *item)
{
	size_t at = net_set_lower_bound(set, key);

	if (set->count == set->capacity) {
		size_t capacity = set->capacity ? set->capacity * 2 : 16;
		void **items = reallocarray(set->items, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		set->items = items;
		set->capacity = capacity;
	}
	memmove(&set->items[at + 1], &set->items[at], (set->count - at) * sizeof(*set->items));
	set->items[at] = item;
	set->count++;
	return 0;
}

void *net_set_remove(struct net_set *set, const void *key)
{
	size_t at = net_set_lower_bound(set, key);
	void *item;

	if (at == set->count || set->compare(key, set->items[at]) != 0)
		return NULL;
	item = set->items[at];
	set->count--;
	memmove(&set->items[at], &set->items[at + 1], (set->count - at) * sizeof(*set->items));
	return item;
}

void net_set_clear(struct net_set *set)
{
	free(set->items);
	set->items = NULL;
	set->count = 0;
	set->capacity = 0;
}
