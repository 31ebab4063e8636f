/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules are in docs/slots.md; "rule 6b" and the like in here are numbers of that page.
 *
 * A slot is stepped by what its word and stamp say, not by what the agent remembers:
 *
 *   {c,c,0}            settled
 *   {c,c,1}, CLOSED    warming up (TCP): SYNs are being recorded, nothing has moved
 *   {c,o,1}, CLOSED    closed, but its settled word is not yet stored
 *   {c,o,1}, stamped   handed over: records are followed, what has none belongs to o
 *   {c,c,1}, stamped   the same with o = c; UDP uses only this one
 */
#include "plan/slots.h"

/* One slot while it is stepped. */
struct slot {
	const struct slots_view *view;
	struct slots_memory *memory;
	void (*emit)(void *arg, const struct slots_op *op);
	void *arg;
	uint32_t index;
	uint32_t now;
	uint32_t word; /* as it stands after what was emitted */
	uint32_t stamp;
	uint32_t current;
	uint32_t origin;
	uint32_t target; /* 0: nobody */
};

static bool is_alive(const struct slots_view *view, uint32_t id)
{
	return id && id < LB_MAX_BACKENDS && !(view->generations[id] & 1);
}

static uint32_t settled_word(uint32_t id)
{
	return LB_SLOT(id, id, 0);
}

/* The agent's own times never look into the future: a clock read a little early counts as 0. */
static bool has_passed(uint32_t now, uint32_t since, uint32_t span)
{
	int32_t age = (int32_t)(now - since);

	return age >= 0 && (uint32_t)age >= span;
}

static void emit_word(struct slot *s, uint32_t word)
{
	struct slots_op op = { .kind = SLOTS_OP_WORD, .slot = s->index, .word = word };

	s->emit(s->arg, &op);
	s->word = word;
}

static void emit_stamp(struct slot *s)
{
	struct slots_op op = { .kind = SLOTS_OP_STAMP, .slot = s->index, .stamp = s->now | 1 };

	s->emit(s->arg, &op);
	s->stamp = op.stamp;
}

/* The stamp goes first: from the new word on, it tells when a packet last went elsewhere. */
static void emit_stamped_word(struct slot *s, uint32_t word)
{
	emit_stamp(s);
	emit_word(s, word);
}

static void emit_settle(struct slot *s, uint32_t word, uint32_t stamp)
{
	struct slots_op op = {
		.kind = SLOTS_OP_SETTLE,
		.slot = s->index,
		.word = word,
		.stamp = stamp,
		.seen = s->stamp,
	};

	s->emit(s->arg, &op);
}

static void forget(struct slot *s)
{
	*s->memory = (struct slots_memory) {};
}

static bool is_past_deadline(const struct slot *s)
{
	uint32_t deadline = s->view->times.move_deadline;

	return deadline && s->memory->is_waiting && has_passed(s->now, s->memory->since, deadline);
}

/* Whether nobody can be harmed any more (rule 4), or harming them has been allowed. */
static bool may_settle(const struct slot *s)
{
	const struct slots_times *times = &s->view->times;
	uint32_t age = lb_age(s->now, s->stamp, LB_STAMP_CLOCK_BITS, times->slack);

	return age >= times->settle || is_past_deadline(s);
}

/* Rules 2, 5, 6a: a TCP slot at rest whose current is not its target. */
static void step_settled_tcp(struct slot *s)
{
	forget(s);
	if (!is_alive(s->view, s->current)) {
		emit_word(s, settled_word(s->target));
		return;
	}
	s->memory->is_warming = true;
	s->memory->pending = s->target;
	s->memory->since = s->now;
	emit_word(s, LB_SLOT(s->current, s->current, 1));
}

/* Rule 6b, and the hand-over of rule 2. */
static void step_warming(struct slot *s)
{
	if (!is_alive(s->view, s->current)) {
		forget(s);
		emit_word(s, settled_word(s->target));
		return;
	}
	if (s->target == s->current || !s->memory->is_warming) {
		forget(s);
		emit_word(s, settled_word(s->current));
		return;
	}
	s->memory->pending = s->target;
	if (!has_passed(s->now, s->memory->since, s->view->times.warm_up))
		return;
	s->memory->is_warming = false;
	s->memory->is_waiting = true;
	s->memory->since = s->now;
	emit_stamped_word(s, LB_SLOT(s->target, s->current, 1));
}

/* The agent died after it had closed the stamp: every living connection is at current. */
static void step_closed(struct slot *s)
{
	uint32_t owner = is_alive(s->view, s->current) ? s->current : s->target;

	forget(s);
	emit_word(s, settled_word(owner));
}

/* Rules 5 and 6a: where current is dead or nobody, or origin is dead. False: both are well. */
static bool repair_handed_over(struct slot *s)
{
	bool is_current_alive = is_alive(s->view, s->current);
	bool is_origin_alive = is_alive(s->view, s->origin);
	uint32_t current = is_current_alive ? s->current : s->target;
	uint32_t word = LB_SLOT(current, is_origin_alive ? s->origin : current, 1);

	if (is_current_alive && is_origin_alive)
		return false;
	if (word == s->word)
		return false; /* {0,o,1} or {0,0,1}, and still nobody to take it */
	emit_stamped_word(s, word);
	return true;
}

/* Rules 3 to 6a for a TCP slot whose W has passed. */
static void step_handed_over(struct slot *s)
{
	struct slots_memory *memory = s->memory;

	if (!memory->is_waiting) {
		memory->is_waiting = true;
		memory->since = s->now;
	}
	if (memory->is_warming && has_passed(s->now, memory->since, s->view->times.warm_up))
		memory->is_warming = false;
	if (repair_handed_over(s))
		return;
	if (may_settle(s))
		emit_settle(s, settled_word(s->current), LB_STAMP_CLOSED);
	else if (s->target != s->current && !memory->is_warming)
		emit_stamped_word(s, LB_SLOT(s->target, s->origin, 1));
}

static void step_tcp(struct slot *s)
{
	if (!LB_SLOT_MOVING(s->word))
		step_settled_tcp(s);
	else if (s->stamp != LB_STAMP_CLOSED)
		step_handed_over(s);
	else if (s->current == s->origin)
		step_warming(s);
	else
		step_closed(s);
}

/* Rule 10 counts its deadline from the first step that sees a word. */
static void wait_udp(struct slot *s)
{
	struct slots_memory *memory = s->memory;

	if (memory->is_waiting && memory->pending == s->current)
		return;
	*memory = (struct slots_memory) {
		.is_waiting = true,
		.pending = s->current,
		.since = s->now,
	};
}

/* Rule 10 from {c,c,1} on: quiet for Ts, then on to the target, or at rest. */
static void step_moving_udp(struct slot *s)
{
	wait_udp(s);
	if (s->stamp == LB_STAMP_CLOSED)
		emit_stamp(s);
	if (!is_alive(s->view, s->current) && s->current != s->target) {
		emit_stamped_word(s, LB_SLOT(s->target, s->target, 1));
		return;
	}
	if (!may_settle(s))
		return;
	if (s->target == s->current)
		emit_settle(s, settled_word(s->current), LB_STAMP_CLOSED);
	else
		emit_settle(s, LB_SLOT(s->target, s->target, 1), s->now | 1);
}

static void step_udp(struct slot *s)
{
	if (LB_SLOT_MOVING(s->word)) {
		step_moving_udp(s);
		return;
	}
	forget(s);
	if (!is_alive(s->view, s->current)) {
		emit_word(s, settled_word(s->target));
		return;
	}
	wait_udp(s);
	emit_stamped_word(s, LB_SLOT(s->current, s->current, 1));
}

static void step_slot(struct slot *s)
{
	s->stamp = __atomic_load_n(&s->view->stamps[s->index], __ATOMIC_ACQUIRE);
	s->current = LB_SLOT_CURRENT(s->word);
	s->origin = LB_SLOT_ORIGIN(s->word);
	if (s->view->is_tracked)
		emit_word(s, settled_word(s->target));
	else if (s->view->is_udp)
		step_udp(s);
	else
		step_tcp(s);
}

void slots_step(const struct slots_view *view, struct slots_memory *memory, uint32_t now,
		void (*emit)(void *arg, const struct slots_op *op), void *arg,
		struct slots_counts *counts)
{
	struct slots_counts found = {};

	for (uint32_t i = 0; i < view->size; i++) {
		uint32_t word = __atomic_load_n(&view->words[i], __ATOMIC_ACQUIRE);
		uint32_t target = is_alive(view, view->target[i]) ? view->target[i] : 0;
		struct slot s;

		if (word == settled_word(target)) /* nearly every slot, nearly always */
			continue;
		s = (struct slot) {
			.view = view,
			.memory = &memory[i],
			.emit = emit,
			.arg = arg,
			.index = i,
			.now = now,
			.word = word,
			.target = target,
		};
		step_slot(&s);
		found.moving += LB_SLOT_MOVING(s.word);
		found.unfinished += s.word != settled_word(target);
	}
	*counts = found;
}

/* Rule 8 for one slot that moves. */
static void restart_slot(struct slot *s)
{
	forget(s);
	if (s->view->is_udp) {
		wait_udp(s);
		if (s->stamp == LB_STAMP_CLOSED)
			emit_stamp(s);
	} else if (s->stamp == LB_STAMP_CLOSED) {
		emit_word(s, settled_word(s->current));
	} else {
		s->memory->since = s->now;
		s->memory->is_warming = true;
		s->memory->is_waiting = true;
	}
}

void slots_restart(const struct slots_view *view, struct slots_memory *memory, uint32_t now,
		   void (*emit)(void *arg, const struct slots_op *op), void *arg)
{
	for (uint32_t i = 0; i < view->size; i++) {
		uint32_t word = __atomic_load_n(&view->words[i], __ATOMIC_ACQUIRE);
		struct slot s = {
			.view = view,
			.memory = &memory[i],
			.emit = emit,
			.arg = arg,
			.index = i,
			.now = now,
			.word = word,
			.current = LB_SLOT_CURRENT(word),
		};

		if (!LB_SLOT_MOVING(word) || view->is_tracked)
			continue;
		s.stamp = __atomic_load_n(&view->stamps[i], __ATOMIC_ACQUIRE);
		restart_slot(&s);
	}
}

bool slots_execute(const struct slots_op *op, uint32_t *words, uint32_t *stamps)
{
	uint32_t seen = op->seen;

	switch (op->kind) {
	case SLOTS_OP_WORD:
		__atomic_store_n(&words[op->slot], op->word, __ATOMIC_RELEASE);
		return true;
	case SLOTS_OP_STAMP:
		__atomic_store_n(&stamps[op->slot], op->stamp, __ATOMIC_RELEASE);
		return true;
	case SLOTS_OP_SETTLE:
		if (!__atomic_compare_exchange_n(&stamps[op->slot], &seen, LB_STAMP_CLOSED, false,
						 __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE))
			return false;
		__atomic_store_n(&words[op->slot], op->word, __ATOMIC_RELEASE);
		if (op->stamp != LB_STAMP_CLOSED)
			__atomic_store_n(&stamps[op->slot], op->stamp, __ATOMIC_RELEASE);
		return true;
	}
	return false;
}
