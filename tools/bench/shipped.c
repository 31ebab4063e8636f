/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shipped object with its maps filled directly. The agent is the only writer of maps
 * where traffic is real; here it would only be in the way.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "leat_abi.h"
#include "subject.h"

#include "lb.skel.h" /* wants the types of leat_abi.h */

#define TABLE_SIZE   65537 /* the same as the textbook's */
#define SLOT_ROWS    (TABLE_SIZE / LB_SLOTS_PER_ROW + 1)
#define HASH_KEY     0x5bd1e9955bd1e995ULL
#define SEED	     0x2545f4914f6cdd1dULL
#define RECORD_UNITS 3600 /* 15 minutes of 2^6 jiffies at 250 Hz */
#define HALF_OPEN    50
#define STALE	     20 /* units; a record is rewritten when older than 4 */

struct shipped {
	struct lb *skel;
	void *flows[2]; /* IPv4, IPv6 */
	size_t flow_bytes[2];
};

const uint8_t subject_vip6[16] = { 0x20, 1, 0xd, 0xb8, 0, 2, [15] = 1 };
static const uint8_t backend6[16] = { 0x20, 1, 0xd, 0xb8, 0, 3, [15] = 1 };

static struct lb_addr mapped(uint32_t address)
{
	struct lb_addr a = { .words = { 0, 0, htonl(0xffff), htonl(address) } };

	return a;
}

static struct lb_addr plain6(const uint8_t bytes[16], unsigned add)
{
	struct lb_addr a;

	memcpy(a.bytes, bytes, sizeof(a.bytes));
	a.bytes[15] = (uint8_t)(a.bytes[15] + add);
	return a;
}

/* The first free row of a key's two sets: with a handful of rows there always is one. */
static uint32_t free_row(const struct lb_addr *address, uint32_t key_word, uint32_t sets,
			 bool (*is_used)(const struct lb *, uint32_t), const struct lb *skel)
{
	uint64_t hash = lb_hash_addr(address->halves[0], address->halves[1], key_word, HASH_KEY);
	uint32_t row = lb_set_first(hash, sets - 1) * 2;

	if (!is_used(skel, row))
		return row;
	if (!is_used(skel, row + 1))
		return row + 1;
	return lb_set_second(hash, sets - 1) * 2;
}

static bool service_used(const struct lb *skel, uint32_t row)
{
	return skel->bss->lb_services[row].family != 0;
}

static bool reply_used(const struct lb *skel, uint32_t row)
{
	return skel->bss->lb_replies[row].family != 0;
}

static void put_service(struct lb *skel, const struct lb_service *row)
{
	uint32_t at = free_row(&row->vip, row->key_word, LB_SERVICE_SETS, service_used, skel);

	memcpy(&skel->bss->lb_services[at], row, sizeof(*row));
}

static void put_reply(struct lb *skel, const struct lb_reply *row)
{
	uint32_t at = free_row(&row->address, row->key_word, LB_REPLY_SETS, reply_used, skel);

	memcpy(&skel->bss->lb_replies[at], row, sizeof(*row));
}

static void fill_backend(struct lb *skel, uint16_t id, uint8_t family,
			 const struct lb_service *service, uint32_t ifindex)
{
	unsigned n = id - 1U;
	struct lb_backend be = {
		.mac = { 0x02, 0, 0, 0, 1, (uint8_t)id, 0x02, 0, 0, 0, 0, 1 },
		.address = family == 4 ? mapped(SUBJECT_BACKEND4 + n) : plain6(backend6, n),
		.vip = service->vip,
		.port = htons(SUBJECT_BACKEND_PORT),
		.vip_port = service->port,
		.csum_l3 = 0x1357,
		.csum_l4 = 0x2468,
		.service = service->id,
		.proto = service->proto,
	};
	const struct lb_reply reply = {
		.address = be.address,
		.port = be.port,
		.proto = be.proto,
		.family = family,
		.backend = id,
		.service = service->id,
		.seed = service->seed,
	};

	be.ifindex = ifindex;
	memcpy(&skel->bss->lb_backends[id], &be, sizeof(be));
	put_reply(skel, &reply);
}

/* Both families have a service; their backends are 1.. and 101.., their slots one after the other.
 */
static void fill_family(struct lb *skel, const struct shipped_setup *setup, uint8_t family,
			union lb_slot *slots)
{
	struct lb_service service = {
		.vip = family == 4 ? mapped(SUBJECT_VIP4) : plain6(subject_vip6, 0),
		.port = htons(SUBJECT_PORT),
		.proto = IPPROTO_TCP,
		.family = family,
		.id = family,
		.forward = setup->is_nat ? LB_FORWARD_NAT : LB_FORWARD_DSR,
		.flags = setup->is_nat ? LB_SVC_TRACKED : 0,
		.table_size = TABLE_SIZE,
		.table_base = family == 4 ? 0 : SLOT_ROWS * LB_SLOTS_PER_ROW,
		.seed = SEED,
	};
	struct lb_service vip = { .vip = service.vip, .family = family, .flags = LB_SVC_VIP };
	uint16_t first = family == 4 ? 1 : 101;
	uint32_t backends = setup->backends ? setup->backends : 1;
	uint32_t i;

	for (i = 0; i < backends; i++)
		fill_backend(skel, (uint16_t)(first + i), family, &service, setup->backend_ifindex);
	for (i = 0; i < TABLE_SIZE; i++) {
		uint32_t id = first + i % backends;

		slots[service.table_base + i].word =
			setup->is_moving ? LB_SLOT(id, first, 1) : LB_SLOT(id, id, 0);
	}
	skel->bss->lb_timers[service.id].record = RECORD_UNITS;
	skel->bss->lb_timers[service.id].handshake = HALF_OPEN;
	put_service(skel, &service);
	put_service(skel, &vip);
}

static void *map_whole(const struct bpf_map *map, size_t *bytes)
{
	size_t size = (size_t)bpf_map__max_entries(map) * bpf_map__value_size(map);
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (at == MAP_FAILED)
		return NULL;
	*bytes = size;
	return at;
}

static uint32_t flow_sets(unsigned flows)
{
	uint32_t sets = 64;

	while (sets * LB_FLOW_WAYS < 2 * flows)
		sets *= 2;
	return sets;
}

static int load(struct lb *skel, const struct shipped_setup *setup)
{
	uint32_t sets = flow_sets(setup->flows);
	int err;

	skel->rodata->cfg_hash_key = HASH_KEY;
	skel->rodata->cfg_flow4_mask = sets - 1;
	skel->rodata->cfg_flow6_mask = sets - 1;
	skel->rodata->cfg_has_nat = setup->has_nat;
	err = bpf_map__set_max_entries(skel->maps.lb_slots, 2 * SLOT_ROWS);
	err = err ? err : bpf_map__set_max_entries(skel->maps.lb_stamps, 2 * SLOT_ROWS);
	err = err ? err : bpf_map__set_max_entries(skel->maps.lb_flows4, sets);
	err = err ? err : bpf_map__set_max_entries(skel->maps.lb_flows6, sets);
	return err ? err : lb__load(skel);
}

static int fill(struct shipped *shipped, const struct shipped_setup *setup)
{
	struct lb *skel = shipped->skel;
	uint32_t port = setup->backend_ifindex;
	size_t bytes;
	union lb_slot *slots = map_whole(skel->maps.lb_slots, &bytes);

	if (!slots)
		return -errno;
	fill_family(skel, setup, 4, slots);
	fill_family(skel, setup, 6, slots);
	munmap(slots, bytes);
	shipped->flows[0] = map_whole(skel->maps.lb_flows4, &shipped->flow_bytes[0]);
	shipped->flows[1] = map_whole(skel->maps.lb_flows6, &shipped->flow_bytes[1]);
	if (!shipped->flows[0] || !shipped->flows[1])
		return -errno;
	return bpf_map_update_elem(bpf_map__fd(skel->maps.lb_ports), &port, &port, 0);
}

static uint64_t reason_count(const struct lb *skel, enum lb_reason reason, int cpus)
{
	struct lb_reason_counts *rows = calloc((size_t)cpus, sizeof(*rows));
	uint64_t total = 0;
	uint32_t zero = 0;
	int cpu;

	if (rows && !bpf_map_lookup_elem(bpf_map__fd(skel->maps.lb_reasons), &zero, rows)) {
		for (cpu = 0; cpu < cpus; cpu++)
			total += rows[cpu].by_reason[reason];
	}
	free(rows);
	return total;
}

static void shipped_count(const struct subject *s, struct subject_counts *out)
{
	const struct lb *skel = ((struct shipped *)s->object)->skel;
	int fd = bpf_map__fd(skel->maps.lb_be_stats);
	int cpus = libbpf_num_possible_cpus();
	struct lb_be_stats *rows = calloc((size_t)cpus, sizeof(*rows));
	uint32_t id;
	int cpu;

	memset(out, 0, sizeof(*out));
	if (!rows)
		return;
	for (id = 1; id < 200; id++) {
		if (!skel->bss->lb_backends[id].service || bpf_map_lookup_elem(fd, &id, rows))
			continue;
		for (cpu = 0; cpu < cpus; cpu++) {
			out->forwarded += rows[cpu].packets;
			out->replied += rows[cpu].replies;
			out->created += rows[cpu].connections;
		}
	}
	out->passed = reason_count(skel, LB_NOT_SERVICE, cpus);
	out->pings = reason_count(skel, LB_PING, cpus);
	free(rows);
}

static void shipped_clear(const struct subject *s)
{
	const struct shipped *shipped = s->object;

	memset(shipped->flows[0], 0, shipped->flow_bytes[0]);
	memset(shipped->flows[1], 0, shipped->flow_bytes[1]);
}

static void date_record(union lb_record *record, uint32_t clock)
{
	if (record->value)
		record->last_use = clock & 0xffffff;
}

static void shipped_date(const struct subject *s, uint64_t jiffies, bool is_stale)
{
	const struct shipped *shipped = s->object;
	uint32_t clock = (uint32_t)(jiffies >> shipped->skel->rodata->cfg_clock_shift);
	struct lb_flow4 *flows4 = shipped->flows[0];
	struct lb_flow6 *flows6 = shipped->flows[1];
	size_t i;

	clock -= is_stale ? STALE : 0;
	for (i = 0; i < shipped->flow_bytes[0] / sizeof(*flows4); i++)
		date_record(&flows4[i].record, clock);
	for (i = 0; i < shipped->flow_bytes[1] / sizeof(*flows6); i++)
		date_record(&flows6[i].record, clock);
}

static void shipped_close(struct subject *s)
{
	struct shipped *shipped = s->object;
	int i;

	for (i = 0; i < 2; i++) {
		if (shipped->flows[i])
			munmap(shipped->flows[i], shipped->flow_bytes[i]);
	}
	lb__destroy(shipped->skel);
	free(shipped);
	memset(s, 0, sizeof(*s));
}

int shipped_open(const struct shipped_setup *setup, struct subject *out)
{
	struct shipped *shipped = calloc(1, sizeof(*shipped));
	struct subject subject = {
		.object = shipped,
		.count = shipped_count,
		.clear = shipped_clear,
		.date = shipped_date,
		.close = shipped_close,
	};
	int err;

	if (!shipped)
		return -ENOMEM;
	shipped->skel = lb__open();
	if (!shipped->skel) {
		free(shipped);
		return -errno;
	}
	err = load(shipped->skel, setup);
	err = err ? err : fill(shipped, setup);
	if (err) {
		shipped_close(&subject);
		return err;
	}
	subject.prog_fd = bpf_program__fd(shipped->skel->progs.lb_xdp);
	*out = subject;
	return 0;
}

bool shipped_has_frags(void)
{
	struct lb *skel = lb__open();
	bool has_frags;

	if (!skel)
		return false;
	has_frags = bpf_program__flags(skel->progs.lb_xdp) & BPF_F_XDP_HAS_FRAGS;
	lb__destroy(skel);
	return has_frags;
}
