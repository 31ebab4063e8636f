/* SPDX-License-Identifier: GPL-2.0-only */
/* The agent: everything is opened here, runs in one event loop, and is let go here. */
#include "control/control.h"

#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "config/config.h"
#include "control/state.h"
#include "health/agent_check.h"
#include "health/health.h"
#include "log.h"
#include "net/net.h"
#include "version.h"

#define TICK_MS	 100
#define SWEEP_MS 2000

/* ---- news ------------------------------------------------------------------ */

static void on_health(void *arg, uint32_t token, const struct health_state *state)
{
	struct control *ctl = arg;
	struct control_backend *b = ctl->by_id[token % LB_MAX_BACKENDS];

	if (!b)
		return;
	b->is_decided = state->is_decided;
	b->is_healthy = state->is_up;
	step_say_reason(ctl, ctl->service_of[b->id], b);
	memory_write(ctl, b);
	control_soon(ctl);
}

static void on_hop(void *arg, uint32_t token, const struct net_hop *hop)
{
	struct control *ctl = arg;
	struct control_backend *b = ctl->by_id[token % LB_MAX_BACKENDS];
	struct control_service *s = ctl->service_of[token % LB_MAX_BACKENDS];

	if (!b || !s)
		return;
	if (!hop->ifindex) { /* what was known last stays in use: health is the judge */
		snprintf(b->hop_reason, sizeof(b->hop_reason), "%s", hop->reason);
		log_warn("next hop lost service=%s backend=%s reason=\"%s\"", s->model->name,
			 b->name, log_escape(hop->reason));
		return;
	}
	b->hop_reason[0] = '\0';
	snprintf(b->hop_text, sizeof(b->hop_text), "%02x:%02x:%02x:%02x:%02x:%02x on interface %u",
		 hop->dst_mac[0], hop->dst_mac[1], hop->dst_mac[2], hop->dst_mac[3],
		 hop->dst_mac[4], hop->dst_mac[5], hop->ifindex);
	dataplane_set_hop(ctl->dp, b->id, hop->ifindex, hop->dst_mac, hop->src_mac);
	if (s->model->health.via_vip && b->is_probed)
		health_set_hop(ctl->health, b->id, hop->ifindex, hop->dst_mac, hop->src_mac);
	log_info("next hop service=%s backend=%s mac=%.17s ifindex=%u", s->model->name, b->name,
		 b->hop_text, hop->ifindex);
}

static void on_link(void *arg, const char *name, const struct net_link *link)
{
	(void)link;
	links_changed(arg, name);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	control_tick(arg);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	control_sweep(arg);
}

static void on_signal(evutil_socket_t signal_number, short what, void *arg)
{
	struct control *ctl = arg;

	(void)what;
	if (signal_number == SIGHUP) {
		control_reload_signal(ctl);
		return;
	}
	log_info("stopping signal=%d; the data path goes on", (int)signal_number);
	event_base_loopbreak(ctl->base);
}

/* ---- the API's smaller operations -------------------------------------------- */

static json_t *api_version(void *arg, int *status)
{
	(void)arg;
	*status = 200;
	return json_pack("{s:s, s:i}", "version", LEAT_VERSION, "layout", LB_LAYOUT_VERSION);
}

static json_t *api_stop(void *arg, bool is_detaching, int *status)
{
	struct control *ctl = arg;

	ctl->is_detaching = is_detaching;
	*status = 200;
	return json_pack("{s:b, s:b}", "stopping", 1, "detached", (int)is_detaching);
}

static void stop_replied(void *arg)
{
	struct control *ctl = arg;

	log_info("stopping reason=\"asked by the API\"%s",
		 ctl->is_detaching ? "" : "; the data path goes on");
	event_base_loopbreak(ctl->base);
}

/* ---- opening and closing ------------------------------------------------------- */

static int load_config(struct control *ctl)
{
	struct config_errors errors = {};
	int err = config_load(ctl->settings->config_path, &ctl->config, &errors);

	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "%s:%u:%u: %s\n", ctl->settings->config_path,
			errors.list[i].pos.line, errors.list[i].pos.column, errors.list[i].text);
	config_errors_free(&errors);
	return err;
}

static int open_dataplane(struct control *ctl)
{
	const struct model_config *config = ctl->config;
	struct dataplane_settings settings = {
		.pin_dir = ctl->settings->pin_dir,
		.max_slots = config->max_slots,
		.default_slots = config_default_slots(config),
		.max_flows = config->max_flows,
		.has_hash_key = config->has_hash_key,
		.hash_key = { config->hash_key[0], config->hash_key[1] },
		.max_affinities = config->max_affinities,
		.features = config_features(config),
	};
	struct dataplane_error error = {};
	int err = dataplane_open(&settings, &ctl->dp, &ctl->is_adopted, &error);

	if (err) {
		log_error("data path not loaded reason=\"%s\"", log_escape(error.text));
		return err;
	}
	ctl->features = settings.features;
	log_info("data path %s pins=%s%s%s", ctl->is_adopted ? "adopted" : "loaded",
		 ctl->settings->pin_dir, *dataplane_note(ctl->dp) ? " note=" : "",
		 dataplane_note(ctl->dp));
	return 0;
}

static int open_api(struct control *ctl)
{
	struct api_ops ops = {
		.version = api_version,
		.status = control_api_status,
		.reload = control_api_reload,
		.explain = control_api_explain,
		.stop = api_stop,
		.stop_replied = stop_replied,
		.arg = ctl,
	};
	int err = api_new(ctl->base, ctl->settings->socket_path, &ops, &ctl->api);

	if (err == -EADDRINUSE)
		log_error("not started reason=\"another agent answers on %s\"",
			  ctl->settings->socket_path);
	else if (err)
		log_error("API not opened socket=%s error=\"%s\"", ctl->settings->socket_path,
			  strerror(-err));
	return err;
}

static int open_events(struct control *ctl)
{
	static const int signals[] = { SIGHUP, SIGTERM, SIGINT };
	const struct timeval tick = { .tv_usec = TICK_MS * 1000 };
	const struct timeval sweep = { .tv_sec = SWEEP_MS / 1000 };

	ctl->tick = event_new(ctl->base, -1, EV_PERSIST, on_tick, ctl);
	ctl->soon = event_new(ctl->base, -1, 0, on_tick, ctl);
	ctl->sweep = event_new(ctl->base, -1, EV_PERSIST, on_sweep, ctl);
	if (!ctl->tick || !ctl->soon || !ctl->sweep)
		return -ENOMEM;
	for (size_t i = 0; i < 3; i++) {
		ctl->signals[i] = evsignal_new(ctl->base, signals[i], on_signal, ctl);
		if (!ctl->signals[i] || event_add(ctl->signals[i], NULL))
			return -ENOMEM;
	}
	return event_add(ctl->tick, &tick) || event_add(ctl->sweep, &sweep) ? -ENOMEM : 0;
}

static int open_observers(struct control *ctl)
{
	struct net_callbacks callbacks = { on_hop, on_link, ctl };

	ctl->net = net_new(ctl->base, &callbacks);
	if (!ctl->net) {
		log_error("netlink not opened error=\"%s\"", strerror(errno));
		return -errno;
	}
	ctl->health = health_new(ctl->base, on_health, ctl);
	if (!ctl->health) {
		log_error("probes not started error=\"%s\"", strerror(errno));
		return -errno;
	}
	ctl->agent_checks = agent_checks_new(ctl->base, agents_reported, ctl);
	if (!ctl->agent_checks) {
		log_error("agent checks not started error=\"%s\"", strerror(errno));
		return -ENOMEM;
	}
	return 0;
}

/* Thousands of probes are thousands of sockets. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int start(struct control *ctl)
{
	int err = open_events(ctl);

	if (!err)
		err = open_api(ctl); /* first: two agents never write the same maps */
	if (!err)
		err = open_observers(ctl);
	if (!err)
		err = open_dataplane(ctl);
	if (!err)
		err = control_start_config(ctl);
	return err;
}

static void free_services(struct control *ctl)
{
	for (size_t i = 0; i < ctl->service_count; i++)
		service_free(ctl, ctl->services[i]);
	free(ctl->services);
}

static void close_all(struct control *ctl)
{
	free_services(ctl);
	api_free(ctl->api);
	agent_checks_free(ctl->agent_checks);
	health_free(ctl->health);
	net_free(ctl->net);
	dataplane_close(ctl->dp);
	free(ctl->interfaces);
	model_config_free(ctl->config);
	for (size_t i = 0; i < 3; i++) {
		if (ctl->signals[i])
			event_free(ctl->signals[i]);
	}
	if (ctl->tick)
		event_free(ctl->tick);
	if (ctl->soon)
		event_free(ctl->soon);
	if (ctl->sweep)
		event_free(ctl->sweep);
	if (ctl->watch)
		event_free(ctl->watch);
	event_base_free(ctl->base);
	free(ctl->stats);
	free(ctl);
}

static struct control *new_control(const struct control_settings *settings)
{
	struct control *ctl = calloc(1, sizeof(*ctl));

	if (!ctl)
		return NULL;
	ctl->settings = settings;
	ctl->started_ms = control_realtime_ms();
	ctl->base = event_base_new();
	ctl->stats = calloc(LB_MAX_BACKENDS, sizeof(*ctl->stats));
	if (ctl->base && ctl->stats)
		return ctl;
	if (ctl->base)
		event_base_free(ctl->base);
	free(ctl->stats);
	free(ctl);
	return NULL;
}

static int remove_all(const char *pin_dir)
{
	struct dataplane_error error = {};

	if (!dataplane_remove(pin_dir, &error)) {
		log_info("detached and removed pins=%s", pin_dir);
		return 0;
	}
	log_error("not removed reason=\"%s\"", log_escape(error.text));
	return EXIT_FAILURE;
}

int control_run(const struct control_settings *settings)
{
	struct control *ctl = new_control(settings);
	bool is_fresh, is_detaching;
	int status = EXIT_FAILURE;

	if (!ctl) {
		log_error("not started error=\"out of memory\"");
		return EXIT_FAILURE;
	}
	raise_file_limit();
	if (load_config(ctl)) {
		close_all(ctl);
		return EXIT_FAILURE;
	}
	if (!start(ctl)) {
		log_info("ready version=%s services=%zu config=%s", LEAT_VERSION,
			 ctl->service_count, settings->config_path);
		notify_systemd("READY=1");
		event_base_dispatch(ctl->base);
		notify_systemd("STOPPING=1");
		status = EXIT_SUCCESS;
	}
	is_fresh = ctl->dp && !ctl->is_adopted && status; /* a first start that failed */
	is_detaching = ctl->is_detaching || is_fresh;
	if (is_detaching && ctl->net)
		vips_withdraw(ctl);
	close_all(ctl);
	if (is_detaching && remove_all(settings->pin_dir))
		status = EXIT_FAILURE;
	return status;
}
