/* SPDX-License-Identifier: GPL-2.0-only */
/* Opening: new maps, or those that an agent before us left running. */
#include "dataplane/dataplane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "dataplane/clock.h"
#include "dataplane/internal.h"

#define DEFAULT_SLOTS	   (1U << 20)
#define DEFAULT_AFFINITIES 65536
#define DEFAULT_FLOWS	   (1U << 18)
#define DEFAULT_G_MS	   1000
#define DEFAULT_D_MS	   1000
#define MAX_FLOW_SETS	   (1U << 24) /* lb_set_second() has 24 bits to give */
#define FALLBACK_HZ	   250
#define OPEN_WAIT_MS	   1000 /* an agent that was just killed is still letting go */
#define REMOVE_WAIT_MS	   2000

/* ---- the node's row, at first start ---------------------------------------- */

static uint32_t sets_for(unsigned flows)
{
	uint32_t sets = 1;

	while (sets < MAX_FLOW_SETS && (uint64_t)sets * LB_FLOW_WAYS < flows)
		sets *= 2;
	return sets;
}

static int make_hash_key(const struct dataplane_settings *settings, __u64 *key)
{
	const size_t size = 2 * sizeof(*key);

	if (settings->has_hash_key) {
		memcpy(key, settings->hash_key, size);
		return 0;
	}
	return getrandom(key, size, 0) == (ssize_t)size ? 0 : -EIO;
}

/* All but the clock, which is known when the program runs. */
static int make_node(struct dataplane *dp, const struct dataplane_settings *settings,
		     struct dataplane_error *error)
{
	unsigned slots = settings->default_slots ? settings->default_slots : DEFAULT_SLOTS;
	unsigned flows = settings->max_flows ? settings->max_flows : DEFAULT_FLOWS;
	struct lb_node node = {
		.layout = LB_LAYOUT_VERSION,
		.max_slots = settings->max_slots ? settings->max_slots : slots,
		.flow4_sets = sets_for(flows),
		.flow6_sets = sets_for(flows),
		.max_affinities =
			settings->max_affinities ? settings->max_affinities : DEFAULT_AFFINITIES,
	};
	int err = make_hash_key(settings, node.hash_key);

	if (err)
		return dataplane_fail(error, err, "making a hash key: %s", strerror(-err));
	if (flows > (uint64_t)MAX_FLOW_SETS * LB_FLOW_WAYS)
		return dataplane_fail(error, -EINVAL, "max_flows: at most %u",
				      MAX_FLOW_SETS * LB_FLOW_WAYS);
	dp->node = node;
	return 0;
}

static int check_node(const struct dataplane *dp, const struct dataplane_settings *settings,
		      struct dataplane_error *error)
{
	const struct lb_node *node = &dp->node;

	if (settings->max_slots > node->max_slots)
		return dataplane_fail(error, -ENOSPC,
				      "max_slots: %u is more than the %u of the pinned maps; lower "
				      "it, or `leat stop --detach` and start anew",
				      settings->max_slots, node->max_slots);
	if (settings->max_flows > (uint64_t)node->flow4_sets * LB_FLOW_WAYS)
		return dataplane_fail(error, -ENOSPC,
				      "max_flows: %u is more than the %u of the pinned maps; lower "
				      "it, or `leat stop --detach` and start anew",
				      settings->max_flows, node->flow4_sets * LB_FLOW_WAYS);
	if (settings->max_affinities && settings->max_affinities != node->max_affinities)
		return dataplane_fail(error, -ENOSPC,
				      "max_affinities: %u, but the pinned map has %u; put that "
				      "back, or `leat stop --detach` and start anew",
				      settings->max_affinities, node->max_affinities);
	if (settings->has_hash_key &&
	    memcmp(settings->hash_key, node->hash_key, sizeof(node->hash_key)) != 0)
		return dataplane_fail(error, -EINVAL,
				      "hash_key is not that of the pinned maps, by which every "
				      "connection is placed; put it back, or `leat stop --detach` "
				      "and start anew");
	return 0;
}

static void set_clock(struct dataplane *dp, const struct dataplane_settings *settings)
{
	unsigned hz = ticks_find_hz(dp->live);

	dp->node.hz = hz ? hz : FALLBACK_HZ;
	dp->node.clock_shift =
		settings->has_clock_shift ? settings->clock_shift : clock_shift_for(dp->node.hz);
}

static void set_tuning(struct dataplane *dp, const struct dataplane_settings *settings)
{
	unsigned g_ms = settings->grain_ms ? settings->grain_ms : DEFAULT_G_MS;
	unsigned d_ms = settings->slack_ms ? settings->slack_ms : DEFAULT_D_MS;

	dp->tuning = (struct dataplane_tuning) {
		.grain = dataplane_units(dp, g_ms),
		.slack = 2 * dataplane_units(dp, d_ms),
		.features = settings->features,
	};
}

/* ---- two ways to begin -------------------------------------------------------- */

/*
 * rodata needs HZ and only a loaded program tells it: the first instance, without the
 * data path, makes the maps and reads the clock; the second is the one to run.
 */
static int begin_anew(struct dataplane *dp, const struct dataplane_settings *settings,
		      struct dataplane_error *error)
{
	int err = make_node(dp, settings, error);

	if (!err)
		err = program_load(dp, NULL, &dp->live, error);
	if (err)
		return err;
	set_clock(dp, settings);
	set_tuning(dp, settings);
	program_free(dp->live);
	dp->live = NULL;
	err = program_load(dp, &dp->tuning, &dp->live, error);
	if (!err)
		err = pins_publish(dp, error);
	if (err)
		pins_remove(dp->pin_dir, NULL);
	return err;
}

static int begin_adopted(struct dataplane *dp, const struct dataplane_settings *settings,
			 struct dataplane_error *error)
{
	int err = check_node(dp, settings, error);

	if (err)
		return err;
	dp->is_live = true;
	set_tuning(dp, settings);
	return program_load(dp, &dp->tuning, &dp->live, error);
}

static void close_maps(struct dataplane *dp)
{
	for (int which = 0; which < MAP_COUNT; which++) {
		if (dp->map_fd[which] >= 0)
			close(dp->map_fd[which]);
		dp->map_fd[which] = -1;
	}
}

static int begin(struct dataplane *dp, const struct dataplane_settings *settings, bool *is_adopted,
		 struct dataplane_error *error)
{
	int err = pins_adopt(dp, error);

	*is_adopted = !err;
	if (!err)
		return begin_adopted(dp, settings, error);
	if (err != -ENOENT)
		return err;
	/* none, or what a start that was cut short has left: the node's row comes last */
	close_maps(dp);
	err = pins_remove(dp->pin_dir, error);
	if (err && err != -ENOENT)
		return err;
	if (!err)
		snprintf(dp->note, sizeof(dp->note),
			 "removed pins of a start that was cut short; starting anew");
	return begin_anew(dp, settings, error);
}

/* ---- tables --------------------------------------------------------------------- */

static int wait_for_packets(void *arg)
{
	return grace_wait(arg);
}

static int init_keyed(struct dataplane *dp)
{
	int err = keyed_init(&dp->services, dp->tables.services, sizeof(struct lb_service),
			     LB_SERVICE_SETS, LB_SERVICE_WAYS);

	if (!err)
		err = keyed_init(&dp->replies, dp->tables.replies, sizeof(struct lb_reply),
				 LB_REPLY_SETS, LB_REPLY_WAYS);
	if (err)
		return err;
	dp->services.hash_key = dp->replies.hash_key = dp->node.hash_key[0];
	dp->services.wait = dp->replies.wait = wait_for_packets;
	dp->services.arg = dp->replies.arg = dp;
	return 0;
}

static int init_regions(struct dataplane *dp)
{
	const struct lb_service *rows = dp->tables.services;
	int err = 0;

	dp->regions.total = dp->node.max_slots;
	for (size_t i = 0; !err && i < (size_t)LB_SERVICE_SETS * LB_SERVICE_WAYS; i++) {
		if (rows[i].key_word && rows[i].table_size)
			err = regions_add(&dp->regions, rows[i].table_base, rows[i].table_size);
	}
	return err;
}

static uint32_t count_ids(const struct dataplane *dp)
{
	uint32_t ids = LB_MAX_BACKENDS;

	while (ids > 0 && !dp->tables.backends[ids - 1].service)
		ids--;
	return ids;
}

static int init_tables(struct dataplane *dp, struct dataplane_error *error)
{
	int err = program_map_tables(dp);

	if (err)
		return dataplane_fail(error, err, "mapping the tables: %s", strerror(-err));
	dp->ids = count_ids(dp);
	err = init_keyed(dp);
	if (err)
		return dataplane_fail(error, err, "out of memory");
	err = init_regions(dp);
	if (err)
		return dataplane_fail(error, err,
				      "the pinned services' tables overlap: `leat stop --detach` "
				      "and start anew");
	err = ticks_read(dp->live, &dp->reading);
	if (err)
		return dataplane_fail(error, err, "reading the clock: %s", strerror(-err));
	dp->last_clock =
		clock_at(&dp->reading, dp->reading.ktime_ns, dp->node.hz, dp->node.clock_shift);
	return 0;
}

/* ---- the verbs -------------------------------------------------------------------- */

static struct dataplane *make_dataplane(const char *pin_dir)
{
	struct dataplane *dp = calloc(1, sizeof(*dp));

	if (!dp)
		return NULL;
	dp->lock_fd = -1;
	dp->grace_fd[0] = dp->grace_fd[1] = -1;
	for (int which = 0; which < MAP_COUNT; which++)
		dp->map_fd[which] = -1;
	snprintf(dp->pin_dir, sizeof(dp->pin_dir), "%s", pin_dir);
	return dp;
}

int dataplane_open(const struct dataplane_settings *settings, struct dataplane **out,
		   bool *is_adopted, struct dataplane_error *error)
{
	const char *pin_dir = settings->pin_dir ? settings->pin_dir : DATAPLANE_PIN_DIR;
	struct dataplane *dp;
	bool adopted = false;
	int err = host_check(error);

	if (err)
		return err;
	dp = make_dataplane(pin_dir);
	if (!dp)
		return dataplane_fail(error, -ENOMEM, "out of memory");
	err = host_prepare_pin_dir(dp->pin_dir, dp->note, sizeof(dp->note), error);
	if (err)
		goto undo;
	err = dp->lock_fd = host_lock(dp->pin_dir, OPEN_WAIT_MS, error);
	if (err < 0)
		goto undo;
	err = begin(dp, settings, &adopted, error);
	if (!err)
		err = init_tables(dp, error);
	if (err)
		goto undo;
	*is_adopted = adopted;
	*out = dp;
	return 0;

undo:
	dataplane_close(dp);
	return err;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void dataplane_close(struct dataplane *dp)
{
	if (!dp)
		return;
	for (size_t i = 0; i < dp->link_count; i++)
		close(dp->links[i].fd);
	program_free(dp->dry);
	program_free(dp->live);
	program_unmap_tables(dp);
	keyed_free(&dp->services);
	keyed_free(&dp->replies);
	regions_free(&dp->regions);
	close_maps(dp);
	close_fd(dp->grace_fd[0]);
	close_fd(dp->grace_fd[1]);
	close_fd(dp->lock_fd); /* last: whoever waits for it may now write */
	free(dp);
}

int dataplane_remove(const char *pin_dir, struct dataplane_error *error)
{
	int err, fd = host_lock(pin_dir, REMOVE_WAIT_MS, error);

	if (fd < 0)
		return fd == -ENOENT ? dataplane_fail(error, fd, "%s: nothing is pinned", pin_dir)
				     : fd;
	err = pins_remove(pin_dir, error);
	if (err == -ENOENT)
		dataplane_fail(error, err, "%s: nothing is pinned", pin_dir);
	if (!err || err == -ENOENT)
		rmdir(pin_dir); /* stays where somebody else keeps things in it */
	close(fd);
	return err;
}

const struct lb_node *dataplane_node(const struct dataplane *dp)
{
	return &dp->node;
}

const char *dataplane_note(const struct dataplane *dp)
{
	return dp->note;
}

int dataplane_program_fd(const struct dataplane *dp)
{
	return program_xdp_fd(dp->live);
}
