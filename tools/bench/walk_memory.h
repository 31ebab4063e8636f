/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory that a walked program sees: its maps at addresses of this process. */
#ifndef LEAT_BENCH_WALK_MEMORY_H
#define LEAT_BENCH_WALK_MEMORY_H

#include <stdint.h>

#define WALK_MAX_MAPS 64

struct walk_map {
	uint32_t id;
	uint64_t values; /* address of the first value */
	uint64_t bytes;	 /* of what is mapped or allocated there */
	void *rows;	 /* per-CPU maps: the one CPU's rows */
	int is_mapped;
};

struct walk_memory {
	struct walk_map maps[WALK_MAX_MAPS];
	unsigned count;
	uint32_t array_header; /* offset of the values in the kernel's struct bpf_array */
};

/** walk_memory_open - the maps of these ids; 0 or -errno */
int walk_memory_open(const uint32_t *ids, uint32_t count, struct walk_memory *out);
void walk_memory_close(struct walk_memory *memory);

/** walk_memory_map - stands for the kernel's pointer to the map; 0: no such map */
uint64_t walk_memory_map(const struct walk_memory *memory, uint32_t id);

/** walk_memory_value - address of the first value; 0: no such map */
uint64_t walk_memory_value(const struct walk_memory *memory, uint32_t id);

#endif
