// SPDX-License-Identifier: GPL-2.0-only
/*
 * 82576: what differs by silicon.  Section numbers are those of the Intel
 * 82576EB Gigabit Ethernet Controller datasheet.
 */

#include <linux/delay.h>
#include <linux/iopoll.h>

#include "ignis.h"

#define RAR_ENTRIES	24
#define RX_FIFO		(64 * 1024)

/* Longest pause we ask for, in units of 512 bit times, and when to renew it */
#define PAUSE_TIME	0xffff
#define PAUSE_REFRESH	0x8000

#define PCIE_TMOUT_16MS	0x5	/* Device Control 2: 16 to 55 ms */
#define ALL_BITS	(~0u)

static const struct ignis_regs ignis_82576_regs[] = {
	{ IGNIS_CTRL, 1 },
	{ IGNIS_STATUS, 1 },
	{ IGNIS_EECD, 1 },
	{ IGNIS_CTRL_EXT, 1 },
	{ IGNIS_MDIC, 1 },
	{ IGNIS_FCAL, 3 },		/* FCAL, FCAH, FCT */
	{ IGNIS_VET, 1 },
	{ IGNIS_IMS, 1 },
	{ IGNIS_IAM, 1 },
	{ IGNIS_RCTL, 1 },
	{ IGNIS_FCTTV, 1 },
	{ IGNIS_TCTL, 1 },
	{ IGNIS_GPIE, 1 },
	{ IGNIS_EIMS, 1 },
	{ IGNIS_EIAC, 2 },		/* EIAC, EIAM */
	{ IGNIS_EITR(0), 9 },
	{ IGNIS_IVAR(0), 8 },
	{ IGNIS_IVAR_MISC, 1 },
	{ IGNIS_FCRTL, 1 },
	{ IGNIS_FCRTH, 1 },
	{ IGNIS_RXPBS, 1 },
	{ IGNIS_FCRTV, 1 },
	{ IGNIS_RXCSUM, 3 },		/* RXCSUM, RLPML, RFCTL */
	{ IGNIS_MTA(0), MTA_REGS },
	{ IGNIS_RAL_LO(0), 32 },
	{ IGNIS_RAL_HI(16), 16 },
	{ IGNIS_VFTA(0), VFTA_REGS },
	{ IGNIS_MRQC, 1 },
	{ IGNIS_SW_FW_SYNC, 1 },
	{ IGNIS_RETA(0), IGNIS_MAX_RETA / 4 },
	{ IGNIS_RDBAL(0), 5, true },	/* RDBAL, RDBAH, RDLEN, SRRCTL, RDH */
	{ IGNIS_RDT(0), 1, true },
	{ IGNIS_RXDCTL(0), 1, true },
	{ IGNIS_TDBAL(0), 3, true },	/* TDBAL, TDBAH, TDLEN */
	{ IGNIS_TDH(0), 1, true },
	{ IGNIS_TDT(0), 1, true },
	{ IGNIS_TXDCTL(0), 1, true },
};

static void ignis_82576_irq_disable(struct ignis *ig)
{
	ignis_wr(ig, IGNIS_EIAM, 0);
	ignis_wr(ig, IGNIS_EIMC, ALL_BITS);
	ignis_wr(ig, IGNIS_EIAC, 0);
	ignis_wr(ig, IGNIS_IAM, 0);
	ignis_wr(ig, IGNIS_IMC, ALL_BITS);
	ignis_flush(ig);
}

/* 4.5.3: quiesce PCIe requests, then software reset */
static int ignis_82576_reset(struct ignis *ig)
{
	u32 val;
	int err;

	ignis_82576_irq_disable(ig);
	ignis_wr(ig, IGNIS_RCTL, 0);
	ignis_wr(ig, IGNIS_TCTL, TCTL_PSP);
	ignis_flush(ig);

	ignis_rmw(ig, IGNIS_CTRL, 0, CTRL_GIO_MASTER_DIS);
	err = read_poll_timeout(ignis_rd, val, !(val & STATUS_GIO_MASTER_EN),
				100, 80 * USEC_PER_MSEC, false, ig,
				IGNIS_STATUS);
	if (err && !test_bit(IGNIS_GONE, &ig->flags))
		netdev_warn(ig->netdev, "PCIe requests still pending at reset\n");

	ignis_rmw(ig, IGNIS_CTRL, 0, CTRL_RST);
	usleep_range(1000, 2000);

	/* 4.5.1: the EEPROM is loaded anew; a part without one never says so */
	err = read_poll_timeout(ignis_rd, val,
				(val & EECD_AUTO_RD) || !(val & EECD_PRES),
				1000, 20 * USEC_PER_MSEC, false, ig,
				IGNIS_EECD);
	if (test_bit(IGNIS_GONE, &ig->flags))
		return -ENODEV;
	if (err)
		netdev_dbg(ig->netdev, "EEPROM auto-load not reported\n");

	err = read_poll_timeout(ignis_rd, val, !(val & CTRL_RST), 1000,
				20 * USEC_PER_MSEC, false, ig, IGNIS_CTRL);
	if (err)
		return err;

	ignis_82576_irq_disable(ig);
	ignis_rd(ig, IGNIS_ICR);
	return 0;
}

/*
 * Firmware may leave the completion timeout at zero.  A request answered late
 * must not be sent again: the answer to the first would be taken for it.
 */
static void ignis_82576_init_pcie(struct ignis *ig)
{
	u32 gcr = ignis_rd(ig, IGNIS_GCR) & ~GCR_CMPL_TMOUT_RESEND;

	if (!(gcr & GCR_CMPL_TMOUT)) {
		if (gcr & GCR_CAP_VER2)
			pcie_capability_set_word(ig->pdev, PCI_EXP_DEVCTL2,
						 PCIE_TMOUT_16MS);
		else
			gcr |= FIELD_PREP(GCR_CMPL_TMOUT, GCR_TMOUT_10MS);
	}
	ignis_wr(ig, IGNIS_GCR, gcr);
}

static void ignis_82576_release(struct ignis *ig)
{
	ignis_rmw(ig, IGNIS_CTRL_EXT, CTRL_EXT_DRV_LOAD, 0);
}

static void ignis_82576_init(struct ignis *ig)
{
	unsigned int i;
	u32 high;

	ignis_82576_init_pcie(ig);
	ignis_rmw(ig, IGNIS_CTRL_EXT, 0, CTRL_EXT_DRV_LOAD);
	/* The PHY tells the MAC speed and duplex */
	ignis_rmw(ig, IGNIS_CTRL, CTRL_FRCSPD | CTRL_FRCDPX, CTRL_SLU);

	for (i = 0; i < MTA_REGS; i++)
		ignis_wr(ig, IGNIS_MTA(i), 0);
	for (i = 0; i < UTA_REGS; i++)
		ignis_wr(ig, IGNIS_UTA(i), 0);
	for (i = 0; i < VFTA_REGS; i++)
		ignis_wr(ig, IGNIS_VFTA(i), 0);
	ignis_wr(ig, IGNIS_VET, ETH_P_8021Q);
	/* Erratum: extension headers upset the parser of what follows them */
	ignis_rmw(ig, IGNIS_RFCTL, 0, RFCTL_IPV6_EX_DIS);

	/*
	 * 3.5.5.3: ask for silence while there is still room for two of the
	 * longest frames; 16 byte units.
	 */
	high = round_down(RX_FIFO - 2 * ignis_max_frame(IGNIS_MAX_MTU), 16);
	ignis_wr(ig, IGNIS_FCRTH, high);
	ignis_wr(ig, IGNIS_FCRTL, (high - 16) | FCRTL_XONE);
	ignis_wr(ig, IGNIS_FCTTV, PAUSE_TIME);
	ignis_wr(ig, IGNIS_FCRTV, PAUSE_REFRESH);
	ignis_wr(ig, IGNIS_FCAL, 0x00c28001);
	ignis_wr(ig, IGNIS_FCAH, 0x0100);
	ignis_wr(ig, IGNIS_FCT, ETH_P_PAUSE);

	ignis_wr(ig, IGNIS_TCTL, TCTL_EN | TCTL_PSP | TCTL_RTLC |
				 FIELD_PREP(TCTL_CT, 15) |
				 FIELD_PREP(TCTL_COLD, 64));
	/* RXEN follows when the queues are set up */
	ignis_wr(ig, IGNIS_RCTL, RCTL_LPE | RCTL_BAM | RCTL_SECRC | RCTL_VFE);
}

/* 7.3.1: IVAR register q % 8 holds queues q and q + 8, RX then TX, a byte each */
static void ignis_82576_irq_setup(struct ignis *ig)
{
	unsigned int i, n = ig->cfg.channels;
	u32 all = BIT(IGNIS_OTHER_VECTOR);

	ignis_82576_irq_disable(ig);

	for (i = 0; i < ig->max_channels; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		if (ig->irq_mode == IGNIS_MSIX) {
			u32 vec = IGNIS_QUEUE_VECTOR(i) | IVAR_VALID;

			v->unmask = ig->hw + IGNIS_EIMS;
			v->unmask_bits = BIT(IGNIS_QUEUE_VECTOR(i));
			ignis_wr(ig, IGNIS_IVAR(i), i < n ? vec | vec << 8 : 0);
			if (i < n)
				all |= v->unmask_bits;
		} else {
			v->unmask = ig->hw + IGNIS_IMS;
			v->unmask_bits = ICR_TXDW | ICR_RXDMT0 | ICR_RXO |
					 ICR_RXT0;
		}
	}

	if (ig->irq_mode != IGNIS_MSIX) {
		ignis_wr(ig, IGNIS_IVAR(0), IVAR_VALID | IVAR_VALID << 8);
		ignis_wr(ig, IGNIS_GPIE, GPIE_NSICR);
		return;
	}

	ignis_wr(ig, IGNIS_GPIE, GPIE_MULTIPLE_MSIX | GPIE_EIAME | GPIE_NSICR |
				 GPIE_PBA_SUPPORT);
	ignis_wr(ig, IGNIS_IVAR_MISC,
		 (IGNIS_OTHER_VECTOR | IVAR_VALID) << 8);
	/* Interrupts acknowledge and mask themselves when their message goes */
	ignis_wr(ig, IGNIS_EIAC, all);
	ignis_wr(ig, IGNIS_EIAM, all);
}

static void ignis_82576_irq_enable(struct ignis *ig)
{
	ignis_wr(ig, IGNIS_IMS, ICR_LSC);
	if (ig->irq_mode == IGNIS_MSIX)
		ignis_wr(ig, IGNIS_EIMS, BIT(IGNIS_OTHER_VECTOR));
}

static void ignis_82576_write_itr(struct ignis_vector *v, u32 usecs)
{
	unsigned int vec = v->ig->irq_mode == IGNIS_MSIX ?
			   IGNIS_QUEUE_VECTOR(v->index) : 0;

	ignis_wr(v->ig, IGNIS_EITR(vec),
		 FIELD_PREP(EITR_INTERVAL, usecs) | EITR_CNT_IGNR);
}

static void ignis_82576_set_rar(struct ignis *ig, unsigned int entry,
				const u8 *addr)
{
	u32 reg = entry < 16 ? IGNIS_RAL_LO(entry) : IGNIS_RAL_HI(entry);
	u32 low = 0, high = 0;

	if (addr) {
		low = get_unaligned_le32(addr);
		high = get_unaligned_le16(addr + 4) | RAH_AV;
	}

	if (ignis_rd(ig, reg) == low && ignis_rd(ig, reg + 4) == high)
		return;

	/*
	 * The entry must not match half an address in between, and bridges
	 * must not join the writes into one the chip cannot take.
	 */
	ignis_wr(ig, reg + 4, 0);
	ignis_flush(ig);
	ignis_wr(ig, reg, low);
	ignis_flush(ig);
	ignis_wr(ig, reg + 4, high);
	ignis_flush(ig);
}

/*
 * With several queues one that is full must not block the others: it drops.
 * With pause frames to send the FIFO is to fill up instead.
 */
static void ignis_82576_set_drop(struct ignis *ig, u16 q)
{
	unsigned long irqflags;
	u32 val;

	spin_lock_irqsave(&ig->reg_lock, irqflags);
	val = ignis_rd(ig, IGNIS_SRRCTL(q)) & ~SRRCTL_DROP_EN;
	if (ig->cfg.channels > 1 && !ig->tx_pause)
		val |= SRRCTL_DROP_EN;
	ignis_wr(ig, IGNIS_SRRCTL(q), val);
	spin_unlock_irqrestore(&ig->reg_lock, irqflags);
}

/* 4.5.9: an enabled bit that reads back says that the queue has started */
static int ignis_82576_queue_switch(struct ignis *ig, u32 reg, u32 val, u32 en)
{
	u32 now;

	ignis_wr(ig, reg, val);
	return read_poll_timeout(ignis_rd, now, (now & en) == (val & en), 10,
				 10 * USEC_PER_MSEC, false, ig, reg);
}

static int ignis_82576_rx_stop(struct ignis *ig, u16 q)
{
	return ignis_82576_queue_switch(ig, IGNIS_RXDCTL(q), 0, RXDCTL_ENABLE);
}

static int ignis_82576_tx_stop(struct ignis *ig, u16 q)
{
	return ignis_82576_queue_switch(ig, IGNIS_TXDCTL(q), 0, TXDCTL_ENABLE);
}

static void ignis_82576_rx_start(struct ignis *ig,
				 const struct ignis_rx_ring *ring)
{
	u16 q = ring->queue;

	/* Queue 0 comes out of reset enabled */
	ignis_82576_rx_stop(ig, q);
	ignis_wr(ig, IGNIS_RDBAL(q), lower_32_bits(ring->dma));
	ignis_wr(ig, IGNIS_RDBAH(q), upper_32_bits(ring->dma));
	ignis_wr(ig, IGNIS_RDLEN(q), ring->size);
	ignis_wr(ig, IGNIS_RDH(q), 0);
	ignis_wr(ig, IGNIS_RDT(q), 0);
	ignis_rmw(ig, IGNIS_SRRCTL(q), ALL_BITS,
		  FIELD_PREP(SRRCTL_BSIZEPACKET,
			     DIV_ROUND_UP(ring->buf_len, 1024)) |
		  FIELD_PREP(SRRCTL_DESCTYPE, DESCTYPE_ADV_ONEBUF));
	ignis_82576_set_drop(ig, q);
	/* Write back each descriptor at once: NAPI and EITR do the batching */
	ignis_82576_queue_switch(ig, IGNIS_RXDCTL(q),
				 FIELD_PREP(RXDCTL_PTHRESH, 8) |
				 FIELD_PREP(RXDCTL_HTHRESH, 8) |
				 FIELD_PREP(RXDCTL_WTHRESH, 1) | RXDCTL_ENABLE,
				 RXDCTL_ENABLE);
	/* 4.5.9: the tail only after the queue is enabled */
	ignis_wr(ig, IGNIS_RDT(q), ring->ntu & ring->mask);
}

static void ignis_82576_tx_start(struct ignis *ig,
				 const struct ignis_tx_ring *ring)
{
	u16 q = ring->queue;

	ignis_82576_tx_stop(ig, q);
	ignis_wr(ig, IGNIS_TDBAL(q), lower_32_bits(ring->dma));
	ignis_wr(ig, IGNIS_TDBAH(q), upper_32_bits(ring->dma));
	ignis_wr(ig, IGNIS_TDLEN(q), ring->size);
	ignis_wr(ig, IGNIS_TDH(q), 0);
	ignis_wr(ig, IGNIS_TDT(q), 0);
	ignis_82576_queue_switch(ig, IGNIS_TXDCTL(q),
				 FIELD_PREP(TXDCTL_PTHRESH, 8) |
				 FIELD_PREP(TXDCTL_HTHRESH, 1) |
				 FIELD_PREP(TXDCTL_WTHRESH, 1) | TXDCTL_ENABLE,
				 TXDCTL_ENABLE);
}

static void ignis_82576_write_rss(struct ignis *ig)
{
	unsigned int i;

	for (i = 0; i < IGNIS_RSS_KEY_SIZE / 4; i++)
		ignis_wr(ig, IGNIS_RSSRK(i),
			 get_unaligned_le32(&ig->rss.key[4 * i]));
	for (i = 0; i < IGNIS_MAX_RETA / 4; i++)
		ignis_wr(ig, IGNIS_RETA(i),
			 get_unaligned_le32(&ig->rss.indir[4 * i]));

	/*
	 * UDP by addresses only: with ports, the fragments of a datagram would
	 * take another queue than whole ones.
	 */
	ignis_wr(ig, IGNIS_MRQC, MRQC_RSS | MRQC_TCP_IPV4 | MRQC_IPV4 |
				 MRQC_TCP_IPV6 | MRQC_TCP_IPV6_EX | MRQC_IPV6);
}

static void ignis_82576_set_pause(struct ignis *ig, bool tx, bool rx)
{
	unsigned int q;

	WRITE_ONCE(ig->tx_pause, tx);
	ignis_rmw(ig, IGNIS_CTRL, CTRL_TFCE | CTRL_RFCE,
		  (tx ? CTRL_TFCE : 0) | (rx ? CTRL_RFCE : 0));
	for (q = 0; q < ig->max_channels; q++)
		ignis_82576_set_drop(ig, q);
}

const struct ignis_mac ignis_mac_82576 = {
	.name = "82576",
	.max_queues = 8,
	.rar_entries = RAR_ENTRIES,
	.reta_entries = IGNIS_MAX_RETA,
	.phy_addr = 1,
	.regs = ignis_82576_regs,
	.n_regs = ARRAY_SIZE(ignis_82576_regs),
	.reset = ignis_82576_reset,
	.init = ignis_82576_init,
	.release = ignis_82576_release,
	.irq_setup = ignis_82576_irq_setup,
	.irq_enable = ignis_82576_irq_enable,
	.irq_disable = ignis_82576_irq_disable,
	.write_itr = ignis_82576_write_itr,
	.set_rar = ignis_82576_set_rar,
	.rx_start = ignis_82576_rx_start,
	.rx_stop = ignis_82576_rx_stop,
	.tx_start = ignis_82576_tx_start,
	.tx_stop = ignis_82576_tx_stop,
	.write_rss = ignis_82576_write_rss,
	.set_pause = ignis_82576_set_pause,
};
