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
#include "health/health.h"
#include "model/config.h"
#include "plan/lifecycle.h"
#include "plan/outlier.h"
#include "plan/pid.h"
#include "plan/response.h"
#include "plan/slots.h"
#include "plan/weigh.h"

struct agent_checks;
struct agent_report;
struct api;
struct event;
struct event_base;
struct health;
struct net;

/** struct control_agent - what a backend's agent check says, kept while it does not answer */
struct control_agent {
	enum model_agent_state state; /* NONE: nothing yet, or no agent check */
	bool has_percent;
	unsigned percent;  /* 0..1000: of the weight; with `weights: adaptive`, of idle CPU */
	uint64_t since_ms; /* CLOCK_REALTIME, of @state */
	uint64_t heard_ms; /* CLOCK_REALTIME, of the last answer; 0: never */
	char reason[96];   /* what it said after '#'; "" */
	char error[96];	   /* why the last check had no answer; "" */
};

/** enum control_timing - where a backend's response times come from */
enum control_timing {
	TIMING_NONE,	/* nothing measured yet */
	TIMING_ANSWER,	/* nat: request to the first byte of its reply, sampled in the data path */
	TIMING_CONNECT, /* nat: SYN to SYN-ACK, where no request was timed */
	TIMING_PROBE,	/* dsr: the health probes */
};

/** struct control_backend - a row of lb_backends, and what is known of it */
struct control_backend {
	uint16_t id;
	char *name;
	struct lb_addr address;
	unsigned port; /* host order */
	unsigned weight;
	unsigned group; /* index of the service's groups; 0 where it has none */
	bool has_server_id;
	uint64_t server_id;    /* hash: quic */
	uint64_t quic_packets; /* hash: quic: sent to it, at the last sweep */
	bool is_draining;      /* by the configuration: drain: true, weight 0, or leaving */
	bool wants_drain;      /* is_draining, or its agent check says drain or maint */
	bool is_leaving;
	bool has_deadline;
	uint32_t deadline; /* clock */
	bool is_decided;
	bool is_healthy; /* the probes' word */
	bool is_watched; /* its next hop; its probes where it has any */
	bool is_probed;
	bool takes_newcomers;	/* alive, not draining, not ejected; panic: closed is not in it */
	bool is_kept;		/* scratch of service_update */
	uint32_t unnamed_since; /* clock */
	struct lifecycle_bumps bumps;
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

	/* what it weighs: weight x agent x ramp x factor, spread over groups (plan/weigh.h) */
	uint32_t effective;	  /* in the table that is wanted; WEIGH_UNIT x weight when all is
				   * well; 0: takes no newcomers */
	uint32_t proposed;	  /* scratch of weights.c: what it would be now */
	uint64_t ramp_from_ms;	  /* CLOCK_REALTIME: slow start began; 0: over, or none */
	unsigned ramp_permille;	  /* 1..1000; 1000: over */
	struct pid pid;		  /* weights: adaptive */
	unsigned factor_permille; /* of it; 1000 where it does not apply */
	struct control_agent agent;

	/* what is observed */
	struct lb_load seen;   /* lb_loads, at the last second */
	uint32_t live;	       /* connections: lb_loads[].live, at the last second */
	uint32_t cost;	       /* least_*: what the data path multiplies live + 1 with */
	uint64_t probes_timed; /* how many probes the last probe latency taken was of */
	struct response response;
	enum control_timing timing;
	struct outlier outlier;	   /* passive */
	struct lb_load sampled;	   /* passive: what samples had shown when last counted */
	uint32_t failed_samples;   /* passive: judged bad since they were last counted */
	bool is_ejected;	   /* takes no newcomers, until ... */
	uint64_t ejected_until_ms; /* CLOCK_REALTIME; 0: not ejected */
	char eject_reason[96];
	uint64_t ejections;	/* by this agent, ever */
	uint64_t held_until_ms; /* CLOCK_REALTIME: held down for flapping; 0: not */
	struct lb_memo memo;	/* as last written for the next agent */
	bool has_agent;		/* its agent check runs */
	uint32_t told;		/* effective weight that was last logged */
	uint8_t flags;		/* LB_BE_* and deadline, as the data path has them */
	uint16_t flags_deadline;
};

/** struct control_churn - what changes of the table cost; counters since the agent's start */
struct control_churn {
	uint64_t slots_moved;  /* that got another current: every cause, first fill not counted */
	uint64_t slots_forced; /* of these: taken from a backend that was dead, at once */
	uint64_t at_risk;      /* connections that lost their backend: records valid when it was
				* declared dead (failed, or its drain's deadline). A move by plan puts
				* none at risk: the slot protocol keeps them */
	uint32_t waiting;      /* slots now that wait for the next interval (churn: max_moves) */
	uint64_t stepped_ms;   /* CLOCK_MONOTONIC, of the last interval's moves; 0: none */
};

/** struct control_service - one service, and its region of the slots */
struct control_service {
	const struct model_service *model; /* of the running configuration */
	struct lb_service row;
	struct control_backend **backends;
	size_t backend_count;
	uint16_t *wanted; /* table_size backend ids: of the effective weights */
	uint16_t *target; /* table_size: what the slots are stepped to; hash schedulers: it
			   * follows @wanted by churn */
	struct slots_memory *memory; /* table_size */
	struct lb_schedule
		schedule;  /* PICKED, SAMPLED or QUIC: as the data path has it, but for next */
	bool has_schedule; /* by this agent, not only adopted */
	uint32_t cycle;	   /* of @wanted: slots of one round, or of candidates */
	struct slots_counts counts;
	struct slots_times times;
	struct lb_timers timers; /* as the data path has them */
	uint32_t shorter_at;	 /* clock: when shorter times may take effect */
	bool is_shorter_pending;
	bool is_kept; /* scratch of transaction.c */
	bool is_held; /* new: waits for the first probes, so that its table starts balanced */
	uint64_t first_up_ms; /* CLOCK_MONOTONIC, while held; 0: none is up */
	bool is_dirty;	      /* the target is to be built anew */
	bool is_news; /* a ramp, a controller, an agent check: weigh anew, build if it matters */
	bool is_unfinished; /* slots are to be stepped */
	bool is_filled;	    /* the table has been filled once: from now on moves are bounded */
	uint64_t digest_target;
	struct lb_be_stats removed; /* counters of backends that are gone */
	enum weigh_panic panic;
	uint64_t panic_since_ms;    /* CLOCK_REALTIME, of @panic */
	struct weigh_group *groups; /* group_count, by index of model->groups; NULL: none */
	size_t group_count;
	bool is_spilling;     /* some of its traffic is not where priorities put it */
	bool is_on_backup;    /* all of it goes to backup groups */
	uint64_t adaptive_ms; /* CLOCK_MONOTONIC, of the last step of the controllers */
	uint64_t ramped_ms;   /* CLOCK_MONOTONIC: ramps and controllers last looked at */
	struct control_churn churn;
	enum control_timing timing; /* least_response: where times come from now */
	uint64_t answered_ms;	    /* CLOCK_MONOTONIC: when an answer was last timed; 0: never */
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
	struct event *soon;  /* a tick out of turn */
	struct event *watch; /* passive detection; pending only where a service has it on */
	struct event *signals[3];
	struct dataplane *dp;
	struct health *health;
	struct agent_checks *agent_checks;
	struct net *net;
	struct api *api;
	struct model_config *config;	   /* running */
	struct control_service **services; /* in the order of the file */
	size_t service_count;
	struct control_interface *interfaces;
	size_t interface_count;
	struct control_backend *by_id[LB_MAX_BACKENDS];
	struct control_service *service_of[LB_MAX_BACKENDS];
	struct control_service *by_service_id[LB_SERVICE_IDS];
	uint16_t generations[LB_MAX_BACKENDS];
	struct dataplane_flows flows;
	uint16_t last_backend_id;
	struct lb_be_stats *stats; /* LB_MAX_BACKENDS; see control_stats */
	uint64_t stats_ms;	   /* CLOCK_MONOTONIC, 0: never read */
	uint64_t feedback_ms;	   /* CLOCK_MONOTONIC, of the last second's look at the loads */
	struct dataplane_features features;
	bool may_stay[LB_MAX_BACKENDS]; /* scratch of moves.c; false in between */
	bool is_adopted;
	bool is_detaching;
	uint64_t started_ms;
	uint64_t slot_writes; /* operations on words and stamps */
};

/* ---- clock.c ---- */

uint64_t control_realtime_ms(void);
uint64_t control_monotonic_ms(void);

/** control_bound - d of docs/slots.md, in clock units: the bound of one packet's stay */
uint32_t control_bound(const struct control *ctl);

/** control_set_times - of one service from its configuration; longer ones at once, shorter ones
 * when safe */
void control_set_times(struct control *ctl, struct control_service *s);

/* ---- keep.c: what the file leaves open stays as it runs ---- */

/** config_features - what the services of @config need of the program */
struct dataplane_features config_features(const struct model_config *config);

/** features_union - what either has */
struct dataplane_features features_union(const struct dataplane_features *a,
					 const struct dataplane_features *b);

/** config_default_slots - room for the slots of @config at a first start, where it gives none */
unsigned config_default_slots(const struct model_config *config);

/** config_note_node - from now on the running configuration tells the sizes and the hash key that
 * the data path has, whatever the file said */
void config_note_node(struct control *ctl);

/**
 * config_keep - fill in what @next does not give from what runs: limits, hash key, and the sizes of
 * tables of services that are pinned
 */
void config_keep(const struct control *ctl, struct model_config *next);

/* ---- services.c: rows of services ---- */

/** struct control_pinned - backends by service, as chains of ids; 0 ends one */
struct control_pinned {
	uint16_t first[LB_SERVICE_IDS];
	uint16_t next[LB_MAX_BACKENDS];
};

/**
 * service_create - slots and backends of a new service, which no packet finds yet
 * dataplane_put_service() publishes it. On failure nothing remains. Returns 0 or -errno.
 */
int service_create(struct control *ctl, const struct model_service *model,
		   struct control_service **out);

/** service_adopt - the same around a row that is pinned; -ESTALE: it is of another shape */
int service_adopt(struct control *ctl, const struct model_service *model,
		  const struct lb_service *row, const struct control_pinned *pinned,
		  struct control_service **out);

/** service_discard - one that was never published, or whose row is another's by now */
void service_discard(struct control *ctl, struct control_service *s);

/** service_remove - out of the maps, at once, with all its backends; frees @s */
void service_remove(struct control *ctl, struct control_service *s);

/** service_free - the memory alone: what is pinned stays */
void service_free(struct control *ctl, struct control_service *s);

/** service_fits - whether @s can go on under @model: the same mode, tracking and table */
bool service_fits(const struct control_service *s, const struct model_service *model);

/** service_find - the running one with this VIP, port and protocol, or NULL */
struct control_service *service_find(const struct control *ctl, const struct model_service *model);

/** service_pinned - the row of lb_services with this VIP, port and protocol, or NULL */
const struct lb_service *service_pinned(const struct control *ctl,
					const struct model_service *model);

/** service_weighs_as - whether @model leaves each backend's weight and drain as they are */
bool service_weighs_as(const struct control_service *s, const struct model_service *model);

/** service_hashes_as - whether @model leaves each client's slot where it is */
bool service_hashes_as(const struct control_service *s, const struct model_service *model);

/** service_update - take over @model: weights, drains, probes, who leaves; new backends are there
 * already */
void service_update(struct control *ctl, struct control_service *s,
		    const struct model_service *model);

/* ---- backends.c: rows of backends ---- */

/** backend_find - by address and port, or NULL */
struct control_backend *backend_find(const struct control_service *s, const struct lb_addr *address,
				     unsigned port);

/** backend_row - what dataplane_put_backend() wants to know of a backend of @s */
struct lb_backend backend_row(const struct control_service *s, const struct lb_addr *address,
			      unsigned port);

/** backend_create - a new row, dead until a probe decides; 0, -ENOSPC, -ENOMEM */
int backend_create(struct control *ctl, struct control_service *s,
		   const struct model_backend *model);

/** backend_adopt - the same around a row that is pinned; 0, -ENOMEM */
int backend_adopt(struct control *ctl, struct control_service *s, uint16_t id);

/** backend_update - take over @model: name, weight, drain, probe; start what is not yet running */
void backend_update(struct control *ctl, struct control_service *s, struct control_backend *b,
		    const struct model_backend *model);

/** backend_leave - it is in the configuration no more: drain it, then it is removed */
void backend_leave(struct control *ctl, struct control_service *s, struct control_backend *b);

/** backend_remove - out of the maps and of @s; its counters stay with the service */
void backend_remove(struct control *ctl, struct control_service *s, struct control_backend *b);

/** backend_forget - out of the maps, not of its service's list */
void backend_forget(struct control *ctl, struct control_backend *b);

/** backend_release - the memory and the observers alone: what is pinned stays */
void backend_release(struct control *ctl, struct control_backend *b);

/** backend_heed_agent - its agent check said drain, maint, or took it back */
void backend_heed_agent(struct control_service *s, struct control_backend *b);

/** backend_put_flags - what the data path is to know of drain and newcomers, where it has changed
 */
void backend_put_flags(struct control *ctl, struct control_backend *b);

/** backend_is_healthy - by its probes and its agent check; what panic and ejection make of it is
 * another matter */
static inline bool backend_is_healthy(const struct control_backend *b)
{
	return b->is_healthy && b->agent.state != AGENT_DOWN;
}

/* ---- step.c: alive, dead, draining ---- */

/** step_backends - one look at each backend's life; what is drained and has left is removed */
void step_backends(struct control *ctl, struct control_service *s, uint32_t now);

/** step_say_reason - why @b is in the state it is in, to b->reason */
void step_say_reason(const struct control *ctl, const struct control_service *s,
		     struct control_backend *b);

/* ---- weights.c: what each backend weighs ---- */

/** weights_policy - of a service's configuration, for plan/weigh.h */
struct weigh_policy weights_policy(const struct model_service *model);

/** weights_of - one backend as it is observed; is_healthy is by probes, agent check and ejection */
struct weigh_backend weights_of(const struct control_service *s, const struct control_backend *b);

/** weights_judge_panic - s->panic, before any generation moves; a change makes the table dirty.
 * Returns whether it has changed */
bool weights_judge_panic(struct control_service *s);

/** weights_begin_ramp - @b begins to take newcomers: slow start, where the service has one */
void weights_begin_ramp(struct control_service *s, struct control_backend *b);

/** weights_step_controllers - ramps and `weights: adaptive`, where their time has come */
void weights_step_controllers(struct control_service *s, uint64_t now_ms);

/** weights_propose - b->proposed of all, and s->groups; 0 or -ENOMEM */
int weights_propose(struct control_service *s);

/** weights_differ - whether what is proposed is worth a new table (churn: hysteresis) */
bool weights_differ(const struct control_service *s);

/** weights_adopt - b->effective of all; says so where it matters */
void weights_adopt(struct control_service *s);

/* ---- servers.c: hash: quic, backends by their server ids ---- */

/** servers_put - let packets find the backends of @model by their ids; before the row says so */
void servers_put(struct control *ctl, struct control_service *s, const struct model_service *model);

/** servers_keep - forget the ids that are no longer any backend's: those of the configuration, and
 * those that are leaving, keep theirs */
void servers_keep(struct control *ctl, struct control_service *s);

/** servers_forget - all ids of a service that is gone, or that goes by them no longer */
void servers_forget(struct control *ctl, uint16_t service);

/** servers_is_quiet - whether no packet has gone to @b since this was last asked; what goes by ids
 * has no record that tells. Always true of services without ids. */
bool servers_is_quiet(struct control *ctl, struct control_backend *b);

/* ---- schedule.c: tables as schedulers want them, and their rows ---- */

struct maglev_backend;

/**
 * schedule_build - the table of @scheduler; also what --dry-run asks
 * @cycle: slots of one round, or of candidates; @size for hash schedulers; 0: nobody has weight,
 *         and @out is all 0
 * Returns 0, -EINVAL, -ENOMEM.
 */
int schedule_build(enum model_scheduler scheduler, const struct maglev_backend *be, size_t n,
		   uint16_t *out, uint32_t size, uint32_t *cycle);

/** service_build - s->wanted, cycle and digest_target by effective weights; 0 or -ENOMEM */
int service_build(struct control_service *s);

/** schedule_mask - of the client addresses of @model, network order; IPv4: all of it */
void schedule_mask(const struct model_service *model, uint64_t *mask_hi, uint64_t *mask_lo);

/** schedule_put - the row of lb_schedules with the settings of s->model and the cycle it has */
void schedule_put(struct control *ctl, struct control_service *s);

/** schedule_before_slots, schedule_after_slots - around the stores of a new table: a shorter cycle
 * first, a longer one after the slots that it adds */
void schedule_before_slots(struct control *ctl, struct control_service *s);
void schedule_after_slots(struct control *ctl, struct control_service *s);

/* ---- moves.c: bounded churn ---- */

/** moves_plan - s->target, by s->wanted and what may move now; @is_new: wanted has changed. 0 or
 * -ENOMEM */
int moves_plan(struct control *ctl, struct control_service *s, bool is_new, uint64_t now_ms);

/**
 * moves_foresee - the words as they will be once all that was granted has happened
 * A slot that warms up for its target (W, or for UDP a quiet Ts) has it already, or each interval
 * would grant the same moves again. What goes back to where it still is costs nothing.
 * @live: the words as they stand; @words: table_size, filled
 */
void moves_foresee(const struct control_service *s, const uint32_t *live, const bool *may_stay,
		   uint32_t *words);

/** moves_count - a slot's word was changed */
void moves_count(struct control *ctl, struct control_service *s, uint32_t was, uint32_t now);

/* ---- feedback.c: loads, response times, costs ---- */

/** control_feedback - what is done each second; does nothing when called earlier */
void control_feedback(struct control *ctl, uint64_t now_ms);

/** feedback_begin - count from now on: @b's row of lb_loads may hold sums already */
void feedback_begin(const struct control *ctl, struct control_backend *b);

/** feedback_set_costs - least_*: costs by effective weights and times, where they have changed */
void feedback_set_costs(struct control *ctl, struct control_service *s);

/* ---- passive.c: samples, ejection ---- */

/** passive_arm - watch samples from now on, or no longer, as the configuration says; 0 or -1 */
int passive_arm(struct control *ctl);

/** passive_begin - as feedback_begin */
void passive_begin(const struct control *ctl, struct control_backend *b);

/* ---- agents.c: agent checks ---- */

/** agents_reported - agent_check_fn; @arg is the struct control */
void agents_reported(void *arg, uint32_t token, const struct agent_report *report,
		     const char *error);

/** agents_watch - check @b's agent as the configuration says, or no longer */
void agents_watch(struct control *ctl, struct control_service *s, struct control_backend *b);
void agents_forget(struct control *ctl, struct control_backend *b);

/** agent_say - "agent check: maint, replacing a disk" into @buf */
void agent_say(const struct control_agent *agent, char *buf, size_t size);

/* ---- memory.c: lb_memos ---- */

/** memory_of - what the next agent is to know of @b */
struct lb_memo memory_of(const struct control *ctl, const struct control_backend *b);

/** memory_write - the same into the pinned map, where it has changed */
void memory_write(struct control *ctl, struct control_backend *b);

/** memory_recall - what the agent before this one knew of @b, whose generation @is_alive */
void memory_recall(struct control *ctl, struct control_backend *b, bool is_alive);

struct health_memory memory_for_probe(const struct control_backend *b, bool init_up);

/* ---- tick.c: observations -> plan -> data path ---- */

void control_tick(struct control *ctl);
void control_sweep(struct control *ctl);

/** control_soon - a tick as soon as the loop is idle */
void control_soon(struct control *ctl);

/** control_stats - counters of all backends, LB_MAX_BACKENDS rows, at most 100 ms old; NULL on
 * failure */
const struct lb_be_stats *control_stats(struct control *ctl);

/** execute_slots_op - emit of slots_step(): @arg is a struct slots_emission */
struct slots_emission {
	struct control *ctl;
	struct control_service *s;
	uint32_t count; /* operations */
};
void execute_slots_op(void *arg, const struct slots_op *op);

/** service_view - @s as slots_step() wants it */
struct slots_view service_view(const struct control *ctl, const struct control_service *s);

/** service_count_slots - who is named by the slots as they stand */
void service_count_slots(struct control *ctl, struct control_service *s);

/* ---- links.c: interfaces and VIPs ---- */

/**
 * links_apply - attach what the configuration names, detach what it no longer does
 * @may_be_absent: -ENODEV of any of them is no failure; else only of those that were there before
 */
int links_apply(struct control *ctl, const struct model_interface *interfaces, size_t count,
		bool may_be_absent);

/** links_changed - news of an interface */
void links_changed(struct control *ctl, const char *name);

/** vips_place - rows for the VIPs of @config; 0, -ENOSPC */
int vips_place(struct control *ctl, const struct model_config *config);

/** vips_apply - addresses for the VIPs of all services; rows and addresses of others go */
void vips_apply(struct control *ctl);

/** vips_withdraw - addresses only: before everything is removed */
void vips_withdraw(struct control *ctl);

/* ---- transaction.c ---- */

/** transaction_apply - make @next run, and take it over; on failure nothing has changed, and @error
 * says why. 0 or -errno. */
int transaction_apply(struct control *ctl, struct model_config *next, char *error, size_t size);

/* ---- start.c, reload.c ---- */

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
