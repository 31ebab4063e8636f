/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"
#include "reference.skel.h"
#include "subject.h"

#define BACKENDS 10

static void textbook_count(const struct subject *s, struct subject_counts *out)
{
	const struct reference *skel = s->object;
	int cpus = libbpf_num_possible_cpus();
	struct ref_counter *counters = calloc((size_t)cpus, sizeof(*counters));
	uint32_t vip = 0;
	int cpu;

	memset(out, 0, sizeof(*out));
	if (!counters)
		return;
	if (!bpf_map_lookup_elem(bpf_map__fd(skel->maps.ref_counters), &vip, counters)) {
		for (cpu = 0; cpu < cpus; cpu++)
			out->forwarded += counters[cpu].packets;
	}
	out->created = skel->bss->ref_flow_misses;
	free(counters);
}

static void textbook_close(struct subject *s)
{
	reference__destroy(s->object);
	memset(s, 0, sizeof(*s));
}

static void fill_fast(const struct reference *skel, uint32_t ifindex)
{
	uint64_t key = (uint64_t)htonl(SUBJECT_VIP4) << 32 | (uint64_t)IPPROTO_TCP << 16 |
		       htons(SUBJECT_PORT);
	uint32_t id;

	skel->bss->ref_fast_services[ref_fast_hash(key) >> 52] = (struct ref_fast_service) {
		.addr = htonl(SUBJECT_VIP4),
		.port = htons(SUBJECT_PORT),
		.proto = IPPROTO_TCP,
		.seed = 0x2545f4914f6cdd1dULL,
		.table_size = REF_TABLE_SIZE,
	};
	for (id = 1; id <= BACKENDS; id++)
		skel->bss->ref_fast_backends[id] = (struct ref_fast_backend) {
			.mac_first = 0x0200010100000002ULL + id,
			.mac_last = 0x01000000,
			.ifindex = ifindex,
		};
}

static int fill(const struct reference *skel)
{
	const struct ref_vip_key key = {
		.addr = htonl(SUBJECT_VIP4),
		.port = htons(SUBJECT_PORT),
		.proto = IPPROTO_TCP,
	};
	const struct ref_vip vip = { .id = 0 };
	uint32_t i, id;
	int err;

	err = bpf_map_update_elem(bpf_map__fd(skel->maps.ref_vips), &key, &vip, 0);
	for (i = 0; !err && i < REF_TABLE_SIZE; i++) {
		id = 1 + i % BACKENDS;
		err = bpf_map_update_elem(bpf_map__fd(skel->maps.ref_slots), &i, &id, 0);
	}
	for (id = 1; !err && id <= BACKENDS; id++) {
		const struct ref_backend be = {
			.addr = htonl(SUBJECT_BACKEND4 + id - 1),
			.port = htons(SUBJECT_BACKEND_PORT),
			.mac = { 0x02, 0, 0, 0, 1, (uint8_t)id },
			.own_mac = { 0x02, 0, 0, 0, 0, 1 },
		};

		err = bpf_map_update_elem(bpf_map__fd(skel->maps.ref_backends), &id, &be, 0);
	}
	return err;
}

/* Maps of the four other programs are not used; they need not cost memory. */
static int load(struct reference *skel, char which)
{
	char name[] = "ref_a";
	struct bpf_program *prog;
	int err;

	name[sizeof(name) - 2] = which;
	bpf_object__for_each_program (prog, skel->obj) {
		bool is_meant = !strcmp(bpf_program__name(prog), name);

		bpf_program__set_autoload(prog, is_meant);
		if (shipped_has_frags())
			bpf_program__set_flags(prog,
					       bpf_program__flags(prog) | BPF_F_XDP_HAS_FRAGS);
	}
	if (which != 'd') {
		err = bpf_map__set_max_entries(skel->maps.ref_flows, 1024);
		if (err)
			return err;
	}
	err = reference__load(skel);
	if (err)
		return err;
	return bpf_program__fd(bpf_object__find_program_by_name(skel->obj, name));
}

int textbook_open(char which, uint32_t ifindex, struct subject *out)
{
	struct reference *skel = reference__open();
	int err, fd;

	if (!skel)
		return -errno;
	fd = load(skel, which);
	err = fd < 0 ? fd : fill(skel);
	if (err) {
		reference__destroy(skel);
		return err;
	}
	fill_fast(skel, ifindex);
	*out = (struct subject) {
		.prog_fd = fd,
		.object = skel,
		.close = textbook_close,
	};
	if (which >= 'c')
		out->count = textbook_count;
	return 0;
}
