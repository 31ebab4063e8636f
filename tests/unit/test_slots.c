/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plan/lifecycle.h"
#include "plan/slots.h"

/* Backends: A to C live, X and Y are dead. */
enum { A = 1, B = 2, C = 3, X = 24, Y = 25 };

#define NOW	 100000u
#define W	 24u
#define TS	 100u
#define D	 4u
#define DEADLINE 200u

#define CLOSED LB_STAMP_CLOSED
#define YOUNG  (NOW - TS + 1) /* not yet quiet for Ts */
#define OLD    (NOW - TS)

enum proto { TCP, UDP, TRACKED };

/* What the agent remembers of a slot when a row begins. */
enum memory { NOTHING, WARMING, WARM, WAITING, LATE };

/* ---- one slot, and what is stored ------------------------------------------ */

struct world {
	struct slots_view view;
	struct slots_memory memory;
	struct slots_counts counts;
	uint32_t word, stamp, now;
	uint16_t target;
	uint16_t generations[LB_MAX_BACKENDS];
	char log[256];
};

static char *name_of(unsigned id)
{
	static char names[LB_MAX_BACKENDS] = { '0', 'A', 'B', 'C', [X] = 'X', [Y] = 'Y' };

	return &names[id];
}

static void log_text(struct world *w, const char *text)
{
	size_t length = strlen(w->log);

	snprintf(w->log + length, sizeof(w->log) - length, "%s%s", length ? " " : "", text);
}

static void log_op(void *arg, const struct slots_op *op)
{
	struct world *w = arg;
	char text[32];

	if (op->kind == SLOTS_OP_STAMP) {
		assert_int_equal(op->stamp, w->now | 1);
		log_text(w, "stamp");
		return;
	}
	if (op->kind == SLOTS_OP_SETTLE)
		assert_int_equal(op->seen, w->stamp);
	snprintf(text, sizeof(text), "%s{%c,%c,%u}", op->kind == SLOTS_OP_SETTLE ? "settle " : "",
		 *name_of(LB_SLOT_CURRENT(op->word)), *name_of(LB_SLOT_ORIGIN(op->word)),
		 LB_SLOT_MOVING(op->word));
	log_text(w, text);
	if (op->kind == SLOTS_OP_SETTLE && op->stamp) {
		assert_int_equal(op->stamp, w->now | 1);
		log_text(w, "stamp");
	}
}

static void make_world(struct world *w, enum proto proto, uint32_t word, uint32_t stamp,
		       uint16_t target)
{
	memset(w, 0, sizeof(*w));
	w->word = word;
	w->stamp = stamp;
	w->target = target;
	w->now = NOW;
	w->generations[X] = w->generations[Y] = 7;
	w->view = (struct slots_view) {
		.words = &w->word,
		.stamps = &w->stamp,
		.size = 1,
		.target = &w->target,
		.generations = w->generations,
		.is_udp = proto == UDP,
		.is_tracked = proto == TRACKED,
		.times = { .warm_up = W, .settle = TS, .slack = 2 * D },
	};
}

static void remember(struct world *w, enum memory memory)
{
	w->memory.is_warming = memory == WARMING || memory == WARM;
	w->memory.is_waiting = memory == WAITING || memory == LATE;
	w->memory.pending = memory == WAITING || memory == LATE ? LB_SLOT_CURRENT(w->word) : 0;
	w->memory.since = NOW - W + 1;
	if (memory == WARM)
		w->memory.since = NOW - W;
	if (memory == WAITING)
		w->memory.since = NOW - DEADLINE + 1;
	if (memory == LATE)
		w->memory.since = NOW - DEADLINE;
}

static const char *step(struct world *w)
{
	*w->log = 0;
	slots_step(&w->view, &w->memory, w->now, log_op, w, &w->counts);
	return w->log;
}

static const char *restart(struct world *w)
{
	*w->log = 0;
	memset(&w->memory, 0, sizeof(w->memory));
	slots_restart(&w->view, &w->memory, w->now, log_op, w);
	return w->log;
}

/* ---- every row of the rules ------------------------------------------------- */

struct row {
	const char *rule;
	uint32_t word;
	uint32_t stamp;
	uint16_t target;
	enum memory memory;
	const char *expect;
};

#define S LB_SLOT

static const struct row tcp_rows[] = {
	{ "1 at rest", S(A, A, 0), CLOSED, A, NOTHING, "" },
	{ "1 at rest, nobody", S(0, 0, 0), CLOSED, 0, NOTHING, "" },
	{ "2 begins", S(A, A, 0), CLOSED, B, NOTHING, "{A,A,1}" },
	{ "2 less than W", S(A, A, 1), CLOSED, B, WARMING, "" },
	{ "2 after W", S(A, A, 1), CLOSED, B, WARM, "stamp {B,A,1}" },
	{ "3 on", S(B, A, 1), YOUNG, C, NOTHING, "stamp {C,A,1}" },
	{ "3 back to origin", S(B, A, 1), YOUNG, A, NOTHING, "stamp {A,A,1}" },
	{ "3 from origin", S(A, A, 1), YOUNG, B, NOTHING, "stamp {B,A,1}" },
	{ "3 nothing to do", S(B, A, 1), YOUNG, B, NOTHING, "" },
	{ "4 quiet for Ts", S(B, A, 1), OLD, B, NOTHING, "settle {B,B,0}" },
	{ "4 quiet at origin", S(A, A, 1), OLD, A, NOTHING, "settle {A,A,0}" },
	{ "4 before 3", S(B, A, 1), OLD, C, NOTHING, "settle {B,B,0}" },
	{ "4 stamp ahead by 2d", S(B, A, 1), NOW + 2 * D, B, NOTHING, "" },
	{ "4 stamp ahead by more", S(B, A, 1), NOW + 2 * D + 1, B, NOTHING, "settle {B,B,0}" },
	{ "5 settled", S(X, X, 0), CLOSED, B, NOTHING, "{B,B,0}" },
	{ "5 current", S(X, A, 1), YOUNG, B, NOTHING, "stamp {B,A,1}" },
	{ "5 current, heir is origin", S(X, A, 1), YOUNG, A, NOTHING, "stamp {A,A,1}" },
	{ "5 origin", S(B, X, 1), YOUNG, B, NOTHING, "stamp {B,B,1}" },
	{ "5 origin, in a further move", S(B, X, 1), YOUNG, C, NOTHING, "stamp {B,B,1}" },
	{ "5 origin, though quiet", S(B, X, 1), OLD, B, NOTHING, "stamp {B,B,1}" },
	{ "5 both", S(X, Y, 1), YOUNG, B, NOTHING, "stamp {B,B,1}" },
	{ "5 both are one", S(X, X, 1), YOUNG, B, NOTHING, "stamp {B,B,1}" },
	{ "6a settled", S(X, X, 0), CLOSED, 0, NOTHING, "{0,0,0}" },
	{ "6a warming", S(X, X, 1), CLOSED, 0, WARMING, "{0,0,0}" },
	{ "6a current", S(X, A, 1), YOUNG, 0, NOTHING, "stamp {0,A,1}" },
	{ "6a both", S(X, Y, 1), YOUNG, 0, NOTHING, "stamp {0,0,1}" },
	{ "6a origin, current nobody", S(0, X, 1), YOUNG, 0, NOTHING, "stamp {0,0,1}" },
	{ "6a waits for origin", S(0, A, 1), YOUNG, 0, NOTHING, "" },
	{ "6a quiet with origin", S(0, A, 1), OLD, 0, NOTHING, "settle {0,0,0}" },
	{ "6a quiet without", S(0, 0, 1), OLD, 0, NOTHING, "settle {0,0,0}" },
	{ "6a served again", S(0, 0, 0), CLOSED, B, NOTHING, "{B,B,0}" },
	{ "6a served again with origin", S(0, A, 1), YOUNG, B, NOTHING, "stamp {B,A,1}" },
	{ "6a served by origin", S(0, A, 1), YOUNG, A, NOTHING, "stamp {A,A,1}" },
	{ "6a served again, moving", S(0, 0, 1), YOUNG, B, NOTHING, "stamp {B,B,1}" },
	{ "6a served, origin dead", S(0, X, 1), YOUNG, B, NOTHING, "stamp {B,B,1}" },
	{ "6a drain without heir", S(A, A, 0), CLOSED, 0, NOTHING, "{A,A,1}" },
	{ "6a drain, less than W", S(A, A, 1), CLOSED, 0, WARMING, "" },
	{ "6a drain, after W", S(A, A, 1), CLOSED, 0, WARM, "stamp {0,A,1}" },
	{ "6a drain, handed over", S(B, A, 1), YOUNG, 0, NOTHING, "stamp {0,A,1}" },
	{ "6b cancelled", S(A, A, 1), CLOSED, A, WARMING, "{A,A,0}" },
	{ "6b cancelled after W", S(A, A, 1), CLOSED, A, WARM, "{A,A,0}" },
	{ "6b current dies", S(X, X, 1), CLOSED, B, WARMING, "{B,B,0}" },
	{ "6b target dies", S(A, A, 1), CLOSED, X, WARMING, "" },
	{ "dead target is nobody", S(A, A, 0), CLOSED, X, NOTHING, "{A,A,1}" },
	{ "dead target is not served", S(0, 0, 0), CLOSED, X, NOTHING, "" },
	{ "dead target is no heir", S(Y, Y, 0), CLOSED, X, NOTHING, "{0,0,0}" },
	{ "dead target, handed over", S(Y, A, 1), YOUNG, X, NOTHING, "stamp {0,A,1}" },
	{ "8 closed", S(B, A, 1), CLOSED, B, NOTHING, "{B,B,0}" },
	{ "8 closed, then another", S(B, A, 1), CLOSED, C, NOTHING, "{B,B,0}" },
	{ "8 closed, current dead", S(X, A, 1), CLOSED, C, NOTHING, "{C,C,0}" },
	{ "8 closed, origin dead", S(B, X, 1), CLOSED, B, NOTHING, "{B,B,0}" },
	{ "8 closed, nobody", S(0, A, 1), CLOSED, 0, NOTHING, "{0,0,0}" },
	{ "8 forgotten warm-up", S(A, A, 1), CLOSED, B, NOTHING, "{A,A,0}" },
};

static const struct row udp_rows[] = {
	{ "10 at rest", S(A, A, 0), CLOSED, A, NOTHING, "" },
	{ "10 begins", S(A, A, 0), CLOSED, B, NOTHING, "stamp {A,A,1}" },
	{ "10 recording", S(A, A, 1), YOUNG, B, NOTHING, "" },
	{ "10 quiet for Ts", S(A, A, 1), OLD, B, NOTHING, "settle {B,B,1} stamp" },
	{ "10 handed over", S(B, B, 1), YOUNG, B, NOTHING, "" },
	{ "10 quiet again", S(B, B, 1), OLD, B, NOTHING, "settle {B,B,0}" },
	{ "10 further move waits", S(B, B, 1), YOUNG, C, NOTHING, "" },
	{ "10 further move", S(B, B, 1), OLD, C, NOTHING, "settle {C,C,1} stamp" },
	{ "10 cancelled", S(A, A, 1), OLD, A, NOTHING, "settle {A,A,0}" },
	{ "5 settled", S(X, X, 0), CLOSED, B, NOTHING, "{B,B,0}" },
	{ "5 moving", S(X, X, 1), YOUNG, B, NOTHING, "stamp {B,B,1}" },
	{ "6a settled", S(X, X, 0), CLOSED, 0, NOTHING, "{0,0,0}" },
	{ "6a moving", S(X, X, 1), YOUNG, 0, NOTHING, "stamp {0,0,1}" },
	{ "6a drain without heir", S(A, A, 0), CLOSED, 0, NOTHING, "stamp {A,A,1}" },
	{ "6a drain, quiet", S(A, A, 1), OLD, 0, NOTHING, "settle {0,0,1} stamp" },
	{ "6a quiet, nobody", S(0, 0, 1), OLD, 0, NOTHING, "settle {0,0,0}" },
	{ "6a served again", S(0, 0, 0), CLOSED, B, NOTHING, "{B,B,0}" },
	{ "6a served again, moving", S(0, 0, 1), YOUNG, B, NOTHING, "stamp {B,B,1}" },
	{ "8 closed", S(A, A, 1), CLOSED, B, NOTHING, "stamp" },
	{ "8 closed, current dead", S(X, X, 1), CLOSED, B, NOTHING, "stamp stamp {B,B,1}" },
};

static const struct row tracked_rows[] = {
	{ "tracked at rest", S(A, A, 0), CLOSED, A, NOTHING, "" },
	{ "tracked move", S(A, A, 0), CLOSED, B, NOTHING, "{B,B,0}" },
	{ "tracked failure", S(X, X, 0), CLOSED, B, NOTHING, "{B,B,0}" },
	{ "tracked, nobody", S(A, A, 0), CLOSED, 0, NOTHING, "{0,0,0}" },
	{ "tracked, dead target", S(A, A, 0), CLOSED, X, NOTHING, "{0,0,0}" },
	{ "tracked, found moving", S(B, A, 1), YOUNG, B, NOTHING, "{B,B,0}" },
};

static const struct row tcp_deadline_rows[] = {
	{ "deadline not reached", S(B, A, 1), NOW, B, WAITING, "" },
	{ "deadline", S(B, A, 1), NOW, B, LATE, "settle {B,B,0}" },
	{ "deadline, nobody", S(0, A, 1), NOW, 0, LATE, "settle {0,0,0}" },
	{ "deadline, but rule 5 first", S(X, A, 1), NOW, B, LATE, "stamp {B,A,1}" },
	{ "deadline is not of warm-ups", S(A, A, 1), CLOSED, B, WARMING, "" },
};

static const struct row udp_deadline_rows[] = {
	{ "deadline not reached", S(A, A, 1), NOW, B, WAITING, "" },
	{ "deadline of recording", S(A, A, 1), NOW, B, LATE, "settle {B,B,1} stamp" },
	{ "deadline of the move", S(B, B, 1), NOW, B, LATE, "settle {B,B,0}" },
	{ "deadline, but rule 5 first", S(X, X, 1), NOW, B, LATE, "stamp {B,B,1}" },
};

static void run_rows(const struct row *rows, size_t count, enum proto proto, uint32_t deadline)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct world w;

		make_world(&w, proto, row->word, row->stamp, row->target);
		w.view.times.move_deadline = deadline;
		remember(&w, row->memory);
		if (strcmp(step(&w), row->expect) != 0)
			fail_msg("%s: \"%s\", expected \"%s\"", row->rule, w.log, row->expect);
	}
}

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_slots_tcp_rows_give_the_stores_of_the_rules(void **state)
{
	(void)state;
	run_rows(tcp_rows, COUNT(tcp_rows), TCP, 0);
	run_rows(tcp_deadline_rows, COUNT(tcp_deadline_rows), TCP, DEADLINE);
}

static void test_slots_udp_rows_give_the_stores_of_the_rules(void **state)
{
	(void)state;
	run_rows(udp_rows, COUNT(udp_rows), UDP, 0);
	run_rows(udp_deadline_rows, COUNT(udp_deadline_rows), UDP, DEADLINE);
}

static void test_slots_tracked_rows_give_the_stores_of_the_rules(void **state)
{
	(void)state;
	run_rows(tracked_rows, COUNT(tracked_rows), TRACKED, 0);
}

/* ---- memory ------------------------------------------------------------------ */

static void test_slots_warm_up_pending_target_changes_and_w_goes_on(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, TCP, S(A, A, 0), CLOSED, B);
	assert_string_equal(step(&w), "{A,A,1}");
	w.word = S(A, A, 1);
	w.now += W - 1;
	w.target = C;

	assert_string_equal(step(&w), "");
	assert_int_equal(w.memory.pending, C);
	w.now++;
	assert_string_equal(step(&w), "stamp {C,A,1}");
}

static void test_slots_warm_up_begun_anew_after_a_cancelled_one_waits_all_of_w(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, TCP, S(A, A, 1), CLOSED, A);
	remember(&w, WARM);
	assert_string_equal(step(&w), "{A,A,0}");
	w.word = S(A, A, 0);
	w.target = B;
	assert_string_equal(step(&w), "{A,A,1}");
	w.word = S(A, A, 1);

	assert_string_equal(step(&w), "");
	w.now += W;
	assert_string_equal(step(&w), "stamp {B,A,1}");
}

static void test_slots_clock_read_early_hands_nothing_over(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, TCP, S(A, A, 1), CLOSED, B);
	w.memory.is_warming = true;
	w.memory.since = NOW + 1;

	assert_string_equal(step(&w), "");
}

static void test_slots_udp_deadline_counts_anew_for_each_word(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, UDP, S(A, A, 1), NOW, B);
	w.view.times.move_deadline = DEADLINE;
	remember(&w, LATE);
	assert_string_equal(step(&w), "settle {B,B,1} stamp");
	w.word = S(B, B, 1);

	assert_string_equal(step(&w), "");
	w.now += DEADLINE;
	w.stamp = w.now | 1;
	assert_string_equal(step(&w), "settle {B,B,0}");
}

static void test_slots_tcp_deadline_counts_on_through_further_moves(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, TCP, S(A, A, 1), CLOSED, B);
	w.view.times.move_deadline = DEADLINE;
	remember(&w, WARM);
	assert_string_equal(step(&w), "stamp {B,A,1}");
	w.now += DEADLINE - 1;
	w.word = S(B, A, 1);
	w.stamp = w.now | 1;
	w.target = C;
	assert_string_equal(step(&w), "stamp {C,A,1}");
	w.word = S(C, A, 1);
	w.now++;

	assert_string_equal(step(&w), "settle {C,C,0}");
}

/* ---- restart (rule 8) --------------------------------------------------------- */

static void test_slots_restart_rows_give_the_stores_of_rule_8(void **state)
{
	static const struct {
		enum proto proto;
		uint32_t word, stamp;
		const char *expect;
	} rows[] = {
		{ TCP, S(A, A, 0), CLOSED, "" },	{ TCP, S(A, A, 1), CLOSED, "{A,A,0}" },
		{ TCP, S(B, A, 1), CLOSED, "{B,B,0}" }, { TCP, S(0, A, 1), CLOSED, "{0,0,0}" },
		{ TCP, S(B, A, 1), YOUNG, "" },		{ TCP, S(B, A, 1), OLD, "" },
		{ UDP, S(A, A, 0), YOUNG, "" },		{ UDP, S(A, A, 1), CLOSED, "stamp" },
		{ UDP, S(A, A, 1), YOUNG, "" },		{ TRACKED, S(A, A, 0), CLOSED, "" },
		{ TRACKED, S(B, A, 1), CLOSED, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;

		make_world(&w, rows[i].proto, rows[i].word, rows[i].stamp, B);

		assert_string_equal(restart(&w), rows[i].expect);
	}
}

static void test_slots_restart_handed_over_moves_on_after_w_only(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, TCP, S(B, A, 1), NOW, C);
	restart(&w);

	assert_string_equal(step(&w), "");
	w.now += W - 1;
	assert_string_equal(step(&w), "");
	w.now++;
	assert_string_equal(step(&w), "stamp {C,A,1}");
}

static void test_slots_restart_trusts_the_stamp(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, TCP, S(B, A, 1), OLD, B);
	restart(&w);

	assert_string_equal(step(&w), "settle {B,B,0}");
}

static void test_slots_restart_delays_no_failure(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, TCP, S(X, A, 1), YOUNG, B);
	restart(&w);

	assert_string_equal(step(&w), "stamp {B,A,1}");
}

/* ---- execution ------------------------------------------------------------------ */

static void test_slots_settle_is_refused_when_the_stamp_has_changed(void **state)
{
	struct slots_op op = { .kind = SLOTS_OP_SETTLE, .word = S(B, B, 0), .seen = OLD };
	uint32_t word = S(B, A, 1), stamp = OLD;

	(void)state;
	stamp = NOW | 1; /* a packet, between the agent's read and its CAS */

	assert_false(slots_execute(&op, &word, &stamp));

	assert_int_equal(word, S(B, A, 1));
	assert_int_equal(stamp, NOW | 1);
}

static void test_slots_settle_refused_is_not_tried_before_ts_again(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, TCP, S(B, A, 1), OLD, B);
	assert_string_equal(step(&w), "settle {B,B,0}");
	w.stamp = NOW | 1;

	assert_string_equal(step(&w), "");
	assert_int_equal(w.counts.moving, 1);
	w.now = (NOW | 1) + TS;
	assert_string_equal(step(&w), "settle {B,B,0}");
}

static void test_slots_settle_closes_the_stamp_and_stores_the_word(void **state)
{
	struct slots_op op = { .kind = SLOTS_OP_SETTLE, .word = S(B, B, 0), .seen = OLD };
	uint32_t word = S(B, A, 1), stamp = OLD;

	(void)state;

	assert_true(slots_execute(&op, &word, &stamp));

	assert_int_equal(word, S(B, B, 0));
	assert_int_equal(stamp, CLOSED);
}

static void test_slots_settle_of_udp_opens_a_new_stamp(void **state)
{
	struct slots_op op = { .kind = SLOTS_OP_SETTLE,
			       .slot = 1,
			       .word = S(B, B, 1),
			       .seen = OLD,
			       .stamp = NOW | 1 };
	uint32_t words[] = { 1, S(A, A, 1), 3 }, stamps[] = { 4, OLD, 6 };

	(void)state;

	assert_true(slots_execute(&op, words, stamps));

	assert_int_equal(words[1], S(B, B, 1));
	assert_int_equal(stamps[1], NOW | 1);
	assert_int_equal(words[0] + words[2] + stamps[0] + stamps[2], 1 + 3 + 4 + 6);
}

static void test_slots_execute_stores_words_and_stamps(void **state)
{
	struct slots_op store_word = { .kind = SLOTS_OP_WORD, .word = S(A, A, 1) };
	struct slots_op store_stamp = { .kind = SLOTS_OP_STAMP, .stamp = NOW | 1 };
	uint32_t word = S(A, A, 0), stamp = CLOSED;

	(void)state;

	assert_true(slots_execute(&store_word, &word, &stamp));
	assert_int_equal(stamp, CLOSED);
	assert_true(slots_execute(&store_stamp, &word, &stamp));

	assert_int_equal(word, S(A, A, 1));
	assert_int_equal(stamp, NOW | 1);
}

static void ignore_op(void *arg, const struct slots_op *op)
{
	(void)arg;
	(void)op;
}

static void test_slots_counts_tell_what_stands_after_the_step(void **state)
{
	uint32_t words[] = { S(A, A, 0), S(A, A, 0), S(B, A, 1), S(B, A, 1), S(X, X, 0) };
	uint32_t stamps[] = { CLOSED, CLOSED, YOUNG, OLD, CLOSED };
	uint16_t target[] = { A, B, B, B, B };
	struct slots_memory memory[5] = {};
	struct slots_counts counts;
	struct world w;

	(void)state;
	make_world(&w, TCP, 0, 0, 0);
	w.view.words = words;
	w.view.stamps = stamps;
	w.view.target = target;
	w.view.size = 5;

	slots_step(&w.view, memory, NOW, ignore_op, NULL, &counts);

	assert_int_equal(counts.moving, 3); /* the one now warming, and two handed over */
	assert_int_equal(counts.unfinished, 3);
}

/* ---- a restart after each single store --------------------------------------------- */

/*
 * A slot with a watchman at its stores. It knows who owns the connections that nobody recorded
 * (I1), since when SYNs have been recorded (I6), and that stamps go first (I3).
 */
struct watched {
	struct world w;
	unsigned stores; /* made so far */
	unsigned limit;	 /* the agent dies after so many; 0: never */
	bool is_down;
	uint32_t moving_since;
};

static unsigned owner_of(const struct world *w)
{
	if (LB_SLOT_MOVING(w->word) && w->stamp != CLOSED && !w->view.is_udp)
		return LB_SLOT_ORIGIN(w->word);
	return LB_SLOT_CURRENT(w->word);
}

static bool lives(const struct world *w, unsigned id)
{
	return id && !(w->generations[id] & 1);
}

static bool makes_store(struct watched *d)
{
	if (d->is_down)
		return false;
	d->stores++;
	d->is_down = d->stores == d->limit;
	return true;
}

static void watch_tcp_word(struct watched *d, uint32_t word)
{
	uint32_t before = d->w.word;
	bool is_handed_over = LB_SLOT_MOVING(before) && d->w.stamp != CLOSED;

	if (!lives(&d->w, LB_SLOT_CURRENT(before)) ||
	    LB_SLOT_CURRENT(word) == LB_SLOT_CURRENT(before))
		return;
	assert_true(is_handed_over); /* nobody moves away from the living without */
	assert_true(d->w.now - d->moving_since >= W);
	assert_int_equal(d->w.stamp, d->w.now | 1);
}

static void store_word(struct watched *d, uint32_t word)
{
	unsigned owner = owner_of(&d->w);

	if (!makes_store(d))
		return;
	if (!d->w.view.is_udp) {
		watch_tcp_word(d, word);
		if (LB_SLOT_MOVING(word) && !LB_SLOT_MOVING(d->w.word))
			d->moving_since = d->w.now;
	}
	d->w.word = word;
	if (lives(&d->w, owner) && d->w.stamp != CLOSED && !d->w.view.is_udp)
		assert_int_equal(owner_of(&d->w), owner);
}

static void watch_op(void *arg, const struct slots_op *op)
{
	struct watched *d = arg;

	if (op->kind == SLOTS_OP_WORD) {
		store_word(d, op->word);
		return;
	}
	if (op->kind == SLOTS_OP_STAMP) {
		if (makes_store(d))
			d->w.stamp = op->stamp;
		return;
	}
	assert_int_equal(op->seen, d->w.stamp);
	assert_true(d->w.now - op->seen >= TS || d->w.now - op->seen == UINT32_MAX);
	if (makes_store(d))
		d->w.stamp = CLOSED;
	store_word(d, op->word);
	if (op->stamp && makes_store(d))
		d->w.stamp = op->stamp;
}

/* What happens to the slot, and when. */
struct event {
	uint32_t after; /* units since the event before */
	uint16_t target;
	uint16_t dies; /* 0: nobody */
};

/* The agent looks once a unit; one that died is back at once, knowing nothing. */
static void pass_time(struct watched *d, uint32_t units)
{
	for (uint32_t i = 0; i < units; i++, d->w.now++) {
		if (d->is_down) {
			d->is_down = false;
			memset(&d->w.memory, 0, sizeof(d->w.memory));
			slots_restart(&d->w.view, &d->w.memory, d->w.now, watch_op, d);
		}
		slots_step(&d->w.view, &d->w.memory, d->w.now, watch_op, d, &d->w.counts);
	}
}

static unsigned run_story(enum proto proto, const struct event *events, size_t count,
			  unsigned limit)
{
	struct watched d = { .limit = limit };
	uint16_t target = events[count - 1].target;

	make_world(&d.w, proto, S(A, A, 0), CLOSED, A);
	for (size_t i = 0; i < count; i++) {
		pass_time(&d, events[i].after);
		if (events[i].dies)
			d.w.generations[events[i].dies]++;
		d.w.target = events[i].target;
	}
	pass_time(&d, 5 * TS + 2 * W);

	assert_int_equal(d.w.word, S(target, target, 0));
	return d.stores;
}

static const struct event two_moves[] = { { 1, B, 0 }, { W + 9, C, 0 }, { 9, A, 0 }, { 9, B, 0 } };
static const struct event current_dies[] = { { 1, B, 0 }, { W + 9, C, B } };
static const struct event origin_dies[] = { { 1, B, 0 }, { W + 9, B, A }, { 9, C, 0 } };
static const struct event both_die[] = { { 1, B, 0 }, { W + 9, B, A }, { 9, C, B } };
static const struct event dies_warming[] = { { 1, B, 0 }, { 9, B, A } };
static const struct event target_dies[] = { { 1, B, 0 }, { 9, C, B } };
static const struct event nobody_left[] = { { 1, B, 0 }, { W + 9, 0, B }, { 9, 0, A } };
static const struct event served_again[] = { { 1, 0, A }, { 9, B, 0 }, { 1, C, 0 } };
static const struct event back_while_moving[] = { { 1, B, 0 }, { W + 9, 0, B }, { 9, C, 0 } };
static const struct event drain_no_heir[] = { { 1, 0, 0 }, { W + 9, 0, 0 } };
static const struct event cancelled[] = { { 1, B, 0 }, { 9, A, 0 } };

static const struct {
	const struct event *events;
	size_t count;
} stories[] = {
	{ two_moves, COUNT(two_moves) },
	{ current_dies, COUNT(current_dies) },
	{ origin_dies, COUNT(origin_dies) },
	{ both_die, COUNT(both_die) },
	{ dies_warming, COUNT(dies_warming) },
	{ target_dies, COUNT(target_dies) },
	{ nobody_left, COUNT(nobody_left) },
	{ served_again, COUNT(served_again) },
	{ back_while_moving, COUNT(back_while_moving) },
	{ drain_no_heir, COUNT(drain_no_heir) },
	{ cancelled, COUNT(cancelled) },
};

static void restart_after_each_store(enum proto proto)
{
	for (size_t i = 0; i < COUNT(stories); i++) {
		unsigned stores = run_story(proto, stories[i].events, stories[i].count, 0);

		assert_in_range(stores, 2, 100);
		for (unsigned limit = 1; limit <= stores; limit++)
			run_story(proto, stories[i].events, stories[i].count, limit);
	}
}

static void test_slots_tcp_restart_after_each_single_store_keeps_the_invariants(void **state)
{
	(void)state;
	restart_after_each_store(TCP);
}

static void test_slots_udp_restart_after_each_single_store_keeps_the_invariants(void **state)
{
	(void)state;
	restart_after_each_store(UDP);
}

/* ---- with the life of a backend -------------------------------------------------------- */

/* One round of the agent for backend A, as control makes it; bumps and stores into one log. */
static void run_round(struct world *w, struct lifecycle_input *in)
{
	struct lifecycle_output out;

	*w->log = 0;
	in->generation = w->generations[A];
	in->is_named = LB_SLOT_CURRENT(w->word) == A || LB_SLOT_ORIGIN(w->word) == A;
	lifecycle_step(in, w->now, D, TS, &out);
	if (out.bump_generation) {
		w->generations[A]++;
		log_text(w, "bump");
	}
	w->target = out.takes_newcomers ? A : B;
	slots_step(&w->view, &w->memory, w->now, log_op, w, &w->counts);
}

static void test_slots_failure_bumps_the_generation_before_any_slot(void **state)
{
	struct lifecycle_input in = { .is_decided = true, .is_healthy = false };
	struct world w;

	(void)state;
	make_world(&w, TCP, S(A, A, 0), CLOSED, A);

	run_round(&w, &in);

	assert_string_equal(w.log, "bump {B,B,0}");
	assert_int_equal(w.generations[A], 1);
}

static void test_slots_recovery_bumps_after_d_unnamed_and_before_any_slot(void **state)
{
	struct lifecycle_input in = { .is_decided = true, .is_healthy = true };
	struct world w;

	(void)state;
	make_world(&w, TCP, S(A, A, 0), CLOSED, B);
	w.generations[A] = 1;
	run_round(&w, &in);
	assert_string_equal(w.log, "{B,B,0}"); /* still named: no bump */
	w.word = S(B, B, 0);
	in.unnamed_since = w.now;

	w.now += D;
	run_round(&w, &in);
	assert_string_equal(w.log, "");
	w.now++;
	run_round(&w, &in);
	assert_string_equal(w.log, "bump {B,B,1}");
}

static void test_slots_drain_deadline_bumps_the_generation_before_any_slot(void **state)
{
	struct lifecycle_input in = {
		.is_decided = true,
		.is_healthy = true,
		.wants_drain = true,
		.has_deadline = true,
		.deadline = NOW + 1,
	};
	struct world w;

	(void)state;
	make_world(&w, TCP, S(B, A, 1), YOUNG, B);
	run_round(&w, &in);
	assert_string_equal(w.log, "");
	w.now++;

	run_round(&w, &in);

	assert_string_equal(w.log, "bump stamp {B,B,1}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots_tcp_rows_give_the_stores_of_the_rules),
		cmocka_unit_test(test_slots_udp_rows_give_the_stores_of_the_rules),
		cmocka_unit_test(test_slots_tracked_rows_give_the_stores_of_the_rules),
		cmocka_unit_test(test_slots_warm_up_pending_target_changes_and_w_goes_on),
		cmocka_unit_test(
			test_slots_warm_up_begun_anew_after_a_cancelled_one_waits_all_of_w),
		cmocka_unit_test(test_slots_clock_read_early_hands_nothing_over),
		cmocka_unit_test(test_slots_udp_deadline_counts_anew_for_each_word),
		cmocka_unit_test(test_slots_tcp_deadline_counts_on_through_further_moves),
		cmocka_unit_test(test_slots_restart_rows_give_the_stores_of_rule_8),
		cmocka_unit_test(test_slots_restart_handed_over_moves_on_after_w_only),
		cmocka_unit_test(test_slots_restart_trusts_the_stamp),
		cmocka_unit_test(test_slots_restart_delays_no_failure),
		cmocka_unit_test(test_slots_settle_is_refused_when_the_stamp_has_changed),
		cmocka_unit_test(test_slots_settle_refused_is_not_tried_before_ts_again),
		cmocka_unit_test(test_slots_settle_closes_the_stamp_and_stores_the_word),
		cmocka_unit_test(test_slots_settle_of_udp_opens_a_new_stamp),
		cmocka_unit_test(test_slots_execute_stores_words_and_stamps),
		cmocka_unit_test(test_slots_counts_tell_what_stands_after_the_step),
		cmocka_unit_test(
			test_slots_tcp_restart_after_each_single_store_keeps_the_invariants),
		cmocka_unit_test(
			test_slots_udp_restart_after_each_single_store_keeps_the_invariants),
		cmocka_unit_test(test_slots_failure_bumps_the_generation_before_any_slot),
		cmocka_unit_test(test_slots_recovery_bumps_after_d_unnamed_and_before_any_slot),
		cmocka_unit_test(test_slots_drain_deadline_bumps_the_generation_before_any_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
