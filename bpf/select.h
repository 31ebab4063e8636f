/* SPDX-License-Identifier: GPL-2.0-only */
/* Which backend: the slot, and the record where the slot does not suffice. */
#ifndef LEAT_BPF_SELECT_H
#define LEAT_BPF_SELECT_H

#include "follow.h"
#include "hop.h"
#include "quic.h"
#include "sample.h"

/** select_key - of struct lb_flow4 or lb_flow6 */
ALWAYS_INLINE __u64 select_key(__u64 lo, __be16 port, __u32 service, _Bool is_v6)
{
	if (is_v6)
		return port | (__u64)service << 16;
	return (lo >> 32) | (__u64)port << 32 | (__u64)service << 48;
}

ALWAYS_INLINE __u64 select_hash(struct half_addr client, __be16 port, __u64 seed, _Bool is_v6)
{
	if (is_v6)
		return lb_hash_client6(client.hi, client.lo, port, seed);
	return lb_hash_client4((client.lo >> 32) | (__u64)port << 32, seed);
}

/** select_slot_hash - what finds the slot: the hash of the flow, or of its masked client alone */
ALWAYS_INLINE __u64 select_slot_hash(const struct lb_service *service, struct half_addr client,
				     __u64 hash, _Bool is_v6)
{
	if (!(service->flags & LB_SVC_MASKED) || !cfg_has_masks)
		return hash;
	client.hi &= service->mask_hi;
	if (is_v6)
		client.lo &= service->mask_lo;
	return select_hash(client, 0, service->seed, is_v6);
}

/** select_slot - index into lb_slots of a hash */
ALWAYS_INLINE __u32 select_slot(const struct lb_service *service, __u64 hash)
{
	__u64 table = READ_ONCE(service->table);

	return (table >> 32) + lb_slot_index(hash, (__u32)table);
}

/* leat explain: what a packet met on its way to here. */
ALWAYS_INLINE void select_explain(const struct lb_service *service, __u64 hash)
{
	__u64 table = READ_ONCE(service->table);

	lb_explain.service = service->id;
	lb_explain.slot = lb_slot_index(hash, (__u32)table);
	lb_explain.word = flow_slot_word((table >> 32) + lb_explain.slot);
}

/** select_settled - the backend of a settled slot; 0: none; -1: the slot moves */
ALWAYS_INLINE int select_settled(const struct packet *p, const struct lb_service *service,
				 _Bool is_v6)
{
	__be16 port = *(__be16 *)p->l4;
	__u64 hash = select_hash(packet_source(p->ip, is_v6), port, service->seed, is_v6);
	__u32 word = flow_slot_word(select_slot(service, hash));

	if (cfg_dry_run)
		select_explain(service, hash);
	return unlikely(LB_SLOT_MOVING(word)) ? -1 : (int)LB_SLOT_CURRENT(word);
}

/** select_is_plain - TCP without SYN, FIN, RST, or UDP: changes no record's class but half-open's
 */
ALWAYS_INLINE _Bool select_is_plain(const struct packet *p)
{
	return !(p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST));
}

/** select_fresh - the value of a record that is sure and needs no writing; 0: there is none */
ALWAYS_INLINE __u64 select_fresh(const struct flow_query *q, _Bool is_v6)
{
	const __u32 sure = 1 << LB_CLASS_ESTABLISHED | 1 << LB_CLASS_UDP;
	__u64 value = flow_find(q, is_v6);

	if (unlikely(!(sure >> LB_RECORD_CLASS(value) & 1) || !flow_is_fresh(value, flow_clock())))
		return 0;
	return value;
}

/* Whether this packet begins a connection, as far as its flags tell. */
ALWAYS_INLINE _Bool select_is_syn(const struct packet *p)
{
	return (p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

/* What the inlined paths leave over: SYN, FIN, RST, new, stale, moving, another hop. */
ALWAYS_INLINE enum lb_reason select_slowly(struct packet *p, const struct lb_service *service,
					   struct flow_query *q, struct hop_identity hop,
					   __u32 slot, _Bool is_v6)
{
	_Bool is_picked = service->flags & LB_SVC_PICKED && cfg_has_picks;
	int outcome;

	q->service = service->id;
	q->kind = packet_kind(p->proto, p->tcp_flags);
	q->slot = is_picked ? READ_ONCE(service->table) >> 32 : slot;
	q->backend = 0;
	q->hop = 0;
	q->flags = (service->flags & LB_SVC_TRACKED ? FLOW_IS_TRACKED : 0) |
		   (is_picked ? FLOW_IS_PICKED : 0);
	if (service->forward == LB_FORWARD_NAT)
		q->hop = hop_claim(hop.mac, hop.interface, *(__u64 *)p->eth) & (LB_MAX_HOPS - 1);
	outcome = flow_follow(q, is_v6);
	if (outcome <= 0)
		return (enum lb_reason) - outcome;
	p->backend = FLOW_BACKEND(outcome);
	p->is_new = !!(outcome & FLOW_NEW);
	return LB_OK;
}

ALWAYS_INLINE int select_quic(const struct packet *p, __u32 service)
{
	return quic_backend(p->ctx, (p->l4 - (void *)(long)p->ctx->data) + sizeof(struct udphdr),
			    service);
}

/** select_recorded - by the record: tracked services, moving slots, and what the shortest path
 * leaves out; reasons as in flow.h; *@hash: the flow's */
ALWAYS_INLINE enum lb_reason select_recorded(struct packet *p, const struct lb_service *service,
					     __u64 *hash, _Bool is_v6, _Bool is_cold)
{
	struct half_addr client = packet_source(p->ip, is_v6);
	__be16 port = *(__be16 *)p->l4;
	_Bool is_nat = service->forward == LB_FORWARD_NAT;
	struct hop_identity hop = {};
	struct flow_query q;
	__u64 value, slot_hash;
	__u32 slot, word;

	q.hash = select_hash(client, port, service->seed, is_v6);
	q.client_hi = client.hi;
	q.client_lo = client.lo;
	q.key = select_key(client.lo, port, service->id, is_v6);
	*hash = q.hash;
	slot_hash = select_slot_hash(service, client, q.hash, is_v6);
	slot = select_slot(service, slot_hash);
	if (cfg_dry_run)
		select_explain(service, slot_hash);
	if (cfg_has_quic && service->flags & LB_SVC_QUIC) {
		p->backend = select_quic(p, service->id);
		if (p->backend)
			return LB_OK;
	}
	if ((cfg_has_masks || cfg_has_samples || cfg_has_quic) &&
	    !(service->flags & LB_SVC_TRACKED)) {
		word = flow_slot_word(slot);
		if (likely(!LB_SLOT_MOVING(word))) {
			p->backend = LB_SLOT_CURRENT(word);
			p->is_new = select_is_syn(p);
			return likely(p->backend) ? LB_OK : LB_NO_BACKEND;
		}
	}
	if (is_nat)
		hop = hop_of(p);
	if (!is_cold && likely(select_is_plain(p)) && service->flags & LB_SVC_TRACKED) {
		value = select_fresh(&q, is_v6);
		if (likely(value) && (!is_nat || likely(hop_is(LB_RECORD_HOP(value), hop)))) {
			if (cfg_dry_run)
				lb_explain.record = value;
			p->backend = LB_RECORD_BACKEND(value);
			return LB_OK;
		}
	}
	return select_slowly(p, service, &q, hop, slot, is_v6);
}

/* SAMPLE_PLACE of this packet; @ip's lengths are checked. */
ALWAYS_INLINE __u64 select_place(const struct packet *p, __u32 service, _Bool is_v6)
{
	__u32 l4 = p->l4 - (void *)(long)p->ctx->data;
	__u32 total =
		is_v6 ? bpf_ntohs(((struct ipv6hdr *)p->ip)->payload_len) + sizeof(struct ipv6hdr)
		      : bpf_ntohs(((struct iphdr *)p->ip)->tot_len);
	__u32 length = total - (__u32)(p->l4 - p->ip);

	return SAMPLE_PLACE(l4 & 0x1ff, length & 0xffff, p->backend, service);
}

/** select_sample - follow this packet's connection, where it is one of those drawn */
ALWAYS_INLINE void select_sample(const struct packet *p, __u32 service, __u64 hash, _Bool is_v6)
{
	const struct lb_schedule *schedule = &lb_schedules[service & (LB_SERVICE_IDS - 1)];

	if (!schedule->is_sampled || p->proto != IPPROTO_TCP || cfg_dry_run ||
	    likely(!sample_is_taken(schedule, hash)))
		return;
	if (p->is_reply)
		sample_reply(p->ctx, hash, select_place(p, service, is_v6));
	else
		sample_request(p->ctx, hash, select_place(p, service, is_v6));
}

/** select_reply - fills p->backend and p->hop from the record; NO_REPLY_FLOW, CONTENDED; *@hash:
 * the flow's */
ALWAYS_INLINE enum lb_reason select_reply(struct packet *p, const struct lb_reply *reply,
					  __u64 *hash, _Bool is_v6, _Bool is_cold)
{
	struct half_addr client = packet_destination(p->ip, is_v6);
	__be16 port = ((__be16 *)p->l4)[1];
	struct flow_query q;
	__u64 value;
	int outcome;

	q.hash = select_hash(client, port, reply->seed, is_v6);
	q.client_hi = client.hi;
	q.client_lo = client.lo;
	q.key = select_key(client.lo, port, reply->service, is_v6);
	*hash = q.hash;
	p->backend = reply->backend;
	p->is_reply = 1;
	if (!is_cold && likely(select_is_plain(p))) {
		value = select_fresh(&q, is_v6);
		if (likely(value) && likely(LB_RECORD_BACKEND(value) == reply->backend)) {
			p->hop = LB_RECORD_HOP(value);
			return LB_OK;
		}
	}
	q.service = reply->service;
	q.kind = packet_kind(p->proto, p->tcp_flags);
	q.backend = reply->backend;
	q.slot = 0;
	q.hop = 0;
	q.flags = 0;
	outcome = flow_reply(&q, is_v6);
	if (outcome < 0)
		return (enum lb_reason) - outcome;
	p->hop = outcome;
	return LB_OK;
}

#endif
