/* SPDX-License-Identifier: GPL-2.0-only */
#define _GNU_SOURCE /* vasprintf */
#include "plan/changes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_change(struct diff_change *change)
{
	free(change->object);
	free(change->detail);
	free(change->risk);
	free(change->refusal);
}

void diff_free(struct diff *diff)
{
	for (size_t i = 0; i < diff->count; i++)
		free_change(&diff->list[i]);
	free(diff->list);
	*diff = (struct diff) {};
}

void changes_set_object(struct changes *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->object, sizeof(c->object), format, args);
	va_end(args);
}

static struct diff_change *make_room(struct changes *c)
{
	size_t room = c->room ? 2 * c->room : 16;
	struct diff_change *list;

	if (c->count < c->room)
		return &c->list[c->count];
	list = realloc(c->list, room * sizeof(*list));
	if (!list)
		return NULL;
	c->list = list;
	c->room = room;
	return &c->list[c->count];
}

static bool copy_text(const char *text, char **out)
{
	*out = text ? strdup(text) : NULL;
	return !text || *out;
}

static int fill_change(struct diff_change *change, const char *object,
		       const struct changes_nature *nature, char *detail)
{
	bool is_whole;

	*change = (struct diff_change) {
		.kind = nature->kind,
		.detail = detail,
		.changes_slots = nature->changes_slots,
	};
	is_whole = copy_text(object, &change->object) && copy_text(nature->risk, &change->risk) &&
		   copy_text(nature->refusal, &change->refusal);
	if (is_whole)
		return 0;
	free_change(change);
	return -ENOMEM;
}

void changes_add(struct changes *c, struct changes_nature nature, const char *format, ...)
{
	struct diff_change *change = c->err ? NULL : make_room(c);
	char *detail = NULL;
	va_list args;
	int length;

	if (!change) {
		c->err = -ENOMEM;
		return;
	}
	va_start(args, format);
	length = vasprintf(&detail, format, args);
	va_end(args);
	c->err = length < 0 ? -ENOMEM : fill_change(change, c->object, &nature, detail);
	c->count += !c->err;
}

void changes_add_text(struct changes *c, struct changes_nature nature, const char *field,
		      const char *from, const char *to)
{
	if (strcmp(from, to) != 0)
		changes_add(c, nature, "%s %s -> %s", field, from, to);
}

void changes_add_number(struct changes *c, struct changes_nature nature, const char *field,
			unsigned from, unsigned to)
{
	if (from != to)
		changes_add(c, nature, "%s %u -> %u", field, from, to);
}

const char *changes_format_duration(unsigned ms, char *buf)
{
	static const struct {
		unsigned ms;
		const char *unit;
	} units[] = { { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" } };
	size_t i = 0;

	while (ms % units[i].ms)
		i++;
	snprintf(buf, CHANGES_DURATION_LEN, "%u%s", ms / units[i].ms, units[i].unit);
	return ms ? buf : "none";
}

void changes_add_duration(struct changes *c, const char *field, unsigned from_ms, unsigned to_ms)
{
	struct changes_nature nature = { .kind = DIFF_CHANGED };
	char from[CHANGES_DURATION_LEN], to[CHANGES_DURATION_LEN];

	changes_add_text(c, nature, field, changes_format_duration(from_ms, from),
			 changes_format_duration(to_ms, to));
}
