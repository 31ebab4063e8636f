/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define MAX_WORD 31

static unsigned nearest_min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool nearest_is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/*
 * Insertions, deletions, replacements and swapped neighbours each count one
 * (optimal string alignment); three rows of the matrix are enough.
 */
static unsigned nearest_distance(const char *a, const char *b)
{
	unsigned rows[3][MAX_WORD + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2], *oldest;
	size_t a_length = strlen(a), b_length = strlen(b);

	for (unsigned j = 0; j <= b_length; j++)
		last[j] = j;
	for (unsigned i = 1; i <= a_length; i++) {
		row[0] = i;
		for (unsigned j = 1; j <= b_length; j++) {
			row[j] = nearest_min(last[j], row[j - 1]) + 1;
			row[j] = nearest_min(row[j],
					     last[j - 1] + !nearest_is_same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && nearest_is_same(a[i - 1], b[j - 2]) &&
			    nearest_is_same(a[i - 2], b[j - 1]))
				row[j] = nearest_min(row[j], before[j - 2] + 1);
		}
		oldest = before;
		before = last;
		last = row;
		row = oldest;
	}
	return last[b_length];
}

void nearest_begin(struct nearest *nearest, const char *word)
{
	*nearest = (struct nearest) {
		.word = word,
		.distance = (unsigned)(strlen(word) + 3) / 4 + 1,
	};
}

void nearest_offer(struct nearest *nearest, const char *known)
{
	size_t length = strlen(nearest->word);
	unsigned distance;

	if (length == 0 || length > MAX_WORD || strlen(known) > MAX_WORD)
		return;
	distance = strncasecmp(nearest->word, known, length) == 0
			   ? 1
			   : nearest_distance(nearest->word, known);
	if (distance < nearest->distance && distance < strlen(known)) {
		nearest->best = known;
		nearest->distance = distance;
	}
}
