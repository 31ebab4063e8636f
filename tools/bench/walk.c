/* SPDX-License-Identifier: GPL-2.0-only */
#include "walk.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "walk_memory.h"

#define MAX_STEPS  100000
#define MAX_FRAMES 8
#define STACK	   512
#define OP_NOSPEC  0xc0 /* BPF_ST | BPF_NOSPEC: a speculation barrier */

struct walk {
	struct bpf_insn *insns;
	uint32_t insn_count;
	struct bpf_func_info *funcs;
	uint32_t func_count;
	struct bpf_line_info *lines;
	uint32_t line_count;
	struct btf *btf;
	struct walk_memory memory;
};

/* One function's frame: what a call saves. */
struct frame {
	uint64_t saved[5]; /* r6 to r10 */
	uint32_t back;
	uint8_t stack[STACK];
};

/* The kernel's struct xdp_buff, as far as programs look: all pointers to somewhere. */
struct buff {
	uint64_t start, end, meta, hard_start;
	uint64_t rxq[12];
};

struct machine {
	struct walk *walk;
	uint64_t r[11];
	uint32_t pc;
	unsigned depth;
	struct frame frames[MAX_FRAMES];
	struct buff buff;
	uint64_t rxq[16];      /* first: the device */
	uint32_t device[1024]; /* whatever is read of it is the ifindex */
	uint64_t jiffies;
	struct walk_outcome *out;
};

/* ---- names --------------------------------------------------------------- */

static const char *function_name(const struct walk *walk, uint32_t index)
{
	const struct btf_type *type;

	if (!walk->btf || index >= walk->func_count)
		return "?";
	type = btf__type_by_id(walk->btf, walk->funcs[index].type_id);
	return type ? btf__name_by_offset(walk->btf, type->name_off) : "?";
}

/* The address of symbol @name, or, where @name is NULL, @found gets the name of @address. */
static uint64_t find_symbol(const char *name, uint64_t address, char *found, size_t size)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	char symbol[48], line[256];
	uint64_t at, result = 0;

	while (symbols && !result && fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%" SCNx64 " %*c %47s", &at, symbol) != 2)
			continue;
		if (name ? !strcmp(symbol, name) : at == address)
			result = at;
	}
	if (result && !name)
		snprintf(found, size, "%s", symbol);
	if (symbols)
		fclose(symbols);
	return result;
}

/* A helper's number is replaced by its distance from one symbol of the kernel. */
static void helper_name(int32_t distance, char *name, size_t size)
{
	uint64_t base = find_symbol("__bpf_call_base", 0, NULL, 0);

	snprintf(name, size, "helper %d", distance);
	find_symbol(NULL, base + (uint64_t)(int64_t)distance, name, size);
}

static void note_call(struct machine *m, const struct bpf_insn *insn)
{
	char *name;

	if (m->out->call_count >= WALK_MAX_CALLS)
		return;
	name = m->out->calls[m->out->call_count++];
	if (insn->src_reg == BPF_PSEUDO_CALL)
		snprintf(name, sizeof(m->out->calls[0]), "%s",
			 function_name(m->walk, (uint32_t)insn->imm));
	else
		helper_name(insn->imm, name, sizeof(m->out->calls[0]));
}

/* ---- fetching ------------------------------------------------------------ */

static int fetch(struct walk *walk, int fd, struct bpf_prog_info *info, uint32_t *map_ids)
{
	uint32_t size = sizeof(*info);
	int err = bpf_obj_get_info_by_fd(fd, info, &size);
	struct bpf_prog_info want = {};

	if (err)
		return err;
	walk->insns = calloc(1, info->xlated_prog_len);
	walk->funcs = calloc(info->nr_func_info, sizeof(*walk->funcs));
	walk->lines = calloc(info->nr_line_info, sizeof(*walk->lines));
	if (!walk->insns || !walk->funcs || !walk->lines)
		return -ENOMEM;
	want.xlated_prog_insns = (uint64_t)(uintptr_t)walk->insns;
	want.xlated_prog_len = info->xlated_prog_len;
	want.func_info = (uint64_t)(uintptr_t)walk->funcs;
	want.nr_func_info = info->nr_func_info;
	want.func_info_rec_size = sizeof(*walk->funcs);
	want.line_info = (uint64_t)(uintptr_t)walk->lines;
	want.nr_line_info = info->nr_line_info;
	want.line_info_rec_size = sizeof(*walk->lines);
	want.map_ids = (uint64_t)(uintptr_t)map_ids;
	want.nr_map_ids = WALK_MAX_MAPS;
	size = sizeof(want);
	err = bpf_obj_get_info_by_fd(fd, &want, &size);
	*info = want;
	return err;
}

int walk_open(int prog_fd, struct walk **out)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	uint32_t map_ids[WALK_MAX_MAPS];
	struct bpf_prog_info info = {};
	int err;

	if (!walk)
		return -ENOMEM;
	err = fetch(walk, prog_fd, &info, map_ids);
	if (!err) {
		walk->insn_count = info.xlated_prog_len / sizeof(*walk->insns);
		walk->func_count = info.nr_func_info;
		walk->line_count = info.nr_line_info;
		walk->btf = btf__load_from_kernel_by_id(info.btf_id);
		err = walk_memory_open(map_ids, info.nr_map_ids, &walk->memory);
	}
	if (err) {
		walk_close(walk);
		return err;
	}
	*out = walk;
	return 0;
}

void walk_close(struct walk *walk)
{
	if (!walk)
		return;
	walk_memory_close(&walk->memory);
	btf__free(walk->btf);
	free(walk->insns);
	free(walk->funcs);
	free(walk->lines);
	free(walk);
}

/* ---- instructions -------------------------------------------------------- */

static uint64_t alu(uint8_t op, uint64_t a, uint64_t b, unsigned bits)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_MOD:
		return b ? a % b : a;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & (bits - 1));
	case BPF_RSH:
		return a >> (b & (bits - 1));
	case BPF_ARSH:
		return bits == 64 ? (uint64_t)((int64_t)a >> (b & 63))
				  : (uint64_t)((int32_t)a >> (b & 31));
	case BPF_NEG:
		return 0 - a;
	default:
		return b; /* BPF_MOV, also the one that adds a CPU's base: here that is 0 */
	}
}

static uint64_t swap_bytes(uint64_t value, int32_t bits)
{
	switch (bits) {
	case 16:
		return __builtin_bswap16((uint16_t)value);
	case 32:
		return __builtin_bswap32((uint32_t)value);
	default:
		return __builtin_bswap64(value);
	}
}

static void step_alu(struct machine *m, const struct bpf_insn *insn)
{
	bool is_32 = BPF_CLASS(insn->code) == BPF_ALU;
	uint64_t a = m->r[insn->dst_reg];
	uint64_t b =
		BPF_SRC(insn->code) == BPF_X ? m->r[insn->src_reg] : (uint64_t)(int64_t)insn->imm;

	if (BPF_OP(insn->code) == BPF_END) {
		uint64_t mask = insn->imm == 64 ? ~0ULL : (1ULL << insn->imm) - 1;

		m->r[insn->dst_reg] =
			BPF_SRC(insn->code) == BPF_TO_BE ? swap_bytes(a, insn->imm) : a & mask;
		return;
	}
	if (is_32) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	a = alu(BPF_OP(insn->code), a, b, is_32 ? 32 : 64);
	m->r[insn->dst_reg] = is_32 ? (uint32_t)a : a;
}

static bool holds(uint8_t op, uint64_t a, uint64_t b, int64_t sa, int64_t sb)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return a & b;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	default:
		return sa <= sb; /* BPF_JSLE */
	}
}

static void step_jump(struct machine *m, const struct bpf_insn *insn)
{
	bool is_32 = BPF_CLASS(insn->code) == BPF_JMP32;
	uint64_t a = m->r[insn->dst_reg];
	uint64_t b =
		BPF_SRC(insn->code) == BPF_X ? m->r[insn->src_reg] : (uint64_t)(int64_t)insn->imm;
	bool jumps;

	if (BPF_OP(insn->code) == BPF_JA) {
		m->pc += (uint32_t)(is_32 ? insn->imm : insn->off);
		return;
	}
	if (is_32)
		jumps = holds(BPF_OP(insn->code), (uint32_t)a, (uint32_t)b, (int32_t)a, (int32_t)b);
	else
		jumps = holds(BPF_OP(insn->code), a, b, (int64_t)a, (int64_t)b);
	if (jumps)
		m->pc += (uint32_t)(int32_t)insn->off;
}

static uint64_t load(uint64_t at, uint8_t size)
{
	const void *from = (const void *)(uintptr_t)at;

	switch (size) {
	case BPF_B:
		return *(const uint8_t *)from;
	case BPF_H: {
		uint16_t half;

		memcpy(&half, from, sizeof(half));
		return half;
	}
	case BPF_W: {
		uint32_t word;

		memcpy(&word, from, sizeof(word));
		return word;
	}
	default: {
		uint64_t whole;

		memcpy(&whole, from, sizeof(whole));
		return whole;
	}
	}
}

static unsigned bytes_of(uint8_t size)
{
	switch (size) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static int step_atomic(struct machine *m, const struct bpf_insn *insn, uint64_t at)
{
	unsigned bytes = bytes_of(BPF_SIZE(insn->code));
	uint64_t old = load(at, BPF_SIZE(insn->code));
	uint64_t operand = m->r[insn->src_reg], next;

	switch (insn->imm) {
	case BPF_CMPXCHG:
		next = old == (bytes == 4 ? (uint32_t)m->r[0] : m->r[0]) ? operand : old;
		m->r[0] = old;
		memcpy((void *)(uintptr_t)at, &next, bytes);
		return 0;
	case BPF_XCHG:
		next = operand;
		break;
	default:
		next = alu((uint8_t)(insn->imm & ~BPF_FETCH), old, operand, 64);
		break;
	}
	memcpy((void *)(uintptr_t)at, &next, bytes);
	if (insn->imm & BPF_FETCH)
		m->r[insn->src_reg] = old;
	return 0;
}

static int step_store(struct machine *m, const struct bpf_insn *insn)
{
	uint64_t at = m->r[insn->dst_reg] + (uint64_t)(int64_t)insn->off;
	uint64_t value = BPF_CLASS(insn->code) == BPF_STX ? m->r[insn->src_reg]
							  : (uint64_t)(int64_t)insn->imm;

	if (insn->code == OP_NOSPEC)
		return 0;
	if (BPF_MODE(insn->code) == BPF_ATOMIC)
		return step_atomic(m, insn, at);
	if (BPF_MODE(insn->code) != BPF_MEM)
		return -ENOTSUP;
	memcpy((void *)(uintptr_t)at, &value, bytes_of(BPF_SIZE(insn->code)));
	return 0;
}

/* bpf_jiffies64() is inlined as a load from an address of the kernel: no program has others. */
static bool is_address(const struct bpf_insn *insn)
{
	const struct bpf_insn *next = insn + 2;

	return next->code == (BPF_LDX | BPF_MEM | BPF_DW) && next->src_reg == insn->dst_reg;
}

static int step_constant(struct machine *m, const struct bpf_insn *insn)
{
	const struct walk_memory *memory = &m->walk->memory;
	uint64_t value = (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32;

	if (insn->src_reg == BPF_PSEUDO_MAP_FD)
		value = walk_memory_map(memory, (uint32_t)insn[0].imm);
	else if (insn->src_reg == BPF_PSEUDO_MAP_VALUE)
		value = walk_memory_value(memory, (uint32_t)insn[0].imm) + (uint32_t)insn[1].imm;
	else if (is_address(insn))
		value = (uint64_t)(uintptr_t)&m->jiffies;
	m->r[insn->dst_reg] = value;
	m->pc++;
	return 0;
}

static int step_call(struct machine *m, const struct bpf_insn *insn)
{
	struct frame *frame;

	note_call(m, insn);
	if (insn->src_reg != BPF_PSEUDO_CALL) {
		const char *name = m->out->calls[m->out->call_count - 1];

		m->r[0] = strstr(name, "redirect") ? XDP_REDIRECT : 0;
		return 0;
	}
	if (m->depth + 1 >= MAX_FRAMES || (uint32_t)insn->imm >= m->walk->func_count)
		return -ENOTSUP;
	frame = &m->frames[++m->depth];
	memcpy(frame->saved, &m->r[6], sizeof(frame->saved));
	frame->back = m->pc;
	m->r[10] = (uint64_t)(uintptr_t)(frame->stack + STACK);
	m->pc = m->walk->funcs[insn->imm].insn_off;
	return 0;
}

/* Returns 1 at the program's end. */
static int step_exit(struct machine *m)
{
	struct frame *frame = &m->frames[m->depth];

	if (!m->depth)
		return 1;
	memcpy(&m->r[6], frame->saved, sizeof(frame->saved));
	m->pc = frame->back;
	m->depth--;
	return 0;
}

static int step(struct machine *m)
{
	const struct bpf_insn *insn = &m->walk->insns[m->pc++];

	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		step_alu(m, insn);
		return 0;
	case BPF_LDX:
		m->r[insn->dst_reg] = load(m->r[insn->src_reg] + (uint64_t)(int64_t)insn->off,
					   BPF_SIZE(insn->code));
		return 0;
	case BPF_ST:
	case BPF_STX:
		return step_store(m, insn);
	case BPF_LD:
		return step_constant(m, insn);
	default:
		break;
	}
	if (BPF_CLASS(insn->code) == BPF_JMP && BPF_OP(insn->code) == BPF_CALL)
		return step_call(m, insn);
	if (BPF_CLASS(insn->code) == BPF_JMP && BPF_OP(insn->code) == BPF_EXIT)
		return step_exit(m);
	step_jump(m, insn);
	return 0;
}

/* ---- the listing --------------------------------------------------------- */

/* The line that the instruction at @pc was made from: the last one that begins before it. */
static uint32_t line_of(const struct walk *walk, uint32_t pc)
{
	uint32_t low = 0, high = walk->line_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (walk->lines[middle].insn_off <= pc)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static uint64_t place_of(const struct bpf_line_info *info)
{
	return (uint64_t)info->file_name_off << 32 | BPF_LINE_INFO_LINE_NUM(info->line_col);
}

/* Source lines in the order in which they were met, each with all the instructions it took. */
static void print_listing(FILE *listing, const struct walk *walk, const unsigned *taken,
			  const uint32_t *order, uint32_t met)
{
	uint32_t i, j;

	for (i = 0; i < met; i++) {
		const struct bpf_line_info *info = &walk->lines[order[i]];
		const char *path = btf__name_by_offset(walk->btf, info->file_name_off);
		const char *text = btf__name_by_offset(walk->btf, info->line_off);
		const char *file = strrchr(path, '/');
		unsigned total = 0;

		for (j = 0; j < met; j++) {
			bool is_same = place_of(&walk->lines[order[j]]) == place_of(info);

			if (is_same && j < i)
				break;
			total += is_same ? taken[order[j]] : 0;
		}
		if (j == met)
			fprintf(listing, "%4u  %s:%u  %s\n", total, file ? file + 1 : path,
				BPF_LINE_INFO_LINE_NUM(info->line_col), text + strspn(text, " \t"));
	}
}

static void prepare(struct machine *m, struct walk *walk, const struct walk_packet *packet)
{
	uint64_t frame = (uint64_t)(uintptr_t)packet->frame;
	unsigned i;

	m->walk = walk;
	m->jiffies = packet->jiffies;
	m->buff = (struct buff) { frame, frame + packet->length, frame, frame - 256, {} };
	for (i = 0; i < sizeof(m->buff.rxq) / sizeof(m->buff.rxq[0]); i++)
		m->buff.rxq[i] = (uint64_t)(uintptr_t)m->rxq;
	m->rxq[0] = (uint64_t)(uintptr_t)m->device;
	for (i = 0; i < sizeof(m->device) / sizeof(m->device[0]); i++)
		m->device[i] = packet->ifindex;
	m->r[1] = (uint64_t)(uintptr_t)&m->buff;
	m->r[10] = (uint64_t)(uintptr_t)(m->frames[0].stack + STACK);
}

static int run(struct machine *m, FILE *listing)
{
	unsigned *taken = calloc(m->walk->line_count + 1, sizeof(*taken));
	uint32_t *order = calloc(m->walk->line_count + 1, sizeof(*order));
	uint32_t line, met = 0;
	int err = taken && order ? 0 : -ENOMEM;

	while (!err) {
		if (m->pc >= m->walk->insn_count || m->out->instructions >= MAX_STEPS) {
			err = -ELOOP;
			break;
		}
		line = line_of(m->walk, m->pc);
		if (!taken[line]++)
			order[met++] = line;
		m->out->instructions++;
		err = step(m);
	}
	if (listing && err > 0)
		print_listing(listing, m->walk, taken, order, met);
	free(taken);
	free(order);
	return err > 0 ? 0 : err;
}

int walk_run(struct walk *walk, const struct walk_packet *packet, FILE *listing,
	     struct walk_outcome *out)
{
	struct machine *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	memset(out, 0, sizeof(*out));
	m->out = out;
	prepare(m, walk, packet);
	err = run(m, walk->btf ? listing : NULL);
	out->verdict = m->r[0];
	free(m);
	return err;
}
