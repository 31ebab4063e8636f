/* SPDX-License-Identifier: GPL-2.0-only */
/* Timing of one XDP program behind the wrapper of wrap.bpf.c. */
#ifndef LEAT_BENCH_WRAPPER_H
#define LEAT_BENCH_WRAPPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wrap.h"

#define WRAPPER_MAX_FRAME 128

/** enum shape - of the packets a program gets */
enum shape {
	SHAPE_V4,
	SHAPE_V4_TUNNEL, /* the program pushes a header */
	SHAPE_V4_TAGGED, /* one VLAN tag */
	SHAPE_V4_PING,
	SHAPE_V4_REPLY, /* from a backend to a client */
	SHAPE_V6,
	SHAPE_V6_REPLY,
};

/** struct traffic - one kind of packet; the end that is not the client is @address and @port */
struct traffic {
	enum shape shape;
	uint32_t address4; /* host order */
	uint8_t address6[16];
	uint16_t port; /* host order */
	bool is_syn;
};

struct wrapper;

/**
 * wrapper_open - load the wrapper, for programs on interface @ifindex
 * @has_frags: whether the programs under test were loaded with BPF_F_XDP_HAS_FRAGS (a tail call
 * between the two kinds is refused)
 * @drains: the wrapper empties the CPU's store buffer before each packet
 * Returns 0 or -errno.
 */
int wrapper_open(int ifindex, bool has_frags, bool drains, struct wrapper **out);
void wrapper_close(struct wrapper *w);

/** wrapper_target - the program under test from now on */
int wrapper_target(struct wrapper *w, int prog_fd);

/** struct wrapper_run - which packets, and how many */
struct wrapper_run {
	const struct traffic *traffic;
	uint32_t flows;	    /* at random out of so many ... */
	bool is_sequential; /* ... or one after the other from @first on */
	uint32_t first;
	uint32_t repeat;
	bool is_stub;
};

/**
 * wrapper_run - send the packets
 * @cpu_ns:  thread CPU time of all of them
 * @verdict: of the last
 * Returns 0 or -errno.
 */
int wrapper_run(struct wrapper *w, const struct wrapper_run *run, double *cpu_ns,
		uint32_t *verdict);

/**
 * wrapper_establish - a first packet (SYN), then another (ACK) from each of @flows clients
 * @t: is_syn is ignored
 * Returns 0 or -errno.
 */
int wrapper_establish(struct wrapper *w, const struct traffic *t, uint32_t flows);

/** wrapper_prepare - settings and frame for @run, without running it (the live test) */
uint32_t wrapper_prepare(struct wrapper *w, const struct wrapper_run *run,
			 uint8_t frame[WRAPPER_MAX_FRAME]);

/**
 * wrapper_frame - what a program would get for @t's packet of client @flow
 * @frame: WRAPPER_MAX_FRAME bytes
 * @length: of it
 * Returns 0 or -errno.
 */
int wrapper_frame(struct wrapper *w, const struct traffic *t, uint32_t flow, uint8_t *frame,
		  uint32_t *length);

/** wrapper_jiffies - as the data path reads them now; 0 or -errno */
int wrapper_jiffies(struct wrapper *w, uint64_t *jiffies);

/** wrapper_live - the descriptors and counters that the live test needs */
struct wrapper_live {
	int generate_fd;
	int sink_fd;
	const volatile uint64_t *sunk; /* 64 counters */
	volatile uint32_t *egress;
};
void wrapper_live(struct wrapper *w, struct wrapper_live *out);

#endif
