/* SPDX-License-Identifier: GPL-2.0-only */
/* The known word that a mistyped one most resembles. */
#ifndef LEAT_MODEL_NEAREST_H
#define LEAT_MODEL_NEAREST_H

/** struct nearest - a search; @best is NULL while nothing comes near enough */
struct nearest {
	const char *word;
	const char *best;
	unsigned distance; /* of @best; only what is nearer replaces it */
};

/**
 * nearest_begin - look for what @word may have meant: about a quarter of it mistyped
 * Upper and lower case count as equal.
 */
void nearest_begin(struct nearest *nearest, const char *word);

/** nearest_offer - @known is a possible answer; kept, not copied. A word that begins with what was
 * typed is as near as one mistake. Source: optimal string alignment. */
void nearest_offer(struct nearest *nearest, const char *known);

#endif
