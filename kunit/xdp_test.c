// SPDX-License-Identifier: GPL-2.0-only
/* XDP: each verdict, frames that a program has cut, frames of others */

#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <net/netdev_lock.h>
#include <net/sch_generic.h>
#include <net/xdp.h>

#include "ignis.h"
#include "bench.h"

/* What the program does with every frame */
static struct {
	s64 head;	/* bytes to add to where it begins ... */
	s64 tail;	/* ... and ends */
	u64 verdict;
} act;

#define ACT(reg, field) \
	BPF_LDX_MEM(BPF_DW, reg, BPF_REG_2, offsetof(typeof(act), field))
#define LOAD(field) \
	BPF_LDX_MEM(BPF_DW, BPF_REG_4, BPF_REG_1, \
		    offsetof(struct xdp_buff, field))
#define STORE(field) \
	BPF_STX_MEM(BPF_DW, BPF_REG_1, BPF_REG_4, \
		    offsetof(struct xdp_buff, field))

static struct bpf_prog *make_prog(struct kunit *test)
{
	const struct bpf_insn insns[] = {
		BPF_LD_IMM64(BPF_REG_2, (unsigned long)&act),
		ACT(BPF_REG_3, head),
		LOAD(data),
		BPF_ALU64_REG(BPF_ADD, BPF_REG_4, BPF_REG_3),
		STORE(data),
		STORE(data_meta),
		ACT(BPF_REG_3, tail),
		LOAD(data_end),
		BPF_ALU64_REG(BPF_ADD, BPF_REG_4, BPF_REG_3),
		STORE(data_end),
		ACT(BPF_REG_0, verdict),
		BPF_EXIT_INSN(),
	};
	struct bpf_prog *prog = bpf_prog_alloc(sizeof(*prog) + sizeof(insns),
					       0);
	int err;

	KUNIT_ASSERT_NOT_NULL(test, prog);
	memcpy(prog->insnsi, insns, sizeof(insns));
	prog->len = ARRAY_SIZE(insns);
	prog->type = BPF_PROG_TYPE_XDP;
	prog = bpf_prog_select_runtime(prog, &err);
	KUNIT_ASSERT_EQ(test, err, 0);
	return prog;
}

static int attach(struct bench *b, struct bpf_prog *prog)
{
	struct netlink_ext_ack extack = {};
	struct netdev_bpf bpf = {
		.command = XDP_SETUP_PROG, .prog = prog, .extack = &extack,
	};
	int err;

	rtnl_lock();
	netdev_lock_ops(b->netdev);
	err = b->netdev->netdev_ops->ndo_bpf(b->netdev, &bpf);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
	return err;
}

/* The suite's program, and a port that has it */
static struct bench *xdp_up(struct kunit *test, struct bpf_prog **prog,
			    int mtu)
{
	struct bench *b = bench_up(test);

	memset(&act, 0, sizeof(act));
	act.verdict = XDP_PASS;
	*prog = make_prog(test);
	(*prog)->aux->xdp_has_frags = mtu > 3000;
	KUNIT_ASSERT_EQ(test, bench_set_mtu(b, mtu), 0);
	KUNIT_ASSERT_EQ(test, attach(b, *prog), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	bench_works(b);
	return b;
}

static void xdp_down(struct bench *b, struct bpf_prog *prog)
{
	act.head = 0;
	act.tail = 0;
	act.verdict = XDP_PASS;
	bench_works(b);
	KUNIT_EXPECT_EQ(b->test, attach(b, NULL), 0);
	bench_works(b);
	bpf_prog_free(prog);
}

static void expect_nothing(struct bench *b)
{
	struct sk_buff *skb = bench_received(b);

	KUNIT_EXPECT_NULL(b->test, skb);
	kfree_skb(skb);
	KUNIT_EXPECT_EQ(b->test, b->nic->n_sent, 0);
}

static void all_verdicts(struct kunit *test, int mtu)
{
	static const u32 verdicts[] = {
		XDP_PASS, XDP_DROP, XDP_TX, XDP_ABORTED, 77, XDP_REDIRECT,
	};
	struct bpf_prog *prog;
	struct bench *b = xdp_up(test, &prog, mtu);
	struct flow flow = { UDP4 };
	unsigned int i;

	for (i = 0; i < 600; i++) {
		act.verdict = verdicts[i % ARRAY_SIZE(verdicts)];
		flow.len = i * 61 % (mtu - 28);
		flow.at = i;
		bench_inject(b, &flow);
		if (act.verdict == XDP_PASS)
			bench_expect_received(b, &flow, NULL);
		else if (act.verdict == XDP_TX)
			bench_expect_sent(b, &flow);
		else
			expect_nothing(b);
	}
	xdp_down(b, prog);
}

static void verdicts(struct kunit *test)
{
	all_verdicts(test, 1500);
}

/* Frames in several buffers */
static void verdicts_jumbo(struct kunit *test)
{
	all_verdicts(test, 9000);
}

/* The port is closed in the middle of a frame */
static void unfinished(struct kunit *test)
{
	struct bpf_prog *prog;
	struct bench *b = xdp_up(test, &prog, 9000);
	const struct flow flow = { UDP4, .len = 8000 };
	int i;

	for (i = 0; i < 10; i++) {
		b->nic->lies.rx_hook = bench_no_eop;
		bench_inject(b, &flow);
		expect_nothing(b);
		b->nic->lies.rx_hook = NULL;
		bench_close(b);
		KUNIT_ASSERT_EQ(test, bench_open(b), 0);
		bench_works(b);
	}
	xdp_down(b, prog);
}

/* What a program leaves of a frame is what goes on */
static void cut(struct kunit *test)
{
	struct bpf_prog *prog;
	struct bench *b = xdp_up(test, &prog, 1500);
	struct flow flow = { .len = 200 }, less = { .len = 170 };
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct nic_frame *frame;

	KUNIT_ASSERT_NOT_NULL(test, f);
	act.tail = -30;
	bench_inject(b, &flow);
	bench_expect_received(b, &less, NULL);

	act.verdict = XDP_TX;
	bench_inject(b, &flow);
	bench_expect_sent(b, &less);

	act.head = 10;
	build(f, &less);
	bench_inject(b, &flow);
	KUNIT_ASSERT_TRUE(test, bench_wait_sent(b, 1));
	frame = bench_sent(b);
	KUNIT_EXPECT_EQ(test, frame->len, f->len - 10);
	KUNIT_EXPECT_MEMEQ(test, frame->data, f->data + 10, f->len - 10);
	kfree(frame);

	/* Shorter than the chip can send: zeroes follow */
	act.head = 0;
	act.tail = -200;
	bench_inject(b, &flow);
	KUNIT_ASSERT_TRUE(test, bench_wait_sent(b, 1));
	frame = bench_sent(b);
	KUNIT_EXPECT_EQ(test, frame->len, ETH_ZLEN);
	KUNIT_EXPECT_MEMEQ(test, frame->data, f->data, ETH_HLEN);
	KUNIT_EXPECT_EQ(test, frame->data[ETH_HLEN], 0);
	kfree(frame);
	xdp_down(b, prog);
}

/* More is sent back than there is room for: the rest is dropped, counted */
static void ring_full(struct kunit *test)
{
	struct bpf_prog *prog;
	struct bench *b = xdp_up(test, &prog, 1500);
	struct flow flow = { UDP4, .len = 100 };
	struct rtnl_link_stats64 before, after;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, bench_rings(b, 512, 64), 0);
	bench_works(b);
	dev_get_stats(b->netdev, &before);
	b->nic->lies.tx_hold = true;
	act.verdict = XDP_TX;
	for (i = 0; i < 200; i++)
		bench_inject(b, &flow);
	usleep_range(20000, 21000);
	b->nic->lies.tx_hold = false;
	bench_kick(b);
	usleep_range(20000, 21000);
	KUNIT_EXPECT_GT(test, b->nic->n_sent, 0);
	KUNIT_EXPECT_LT(test, b->nic->n_sent, 200);
	dev_get_stats(b->netdev, &after);
	KUNIT_EXPECT_EQ(test, after.tx_packets - before.tx_packets,
			b->nic->n_sent);
	/* The small FIFO of the 82574 does not take them all */
	KUNIT_EXPECT_EQ(test, after.rx_dropped - before.rx_dropped +
			after.rx_missed_errors - before.rx_missed_errors,
			200 - b->nic->n_sent);
	bench_drop_sent(b);
	xdp_down(b, prog);
}

/* It comes, is replaced and goes, and no frame notices */
static void come_and_go(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct bpf_prog *progs[2] = { make_prog(test), make_prog(test) };
	struct flow flow = { UDP4, .len = 700 };
	unsigned int i;

	memset(&act, 0, sizeof(act));
	act.verdict = XDP_PASS;
	for (i = 0; i < 30; i++) {
		KUNIT_EXPECT_EQ(test, attach(b, i % 3 == 2 ? NULL :
						progs[i % 3]), 0);
		KUNIT_EXPECT_TRUE(test, netif_carrier_ok(b->netdev));
		KUNIT_ASSERT_TRUE(test, bench_link(b));
		flow.at = i;
		bench_inject(b, &flow);
		bench_expect_received(b, &flow, NULL);
	}

	/* One that knows a single buffer only */
	KUNIT_ASSERT_EQ(test, bench_set_mtu(b, 9000), 0);
	KUNIT_EXPECT_EQ(test, attach(b, progs[0]), -EOPNOTSUPP);
	KUNIT_ASSERT_EQ(test, bench_set_mtu(b, 1500), 0);
	KUNIT_ASSERT_EQ(test, attach(b, progs[0]), 0);
	KUNIT_EXPECT_EQ(test, bench_set_mtu(b, 9000), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, attach(b, NULL), 0);
	for (i = 0; i < ARRAY_SIZE(progs); i++)
		bpf_prog_free(progs[i]);
	bench_works(b);
}

/* A frame of another port's, as ndo_xdp_xmit gets it */
static struct xdp_frame *make_frame(struct kunit *test, struct built *f)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct xdp_rxq_info rxq = { .mem.type = MEM_TYPE_PAGE_SHARED };
	struct xdp_frame *frame;
	struct xdp_buff xdp;

	KUNIT_ASSERT_NOT_NULL(test, page);
	xdp_init_buff(&xdp, PAGE_SIZE, &rxq);
	xdp_prepare_buff(&xdp, page_address(page), XDP_PACKET_HEADROOM, f->len,
			 false);
	memcpy(xdp.data, f->data, f->len);
	frame = xdp_convert_buff_to_frame(&xdp);
	KUNIT_ASSERT_NOT_NULL(test, frame);
	return frame;
}

static void redirected(struct kunit *test)
{
	struct bench *b = bench_up(test);
	const struct net_device_ops *ops = b->netdev->netdev_ops;
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct flow flow = { UDP4 };
	struct xdp_frame *frames[4];
	unsigned int i, k;

	KUNIT_ASSERT_NOT_NULL(test, f);
	for (i = 0; i < 300; i++) {
		for (k = 0; k < ARRAY_SIZE(frames); k++) {
			flow.len = i * 4 + k;
			flow.at = i;
			build(f, &flow);
			frames[k] = make_frame(test, f);
		}
		local_bh_disable();
		k = ops->ndo_xdp_xmit(b->netdev, ARRAY_SIZE(frames), frames,
				      XDP_XMIT_FLUSH);
		local_bh_enable();
		KUNIT_ASSERT_EQ(test, k, ARRAY_SIZE(frames));
		for (k = 0; k < ARRAY_SIZE(frames); k++) {
			flow.len = i * 4 + k;
			bench_expect_sent(b, &flow);
		}
	}

	/* Down, nothing is taken */
	bench_close(b);
	frames[0] = make_frame(test, f);
	local_bh_disable();
	KUNIT_EXPECT_EQ(test, ops->ndo_xdp_xmit(b->netdev, 1, frames, 0),
			-ENETDOWN);
	KUNIT_EXPECT_EQ(test, ops->ndo_xdp_xmit(b->netdev, 1, frames, ~0u),
			-EINVAL);
	local_bh_enable();
	xdp_return_frame(frames[0]);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	bench_works(b);
}

/* Frames fill the ring, and whoever was to announce them has nothing to say */
static void never_flushed(struct kunit *test)
{
	struct bench *b = bench_up(test);
	const struct net_device_ops *ops = b->netdev->netdev_ops;
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct flow flow = { UDP4 };
	struct xdp_frame *frame;
	int i, n = 0;

	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_ASSERT_EQ(test, bench_rings(b, 64, 64), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	for (i = 0; i < 48; i++) {
		flow.at = i;
		build(f, &flow);
		frame = make_frame(test, f);
		local_bh_disable();
		n += ops->ndo_xdp_xmit(b->netdev, 1, &frame, 0);
		local_bh_enable();
		if (n == i)
			xdp_return_frame(frame);
	}
	KUNIT_ASSERT_GT(test, n, 30);
	KUNIT_EXPECT_TRUE(test, bench_wait(b->nic->n_sent >= 30, 1000));
	usleep_range(10000, 11000);
	bench_drop_sent(b);
	bench_works(b);
}

/* Of the stack's frames, how many go out while XDP always has more than there is room for */
static unsigned int turns(struct bench *b, unsigned int credit)
{
	struct flow flow = { UDP4, .len = 100 }, own = { UDP4, .len = 300 };
	struct nic_frame *frame;
	unsigned int i, n, sent = 0;

	for (i = 0; i < 100; i++) {
		for (n = 0; n < 3; n++)
			bench_send(b, build_skb_of(b, &own, 0, 0, true));
		for (n = 0; n < 80; n++)
			bench_inject(b, &flow);
		b->nic->lies.tx_credit = credit;
		/* Room and frames are there when the poll begins */
		local_bh_disable();
		bench_kick(b);
		mdelay(1);
		local_bh_enable();
		usleep_range(1000, 1100);
		while ((frame = bench_sent(b))) {
			sent += i >= 20 && frame->len > 300;
			kfree(frame);
		}
	}
	return sent;
}

/* The stack has its turn, again and again, and is never woken in vain */
static void share(struct kunit *test)
{
	struct bpf_prog *prog;
	struct bench *b = xdp_up(test, &prog, 1500);
	struct netdev_queue *txq = netdev_get_tx_queue(b->netdev, 0);
	struct flow flow = { UDP4, .len = 100 };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, bench_rings(b, 512, 256), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	/* BQL does not hold back what the stack has */
	txq->dql.min_limit = SZ_1M;
	act.verdict = XDP_TX;
	b->nic->lies.tx_hold = true;
	for (i = 0; i < 400; i++) {
		bench_inject(b, &flow);
		usleep_range(100, 110);
	}
	KUNIT_EXPECT_FALSE(test, netif_tx_queue_stopped(txq));
	bench_send(b, build_skb_of(b, &flow, 0, 0, true));
	KUNIT_EXPECT_EQ(test, qdisc_qlen_sum(rcu_access_pointer(txq->qdisc)), 0);

	/* Enough for a wake-up at a time, and far from it */
	KUNIT_EXPECT_GT(test, turns(b, 60), 100);
	KUNIT_EXPECT_GT(test, turns(b, 5), 25);
	b->nic->lies.tx_hold = false;
	bench_kick(b);
	usleep_range(10000, 11000);
	bench_drop_sent(b);
	xdp_down(b, prog);
}

/* Of frames in several buffers the smallest ring takes as many as there is room for */
static void small_ring(struct kunit *test)
{
	struct bpf_prog *prog;
	struct bench *b = xdp_up(test, &prog, 9000);
	struct flow flow = { UDP4, .len = 8900 };
	int i, round;

	KUNIT_ASSERT_EQ(test, bench_rings(b, 64, 64), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	act.verdict = XDP_TX;
	for (round = 0; round < 10; round++) {
		b->nic->lies.tx_hold = true;
		for (i = 0; i < 9; i++) {
			bench_inject(b, &flow);
			usleep_range(1000, 1100);
		}
		b->nic->lies.tx_hold = false;
		bench_kick(b);
		for (i = 0; i < 9; i++)
			bench_expect_sent(b, &flow);
	}
	xdp_down(b, prog);
}

/* Only XDP sends, and nothing goes out: that is noticed, too, unless the peer wants it so */
static void hang(struct kunit *test)
{
	static const u32 rings[] = { 64, 256 };
	struct bpf_prog *prog;
	struct bench *b = xdp_up(test, &prog, 1500);
	struct flow flow = { UDP4, .len = 100 };
	unsigned int i, n, r, resets;

	for (r = 0; r < ARRAY_SIZE(rings); r++) {
		KUNIT_ASSERT_EQ(test, bench_rings(b, 512, rings[r]), 0);
		KUNIT_ASSERT_TRUE(test, bench_link(b));
		resets = b->nic->resets;
		act.verdict = XDP_TX;
		b->nic->lies.tx_hold = true;
		b->nic->lies.tx_paused = true;
		for (i = 0; i < 400 && b->nic->resets == resets; i++) {
			for (n = 0; n < 80; n++)
				bench_inject(b, &flow);
			usleep_range(100000, 110000);
			if (i == 200)
				b->nic->lies.tx_paused = false;
		}
		KUNIT_EXPECT_GT(test, i, 201);
		KUNIT_EXPECT_GT(test, b->nic->resets, resets);
		b->nic->lies.tx_hold = false;
		usleep_range(100000, 110000);
		bench_drop_sent(b);
		act.verdict = XDP_PASS;
		bench_works(b);
	}
	xdp_down(b, prog);
}

/* The device cuts a frame within its Ethernet header: neither piece is one */
static void short_head(struct kunit *test)
{
	struct bpf_prog *prog;
	struct bench *b = xdp_up(test, &prog, 9000);
	struct flow flow = { UDP4, .len = 200 };
	struct rtnl_link_stats64 before, after;
	int i;

	dev_get_stats(b->netdev, &before);
	b->nic->lies.rx_hook = bench_cut_header;
	for (i = 0; i < 64; i++)
		bench_inject(b, &flow);
	usleep_range(10000, 11000);
	b->nic->lies.rx_hook = NULL;
	expect_nothing(b);
	dev_get_stats(b->netdev, &after);
	KUNIT_EXPECT_EQ(test, after.rx_errors - before.rx_errors, 32);
	xdp_down(b, prog);
}

/* A program leaves without the memory for other buffers: in the end they are had */
static void no_memory(struct kunit *test)
{
	struct bpf_prog *prog;
	struct bench *b = xdp_up(test, &prog, 1500);
	struct ignis *ig = netdev_priv(b->netdev);

	b->nic->lies.map_fails_at = 1;
	KUNIT_EXPECT_EQ(test, attach(b, NULL), 0);
	KUNIT_EXPECT_EQ(test, b->nic->lies.map_fails_at, 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	bench_works(b);

	/* When the port is opened next ... */
	bench_close(b);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	KUNIT_EXPECT_EQ(test, ig->vectors[0].rx->truesize, 2048);
	bench_works(b);

	/* ... or its rings are changed */
	KUNIT_ASSERT_EQ(test, attach(b, prog), 0);
	b->nic->lies.map_fails_at = 1;
	KUNIT_EXPECT_EQ(test, attach(b, NULL), 0);
	KUNIT_EXPECT_EQ(test, b->nic->lies.map_fails_at, 0);
	bpf_prog_free(prog);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	bench_works(b);

	/* XDP and this exclude each other */
	KUNIT_EXPECT_EQ(test, bench_split(b, 256, 256,
					  ETHTOOL_TCP_DATA_SPLIT_ENABLED), 0);
	KUNIT_ASSERT_EQ(test, bench_rings(b, 512, 512), 0);
	KUNIT_EXPECT_EQ(test, ig->vectors[0].rx->truesize, 2048);
	bench_works(b);
}

/*
 * Too short for the chip, and without the room to make it longer: what comes
 * next in memory says where the rest of the frame is
 */
static void no_room(struct kunit *test)
{
	struct bench *b = bench_up(test);
	const struct net_device_ops *ops = b->netdev->netdev_ops;
	struct xdp_rxq_info rxq = { .mem.type = MEM_TYPE_PAGE_SHARED };
	struct page *head = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct page *rest = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct skb_shared_info *shinfo;
	struct xdp_frame *frame;
	struct xdp_buff xdp;
	int n;

	KUNIT_ASSERT_NOT_NULL(test, head);
	KUNIT_ASSERT_NOT_NULL(test, rest);
	xdp_init_buff(&xdp, 80 + SKB_DATA_ALIGN(sizeof(*shinfo)), &rxq);
	xdp_prepare_buff(&xdp, page_address(head), 64, 14, false);
	shinfo = xdp_get_shared_info_from_buff(&xdp);
	skb_frag_fill_page_desc(&shinfo->frags[0], rest, 0, 2);
	shinfo->nr_frags = 1;
	shinfo->xdp_frags_size = 2;
	xdp_buff_set_frags_flag(&xdp);
	frame = xdp_convert_buff_to_frame(&xdp);
	KUNIT_ASSERT_NOT_NULL(test, frame);

	local_bh_disable();
	n = ops->ndo_xdp_xmit(b->netdev, 1, &frame, XDP_XMIT_FLUSH);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, n, 0);
	KUNIT_EXPECT_EQ(test, shinfo->nr_frags, 1);
	xdp_return_frame(frame);
	bench_works(b);
}

static struct kunit_case xdp_cases[] = {
	KUNIT_CASE_PARAM(verdicts, bench_chips),
	KUNIT_CASE_PARAM(verdicts_jumbo, bench_chips),
	KUNIT_CASE_PARAM(unfinished, bench_chips),
	KUNIT_CASE_PARAM(cut, bench_chips),
	KUNIT_CASE_PARAM(ring_full, bench_chips),
	KUNIT_CASE_PARAM(come_and_go, bench_chips),
	KUNIT_CASE_PARAM(redirected, bench_chips),
	KUNIT_CASE_PARAM(never_flushed, bench_chips),
	KUNIT_CASE_PARAM(share, bench_chips),
	KUNIT_CASE_PARAM(small_ring, bench_chips),
	KUNIT_CASE_PARAM(hang, bench_chips),
	KUNIT_CASE_PARAM(short_head, bench_chips),
	KUNIT_CASE_PARAM(no_memory, bench_82576),
	KUNIT_CASE_PARAM(no_room, bench_chips),
	{}
};

static struct kunit_suite xdp_suite = {
	.name = "ignis_xdp",
	.test_cases = xdp_cases,
};

kunit_test_suite(xdp_suite);
