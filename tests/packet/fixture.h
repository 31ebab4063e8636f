/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What packet tests share: the shipped program over maps of its own, services of every
 * protocol, family and mode on them, and a way to run one frame and to say all that is
 * expected of it: verdict, bytes, reason, counters.
 *
 * Words, stamps and records are written through mappings of the pinned maps. Time is coarse
 * (a unit is a quarter of a minute or more), so that a test can give a record an exact age.
 */
#ifndef LEAT_TESTS_FIXTURE_H
#define LEAT_TESTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/dataplane.h"
#include "frame.h"
#include "leat_abi.h"

#define FIXTURE_TABLE	  61   /* slots a service */
#define FIXTURE_FLOWS	  1000 /* 1024 records: 128 sets */
#define FIXTURE_RECORD	  1000 /* Tr, units */
#define FIXTURE_HANDSHAKE 100  /* H */
#define FIXTURE_LO	  1    /* ingress_ifindex where a test names none */

#define VIP_PORT    80
#define WEB_PORT    8080
#define CLIENT_PORT 40000

/** struct variant - what a test is run for; passed as cmocka's initial state */
struct variant {
	int family;
	uint8_t proto;
	uint8_t forward; /* enum lb_forward */
	uint8_t flags;	 /* LB_SVC_TRACKED */
};

extern const struct variant dsr_tcp4, dsr_tcp6, dsr_udp4, dsr_udp6;
extern const struct variant nat_tcp4, nat_tcp6, nat_udp4, nat_udp6;

/* A test for both families, and for both protocols too. */
#define TEST_FOR(test, name, variant)                                                              \
	{                                                                                          \
#test "_" name, test, fixture_setup, NULL, (void *)&(variant)                      \
	}
#define TEST_DSR_TCP(test) TEST_FOR(test, "ipv4", dsr_tcp4), TEST_FOR(test, "ipv6", dsr_tcp6)
#define TEST_DSR_UDP(test) TEST_FOR(test, "ipv4", dsr_udp4), TEST_FOR(test, "ipv6", dsr_udp6)
#define TEST_NAT_TCP(test) TEST_FOR(test, "ipv4", nat_tcp4), TEST_FOR(test, "ipv6", nat_tcp6)
#define TEST_NAT_UDP(test) TEST_FOR(test, "ipv4", nat_udp4), TEST_FOR(test, "ipv6", nat_udp6)
#define TEST_DSR(test)                                                                             \
	TEST_FOR(test, "tcp_ipv4", dsr_tcp4), TEST_FOR(test, "tcp_ipv6", dsr_tcp6),                \
		TEST_FOR(test, "udp_ipv4", dsr_udp4), TEST_FOR(test, "udp_ipv6", dsr_udp6)
#define TEST_NAT(test)                                                                             \
	TEST_FOR(test, "tcp_ipv4", nat_tcp4), TEST_FOR(test, "tcp_ipv6", nat_tcp6),                \
		TEST_FOR(test, "udp_ipv4", nat_udp4), TEST_FOR(test, "udp_ipv6", nat_udp6)

struct lb__bss;

/** struct fixture - one for a test program, reset before each test */
struct fixture {
	struct dataplane *dp;
	char pin_dir[64];
	struct lb__bss *tables; /* the fixed tables, writable */
	uint32_t *words;	/* of all slots; this test's begin at service.table_base */
	uint32_t *stamps;
	struct lb_flow4_set *flows4;
	struct lb_flow6_set *flows6;
	uint32_t sets; /* of either family */
	uint32_t grain;
	uint32_t slack;
	uint32_t far;	/* ifindex of one of our interfaces, and of ... */
	uint32_t far2;	/* ... another */
	uint32_t alien; /* of an interface that is not ours */
	uint32_t now;	/* the data path's clock; does not tick within a test */

	struct variant variant;
	struct lb_service service; /* of the variant */
	uint16_t web1, web2, web3; /* its backends' ids; next hop: their own MAC, by lo */
};

extern struct fixture fx;

/* ---- for cmocka ----------------------------------------------------------- */

/** fixture_open, fixture_close - group setup and teardown: a private namespace and pin directory */
int fixture_open(void **state);
int fixture_close(void **state);

/** fixture_setup - each test's: empties flows, hops, slots; all slots to {web1, web1, 0} */
int fixture_setup(void **state);

/** fixture_use - the same in the middle of a test: from now on this variant */
void fixture_use(const struct variant *variant);

/** fixture_use_all_features - from now on the program with every part of it */
void fixture_use_all_features(void);

/* ---- slots ------------------------------------------------------------------ */

/** fixture_fill - all slots of the service to one word and one stamp */
void fixture_fill(uint32_t word, uint32_t stamp);

/** fixture_slot - index into words and stamps of a client's slot */
uint32_t fixture_slot(const struct host *from, uint16_t port);

/** fixture_id - web1, web2 or web3 as a backend's id */
uint16_t fixture_id(const struct host *web);

/** fixture_kill, fixture_revive - the generation to the next odd, the next even one */
void fixture_kill(uint16_t backend);
void fixture_revive(uint16_t backend);

/* ---- records ---------------------------------------------------------------- */

/** fixture_record - a value: @age units ago; the backend's generation */
uint64_t fixture_record(uint16_t backend, unsigned class, uint32_t age);

/** fixture_put - the record of (client, port) into the first free entry of its first set */
void fixture_put(const struct host *from, uint16_t port, uint64_t value);

/** fixture_value_at - the value word of an entry; @set: 0, 1: of that client's choices of set */
uint64_t *fixture_value_at(const struct host *from, uint16_t port, unsigned set, unsigned way);

/** fixture_put_at - a record of somebody else's into that entry: a key made of @number */
void fixture_put_at(uint64_t *value_at, uint32_t number, uint64_t value);

/** fixture_fill_sets - both sets of a client with records of others */
void fixture_fill_sets(const struct host *from, uint16_t port, uint64_t value);

/** fixture_find - the client's record, wherever in the whole table; NULL: none; fails where two */
uint64_t *fixture_find(const struct host *from, uint16_t port);

/** fixture_count - records of the variant's family, whoever's */
unsigned fixture_count(void);

/** fixture_remember - flows, words, stamps and hops as they are; one memory, the last */
void fixture_remember(void);

/** fixture_is_same - every byte of all that, or of the flows alone */
bool fixture_is_same(void);
bool fixture_has_same_flows(void);

/* ---- packets ---------------------------------------------------------------- */

/** fixture_request - from client by router to the VIP; TCP: an ACK with data */
struct sketch fixture_request(void);

/** fixture_syn - the same, a SYN; of UDP services fixture_request() */
struct sketch fixture_syn(void);

/** fixture_reply - from web1 to client by the gateway */
struct sketch fixture_reply(void);

/** sketch_tag - one more VLAN tag, inside those it has */
void sketch_tag(struct sketch *sketch, uint16_t type, uint16_t tci);

/** sketch_sent - what is expected of a request that goes to @web, by the variant's mode */
struct sketch sketch_sent(const struct sketch *request, const struct host *web);

/** sketch_returned - what is expected of a nat reply that leaves by @hop, from our MAC */
struct sketch sketch_returned(const struct sketch *reply, const struct host *hop);

/* ---- one packet, and what is expected of it ----------------------------------- */

/** struct outcome - what came of one frame */
struct outcome {
	int verdict; /* XDP_* */
	struct frame frame;
};

/** fixture_run - @in, as if it had come by interface @ingress */
struct outcome fixture_run(const struct frame *in, uint32_t ingress);

/** struct expectation - of one run */
struct expectation {
	enum lb_reason reason; /* LB_OK: forwarded, counted by backend alone */
	int verdict;	       /* XDP_TX or XDP_REDIRECT for LB_OK; else it follows from reason */
	uint16_t backend;      /* LB_OK: who counts it */
	bool is_new;
	bool is_reply;
	const struct frame *frame; /* NULL: that of @in for passed packets, any for dropped */
};

void fixture_expect(const struct frame *in, uint32_t ingress, const struct expectation *expected,
		    const char *file, int line);
void fixture_expect_sketch(const struct sketch *in, const struct sketch *out,
			   struct expectation expected, const char *file, int line);

/** fixture_expect_sent - to @web by lo */
void fixture_expect_sent(const struct sketch *in, const struct host *web, bool is_new,
			 const char *file, int line);

#define EXPECT_FRAME(in, ...)                                                                      \
	fixture_expect(in, FIXTURE_LO, &(struct expectation) { __VA_ARGS__ }, __FILE__, __LINE__)
#define EXPECT(in, out, ...)                                                                       \
	fixture_expect_sketch(in, out, (struct expectation) { __VA_ARGS__ }, __FILE__, __LINE__)
#define EXPECT_SENT(in, web)	 fixture_expect_sent(in, &(web), false, __FILE__, __LINE__)
#define EXPECT_SENT_NEW(in, web) fixture_expect_sent(in, &(web), true, __FILE__, __LINE__)
/* passed untouched, or dropped */
#define EXPECT_REASON(in, why) EXPECT(in, NULL, .reason = (why))

#endif
