/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting for packets in flight. A system call that updates a map of maps returns only
 * after an RCU grace period: every XDP program that ran when it was made has ended. That
 * is exact, where a sleep would be a guess (a virtual CPU may stand still for long), and
 * it needs no more than two small maps of our own.
 */
#include "dataplane/internal.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>

static int make_maps(struct dataplane *dp)
{
	LIBBPF_OPTS(bpf_map_create_opts, outer);
	int fd;

	if (dp->grace_fd[0] < 0) {
		fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "lb_grace_inner", 4, 4, 1, NULL);
		if (fd < 0)
			return fd;
		dp->grace_fd[0] = fd;
	}
	if (dp->grace_fd[1] < 0) {
		outer.inner_map_fd = (__u32)dp->grace_fd[0];
		fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "lb_grace", 4, 4, 1, &outer);
		if (fd < 0)
			return fd;
		dp->grace_fd[1] = fd;
	}
	return 0;
}

int grace_wait(struct dataplane *dp)
{
	uint32_t key = 0;
	int err;

	if (dp->is_live) {
		err = make_maps(dp);
		if (!err)
			err = bpf_map_update_elem(dp->grace_fd[1], &key, &dp->grace_fd[0], BPF_ANY);
		if (err)
			return err;
	}
	keyed_forget_cleared(&dp->services);
	keyed_forget_cleared(&dp->replies);
	dp->has_freed_slots = false;
	return 0;
}
