/* SPDX-License-Identifier: GPL-2.0-only */
/* Servers in a process of their own, on every address of loopback, for the probes to ask. */
#ifndef LEAT_BENCH_CONTROL_SERVERS_H
#define LEAT_BENCH_CONTROL_SERVERS_H

#include <netinet/in.h>
#include <sys/types.h>

/** enum server_kind - what they do with a connection: close it, or answer one request and close */
enum server_kind { SERVER_TCP, SERVER_HTTP };

#define SERVER_PORTS 5

struct control_servers {
	pid_t pid;
	in_port_t ports_be[SERVER_PORTS];
};

/** control_servers_start - 0 or -errno; they die with this process */
int control_servers_start(struct control_servers *s, enum server_kind kind);

/** control_servers_stop - nothing happens where they were not started */
void control_servers_stop(struct control_servers *s);

/** control_servers_address - where target @index is: no two are the same */
struct sockaddr_in control_servers_address(const struct control_servers *s, unsigned index);

#endif
