// SPDX-License-Identifier: GPL-2.0-only
/*
 * 82576: what differs by silicon.  Section numbers are those of the Intel
 * 82576EB Gigabit Ethernet Controller datasheet.
 */

#include <linux/delay.h>
#include <linux/in.h>
#include <linux/iopoll.h>
#include <linux/ptp_classify.h>
#include <net/tcp.h>

#include "ignis.h"

#define MAX_MTU		9216
#define RAR_ENTRIES	24
#define RX_FIFO		(64 * 1024)
/* Of eight each; the last one is kept for time stamping */
#define ETYPE_FILTERS	7
#define TUPLE_FILTERS	7

/* When to renew a pause we ask for, in units of 512 bit times */
#define PAUSE_REFRESH	0x8000

/* The filters of each kind that time stamping has for itself */
#define STAMP_ETQF	7
#define STAMP_FTQF	7

#define PCIE_TMOUT_16MS	0x5	/* Device Control 2: 16 to 55 ms */
#define ALL_BITS	(~0u)

/* The other port may hold SMBI as long as it waits for SWESMBI itself */
#define SMBI_USECS	(500 * USEC_PER_MSEC)
#define SWESMBI_USECS	(100 * USEC_PER_MSEC)

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
	{ IGNIS_SYNQF, 1 },
	{ IGNIS_SAQF(0), 32 },		/* SAQF, DAQF, SPQF, FTQF */
	{ IGNIS_IMIR(0), 16 },		/* IMIR, IMIREXT */
	{ IGNIS_ETQF(0), 8 },
	{ IGNIS_SW_FW_SYNC, 1 },
	{ IGNIS_TSYNCRXCFG, 1 },
	{ IGNIS_RETA(0), IGNIS_MAX_RETA / 4 },
	{ IGNIS_RDBAL(0), 5, true },	/* RDBAL, RDBAH, RDLEN, SRRCTL, RDH */
	{ IGNIS_RDT(0), 1, true },
	{ IGNIS_RXDCTL(0), 1, true },
	{ IGNIS_TDBAL(0), 3, true },	/* TDBAL, TDBAH, TDLEN */
	{ IGNIS_TDH(0), 1, true },
	{ IGNIS_TDT(0), 1, true },
	{ IGNIS_TXDCTL(0), 1, true },
	{ IGNIS_TIMINCA, 1 },
	{ IGNIS_TSYNCTXCTL, 1 },
	{ IGNIS_TSYNCRXCTL, 1 },
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
	int err;

	ignis_82576_irq_disable(ig);
	ignis_rmw(ig, IGNIS_RCTL, ~0u, 0);
	ignis_wr(ig, IGNIS_TCTL, TCTL_PSP);
	ignis_flush(ig);

	ignis_stop_master(ig);
	err = ignis_soft_reset(ig);
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

static void ignis_82576_init(struct ignis *ig)
{
	unsigned int i;
	u32 high;

	ignis_82576_init_pcie(ig);
	for (i = 0; i < UTA_REGS; i++)
		ignis_wr(ig, IGNIS_UTA(i), 0);
	/* Erratum: extension headers upset the parser of what follows them */
	ignis_rmw(ig, IGNIS_RFCTL, RFCTL_SYNQFP, RFCTL_IPV6_EX_DIS);

	/*
	 * 3.5.5.3: ask for silence while there is still room for two of the
	 * longest frames; 16 byte units.
	 */
	high = round_down(RX_FIFO - 2 * ignis_max_frame(MAX_MTU), 16);
	ignis_wr(ig, IGNIS_FCRTH, high);
	ignis_wr(ig, IGNIS_FCRTL, (high - 16) | FCRTL_XONE);
	ignis_wr(ig, IGNIS_FCRTV, PAUSE_REFRESH);

	ignis_wr(ig, IGNIS_TCTL, TCTL_EN | TCTL_PSP | TCTL_RTLC |
				 FIELD_PREP(TCTL_CT, 15) |
				 FIELD_PREP(TCTL_COLD, 64));
	/* i210 8.12.4: of these the first segment only has CWR, as of RFC 3168 */
	ignis_wr(ig, IGNIS_DTXTCPFLGL,
		 (DTXTCPFLGL_FIRST & ~(TCPHDR_FIN | TCPHDR_PSH)) |
		 (DTXTCPFLGL_MID &
		  ~((TCPHDR_FIN | TCPHDR_PSH | TCPHDR_CWR) << 16)));
	ignis_wr(ig, IGNIS_DTXTCPFLGH, DTXTCPFLGH_LAST & ~TCPHDR_CWR);
	/* RXEN follows when the queues are set up */
	ignis_rmw(ig, IGNIS_RCTL, ALL_BITS,
		  RCTL_LPE | RCTL_BAM | RCTL_SECRC | RCTL_VFE);
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
	if (ig->cfg.channels > 1 && !READ_ONCE(ig->tx_pause))
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
		  (ring->kind != RX_SPLIT ?
		   FIELD_PREP(SRRCTL_DESCTYPE, DESCTYPE_ADV_ONEBUF) :
		   FIELD_PREP(SRRCTL_DESCTYPE, DESCTYPE_ADV_SPLIT) |
		   FIELD_PREP(SRRCTL_BSIZEHEADER, SPLIT_HDR_SIZE / 64)));
	if (ring->kind == RX_SPLIT)
		ignis_wr(ig, IGNIS_PSRTYPE(q), PSRTYPE_IP_TCP_UDP);
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

/*
 * 7.1.1.4.  A frame with several matches is time stamped by the first of them
 * (QEMU's order), so each filter of PTP's type allows that.
 */
static void ignis_82576_write_etype(struct ignis *ig, unsigned int entry,
				    u16 type, u16 queue)
{
	ignis_wr(ig, IGNIS_ETQF(entry),
		 type ? FIELD_PREP(ETQF_ETYPE, type) |
			FIELD_PREP(ETQF_QUEUE, queue) |
			(type == ETH_P_1588 ? ETQF_1588 : 0) |
			ETQF_FILTER_EN | ETQF_QUEUE_ENABLE : 0);
}

/* 7.1.1.5; FTQF, which switches the filter on, comes last */
static void ignis_82576_write_tuple(struct ignis *ig, unsigned int entry,
				    const struct ignis_tuple *tuple, u16 queue,
				    unsigned int priority)
{
	u32 ftqf = FTQF_VF_BP | FTQF_ALL_BP;

	if (!tuple) {
		ignis_wr(ig, IGNIS_FTQF(entry), ftqf);
		return;
	}

	/* As above: the filter of PTP may not come to see these */
	if ((tuple->compare & TUPLE_DPORT) &&
	    tuple->dport == htons(PTP_EV_PORT) &&
	    (!(tuple->compare & TUPLE_PROTO) || tuple->proto == IPPROTO_UDP))
		ftqf |= FTQF_1588;
	if (tuple->compare & TUPLE_PROTO)
		ftqf &= ~FTQF_PROTOCOL_BP;
	if (tuple->compare & TUPLE_SADDR)
		ftqf &= ~FTQF_SADDR_BP;
	if (tuple->compare & TUPLE_DADDR)
		ftqf &= ~FTQF_DADDR_BP;
	if (tuple->compare & TUPLE_SPORT)
		ftqf &= ~FTQF_SPORT_BP;

	ignis_wr(ig, IGNIS_SAQF(entry), get_unaligned_le32(&tuple->saddr));
	ignis_wr(ig, IGNIS_DAQF(entry), get_unaligned_le32(&tuple->daddr));
	ignis_wr(ig, IGNIS_SPQF(entry), get_unaligned_le16(&tuple->sport));
	ignis_wr(ig, IGNIS_IMIR(entry),
		 FIELD_PREP(IMIR_DST_PORT, get_unaligned_le16(&tuple->dport)) |
		 (tuple->compare & TUPLE_DPORT ? 0 : IMIR_PORT_BP) |
		 FIELD_PREP(IMIR_PRIORITY, priority));
	ignis_wr(ig, IGNIS_IMIREXT(entry), IMIREXT_SIZE_BP | IMIREXT_CTRL_BP);
	ignis_wr(ig, IGNIS_FTQF(entry),
		 ftqf | FIELD_PREP(FTQF_PROTOCOL, tuple->proto) |
		 FIELD_PREP(FTQF_QUEUE, queue) | FTQF_QUEUE_ENABLE);
}

/* 7.1.1.6; with RFCTL.SYNQFP clear, 5-tuple filters come first */
static void ignis_82576_write_syn(struct ignis *ig, int queue)
{
	ignis_wr(ig, IGNIS_SYNQF, queue < 0 ? 0 :
		 FIELD_PREP(SYNQF_QUEUE, queue) | SYNQF_ENABLE);
}

static void ignis_82576_set_max_frame(struct ignis *ig, unsigned int bytes)
{
	ignis_wr(ig, IGNIS_RLPML, bytes);
}

static u32 ignis_82576_other_causes(struct ignis *ig)
{
	return ignis_rd(ig, IGNIS_ICR);
}

static void ignis_82576_swsm_unlock(struct ignis *ig)
{
	ignis_rmw(ig, IGNIS_SWSM, SWSM_SMBI | SWSM_SWESMBI, 0);
}

/* Take the lock bits of SWSM, which guard SW_FW_SYNC; 82576 8.6.1 */
static int ignis_82576_swsm_lock(struct ignis *ig)
{
	int tries;
	u32 val;

	/* A read that finds SMBI clear has set it */
	if (read_poll_timeout(ignis_rd, val, !(val & SWSM_SMBI), 50, SMBI_USECS,
			      false, ig, IGNIS_SWSM)) {
		/* Nobody holds it this long: it was left behind */
		ignis_82576_swsm_unlock(ig);
		if (ignis_rd(ig, IGNIS_SWSM) & SWSM_SMBI)
			return -EBUSY;
	}

	for (tries = SWESMBI_USECS / 50; tries; tries--) {
		ignis_rmw(ig, IGNIS_SWSM, 0, SWSM_SWESMBI);
		if (ignis_rd(ig, IGNIS_SWSM) & SWSM_SWESMBI)
			return 0;
		usleep_range(50, 100);
	}
	ignis_82576_swsm_unlock(ig);
	return -EBUSY;
}

static u32 ignis_82576_phy_sem(struct ignis *ig)
{
	return FIELD_GET(STATUS_LAN_ID, ignis_rd(ig, IGNIS_STATUS)) ?
	       SW_FW_SYNC_PHY1 : SW_FW_SYNC_PHY0;
}

/* Own what a bit of SW_FW_SYNC stands for, against firmware; 82576 4.7 */
static int ignis_82576_sync_lock(struct ignis *ig, u32 sem)
{
	u32 held = sem | sem << SW_FW_SYNC_FW_SHIFT;
	int tries, err;
	u32 val;

	for (tries = 100; tries; tries--) {
		err = ignis_82576_swsm_lock(ig);
		if (err)
			return err;

		val = ignis_rd(ig, IGNIS_SW_FW_SYNC);
		if (!(val & held))
			ignis_wr(ig, IGNIS_SW_FW_SYNC, val | sem);
		ignis_82576_swsm_unlock(ig);
		if (!(val & held))
			return 0;
		usleep_range(5000, 10000);
	}
	return -EBUSY;
}

static void ignis_82576_sync_unlock(struct ignis *ig, u32 sem)
{
	int err = ignis_82576_swsm_lock(ig);

	/* Not to release it would lock out all others for good */
	ignis_rmw(ig, IGNIS_SW_FW_SYNC, sem, 0);
	if (!err)
		ignis_82576_swsm_unlock(ig);
}

/* Event messages over UDP go from port 319 to port 319 */
static void ignis_82576_select_stamps(struct ignis *ig,
				      const struct ignis_stamp_filter *filter)
{
	ignis_wr(ig, IGNIS_TSYNCRXCFG, filter->msg);
	ignis_wr(ig, IGNIS_ETQF(STAMP_ETQF),
		 filter->l2 ? ETQF_FILTER_EN | ETQF_1588 | ETH_P_1588 : 0);

	ignis_wr(ig, IGNIS_IMIR(STAMP_FTQF), swab16(PTP_EV_PORT));
	ignis_wr(ig, IGNIS_IMIREXT(STAMP_FTQF),
		 IMIREXT_SIZE_BP | IMIREXT_CTRL_BP);
	ignis_wr(ig, IGNIS_SPQF(STAMP_FTQF), swab16(PTP_EV_PORT));
	ignis_wr(ig, IGNIS_FTQF(STAMP_FTQF),
		 !filter->l4 ? FTQF_ALL_BP :
		 FIELD_PREP(FTQF_PROTOCOL, IPPROTO_UDP) | FTQF_VF_BP |
		 FTQF_1588 |
		 (FTQF_ALL_BP & ~(FTQF_PROTOCOL_BP | FTQF_SPORT_BP)));
}

static int ignis_82576_phy_lock(struct ignis *ig)
{
	return ignis_82576_sync_lock(ig, ignis_82576_phy_sem(ig));
}

static void ignis_82576_phy_unlock(struct ignis *ig)
{
	ignis_82576_sync_unlock(ig, ignis_82576_phy_sem(ig));
}

static int ignis_82576_nvm_lock(struct ignis *ig)
{
	return ignis_82576_sync_lock(ig, SW_FW_SYNC_NVM);
}

static void ignis_82576_nvm_unlock(struct ignis *ig)
{
	ignis_82576_sync_unlock(ig, SW_FW_SYNC_NVM);
}

/*
 * UDP segmentation must be switched on by hand: QEMU's model sends IP
 * fragments of one datagram instead of many datagrams.
 */
const struct ignis_mac ignis_mac_82576 = {
	.name = "82576",
	.netdev_ops = &ignis_netdev_ops_adv,
	.ethtool_ops = &ignis_ethtool_ops_split,
	.features = NETIF_F_SCTP_CRC | NETIF_F_TSO_ECN,
	.hw_features = NETIF_F_GSO_UDP_L4,
	.max_queues = 8,
	.rar_entries = RAR_ENTRIES,
	.reta_entries = IGNIS_MAX_RETA,
	.phy_addr = 1,
	.max_mtu = MAX_MTU,
	.half_page_mtu = MAX_MTU,
	.tx_max_data = TXD_ADV_MAX_DATA,
	.tx_data_cmd = TXD_ADV_DATA,
	.tx_paylen = true,
	.tx_max_headers = 512,
	.queue_stride = IGNIS_QUEUE_STRIDE,
	.rx_queues = IGNIS_RXQ_82576,
	.tx_queues = IGNIS_TXQ_82576,
	.rqdpc = IGNIS_RQDPC(0),
	.irq_set = IGNIS_EICS,
	.leds = 4,
	.mac_loopback = true,
	.rxcsum = RXCSUM_IPOFLD | RXCSUM_TUOFLD | RXCSUM_CRCOFL,
	.mrqc = MRQC_RSS | MRQC_IPV4 | MRQC_IPV6,
	.mrqc_ports = {
		[RSS_TCP4] = MRQC_TCP_IPV4,
		[RSS_TCP6] = MRQC_TCP_IPV6 | MRQC_TCP_IPV6_EX,
		[RSS_UDP4] = MRQC_UDP_IPV4,
		[RSS_UDP6] = MRQC_UDP_IPV6,
	},
	.etype_filters = ETYPE_FILTERS,
	.tuple_filters = TUPLE_FILTERS,
	.clock_tick = 16,
	.rx_stamp = RXD_TS,
	.rx_filters = IGNIS_STAMP_FILTERS,
	.regs = ignis_82576_regs,
	.n_regs = ARRAY_SIZE(ignis_82576_regs),
	.reset = ignis_82576_reset,
	.init = ignis_82576_init,
	.irq_setup = ignis_82576_irq_setup,
	.irq_enable = ignis_82576_irq_enable,
	.write_itr = ignis_82576_write_itr,
	.other_causes = ignis_82576_other_causes,
	.set_max_frame = ignis_82576_set_max_frame,
	.rx_start = ignis_82576_rx_start,
	.rx_stop = ignis_82576_rx_stop,
	.tx_start = ignis_82576_tx_start,
	.tx_stop = ignis_82576_tx_stop,
	.set_drop = ignis_82576_set_drop,
	.read_clock = ignis_read_systim,
	.select_stamps = ignis_82576_select_stamps,
	.write_etype = ignis_82576_write_etype,
	.write_tuple = ignis_82576_write_tuple,
	.write_syn = ignis_82576_write_syn,
	.phy_lock = ignis_82576_phy_lock,
	.phy_unlock = ignis_82576_phy_unlock,
	.nvm_lock = ignis_82576_nvm_lock,
	.nvm_unlock = ignis_82576_nvm_unlock,
	.nvm_write = ignis_nvm_write_spi,
};
