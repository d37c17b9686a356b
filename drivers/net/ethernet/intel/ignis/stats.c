// SPDX-License-Identifier: GPL-2.0-only
/* Counters: netdev-genl per queue, ip -s link, ethtool -S */

#include <net/netdev_queues.h>

#include "ignis.h"

static const struct {
	char name[ETH_GSTRING_LEN];
	u16 reg;
} ignis_hw_counters[HW_STATS] = {
	[HW_RX_CRC_ERRORS]	= { "rx_crc_errors", IGNIS_CRCERRS },
	[HW_RX_ALIGN_ERRORS]	= { "rx_align_errors", IGNIS_ALGNERRC },
	[HW_RX_SYMBOL_ERRORS]	= { "rx_symbol_errors", IGNIS_RXERRC },
	[HW_RX_MISSED]		= { "rx_missed", IGNIS_MPC },
	[HW_RX_NO_BUFFER]	= { "rx_no_buffer", IGNIS_RNBC },
	[HW_RX_UNDERSIZE]	= { "rx_undersize", IGNIS_RUC },
	[HW_RX_FRAGMENTS]	= { "rx_fragments", IGNIS_RFC },
	[HW_RX_OVERSIZE]	= { "rx_oversize", IGNIS_ROC },
	[HW_RX_JABBER]		= { "rx_jabber", IGNIS_RJC },
	[HW_RX_MULTICAST]	= { "rx_multicast", IGNIS_MPRC },
	[HW_TX_EXCESSIVE_COLLISIONS] = { "tx_excessive_collisions",
					 IGNIS_ECOL },
	[HW_TX_LATE_COLLISIONS]	= { "tx_late_collisions", IGNIS_LATECOL },
	[HW_COLLISIONS]		= { "collisions", IGNIS_COLC },
	[HW_RX_XON]		= { "rx_xon", IGNIS_XONRXC },
	[HW_RX_XOFF]		= { "rx_xoff", IGNIS_XOFFRXC },
	[HW_TX_XON]		= { "tx_xon", IGNIS_XONTXC },
	[HW_TX_XOFF]		= { "tx_xoff", IGNIS_XOFFTXC },
};

static void ignis_copy_hw_stats(struct ignis *ig, u64 *out)
{
	spin_lock_bh(&ig->stats_lock);
	memcpy(out, ig->hw_stats, sizeof(ig->hw_stats));
	spin_unlock_bh(&ig->stats_lock);
}

/**
 * ignis_update_hw_stats - take over the MAC's clear-on-read counters
 * @ig: port
 *
 * Context: process or softirq; takes stats_lock.
 */
void ignis_update_hw_stats(struct ignis *ig)
{
	unsigned int i;

	if (test_bit(IGNIS_GONE, &ig->flags))
		return;

	spin_lock_bh(&ig->stats_lock);
	for (i = 0; i < HW_STATS; i++)
		ig->hw_stats[i] += ignis_rd(ig, ignis_hw_counters[i].reg);
	for (i = 0; i < ig->max_channels; i++)
		ig->vectors[i].rx_overruns += ignis_rd(ig, IGNIS_RQDPC(i));
	spin_unlock_bh(&ig->stats_lock);
}

/* Queue @i's counters; those no standard group has in @dropped and @errors */
static void ignis_read_rx(struct ignis *ig, unsigned int i,
			  struct netdev_queue_stats_rx *out, u64 *dropped,
			  u64 *errors)
{
	const struct ignis_rx_stats *s = &ig->vectors[i].rx_stats;
	unsigned int start;

	spin_lock_bh(&ig->stats_lock);
	out->hw_drop_overruns = ig->vectors[i].rx_overruns;
	spin_unlock_bh(&ig->stats_lock);
	out->hw_drops = out->hw_drop_overruns;

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
	rx->hw_drops = 0;
	rx->hw_drop_overruns = 0;
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
 * shown by ethtool -S only.
 *
 * Context: any.
 */
void ignis_get_stats64(struct net_device *netdev, struct rtnl_link_stats64 *s)
{
	struct ignis *ig = netdev_priv(netdev);
	struct netdev_queue_stats_rx rx;
	struct netdev_queue_stats_tx tx;
	u64 hw[HW_STATS];
	u64 dropped, errors;
	unsigned int i;

	if (netif_device_present(netdev))
		ignis_update_hw_stats(ig);

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

	ignis_copy_hw_stats(ig, hw);

	s->multicast = hw[HW_RX_MULTICAST];
	s->collisions = hw[HW_COLLISIONS];
	s->rx_crc_errors = hw[HW_RX_CRC_ERRORS];
	s->rx_frame_errors = hw[HW_RX_ALIGN_ERRORS];
	s->rx_length_errors = hw[HW_RX_FRAGMENTS] + hw[HW_RX_OVERSIZE] +
			      hw[HW_RX_JABBER];
	s->rx_missed_errors += hw[HW_RX_MISSED];
	s->rx_errors += s->rx_crc_errors + s->rx_frame_errors +
			s->rx_length_errors + hw[HW_RX_SYMBOL_ERRORS];
	s->tx_aborted_errors = hw[HW_TX_EXCESSIVE_COLLISIONS];
	s->tx_window_errors = hw[HW_TX_LATE_COLLISIONS];
	s->tx_errors = s->tx_aborted_errors + s->tx_window_errors;
}

static const char ignis_rx_names[][ETH_GSTRING_LEN] = {
	"packets", "bytes", "csum_unnecessary", "csum_none", "csum_bad",
	"alloc_fail", "dropped", "errors", "overruns",
};

static const char ignis_tx_names[][ETH_GSTRING_LEN] = {
	"packets", "bytes", "stopped", "wake", "dropped",
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

	if (sset != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return HW_STATS + 1 +
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

	if (sset != ETH_SS_STATS)
		return;

	for (i = 0; i < HW_STATS; i++)
		ethtool_puts(&data, ignis_hw_counters[i].name);
	ethtool_puts(&data, "tx_timeouts");
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
	struct netdev_queue_stats_rx rx;
	struct netdev_queue_stats_tx tx;
	u64 dropped, errors;
	unsigned int i;

	ignis_update_hw_stats(ig);
	ignis_copy_hw_stats(ig, data);
	data += HW_STATS;
	*data++ = ig->tx_timeouts;

	for (i = 0; i < ig->max_channels; i++) {
		ignis_read_rx(ig, i, &rx, &dropped, &errors);
		*data++ = rx.packets;
		*data++ = rx.bytes;
		*data++ = rx.csum_unnecessary;
		*data++ = rx.csum_none;
		*data++ = rx.csum_bad;
		*data++ = rx.alloc_fail;
		*data++ = dropped;
		*data++ = errors;
		*data++ = rx.hw_drop_overruns;

		ignis_read_tx(&ig->vectors[i].tx_stats, &tx, &dropped);
		*data++ = tx.packets;
		*data++ = tx.bytes;
		*data++ = tx.stop;
		*data++ = tx.wake;
		*data++ = dropped;
	}
}
