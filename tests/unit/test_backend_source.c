/* SPDX-License-Identifier: GPL-2.0-only */
/* Which files are watched, in trees as kernels and containers show them. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/source.h"

#define STAT "cpu  100 0 100 800 0 0 0 0 0 0\n"

struct tree {
	char root[64];
	struct source source;
	char error[PATH_MAX + 256];
};

static int tree_setup(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	strcpy(tree->root, "/tmp/leat-source-XXXXXX");
	*state = tree;
	return mkdtemp(tree->root) ? 0 : -1;
}

static int tree_teardown(void **state)
{
	struct tree *tree = *state;
	char command[128];
	int err;

	snprintf(command, sizeof(command), "rm -r %s", tree->root);
	err = system(command);
	free(tree);
	return err ? -1 : 0;
}

/* @path below the root, with its directories */
static void put(const struct tree *tree, const char *path, const char *text)
{
	char full[256], command[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", tree->root, path);
	snprintf(command, sizeof(command), "mkdir -p $(dirname %s)", full);
	assert_int_equal(system(command), 0);
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int find(struct tree *tree, const char *cgroup)
{
	char full[256];

	if (cgroup)
		snprintf(full, sizeof(full), "%s/%s", tree->root, cgroup);
	return source_find(cgroup ? full : NULL, tree->root, &tree->source, tree->error,
			   sizeof(tree->error));
}

static void assert_cgroup(const struct tree *tree, enum source_kind kind, const char *path)
{
	assert_int_equal(tree->source.kind, kind);
	assert_string_equal(tree->source.cgroup + strlen(tree->root), path);
}

static struct load_reading read_at(struct tree *tree, uint64_t now_us)
{
	struct load_reading reading;

	assert_int_equal(source_read(&tree->source, now_us, &reading), 0);
	return reading;
}

/* ---- our own ------------------------------------------------------------ */

static void test_source_without_cgroups_is_the_machine(void **state)
{
	struct tree *tree = *state;
	struct load_reading reading;
	char text[64];

	put(tree, "proc/stat", STAT);
	assert_int_equal(find(tree, NULL), 0);

	assert_int_equal(tree->source.kind, SOURCE_MACHINE);
	reading = read_at(tree, 1);
	assert_int_equal(reading.used, 200);
	assert_int_equal(reading.offered, 1000);
	source_describe(&tree->source, text, sizeof(text));
	assert_string_equal(text, "the machine");
}

static void test_source_without_a_limit_is_the_machine(void **state)
{
	struct tree *tree = *state;

	put(tree, "proc/stat", STAT);
	put(tree, "proc/self/cgroup", "0::/system.slice/web.service\n");
	put(tree, "sys/fs/cgroup/system.slice/web.service/cpu.max", "max 100000\n");
	put(tree, "sys/fs/cgroup/system.slice/web.service/cpu.stat", "usage_usec 5\n");
	put(tree, "sys/fs/cgroup/cpu.stat", "usage_usec 5\n");
	assert_int_equal(find(tree, NULL), 0);

	assert_int_equal(tree->source.kind, SOURCE_MACHINE);
}

static void test_source_in_a_limited_cgroup_is_that(void **state)
{
	struct tree *tree = *state;
	char text[PATH_MAX];

	put(tree, "proc/stat", STAT);
	put(tree, "proc/self/cgroup", "0::/system.slice/web.service\n");
	put(tree, "sys/fs/cgroup/system.slice/web.service/cpu.max", "50000 100000\n");
	put(tree, "sys/fs/cgroup/system.slice/web.service/cpu.stat", "usage_usec 5\n");
	assert_int_equal(find(tree, NULL), 0);

	assert_cgroup(tree, SOURCE_CGROUP2, "/sys/fs/cgroup/system.slice/web.service");
	read_at(tree, 1);
	source_describe(&tree->source, text, sizeof(text));
	assert_non_null(strstr(text, "web.service, of 0.50 CPUs"));
}

static void test_source_limited_from_above_is_the_one_with_the_limit(void **state)
{
	struct tree *tree = *state;

	put(tree, "proc/stat", STAT);
	put(tree, "proc/self/cgroup", "0::/a.slice/b.service\n");
	put(tree, "sys/fs/cgroup/a.slice/b.service/cpu.max", "max 100000\n");
	put(tree, "sys/fs/cgroup/a.slice/b.service/cpu.stat", "usage_usec 5\n");
	put(tree, "sys/fs/cgroup/a.slice/cpu.max", "20000 100000\n");
	put(tree, "sys/fs/cgroup/a.slice/cpu.stat", "usage_usec 50\n");
	assert_int_equal(find(tree, NULL), 0);

	assert_cgroup(tree, SOURCE_CGROUP2, "/sys/fs/cgroup/a.slice");
}

static void test_source_in_a_container_is_the_mounted_root(void **state)
{
	struct tree *tree = *state;

	put(tree, "proc/stat", STAT);
	put(tree, "proc/self/cgroup", "0::/\n");
	put(tree, "sys/fs/cgroup/cpu.max", "150000 100000\n");
	put(tree, "sys/fs/cgroup/cpu.stat", "usage_usec 5\n");
	assert_int_equal(find(tree, NULL), 0);

	assert_cgroup(tree, SOURCE_CGROUP2, "/sys/fs/cgroup");
}

static void test_source_of_version_1_reads_quota_and_acct(void **state)
{
	struct tree *tree = *state;

	put(tree, "proc/stat", STAT);
	put(tree, "proc/self/cgroup", "5:cpuset:/web\n3:cpu,cpuacct:/web\n0::/\n");
	put(tree, "sys/fs/cgroup/cpu,cpuacct/web/cpu.cfs_quota_us", "25000\n");
	put(tree, "sys/fs/cgroup/cpu,cpuacct/web/cpu.cfs_period_us", "100000\n");
	put(tree, "sys/fs/cgroup/cpu,cpuacct/web/cpu.stat", "nr_periods 0\n");
	put(tree, "sys/fs/cgroup/cpu,cpuacct/web/cpuacct.usage", "7000000\n");
	assert_int_equal(find(tree, NULL), 0);

	assert_cgroup(tree, SOURCE_CGROUP1, "/sys/fs/cgroup/cpu,cpuacct/web");
	assert_int_equal(read_at(tree, 1).used, 7000);
	assert_int_equal(tree->source.limit_milli, 250);
}

static void test_source_of_version_1_in_a_container_with_the_hosts_path(void **state)
{
	struct tree *tree = *state;

	put(tree, "proc/stat", STAT);
	put(tree, "proc/self/cgroup", "4:cpuacct:/docker/abc\n3:cpu:/docker/abc\n");
	put(tree, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
	put(tree, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	put(tree, "sys/fs/cgroup/cpuacct/cpuacct.usage", "7000000\n");
	assert_int_equal(find(tree, NULL), 0);

	assert_cgroup(tree, SOURCE_CGROUP1, "/sys/fs/cgroup/cpu");
}

/* the mount's name and the controllers need not be in one order */
static void test_source_of_version_1_is_found_by_the_name_of_the_link(void **state)
{
	struct tree *tree = *state;

	put(tree, "proc/stat", STAT);
	put(tree, "proc/self/cgroup", "3:cpuacct,cpu:/web\n");
	put(tree, "sys/fs/cgroup/cpu/web/cpu.cfs_quota_us", "25000\n");
	put(tree, "sys/fs/cgroup/cpu/web/cpu.cfs_period_us", "100000\n");
	put(tree, "sys/fs/cgroup/cpu/web/cpuacct.usage", "7000000\n");
	assert_int_equal(find(tree, NULL), 0);

	assert_cgroup(tree, SOURCE_CGROUP1, "/sys/fs/cgroup/cpu/web");
}

/* ---- a named one -------------------------------------------------------- */

static void test_source_named_of_version_1_has_acct_beside_cpu(void **state)
{
	struct tree *tree = *state;

	put(tree, "sys/fs/cgroup/cpu/leat/web1/cpu.cfs_quota_us", "50000\n");
	put(tree, "sys/fs/cgroup/cpu/leat/web1/cpu.cfs_period_us", "100000\n");
	put(tree, "sys/fs/cgroup/cpuacct/leat/web1/cpuacct.usage", "9000000\n");
	assert_int_equal(find(tree, "sys/fs/cgroup/cpu/leat/web1"), 0);

	assert_cgroup(tree, SOURCE_CGROUP1, "/sys/fs/cgroup/cpu/leat/web1");
	assert_int_equal(read_at(tree, 1).used, 9000);
}

static void test_source_named_offers_what_its_limit_allows(void **state)
{
	struct tree *tree = *state;
	struct load_reading first, second, third;

	tree->source.cpus = 0;
	put(tree, "cg/cpu.max", "50000 100000\n");
	put(tree, "cg/cpu.stat", "usage_usec 1000\n");
	assert_int_equal(find(tree, "cg"), 0);
	first = read_at(tree, 10000000);
	put(tree, "cg/cpu.stat", "usage_usec 251000\n");
	second = read_at(tree, 11000000);
	put(tree, "cg/cpu.max", "10000 100000\n"); /* counts from the next reading on */
	read_at(tree, 11000000);
	third = read_at(tree, 12000000);

	assert_int_equal(second.used - first.used, 250000);
	assert_int_equal(second.offered - first.offered, 500000);
	assert_int_equal(third.offered - second.offered, 100000);
}

static void test_source_named_without_a_limit_is_offered_all_cpus(void **state)
{
	struct tree *tree = *state;
	struct load_reading first, second;

	put(tree, "cg/cpu.stat", "usage_usec 1000\n"); /* no cpu controller: no cpu.max */
	assert_int_equal(find(tree, "cg"), 0);
	first = read_at(tree, 10000000);
	second = read_at(tree, 11000000);

	assert_int_equal(second.offered - first.offered, 1000000ULL * tree->source.cpus);
}

static void test_source_named_with_a_limit_above_the_machine_is_offered_all_cpus(void **state)
{
	struct tree *tree = *state;
	struct load_reading first, second;

	put(tree, "cg/cpu.max", "400000000 100000\n");
	put(tree, "cg/cpu.stat", "usage_usec 1000\n");
	assert_int_equal(find(tree, "cg"), 0);
	first = read_at(tree, 10000000);
	second = read_at(tree, 11000000);

	assert_int_equal(second.offered - first.offered, 1000000ULL * tree->source.cpus);
}

static void test_source_named_that_is_no_cgroup_is_refused(void **state)
{
	struct tree *tree = *state;

	put(tree, "dir/file", "");
	put(tree, "bad/cpu.stat", "nr_periods 0\n");

	assert_int_equal(find(tree, "nothing"), -ENOENT);
	assert_non_null(strstr(tree->error, "No such file or directory"));
	assert_int_equal(find(tree, "dir"), -EINVAL);
	assert_non_null(strstr(tree->error, "no cgroup that counts CPU time"));
	assert_int_equal(find(tree, "bad"), -EINVAL);
}

static void test_source_that_goes_away_fails_to_be_read(void **state)
{
	struct tree *tree = *state;
	struct load_reading reading;
	char command[128];

	put(tree, "cg/cpu.max", "50000 100000\n");
	put(tree, "cg/cpu.stat", "usage_usec 1000\n");
	assert_int_equal(find(tree, "cg"), 0);
	snprintf(command, sizeof(command), "rm -r %s/cg", tree->root);
	assert_int_equal(system(command), 0);

	assert_int_equal(source_read(&tree->source, 1, &reading), -ENOENT);
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_source_without_cgroups_is_the_machine),
		TREE_TEST(test_source_without_a_limit_is_the_machine),
		TREE_TEST(test_source_in_a_limited_cgroup_is_that),
		TREE_TEST(test_source_limited_from_above_is_the_one_with_the_limit),
		TREE_TEST(test_source_in_a_container_is_the_mounted_root),
		TREE_TEST(test_source_of_version_1_reads_quota_and_acct),
		TREE_TEST(test_source_of_version_1_in_a_container_with_the_hosts_path),
		TREE_TEST(test_source_of_version_1_is_found_by_the_name_of_the_link),
		TREE_TEST(test_source_named_of_version_1_has_acct_beside_cpu),
		TREE_TEST(test_source_named_offers_what_its_limit_allows),
		TREE_TEST(test_source_named_without_a_limit_is_offered_all_cpus),
		TREE_TEST(test_source_named_with_a_limit_above_the_machine_is_offered_all_cpus),
		TREE_TEST(test_source_named_that_is_no_cgroup_is_refused),
		TREE_TEST(test_source_that_goes_away_fails_to_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
