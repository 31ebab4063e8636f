/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const __u8 mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool addr_is_v4(const struct lb_addr *a)
{
	return memcmp(a->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

unsigned addr_family(const struct lb_addr *a)
{
	return addr_is_v4(a) ? 4 : 6;
}

int addr_parse(const char *text, struct lb_addr *out)
{
	struct lb_addr a = {};

	if (inet_pton(AF_INET, text, &a.bytes[12]) == 1) {
		memcpy(a.bytes, mapped_prefix, sizeof(mapped_prefix));
		*out = a;
		return 0;
	}
	/* ::ffff:192.0.2.1 is how IPv4 is written down here; on the wire it is no IPv6 address. */
	if (inet_pton(AF_INET6, text, a.bytes) != 1 || addr_is_v4(&a))
		return -EINVAL;
	*out = a;
	return 0;
}

static int parse_port_number(const char *text, unsigned *port)
{
	unsigned value = 0;

	if (text[0] < '1' || text[0] > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9' && value <= 65535; text++)
		value = value * 10 + (unsigned)(*text - '0');
	if (*text != '\0' || value > 65535)
		return -EINVAL;
	*port = value;
	return 0;
}

static int parse_part(const char *text, size_t length, struct lb_addr *out)
{
	char part[ADDR_STRLEN];

	if (length >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, length);
	part[length] = '\0';
	return addr_parse(part, out);
}

int addr_parse_port(const char *text, bool port_optional, struct lb_addr *out, unsigned *port)
{
	bool has_bracket = text[0] == '[';
	const char *begin = has_bracket ? text + 1 : text;
	const char *end = has_bracket ? strchr(begin, ']') : strchr(begin, ':');
	const char *colon;
	struct lb_addr a;
	unsigned p = 0;

	if (has_bracket && !end)
		return -EINVAL;
	if (!has_bracket && end && strchr(end + 1, ':'))
		end = NULL; /* two colons: IPv6, alone */
	if (!end)
		end = begin + strlen(begin);
	colon = has_bracket ? end + 1 : end;
	if (*colon != '\0' && *colon != ':')
		return -EINVAL;
	if (*colon == '\0' && !port_optional)
		return -EINVAL;
	if (*colon == ':' && parse_port_number(colon + 1, &p))
		return -EINVAL;
	if (parse_part(begin, (size_t)(end - begin), &a) || (has_bracket && addr_is_v4(&a)))
		return -EINVAL;
	*out = a;
	*port = p;
	return 0;
}

char *addr_format(const struct lb_addr *a, char *buf)
{
	if (addr_is_v4(a))
		inet_ntop(AF_INET, &a->bytes[12], buf, ADDR_STRLEN);
	else
		inet_ntop(AF_INET6, a->bytes, buf, ADDR_STRLEN);
	return buf;
}

char *addr_format_port(const struct lb_addr *a, unsigned port, char *buf)
{
	char address[ADDR_STRLEN];

	snprintf(buf, ADDR_PORT_STRLEN, addr_is_v4(a) ? "%s:%u" : "[%s]:%u",
		 addr_format(a, address), port);
	return buf;
}

int addr_compare(const struct lb_addr *a, const struct lb_addr *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}
