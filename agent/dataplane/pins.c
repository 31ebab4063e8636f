/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "model/cleanup.h"

#define LINKS "links"

static const char *const map_names[MAP_COUNT] = {
	[MAP_NODE] = "lb_node",
	[MAP_TABLES] = "lb_tables",
	[MAP_SLOTS] = "lb_slots",
	[MAP_STAMPS] = "lb_stamps",
	[MAP_FLOWS4] = "lb_flows4",
	[MAP_FLOWS6] = "lb_flows6",
	[MAP_LOCKS] = "lb_locks",
	[MAP_BE_STATS] = "lb_be_stats",
	[MAP_REASONS] = "lb_reasons",
	[MAP_PORTS] = "lb_ports",
	[MAP_AFFINITIES] = "lb_affinities",
	[MAP_QUIC_SERVERS] = "lb_quic_servers",
};

const char *pins_map_name(enum dataplane_map which)
{
	return map_names[which];
}

static int join(char *path, const char *dir, const char *name)
{
	int length = snprintf(path, PATH_MAX, "%s/%s", dir, name);

	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* bpffs keeps names with a dot to itself; a colon cannot be in an interface's name */
int pins_link_path(const char *pin_dir, const char *ifname, char *buf)
{
	int length = snprintf(buf, PATH_MAX, "%s/" LINKS "/%s", pin_dir, ifname);
	char *name;

	if (length < 0 || length >= PATH_MAX)
		return -ENAMETOOLONG;
	for (name = strrchr(buf, '/'); *name; name++) {
		if (*name == '.')
			*name = ':';
	}
	return 0;
}

static void link_ifname(const char *pin_name, char *ifname)
{
	snprintf(ifname, IFNAMSIZ, "%.*s", IFNAMSIZ - 1, pin_name);
	for (; *ifname; ifname++) {
		if (*ifname == ':')
			*ifname = '.';
	}
}

static int read_node(struct dataplane *dp, struct dataplane_error *error)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info), key = 0;
	AUTO_FREE void *value = NULL;
	uint32_t layout;
	int err;

	err = bpf_obj_get_info_by_fd(dp->map_fd[MAP_NODE], &info, &length);
	if (err)
		return dataplane_fail(error, err, "reading the pinned lb_node: %s", strerror(-err));
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size < sizeof(layout))
		return -ENOENT;
	value = calloc(1, info.value_size + sizeof(uint64_t)); /* the kernel pads to 8 */
	if (!value)
		return -ENOMEM;
	err = bpf_map_lookup_elem(dp->map_fd[MAP_NODE], &key, value);
	if (err)
		return dataplane_fail(error, err, "reading the pinned lb_node: %s", strerror(-err));
	memcpy(&layout, value, sizeof(layout));
	if (!layout)
		return -ENOENT;
	if (layout != LB_LAYOUT_VERSION || info.value_size != sizeof(dp->node))
		return dataplane_fail(
			error, -EPROTO,
			"the pinned maps are of layout %u, this binary knows %d: go on with the "
			"binary that made them, or `leat stop --detach` and start anew",
			layout, LB_LAYOUT_VERSION);
	memcpy(&dp->node, value, sizeof(dp->node));
	return 0;
}

static int check_rows(const struct dataplane *dp, enum dataplane_map which, uint32_t rows,
		      struct dataplane_error *error)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);
	int err = bpf_obj_get_info_by_fd(dp->map_fd[which], &info, &length);

	if (err)
		return dataplane_fail(error, err, "reading the pinned %s: %s", map_names[which],
				      strerror(-err));
	if (info.max_entries != rows)
		return dataplane_fail(error, -EPROTO,
				      "the pinned %s has %u rows where lb_node says %u: `leat stop "
				      "--detach` and start anew",
				      map_names[which], info.max_entries, rows);
	return 0;
}

static int check_sizes(const struct dataplane *dp, struct dataplane_error *error)
{
	uint32_t slot_rows = (dp->node.max_slots + LB_SLOTS_PER_ROW - 1) / LB_SLOTS_PER_ROW;
	int err;

	if (!dp->node.hz || dp->node.clock_shift > 20)
		return dataplane_fail(error, -EPROTO, "the pinned lb_node has no usable clock");
	err = check_rows(dp, MAP_SLOTS, slot_rows, error);
	if (!err)
		err = check_rows(dp, MAP_STAMPS, slot_rows, error);
	if (!err)
		err = check_rows(dp, MAP_FLOWS4, dp->node.flow4_sets, error);
	if (!err)
		err = check_rows(dp, MAP_FLOWS6, dp->node.flow6_sets, error);
	if (!err)
		err = check_rows(dp, MAP_AFFINITIES, dp->node.max_affinities, error);
	return err;
}

static int open_map(struct dataplane *dp, enum dataplane_map which, struct dataplane_error *error)
{
	char path[PATH_MAX];
	int fd = join(path, dp->pin_dir, map_names[which]);

	if (!fd)
		fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return fd;
	if (fd < 0)
		return dataplane_fail(error, fd, "opening %s/%s: %s%s", dp->pin_dir,
				      map_names[which], strerror(-fd),
				      fd == -EPERM ? " (leat must run as root)" : "");
	dp->map_fd[which] = fd;
	return 0;
}

int pins_adopt(struct dataplane *dp, struct dataplane_error *error)
{
	int err = open_map(dp, MAP_NODE, error);

	if (!err)
		err = read_node(dp, error);
	for (int which = MAP_NODE + 1; !err && which < MAP_COUNT; which++)
		err = open_map(dp, which, error);
	if (!err)
		err = check_sizes(dp, error);
	return err;
}

static int pin_map(const struct dataplane *dp, enum dataplane_map which,
		   struct dataplane_error *error)
{
	char path[PATH_MAX];
	int err = join(path, dp->pin_dir, map_names[which]);

	if (!err)
		err = bpf_obj_pin(dp->map_fd[which], path);
	if (err)
		return dataplane_fail(error, err, "pinning %s/%s: %s", dp->pin_dir,
				      map_names[which], strerror(-err));
	return 0;
}

int pins_publish(struct dataplane *dp, struct dataplane_error *error)
{
	uint32_t key = 0;
	int err = 0;

	for (int which = MAP_COUNT - 1; !err && which > MAP_NODE; which--)
		err = pin_map(dp, which, error);
	if (err)
		return err;
	err = bpf_map_update_elem(dp->map_fd[MAP_NODE], &key, &dp->node, BPF_ANY);
	if (err)
		return dataplane_fail(error, err, "writing lb_node: %s", strerror(-err));
	return pin_map(dp, MAP_NODE, error);
}

/* Returns how many there were. */
static int remove_links(const char *pin_dir)
{
	char dir_path[PATH_MAX], path[PATH_MAX];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	if (join(dir_path, pin_dir, LINKS))
		return 0;
	dir = opendir(dir_path);
	while (dir && (entry = readdir(dir))) {
		AUTO_CLOSE int fd = -1;

		if (entry->d_name[0] == '.' || join(path, dir_path, entry->d_name))
			continue;
		fd = bpf_obj_get(path);
		if (fd >= 0)
			bpf_link_detach(fd);
		count += unlink(path) == 0;
	}
	if (dir)
		closedir(dir);
	rmdir(dir_path);
	return count;
}

int pins_remove(const char *pin_dir, struct dataplane_error *error)
{
	int count = remove_links(pin_dir);
	char path[PATH_MAX];

	for (int which = MAP_NODE; which < MAP_COUNT; which++) {
		if (join(path, pin_dir, map_names[which]))
			return -ENAMETOOLONG;
		if (unlink(path) == 0)
			count++;
		else if (errno != ENOENT)
			return dataplane_fail(error, -errno, "removing %s: %s", path,
					      strerror(errno));
	}
	return count ? 0 : -ENOENT;
}

int dataplane_each_link(struct dataplane *dp,
			void (*each)(void *arg, const char *ifname, uint32_t ifindex), void *arg)
{
	char dir_path[PATH_MAX], path[PATH_MAX], ifname[IFNAMSIZ];
	struct dirent *entry;
	DIR *dir;
	int err = join(dir_path, dp->pin_dir, LINKS);

	if (err)
		return err;
	dir = opendir(dir_path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		struct bpf_link_info info = {};
		uint32_t length = sizeof(info);
		AUTO_CLOSE int fd = -1;

		if (entry->d_name[0] == '.' || join(path, dir_path, entry->d_name))
			continue;
		fd = bpf_obj_get(path);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
			continue;
		link_ifname(entry->d_name, ifname);
		each(arg, ifname, info.xdp.ifindex);
	}
	closedir(dir);
	return 0;
}
