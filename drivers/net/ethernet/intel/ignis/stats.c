// SPDX-License-Identifier: GPL-2.0-only
/* Counters: netdev-genl per queue, ip -s link, ethtool -S */

#include <net/netdev_queues.h>

#include "ignis.h"

/* The 32-bit counters of the busiest port are full in 48 minutes, RQDPC in less */
#define STATS_PERIOD	(2 * HZ)

static const u16 ignis_hw_counters[HW_STATS] = {
	[HW_RX_NO_BUFFER]	= IGNIS_RNBC,
	[HW_RX_MANAGEMENT]	= IGNIS_MGTPRC,
	[HW_RX_MANAGEMENT_DROPPED] = IGNIS_MGTPDC,
	[HW_TX_MANAGEMENT]	= IGNIS_MGTPTC,
	[HW_RX_PACKETS]		= IGNIS_GPRC,
	[HW_RX_BYTES]		= IGNIS_GORCL,
	[HW_RX_MULTICAST]	= IGNIS_MPRC,
	[HW_RX_BROADCAST]	= IGNIS_BPRC,
	[HW_RX_CRC_ERRORS]	= IGNIS_CRCERRS,
	[HW_RX_ALIGN_ERRORS]	= IGNIS_ALGNERRC,
	[HW_RX_SYMBOL_ERRORS]	= IGNIS_RXERRC,
	[HW_RX_MISSED]		= IGNIS_MPC,
	[HW_RX_UNDERSIZE]	= IGNIS_RUC,
	[HW_RX_FRAGMENTS]	= IGNIS_RFC,
	[HW_RX_OVERSIZE]	= IGNIS_ROC,
	[HW_RX_JABBER]		= IGNIS_RJC,
	[HW_RX_XON]		= IGNIS_XONRXC,
	[HW_RX_XOFF]		= IGNIS_XOFFRXC,
	[HW_RX_CTRL_UNKNOWN]	= IGNIS_FCRUC,
	[HW_RX_HIST + 0]	= IGNIS_PRC64,
	[HW_RX_HIST + 1]	= IGNIS_PRC127,
	[HW_RX_HIST + 2]	= IGNIS_PRC255,
	[HW_RX_HIST + 3]	= IGNIS_PRC511,
	[HW_RX_HIST + 4]	= IGNIS_PRC1023,
	[HW_RX_HIST + 5]	= IGNIS_PRC1522,
	[HW_TX_PACKETS]		= IGNIS_GPTC,
	[HW_TX_BYTES]		= IGNIS_GOTCL,
	[HW_TX_MULTICAST]	= IGNIS_MPTC,
	[HW_TX_BROADCAST]	= IGNIS_BPTC,
	[HW_TX_SINGLE_COLLISION] = IGNIS_SCC,
	[HW_TX_MULTIPLE_COLLISION] = IGNIS_MCC,
	[HW_TX_EXCESSIVE_COLLISIONS] = IGNIS_ECOL,
	[HW_TX_LATE_COLLISIONS]	= IGNIS_LATECOL,
	[HW_COLLISIONS]		= IGNIS_COLC,
	[HW_TX_DEFERRED]	= IGNIS_DC,
	[HW_TX_NO_CARRIER]	= IGNIS_TNCRS,
	[HW_TX_XON]		= IGNIS_XONTXC,
	[HW_TX_XOFF]		= IGNIS_XOFFTXC,
	[HW_TX_HIST + 0]	= IGNIS_PTC64,
	[HW_TX_HIST + 1]	= IGNIS_PTC127,
	[HW_TX_HIST + 2]	= IGNIS_PTC255,
	[HW_TX_HIST + 3]	= IGNIS_PTC511,
	[HW_TX_HIST + 4]	= IGNIS_PTC1023,
	[HW_TX_HIST + 5]	= IGNIS_PTC1522,
};

static const char ignis_hw_names[][ETH_GSTRING_LEN] = {
	[HW_RX_NO_BUFFER]	= "rx_no_buffer",
	[HW_RX_MANAGEMENT]	= "rx_management",
	[HW_RX_MANAGEMENT_DROPPED] = "rx_management_dropped",
	[HW_TX_MANAGEMENT]	= "tx_management",
};

/* Up to the longest frame that both chips can send, FCS included */
static const struct ethtool_rmon_hist_range ignis_rmon_ranges[] = {
	{ 64, 64 }, { 65, 127 }, { 128, 255 }, { 256, 511 }, { 512, 1023 },
	{ 1024, 9230 }, { }
};

/*
 * An octet counter: lower half first, reading the upper clears both (82576
 * 8.18).  Read often enough, the upper half is zero, unless it was carried into
 * after the lower half was read: a value of 4 GiB minus little would be taken
 * for twice that much.
 */
static u64 ignis_read_octets(struct ignis *ig, u32 reg)
{
	u64 low = ignis_rd(ig, reg), high = ignis_rd(ig, reg + 4);

	return low < BIT(31) ? high << 32 | low : low;
}

static u64 ignis_read_counter(struct ignis *ig, unsigned int i)
{
	u16 reg = ignis_hw_counters[i];

	return i == HW_RX_BYTES || i == HW_TX_BYTES ?
	       ignis_read_octets(ig, reg) : ignis_rd(ig, reg);
}

/**
 * ignis_update_hw_stats - take over the MAC's clear-on-read counters
 * @ig: port
 *
 * What a device reads as that has been pulled out meanwhile is not counted.
 *
 * Context: process or softirq; takes stats_lock.
 */
void ignis_update_hw_stats(struct ignis *ig)
{
	u64 now[HW_STATS], drops[IGNIS_MAX_QUEUES];
	unsigned int i;

	spin_lock_bh(&ig->stats_lock);
	if (ig->stats_held || test_bit(IGNIS_GONE, &ig->flags))
		goto out;
	for (i = 0; i < HW_STATS; i++)
		now[i] = ignis_read_counter(ig, i);
	for (i = 0; ig->mac->rqdpc && i < ig->max_channels; i++)
		drops[i] = ignis_rd(ig, ig->mac->rqdpc +
					i * ig->mac->queue_stride);
	if (test_bit(IGNIS_GONE, &ig->flags))
		goto out;

	for (i = 0; i < HW_STATS; i++)
		ig->hw_stats[i] += now[i];
	for (i = 0; ig->mac->rqdpc && i < ig->max_channels; i++)
		ig->vectors[i].rx_overruns += drops[i];
out:
	spin_unlock_bh(&ig->stats_lock);
}

/**
 * ignis_hold_hw_stats - keep away from the counters while the MAC is reset
 * @ig: port
 * @hold: from now on; or no longer
 *
 * Context: process; takes stats_lock.
 */
void ignis_hold_hw_stats(struct ignis *ig, bool hold)
{
	spin_lock_bh(&ig->stats_lock);
	ig->stats_held = hold;
	spin_unlock_bh(&ig->stats_lock);
}

/**
 * ignis_stats_work - read the MAC's counters in time, while the port is up
 * @work: ig->stats_work
 *
 * The counters stay at their highest value instead of starting over.
 *
 * Context: process.
 */
void ignis_stats_work(struct work_struct *work)
{
	struct ignis *ig = container_of(to_delayed_work(work), struct ignis,
					stats_work);

	ignis_update_hw_stats(ig);
	queue_delayed_work(system_freezable_wq, &ig->stats_work,
			   round_jiffies_relative(STATS_PERIOD));
}

/* All counters as of now */
static void ignis_get_hw_stats(struct ignis *ig, u64 *out)
{
	if (netif_device_present(ig->netdev))
		ignis_update_hw_stats(ig);
	spin_lock_bh(&ig->stats_lock);
	memcpy(out, ig->hw_stats, sizeof(ig->hw_stats));
	spin_unlock_bh(&ig->stats_lock);
}

/*
 * Queue @i's counters; those no standard group has in @dropped and @errors.
 * What the chip does not count is left as it is in @out.
 */
static void ignis_read_rx(struct ignis *ig, unsigned int i,
			  struct netdev_queue_stats_rx *out, u64 *dropped,
			  u64 *errors)
{
	const struct ignis_rx_stats *s = &ig->vectors[i].rx_stats;
	unsigned int start;

	if (ig->mac->rqdpc) {
		spin_lock_bh(&ig->stats_lock);
		out->hw_drop_overruns = ig->vectors[i].rx_overruns;
		spin_unlock_bh(&ig->stats_lock);
		out->hw_drops = out->hw_drop_overruns;
	}

	do {
		start = u64_stats_fetch_begin(&s->syncp);
		out->packets = u64_stats_read(&s->packets);
		out->bytes = u64_stats_read(&s->bytes);
		out->csum_unnecessary = u64_stats_read(&s->csum_unnecessary);
		out->csum_none = u64_stats_read(&s->csum_none);
		out->csum_bad = u64_stats_read(&s->csum_bad);
		out->alloc_fail = u64_stats_read(&s->alloc_fail);
		*dropped = u64_stats_read(&s->dropped);
		*errors = u64_stats_read(&s->errors);
	} while (u64_stats_fetch_retry(&s->syncp, start));
}

static void ignis_read_tx(const struct ignis_tx_stats *s,
			  struct netdev_queue_stats_tx *out, u64 *dropped)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&s->syncp);
		out->packets = u64_stats_read(&s->packets);
		out->bytes = u64_stats_read(&s->bytes);
		out->hw_gso_wire_packets = u64_stats_read(&s->tso_packets);
		out->hw_gso_wire_bytes = u64_stats_read(&s->tso_bytes);
		out->wake = u64_stats_read(&s->wake);
	} while (u64_stats_fetch_retry(&s->syncp, start));

	do {
		start = u64_stats_fetch_begin(&s->xmit_syncp);
		out->stop = u64_stats_read(&s->stop);
		*dropped = u64_stats_read(&s->dropped);
	} while (u64_stats_fetch_retry(&s->xmit_syncp, start));
}

static void ignis_get_queue_stats_rx(struct net_device *netdev, int idx,
				     struct netdev_queue_stats_rx *stats)
{
	struct ignis *ig = netdev_priv(netdev);
	u64 dropped, errors;

	ignis_update_hw_stats(ig);
	ignis_read_rx(ig, idx, stats, &dropped, &errors);
}

static void ignis_get_queue_stats_tx(struct net_device *netdev, int idx,
				     struct netdev_queue_stats_tx *stats)
{
	struct ignis *ig = netdev_priv(netdev);
	u64 dropped;

	ignis_read_tx(&ig->vectors[idx].tx_stats, stats, &dropped);
}

/* What queues counted that are not in use at present */
static void ignis_get_base_stats(struct net_device *netdev,
				 struct netdev_queue_stats_rx *rx,
				 struct netdev_queue_stats_tx *tx)
{
	struct ignis *ig = netdev_priv(netdev);

	rx->packets = 0;
	rx->bytes = 0;
	rx->csum_unnecessary = 0;
	rx->csum_none = 0;
	rx->csum_bad = 0;
	rx->alloc_fail = 0;
	if (ig->mac->rqdpc) {
		rx->hw_drops = 0;
		rx->hw_drop_overruns = 0;
	}
	tx->packets = 0;
	tx->bytes = 0;
	tx->hw_gso_wire_packets = 0;
	tx->hw_gso_wire_bytes = 0;
	tx->stop = 0;
	tx->wake = 0;
	netdev_stat_queue_sum(netdev, netdev->real_num_rx_queues,
			      ig->max_channels, rx, netdev->real_num_tx_queues,
			      ig->max_channels, tx);
}

const struct netdev_stat_ops ignis_stat_ops = {
	.get_queue_stats_rx = ignis_get_queue_stats_rx,
	.get_queue_stats_tx = ignis_get_queue_stats_tx,
	.get_base_stats = ignis_get_base_stats,
};

/**
 * ignis_get_stats64 - ndo_get_stats64
 * @netdev: port
 * @s: filled in
 *
 * Frames shorter than 60 bytes that the chip takes in are no errors: RUC is
 * in ethtool's rmon group only.
 *
 * Context: any.
 */
void ignis_get_stats64(struct net_device *netdev, struct rtnl_link_stats64 *s)
{
	struct ignis *ig = netdev_priv(netdev);
	struct netdev_queue_stats_rx rx = {};
	struct netdev_queue_stats_tx tx;
	u64 hw[HW_STATS];
	u64 dropped, errors;
	unsigned int i;

	ignis_get_hw_stats(ig, hw);
	for (i = 0; i < ig->max_channels; i++) {
		ignis_read_rx(ig, i, &rx, &dropped, &errors);
		s->rx_packets += rx.packets;
		s->rx_bytes += rx.bytes;
		s->rx_dropped += dropped;
		s->rx_errors += errors;
		s->rx_missed_errors += rx.hw_drops;

		ignis_read_tx(&ig->vectors[i].tx_stats, &tx, &dropped);
		s->tx_packets += tx.packets;
		s->tx_bytes += tx.bytes;
		s->tx_dropped += dropped;
	}

	s->multicast = hw[HW_RX_MULTICAST];
	s->collisions = hw[HW_COLLISIONS];
	s->rx_crc_errors = hw[HW_RX_CRC_ERRORS];
	s->rx_frame_errors = hw[HW_RX_ALIGN_ERRORS];
	s->rx_length_errors = hw[HW_RX_FRAGMENTS] + hw[HW_RX_OVERSIZE] +
			      hw[HW_RX_JABBER];
	s->rx_missed_errors += hw[HW_RX_MISSED];
	/* A jabber's CRC is wrong, too */
	s->rx_errors += s->rx_crc_errors + s->rx_frame_errors +
			s->rx_length_errors - hw[HW_RX_JABBER] +
			hw[HW_RX_SYMBOL_ERRORS];
	s->tx_aborted_errors = hw[HW_TX_EXCESSIVE_COLLISIONS];
	s->tx_window_errors = hw[HW_TX_LATE_COLLISIONS];
	s->tx_carrier_errors = hw[HW_TX_NO_CARRIER];
	s->tx_errors = s->tx_aborted_errors + s->tx_window_errors +
		       s->tx_carrier_errors;
}

/**
 * ignis_get_eth_mac_stats - ethtool -S --groups eth-mac
 * @netdev: port
 * @s: filled in, but for what the chip does not count
 *
 * Octets include header and FCS, as the chip counts them.
 *
 * Context: process, RTNL.
 */
void ignis_get_eth_mac_stats(struct net_device *netdev,
			     struct ethtool_eth_mac_stats *s)
{
	u64 hw[HW_STATS];

	ignis_get_hw_stats(netdev_priv(netdev), hw);
	s->FramesTransmittedOK = hw[HW_TX_PACKETS];
	s->SingleCollisionFrames = hw[HW_TX_SINGLE_COLLISION];
	s->MultipleCollisionFrames = hw[HW_TX_MULTIPLE_COLLISION];
	s->FramesReceivedOK = hw[HW_RX_PACKETS];
	s->FrameCheckSequenceErrors = hw[HW_RX_CRC_ERRORS];
	s->AlignmentErrors = hw[HW_RX_ALIGN_ERRORS];
	s->OctetsTransmittedOK = hw[HW_TX_BYTES];
	s->FramesWithDeferredXmissions = hw[HW_TX_DEFERRED];
	s->LateCollisions = hw[HW_TX_LATE_COLLISIONS];
	s->FramesAbortedDueToXSColls = hw[HW_TX_EXCESSIVE_COLLISIONS];
	s->CarrierSenseErrors = hw[HW_TX_NO_CARRIER];
	s->OctetsReceivedOK = hw[HW_RX_BYTES];
	s->MulticastFramesXmittedOK = hw[HW_TX_MULTICAST];
	s->BroadcastFramesXmittedOK = hw[HW_TX_BROADCAST];
	s->MulticastFramesReceivedOK = hw[HW_RX_MULTICAST];
	s->BroadcastFramesReceivedOK = hw[HW_RX_BROADCAST];
	s->FrameTooLongErrors = hw[HW_RX_OVERSIZE];
}

/**
 * ignis_get_eth_phy_stats - ethtool -S --groups eth-phy
 * @netdev: port
 * @s: filled in
 *
 * Context: process, RTNL.
 */
void ignis_get_eth_phy_stats(struct net_device *netdev,
			     struct ethtool_eth_phy_stats *s)
{
	u64 hw[HW_STATS];

	ignis_get_hw_stats(netdev_priv(netdev), hw);
	s->SymbolErrorDuringCarrier = hw[HW_RX_SYMBOL_ERRORS];
}

/**
 * ignis_get_eth_ctrl_stats - ethtool -S --groups eth-ctrl
 * @netdev: port
 * @s: filled in
 *
 * The chips know no MAC control frames but those of flow control.
 *
 * Context: process, RTNL.
 */
void ignis_get_eth_ctrl_stats(struct net_device *netdev,
			      struct ethtool_eth_ctrl_stats *s)
{
	u64 hw[HW_STATS];

	ignis_get_hw_stats(netdev_priv(netdev), hw);
	s->MACControlFramesTransmitted = hw[HW_TX_XON] + hw[HW_TX_XOFF];
	s->MACControlFramesReceived = hw[HW_RX_XON] + hw[HW_RX_XOFF] +
				      hw[HW_RX_CTRL_UNKNOWN];
	s->UnsupportedOpcodesReceived = hw[HW_RX_CTRL_UNKNOWN];
}

/**
 * ignis_get_rmon_stats - ethtool -S --groups rmon
 * @netdev: port
 * @s: filled in
 * @ranges: what the histograms' buckets stand for
 *
 * Context: process, RTNL.
 */
void ignis_get_rmon_stats(struct net_device *netdev,
			  struct ethtool_rmon_stats *s,
			  const struct ethtool_rmon_hist_range **ranges)
{
	u64 hw[HW_STATS];
	unsigned int i;

	ignis_get_hw_stats(netdev_priv(netdev), hw);
	s->undersize_pkts = hw[HW_RX_UNDERSIZE];
	s->oversize_pkts = hw[HW_RX_OVERSIZE];
	s->fragments = hw[HW_RX_FRAGMENTS];
	s->jabbers = hw[HW_RX_JABBER];
	for (i = 0; i < HW_TX_PACKETS - HW_RX_HIST; i++) {
		s->hist[i] = hw[HW_RX_HIST + i];
		s->hist_tx[i] = hw[HW_TX_HIST + i];
	}
	*ranges = ignis_rmon_ranges;
}

/**
 * ignis_get_pause_stats - ethtool -I -a
 * @netdev: port
 * @s: filled in
 *
 * Context: process, RTNL.
 */
void ignis_get_pause_stats(struct net_device *netdev,
			   struct ethtool_pause_stats *s)
{
	u64 hw[HW_STATS];

	ignis_get_hw_stats(netdev_priv(netdev), hw);
	s->tx_pause_frames = hw[HW_TX_XON] + hw[HW_TX_XOFF];
	s->rx_pause_frames = hw[HW_RX_XON] + hw[HW_RX_XOFF];
}

static void ignis_read_xdp(const struct ignis_rx_stats *s, u64 *out)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&s->syncp);
		out[0] = u64_stats_read(&s->xdp_drop);
		out[1] = u64_stats_read(&s->xdp_tx);
		out[2] = u64_stats_read(&s->xdp_redirect);
	} while (u64_stats_fetch_retry(&s->syncp, start));
}

static const char ignis_rx_names[][ETH_GSTRING_LEN] = {
	"dropped", "errors", "irq_usecs", "xdp_drop", "xdp_tx", "xdp_redirect",
};

static const char ignis_tx_names[][ETH_GSTRING_LEN] = {
	"dropped",
};

/**
 * ignis_get_sset_count - ethtool op
 * @netdev: port
 * @sset: string set
 *
 * Return: strings in it.
 */
int ignis_get_sset_count(struct net_device *netdev, int sset)
{
	struct ignis *ig = netdev_priv(netdev);

	if (sset == ETH_SS_TEST)
		return ignis_test_count(ig);
	if (sset != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return HW_NAMED + 2 +
	       ig->max_channels * (ARRAY_SIZE(ignis_rx_names) +
				   ARRAY_SIZE(ignis_tx_names));
}

/**
 * ignis_get_strings - ethtool op
 * @netdev: port
 * @sset: string set
 * @data: filled in
 */
void ignis_get_strings(struct net_device *netdev, u32 sset, u8 *data)
{
	struct ignis *ig = netdev_priv(netdev);
	unsigned int i, j;

	if (sset == ETH_SS_TEST)
		ignis_test_strings(ig, data);
	if (sset != ETH_SS_STATS)
		return;

	for (i = 0; i < HW_NAMED; i++)
		ethtool_puts(&data, ignis_hw_names[i]);
	ethtool_puts(&data, "tx_timeouts");
	ethtool_puts(&data, "rx_hwtstamp_cleared");
	for (i = 0; i < ig->max_channels; i++) {
		for (j = 0; j < ARRAY_SIZE(ignis_rx_names); j++)
			ethtool_sprintf(&data, "rx_queue_%u_%s", i,
					ignis_rx_names[j]);
		for (j = 0; j < ARRAY_SIZE(ignis_tx_names); j++)
			ethtool_sprintf(&data, "tx_queue_%u_%s", i,
					ignis_tx_names[j]);
	}
}

/**
 * ignis_get_ethtool_stats - ethtool -S, in the order of ignis_get_strings()
 * @netdev: port
 * @stats: unused
 * @data: filled in
 *
 * Context: process, RTNL.
 */
void ignis_get_ethtool_stats(struct net_device *netdev,
			     struct ethtool_stats *stats, u64 *data)
{
	struct ignis *ig = netdev_priv(netdev);
	struct netdev_queue_stats_rx rx = {};
	struct netdev_queue_stats_tx tx;
	u64 hw[HW_STATS];
	u64 dropped, errors;
	unsigned int i;

	ignis_get_hw_stats(ig, hw);
	memcpy(data, hw, HW_NAMED * sizeof(*data));
	data += HW_NAMED;
	*data++ = atomic_long_read(&ig->tx_timeouts);
	*data++ = ignis_ptp_rx_cleared(ig);

	for (i = 0; i < ig->max_channels; i++) {
		ignis_read_rx(ig, i, &rx, &dropped, &errors);
		*data++ = dropped;
		*data++ = errors;
		*data++ = ignis_moderation(&ig->vectors[i]);
		ignis_read_xdp(&ig->vectors[i].rx_stats, data);
		data += 3;

		ignis_read_tx(&ig->vectors[i].tx_stats, &tx, &dropped);
		*data++ = dropped;
	}
}
