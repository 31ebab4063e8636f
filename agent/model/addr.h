/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEAT_MODEL_ADDR_H
#define LEAT_MODEL_ADDR_H

#include <stdbool.h>
#include <stddef.h>

#include "leat_abi.h"

#define ADDR_STRLEN	 46 /* an address, no brackets */
#define ADDR_PORT_STRLEN 56 /* [address]:65535 */

/** addr_is_v4 - whether @a is an IPv4 address (mapped) */
bool addr_is_v4(const struct lb_addr *a);

/** addr_family - 4 or 6, as the family byte of key words */
unsigned addr_family(const struct lb_addr *a);

/** addr_parse - text of an IPv4 or IPv6 address, no brackets, to @out; 0 or -EINVAL */
int addr_parse(const char *text, struct lb_addr *out);

/**
 * addr_parse_port - "192.0.2.1:80", "[2001:db8::1]:80" or, where @port_optional, the address alone
 * @port: host order; 0 where absent
 * Returns 0 or -EINVAL.
 */
int addr_parse_port(const char *text, bool port_optional, struct lb_addr *out, unsigned *port);

/** addr_format - @a into @buf of ADDR_STRLEN bytes; returns @buf */
char *addr_format(const struct lb_addr *a, char *buf);

/** addr_format_port - @a and @port (host order) into @buf of ADDR_PORT_STRLEN bytes; returns @buf
 */
char *addr_format_port(const struct lb_addr *a, unsigned port, char *buf);

/** addr_compare - a total order, as memcmp */
int addr_compare(const struct lb_addr *a, const struct lb_addr *b);

#endif
