/* SPDX-License-Identifier: GPL-2.0-only */
#define _GNU_SOURCE
#include "cli/table.h"

#include <stdarg.h>
#include <stdlib.h>

static void table_append(struct table *table, char *cell)
{
	char **grown = realloc(table->cells, (table->count + 1) * sizeof(*grown));

	if (!grown) {
		free(cell);
		return;
	}
	table->cells = grown;
	table->cells[table->count++] = cell;
}

void table_begin(struct table *table, const char *const *headings)
{
	*table = (struct table) {};
	for (; *headings && table->columns < TABLE_MAX_COLUMNS; headings++) {
		const char *heading = *headings;

		if (*heading == '>') {
			table->right |= 1U << table->columns;
			heading++;
		}
		table->columns++;
		table_add(table, "%s", heading);
	}
}

void table_add(struct table *table, const char *format, ...)
{
	char *cell = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&cell, format, args) < 0)
		cell = NULL;
	va_end(args);
	table_append(table, cell);
}

static const char *table_cell(const struct table *table, size_t index)
{
	return table->cells[index] ? table->cells[index] : "";
}

/* characters, not bytes: names may be UTF-8 */
static size_t table_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void table_measure(const struct table *table, size_t *widths)
{
	for (size_t i = 0; i < table->count; i++) {
		size_t width = table_width(table_cell(table, i));

		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
}

static void table_pad(size_t spaces, FILE *out)
{
	fprintf(out, "%*s", (int)spaces, "");
}

void table_print(const struct table *table, unsigned indent, FILE *out)
{
	size_t widths[TABLE_MAX_COLUMNS] = {};

	table_measure(table, widths);
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->columns;
		const char *cell = table_cell(table, i);
		size_t gap = widths[column] - table_width(cell);
		int is_last = column + 1 == table->columns || i + 1 == table->count;
		int is_right = table->right >> column & 1;

		table_pad(column ? 2 : indent, out);
		if (is_right)
			table_pad(gap, out);
		fputs(cell, out);
		if (is_last)
			fputc('\n', out);
		else if (!is_right)
			table_pad(gap, out);
	}
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table) {};
}
