/* SPDX-License-Identifier: GPL-2.0-only */
#include "wrapper.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wrap.skel.h"

#define TTL	     64
#define ACK_FLAGS    0x5010 /* data offset 5, ACK */
#define SYN_FLAGS    0x5002
#define ECHO_REQUEST 8

enum { TARGET_STUB, TARGET_SUBJECT };

struct wrapper {
	struct wrap *skel;
	int ifindex;
};

static const uint8_t own_mac[6] = { 0x02, 0, 0, 0, 0, 1 };
static const uint8_t client_mac[6] = { 0x02, 0, 0, 0, 0, 2 };

static int load(struct wrap *skel, bool has_frags, bool drains)
{
	struct bpf_program *prog;

	skel->rodata->wrap_drains = drains;
	bpf_object__for_each_program (prog, skel->obj) {
		if (has_frags)
			bpf_program__set_flags(prog,
					       bpf_program__flags(prog) | BPF_F_XDP_HAS_FRAGS);
	}
	return wrap__load(skel);
}

int wrapper_open(int ifindex, bool has_frags, bool drains, struct wrapper **out)
{
	struct wrapper *w = calloc(1, sizeof(*w));
	uint32_t index = TARGET_STUB;
	int err = -ENOMEM;
	int stub_fd;

	if (!w)
		return -ENOMEM;
	w->ifindex = ifindex;
	w->skel = wrap__open();
	if (!w->skel)
		goto undo;
	err = load(w->skel, has_frags, drains);
	if (err)
		goto undo;
	stub_fd = bpf_program__fd(w->skel->progs.wrap_stub);
	err = bpf_map_update_elem(bpf_map__fd(w->skel->maps.wrap_targets), &index, &stub_fd, 0);
	if (err)
		goto undo;
	*out = w;
	return 0;
undo:
	wrapper_close(w);
	return err;
}

void wrapper_close(struct wrapper *w)
{
	if (!w)
		return;
	wrap__destroy(w->skel);
	free(w);
}

int wrapper_target(struct wrapper *w, int prog_fd)
{
	uint32_t index = TARGET_SUBJECT;

	return bpf_map_update_elem(bpf_map__fd(w->skel->maps.wrap_targets), &index, &prog_fd, 0);
}

static bool is_v6(enum shape shape)
{
	return shape == SHAPE_V6 || shape == SHAPE_V6_REPLY;
}

static uint16_t header_csum(const uint8_t *ip)
{
	uint32_t sum = 0;
	unsigned i;

	for (i = 0; i < 20; i += 2)
		sum += i == 10 ? 0 : (uint32_t)(ip[i] << 8 | ip[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Everything of an Ethernet frame that no packet of a run changes. Returns the offset of IP. */
static uint32_t build_ethernet(uint8_t *frame, enum shape shape)
{
	uint16_t ethertype = htons(is_v6(shape) ? ETH_P_IPV6 : ETH_P_IP);
	const uint16_t tag[2] = { htons(ETH_P_8021Q), htons(100) };
	uint32_t at = 2 * ETH_ALEN;

	memcpy(frame, own_mac, ETH_ALEN);
	memcpy(frame + ETH_ALEN, client_mac, ETH_ALEN);
	if (shape == SHAPE_V4_TAGGED) {
		memcpy(frame + at, tag, sizeof(tag));
		at += sizeof(tag);
	}
	memcpy(frame + at, &ethertype, sizeof(ethertype));
	return at + sizeof(ethertype);
}

static uint32_t build_ip(uint8_t *ip, enum shape shape)
{
	uint16_t length = htons(20);

	if (is_v6(shape)) {
		ip[0] = 0x60;
		memcpy(ip + 4, &length, sizeof(length));
		ip[6] = IPPROTO_TCP;
		ip[7] = TTL;
		return 40 + 20;
	}
	length = htons(20 + 20);
	ip[0] = 0x45;
	memcpy(ip + 2, &length, sizeof(length));
	ip[8] = TTL;
	ip[9] = shape == SHAPE_V4_PING ? IPPROTO_ICMP : IPPROTO_TCP;
	return 20 + 20;
}

uint32_t wrapper_prepare(struct wrapper *w, const struct wrapper_run *run,
			 uint8_t frame[WRAPPER_MAX_FRAME])
{
	const struct traffic *t = run->traffic;
	bool is_reply = t->shape == SHAPE_V4_REPLY || t->shape == SHAPE_V6_REPLY;
	struct wrap_settings *s = &w->skel->bss->wrap;
	uint32_t l3, length;

	memset(frame, 0, WRAPPER_MAX_FRAME);
	l3 = build_ethernet(frame, t->shape);
	length = l3 + build_ip(frame + l3, t->shape);
	memcpy(s->mac, frame, sizeof(s->mac));
	memcpy(&s->ttl_proto, frame + l3 + (is_v6(t->shape) ? 6 : 8), sizeof(s->ttl_proto));
	s->ip_csum = htons(header_csum(frame + l3));
	s->tcp_flags = htons(t->is_syn ? SYN_FLAGS : ACK_FLAGS);
	s->l4_csum = htons(0x5678);
	s->own_port_word = is_reply ? htons(t->port) : (uint32_t)htons(t->port) << 16;
	s->own_address4 = htonl(t->address4);
	memcpy(s->own_address6, t->address6, sizeof(s->own_address6));
	memcpy(&s->client_prefix6, (const uint8_t[8]) { 0x20, 1, 0xd, 0xb8, 0, 1 }, 8);
	s->is_client_fixed = t->shape == SHAPE_V4_PING;
	if (t->shape == SHAPE_V4_PING)
		s->own_port_word = ECHO_REQUEST;
	s->is_sequential = run->is_sequential;
	s->is_stub = run->is_stub;
	s->flows = run->flows;
	s->next = run->first;
	return length < WRAP_MIN_FRAME ? WRAP_MIN_FRAME : length;
}

static struct bpf_program *program_for(const struct wrap *skel, enum shape shape)
{
	switch (shape) {
	case SHAPE_V4_TUNNEL:
		return skel->progs.wrap_v4_tunnel;
	case SHAPE_V4_TAGGED:
		return skel->progs.wrap_v4_tagged;
	case SHAPE_V4_REPLY:
		return skel->progs.wrap_v4_reply;
	case SHAPE_V6:
		return skel->progs.wrap_v6;
	case SHAPE_V6_REPLY:
		return skel->progs.wrap_v6_reply;
	case SHAPE_V4:
	case SHAPE_V4_PING:
		break;
	}
	return skel->progs.wrap_v4;
}

static double thread_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int wrapper_run(struct wrapper *w, const struct wrapper_run *run, double *cpu_ns, uint32_t *verdict)
{
	uint8_t frame[WRAPPER_MAX_FRAME];
	struct xdp_md ctx = {
		.data_end = wrapper_prepare(w, run, frame),
		.ingress_ifindex = (uint32_t)w->ifindex,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = ctx.data_end,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = (int)run->repeat);
	int fd = bpf_program__fd(program_for(w->skel, run->traffic->shape));
	double start = thread_cpu_ns();
	int err = bpf_prog_test_run_opts(fd, &opts);

	if (err)
		return err;
	*cpu_ns = thread_cpu_ns() - start;
	*verdict = opts.retval;
	return 0;
}

int wrapper_establish(struct wrapper *w, const struct traffic *t, uint32_t flows)
{
	struct traffic first = *t;
	struct wrapper_run run = {
		.traffic = &first,
		.flows = flows,
		.is_sequential = true,
		.repeat = flows,
	};
	uint32_t verdict;
	double cpu_ns;
	int err;

	first.is_syn = true;
	err = wrapper_run(w, &run, &cpu_ns, &verdict);
	first.is_syn = false;
	return err ? err : wrapper_run(w, &run, &cpu_ns, &verdict);
}

int wrapper_jiffies(struct wrapper *w, uint64_t *jiffies)
{
	uint8_t frame[WRAP_MIN_FRAME] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(w->skel->progs.wrap_clock), &opts);

	if (err)
		return err;
	*jiffies = w->skel->bss->wrap.jiffies;
	return 0;
}

int wrapper_frame(struct wrapper *w, const struct traffic *t, uint32_t flow, uint8_t *frame,
		  uint32_t *length)
{
	const struct wrapper_run run = {
		.traffic = t, .flows = 1, .is_sequential = true, .first = flow, .is_stub = true
	};
	uint8_t blank[WRAPPER_MAX_FRAME];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = blank,
		    .data_size_in = wrapper_prepare(w, &run, blank), .data_out = frame,
		    .data_size_out = WRAPPER_MAX_FRAME, .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(program_for(w->skel, t->shape)), &opts);

	if (err)
		return err;
	*length = opts.data_size_out;
	return 0;
}

void wrapper_live(struct wrapper *w, struct wrapper_live *out)
{
	out->generate_fd = bpf_program__fd(w->skel->progs.wrap_generate);
	out->sink_fd = bpf_program__fd(w->skel->progs.wrap_sink);
	out->sunk = (const volatile uint64_t *)w->skel->bss->wrap_sunk;
	out->egress = &w->skel->bss->wrap.egress;
}
