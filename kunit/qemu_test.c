// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes of the samples on the model, a line each.  qemu/tests/test_model.py
 * compares that with what QEMU's devices make of the same frames.
 */

#include <linux/delay.h>
#include <linux/crc32.h>
#include <linux/hex.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>

#include "bench.h"
#include "sample.h"

#define HEAD	80		/* bytes that are shown, to see what differs */

/* As "ethtool -L", "-X hkey" and a VLAN device make it in the guest */
static void prepare(struct bench *b)
{
	struct ethtool_rxfh_param rxfh = { .key_size = 40 };
	u8 key[40];
	u8 i;

	for (i = 0; i < sizeof(key); i++)
		key[i] = 3 + i;
	rxfh.key = key;
	KUNIT_ASSERT_EQ(b->test, bench_channels(b, b->nic->chip->adv ? 8 : 2),
			0);
	KUNIT_ASSERT_EQ(b->test, bench_set_rxfh(b, &rxfh), 0);
	rtnl_lock();
	KUNIT_EXPECT_EQ(b->test, vlan_vid_add(b->netdev, htons(ETH_P_8021Q),
					      SAMPLE_VLAN), 0);
	rtnl_unlock();
	KUNIT_ASSERT_TRUE(b->test, bench_link(b));
}

static void received(struct bench *b, char *line)
{
	struct sk_buff *skb = bench_received(b);

	if (!skb)
		return;
	if (sample_told(skb, line))
		kunit_info(b->test, "%s %s", b->nic->chip->name, line);
	else
		KUNIT_FAIL(b->test, "a strange frame");
	kfree_skb(skb);
}

static void receive(struct kunit *test)
{
	char *line = kunit_kzalloc(test, SAMPLE_LINE, GFP_KERNEL);
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	static const int mtus[] = { 1500, 9000 };
	struct bench *b = bench_up(test);
	unsigned int i, n;

	KUNIT_ASSERT_NOT_NULL(test, line);
	KUNIT_ASSERT_NOT_NULL(test, f);
	prepare(b);
	for (i = 0; i < ARRAY_SIZE(mtus); i++) {
		KUNIT_ASSERT_EQ(test, bench_set_mtu(b, mtus[i]), 0);
		KUNIT_ASSERT_TRUE(test, bench_link(b));
		for (n = 0; n < sample_n_rx; n++) {
			if (!sample_frame(f, n))
				continue;
			nic_inject(b->nic, f->data, f->len);
			received(b, line);
		}
	}
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&b->received));
	rtnl_lock();
	vlan_vid_del(b->netdev, htons(ETH_P_8021Q), SAMPLE_VLAN);
	rtnl_unlock();
}

static void transmit(struct kunit *test)
{
	struct bench *b = bench_up(test);
	char head[2 * HEAD + 1] = {};
	struct nic_frame *frame;
	unsigned int n, want;

	rtnl_lock();
	b->netdev->wanted_features |= NETIF_F_GSO_UDP_L4 &
				      b->netdev->hw_features;
	netdev_update_features(b->netdev);
	rtnl_unlock();
	for (n = 0; n < sample_n_tx; n++) {
		struct sk_buff *skb = sample_skb(b->netdev, n);

		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, bench_send(b, skb), 0);
		want = sample_tx[n].mss ? DIV_ROUND_UP(sample_tx[n].flow.len,
						       sample_tx[n].mss) : 1;
		KUNIT_EXPECT_TRUE(test, bench_wait_sent(b, want));
		while ((frame = bench_sent(b))) {
			u32 shown = min_t(u32, frame->len, HEAD);

			*bin2hex(head, frame->data, shown) = 0;
			kunit_info(test, "%s tx %u %s: %u bytes %08x %s",
				   b->nic->chip->name, n, sample_tx[n].name,
				   frame->len,
				   ~crc32_le(~0u, frame->data, frame->len),
				   head);
			kfree(frame);
		}
	}
	KUNIT_EXPECT_EQ(test, b->nic->n_sent, 0);
}

static struct kunit_case qemu_cases[] = {
	KUNIT_CASE_PARAM(receive, bench_chips),
	KUNIT_CASE_PARAM(transmit, bench_chips),
	{}
};

static struct kunit_suite qemu_suite = {
	.name = "ignis_qemu",
	.test_cases = qemu_cases,
};

kunit_test_suite(qemu_suite);
