/* SPDX-License-Identifier: GPL-2.0-only */
#include "plan/wrr.h"

#include <errno.h>
#include <stdlib.h>

#include "model/addr.h"
#include "model/cleanup.h"

/* One backend of a round. */
struct entrant {
	const struct maglev_backend *be;
	uint64_t remainder; /* of its exact share, in parts of the sum of weights */
	uint32_t turns;	    /* in the round */
	uint32_t rank;	    /* in the order of addresses: settles ties */
};

/*
 * Those with equally many turns: they rise at the same rate, so whoever waits longest is first, and
 * after its turn last. A ring of entrants, and the standing of the first of them.
 */
struct heat {
	const struct entrant *ring;
	uint32_t count;
	uint32_t first;
	int64_t turns;
	int64_t lag; /* of a member that was not picked in this lap round the ring */
};

static int compare_addresses(const void *left, const void *right)
{
	const struct entrant *a = left, *b = right;
	int order = addr_compare(&a->be->address, &b->be->address);

	return order ? order : (int)a->be->port - (int)b->be->port;
}

/* Largest remainder first, then the order of addresses. */
static int compare_remainders(const void *left, const void *right)
{
	const struct entrant *a = left, *b = right;

	if (a->remainder != b->remainder)
		return a->remainder > b->remainder ? -1 : 1;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

/* Most turns first, then the order of addresses. */
static int compare_turns(const void *left, const void *right)
{
	const struct entrant *a = left, *b = right;

	if (a->turns != b->turns)
		return a->turns > b->turns ? -1 : 1;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

static size_t collect_entrants(const struct maglev_backend *be, size_t n, struct entrant *entrants)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (be[i].weight)
			entrants[count++] = (struct entrant) { .be = &be[i] };
	}
	qsort(entrants, count, sizeof(*entrants), compare_addresses);
	for (size_t i = 0; i < count; i++)
		entrants[i].rank = i;
	return count;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Whole shares first, then one turn each to the largest remainders. Returns the round's length. */
static uint32_t share_turns(struct entrant *entrants, size_t count, uint32_t size)
{
	uint64_t sum = 0, divisor = 0, cycle, left;

	for (size_t i = 0; i < count; i++) {
		sum += entrants[i].be->weight;
		divisor = greatest_divisor(entrants[i].be->weight, divisor);
	}
	if (!divisor) /* never: entrants have weights */
		return 0;
	cycle = sum / divisor < size ? sum / divisor : size;
	left = cycle;
	for (size_t i = 0; i < count; i++) {
		uint64_t exact = cycle * entrants[i].be->weight;

		entrants[i].turns = exact / sum;
		entrants[i].remainder = exact % sum;
		left -= entrants[i].turns;
	}
	qsort(entrants, count, sizeof(*entrants), compare_remainders);
	for (size_t i = 0; i < left; i++)
		entrants[i].turns++;
	return cycle;
}

/* @heats: room for @count; returns how many there are */
static size_t form_heats(struct entrant *entrants, size_t count, struct heat *heats)
{
	size_t formed = 0;

	qsort(entrants, count, sizeof(*entrants), compare_turns);
	for (size_t i = 0; i < count && entrants[i].turns; i++) {
		if (!i || entrants[i].turns != entrants[i - 1].turns)
			heats[formed++] =
				(struct heat) { .ring = &entrants[i], .turns = entrants[i].turns };
		heats[formed - 1].count++;
	}
	return formed;
}

/* Everybody's lag grows by his turns; who lags most goes, and is a whole round further on. */
static const struct entrant *pick_next(struct heat *heats, size_t count, uint32_t cycle)
{
	struct heat *best = &heats[0];
	const struct entrant *picked;

	for (size_t i = 0; i < count; i++) {
		struct heat *h = &heats[i];

		h->lag += h->turns;
		if (h->lag > best->lag ||
		    (h->lag == best->lag && h->ring[h->first].rank < best->ring[best->first].rank))
			best = h;
	}
	picked = &best->ring[best->first];
	if (++best->first == best->count) {
		best->first = 0;
		best->lag -= cycle;
	}
	return picked;
}

int wrr_build(const struct maglev_backend *be, size_t n, uint16_t *out, uint32_t size,
	      uint32_t *cycle)
{
	AUTO_FREE struct entrant *entrants = calloc(n ? n : 1, sizeof(*entrants));
	AUTO_FREE struct heat *heats = calloc(n ? n : 1, sizeof(*heats));
	size_t count;
	uint32_t length;

	if (!size)
		return -EINVAL;
	if (!entrants || !heats)
		return -ENOMEM;
	count = collect_entrants(be, n, entrants);
	if (!count)
		return -ENOENT;
	length = share_turns(entrants, count, size);
	count = form_heats(entrants, count, heats);
	for (uint32_t s = 0; s < length; s++)
		out[s] = pick_next(heats, count, length)->be->id;
	for (uint32_t s = length; s < size; s++)
		out[s] = out[s - length];
	*cycle = length;
	return 0;
}

int least_build(const struct maglev_backend *be, size_t n, uint16_t *out, uint32_t size,
		uint32_t *cycle)
{
	AUTO_FREE struct entrant *entrants = calloc(n ? n : 1, sizeof(*entrants));
	size_t count;
	int err;

	if (!size)
		return -EINVAL;
	if (!entrants)
		return -ENOMEM;
	count = collect_entrants(be, n, entrants);
	if (!count)
		return -ENOENT;
	if (count > LB_LEAST_EXACT || count > size) {
		err = maglev_build(be, n, out, size);
		if (!err)
			*cycle = size;
		return err;
	}
	for (uint32_t s = 0; s < size; s++)
		out[s] = entrants[s % count].be->id;
	*cycle = count;
	return 0;
}
