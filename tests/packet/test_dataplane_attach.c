/* SPDX-License-Identifier: GPL-2.0-only */
/* Links: attach, take over, swap, detach, on veth pairs in a namespace of the test's own. Root. */
#include "dataplane/dataplane.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "model/addr.h"

static char pin_dir[64];
static struct dataplane *opened;

static void shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static const struct dataplane_features with_nat = { .has_nat = true };

static void open_it(bool has_nat)
{
	struct dataplane_settings settings = { .pin_dir = pin_dir,
					       .max_slots = 65536,
					       .max_flows = 1000,
					       .features.has_nat = has_nat };
	struct dataplane_error error = {};
	bool is_adopted;

	if (dataplane_open(&settings, &opened, &is_adopted, &error))
		fail_msg("dataplane_open: %s", error.text);
}

static void close_it(void)
{
	dataplane_close(opened);
	opened = NULL;
}

static int setup(void **state)
{
	(void)state;
	snprintf(pin_dir, sizeof(pin_dir), "/sys/fs/bpf/leat-test-%d", getpid());
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	shell("ip link add gw0 type veth peer name peer0 && ip link set gw0 up && "
	      "ip link set peer0 up");
	open_it(false);
	return 0;
}

static int teardown(void **state)
{
	struct dataplane_error error = {};

	(void)state;
	close_it();
	dataplane_remove(pin_dir, &error);
	return access(pin_dir, F_OK) == 0;
}

static int attach(const char *ifname, enum model_xdp_mode mode, bool *is_native,
		  struct dataplane_error *error)
{
	return dataplane_attach(opened, ifname, if_nametoindex(ifname), mode, is_native, error);
}

static void attach_or_fail(const char *ifname, enum model_xdp_mode mode, bool expect_native)
{
	struct dataplane_error error = {};
	bool is_native = !expect_native;

	if (attach(ifname, mode, &is_native, &error))
		fail_msg("dataplane_attach: %s", error.text);
	assert_int_equal(is_native, expect_native);
}

static uint32_t id_of(int prog_fd)
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(prog_fd, &info, &length), 0);
	return info.id;
}

/* The id of the program on @ifname in the mode asked for; 0: none. */
static uint32_t attached(const char *ifname, bool is_native)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	assert_int_equal(bpf_xdp_query((int)if_nametoindex(ifname), 0, &query), 0);
	return is_native ? query.drv_prog_id : query.skb_prog_id;
}

static uint32_t link_id(const char *pin_name)
{
	struct bpf_link_info info = {};
	uint32_t length = sizeof(info);
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/links/%s", pin_dir, pin_name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &length), 0);
	close(fd);
	return info.id;
}

static bool is_port(const char *ifname)
{
	uint32_t ifindex = if_nametoindex(ifname), value = 0;
	char path[128];
	int fd, err;

	snprintf(path, sizeof(path), "%s/lb_ports", pin_dir);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	err = bpf_map_lookup_elem(fd, &ifindex, &value);
	close(fd);
	return !err && value == ifindex;
}

/* An XDP program of somebody else. */
static int load_pass(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "other", "GPL", insns, 2, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void test_attach_native_pins_a_link_and_enters_the_port(void **state)
{
	(void)state;
	attach_or_fail("gw0", XDP_MODE_NATIVE, true);

	assert_int_equal(attached("gw0", true), id_of(dataplane_program_fd(opened)));
	assert_int_not_equal(link_id("gw0"), 0);
	assert_true(is_port("gw0"));
	assert_string_equal(dataplane_note(opened), "");
}

static void test_attach_generic_is_generic(void **state)
{
	(void)state;
	attach_or_fail("gw0", XDP_MODE_GENERIC, false);

	assert_int_equal(attached("gw0", false), id_of(dataplane_program_fd(opened)));
}

static void test_attach_outlives_the_agent_and_the_next_takes_over(void **state)
{
	uint32_t link, old_program;

	(void)state;
	attach_or_fail("gw0", XDP_MODE_AUTO, true);
	link = link_id("gw0");
	old_program = attached("gw0", true);
	close_it();
	assert_int_equal(attached("gw0", true), old_program);

	open_it(false);
	assert_int_equal(attached("gw0", true), old_program);
	attach_or_fail("gw0", XDP_MODE_AUTO, true);

	assert_int_equal(link_id("gw0"), link);
	assert_int_not_equal(attached("gw0", true), old_program);
	assert_int_equal(attached("gw0", true), id_of(dataplane_program_fd(opened)));
}

static void test_attach_other_mode_attaches_anew(void **state)
{
	(void)state;
	attach_or_fail("gw0", XDP_MODE_NATIVE, true);

	attach_or_fail("gw0", XDP_MODE_GENERIC, false);
	assert_int_equal(attached("gw0", true), 0);
	assert_int_not_equal(attached("gw0", false), 0);

	attach_or_fail("gw0", XDP_MODE_AUTO, false);
	attach_or_fail("gw0", XDP_MODE_NATIVE, true);
	assert_int_equal(attached("gw0", false), 0);
}

static void test_attach_beside_a_foreign_program_is_refused(void **state)
{
	struct dataplane_error error = {};
	int other = load_pass(), ifindex = (int)if_nametoindex("gw0");
	bool is_native;
	char number[32];

	(void)state;
	assert_int_equal(bpf_xdp_attach(ifindex, other, XDP_FLAGS_DRV_MODE, NULL), 0);

	assert_int_equal(attach("gw0", XDP_MODE_AUTO, &is_native, &error), -EBUSY);

	snprintf(number, sizeof(number), "program %u ", id_of(other));
	assert_non_null(strstr(error.text, number));
	assert_non_null(strstr(error.text, "ip link set dev gw0 xdp off"));
	assert_int_equal(attached("gw0", true), id_of(other));
	assert_false(is_port("gw0"));
	assert_int_equal(link_id("gw0"), 0);
	shell("ip link set dev gw0 xdp off");
	attach_or_fail("gw0", XDP_MODE_AUTO, true);
	close(other);
}

static void test_attach_beside_a_foreign_link_is_refused(void **state)
{
	LIBBPF_OPTS(bpf_link_create_opts, how, .flags = XDP_FLAGS_SKB_MODE);
	struct dataplane_error error = {};
	int other = load_pass();
	int link = bpf_link_create(other, (int)if_nametoindex("gw0"), BPF_XDP, &how);
	bool is_native;

	(void)state;
	assert_true(link >= 0);

	assert_int_equal(attach("gw0", XDP_MODE_AUTO, &is_native, &error), -EBUSY);

	assert_non_null(strstr(error.text, "bpftool link detach id"));
	close(link);
	close(other);
}

static void test_attach_native_with_a_large_mtu_is_refused_and_auto_is_generic(void **state)
{
	struct dataplane_error error = {};
	bool is_native;

	(void)state;
	shell("ip link set gw0 mtu 9000 && ip link set peer0 mtu 9000");

	assert_true(attach("gw0", XDP_MODE_NATIVE, &is_native, &error) < 0);
	assert_non_null(strstr(error.text, "MTU 9000"));
	assert_int_equal(link_id("gw0"), 0);

	attach_or_fail("gw0", XDP_MODE_AUTO, false);
	assert_non_null(strstr(dataplane_note(opened), "MTU 9000"));
	assert_non_null(strstr(dataplane_note(opened), "generic XDP instead"));
}

static void test_attach_to_an_interface_made_anew_replaces_the_stale_link(void **state)
{
	uint32_t link;

	(void)state;
	attach_or_fail("gw0", XDP_MODE_AUTO, true);
	link = link_id("gw0");
	shell("ip link del gw0 && ip link add gw0 type veth peer name peer0");

	attach_or_fail("gw0", XDP_MODE_AUTO, true);

	assert_int_not_equal(link_id("gw0"), link);
	assert_int_equal(attached("gw0", true), id_of(dataplane_program_fd(opened)));
}

static void test_attach_to_a_name_with_a_dot_works(void **state)
{
	(void)state;
	shell("ip link add gw0.100 type veth peer name peer0.100");

	attach_or_fail("gw0.100", XDP_MODE_AUTO, true);

	assert_int_not_equal(link_id("gw0:100"), 0);
	assert_int_equal(dataplane_detach(opened, "gw0.100", if_nametoindex("gw0.100")), 0);
	assert_int_equal(link_id("gw0:100"), 0);
}

static void test_attach_to_nothing_fails(void **state)
{
	struct dataplane_error error = {};
	bool is_native;

	(void)state;
	assert_true(dataplane_attach(opened, "absent", 4711, XDP_MODE_AUTO, &is_native, &error) <
		    0);

	assert_non_null(strstr(error.text, "absent"));
}

static void test_detach_leaves_no_program_link_or_port(void **state)
{
	uint32_t ifindex = if_nametoindex("gw0");

	(void)state;
	attach_or_fail("gw0", XDP_MODE_AUTO, true);

	assert_int_equal(dataplane_detach(opened, "gw0", ifindex), 0);

	assert_int_equal(attached("gw0", true), 0);
	assert_int_equal(link_id("gw0"), 0);
	assert_false(is_port("gw0"));
	assert_int_equal(dataplane_detach(opened, "gw0", ifindex), 0);
}

struct seen {
	unsigned count;
	char ifname[IFNAMSIZ];
	uint32_t ifindex;
};

static void see(void *arg, const char *ifname, uint32_t ifindex)
{
	struct seen *seen = arg;

	seen->count++;
	snprintf(seen->ifname, sizeof(seen->ifname), "%s", ifname);
	seen->ifindex = ifindex;
	assert_int_equal(dataplane_detach(opened, ifname, ifindex), 0);
}

static void test_each_link_tells_of_links_made_before(void **state)
{
	struct seen seen = {};

	(void)state;
	assert_int_equal(dataplane_each_link(opened, see, &seen), 0);
	assert_int_equal(seen.count, 0);
	attach_or_fail("gw0", XDP_MODE_AUTO, true);
	close_it();
	open_it(false);

	assert_int_equal(dataplane_each_link(opened, see, &seen), 0);

	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.ifname, "gw0");
	assert_int_equal(seen.ifindex, if_nametoindex("gw0"));
	assert_int_equal(attached("gw0", true), 0);
}

static void test_set_features_swaps_programs_under_links_and_keeps_tables(void **state)
{
	struct lb_service row = { .id = 7, .port = 80, .proto = 6, .family = 4 };
	struct dataplane_error error = {};
	const struct lb_backend *backends;
	const struct lb_service *services;
	uint32_t link, before;
	size_t rows, found = 0;

	(void)state;
	shell("ip link add gw1 type veth peer name peer1");
	attach_or_fail("gw0", XDP_MODE_AUTO, true);
	attach_or_fail("gw1", XDP_MODE_GENERIC, false);
	services = dataplane_services(opened, &rows);
	backends = dataplane_backends(opened);
	assert_int_equal(dataplane_put_service(opened, &row), 0);
	link = link_id("gw0");
	before = attached("gw0", true);

	assert_int_equal(dataplane_set_features(opened, &with_nat, &error), 0);

	assert_int_not_equal(attached("gw0", true), before);
	assert_int_equal(attached("gw0", true), id_of(dataplane_program_fd(opened)));
	assert_int_equal(attached("gw1", false), id_of(dataplane_program_fd(opened)));
	assert_int_equal(link_id("gw0"), link);
	assert_ptr_equal(backends, dataplane_backends(opened));
	for (size_t i = 0; i < rows; i++)
		found += services[i].id == 7;
	assert_int_equal(found, 1);

	before = attached("gw0", true);
	assert_int_equal(dataplane_set_features(opened, &with_nat, &error), 0);
	assert_int_equal(attached("gw0", true), before);
}

static void test_set_features_passes_over_an_interface_that_is_gone(void **state)
{
	struct dataplane_error error = {};

	(void)state;
	shell("ip link add gw1 type veth peer name peer1");
	attach_or_fail("gw1", XDP_MODE_AUTO, true);
	attach_or_fail("gw0", XDP_MODE_AUTO, true);
	shell("ip link del gw1");

	assert_int_equal(dataplane_set_features(opened, &with_nat, &error), 0);

	assert_int_equal(attached("gw0", true), id_of(dataplane_program_fd(opened)));
}

static void test_half_made_pins_with_links_are_detached(void **state)
{
	char path[128];

	(void)state;
	attach_or_fail("gw0", XDP_MODE_AUTO, true);
	close_it();
	snprintf(path, sizeof(path), "%s/lb_node", pin_dir);
	assert_int_equal(unlink(path), 0);

	open_it(false);

	assert_int_equal(attached("gw0", true), 0);
	attach_or_fail("gw0", XDP_MODE_AUTO, true);
}

static void test_remove_detaches_everything(void **state)
{
	struct dataplane_error error = {};

	(void)state;
	attach_or_fail("gw0", XDP_MODE_AUTO, true);
	close_it();

	assert_int_equal(dataplane_remove(pin_dir, &error), 0);

	assert_int_equal(attached("gw0", true), 0);
	assert_int_not_equal(access(pin_dir, F_OK), 0);
}

/* Rows that are moved while packets may pass wait for a grace period each time. */
static void test_put_services_while_attached_places_4096(void **state)
{
	size_t rows, used = 0;
	const struct lb_service *services = dataplane_services(opened, &rows);

	(void)state;
	attach_or_fail("gw0", XDP_MODE_AUTO, true);

	for (unsigned n = 1; n <= LB_MAX_SERVICES; n++) {
		struct lb_service row = {
			.id = (uint16_t)n, .port = (uint16_t)n, .proto = 6, .family = 4
		};

		assert_int_equal(dataplane_put_service(opened, &row), 0);
	}

	for (size_t i = 0; i < rows; i++)
		used += services[i].key_word != 0;
	assert_int_equal(used, LB_MAX_SERVICES);
}

#define ATTACH_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ATTACH_TEST(test_attach_native_pins_a_link_and_enters_the_port),
		ATTACH_TEST(test_attach_generic_is_generic),
		ATTACH_TEST(test_attach_outlives_the_agent_and_the_next_takes_over),
		ATTACH_TEST(test_attach_other_mode_attaches_anew),
		ATTACH_TEST(test_attach_beside_a_foreign_program_is_refused),
		ATTACH_TEST(test_attach_beside_a_foreign_link_is_refused),
		ATTACH_TEST(test_attach_native_with_a_large_mtu_is_refused_and_auto_is_generic),
		ATTACH_TEST(test_attach_to_an_interface_made_anew_replaces_the_stale_link),
		ATTACH_TEST(test_attach_to_a_name_with_a_dot_works),
		ATTACH_TEST(test_attach_to_nothing_fails),
		ATTACH_TEST(test_detach_leaves_no_program_link_or_port),
		ATTACH_TEST(test_each_link_tells_of_links_made_before),
		ATTACH_TEST(test_set_features_swaps_programs_under_links_and_keeps_tables),
		ATTACH_TEST(test_set_features_passes_over_an_interface_that_is_gone),
		ATTACH_TEST(test_half_made_pins_with_links_are_detached),
		ATTACH_TEST(test_remove_detaches_everything),
		ATTACH_TEST(test_put_services_while_attached_places_4096),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
