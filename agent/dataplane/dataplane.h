/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only user of libbpf and the only writer of maps: load, pin, attach, adopt,
 * apply what the plan says, read counters and flows.
 */
#ifndef LEAT_DATAPLANE_DATAPLANE_H
#define LEAT_DATAPLANE_DATAPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leat_abi.h"
#include "model/config.h"

#define DATAPLANE_PIN_DIR "/sys/fs/bpf/leat"

struct dataplane;

/** struct dataplane_features - parts of the program; what is off costs no packet anything */
struct dataplane_features {
	bool has_nat;
	bool has_masks;	   /* a service with LB_SVC_MASKED */
	bool has_picks;	   /* PICKED */
	bool has_counts;   /* a service picks by load: lb_loads[].live is kept */
	bool has_affinity; /* a schedule with affinity */
	bool has_samples;  /* SAMPLED */
	bool has_quic;	   /* QUIC */
};

/** struct dataplane_settings - of the node; sizes count only where nothing is pinned yet */
struct dataplane_settings {
	const char *pin_dir;
	unsigned max_slots;	/* 0: default_slots, or what is pinned */
	unsigned default_slots; /* 0: 2^20 */
	unsigned max_flows;	/* of each family; 0: 2^18, or what is pinned */
	bool has_hash_key;
	uint64_t hash_key[2];
	unsigned max_affinities; /* 0: 65536, or what is pinned */
	struct dataplane_features features;
	bool has_clock_shift; /* else about a quarter of a second a unit; tests shrink time */
	unsigned clock_shift;
	unsigned grain_ms; /* g of docs/slots.md; 0: 1000 */
	unsigned slack_ms; /* d; 0: 1000 */
};

/** struct dataplane_error - why, and what to do */
struct dataplane_error {
	char text[512];
};

/**
 * dataplane_open - load the program over new maps, or over those that are pinned (adoption)
 * *@is_adopted tells which. Nothing is attached by this; on failure what ran before still runs.
 * Returns 0; -EPROTO: pinned maps of another layout; -ENOSPC: settings do not fit the pinned sizes;
 * -EINVAL: another hash key; -EBUSY: open in another process, which is the writer;
 * -EOPNOTSUPP: kernel or machine; else -errno. @error says it in words.
 */
int dataplane_open(const struct dataplane_settings *settings, struct dataplane **out,
		   bool *is_adopted, struct dataplane_error *error);

/** dataplane_set_features - another program over the same maps, swapped by atomic link updates */
int dataplane_set_features(struct dataplane *dp, const struct dataplane_features *features,
			   struct dataplane_error *error);

/**
 * dataplane_attach - the program to one interface, by a pinned link; an existing pinned link is
 * updated
 * @mode: auto tries native, then generic; *@is_native says what came of it
 */
int dataplane_attach(struct dataplane *dp, const char *ifname, uint32_t ifindex,
		     enum model_xdp_mode mode, bool *is_native, struct dataplane_error *error);

/** dataplane_detach - from one interface, and forget its link; 0 also where there was none */
int dataplane_detach(struct dataplane *dp, const char *ifname, uint32_t ifindex);

/**
 * dataplane_each_link - every interface with a pinned link, whoever made it; after an adoption
 * these may be more than the configuration names
 * @ifindex: 0 where the interface is gone
 * @each:    may call dataplane_detach
 * Returns 0 or -errno.
 */
int dataplane_each_link(struct dataplane *dp,
			void (*each)(void *arg, const char *ifname, uint32_t ifindex), void *arg);

/** dataplane_note - what the last open or attach did beside its task, for the log; "" for nothing
 */
const char *dataplane_note(const struct dataplane *dp);

/** dataplane_program_fd - the program in service, for BPF_PROG_TEST_RUN; the dataplane's own */
int dataplane_program_fd(const struct dataplane *dp);

/** dataplane_close - let go; pinned things go on working; NULL is allowed */
void dataplane_close(struct dataplane *dp);

/**
 * dataplane_remove - detach everything and unpin every map below @pin_dir, which must not be open
 * Returns 0; -ENOENT: nothing there; -EBUSY: still open, here or in another process; else -errno.
 */
int dataplane_remove(const char *pin_dir, struct dataplane_error *error);

/* ---- clock: 2^shift jiffies a unit -------------------------------------- */

/** dataplane_clock - the data path's clock now: a reading each second, ktime in between */
uint32_t dataplane_clock(struct dataplane *dp);

/** dataplane_units - milliseconds to clock units, rounded up */
uint32_t dataplane_units(const struct dataplane *dp, uint64_t ms);

/** dataplane_unit_ms - a unit's length in milliseconds, times 1000 (microseconds) */
uint32_t dataplane_unit_us(const struct dataplane *dp);

const struct lb_node *dataplane_node(const struct dataplane *dp);

/* ---- tables: live memory, read by anyone, written only through here ------ */

const struct lb_service *dataplane_services(const struct dataplane *dp, size_t *rows);
const struct lb_backend *dataplane_backends(const struct dataplane *dp); /* LB_MAX_BACKENDS rows */
const uint32_t *dataplane_words(const struct dataplane *dp);
const uint32_t *dataplane_stamps(const struct dataplane *dp);

/** dataplane_find_service - the row with the key (vip, port, proto, family) of @key, or NULL */
const struct lb_service *dataplane_find_service(const struct dataplane *dp,
						const struct lb_service *key);

/** dataplane_put_service - make or replace the row with this key; -ENOSPC where it cannot be placed
 */
int dataplane_put_service(struct dataplane *dp, const struct lb_service *row);
int dataplane_del_service(struct dataplane *dp, const struct lb_service *row);
void dataplane_put_timers(struct dataplane *dp, uint16_t service, const struct lb_timers *timers);

/** dataplane_get_timers - of one service, as the data path has them */
struct lb_timers dataplane_get_timers(const struct dataplane *dp, uint16_t service);

/** dataplane_new_service_id - the next one never used within Tr; 0: none */
uint16_t dataplane_new_service_id(struct dataplane *dp);

/** dataplane_seed - of a service, from its key and the node's hash key: equal on every balancer */
uint64_t dataplane_seed(const struct dataplane *dp, const struct lb_service *row);

/**
 * dataplane_put_backend - all fields but the hop, flags, deadline and generation; the row's
 * generation stays csum_* are computed here from vip, address and ports. For nat the reply row is
 * placed too (-ENOSPC).
 */
int dataplane_put_backend(struct dataplane *dp, uint16_t id, const struct lb_backend *row,
			  uint64_t seed, bool is_nat);

/** dataplane_reply_owner - the nat backend that answers from @row's address, port and protocol, or
 * 0
 */
uint16_t dataplane_reply_owner(const struct dataplane *dp, const struct lb_backend *row);
void dataplane_set_hop(struct dataplane *dp, uint16_t id, uint32_t ifindex,
		       const uint8_t dst_mac[6], const uint8_t src_mac[6]);
void dataplane_set_backend_flags(struct dataplane *dp, uint16_t id, uint8_t flags,
				 uint16_t deadline);
void dataplane_bump_generation(struct dataplane *dp, uint16_t id);

/** dataplane_del_backend - free the row (its generation is kept) and the reply row; counters to
 * zero */
void dataplane_del_backend(struct dataplane *dp, uint16_t id);

struct slots_op;
/** dataplane_apply - one slot operation of the service whose table begins at @base; false: settle
 * refused */
bool dataplane_apply(struct dataplane *dp, uint32_t base, const struct slots_op *op);

/** dataplane_alloc_slots - a region of @size slots, all {0,0,0} and CLOSED; -ENOSPC */
int dataplane_alloc_slots(struct dataplane *dp, uint32_t size, uint32_t *base);
void dataplane_free_slots(struct dataplane *dp, uint32_t base, uint32_t size);

/* ---- schedules, loads, samples, memos ------------------------------------ */

/** dataplane_put_schedule - all fields but @next, which the data path goes on counting */
void dataplane_put_schedule(struct dataplane *dp, uint16_t service,
			    const struct lb_schedule *schedule);

/** dataplane_get_schedule - as the data path has it; of an adopted service, the last agent's */
struct lb_schedule dataplane_get_schedule(const struct dataplane *dp, uint16_t service);

/** dataplane_put_quic_server - packets of @service whose connection id has @server_id go to
 * @backend; 0 or -errno */
int dataplane_put_quic_server(struct dataplane *dp, uint16_t service, uint64_t server_id,
			      uint16_t backend);

/** dataplane_keep_quic_servers - forget the ids of @service that @keeps (of @arg) does not want; 0
 * or -errno */
int dataplane_keep_quic_servers(struct dataplane *dp, uint16_t service,
				bool (*keeps)(void *arg, uint64_t server_id, uint16_t backend),
				void *arg);

/** dataplane_loads - live memory, LB_MAX_BACKENDS rows; the data path adds to it */
const struct lb_load *dataplane_loads(const struct dataplane *dp);
void dataplane_set_cost(struct dataplane *dp, uint16_t id, uint32_t cost);

/** dataplane_samples - live memory, LB_MAX_SAMPLES rows */
const struct lb_sample *dataplane_samples(const struct dataplane *dp);

/** dataplane_fail_sample - mark one as judged, by CAS on @word as read; false: it has moved on */
bool dataplane_fail_sample(struct dataplane *dp, uint32_t index, uint32_t word);

/** dataplane_memos - live memory, LB_MAX_BACKENDS rows; zero for a backend that is new */
const struct lb_memo *dataplane_memos(const struct dataplane *dp);
void dataplane_put_memo(struct dataplane *dp, uint16_t id, const struct lb_memo *memo);

/* ---- reading ------------------------------------------------------------ */

/** dataplane_read_stats - sums over CPUs; @out: LB_MAX_BACKENDS rows */
int dataplane_read_stats(struct dataplane *dp, struct lb_be_stats *out);
/** dataplane_read_reasons - sums over CPUs; @out: LB_REASON_COUNT counters */
int dataplane_read_reasons(struct dataplane *dp, uint64_t *out);

/** struct dataplane_flows - what one whole sweep found */
struct dataplane_flows {
	uint32_t used4;
	uint32_t used6;
	uint32_t
		per_backend[LB_MAX_BACKENDS]; /* valid records: current even generation, not aged */
	uint32_t freed;
	uint32_t live[LB_MAX_BACKENDS]; /* of these, what lb_loads[].live counts */
	uint32_t corrected;		/* backends whose count had drifted, and was set right */
};

/**
 * dataplane_sweep - judge every record once: count the valid, free the expired by CAS, retire hops
 * Counts of live connections that have drifted are set right (docs/slots.md, "Counting").
 * @out: 256 kB, the caller's
 */
void dataplane_sweep(struct dataplane *dp, struct dataplane_flows *out);

/** dataplane_corrections - counts that sweeps have set right since dataplane_open() */
uint64_t dataplane_corrections(const struct dataplane *dp);

/** dataplane_explain - a crafted first packet (or, for tcp, a later one where @is_established)
 * through the dry-run program */
struct dataplane_query {
	struct lb_addr client;
	struct lb_addr vip;
	unsigned client_port;
	unsigned vip_port;
	uint8_t proto;
	bool is_syn;
};
int dataplane_explain(struct dataplane *dp, const struct dataplane_query *query,
		      struct lb_explain *out, struct dataplane_error *error);

#endif
