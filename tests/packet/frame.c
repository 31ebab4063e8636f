/* SPDX-License-Identifier: GPL-2.0-only */
#include "frame.h"

#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#define TYPE_IP4 0x0800
#define TYPE_IP6 0x86dd

/* clang-format off */
#define IP4(a, b, c, d) { .bytes = { [10] = 0xff, [11] = 0xff, a, b, c, d } }
#define IP6(net, host)	{ .bytes = { 0x20, 0x01, 0x0d, 0xb8, 0, net, [15] = (host) } }
/* clang-format on */

const struct host client = { .mac = { 2, 0, 0, 0, 0, 0x01 },
			     .ip4 = IP4(203, 0, 113, 7),
			     .ip6 = IP6(0xc, 7) };
const struct host other_client = { .mac = { 2, 0, 0, 0, 0, 0x02 },
				   .ip4 = IP4(203, 0, 113, 8),
				   .ip6 = IP6(0xc, 8) };
const struct host router = { .mac = { 2, 0, 0, 0, 0x11, 0x12 },
			     .ip4 = IP4(198, 51, 100, 1),
			     .ip6 = IP6(0xf, 1) };
const struct host other_router = { .mac = { 2, 0, 0, 0, 0x21, 0x22 },
				   .ip4 = IP4(198, 51, 100, 2),
				   .ip6 = IP6(0xf, 2) };
const struct host gateway = { .mac = { 2, 0, 0x5e, 0x10, 0, 0xfe },
			      .ip4 = IP4(198, 51, 100, 254),
			      .ip6 = IP6(0xf, 0xfe) };
const struct host vip = { .mac = { 2, 0, 0x5e, 0x10, 0, 0xfe },
			  .ip4 = IP4(198, 51, 100, 10),
			  .ip6 = IP6(0xf, 10) };
const struct host web1 = { .mac = { 2, 0, 0, 0xbe, 1, 0x0b },
			   .ip4 = IP4(192, 0, 2, 11),
			   .ip6 = IP6(0xb, 11) };
const struct host web2 = { .mac = { 2, 0, 0, 0xbe, 2, 0x0c },
			   .ip4 = IP4(192, 0, 2, 12),
			   .ip6 = IP6(0xb, 12) };
const struct host web3 = { .mac = { 2, 0, 0, 0xbe, 3, 0x0d },
			   .ip4 = IP4(192, 0, 2, 13),
			   .ip6 = IP6(0xb, 13) };
const struct host stranger = { .mac = { 2, 0, 0, 0, 0x66, 0x66 },
			       .ip4 = IP4(192, 0, 2, 66),
			       .ip6 = IP6(0xb, 66) };

const struct lb_addr *host_ip(const struct host *host, int family)
{
	return family == 4 ? &host->ip4 : &host->ip6;
}

/* ---- bytes ---------------------------------------------------------------- */

static void push(struct frame *frame, const void *bytes, size_t count)
{
	memcpy(frame->bytes + frame->length, bytes, count);
	frame->length += count;
}

static void push8(struct frame *frame, unsigned byte)
{
	frame->bytes[frame->length++] = (unsigned char)byte;
}

static void push16(struct frame *frame, unsigned word)
{
	push8(frame, word >> 8);
	push8(frame, word & 0xff);
}

static void push32(struct frame *frame, uint32_t word)
{
	push16(frame, word >> 16);
	push16(frame, word & 0xffff);
}

static void put16(struct frame *frame, size_t at, unsigned word)
{
	frame->bytes[at] = (unsigned char)(word >> 8);
	frame->bytes[at + 1] = (unsigned char)word;
}

/* The sum of RFC 1071 as it is told there: big-endian words, an odd last byte padded by 0. */
static uint32_t add_words(const unsigned char *bytes, size_t length, uint32_t sum)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

uint16_t frame_sum(const unsigned char *bytes, size_t length, uint32_t start)
{
	uint32_t sum = add_words(bytes, length, start);

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* ---- transport -------------------------------------------------------------- */

static void push_payload(struct frame *frame, unsigned count, uint16_t seed)
{
	for (unsigned i = 0; i < count; i++) {
		if (i < 2)
			push8(frame, i ? seed & 0xff : seed >> 8);
		else
			push8(frame, i * 7 + 3);
	}
}

static void push_tcp(struct frame *frame, const struct sketch *sketch)
{
	push16(frame, sketch->sport);
	push16(frame, sketch->dport);
	push32(frame, 0x01020304);
	push32(frame, 0x0a0b0c0d);
	push8(frame, (5 + sketch->tcp_options / 4) << 4);
	push8(frame, sketch->flags);
	push16(frame, 0xfaf0);
	push16(frame, 0);
	push16(frame, 0);
	for (unsigned i = 0; i < sketch->tcp_options; i++)
		push8(frame, 1); /* no operation */
	push_payload(frame, sketch->payload, sketch->seed);
}

static void push_udp(struct frame *frame, const struct sketch *sketch)
{
	push16(frame, sketch->sport);
	push16(frame, sketch->dport);
	push16(frame, 8 + sketch->payload);
	push16(frame, 0);
	push_payload(frame, sketch->payload, sketch->seed);
}

static void push_icmp(struct frame *frame, const struct sketch *sketch)
{
	push8(frame, sketch->icmp_type);
	push8(frame, sketch->icmp_code);
	push16(frame, 0);
	push32(frame, sketch->icmp_rest);
	if (sketch->quote) {
		struct frame quoted;
		size_t l3 = frame_l3(sketch->quote), length;

		frame_draw(sketch->quote, &quoted);
		length = quoted.length - l3;
		if (length > sketch->quote_length)
			length = sketch->quote_length;
		push(frame, quoted.bytes + l3, length);
		return;
	}
	push_payload(frame, sketch->payload, sketch->seed);
}

static uint32_t sum_pseudo(const struct sketch *sketch, size_t length)
{
	size_t skip = sketch->family == 4 ? 12 : 0;
	uint32_t sum = 0;

	sum = add_words(sketch->src.bytes + skip, 16 - skip, sum);
	sum = add_words(sketch->dst.bytes + skip, 16 - skip, sum);
	return sum + sketch->proto + (uint32_t)length;
}

/* The checksum over everything from @l4 on. A later fragment has none of its own. */
static void sum_transport(struct frame *frame, const struct sketch *sketch, size_t l4)
{
	size_t length = frame->length - l4;
	size_t at = sketch->proto == IPPROTO_TCP ? 16 : sketch->proto == IPPROTO_UDP ? 6 : 2;
	uint32_t start = sketch->proto == IPPROTO_ICMP ? 0 : sum_pseudo(sketch, length);
	uint16_t check = frame_sum(frame->bytes + l4, length, start);

	if (sketch->proto == IPPROTO_UDP && sketch->has_no_checksum)
		return;
	if (sketch->proto == IPPROTO_UDP && !check)
		check = 0xffff;
	put16(frame, l4 + at, check);
}

static void push_transport(struct frame *frame, const struct sketch *sketch)
{
	size_t l4 = frame->length;

	switch (sketch->proto) {
	case IPPROTO_TCP:
		push_tcp(frame, sketch);
		break;
	case IPPROTO_UDP:
		push_udp(frame, sketch);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		push_icmp(frame, sketch);
		break;
	default:
		push_payload(frame, sketch->payload, sketch->seed);
		return;
	}
	sum_transport(frame, sketch, l4);
}

/* ---- network ---------------------------------------------------------------- */

void frame_fix_ip4(struct frame *frame, size_t l3)
{
	put16(frame, l3 + 10, 0);
	put16(frame, l3 + 10,
	      frame_sum(frame->bytes + l3, (size_t)(frame->bytes[l3] & 0xf) * 4, 0));
}

static void push_ip4(struct frame *frame, const struct sketch *sketch)
{
	size_t l3 = frame->length;

	push8(frame, 0x40 | (5 + sketch->options / 4));
	push8(frame, sketch->tos);
	push16(frame, 0);
	push16(frame, sketch->ip_id);
	push16(frame, sketch->fragment);
	push8(frame, sketch->ttl);
	push8(frame, sketch->proto);
	push16(frame, 0);
	push(frame, sketch->src.bytes + 12, 4);
	push(frame, sketch->dst.bytes + 12, 4);
	for (unsigned i = 0; i < sketch->options; i++)
		push8(frame, 1);
	push_transport(frame, sketch);
	put16(frame, l3 + 2, (unsigned)(frame->length - l3));
	frame_fix_ip4(frame, l3);
}

/* The type of what follows extension header @index. */
static unsigned next_header(const struct sketch *sketch, unsigned index)
{
	if (index < sketch->extension_count)
		return sketch->extensions[index].type;
	return index == sketch->extension_count && sketch->is_fragment6 ? IPPROTO_FRAGMENT
									: sketch->proto;
}

static void push_extensions(struct frame *frame, const struct sketch *sketch)
{
	for (unsigned i = 0; i < sketch->extension_count; i++) {
		unsigned units = sketch->extensions[i].units;

		push8(frame, next_header(sketch, i + 1));
		push8(frame, units);
		push8(frame, 1); /* PadN over the rest; of a routing header: type 1, unused */
		push8(frame, units * 8 + 4);
		for (unsigned j = 0; j < units * 8 + 4; j++)
			push8(frame, 0);
	}
	if (sketch->is_fragment6) {
		push8(frame, sketch->proto);
		push8(frame, 0);
		push16(frame, sketch->fragment6);
		push32(frame, 0x12345678);
	}
}

static void push_ip6(struct frame *frame, const struct sketch *sketch)
{
	size_t l3 = frame->length;

	push32(frame, 6U << 28 | (uint32_t)sketch->tos << 20 | 0x12345);
	push16(frame, 0);
	push8(frame, next_header(sketch, 0));
	push8(frame, sketch->ttl);
	push(frame, sketch->src.bytes, 16);
	push(frame, sketch->dst.bytes, 16);
	push_extensions(frame, sketch);
	push_transport(frame, sketch);
	put16(frame, l3 + 4, (unsigned)(frame->length - l3 - 40));
}

size_t frame_l3(const struct sketch *sketch)
{
	return 14 + 4 * (size_t)sketch->tag_count;
}

size_t frame_l4(const struct sketch *sketch)
{
	size_t at = frame_l3(sketch) + (sketch->family == 4 ? 20 + sketch->options : 40);

	if (sketch->family == 4)
		return at;
	for (unsigned i = 0; i < sketch->extension_count; i++)
		at += 8 * (1 + (size_t)sketch->extensions[i].units);
	return at + (sketch->is_fragment6 ? 8 : 0);
}

void frame_draw(const struct sketch *sketch, struct frame *out)
{
	memset(out, 0, sizeof(*out));
	push(out, sketch->eth_dst, 6);
	push(out, sketch->eth_src, 6);
	for (unsigned i = 0; i < sketch->tag_count; i++) {
		push16(out, sketch->tags[i].type);
		push16(out, sketch->tags[i].tci);
	}
	push16(out, sketch->family == 4 ? TYPE_IP4 : TYPE_IP6);
	if (sketch->family == 4)
		push_ip4(out, sketch);
	else
		push_ip6(out, sketch);
	for (unsigned i = 0; i < sketch->padding; i++)
		push8(out, 0);
}

void frame_print(const char *what, const struct frame *frame)
{
	fprintf(stderr, "%s (%zu bytes):", what, frame->length);
	for (size_t i = 0; i < frame->length; i++)
		fprintf(stderr, "%s%02x", i % 16 ? " " : "\n  ", frame->bytes[i]);
	fprintf(stderr, "\n");
}
