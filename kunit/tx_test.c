// SPDX-License-Identifier: GPL-2.0-only
/* Frames of every kind, and what the wire sees of them */

#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>

#include "ignis.h"
#include "bench.h"
#include "sample.h"

static const void *tx_params(struct kunit *test, const void *prev, char *desc)
{
	return bench_each(prev, desc, sample_tx, sizeof(*sample_tx),
			  sample_n_tx);
}

/* The frames that the wire must see of one that was handed to the driver */
static void expect_segments(struct bench *b, const struct tx_sample *kind)
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
	const struct tx_sample *kind = &sample_tx[param->arg];
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
		for (i = 0; i < sample_n_tx; i += round + 1)
			bench_send(b, build_skb_of(b, &sample_tx[i].flow,
						   sample_tx[i].frags,
						   sample_tx[i].mss, true));
		for (i = 0; i < sample_n_tx; i += round + 1)
			expect_segments(b, &sample_tx[i]);
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
	struct ignis *ig = netdev_priv(b->netdev);
	struct ignis_tx_ring *ring = ig->tx[0];
	unsigned int n = 0, burst, i;
	struct flow flow = { UDP4 };

	/* Indices are masked where they are used: let them come to 2^32 */
	ring->ntu -= 2 * (ring->mask + 1);
	ring->ntc = ring->ntu;
	ring->batch = ring->ntu;
	ring->kicked = ring->ntu;
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

/* A piece of a frame cannot be mapped: nothing of it stays behind */
static void unmapped(struct kunit *test)
{
	const struct flow flow = { TCP4, .len = 900 };
	struct bench *b = bench_up(test);
	unsigned int at, maps;

	for (at = 1; at <= 4; at++) {
		bench_works(b);
		usleep_range(10000, 11000);
		maps = b->nic->n_maps;
		b->nic->lies.map_fails_at = at;
		bench_send(b, build_skb_of(b, &flow, 3, 0, true));
		usleep_range(10000, 11000);
		KUNIT_EXPECT_EQ(test, b->nic->lies.map_fails_at, 0);
		KUNIT_EXPECT_EQ(test, b->nic->n_maps, maps);
		KUNIT_EXPECT_EQ(test, b->nic->n_sent, 0);
	}
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
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	usleep_range(100000, 110000);
	KUNIT_EXPECT_EQ(test, b->nic->n_sent, 0);
	bench_works(b);
}

/* More than the ring takes */
static void flood(struct bench *b)
{
	const struct flow flow = { UDP4, .len = 200 };
	unsigned int i;

	for (i = 0; i < 700; i++)
		bench_send(b, build_skb_of(b, &flow, 0, 0, true));
}

/* A transmitter that hangs is restarted */
static void hang(struct kunit *test)
{
	struct bench *b = bench_up(test);
	unsigned int resets = b->nic->resets;

	b->nic->lies.tx_hold = true;
	flood(b);
	KUNIT_EXPECT_TRUE(test, bench_wait(b->nic->resets > resets, 20000));
	b->nic->lies.tx_hold = false;
	usleep_range(100000, 110000);
	bench_works(b);
}

/* A restart that fails is not the last one */
static void hang_twice(struct kunit *test)
{
	struct bench *b = bench_up(test);
	unsigned int resets;

	b->nic->lies.tx_hold = true;
	b->nic->lies.stuck_reset = true;
	flood(b);
	KUNIT_EXPECT_TRUE(test, bench_wait(!netif_device_present(b->netdev),
					   20000));
	bench_expect_no_link(b);
	b->nic->lies.tx_hold = false;
	b->nic->lies.stuck_reset = false;
	KUNIT_ASSERT_EQ(test, pci_reset_function(b->nic->pdev), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	bench_works(b);

	resets = b->nic->resets;
	b->nic->lies.tx_hold = true;
	flood(b);
	KUNIT_EXPECT_TRUE(test, bench_wait(b->nic->resets > resets, 20000));
	b->nic->lies.tx_hold = false;
	usleep_range(100000, 110000);
	bench_works(b);
}

/* The chip never says that it is done */
static void no_report(struct kunit *test)
{
	struct bench *b = bench_up(test);
	unsigned int resets = b->nic->resets;

	b->nic->lies.tx_no_report = true;
	flood(b);
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
	KUNIT_CASE_PARAM(unmapped, bench_chips),
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
