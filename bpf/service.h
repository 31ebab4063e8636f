/* SPDX-License-Identifier: GPL-2.0-only */
/* Which service a packet is for, and which nat backend it comes from. */
#ifndef LEAT_BPF_SERVICE_H
#define LEAT_BPF_SERVICE_H

#include "config.h"
#include "maps.h"
#include "packet.h"

/* Both tables are searched alike: two choices of a set of two rows, compared by key word and
 * address. */
#define TABLE_FIND(table, sets, hi, lo, key_word, is_v6, address)                                  \
	({                                                                                         \
		__u64 hash_ = lb_hash_addr(hi, lo, key_word, cfg_hash_key);                        \
		__typeof__(&(table)[0]) row_ = &(table)[lb_set_first(hash_, (sets)-1) * 2];        \
		__typeof__(row_) found_ = NULL;                                                    \
		if (ROW_IS(row_, hi, lo, key_word, is_v6, address)) {                              \
			found_ = row_;                                                             \
		} else if (ROW_IS(row_ + 1, hi, lo, key_word, is_v6, address)) {                   \
			found_ = row_ + 1;                                                         \
		} else {                                                                           \
			row_ = &(table)[lb_set_second(hash_, (sets)-1) * 2];                       \
			if (ROW_IS(row_, hi, lo, key_word, is_v6, address))                        \
				found_ = row_;                                                     \
			else if (ROW_IS(row_ + 1, hi, lo, key_word, is_v6, address))               \
				found_ = row_ + 1;                                                 \
		}                                                                                  \
		found_;                                                                            \
	})

#define ROW_IS(row, hi, lo, word, is_v6, address)                                                  \
	((row)->key_word == (word) && (row)->address.halves[1] == (lo) &&                          \
	 (!(is_v6) || (row)->address.halves[0] == (hi)))

/** service_find - the row of (address, key word), or NULL */
ALWAYS_INLINE struct lb_service *service_find(__u64 hi, __u64 lo, __u32 key_word, _Bool is_v6)
{
	return TABLE_FIND(lb_services, LB_SERVICE_SETS, hi, lo, key_word, is_v6, vip);
}

/** service_is_vip - whether an address is a VIP, whatever the port */
ALWAYS_INLINE _Bool service_is_vip(__u64 hi, __u64 lo, _Bool is_v6)
{
	return service_find(hi, lo, KEY_WORD(0, 0, is_v6 ? FAMILY6 : FAMILY4), is_v6) != NULL;
}

/** reply_find - the nat backend at (address, key word), or NULL */
ALWAYS_INLINE struct lb_reply *reply_find(__u64 hi, __u64 lo, __u32 key_word, _Bool is_v6)
{
	return TABLE_FIND(lb_replies, LB_REPLY_SETS, hi, lo, key_word, is_v6, address);
}

#endif
