/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A container with half a CPU is full while the machine is idle, so a limit decides what load is
 * measured against. It may change while we watch, so what it has allowed is added up from reading
 * to reading.
 */
#include "backend/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/cleanup.h"

#define FILE_MAX 4096
#define MOUNT	 "/sys/fs/cgroup"

/* What fits of a file as a string; 0 or -errno. */
static int read_file(const char *path, char *buf, size_t size)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, buf, size - 1);
	if (length < 0)
		return -errno;
	buf[length] = '\0';
	return 0;
}

/* Too long a path is one that is not there. */
static bool join(char out[PATH_MAX], const char *directory, const char *name)
{
	return snprintf(out, PATH_MAX, "%s/%s", directory, name) < PATH_MAX &&
	       access(out, R_OK) == 0;
}

/* ---- reading ------------------------------------------------------------ */

static int read_limit(const struct source *s, unsigned *milli)
{
	char limit[FILE_MAX], period[FILE_MAX];
	int err = read_file(s->limit, limit, sizeof(limit));

	if (err == -ENOENT) { /* the root, or one without the cpu controller */
		*milli = LOAD_UNLIMITED;
		return 0;
	}
	if (err)
		return err;
	if (s->kind == SOURCE_CGROUP2)
		return load_parse_max(limit, milli);
	err = read_file(s->period, period, sizeof(period));
	return err ? err : load_parse_quota(limit, period, milli);
}

static int read_usage(const struct source *s, uint64_t *usage_us)
{
	char text[FILE_MAX];
	int err = read_file(s->usage, text, sizeof(text));

	if (err)
		return err;
	return s->kind == SOURCE_CGROUP2 ? load_parse_usage(text, usage_us)
					 : load_parse_acct(text, usage_us);
}

static int read_machine(const struct source *s, struct load_reading *out)
{
	char text[FILE_MAX];
	int err = read_file(s->usage, text, sizeof(text));

	return err ? err : load_parse_stat(text, out);
}

/* A limit above what the machine has is none. */
static uint64_t allowed_milli(const struct source *s)
{
	unsigned all = s->cpus * 1000;

	return s->limit_milli == LOAD_UNLIMITED || s->limit_milli > all ? all : s->limit_milli;
}

int source_read(struct source *s, uint64_t now_us, struct load_reading *out)
{
	uint64_t usage_us;
	unsigned milli;
	int err;

	if (s->kind == SOURCE_MACHINE)
		return read_machine(s, out);
	err = read_limit(s, &milli);
	if (!err)
		err = read_usage(s, &usage_us);
	if (err)
		return err;
	if (s->last_us)
		s->offered_us += (now_us - s->last_us) * allowed_milli(s) / 1000;
	s->last_us = now_us;
	s->limit_milli = milli;
	*out = (struct load_reading) { .used = usage_us, .offered = s->offered_us };
	return 0;
}

/* ---- finding ------------------------------------------------------------ */

/* cpuacct may be a hierarchy of its own, with the same names below it: @directory with "cpu" for
 * "cpuacct" */
static bool join_acct(char out[PATH_MAX], const char *directory)
{
	const char *cpu = strstr(directory, "/cpu/");
	char other[PATH_MAX];
	size_t length = strlen(directory);

	if (join(out, directory, "cpuacct.usage"))
		return true;
	if (!cpu && length >= 4 && strcmp(directory + length - 4, "/cpu") == 0)
		cpu = directory + length - 4;
	if (!cpu || snprintf(other, sizeof(other), "%.*s/cpuacct%s", (int)(cpu - directory),
			     directory, cpu + 4) >= (int)sizeof(other))
		return false;
	return join(out, other, "cpuacct.usage");
}

static bool take_cgroup(const char *directory, struct source *s)
{
	if (snprintf(s->cgroup, sizeof(s->cgroup), "%s", directory) >= (int)sizeof(s->cgroup))
		return false;
	if (join(s->usage, directory, "cpu.stat") &&
	    !join(s->limit, directory, "cpu.cfs_quota_us")) {
		s->kind = SOURCE_CGROUP2;
		(void)join(s->limit, directory, "cpu.max");
		return true;
	}
	s->kind = SOURCE_CGROUP1;
	return join(s->limit, directory, "cpu.cfs_quota_us") &&
	       join(s->period, directory, "cpu.cfs_period_us") && join_acct(s->usage, directory);
}

static bool has_limit(const struct source *s)
{
	unsigned milli;
	uint64_t usage_us;

	return !read_limit(s, &milli) && milli != LOAD_UNLIMITED && !read_usage(s, &usage_us);
}

/* From @path below @mount upwards; in a container the path may be the host's, and what is mounted
 * ours. */
static bool climb(const char *mount, const char *path, struct source *s)
{
	char directory[PATH_MAX];
	size_t shortest = strlen(mount);
	char *slash;

	if (snprintf(directory, sizeof(directory), "%s%s", mount, path) >= (int)sizeof(directory))
		return false;
	for (;;) {
		if (take_cgroup(directory, s) && has_limit(s))
			return true;
		slash = strrchr(directory, '/');
		if (!slash || (size_t)(slash - directory) < shortest)
			return false;
		*slash = '\0';
	}
}

static bool climb_from(const char *root, const char *hierarchy, const char *path, struct source *s)
{
	char mount[PATH_MAX];

	return snprintf(mount, sizeof(mount), "%s" MOUNT "%s", root, hierarchy) <
		       (int)sizeof(mount) &&
	       climb(mount, path, s);
}

/* whether "cpu" is among "cpu,cpuacct" */
static bool has_cpu(const char *controllers)
{
	char words[256];

	snprintf(words, sizeof(words), ",%s,", controllers);
	return strstr(words, ",cpu,");
}

/* @line of /proc/self/cgroup: "4:cpu,cpuacct:/path" or "0::/path" */
static bool take_line(const char *root, char *line, struct source *s)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;
	char mount[256];

	if (!path)
		return false;
	*path++ = '\0';
	controllers++;
	if (strcmp(path, "/") == 0)
		path = "";
	if (!*controllers)
		return climb_from(root, "", path, s) || climb_from(root, "/unified", path, s);
	if (!has_cpu(controllers))
		return false;
	snprintf(mount, sizeof(mount), "/%s", controllers);
	return climb_from(root, mount, path, s) || climb_from(root, "/cpu", path, s);
}

static bool find_own(const char *root, struct source *s)
{
	char path[PATH_MAX], text[FILE_MAX], *rest;

	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	if (read_file(path, text, sizeof(text)))
		return false;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (take_line(root, line, s))
			return true;
	}
	return false;
}

static int find_machine(const char *root, struct source *s, char *error, size_t error_size)
{
	struct load_reading reading;
	int err;

	*s = (struct source) { .kind = SOURCE_MACHINE, .cpus = s->cpus };
	snprintf(s->usage, sizeof(s->usage), "%s/proc/stat", root);
	err = read_machine(s, &reading);
	if (err)
		snprintf(error, error_size, "%s: %s", s->usage, strerror(-err));
	return err;
}

static int find_named(const char *cgroup, struct source *s, char *error, size_t error_size)
{
	struct load_reading reading;
	int err;

	if (access(cgroup, X_OK)) {
		snprintf(error, error_size, "%s: %s", cgroup, strerror(errno));
		return -ENOENT;
	}
	if (!take_cgroup(cgroup, s)) {
		snprintf(error, error_size,
			 "%s: no cgroup that counts CPU time: neither cpu.stat (version 2) nor "
			 "cpu.cfs_quota_us with cpuacct.usage (version 1) can be read there",
			 cgroup);
		return -EINVAL;
	}
	err = source_read(s, 0, &reading);
	if (err)
		snprintf(error, error_size, "%s: %s", s->usage, strerror(-err));
	return err;
}

int source_find(const char *cgroup, const char *root, struct source *out, char *error,
		size_t error_size)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	*out = (struct source) { .cpus = cpus > 0 ? (unsigned)cpus : 1 };
	if (cgroup)
		return find_named(cgroup, out, error, error_size);
	if (find_own(root, out))
		return 0;
	return find_machine(root, out, error, error_size);
}

void source_describe(const struct source *s, char *buf, size_t size)
{
	uint64_t milli = allowed_milli(s);

	if (s->kind == SOURCE_MACHINE)
		snprintf(buf, size, "the machine");
	else
		snprintf(buf, size, "cgroup %s, of %u.%02u CPUs", s->cgroup,
			 (unsigned)(milli / 1000), (unsigned)(milli % 1000 / 10));
}
