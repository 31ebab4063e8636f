/* SPDX-License-Identifier: GPL-2.0-only */
#include "dataplane/keyed.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SETS 16
#define WAYS 2
#define ROWS (SETS * WAYS)

/** struct world - a small table, and what was seen each time it waited for packets */
struct world {
	struct lb_reply rows[ROWS];
	struct keyed table;
	unsigned waits;
	int wait_result;
	unsigned doubled;     /* waits that found a key in two rows */
	unsigned most_copies; /* of one key, in any wait */
};

static unsigned copies_of(const struct world *world, const struct lb_reply *row)
{
	unsigned copies = 0;

	for (size_t i = 0; i < ROWS; i++)
		copies += world->rows[i].key_word && !memcmp(&world->rows[i], row, sizeof(*row));
	return copies;
}

static int wait_for_packets(void *arg)
{
	struct world *world = arg;

	unsigned most = 0;

	world->waits++;
	for (size_t i = 0; i < ROWS; i++) {
		unsigned copies = world->rows[i].key_word ? copies_of(world, &world->rows[i]) : 0;

		if (copies > most)
			most = copies;
	}
	world->doubled += most > 1;
	if (most > world->most_copies)
		world->most_copies = most;
	if (!world->wait_result)
		keyed_forget_cleared(&world->table);
	return world->wait_result;
}

static int setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	assert_int_equal(keyed_init(&world.table, world.rows, sizeof(world.rows[0]), SETS, WAYS),
			 0);
	world.table.hash_key = 0x5eed;
	world.table.wait = wait_for_packets;
	world.table.arg = &world;
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	keyed_free(&world->table);
	return 0;
}

static struct lb_reply make_row(unsigned n)
{
	struct lb_reply row = {
		.port = (uint16_t)n, .proto = 6, .family = 4, .backend = (uint16_t)n, .service = 1
	};

	row.address.bytes[15] = (uint8_t)n;
	row.address.bytes[10] = row.address.bytes[11] = 0xff;
	return row;
}

static bool has_row(const struct world *world, const struct lb_reply *row)
{
	int64_t index = keyed_find(&world->table, &row->address, row->key_word);

	return index >= 0 && !memcmp(&world->rows[index], row, sizeof(*row));
}

static void test_keyed_put_many_finds_each_whole(void **state)
{
	struct world *world = *state;

	for (unsigned n = 1; n <= ROWS / 2; n++) {
		struct lb_reply row = make_row(n);

		assert_int_equal(keyed_put(&world->table, &row), 0);
	}

	for (unsigned n = 1; n <= ROWS / 2; n++) {
		struct lb_reply row = make_row(n);

		assert_true(has_row(world, &row));
		assert_int_equal(copies_of(world, &row), 1);
	}
}

static void test_keyed_find_other_port_or_address_is_absent(void **state)
{
	struct world *world = *state;
	struct lb_reply row, other;

	for (unsigned n = 1; n <= ROWS / 2; n++) {
		row = make_row(n);
		assert_int_equal(keyed_put(&world->table, &row), 0);
	}

	for (unsigned n = ROWS; n < 200; n++) {
		row = make_row(1 + n % (ROWS / 2));
		other = make_row(n);
		assert_int_equal(keyed_find(&world->table, &row.address, other.key_word), -ENOENT);
		assert_int_equal(keyed_find(&world->table, &other.address, row.key_word), -ENOENT);
	}
}

/* Fill until nothing fits: moves happen, each with its row in both places while packets pass. */
static void test_keyed_put_into_full_sets_moves_and_waits(void **state)
{
	struct world *world = *state;
	unsigned n = 1, placed;

	for (;; n++) {
		struct lb_reply row = make_row(n);
		int err = keyed_put(&world->table, &row);

		if (err) {
			assert_int_equal(err, -ENOSPC);
			break;
		}
	}
	placed = n - 1;

	assert_true(placed > ROWS / 2);
	assert_true(world->waits > 0);
	assert_int_equal(world->most_copies, 2);
	/* as often, before a row that was just emptied is written anew */
	assert_int_equal(world->waits, 2 * world->doubled);
	for (n = 1; n <= placed; n++) {
		struct lb_reply row = make_row(n);

		assert_true(has_row(world, &row));
		assert_int_equal(copies_of(world, &row), 1);
	}
}

static void test_keyed_put_on_cleared_row_waits_once(void **state)
{
	struct world *world = *state;
	struct lb_reply row = make_row(1);

	assert_int_equal(keyed_put(&world->table, &row), 0);
	assert_int_equal(world->waits, 0);

	keyed_clear(&world->table, (uint32_t)keyed_find(&world->table, &row.address, row.key_word));
	assert_false(has_row(world, &row));
	assert_int_equal(keyed_put(&world->table, &row), 0);

	assert_int_equal(world->waits, 1);
	assert_true(has_row(world, &row));
}

static void test_keyed_put_wait_fails_writes_nothing(void **state)
{
	struct world *world = *state;
	struct lb_reply row = make_row(1), next = make_row(1);

	assert_int_equal(keyed_put(&world->table, &row), 0);
	keyed_clear(&world->table, (uint32_t)keyed_find(&world->table, &row.address, row.key_word));
	world->wait_result = -EPERM;
	next.backend = 77;

	assert_int_equal(keyed_put(&world->table, &next), -EPERM);

	for (size_t i = 0; i < ROWS; i++) {
		assert_int_equal(world->rows[i].key_word, 0);
		assert_int_not_equal(world->rows[i].backend, 77);
	}
}

#define KEYED_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEYED_TEST(test_keyed_put_many_finds_each_whole),
		KEYED_TEST(test_keyed_find_other_port_or_address_is_absent),
		KEYED_TEST(test_keyed_put_into_full_sets_moves_and_waits),
		KEYED_TEST(test_keyed_put_on_cleared_row_waits_once),
		KEYED_TEST(test_keyed_put_wait_fails_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
