// SPDX-License-Identifier: GPL-2.0-only
/*
 * 82574L: what differs by silicon.  Documentation/hardware.rst lists the errata
 * and which of them could be exercised.
 */

#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/ptp_classify.h>

#include "ignis.h"

/* 9234 bytes are the longest frame, FCS and VLAN tag included */
#define MAX_MTU		(9234 - ETH_HLEN - VLAN_HLEN - ETH_FCS_LEN)
#define RAR_ENTRIES	16
#define RETA_ENTRIES	128
#define RETA_QUEUE	7	/* the bit that says which queue */

/*
 * Of 40 KiB the receiver gets half, which is two of the longest frames, and so
 * does the transmitter, which reads a frame whole before it sends it.
 */
#define RX_FIFO_KB	20

/* For copper */
#define TIPG_DEFAULT	(8 | 8 << 10 | 6 << 20)

#define ITR_NS		256
#define OTHER_USECS	1000	/* overruns make causes that are no queue's too */
#define ALL_BITS	(~0u)

#define CLOCK_TICK	40
#define CLOCK_TRIES	5
#define CLOCK_APART	(100 * NSEC_PER_USEC)

#define OTHER_CAUSES	(ICR_OTHER | ICR_LSC)
#define QUEUE_CAUSES	(ICR_RXQ(0) | ICR_RXQ(1) | ICR_TXQ(0) | ICR_TXQ(1))

static const struct ignis_regs ignis_82574_regs[] = {
	{ IGNIS_CTRL, 1 },
	{ IGNIS_STATUS, 1 },
	{ IGNIS_EECD, 1 },
	{ IGNIS_CTRL_EXT, 1 },
	{ IGNIS_MDIC, 1 },
	{ IGNIS_FCAL, 3 },		/* FCAL, FCAH, FCT */
	{ IGNIS_VET, 1 },
	{ IGNIS_ITR, 1 },
	{ IGNIS_IMS, 1 },
	{ IGNIS_EIAC_82574, 5 },	/* EIAC, IAM, IVAR, EITR 0 and 1 */
	{ IGNIS_EITR_82574(2), 1 },
	{ IGNIS_RCTL, 1 },
	{ IGNIS_FCTTV, 1 },
	{ IGNIS_TCTL, 1 },
	{ IGNIS_TIPG, 1 },
	{ IGNIS_EXTCNF_CTRL, 1 },
	{ IGNIS_PBA, 1 },
	{ IGNIS_FCRTL, 1 },
	{ IGNIS_FCRTH, 1 },
	{ IGNIS_RXCSUM, 1 },
	{ IGNIS_RFCTL, 1 },
	{ IGNIS_MTA(0), MTA_REGS },
	{ IGNIS_RAL_LO(0), 2 * RAR_ENTRIES },
	{ IGNIS_VFTA(0), VFTA_REGS },
	{ IGNIS_MRQC, 1 },
	{ IGNIS_GCR, 1 },
	{ IGNIS_RETA(0), RETA_ENTRIES / 4 },
	{ IGNIS_RXQ_82574 + Q_BAL, 3, true },	/* RDBAL, RDBAH, RDLEN */
	{ IGNIS_RXQ_82574 + Q_HEAD, 1, true },
	{ IGNIS_RXQ_82574 + Q_TAIL, 1, true },
	{ IGNIS_RXQ_82574 + Q_DCTL, 1, true },
	{ IGNIS_TXQ_82574 + Q_BAL, 3, true },	/* TDBAL, TDBAH, TDLEN */
	{ IGNIS_TXQ_82574 + Q_HEAD, 1, true },
	{ IGNIS_TXQ_82574 + Q_TAIL, 1, true },
	{ IGNIS_TXQ_82574 + Q_DCTL, 1, true },
	{ IGNIS_TXQ_82574 + Q_TARC, 1, true },
	{ IGNIS_TIMINCA, 1 },
	{ IGNIS_TSYNCTXCTL, 1 },
	{ IGNIS_TSYNCRXCTL, 1 },
	{ IGNIS_RXMTRL, 2 },		/* RXMTRL, RXUDP */
};

static void ignis_82574_irq_disable(struct ignis *ig)
{
	ignis_wr(ig, IGNIS_IMC, ALL_BITS);
	ignis_wr(ig, IGNIS_EIAC_82574, 0);
	ignis_wr(ig, IGNIS_IAM, 0);
	ignis_flush(ig);
}

/* The bit reads back only when firmware has let go of the PHY */
static int ignis_82574_phy_lock(struct ignis *ig)
{
	int tries;

	for (tries = 20; tries; tries--) {
		ignis_rmw(ig, IGNIS_EXTCNF_CTRL, 0, EXTCNF_MDIO_SW);
		if (ignis_rd(ig, IGNIS_EXTCNF_CTRL) & EXTCNF_MDIO_SW)
			return 0;
		usleep_range(2000, 4000);
	}
	/* Not to be granted later */
	ignis_rmw(ig, IGNIS_EXTCNF_CTRL, EXTCNF_MDIO_SW, 0);
	return -EBUSY;
}

static void ignis_82574_phy_unlock(struct ignis *ig)
{
	ignis_rmw(ig, IGNIS_EXTCNF_CTRL, EXTCNF_MDIO_SW, 0);
}

/* MDIO and NVM have one owner bit for both */
static int ignis_82574_nvm_lock(struct ignis *ig)
{
	int err;

	mutex_lock(&ig->mii->mdio_lock);
	err = ignis_82574_phy_lock(ig);
	if (err)
		mutex_unlock(&ig->mii->mdio_lock);
	return err;
}

static void ignis_82574_nvm_unlock(struct ignis *ig)
{
	ignis_82574_phy_unlock(ig);
	mutex_unlock(&ig->mii->mdio_lock);
}

static int ignis_82574_nvm_write(struct ignis *ig, u16 offset, u16 data)
{
	u32 val;

	/* Or the chip copies to the flash by itself, half of what is to come */
	ignis_rmw(ig, IGNIS_EECD, EECD_AUPDEN, 0);
	ignis_wr(ig, IGNIS_EEWR, FIELD_PREP(EERD_DATA, data) |
				 FIELD_PREP(EERD_ADDR, offset) | EERD_START);
	return read_poll_timeout(ignis_rd, val, val & EERD_DONE, 5,
				 500 * USEC_PER_MSEC, false, ig, IGNIS_EEWR);
}

static int ignis_82574_flash_idle(struct ignis *ig)
{
	u32 val;

	return read_poll_timeout(ignis_rd, val, !(val & EECD_FLUPD), 1000,
				 4 * USEC_PER_SEC, false, ig, IGNIS_EECD);
}

/* What is written goes to a shadow RAM if the NVM is flash, then on from there */
static int ignis_82574_nvm_commit(struct ignis *ig)
{
	u32 eecd = ignis_rd(ig, IGNIS_EECD);
	int err;

	if ((eecd & EECD_NVADDS_FLASH) != EECD_NVADDS_FLASH)
		return 0;

	err = ignis_82574_flash_idle(ig);
	if (err)
		return err;

	/* With such a part firmware must let go of it first */
	if (FIELD_GET(FLOP_ERASE, ignis_rd(ig, IGNIS_FLOP)) == FLOP_ERASE_STM) {
		ignis_wr(ig, IGNIS_HICR, HICR_FW_RESET_EN);
		ignis_flush(ig);
		ignis_wr(ig, IGNIS_HICR, HICR_FW_RESET);
	}
	ignis_rmw(ig, IGNIS_EECD, 0, EECD_FLUPD);
	return ignis_82574_flash_idle(ig);
}

/*
 * Quiesce PCIe requests, then software reset.  The receiver must not be
 * switched off but for this, nor the PHY be in use by firmware meanwhile.
 * On silicon the PHY is not reset.
 */
static int ignis_82574_reset(struct ignis *ig)
{
	bool locked;
	int err;

	ignis_82574_irq_disable(ig);
	ignis_stop_master(ig);
	ignis_rmw(ig, IGNIS_RCTL, ~0u, 0);
	ignis_wr(ig, IGNIS_TCTL, TCTL_PSP);
	ignis_flush(ig);
	usleep_range(10000, 11000);

	/* Takes effect with the reset */
	ignis_wr(ig, IGNIS_PBA, FIELD_PREP(PBA_RXA, RX_FIFO_KB));

	locked = !ignis_82574_phy_lock(ig);
	err = ignis_soft_reset(ig);
	if (locked)
		ignis_82574_phy_unlock(ig);
	if (err)
		return err;

	/* Only now does the NVM's configuration go to the PHY */
	usleep_range(25000, 26000);

	ignis_82574_irq_disable(ig);
	ignis_rd(ig, IGNIS_ICR);
	return 0;
}

/* Bits that must not stay as the reset leaves them; hardware.rst, Errata */
static void ignis_82574_init_bits(struct ignis *ig)
{
	u32 q;

	/* Unreliable PCIe completions and, of early parts, hangs */
	ignis_rmw(ig, IGNIS_GCR, 0, GCR_82574_COMPLETION);
	ignis_rmw(ig, IGNIS_GCR2, 0, GCR2_82574_TX_HANG);
	ignis_rmw(ig, IGNIS_GCR, 0, GCR_L1_WITHOUT_L0S_RX);
	ignis_rmw(ig, IGNIS_CTRL, CTRL_82574_MUST_CLEAR, 0);
	ignis_rmw(ig, IGNIS_CTRL_EXT, CTRL_EXT_82574_MUST_CLEAR,
		  CTRL_EXT_82574_MUST_SET);
	ignis_rmw(ig, ignis_tx_reg(ig, 0, Q_TARC), TARC_MUST_CLEAR,
		  TARC_MUST_SET);

	/*
	 * Both queues must have the same thresholds, used or not.  With 1 for
	 * writing back nothing waits in the chip.
	 */
	for (q = 0; q < 2; q++)
		ignis_wr(ig, ignis_tx_reg(ig, q, Q_DCTL),
			 FIELD_PREP(TXDCTL_PTHRESH, 31) |
			 FIELD_PREP(TXDCTL_HTHRESH, 1) |
			 FIELD_PREP(TXDCTL_WTHRESH, 1) |
			 DCTL_COUNT_DESC | DCTL_GRAN);

	/*
	 * RSS and checksums want extended descriptors.  Acknowledge detection
	 * makes interrupts nobody asked for with MSI-X.
	 */
	ignis_rmw(ig, IGNIS_RFCTL, 0, RFCTL_EXTEN | RFCTL_ACK_DIS);
}

static void ignis_82574_init(struct ignis *ig)
{
	u32 high;

	ignis_82574_init_bits(ig);

	/* Ask for silence while there is still room for the longest frame */
	high = round_down(RX_FIFO_KB * 1024 - ignis_max_frame(MAX_MTU), 8);
	ignis_wr(ig, IGNIS_FCRTH, high);
	ignis_wr(ig, IGNIS_FCRTL, (high - 8) | FCRTL_XONE);

	ignis_wr(ig, IGNIS_TIPG, TIPG_DEFAULT);
	ignis_wr(ig, IGNIS_TCTL, TCTL_EN | TCTL_PSP | TCTL_RTLC |
				 FIELD_PREP(TCTL_CT, 15) |
				 FIELD_PREP(TCTL_COLD, 63));
	/* RXEN follows when the queues are set up */
	ignis_rmw(ig, IGNIS_RCTL, ALL_BITS, RCTL_BAM | RCTL_SECRC | RCTL_VFE);
}

/* Causes of queues are bits of ICR; IVAR gives each its vector */
static void ignis_82574_irq_setup(struct ignis *ig)
{
	u32 queues = 0, ivar = IVAR_82574_OTHER(IGNIS_OTHER_VECTOR);
	unsigned int i, n = ig->cfg.channels;

	ignis_82574_irq_disable(ig);

	for (i = 0; i < ig->max_channels; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		v->unmask = ig->hw + IGNIS_IMS;
		if (ig->irq_mode != IGNIS_MSIX) {
			v->unmask_bits = ICR_TXDW | ICR_RXDMT0 | ICR_RXO |
					 ICR_RXT0;
			continue;
		}
		v->unmask_bits = ICR_RXQ(i) | ICR_TXQ(i);
		if (i < n) {
			queues |= v->unmask_bits;
			ivar |= IVAR_82574_RX(i, IGNIS_QUEUE_VECTOR(i)) |
				IVAR_82574_TX(i, IGNIS_QUEUE_VECTOR(i));
		}
	}
	if (ig->irq_mode != IGNIS_MSIX)
		return;

	ignis_wr(ig, IGNIS_EITR_82574(IGNIS_OTHER_VECTOR),
		 OTHER_USECS * NSEC_PER_USEC / ITR_NS);
	ignis_wr(ig, IGNIS_IVAR_82574, ivar);
	ignis_rmw(ig, IGNIS_CTRL_EXT, CTRL_EXT_IAME,
		  CTRL_EXT_EIAME | CTRL_EXT_PBA_CLR);
	/* EIAC acknowledges a queue's causes when its message goes, IAM masks */
	ignis_wr(ig, IGNIS_EIAC_82574, queues);
	ignis_wr(ig, IGNIS_IAM, queues);
}

static void ignis_82574_irq_enable(struct ignis *ig)
{
	ignis_wr(ig, IGNIS_IMS, ig->irq_mode == IGNIS_MSIX ? OTHER_CAUSES :
							     ICR_LSC);
}

/* To read ICR takes the queues' causes away too: give them back */
static u32 ignis_82574_other_causes(struct ignis *ig)
{
	u32 icr = ignis_rd(ig, IGNIS_ICR);

	if (icr != ALL_BITS && (icr & QUEUE_CAUSES))
		ignis_wr(ig, IGNIS_ICS, icr & QUEUE_CAUSES);
	return icr;
}

static void ignis_82574_write_itr(struct ignis_vector *v, u32 usecs)
{
	u32 reg = v->ig->irq_mode == IGNIS_MSIX ?
		  IGNIS_EITR_82574(IGNIS_QUEUE_VECTOR(v->index)) : IGNIS_ITR;

	ignis_wr(v->ig, reg, usecs * NSEC_PER_USEC / ITR_NS);
}

/* There are but two limits: 1522 bytes, or what the FIFO can hold. */
static void ignis_82574_set_max_frame(struct ignis *ig, unsigned int bytes)
{
	ignis_rmw(ig, IGNIS_RCTL, RCTL_LPE,
		  bytes > ignis_max_frame(ETH_DATA_LEN) ? RCTL_LPE : 0);
}

/* The chip may hang when the receiver is stopped: ignis_mac.reset_to_swap */
static int ignis_82574_queue_stop(struct ignis *ig, u16 q)
{
	return 0;
}

static void ignis_82574_queue_start(struct ignis *ig, u32 base, dma_addr_t dma,
				    size_t size)
{
	ignis_wr(ig, base + Q_BAL, lower_32_bits(dma));
	ignis_wr(ig, base + Q_BAH, upper_32_bits(dma));
	ignis_wr(ig, base + Q_LEN, size);
	ignis_wr(ig, base + Q_HEAD, 0);
	ignis_wr(ig, base + Q_TAIL, 0);
}

/* Both queues have one buffer size, that of the smaller buffers: one_buf_len */
static u32 ignis_82574_buf_len(const struct ignis *ig,
			       const struct ignis_rx_ring *ring)
{
	/* A self-test has one of its own, and nothing else runs */
	if (ring != ig->vectors[ring->queue].rx || ig->cfg.channels == 1)
		return ring->buf_len;
	return min(ig->vectors[0].rx->buf_len, ig->vectors[1].rx->buf_len);
}

static void ignis_82574_rx_start(struct ignis *ig,
				 const struct ignis_rx_ring *ring)
{
	u32 kib = DIV_ROUND_UP(ignis_82574_buf_len(ig, ring), 1024);
	u32 base = ignis_rx_reg(ig, ring->queue, 0);

	ignis_82574_queue_start(ig, base, ring->dma, ring->size);
	ignis_rmw(ig, IGNIS_RCTL, RCTL_FLXBUF, FIELD_PREP(RCTL_FLXBUF, kib));
	/* Write back each descriptor at once: NAPI and EITR do the batching */
	ignis_wr(ig, base + Q_DCTL, FIELD_PREP(RXDCTL_PTHRESH, 16) |
				    FIELD_PREP(RXDCTL_HTHRESH, 4) |
				    FIELD_PREP(RXDCTL_WTHRESH, 1) | DCTL_GRAN);
	ignis_wr(ig, base + Q_TAIL, ring->ntu & ring->mask);
}

static void ignis_82574_tx_start(struct ignis *ig,
				 const struct ignis_tx_ring *ring)
{
	u32 base = ignis_tx_reg(ig, ring->queue, 0);

	ignis_82574_queue_start(ig, base, ring->dma, ring->size);
	ignis_rmw(ig, base + Q_TARC, 0, TARC_ENABLE);
}

/*
 * Erratum: bits may be read wrong, and SYSTIMH may be a later one than SYSTIML.
 * Two reads in a row that are a short time and a whole number of ticks apart are
 * right.  QEMU's clock does not tick: there all tries are used up, as a rule.
 */
static u64 ignis_82574_read_clock(struct ignis *ig,
				  struct ptp_system_timestamp *sts)
{
	u64 now = ignis_read_systim(ig, sts), last;
	int tries;

	for (tries = CLOCK_TRIES; tries; tries--) {
		last = now;
		now = ignis_read_systim(ig, sts);
		if (now - last < CLOCK_APART &&
		    (u32)(now - last) % CLOCK_TICK == 0)
			break;
	}
	return now;
}

static void ignis_82574_select_stamps(struct ignis *ig,
				      const struct ignis_stamp_filter *filter)
{
	ignis_wr(ig, IGNIS_RXMTRL,
		 FIELD_PREP(RXMTRL_MSG, filter->msg) |
		 FIELD_PREP(RXMTRL_ETYPE, filter->l2 ? ETH_P_1588 : 0));
	ignis_wr(ig, IGNIS_RXUDP, filter->l4 ? swab16(PTP_EV_PORT) : 0);
}

const struct ignis_mac ignis_mac_82574 = {
	.name = "82574L",
	.netdev_ops = &ignis_netdev_ops_ext,
	.ethtool_ops = &ignis_ethtool_ops,
	.max_queues = 2,
	.rar_entries = RAR_ENTRIES,
	.reta_entries = RETA_ENTRIES,
	.reta_shift = RETA_QUEUE,
	.phy_addr = 1,
	.max_mtu = MAX_MTU,
	.half_page_mtu = ETH_DATA_LEN,
	.tx_max_data = TXD_EXT_MAX_DATA,
	.tx_data_cmd = TXD_EXT_DATA,
	.tx_max_headers = 255,
	.queue_stride = IGNIS_QUEUE_STRIDE_82574,
	.rx_queues = IGNIS_RXQ_82574,
	.tx_queues = IGNIS_TXQ_82574,
	.irq_set = IGNIS_ICS,
	.leds = 3,
	.nvm_flash = EECD_NVADDS_FLASH,
	.rxcsum = RXCSUM_IPOFLD | RXCSUM_TUOFLD,
	/* It has no hash of UDP ports */
	.mrqc = MRQC_RSS_82574 | MRQC_IPV4 | MRQC_IPV6,
	.mrqc_ports = {
		[RSS_TCP4] = MRQC_TCP_IPV4,
		[RSS_TCP6] = MRQC_TCP_IPV6 | MRQC_TCP_IPV6_EX,
	},
	.one_buf_len = true,
	.reset_to_swap = true,
	.no_slow_tso = true,
	.mask_to_read_icr = true,
	.no_aspm = PCIE_LINK_STATE_L0S | PCIE_LINK_STATE_L1,
	.clock_tick = CLOCK_TICK,
	.rx_stamp = RXD_TST,
	.rx_filters = IGNIS_STAMP_FILTERS | BIT(HWTSTAMP_FILTER_ALL),
	.regs = ignis_82574_regs,
	.n_regs = ARRAY_SIZE(ignis_82574_regs),
	.reset = ignis_82574_reset,
	.init = ignis_82574_init,
	.irq_setup = ignis_82574_irq_setup,
	.irq_enable = ignis_82574_irq_enable,
	.other_causes = ignis_82574_other_causes,
	.write_itr = ignis_82574_write_itr,
	.set_max_frame = ignis_82574_set_max_frame,
	.rx_start = ignis_82574_rx_start,
	.rx_stop = ignis_82574_queue_stop,
	.tx_start = ignis_82574_tx_start,
	.tx_stop = ignis_82574_queue_stop,
	.read_clock = ignis_82574_read_clock,
	.select_stamps = ignis_82574_select_stamps,
	.phy_lock = ignis_82574_phy_lock,
	.phy_unlock = ignis_82574_phy_unlock,
	.nvm_lock = ignis_82574_nvm_lock,
	.nvm_unlock = ignis_82574_nvm_unlock,
	.nvm_write = ignis_82574_nvm_write,
	.nvm_commit = ignis_82574_nvm_commit,
};
