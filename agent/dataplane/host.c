/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <linux/magic.h>

#include "model/cleanup.h"

#define MIN_MAJOR    6
#define MIN_MINOR    1
#define BPFFS	     "/sys/fs/bpf"
#define LOCK_STEP_MS 20

int host_check(struct dataplane_error *error)
{
	unsigned major = 0, minor = 0;
	struct utsname host;

	if (uname(&host) < 0)
		return dataplane_fail(error, -errno, "uname: %s", strerror(errno));
	if (strcmp(host.machine, "x86_64") != 0)
		return dataplane_fail(error, -EOPNOTSUPP,
				      "this machine is %s; leat runs on x86_64 only: its flow "
				      "table needs that machine's order of loads",
				      host.machine);
	if (sscanf(host.release, "%u.%u", &major, &minor) != 2 || major < MIN_MAJOR ||
	    (major == MIN_MAJOR && minor < MIN_MINOR))
		return dataplane_fail(error, -EOPNOTSUPP,
				      "this kernel is Linux %s; leat needs %d.%d or later",
				      host.release, MIN_MAJOR, MIN_MINOR);
	return 0;
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

static int make_dirs(const char *path)
{
	char part[PATH_MAX];

	if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part))
		return -ENAMETOOLONG;
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(part, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int mount_bpffs(char *note, size_t note_size, struct dataplane_error *error)
{
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return dataplane_fail(error, -errno, "mounting bpffs at " BPFFS ": %s%s",
				      strerror(errno),
				      errno == EPERM ? " (leat must run as root)" : "");
	snprintf(note, note_size, "mounted bpffs at " BPFFS ", where it was absent");
	return 0;
}

int host_prepare_pin_dir(const char *pin_dir, char *note, size_t note_size,
			 struct dataplane_error *error)
{
	int err;

	if (!strncmp(pin_dir, BPFFS "/", sizeof(BPFFS)) && !is_bpffs(BPFFS)) {
		err = mount_bpffs(note, note_size, error);
		if (err)
			return err;
	}
	err = make_dirs(pin_dir);
	if (err)
		return dataplane_fail(error, err, "making %s: %s", pin_dir, strerror(-err));
	if (!is_bpffs(pin_dir))
		return dataplane_fail(
			error, -EINVAL,
			"%s is not on a bpf file system: choose a directory below " BPFFS, pin_dir);
	return 0;
}

/* whether @fd still is the directory that the path names, not one removed meanwhile */
static bool is_current(int fd, const char *path)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
	       ours.st_dev == named.st_dev;
}

static int try_lock(const char *pin_dir)
{
	AUTO_CLOSE int fd = open(pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int taken;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (!is_current(fd, pin_dir))
		return -EBUSY;
	taken = fd;
	fd = -1;
	return taken;
}

int host_lock(const char *pin_dir, unsigned wait_ms, struct dataplane_error *error)
{
	const struct timespec step = { .tv_nsec = LOCK_STEP_MS * 1000000L };
	int fd = try_lock(pin_dir);

	for (unsigned waited = 0; fd == -EBUSY && waited < wait_ms; waited += LOCK_STEP_MS) {
		nanosleep(&step, NULL);
		fd = try_lock(pin_dir);
	}
	if (fd == -EBUSY)
		return dataplane_fail(error, fd,
				      "%s is in use by another leat; stop that one first "
				      "(`leat stop`)",
				      pin_dir);
	if (fd < 0 && fd != -ENOENT)
		return dataplane_fail(error, fd, "locking %s: %s", pin_dir, strerror(-fd));
	return fd;
}
