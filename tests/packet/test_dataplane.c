/* SPDX-License-Identifier: GPL-2.0-only */
/* The dataplane on the real kernel: maps, pins, tables, clock, sweep, explain. Root. */
#include "dataplane/dataplane.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lb.skel.h"

#include "model/addr.h"
#include "plan/slots.h"

#define MAX_SLOTS 65536
#define MAX_FLOWS 1000 /* 1024 records, 128 sets */
#define FLOW_SETS 128

static char pin_dir[64];
static struct dataplane *opened; /* closed by teardown where a test fails */

static struct dataplane_settings make_settings(void)
{
	return (struct dataplane_settings) { .pin_dir = pin_dir,
					     .max_slots = MAX_SLOTS,
					     .max_flows = MAX_FLOWS,
					     .features.has_nat = true };
}

static struct dataplane *open_or_fail(bool expect_adopted)
{
	struct dataplane_settings settings = make_settings();
	struct dataplane_error error = {};
	struct dataplane *dp = NULL;
	bool is_adopted = !expect_adopted;
	int err = dataplane_open(&settings, &dp, &is_adopted, &error);

	if (err)
		fail_msg("dataplane_open: %d %s", err, error.text);
	opened = dp;
	assert_int_equal(is_adopted, expect_adopted);
	return dp;
}

static void close_it(struct dataplane *dp)
{
	dataplane_close(dp);
	opened = NULL;
}

/* Returns what dataplane_open returns; closes what it opened. */
static int try_open(const struct dataplane_settings *settings, struct dataplane_error *error)
{
	struct dataplane *dp = NULL;
	bool is_adopted;
	int err = dataplane_open(settings, &dp, &is_adopted, error);

	dataplane_close(dp);
	return err;
}

static int pinned(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", pin_dir, name);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

static void unpin(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", pin_dir, name);
	assert_int_equal(unlink(path), 0);
}

static bool is_pinned(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", pin_dir, name);
	return access(path, F_OK) == 0;
}

static int setup(void **state)
{
	(void)state;
	snprintf(pin_dir, sizeof(pin_dir), "/sys/fs/bpf/leat-test-%d", getpid());
	return 0;
}

static int teardown(void **state)
{
	struct dataplane_error error = {};

	(void)state;
	close_it(opened);
	dataplane_remove(pin_dir, &error);
	return access(pin_dir, F_OK) == 0;
}

static struct lb_service make_service(uint16_t id, const char *vip, uint16_t port)
{
	struct lb_service row = { .id = id, .forward = LB_FORWARD_DSR };

	assert_int_equal(addr_parse(vip, &row.vip), 0);
	row.port = htons(port);
	row.proto = IPPROTO_TCP;
	row.family = (uint8_t)addr_family(&row.vip);
	return row;
}

static struct lb_backend make_backend(uint16_t service, const char *address, uint16_t port)
{
	struct lb_backend row = { .service = service, .proto = IPPROTO_TCP };

	assert_int_equal(addr_parse(address, &row.address), 0);
	assert_int_equal(addr_parse("198.51.100.10", &row.vip), 0);
	row.port = htons(port);
	row.vip_port = htons(80);
	return row;
}

static bool find_service(const struct dataplane *dp, const struct lb_service *row)
{
	size_t rows, found = 0;
	const struct lb_service *services = dataplane_services(dp, &rows);

	for (size_t i = 0; i < rows; i++)
		found += !memcmp(&services[i], row, sizeof(*row));
	return found == 1;
}

/* ---- opening ------------------------------------------------------------- */

static void test_dataplane_open_first_pins_all_and_sizes_maps(void **state)
{
	static const char *const names[] = { "lb_node",	  "lb_tables",	   "lb_slots",
					     "lb_stamps", "lb_flows4",	   "lb_flows6",
					     "lb_locks",  "lb_be_stats",   "lb_reasons",
					     "lb_ports",  "lb_affinities", "lb_quic_servers" };
	struct dataplane *dp;
	const struct lb_node *node;

	(void)state;
	dp = open_or_fail(false);

	node = dataplane_node(dp);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(is_pinned(names[i]));
	assert_int_equal(node->layout, LB_LAYOUT_VERSION);
	assert_int_equal(node->max_slots, MAX_SLOTS);
	assert_int_equal(node->flow4_sets, FLOW_SETS);
	assert_int_equal(node->flow6_sets, FLOW_SETS);
	assert_true(node->hash_key[0] && node->hash_key[1]);
	close_it(dp);
}

static void test_dataplane_open_again_adopts_all_contents(void **state)
{
	struct lb_service service = make_service(7, "198.51.100.10", 80);
	struct lb_backend backend = make_backend(7, "10.0.0.2", 8080);
	struct lb_timers timers = { .record = 100, .handshake = 10 };
	const struct slots_op op = { .kind = SLOTS_OP_WORD, .slot = 3, .word = LB_SLOT(5, 4, 1) };
	const struct slots_op stamp = { .kind = SLOTS_OP_STAMP, .slot = 3, .stamp = 99 };
	struct dataplane *dp = open_or_fail(false);
	struct lb_node node = *dataplane_node(dp);
	uint16_t first_id, second_id;
	uint32_t base, other;

	(void)state;
	assert_int_equal(dataplane_alloc_slots(dp, 4093, &base), 0);
	service.table_base = base;
	service.table_size = 4093;
	assert_int_equal(dataplane_put_service(dp, &service), 0);
	dataplane_put_timers(dp, 7, &timers);
	assert_int_equal(dataplane_put_backend(dp, 5, &backend, 42, true), 0);
	dataplane_bump_generation(dp, 5);
	dataplane_set_backend_flags(dp, 5, LB_BE_DRAINING, 1234);
	dataplane_apply(dp, base, &op);
	dataplane_apply(dp, base, &stamp);
	first_id = dataplane_new_service_id(dp);
	close_it(dp);

	dp = open_or_fail(true);

	assert_memory_equal(dataplane_node(dp)->hash_key, node.hash_key, sizeof(node.hash_key));
	assert_int_equal(dataplane_node(dp)->clock_shift, node.clock_shift);
	assert_int_equal(dataplane_node(dp)->hz, node.hz);
	assert_true(find_service(dp, &service));
	assert_int_equal(dataplane_backends(dp)[5].service, 7);
	assert_int_equal(dataplane_backends(dp)[5].generation, 1);
	assert_int_equal(dataplane_backends(dp)[5].flags, LB_BE_DRAINING);
	assert_int_equal(dataplane_backends(dp)[5].drain_deadline, 1234);
	assert_int_equal(dataplane_words(dp)[base + 3], LB_SLOT(5, 4, 1));
	assert_int_equal(dataplane_stamps(dp)[base + 3], 99);
	second_id = dataplane_new_service_id(dp);
	assert_true(second_id != first_id && second_id != 0);
	assert_int_equal(dataplane_alloc_slots(dp, 4093, &other), 0);
	assert_true(other >= base + 4093);
	close_it(dp);
}

static void test_dataplane_open_twice_is_refused(void **state)
{
	struct dataplane_settings settings;
	struct dataplane_error error = {};
	struct dataplane *dp = open_or_fail(false);

	(void)state;
	settings = make_settings();

	assert_int_equal(try_open(&settings, &error), -EBUSY);

	assert_non_null(strstr(error.text, "another leat"));
	assert_int_equal(dataplane_remove(pin_dir, &error), -EBUSY);
	close_it(dp);
}

static void test_dataplane_open_other_layout_is_refused(void **state)
{
	struct dataplane_settings settings = make_settings();
	struct dataplane_error error = {};
	struct lb_node node = { .layout = LB_LAYOUT_VERSION + 1 };
	struct lb_service service = make_service(7, "198.51.100.10", 80);
	uint32_t key = 0;
	struct dataplane *dp = open_or_fail(false);
	struct lb_node right = *dataplane_node(dp);
	int fd = pinned("lb_node");

	(void)state;
	assert_int_equal(dataplane_put_service(dp, &service), 0);
	close_it(dp);
	assert_int_equal(bpf_map_update_elem(fd, &key, &node, BPF_ANY), 0);

	assert_int_equal(try_open(&settings, &error), -EPROTO);

	assert_non_null(strstr(error.text, "layout 3"));
	assert_non_null(strstr(error.text, "leat stop --detach"));
	assert_int_equal(bpf_map_update_elem(fd, &key, &right, BPF_ANY), 0);
	dp = open_or_fail(true); /* nothing was touched */
	assert_true(find_service(dp, &service));
	close_it(dp);
	close(fd);
}

static void test_dataplane_open_tables_placed_otherwise_are_refused(void **state)
{
	struct dataplane_settings settings = make_settings();
	struct dataplane_error error = {};
	struct dataplane *dp = open_or_fail(false);
	struct lb_node node = *dataplane_node(dp);
	uint32_t key = 0;
	int fd = pinned("lb_node");

	(void)state;
	close_it(dp);
	node.tables_digest ^= 1;
	assert_int_equal(bpf_map_update_elem(fd, &key, &node, BPF_ANY), 0);
	close(fd);

	assert_int_equal(try_open(&settings, &error), -EPROTO);

	assert_non_null(strstr(error.text, "lb_tables"));
}

/* Another map in the place of a pinned one, as another build of the same layout version might
 * leave it. */
static void assert_foreign_map_is_refused(const char *name)
{
	struct dataplane_settings settings = make_settings();
	struct dataplane_error error = {};
	char path[128];
	int fd;

	close_it(open_or_fail(false));
	unpin(name);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, 64, 1, NULL);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "%s/%s", pin_dir, name);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);

	assert_int_equal(try_open(&settings, &error), -EPROTO);

	assert_non_null(strstr(error.text, name));
	assert_non_null(strstr(error.text, "leat stop --detach"));
}

static void test_dataplane_open_foreign_tables_are_refused(void **state)
{
	(void)state;
	assert_foreign_map_is_refused("lb_tables");
}

static void test_dataplane_open_foreign_counters_are_refused(void **state)
{
	(void)state;
	assert_foreign_map_is_refused("lb_reasons");
}

static void test_dataplane_open_foreign_flows_are_refused(void **state)
{
	(void)state;
	assert_foreign_map_is_refused("lb_flows4");
}

static void test_dataplane_open_half_made_pins_begins_anew(void **state)
{
	struct lb_service service = make_service(7, "198.51.100.10", 80);
	struct dataplane *dp = open_or_fail(false);

	(void)state;
	assert_int_equal(dataplane_put_service(dp, &service), 0);
	close_it(dp);
	unpin("lb_node");

	dp = open_or_fail(false);

	assert_string_not_equal(dataplane_note(dp), "");
	assert_false(find_service(dp, &service));
	assert_true(is_pinned("lb_node"));
	close_it(dp);
}

static void test_dataplane_open_unwritten_node_begins_anew(void **state)
{
	struct lb_node empty = {};
	uint32_t key = 0;
	int fd;

	(void)state;
	close_it(open_or_fail(false));
	fd = pinned("lb_node");
	assert_int_equal(bpf_map_update_elem(fd, &key, &empty, BPF_ANY), 0);
	close(fd);

	close_it(open_or_fail(false));
}

static void test_dataplane_open_sizes_that_do_not_fit_are_refused(void **state)
{
	struct dataplane_settings settings = make_settings();
	struct dataplane_error error = {};

	(void)state;
	close_it(open_or_fail(false));

	settings.max_slots = MAX_SLOTS + 1;
	assert_int_equal(try_open(&settings, &error), -ENOSPC);
	assert_non_null(strstr(error.text, "max_slots"));
	settings = make_settings();
	settings.max_flows = FLOW_SETS * LB_FLOW_WAYS + 1;
	assert_int_equal(try_open(&settings, &error), -ENOSPC);
	assert_non_null(strstr(error.text, "max_flows"));
	settings.max_flows = 1;
	settings.max_slots = 1;

	assert_int_equal(try_open(&settings, &error), 0);
}

static void test_dataplane_open_other_hash_key_is_refused(void **state)
{
	struct dataplane_settings settings = make_settings();
	struct dataplane_error error = {};

	(void)state;
	settings.has_hash_key = true;
	settings.hash_key[0] = 1;
	settings.hash_key[1] = 2;
	assert_int_equal(try_open(&settings, &error), 0);
	assert_int_equal(try_open(&settings, &error), 0);
	settings.hash_key[1] = 3;

	assert_int_equal(try_open(&settings, &error), -EINVAL);

	assert_non_null(strstr(error.text, "hash_key"));
}

static void test_dataplane_open_outside_bpffs_is_refused(void **state)
{
	struct dataplane_settings settings = make_settings();
	struct dataplane_error error = {};
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/leat-test-%d", getpid());
	settings.pin_dir = path;

	assert_int_equal(try_open(&settings, &error), -EINVAL);

	assert_non_null(strstr(error.text, "bpf file system"));
	rmdir(path);
}

static void test_dataplane_remove_leaves_nothing(void **state)
{
	struct dataplane_error error = {};

	(void)state;
	close_it(open_or_fail(false));

	assert_int_equal(dataplane_remove(pin_dir, &error), 0);

	assert_int_not_equal(access(pin_dir, F_OK), 0);
	assert_int_equal(dataplane_remove(pin_dir, &error), -ENOENT);
	close_it(open_or_fail(false));
}

/* ---- tables ----------------------------------------------------------------- */

static void test_dataplane_services_4096_put_and_deleted(void **state)
{
	struct dataplane *dp = open_or_fail(false);
	size_t rows, used = 0;
	const struct lb_service *services = dataplane_services(dp, &rows);

	(void)state;
	for (unsigned n = 0; n < LB_MAX_SERVICES; n++) {
		struct lb_service row = make_service(
			(uint16_t)n, n % 2 ? "2001:db8::10" : "198.51.100.10", (uint16_t)(1 + n));

		assert_int_equal(dataplane_put_service(dp, &row), 0);
	}
	for (unsigned n = 0; n < LB_MAX_SERVICES; n++) {
		struct lb_service row = make_service(
			(uint16_t)n, n % 2 ? "2001:db8::10" : "198.51.100.10", (uint16_t)(1 + n));

		if (n % 64 == 0)
			assert_true(find_service(dp, &row));
		assert_int_equal(dataplane_del_service(dp, &row), 0);
		assert_int_equal(dataplane_del_service(dp, &row), -ENOENT);
	}

	for (size_t i = 0; i < rows; i++)
		used += services[i].key_word != 0;
	assert_int_equal(used, 0);
	close_it(dp);
}

static void test_dataplane_put_service_again_replaces_the_row(void **state)
{
	struct lb_service row = make_service(7, "198.51.100.10", 80);
	struct dataplane *dp = open_or_fail(false);

	(void)state;
	assert_int_equal(dataplane_put_service(dp, &row), 0);
	row.table_base = 4096;
	row.table_size = 4093;
	row.flags = LB_SVC_TRACKED;
	row.forward = LB_FORWARD_NAT;
	row.seed = 99;

	assert_int_equal(dataplane_put_service(dp, &row), 0);

	assert_true(find_service(dp, &row));
	row.key_word = 0;
	assert_int_equal(dataplane_put_service(dp, &row), -EINVAL);
	close_it(dp);
}

static const struct lb_reply *find_reply(const struct lb_reply *rows, const struct lb_backend *be)
{
	for (size_t i = 0; i < (size_t)LB_REPLY_SETS * LB_REPLY_WAYS; i++) {
		if (rows[i].key_word && rows[i].port == be->port &&
		    !memcmp(&rows[i].address, &be->address, sizeof(be->address)))
			return &rows[i];
	}
	return NULL;
}

static const struct lb_reply *map_replies(void)
{
	int fd = pinned("lb_tables");
	struct lb__bss *tables = mmap(NULL, sizeof(*tables), PROT_READ, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(tables, MAP_FAILED);
	close(fd);
	return tables->lb_replies;
}

static void test_dataplane_nat_backend_has_a_reply_row_until_deleted(void **state)
{
	struct lb_backend backend = make_backend(7, "10.0.0.2", 8080);
	struct lb_backend dsr = make_backend(8, "10.0.0.3", 8080);
	struct dataplane *dp = open_or_fail(false);
	const struct lb_reply *replies = map_replies(), *reply;

	(void)state;
	assert_int_equal(dataplane_put_backend(dp, 5, &backend, 42, true), 0);
	assert_int_equal(dataplane_put_backend(dp, 6, &dsr, 42, false), 0);

	reply = find_reply(replies, &backend);
	assert_non_null(reply);
	assert_int_equal(reply->backend, 5);
	assert_int_equal(reply->service, 7);
	assert_int_equal(reply->seed, 42);
	assert_null(find_reply(replies, &dsr));
	assert_int_not_equal(dataplane_backends(dp)[5].csum_l4, 0);

	dataplane_bump_generation(dp, 5);
	dataplane_del_backend(dp, 5);
	assert_null(find_reply(replies, &backend));
	assert_int_equal(dataplane_backends(dp)[5].service, 0);
	assert_int_equal(dataplane_backends(dp)[5].generation, 1);
	assert_int_equal(dataplane_put_backend(dp, 0, &backend, 42, true), -EINVAL);
	close_it(dp);
}

static void test_dataplane_put_backend_keeps_hop_flags_and_generation(void **state)
{
	const uint8_t dst[6] = { 2, 1, 2, 3, 4, 5 }, src[6] = { 2, 6, 7, 8, 9, 10 };
	struct lb_backend backend = make_backend(7, "10.0.0.2", 8080);
	struct dataplane *dp = open_or_fail(false);
	const struct lb_backend *row = &dataplane_backends(dp)[5];

	(void)state;
	assert_int_equal(dataplane_put_backend(dp, 5, &backend, 42, false), 0);
	dataplane_set_hop(dp, 5, 17, dst, src);
	dataplane_set_backend_flags(dp, 5, LB_BE_LEAVING, 9);
	dataplane_bump_generation(dp, 5);

	assert_int_equal(dataplane_put_backend(dp, 5, &backend, 42, false), 0);

	assert_memory_equal(row->mac, dst, 6);
	assert_memory_equal(row->mac + 6, src, 6);
	assert_int_equal(row->ifindex, 17);
	assert_int_equal(row->flags, LB_BE_LEAVING);
	assert_int_equal(row->generation, 1);
	dataplane_set_hop(dp, 5, 0, NULL, NULL);
	assert_int_equal(row->ifindex, 0);
	close_it(dp);
}

static void test_dataplane_slots_are_clean_however_often_allocated(void **state)
{
	const struct slots_op op = { .kind = SLOTS_OP_WORD, .slot = 9, .word = LB_SLOT(5, 5, 0) };
	struct dataplane *dp = open_or_fail(false);
	uint32_t a, b;

	(void)state;
	assert_int_equal(dataplane_alloc_slots(dp, 4093, &a), 0);
	dataplane_apply(dp, a, &op);
	assert_int_equal(dataplane_alloc_slots(dp, MAX_SLOTS, &b), -ENOSPC);
	dataplane_free_slots(dp, a, 4093);

	assert_int_equal(dataplane_alloc_slots(dp, 4093, &b), 0);

	assert_int_equal(a, b);
	assert_int_equal(dataplane_words(dp)[b + 9], 0);
	close_it(dp);
}

static void test_dataplane_settle_is_refused_where_the_stamp_changed(void **state)
{
	const struct slots_op stamp = { .kind = SLOTS_OP_STAMP, .slot = 1, .stamp = 5 };
	const struct slots_op stale = {
		.kind = SLOTS_OP_SETTLE, .slot = 1, .seen = 3, .word = LB_SLOT(2, 2, 0)
	};
	struct slots_op settle = stale;
	struct dataplane *dp = open_or_fail(false);
	uint32_t base;

	(void)state;
	settle.seen = 5;
	assert_int_equal(dataplane_alloc_slots(dp, 4093, &base), 0);
	dataplane_apply(dp, base, &stamp);

	assert_false(dataplane_apply(dp, base, &stale));
	assert_int_equal(dataplane_words(dp)[base + 1], 0);
	assert_true(dataplane_apply(dp, base, &settle));

	assert_int_equal(dataplane_words(dp)[base + 1], LB_SLOT(2, 2, 0));
	assert_int_equal(dataplane_stamps(dp)[base + 1], LB_STAMP_CLOSED);
	close_it(dp);
}

static void test_dataplane_service_ids_do_not_come_back_soon(void **state)
{
	struct dataplane *dp = open_or_fail(false);
	struct lb_service row = make_service(1, "198.51.100.10", 80);
	uint16_t first = dataplane_new_service_id(dp), last = first;

	(void)state;
	row.id = first;
	assert_int_equal(dataplane_put_service(dp, &row), 0);
	for (unsigned n = 2; n < LB_SERVICE_IDS; n++) {
		last = dataplane_new_service_id(dp);
		assert_true(last != 0 && last != first && last < LB_SERVICE_IDS);
	}

	/* all have been given once; the one in use is passed over */
	assert_int_equal(dataplane_new_service_id(dp), first + 1);
	close_it(dp);
}

/* ---- clock -------------------------------------------------------------------- */

static uint64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void test_dataplane_clock_is_uptime_in_units(void **state)
{
	struct dataplane *dp = open_or_fail(false);
	uint32_t hz = dataplane_node(dp)->hz, shift = dataplane_node(dp)->clock_shift;
	uint32_t start = (uint32_t)(((1ULL << 32) - 300ULL * hz) >> shift);
	uint32_t clock = dataplane_clock(dp);
	uint32_t uptime = dataplane_units(dp, monotonic_ms());

	(void)state;
	/* jiffies began up to some seconds after ktime; 32 units are 8 s */
	assert_true(uptime - (clock - start) < 32 || (clock - start) - uptime < 2);
	assert_true(hz == 100 || hz == 250 || hz == 300 || hz == 1000);
	assert_in_range(dataplane_unit_us(dp), 200000, 330000);
	close_it(dp);
}

static void test_dataplane_clock_shift_is_a_setting_that_stays(void **state)
{
	struct dataplane_settings settings = make_settings();
	struct dataplane_error error = {};
	struct dataplane *dp;
	bool is_adopted;

	(void)state;
	settings.has_clock_shift = true;
	settings.clock_shift = 0;
	assert_int_equal(dataplane_open(&settings, &dp, &is_adopted, &error), 0);
	assert_int_equal(dataplane_unit_us(dp), 1000000 / dataplane_node(dp)->hz);
	close_it(dp);

	dp = open_or_fail(true);

	assert_int_equal(dataplane_node(dp)->clock_shift, 0);
	close_it(dp);
}

static void test_dataplane_clock_goes_on(void **state)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct dataplane_settings settings = make_settings();
	struct dataplane_error error = {};
	uint32_t first, clock;
	bool is_adopted;

	(void)state;
	settings.has_clock_shift = true; /* a unit is a jiffy */
	assert_int_equal(dataplane_open(&settings, &opened, &is_adopted, &error), 0);
	first = clock = dataplane_clock(opened);

	/* long enough for more than one reading from the kernel */
	for (unsigned tries = 0; tries < 1000 && clock - first < 3 * 100; tries++) {
		uint32_t next = dataplane_clock(opened);

		assert_true(next - clock < 0x80000000);
		clock = next;
		nanosleep(&pause, NULL);
	}

	assert_true(clock - first >= 3 * 100);
}

/* ---- reading ------------------------------------------------------------------- */

static void test_dataplane_read_stats_sums_cpus(void **state)
{
	int cpus = libbpf_num_possible_cpus(), fd;
	struct lb_backend backend = make_backend(7, "10.0.0.2", 8080);
	struct lb_be_stats *values = calloc((size_t)cpus, sizeof(*values));
	struct lb_be_stats *out = calloc(LB_MAX_BACKENDS, sizeof(*out));
	struct dataplane *dp = open_or_fail(false);
	uint32_t id = 700;

	(void)state;
	assert_int_equal(dataplane_put_backend(dp, (uint16_t)id, &backend, 42, false), 0);
	for (int cpu = 0; cpu < cpus; cpu++)
		values[cpu] = (struct lb_be_stats) { .packets = 1, .bytes = 60, .reply_bytes = 5 };
	fd = pinned("lb_be_stats");
	assert_int_equal(bpf_map_update_elem(fd, &id, values, BPF_ANY), 0);

	assert_int_equal(dataplane_read_stats(dp, out), 0);

	assert_int_equal(out[id].packets, cpus);
	assert_int_equal(out[id].bytes, 60 * cpus);
	assert_int_equal(out[id].reply_bytes, 5 * cpus);
	assert_int_equal(out[id - 1].packets, 0);
	dataplane_del_backend(dp, (uint16_t)id);
	assert_int_equal(bpf_map_lookup_elem(fd, &id, values), 0);
	assert_int_equal(values[0].packets, 0);
	close_it(dp);
	close(fd);
	free(values);
	free(out);
}

static void test_dataplane_read_reasons_counts_an_arp(void **state)
{
	unsigned char arp[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6 };
	unsigned char reply[sizeof(arp)];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = arp, .data_size_in = sizeof(arp),
		    .data_out = reply, .data_size_out = sizeof(reply), .repeat = 3);
	uint64_t before[LB_REASON_COUNT], after[LB_REASON_COUNT];
	struct dataplane *dp = open_or_fail(false);

	(void)state;
	assert_int_equal(dataplane_read_reasons(dp, before), 0);
	assert_int_equal(bpf_prog_test_run_opts(dataplane_program_fd(dp), &run), 0);
	assert_int_equal(dataplane_read_reasons(dp, after), 0);

	assert_int_equal(after[LB_NOT_IP] - before[LB_NOT_IP], 3);
	assert_int_equal(after[LB_NOT_SERVICE] - before[LB_NOT_SERVICE], 0);
	close_it(dp);
}

static void test_dataplane_sweep_counts_and_frees_pinned_records(void **state)
{
	struct lb_timers timers = { .record = 100, .handshake = 10 };
	struct dataplane_flows *flows = calloc(1, sizeof(*flows));
	struct dataplane *dp = open_or_fail(false);
	uint32_t now = dataplane_clock(dp);
	int fd = pinned("lb_flows4");
	struct lb_flow4_set *sets =
		mmap(NULL, FLOW_SETS * sizeof(*sets), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	(void)state;
	assert_ptr_not_equal(sets, MAP_FAILED);
	dataplane_put_timers(dp, 7, &timers);
	for (unsigned i = 0; i < 2; i++) {
		sets[100].flows[i].service = 7;
		sets[100].flows[i].record.value =
			LB_RECORD(5, 0, LB_CLASS_ESTABLISHED, 0, now - 1000 * i);
	}

	dataplane_sweep(dp, flows);

	assert_int_equal(flows->used4, 1);
	assert_int_equal(flows->used6, 0);
	assert_int_equal(flows->per_backend[5], 1);
	assert_int_equal(flows->freed, 1);
	assert_int_equal(sets[100].flows[1].record.value, 0);
	munmap(sets, FLOW_SETS * sizeof(*sets));
	close(fd);
	close_it(dp);
	free(flows);
}

/* ---- explain --------------------------------------------------------------------- */

/* One dsr service at 198.51.100.10:80 or its IPv6 twin whose every slot is @word. */
static void serve(struct dataplane *dp, const char *vip, uint32_t word)
{
	struct lb_service service = make_service(7, vip, 80);
	struct lb_backend backend = make_backend(7, "10.0.0.2", 80);
	const struct lb_timers timers = { .record = 1000, .handshake = 100 };
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	uint32_t base;

	assert_int_equal(dataplane_alloc_slots(dp, 4093, &base), 0);
	for (uint32_t slot = 0; slot < 4093; slot++) {
		const struct slots_op op = { .kind = SLOTS_OP_WORD, .slot = slot, .word = word };

		dataplane_apply(dp, base, &op);
	}
	dataplane_put_timers(dp, 7, &timers);
	assert_int_equal(dataplane_put_backend(dp, 5, &backend, 0, false), 0);
	dataplane_set_hop(dp, 5, 1, mac, mac);
	service.table_base = base;
	service.table_size = 4093;
	service.seed = dataplane_seed(dp, &service);
	assert_int_equal(dataplane_put_service(dp, &service), 0);
}

static struct dataplane_query ask(const char *client, const char *vip)
{
	struct dataplane_query query = {
		.client_port = 40000, .vip_port = 80, .proto = IPPROTO_TCP, .is_syn = true
	};

	assert_int_equal(addr_parse(client, &query.client), 0);
	assert_int_equal(addr_parse(vip, &query.vip), 0);
	return query;
}

static void assert_explains(const char *client, const char *vip)
{
	struct dataplane *dp = open_or_fail(false);
	struct dataplane_query query = ask(client, vip);
	struct dataplane_error error = {};
	struct lb_explain out = {};

	serve(dp, vip, LB_SLOT(5, 5, 0));

	assert_int_equal(dataplane_explain(dp, &query, &out, &error), 0);

	assert_int_equal(out.service, 7);
	assert_int_equal(out.backend, 5);
	assert_int_equal(out.word, LB_SLOT(5, 5, 0));
	assert_true(out.slot < 4093);
	close_it(dp);
}

static void test_dataplane_explain_ipv4_names_service_slot_and_backend(void **state)
{
	(void)state;
	assert_explains("192.0.2.1", "198.51.100.10");
}

static void test_dataplane_explain_ipv6_names_service_slot_and_backend(void **state)
{
	(void)state;
	assert_explains("2001:db8:1::1", "2001:db8::10");
}

static void test_dataplane_explain_moving_slot_writes_no_record(void **state)
{
	struct dataplane_flows *flows = calloc(1, sizeof(*flows));
	struct dataplane *dp = open_or_fail(false);
	struct dataplane_query query = ask("192.0.2.1", "198.51.100.10");
	struct dataplane_error error = {};
	struct lb_explain out = {};

	(void)state;
	serve(dp, "198.51.100.10", LB_SLOT(5, 5, 1));

	assert_int_equal(dataplane_explain(dp, &query, &out, &error), 0);

	assert_int_equal(out.backend, 5);
	assert_int_equal(out.would_insert, 1);
	dataplane_sweep(dp, flows);
	assert_int_equal(flows->used4 + flows->freed, 0);
	close_it(dp);
	free(flows);
}

static void test_dataplane_explain_other_address_is_not_service(void **state)
{
	struct dataplane *dp = open_or_fail(false);
	struct dataplane_query query = ask("192.0.2.1", "198.51.100.99");
	struct dataplane_error error = {};
	struct lb_explain out = {};

	(void)state;
	assert_int_equal(dataplane_explain(dp, &query, &out, &error), 0);
	assert_int_equal(out.reason, LB_NOT_SERVICE);
	assert_int_equal(addr_parse("2001:db8::10", &query.vip), 0);

	assert_int_equal(dataplane_explain(dp, &query, &out, &error), -EINVAL);

	close_it(dp);
}

#define DATAPLANE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DATAPLANE_TEST(test_dataplane_open_first_pins_all_and_sizes_maps),
		DATAPLANE_TEST(test_dataplane_open_again_adopts_all_contents),
		DATAPLANE_TEST(test_dataplane_open_twice_is_refused),
		DATAPLANE_TEST(test_dataplane_open_other_layout_is_refused),
		DATAPLANE_TEST(test_dataplane_open_tables_placed_otherwise_are_refused),
		DATAPLANE_TEST(test_dataplane_open_foreign_tables_are_refused),
		DATAPLANE_TEST(test_dataplane_open_foreign_counters_are_refused),
		DATAPLANE_TEST(test_dataplane_open_foreign_flows_are_refused),
		DATAPLANE_TEST(test_dataplane_open_half_made_pins_begins_anew),
		DATAPLANE_TEST(test_dataplane_open_unwritten_node_begins_anew),
		DATAPLANE_TEST(test_dataplane_open_sizes_that_do_not_fit_are_refused),
		DATAPLANE_TEST(test_dataplane_open_other_hash_key_is_refused),
		DATAPLANE_TEST(test_dataplane_open_outside_bpffs_is_refused),
		DATAPLANE_TEST(test_dataplane_remove_leaves_nothing),
		DATAPLANE_TEST(test_dataplane_services_4096_put_and_deleted),
		DATAPLANE_TEST(test_dataplane_put_service_again_replaces_the_row),
		DATAPLANE_TEST(test_dataplane_nat_backend_has_a_reply_row_until_deleted),
		DATAPLANE_TEST(test_dataplane_put_backend_keeps_hop_flags_and_generation),
		DATAPLANE_TEST(test_dataplane_slots_are_clean_however_often_allocated),
		DATAPLANE_TEST(test_dataplane_settle_is_refused_where_the_stamp_changed),
		DATAPLANE_TEST(test_dataplane_service_ids_do_not_come_back_soon),
		DATAPLANE_TEST(test_dataplane_clock_is_uptime_in_units),
		DATAPLANE_TEST(test_dataplane_clock_shift_is_a_setting_that_stays),
		DATAPLANE_TEST(test_dataplane_clock_goes_on),
		DATAPLANE_TEST(test_dataplane_read_stats_sums_cpus),
		DATAPLANE_TEST(test_dataplane_read_reasons_counts_an_arp),
		DATAPLANE_TEST(test_dataplane_sweep_counts_and_frees_pinned_records),
		DATAPLANE_TEST(test_dataplane_explain_ipv4_names_service_slot_and_backend),
		DATAPLANE_TEST(test_dataplane_explain_ipv6_names_service_slot_and_backend),
		DATAPLANE_TEST(test_dataplane_explain_moving_slot_writes_no_record),
		DATAPLANE_TEST(test_dataplane_explain_other_address_is_not_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
