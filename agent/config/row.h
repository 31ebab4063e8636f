/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rows of schema*.c are written with. */
#ifndef LEAT_CONFIG_ROW_H
#define LEAT_CONFIG_ROW_H

#include "config/keys.h"

#define FIELD(type, field)                                                                         \
	.offset = offsetof(struct type, field), .size = sizeof(((struct type *)0)->field)
#define TABLE(name, rows, ...)                                                                     \
	_Static_assert(sizeof(rows) / sizeof((rows)[0]) <= KEYS_MAX, "marks");                     \
	const struct config_table name = { .keys = (rows),                                         \
					   .count = sizeof(rows) / sizeof((rows)[0]),              \
					   .what = WHAT_##name,                                    \
					   ##__VA_ARGS__ }

#define SECOND 1000u
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define NAME_MAX_LENGTH 63
#define TEXT_MAX_LENGTH 1023
#define HOST_MAX_LENGTH 255
#define FILE_MAX_LENGTH 4095

#endif
