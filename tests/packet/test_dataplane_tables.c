/* SPDX-License-Identifier: GPL-2.0-only */
/* Schedules, loads, samples, memos and affinities, on the real kernel. Root. */
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
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>

#include "lb.skel.h"

#include "model/addr.h"

#define WEB	  5 /* the backend of service ... */
#define SERVICE	  7
#define MAX_FLOWS 1000
#define FLOW_SETS 128

static char pin_dir[64];
static struct dataplane *opened; /* closed by teardown where a test fails */
static struct lb__bss *tables;	 /* what packets see and write */
static struct lb_flow4_set *flows4;

static struct dataplane_settings make_settings(void)
{
	return (struct dataplane_settings) {
		.pin_dir = pin_dir,
		.max_slots = 65536,
		.max_flows = MAX_FLOWS,
	};
}

static void *map_pinned(const char *name, size_t size)
{
	char path[128];
	void *memory;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", pin_dir, name);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	close(fd);
	return memory;
}

static void open_with(const struct dataplane_settings *settings)
{
	struct dataplane_error error = {};
	bool is_adopted;
	int err = dataplane_open(settings, &opened, &is_adopted, &error);

	if (err)
		fail_msg("dataplane_open: %d %s", err, error.text);
}

static void close_it(void)
{
	dataplane_close(opened);
	opened = NULL;
}

static void open_again(void)
{
	struct dataplane_settings settings = make_settings();

	close_it();
	open_with(&settings);
}

static int setup(void **state)
{
	struct dataplane_settings settings;

	(void)state;
	snprintf(pin_dir, sizeof(pin_dir), "/sys/fs/bpf/leat-tables-%d", getpid());
	settings = make_settings();
	open_with(&settings);
	tables = map_pinned("lb_tables", sizeof(*tables));
	flows4 = map_pinned("lb_flows4", FLOW_SETS * sizeof(*flows4));
	return 0;
}

static int teardown(void **state)
{
	struct dataplane_error error = {};

	(void)state;
	munmap(tables, sizeof(*tables));
	munmap(flows4, FLOW_SETS * sizeof(*flows4));
	close_it();
	dataplane_remove(pin_dir, &error);
	return access(pin_dir, F_OK) == 0;
}

static void put_web(void)
{
	struct lb_backend row = { .service = SERVICE, .proto = IPPROTO_TCP, .port = htons(80) };
	const struct lb_timers timers = { .record = 100, .handshake = 10 };

	assert_int_equal(addr_parse("10.0.0.2", &row.address), 0);
	assert_int_equal(addr_parse("198.51.100.10", &row.vip), 0);
	assert_int_equal(dataplane_put_backend(opened, WEB, &row, 0, false), 0);
	dataplane_put_timers(opened, SERVICE, &timers);
}

static void put_record(unsigned way, unsigned class, uint32_t age)
{
	flows4[9].flows[way].service = SERVICE;
	flows4[9].flows[way].record.value =
		LB_RECORD(WEB, 0, class, 0, dataplane_clock(opened) - age);
}

/* ---- services ---------------------------------------------------------------- */

static struct lb_service make_service(void)
{
	struct lb_service row = { .id = SERVICE, .forward = LB_FORWARD_DSR, .family = 6 };

	row.port = htons(80);
	row.proto = IPPROTO_TCP;
	assert_int_equal(addr_parse("2001:db8::10", &row.vip), 0);
	return row;
}

static void test_dataplane_put_service_changes_flags_and_mask_of_the_row_in_use(void **state)
{
	static const uint64_t masks[][2] = {
		{ 0x0000ffffffffffff, 0 },  /* /48 */
		{ UINT64_MAX, UINT64_MAX }, /* grows past /64 */
		{ 0x00000000ffffffff, 0 },  /* shrinks */
	};
	struct lb_service row = make_service();
	const struct lb_service *live;

	(void)state;
	assert_int_equal(dataplane_put_service(opened, &row), 0);
	live = dataplane_find_service(opened, &row);
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		row.flags = LB_SVC_MASKED;
		row.mask_hi = masks[i][0];
		row.mask_lo = masks[i][1];

		assert_int_equal(dataplane_put_service(opened, &row), 0);

		assert_ptr_equal(dataplane_find_service(opened, &row), live);
		assert_memory_equal(live, &row, sizeof(row));
	}
	row.flags = LB_SVC_TRACKED | LB_SVC_PICKED;
	row.mask_hi = row.mask_lo = 0;
	assert_int_equal(dataplane_put_service(opened, &row), 0);
	assert_memory_equal(live, &row, sizeof(row));
}

/* ---- schedules ---------------------------------------------------------------- */

static void test_dataplane_put_schedule_keeps_the_turns_taken(void **state)
{
	const struct lb_schedule first = { .next = 99, .cycle = 12, .pick = LB_PICK_TURN };
	const struct lb_schedule second = { .cycle = 4093,
					    .affinity = 40,
					    .sample_mask = 63,
					    .pick = LB_PICK_DRAW,
					    .draws = 3,
					    .is_sampled = 1,
					    .mask_hi = UINT64_MAX,
					    .mask_lo = 0xff };
	struct lb_schedule expected = second;

	(void)state;
	dataplane_put_schedule(opened, SERVICE, &first);
	assert_int_equal(tables->lb_schedules[SERVICE].next, 0);
	assert_int_equal(tables->lb_schedules[SERVICE].cycle, 12);
	tables->lb_schedules[SERVICE].next = expected.next = 1234567;

	dataplane_put_schedule(opened, SERVICE, &second);

	assert_memory_equal(&tables->lb_schedules[SERVICE], &expected, sizeof(expected));
	open_again();
	assert_memory_equal(&tables->lb_schedules[SERVICE], &expected, sizeof(expected));
}

/* ---- loads ---------------------------------------------------------------------- */

static void test_dataplane_cost_is_stored_beside_what_packets_count(void **state)
{
	(void)state;
	put_web();
	tables->lb_loads[WEB].live = 17;
	tables->lb_loads[WEB].connect_us = 4711;

	dataplane_set_cost(opened, WEB, 300);

	assert_int_equal(dataplane_loads(opened)[WEB].live, 17);
	assert_int_equal(dataplane_loads(opened)[WEB].connect_us, 4711);
	assert_int_equal(tables->lb_loads[WEB].cost, 300);
	open_again();
	assert_int_equal(dataplane_loads(opened)[WEB].live, 17);
	assert_int_equal(dataplane_loads(opened)[WEB].cost, 300);
}

static void test_dataplane_count_is_zeroed_when_the_backend_comes_alive(void **state)
{
	(void)state;
	put_web();
	tables->lb_loads[WEB].live = 17;

	dataplane_bump_generation(opened, WEB); /* dies: late packets may still count */
	assert_int_equal(tables->lb_loads[WEB].live, 17);
	dataplane_bump_generation(opened, WEB);

	assert_int_equal(tables->lb_loads[WEB].live, 0);
	assert_int_equal(tables->lb_backends[WEB].generation, 2);
}

static void set_counts(bool has_counts)
{
	const struct dataplane_features features = { .has_picks = has_counts,
						     .has_counts = has_counts };
	struct dataplane_error error = {};

	assert_int_equal(dataplane_set_features(opened, &features, &error), 0);
}

static void test_dataplane_sweep_counts_what_was_recorded_before_counting_began(void **state)
{
	struct dataplane_flows *flows = calloc(1, sizeof(*flows));

	(void)state;
	put_web();
	put_record(0, LB_CLASS_ESTABLISHED, 0);
	put_record(1, LB_CLASS_HALF_OPEN, 0);
	put_record(2, LB_CLASS_CLOSED, 0);
	dataplane_sweep(opened, flows);
	assert_int_equal(tables->lb_loads[WEB].live, 0); /* nobody asks: nobody counts */
	assert_int_equal(flows->live[WEB], 2);

	set_counts(true);
	dataplane_sweep(opened, flows);

	assert_int_equal(tables->lb_loads[WEB].live, 2);
	assert_int_equal(dataplane_corrections(opened), 0);
	put_record(0, LB_CLASS_ESTABLISHED, 1000); /* expired: the sweep subtracts it */
	dataplane_sweep(opened, flows);
	assert_int_equal(flows->freed, 1);
	assert_int_equal(tables->lb_loads[WEB].live, 1);
	tables->lb_loads[WEB].live = 40; /* drift, from now on believed when seen twice */
	dataplane_sweep(opened, flows);
	assert_int_equal(tables->lb_loads[WEB].live, 40);
	dataplane_sweep(opened, flows);
	assert_int_equal(tables->lb_loads[WEB].live, 1);
	assert_int_equal(dataplane_corrections(opened), 1);
	free(flows);
}

static void test_dataplane_sweep_counts_anew_after_counting_was_off(void **state)
{
	struct dataplane_flows *flows = calloc(1, sizeof(*flows));

	(void)state;
	put_web();
	set_counts(true);
	dataplane_sweep(opened, flows);
	set_counts(false);
	put_record(0, LB_CLASS_ESTABLISHED, 0); /* uncounted */
	set_counts(true);

	dataplane_sweep(opened, flows);

	assert_int_equal(tables->lb_loads[WEB].live, 1);
	free(flows);
}

/* ---- samples --------------------------------------------------------------------- */

static void test_dataplane_fail_sample_marks_it_unless_it_moved_on(void **state)
{
	struct lb_sample *sample = &tables->lb_samples[LB_MAX_SAMPLES - 1];
	uint32_t word;

	(void)state;
	sample->backend = WEB;
	sample->state = LB_SAMPLE_REQUEST;
	sample->retransmits = 2;
	word = dataplane_samples(opened)[LB_MAX_SAMPLES - 1].word;

	assert_false(dataplane_fail_sample(opened, LB_MAX_SAMPLES - 1, word + 1));
	assert_int_equal(sample->state, LB_SAMPLE_REQUEST);
	assert_true(dataplane_fail_sample(opened, LB_MAX_SAMPLES - 1, word));

	assert_int_equal(sample->state, LB_SAMPLE_FAILED);
	assert_int_equal(sample->backend, WEB);
	assert_int_equal(sample->retransmits, 2);
	assert_false(dataplane_fail_sample(opened, LB_MAX_SAMPLES - 1, word));
}

/* ---- memos ------------------------------------------------------------------------- */

static const struct lb_memo memo = { .since_ms = 1,
				     .ramp_from_ms = 2,
				     .ejected_until_ms = 3,
				     .held_until_ms = 4,
				     .streak = 5,
				     .failures = 6,
				     .latency_us = 7,
				     .factor = 1300,
				     .integral = -9,
				     .agent_percent = 75,
				     .ejections = 2,
				     .flags = LB_MEMO_DECIDED | LB_MEMO_UP,
				     .flaps = 3 };

static void test_dataplane_memo_is_there_for_the_next_agent(void **state)
{
	(void)state;
	put_web();
	assert_int_equal(dataplane_memos(opened)[WEB].flags, 0);

	dataplane_put_memo(opened, WEB, &memo);
	open_again();

	assert_memory_equal(&dataplane_memos(opened)[WEB], &memo, sizeof(memo));
}

static void test_dataplane_deleted_backend_leaves_no_memo_and_no_load(void **state)
{
	const struct lb_load no_load = {};
	const struct lb_memo no_memo = {};

	(void)state;
	put_web();
	dataplane_put_memo(opened, WEB, &memo);
	tables->lb_loads[WEB].requests = 9;
	dataplane_bump_generation(opened, WEB);

	dataplane_del_backend(opened, WEB);

	assert_memory_equal(&dataplane_memos(opened)[WEB], &no_memo, sizeof(no_memo));
	assert_memory_equal(&dataplane_loads(opened)[WEB], &no_load, sizeof(no_load));
}

/* ---- affinities --------------------------------------------------------------------- */

static void open_anew(unsigned max_affinities)
{
	struct dataplane_settings settings = make_settings();
	struct dataplane_error error = {};

	close_it();
	assert_int_equal(dataplane_remove(pin_dir, &error), 0);
	settings.max_affinities = max_affinities;
	open_with(&settings);
}

static int open_affinities(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/lb_affinities", pin_dir);
	return bpf_obj_get(path);
}

static uint32_t affinities_rows(void)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);
	int fd = open_affinities();

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &length), 0);
	close(fd);
	assert_int_equal(info.type, BPF_MAP_TYPE_LRU_HASH);
	return info.max_entries;
}

static void test_dataplane_affinities_are_as_many_as_the_first_start_says(void **state)
{
	(void)state;
	assert_int_equal(affinities_rows(), 65536);

	open_anew(1000);
	assert_int_equal(affinities_rows(), 1000);
	assert_int_equal(dataplane_node(opened)->max_affinities, 1000);
	open_again(); /* a file that does not say goes on with what is pinned */

	assert_int_equal(dataplane_node(opened)->max_affinities, 1000);
}

static void test_dataplane_affinities_of_another_size_are_refused(void **state)
{
	struct dataplane_settings settings = make_settings();
	struct dataplane_error error = {};
	struct dataplane *dp;
	bool is_adopted;

	(void)state;
	close_it();
	for (unsigned i = 0; i < 2; i++) {
		settings.max_affinities = i ? 65535 : 65537;

		assert_int_equal(dataplane_open(&settings, &dp, &is_adopted, &error), -ENOSPC);

		assert_non_null(strstr(error.text, "max_affinities"));
		assert_non_null(strstr(error.text, "65536"));
	}
	settings.max_affinities = 65536;
	open_with(&settings);
}

static void test_dataplane_affinities_map_of_another_size_is_refused(void **state)
{
	struct dataplane_settings settings = make_settings();
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	struct dataplane_error error = {};
	struct dataplane *dp;
	char path[128];
	bool is_adopted;
	int fd;

	(void)state;
	close_it();
	snprintf(path, sizeof(path), "%s/lb_affinities", pin_dir);
	assert_int_equal(unlink(path), 0);
	fd = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "lb_affinities", sizeof(struct lb_affinity_key),
			    sizeof(struct lb_affinity), 1024, &opts);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);

	assert_int_equal(dataplane_open(&settings, &dp, &is_adopted, &error), -EPROTO);

	assert_non_null(strstr(error.text, "lb_affinities"));
}

static void test_dataplane_affinities_survive_the_agent(void **state)
{
	const struct lb_affinity_key key = { .client.halves[1] = 42, .service = SERVICE };
	const struct lb_affinity is = { .backend = WEB, .generation = 2, .last_use = 99 };
	struct lb_affinity was = {};
	int fd = open_affinities();

	(void)state;
	assert_int_equal(bpf_map_update_elem(fd, &key, &is, BPF_ANY), 0);
	close(fd);

	open_again();

	fd = open_affinities();
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &was), 0);
	assert_memory_equal(&was, &is, sizeof(is));
	close(fd);
}

#define TABLES_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLES_TEST(test_dataplane_put_service_changes_flags_and_mask_of_the_row_in_use),
		TABLES_TEST(test_dataplane_put_schedule_keeps_the_turns_taken),
		TABLES_TEST(test_dataplane_cost_is_stored_beside_what_packets_count),
		TABLES_TEST(test_dataplane_count_is_zeroed_when_the_backend_comes_alive),
		TABLES_TEST(test_dataplane_sweep_counts_what_was_recorded_before_counting_began),
		TABLES_TEST(test_dataplane_sweep_counts_anew_after_counting_was_off),
		TABLES_TEST(test_dataplane_fail_sample_marks_it_unless_it_moved_on),
		TABLES_TEST(test_dataplane_memo_is_there_for_the_next_agent),
		TABLES_TEST(test_dataplane_deleted_backend_leaves_no_memo_and_no_load),
		TABLES_TEST(test_dataplane_affinities_are_as_many_as_the_first_start_says),
		TABLES_TEST(test_dataplane_affinities_of_another_size_are_refused),
		TABLES_TEST(test_dataplane_affinities_map_of_another_size_is_refused),
		TABLES_TEST(test_dataplane_affinities_survive_the_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
