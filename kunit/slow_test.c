// SPDX-License-Identifier: GPL-2.0-only
/* NVM, PHY, counters, moderation, clock: what is not on the way of a packet */

#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/mii.h>
#include <linux/net.h>
#include <linux/net_tstamp.h>
#include <linux/rtnetlink.h>
#include <net/netdev_lock.h>
#include <net/sock.h>

#include "ignis.h"
#include "bench.h"

#define SECOND	1000000

static const struct ethtool_ops *ops(struct bench *b)
{
	return b->netdev->ethtool_ops;
}

/* --- NVM ---------------------------------------------------------------- */

static int eeprom(struct bench *b, bool set, u32 offset, u32 len, u8 *data)
{
	struct ethtool_eeprom ee = {
		.offset = offset, .len = len,
		.magic = PCI_VENDOR_ID_INTEL | b->nic->chip->device << 16,
	};
	int err;

	rtnl_lock();
	netdev_lock_ops(b->netdev);
	err = set ? ops(b)->set_eeprom(b->netdev, &ee, data) :
		    ops(b)->get_eeprom(b->netdev, &ee, data);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
	return err;
}

static void nvm_read(struct kunit *test)
{
	struct bench *b = bench_up(test);
	u32 len = ops(b)->get_eeprom_len(b->netdev), at, n;
	u8 *data = kunit_kzalloc(test, len, GFP_KERNEL);

	KUNIT_EXPECT_EQ(test, len, b->nic->chip->adv ? 64 << 6 : 64 << 3);
	KUNIT_ASSERT_EQ(test, eeprom(b, false, 0, len, data), 0);
	KUNIT_EXPECT_MEMEQ(test, data, (u8 *)b->nic->nvm, len);
	for (at = 0; at < 20; at++) {
		for (n = 1; n < 9; n++) {
			memset(data, 0, 16);
			KUNIT_ASSERT_EQ(test, eeprom(b, false, at, n, data), 0);
			KUNIT_EXPECT_MEMEQ(test, data,
					   (u8 *)b->nic->nvm + at, n);
		}
	}
	b->nic->lies.nvm_never = true;
	KUNIT_EXPECT_EQ(test, eeprom(b, false, 0, 2, data), -ETIMEDOUT);
	b->nic->lies.nvm_never = false;
	KUNIT_EXPECT_EQ(test, eeprom(b, false, 0, 2, data), 0);
}

static void write_nvm(struct kunit *test, struct bench *b)
{
	u16 *want = kunit_kzalloc(test, sizeof(b->nic->nvm), GFP_KERNEL);
	u8 data[16];
	u32 at, n, i;

	memcpy(want, b->nic->nvm, sizeof(b->nic->nvm));
	/* Around 256 an address has its ninth bit */
	for (at = 240; at < 260; at += 3) {
		for (n = 1; n < 6; n++) {
			for (i = 0; i < n; i++)
				data[i] = at * 3 + n * 17 + i;
			KUNIT_ASSERT_EQ(test, eeprom(b, true, at, n, data), 0);
			memcpy((u8 *)want + at, data, n);
			nic_nvm_checksum(want);
			KUNIT_EXPECT_MEMEQ(test, (u8 *)b->nic->nvm, (u8 *)want,
					   sizeof(b->nic->nvm));
		}
	}
	bench_works(b);
}

static void nvm_write(struct kunit *test)
{
	write_nvm(test, bench_up(test));
}

static void nvm_small(struct kunit *test)
{
	const struct bench_param *param = test->param_value;
	struct bench_param mine = *param;
	struct bench *b;

	mine.options.nvm_small = true;
	b = bench_param_new(test, &mine);
	KUNIT_ASSERT_EQ(test, bench_plug(b), 0);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	KUNIT_EXPECT_EQ(test, ops(b)->get_eeprom_len(b->netdev), 512);
	write_nvm(test, b);
}

/* What is written is in flash in the end; from one maker's, firmware must go */
static void nvm_flash(struct kunit *test)
{
	const struct bench_param *param = test->param_value;
	struct bench_param mine = *param;
	struct bench *b;
	u8 data[4];
	int i;

	mine.options.nvm_flash = true;
	b = bench_param_new(test, &mine);
	KUNIT_ASSERT_EQ(test, bench_plug(b), 0);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	KUNIT_EXPECT_EQ(test, ops(b)->get_eeprom_len(b->netdev), 4096);
	for (i = 0; i < 3; i++) {
		if (i == 2)
			*nic_reg(b->nic, IGNIS_FLOP) =
				FIELD_PREP(FLOP_ERASE, FLOP_ERASE_STM);
		memset(data, 0x11 * (i + 1), sizeof(data));
		KUNIT_ASSERT_EQ(test, eeprom(b, true, 50, sizeof(data), data),
				0);
		KUNIT_EXPECT_MEMEQ(test, (u8 *)b->nic->flash + 50, data,
				   sizeof(data));
		KUNIT_EXPECT_MEMEQ(test, b->nic->flash, b->nic->nvm,
				   sizeof(b->nic->nvm));
		KUNIT_EXPECT_EQ(test, *nic_reg(b->nic, IGNIS_HICR),
				i == 2 ? HICR_FW_RESET : 0);
	}
	bench_works(b);
}

/* It does not get done: for a while, and the checksum is right; for ever */
static void nvm_fails(struct kunit *test)
{
	struct bench *b = bench_up(test);
	u8 data[12] = "twelve bytes";
	u16 want[NVM_CHECKSUM + 1];

	if (b->nic->chip->adv) {
		memcpy(want, b->nic->nvm, sizeof(want));
		memcpy((u8 *)want + 50, data, 4);
		nic_nvm_checksum(want);
		b->nic->lies.nvm_slow_at = 2;
		KUNIT_EXPECT_EQ(test, eeprom(b, true, 50, sizeof(data), data),
				-ETIMEDOUT);
		KUNIT_EXPECT_MEMEQ(test, want, b->nic->nvm, sizeof(want));
		msleep(50);
	}
	b->nic->lies.nvm_busy = true;
	data[0] ^= 1;
	KUNIT_EXPECT_EQ(test, eeprom(b, true, 50, sizeof(data), data),
			-ETIMEDOUT);
	memset(&b->nic->lies, 0, sizeof(b->nic->lies));
	KUNIT_EXPECT_EQ(test, eeprom(b, true, 50, sizeof(data), data), 0);
	memcpy(want, b->nic->nvm, sizeof(want));
	KUNIT_EXPECT_MEMEQ(test, (u8 *)want + 50, data, sizeof(data));
	nic_nvm_checksum(want);
	KUNIT_EXPECT_MEMEQ(test, want, b->nic->nvm, sizeof(want));
	bench_works(b);
}

/* Whoever has the NVM keeps it; nothing is written */
static void nvm_busy(struct kunit *test)
{
	struct bench *b = bench_up(test);
	u8 data[2] = { 0xaa, 0x55 };

	b->nic->lies.nvm_no_grant = b->nic->chip->adv;
	b->nic->lies.stuck_mdio = !b->nic->chip->adv;
	KUNIT_EXPECT_EQ(test, eeprom(b, true, 50, 2, data), -EBUSY);
	KUNIT_EXPECT_EQ(test, b->nic->nvm_writes, 0);
	memset(&b->nic->lies, 0, sizeof(b->nic->lies));
	b->nic->lies.fw_sync = SW_FW_SYNC_NVM << SW_FW_SYNC_FW_SHIFT;
	KUNIT_EXPECT_EQ(test, eeprom(b, true, 50, 2, data),
			b->nic->chip->adv ? -EBUSY : 0);
	memset(&b->nic->lies, 0, sizeof(b->nic->lies));
	KUNIT_EXPECT_EQ(test, eeprom(b, true, 50, 2, data), 0);
	bench_works(b);
}

/* --- PHY ---------------------------------------------------------------- */

static int ksettings(struct bench *b, struct ethtool_link_ksettings *ks,
		     bool set)
{
	int err;

	memset(ks, 0, set ? 0 : sizeof(*ks));
	rtnl_lock();
	netdev_lock_ops(b->netdev);
	err = set ? ops(b)->set_link_ksettings(b->netdev, ks) :
		    ops(b)->get_link_ksettings(b->netdev, ks);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
	return err;
}

/* The link has what both ends can do */
static void speeds(struct kunit *test)
{
	static const struct {
		u16 partner, partner_1000;
		u32 speed, duplex;
	} ends[] = {
		{ ADVERTISE_ALL, LPA_1000FULL, 1000, DUPLEX_FULL },
		{ ADVERTISE_ALL, 0, 100, DUPLEX_FULL },
		{ ADVERTISE_100HALF | ADVERTISE_10FULL, 0, 100, DUPLEX_HALF },
		{ ADVERTISE_10FULL, 0, 10, DUPLEX_FULL },
		{ ADVERTISE_10HALF, 0, 10, DUPLEX_HALF },
	};
	struct bench *b = bench_up(test);
	struct ethtool_link_ksettings ks;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		nic_cable(b->nic, false);
		KUNIT_EXPECT_TRUE(test, bench_wait(!netif_carrier_ok(b->netdev),
						   1000));
		b->nic->partner = ends[i].partner | ADVERTISE_CSMA;
		b->nic->partner_1000 = ends[i].partner_1000;
		nic_cable(b->nic, true);
		KUNIT_ASSERT_TRUE(test, bench_link(b));
		KUNIT_ASSERT_EQ(test, ksettings(b, &ks, false), 0);
		KUNIT_EXPECT_EQ(test, ks.base.speed, ends[i].speed);
		KUNIT_EXPECT_EQ(test, ks.base.duplex, ends[i].duplex);
		bench_works(b);
	}
}

/* There is nothing to negotiate anew about a speed that is set */
static void forced(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct ethtool_link_ksettings ks;

	KUNIT_ASSERT_EQ(test, ksettings(b, &ks, false), 0);
	ks.base.autoneg = AUTONEG_DISABLE;
	ks.base.duplex = DUPLEX_HALF;
	KUNIT_EXPECT_EQ(test, ksettings(b, &ks, true), -EINVAL);
	ks.base.speed = SPEED_100;
	ks.base.duplex = DUPLEX_FULL;
	KUNIT_ASSERT_EQ(test, ksettings(b, &ks, true), 0);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, ops(b)->nway_reset(b->netdev), -EINVAL);
	rtnl_unlock();
	usleep_range(SECOND, SECOND + 1);
	KUNIT_EXPECT_EQ(test, phy_read(b->netdev->phydev, MII_BMCR) &
			(BMCR_ANENABLE | BMCR_SPEED100 | BMCR_SPEED1000),
			BMCR_SPEED100);
}

/* Pause frames as the ends agree on */
static void pause(struct kunit *test)
{
	static const struct {
		u16 partner;
		u32 ctrl;
	} ends[] = {
		{ ADVERTISE_PAUSE_CAP, CTRL_RFCE | CTRL_TFCE },
		{ 0, 0 },
		{ ADVERTISE_PAUSE_CAP | ADVERTISE_PAUSE_ASYM,
		  CTRL_RFCE | CTRL_TFCE },
	};
	struct bench *b = bench_up(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		nic_cable(b->nic, false);
		KUNIT_EXPECT_TRUE(test, bench_wait(!netif_carrier_ok(b->netdev),
						   1000));
		b->nic->partner = ADVERTISE_ALL | ADVERTISE_CSMA |
				  ends[i].partner;
		nic_cable(b->nic, true);
		KUNIT_ASSERT_TRUE(test, bench_link(b));
		usleep_range(10000, 11000);
		KUNIT_EXPECT_EQ(test, *nic_reg(b->nic, IGNIS_CTRL) &
				(CTRL_RFCE | CTRL_TFCE), ends[i].ctrl);
	}
}

/* --- counters ----------------------------------------------------------- */

/* The chip's counters stay at their highest value: they are read before */
static void counters(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct ethtool_eth_mac_stats mac = {};
	struct rtnl_link_stats64 s;
	unsigned long flags;
	u64 want = 0;
	int i;

	for (i = 0; i < 5; i++) {
		spin_lock_irqsave(&b->nic->lock, flags);
		nic_count(b->nic, IGNIS_MPRC, U32_MAX - i);
		nic_count(b->nic, IGNIS_GORCL, 0x123456789ULL);
		spin_unlock_irqrestore(&b->nic->lock, flags);
		want += U32_MAX - i;
		usleep_range(3 * SECOND, 3 * SECOND + 1);
		dev_get_stats(b->netdev, &s);
		KUNIT_EXPECT_EQ(test, s.multicast, want);
	}
	ops(b)->get_eth_mac_stats(b->netdev, &mac);
	KUNIT_EXPECT_EQ(test, mac.OctetsReceivedOK, 5 * 0x123456789ULL);
	/* And they outlive the queues */
	bench_close(b);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	dev_get_stats(b->netdev, &s);
	KUNIT_EXPECT_EQ(test, s.multicast, want);
}

/* What was sent and received is counted once, in frames and in bytes */
static void traffic_counted(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct flow flow = { UDP4 };
	struct rtnl_link_stats64 s;
	u64 bytes = 0;
	int i;

	for (i = 0; i < 100; i++) {
		flow.len = 100 + i;
		bytes += 42 + flow.len;
		bench_send(b, build_skb_of(b, &flow, 0, 0, true));
		bench_expect_sent(b, &flow);
		bench_inject(b, &flow);
		bench_expect_received(b, &flow, NULL);
	}
	usleep_range(10000, 11000);
	dev_get_stats(b->netdev, &s);
	KUNIT_EXPECT_EQ(test, s.tx_packets, 100);
	KUNIT_EXPECT_EQ(test, s.rx_packets, 100);
	KUNIT_EXPECT_EQ(test, s.tx_bytes, bytes);
	KUNIT_EXPECT_EQ(test, s.rx_bytes, bytes);
	KUNIT_EXPECT_EQ(test, s.rx_errors + s.tx_errors + s.rx_dropped +
			s.tx_dropped, 0);
}

/* --- moderation --------------------------------------------------------- */

static int moderate(struct bench *b, u32 usecs, bool adaptive)
{
	struct kernel_ethtool_coalesce kernel = {};
	struct netlink_ext_ack extack = {};
	struct ethtool_coalesce ec = {};
	int err;

	rtnl_lock();
	netdev_lock_ops(b->netdev);
	ops(b)->get_coalesce(b->netdev, &ec, &kernel, &extack);
	ec.rx_coalesce_usecs = usecs;
	ec.use_adaptive_rx_coalesce = adaptive;
	err = ops(b)->set_coalesce(b->netdev, &ec, &kernel, &extack);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
	return err;
}

static u64 interrupts(const struct bench *b)
{
	u64 n = 0;
	int i;

	for (i = 0; i < NIC_VECTORS; i++)
		n += b->nic->messages[i];
	return n;
}

/* @n frames, @each every @us */
static void flood(struct bench *b, const struct built *f, unsigned int n,
		  unsigned int each, unsigned int us)
{
	unsigned int i;

	for (i = 1; i <= n; i++) {
		nic_inject(b->nic, f->data, f->len);
		if (i % each == 0)
			usleep_range(us, us + 1);
		if (i % 1024 == 0)
			bench_drop_received(b);
	}
}

/* A frame every 10 us for 20 ms: as many interrupts as the interval allows */
static void interval(struct kunit *test)
{
	static const u32 usecs[] = { 0, 10, 50, 100, 250, 1000 };
	struct bench *b = bench_up(test);
	struct flow flow = { UDP4, .len = 60 };
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	unsigned int i;
	u64 n, took, start;

	build(f, &flow);
	for (i = 0; i < ARRAY_SIZE(usecs); i++) {
		KUNIT_ASSERT_EQ(test, moderate(b, usecs[i], false), 0);
		usleep_range(5000, 5001);
		n = interrupts(b);
		start = ktime_get_ns();
		flood(b, f, 2000, 1, 10);
		took = (ktime_get_ns() - start) / 1000;
		n = interrupts(b) - n;
		bench_drop_received(b);
		if (usecs[i] < 20) {
			KUNIT_EXPECT_GT(test, n, 1200);
			continue;
		}
		KUNIT_EXPECT_LE_MSG(test, n, took / usecs[i] + 2,
				    "%u us", usecs[i]);
		KUNIT_EXPECT_GE_MSG(test, n, took / usecs[i] * 4 / 5,
				    "%u us", usecs[i]);
	}
	KUNIT_EXPECT_NE(test, moderate(b, 100000, false), 0);
}

/* However rare interrupts have become, no ring fills up at line rate */
static void line_rate(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct flow flow = { UDP4, .len = 0 };
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct rtnl_link_stats64 s;
	u64 n;

	build(f, &flow);
	f->len = ETH_ZLEN;
	KUNIT_ASSERT_EQ(test, bench_channels(b, 1), 0);
	KUNIT_ASSERT_EQ(test, bench_rings(b, 512, 512), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	/* DIM looks for something better when there is more to do ... */
	flood(b, f, 1000, 1, 40);
	flood(b, f, 20000, 1, 10);
	n = interrupts(b);
	flood(b, f, 1000, 1, 10);
	/* ... and has seen that fewer interrupts do */
	KUNIT_EXPECT_LT(test, interrupts(b) - n, 200);
	usleep_range(1000, 1001);	/* the last of them */
	KUNIT_ASSERT_EQ(test, bench_rings(b, 64, 64), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));
	flood(b, f, 20000, 15, 10);
	bench_drop_received(b);
	usleep_range(3000000, 3100000);
	dev_get_stats(b->netdev, &s);
	KUNIT_EXPECT_EQ(test, s.rx_missed_errors, 0);
	KUNIT_EXPECT_EQ(test, s.rx_packets, 42000);
}

/* --- clock -------------------------------------------------------------- */

static s64 clock_ns(struct bench *b)
{
	struct ignis *ig = netdev_priv(b->netdev);
	struct timespec64 ts;

	ig->ptp.info.gettimex64(&ig->ptp.info, &ts, NULL);
	return timespec64_to_ns(&ts);
}

static void near(struct kunit *test, s64 a, s64 b, s64 by)
{
	s64 off = abs(a - b);

	KUNIT_EXPECT_LE_MSG(test, off, by, "%lld and %lld", a, b);
}

/* How far the clock has come in @us of the kernel's clock, less those */
static s64 drift(struct bench *b, unsigned int us)
{
	s64 clock = clock_ns(b), mono = ktime_get_ns();

	usleep_range(us, us + 1);
	return (clock_ns(b) - clock) - (s64)(ktime_get_ns() - mono);
}

static void clock(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct ignis *ig = netdev_priv(b->netdev);
	struct ptp_clock_info *info = &ig->ptp.info;
	struct timespec64 ts = { .tv_sec = 1000 };
	s64 before;

	near(test, clock_ns(b), ktime_get_real_ns(), 10 * NSEC_PER_MSEC);
	near(test, drift(b, SECOND), 0, 5000);

	before = clock_ns(b);
	info->adjtime(info, 5 * NSEC_PER_SEC);
	near(test, clock_ns(b) - before, 5 * NSEC_PER_SEC, 100000);
	info->adjtime(info, -7 * NSEC_PER_SEC);
	near(test, clock_ns(b) - before, -2 * (s64)NSEC_PER_SEC, 100000);
	info->settime64(info, &ts);
	near(test, clock_ns(b), 1000 * NSEC_PER_SEC, 100000);

	/* 65536 are 1 ppm */
	KUNIT_EXPECT_EQ(test, info->adjfine(info, 100 * 65536), 0);
	near(test, drift(b, SECOND), 100000, 6000);
	KUNIT_EXPECT_EQ(test, info->adjfine(info, -500 * 65536), 0);
	near(test, drift(b, SECOND), -500000, 6000);

	/* The time before a change has passed at the old frequency */
	before = clock_ns(b) - ktime_get_ns();
	usleep_range(SECOND, SECOND + 1);
	KUNIT_EXPECT_EQ(test, info->adjfine(info, 0), 0);
	near(test, clock_ns(b) - ktime_get_ns() - before, -500000, 6000);
	near(test, drift(b, 10 * SECOND), 0, 6000);
}

/* SYSTIM runs over in the middle of a second, and minutes pass unread */
static void clock_wrap(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct ignis *ig = netdev_priv(b->netdev);
	unsigned long flags;
	s64 before, mono;
	u64 now;

	spin_lock_irqsave(&ig->ptp.lock, flags);
	spin_lock(&b->nic->lock);
	now = nic_systim(b->nic);
	b->nic->systim_base = U64_MAX - 300 * NSEC_PER_MSEC;
	b->nic->systim_at = ktime_get_ns();
	/* As if it had always been there */
	ig->ptp.tc.cycle_last += b->nic->systim_base - now;
	spin_unlock(&b->nic->lock);
	spin_unlock_irqrestore(&ig->ptp.lock, flags);

	before = clock_ns(b);
	mono = ktime_get_ns();
	near(test, drift(b, SECOND), 0, 5000);
	near(test, drift(b, SECOND), 0, 5000);
	msleep(200 * 1000);
	near(test, clock_ns(b) - before, ktime_get_ns() - mono, 10000);
}

/* A change of rings, and a stop, are no reason for the time to jump */
static void clock_goes_on(struct kunit *test)
{
	struct bench *b = bench_up(test);
	s64 clock = clock_ns(b), mono = ktime_get_ns();
	int i;

	for (i = 0; i < 5; i++) {
		bench_close(b);
		usleep_range(SECOND, SECOND + 1);
		KUNIT_ASSERT_EQ(test, bench_open(b), 0);
		KUNIT_ASSERT_TRUE(test, bench_link(b));
	}
	near(test, clock_ns(b) - clock, ktime_get_ns() - mono,
	     5 * NSEC_PER_MSEC);
}

/* The clock's worker does not sleep: it is the first to see how long it was */
static void clock_sleeps(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct ignis *ig = netdev_priv(b->netdev);
	struct device *dev = &b->nic->pdev->dev;
	const struct dev_pm_ops *pm = dev->driver->pm;
	s64 clock = clock_ns(b), mono = ktime_get_ns();

	KUNIT_ASSERT_EQ(test, pm->suspend(dev), 0);
	ptp_cancel_worker_sync(ig->ptp.clock);
	msleep(200 * 1000);
	ptp_schedule_worker(ig->ptp.clock, 0);
	msleep(100);
	KUNIT_ASSERT_EQ(test, pm->resume(dev), 0);
	near(test, clock_ns(b) - clock, ktime_get_ns() - mono,
	     5 * NSEC_PER_MSEC);
}

/* A device that does not answer for a while: the system's clock stands in */
static void clock_gone(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct pci_dev *pdev = b->nic->pdev;
	const struct pci_error_handlers *handler =
		to_pci_driver(pdev->dev.driver)->err_handler;
	struct ignis *ig = netdev_priv(b->netdev);
	struct ptp_clock_info *info = &ig->ptp.info;
	s64 clock = clock_ns(b), mono = ktime_get_ns();
	struct timespec64 ts = { .tv_sec = 1000 };

	/* Nobody but the clock's worker finds out */
	bench_close(b);
	b->nic->lies.gone = true;
	msleep(25 * 1000);
	b->nic->lies.gone = false;
	KUNIT_ASSERT_EQ(test, pci_reset_function(pdev), 0);
	near(test, clock_ns(b) - clock, ktime_get_ns() - mono,
	     5 * NSEC_PER_MSEC);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(b));

	/* Who adjusts it does */
	b->nic->lies.gone = true;
	KUNIT_EXPECT_EQ(test, info->adjfine(info, 65536), -ENODEV);
	KUNIT_EXPECT_EQ(test, info->settime64(info, &ts), -ENODEV);
	KUNIT_EXPECT_TRUE(test, bench_wait(!netif_device_present(b->netdev),
					   20000));
	b->nic->lies.gone = false;
	KUNIT_ASSERT_EQ(test, pci_reset_function(pdev), 0);
	near(test, clock_ns(b) - clock, ktime_get_ns() - mono,
	     5 * NSEC_PER_MSEC);
	KUNIT_ASSERT_TRUE(test, bench_link(b));

	/* It takes minutes to recover, and the worker has ended */
	b->nic->lies.gone = true;
	KUNIT_ASSERT_EQ(test, handler->error_detected(pdev,
						      pci_channel_io_frozen),
			PCI_ERS_RESULT_NEED_RESET);
	msleep(200 * 1000);
	KUNIT_EXPECT_EQ(test, info->adjfine(info, 0), -ENODEV);
	b->nic->lies.gone = false;
	KUNIT_ASSERT_EQ(test, handler->slot_reset(pdev),
			PCI_ERS_RESULT_RECOVERED);
	handler->resume(pdev);
	near(test, clock_ns(b) - clock, ktime_get_ns() - mono,
	     5 * NSEC_PER_MSEC);
	near(test, drift(b, SECOND), 0, 6000);
}

static int stamp_filter(struct bench *b, int filter, bool tx)
{
	struct kernel_hwtstamp_config cfg = {
		.rx_filter = filter,
		.tx_type = tx ? HWTSTAMP_TX_ON : HWTSTAMP_TX_OFF,
	};
	int err;

	rtnl_lock();
	netdev_lock_ops(b->netdev);
	err = b->netdev->netdev_ops->ndo_hwtstamp_set(b->netdev, &cfg, NULL);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
	return err;
}

enum ptp_kind { PTP_L2_V2, PTP_L4_V2, PTP_L4_V1 };

/* Does the chip stamp messages of a type with a filter of the kernel's? */
static bool wants_stamp(int filter, enum ptp_kind kind, int type)
{
	switch (filter) {
	case HWTSTAMP_FILTER_PTP_V1_L4_SYNC:
		return kind == PTP_L4_V1 && !type;
	case HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ:
		return kind == PTP_L4_V1 && type == 1;
	case HWTSTAMP_FILTER_PTP_V2_L2_SYNC:
		return kind == PTP_L2_V2 && !type;
	case HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ:
		return kind == PTP_L2_V2 && type == 1;
	case HWTSTAMP_FILTER_PTP_V2_L4_SYNC:
	case HWTSTAMP_FILTER_PTP_V2_SYNC:
		return !type;
	case HWTSTAMP_FILTER_PTP_V2_L4_DELAY_REQ:
	case HWTSTAMP_FILTER_PTP_V2_DELAY_REQ:
		return type == 1;
	}
	return type < 8;
}

static bool is_v1(enum ptp_kind kind)
{
	return kind == PTP_L4_V1;
}

static void build_ptp(struct built *f, enum ptp_kind kind, int type)
{
	static const struct flow udp = {
		.src = 2, .dst = 1, .proto = IPPROTO_UDP, .len = 60,
		.sport = 319, .dport = 319,
	};
	static const struct flow l2 = { .etype = ETH_P_1588, .len = 60 };
	u8 *ptp;

	build(f, kind == PTP_L2_V2 ? &l2 : &udp);
	ptp = f->data + f->payload;
	memset(ptp, 0, 60);
	if (is_v1(kind)) {
		ptp[1] = 1;
		ptp[32] = type;
	} else {
		ptp[0] = type;
		ptp[1] = 2;
		ptp[32] = 5;
	}
	/* UDP without a sum */
	if (kind != PTP_L2_V2)
		memset(f->data + f->l4 + 6, 0, 2);
}

/* A PTP message over Ethernet, of version 2 */
static void inject_ptp(struct bench *b, u8 type)
{
	struct built *f = kunit_kzalloc(b->test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(b->test, f);
	build_ptp(f, PTP_L2_V2, type);
	nic_inject(b->nic, f->data, f->len);
	kunit_kfree(b->test, f);
}

static void stamp_filters(struct kunit *test)
{
	static const int filters[] = {
		HWTSTAMP_FILTER_PTP_V1_L4_SYNC,
		HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ,
		HWTSTAMP_FILTER_PTP_V2_L2_EVENT,
		HWTSTAMP_FILTER_PTP_V2_L2_SYNC,
		HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ,
		HWTSTAMP_FILTER_PTP_V2_L4_EVENT,
		HWTSTAMP_FILTER_PTP_V2_L4_SYNC,
		HWTSTAMP_FILTER_PTP_V2_L4_DELAY_REQ,
		HWTSTAMP_FILTER_PTP_V2_EVENT,
		HWTSTAMP_FILTER_PTP_V2_SYNC,
		HWTSTAMP_FILTER_PTP_V2_DELAY_REQ,
	};
	struct bench *b = bench_up(test);
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct sk_buff *skb;
	unsigned int i, kind;
	s64 before, stamp;
	int type;

	KUNIT_ASSERT_NOT_NULL(test, f);
	for (i = 0; i < ARRAY_SIZE(filters); i++) {
		bool v1 = filters[i] == HWTSTAMP_FILTER_PTP_V1_L4_SYNC ||
			  filters[i] == HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ;

		KUNIT_ASSERT_EQ(test, stamp_filter(b, filters[i], false), 0);
		for (kind = PTP_L2_V2; kind <= PTP_L4_V1; kind++) {
			/* The chip cannot tell versions apart */
			if (v1 != is_v1(kind))
				continue;
			for (type = 0; type < 16; type++) {
				build_ptp(f, kind, type);
				before = clock_ns(b);
				nic_inject(b->nic, f->data, f->len);
				skb = bench_received(b);
				KUNIT_ASSERT_NOT_NULL(test, skb);
				stamp = skb_hwtstamps(skb)->hwtstamp;
				kfree_skb(skb);
				KUNIT_EXPECT_EQ_MSG(test, !!stamp,
						    wants_stamp(filters[i],
								kind, type),
						    "filter %d kind %u type %d",
						    filters[i], kind, type);
				if (stamp)
					near(test, stamp, before, 50000);
			}
		}
	}
}

/* A message while the latch is full has no stamp, and the next one has */
static void stamp_latch(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct sk_buff *skb;
	unsigned long flags;
	s64 before;
	int i, k;

	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_ASSERT_EQ(test, stamp_filter(b, HWTSTAMP_FILTER_PTP_V2_EVENT,
					   false), 0);
	build_ptp(f, PTP_L4_V2, 0);
	for (i = 0; i < 5; i++) {
		before = clock_ns(b);
		spin_lock_irqsave(&b->nic->lock, flags);
		for (k = 0; k < 2; k++)
			nic_rx_wire(b->nic, f->data, f->len, false);
		nic_arm(b->nic, 0);
		spin_unlock_irqrestore(&b->nic->lock, flags);
		KUNIT_ASSERT_NOT_NULL(test, skb = bench_received(b));
		near(test, skb_hwtstamps(skb)->hwtstamp, before, 50000);
		kfree_skb(skb);
		KUNIT_ASSERT_NOT_NULL(test, skb = bench_received(b));
		KUNIT_EXPECT_EQ(test, skb_hwtstamps(skb)->hwtstamp, 0);
		kfree_skb(skb);
	}
}

static struct sk_buff *to_be_stamped(struct bench *b, const struct flow *flow,
				     struct sock *sk)
{
	struct sk_buff *skb = build_skb_of(b, flow, 0, 0, true);

	skb_set_owner_w(skb, sk);
	skb_shinfo(skb)->tx_flags |= SKBTX_HW_TSTAMP;
	return skb;
}

/* Frames that are sent: who asked for it is told when */
static void stamp_sent(struct kunit *test)
{
	static const struct flow flows[] = {
		{ .etype = ETH_P_1588, .len = 60 }, { UDP4, .len = 60 },
		{ UDP6, .len = 60 }, { TCP4, .len = 900, TAG(7) },
	};
	struct bench *b = bench_up(test);
	struct socket *sock;
	struct sk_buff *skb;
	unsigned int i, on;
	s64 before;

	KUNIT_ASSERT_EQ(test, sock_create_kern(&init_net, PF_INET, SOCK_DGRAM,
					       0, &sock), 0);
	for (on = 0; on < 2; on++) {
		KUNIT_ASSERT_EQ(test, stamp_filter(b, HWTSTAMP_FILTER_NONE, on),
				0);
		for (i = 0; i < ARRAY_SIZE(flows); i++) {
			/* One that is not sent has none, nor keeps the latch */
			skb = to_be_stamped(b, &flows[i], sock->sk);
			b->nic->lies.map_fails_at = 1;
			bench_send(b, skb);
			usleep_range(20000, 21000);
			skb = skb_dequeue(&sock->sk->sk_error_queue);
			KUNIT_EXPECT_NULL(test, skb);

			skb = to_be_stamped(b, &flows[i], sock->sk);
			before = clock_ns(b);
			KUNIT_EXPECT_EQ(test, bench_send(b, skb), 0);
			bench_expect_sent(b, &flows[i]);
			usleep_range(20000, 21000);
			skb = skb_dequeue(&sock->sk->sk_error_queue);
			KUNIT_EXPECT_EQ(test, !!skb, on);
			if (!skb)
				continue;
			near(test, skb_hwtstamps(skb)->hwtstamp, before, 50000);
			kfree_skb(skb);
		}
	}
	sock_release(sock);
}

static void stamps(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct flow flow = { UDP4, .len = 100 };
	struct sk_buff *skb;
	s64 before;
	int type;

	/* None asked for, none given */
	inject_ptp(b, 0);
	KUNIT_ASSERT_NOT_NULL(test, skb = bench_received(b));
	KUNIT_EXPECT_EQ(test, skb_hwtstamps(skb)->hwtstamp, 0);
	kfree_skb(skb);

	KUNIT_ASSERT_EQ(test, stamp_filter(b, HWTSTAMP_FILTER_PTP_V2_EVENT,
					   false), 0);
	for (type = 0; type < 16; type++) {
		before = clock_ns(b);
		inject_ptp(b, type);
		KUNIT_ASSERT_NOT_NULL(test, skb = bench_received(b));
		if (type < 8)
			near(test, skb_hwtstamps(skb)->hwtstamp, before,
			     50000);
		else
			KUNIT_EXPECT_EQ(test, skb_hwtstamps(skb)->hwtstamp, 0);
		kfree_skb(skb);
	}
	bench_inject(b, &flow);
	KUNIT_ASSERT_NOT_NULL(test, skb = bench_received(b));
	KUNIT_EXPECT_EQ(test, skb_hwtstamps(skb)->hwtstamp, 0);
	kfree_skb(skb);

	KUNIT_EXPECT_EQ(test, stamp_filter(b, HWTSTAMP_FILTER_ALL, false),
			b->nic->chip->adv ? -ERANGE : 0);
	if (!b->nic->chip->adv) {
		before = clock_ns(b);
		bench_inject(b, &flow);
		KUNIT_ASSERT_NOT_NULL(test, skb = bench_received(b));
		near(test, skb_hwtstamps(skb)->hwtstamp, before, 50000);
		kfree_skb(skb);
	}
}

/* --- self-test ---------------------------------------------------------- */

static void self_test(struct kunit *test)
{
	struct bench *b = bench_up(test);
	unsigned int n = ops(b)->get_sset_count(b->netdev, ETH_SS_TEST), i;
	u64 *failed = kunit_kcalloc(test, n, sizeof(*failed), GFP_KERNEL);
	struct ethtool_test t = { .flags = ETH_TEST_FL_OFFLINE, .len = n };

	rtnl_lock();
	netdev_lock_ops(b->netdev);
	ops(b)->self_test(b->netdev, &t, failed);
	netdev_unlock_ops(b->netdev);
	rtnl_unlock();
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ_MSG(test, failed[i], 0, "part %u", i);
	KUNIT_EXPECT_FALSE(test, t.flags & ETH_TEST_FL_FAILED);
	bench_works(b);
}

static struct kunit_case slow_cases[] = {
	KUNIT_CASE_PARAM(nvm_read, bench_chips),
	KUNIT_CASE_PARAM(nvm_write, bench_chips),
	KUNIT_CASE_PARAM(nvm_small, bench_82576),
	KUNIT_CASE_PARAM(nvm_flash, bench_82574),
	KUNIT_CASE_PARAM(nvm_fails, bench_chips),
	KUNIT_CASE_PARAM(nvm_busy, bench_chips),
	KUNIT_CASE_PARAM(speeds, bench_chips),
	KUNIT_CASE_PARAM(forced, bench_chips),
	KUNIT_CASE_PARAM(pause, bench_chips),
	KUNIT_CASE_PARAM(counters, bench_chips),
	KUNIT_CASE_PARAM(traffic_counted, bench_chips),
	KUNIT_CASE_PARAM(interval, bench_modes),
	KUNIT_CASE_PARAM(line_rate, bench_chips),
	KUNIT_CASE_PARAM(clock, bench_chips),
	KUNIT_CASE_PARAM(clock_wrap, bench_chips),
	KUNIT_CASE_PARAM(clock_goes_on, bench_chips),
	KUNIT_CASE_PARAM(clock_sleeps, bench_chips),
	KUNIT_CASE_PARAM(clock_gone, bench_chips),
	KUNIT_CASE_PARAM(stamps, bench_chips),
	KUNIT_CASE_PARAM(stamp_filters, bench_chips),
	KUNIT_CASE_PARAM(stamp_latch, bench_chips),
	KUNIT_CASE_PARAM(stamp_sent, bench_chips),
	KUNIT_CASE_PARAM(self_test, bench_chips),
	{}
};

static struct kunit_suite slow_suite = {
	.name = "ignis_slow",
	.test_cases = slow_cases,
};

kunit_test_suite(slow_suite);
