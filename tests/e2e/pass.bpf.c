/* SPDX-License-Identifier: GPL-2.0-only */
/* XDP_PASS: a veth takes frames sent by XDP_TX or XDP_REDIRECT only where its peer has a program */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char pass_license[] SEC("license") = "GPL";
