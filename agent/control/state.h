/* SPDX-License-Identifier: GPL-2.0-only */
/* What the agent remembers while it runs; everything that matters is in the pinned maps as well. */
#ifndef LEAT_CONTROL_STATE_H
#define LEAT_CONTROL_STATE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/control.h"
#include "dataplane/dataplane.h"
#include "model/config.h"
#include "plan/lifecycle.h"
#include "plan/slots.h"

struct api;
struct event;
struct event_base;
struct health;
struct net;

/** struct control_backend - a row of lb_backends, and what is known of it */
struct control_backend {
	uint16_t id;
	char *name;
	struct lb_addr address;
	unsigned port; /* host order */
	unsigned weight;
	bool wants_drain; /* drain: true, weight 0, or leaving */
	bool is_leaving;
	bool has_deadline;
	uint32_t deadline; /* clock */
	bool is_decided;
	bool is_healthy;
	bool is_watched; /* its next hop; its probes where it has any */
	bool is_probed;
	bool takes_newcomers;
	uint32_t unnamed_since; /* clock */
	bool is_quiet;
	uint32_t quiet_since; /* clock */
	uint32_t flows;	      /* valid records, at the last sweep */
	uint32_t slots;	      /* slots whose current it is */
	uint32_t named;	      /* slots that name it at all */
	uint32_t moving;      /* slots whose current it is, and that move */
	enum lifecycle_state state;
	uint64_t since_ms; /* CLOCK_REALTIME, of @state */
	char reason[160];
	char hop_reason[96]; /* "": the next hop is known */
	char hop_text[80];
};

/** struct control_service - one service, and its region of the slots */
struct control_service {
	const struct model_service *model; /* of the running configuration */
	struct lb_service row;
	struct control_backend **backends;
	size_t backend_count;
	uint16_t *target;	     /* table_size backend ids */
	struct slots_memory *memory; /* table_size */
	struct slots_counts counts;
	struct slots_times times;
	struct lb_timers timers; /* as the data path has them */
	uint32_t shorter_at;	 /* clock: when shorter times may take effect */
	bool is_shorter_pending;
	bool is_held; /* new: waits for the first probes, so that its table starts balanced */
	uint64_t first_up_ms; /* CLOCK_MONOTONIC, while held; 0: none is up */
	bool is_dirty;	      /* the target is to be built anew */
	bool is_unfinished;   /* slots are to be stepped */
	uint64_t digest_target;
	struct lb_be_stats removed; /* counters of backends that are gone */
};

struct control_interface {
	char name[IFNAMSIZ];
	enum model_xdp_mode mode;
	uint32_t ifindex; /* 0: absent */
	bool is_attached;
	bool is_native;
	bool is_up;
	uint8_t mac[6];
	char trouble[256]; /* why it is not attached; "" where it is */
};

struct control {
	const struct control_settings *settings;
	struct event_base *base;
	struct event *tick;
	struct event *sweep;
	struct event *soon; /* a tick out of turn */
	struct event *signals[3];
	struct dataplane *dp;
	struct health *health;
	struct net *net;
	struct api *api;
	struct model_config *config;	   /* running */
	struct control_service **services; /* in the order of the file */
	size_t service_count;
	struct control_interface *interfaces;
	size_t interface_count;
	struct control_backend *by_id[LB_MAX_BACKENDS];
	struct control_service *service_of[LB_MAX_BACKENDS];
	uint16_t generations[LB_MAX_BACKENDS];
	struct dataplane_flows flows;
	uint16_t last_backend_id;
	struct lb_be_stats *stats; /* LB_MAX_BACKENDS; see control_stats */
	uint64_t stats_ms;	   /* CLOCK_MONOTONIC, 0: never read */
	bool has_nat;
	bool is_adopted;
	bool is_detaching;
	uint64_t started_ms;
};

/* ---- clock.c ---- */

uint64_t control_realtime_ms(void);
uint64_t control_monotonic_ms(void);

/** control_bound - d of docs/slots.md, in clock units: the bound of one packet's stay */
uint32_t control_bound(const struct control *ctl);

/** control_set_times - of one service from its configuration; longer ones at once, shorter ones
 * when safe */
void control_set_times(struct control *ctl, struct control_service *s);

/* ---- services.c: rows of services and backends ---- */

/**
 * service_create - slots and backends of a new service, which no packet finds yet
 * dataplane_put_service() publishes it. On failure nothing remains. Returns 0 or -errno.
 */
int service_create(struct control *ctl, const struct model_service *model,
		   struct control_service **out);

/** service_adopt - the same around a row that is pinned; -ESTALE: it is of another shape */
int service_adopt(struct control *ctl, const struct model_service *model,
		  const struct lb_service *row, struct control_service **out);

/** service_discard - one that was never published, or whose row is another's by now */
void service_discard(struct control *ctl, struct control_service *s);

/** service_remove - out of the maps, at once, with all its backends; frees @s */
void service_remove(struct control *ctl, struct control_service *s);

/** service_fits - whether @s can go on under @model: the same mode, tracking and table */
bool service_fits(const struct control_service *s, const struct model_service *model);

/** service_find - by VIP, port and protocol, or NULL */
struct control_service *service_find(const struct control *ctl, const struct model_service *model);

/** backend_create - a new row, dead until a probe decides; 0, -ENOSPC, -ENOMEM */
int backend_create(struct control *ctl, struct control_service *s,
		   const struct model_backend *model);

/** backend_remove - out of the maps and of @s; its counters stay with the service */
void backend_remove(struct control *ctl, struct control_service *s, struct control_backend *b);

/** backend_find - by address and port, or NULL */
struct control_backend *backend_find(const struct control_service *s, const struct lb_addr *address,
				     unsigned port);

/** service_weighs_as - whether @model leaves each backend's weight and drain as they are */
bool service_weighs_as(const struct control_service *s, const struct model_service *model);

/** service_update - take over @model: weights, drains, probes, who leaves; new backends are there
 * already */
void service_update(struct control *ctl, struct control_service *s,
		    const struct model_service *model);

/** backend_observe - start, change or stop the probe and the next hop's watch as the model says */
void backend_observe(struct control *ctl, struct control_service *s, struct control_backend *b);

/* ---- tick.c: observations -> plan -> data path ---- */

void control_tick(struct control *ctl);
void control_sweep(struct control *ctl);

/** control_soon - a tick as soon as the loop is idle */
void control_soon(struct control *ctl);

/** service_target - @s's table from its backends' weights; also what --dry-run asks. 0, -ENOMEM */
int service_target(const struct control_service *s, uint16_t *out, uint64_t *digest);

/** control_stats - counters of all backends, LB_MAX_BACKENDS rows, at most 100 ms old; NULL on
 * failure */
const struct lb_be_stats *control_stats(struct control *ctl);

/** service_count_slots - who is named by the slots as they stand */
void service_count_slots(struct control *ctl, struct control_service *s);

/* ---- links.c: interfaces and VIPs ---- */

/** links_apply - attach what the configuration names, detach what it no longer does */
int links_apply(struct control *ctl, struct model_interface *interfaces, size_t count);

/** links_changed - news of an interface */
void links_changed(struct control *ctl, const char *name);

/** vips_apply - rows and addresses for the VIPs of all services, and no others */
void vips_apply(struct control *ctl);

/** vips_withdraw - addresses only: before everything is removed */
void vips_withdraw(struct control *ctl);

/* ---- reload.c ---- */

/** control_start_config - the first configuration: adopt what is pinned, create the rest. 0 or
 * -errno, logged */
int control_start_config(struct control *ctl);

/** control_reload_signal - SIGHUP */
void control_reload_signal(struct control *ctl);

/* ---- the API's operations: reload.c, status.c, explain.c, control.c ---- */

struct json_t;
struct api_explain_query;

struct json_t *control_api_status(void *arg, int *status);
struct json_t *control_api_reload(void *arg, bool is_dry_run, bool is_forced, int *status);
struct json_t *control_api_explain(void *arg, const struct api_explain_query *query, int *status);

/* ---- notify.c ---- */

/** notify_systemd - one sd_notify(3) message, where NOTIFY_SOCKET asks for it */
void notify_systemd(const char *message);

#endif
