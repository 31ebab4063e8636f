/* SPDX-License-Identifier: GPL-2.0-only */
#include "verdicts.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "rows.h"

static const struct {
	const char *what;
	struct rows_cell figure;
	struct rows_cell reference;
	double target; /* 0: none, for comparison */
} ratios[] = {
	{ "dsr / C, 1 flow", { ROW_DSR4, FLOWS_1 }, { ROW_C, FLOWS_1 }, 0.4 },
	{ "  F / C, 1 flow", { ROW_F, FLOWS_1 }, { ROW_C, FLOWS_1 }, 0 },
	{ "dsr at 1M flows / dsr at 1", { ROW_DSR4, FLOWS_1M }, { ROW_DSR4, FLOWS_1 }, 1.8 },
	{ "dsr / D, 1M flows", { ROW_DSR4, FLOWS_1M }, { ROW_D, FLOWS_1M }, 0.06 },
	{ "  F / D, 1M flows", { ROW_F, FLOWS_1M }, { ROW_D, FLOWS_1M }, 0 },
	{ "dsr IPv6 / dsr IPv4, 1 flow", { ROW_DSR6, FLOWS_1 }, { ROW_DSR4, FLOWS_1 }, 2 },
	{ "dsr tagged / dsr untagged, 1 flow",
	  { ROW_DSR4_TAGGED, FLOWS_1 },
	  { ROW_DSR4, FLOWS_1 },
	  2 },
	{ "nat request / E, 1 flow", { ROW_NAT_REQUEST, FLOWS_1 }, { ROW_E, FLOWS_1 }, 0.7 },
	{ "nat reply / E, 1 flow", { ROW_NAT_REPLY, FLOWS_1 }, { ROW_E, FLOWS_1 }, 0.7 },
	{ "nat request / D, 1M flows", { ROW_NAT_REQUEST, FLOWS_1M }, { ROW_D, FLOWS_1M }, 0.5 },
	{ "nat reply / D, 1M flows", { ROW_NAT_REPLY, FLOWS_1M }, { ROW_D, FLOWS_1M }, 0.5 },
	{ "new nat flow / D's new flow", { ROW_NAT_NEW, FLOWS_1 }, { ROW_D_NEW, FLOWS_1 }, 0.3 },
	{ "not a VIP / C, 1 flow", { ROW_NOT_SERVICE, FLOWS_1 }, { ROW_C, FLOWS_1 }, 0.4 },
};

static const struct {
	const char *what;
	enum row_id row;
} straight[] = {
	{ "calls, settled dsr", ROW_DSR4 },
	{ "calls, settled dsr IPv6", ROW_DSR6 },
	{ "calls, nat request", ROW_NAT_REQUEST },
	{ "calls, nat reply", ROW_NAT_REPLY },
	{ "calls, nat request IPv6", ROW_NAT6_REQUEST },
};

#define MAX_VERIFIED 60000

/* Counts, not times: these hold or do not, on this kernel. */
static void print_counts(void)
{
	unsigned verified = rows_verified();
	size_t i;

	for (i = 0; i < sizeof(straight) / sizeof(straight[0]); i++) {
		int calls = rows_calls(straight[i].row);

		if (calls >= 0)
			printf("%-34s %8d %8d  %s\n", straight[i].what, calls, 0,
			       calls ? "not reached" : "reached");
	}
	if (verified)
		printf("%-34s %8u %8d  %s\n", "verified instructions", verified, MAX_VERIFIED,
		       verified < MAX_VERIFIED ? "reached" : "not reached");
}

void verdicts_print(void)
{
	size_t i;

	printf("\n%-34s %8s %8s\n", "ratio", "", "target");
	for (i = 0; i < sizeof(ratios) / sizeof(ratios[0]); i++) {
		double ratio = rows_ratio(&ratios[i].figure, &ratios[i].reference);

		if (isnan(ratio))
			continue;
		printf("%-34s %8.3f", ratios[i].what, ratio);
		if (ratios[i].target > 0)
			printf(" %8.2f  %s", ratios[i].target,
			       ratio <= ratios[i].target ? "reached" : "not reached");
		putchar('\n');
	}
	print_counts();
}
