// SPDX-License-Identifier: GPL-2.0-only
/* What comes over the cable, and what the stack gets of it */

#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/irqdesc.h>
#include <linux/mii.h>
#include <linux/rtnetlink.h>

#include "ignis.h"
#include "bench.h"

#define ADV	BIT(0)
#define EXT	BIT(1)

struct rx_kind {
	const char *name;
	struct flow flow;
	u8 unsure;		/* chips that do not vouch for its sums */
};

static const struct rx_kind kinds[] = {
	{ "plain", { .len = 46 }, ADV | EXT },
	{ "plain long", { .len = 1500 }, ADV | EXT },
	{ "plain priority tag", { .len = 100, TAG(0x6000) }, ADV | EXT },
	{ "tcp4", { TCP4, .len = 100 } },
	{ "tcp4 empty", { TCP4 } },
	{ "tcp4 full", { TCP4, .len = 1460 } },
	{ "tcp4 options", { TCP4, .len = 90, .tcp_opts = 12, .ext = 20 } },
	{ "tcp4 tag", { TCP4, .len = 333, TAG(0) } },
	{ "tcp6", { TCP6, .len = 200 } },
	{ "tcp6 full", { TCP6, .len = 1440 } },
	{ "tcp6 extension", { TCP6, .len = 100, .ext = 16 }, ADV },
	{ "udp4", { UDP4, .len = 64 } },
	{ "udp4 empty", { UDP4 } },
	{ "udp4 tag", { UDP4, .len = 1000, TAG(0) } },
	{ "udp6", { UDP6, .len = 77 } },
	{ "sctp", { .proto = IPPROTO_SCTP, .src = 2, .dst = 1, .sport = 9,
		    .dport = 10, .len = 100 }, EXT },
	{ "icmp", { .ip = true, .src = 2, .dst = 1, .len = 64 }, ADV | EXT },
};

static const void *rx_params(struct kunit *test, const void *prev, char *desc)
{
	return bench_each(prev, desc, kinds, sizeof(*kinds), ARRAY_SIZE(kinds));
}

static void receive(struct kunit *test)
{
	const struct bench_param *param = test->param_value;
	const struct rx_kind *kind = &kinds[param->arg];
	struct bench *b = bench_up(test);
	struct sk_buff *skb;
	bool sum;

	bench_inject(b, &kind->flow);
	if (!bench_expect_received(b, &kind->flow, &skb))
		return;
	sum = !(kind->unsure & (param->chip->adv ? ADV : EXT));
	KUNIT_EXPECT_EQ(test, (int)skb->ip_summed,
			sum ? CHECKSUM_UNNECESSARY : CHECKSUM_NONE);
	KUNIT_EXPECT_EQ(test, !!skb->hash, kind->flow.proto || kind->flow.ip);
	KUNIT_EXPECT_EQ(test, (bool)skb->l4_hash,
			bench_hash_ports(param->chip, &kind->flow));
	kfree_skb(skb);
}

/* A frame as it is but for one byte */
static void inject_damaged(struct bench *b, const struct flow *flow, u32 at)
{
	struct built *f = kunit_kzalloc(b->test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(b->test, f);
	build(f, flow);
	f->data[at < f->len ? at : f->len - 1] ^= 0x20;
	nic_inject(b->nic, f->data, max_t(u32, f->len, ETH_ZLEN));
}

/* A wrong sum is not vouched for, wherever the damage is */
static void wrong_sum(struct kunit *test)
{
	static const struct flow flows[] = {
		{ TCP4, .len = 100 }, { TCP6, .len = 100 },
		{ UDP4, .len = 100 }, { UDP6, .len = 100 },
	};
	struct bench *b = bench_up(test);
	struct sk_buff *skb;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flows); i++) {
		inject_damaged(b, &flows[i], ~0u);
		skb = bench_received(b);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, (int)skb->ip_summed, CHECKSUM_NONE);
		kfree_skb(skb);
	}
	/* The identification: the header's sum is wrong, the other one right */
	inject_damaged(b, &flows[0], ETH_HLEN + 4);
	skb = bench_received(b);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, (int)skb->ip_summed, CHECKSUM_NONE);
	kfree_skb(skb);
}

/* All lengths of frames up to 9000 bytes, in one buffer and in several */
static void jumbo(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct flow flow = { UDP4 };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, bench_set_mtu(b, 9000), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	for (i = 0; i < 400; i++) {
		flow.len = i < 20 ? 3072 - 50 + i : i * 22 % 8950;
		flow.at = i;
		bench_inject(b, &flow);
		bench_expect_received(b, &flow, NULL);
		bench_send(b, build_skb_of(b, &flow, 2, 0, true));
		bench_expect_sent(b, &flow);
	}
	KUNIT_ASSERT_EQ(test, bench_set_mtu(b, 1500), 0);
	bench_works(b);
}

/* Around the ring many times in bursts: nothing is lost, nothing moves ahead */
static void wrap(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct ignis *ig = netdev_priv(b->netdev);
	struct ignis_rx_ring *ring = ig->vectors[0].rx;
	struct flow flow = { UDP4 };
	unsigned int n = 0, burst, i;

	/* Indices are masked where they are used: let them come to 2^32 */
	ring->ntc -= 2 * (ring->mask + 1);
	ring->ntu -= 2 * (ring->mask + 1);
	for (burst = 1; n < 2500; burst = burst % 12 + 1) {
		for (i = 0; i < burst; i++) {
			flow.len = (n + i) * 11 % 1400;
			flow.at = n + i;
			bench_inject(b, &flow);
		}
		for (i = 0; i < burst; i++, n++) {
			flow.len = n * 11 % 1400;
			flow.at = n;
			if (!bench_expect_received(b, &flow, NULL))
				return;
		}
	}
}

static u64 queue_drops(struct bench *b)
{
	struct ignis *ig = netdev_priv(b->netdev);

	return ig->vectors[0].rx_overruns + ig->vectors[1].rx_overruns;
}

/* Too much at once is lost, counted, and forgotten */
static void lose(struct kunit *test, struct bench *b, u32 len, u32 n)
{
	struct flow flow = { UDP4, .len = len };
	struct rtnl_link_stats64 s;
	unsigned int i, got = 0;
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	unsigned long flags;

	build(f, &flow);
	/* At one instant, with nobody to refill */
	spin_lock_irqsave(&b->nic->lock, flags);
	for (i = 0; i < n; i++)
		nic_rx_wire(b->nic, f->data, f->len, false);
	nic_arm(b->nic, 0);
	spin_unlock_irqrestore(&b->nic->lock, flags);
	usleep_range(100000, 110000);
	got = skb_queue_len(&b->received);
	KUNIT_EXPECT_GT(test, got, 0);
	KUNIT_EXPECT_LT(test, got, n);
	bench_drop_received(b);
	bench_works(b);
	usleep_range(3000000, 3100000);
	dev_get_stats(b->netdev, &s);
	KUNIT_EXPECT_EQ(test, s.rx_missed_errors + got, n);
}

/* In the FIFO, for want of descriptors */
static void overrun(struct kunit *test)
{
	struct bench *b = bench_up(test);

	lose(test, b, 1000, 2000);
	KUNIT_EXPECT_EQ(test, queue_drops(b), 0);
}

/* By the queue, so that others need not wait: no pause frames stop the sender */
static void overrun_drop(struct kunit *test)
{
	struct bench *b = bench_new(test);

	b->nic->partner = ADVERTISE_ALL | ADVERTISE_CSMA;
	KUNIT_ASSERT_EQ(test, bench_plug(b), 0);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	KUNIT_ASSERT_EQ(test, bench_channels(b, 2), 0);
	KUNIT_ASSERT_EQ(test, bench_rings(b, 64, 64), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	lose(test, b, 60, 400);
	KUNIT_EXPECT_GE(test, queue_drops(b), 400 - 64);
}

/* The list of addresses, and what each of its entries lets in */
static void addresses(struct kunit *test)
{
	static const u8 multi[ETH_ALEN] = { 1, 0, 0x5e, 1, 2, 3 };
	static const u8 other[ETH_ALEN] = { 2, 9, 9, 9, 9, 9 };
	static const u8 all[ETH_ALEN] = { 255, 255, 255, 255, 255, 255 };
	struct bench *b = bench_up(test);
	struct flow flow = { .len = 100 };
	struct sk_buff *skb;

	flow.dmac = all;
	bench_inject(b, &flow);
	KUNIT_EXPECT_NOT_NULL(test, skb = bench_received(b));
	kfree_skb(skb);

	flow.dmac = multi;
	bench_inject(b, &flow);
	KUNIT_EXPECT_NULL(test, bench_received(b));
	rtnl_lock();
	dev_mc_add(b->netdev, multi);
	rtnl_unlock();
	bench_inject(b, &flow);
	KUNIT_EXPECT_NOT_NULL(test, skb = bench_received(b));
	kfree_skb(skb);
	rtnl_lock();
	dev_mc_del(b->netdev, multi);
	rtnl_unlock();
	bench_inject(b, &flow);
	KUNIT_EXPECT_NULL(test, bench_received(b));

	flow.dmac = other;
	bench_inject(b, &flow);
	KUNIT_EXPECT_NULL(test, bench_received(b));
	rtnl_lock();
	dev_uc_add(b->netdev, other);
	rtnl_unlock();
	bench_inject(b, &flow);
	KUNIT_EXPECT_NOT_NULL(test, skb = bench_received(b));
	kfree_skb(skb);
	rtnl_lock();
	dev_uc_del(b->netdev, other);
	dev_set_promiscuity(b->netdev, 1);
	rtnl_unlock();
	bench_inject(b, &flow);
	KUNIT_EXPECT_NOT_NULL(test, skb = bench_received(b));
	kfree_skb(skb);
	rtnl_lock();
	dev_set_promiscuity(b->netdev, -1);
	rtnl_unlock();
	bench_inject(b, &flow);
	KUNIT_EXPECT_NULL(test, bench_received(b));
}

/* More addresses than there are filters: all of them get through */
static void many_addresses(struct kunit *test)
{
	struct bench *b = bench_up(test);
	u8 addr[ETH_ALEN] = { 2, 8, 8, 8, 8, 0 };
	struct flow flow = { .len = 100, .dmac = addr };
	struct sk_buff *skb;
	unsigned int n, i;

	for (n = 0; n < 40; n++) {
		addr[5] = n;
		rtnl_lock();
		dev_uc_add(b->netdev, addr);
		rtnl_unlock();
		for (i = 0; i <= n; i += n / 4 + 1) {
			addr[5] = i;
			bench_inject(b, &flow);
			skb = bench_received(b);
			KUNIT_EXPECT_NOT_NULL_MSG(test, skb, "%u of %u", i, n);
			kfree_skb(skb);
		}
	}
}

/* The hash lets in all that are on the list, and not much else */
static void many_groups(struct kunit *test)
{
	struct bench *b = bench_up(test);
	u8 addr[ETH_ALEN] = { 1, 0, 0x5e };
	struct flow flow = { .len = 100, .dmac = addr };
	struct sk_buff *skb;
	unsigned int n, strangers = 0;

	for (n = 0; n < 60; n++) {
		addr[4] = n * 37;
		addr[5] = n * 11;
		rtnl_lock();
		dev_mc_add(b->netdev, addr);
		rtnl_unlock();
	}
	for (n = 0; n < 120; n++) {
		addr[4] = n * 37;
		addr[5] = n * 11 + n / 60;
		bench_inject(b, &flow);
		skb = bench_received(b);
		if (n < 60)
			KUNIT_EXPECT_NOT_NULL_MSG(test, skb, "group %u", n);
		else
			strangers += !!skb;
		kfree_skb(skb);
	}
	KUNIT_EXPECT_LT(test, strangers, 30);
}

static void vlans(struct kunit *test)
{
	static const u16 ids[] = { 1, 31, 32, 100, 4094 };
	struct bench *b = bench_up(test);
	struct flow flow = { UDP4, .len = 100, .tagged = true };
	struct sk_buff *skb;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		rtnl_lock();
		KUNIT_EXPECT_EQ(test, vlan_vid_add(b->netdev,
						   htons(ETH_P_8021Q), ids[i]),
				0);
		rtnl_unlock();
		for (k = 0; k < ARRAY_SIZE(ids); k++) {
			flow.vlan = ids[k];
			bench_inject(b, &flow);
			if (k <= i) {
				bench_expect_received(b, &flow, NULL);
			} else {
				skb = bench_received(b);
				KUNIT_EXPECT_NULL(test, skb);
				kfree_skb(skb);
			}
		}
	}
	rtnl_lock();
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		vlan_vid_del(b->netdev, htons(ETH_P_8021Q), ids[i]);
	rtnl_unlock();
	bench_inject(b, &flow);
	KUNIT_EXPECT_NULL(test, bench_received(b));
}

/* Frames damaged, too short, too long: not for the stack, and counted */
static void bad_frames(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	const struct flow flow = { UDP4, .len = 800 };
	struct rtnl_link_stats64 s;
	unsigned long flags;

	build(f, &flow);
	spin_lock_irqsave(&b->nic->lock, flags);
	nic_rx_wire(b->nic, f->data, f->len, true);
	nic_rx_wire(b->nic, f->data, 40, false);
	nic_rx_wire(b->nic, f->data, 40, true);
	nic_rx_wire(b->nic, f->data, 2000, false);
	nic_rx_wire(b->nic, f->data, 2000, true);
	nic_arm(b->nic, 0);
	spin_unlock_irqrestore(&b->nic->lock, flags);
	KUNIT_EXPECT_NULL(test, bench_received(b));
	usleep_range(3000000, 3100000);
	dev_get_stats(b->netdev, &s);
	/* The one that is too short is a fragment, and no CRC error */
	KUNIT_EXPECT_EQ(test, s.rx_crc_errors, 2);
	KUNIT_EXPECT_EQ(test, s.rx_length_errors, 3);
	KUNIT_EXPECT_EQ(test, s.rx_errors, 4);
	KUNIT_EXPECT_EQ(test, s.rx_packets, 0);
	bench_works(b);
}

/* What comes while the stack has the frame before */
struct at_line {
	struct bench *b;
	struct built *next;
	struct packet_type tap;
};

static int interrupts(struct sk_buff *skb, struct net_device *netdev,
		      struct packet_type *pt, struct net_device *orig)
{
	struct at_line *n = pt->af_packet_priv;

	if (skb->pkt_type != PACKET_OUTGOING && n->next) {
		nic_inject(n->b->nic, n->next->data, n->next->len);
		n->next = NULL;
		mdelay(1);
		generic_handle_irq_safe(n->b->nic->um.irq);
	}
	kfree_skb(skb);
	return 0;
}

/*
 * Another device at the same line interrupts when a frame has come after the poll
 * has looked for the last time and before it unmasks: it is not lost
 */
static void neighbour(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct flow flow = { UDP4, .len = 200 }, second = { UDP4, .len = 300 };
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct at_line n = { .b = b, .tap = {
		.type = htons(ETH_P_ALL), .dev = b->netdev, .func = interrupts,
		.af_packet_priv = &n,
	} };

	KUNIT_ASSERT_NOT_NULL(test, f);
	bench_works(b);
	build(f, &second);
	n.next = f;
	dev_add_pack(&n.tap);
	bench_inject(b, &flow);
	bench_expect_received(b, &flow, NULL);
	bench_expect_received(b, &second, NULL);
	dev_remove_pack(&n.tap);
	bench_works(b);
}

static struct kunit_case rx_cases[] = {
	KUNIT_CASE_PARAM(receive, rx_params),
	KUNIT_CASE_PARAM(wrong_sum, bench_chips),
	KUNIT_CASE_PARAM(jumbo, bench_chips),
	KUNIT_CASE_PARAM(wrap, bench_chips),
	KUNIT_CASE_PARAM(overrun, bench_chips),
	KUNIT_CASE_PARAM(overrun_drop, bench_82576),
	KUNIT_CASE_PARAM(addresses, bench_chips),
	KUNIT_CASE_PARAM(many_addresses, bench_chips),
	KUNIT_CASE_PARAM(many_groups, bench_chips),
	KUNIT_CASE_PARAM(vlans, bench_chips),
	KUNIT_CASE_PARAM(bad_frames, bench_chips),
	KUNIT_CASE_PARAM(neighbour, bench_intx),
	{}
};

static struct kunit_suite rx_suite = {
	.name = "ignis_rx",
	.test_cases = rx_cases,
};

kunit_test_suite(rx_suite);
