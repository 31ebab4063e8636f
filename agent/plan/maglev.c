/* SPDX-License-Identifier: GPL-2.0-only */
#include "plan/maglev.h"

#include <errno.h>
#include <stdlib.h>

#include "model/addr.h"
#include "model/cleanup.h"
#include "model/config.h"

#define WORD_BITS 64

/* So many free slots at the end are looked up rather than walked to: a walk takes size / free
 * steps, half of all steps for these. */
#define LAST_FREE 256

/* The hash keys below are part of what balancers must agree on. */
#define KEY_OFFSET 0x6c6561742d6f6666ULL
#define KEY_SKIP   0x6c6561742d736b70ULL

/* One backend while its slots are being claimed. */
struct claimant {
	const struct maglev_backend *be;
	uint64_t hash;
	uint64_t remainder; /* of its exact share, in parts of the sum of weights */
	uint64_t credit;    /* weight not yet turned into claims */
	uint32_t position;  /* in its own permutation of the slots */
	uint32_t skip;
	uint32_t quota; /* slots it still has to claim */
};

/*
 * Every bit in moves every bit out. Not lb_mix(): that one may be made cheaper for the sake of
 * packets, and neither the tables nor what balancers agree on may change with it.
 */
static uint64_t scramble(uint64_t x)
{
	for (int round = 0; round < 3; round++) {
		x ^= x >> 31;
		x *= 0x9e3779b97f4a7c15ULL;
	}
	return x ^ (x >> 32);
}

static uint64_t hash_backend(const struct maglev_backend *be, uint64_t key)
{
	uint64_t address = scramble(be->address.halves[0] ^ scramble(be->address.halves[1] ^ key));

	return scramble(address ^ be->port);
}

/* The order of turns: by hash, so that no address is favoured, and by address where hashes tie. */
static int compare_turns(const void *left, const void *right)
{
	const struct claimant *a = left, *b = right;
	int order;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	order = addr_compare(&a->be->address, &b->be->address);
	return order ? order : (int)a->be->port - (int)b->be->port;
}

/* Largest remainder first; the order of turns breaks ties. */
static int compare_remainders(const void *left, const void *right)
{
	const struct claimant *a = *(const struct claimant *const *)left;
	const struct claimant *b = *(const struct claimant *const *)right;

	if (a->remainder != b->remainder)
		return a->remainder > b->remainder ? -1 : 1;
	return a < b ? -1 : a > b;
}

static size_t collect_claimants(const struct maglev_backend *be, size_t n, uint32_t size,
				struct claimant *claimants, uint64_t *weights)
{
	uint64_t sum = 0;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (!be[i].weight)
			continue;
		uint64_t hash = hash_backend(&be[i], KEY_OFFSET);

		claimants[count++] = (struct claimant) {
			.be = &be[i],
			.hash = hash,
			.position = hash % size,
			.skip = hash_backend(&be[i], KEY_SKIP) % (size - 1) + 1,
		};
		sum += be[i].weight;
	}
	qsort(claimants, count, sizeof(*claimants), compare_turns);
	*weights = sum;
	return count;
}

/* Whole shares first, then one slot each to the largest remainders. */
static int share_slots(struct claimant *claimants, size_t count, uint32_t size, uint64_t weights)
{
	AUTO_FREE struct claimant **order = calloc(count, sizeof(struct claimant *));
	uint64_t left = size;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		uint64_t exact = (uint64_t)size * claimants[i].be->weight;

		claimants[i].quota = exact / weights;
		claimants[i].remainder = exact % weights;
		left -= claimants[i].quota;
		order[i] = &claimants[i];
	}
	qsort(order, count, sizeof(struct claimant *), compare_remainders);
	for (size_t i = 0; i < left; i++)
		order[i]->quota++;
	return 0;
}

/*
 * What one turn adds to every backend's credit costs one claim: about the mean weight, so that
 * a turn makes about one claim a backend however uneven the weights are, and a power of two, so
 * that it hardly ever changes when a backend comes or goes: the turns would shift, and slots move.
 */
static uint64_t price_of_claim(uint64_t weights, size_t count)
{
	uint64_t price = 1;

	while (price * count < weights)
		price *= 2;
	return price;
}

/* The table as it fills. */
struct filling {
	uint16_t *out;
	uint64_t *taken; /* bit by slot */
	uint32_t size;
	uint32_t left;		  /* slots that nobody has */
	uint32_t last[LAST_FREE]; /* these, once there are so few */
};

static void list_last(struct filling *f)
{
	uint32_t count = 0;

	for (uint32_t p = 0; p < f->size; p++) {
		if (!(f->taken[p / WORD_BITS] >> (p % WORD_BITS) & 1))
			f->last[count++] = p;
	}
}

/* Slot by slot in the backend's permutation. */
static uint32_t walk_to_free(const struct claimant *c, const struct filling *f)
{
	uint32_t p = c->position;

	while (f->taken[p / WORD_BITS] >> (p % WORD_BITS) & 1) {
		/* (p + skip) mod size without a branch that nobody can predict */
		uint32_t below = p + c->skip - f->size;

		p = below + (f->size & -(below >> 31));
	}
	return p;
}

/* x with n x = 1 modulo a prime; Euclid's algorithm */
static uint32_t find_inverse(uint32_t n, uint32_t prime)
{
	int64_t before = 0, inverse = 1;
	uint32_t high = prime, low = n;

	while (low > 1) {
		int64_t next = before - (int64_t)(high / low) * inverse;
		uint32_t rest = high % low;

		before = inverse;
		inverse = next;
		high = low;
		low = rest;
	}
	return inverse < 0 ? inverse + prime : inverse;
}

/* The same slot: of the free ones the one that fewest steps lead to. */
static uint32_t look_up_free(const struct claimant *c, struct filling *f)
{
	uint64_t inverse = find_inverse(c->skip, f->size);
	uint32_t nearest = UINT32_MAX, at = 0, found;

	for (uint32_t i = 0; i < f->left; i++) {
		uint32_t p = f->last[i];
		uint32_t distance = p < c->position ? p + f->size - c->position : p - c->position;
		uint32_t steps = distance * inverse % f->size;

		if (steps < nearest) {
			nearest = steps;
			at = i;
		}
	}
	found = f->last[at];
	f->last[at] = f->last[f->left - 1];
	return found;
}

static void claim_next(struct claimant *c, struct filling *f)
{
	uint32_t p = f->left > LAST_FREE ? walk_to_free(c, f) : look_up_free(c, f);

	f->taken[p / WORD_BITS] |= 1ULL << (p % WORD_BITS);
	f->out[p] = c->be->id;
	c->position = p;
	c->quota--;
	if (--f->left == LAST_FREE)
		list_last(f);
}

static void fill_table(struct claimant *claimants, size_t count, uint64_t price, struct filling *f)
{
	if (f->left <= LAST_FREE)
		list_last(f);
	while (f->left) {
		for (size_t i = 0; i < count; i++) {
			struct claimant *c = &claimants[i];

			if (!c->quota)
				continue;
			c->credit += c->be->weight;
			for (; c->quota && c->credit >= price; c->credit -= price)
				claim_next(c, f);
		}
	}
}

int maglev_build(const struct maglev_backend *be, size_t n, uint16_t *out, uint32_t size)
{
	AUTO_FREE struct claimant *claimants = NULL;
	AUTO_FREE uint64_t *taken = NULL;
	struct filling f = { .out = out, .size = size, .left = size };
	uint64_t weights;
	size_t count;
	int err;

	/* in a table of another size a permutation would miss slots, and never end */
	if (size > INT32_MAX || !model_is_prime(size))
		return -EINVAL;
	claimants = calloc(n ? n : 1, sizeof(*claimants));
	taken = calloc(size / WORD_BITS + 1, sizeof(*taken));
	if (!claimants || !taken)
		return -ENOMEM;
	count = collect_claimants(be, n, size, claimants, &weights);
	if (!count)
		return -ENOENT;
	err = share_slots(claimants, count, size, weights);
	if (err)
		return err;
	f.taken = taken;
	fill_table(claimants, count, price_of_claim(weights, count), &f);
	return 0;
}

uint64_t maglev_digest(const struct maglev_backend *be, size_t n, const uint16_t *table,
		       uint32_t size)
{
	AUTO_FREE uint64_t *hash_of_id = calloc(UINT16_MAX + 1, sizeof(*hash_of_id));
	uint64_t digest = size;

	if (!hash_of_id)
		return 0;
	for (size_t i = 0; i < n; i++)
		hash_of_id[be[i].id] = hash_backend(&be[i], KEY_OFFSET);
	hash_of_id[0] = 0;
	for (uint32_t s = 0; s < size; s++)
		digest = scramble(digest + hash_of_id[table[s]]);
	return digest;
}
