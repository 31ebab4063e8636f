/* SPDX-License-Identifier: GPL-2.0-only */
/* Which service a packet is for, and which nat backend it comes from. */
#ifndef LEAT_BPF_SERVICE_H
#define LEAT_BPF_SERVICE_H

#include "config.h"
#include "maps.h"
#include "packet.h"

/*
 * Both tables are searched alike: two choices of a set of two rows, compared by key word
 * and address. Beyond the first row the row's number is arithmetic, not a constant: for the
 * verifier the rest is then walked twice, not four times.
 */
#define ROW_IS(row, hi, lo, word, is_v6, addr)                                                     \
	((row)->key_word == (word) && (row)->addr.halves[1] == (lo) &&                             \
	 (!(is_v6) || (row)->addr.halves[0] == (hi)))

#define SET_FIND(table, row, hi, lo, word, is_v6, addr)                                            \
	({                                                                                         \
		__s64 differs_ = ((table)[row].key_word ^ (word)) |                                \
				 ((table)[row].addr.halves[1] ^ (lo)) |                            \
				 ((is_v6) ? (table)[row].addr.halves[0] ^ (hi) : 0);               \
		differs_ |= -differs_;                                                             \
		OPAQUE(differs_);                                                                  \
		(row) + (__u32)((__u64)differs_ >> 63);                                            \
	})

#define TABLE_FIND(table, sets, hi, lo, word, is_v6, addr)                                         \
	({                                                                                         \
		__u64 hash_ = lb_hash_addr(hi, lo, word, cfg_hash_key);                            \
		__u32 row_ = lb_set_first(hash_, (sets)-1) * 2;                                    \
		__typeof__(&(table)[0]) found_ = &(table)[row_];                                   \
		if (!ROW_IS(found_, hi, lo, word, is_v6, addr)) {                                  \
			row_ = SET_FIND(table, row_, hi, lo, word, is_v6, addr);                   \
			OPAQUE(row_);                                                              \
			row_ &= (sets)*2 - 1; /* 6.1 does not see the bound */                     \
			found_ = &(table)[row_];                                                   \
			if (!ROW_IS(found_, hi, lo, word, is_v6, addr)) {                          \
				row_ = lb_set_second(hash_, (sets)-1) * 2;                         \
				row_ = SET_FIND(table, row_, hi, lo, word, is_v6, addr);           \
				OPAQUE(row_);                                                      \
				row_ &= (sets)*2 - 1;                                              \
				found_ = &(table)[row_];                                           \
				if (!ROW_IS(found_, hi, lo, word, is_v6, addr))                    \
					found_ = NULL;                                             \
			}                                                                          \
		}                                                                                  \
		found_;                                                                            \
	})

/** service_find - the row of (address, key word), or NULL */
ALWAYS_INLINE struct lb_service *service_find(__u64 hi, __u64 lo, __u32 key_word, _Bool is_v6)
{
	return TABLE_FIND(lb_services, LB_SERVICE_SETS, hi, lo, key_word, is_v6, vip);
}

/** reply_find - the nat backend at (address, key word), or NULL */
ALWAYS_INLINE struct lb_reply *reply_find(__u64 hi, __u64 lo, __u32 key_word, _Bool is_v6)
{
	return TABLE_FIND(lb_replies, LB_REPLY_SETS, hi, lo, key_word, is_v6, address);
}

/* Row numbers for cold paths: what follows is verified once, not once for each row of two sets. */
__noinline int service_row(__u64 hi, __u64 lo, __u32 key_word)
{
	struct lb_service *row;

	row = key_word >> 24 == FAMILY6 ? service_find(hi, lo, key_word, 1)
					: service_find(0, lo, key_word, 0);
	return row ? row - lb_services : -1;
}

__noinline int reply_row(__u64 hi, __u64 lo, __u32 key_word)
{
	struct lb_reply *row;

	row = key_word >> 24 == FAMILY6 ? reply_find(hi, lo, key_word, 1)
					: reply_find(0, lo, key_word, 0);
	return row ? row - lb_replies : -1;
}

/** service_find_cold, reply_find_cold - service_find and reply_find, a call away */
ALWAYS_INLINE struct lb_service *service_find_cold(__u64 hi, __u64 lo, __u32 key_word)
{
	int row = service_row(hi, lo, key_word);

	return row < 0 ? NULL : &lb_services[row & (LB_SERVICE_SETS * LB_SERVICE_WAYS - 1)];
}

ALWAYS_INLINE struct lb_reply *reply_find_cold(__u64 hi, __u64 lo, __u32 key_word)
{
	int row = reply_row(hi, lo, key_word);

	return row < 0 ? NULL : &lb_replies[row & (LB_REPLY_SETS * LB_REPLY_WAYS - 1)];
}

/** service_is_vip - whether an address is a VIP, whatever the port */
ALWAYS_INLINE _Bool service_is_vip(__u64 hi, __u64 lo, _Bool is_v6)
{
	return service_row(hi, lo, KEY_WORD(0, 0, is_v6 ? FAMILY6 : FAMILY4)) >= 0;
}

#endif
