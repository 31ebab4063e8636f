/* SPDX-License-Identifier: GPL-2.0-only */
/* Text that stands for bytes. */
#include <stdlib.h>
#include <string.h>

#include "config/errors.h"
#include "config/values.h"
#include "model/cleanup.h"
#include "model/config.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The escape at @text, which begins after the backslash. Returns its length, 0: it is none. */
static size_t decode_escape(const char *text, size_t length, uint8_t *byte)
{
	static const char names[] = "nrt0\\", bytes[] = "\n\r\t\0\\";
	const char *name = length ? memchr(names, text[0], sizeof(names) - 1) : NULL;

	if (name) {
		*byte = (uint8_t)bytes[name - names];
		return 1;
	}
	if (length < 3 || text[0] != 'x' || hex_digit(text[1]) < 0 || hex_digit(text[2]) < 0)
		return 0;
	*byte = (uint8_t)(hex_digit(text[1]) << 4 | hex_digit(text[2]));
	return 3;
}

static bool add_bad_escape(struct reader *r, const struct config_key *key,
			   const struct config_value *value, size_t at)
{
	size_t left = value->length - at;
	char quoted[ERRORS_QUOTED];

	errors_quote(quoted, value->text + at, left < 4 ? left : 4);
	return reader_add(r, value->pos,
			  "%s: %s is no escape; known are \\n, \\r, \\t, \\0, \\\\ and \\xNN",
			  key->name, quoted);
}

static bool decode(struct reader *r, const struct config_key *key, const struct config_value *value,
		   struct model_bytes *out)
{
	for (size_t i = 0; i < value->length; i++) {
		uint8_t *byte = &out->bytes[out->size++];
		size_t length;

		*byte = (uint8_t)value->text[i];
		/* In double quotes YAML makes \xe9 two bytes: what was meant cannot be told. */
		if (*byte >= 0x80)
			return reader_add(r, value->pos,
					  "%s: has characters other than ASCII; write their bytes "
					  "as \\xNN, in single quotes",
					  key->name);
		if (*byte != '\\')
			continue;
		length = decode_escape(value->text + i + 1, value->length - i - 1, byte);
		if (!length)
			return add_bad_escape(r, key, value, i);
		i += length;
	}
	return true;
}

static bool read_bytes(struct reader *r, const struct config_key *key,
		       const struct config_value *value, void *object)
{
	struct model_bytes *field = values_field(key, object);
	AUTO_FREE uint8_t *bytes = NULL;
	struct model_bytes out = {};

	if (!value->text || value->length == 0)
		return keys_expected(r, key, value);
	if (values_is_too_long(r, key, value))
		return false;
	out.bytes = bytes = malloc(value->length);
	if (!bytes)
		return reader_no_memory(r);
	if (!decode(r, key, value, &out))
		return false;
	field->bytes = TAKE(bytes);
	field->size = out.size;
	return true;
}

const struct config_type value_bytes = {
	.expects = "a text, with \\n, \\r, \\t, \\0, \\\\ and \\xNN for what cannot be typed",
	.read = read_bytes,
};
