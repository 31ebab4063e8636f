/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A server that speaks first: whoever connects is sent one line. What a client may send (HAProxy's
 * agent-send) is read and dropped; closing with it unread would reset the connection, and the line
 * with it.
 */
#include "backend/backend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "backend/line.h"
#include "backend/load.h"
#include "backend/source.h"
#include "log.h"
#include "model/addr.h"

#define CLIENTS_MAX 128	 /* a check lives for a round trip; more of them wait in the backlog */
#define CLIENT_S    2	 /* to close after the line */
#define EXCESS_MAX  4096 /* bytes that a client may send */
#define ACCEPT_S    1	 /* without descriptors, until the next try */

struct client {
	struct client *next;
	struct backend *backend;
	struct event event;
	int fd;
	size_t received;
};

struct backend {
	struct backend_settings settings;
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *tick;
	struct event *retry; /* accept again */
	struct source source;
	struct load_meter meter;
	struct client *clients;
	unsigned client_count;
	bool has_source_error;	      /* it was logged */
	struct line_words last_words; /* the same */
};

static uint64_t monotonic_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* ---- the load ----------------------------------------------------------- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct backend *b = arg;
	struct load_reading reading;
	int err = source_read(&b->source, monotonic_us(), &reading);

	(void)fd;
	(void)what;
	if (!err) {
		load_meter_add(&b->meter, &reading);
		b->has_source_error = false;
		return;
	}
	b->meter = (struct load_meter) {};
	if (!b->has_source_error)
		log_warn("CPU load unknown file=\"%s\" error=\"%s\"", log_escape(b->source.usage),
			 strerror(-err));
	b->has_source_error = true;
}

/* ---- the line ----------------------------------------------------------- */

static void log_words(struct backend *b, const struct line_words *words)
{
	if (strcmp(words->text, b->last_words.text) == 0 &&
	    strcmp(words->error, b->last_words.error) == 0)
		return;
	if (*words->error)
		log_warn("state file ignored reason=\"%s\"", log_escape(words->error));
	else
		log_info("state file says words=\"%s\"", log_escape(words->text));
	b->last_words = *words;
}

static size_t make_line(struct backend *b, char out[LINE_SIZE])
{
	unsigned load = 0;
	bool has_load = load_meter_percent(&b->meter, &load);
	struct line_words words;

	if (!b->settings.state_path)
		return line_format(NULL, has_load, 100 - load, out);
	line_read_words(b->settings.state_path, &words);
	log_words(b, &words);
	return line_format(&words, has_load, 100 - load, out);
}

/* ---- clients ------------------------------------------------------------ */

static void end_client(struct client *c)
{
	struct backend *b = c->backend;
	struct client **link = &b->clients;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	event_del(&c->event);
	close(c->fd);
	free(c);
	if (b->client_count-- == CLIENTS_MAX)
		evconnlistener_enable(b->listener);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	char excess[512];
	ssize_t size = what & EV_TIMEOUT ? 0 : recv(fd, excess, sizeof(excess), 0);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size > 0)
		c->received += (size_t)size;
	if (size <= 0 || c->received > EXCESS_MAX)
		end_client(c);
}

static void send_line(struct backend *b, int fd)
{
	char line[LINE_SIZE];
	size_t size = make_line(b, line);

	/* a new connection has room for it; a client that is gone shows when it is read */
	if (send(fd, line, size, MSG_NOSIGNAL) == (ssize_t)size)
		shutdown(fd, SHUT_WR);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
		      int from_size, void *arg)
{
	static const struct timeval patience = { .tv_sec = CLIENT_S };
	struct backend *b = arg;
	struct client *c = calloc(1, sizeof(*c));

	(void)from;
	(void)from_size;
	if (!c) {
		close(fd);
		return;
	}
	c->backend = b;
	c->fd = fd;
	c->next = b->clients;
	b->clients = c;
	if (++b->client_count == CLIENTS_MAX)
		evconnlistener_disable(listener);
	event_assign(&c->event, b->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	send_line(b, fd);
	if (event_add(&c->event, &patience))
		end_client(c);
}

static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	static const struct timeval later = { .tv_sec = ACCEPT_S };
	struct backend *b = arg;

	log_warn("check not accepted error=\"%s\"", strerror(errno));
	evconnlistener_disable(listener);
	evtimer_add(b->retry, &later);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct backend *b = arg;

	(void)fd;
	(void)what;
	if (b->client_count < CLIENTS_MAX)
		evconnlistener_enable(b->listener);
}

/* ---- opening ------------------------------------------------------------ */

static int bind_socket(int family, const struct sockaddr *at, socklen_t size)
{
	static const int on = 1, off = 0;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (!bind(fd, at, size))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int bind_v4(in_addr_t address_be, unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	at.sin_addr.s_addr = address_be;
	return bind_socket(AF_INET, (struct sockaddr *)&at, sizeof(at));
}

static int bind_v6(const uint8_t address[16], unsigned port)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };

	memcpy(&at.sin6_addr, address, sizeof(at.sin6_addr));
	return bind_socket(AF_INET6, (struct sockaddr *)&at, sizeof(at));
}

/* The socket, or -errno. */
static int open_port(const struct backend_settings *settings)
{
	struct lb_addr address;
	int fd;

	if (settings->bind_address) {
		if (addr_parse(settings->bind_address, &address))
			return -EINVAL;
		return addr_is_v4(&address) ? bind_v4(address.words[3], settings->port)
					    : bind_v6(address.bytes, settings->port);
	}
	fd = bind_v6(in6addr_any.s6_addr, settings->port);
	if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) /* a machine without IPv6 */
		fd = bind_v4(htonl(INADDR_ANY), settings->port);
	return fd;
}

static const char *why_not_bound(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "the port is in use";
	case -EACCES:
		return "ports below 1024 take root or CAP_NET_BIND_SERVICE";
	case -EADDRNOTAVAIL:
		return "this machine does not have that address";
	case -EINVAL:
		return "no IPv4 or IPv6 address";
	default:
		return strerror(-err);
	}
}

static int listen_there(struct backend *b, char *error, size_t error_size)
{
	const char *address = b->settings.bind_address;
	int fd = open_port(&b->settings);

	if (fd >= 0 && listen(fd, SOMAXCONN)) {
		int err = -errno; /* two sockets may be bound to a port; only one may listen */

		close(fd);
		fd = err;
	}
	if (fd < 0) {
		snprintf(error, error_size, "cannot listen on %s port %u: %s",
			 address ? address : "any address,", b->settings.port, why_not_bound(fd));
		return fd;
	}
	b->listener = evconnlistener_new(b->base, on_accept, b,
					 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!b->listener) {
		close(fd);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(b->listener, on_accept_error);
	return 0;
}

static int start_reading(struct backend *b)
{
	static const struct timeval period = { .tv_usec = LOAD_PERIOD_MS * 1000 };

	b->tick = event_new(b->base, -1, EV_PERSIST, on_tick, b);
	b->retry = evtimer_new(b->base, on_retry, b);
	if (!b->tick || !b->retry || event_add(b->tick, &period))
		return -ENOMEM;
	on_tick(-1, 0, b);
	return 0;
}

int backend_new(struct event_base *base, const struct backend_settings *settings,
		struct backend **out, char *error, size_t error_size)
{
	struct backend *b = calloc(1, sizeof(*b));
	int err;

	snprintf(error, error_size, "no memory");
	if (!b)
		return -ENOMEM;
	b->base = base;
	b->settings = *settings;
	err = source_find(settings->cgroup, "", &b->source, error, error_size);
	if (!err)
		err = listen_there(b, error, error_size);
	if (!err)
		err = start_reading(b);
	if (err) {
		backend_free(b);
		return err;
	}
	*out = b;
	return 0;
}

unsigned backend_port(const struct backend *b)
{
	struct sockaddr_in6 at = {};
	socklen_t size = sizeof(at);

	/* sin_port lies where sin6_port does */
	if (getsockname(evconnlistener_get_fd(b->listener), (struct sockaddr *)&at, &size))
		return 0;
	return ntohs(at.sin6_port);
}

void backend_free(struct backend *b)
{
	if (!b)
		return;
	while (b->clients)
		end_client(b->clients);
	if (b->listener)
		evconnlistener_free(b->listener);
	if (b->tick)
		event_free(b->tick);
	if (b->retry)
		event_free(b->retry);
	free(b);
}

/* ---- in the foreground -------------------------------------------------- */

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	log_info("stopping signal=%d", (int)number);
	event_base_loopbreak(arg);
}

static int serve(struct event_base *base, const struct backend_settings *settings)
{
	char text[PATH_MAX + 256];
	struct backend *b;
	int err = backend_new(base, settings, &b, text, sizeof(text));

	if (err) {
		log_error("not started reason=\"%s\"", log_escape(text));
		return err;
	}
	source_describe(&b->source, text, sizeof(text));
	log_info("agent check served port=%u load=\"%s\"", backend_port(b), log_escape(text));
	event_base_dispatch(base);
	backend_free(b);
	return 0;
}

int backend_run(const struct backend_settings *settings)
{
	struct event_base *base = event_base_new();
	struct event *term = base ? evsignal_new(base, SIGTERM, on_signal, base) : NULL;
	struct event *interrupt = base ? evsignal_new(base, SIGINT, on_signal, base) : NULL;
	int err = -ENOMEM;

	if (term && interrupt && !event_add(term, NULL) && !event_add(interrupt, NULL))
		err = serve(base, settings);
	if (term)
		event_free(term);
	if (interrupt)
		event_free(interrupt);
	if (base)
		event_base_free(base);
	return err;
}
