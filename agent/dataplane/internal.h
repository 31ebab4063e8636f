/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this room share; nobody else includes it. */
#ifndef LEAT_DATAPLANE_INTERNAL_H
#define LEAT_DATAPLANE_INTERNAL_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/dataplane.h"
#include "dataplane/keyed.h"
#include "dataplane/regions.h"
#include "dataplane/sweep.h"
#include "leat_abi.h"

/** enum dataplane_map - the pinned maps */
enum dataplane_map {
	MAP_NODE, /* first: removed first, pinned last */
	MAP_TABLES,
	MAP_SLOTS,
	MAP_STAMPS,
	MAP_FLOWS4,
	MAP_FLOWS6,
	MAP_LOCKS,
	MAP_BE_STATS,
	MAP_REASONS,
	MAP_PORTS,
	MAP_AFFINITIES,
	MAP_QUIC_SERVERS,
	MAP_COUNT,
};

/** struct dataplane_link - one interface that this process has attached to */
struct dataplane_link {
	char ifname[IFNAMSIZ];
	uint32_t ifindex;
	int fd;
};

/** struct dataplane_tuning - what goes into rodata beside the node's row */
struct dataplane_tuning {
	uint32_t grain; /* g, clock units */
	uint32_t slack; /* 2d */
	struct dataplane_features features;
	bool dry_run;
};

struct program;

/** struct tables - the one map of all fixed tables, and where each lies in it */
struct tables {
	void *memory;
	size_t size;
	struct lb_service *services;
	struct lb_backend *backends;
	struct lb_reply *replies;
	struct lb_hop *hops;
	struct lb_timers *timers;
	struct lb_schedule *schedules;
	struct lb_load *loads;
	struct lb_sample *samples;
	struct lb_memo *memos;
	struct lb_explain *explain;
};

struct dataplane {
	char pin_dir[PATH_MAX / 2];
	char note[512];
	int lock_fd;
	int map_fd[MAP_COUNT];
	struct lb_node node;
	struct dataplane_tuning tuning;
	struct program *live;
	struct program *dry; /* made at the first explain */

	struct dataplane_link links[LB_MAX_PORTS];
	size_t link_count;
	bool is_live;	 /* packets may be in the program */
	int grace_fd[2]; /* grace.c; -1: not made yet */

	/* mapped for as long as the dataplane is open, whatever program is loaded */
	struct tables tables;
	uint32_t *words;
	uint32_t *stamps;
	struct lb_flow4_set *flows4;
	struct lb_flow6_set *flows6;

	struct keyed services;
	struct keyed replies;
	struct regions regions;
	bool has_freed_slots; /* since the last grace period */

	struct lb_clock_reading reading;
	uint32_t last_clock;

	uint32_t ids;	 /* no backend's row from here on was ever used */
	bool is_counted; /* a sweep has seen the counts since the data path began to keep them */
	uint64_t corrections;
	struct sweep_hop hop_memory[LB_MAX_HOPS];
	struct sweep_count count_memory[LB_MAX_BACKENDS];
};

/* ---- errors.c ----------------------------------------------------------- */

/** dataplane_fail - @error says @format (NULL: nobody asked); returns @err, so that callers can
 * return it */
int dataplane_fail(struct dataplane_error *error, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** errors_collect - from now on libbpf's complaints are kept, not printed; forgets earlier ones */
void errors_collect(void);

/** errors_tail - the last complaints of libbpf, one line, at most @size - 1 bytes; "" where none */
const char *errors_tail(char *buf, size_t size);

/* ---- host.c ------------------------------------------------------------- */

/** host_check - x86-64 and Linux 6.1 or later; 0 or -EOPNOTSUPP */
int host_check(struct dataplane_error *error);

/** host_prepare_pin_dir - make @pin_dir, mounting bpffs where it is absent; @note tells of that */
int host_prepare_pin_dir(const char *pin_dir, char *note, size_t note_size,
			 struct dataplane_error *error);

/** host_lock - @pin_dir is ours until the returned descriptor is closed; waits up to @wait_ms;
 * -EBUSY: another process writes these maps */
int host_lock(const char *pin_dir, unsigned wait_ms, struct dataplane_error *error);

/* ---- pins.c ------------------------------------------------------------- */

/** pins_adopt - open the pinned maps of @dp->pin_dir and read the node's row
 * Returns 0; -ENOENT: none, or left half made; -EPROTO; else -errno. */
int pins_adopt(struct dataplane *dp, struct dataplane_error *error);

/** pins_publish - pin all maps, the node's row last */
int pins_publish(struct dataplane *dp, struct dataplane_error *error);

/** pins_remove - detach and unpin all links, unpin all maps; -ENOENT: there were none */
int pins_remove(const char *pin_dir, struct dataplane_error *error);

/** pins_map_name - what a map is pinned as */
const char *pins_map_name(enum dataplane_map which);

/** pins_link_path - where the link of @ifname is pinned, into @buf of PATH_MAX bytes; -ENAMETOOLONG
 */
int pins_link_path(const char *pin_dir, const char *ifname, char *buf);

/* ---- program.c ---------------------------------------------------------- */

/** program_load - an instance over dp->map_fd; a map that is missing there (-1) is made and kept
 * @tuning: NULL: the clock program alone
 * Returns 0; -EPROTO: the maps are not as this binary lays them out; else -errno. */
int program_load(struct dataplane *dp, const struct dataplane_tuning *tuning, struct program **out,
		 struct dataplane_error *error);
void program_free(struct program *program);
int program_xdp_fd(const struct program *program);
int program_clock_fd(const struct program *program);

/** program_map_tables, program_unmap_tables - dp->tables, words, stamps and flows */
int program_map_tables(struct dataplane *dp);
void program_unmap_tables(struct dataplane *dp);

/* ---- ticks.c ------------------------------------------------------------ */

/** ticks_read - one reading from the kernel */
int ticks_read(const struct program *program, struct lb_clock_reading *out);

/** ticks_find_hz - by a reading, or by two; 0: unknown */
unsigned ticks_find_hz(const struct program *program);

/** ticks_ktime_ns - the process's view of the clock that readings carry */
uint64_t ticks_ktime_ns(void);

/* ---- grace.c ------------------------------------------------------------ */

/** grace_wait - until no packet is in the program that was there at the call; does nothing where
 * the program is attached nowhere */
int grace_wait(struct dataplane *dp);

#endif
