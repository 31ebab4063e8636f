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

enum model_probe { PROBE_NONE, PROBE_TCP, PROBE_HTTP };

#define MODEL_STATUS_WORDS ((600 + 63) / 64)

/** struct model_health - `health:` of a service */
struct model_health {
	enum model_probe type;
	unsigned interval_ms;
	unsigned timeout_ms;
	unsigned rise;
	unsigned fall;
	unsigned jitter_percent; /* of the interval, 0..50 */
	unsigned port;		 /* 0: the backend's */
	char *method;		 /* http, from here on; NULL otherwise */
	char *path;
	char *host;				    /* Host header; NULL: the backend's address */
	uint64_t expect_status[MODEL_STATUS_WORDS]; /* bit n: status n is a success */
	char *body;				    /* text that the body must contain; NULL: any */
};

struct model_backend {
	char *name;
	struct lb_addr address;
	unsigned port;	 /* host order; the service's where the file gives none */
	unsigned weight; /* 0..1000; 0 takes no newcomers */
	bool drain;
	struct model_pos pos;
};

enum model_scheduler { SCHEDULER_MAGLEV };

struct model_service {
	char *name;
	struct lb_addr vip;
	unsigned port; /* host order */
	uint8_t proto; /* IPPROTO_TCP or IPPROTO_UDP */
	enum model_scheduler scheduler;
	enum lb_forward forward;
	bool track_all;	     /* `track: all`; forward nat is tracked anyway */
	unsigned table_size; /* slots, a prime; never 0 after config_load */
	bool has_table_size; /* the file gives it; else a table that runs keeps its size */
	unsigned idle_timeout_ms;
	unsigned drain_timeout_ms; /* 0: none */
	bool init_up;		   /* `init: up`: taken as healthy before the first probe */
	bool add_vip;		   /* `vip_address: add` */
	struct model_health health;
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
	unsigned warm_up_ms;
	unsigned handshake_ms;
	bool has_hash_key; /* `hash_key: <32 hex digits>`; else made once */
	uint64_t hash_key[2];
};

/** model_config_free - @config and all that it owns; NULL is allowed */
void model_config_free(struct model_config *config);

/** model_service_is_tracked - whether every connection of @s has a record */
static inline bool model_service_is_tracked(const struct model_service *s)
{
	return s->track_all || s->forward == LB_FORWARD_NAT;
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
