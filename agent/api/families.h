/* SPDX-License-Identifier: GPL-2.0-only */
/* Metrics that are one field of the status each. docs/api.md has them for people. */
#ifndef LEAT_API_FAMILIES_H
#define LEAT_API_FAMILIES_H

/** struct family - one metric: its header, and where in an object its value is */
struct family {
	const char *name;
	const char *type;
	const char *help;
	const char *field; /* "a" or "a.b" */
	double divisor;	   /* 0: as it stands */
};

/* each ends with an entry without a name */
extern const struct family families_node[];
extern const struct family families_flows[]; /* of one IP family */
extern const struct family families_reason[];
extern const struct family families_service[];
extern const struct family families_group[];
extern const struct family families_backend[];

#endif
