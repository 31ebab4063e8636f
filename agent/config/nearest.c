/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/nearest.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

unsigned nearest_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned d[NEAREST_MAX + 1][NEAREST_MAX + 1];

	if (a_length > NEAREST_MAX || b_length > NEAREST_MAX)
		return UINT_MAX;
	for (size_t i = 0; i <= a_length; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= b_length; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		for (size_t j = 1; j <= b_length; j++) {
			unsigned replaced = d[i - 1][j - 1] + !is_same(a[i - 1], b[j - 1]);

			d[i][j] = min(replaced, min(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) &&
			    is_same(a[i - 2], b[j - 1]))
				d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a_length][b_length];
}

bool nearest_is_closer(const char *word, size_t length, const char *candidate, unsigned *best)
{
	unsigned distance = nearest_distance(word, length, candidate, strlen(candidate));

	/* "proto" means protocol, however many letters are missing. */
	if (length >= 3 && strncasecmp(word, candidate, length) == 0)
		distance = min(distance, 1);
	if (distance > (length + 3) / 4 || distance >= *best)
		return false;
	*best = distance;
	return true;
}
