/* SPDX-License-Identifier: GPL-2.0-only */
/* Aligned columns. */
#ifndef LEAT_CLI_TABLE_H
#define LEAT_CLI_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_MAX_COLUMNS 16

/** struct table - cells of one table, row after row; the first row is the headings */
struct table {
	size_t columns;
	unsigned right; /* bit n: column n is aligned to the right */
	char **cells;
	size_t count;
};

/**
 * table_begin - an empty table; end it with table_free
 * @headings: NULL at the end; one that begins with '>' is aligned to the right with its column
 */
void table_begin(struct table *table, const char *const *headings);

/** table_add - the next cell; without memory it stays empty */
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** table_print - every row, @indent spaces before it, two between columns, none at the end */
void table_print(const struct table *table, unsigned indent, FILE *out);

void table_free(struct table *table);

#endif
