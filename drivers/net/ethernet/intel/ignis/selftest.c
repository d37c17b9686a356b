// SPDX-License-Identifier: GPL-2.0-only
/*
 * ethtool -t.  The offline part stops the port as a hang would, works on the
 * chip alone, and starts it again with the same rings: it allocates nothing that
 * the port needs to run.
 */

#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/phy.h>

#include "ignis.h"

enum {
	TEST_REGISTERS,
	TEST_NVM,
	TEST_INTERRUPTS,
	TEST_LINK,
	TEST_PHY_LOOP,
	TEST_MAC_LOOP,		/* not all chips: last */
	TESTS
};

static const char ignis_test_names[TESTS][ETH_GSTRING_LEN] = {
	[TEST_REGISTERS]	= "Registers  (offline)",
	[TEST_NVM]		= "NVM checksum",
	[TEST_INTERRUPTS]	= "Interrupts (offline)",
	[TEST_LINK]		= "Link",
	[TEST_PHY_LOOP]		= "PHY loopback (offline)",
	[TEST_MAC_LOOP]		= "MAC loopback (offline)",
};

/* Registers that read back as written */
static const struct {
	u16 reg;
	u16 count;
	u16 stride;
	u32 mask;
} ignis_reg_tests[] = {
	{ IGNIS_FCAL, 1, 0, ~0u },
	{ IGNIS_FCAH, 1, 0, 0xffff },
	{ IGNIS_FCT, 1, 0, 0xffff },
	{ IGNIS_FCTTV, 1, 0, 0xffff },
	{ IGNIS_VET, 1, 0, 0xffff },
	{ IGNIS_RAL_LO(0), 16, 8, ~0u },
	{ IGNIS_RAL_LO(0) + 4, 16, 8, RAH_AV | 0xffff },
	{ IGNIS_MTA(0), MTA_REGS, 4, ~0u },
	{ IGNIS_VFTA(0), VFTA_REGS, 4, ~0u },
	{ IGNIS_RSSRK(0), IGNIS_RSS_KEY_SIZE / 4, 4, ~0u },
};

#define BASE_MASK	GENMASK(31, 7)	/* rings start at 128 bytes */
#define LEN_MASK	GENMASK(19, 7)

static bool ignis_test_reg(struct ignis *ig, u32 reg, u32 mask)
{
	static const u32 patterns[] = { 0x5a5a5a5a, 0xa5a5a5a5, 0, ~0u };
	u32 old = readl(ig->hw + reg), val;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		ignis_wr(ig, reg, patterns[i] & mask);
		/* All ones are what is expected here */
		val = readl(ig->hw + reg);
		if ((val ^ patterns[i]) & mask) {
			netdev_err(ig->netdev,
				   "register %#x: wrote %#x, read %#x\n", reg,
				   patterns[i] & mask, val & mask);
			break;
		}
	}
	ignis_wr(ig, reg, old);
	return i == ARRAY_SIZE(patterns);
}

static bool ignis_test_ring_regs(struct ignis *ig, u32 base)
{
	return ignis_test_reg(ig, base + Q_BAL, BASE_MASK) &&
	       ignis_test_reg(ig, base + Q_BAH, ~0u) &&
	       ignis_test_reg(ig, base + Q_LEN, LEN_MASK);
}

static bool ignis_test_registers(struct ignis *ig)
{
	unsigned int i, n;

	if (ignis_hw_init(ig))
		return false;

	for (i = 0; i < ARRAY_SIZE(ignis_reg_tests); i++)
		for (n = 0; n < ignis_reg_tests[i].count; n++)
			if (!ignis_test_reg(ig, ignis_reg_tests[i].reg +
						n * ignis_reg_tests[i].stride,
					    ignis_reg_tests[i].mask))
				return false;

	for (n = 0; n < ig->mac->max_queues; n++)
		if (!ignis_test_ring_regs(ig, ignis_rx_reg(ig, n, 0)) ||
		    !ignis_test_ring_regs(ig, ignis_tx_reg(ig, n, 0)))
			return false;
	return true;
}

/* Make the chip believe that @v's queues have something to tell */
static void ignis_trigger(struct ignis_vector *v)
{
	struct ignis *ig = v->ig;

	if (ig->irq_mode == IGNIS_MSIX)
		ignis_wr(ig, ig->mac->irq_set, v->unmask_bits);
	else
		ignis_wr(ig, IGNIS_ICS, ICR_RXT0);
	ignis_flush(ig);
}

/* Each vector in use: silent when masked, heard when not; NAPI is disabled */
static bool ignis_test_interrupts(struct ignis *ig)
{
	unsigned int i;
	u16 before, now;

	if (ignis_hw_init(ig))
		return false;

	for (i = 0; i < ig->cfg.channels; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		before = READ_ONCE(v->events);
		ignis_trigger(v);
		usleep_range(10000, 11000);
		if (READ_ONCE(v->events) != before) {
			netdev_err(ig->netdev,
				   "vector %u interrupts though masked\n", i);
			return false;
		}
		writel(v->unmask_bits, v->unmask);
		ignis_trigger(v);
		if (read_poll_timeout(READ_ONCE, now, now != before, 1000,
				      200 * USEC_PER_MSEC, false, v->events)) {
			netdev_err(ig->netdev, "vector %u is silent\n", i);
			return false;
		}
	}
	return true;
}

/* It may be on its way */
static bool ignis_test_link(struct ignis *ig)
{
	u32 status;

	return !read_poll_timeout(ignis_rd, status, status & STATUS_LU, 10000,
				  3 * USEC_PER_SEC, false, ig, IGNIS_STATUS);
}

#define LOOP_RING	64
#define LOOP_FRAMES	8
#define LOOP_BUF	2048

/* What the chip reads and writes in a loopback test */
struct ignis_loop {
	union ignis_tx_desc tx[LOOP_RING];
	union ignis_rx_desc rx[LOOP_RING];
	u8 out[LOOP_FRAMES][LOOP_BUF];
	u8 in[LOOP_FRAMES][LOOP_BUF];
};

static unsigned int ignis_loop_len(unsigned int i)
{
	return ETH_ZLEN + i * (ETH_FRAME_LEN - ETH_ZLEN) / (LOOP_FRAMES - 1);
}

static void ignis_loop_fill(struct ignis *ig, struct ignis_loop *loop,
			    dma_addr_t dma)
{
	unsigned int i, k;

	for (i = 0; i < LOOP_FRAMES; i++) {
		unsigned int len = ignis_loop_len(i);
		struct ethhdr *eth = (void *)loop->out[i];

		for (k = 0; k < len; k++)
			loop->out[i][k] = i + k * 7;
		ether_addr_copy(eth->h_dest, ig->netdev->dev_addr);
		ether_addr_copy(eth->h_source, ig->netdev->dev_addr);
		eth->h_proto = htons(ETH_P_LOOPBACK);

		loop->rx[i].read.pkt_addr =
			cpu_to_le64(dma + offsetof(struct ignis_loop, in[i]));
		loop->tx[i].read.addr =
			cpu_to_le64(dma + offsetof(struct ignis_loop, out[i]));
		loop->tx[i].read.cmd_type_len =
			cpu_to_le32(len | ig->mac->tx_data_cmd | TXD_DEXT |
				    TXD_EOP | TXD_IFCS | TXD_RS);
		if (ig->mac->tx_paylen)
			loop->tx[i].read.olinfo_status =
				cpu_to_le32(FIELD_PREP(TXD_ADV_PAYLEN, len));
	}
}

static bool ignis_loop_compare(struct ignis *ig, struct ignis_loop *loop)
{
	unsigned int i;

	for (i = 0; i < LOOP_FRAMES; i++) {
		u32 status = le32_to_cpu(READ_ONCE(loop->rx[i].wb.staterr));
		unsigned int len = ignis_loop_len(i);

		dma_rmb();
		if ((status & (RXD_DD | RXD_EOP | RXD_DAMAGED)) !=
		    (RXD_DD | RXD_EOP) ||
		    le16_to_cpu(loop->rx[i].wb.length) != len ||
		    memcmp(loop->in[i], loop->out[i], len)) {
			netdev_err(ig->netdev,
				   "loopback: frame %u of %u bytes, status %#x, %u bytes came\n",
				   i, len, status,
				   le16_to_cpu(loop->rx[i].wb.length));
			return false;
		}
	}
	return true;
}

/* Queue 0 sends frames to itself; what loops them back is set up already */
static bool ignis_loop_run(struct ignis *ig, struct ignis_loop *loop,
			   dma_addr_t dma)
{
	struct ignis_rx_ring rx = {
		.dma = dma + offsetof(struct ignis_loop, rx),
		.size = sizeof(loop->rx),
		.mask = LOOP_RING - 1,
		.buf_len = LOOP_BUF,
		.ntu = LOOP_FRAMES,
	};
	struct ignis_tx_ring tx = {
		.dma = dma + offsetof(struct ignis_loop, tx),
		.size = sizeof(loop->tx),
		.mask = LOOP_RING - 1,
	};
	u32 status;

	ignis_loop_fill(ig, loop, dma);
	ig->mac->set_max_frame(ig, ignis_max_frame(ETH_DATA_LEN));
	/* The frames shall come as they were sent */
	ignis_apply_features(ig, 0);
	ig->mac->rx_start(ig, &rx);
	ig->mac->tx_start(ig, &tx);
	ignis_rmw(ig, IGNIS_RCTL, 0, RCTL_RXEN);
	ignis_wr(ig, ignis_tx_reg(ig, 0, Q_TAIL), LOOP_FRAMES);

	read_poll_timeout(le32_to_cpu, status, status & RXD_DD, 1000,
			  200 * USEC_PER_MSEC, false,
			  READ_ONCE(loop->rx[LOOP_FRAMES - 1].wb.staterr));
	return ignis_loop_compare(ig, loop);
}

/* The MAC takes its speed from no negotiation, and there may be no cable */
static void ignis_loop_force(struct ignis *ig)
{
	u32 status;

	ignis_rmw(ig, IGNIS_CTRL, CTRL_SPD_SEL,
		  FIELD_PREP(CTRL_SPD_SEL, SPD_SEL_1000) | CTRL_FRCSPD |
		  CTRL_FRCDPX | CTRL_FD | CTRL_SLU);
	read_poll_timeout(ignis_rd, status, status & STATUS_LU, 10000,
			  USEC_PER_SEC, false, ig, IGNIS_STATUS);
}

static bool ignis_test_loopback(struct ignis *ig, bool in_mac)
{
	struct device *dev = &ig->pdev->dev;
	struct ignis_loop *loop;
	bool good = false;
	dma_addr_t dma;
	int bmcr;

	loop = dma_alloc_coherent(dev, sizeof(*loop), &dma, GFP_KERNEL);
	if (!loop)
		return false;
	if (ignis_hw_init(ig))
		goto out;

	bmcr = phy_read(ig->phy, MII_BMCR);
	if (bmcr < 0)
		goto out;
	/*
	 * The MAC's clock is the PHY's, which may be powered down.  QEMU's has
	 * no link after a reset before it has negotiated.
	 */
	phy_write(ig->phy, MII_BMCR, BMCR_ANENABLE | BMCR_ANRESTART);
	phy_write(ig->phy, MII_BMCR, BMCR_SPEED1000 | BMCR_FULLDPLX |
				     (in_mac ? 0 : BMCR_LOOPBACK));
	if (in_mac)
		ignis_rmw(ig, IGNIS_RCTL, RCTL_LBM,
			  FIELD_PREP(RCTL_LBM, LBM_MAC));
	ignis_loop_force(ig);
	good = ignis_loop_run(ig, loop, dma);

	/* Only after a reset does the chip let go of the memory */
	good &= !ignis_hw_init(ig);
	phy_write(ig->phy, MII_BMCR, bmcr);
out:
	dma_free_coherent(dev, sizeof(*loop), loop, dma);
	return good;
}

static void ignis_test_offline(struct ignis *ig, u64 *failed)
{
	failed[TEST_REGISTERS] = !ignis_test_registers(ig);
	failed[TEST_INTERRUPTS] = !ignis_test_interrupts(ig);
	failed[TEST_PHY_LOOP] = !ignis_test_loopback(ig, false);
	if (ig->mac->mac_loopback)
		failed[TEST_MAC_LOOP] = !ignis_test_loopback(ig, true);
}

/* Everything that stops or borrows the port's queues and vectors */
static void ignis_test_stopped(struct ignis *ig, u64 *failed)
{
	struct net_device *netdev = ig->netdev;
	bool running = netif_running(netdev);
	int i, err = 0;

	/* Counters would count what the tests do to the chip */
	netif_device_detach(netdev);
	if (running)
		ignis_halt(ig);
	else
		err = ignis_qset_open(ig);

	if (!err)
		ignis_test_offline(ig, failed);
	else
		for (i = 0; i < ignis_test_count(ig); i++)
			failed[i] |= i != TEST_NVM && i != TEST_LINK;

	if (running) {
		err = ignis_resume(ig);
	} else if (!err) {
		ignis_hw_release(ig);
		ignis_qset_close(ig);
	}
	if (err && running) {
		netdev_err(netdev, "the port did not come back: %d\n", err);
		ignis_give_up(ig);
		return;
	}

	ignis_attach(ig);
}

/**
 * ignis_test_count - number of self-tests
 * @ig: port
 *
 * Context: any.
 *
 * Return: strings and results of ETH_SS_TEST.
 */
unsigned int ignis_test_count(const struct ignis *ig)
{
	return ig->mac->mac_loopback ? TESTS : TEST_MAC_LOOP;
}

/**
 * ignis_test_strings - names of the self-tests
 * @ig: port
 * @data: filled in
 *
 * Context: process.
 */
void ignis_test_strings(const struct ignis *ig, u8 *data)
{
	memcpy(data, ignis_test_names, ignis_test_count(ig) * ETH_GSTRING_LEN);
}

/**
 * ignis_self_test - ethtool -t
 * @netdev: port
 * @test: flags
 * @failed: for each test, 1 if it failed
 *
 * Offline the link goes down, and what is in the rings is lost; settings stay.
 *
 * Context: process, RTNL.
 */
void ignis_self_test(struct net_device *netdev, struct ethtool_test *test,
		     u64 *failed)
{
	struct ignis *ig = netdev_priv(netdev);
	unsigned int i, n = ignis_test_count(ig);

	memset(failed, 0, n * sizeof(*failed));
	failed[TEST_NVM] = !ignis_nvm_valid(ig);
	failed[TEST_LINK] = netif_running(netdev) && !ignis_test_link(ig);
	if (test->flags & ETH_TEST_FL_OFFLINE)
		ignis_test_stopped(ig, failed);

	/* A device that went away has passed nothing */
	for (i = 0; i < n; i++) {
		failed[i] |= test_bit(IGNIS_GONE, &ig->flags);
		if (failed[i])
			test->flags |= ETH_TEST_FL_FAILED;
	}
}
