/* SPDX-License-Identifier: GPL-2.0-only */
/* What asking costs without any of ours: the loops that probes are compared with. */
#ifndef LEAT_BENCH_CONTROL_BARE_H
#define LEAT_BENCH_CONTROL_BARE_H

#include "control_servers.h"

/** bare_thread_cpu_us - CPU time of this thread so far */
double bare_thread_cpu_us(void);

/** bare_connect_us - CPU time of one of @count rounds of socket, connect, poll, close by RST;
 * those that failed are added to @failed */
double bare_connect_us(const struct control_servers *s, unsigned count, unsigned long *failed);

/** bare_connect_held_us - the same, with the ACK of the handshake held back */
double bare_connect_held_us(const struct control_servers *s, unsigned count, unsigned long *failed);

/** bare_curl_us - CPU time of one of @count requests by one easy handle of libcurl, each on a
 * connection of its own: connect, GET, close */
double bare_curl_us(const struct control_servers *s, unsigned count, unsigned long *failed);

#endif
