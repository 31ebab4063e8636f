/* SPDX-License-Identifier: GPL-2.0-only */
#include "config/errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUOTE_MAX 48

static int grow(struct config_errors *errors)
{
	struct config_error *list;

	/* The list doubles: a count that is a power of two has filled it. */
	if (errors->count & (errors->count - 1))
		return 0;
	list = reallocarray(errors->list, errors->count ? 2 * errors->count : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	errors->list = list;
	return 0;
}

int errors_add(struct config_errors *errors, struct model_pos pos, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int length;

	if (errors->count > ERRORS_MAX)
		return -E2BIG;
	if (grow(errors))
		return -ENOMEM;
	if (errors->count == ERRORS_MAX) {
		pos = (struct model_pos) {};
		length = asprintf(&text, "more than %d errors; the rest is not shown", ERRORS_MAX);
	} else {
		va_start(args, format);
		length = vasprintf(&text, format, args);
		va_end(args);
	}
	if (length < 0)
		return -ENOMEM;
	errors->list[errors->count].pos = pos;
	errors->list[errors->count].text = text;
	errors->count++;
	return errors->count > ERRORS_MAX ? -E2BIG : 0;
}

static int compare_errors(const void *a, const void *b)
{
	const struct config_error *x = a;
	const struct config_error *y = b;

	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	if (x->pos.column != y->pos.column)
		return x->pos.column < y->pos.column ? -1 : 1;
	return strcmp(x->text, y->text);
}

void errors_sort(struct config_errors *errors)
{
	size_t kept = 0;

	if (errors->count == 0)
		return;
	qsort(errors->list, errors->count, sizeof(errors->list[0]), compare_errors);
	for (size_t i = 1; i < errors->count; i++) {
		if (compare_errors(&errors->list[kept], &errors->list[i]) == 0)
			free(errors->list[i].text);
		else
			errors->list[++kept] = errors->list[i];
	}
	errors->count = kept + 1;
}

void config_errors_free(struct config_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		free(errors->list[i].text);
	free(errors->list);
	*errors = (struct config_errors) {};
}

static bool is_inside_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80; /* UTF-8 */
}

char *errors_quote(char *buf, const char *text, size_t length)
{
	size_t shown = length;
	char *p = buf;

	if (shown > QUOTE_MAX) {
		shown = QUOTE_MAX;
		while (shown > 0 && is_inside_character(text[shown]))
			shown--;
	}
	*p++ = '"';
	for (size_t i = 0; i < shown; i++)
		*p++ = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
	memcpy(p, shown < length ? "...\"" : "\"", shown < length ? 5 : 2);
	return buf;
}
