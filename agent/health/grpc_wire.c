/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/grpc_wire.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Protocol buffers: a field begins with its number and the type of what follows. */
#define WIRE_VARINT  0
#define WIRE_FIXED64 1
#define WIRE_BYTES   2
#define WIRE_FIXED32 5
#define SERVICE_TAG  (1 << 3 | WIRE_BYTES)
#define STATUS_TAG   (1 << 3 | WIRE_VARINT)

#define VARINT_MAX 10 /* bytes */

/* ---- the request -------------------------------------------------------- */

static size_t write_varint(uint8_t *to, uint64_t value)
{
	size_t used = 0;

	while (value >= 0x80) {
		to[used++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	to[used++] = (uint8_t)value;
	return used;
}

static void write_prefix(uint8_t *to, size_t length)
{
	to[0] = 0; /* not compressed */
	for (unsigned i = 0; i < 4; i++)
		to[1 + i] = (uint8_t)(length >> (24 - 8 * i));
}

uint8_t *grpc_request_new(const char *service, size_t *size)
{
	size_t length = service ? strlen(service) : 0;
	uint8_t *bytes = malloc(GRPC_PREFIX_SIZE + 1 + VARINT_MAX + length);
	size_t used = GRPC_PREFIX_SIZE;

	if (!bytes)
		return NULL;
	if (length) { /* an empty text is a default, and those are not written */
		bytes[used++] = SERVICE_TAG;
		used += write_varint(bytes + used, length);
		/* bytes are counted: NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
		memcpy(bytes + used, service, length);
		used += length;
	}
	write_prefix(bytes, used - GRPC_PREFIX_SIZE);
	*size = used;
	return bytes;
}

/* ---- the response ------------------------------------------------------- */

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
};

static int read_varint(struct cursor *c, uint64_t *value)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < VARINT_MAX && c->at < c->end; i++) {
		uint8_t byte = *c->at++;

		sum |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			*value = sum;
			return 0;
		}
	}
	return -EBADMSG;
}

static int skip_field(struct cursor *c, unsigned wire_type)
{
	uint64_t length = 0;
	int err = 0;

	switch (wire_type) {
	case WIRE_VARINT:
		return read_varint(c, &length);
	case WIRE_FIXED64:
		length = 8;
		break;
	case WIRE_BYTES:
		err = read_varint(c, &length);
		break;
	case WIRE_FIXED32:
		length = 4;
		break;
	default:
		return -EBADMSG;
	}
	if (err || length > (uint64_t)(c->end - c->at))
		return -EBADMSG;
	c->at += length;
	return 0;
}

static int read_message(struct cursor *c, uint64_t *status)
{
	uint64_t tag;
	uint64_t found = 0;
	int err = 0;

	while (!err && c->at < c->end) {
		err = read_varint(c, &tag);
		if (!err)
			err = tag == STATUS_TAG ? read_varint(c, &found)
						: skip_field(c, (unsigned)(tag & 7));
	}
	if (!err)
		*status = found;
	return err;
}

int grpc_response_read(const uint8_t *bytes, size_t size, uint64_t *status)
{
	struct cursor c = { .end = bytes + size };
	uint64_t length = 0;

	if (size < GRPC_PREFIX_SIZE)
		return -EBADMSG;
	for (unsigned i = 0; i < 4; i++)
		length = length << 8 | bytes[1 + i];
	if (length != size - GRPC_PREFIX_SIZE)
		return -EBADMSG;
	if (bytes[0])
		return -EOPNOTSUPP;
	c.at = bytes + GRPC_PREFIX_SIZE;
	return read_message(&c, status);
}

/* ---- names -------------------------------------------------------------- */

const char *grpc_serving_name(uint64_t status)
{
	static const char *const names[] = { "UNKNOWN", "SERVING", "NOT_SERVING",
					     "SERVICE_UNKNOWN" };

	return status < sizeof(names) / sizeof(names[0]) ? names[status] : "?";
}

const char *grpc_status_name(unsigned status)
{
	static const char *const names[] = {
		"OK",
		"CANCELLED",
		"UNKNOWN",
		"INVALID_ARGUMENT",
		"DEADLINE_EXCEEDED",
		"NOT_FOUND",
		"ALREADY_EXISTS",
		"PERMISSION_DENIED",
		"RESOURCE_EXHAUSTED",
		"FAILED_PRECONDITION",
		"ABORTED",
		"OUT_OF_RANGE",
		"UNIMPLEMENTED",
		"INTERNAL",
		"UNAVAILABLE",
		"DATA_LOSS",
		"UNAUTHENTICATED",
	};

	return status < sizeof(names) / sizeof(names[0]) ? names[status] : "?";
}

static int hex_digit(char c)
{
	if (!isxdigit((unsigned char)c))
		return -1;
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

void grpc_message_decode(const char *text, size_t length, char *buf, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < length && used + 1 < size; i++) {
		int c = (unsigned char)text[i];

		if (c == '%' && i + 2 < length && hex_digit(text[i + 1]) >= 0 &&
		    hex_digit(text[i + 2]) >= 0) {
			c = hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]);
			i += 2;
		}
		buf[used++] = c >= ' ' && c < 0x7f ? (char)c : '?';
	}
	buf[used] = '\0';
}
