/* SPDX-License-Identifier: GPL-2.0-only */
#include "health/dns_message.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEADER_SIZE   12
#define NAME_MAX_SIZE 255
#define LABEL_MAX     63
#define CLASS_IN      1
#define RCODE_COUNT   16

/* the header's bytes */
#define AT_FLAGS     2
#define AT_RCODE     3
#define AT_QUESTIONS 4
#define IS_REPLY     0x80 /* of the first byte of flags */
#define OPCODE_MASK  0x78
#define RECURSE	     0x01

static const char *const rcode_names[RCODE_COUNT] = {
	"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
	"YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE",
};

static uint16_t get_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put_u16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* @name as labels into @out of NAME_MAX_SIZE bytes; returns the size, or 0 where it is wrong */
static size_t put_name(const char *name, uint8_t *out)
{
	size_t used = 0;

	if (strcmp(name, ".") == 0)
		name++;
	while (*name) {
		size_t label = strcspn(name, ".");

		if (!label || label > LABEL_MAX || used + 1 + label + 1 > NAME_MAX_SIZE)
			return 0;
		out[used] = (uint8_t)label;
		memcpy(out + used + 1, name, label);
		used += 1 + label;
		name += label;
		name += *name == '.';
	}
	out[used] = 0;
	return used + 1;
}

int dns_query_build(const char *name, unsigned type, struct dns_query *out)
{
	struct dns_query query = {};
	size_t name_size;

	if (!*name)
		return -EINVAL;
	name_size = put_name(name, query.bytes + HEADER_SIZE);
	if (!name_size)
		return -EINVAL;
	query.bytes[AT_FLAGS] = RECURSE;
	put_u16(query.bytes + AT_QUESTIONS, 1);
	query.size = HEADER_SIZE + name_size;
	put_u16(query.bytes + query.size, type);
	put_u16(query.bytes + query.size + 2, CLASS_IN);
	query.size += 4;
	*out = query;
	return 0;
}

/* Servers may repeat a name in other letters (RFC 4343). Lengths of labels are below 'A'. */
static bool is_same_question(const uint8_t *a, const uint8_t *b, size_t size)
{
	size_t name_size = size - 4;

	for (size_t i = 0; i < name_size; i++) {
		uint8_t x = a[i] >= 'A' && a[i] <= 'Z' ? a[i] | 0x20 : a[i];
		uint8_t y = b[i] >= 'A' && b[i] <= 'Z' ? b[i] | 0x20 : b[i];

		if (x != y)
			return false;
	}
	return memcmp(a + name_size, b + name_size, 4) == 0;
}

int dns_reply_read(const uint8_t *reply, size_t size, const struct dns_query *query,
		   unsigned *rcode)
{
	size_t question_size = query->size - HEADER_SIZE;
	unsigned code, questions;

	if (size < 2 || memcmp(reply, query->bytes, 2) != 0)
		return -EAGAIN;
	if (size < HEADER_SIZE || !(reply[AT_FLAGS] & IS_REPLY) || reply[AT_FLAGS] & OPCODE_MASK)
		return -EBADMSG;
	code = reply[AT_RCODE] & 0x0f;
	questions = get_u16(reply + AT_QUESTIONS);
	if (questions == 0 && code != 0) {
		*rcode = code;
		return 0;
	}
	if (questions != 1 || size < query->size ||
	    !is_same_question(reply + HEADER_SIZE, query->bytes + HEADER_SIZE, question_size))
		return -EBADMSG;
	*rcode = code;
	return 0;
}

const char *dns_rcode_name(unsigned rcode)
{
	static char number[12];

	if (rcode < RCODE_COUNT && rcode_names[rcode])
		return rcode_names[rcode];
	snprintf(number, sizeof(number), "%u", rcode);
	return number;
}

void dns_reason(unsigned rcode, uint16_t expect, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "rcode %s, expected", dns_rcode_name(rcode));
	const char *before = " ";

	for (unsigned code = 0; code < RCODE_COUNT && used < size; code++) {
		if (!(expect >> code & 1))
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s", before,
					 dns_rcode_name(code));
		before = ", ";
	}
}
