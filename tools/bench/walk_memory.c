/* SPDX-License-Identifier: GPL-2.0-only */
#include "walk_memory.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Values begin in the last, unnamed member: a union of arrays. */
static int find_array_header(uint32_t *out)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_type *type;
	int id;

	if (!btf)
		return -errno;
	id = btf__find_by_name_kind(btf, "bpf_array", BTF_KIND_STRUCT);
	if (id > 0) {
		type = btf__type_by_id(btf, (uint32_t)id);
		*out = btf_member_bit_offset(type, btf_vlen(type) - 1U) / 8;
	}
	btf__free(btf);
	return id > 0 ? 0 : -ENOENT;
}

/* A per-CPU array is an array of pointers; here there is one CPU. */
static int fake_percpu(struct walk_map *map, const struct bpf_map_info *info)
{
	uint64_t row = (info->value_size + 7U) & ~7U;
	uint64_t *pointers = calloc(info->max_entries, sizeof(*pointers));
	uint32_t i;

	map->rows = calloc(info->max_entries, row);
	if (!pointers || !map->rows) {
		free(pointers);
		return -ENOMEM;
	}
	for (i = 0; i < info->max_entries; i++)
		pointers[i] = (uint64_t)(uintptr_t)map->rows + i * row;
	map->values = (uint64_t)(uintptr_t)pointers;
	return 0;
}

/* An array that cannot be mapped: a copy, value by value. */
static void copy_array(void *rows, uint64_t row, int fd, uint32_t count)
{
	uint32_t key;

	for (key = 0; key < count; key++)
		bpf_map_lookup_elem(fd, &key, (uint8_t *)rows + key * row);
}

static int fill_map(struct walk_map *map, int fd, const struct bpf_map_info *info)
{
	uint64_t row = (info->value_size + 7U) & ~7U;
	void *at;

	map->bytes = row * info->max_entries;
	if (info->type == BPF_MAP_TYPE_PERCPU_ARRAY)
		return fake_percpu(map, info);
	if (info->type == BPF_MAP_TYPE_ARRAY && info->map_flags & BPF_F_MMAPABLE) {
		int protection =
			info->map_flags & BPF_F_RDONLY_PROG ? PROT_READ : PROT_READ | PROT_WRITE;

		at = mmap(NULL, map->bytes, protection, MAP_SHARED, fd, 0);
		if (at == MAP_FAILED)
			return -errno;
		map->is_mapped = 1;
	} else {
		at = calloc(info->max_entries, row);
		if (!at)
			return -ENOMEM;
		if (info->type == BPF_MAP_TYPE_ARRAY)
			copy_array(at, row, fd, info->max_entries);
	}
	map->values = (uint64_t)(uintptr_t)at;
	return 0;
}

static int open_map(uint32_t id, struct walk_map *out)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);
	int err;

	if (fd < 0)
		return fd;
	out->id = id;
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	err = err ? err : fill_map(out, fd, &info);
	close(fd);
	return err;
}

int walk_memory_open(const uint32_t *ids, uint32_t count, struct walk_memory *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	if (count > WALK_MAX_MAPS)
		return -E2BIG;
	err = find_array_header(&out->array_header);
	while (!err && out->count < count) {
		err = open_map(ids[out->count], &out->maps[out->count]);
		out->count++;
	}
	if (err)
		walk_memory_close(out);
	return err;
}

void walk_memory_close(struct walk_memory *memory)
{
	unsigned i;

	for (i = 0; i < memory->count; i++) {
		struct walk_map *map = &memory->maps[i];

		if (map->is_mapped)
			munmap((void *)(uintptr_t)map->values, map->bytes);
		else
			free((void *)(uintptr_t)map->values);
		free(map->rows);
	}
	memory->count = 0;
}

uint64_t walk_memory_value(const struct walk_memory *memory, uint32_t id)
{
	unsigned i;

	for (i = 0; i < memory->count; i++) {
		if (memory->maps[i].id == id)
			return memory->maps[i].values;
	}
	return 0;
}

uint64_t walk_memory_map(const struct walk_memory *memory, uint32_t id)
{
	uint64_t values = walk_memory_value(memory, id);

	return values ? values - memory->array_header : 0;
}
