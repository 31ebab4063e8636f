/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of DNS messages as a probe needs: RFC 1035, section 4.1. Pure. */
#ifndef LEAT_HEALTH_DNS_MESSAGE_H
#define LEAT_HEALTH_DNS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define DNS_QUERY_MAX (12 + 255 + 4)

/** struct dns_query - one question, ready to be sent; the first two bytes are its id */
struct dns_query {
	size_t size;
	uint8_t bytes[DNS_QUERY_MAX];
};

/**
 * dns_query_build - a recursive query of class IN, with id 0
 * @name: "www.example.com", with or without a dot at its end; "." is the root
 * Returns 0 or -EINVAL: an empty label, one over 63 bytes, a name over 255 bytes.
 */
int dns_query_build(const char *name, unsigned type, struct dns_query *out);

/**
 * dns_reply_read - whether @reply answers @query, and how
 * A reply may be truncated. One without a question is taken where it reports an error: servers that
 * could not read ours have none to repeat.
 * Returns 0; -EAGAIN: too short for an id, or of another id, so not for us; -EBADMSG: our id, but
 * no answer to our question.
 */
int dns_reply_read(const uint8_t *reply, size_t size, const struct dns_query *query,
		   unsigned *rcode);

/** dns_reason - "rcode SERVFAIL, expected NOERROR" into @buf; @expect: bit n is rcode n */
void dns_reason(unsigned rcode, uint16_t expect, char *buf, size_t size);

/** dns_rcode_name - "NXDOMAIN" for 3; "11" for one without a name; one static buffer for these */
const char *dns_rcode_name(unsigned rcode);

#endif
