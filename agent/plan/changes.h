/* SPDX-License-Identifier: GPL-2.0-only */
/* The list of changes that diff_configs makes: how one line of it is said. */
#ifndef LEAT_PLAN_CHANGES_H
#define LEAT_PLAN_CHANGES_H

#include "plan/diff.h"

#define CHANGES_OBJECT_LEN   256
#define CHANGES_DURATION_LEN 24

/** struct changes - the list as it grows; zeroed at the start, the first error stops it */
struct changes {
	struct diff_change *list;
	size_t count;
	size_t room;
	int err;			 /* 0 or -ENOMEM */
	char object[CHANGES_OBJECT_LEN]; /* what the next changes are changes of */
};

/** struct changes_nature - what one change is, but for its words */
struct changes_nature {
	enum diff_kind kind;
	bool changes_slots;
	const char *risk;    /* NULL: none */
	const char *refusal; /* NULL: none */
};

/** changes_set_object - what the next changes are changes of, as printf */
__attribute__((format(printf, 2, 3))) void changes_set_object(struct changes *c, const char *format,
							      ...);

/** changes_add - one change; its detail as printf */
__attribute__((format(printf, 3, 4))) void
changes_add(struct changes *c, struct changes_nature nature, const char *format, ...);

/** changes_add_text - "field from -> to", where the two differ */
void changes_add_text(struct changes *c, struct changes_nature nature, const char *field,
		      const char *from, const char *to);

/** changes_add_number - the same for numbers */
void changes_add_number(struct changes *c, struct changes_nature nature, const char *field,
			unsigned from, unsigned to);

/** changes_add_duration - the same for times that may change at any time */
void changes_add_duration(struct changes *c, const char *field, unsigned from_ms, unsigned to_ms);

/**
 * changes_format_duration - "90s", "15m", "none" for 0: in the largest unit without a remainder
 * @buf: CHANGES_DURATION_LEN bytes
 * Returns @buf, or a constant.
 */
const char *changes_format_duration(unsigned ms, char *buf);

#endif
