/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEAT_CONFIG_NEAREST_H
#define LEAT_CONFIG_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/**
 * nearest_is_closer - whether @candidate is a likelier meaning of @word than the best so far
 * @best: distance of the best so far, UINT_MAX at first; updated where the answer is true
 * Far candidates are never close. Upper and lower case count as equal.
 */
bool nearest_is_closer(const char *word, size_t length, const char *candidate, unsigned *best);

/**
 * nearest_distance - letters to insert, delete, replace or swap with a neighbour
 * Words of more than NEAREST_MAX letters are UINT_MAX away.
 * Source: optimal string alignment.
 */
#define NEAREST_MAX 31
unsigned nearest_distance(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
