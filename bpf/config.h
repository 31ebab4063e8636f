/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Settings of the node. The agent writes them before it loads the program; the
 * verifier then removes what is not configured. Settings of a service are fields
 * of its row instead.
 */
#ifndef LEAT_BPF_CONFIG_H
#define LEAT_BPF_CONFIG_H

#include <linux/types.h>

const volatile __u64 cfg_hash_key;   /* of lb_services and lb_replies */
const volatile __u32 cfg_flow4_mask; /* sets - 1 */
const volatile __u32 cfg_flow6_mask;
const volatile __u32 cfg_clock_shift = 6; /* a clock unit is 2^shift jiffies */
const volatile __u32 cfg_grain = 4; /* g: records and stamps are rewritten at most this often */
const volatile __u32 cfg_slack = 8; /* 2d: how far in the future a time may lie */
const volatile _Bool cfg_has_nat;
const volatile _Bool cfg_has_masks;    /* LB_SVC_MASKED */
const volatile _Bool cfg_has_picks;    /* LB_SVC_PICKED */
const volatile _Bool cfg_has_counts;   /* lb_loads[].live is kept */
const volatile _Bool cfg_has_affinity; /* lb_affinities */
const volatile _Bool cfg_has_samples;  /* LB_SVC_SAMPLED */
const volatile _Bool cfg_has_quic;     /* LB_SVC_QUIC */
const volatile _Bool cfg_dry_run;      /* leat explain: write nothing, fill lb_explain */

#endif
