/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets per second through a program on a real (veth) interface. */
#ifndef LEAT_BENCH_LIVE_H
#define LEAT_BENCH_LIVE_H

/** live_make_interfaces - a veth pair in this network namespace, up; 0 or -errno */
int live_make_interfaces(void);

/** live_ifindex - the end that the programs under test sit on, or seem to */
int live_ifindex(void);

/** live_peer_ifindex - its other end */
int live_peer_ifindex(void);

/** live_print - measure and print; a few seconds a program; 0 or -errno */
int live_print(void);

#endif
