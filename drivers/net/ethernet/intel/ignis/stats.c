// SPDX-License-Identifier: GPL-2.0-only
/* Counters: netdev-genl per queue, ip -s link, ethtool -S */

#include <net/netdev_queues.h>

#include "ignis.h"

/**
 * ignis_update_hw_stats - take over the MAC's clear-on-read counters
 * @ig: port
 *
 * Context: any; takes stats_lock.
 */
void ignis_update_hw_stats(struct ignis *ig)
{
	struct ignis_hw_stats *hw = &ig->hw_stats;
	unsigned long irqflags;

	if (test_bit(IGNIS_GONE, &ig->flags))
		return;

	spin_lock_irqsave(&ig->stats_lock, irqflags);
#define X(name, reg)	hw->name += ignis_rd(ig, IGNIS_##reg);
	IGNIS_HW_STATS(X)
#undef X
	spin_unlock_irqrestore(&ig->stats_lock, irqflags);
}

static void ignis_read_rx(const struct ignis_rx_stats *s,
			  struct netdev_queue_stats_rx *out, u64 *errors)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&s->syncp);
		out->packets = u64_stats_read(&s->packets);
		out->bytes = u64_stats_read(&s->bytes);
		out->csum_unnecessary = u64_stats_read(&s->csum_unnecessary);
		out->csum_none = u64_stats_read(&s->csum_none);
		out->csum_bad = u64_stats_read(&s->csum_bad);
		out->alloc_fail = u64_stats_read(&s->alloc_fail);
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
	u64 errors;

	ignis_read_rx(&ig->vectors[idx].rx_stats, stats, &errors);
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
	struct ignis_hw_stats hw;
	unsigned int i;
	u64 bad;

	if (netif_device_present(netdev))
		ignis_update_hw_stats(ig);

	for (i = 0; i < ig->max_channels; i++) {
		ignis_read_rx(&ig->vectors[i].rx_stats, &rx, &bad);
		s->rx_packets += rx.packets;
		s->rx_bytes += rx.bytes;
		s->rx_dropped += rx.alloc_fail;
		s->rx_errors += bad;

		ignis_read_tx(&ig->vectors[i].tx_stats, &tx, &bad);
		s->tx_packets += tx.packets;
		s->tx_bytes += tx.bytes;
		s->tx_dropped += bad;
	}

	spin_lock_bh(&ig->stats_lock);
	hw = ig->hw_stats;
	spin_unlock_bh(&ig->stats_lock);

	s->multicast = hw.rx_multicast;
	s->collisions = hw.collisions;
	s->rx_crc_errors = hw.rx_crc_errors;
	s->rx_frame_errors = hw.rx_align_errors;
	s->rx_length_errors = hw.rx_length_errors + hw.rx_oversize +
			      hw.rx_jabber;
	s->rx_missed_errors = hw.rx_missed;
	s->rx_errors += s->rx_crc_errors + s->rx_frame_errors +
			s->rx_length_errors + hw.rx_symbol_errors;
	s->tx_aborted_errors = hw.tx_excessive_collisions;
	s->tx_window_errors = hw.tx_late_collisions;
	s->tx_errors = s->tx_aborted_errors + s->tx_window_errors;
}

static const char ignis_rx_names[][ETH_GSTRING_LEN] = {
	"packets", "bytes", "csum_unnecessary", "csum_none", "csum_bad",
	"alloc_fail", "errors",
};

static const char ignis_tx_names[][ETH_GSTRING_LEN] = {
	"packets", "bytes", "stopped", "wake", "dropped",
};

static const char ignis_hw_names[][ETH_GSTRING_LEN] = {
#define X(name, reg)	#name,
	IGNIS_HW_STATS(X)
#undef X
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
	return ARRAY_SIZE(ignis_hw_names) + 1 +
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

	for (i = 0; i < ARRAY_SIZE(ignis_hw_names); i++)
		ethtool_puts(&data, ignis_hw_names[i]);
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
	unsigned int i;
	u64 bad;

	ignis_update_hw_stats(ig);
	spin_lock_bh(&ig->stats_lock);
#define X(name, reg)	*data++ = ig->hw_stats.name;
	IGNIS_HW_STATS(X)
#undef X
	spin_unlock_bh(&ig->stats_lock);
	*data++ = ig->tx_timeouts;

	for (i = 0; i < ig->max_channels; i++) {
		ignis_read_rx(&ig->vectors[i].rx_stats, &rx, &bad);
		*data++ = rx.packets;
		*data++ = rx.bytes;
		*data++ = rx.csum_unnecessary;
		*data++ = rx.csum_none;
		*data++ = rx.csum_bad;
		*data++ = rx.alloc_fail;
		*data++ = bad;

		ignis_read_tx(&ig->vectors[i].tx_stats, &tx, &bad);
		*data++ = tx.packets;
		*data++ = tx.bytes;
		*data++ = tx.stop;
		*data++ = tx.wake;
		*data++ = bad;
	}
}
