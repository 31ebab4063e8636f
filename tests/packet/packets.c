/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture's other half: packets of its variant, one run, and what is expected of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "fixture.h"

#define MAX_CPUS 256

/* ---- packets ------------------------------------------------------------------ */

struct sketch fixture_request(void)
{
	return (struct sketch) {
		.eth_dst = gateway.mac,
		.eth_src = router.mac,
		.family = fx.variant.family,
		.src = *host_ip(&client, fx.variant.family),
		.dst = *host_ip(&vip, fx.variant.family),
		.ttl = 61,
		.ip_id = 0x4711,
		.fragment = IP_DO_NOT_FRAGMENT,
		.proto = fx.variant.proto,
		.sport = CLIENT_PORT,
		.dport = VIP_PORT,
		.flags = TCP_ACK | TCP_PSH,
		.payload = 33,
		.seed = 0x7a69,
	};
}

struct sketch fixture_syn(void)
{
	struct sketch syn = fixture_request();

	if (syn.proto == IPPROTO_TCP) {
		syn.flags = TCP_SYN;
		syn.tcp_options = 20;
		syn.payload = 0;
	}
	return syn;
}

struct sketch fixture_reply(void)
{
	struct sketch reply = fixture_request();

	reply.eth_src = web1.mac;
	reply.src = *host_ip(&web1, fx.variant.family);
	reply.dst = *host_ip(&client, fx.variant.family);
	reply.sport = WEB_PORT;
	reply.dport = CLIENT_PORT;
	return reply;
}

void sketch_tag(struct sketch *sketch, uint16_t type, uint16_t tci)
{
	assert_true(sketch->tag_count < FRAME_MAX_TAGS);
	sketch->tags[sketch->tag_count++] = (struct frame_tag) { .type = type, .tci = tci };
}

struct sketch sketch_sent(const struct sketch *request, const struct host *web)
{
	struct sketch sent = *request;

	sent.eth_dst = web->mac;
	sent.eth_src = gateway.mac;
	sent.ttl--;
	if (fx.variant.forward == LB_FORWARD_NAT) {
		sent.dst = *host_ip(web, fx.variant.family);
		sent.dport = WEB_PORT;
	}
	return sent;
}

struct sketch sketch_returned(const struct sketch *reply, const struct host *hop)
{
	struct sketch returned = *reply;

	returned.eth_dst = hop->mac;
	returned.eth_src = gateway.mac;
	returned.ttl--;
	returned.src = *host_ip(&vip, fx.variant.family);
	returned.sport = VIP_PORT;
	return returned;
}

/* ---- one run -------------------------------------------------------------------- */

struct outcome fixture_run(const struct frame *in, uint32_t ingress)
{
	struct outcome outcome = {};
	struct xdp_md ctx = { .data_end = (uint32_t)in->length, .ingress_ifindex = ingress };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in->bytes,
		    .data_size_in = (uint32_t)in->length, .data_out = outcome.frame.bytes,
		    .data_size_out = sizeof(outcome.frame.bytes), .repeat = 1);
	int err;

	if (ingress != FIXTURE_LO) { /* lo is what the kernel takes by itself */
		run.ctx_in = &ctx;
		run.ctx_size_in = sizeof(ctx);
	}
	err = bpf_prog_test_run_opts(dataplane_program_fd(fx.dp), &run);
	if (err)
		fail_msg("test run: %s", strerror(-err));
	outcome.verdict = (int)run.retval;
	outcome.frame.length = run.data_size_out;
	return outcome;
}

/* ---- counters ------------------------------------------------------------------- */

struct counters {
	uint64_t reasons[LB_REASON_COUNT];
	struct lb_be_stats backends[3];
};

static int counters_fd(const char *name, int *fd)
{
	char path[128];

	if (!*fd) {
		snprintf(path, sizeof(path), "%s/%s", fx.pin_dir, name);
		*fd = bpf_obj_get(path);
		assert_true(*fd > 0);
	}
	return *fd;
}

static void read_reasons(uint64_t *out)
{
	static struct lb_reason_counts rows[MAX_CPUS];
	static int fd;
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(counters_fd("lb_reasons", &fd), &zero, rows), 0);
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++) {
		for (int i = 0; i < LB_REASON_COUNT; i++)
			out[i] += rows[cpu].by_reason[i];
	}
}

static void read_backend(uint32_t id, struct lb_be_stats *out)
{
	static struct lb_be_stats rows[MAX_CPUS];
	static int fd;

	assert_int_equal(bpf_map_lookup_elem(counters_fd("lb_be_stats", &fd), &id, rows), 0);
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++) {
		out->packets += rows[cpu].packets;
		out->bytes += rows[cpu].bytes;
		out->connections += rows[cpu].connections;
		out->replies += rows[cpu].replies;
		out->reply_bytes += rows[cpu].reply_bytes;
	}
}

static struct counters read_counters(void)
{
	struct counters counters = {};

	read_reasons(counters.reasons);
	for (uint32_t i = 0; i < 3; i++)
		read_backend(fx.web1 + i, &counters.backends[i]);
	return counters;
}

/* ---- expectations ----------------------------------------------------------------- */

#define NAME_OF(name, str, verdict, text) #str,
static const char *const reason_names[] = { LB_REASONS(NAME_OF) };

#define VERDICT_OF(name, str, verdict, text) LB_VERDICT_##verdict,
static const enum lb_verdict reason_verdicts[] = { LB_REASONS(VERDICT_OF) };

static const char *const xdp_names[] = { "ABORTED", "DROP", "PASS", "TX", "REDIRECT" };

static int verdict_of(const struct expectation *expected)
{
	switch (reason_verdicts[expected->reason]) {
	case LB_VERDICT_PASS:
		return XDP_PASS;
	case LB_VERDICT_DROP:
		return XDP_DROP;
	case LB_VERDICT_ANSWER:
		return XDP_TX;
	default:
		return expected->verdict;
	}
}

/* What is counted as reason by a packet that was counted as @expected. */
static void check_reasons(const struct counters *before, const struct counters *after,
			  const struct expectation *expected, const char *file, int line)
{
	for (int i = 0; i < LB_REASON_COUNT; i++) {
		uint64_t wanted = i == (int)expected->reason && i != LB_OK;

		if (after->reasons[i] - before->reasons[i] == wanted)
			continue;
		print_error("%s:%d: counter %s: %llu more, expected %llu (of %s)\n", file, line,
			    reason_names[i],
			    (unsigned long long)(after->reasons[i] - before->reasons[i]),
			    (unsigned long long)wanted, reason_names[expected->reason]);
		_fail(file, line);
	}
}

static void check_backends(const struct counters *before, struct counters *after, size_t length,
			   const struct expectation *expected, const char *file, int line)
{
	struct counters wanted = *before;
	bool is_forwarded = expected->reason == LB_OK;
	struct lb_be_stats *row = wanted.backends;

	if (is_forwarded)
		row += expected->backend - fx.web1;
	if (is_forwarded && expected->is_reply) {
		row->replies++;
		row->reply_bytes += length;
	} else if (is_forwarded) {
		row->packets++;
		row->bytes += length;
		row->connections += expected->is_new;
	}
	for (unsigned i = 0; i < 3; i++) {
		if (!memcmp(&wanted.backends[i], &after->backends[i], sizeof(*row)))
			continue;
		print_error("%s:%d: counters of web%u differ: packets %+lld, connections %+lld, "
			    "replies %+lld\n",
			    file, line, i + 1,
			    (long long)(after->backends[i].packets - wanted.backends[i].packets),
			    (long long)(after->backends[i].connections -
					wanted.backends[i].connections),
			    (long long)(after->backends[i].replies - wanted.backends[i].replies));
		_fail(file, line);
	}
}

static void check_frame(const struct frame *in, const struct outcome *outcome,
			const struct frame *wanted, const char *file, int line)
{
	if (outcome->frame.length == wanted->length &&
	    !memcmp(outcome->frame.bytes, wanted->bytes, wanted->length))
		return;
	print_error("%s:%d: another frame than expected\n", file, line);
	frame_print("in", in);
	frame_print("out", &outcome->frame);
	frame_print("expected", wanted);
	_fail(file, line);
}

void fixture_expect(const struct frame *in, uint32_t ingress, const struct expectation *expected,
		    const char *file, int line)
{
	struct counters before = read_counters(), after;
	struct outcome outcome = fixture_run(in, ingress);
	int verdict = verdict_of(expected);
	const struct frame *frame = expected->frame;

	after = read_counters();
	if (outcome.verdict != verdict) {
		print_error("%s:%d: verdict %s, expected %s (%s)\n", file, line,
			    xdp_names[outcome.verdict], xdp_names[verdict],
			    reason_names[expected->reason]);
		for (int i = 0; i < LB_REASON_COUNT; i++) {
			if (after.reasons[i] != before.reasons[i])
				print_error("  counted as %s\n", reason_names[i]);
		}
		_fail(file, line);
	}
	check_reasons(&before, &after, expected, file, line);
	check_backends(&before, &after, in->length, expected, file, line);
	if (!frame && verdict == XDP_PASS)
		frame = in;
	if (frame)
		check_frame(in, &outcome, frame, file, line);
}

void fixture_expect_sketch(const struct sketch *in, const struct sketch *out,
			   struct expectation expected, const char *file, int line)
{
	struct frame frame, wanted;

	frame_draw(in, &frame);
	if (out) {
		frame_draw(out, &wanted);
		expected.frame = &wanted;
	}
	fixture_expect(&frame, FIXTURE_LO, &expected, file, line);
}

void fixture_expect_sent(const struct sketch *in, const struct host *web, bool is_new,
			 const char *file, int line)
{
	struct sketch out = sketch_sent(in, web);
	struct expectation expected = { .verdict = XDP_TX,
					.backend = fixture_id(web),
					.is_new = is_new };

	fixture_expect_sketch(in, &out, expected, file, line);
}
