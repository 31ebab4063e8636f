/* SPDX-License-Identifier: GPL-2.0-only */
#include "health_fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/addr.h"

#define PATIENCE_S 20

/* ---- the loop ----------------------------------------------------------- */

size_t count_open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void on_change(void *arg, uint32_t token, const struct health_state *state)
{
	struct fixture *fx = arg;

	if (fx->change_count < FIXTURE_CHANGES) {
		fx->changes[fx->change_count].token = token;
		fx->changes[fx->change_count].state = *state;
	}
	fx->change_count++;
	if (fx->on_change)
		fx->on_change(fx, token);
}

int fixture_setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	fx->open_files = count_open_files();
	fx->base = event_base_new();
	fx->health = health_new(fx->base, on_change, fx);
	*state = fx;
	return fx->health ? 0 : -1;
}

int fixture_teardown(void **state)
{
	struct fixture *fx = *state;
	size_t leaked;

	health_free(fx->health);
	event_base_free(fx->base);
	leaked = count_open_files() - fx->open_files;
	free(fx);
	return leaked ? -1 : 0;
}

void fixture_run_until(struct fixture *fx, bool (*is_done)(struct fixture *fx, unsigned n),
		       unsigned n)
{
	time_t end = time(NULL) + PATIENCE_S;

	while (!is_done(fx, n)) {
		struct timeval soon = { .tv_usec = 100000 };

		assert_true(time(NULL) < end);
		event_base_loopexit(fx->base, &soon); /* lest nothing ever happens */
		event_base_loop(fx->base, EVLOOP_ONCE);
	}
}

void fixture_run_for(struct fixture *fx, unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(fx->base, &tv);
	event_base_loop(fx->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

bool has_changes(struct fixture *fx, unsigned n)
{
	return fx->change_count >= n;
}

bool has_probes(struct fixture *fx, unsigned n)
{
	return fixture_state(fx, 1).probes >= n;
}

struct health_state fixture_state(struct fixture *fx, uint32_t token)
{
	struct health_state state;

	assert_int_equal(health_get(fx->health, token, &state), 0);
	return state;
}

/* ---- targets ------------------------------------------------------------ */

int fixture_set(struct fixture *fx, uint32_t token, const char *ip, unsigned port,
		const struct model_health *settings, int initial)
{
	struct health_memory memory = { .initial = initial };
	struct health_target at = { .port = port };

	assert_int_equal(addr_parse(ip, &at.address), 0);
	return health_set(fx->health, token, &at, settings, &memory);
}

struct model_health tcp_settings(void)
{
	return (struct model_health) {
		.type = PROBE_TCP,
		.interval_ms = 20,
		.timeout_ms = 2000,
		.rise = 2,
		.fall = 3,
	};
}

struct model_health http_settings(void)
{
	static char method[] = "GET";
	static char path[] = "/";
	struct model_health s = tcp_settings();

	s.type = PROBE_HTTP;
	s.method = method;
	s.path = path;
	for (unsigned status = 200; status < 300; status++)
		s.expect_status[status / 64] |= 1ULL << (status % 64);
	return s;
}

int open_port(const char *ip, int backlog, unsigned *port)
{
	in_port_t port_be = htons((uint16_t)*port);
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = port_be };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = port_be };
	bool is_v6 = inet_pton(AF_INET6, ip, &v6.sin6_addr) == 1;
	struct sockaddr *at = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	socklen_t len = is_v6 ? sizeof(v6) : sizeof(v4);
	int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!is_v6)
		assert_int_equal(inet_pton(AF_INET, ip, &v4.sin_addr), 1);
	assert_int_equal(bind(fd, at, len), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, at, &len), 0);
	*port = ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
	return fd;
}

/* ---- a server ----------------------------------------------------------- */

static const char *next_reply(const struct server *s)
{
	size_t last = 0;

	if (!s->replies || !s->replies[0])
		return NULL;
	while (s->replies[last + 1] && last < s->requests - 1)
		last++;
	return s->replies[last];
}

static void forget(struct server *s, struct bufferevent *bev)
{
	for (size_t i = 0; i < sizeof(s->open) / sizeof(s->open[0]); i++) {
		if (s->open[i] == bev)
			s->open[i] = NULL;
	}
	bufferevent_free(bev);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct server *s = arg;

	if (!s->keeps_open)
		forget(s, bev);
}

static void on_hangup(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	forget(arg, bev);
}

static void on_request(struct bufferevent *bev, void *arg)
{
	struct server *s = arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(input);
	const char *reply;

	if (evbuffer_search(input, "\r\n\r\n", 4, NULL).pos < 0)
		return;
	if (len >= sizeof(s->request))
		len = sizeof(s->request) - 1;
	evbuffer_remove(input, s->request, len);
	s->request[len] = '\0';
	s->requests++;
	reply = next_reply(s);
	if (!reply)
		return;
	if (!*reply) {
		forget(s, bev);
		return;
	}
	bufferevent_setcb(bev, on_request, on_written, on_hangup, s);
	bufferevent_write(bev, reply, strlen(reply));
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
		      int len, void *arg)
{
	struct server *s = arg;
	size_t place = s->accepted++ % (sizeof(s->open) / sizeof(s->open[0]));

	(void)listener;
	(void)from;
	(void)len;
	usleep(s->stall_ms * 1000);
	s->stall_ms = 0;
	if (s->open[place])
		bufferevent_free(s->open[place]);
	s->open[place] = bufferevent_socket_new(s->fx->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(s->open[place], on_request, NULL, on_hangup, s);
	bufferevent_enable(s->open[place], EV_READ | EV_WRITE);
}

void server_start(struct server *s, struct fixture *fx, const char *const *replies)
{
	int fd = open_port("127.0.0.1", 128, &s->port);

	s->fx = fx;
	s->replies = replies;
	evutil_make_socket_nonblocking(fd);
	s->listener = evconnlistener_new(fx->base, on_accept, s, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	assert_non_null(s->listener);
}

void server_stop(struct server *s)
{
	evconnlistener_free(s->listener);
	for (size_t i = 0; i < sizeof(s->open) / sizeof(s->open[0]); i++) {
		if (s->open[i])
			bufferevent_free(s->open[i]);
	}
}
