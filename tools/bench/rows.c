/* SPDX-License-Identifier: GPL-2.0-only */
#include "rows.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <math.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "subject.h"
#include "walk.h"

#define REPEAT	    100000
#define WARM_UP	    5000
#define MAX_SAMPLES 200 /* one a round */
#define MAX_FLOWS   1000000

static const uint32_t column_flows[COLUMN_COUNT] = { 1, 1000, 100000, MAX_FLOWS };
static const char *const column_names[COLUMN_COUNT] = { "1 flow", "1k", "100k", "1M" };

#define ALL_COLUMNS ((1 << COLUMN_COUNT) - 1)
#define ONE_COLUMN  (1 << FLOWS_1)

/* what a subject must have counted after a run, one for each packet */
enum path { PATH_FORWARDED, PATH_REPLIED, PATH_PASSED, PATH_PING };

enum subject_id {
	SUBJECT_A,
	SUBJECT_B,
	SUBJECT_C,
	SUBJECT_D,
	SUBJECT_D_NEW,
	SUBJECT_E,
	SUBJECT_F,
	SUBJECT_DSR,
	SUBJECT_DSR_NAT,
	SUBJECT_REDIRECT,
	SUBJECT_MOVING,
	SUBJECT_NAT,
	SUBJECT_NAT_REPLY,
	SUBJECT_NAT_NEW,
	SUBJECT_COUNT,
};

struct row {
	const char *name;
	enum subject_id subject;
	enum shape shape;
	uint32_t verdict;
	enum path path;
	unsigned columns;   /* bits; a row with one has it under "1 flow" */
	enum shape records; /* established beforehand by packets of this shape */
	bool has_records;
	bool is_stale; /* of more than a second ago, so that each packet rewrites its record */
	bool is_new;   /* every packet begins a connection */
	bool is_other; /* addressed to somebody else */
	double samples[COLUMN_COUNT][MAX_SAMPLES];
	unsigned taken[COLUMN_COUNT];
	bool is_walked;
	struct walk_outcome walked;
};

#define ROW(row_name, row_subject, ...)                                                            \
	{                                                                                          \
		.name = (row_name), .subject = (row_subject), .verdict = XDP_TX,                   \
		.columns = ALL_COLUMNS, __VA_ARGS__                                                \
	}

#define RECORDED .has_records = true

static struct row rows[ROW_COUNT] = {
	[ROW_A] = ROW("A  MAC swap", SUBJECT_A, .shape = SHAPE_V4),
	[ROW_B] = ROW("B  constant IPIP header", SUBJECT_B, .shape = SHAPE_V4_TUNNEL),
	[ROW_C] = ROW("C  textbook DSR", SUBJECT_C, .shape = SHAPE_V4),
	[ROW_D] = ROW("D  C + LRU flow table", SUBJECT_D, RECORDED),
	[ROW_D_NEW] = { .name = "D  new flow",
			.subject = SUBJECT_D_NEW,
			.verdict = XDP_TX,
			.columns = ONE_COLUMN,
			.is_new = true },
	[ROW_E] = ROW("E  textbook DNAT", SUBJECT_E, .shape = SHAPE_V4),
	[ROW_F] = ROW("F  shortest DSR, of no use", SUBJECT_F, .shape = SHAPE_V4),
	[ROW_DSR4] = ROW("dsr, settled, IPv4", SUBJECT_DSR, .shape = SHAPE_V4),
	[ROW_DSR4_NAT] =
		ROW("dsr, settled, nat configured too", SUBJECT_DSR_NAT, .shape = SHAPE_V4),
	[ROW_DSR4_TAGGED] =
		ROW("dsr, settled, one VLAN tag", SUBJECT_DSR, .shape = SHAPE_V4_TAGGED),
	[ROW_DSR4_REDIRECT] = { .name = "dsr, settled, other interface",
				.subject = SUBJECT_REDIRECT,
				.verdict = XDP_REDIRECT,
				.columns = ALL_COLUMNS },
	[ROW_DSR6] = ROW("dsr, settled, IPv6", SUBJECT_DSR, .shape = SHAPE_V6),
	[ROW_MOVING] = ROW("dsr, moving slot, recorded", SUBJECT_MOVING, RECORDED),
	[ROW_NOT_SERVICE] = { .name = "not a VIP",
			      .subject = SUBJECT_DSR,
			      .verdict = XDP_PASS,
			      .path = PATH_PASSED,
			      .columns = ALL_COLUMNS,
			      .is_other = true },
	[ROW_PING] = { .name = "ping to a VIP",
		       .subject = SUBJECT_DSR,
		       .shape = SHAPE_V4_PING,
		       .verdict = XDP_TX,
		       .path = PATH_PING,
		       .columns = ONE_COLUMN },
	[ROW_NAT_REQUEST] = ROW("nat, request", SUBJECT_NAT, RECORDED),
	[ROW_NAT_STALE] = { .name = "nat, request, record to rewrite",
			    .subject = SUBJECT_NAT,
			    .verdict = XDP_TX,
			    .columns = 1 << FLOWS_1M,
			    .has_records = true,
			    .is_stale = true },
	[ROW_NAT_REPLY] = ROW("nat, reply", SUBJECT_NAT_REPLY, RECORDED, .shape = SHAPE_V4_REPLY,
			      .path = PATH_REPLIED),
	[ROW_NAT6_REQUEST] = ROW("nat, request, IPv6", SUBJECT_NAT, RECORDED, .shape = SHAPE_V6,
				 .records = SHAPE_V6),
	[ROW_NAT_NEW] = { .name = "nat, new flow",
			  .subject = SUBJECT_NAT_NEW,
			  .verdict = XDP_TX,
			  .columns = ONE_COLUMN,
			  .is_new = true },
};

static struct subject subjects[SUBJECT_COUNT];
static unsigned verified;

static const struct shipped_setup setups[SUBJECT_COUNT] = {
	[SUBJECT_DSR] = { .backends = 10 },
	[SUBJECT_DSR_NAT] = { .backends = 10, .has_nat = true },
	[SUBJECT_REDIRECT] = { .backends = 10, .is_redirect = true },
	[SUBJECT_MOVING] = { .backends = 10, .is_moving = true },
	[SUBJECT_NAT] = { .backends = 10, .has_nat = true, .is_nat = true },
	[SUBJECT_NAT_NEW] = { .backends = 10, .has_nat = true, .is_nat = true },
	/* a reply must come from the backend that its record names */
	[SUBJECT_NAT_REPLY] = { .backends = 1, .has_nat = true, .is_nat = true },
};

static int open_subject(enum subject_id id)
{
	static const char letters[] = "abcddef";
	struct shipped_setup setup = setups[id];

	if (subjects[id].close)
		return 0;
	if (id <= SUBJECT_F)
		return textbook_open(letters[id], (uint32_t)live_ifindex(), &subjects[id]);
	setup.flows = MAX_FLOWS;
	setup.ifindex = (uint32_t)live_ifindex();
	setup.backend_ifindex =
		(uint32_t)(setup.is_redirect ? live_peer_ifindex() : live_ifindex());
	return shipped_open(&setup, &subjects[id]);
}

/* "TEXT|TEXT": any of them, anywhere in the name. */
static bool is_wanted(const struct row *row, const struct rows_options *options)
{
	const char *text = options->only;
	size_t length;

	if (!text)
		return true;
	for (; *text; text += length + (text[length] == '|')) {
		length = strcspn(text, "|");
		if (length && memmem(row->name, strlen(row->name), text, length))
			return true;
	}
	return false;
}

static int open_subjects(const struct rows_options *options)
{
	int i, err = 0;

	for (i = 0; !err && i < ROW_COUNT; i++) {
		if (is_wanted(&rows[i], options))
			err = open_subject(rows[i].subject);
		else
			rows[i].columns = 0;
	}
	return err;
}

static void close_subjects(void)
{
	int i;

	for (i = 0; i < SUBJECT_COUNT; i++) {
		if (subjects[i].close)
			subjects[i].close(&subjects[i]);
	}
}

static void traffic_of(const struct row *row, struct traffic *t)
{
	bool is_reply = row->shape == SHAPE_V4_REPLY;

	*t = (struct traffic) {
		.shape = row->shape,
		.address4 = is_reply ? SUBJECT_BACKEND4 : SUBJECT_VIP4,
		.port = is_reply ? SUBJECT_BACKEND_PORT : SUBJECT_PORT,
		.is_syn = row->is_new,
	};
	if (row->is_other)
		t->address4++;
	memcpy(t->address6, subject_vip6, sizeof(t->address6));
}

static int establish(struct wrapper *w, const struct row *row)
{
	struct traffic t = { .shape = row->records,
			     .address4 = SUBJECT_VIP4,
			     .port = SUBJECT_PORT };
	int err = wrapper_target(w, subjects[row->subject].prog_fd);

	memcpy(t.address6, subject_vip6, sizeof(t.address6));
	return err ? err : wrapper_establish(w, &t, MAX_FLOWS);
}

static uint64_t count_of(const struct subject_counts *c, enum path path)
{
	switch (path) {
	case PATH_REPLIED:
		return c->replied;
	case PATH_PASSED:
		return c->passed;
	case PATH_PING:
		return c->pings;
	case PATH_FORWARDED:
		break;
	}
	return c->forwarded;
}

/* Every packet of the run took the path meant, or the figure is worth nothing. */
static int check(const struct row *row, const struct subject *s,
		 const struct subject_counts *before, uint32_t verdict)
{
	struct subject_counts after = {};
	uint64_t counted, created;

	if (verdict != row->verdict) {
		fprintf(stderr, "bench: %s: verdict %u, not %u\n", row->name, verdict,
			row->verdict);
		return -EPROTO;
	}
	if (!s->count)
		return 0;
	s->count(s, &after);
	counted = count_of(&after, row->path) - count_of(before, row->path);
	created = after.created - before->created;
	if (counted == REPEAT && created == (row->is_new ? REPEAT : 0))
		return 0;
	fprintf(stderr, "bench: %s: of %d packets %lu took the path meant, %lu made a record\n",
		row->name, REPEAT, (unsigned long)counted, (unsigned long)created);
	return -EPROTO;
}

/*
 * Records as those of busy connections are, used within the last second, or all older. The
 * first packet of a second rewrites a record; at a million flows and 15 rounds it would
 * otherwise always be the first.
 */
static int date_records(struct wrapper *w, const struct row *row)
{
	const struct subject *s = &subjects[row->subject];
	uint64_t jiffies;
	int err;

	if (!row->has_records || !s->date)
		return 0;
	err = wrapper_jiffies(w, &jiffies);
	if (!err)
		s->date(s, jiffies, row->is_stale);
	return err;
}

static int measure_pair(struct wrapper *w, struct row *row, enum column column)
{
	const struct subject *s = &subjects[row->subject];
	static uint32_t next_new;
	struct traffic t;
	struct wrapper_run run = {
		.traffic = &t,
		.flows = column_flows[column],
		.is_sequential = row->is_new,
		.repeat = REPEAT,
		.is_stub = true,
	};
	struct subject_counts before = {};
	double stub_ns, cpu_ns;
	uint32_t verdict;
	int err;

	err = date_records(w, row);
	if (err)
		return err;
	traffic_of(row, &t);
	run.first = next_new;
	next_new += row->is_new ? REPEAT : 0;
	if (row->is_new && s->clear && row->taken[column] % 8 == 0)
		s->clear(s);
	if (s->count)
		s->count(s, &before);
	err = wrapper_run(w, &run, &stub_ns, &verdict);
	run.is_stub = false;
	err = err ? err : wrapper_run(w, &run, &cpu_ns, &verdict);
	if (err)
		return err;
	row->samples[column][row->taken[column]++] = (cpu_ns - stub_ns) / REPEAT;
	return check(row, s, &before, verdict);
}

/* A short run for nothing: the row before has used the caches for something else. */
static int warm_up(struct wrapper *w, const struct row *row, enum column column)
{
	struct traffic t;
	const struct wrapper_run run = { .traffic = &t,
					 .flows = column_flows[column],
					 .repeat = WARM_UP };
	uint32_t verdict;
	double cpu_ns;

	if (row->is_new)
		return 0;
	traffic_of(row, &t);
	return wrapper_run(w, &run, &cpu_ns, &verdict);
}

static int measure_row(struct wrapper *w, struct row *row)
{
	int column, err = 0;

	if (row->columns)
		err = wrapper_target(w, subjects[row->subject].prog_fd);
	for (column = 0; !err && column < COLUMN_COUNT; column++) {
		if (!(row->columns & (1U << column)))
			continue;
		err = warm_up(w, row, column);
		err = err ? err : measure_pair(w, row, column);
	}
	return err;
}

static int establish_rows(struct wrapper *w)
{
	int i, err = 0;

	for (i = 0; !err && i < ROW_COUNT; i++) {
		if (!rows[i].has_records || !rows[i].columns)
			continue;
		if (!rows[i].is_stale) /* shares the subject of another row */
			err = establish(w, &rows[i]);
	}
	return err;
}

static int measure_rounds(struct wrapper *w, unsigned rounds)
{
	unsigned round;
	int i, err = 0;

	for (round = 0; !err && round < rounds; round++) {
		for (i = 0; !err && i < ROW_COUNT; i++)
			err = measure_row(w, &rows[i]);
	}
	return err;
}

static int walk_row(struct wrapper *w, struct row *row, const struct rows_options *options)
{
	const struct subject *s = &subjects[row->subject];
	uint8_t frame[WRAPPER_MAX_FRAME];
	struct walk_packet packet = { .frame = frame, .ifindex = (uint32_t)live_ifindex() };
	struct walk *walk = NULL;
	struct traffic t;
	int err;

	traffic_of(row, &t);
	err = date_records(w, row);
	err = err ? err : wrapper_jiffies(w, &packet.jiffies);
	err = err ? err : wrapper_frame(w, &t, 0, frame, &packet.length);
	err = err ? err : walk_open(s->prog_fd, &walk);
	if (options->is_listed)
		printf("\n%s\n", row->name);
	err = err ? err : walk_run(walk, &packet, options->is_listed ? stdout : NULL, &row->walked);
	walk_close(walk);
	row->is_walked = !err && row->walked.verdict == row->verdict;
	if (!row->is_walked)
		fprintf(stderr, "bench: %s: walked to verdict %u: %s\n", row->name,
			(unsigned)row->walked.verdict, strerror(-err));
	return 0;
}

static int walk_rows(struct wrapper *w, const struct rows_options *options)
{
	int i, err = 0;

	for (i = ROW_F; !err && i < ROW_COUNT; i++) {
		if (!rows[i].columns)
			continue;
		if (rows[i].is_new)
			subjects[rows[i].subject].clear(&subjects[rows[i].subject]);
		err = walk_row(w, &rows[i], options);
	}
	return err;
}

static void read_verified(void)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	int i;

	for (i = SUBJECT_DSR; i < SUBJECT_COUNT; i++) {
		size = sizeof(info);
		memset(&info, 0, sizeof(info));
		if (subjects[i].close &&
		    !bpf_obj_get_info_by_fd(subjects[i].prog_fd, &info, &size) &&
		    info.verified_insns > verified)
			verified = info.verified_insns;
	}
}

unsigned rows_verified(void)
{
	return verified;
}

int rows_calls(enum row_id row)
{
	return rows[row].is_walked ? (int)rows[row].walked.call_count : -1;
}

int rows_measure(const struct rows_options *options)
{
	unsigned rounds = options->rounds < MAX_SAMPLES ? options->rounds : MAX_SAMPLES;
	struct wrapper *w = NULL;
	int err;

	err = wrapper_open(live_ifindex(), shipped_has_frags(), options->drains, &w);
	err = err ? err : open_subjects(options);
	err = err ? err : establish_rows(w);
	err = err ? err : walk_rows(w, options);
	if (!options->is_listed)
		err = err ? err : measure_rounds(w, rounds);
	read_verified();
	close_subjects();
	wrapper_close(w);
	return err;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value below which a share @part of @n samples lies. */
static double quantile(const double *samples, unsigned n, double part)
{
	double sorted[MAX_SAMPLES];

	if (!n)
		return NAN;
	memcpy(sorted, samples, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	return sorted[(unsigned)(part * (n - 1) + 0.5)];
}

static double cell_quantile(enum row_id row, enum column column, double part)
{
	return quantile(rows[row].samples[column], rows[row].taken[column], part);
}

double rows_ns(enum row_id row, enum column column)
{
	return cell_quantile(row, column, 0.5);
}

double rows_ratio(const struct rows_cell *figure, const struct rows_cell *reference)
{
	const struct row *row = &rows[figure->row], *other = &rows[reference->row];
	unsigned n = row->taken[figure->column];
	double ratios[MAX_SAMPLES];
	unsigned i;

	if (n != other->taken[reference->column])
		return NAN;
	for (i = 0; i < n; i++)
		ratios[i] = row->samples[figure->column][i] / other->samples[reference->column][i];
	return quantile(ratios, n, 0.5);
}

static void print_cell(enum row_id row, enum column column, bool is_verbose)
{
	double ns = rows_ns(row, column);

	if (isnan(ns))
		printf(" %*s", is_verbose ? 20 : 8, "");
	else if (is_verbose)
		printf(" %6.1f (%5.1f %5.1f)", ns, cell_quantile(row, column, 0.25),
		       cell_quantile(row, column, 0.75));
	else
		printf(" %8.1f", ns);
}

static void print_calls(void)
{
	unsigned i;
	int row;

	for (row = ROW_DSR4; row < ROW_COUNT; row++) {
		const struct walk_outcome *walked = &rows[row].walked;

		if (!rows[row].is_walked || !walked->call_count)
			continue;
		printf("calls, %s:", rows[row].name);
		for (i = 0; i < walked->call_count; i++)
			printf(" %s", walked->calls[i]);
		putchar('\n');
	}
}

void rows_print(const struct rows_options *options)
{
	int width = options->is_verbose ? 20 : 8;
	int row, column;

	printf("%-34s", "ns a packet, stub taken off");
	for (column = 0; column < COLUMN_COUNT; column++)
		printf(" %*s", width, column_names[column]);
	printf(" %8s %6s\n", "insns", "calls");
	for (row = 0; row < ROW_COUNT; row++) {
		if (!rows[row].columns)
			continue;
		if (row == ROW_DSR4)
			putchar('\n');
		printf("%-34s", rows[row].name);
		for (column = 0; column < COLUMN_COUNT; column++)
			print_cell(row, column, options->is_verbose);
		if (rows[row].is_walked)
			printf(" %8u %6u", rows[row].walked.instructions,
			       rows[row].walked.call_count);
		putchar('\n');
	}
	print_calls();
}
