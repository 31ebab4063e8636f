/* SPDX-License-Identifier: GPL-2.0-only */
/* From program to interface: links, pinned, so that they outlive the agent. */
#include "dataplane/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "model/cleanup.h"

/* a page less headroom and skb_shared_info: what a driver fits into one buffer */
#define ONE_BUFFER_MTU 3506

struct attachment {
	struct dataplane *dp;
	const char *ifname;
	uint32_t ifindex;
	enum model_xdp_mode mode;
	struct dataplane_error *error;
};

static uint32_t program_id(int fd)
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.id;
}

/* Ids of what is attached natively and generically; 0: nothing. */
static int query(uint32_t ifindex, uint32_t *native_id, uint32_t *generic_id)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, attached);
	int err = bpf_xdp_query((int)ifindex, 0, &attached);

	if (err)
		return err;
	*native_id = attached.drv_prog_id;
	*generic_id = attached.skb_prog_id;
	return 0;
}

static int set_port(const struct dataplane *dp, uint32_t ifindex)
{
	return bpf_map_update_elem(dp->map_fd[MAP_PORTS], &ifindex, &ifindex, BPF_ANY);
}

static void clear_port(const struct dataplane *dp, uint32_t ifindex)
{
	bpf_map_delete_elem(dp->map_fd[MAP_PORTS], &ifindex);
}

static void drop_link(int fd, const char *path)
{
	unlink(path);
	bpf_link_detach(fd);
}

/* ---- errors in words ---------------------------------------------------- */

/*
 * The link that holds another's program on this interface; 0: none, it was attached without
 * one. The program tells it from links of other namespaces, where the same index recurs.
 */
static uint32_t find_link_id(uint32_t ifindex, uint32_t prog_id)
{
	uint32_t id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = {};
		uint32_t length = sizeof(info);
		AUTO_CLOSE int fd = bpf_link_get_fd_by_id(id);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &length) &&
		    info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == ifindex &&
		    info.prog_id == prog_id)
			return id;
	}
	return 0;
}

static int fail_busy(const struct attachment *at, uint32_t prog_id)
{
	uint32_t link_id = find_link_id(at->ifindex, prog_id);

	if (link_id)
		return dataplane_fail(at->error, -EBUSY,
				      "%s: XDP program %u of somebody else is attached by link %u; "
				      "stop its owner or `bpftool link detach id %u`, then try "
				      "again",
				      at->ifname, prog_id, link_id, link_id);
	return dataplane_fail(at->error, -EBUSY,
			      "%s: XDP program %u of somebody else is attached; detach it with "
			      "`ip link set dev %s xdp off`, then try again",
			      at->ifname, prog_id, at->ifname);
}

static int mtu_of(const char *ifname)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
	return fd >= 0 && ioctl(fd, SIOCGIFMTU, &request) == 0 ? request.ifr_mtu : 0;
}

static void explain_native(const struct attachment *at, int err, char *buf, size_t size)
{
	int mtu = mtu_of(at->ifname);

	if (mtu > ONE_BUFFER_MTU && err != -EPERM && err != -ENODEV)
		snprintf(buf, size,
			 "%s: native XDP refused (%s): MTU %d is likely too large for it; `ip link "
			 "set dev %s mtu 1500` or `mode: generic`",
			 at->ifname, strerror(-err), mtu, at->ifname);
	else if (err == -ERANGE || err == -EOPNOTSUPP)
		snprintf(buf, size,
			 "%s: native XDP refused (%s): its driver does not support it, or not with "
			 "the MTU of it or of its peer; `mode: generic` works everywhere",
			 at->ifname, strerror(-err));
	else
		snprintf(buf, size, "%s: native XDP refused (%s)%s", at->ifname, strerror(-err),
			 err == -EPERM ? ": leat must run as root" : "");
}

/* ---- making a link ------------------------------------------------------- */

static int make_link(const struct attachment *at, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, how, .flags = flags);

	return bpf_link_create(program_xdp_fd(at->dp->live), (int)at->ifindex, BPF_XDP, &how);
}

static int make_native(const struct attachment *at)
{
	char why[400];
	int fd = make_link(at, XDP_FLAGS_DRV_MODE);

	if (fd >= 0)
		return fd;
	explain_native(at, fd, why, sizeof(why));
	if (at->mode == XDP_MODE_AUTO)
		snprintf(at->dp->note, sizeof(at->dp->note), "%s; generic XDP instead", why);
	return dataplane_fail(at->error, fd, "%s", why);
}

static int make_generic(const struct attachment *at)
{
	int fd = make_link(at, XDP_FLAGS_SKB_MODE);

	if (fd < 0)
		return dataplane_fail(at->error, fd, "%s: generic XDP refused (%s)", at->ifname,
				      strerror(-fd));
	return fd;
}

static int make_any(const struct attachment *at)
{
	uint32_t native_id = 0, generic_id = 0;
	int fd = -EOPNOTSUPP, err = query(at->ifindex, &native_id, &generic_id);

	if (err)
		return dataplane_fail(at->error, err, "%s: asking what is attached: %s", at->ifname,
				      strerror(-err));
	if (native_id || generic_id)
		return fail_busy(at, native_id ? native_id : generic_id);
	if (at->mode != XDP_MODE_GENERIC)
		fd = make_native(at);
	if (fd < 0 && at->mode != XDP_MODE_NATIVE)
		fd = make_generic(at);
	return fd;
}

static int make_and_pin(const struct attachment *at, const char *path)
{
	int err, fd = make_any(at);

	if (fd < 0)
		return fd;
	err = bpf_obj_pin(fd, path);
	if (!err)
		return fd;
	bpf_link_detach(fd);
	close(fd);
	return dataplane_fail(at->error, err, "%s: pinning its link at %s: %s", at->ifname, path,
			      strerror(-err));
}

/* ---- taking over a pinned link ------------------------------------------- */

static bool is_link_of(int fd, uint32_t ifindex)
{
	struct bpf_link_info info = {};
	uint32_t length = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &length) && info.type == BPF_LINK_TYPE_XDP &&
	       info.xdp.ifindex == ifindex;
}

static bool is_mode_wanted(const struct attachment *at)
{
	uint32_t native_id = 0, generic_id = 0;

	if (at->mode == XDP_MODE_AUTO || query(at->ifindex, &native_id, &generic_id))
		return true;
	return at->mode == XDP_MODE_NATIVE ? native_id != 0 : generic_id != 0;
}

/* whether it is our program that the interface has now: a link may belong to an interface of the
 * same index in another namespace */
static bool is_ours_attached(const struct attachment *at, bool *is_native)
{
	uint32_t ours = program_id(program_xdp_fd(at->dp->live));
	uint32_t native_id = 0, generic_id = 0;

	if (query(at->ifindex, &native_id, &generic_id))
		return false;
	if (native_id != ours && generic_id != ours)
		return false;
	*is_native = native_id == ours;
	return true;
}

/* Returns the link's descriptor, or -ENOENT: there is none, or it was stale and is gone now. */
static int take_over(const struct attachment *at, const char *path)
{
	int fd = bpf_obj_get(path);
	bool is_native;

	if (fd < 0)
		return -ENOENT;
	if (is_link_of(fd, at->ifindex) && is_mode_wanted(at) &&
	    !bpf_link_update(fd, program_xdp_fd(at->dp->live), NULL) &&
	    is_ours_attached(at, &is_native))
		return fd;
	drop_link(fd, path);
	close(fd);
	return -ENOENT;
}

/* ---- the verbs ------------------------------------------------------------ */

static struct dataplane_link *find_link(struct dataplane *dp, const char *ifname)
{
	for (size_t i = 0; i < dp->link_count; i++) {
		if (!strcmp(dp->links[i].ifname, ifname))
			return &dp->links[i];
	}
	return NULL;
}

static void forget_link(struct dataplane *dp, const char *ifname)
{
	struct dataplane_link *link = find_link(dp, ifname);

	if (!link)
		return;
	close(link->fd);
	*link = dp->links[--dp->link_count];
}

static void remember_link(struct dataplane *dp, const char *ifname, uint32_t ifindex, int fd)
{
	struct dataplane_link *link;

	forget_link(dp, ifname);
	link = &dp->links[dp->link_count++];
	snprintf(link->ifname, sizeof(link->ifname), "%s", ifname);
	link->ifindex = ifindex;
	link->fd = fd;
}

static int prepare(const struct attachment *at, char *path)
{
	struct dataplane *dp = at->dp;
	char *slash;
	int err = pins_link_path(dp->pin_dir, at->ifname, path);

	if (err)
		return dataplane_fail(at->error, err, "%s: the pin directory's name is too long",
				      at->ifname);
	if (dp->link_count == LB_MAX_PORTS && !find_link(dp, at->ifname))
		return dataplane_fail(at->error, -ENOSPC, "%s: more than %d interfaces", at->ifname,
				      LB_MAX_PORTS);
	slash = strrchr(path, '/');
	*slash = '\0';
	err = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
	if (err)
		return dataplane_fail(at->error, err, "making %s: %s", path, strerror(-err));
	*slash = '/';
	err = set_port(dp, at->ifindex);
	if (err)
		return dataplane_fail(at->error, err, "%s: entering it into lb_ports: %s",
				      at->ifname, strerror(-err));
	return 0;
}

int dataplane_attach(struct dataplane *dp, const char *ifname, uint32_t ifindex,
		     enum model_xdp_mode mode, bool *is_native, struct dataplane_error *error)
{
	const struct attachment at = { dp, ifname, ifindex, mode, error };
	bool native = false, was_live = dp->is_live;
	char path[PATH_MAX];
	int fd, err;

	dp->note[0] = '\0';
	err = prepare(&at, path);
	if (err)
		return err;
	dp->is_live = true;
	errors_collect();
	fd = take_over(&at, path);
	if (fd == -ENOENT)
		fd = make_and_pin(&at, path);
	if (fd < 0) {
		clear_port(dp, ifindex);
		dp->is_live = was_live;
		return fd;
	}
	remember_link(dp, ifname, ifindex, fd);
	is_ours_attached(&at, &native);
	*is_native = native;
	return 0;
}

int dataplane_detach(struct dataplane *dp, const char *ifname, uint32_t ifindex)
{
	char path[PATH_MAX];
	AUTO_CLOSE int fd = -1;
	int err = pins_link_path(dp->pin_dir, ifname, path);

	if (err)
		return err;
	forget_link(dp, ifname);
	fd = bpf_obj_get(path);
	if (fd >= 0)
		drop_link(fd, path);
	if (ifindex)
		clear_port(dp, ifindex);
	return fd >= 0 || fd == -ENOENT ? 0 : fd;
}

/* ---- another program under all links --------------------------------------- */

static int update_links(struct dataplane *dp, int prog_fd, struct dataplane_error *error)
{
	for (size_t i = 0; i < dp->link_count; i++) {
		int err = bpf_link_update(dp->links[i].fd, prog_fd, NULL);

		/* -ENOLINK: the interface is gone; control will hear of that by itself */
		if (err && err != -ENOLINK)
			return dataplane_fail(error, err, "%s: updating its link: %s",
					      dp->links[i].ifname, strerror(-err));
	}
	return 0;
}

int dataplane_set_features(struct dataplane *dp, const struct dataplane_features *features,
			   struct dataplane_error *error)
{
	struct dataplane_tuning tuning = dp->tuning;
	struct program *next;
	int err;

	if (!memcmp(features, &tuning.features, sizeof(*features)))
		return 0;
	tuning.features = *features;
	err = program_load(dp, &tuning, &next, error);
	if (err)
		return err;
	err = update_links(dp, program_xdp_fd(next), error);
	if (err) {
		update_links(dp, program_xdp_fd(dp->live), NULL);
		program_free(next);
		return err;
	}
	program_free(dp->live);
	program_free(dp->dry); /* it was of the old features */
	dp->dry = NULL;
	dp->live = next;
	dp->tuning = tuning;
	dp->is_counted = dp->is_counted && features->has_counts;
	return 0;
}
