// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device lies, or goes.  Whatever it says there is no access out of bounds,
 * no endless loop and no leak, and when it tells the truth again it works.
 */

#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/prandom.h>
#include <linux/rtnetlink.h>
#include <net/devlink.h>
#include <net/netdev_lock.h>

#include "bench.h"

static struct rnd_state rnd;

static void lie_length_zero(struct nic *nic, u16 q, u32 i,
			    union ignis_rx_desc *desc)
{
	desc->wb.length = 0;
}

static void lie_length_over(struct nic *nic, u16 q, u32 i,
			    union ignis_rx_desc *desc)
{
	desc->wb.length = cpu_to_le16(3073);
}

static void lie_length_most(struct nic *nic, u16 q, u32 i,
			    union ignis_rx_desc *desc)
{
	desc->wb.length = cpu_to_le16(0xffff);
}

static void lie_length_random(struct nic *nic, u16 q, u32 i,
			      union ignis_rx_desc *desc)
{
	desc->wb.length = cpu_to_le16(prandom_u32_state(&rnd));
}

static void lie_eop_random(struct nic *nic, u16 q, u32 i,
			   union ignis_rx_desc *desc)
{
	if (prandom_u32_state(&rnd) & 1)
		desc->wb.staterr ^= cpu_to_le32(RXD_EOP);
}

static void lie_dd_missing(struct nic *nic, u16 q, u32 i,
			   union ignis_rx_desc *desc)
{
	if (i == 37)
		desc->wb.staterr &= cpu_to_le32(~RXD_DD);
}

static void lie_error(struct nic *nic, u16 q, u32 i, union ignis_rx_desc *desc)
{
	desc->wb.staterr |= cpu_to_le32(RXD_RXE);
}

static void lie_all_ones(struct nic *nic, u16 q, u32 i,
			 union ignis_rx_desc *desc)
{
	memset(desc, 0xff, sizeof(*desc));
}

static void lie_stamp(struct nic *nic, u16 q, u32 i, union ignis_rx_desc *desc)
{
	desc->wb.staterr |= cpu_to_le32(RXD_TS | RXD_TST);
}

static void lie_vlan(struct nic *nic, u16 q, u32 i, union ignis_rx_desc *desc)
{
	desc->wb.staterr |= cpu_to_le32(RXD_VP);
	desc->wb.vlan = cpu_to_le16(0xffff);
}

static void lie_random(struct nic *nic, u16 q, u32 i,
		       union ignis_rx_desc *desc)
{
	prandom_bytes_state(&rnd, desc, sizeof(*desc));
	if (prandom_u32_state(&rnd) % 8)
		desc->wb.staterr |= cpu_to_le32(RXD_DD);
	if (prandom_u32_state(&rnd) % 4)
		desc->wb.length &= cpu_to_le16(0x7ff);
}

/* The first piece of a frame, which is not its last */
static void lie_first_empty(struct nic *nic, u16 q, u32 i,
			    union ignis_rx_desc *desc)
{
	if (!(desc->wb.staterr & cpu_to_le32(RXD_EOP)))
		desc->wb.length = 0;
	nic->lies.rx_hook = NULL;
}

/* Also into the slot that has no buffer */
static void lie_beyond(struct nic *nic, u16 q, u32 i,
		       union ignis_rx_desc *desc)
{
	u64 ring = *nic_rxq_reg(nic, q, Q_BAL) |
		   (u64)*nic_rxq_reg(nic, q, Q_BAH) << 32;
	u32 tail = *nic_rxq_reg(nic, q, Q_TAIL);

	nic_dma_write(nic, ring + tail * sizeof(*desc), desc, sizeof(*desc));
}

static void lie_beyond_pieces(struct nic *nic, u16 q, u32 i,
			      union ignis_rx_desc *desc)
{
	lie_eop_random(nic, q, i, desc);
	lie_beyond(nic, q, i, desc);
}

static const struct {
	const char *name;
	void (*hook)(struct nic *nic, u16 q, u32 i, union ignis_rx_desc *desc);
	bool stalls;	/* the ring, until it is set up anew */
} lies[] = {
	{ "length 0", lie_length_zero },
	{ "length 5, then more", bench_cut_header },
	{ "length over buffer", lie_length_over },
	{ "length 65535", lie_length_most },
	{ "length random", lie_length_random },
	{ "EOP never", bench_no_eop },
	{ "EOP random", lie_eop_random },
	{ "DD missing", lie_dd_missing, true },
	{ "damaged", lie_error },
	{ "all ones", lie_all_ones },
	{ "stamped", lie_stamp },
	{ "tagged", lie_vlan },
	{ "random", lie_random, true },
};

static const void *lie_params(struct kunit *test, const void *prev, char *desc)
{
	return bench_each(prev, desc, lies, sizeof(*lies), ARRAY_SIZE(lies));
}

static void reopen(struct bench *b)
{
	bench_close(b);
	KUNIT_ASSERT_EQ(b->test, bench_open(b), 0);
}

static void lie_all_along(struct kunit *test, int mtu)
{
	const struct bench_param *param = test->param_value;
	struct bench *b = bench_up(test);
	struct flow flow = { UDP4 };
	unsigned int i;

	prandom_seed_state(&rnd, 0x19219);
	KUNIT_ASSERT_EQ(test, bench_set_mtu(b, mtu), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	bench_works(b);
	b->nic->lies.rx_hook = lies[param->arg].hook;
	for (i = 0; i < 1500; i++) {
		flow.len = i * 53 % (mtu - 28);
		flow.at = i;
		bench_inject(b, &flow);
		if (i % 16 == 0) {
			usleep_range(200, 210);
			bench_drop_received(b);
		}
	}
	b->nic->lies.rx_hook = NULL;
	usleep_range(20000, 21000);
	if (lies[param->arg].stalls) {
		reopen(b);
		bench_works(b);
		return;
	}
	/* The rest of a frame whose end never came goes with the next one */
	for (i = 0; i < 2; i++)
		bench_inject(b, &flow);
	bench_works(b);
}

/* Buffers of half a page ... */
static void descriptors(struct kunit *test)
{
	lie_all_along(test, 1500);
}

/* ... and of a page */
static void descriptors_jumbo(struct kunit *test)
{
	lie_all_along(test, 9000);
}

/* One bad piece, and the rest of the frame is no frame of its own */
static void rest_of_frame(struct kunit *test)
{
	struct bench *b = bench_up(test);
	const struct flow flow = { UDP4, .len = 8000 };
	struct sk_buff *skb;

	KUNIT_ASSERT_EQ(test, bench_set_mtu(b, 9000), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	bench_inject(b, &flow);
	bench_expect_received(b, &flow, NULL);
	b->nic->lies.rx_hook = lie_first_empty;
	bench_inject(b, &flow);
	skb = bench_received(b);
	KUNIT_EXPECT_NULL(test, skb);
	kfree_skb(skb);
	b->nic->lies.rx_hook = NULL;
	bench_inject(b, &flow);
	bench_expect_received(b, &flow, NULL);
}

/* The ring is used up in one poll, and there is more, it says */
static void beyond_ring(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct flow flow = { UDP4, .len = 100 };
	unsigned long flags;
	struct built *f;
	int i, k;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	build(f, &flow);
	KUNIT_ASSERT_EQ(test, bench_rings(b, 64, 64), 0);
	bench_works(b);
	for (i = 0; i < 20; i++) {
		b->nic->lies.rx_hook = i % 2 ? lie_beyond_pieces : lie_beyond;
		spin_lock_irqsave(&b->nic->lock, flags);
		for (k = 0; k < 64; k++)
			nic_rx_wire(b->nic, f->data, f->len, false);
		nic_arm(b->nic, 0);
		spin_unlock_irqrestore(&b->nic->lock, flags);
		usleep_range(10000, 11000);
		if (!(i % 2))
			KUNIT_EXPECT_LE(test, skb_queue_len(&b->received), 64);
		bench_drop_received(b);
	}
	b->nic->lies.rx_hook = NULL;
	/* The rest of a frame whose end never came goes with the next one */
	for (i = 0; i < 2; i++)
		bench_inject(b, &flow);
	bench_works(b);
}

/* Interrupts without end, of all kinds: there is progress, then silence */
static void storm(struct kunit *test)
{
	struct bench *b = bench_up(test);
	u64 before = nic_messages(b->nic);

	b->nic->lies.storm = (u32)~ICR_INTA;
	bench_kick(b);
	usleep_range(20000, 21000);
	KUNIT_EXPECT_GT(test, nic_messages(b->nic) - before, 100);
	b->nic->lies.storm = 0;
	usleep_range(20000, 21000);
	before = nic_messages(b->nic);
	usleep_range(20000, 21000);
	KUNIT_EXPECT_EQ(test, nic_messages(b->nic), before);
	bench_works(b);
}

/* A cause that is no queue's comes while moderation holds back a queue's */
static void other_cause(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct flow flow = { UDP4, .len = 100 };
	unsigned long flags;
	int i;

	for (i = 0; i < 20; i++) {
		bench_inject(b, &flow);
		if (!bench_expect_received(b, &flow, NULL))
			return;
		bench_inject(b, &flow);
		usleep_range(2, 3);
		spin_lock_irqsave(&b->nic->lock, flags);
		nic_cause(b->nic, ICR_LSC);
		spin_unlock_irqrestore(&b->nic->lock, flags);
		if (!bench_expect_received(b, &flow, NULL))
			return;
	}
}

static void link_flaps(struct kunit *test)
{
	struct bench *b = bench_up(test);
	const struct flow flow = { UDP4, .len = 100 };
	unsigned int i;

	for (i = 0; i < 60; i++) {
		nic_cable(b->nic, i & 1);
		bench_send(b, build_skb_of(b, &flow, 0, 0, true));
		usleep_range(1000 * (i % 7), 1000 * (i % 7) + 1800 * (i % 3) +
			     (i % 5 == 1 ? 1600000 : 10));
	}
	nic_cable(b->nic, true);
	bench_works(b);
}

struct ended {
	struct delayed_work work;
	struct nic_lies *lies;
};

static void end_lies(struct work_struct *work)
{
	struct ended *ended = container_of(to_delayed_work(work), struct ended,
					   work);

	memset(ended->lies, 0, sizeof(*ended->lies));
}

static void cancel_end(void *ended)
{
	cancel_delayed_work_sync(&((struct ended *)ended)->work);
}

/* Firmware or the other port keep a semaphore, for ever or for a while */
static void semaphores(struct kunit *test)
{
	struct bench *b = bench_new(test);
	struct nic_lies *lies = &b->nic->lies;
	struct ended *ended = kunit_kzalloc(test, sizeof(*ended), GFP_KERNEL);
	u64 start;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, ended);
	ended->lies = lies;
	INIT_DELAYED_WORK(&ended->work, end_lies);
	KUNIT_ASSERT_EQ(test, kunit_add_action(test, cancel_end, ended), 0);
	for (i = 0; i < 8; i++) {
		lies->stuck_smbi = i % 4 == 0;
		lies->stuck_swesmbi = i % 4 == 1;
		lies->fw_sync = i % 4 == 2 ? 0xffff0000 : 0;
		lies->stuck_mdio = i % 4 == 3;
		if (i >= 4) {
			schedule_delayed_work(&ended->work, HZ / 100);
			KUNIT_ASSERT_EQ(test, bench_plug(b), 0);
			KUNIT_ASSERT_EQ(test, bench_open(b), 0);
			bench_works(b);
			flush_delayed_work(&ended->work);
			bench_unplug(b);
			continue;
		}
		start = ktime_get_ns();
		bench_plug(b);
		if (b->netdev) {
			bench_open(b);
			usleep_range(3000000, 3000100);
			bench_close(b);
		}
		bench_unplug(b);
		KUNIT_EXPECT_LT(test, ktime_get_ns() - start,
				300 * NSEC_PER_SEC);
	}
	memset(lies, 0, sizeof(*lies));
	KUNIT_ASSERT_EQ(test, bench_plug(b), 0);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	bench_works(b);
}

/* MDIO that fails, or never ends: no link, until it works again */
static void mdio(struct kunit *test)
{
	struct bench *b = bench_up(test);
	int i;

	for (i = 0; i < 2; i++) {
		b->nic->lies.mdic_error = !i;
		b->nic->lies.mdic_never = i;
		nic_cable(b->nic, false);
		usleep_range(3000000, 3100000);
		nic_cable(b->nic, true);
		usleep_range(3000000, 3100000);
		KUNIT_EXPECT_FALSE(test, netif_carrier_ok(b->netdev));
		memset(&b->nic->lies, 0, sizeof(b->nic->lies));
		reopen(b);
		bench_works(b);
	}
}

static void probe_lies(struct kunit *test)
{
	struct bench *b = bench_new(test);
	struct nic_lies *lies = &b->nic->lies;
	int i;

	for (i = 0; i < 5; i++) {
		lies->mdic_error = i == 0;
		lies->mdic_never = i == 1;
		lies->stuck_reset = i == 2;
		lies->stuck_master = i == 3;
		lies->nvm_never = i == 4;
		bench_plug(b);
		if (i == 2)
			KUNIT_EXPECT_NULL(test, b->netdev);
		if (i >= 3)
			KUNIT_EXPECT_NOT_NULL(test, b->netdev);
		bench_unplug(b);
	}
	memset(lies, 0, sizeof(*lies));
	KUNIT_ASSERT_EQ(test, bench_plug(b), 0);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	bench_works(b);
}

/* Whatever is in the NVM the port works, with an address that is one */
static void nvm_garbage(struct kunit *test)
{
	/* Of the board's number as text: where it is, how many words */
	static const u16 texts[][2] = {
		{ 0x40, 6 }, { 0x40, 0 }, { 0x40, 1 }, { 0x40, 9 },
		{ 0x40, 10 }, { 0x40, 0xffff }, { NIC_NVM_WORDS - 3, 6 },
		{ 0xffff, 6 },
	};
	const struct bench_param *param = test->param_value;
	u16 *image = kunit_kzalloc(test, NIC_NVM_WORDS * 2, GFP_KERNEL);
	struct bench_param mine = *param;
	struct bench *b;
	char text[64];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, image);
	prandom_seed_state(&rnd, 7);
	mine.options.nvm = image;
	for (i = 0; i < 4 + ARRAY_SIZE(texts); i++) {
		if (i == 1)
			memset(image, 0xff, NIC_NVM_WORDS * 2);
		else if (i)
			prandom_bytes_state(&rnd, image, NIC_NVM_WORDS * 2);
		if (i >= 4) {
			image[8] = 0xfafa;
			image[9] = texts[i - 4][0];
			image[min(image[9], NIC_NVM_WORDS - 1)] =
				texts[i - 4][1];
		}
		b = bench_param_new(test, &mine);
		KUNIT_ASSERT_EQ(test, bench_plug(b), 0);
		KUNIT_EXPECT_TRUE(test,
				  is_valid_ether_addr(b->netdev->dev_addr));
		KUNIT_ASSERT_EQ(test, bench_open(b), 0);
		KUNIT_EXPECT_TRUE(test, bench_link(b));
		devlink_compat_running_version(b->netdev->devlink_port->devlink,
					       text, sizeof(text));
		bench_unplug(b);
	}
}

/* Queues that do not stop: a reset makes them */
static void stuck_queues(struct kunit *test)
{
	struct bench *b = bench_up(test);

	b->nic->lies.stuck_queues = true;
	KUNIT_EXPECT_EQ(test, bench_set_mtu(b, 4000), 0);
	b->nic->lies.stuck_queues = false;
	usleep_range(100000, 110000);
	reopen(b);
	bench_works(b);
}

static void do_sleep(struct bench *b)
{
	struct device *dev = &b->nic->pdev->dev;

	dev->driver->pm->suspend(dev);
	dev->driver->pm->resume(dev);
}

/* A reset that does not end while the port is up */
static void stuck_reset(struct kunit *test)
{
	struct bench *b = bench_up(test);

	b->nic->lies.stuck_reset = true;
	bench_close(b);
	KUNIT_EXPECT_NE(test, bench_open(b), 0);
	b->nic->lies.stuck_reset = false;
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	bench_works(b);

	b->nic->lies.stuck_reset = true;
	do_sleep(b);
	bench_expect_no_link(b);
	b->nic->lies.stuck_reset = false;
	do_sleep(b);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	bench_works(b);
}

/* It is gone, or seems so, and everybody is told; a reset from outside finds it */
static void gone_link(struct kunit *test)
{
	struct bench *b = bench_up(test);

	b->nic->lies.gone = true;
	KUNIT_EXPECT_TRUE(test, bench_wait(!netif_device_present(b->netdev),
					   20000));
	bench_expect_no_link(b);
	b->nic->lies.gone = false;
	KUNIT_ASSERT_EQ(test, pci_reset_function(b->nic->pdev), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	bench_works(b);
}

/* --- it goes, at any access ---------------------------------------------- */

static void do_open(struct bench *b)
{
	bench_open(b);
	usleep_range(2000000, 2100000);
}

static void do_close(struct bench *b)
{
	bench_close(b);
}

static void do_mtu(struct bench *b)
{
	bench_set_mtu(b, 5000);
}

static void do_channels(struct bench *b)
{
	bench_channels(b, 2);
}

static void do_traffic(struct bench *b)
{
	struct flow flow = { UDP4, .len = 100 };
	int i;

	for (i = 0; i < 40; i++) {
		bench_send(b, build_skb_of(b, &flow, 1, 0, true));
		bench_inject(b, &flow);
		usleep_range(50, 60);
	}
	usleep_range(3000000, 3100000);
}

static void do_reset(struct bench *b)
{
	pci_reset_function(b->nic->pdev);
}

static void do_self_test(struct bench *b)
{
	struct ethtool_test t = { .flags = ETH_TEST_FL_OFFLINE };
	u64 failed[16];

	rtnl_lock();
	netdev_lock_ops(b->netdev);
	t.len = b->netdev->ethtool_ops->get_sset_count(b->netdev, ETH_SS_TEST);
	if (t.len <= ARRAY_SIZE(failed))
		b->netdev->ethtool_ops->self_test(b->netdev, &t, failed);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
}

static void do_nvm(struct bench *b)
{
	struct ethtool_eeprom ee = {
		.offset = 50, .len = 4,
		.magic = PCI_VENDOR_ID_INTEL | b->nic->chip->device << 16,
	};
	u8 data[4] = { 1, 2, 3, 4 };

	rtnl_lock();
	netdev_lock_ops(b->netdev);
	b->netdev->ethtool_ops->set_eeprom(b->netdev, &ee, data);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
}

struct gone_act {
	const char *name;
	void (*act)(struct bench *b);
	bool closed;
};

static const struct gone_act acts[] = {
	{ "probe" },
	{ "open", do_open, true },
	{ "close", do_close },
	{ "mtu", do_mtu },
	{ "channels", do_channels },
	{ "traffic", do_traffic },
	{ "sleep", do_sleep },
	{ "reset", do_reset },
	{ "self-test", do_self_test },
	{ "NVM", do_nvm },
};

static const void *gone_params(struct kunit *test, const void *prev, char *desc)
{
	return bench_each(prev, desc, acts, sizeof(*acts), ARRAY_SIZE(acts));
}

static void gone(struct kunit *test)
{
	const struct bench_param *param = test->param_value;
	const struct gone_act *act = &acts[param->arg];
	unsigned int at = 1, points = 0;
	bool reached = true;

	/* Each of the first accesses, then ever fewer of them */
	for (; reached; at += 1 + at / 8, points++) {
		struct bench *b = bench_new(test);

		if (!act->act)
			b->nic->lies.gone_at = at;
		bench_plug(b);
		if (act->act) {
			KUNIT_ASSERT_NOT_NULL(test, b->netdev);
			if (!act->closed) {
				KUNIT_ASSERT_EQ(test, bench_open(b), 0);
				KUNIT_ASSERT_TRUE(test, bench_link(b));
			}
			b->nic->lies.gone_at = at;
			act->act(b);
		}
		reached = b->nic->lies.gone;
		b->nic->lies.gone = true;
		bench_unplug(b);
		KUNIT_EXPECT_EQ_MSG(test, b->nic->n_maps, 0, "access %u", at);
	}
	kunit_info(test, "it went at %u of up to %u accesses", points, at);
}

static struct kunit_case lies_cases[] = {
	KUNIT_CASE_PARAM(descriptors, lie_params),
	KUNIT_CASE_PARAM(descriptors_jumbo, lie_params),
	KUNIT_CASE_PARAM(rest_of_frame, bench_chips),
	KUNIT_CASE_PARAM(beyond_ring, bench_chips),
	KUNIT_CASE_PARAM(storm, bench_modes),
	KUNIT_CASE_PARAM(other_cause, bench_modes),
	KUNIT_CASE_PARAM(link_flaps, bench_chips),
	KUNIT_CASE_PARAM(semaphores, bench_chips),
	KUNIT_CASE_PARAM(mdio, bench_chips),
	KUNIT_CASE_PARAM(probe_lies, bench_chips),
	KUNIT_CASE_PARAM(nvm_garbage, bench_chips),
	KUNIT_CASE_PARAM(stuck_queues, bench_82576),
	KUNIT_CASE_PARAM(stuck_reset, bench_chips),
	KUNIT_CASE_PARAM(gone_link, bench_chips),
	KUNIT_CASE_PARAM(gone, gone_params),
	{}
};

static struct kunit_suite lies_suite = {
	.name = "ignis_lies",
	.test_cases = lies_cases,
};

kunit_test_suite(lies_suite);
