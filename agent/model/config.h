/* SPDX-License-Identifier: GPL-2.0-only */
/* What lb.yaml says, checked, with defaults filled in. Plain structs, no I/O. */
#ifndef LEAT_MODEL_CONFIG_H
#define LEAT_MODEL_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leat_abi.h"

/** struct model_pos - where in the file something was said; 1-based, 0: a default */
struct model_pos {
	unsigned line;
	unsigned column;
};

enum model_xdp_mode { XDP_MODE_AUTO, XDP_MODE_NATIVE, XDP_MODE_GENERIC };

struct model_interface {
	char name[IFNAMSIZ];
	enum model_xdp_mode mode;
	struct model_pos pos;
};

enum model_probe {
	PROBE_NONE,
	PROBE_TCP,
	PROBE_HTTP,
	PROBE_HTTPS,
	PROBE_GRPC,
	PROBE_UDP,
	PROBE_DNS,
	PROBE_ICMP,
	PROBE_EXEC,
};

#define MODEL_STATUS_WORDS ((600 + 63) / 64)

enum model_verify { VERIFY_FULL, VERIFY_CA, VERIFY_NONE };

/** struct model_tls - `tls:` of a check of type https or grpc */
struct model_tls {
	bool is_on;		  /* https: always; grpc: `tls:` is given */
	enum model_verify verify; /* full: chain and name; ca: chain alone; none */
	char *ca_file;		  /* NULL: the system's */
	char *sni;	 /* NULL: `host`, where that is a name; also the name that is verified */
	char *cert_file; /* of the client, with key_file; NULL: none */
	char *key_file;
};

/** struct model_bytes - text with escapes resolved; may hold zero bytes */
struct model_bytes {
	uint8_t *bytes; /* NULL: not given */
	size_t size;
};

/** struct model_health - `health:` of a service */
struct model_health {
	enum model_probe type;
	bool via_vip; /* `via: vip`: the probe goes the way packets go, to the VIP */
	unsigned interval_ms;
	unsigned fast_interval_ms; /* while the last probe contradicts the state; 0: interval_ms */
	unsigned timeout_ms;
	unsigned rise;
	unsigned fall;
	unsigned jitter_percent; /* of the interval, 0..50 */
	unsigned backoff_ms; /* intervals of what stays down double up to this; 0: they do not */
	unsigned flap_limit; /* so many changes within flap_window_ms: held down; 0: never */
	unsigned flap_window_ms;
	unsigned flap_hold_ms;
	unsigned port; /* 0: the backend's */
	char *method;  /* http, https; NULL otherwise */
	char *path;    /* http, https */
	char *host;    /* Host header, :authority; NULL: the backend's address */
	uint64_t expect_status[MODEL_STATUS_WORDS]; /* bit n: status n is a success */
	char *body;				    /* text that the body must contain; NULL: any */
	struct model_tls tls;
	char *grpc_service;	   /* grpc: name asked for; "" or NULL: the server as a whole */
	struct model_bytes send;   /* udp: the datagram */
	struct model_bytes expect; /* udp: what the reply must begin with; NULL: any reply, or none
				    * and no ICMP error within the timeout */
	char *query_name;	   /* dns */
	unsigned query_type;	   /* dns: 1 A, 28 AAAA, ... */
	uint16_t expect_rcodes;	   /* dns: bit n: rcode n is a success */
	char **command;		   /* exec: NULL-ended, absolute path first; NULL otherwise */
};

struct model_backend {
	char *name;
	struct lb_addr address;
	unsigned port;	 /* host order; the service's where the file gives none */
	unsigned weight; /* 0..1000; 0 takes no newcomers */
	bool drain;
	unsigned group;		   /* index into the service's groups; 0 where it has none */
	uint64_t server_id;	   /* hash: quic: the bytes in their order, the last one lowest */
	unsigned server_id_length; /* bytes; 0: none */
	struct model_pos pos;
};

/** struct model_group - one of `groups:`: a zone, a tier, a backup */
struct model_group {
	char *name;
	unsigned priority; /* 0 first */
	unsigned weight;   /* share among groups of its priority; 0: the sum of its backends' */
	bool is_backup;	   /* only when all others have nobody */
	struct model_pos pos;
};

enum model_scheduler {
	SCHEDULER_MAGLEV,
	SCHEDULER_SOURCE_HASH,
	SCHEDULER_ROUND_ROBIN,
	SCHEDULER_LEAST_CONN,
	SCHEDULER_LEAST_RESPONSE,
};

enum model_hash { HASH_SOURCE_PORT, HASH_SOURCE, HASH_QUIC };

/** struct model_quic - `quic:`, of `hash: quic`: where servers put their ids */
struct model_quic {
	unsigned config;	   /* 0..6: the three bits that begin their connection ids */
	unsigned server_id_length; /* bytes, 1..8 */
};

/** struct model_response - `response:`, of least_response */
struct model_response {
	unsigned decay_permille;  /* share of the newest interval in the average */
	unsigned window_ms;	  /* a backend not timed for longer is unknown */
	unsigned explore_percent; /* how much cheaper a backend without any sample looks */
};

/** struct model_adaptive - `adaptive:`, of `weights: adaptive` */
struct model_adaptive {
	unsigned target_percent; /* load that is aimed at */
	unsigned kp_milli;
	unsigned ki_milli;
	unsigned kd_milli;
	unsigned minimum_percent; /* of the weight: clamps of the factor */
	unsigned maximum_percent;
	unsigned step_percent; /* of the weight: most in one interval */
	unsigned interval_ms;
};

/** struct model_churn - `churn:`, of hash schedulers */
struct model_churn {
	unsigned max_moves_permille; /* of the table's slots, per interval; 1000: no bound */
	unsigned interval_ms;
	unsigned hysteresis_percent; /* weights that controllers change by less stay */
};

/** struct model_ramp - `slow_start:` */
struct model_ramp {
	unsigned duration_ms; /* 0: none */
	unsigned minimum_percent;
	unsigned curve_milli; /* share = (t / duration) ^ (1000 / curve_milli) */
};

enum model_panic_mode { PANIC_OPEN, PANIC_CLOSED };

/** struct model_panic - `panic:` */
struct model_panic {
	unsigned threshold_percent; /* of the weight, backup groups apart; 0: never */
	enum model_panic_mode mode; /* open: use all; closed: take no newcomers */
};

/** struct model_agent_check - `agent_check:` */
struct model_agent_check {
	unsigned port; /* 0: none */
	unsigned interval_ms;
	unsigned timeout_ms;
};

/** struct model_passive - `passive:` */
struct model_passive {
	bool is_on;
	unsigned sample;     /* one connection in so many is followed; a power of two */
	unsigned timeout_ms; /* a handshake or request without progress for longer has failed */
	unsigned window_ms;
	unsigned minimum;	      /* samples within the window, to judge by */
	unsigned threshold_percent;   /* of these failed */
	unsigned max_ejected_percent; /* of the backends; one may always go where there are two */
	unsigned eject_ms;	      /* times the number of ejections in a row, up to 10 */
};

enum model_agent_state { AGENT_STATE_NONE, AGENT_UP, AGENT_DRAIN, AGENT_MAINT, AGENT_DOWN };

struct model_service {
	char *name;
	struct lb_addr vip;
	unsigned port; /* host order */
	uint8_t proto; /* IPPROTO_TCP or IPPROTO_UDP */
	enum model_scheduler scheduler;
	enum model_hash hash; /* maglev */
	struct model_quic quic;
	unsigned source_prefix6; /* source_hash, hash: source, affinity: bits of an IPv6 client */
	unsigned draws;		 /* least_*, with more than 32 backends: 2..8 */
	unsigned affinity_ms;	 /* round_robin, least_*; 0: none */
	struct model_response response;
	bool is_adaptive; /* `weights: adaptive` */
	struct model_adaptive adaptive;
	struct model_churn churn;
	struct model_ramp slow_start;
	struct model_panic panic;
	unsigned spill_percent; /* groups: below this share of healthy weight traffic spills */
	struct model_agent_check agent_check;
	struct model_passive passive;
	enum lb_forward forward;
	bool track_all;	     /* `track: all`; others are tracked anyway: model_service_is_tracked */
	unsigned table_size; /* slots, a prime; never 0 after config_load */
	bool has_table_size; /* the file gives it; else a table that runs keeps its size */
	unsigned idle_timeout_ms;
	unsigned drain_timeout_ms; /* 0: none */
	bool init_up;		   /* `init: up`: taken as healthy before the first probe */
	bool add_vip;		   /* `vip_address: add` */
	struct model_health health;
	struct model_group *groups; /* in the order of the file; NULL: none */
	size_t group_count;
	struct model_backend *backends;
	size_t backend_count;
	struct model_pos pos;
};

/** struct model_config - the whole file; owns all it points to */
struct model_config {
	struct model_interface *interfaces;
	size_t interface_count;
	struct model_service *services;
	size_t service_count;
	unsigned max_slots; /* 0: chosen at first start */
	unsigned max_flows; /* IPv4 and IPv6 each; rounded up to a power of two by the data path;
			     * 0: chosen at first start */
	unsigned max_affinities; /* clients that services with `affinity` remember; 0: 65536 */
	unsigned warm_up_ms;
	unsigned handshake_ms;
	bool has_hash_key; /* `hash_key: <32 hex digits>`; else made once */
	uint64_t hash_key[2];
};

/** model_config_free - @config and all that it owns; NULL is allowed */
void model_config_free(struct model_config *config);

/** model_scheduler_is_hash - whether the backend is a function of the packet */
static inline bool model_scheduler_is_hash(enum model_scheduler scheduler)
{
	return scheduler == SCHEDULER_MAGLEV || scheduler == SCHEDULER_SOURCE_HASH;
}

/** model_service_is_tracked - whether every connection of @s has a record */
static inline bool model_service_is_tracked(const struct model_service *s)
{
	return s->track_all || s->forward == LB_FORWARD_NAT ||
	       !model_scheduler_is_hash(s->scheduler);
}

/** model_service_is_masked - whether its slots are found by the client's address alone */
static inline bool model_service_is_masked(const struct model_service *s)
{
	return s->scheduler == SCHEDULER_SOURCE_HASH ||
	       (s->scheduler == SCHEDULER_MAGLEV && s->hash == HASH_SOURCE);
}

/** model_service_is_quic - whether packets are found a backend by their connection id */
static inline bool model_service_is_quic(const struct model_service *s)
{
	return s->scheduler == SCHEDULER_MAGLEV && s->hash == HASH_QUIC;
}

/** model_service_is_sampled - whether the data path follows some of its connections */
static inline bool model_service_is_sampled(const struct model_service *s)
{
	return s->passive.is_on ||
	       (s->scheduler == SCHEDULER_LEAST_RESPONSE && s->forward == LB_FORWARD_NAT);
}

/** model_health_equal - whether two probes of the same address and port are the same probe */
bool model_health_equal(const struct model_health *a, const struct model_health *b);

#define MODEL_TABLE_MAX 1048573 /* slots; the largest prime below 2^20 */

/**
 * model_table_size - the size of a service's table where the file gives none
 * Steps of a ladder of primes, each twice the last, so that one more backend seldom changes it.
 * Returns the first that is at least 100 x @backends, or the last of them.
 */
unsigned model_table_size(size_t backends);

/** model_slots_needed - slots that the tables of all services take, each in whole rows */
uint64_t model_slots_needed(const struct model_config *config);

/** model_is_prime - whether @n may be a table's size */
bool model_is_prime(unsigned n);

#endif
