/* SPDX-License-Identifier: GPL-2.0-only */
#include "control_bare.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Not getrusage(): for a thread that runs, its figure is as old as the last tick. */
double bare_thread_cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return 1e6 * (double)ts.tv_sec + (double)ts.tv_nsec / 1e3;
}

/* ---- tcp ---------------------------------------------------------------- */

static bool connect_once(const struct sockaddr_in *to, bool holds_ack)
{
	static const struct linger reset_on_close = { .l_onoff = 1 };
	static const int off = 0;
	struct pollfd wait = { .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0;

	wait.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (wait.fd < 0)
		return false;
	setsockopt(wait.fd, SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof(reset_on_close));
	if (holds_ack)
		setsockopt(wait.fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
	if (connect(wait.fd, (const struct sockaddr *)to, sizeof(*to)) && errno == EINPROGRESS &&
	    poll(&wait, 1, 1000) == 1)
		getsockopt(wait.fd, SOL_SOCKET, SO_ERROR, &err, &len);
	else
		err = errno;
	close(wait.fd);
	return err == 0;
}

static double connect_us(const struct control_servers *s, unsigned count, bool holds_ack,
			 unsigned long *failed)
{
	double start = bare_thread_cpu_us();

	for (unsigned i = 0; i < count; i++) {
		struct sockaddr_in to = control_servers_address(s, i);

		*failed += !connect_once(&to, holds_ack);
	}
	return (bare_thread_cpu_us() - start) / count;
}

double bare_connect_us(const struct control_servers *s, unsigned count, unsigned long *failed)
{
	return connect_us(s, count, false, failed);
}

double bare_connect_held_us(const struct control_servers *s, unsigned count, unsigned long *failed)
{
	return connect_us(s, count, true, failed);
}

/* ---- http --------------------------------------------------------------- */

static size_t ignore(char *bytes, size_t size, size_t count, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * count;
}

static bool get_once(CURL *easy, const struct sockaddr_in *to)
{
	char url[64];
	char ip[INET_ADDRSTRLEN];
	long status = 0;

	inet_ntop(AF_INET, &to->sin_addr, ip, sizeof(ip));
	snprintf(url, sizeof(url), "http://%s:%u/", ip, ntohs(to->sin_port));
	curl_easy_setopt(easy, CURLOPT_URL, url);
	if (curl_easy_perform(easy))
		return false;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return status == 200;
}

double bare_curl_us(const struct control_servers *s, unsigned count, unsigned long *failed)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Connection: close");
	CURL *easy = curl_easy_init();
	double start = bare_thread_cpu_us();

	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L); /* it makes the loop cheaper */
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
	for (unsigned i = 0; i < count; i++) {
		struct sockaddr_in to = control_servers_address(s, i);

		*failed += !get_once(easy, &to);
	}
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	return (bare_thread_cpu_us() - start) / count;
}
