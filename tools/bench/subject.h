/* SPDX-License-Identifier: GPL-2.0-only */
/* The programs under test, loaded and filled: the textbook's and the shipped one. */
#ifndef LEAT_BENCH_SUBJECT_H
#define LEAT_BENCH_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "wrapper.h"

/* the services that every subject serves */
#define SUBJECT_VIP4	     0xc6336401 /* 198.51.100.1 */
#define SUBJECT_PORT	     80
#define SUBJECT_BACKEND4     0xc0000201 /* 192.0.2.1, the first */
#define SUBJECT_BACKEND_PORT 8080
#define SUBJECT_MAX_FLOWS    (2 * 1024 * 1024)

extern const uint8_t subject_vip6[16];

/** struct subject_counts - what tells that a packet took the path meant */
struct subject_counts {
	uint64_t forwarded; /* requests, by the subject's own counters */
	uint64_t replied;
	uint64_t created; /* flow records */
	uint64_t passed;  /* not a service */
	uint64_t pings;
};

/** struct subject - one loaded program; count, clear and date are NULL where it keeps nothing */
struct subject {
	int prog_fd;
	void *object;
	void (*count)(const struct subject *s, struct subject_counts *out);
	void (*clear)(const struct subject *s); /* forget every flow */
	/* date every record's last use: @jiffies, or, where @is_stale, long enough before */
	void (*date)(const struct subject *s, uint64_t jiffies, bool is_stale);
	void (*close)(struct subject *s);
};

/** textbook_open - the reference programs: 'a' to 'f', each with maps of its own */
int textbook_open(char which, uint32_t ifindex, struct subject *out);

/** struct shipped_setup - how the shipped program is to be used */
struct shipped_setup {
	bool has_nat;	   /* configured on the node at all */
	bool is_nat;	   /* the service's mode; else dsr */
	bool is_moving;	   /* every slot is {B, A, 1} */
	bool is_redirect;  /* backends behind another interface */
	unsigned backends; /* of each service */
	unsigned flows;	   /* expected; sizes the table */
	uint32_t ifindex;  /* where packets come from */
	uint32_t backend_ifindex;
};

/** shipped_open - the shipped object, set and filled as the agent would; 0 or -errno */
int shipped_open(const struct shipped_setup *setup, struct subject *out);

/** shipped_has_frags - whether the shipped program is loaded with BPF_F_XDP_HAS_FRAGS */
bool shipped_has_frags(void);

#endif
