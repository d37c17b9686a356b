// SPDX-License-Identifier: GPL-2.0-only
/* RSS and rules: which queue a frame comes to */

#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <net/netdev_lock.h>

#include "bench.h"

/* The queue a frame is received from; -1: none */
static int queue_of(struct bench *b, const struct flow *flow)
{
	struct sk_buff *skb;
	int q;

	bench_inject(b, flow);
	skb = bench_received(b);
	if (!skb)
		return -1;
	q = skb_get_rx_queue(skb);
	kfree_skb(skb);
	return q;
}

/* The verification suite of the RSS specification: key, flows, hashes */
static const u8 ms_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
	0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct {
	u8 input[12];		/* addresses, ports */
	u32 ports, addrs;
} ms_flows[] = {
	{ { 66, 9, 149, 187, 161, 142, 100, 80, 0x0a, 0xea, 0x06, 0xe6 },
	  0x51ccc178, 0x323e8fc2 },
	{ { 199, 92, 111, 2, 65, 69, 140, 83, 0x37, 0x96, 0x12, 0x83 },
	  0xc626b0ea, 0xd718262a },
	{ { 24, 19, 198, 95, 12, 22, 207, 184, 0x32, 0x62, 0x94, 0x88 },
	  0x5c2b394a, 0xd2d0a5de },
};

static void model_hash(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ms_flows); i++) {
		KUNIT_EXPECT_EQ(test, nic_toeplitz(ms_key, ms_flows[i].input,
						   12), ms_flows[i].ports);
		KUNIT_EXPECT_EQ(test, nic_toeplitz(ms_key, ms_flows[i].input,
						   8), ms_flows[i].addrs);
	}
}

/* The stack is told the hash of the key that was set, and it chose the queue */
static void hash(struct kunit *test)
{
	struct bench *b = bench_up(test);
	unsigned int n = b->nic->chip->adv ? 8 : 2, i, k;
	u32 *indir = kunit_kcalloc(test, 128, sizeof(*indir), GFP_KERNEL);
	struct ethtool_rxfh_param rxfh = {
		.key = (u8 *)ms_key, .key_size = 40,
		.indir = indir, .indir_size = 128,
	};
	struct flow flow = { TCP4, .len = 50 };
	struct sk_buff *skb;

	KUNIT_ASSERT_EQ(test, bench_channels(b, n), 0);
	for (i = 0; i < 128; i++)
		indir[i] = (i * 5 + i / 16) % n;
	KUNIT_ASSERT_EQ(test, bench_set_rxfh(b, &rxfh), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));

	for (i = 0; i < 300; i++) {
		struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
		u8 input[36];
		bool ports;
		u32 want;

		flow.sport = 1000 + i * 77;
		flow.src = i;
		flow.v6 = i % 3 == 1;
		flow.proto = i % 3 == 2 ? IPPROTO_UDP : IPPROTO_TCP;
		build(f, &flow);
		k = flow.v6 ? 32 : 8;
		memcpy(input, f->data + f->l3 + (flow.v6 ? 8 : 12), k);
		memcpy(input + k, f->data + f->l4, 4);
		ports = bench_hash_ports(b->nic->chip, &flow);
		want = nic_toeplitz(ms_key, input, ports ? k + 4 : k);
		bench_inject(b, &flow);
		skb = bench_received(b);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, skb->hash, want);
		KUNIT_EXPECT_EQ(test, skb_get_rx_queue(skb),
				indir[want & 127]);
		KUNIT_EXPECT_EQ(test, (bool)skb->l4_hash, ports);
		kfree_skb(skb);
		kunit_kfree(test, f);
	}
}

/* Whatever the number of channels, each gets its share, and all work */
static void channels(struct kunit *test)
{
	struct bench *b = bench_up(test);
	unsigned int max = b->nic->chip->adv ? 8 : 2, n, i, q;

	for (n = 1; n <= max + 2; n++) {
		/* Up, and down again */
		unsigned int want = n <= max ? n : n - max;
		unsigned int got[8] = {};
		struct flow flow = { TCP4, .len = 50 };

		KUNIT_ASSERT_EQ(test, bench_channels(b, want), 0);
		KUNIT_ASSERT_TRUE(test, bench_link(b));
		for (i = 0; i < 200; i++) {
			flow.sport = i * 331;
			flow.src = i;
			q = queue_of(b, &flow);
			KUNIT_ASSERT_LT(test, q, want);
			got[q]++;
		}
		for (q = 0; q < want; q++)
			KUNIT_EXPECT_GT_MSG(test, got[q], 200 / want / 3,
					    "queue %u of %u", q, want);
		bench_works(b);
	}
}

static int rule(struct bench *b, struct ethtool_rx_flow_spec *fs)
{
	struct ethtool_rxnfc info = { .cmd = ETHTOOL_SRXCLSRLINS, .fs = *fs };
	int err;

	rtnl_lock();
	netdev_lock_ops(b->netdev);
	err = b->netdev->ethtool_ops->set_rxnfc(b->netdev, &info);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
	fs->location = info.fs.location;
	return err;
}

static int rule_del(struct bench *b, u32 location)
{
	struct ethtool_rxnfc info = {
		.cmd = ETHTOOL_SRXCLSRLDEL, .fs.location = location,
	};
	int err;

	rtnl_lock();
	netdev_lock_ops(b->netdev);
	err = b->netdev->ethtool_ops->set_rxnfc(b->netdev, &info);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
	return err;
}

static struct bench *steering(struct kunit *test)
{
	struct bench *b = bench_up(test);

	KUNIT_ASSERT_EQ(test, bench_channels(b, 8), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	return b;
}

/* Fields of a TCP or UDP rule, each as bits of a mask of cases */
#define F_SADDR	BIT(0)
#define F_DADDR	BIT(1)
#define F_SPORT	BIT(2)
#define F_DPORT	BIT(3)

static void fill_tuple(struct ethtool_rx_flow_spec *fs, const struct flow *flow,
		       unsigned int fields)
{
	memset(fs, 0, sizeof(*fs));
	fs->flow_type = flow->proto == IPPROTO_TCP ? TCP_V4_FLOW :
			flow->proto == IPPROTO_UDP ? UDP_V4_FLOW : SCTP_V4_FLOW;
	fs->location = RX_CLS_LOC_ANY;
	if (fields & F_SADDR) {
		fs->h_u.tcp_ip4_spec.ip4src = htonl(0x0a000000 | flow->src);
		fs->m_u.tcp_ip4_spec.ip4src = htonl(~0u);
	}
	if (fields & F_DADDR) {
		fs->h_u.tcp_ip4_spec.ip4dst = htonl(0x0a000000 | flow->dst);
		fs->m_u.tcp_ip4_spec.ip4dst = htonl(~0u);
	}
	if (fields & F_SPORT) {
		fs->h_u.tcp_ip4_spec.psrc = htons(flow->sport);
		fs->m_u.tcp_ip4_spec.psrc = htons(0xffff);
	}
	if (fields & F_DPORT) {
		fs->h_u.tcp_ip4_spec.pdst = htons(flow->dport);
		fs->m_u.tcp_ip4_spec.pdst = htons(0xffff);
	}
}

/* What is not compared may differ; what is may not, nor may the protocol */
static void one_changed(struct bench *b, struct ethtool_rx_flow_spec *fs,
			const struct flow *flow, unsigned int fields,
			unsigned int change, u8 other_proto)
{
	struct flow other = *flow;
	int got, plain;

	other.src += change == 0;
	other.dst += change == 1;
	other.sport += change == 2;
	other.dport += change == 3;
	if (change == 4)
		other.proto = other_proto;
	got = queue_of(b, &other);
	if (change < 4 && !(fields & BIT(change))) {
		KUNIT_EXPECT_EQ_MSG(b->test, got, (int)fs->ring_cookie,
				    "fields %#x, change %u", fields, change);
		return;
	}
	rule_del(b, fs->location);
	plain = queue_of(b, &other);
	KUNIT_EXPECT_EQ_MSG(b->test, got, plain, "fields %#x, change %u",
			    fields, change);
	KUNIT_ASSERT_EQ(b->test, rule(b, fs), 0);
}

/* A rule of each set of fields steers the flow and leaves others alone */
static void tuples(struct kunit *test)
{
	static const u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	struct bench *b = steering(test);
	struct ethtool_rx_flow_spec fs;
	unsigned int fields, p, change;
	int want, before;

	for (fields = 0; fields < 16 * ARRAY_SIZE(protos); fields++) {
		struct flow flow = { TCP4, .len = 30 };

		p = fields / 16;
		flow.proto = protos[p];
		flow.sport = 3000 + fields * 16;
		flow.dport = 4000 + fields;
		before = queue_of(b, &flow);
		want = (before + 3) % 8;
		fill_tuple(&fs, &flow, fields % 16);
		fs.ring_cookie = want;
		KUNIT_ASSERT_EQ(test, rule(b, &fs), 0);
		KUNIT_EXPECT_EQ_MSG(test, queue_of(b, &flow), want,
				    "protocol %u, fields %#x", protos[p],
				    fields % 16);
		for (change = 0; change < 5; change++)
			one_changed(b, &fs, &flow, fields % 16, change,
				    protos[(p + 1) % 3]);
		KUNIT_EXPECT_EQ(test, rule_del(b, fs.location), 0);
		KUNIT_EXPECT_EQ(test, queue_of(b, &flow), before);
	}
}

/* Of several rules that match the one with the lowest location wins */
static void priority(struct kunit *test)
{
	struct bench *b = steering(test);
	struct flow flow = { UDP4, .len = 30 };
	struct ethtool_rx_flow_spec fs;
	static const u8 order[] = { 3, 1, 6, 0, 5, 2, 4 };
	unsigned int i, lowest = 8;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		/* All of them match, each in its way */
		fill_tuple(&fs, &flow, order[i] + 1);
		fs.location = order[i];
		fs.ring_cookie = order[i];
		KUNIT_ASSERT_EQ(test, rule(b, &fs), 0);
		lowest = min_t(unsigned int, lowest, order[i]);
		KUNIT_EXPECT_EQ(test, queue_of(b, &flow), lowest);
	}
	for (i = 0; i < 6; i++) {
		KUNIT_EXPECT_EQ(test, rule_del(b, i), 0);
		KUNIT_EXPECT_EQ(test, queue_of(b, &flow), i + 1);
	}
	/* And so they do after the chip was reset */
	bench_close(b);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	KUNIT_EXPECT_EQ(test, queue_of(b, &flow), 6);
}

/* EtherTypes go before all else; as many as there are filters */
static void etypes(struct kunit *test)
{
	struct bench *b = steering(test);
	struct ethtool_rx_flow_spec fs;
	struct flow flow = { .len = 60 };
	unsigned int i;

	for (i = 0; i < 7; i++) {
		memset(&fs, 0, sizeof(fs));
		fs.flow_type = ETHER_FLOW;
		fs.h_u.ether_spec.h_proto = htons(0x9000 + i);
		fs.m_u.ether_spec.h_proto = htons(0xffff);
		fs.ring_cookie = 7 - i;
		fs.location = RX_CLS_LOC_ANY;
		KUNIT_ASSERT_EQ(test, rule(b, &fs), 0);
	}
	for (i = 0; i < 7; i++) {
		flow.etype = 0x9000 + i;
		KUNIT_EXPECT_EQ(test, queue_of(b, &flow), 7 - i);
	}
	flow.etype = 0x9007;
	KUNIT_EXPECT_EQ(test, queue_of(b, &flow), 0);
	fs.h_u.ether_spec.h_proto = htons(0x9100);
	fs.location = RX_CLS_LOC_ANY;
	KUNIT_EXPECT_EQ(test, rule(b, &fs), -ENOSPC);
}

/* SYN to its queue, unless a 5-tuple claims it; all else as it was */
static void syn(struct kunit *test)
{
	struct bench *b = steering(test);
	struct ethtool_rx_flow_spec fs = {
		.flow_type = ETHER_FLOW | FLOW_EXT,
		.location = RX_CLS_LOC_ANY,
		.ring_cookie = 6,
	}, tuple;
	struct flow flow = { TCP4, .len = 0 };
	int plain;

	plain = queue_of(b, &flow);
	if (plain == 6)
		fs.ring_cookie = 5;
	fs.h_ext.data[1] = htonl(2);
	fs.m_ext.data[0] = htonl(~0u);
	fs.m_ext.data[1] = htonl(~0u);
	KUNIT_ASSERT_EQ(test, rule(b, &fs), 0);
	KUNIT_EXPECT_EQ(test, queue_of(b, &flow), plain);
	flow.flags = TCPHDR_SYN;
	KUNIT_EXPECT_EQ(test, queue_of(b, &flow), fs.ring_cookie);
	flow.flags = TCPHDR_SYN | TCPHDR_ACK;
	KUNIT_EXPECT_EQ(test, queue_of(b, &flow), fs.ring_cookie);
	flow.v6 = true;
	KUNIT_EXPECT_EQ(test, queue_of(b, &flow), fs.ring_cookie);
	flow.v6 = false;

	fill_tuple(&tuple, &flow, F_SADDR | F_DPORT);
	tuple.ring_cookie = 1;
	KUNIT_ASSERT_EQ(test, rule(b, &tuple), 0);
	KUNIT_EXPECT_EQ(test, queue_of(b, &flow), 1);
	flow.dport++;
	KUNIT_EXPECT_EQ(test, queue_of(b, &flow), fs.ring_cookie);
	KUNIT_EXPECT_EQ(test, rule_del(b, fs.location), 0);
	flow.dport--;
	KUNIT_EXPECT_EQ(test, rule_del(b, tuple.location), 0);
	KUNIT_EXPECT_EQ(test, queue_of(b, &flow), plain);
}

/* What filters cannot do is refused and changes nothing */
static void refused(struct kunit *test)
{
	struct bench *b = steering(test);
	struct flow flow = { UDP4, .len = 30 };
	struct ethtool_rx_flow_spec fs;
	unsigned int i;

	fill_tuple(&fs, &flow, 15);
	fs.ring_cookie = 8;
	KUNIT_EXPECT_EQ(test, rule(b, &fs), -EINVAL);
	fill_tuple(&fs, &flow, 15);
	fs.ring_cookie = RX_CLS_FLOW_DISC;
	KUNIT_EXPECT_EQ(test, rule(b, &fs), -EINVAL);
	fill_tuple(&fs, &flow, 15);
	fs.m_u.tcp_ip4_spec.psrc = htons(0xff00);
	KUNIT_EXPECT_EQ(test, rule(b, &fs), -EINVAL);
	fill_tuple(&fs, &flow, 15);
	fs.flow_type = TCP_V6_FLOW;
	KUNIT_EXPECT_EQ(test, rule(b, &fs), -EINVAL);
	fill_tuple(&fs, &flow, 15);
	fs.location = 1000;
	KUNIT_EXPECT_EQ(test, rule(b, &fs), -EINVAL);
	KUNIT_EXPECT_EQ(test, rule_del(b, 0), -ENOENT);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_FALSE(test, *nic_reg(b->nic, IGNIS_FTQF(i)) &
				   FTQF_QUEUE_ENABLE);
	for (i = 0; i < 7; i++) {
		flow.sport++;
		fill_tuple(&fs, &flow, 15);
		KUNIT_EXPECT_EQ(test, rule(b, &fs), 0);
	}
	flow.sport++;
	fill_tuple(&fs, &flow, 15);
	KUNIT_EXPECT_EQ(test, rule(b, &fs), -ENOSPC);
}

static struct kunit_case steer_cases[] = {
	KUNIT_CASE(model_hash),
	KUNIT_CASE_PARAM(hash, bench_chips),
	KUNIT_CASE_PARAM(channels, bench_chips),
	KUNIT_CASE_PARAM(tuples, bench_82576),
	KUNIT_CASE_PARAM(priority, bench_82576),
	KUNIT_CASE_PARAM(etypes, bench_82576),
	KUNIT_CASE_PARAM(syn, bench_82576),
	KUNIT_CASE_PARAM(refused, bench_82576),
	{}
};

static struct kunit_suite steer_suite = {
	.name = "ignis_steer",
	.test_cases = steer_cases,
};

kunit_test_suite(steer_suite);
