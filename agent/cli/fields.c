/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/cleanup.h"

const char *field_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text && *text ? text : "-";
}

int64_t field_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

double field_real(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

bool field_flag(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

bool field_is_null(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return !value || json_is_null(value);
}

static bool field_is_control(const unsigned char *at)
{
	if (*at < 0x20 || *at == 0x7f)
		return true;
	/* U+0080 to U+009f: some terminals take them for escape sequences */
	return at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f;
}

static void field_clean_string(json_t *value)
{
	AUTO_FREE char *copy = strdup(json_string_value(value));

	if (!copy) {
		json_string_set(value, "?");
		return;
	}
	for (char *at = copy; *at; at++) {
		if (!field_is_control((unsigned char *)at))
			continue;
		if ((unsigned char)*at == 0xc2)
			*at++ = '?';
		*at = '?';
	}
	json_string_set(value, copy);
}

double percent_of(int64_t part, int64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

void field_make_printable(json_t *value)
{
	const char *name;
	json_t *one;
	size_t i;

	if (json_is_string(value))
		field_clean_string(value);
	json_array_foreach (value, i, one) {
		field_make_printable(one);
	}
	json_object_foreach (value, name, one) {
		field_make_printable(one);
	}
}

char *format_count(int64_t count, char *buf)
{
	char digits[24];
	size_t length, used = 0;

	length = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, count);
	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
			buf[used++] = ',';
		buf[used++] = digits[i];
	}
	buf[used] = '\0';
	return buf;
}

char *format_bytes(int64_t bytes, char *buf)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double scaled = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(buf, FIELD_STRLEN, "%" PRId64 " B", bytes);
		return buf;
	}
	while (scaled >= 999.5 && unit < sizeof(units) / sizeof(units[0]) - 1) {
		scaled /= 1000;
		unit++;
	}
	snprintf(buf, FIELD_STRLEN, "%.3g %s", scaled, units[unit]);
	return buf;
}

char *format_duration(int64_t ms, char *buf)
{
	int64_t s = ms > 0 ? ms / 1000 : 0;

	if (s < 60)
		snprintf(buf, FIELD_STRLEN, "%" PRId64 "s", s);
	else if (s < 3600)
		snprintf(buf, FIELD_STRLEN, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, FIELD_STRLEN, "%" PRId64 "h %" PRId64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(buf, FIELD_STRLEN, "%" PRId64 "d %" PRId64 "h", s / 86400, s / 3600 % 24);
	return buf;
}
