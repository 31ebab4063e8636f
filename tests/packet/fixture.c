/* SPDX-License-Identifier: GPL-2.0-only */
/* The program, its maps, and what lies in them before a test. packets.c has the rest. */
#include "fixture.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <netinet/in.h>

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lb.skel.h"

#define MAX_SLOTS   1024
#define MAX_SETS    128	   /* FIXTURE_FLOWS records, in sets of eight */
#define CLOCK_SHIFT 14	   /* a unit: 16 to 164 s, by HZ */
#define GRAIN_MS    256000 /* g: 2 to 16 units */
#define SLACK_MS    128000
#define FIRST_ID    1

struct fixture fx;

#define VARIANT(name, family_, proto_, forward_, flags_)                                           \
	const struct variant name = {                                                              \
		.family = (family_), .proto = (proto_), .forward = (forward_), .flags = (flags_)   \
	}
VARIANT(dsr_tcp4, 4, IPPROTO_TCP, LB_FORWARD_DSR, 0);
VARIANT(dsr_tcp6, 6, IPPROTO_TCP, LB_FORWARD_DSR, 0);
VARIANT(dsr_udp4, 4, IPPROTO_UDP, LB_FORWARD_DSR, 0);
VARIANT(dsr_udp6, 6, IPPROTO_UDP, LB_FORWARD_DSR, 0);
VARIANT(nat_tcp4, 4, IPPROTO_TCP, LB_FORWARD_NAT, LB_SVC_TRACKED);
VARIANT(nat_tcp6, 6, IPPROTO_TCP, LB_FORWARD_NAT, LB_SVC_TRACKED);
VARIANT(nat_udp4, 4, IPPROTO_UDP, LB_FORWARD_NAT, LB_SVC_TRACKED);
VARIANT(nat_udp6, 6, IPPROTO_UDP, LB_FORWARD_NAT, LB_SVC_TRACKED);

static uint32_t table_base;
static struct lb *clock_skel;

/* ---- opening ---------------------------------------------------------------- */

static int shell(const char *command)
{
	int status = system(command);

	if (status)
		fprintf(stderr, "failed: %s\n", command);
	return status;
}

static int pinned(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", fx.pin_dir, name);
	return bpf_obj_get(path);
}

static void *map_pinned(const char *name, size_t size)
{
	int fd = pinned(name);
	void *memory = MAP_FAILED;

	if (fd >= 0) {
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (memory == MAP_FAILED) {
		fprintf(stderr, "cannot map %s\n", name);
		exit(1);
	}
	return memory;
}

static int open_dataplane(void)
{
	struct dataplane_settings settings = {
		.pin_dir = fx.pin_dir,
		.max_slots = MAX_SLOTS,
		.max_flows = FIXTURE_FLOWS,
		/* one key for every run: with another a client's two sets may be one and the same
		 */
		.has_hash_key = true,
		.hash_key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 },
		.features.has_nat = true,
		.has_clock_shift = true,
		.clock_shift = CLOCK_SHIFT,
		.grain_ms = GRAIN_MS,
		.slack_ms = SLACK_MS,
	};
	struct dataplane_error error = {};
	bool is_adopted;
	int err;

	snprintf(fx.pin_dir, sizeof(fx.pin_dir), "/sys/fs/bpf/leat-packet-%d", getpid());
	err = dataplane_open(&settings, &fx.dp, &is_adopted, &error);
	if (err)
		fprintf(stderr, "dataplane_open: %d %s\n", err, error.text);
	return err;
}

static int attach(const char *ifname)
{
	struct dataplane_error error = {};
	bool is_native;
	int err = dataplane_attach(fx.dp, ifname, if_nametoindex(ifname), XDP_MODE_NATIVE,
				   &is_native, &error);

	if (err)
		fprintf(stderr, "dataplane_attach: %d %s\n", err, error.text);
	return err;
}

/*
 * far0 and far1 are ours; alien0 is an interface beside them. Their peers stay down, so that no
 * packet comes but those of the tests.
 */
static int make_interfaces(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	if (shell("ip link set lo up && "
		  "ip link add far0 type veth peer name far0p && "
		  "ip link add far1 type veth peer name far1p && "
		  "ip link add alien0 type veth peer name alien0p && "
		  "for i in far0 far1 alien0; do ip link set $i up || exit 1; done"))
		return -1;
	fx.far = if_nametoindex("far0");
	fx.far2 = if_nametoindex("far1");
	fx.alien = if_nametoindex("alien0");
	return attach("far0") || attach("far1") ? -1 : 0;
}

/* lb_clock alone, to read the jiffies as the program does. */
static int open_clock(void)
{
	clock_skel = lb__open();
	if (!clock_skel)
		return -1;
	bpf_program__set_autoload(clock_skel->progs.lb_xdp, false);
	return lb__load(clock_skel);
}

static void map_tables(void)
{
	const struct lb_node *node = dataplane_node(fx.dp);

	fx.sets = node->flow4_sets;
	fx.tables = map_pinned("lb_tables", sizeof(*fx.tables));
	fx.words = map_pinned("lb_slots", MAX_SLOTS * sizeof(uint32_t));
	fx.stamps = map_pinned("lb_stamps", MAX_SLOTS * sizeof(uint32_t));
	fx.flows4 = map_pinned("lb_flows4", fx.sets * sizeof(*fx.flows4));
	fx.flows6 = map_pinned("lb_flows6", fx.sets * sizeof(*fx.flows6));
	fx.grain = dataplane_units(fx.dp, GRAIN_MS);
	fx.slack = 2 * dataplane_units(fx.dp, SLACK_MS);
}

static int put_vip(int family)
{
	struct lb_service row = { .vip = *host_ip(&vip, family),
				  .family = (uint8_t)family,
				  .flags = LB_SVC_VIP };

	return dataplane_put_service(fx.dp, &row);
}

int fixture_open(void **state)
{
	(void)state;
	if (open_dataplane() || make_interfaces() || open_clock())
		return -1;
	map_tables();
	if (fx.sets != MAX_SETS || dataplane_node(fx.dp)->flow6_sets != MAX_SETS || put_vip(4) ||
	    put_vip(6))
		return -1;
	return dataplane_alloc_slots(fx.dp, FIXTURE_TABLE, &table_base);
}

int fixture_close(void **state)
{
	struct dataplane_error error = {};

	(void)state;
	lb__destroy(clock_skel);
	dataplane_close(fx.dp);
	dataplane_remove(fx.pin_dir, &error);
	return access(fx.pin_dir, F_OK) == 0;
}

/* ---- before each test --------------------------------------------------------- */

static uint64_t read_jiffies(void)
{
	unsigned char frame[64] = {}, reply[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .data_out = reply, .data_size_out = sizeof(reply), .repeat = 1);
	struct lb_clock_reading reading;

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(clock_skel->progs.lb_clock), &run),
			 0);
	memcpy(&reading, reply, sizeof(reading));
	return reading.jiffies;
}

/* A test is over long before the last 16th of a unit is; what begins in that waits it out. */
static void await_steady_clock(void)
{
	const uint64_t unit = 1 << CLOCK_SHIFT;
	uint64_t jiffies = read_jiffies();

	while (jiffies % unit > unit - unit / 16) {
		usleep(20000);
		jiffies = read_jiffies();
	}
	fx.now = (uint32_t)(jiffies >> CLOCK_SHIFT);
}

static void put_backend(uint16_t id, const struct host *web)
{
	struct lb_backend row = {
		.address = *host_ip(web, fx.variant.family),
		.vip = *host_ip(&vip, fx.variant.family),
		.port = htons(WEB_PORT),
		.vip_port = htons(VIP_PORT),
		.proto = fx.variant.proto,
		.service = fx.service.id,
	};

	assert_int_equal(dataplane_put_backend(fx.dp, id, &row, fx.service.seed,
					       fx.variant.forward == LB_FORWARD_NAT),
			 0);
	dataplane_set_hop(fx.dp, id, FIXTURE_LO, web->mac, gateway.mac);
	fx.tables->lb_backends[id].generation = 0;
}

/* One service a family and protocol; what differs between modes is replaced. */
static unsigned number_of(const struct variant *variant)
{
	return (variant->family == 6 ? 2 : 0) + (variant->proto == IPPROTO_UDP ? 1 : 0);
}

void fixture_use(const struct variant *variant)
{
	struct lb_timers timers = { .record = FIXTURE_RECORD, .handshake = FIXTURE_HANDSHAKE };
	uint16_t number = (uint16_t)number_of(variant);

	fx.variant = *variant;
	fx.service = (struct lb_service) {
		.vip = *host_ip(&vip, variant->family),
		.port = htons(VIP_PORT),
		.proto = variant->proto,
		.family = (uint8_t)variant->family,
		.id = (uint16_t)(FIRST_ID + number),
		.forward = variant->forward,
		.flags = variant->flags,
		.table_size = FIXTURE_TABLE,
		.table_base = table_base,
	};
	fx.service.seed = dataplane_seed(fx.dp, &fx.service);
	fx.web1 = (uint16_t)(8 * number + 1);
	fx.web2 = (uint16_t)(fx.web1 + 1);
	fx.web3 = (uint16_t)(fx.web1 + 2);
	dataplane_put_timers(fx.dp, fx.service.id, &timers);
	put_backend(fx.web1, &web1);
	put_backend(fx.web2, &web2);
	put_backend(fx.web3, &web3);
	assert_int_equal(dataplane_put_service(fx.dp, &fx.service), 0);
	fixture_fill(LB_SLOT(fx.web1, fx.web1, 0), LB_STAMP_CLOSED);
}

void fixture_use_all_features(void)
{
	const struct dataplane_features all = {
		.has_nat = true,
		.has_masks = true,
		.has_picks = true,
		.has_counts = true,
		.has_affinity = true,
		.has_samples = true,
		.has_quic = true,
	};
	struct dataplane_error error = {};

	assert_int_equal(dataplane_set_features(fx.dp, &all, &error), 0);
}

int fixture_setup(void **state)
{
	memset(fx.words, 0, MAX_SLOTS * sizeof(*fx.words));
	memset(fx.stamps, 0, MAX_SLOTS * sizeof(*fx.stamps));
	memset(fx.flows4, 0, fx.sets * sizeof(*fx.flows4));
	memset(fx.flows6, 0, fx.sets * sizeof(*fx.flows6));
	memset(fx.tables->lb_hops, 0, sizeof(fx.tables->lb_hops));
	memset(fx.tables->lb_schedules, 0, sizeof(fx.tables->lb_schedules));
	memset(fx.tables->lb_loads, 0, sizeof(fx.tables->lb_loads));
	memset(fx.tables->lb_samples, 0, sizeof(fx.tables->lb_samples));
	fixture_use(*state ? *state : &dsr_tcp4);
	await_steady_clock();
	return 0;
}

/* ---- slots -------------------------------------------------------------------- */

void fixture_fill(uint32_t word, uint32_t stamp)
{
	for (uint32_t i = 0; i < FIXTURE_TABLE; i++) {
		fx.words[table_base + i] = word;
		fx.stamps[table_base + i] = stamp;
	}
}

static uint64_t hash_of(const struct host *from, uint16_t port)
{
	const struct lb_addr *ip = host_ip(from, fx.variant.family);

	if (fx.variant.family == 6)
		return lb_hash_client6(ip->halves[0], ip->halves[1], htons(port), fx.service.seed);
	return lb_hash_client4(ip->words[3] | (uint64_t)htons(port) << 32, fx.service.seed);
}

uint32_t fixture_slot(const struct host *from, uint16_t port)
{
	return table_base + lb_slot_index(hash_of(from, port), FIXTURE_TABLE);
}

uint16_t fixture_id(const struct host *web)
{
	return web == &web1 ? fx.web1 : web == &web2 ? fx.web2 : fx.web3;
}

void fixture_kill(uint16_t backend)
{
	fx.tables->lb_backends[backend].generation |= 1;
}

void fixture_revive(uint16_t backend)
{
	fx.tables->lb_backends[backend].generation |= 1;
	fx.tables->lb_backends[backend].generation++;
}

/* ---- records ------------------------------------------------------------------ */

uint64_t fixture_record(uint16_t backend, unsigned class, uint32_t age)
{
	return LB_RECORD(backend, fx.tables->lb_backends[backend].generation, class, 0,
			 fx.now - age);
}

static uint64_t *entry_at(uint32_t set, unsigned way)
{
	if (fx.variant.family == 6)
		return (uint64_t *)(void *)&fx.flows6[set].flows[way];
	return (uint64_t *)(void *)&fx.flows4[set].flows[way];
}

static unsigned entry_words(void)
{
	return fx.variant.family == 6 ? 4 : 2;
}

uint64_t *fixture_value_at(const struct host *from, uint16_t port, unsigned set, unsigned way)
{
	uint64_t hash = hash_of(from, port);
	uint32_t index = set ? lb_set_second(hash, fx.sets - 1) : lb_set_first(hash, fx.sets - 1);

	return entry_at(index, way) + entry_words() - 1;
}

static void write_entry(uint64_t *value_at, const struct lb_addr *ip, uint16_t port, uint64_t value)
{
	if (fx.variant.family == 6) {
		struct lb_flow6 flow = { .client = *ip,
					 .port = htons(port),
					 .service = fx.service.id,
					 .record.value = value };

		memcpy(value_at - 3, &flow, sizeof(flow));
	} else {
		struct lb_flow4 flow = { .client = ip->words[3],
					 .port = htons(port),
					 .service = fx.service.id,
					 .record.value = value };

		memcpy(value_at - 1, &flow, sizeof(flow));
	}
}

void fixture_put_at(uint64_t *value_at, uint32_t number, uint64_t value)
{
	struct lb_addr ip = *host_ip(&stranger, fx.variant.family);

	ip.words[3] ^= htonl(number << 8);
	write_entry(value_at, &ip, 1234, value);
}

void fixture_put(const struct host *from, uint16_t port, uint64_t value)
{
	for (unsigned way = 0; way < LB_FLOW_WAYS; way++) {
		uint64_t *value_at = fixture_value_at(from, port, 0, way);

		if (!*value_at) {
			write_entry(value_at, host_ip(from, fx.variant.family), port, value);
			return;
		}
	}
	fail_msg("the set is full");
}

void fixture_fill_sets(const struct host *from, uint16_t port, uint64_t value)
{
	for (unsigned i = 0; i < 2 * LB_FLOW_WAYS; i++)
		fixture_put_at(fixture_value_at(from, port, i / LB_FLOW_WAYS, i % LB_FLOW_WAYS), i,
			       value);
}

static bool is_of(const uint64_t *value_at, const struct host *from, uint16_t port)
{
	const struct lb_addr *ip = host_ip(from, fx.variant.family);

	if (!*value_at)
		return false;
	if (fx.variant.family == 6) {
		struct lb_flow6 flow;

		memcpy(&flow, value_at - 3, sizeof(flow));
		return !memcmp(&flow.client, ip, sizeof(*ip)) && flow.port == htons(port) &&
		       flow.service == fx.service.id && !flow.pad;
	}
	struct lb_flow4 flow;

	memcpy(&flow, value_at - 1, sizeof(flow));
	return flow.client == ip->words[3] && flow.port == htons(port) &&
	       flow.service == fx.service.id;
}

uint64_t *fixture_find(const struct host *from, uint16_t port)
{
	uint64_t *found = NULL;

	for (uint32_t i = 0; i < fx.sets * LB_FLOW_WAYS; i++) {
		uint64_t *value_at =
			entry_at(i / LB_FLOW_WAYS, i % LB_FLOW_WAYS) + entry_words() - 1;

		if (!is_of(value_at, from, port))
			continue;
		assert_null(found); /* a connection with two records */
		found = value_at;
	}
	return found;
}

unsigned fixture_count(void)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < fx.sets * LB_FLOW_WAYS; i++)
		count += entry_at(i / LB_FLOW_WAYS, i % LB_FLOW_WAYS)[entry_words() - 1] != 0;
	return count;
}

/* ---- memory of what was there --------------------------------------------------- */

static struct {
	uint32_t words[MAX_SLOTS];
	uint32_t stamps[MAX_SLOTS];
	struct lb_hop hops[LB_MAX_HOPS];
	struct lb_flow4_set flows4[MAX_SETS];
	struct lb_flow6_set flows6[MAX_SETS];
} memory;

void fixture_remember(void)
{
	memcpy(memory.words, fx.words, sizeof(memory.words));
	memcpy(memory.stamps, fx.stamps, sizeof(memory.stamps));
	memcpy(memory.hops, fx.tables->lb_hops, sizeof(memory.hops));
	memcpy(memory.flows4, fx.flows4, sizeof(memory.flows4));
	memcpy(memory.flows6, fx.flows6, sizeof(memory.flows6));
}

bool fixture_has_same_flows(void)
{
	return !memcmp(memory.flows4, fx.flows4, sizeof(memory.flows4)) &&
	       !memcmp(memory.flows6, fx.flows6, sizeof(memory.flows6));
}

bool fixture_is_same(void)
{
	return fixture_has_same_flows() && !memcmp(memory.words, fx.words, sizeof(memory.words)) &&
	       !memcmp(memory.stamps, fx.stamps, sizeof(memory.stamps)) &&
	       !memcmp(memory.hops, fx.tables->lb_hops, sizeof(memory.hops));
}
