// SPDX-License-Identifier: GPL-2.0-only
/* A NIC with its driver, frames, and what came of them */

#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>
#include <net/netdev_lock.h>
#include <net/sch_generic.h>
#include <net/sock.h>

#include "bench.h"

static const struct bench_param chips[] = {
	{ "82576", &nic_82576 },
	{ "82574L", &nic_82574 },
};

static const struct bench_param modes[] = {
	{ "82576 MSI-X", &nic_82576 },
	{ "82574L MSI-X", &nic_82574 },
	{ "82576 MSI", &nic_82576, NULL, { .no_msix = true } },
	{ "82574L MSI", &nic_82574, NULL, { .no_msix = true } },
	{ "82576 INTx", &nic_82576, NULL, { .no_msix = true, .no_msi = true } },
	{ "82574L INTx", &nic_82574, NULL,
	  { .no_msix = true, .no_msi = true } },
};

/* A case that runs for every entry of a table */
const void *bench_next(const struct bench_param *params, unsigned int n,
		       const void *prev, char *desc)
{
	const struct bench_param *next = prev ? prev + sizeof(*next) : params;

	if (next == params + n)
		return NULL;
	strscpy(desc, next->name, KUNIT_PARAM_DESC_SIZE);
	return next;
}

const void *bench_chips(struct kunit *test, const void *prev, char *desc)
{
	return bench_next(chips, ARRAY_SIZE(chips), prev, desc);
}

const void *bench_modes(struct kunit *test, const void *prev, char *desc)
{
	return bench_next(modes, ARRAY_SIZE(modes), prev, desc);
}

const void *bench_intx(struct kunit *test, const void *prev, char *desc)
{
	/* The last two */
	return bench_next(modes + ARRAY_SIZE(modes) - 2, 2, prev, desc);
}

const void *bench_82576(struct kunit *test, const void *prev, char *desc)
{
	return bench_next(chips, 1, prev, desc);
}

const void *bench_82574(struct kunit *test, const void *prev, char *desc)
{
	return bench_next(chips + 1, 1, prev, desc);
}

/*
 * A case that runs for every entry of a table, each beginning with its name, on
 * every chip; arg is the index.
 */
const void *bench_each(const void *prev, char *desc, const void *table,
		       size_t size, unsigned int n)
{
	static struct bench_param param;
	const char *const *name;

	if (!prev) {
		param = (struct bench_param){ .chip = &nic_82576 };
	} else if (param.chip == &nic_82576) {
		param.chip = &nic_82574;
	} else {
		param.chip = &nic_82576;
		param.arg++;
	}
	if (param.arg == n)
		return NULL;
	name = table + param.arg * size;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %s", param.chip->name, *name);
	return &param;
}

/* --- life --------------------------------------------------------------- */

static int tap(struct sk_buff *skb, struct net_device *netdev,
	       struct packet_type *pt, struct net_device *orig)
{
	struct bench *b = pt->af_packet_priv;

	/* Ours only: what is sent passes here too */
	if (skb->pkt_type == PACKET_OUTGOING) {
		kfree_skb(skb);
		return 0;
	}
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (skb)
		skb_queue_tail(&b->received, skb);
	return 0;
}

static void bench_exit(void *data)
{
	struct bench *b = data;

	if (b->plugged)
		bench_unplug(b);
	KUNIT_EXPECT_EQ_MSG(b->test, b->nic->complaints, 0,
			    "the NIC complains: %s", b->nic->complaint);
	nic_destroy(b->nic);
}

struct bench *bench_param_new(struct kunit *test,
			      const struct bench_param *param)
{
	struct bench *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	b->test = test;
	skb_queue_head_init(&b->received);
	b->nic = nic_create(param->chip, param->driver ?: "ignis",
			    &param->options);
	KUNIT_ASSERT_NOT_NULL(test, b->nic);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, bench_exit, b),
			0);
	return b;
}

/* The NIC of this case's parameter, not plugged in */
struct bench *bench_new(struct kunit *test)
{
	return bench_param_new(test, test->param_value);
}

/* Find the net_device and what it receives; 0 if there is one */
int bench_attach(struct bench *b)
{
	struct net_device *netdev;

	rtnl_lock();
	for_each_netdev(&init_net, netdev)
		if (netdev->dev.parent == &b->nic->pdev->dev)
			b->netdev = netdev;
	/* GRO would check sums that the driver does not vouch for */
	if (b->netdev) {
		b->netdev->wanted_features &= ~NETIF_F_GRO;
		netdev_update_features(b->netdev);
	}
	rtnl_unlock();
	if (!b->netdev)
		return -ENXIO;
	b->tap.type = htons(ETH_P_ALL);
	b->tap.dev = b->netdev;
	b->tap.func = tap;
	b->tap.af_packet_priv = b;
	dev_add_pack(&b->tap);
	return 0;
}

/* The net_device may go */
void bench_detach(struct bench *b)
{
	if (b->netdev)
		__dev_remove_pack(&b->tap);
	b->netdev = NULL;
	synchronize_net();
	skb_queue_purge(&b->received);
}

/* Plug it in; 0 if there is a net_device now */
int bench_plug(struct bench *b)
{
	int err = nic_plug(b->nic);

	if (err)
		return err;
	b->plugged = true;
	return bench_attach(b);
}

void bench_unplug(struct bench *b)
{
	bench_detach(b);
	nic_unplug(b->nic);
	b->plugged = false;
}

int bench_open(struct bench *b)
{
	int err;

	rtnl_lock();
	err = dev_open(b->netdev, NULL);
	rtnl_unlock();
	return err;
}

void bench_close(struct bench *b)
{
	rtnl_lock();
	dev_close(b->netdev);
	rtnl_unlock();
}

bool bench_link(struct bench *b)
{
	return bench_wait(netif_carrier_ok(b->netdev), 5000) &&
	       bench_wait(!qdisc_tx_is_noop(b->netdev), 5000);
}

/* Plugged in, open, with a link; or the test ends */
struct bench *bench_up(struct kunit *test)
{
	struct bench *b = bench_new(test);

	KUNIT_ASSERT_EQ(test, bench_plug(b), 0);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	return b;
}

int bench_channels(struct bench *b, unsigned int n)
{
	struct ethtool_channels ch = { .combined_count = n };
	int err;

	rtnl_lock();
	netdev_lock_ops(b->netdev);
	err = b->netdev->ethtool_ops->set_channels(b->netdev, &ch);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
	return err;
}

int bench_set_rxfh(struct bench *b, struct ethtool_rxfh_param *rxfh)
{
	struct netlink_ext_ack extack = {};
	int err;

	rtnl_lock();
	netdev_lock_ops(b->netdev);
	err = b->netdev->ethtool_ops->set_rxfh(b->netdev, rxfh, &extack);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
	return err;
}

/* @split: ETHTOOL_TCP_DATA_SPLIT_... */
int bench_split(struct bench *b, u32 rx, u32 tx, u8 split)
{
	struct ethtool_ringparam ring = { .rx_pending = rx, .tx_pending = tx };
	struct kernel_ethtool_ringparam kernel = { .tcp_data_split = split };
	struct netlink_ext_ack extack = {};
	int err;

	rtnl_lock();
	netdev_lock_ops(b->netdev);
	err = b->netdev->ethtool_ops->set_ringparam(b->netdev, &ring, &kernel,
						    &extack);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
	return err;
}

int bench_rings(struct bench *b, u32 rx, u32 tx)
{
	return bench_split(b, rx, tx, ETHTOOL_TCP_DATA_SPLIT_UNKNOWN);
}

int bench_set_mtu(struct bench *b, int mtu)
{
	int err;

	rtnl_lock();
	err = dev_set_mtu(b->netdev, mtu);
	rtnl_unlock();
	return err;
}

/* --- frames ------------------------------------------------------------- */

/* flow_skb(); the test ends if there is no memory */
struct sk_buff *build_skb_of(struct bench *b, const struct flow *flow,
			     unsigned int frags, unsigned int mss, bool csum)
{
	struct sk_buff *skb = flow_skb(b->netdev, flow, frags, mss, csum);

	KUNIT_ASSERT_NOT_NULL(b->test, skb);
	return skb;
}

int bench_send(struct bench *b, struct sk_buff *skb)
{
	return dev_queue_xmit(skb);
}

/* Let the chip look what there is to do */
void bench_kick(struct bench *b)
{
	unsigned long flags;

	spin_lock_irqsave(&b->nic->lock, flags);
	nic_arm(b->nic, 0);
	spin_unlock_irqrestore(&b->nic->lock, flags);
}

/* The next frame on the wire, to be freed; NULL if there is none */
struct nic_frame *bench_sent(struct bench *b)
{
	struct nic_frame *frame;
	unsigned long flags;

	spin_lock_irqsave(&b->nic->lock, flags);
	frame = list_first_entry_or_null(&b->nic->sent, struct nic_frame, list);
	if (frame) {
		list_del(&frame->list);
		b->nic->n_sent--;
	}
	spin_unlock_irqrestore(&b->nic->lock, flags);
	return frame;
}

bool bench_wait_sent(struct bench *b, unsigned int n)
{
	return bench_wait(READ_ONCE(b->nic->n_sent) >= n, 1000);
}

void bench_drop_sent(struct bench *b)
{
	struct nic_frame *frame;

	while ((frame = bench_sent(b)))
		kfree(frame);
}

static void expect_bytes(struct kunit *test, const char *what, const u8 *got,
			 const u8 *want, u32 len)
{
	u32 i;

	for (i = 0; i < len && got[i] == want[i]; i++)
		;
	if (i < len)
		KUNIT_FAIL(test, "%s: byte %u of %u is %#x, not %#x", what, i,
			   len, got[i], want[i]);
}

/* The next frame on the wire is this one, padded if short */
void bench_expect_sent(struct bench *b, const struct flow *flow)
{
	struct built *f = kunit_kzalloc(b->test, sizeof(*f), GFP_KERNEL);
	struct nic_frame *frame;

	KUNIT_ASSERT_NOT_NULL(b->test, f);
	KUNIT_EXPECT_TRUE(b->test, bench_wait_sent(b, 1));
	frame = bench_sent(b);
	if (!frame) {
		KUNIT_FAIL(b->test, "nothing was sent");
		return;
	}
	build(f, flow);
	f->len = max_t(u32, f->len, ETH_ZLEN);
	KUNIT_EXPECT_EQ(b->test, frame->len, f->len);
	KUNIT_EXPECT_FALSE(b->test, frame->no_fcs);
	expect_bytes(b->test, "sent", frame->data, f->data,
		     min(frame->len, f->len));
	kfree(frame);
	kunit_kfree(b->test, f);
}

void bench_inject(struct bench *b, const struct flow *flow)
{
	struct built *f = kunit_kzalloc(b->test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(b->test, f);
	build(f, flow);
	nic_inject(b->nic, f->data, max_t(u32, f->len, ETH_ZLEN));
	kunit_kfree(b->test, f);
}

/* The next frame the stack got, to be freed; NULL if there is none soon */
struct sk_buff *bench_received(struct bench *b)
{
	bench_wait(!skb_queue_empty_lockless(&b->received), 100);
	return skb_dequeue(&b->received);
}

/* For nic_lies.rx_hook: frames never end */
void bench_no_eop(struct nic *nic, u16 queue, u32 index,
		  union ignis_rx_desc *desc)
{
	desc->wb.staterr &= cpu_to_le32(~RXD_EOP);
}

/* A hook, too: every other frame ends within its header, and the next goes on */
void bench_cut_header(struct nic *nic, u16 queue, u32 index,
		      union ignis_rx_desc *desc)
{
	nic->lies.rx_cut = !nic->lies.rx_cut;
	if (!nic->lies.rx_cut)
		return;
	desc->wb.length = cpu_to_le16(5);
	bench_no_eop(nic, queue, index, desc);
}

void bench_drop_received(struct bench *b)
{
	skb_queue_purge(&b->received);
}

/**
 * bench_expect_received - the next frame the stack got is this one
 * @b: bench
 * @flow: it; its tag, if any, has been stripped into the skb
 * @kept: takes the skb; NULL: it is freed
 *
 * Return: true if so.
 */
bool bench_expect_received(struct bench *b, const struct flow *flow,
			   struct sk_buff **kept)
{
	struct sk_buff *skb = bench_received(b);
	struct flow bare = *flow;
	struct built *f;
	u8 *data;
	u32 len;

	if (kept)
		*kept = NULL;
	if (!skb) {
		KUNIT_FAIL(b->test, "nothing was received");
		return false;
	}
	f = kunit_kzalloc(b->test, 2 * sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(b->test, f);
	bare.tagged = false;
	build(f, &bare);
	f->len = max_t(u32, f->len, ETH_ZLEN - (flow->tagged ? 4 : 0));
	data = (u8 *)(f + 1);
	len = skb->len + ETH_HLEN;
	KUNIT_EXPECT_EQ(b->test, len, f->len);
	len = min(len, f->len);
	if (skb_copy_bits(skb, -ETH_HLEN, data, len))
		KUNIT_FAIL(b->test, "the skb has no %u bytes", len);
	else
		expect_bytes(b->test, "received", data, f->data, len);
	KUNIT_EXPECT_EQ(b->test, skb_vlan_tag_present(skb), flow->tagged);
	if (flow->tagged)
		KUNIT_EXPECT_EQ(b->test, skb_vlan_tag_get(skb), flow->vlan);
	kunit_kfree(b->test, f);
	if (kept)
		*kept = skb;
	else
		kfree_skb(skb);
	return true;
}

/* Nor will there be one, and the stack knows */
void bench_expect_no_link(struct bench *b)
{
	usleep_range(5000000, 5100000);
	KUNIT_EXPECT_FALSE(b->test, netif_carrier_ok(b->netdev));
	KUNIT_EXPECT_EQ(b->test, READ_ONCE(b->netdev->operstate), IF_OPER_DOWN);
}

/* After whatever happened: frames go out and come in */
void bench_works(struct bench *b)
{
	struct flow flow = { UDP4, .len = 300, .at = 17 };

	KUNIT_ASSERT_TRUE(b->test, bench_link(b));
	usleep_range(10000, 11000);
	bench_drop_sent(b);
	bench_drop_received(b);
	KUNIT_EXPECT_EQ(b->test, bench_send(b, build_skb_of(b, &flow, 0, 0,
							    true)), 0);
	bench_expect_sent(b, &flow);
	bench_inject(b, &flow);
	bench_expect_received(b, &flow, NULL);
}
