/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers with a fraction: 0.5, and 2.5%. */
#include <stdio.h>
#include <string.h>

#include "config/errors.h"
#include "config/values.h"

char *values_format_decimal(char *buf, unsigned number, unsigned places)
{
	unsigned unit = 1;
	size_t length;

	for (unsigned i = 0; i < places; i++)
		unit *= 10;
	length = (size_t)snprintf(buf, VALUES_DECIMAL_LEN, "%u.%0*u", number / unit, (int)places,
				  number % unit);
	while (buf[length - 1] == '0')
		length--;
	if (buf[length - 1] == '.')
		length--;
	buf[length] = '\0';
	return buf;
}

/* "0.25" as 250 of 10^-3. Returns whether there are digits on both sides of the point, if any. */
static bool parse_decimal(const char *text, unsigned places, uint64_t *number, const char **rest)
{
	const char *digits;
	uint64_t value = values_leading_number(text, rest);

	if (*rest == text)
		return false;
	digits = **rest == '.' ? *rest + 1 : NULL;
	if (digits && (*digits < '0' || *digits > '9'))
		return false;
	if (value > UINT32_MAX)
		value = UINT32_MAX; /* out of any range, and stays so */
	for (unsigned i = 0; i < places; i++) {
		bool has_digit = digits && *digits >= '0' && *digits <= '9';

		value = value * 10 + (has_digit ? (uint64_t)(*digits++ - '0') : 0);
	}
	if (digits)
		*rest = digits;
	*number = value;
	return true;
}

/* The number before @unit ("" or "%"), checked and stored. */
static bool read_scaled(struct reader *r, const struct config_key *key,
			const struct config_value *value, void *object, unsigned places,
			const char *unit)
{
	char min[VALUES_DECIMAL_LEN], max[VALUES_DECIMAL_LEN], quoted[ERRORS_QUOTED];
	const char *text = values_text(r, key, value);
	uint64_t number;
	const char *rest;

	if (!text)
		return false;
	errors_quote(quoted, text, value->length);
	if (!parse_decimal(text, places, &number, &rest))
		return keys_expected(r, key, value);
	if (*rest >= '0' && *rest <= '9')
		return reader_add(r, value->pos, "%s: %s has more than %u decimal place%s",
				  key->name, quoted, places, places == 1 ? "" : "s");
	if (*unit && *rest == '\0')
		return reader_add(r, value->pos, "%s: %s has no unit; write %.40s%s", key->name,
				  quoted, text, unit);
	if (strcmp(rest, unit) != 0)
		return keys_expected(r, key, value);
	if (values_has_leading_zero(r, key, value))
		return false;
	if (number < key->min || number > key->max)
		return reader_add(r, value->pos,
				  "%s: %.40s is out of range; it must be %s%s to %s%s", key->name,
				  text, values_format_decimal(min, key->min, places), unit,
				  values_format_decimal(max, key->max, places), unit);
	values_store(key, object, (unsigned)number);
	return true;
}

static bool read_decimal(struct reader *r, const struct config_key *key,
			 const struct config_value *value, void *object)
{
	return read_scaled(r, key, value, object, 3, "");
}

static bool read_permille(struct reader *r, const struct config_key *key,
			  const struct config_value *value, void *object)
{
	return read_scaled(r, key, value, object, 1, "%");
}

const struct config_type value_decimal = { .expects = "a number such as 0.5",
					   .read = read_decimal };
const struct config_type value_permille = { .expects = "a percentage such as 5% or 2.5%",
					    .read = read_permille };
