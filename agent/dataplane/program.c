/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "lb.skel.h"

#include "model/cleanup.h"

struct program {
	struct lb *skel;
};

static struct bpf_map *map_of(const struct lb *skel, enum dataplane_map which)
{
	switch (which) {
	case MAP_NODE:
		return skel->maps.lb_node;
	case MAP_TABLES:
		return skel->maps.bss;
	case MAP_SLOTS:
		return skel->maps.lb_slots;
	case MAP_STAMPS:
		return skel->maps.lb_stamps;
	case MAP_FLOWS4:
		return skel->maps.lb_flows4;
	case MAP_FLOWS6:
		return skel->maps.lb_flows6;
	case MAP_LOCKS:
		return skel->maps.lb_locks;
	case MAP_BE_STATS:
		return skel->maps.lb_be_stats;
	case MAP_REASONS:
		return skel->maps.lb_reasons;
	case MAP_PORTS:
		return skel->maps.lb_ports;
	case MAP_AFFINITIES:
		return skel->maps.lb_affinities;
	case MAP_QUIC_SERVERS:
		return skel->maps.lb_quic_servers;
	case MAP_COUNT:
		break;
	}
	return NULL;
}

static void set_rodata(const struct dataplane *dp, const struct dataplane_tuning *tuning,
		       struct lb__rodata *rodata)
{
	rodata->cfg_hash_key = dp->node.hash_key[0];
	rodata->cfg_flow4_mask = dp->node.flow4_sets - 1;
	rodata->cfg_flow6_mask = dp->node.flow6_sets - 1;
	rodata->cfg_clock_shift = dp->node.clock_shift;
	rodata->cfg_grain = tuning->grain;
	rodata->cfg_slack = tuning->slack;
	rodata->cfg_has_nat = tuning->features.has_nat;
	rodata->cfg_has_masks = tuning->features.has_masks;
	rodata->cfg_has_picks = tuning->features.has_picks;
	rodata->cfg_has_counts = tuning->features.has_counts;
	rodata->cfg_has_affinity = tuning->features.has_affinity;
	rodata->cfg_has_samples = tuning->features.has_samples;
	rodata->cfg_has_quic = tuning->features.has_quic;
	rodata->cfg_dry_run = tuning->dry_run;
}

static int set_sizes(const struct dataplane *dp, const struct lb *skel)
{
	uint32_t rows = (dp->node.max_slots + LB_SLOTS_PER_ROW - 1) / LB_SLOTS_PER_ROW;
	int err = bpf_map__set_max_entries(skel->maps.lb_slots, rows);

	if (!err)
		err = bpf_map__set_max_entries(skel->maps.lb_stamps, rows);
	if (!err)
		err = bpf_map__set_max_entries(skel->maps.lb_flows4, dp->node.flow4_sets);
	if (!err)
		err = bpf_map__set_max_entries(skel->maps.lb_flows6, dp->node.flow6_sets);
	if (!err)
		err = bpf_map__set_max_entries(skel->maps.lb_affinities, dp->node.max_affinities);
	return err;
}

/* ---- maps that are there already ---------------------------------------- */

static uint32_t fnv1a(uint32_t hash, const void *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * 16777619U;
	return hash;
}

/*
 * Where the compiler put each table within .bss: names, offsets and sizes. Another compiler,
 * or a table more, is another layout, even where nobody has raised the version.
 */
static uint32_t tables_digest(const struct lb *skel)
{
	const struct btf *btf = bpf_object__btf(skel->obj);
	int id = btf__find_by_name_kind(btf, ".bss", BTF_KIND_DATASEC);
	const struct btf_var_secinfo *entry;
	const struct btf_type *section;
	uint32_t digest = 2166136261U;

	if (id < 0)
		return 1;
	section = btf__type_by_id(btf, (uint32_t)id);
	entry = btf_var_secinfos(section);
	for (unsigned i = 0; i < btf_vlen(section); i++) {
		const struct btf_type *variable = btf__type_by_id(btf, entry[i].type);
		const char *name = btf__name_by_offset(btf, variable->name_off);

		digest = fnv1a(digest, name, strlen(name));
		digest = fnv1a(digest, &entry[i].offset, sizeof(entry[i].offset));
		digest = fnv1a(digest, &entry[i].size, sizeof(entry[i].size));
	}
	return digest ? digest : 1; /* 0: not taken yet */
}

static int check_tables(struct dataplane *dp, const struct lb *skel, struct dataplane_error *error)
{
	uint32_t digest = tables_digest(skel);

	if (!dp->node.tables_digest)
		dp->node.tables_digest = digest;
	if (dp->node.tables_digest != digest)
		return dataplane_fail(
			error, -EPROTO,
			"the pinned lb_tables lie otherwise than in this binary: go on "
			"with the binary that made them, or `leat stop --detach` and "
			"start anew");
	return 0;
}

/* The kernel adds BPF_F_RDONLY_PROG to a devmap by itself. */
static bool has_same_shape(const struct bpf_map_info *info, const struct bpf_map *map)
{
	return info->type == bpf_map__type(map) && info->key_size == bpf_map__key_size(map) &&
	       info->value_size == bpf_map__value_size(map) &&
	       (info->map_flags & ~BPF_F_RDONLY_PROG) ==
		       (bpf_map__map_flags(map) & ~BPF_F_RDONLY_PROG);
}

static int reuse_map(const struct dataplane *dp, const struct lb *skel, enum dataplane_map which,
		     struct dataplane_error *error)
{
	struct bpf_map *map = map_of(skel, which);
	int fd = dp->map_fd[which];
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);
	int err = bpf_obj_get_info_by_fd(fd, &info, &length);

	if (!err && !has_same_shape(&info, map))
		return dataplane_fail(error, -EPROTO,
				      "the pinned %s is not as this binary makes it: go on with "
				      "the binary that made it, or `leat stop --detach` and start "
				      "anew",
				      pins_map_name(which));
	if (!err)
		err = bpf_map__reuse_fd(map, fd);
	if (err)
		return dataplane_fail(error, err, "adopting %s: %s", pins_map_name(which),
				      strerror(-err));
	return 0;
}

static int reuse_maps(struct dataplane *dp, const struct lb *skel, struct dataplane_error *error)
{
	int err = check_tables(dp, skel, error);

	for (int which = 0; !err && which < MAP_COUNT; which++) {
		if (dp->map_fd[which] >= 0)
			err = reuse_map(dp, skel, which, error);
	}
	return err;
}

/* ---- loading ------------------------------------------------------------ */

static int keep_maps(struct dataplane *dp, const struct lb *skel)
{
	for (int which = 0; which < MAP_COUNT; which++) {
		if (dp->map_fd[which] >= 0)
			continue;
		dp->map_fd[which] = fcntl(bpf_map__fd(map_of(skel, which)), F_DUPFD_CLOEXEC, 0);
		if (dp->map_fd[which] < 0)
			return -errno;
	}
	return 0;
}

static int load(struct dataplane *dp, const struct dataplane_tuning *tuning, struct lb *skel,
		struct dataplane_error *error)
{
	char said[400];
	int err;

	if (tuning)
		set_rodata(dp, tuning, skel->rodata);
	else
		bpf_program__set_autoload(skel->progs.lb_xdp, false);
	err = set_sizes(dp, skel);
	if (err)
		return dataplane_fail(error, err, "sizing the maps: %s", strerror(-err));
	err = reuse_maps(dp, skel, error);
	if (err)
		return err;
	err = lb__load(skel);
	if (!err)
		err = keep_maps(dp, skel);
	if (err)
		return dataplane_fail(error, err, "loading the program: %s%s: %s", strerror(-err),
				      err == -EPERM ? " (leat must run as root)" : "",
				      errors_tail(said, sizeof(said)));
	return 0;
}

int program_load(struct dataplane *dp, const struct dataplane_tuning *tuning, struct program **out,
		 struct dataplane_error *error)
{
	AUTO_FREE struct program *program = calloc(1, sizeof(*program));
	char said[400];
	int err;

	if (!program)
		return dataplane_fail(error, -ENOMEM, "out of memory");
	errors_collect();
	program->skel = lb__open();
	if (!program->skel) {
		err = -errno;
		return dataplane_fail(error, err, "opening the program: %s",
				      errors_tail(said, sizeof(said)));
	}
	err = load(dp, tuning, program->skel, error);
	if (err) {
		lb__destroy(program->skel);
		return err;
	}
	*out = TAKE(program);
	return 0;
}

void program_free(struct program *program)
{
	if (!program)
		return;
	lb__destroy(program->skel);
	free(program);
}

int program_xdp_fd(const struct program *program)
{
	return bpf_program__fd(program->skel->progs.lb_xdp);
}

int program_clock_fd(const struct program *program)
{
	return bpf_program__fd(program->skel->progs.lb_clock);
}

/* ---- mappings of our own: they outlive the program they came with -------- */

static size_t round_to_page(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

static size_t slots_bytes(const struct dataplane *dp)
{
	size_t rows = (dp->node.max_slots + LB_SLOTS_PER_ROW - 1) / LB_SLOTS_PER_ROW;

	return round_to_page(rows * sizeof(struct lb_slot_row));
}

static size_t flows4_bytes(const struct dataplane *dp)
{
	return round_to_page((size_t)dp->node.flow4_sets * sizeof(struct lb_flow4_set));
}

static size_t flows6_bytes(const struct dataplane *dp)
{
	return round_to_page((size_t)dp->node.flow6_sets * sizeof(struct lb_flow6_set));
}

static void *map_memory(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void name_tables(struct tables *tables)
{
	struct lb__bss *bss = tables->memory;

	tables->services = bss->lb_services;
	tables->backends = bss->lb_backends;
	tables->replies = bss->lb_replies;
	tables->hops = bss->lb_hops;
	tables->timers = bss->lb_timers;
	tables->schedules = bss->lb_schedules;
	tables->loads = bss->lb_loads;
	tables->samples = bss->lb_samples;
	tables->memos = bss->lb_memos;
	tables->explain = &bss->lb_explain;
}

int program_map_tables(struct dataplane *dp)
{
	dp->tables.size = round_to_page(sizeof(struct lb__bss));
	dp->tables.memory = map_memory(dp->map_fd[MAP_TABLES], dp->tables.size);
	dp->words = map_memory(dp->map_fd[MAP_SLOTS], slots_bytes(dp));
	dp->stamps = map_memory(dp->map_fd[MAP_STAMPS], slots_bytes(dp));
	dp->flows4 = map_memory(dp->map_fd[MAP_FLOWS4], flows4_bytes(dp));
	dp->flows6 = map_memory(dp->map_fd[MAP_FLOWS6], flows6_bytes(dp));
	if (!dp->tables.memory || !dp->words || !dp->stamps || !dp->flows4 || !dp->flows6)
		return -ENOMEM;
	name_tables(&dp->tables);
	return 0;
}

static void unmap(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

void program_unmap_tables(struct dataplane *dp)
{
	unmap(dp->tables.memory, dp->tables.size);
	unmap(dp->words, slots_bytes(dp));
	unmap(dp->stamps, slots_bytes(dp));
	unmap(dp->flows4, flows4_bytes(dp));
	unmap(dp->flows6, flows6_bytes(dp));
}
