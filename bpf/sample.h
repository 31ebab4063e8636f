/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A sketch of some TCP connections, drawn by hash: did the handshake go on, was the request
 * answered, how long did that take. The agent judges what waits too long (agent/plan/outlier.h).
 *
 * In dsr only the client's packets are seen: what it acknowledges tells that the backend has
 * answered. In nat replies tell it, and the time.
 */
#ifndef LEAT_BPF_SAMPLE_H
#define LEAT_BPF_SAMPLE_H

#include <linux/tcp.h>

#include "flow.h"

#define SAMPLE_OLD 64 /* clock units: what owes for longer gives way, judged or not */

/* what a packet has to say: offset of the TCP header, bytes from there to the packet's end as the
 * IP header has it, backend, service */
#define SAMPLE_PLACE(l4, length, backend, service)                                                 \
	((__u64)(l4) | (__u64)(length) << 16 | (__u64)(backend) << 32 | (__u64)(service) << 48)

/** struct sample_packet - the fields of a TCP header that matter, host order */
struct sample_packet {
	__u32 seq;
	__u32 ack;
	__s32 payload; /* bytes of data */
	__u32 flags;   /* TCP_* */
	__u32 backend;
};

ALWAYS_INLINE _Bool sample_is_taken(const struct lb_schedule *schedule, __u64 hash)
{
	return !((__u32)(hash >> 40) & READ_ONCE(schedule->sample_mask));
}

ALWAYS_INLINE struct lb_sample *sample_of(__u64 hash)
{
	return &lb_samples[hash & (LB_MAX_SAMPLES - 1)];
}

ALWAYS_INLINE _Bool sample_read(struct xdp_md *ctx, __u64 place, struct sample_packet *out)
{
	__u8 *tcp = packet_at(ctx, place & 0x1ff, sizeof(struct tcphdr));

	if (!tcp)
		return 0;
	out->seq = bpf_ntohl(*(__be32 *)(tcp + 4));
	out->ack = bpf_ntohl(*(__be32 *)(tcp + 8));
	out->flags = tcp[13];
	out->payload = (__s32)(place >> 16 & 0xffff) - (tcp[12] >> 4) * 4;
	out->backend = place >> 32 & 0x7fff;
	return 1;
}

ALWAYS_INLINE __u32 sample_word(__u32 backend, __u32 state, __u32 retransmits)
{
	return backend | state << 16 | retransmits << 24;
}

ALWAYS_INLINE __u32 sample_state(__u32 word)
{
	return word >> 16 & 0xff;
}

/* What waits from now on; the state last, lest the agent judge it by an old time. */
ALWAYS_INLINE void sample_wait(struct lb_sample *s, const struct sample_packet *p, __u32 state)
{
	WRITE_ONCE(s->since, flow_clock());
	WRITE_ONCE(s->since_ns, bpf_ktime_get_ns());
	WRITE_ONCE(s->seq, p->seq);
	WRITE_ONCE(s->ack, p->ack);
	WRITE_ONCE(s->end, p->seq + p->payload);
	barrier();
	WRITE_ONCE(s->word, sample_word(p->backend, state, 0));
}

ALWAYS_INLINE _Bool sample_gives_way(const struct lb_sample *s)
{
	__u32 state = sample_state(READ_ONCE(s->word));

	return (state != LB_SAMPLE_SYN && state != LB_SAMPLE_REQUEST) ||
	       lb_age(flow_clock(), READ_ONCE(s->since), 32, cfg_slack) > SAMPLE_OLD;
}

ALWAYS_INLINE void sample_begin(struct lb_sample *s, __u64 hash, const struct sample_packet *p)
{
	if (READ_ONCE(s->hash) != hash && !sample_gives_way(s))
		return;
	WRITE_ONCE(s->word, sample_word(0, LB_SAMPLE_FREE, 0));
	WRITE_ONCE(s->hash, hash);
	sample_wait(s, p, LB_SAMPLE_SYN);
	__sync_fetch_and_add(&flow_load(p->backend)->connects, 1);
}

ALWAYS_INLINE void sample_retransmitted(struct lb_sample *s, __u32 word)
{
	if (word >> 24 < 255)
		__sync_val_compare_and_swap(&s->word, word, word + (1U << 24));
}

/* Nothing is owed any more; 0: another packet, or the agent, was first. */
ALWAYS_INLINE _Bool sample_settle(struct lb_sample *s, __u32 word)
{
	__u32 idle = sample_word(word & 0xffff, LB_SAMPLE_IDLE, 0);

	return __sync_val_compare_and_swap(&s->word, word, idle) == word;
}

/* Data of the client: a request, more of it, or the same once more. */
ALWAYS_INLINE void sample_data(struct lb_sample *s, __u32 word, const struct sample_packet *p)
{
	if (sample_state(word) != LB_SAMPLE_REQUEST) {
		sample_wait(s, p, LB_SAMPLE_REQUEST);
		__sync_fetch_and_add(&flow_load(p->backend)->requests, 1);
	} else if (p->seq == READ_ONCE(s->seq)) {
		sample_retransmitted(s, word);
	} else if ((__s32)(p->seq + p->payload - READ_ONCE(s->end)) > 0) { /* it goes on sending */
		WRITE_ONCE(s->end, p->seq + p->payload);
		WRITE_ONCE(s->since, flow_clock());
	}
}

/* A packet of a connection that is followed, from its client. */
ALWAYS_INLINE void sample_follow(struct lb_sample *s, const struct sample_packet *p)
{
	__u32 word = READ_ONCE(s->word), state = sample_state(word);

	if ((word & 0xffff) != p->backend)
		return;
	if (p->flags & TCP_RST) { /* the client's own wish, or its answer to a stray */
		sample_settle(s, word);
		return;
	}
	if (state == LB_SAMPLE_SYN) {
		if (!sample_settle(s, word))
			return;
		__sync_fetch_and_add(&flow_load(p->backend)->connected, 1);
		word = READ_ONCE(s->word);
	} else if (state != LB_SAMPLE_IDLE && (__s32)(p->ack - READ_ONCE(s->ack)) > 0) {
		if (!sample_settle(s, word))
			return;
		if (state == LB_SAMPLE_REQUEST)
			__sync_fetch_and_add(&flow_load(p->backend)->answered, 1);
		word = READ_ONCE(s->word);
	}
	if (p->payload > 0 && sample_state(word) != LB_SAMPLE_FAILED)
		sample_data(s, word, p);
}

/** sample_request - a packet of a client; @place: SAMPLE_PLACE */
__noinline int sample_request(struct xdp_md *ctx, __u64 hash, __u64 place)
{
	struct lb_sample *s = sample_of(hash);
	struct sample_packet p;

	if (!sample_read(ctx, place, &p))
		return 0;
	if ((p.flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN) {
		__u32 word = READ_ONCE(s->word);

		if (READ_ONCE(s->hash) == hash && READ_ONCE(s->seq) == p.seq &&
		    (word & 0xffff) == p.backend)
			sample_retransmitted(s, word);
		else
			sample_begin(s, hash, &p);
	} else if (READ_ONCE(s->hash) == hash) {
		sample_follow(s, &p);
	}
	return 0;
}

/* Microseconds since what waits was sent, once. */
ALWAYS_INLINE __u64 sample_elapsed_us(struct lb_sample *s)
{
	__u64 since = READ_ONCE(s->since_ns), now = bpf_ktime_get_ns();

	WRITE_ONCE(s->since_ns, 0);
	return since && now > since ? (now - since) / 1000 : 0;
}

ALWAYS_INLINE void sample_answered(struct lb_sample *s, __u32 word, struct lb_load *load)
{
	__u64 us = sample_elapsed_us(s);

	if (!sample_settle(s, word))
		return;
	__sync_fetch_and_add(&load->answered, 1);
	if (us) {
		__sync_fetch_and_add(&load->answer_us, us);
		__sync_fetch_and_add(&load->answer_count, 1);
	}
}

/** sample_reply - a packet of a nat backend; @place: SAMPLE_PLACE */
__noinline int sample_reply(struct xdp_md *ctx, __u64 hash, __u64 place)
{
	struct lb_sample *s = sample_of(hash);
	struct sample_packet p;
	struct lb_load *load;
	__u32 word, state;

	if (READ_ONCE(s->hash) != hash || !sample_read(ctx, place, &p))
		return 0;
	word = READ_ONCE(s->word);
	state = sample_state(word);
	load = flow_load(p.backend);
	if ((word & 0xffff) != p.backend || (state != LB_SAMPLE_SYN && state != LB_SAMPLE_REQUEST))
		return 0;
	if (p.flags & TCP_RST) {
		if (sample_settle(s, word))
			__sync_fetch_and_add(&load->resets, 1);
	} else if (state == LB_SAMPLE_SYN) {
		__u64 us = sample_elapsed_us(s);

		if (us) {
			__sync_fetch_and_add(&load->connect_us, us);
			__sync_fetch_and_add(&load->connect_count, 1);
		}
	} else if (p.payload > 0) {
		sample_answered(s, word, load);
	}
	return 0;
}

#endif
