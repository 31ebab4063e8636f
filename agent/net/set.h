/* SPDX-License-Identifier: GPL-2.0-only */
/* A sorted array of pointers: found by halving, and neighbours in order stand side by side. */
#ifndef LEAT_NET_SET_H
#define LEAT_NET_SET_H

#include <stddef.h>

/** struct net_set - zeroed but for @compare; the items belong to the caller */
struct net_set {
	void **items;
	size_t count;
	size_t capacity;
	int (*compare)(const void *key, const void *item);
};

/** net_set_lower_bound - index of the first item that is not before @key; count where none */
size_t net_set_lower_bound(const struct net_set *set, const void *key);

/** net_set_find - the item of @key, or NULL */
void *net_set_find(const struct net_set *set, const void *key);

/** net_set_insert - @item, whose key is @key and is not there yet; 0 or -ENOMEM */
int net_set_insert(struct net_set *set, const void *key, void *item);

/** net_set_remove - take the item of @key out; returns it, or NULL */
void *net_set_remove(struct net_set *set, const void *key);

/** net_set_clear - frees the array, not the items */
void net_set_clear(struct net_set *set);

#endif
