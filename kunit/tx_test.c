// SPDX-License-Identifier: GPL-2.0-only
/* Frames of every kind, and what the wire sees of them */

#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>

#include "bench.h"

/* What a case sends */
struct tx_kind {
	const char *name;
	struct flow flow;
	unsigned int frags;
	unsigned int mss;
	bool adv_only;		/* the 82574 leaves it to the stack */
};

static const struct tx_kind kinds[] = {
	{ "plain", { .len = 46 } },
	{ "plain short", { .len = 3 } },
	{ "plain long", { .len = 1500 } },
	{ "plain vlan", { .len = 100, TAG(0x6123) } },
	{ "plain vlan short", { .len = 10, TAG(5) } },
	{ "tcp4", { TCP4, .len = 100 } },
	{ "tcp4 empty", { TCP4 } },
	{ "tcp4 odd", { TCP4, .len = 333 } },
	{ "tcp4 vlan", { TCP4, .len = 200, TAG(7) } },
	{ "tcp4 options", { TCP4, .len = 90, .tcp_opts = 12 } },
	{ "tcp4 ip options", { TCP4, .len = 90, .ext = 40 } },
	{ "tcp4 frags", { TCP4, .len = 1400 }, 5 },
	{ "tcp4 17 frags", { TCP4, .len = 1445 }, 17 },
	{ "tcp6", { TCP6, .len = 100 } },
	{ "tcp6 vlan", { TCP6, .len = 60, TAG(4095) } },
	{ "tcp6 extension", { TCP6, .len = 100, .ext = 24 } },
	{ "udp4", { UDP4, .len = 64 } },
	{ "udp4 empty", { UDP4 } },
	{ "udp4 vlan frags", { UDP4, .len = 1000, TAG(9) }, 3 },
	{ "udp6", { UDP6, .len = 77 } },
	{ "udp6 extension", { UDP6, .len = 77, .ext = 8 } },
	{ "sctp", { .proto = IPPROTO_SCTP, .src = 1, .dst = 2, .sport = 9,
		    .dport = 10, .len = 100 } },
	{ "sctp6 vlan", { .proto = IPPROTO_SCTP, .v6 = true, .src = 1,
			  .dst = 2, .sport = 9, .dport = 10, .len = 57,
			  TAG(3) } },
	{ "tso4", { TCP4, .len = 5000, .id = 65534 }, 0, 1460 },
	{ "tso4 fin psh", { TCP4 | TCPHDR_FIN | TCPHDR_PSH, .len = 4000 },
	  2, 1000 },
	{ "tso4 exact", { TCP4, .len = 4380 }, 3, 1460 },
	{ "tso4 cwr", { TCP4 | TCPHDR_CWR, .len = 3000 }, 1, 1448 },
	{ "tso4 vlan", { TCP4, .len = 8000, TAG(77) }, 4, 1456 },
	{ "tso4 options", { TCP4, .len = 4000, .tcp_opts = 40, .ext = 8 },
	  0, 1000 },
	{ "tso4 64k", { TCP4, .len = 65000 }, 2, 1460 },
	{ "tso4 64k frags", { TCP4, .len = 65000 }, 16, 1460 },
	{ "tso4 small mss", { TCP4, .len = 1000 }, 0, 88 },
	{ "tso4 tiny mss", { TCP4, .len = 100 }, 0, 8 },
	{ "tso6", { TCP6, .len = 6000 }, 0, 1440 },
	{ "tso6 vlan frags", { TCP6, .len = 20000, TAG(100) }, 10, 1436 },
	{ "tso6 fin", { TCP6 | TCPHDR_FIN, .len = 3001 }, 0, 1000 },
	{ "uso4", { UDP4, .len = 5000 }, 2, 1200 },
	{ "uso6", { UDP6, .len = 5000, TAG(12) }, 0, 1200 },
};

static const void *tx_params(struct kunit *test, const void *prev, char *desc)
{
	return bench_each(prev, desc, kinds, sizeof(*kinds), ARRAY_SIZE(kinds));
}

/* The frames that the wire must see of one that was handed to the driver */
static void expect_segments(struct bench *b, const struct tx_kind *kind)
{
	struct flow seg = kind->flow;
	u32 at, n = 0;

	if (!kind->mss) {
		bench_expect_sent(b, &kind->flow);
		return;
	}
	for (at = 0; at < kind->flow.len; at += kind->mss, n++) {
		bool last = at + kind->mss >= kind->flow.len;

		seg.len = min(kind->mss, kind->flow.len - at);
		seg.at = kind->flow.at + at;
		seg.id = kind->flow.id + n;
		seg.flags = kind->flow.flags & ~(n ? TCPHDR_CWR : 0) &
			    ~(last ? 0 : TCPHDR_FIN | TCPHDR_PSH);
		bench_expect_sent(b, &seg);
	}
}

static void set_features(struct bench *b, netdev_features_t on)
{
	rtnl_lock();
	b->netdev->wanted_features |= on & b->netdev->hw_features;
	netdev_update_features(b->netdev);
	rtnl_unlock();
}

static void transmit(struct kunit *test)
{
	const struct bench_param *param = test->param_value;
	const struct tx_kind *kind = &kinds[param->arg];
	struct bench *b = bench_up(test);
	int i;

	set_features(b, NETIF_F_GSO_UDP_L4);
	/* Twice: the second meets the context the first has left */
	for (i = 0; i < 2; i++) {
		struct sk_buff *skb = build_skb_of(b, &kind->flow, kind->frags,
						   kind->mss, true);

		KUNIT_EXPECT_EQ(test, bench_send(b, skb), 0);
		expect_segments(b, kind);
	}
	KUNIT_EXPECT_EQ(test, b->nic->n_sent, 0);
}

/* Contexts change from frame to frame, and each frame has its own */
static void contexts(struct kunit *test)
{
	struct bench *b = bench_up(test);
	unsigned int i, round;

	set_features(b, NETIF_F_GSO_UDP_L4);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < ARRAY_SIZE(kinds); i += round + 1)
			bench_send(b, build_skb_of(b, &kinds[i].flow,
						   kinds[i].frags,
						   kinds[i].mss, true));
		for (i = 0; i < ARRAY_SIZE(kinds); i += round + 1)
			expect_segments(b, &kinds[i]);
	}
	KUNIT_EXPECT_EQ(test, b->nic->n_sent, 0);
}

/* Frames of one kind in a row share a context descriptor */
static void context_shared(struct kunit *test)
{
	const struct flow flow = { TCP4, .len = 500 };
	struct bench *b = bench_up(test);
	int i;

	for (i = 0; i < 20; i++) {
		bench_send(b, build_skb_of(b, &flow, 0, 0, true));
		bench_expect_sent(b, &flow);
	}
	KUNIT_EXPECT_EQ(test, b->nic->txq[0].contexts, 1);
}

/* Around the ring many times, all frame sizes, in bursts of all lengths */
static void wrap(struct kunit *test)
{
	struct bench *b = bench_up(test);
	unsigned int n = 0, burst, i;
	struct flow flow = { UDP4 };

	for (burst = 1; n < 2500; burst = burst % 37 + 1) {
		for (i = 0; i < burst; i++) {
			flow.len = (n + i) * 7 % 1400;
			flow.at = n + i;
			bench_send(b, build_skb_of(b, &flow, (n + i) % 4, 0,
						   true));
		}
		for (i = 0; i < burst; i++, n++) {
			flow.len = n * 7 % 1400;
			flow.at = n;
			bench_expect_sent(b, &flow);
		}
	}
	KUNIT_EXPECT_EQ(test, b->nic->txq[0].frames, n);
}

/* Nothing is lost when the ring is full: the stack waits */
static void fill_up(struct bench *b, bool by_driver)
{
	struct netdev_queue *txq = netdev_get_tx_queue(b->netdev, 0);
	struct flow flow = { UDP4, .len = 200 };
	unsigned int i, n = 900;

	b->nic->lies.tx_hold = true;
	for (i = 0; i < n; i++) {
		flow.at = i;
		bench_send(b, build_skb_of(b, &flow, 0, 0, true));
	}
	KUNIT_EXPECT_TRUE(b->test, netif_xmit_stopped(txq));
	KUNIT_EXPECT_EQ(b->test, netif_tx_queue_stopped(txq), by_driver);
	usleep_range(20000, 21000);
	KUNIT_EXPECT_EQ(b->test, b->nic->n_sent, 0);
	b->nic->lies.tx_hold = false;
	bench_kick(b);
	for (i = 0; i < n; i++) {
		flow.at = i;
		if (!bench_wait_sent(b, 1)) {
			KUNIT_FAIL(b->test, "only %u frames were sent", i);
			break;
		}
		bench_expect_sent(b, &flow);
	}
}

static void ring_full(struct kunit *test)
{
	struct bench *b = bench_up(test);

	fill_up(b, false);
}

/* BQL would not let it come so far */
static void ring_full_alone(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct netdev_queue *txq = netdev_get_tx_queue(b->netdev, 0);

	txq->dql.min_limit = SZ_1M;
	bench_works(b);
	fill_up(b, true);
	KUNIT_EXPECT_FALSE(test, netif_tx_queue_stopped(txq));
	bench_works(b);
}

/* The link goes with frames in the ring: they are thrown away, and it goes on */
static void link_lost(struct kunit *test)
{
	const struct flow flow = { UDP4, .len = 200 };
	struct bench *b = bench_up(test);
	unsigned int i;

	b->nic->lies.tx_hold = true;
	for (i = 0; i < 50; i++)
		bench_send(b, build_skb_of(b, &flow, 0, 0, true));
	nic_cable(b->nic, false);
	KUNIT_EXPECT_TRUE(test, bench_wait(!netif_carrier_ok(b->netdev), 1000));
	b->nic->lies.tx_hold = false;
	usleep_range(100000, 110000);
	nic_cable(b->nic, true);
	bench_works(b);
	KUNIT_EXPECT_EQ(test, b->nic->n_sent, 0);
}

/* A transmitter that hangs is restarted */
static void hang(struct kunit *test)
{
	const struct flow flow = { UDP4, .len = 200 };
	struct bench *b = bench_up(test);
	unsigned int resets = b->nic->resets, i;

	b->nic->lies.tx_hold = true;
	for (i = 0; i < 700; i++)
		bench_send(b, build_skb_of(b, &flow, 0, 0, true));
	KUNIT_EXPECT_TRUE(test, bench_wait(b->nic->resets > resets, 20000));
	b->nic->lies.tx_hold = false;
	usleep_range(100000, 110000);
	bench_works(b);
}

/* A restart that fails is not the last one */
static void hang_twice(struct kunit *test)
{
	const struct flow flow = { UDP4, .len = 200 };
	struct bench *b = bench_up(test);
	unsigned int resets, i;

	b->nic->lies.tx_hold = true;
	b->nic->lies.stuck_reset = true;
	for (i = 0; i < 700; i++)
		bench_send(b, build_skb_of(b, &flow, 0, 0, true));
	KUNIT_EXPECT_TRUE(test, bench_wait(!netif_device_present(b->netdev),
					   20000));
	b->nic->lies.tx_hold = false;
	b->nic->lies.stuck_reset = false;
	KUNIT_ASSERT_EQ(test, pci_reset_function(b->nic->pdev), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	bench_works(b);

	resets = b->nic->resets;
	b->nic->lies.tx_hold = true;
	for (i = 0; i < 700; i++)
		bench_send(b, build_skb_of(b, &flow, 0, 0, true));
	KUNIT_EXPECT_TRUE(test, bench_wait(b->nic->resets > resets, 20000));
	b->nic->lies.tx_hold = false;
	usleep_range(100000, 110000);
	bench_works(b);
}

/* The chip never says that it is done */
static void no_report(struct kunit *test)
{
	const struct flow flow = { UDP4, .len = 200 };
	struct bench *b = bench_up(test);
	unsigned int resets = b->nic->resets, i;

	b->nic->lies.tx_no_report = true;
	for (i = 0; i < 700; i++)
		bench_send(b, build_skb_of(b, &flow, 0, 0, true));
	KUNIT_EXPECT_TRUE(test, bench_wait(b->nic->resets > resets, 20000));
	b->nic->lies.tx_no_report = false;
	usleep_range(100000, 110000);
	bench_works(b);
}

static struct kunit_case tx_cases[] = {
	KUNIT_CASE_PARAM(transmit, tx_params),
	KUNIT_CASE_PARAM(contexts, bench_chips),
	KUNIT_CASE_PARAM(context_shared, bench_chips),
	KUNIT_CASE_PARAM(wrap, bench_chips),
	KUNIT_CASE_PARAM(ring_full, bench_chips),
	KUNIT_CASE_PARAM(ring_full_alone, bench_chips),
	KUNIT_CASE_PARAM(link_lost, bench_chips),
	KUNIT_CASE_PARAM(hang, bench_chips),
	KUNIT_CASE_PARAM(hang_twice, bench_chips),
	KUNIT_CASE_PARAM(no_report, bench_chips),
	{}
};

static struct kunit_suite tx_suite = {
	.name = "ignis_tx",
	.test_cases = tx_cases,
};

kunit_test_suite(tx_suite);
