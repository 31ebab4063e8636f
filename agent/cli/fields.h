/* SPDX-License-Identifier: GPL-2.0-only */
/* Fields of a reply, and how numbers are written for people. */
#ifndef LEAT_CLI_FIELDS_H
#define LEAT_CLI_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define FIELD_STRLEN 32

/** field_text - a string; "-" where it is absent, null, empty or something else */
const char *field_text(const json_t *object, const char *name);

/** field_number - an integer; 0 where it is absent or something else */
int64_t field_number(const json_t *object, const char *name);

/** field_real - any number; 0 where it is absent or something else */
double field_real(const json_t *object, const char *name);

/** field_flag - true only for true */
bool field_flag(const json_t *object, const char *name);

/** field_is_null - absent or null */
bool field_is_null(const json_t *object, const char *name);

/** percent_of - 0 where there is no whole */
double percent_of(int64_t part, int64_t whole);

/**
 * field_make_printable - in all strings below @value, '?' for control characters
 * Some of the texts are what a backend sent: a terminal must not obey them.
 */
void field_make_printable(json_t *value);

/** format_count - 1234567 as "1,234,567"; the buffers of these have FIELD_STRLEN; return @buf */
char *format_count(int64_t count, char *buf);

/** format_bytes - 1234567 as "1.23 MB" */
char *format_bytes(int64_t bytes, char *buf);

/** format_duration - milliseconds as "12s", "3m 20s", "5h 1m" or "2d 7h"; below zero as 0 */
char *format_duration(int64_t ms, char *buf);

#endif
