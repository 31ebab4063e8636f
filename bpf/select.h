/* SPDX-License-Identifier: GPL-2.0-only */
/* Which backend: the slot, and the record where the slot does not suffice. */
#ifndef LEAT_BPF_SELECT_H
#define LEAT_BPF_SELECT_H

#include "flow.h"
#include "hop.h"

ALWAYS_INLINE __u64 select_key(__u64 lo, __be16 port, __u32 service, _Bool is_v6)
{
	if (is_v6)
		return port | (__u64)service << 16;
	return (lo >> 32) | (__u64)port << 32 | (__u64)service << 48;
}

ALWAYS_INLINE __u64 select_hash(__u64 hi, __u64 lo, __be16 port, __u64 seed, _Bool is_v6)
{
	if (is_v6)
		return lb_hash_client6(hi, lo, port, seed);
	return lb_hash_client4((lo >> 32) | (__u64)port << 32, seed);
}

/** select_slot - index into lb_slots of a hash */
ALWAYS_INLINE __u32 select_slot(struct lb_service *service, __u64 hash)
{
	__u64 table = READ_ONCE(service->table);
	__u32 slot = lb_slot_index(hash, (__u32)table);

	if (cfg_dry_run)
		lb_explain.slot = slot;
	return (table >> 32) + slot;
}

/* What the inlined paths leave over: SYN, FIN, RST, new, stale, moving, another hop. */
ALWAYS_INLINE enum lb_reason select_slowly(struct packet *p, struct lb_service *service,
					   struct flow_query *q, struct hop_identity hop,
					   _Bool is_v6)
{
	int outcome;

	q->service = service->id;
	q->kind = p->kind;
	q->slot = select_slot(service, q->hash);
	q->backend = 0;
	q->hop = 0;
	q->flags = service->flags & LB_SVC_TRACKED ? FLOW_IS_TRACKED : 0;
	if (service->forward == LB_FORWARD_NAT) {
		__u64 *eth = packet_at(p, 0, sizeof(*eth));

		q->hop = hop_claim(hop.mac, hop.interface, eth ? *eth : 0) & (LB_MAX_HOPS - 1);
	}
	outcome = is_v6 ? flow_follow6(q) : flow_follow4(q);
	if (outcome <= 0)
		return (enum lb_reason) - outcome;
	p->backend = FLOW_BACKEND(outcome);
	p->is_new = !!(outcome & FLOW_NEW);
	return LB_OK;
}

/* Tracked services, the path of most packets: a fresh record, nothing to write. */
ALWAYS_INLINE enum lb_reason select_tracked(struct packet *p, struct lb_service *service,
					    struct flow_query *q, _Bool is_v6)
{
	struct hop_identity hop = {};
	struct flow_hit hit;

	if (service->forward == LB_FORWARD_NAT)
		hop = hop_of(p);
	if ((p->kind == KIND_OTHER || p->kind == KIND_UDP) && flow_find(q, &hit, is_v6) &&
	    LB_RECORD_CLASS(hit.value) >= LB_CLASS_ESTABLISHED &&
	    LB_RECORD_CLASS(hit.value) != LB_CLASS_CLOSED &&
	    flow_is_fresh(hit.value, flow_clock()) &&
	    (service->forward != LB_FORWARD_NAT || hop_is(LB_RECORD_HOP(hit.value), hop))) {
		if (cfg_dry_run)
			lb_explain.record = hit.value;
		p->backend = LB_RECORD_BACKEND(hit.value);
		return LB_OK;
	}
	return select_slowly(p, service, q, hop, is_v6);
}

/** select_backend - fills p->backend; NO_BACKEND, NO_FLOW, FLOWS_FULL, SETTLING, CONTENDED */
ALWAYS_INLINE enum lb_reason select_backend(struct packet *p, struct lb_service *service,
					    _Bool is_v6)
{
	struct flow_query q;
	__u32 word;

	q.hash = select_hash(p->source_hi, p->source_lo, p->source_port, service->seed, is_v6);
	if (likely(!(service->flags & LB_SVC_TRACKED))) {
		word = flow_slot_word(select_slot(service, q.hash));
		if (cfg_dry_run)
			lb_explain.word = word;
		if (likely(!LB_SLOT_MOVING(word))) {
			p->backend = LB_SLOT_CURRENT(word);
			p->is_new = p->kind == KIND_SYN;
			return likely(p->backend) ? LB_OK : LB_NO_BACKEND;
		}
	}
	q.client_hi = p->source_hi;
	q.client_lo = p->source_lo;
	q.key = select_key(p->source_lo, p->source_port, service->id, is_v6);
	if (service->flags & LB_SVC_TRACKED)
		return select_tracked(p, service, &q, is_v6);
	return select_slowly(p, service, &q, (struct hop_identity) {}, is_v6);
}

/** select_reply - fills p->backend and p->hop from the record; NO_REPLY_FLOW, CONTENDED */
ALWAYS_INLINE enum lb_reason select_reply(struct packet *p, struct lb_reply *reply, _Bool is_v6)
{
	struct flow_query q = {};
	struct flow_hit hit;
	int outcome;

	q.hash = select_hash(p->destination_hi, p->destination_lo, p->destination_port, reply->seed,
			     is_v6);
	q.client_hi = p->destination_hi;
	q.client_lo = p->destination_lo;
	q.key = select_key(p->destination_lo, p->destination_port, reply->service, is_v6);
	p->backend = reply->backend;
	p->is_reply = 1;
	if ((p->kind == KIND_OTHER || p->kind == KIND_UDP) && flow_find(&q, &hit, is_v6) &&
	    LB_RECORD_BACKEND(hit.value) == reply->backend &&
	    LB_RECORD_CLASS(hit.value) != LB_CLASS_CLOSED &&
	    flow_is_fresh(hit.value, flow_clock())) {
		p->hop = LB_RECORD_HOP(hit.value);
		return LB_OK;
	}
	q.service = reply->service;
	q.kind = p->kind;
	q.backend = reply->backend;
	outcome = is_v6 ? flow_reply6(&q) : flow_reply4(&q);
	if (outcome < 0)
		return (enum lb_reason) - outcome;
	p->hop = outcome;
	return LB_OK;
}

#endif
