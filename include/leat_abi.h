/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * leat_abi.h - what the data path and the agent share: map keys and values,
 * enums, reasons, limits and the hash that places keys. Nothing else is shared.
 *
 * Byte order: fields of type __be16/__be32 and struct lb_addr are in network
 * order, as they stand in a packet; everything else is in host order. x86-64
 * only (slot protocol, rule 20, needs its load order).
 *
 * Any change to a layout, to a constant that sizes a table, or to a hash is a
 * change of LB_LAYOUT_VERSION: an agent of another version refuses to adopt.
 */
#ifndef LEAT_ABI_H
#define LEAT_ABI_H

#include <linux/types.h>

#define LB_LAYOUT_VERSION 2

/* ---- limits ------------------------------------------------------------ */

#define LB_MAX_BACKENDS	 32768 /* ids 1..32767; 0 is "none" */
#define LB_SERVICE_SETS	 4096  /* two rows a set; at most half of the rows used */
#define LB_SERVICE_WAYS	 2
#define LB_MAX_SERVICES	 (LB_SERVICE_SETS * LB_SERVICE_WAYS / 2) /* rows, VIP rows included */
#define LB_SERVICE_IDS	 16384					 /* ids 1..16383 */
#define LB_REPLY_SETS	 32768
#define LB_REPLY_WAYS	 2
#define LB_MAX_HOPS	 4096 /* index 0 is "no hop known" */
#define LB_HOP_PROBES	 8
#define LB_MAX_PORTS	 64 /* interfaces */
#define LB_FLOW_WAYS	 8
#define LB_SLOTS_PER_ROW 16
#define LB_MAX_LOCKS	 1024
#define LB_TABLE_MIN	 4093
#define LB_MAX_SAMPLES	 8192 /* connections followed at a time, of all services that sample */
#define LB_LEAST_EXACT	 32   /* least_*: with so many backends at most, all are compared */
#define LB_LEAST_DRAWS	 8    /* least_*: else the best of at most so many drawn slots */

/* ---- addresses --------------------------------------------------------- */

/** struct lb_addr - an IPv6 address, or an IPv4 one mapped into ::ffff:0:0/96; network order. */
struct lb_addr {
	union {
		__u8 bytes[16];
		__be32 words[4];
		__u64 halves[2];
	};
};

/* ---- reasons ----------------------------------------------------------- */

enum lb_verdict { LB_VERDICT_FORWARD, LB_VERDICT_PASS, LB_VERDICT_DROP, LB_VERDICT_ANSWER };

/*
 * X(enum name, name in metrics and bpftool (a token: #str), verdict, text for people)
 * Appending is a layout change as well: the counters are a pinned map.
 */
#define LB_REASONS(X)                                                                              \
	X(OK, forwarded, FORWARD, "sent to a backend, or a reply sent to its client")              \
	X(NOT_IP, not_ip, PASS, "not IPv4 or IPv6 (ARP, LLDP, ...), or not unicast")               \
	X(NOT_SERVICE, not_service, PASS, "not addressed to a service")                            \
	X(UNPARSED, unparsed, PASS, "ends before a service could be named")                        \
	X(NO_REPLY_FLOW, no_reply_flow, PASS, "from a nat backend, but no connection of ours")     \
	X(REPLY_ROUTED, reply_routed, PASS, "reply translated, next hop left to the kernel")       \
	X(PING, ping, ANSWER, "echo request to a VIP, answered here")                              \
	X(NO_BACKEND, no_backend, DROP, "the service has no usable backend")                       \
	X(NO_NEIGHBOR, no_neighbor, DROP, "the backend's next hop has no known MAC address")       \
	X(NO_FLOW, no_flow, DROP, "tracked service: not a first packet and no connection known")   \
	X(FLOWS_FULL, flows_full, DROP, "tracked service: no room for a new connection")           \
	X(SETTLING, settling, DROP, "UDP record found in the instant its slot was being settled")  \
	X(CONTENDED, contended, DROP, "the flow's record kept changing under this packet")         \
	X(TRUNCATED, truncated, DROP, "a service's packet that ends inside its headers")           \
	X(BAD_HEADER, bad_header, DROP, "a service's packet with impossible header fields")        \
	X(FRAGMENT, fragment, DROP, "a fragment addressed to a VIP, or of a reply")                \
	X(TTL_EXPIRED, ttl_expired, DROP, "TTL or hop limit used up")                              \
	X(NO_EGRESS, no_egress, DROP, "the interface to the next hop is not one of ours")

#define LB_REASON_ENUM(name, str, verdict, text) LB_##name,
enum lb_reason { LB_REASONS(LB_REASON_ENUM) LB_REASON_COUNT };

/** struct lb_reason_counts - the one value of lb_reasons; forwarded packets are counted by backend
 * alone */
#define LB_REASON_FIELD(name, str, verdict, text) __u64 str;
struct lb_reason_counts {
	union {
		struct {
			LB_REASONS(LB_REASON_FIELD)
		};
		__u64 by_reason[LB_REASON_COUNT];
	};
};

/* ---- services ---------------------------------------------------------- */

enum lb_forward { LB_FORWARD_NONE, LB_FORWARD_DSR, LB_FORWARD_NAT };

#define LB_SVC_TRACKED 0x01 /* every connection has a record; slots never move */
#define LB_SVC_VIP     0x02 /* not a service: says that the address is a VIP (port, proto 0) */
#define LB_SVC_MASKED  0x04 /* the slot's hash is of the masked client address, without the port */
#define LB_SVC_PICKED  0x08 /* tracked: a new connection's backend comes by lb_schedules */
#define LB_SVC_SAMPLED 0x10 /* some connections are followed in lb_samples */
#define LB_SVC_QUIC    0x20 /* udp: by the server id in QUIC's connection id, where it names one */

/* a service without any of these goes the shortest path through the program */

/**
 * struct lb_service - one row of lb_services, found by (vip, port, proto, family)
 *
 * The word {port, proto, family} is stored last when a row is made and cleared
 * first when it goes: a reader never sees half a row.
 */
struct lb_service {
	struct lb_addr vip;
	union {
		struct {
			__be16 port;
			__u8 proto;
			__u8 family; /* 4 or 6; 0: the row is empty */
		};
		__u32 key_word;
	};
	__u16 id;
	__u8 forward; /* enum lb_forward */
	__u8 flags;   /* LB_SVC_* */
	union {
		struct {
			__u32 table_size; /* slots */
			__u32 table_base; /* first slot */
		};
		__u64 table; /* both, changed in one store */
	};
	__u64 seed; /* lb_service_seed(): makes a client's hash differ from service to service */
	__u64 mask_hi, mask_lo; /* MASKED: of the client's IPv6 address, network order */
	__u64 pad;
} __attribute__((aligned(64)));

/** struct lb_timers - times of one service, in clock units; row index: service id */
struct lb_timers {
	__u32 record;	 /* Tr: a record older than this is none */
	__u32 handshake; /* H */
};

enum lb_pick {
	LB_PICK_TURN,  /* slot next % cycle: a weighted round, unrolled */
	LB_PICK_LEAST, /* the least loaded of the first @cycle slots; all differ, LB_LEAST_EXACT at
			  most */
	LB_PICK_DRAW,  /* the least loaded of @draws slots drawn from all @cycle */
};

/** struct lb_schedule - how a service with PICKED or SAMPLED goes about it; row index: service id
 */
struct lb_schedule {
	__u64 next;	/* turns taken, ever; written by the data path */
	__u32 cycle;	/* slots in use, from the table's first; 0: no backend */
	__u32 affinity; /* a client keeps its backend for so long, in clock units; 0: not at all */
	__u32 sample_mask; /* bits of a connection's hash that must be 0 for it to be followed */
	__u8 pick;	   /* enum lb_pick */
	__u8 draws;
	__u8 is_sampled;
	__u8 quic_length;	/* of a server id, 1..8 bytes */
	__u64 mask_hi, mask_lo; /* affinity: of an IPv6 client's address, network order */
	__u8 quic_config;	/* the three bits that begin our connection ids, 0..6 */
	__u8 pad[7];
	__u64 pad2[2];
};

/**
 * struct lb_quic_key - lb_quic_servers, a hash: server id -> backend id (32 bits)
 * Source: draft-ietf-quic-load-balancers, plaintext server ids.
 */
struct lb_quic_key {
	__u64 server_id; /* host order */
	__u32 service;
	__u32 pad;
};

/* ---- backends ---------------------------------------------------------- */

#define LB_BE_DRAINING 0x01 /* takes no newcomers; remembered here for the next agent */
#define LB_BE_LEAVING  0x02 /* no longer in the configuration: removed when drained */
#define LB_BE_CLOSED   0x04 /* takes no newcomers for now, whatever a client's affinity says */

/**
 * struct lb_backend - row index: backend id. A backend belongs to one service.
 *
 * mac[0..5] is the next hop's address and lies in one aligned word, so that a
 * changed neighbour is one store. ifindex 0: next hop unknown.
 */
struct lb_backend {
	union {
		struct {
			__u64 mac_first;
			__u32 mac_last;
			__u32 ifindex; /* where the next hop is */
		};
		__u8 mac[12]; /* destination, source: the first bytes of the Ethernet header */
	};
	struct lb_addr address; /* nat: the new destination */
	struct lb_addr vip;	/* nat: a reply's new source */
	__be16 port;
	__be16 vip_port;
	__u16 csum_l3;	  /* nat: what a request adds to the IPv4 header checksum */
	__u16 csum_l4;	  /* nat: what a request adds to the TCP or UDP checksum */
	__u16 generation; /* odd: dead */
	__u16 service;	  /* 0: the row is free */
	__u8 flags;	  /* LB_BE_* */
	__u8 proto;
	__u16 drain_deadline; /* LEAVING or DRAINING: clock units >> 4; 0: none */
} __attribute__((aligned(64)));

/** struct lb_reply - one row of lb_replies: who answers from (address, port, proto) */
struct lb_reply {
	struct lb_addr address;
	union {
		struct {
			__be16 port;
			__u8 proto;
			__u8 family; /* 4 or 6; 0: the row is empty */
		};
		__u32 key_word;
	};
	__u16 backend;
	__u16 service;
	__u64 seed; /* of the service */
};

/** struct lb_be_stats - counters of one backend on one CPU */
struct lb_be_stats {
	__u64 packets;
	__u64 bytes;	   /* of frames, Ethernet header included, as they arrived */
	__u64 connections; /* settled: SYNs forwarded; tracked or moving: records made */
	__u64 replies;	   /* nat: packets from the backend */
	__u64 reply_bytes;
};

/**
 * struct lb_load - what schedulers compare, and what samples show; row index: backend id
 *
 * @live: valid records half-open, established or of UDP, kept by their transitions (docs/slots.md,
 * "Counting"); of the generation that is current: zeroed when a backend comes alive. Sums only
 * grow, modulo their width.
 */
struct lb_load {
	__u32 live;
	__u32 cost;	 /* the agent's: least (live + 1) x cost wins; 0 counts as 1 */
	__u32 connects;	 /* sampled: SYNs of new connections sent */
	__u32 connected; /* of these: the client went on */
	__u32 requests;	 /* sampled: data sent after all earlier data was answered, or the first */
	__u32 answered;	 /* of these: the client acknowledged data that came after it */
	__u32 resets;	 /* nat: RSTs in answer to a sampled SYN or request */
	__u32 connect_count; /* nat: SYN-ACKs timed */
	__u64 connect_us;    /* nat: sum, SYN to SYN-ACK */
	__u64 answer_us;     /* nat: sum, request to its first byte of reply */
	__u32 answer_count;
	__u32 pad[3];
} __attribute__((aligned(64)));

enum lb_sample_state {
	LB_SAMPLE_FREE,
	LB_SAMPLE_SYN,	   /* waits for the client's next packet after the SYN */
	LB_SAMPLE_IDLE,	   /* nothing is owed */
	LB_SAMPLE_REQUEST, /* data was sent, nothing acknowledged since */
	LB_SAMPLE_FAILED,  /* judged by the agent; freed by the next packet or by age */
};

/**
 * struct lb_sample - one connection that is followed: a sketch, not a record
 *
 * Direct-mapped by the flow's hash. An entry in use gives way when it owes nothing or is old.
 * Fields may be torn between two connections; readers check ranges and take the rest as noise.
 */
struct lb_sample {
	__u64 hash; /* of the flow; 0: never used */
	union {
		struct {
			__u16 backend;
			__u8 state;	  /* enum lb_sample_state */
			__u8 retransmits; /* of the SYN, or of the request's first segment */
		};
		__u32 word; /* changed by CAS: by the data path and, to FAILED, by the agent */
	};
	__u32 since; /* clock: of the state, or of the last segment with new data */
	__u32 seq;   /* of the SYN, or the request's first segment; host order */
	__u32 ack;   /* what the client had acknowledged with it; host order */
	__u32 end;   /* of the data sent so far */
	__u32 pad;
	__u64 since_ns; /* CLOCK_MONOTONIC, of the SYN or request; 0: timed already */
	__u64 pad2[3];
} __attribute__((aligned(64)));

/** struct lb_affinity_key, lb_affinity - lb_affinities, an LRU hash: where a client was last */
struct lb_affinity_key {
	struct lb_addr client; /* masked as the service says */
	__u32 service;
	__u32 pad;
};

struct lb_affinity {
	__u16 backend;
	__u16 generation;
	__u32 last_use; /* clock */
};

/* ---- what one agent leaves to the next ---------------------------------- */

#define LB_MEMO_DECIDED 0x01
#define LB_MEMO_UP	0x02 /* the probes' word */

/** struct lb_memo - the agent's own, row index: backend id; times are CLOCK_REALTIME */
struct lb_memo {
	__u64 since_ms;		/* of UP */
	__u64 ramp_from_ms;	/* slow start: when it began; 0: over, or none */
	__u64 ejected_until_ms; /* passive; 0: not */
	__u64 held_until_ms;	/* flap damping; 0: not */
	__u32 streak;		/* probes in a row that contradict UP */
	__u32 failures;		/* in a row, for back-off */
	__u32 latency_us;	/* moving average; 0: unknown */
	__u32 factor;		/* adaptive: permille of the weight; 0: never set */
	__s32 integral;		/* adaptive: of the error, millionths */
	__u16 agent_percent;	/* agent check: what it said last; 0xffff: nothing */
	__u16 ejections;	/* in a row */
	__u8 flags;		/* LB_MEMO_* */
	__u8 agent_state;	/* enum model_agent_state */
	__u8 flaps;		/* changes of late */
	__u8 state;		/* enum lifecycle_state */
	__u32 state_since_s;	/* 0: not known */
};

/* ---- slots ------------------------------------------------------------- */

/** union lb_slot - one slot; the protocol is in docs/slots.md */
union lb_slot {
	struct {
		__u32 moving : 1;
		__u32 origin : 15;  /* who owns the connections nobody recorded */
		__u32 current : 16; /* who gets new connections */
	};
	__u32 word;
};

#define LB_SLOT(current, origin, moving)                                                           \
	(((__u32)(current) << 16) | ((__u32)(origin) << 1) | (moving))
#define LB_SLOT_CURRENT(word) ((word) >> 16)
#define LB_SLOT_ORIGIN(word)  (((word) >> 1) & 0x7fff)
#define LB_SLOT_MOVING(word)  ((word)&1)

struct lb_slot_row {
	union lb_slot slots[LB_SLOTS_PER_ROW];
};

#define LB_STAMP_CLOSED 0 /* else: clock | 1 */

struct lb_stamp_row {
	__u32 stamps[LB_SLOTS_PER_ROW];
};

/* ---- flows ------------------------------------------------------------- */

enum lb_class {
	LB_CLASS_FREE,
	LB_CLASS_UNVERIFIED, /* recorded from a packet in mid-stream: advisory */
	LB_CLASS_HALF_OPEN,
	LB_CLASS_ESTABLISHED,
	LB_CLASS_CLOSED, /* a FIN or RST was seen; still followed */
	LB_CLASS_UDP,
	LB_CLASS_BUSY = 7,
};

/** union lb_record - the value word of a flow; 0: free */
union lb_record {
	struct {
		__u64 last_use : 24; /* clock */
		__u64 hop : 12;	     /* index of lb_hops */
		__u64 class : 3;
		__u64 generation : 10;
		__u64 backend : 15;
	};
	__u64 value;
};

#define LB_RECORD(backend, generation, class, hop, clock)                                          \
	(((__u64)(backend) << 49) | (((__u64)(generation)&0x3ff) << 39) | ((__u64)(class) << 36) | \
	 ((__u64)(hop) << 24) | ((__u64)(clock)&0xffffff))
#define LB_RECORD_BUSY		((__u64)LB_CLASS_BUSY << 36)
#define LB_RECORD_BACKEND(v)	((__u32)((v) >> 49))
#define LB_RECORD_GENERATION(v) ((__u32)((v) >> 39) & 0x3ff)
#define LB_RECORD_CLASS(v)	((__u32)((v) >> 36) & 7)
#define LB_RECORD_HOP(v)	((__u32)((v) >> 24) & 0xfff)
#define LB_RECORD_CLOCK(v)	((__u32)(v)&0xffffff)

/** struct lb_flow4 - an IPv4 connection of one service */
struct lb_flow4 {
	union {
		struct {
			__be32 client;
			__be16 port; /* the client's */
			__u16 service;
		};
		__u64 key;
	};
	union lb_record record;
};

/** struct lb_flow6 - an IPv6 connection of one service */
struct lb_flow6 {
	struct lb_addr client;
	union {
		struct {
			__be16 port; /* the client's */
			__u16 service;
			__u32 pad;
		};
		__u64 key;
	};
	union lb_record record;
};

struct lb_flow4_set {
	struct lb_flow4 flows[LB_FLOW_WAYS];
} __attribute__((aligned(128)));

struct lb_flow6_set {
	struct lb_flow6 flows[LB_FLOW_WAYS];
} __attribute__((aligned(128)));

/* ---- hops: where a nat service's requests come from -------------------- */

enum lb_hop_state { LB_HOP_FREE, LB_HOP_READY = 1, LB_HOP_RETIRED, LB_HOP_BUSY };

/**
 * struct lb_hop - the way back to a client
 *
 * The data path claims free rows; the agent alone frees them: READY -> RETIRED
 * (found by nobody new) -> FREE when no record has named it since.
 */
struct lb_hop {
	union {
		struct {
			__u8 mac[6]; /* the sender of the request */
			__u16 vlan;  /* outer tag's id, 0: untagged; network order */
		};
		__u64 id_mac;
	};
	union {
		struct {
			__u32 ifindex;
			__u16 inner_vlan;
			__u16 state; /* enum lb_hop_state */
		};
		__u64 id_if;
	};
	__u8 our_mac[6]; /* the request's destination */
	__u16 pad;
	__u64 pad2;
};

/* ---- the node ---------------------------------------------------------- */

/** struct lb_node - what an agent must know before it adopts; one row, written at first start */
struct lb_node {
	__u32 layout;	   /* LB_LAYOUT_VERSION */
	__u32 clock_shift; /* a clock unit is 2^shift jiffies */
	__u64 hash_key[2];
	__u32 max_slots;
	__u32 flow4_sets; /* powers of two */
	__u32 flow6_sets;
	__u32 max_affinities;
	__u32 next_service_id; /* ids are handed out in turn, so that none comes back soon */
	__u32 hz;
	__u32 tables_digest; /* of where the compiler put each table in lb_tables */
	__u32 pad;
};

/** struct lb_explain - what a dry run met (leat explain) */
struct lb_explain {
	__u32 reason; /* enum lb_reason */
	__u32 service;
	__u32 slot; /* index within the service's table */
	__u32 word; /* union lb_slot */
	__u32 stamp;
	__u32 backend;
	__u64 record; /* union lb_record; 0: none valid */
	__u32 would_insert;
	__u32 is_reply;
};

/** struct lb_clock_reading - what the clock program returns: one instant, three clocks */
struct lb_clock_reading {
	__u64 jiffies;
	__u64 ktime_ns;
};

/* ---- hashes: part of the layout ---------------------------------------- */

/** lb_mix - 64 bits in, 64 out: two xorshifts and two multiplications; a permutation */
static inline __u64 lb_mix(__u64 x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	return x * 0xd6e8feb86659fd93ULL;
}

/**
 * lb_hash_addr - key of an address and a key word (port, proto, family), for lb_services and
 * lb_replies: operators choose these keys and a miss costs nothing, so three multiplications do
 */
static inline __u64 lb_hash_addr(__u64 hi, __u64 lo, __u32 key_word, __u64 hash_key)
{
	__u64 turned = (lo >> 32) | (lo << 32); /* an IPv4 address to where it touches all bits */
	__u64 x = (turned ^ hash_key) * 0xd6e8feb86659fd93ULL + key_word * 0xa0761d6478bd642fULL +
		  hi * 0xe7037ed1a0b428dbULL;

	return x ^ (x >> 32);
}

/** lb_hash_client4 - a client of one service; @key: client address and port, as in struct lb_flow4,
 * service 0 */
static inline __u64 lb_hash_client4(__u64 key, __u64 seed)
{
	return lb_mix(key ^ seed);
}

/** lb_hash_client6 - the same for IPv6; @port: network order */
static inline __u64 lb_hash_client6(__u64 hi, __u64 lo, __be16 port, __u64 seed)
{
	return lb_mix(lo ^ seed ^ lb_mix(hi + seed + port));
}

/** lb_slot_index - a hash to one of @size slots, by multiply-shift */
static inline __u32 lb_slot_index(__u64 hash, __u32 size)
{
	return ((hash >> 32) * size) >> 32;
}

/** lb_set_first, lb_set_second - the two sets of a hash; @mask: number of sets - 1, at most 2^24 -
 * 1 */
static inline __u32 lb_set_first(__u64 hash, __u32 mask)
{
	return (__u32)hash & mask;
}

static inline __u32 lb_set_second(__u64 hash, __u32 mask)
{
	return (__u32)(hash >> 24) & mask;
}

/* ---- ages: signed differences in the field's width --------------------- */

/**
 * lb_age - clock units since @then, both cut to @bits
 * @slack: 2d; a time in the future by at most this much counts as 0
 * Returns the age, or 0xffffffff for a time further in the future (expired).
 */
static inline __u32 lb_age(__u32 now, __u32 then, __u32 bits, __u32 slack)
{
	__s32 age = (__s32)((now - then) << (32 - bits)) >> (32 - bits);

	if (age >= 0)
		return age;
	return (__u32)-age <= slack ? 0 : 0xffffffff;
}

#define LB_RECORD_CLOCK_BITS 24
#define LB_STAMP_CLOCK_BITS  32

#define LB_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
LB_ASSERT_SIZE(struct lb_addr, 16);
LB_ASSERT_SIZE(struct lb_service, 64);
LB_ASSERT_SIZE(struct lb_timers, 8);
LB_ASSERT_SIZE(struct lb_schedule, 64);
LB_ASSERT_SIZE(struct lb_quic_key, 16);
LB_ASSERT_SIZE(struct lb_load, 64);
LB_ASSERT_SIZE(struct lb_sample, 64);
LB_ASSERT_SIZE(struct lb_affinity_key, 24);
LB_ASSERT_SIZE(struct lb_affinity, 8);
LB_ASSERT_SIZE(struct lb_memo, 64);
LB_ASSERT_SIZE(struct lb_backend, 64);
LB_ASSERT_SIZE(struct lb_reply, 32);
LB_ASSERT_SIZE(struct lb_be_stats, 40);
LB_ASSERT_SIZE(union lb_slot, 4);
LB_ASSERT_SIZE(struct lb_slot_row, 64);
LB_ASSERT_SIZE(struct lb_stamp_row, 64);
LB_ASSERT_SIZE(union lb_record, 8);
LB_ASSERT_SIZE(struct lb_flow4_set, 128);
LB_ASSERT_SIZE(struct lb_flow6_set, 256);
LB_ASSERT_SIZE(struct lb_hop, 32);
LB_ASSERT_SIZE(struct lb_node, 56);
LB_ASSERT_SIZE(struct lb_explain, 40);

#endif
