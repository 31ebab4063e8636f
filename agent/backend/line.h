/* SPDX-License-Identifier: GPL-2.0-only */
/* The line that a balancer gets. */
#ifndef LEAT_BACKEND_LINE_H
#define LEAT_BACKEND_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_SIZE 256 /* with its newline and a zero */

/** struct line_words - what the operator's file says, and what is wrong with it */
struct line_words {
	char text[128];	 /* one line of words; "" for none */
	char error[160]; /* "" for none; @text is empty else */
};

/**
 * line_read_words - the first line of the file at @path; one that is not there says nothing
 * Words that are none of the agent-check protocol are an error: better no state than a wrong one.
 */
void line_read_words(const char *path, struct line_words *out);

/**
 * line_format - "drain 63% #text\n": the file's words, the percentage, the file's text
 * @words:    NULL where there is no file to be read. Else, without a word of state, "ready up" goes
 *            first: HAProxy drains until it hears "ready"
 * @idle:     percent; below 1 counts as 1: 0% would mean that no newcomer is wanted
 * @has_idle: without it, the percentage is left out, as it is where @words have one
 * Pure. Returns the length.
 */
size_t line_format(const struct line_words *words, bool has_idle, unsigned idle,
		   char out[LINE_SIZE]);

#endif
