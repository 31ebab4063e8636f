/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside this room: what health.c and the kinds of probe share. */
#ifndef LEAT_HEALTH_PROBE_H
#define LEAT_HEALTH_PROBE_H

#include <event2/event_struct.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "health/health.h"
#include "health/state.h"
#include "health/wheel.h"
#include "model/config.h"

struct exec_run;
struct http_client;
struct path;
struct path_flow;
struct target;

/** struct probe_kind - what a kind of probe must be able to do */
struct probe_kind {
	/* open - make ready for the target's settings; once before the first start. 0 or -errno */
	int (*open)(struct target *t);
	/* start - begin a probe; it ends in health_end_probe(), which start itself may call */
	void (*start)(struct target *t);
	/* cancel - drop the probe in flight without a report */
	void (*cancel)(struct target *t);
	/* close - undo open; no probe is in flight */
	void (*close)(struct target *t);
	/* stage - what the probe in flight is busy with, for "timeout after 500 ms <stage>" */
	const char *(*stage)(const struct target *t);
	/* silence - what to say where no answer until the deadline is a success; NULL, or no such
	 * function: it is a failure */
	const char *(*silence)(const struct target *t);
	/* all its sockets are of target_socket() and go to t->to, so `via: vip` works */
	bool has_via_vip;
};

/* one file each; a kind that is there has its row in kinds.c */
extern const struct probe_kind probe_tcp;
extern const struct probe_kind probe_http;
extern const struct probe_kind probe_https;
extern const struct probe_kind probe_grpc;
extern const struct probe_kind probe_udp;
extern const struct probe_kind probe_dns;
extern const struct probe_kind probe_icmp;
extern const struct probe_kind probe_exec;

/** probe_kind_of - the kind of @type, or NULL */
const struct probe_kind *probe_kind_of(enum model_probe type);

/** struct target_hop - where `via: vip` sends packets of a target */
struct target_hop {
	uint32_t ifindex; /* 0: unknown */
	uint8_t dst_mac[6];
	uint8_t src_mac[6];
};

/** struct member - a token, and the target it shares with others */
struct member {
	struct member *next;	       /* in its bucket of the table of tokens */
	struct member *next_of_target; /* in the list of its target */
	struct target *target;
	uint32_t token;
	int told; /* what its user takes for true: 1 up, -1 down, 0 nothing yet */
};

/** struct target - one thing probed; it is either waiting for its next probe or has one in flight
 */
struct target {
	struct wheel_entry entry; /* first; due: the next start, or the deadline of the probe */
	struct target *next;	  /* in its bucket of the table of targets */
	struct health *health;
	struct member *members; /* who is told; the last one that leaves takes the target along */
	unsigned reports;	/* going on: it is not freed before they are over */
	struct health_target at;
	struct target_hop hop; /* of the last health_set_hop() */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to; /* what a probe's socket connects to: the backend or, `via: vip`, the VIP; with the
	       * settings' port where they name one */
	socklen_t to_len;
	struct model_health settings; /* owns its strings */
	struct health_state state;
	struct state_past past;
	uint64_t planned_ms; /* CLOCK_MONOTONIC: when the last probe was to start; jitter adds here
			      */
	uint64_t due_ms;     /* CLOCK_MONOTONIC: of the next start */
	uint64_t started_us; /* CLOCK_MONOTONIC: of the last */
	bool is_probing;
	bool is_phased; /* its first probe is over, the second found a phase of its own */
	bool is_fast;	/* the last wait was a fast interval */
	bool has_grace; /* the deadline was put off once because the loop was late */
	const struct probe_kind *kind;
	struct path_flow *flow; /* the way of its packets; NULL: through the kernel's routes */
	/* for the kind alone; open() may count on zeroes */
	struct event socket_event; /* of the probe in flight */
	int fd;			   /* -1 while there is none, from before open() on */
	void *of_kind;
};

#define HEALTH_BUCKETS 8192

struct health {
	struct event_base *base;
	health_change_fn on_change;
	void *arg;
	struct wheel wheel;
	struct event tick_event;
	uint64_t armed_tick; /* that tick_event waits for; 0 in its callback, which arms at its end
			      */
	uint64_t random;
	struct http_client *http; /* NULL before the first http target */
	struct exec_run *killed_runs;
	struct path *path; /* NULL before the first target of `via: vip` */
	struct member *members[HEALTH_BUCKETS];
	struct target *targets[HEALTH_BUCKETS];
};

/**
 * health_end_probe - the probe of @t is over and its socket is gone
 * @reason: copied
 * Reports to the users, who may remove @t: do not touch it afterwards.
 */
void health_end_probe(struct target *t, enum probe_outcome outcome, const char *reason);

/** http_client_free - what the kinds that speak HTTP share, unused by now; NULL is allowed */
void http_client_free(struct http_client *client);

/** probe_exec_free - forget programs that were killed and have not ended yet; NULL is allowed */
void probe_exec_free(struct exec_run *killed);

#endif
