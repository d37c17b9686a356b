// SPDX-License-Identifier: GPL-2.0-only
/* ethtool: what is configured; what is counted is in stats.c */

#include <linux/ethtool_netlink.h>
#include <linux/phy.h>

#include "ignis.h"

static void ignis_get_drvinfo(struct net_device *netdev,
			      struct ethtool_drvinfo *info)
{
	struct ignis *ig = netdev_priv(netdev);

	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->bus_info, pci_name(ig->pdev), sizeof(info->bus_info));
	if (ignis_nvm_version(ig, info->fw_version))
		info->fw_version[0] = '\0';
}

static unsigned int ignis_regs_repeat(const struct ignis *ig,
				      const struct ignis_regs *regs)
{
	return regs->per_queue ? ig->mac->max_queues : 1;
}

static int ignis_get_regs_len(struct net_device *netdev)
{
	struct ignis *ig = netdev_priv(netdev);
	const struct ignis_regs *regs = ig->mac->regs;
	unsigned int i, n = 0;

	for (i = 0; i < ig->mac->n_regs; i++, regs++)
		n += regs->count * ignis_regs_repeat(ig, regs);
	return n * 2 * sizeof(u32);
}

/* Pairs of offset and value, so that a decoder needs no table of ours */
static void ignis_get_regs(struct net_device *netdev, struct ethtool_regs *info,
			   void *data)
{
	struct ignis *ig = netdev_priv(netdev);
	const struct ignis_regs *regs = ig->mac->regs;
	unsigned int i, j, q;
	u32 *out = data;

	info->version = 1;
	for (i = 0; i < ig->mac->n_regs; i++, regs++) {
		for (q = 0; q < ignis_regs_repeat(ig, regs); q++) {
			for (j = 0; j < regs->count; j++) {
				*out = regs->first + 4 * j +
				       ig->mac->queue_stride * q;
				out[1] = ignis_rd(ig, *out);
				out += 2;
			}
		}
	}
}

static int ignis_nway_reset(struct net_device *netdev)
{
	struct ignis *ig = netdev_priv(netdev);
	int err;

	/* phylib would negotiate all the same */
	if (ig->phy->autoneg != AUTONEG_ENABLE)
		return -EINVAL;

	err = phylink_ethtool_nway_reset(ig->phylink);
	/* The link is down from here on; see that before it is up again */
	if (!err && netif_running(netdev))
		phy_mac_interrupt(ig->phy);
	return err;
}

static void ignis_get_ringparam(struct net_device *netdev,
				struct ethtool_ringparam *ring,
				struct kernel_ethtool_ringparam *kring,
				struct netlink_ext_ack *extack)
{
	struct ignis *ig = netdev_priv(netdev);

	ring->rx_max_pending = IGNIS_MAX_RING;
	ring->tx_max_pending = IGNIS_MAX_RING;
	ring->rx_pending = ig->cfg.rx_count;
	ring->tx_pending = ig->cfg.tx_count;
	if (netdev->ethtool_ops->supported_ring_params &
	    ETHTOOL_RING_USE_TCP_DATA_SPLIT)
		kring->tcp_data_split = ig->cfg.split ?
					ETHTOOL_TCP_DATA_SPLIT_ENABLED :
					ETHTOOL_TCP_DATA_SPLIT_DISABLED;
}

static int ignis_set_ringparam(struct net_device *netdev,
			       struct ethtool_ringparam *ring,
			       struct kernel_ethtool_ringparam *kring,
			       struct netlink_ext_ack *extack)
{
	struct ignis *ig = netdev_priv(netdev);
	struct ignis_config cfg = ignis_next_config(ig);
	int err;

	if (ring->rx_pending < IGNIS_MIN_RING ||
	    ring->tx_pending < IGNIS_MIN_RING) {
		NL_SET_ERR_MSG_FMT(extack, "a ring has at least %u descriptors",
				   IGNIS_MIN_RING);
		return -EINVAL;
	}

	cfg.rx_count = roundup_pow_of_two(ring->rx_pending);
	cfg.tx_count = roundup_pow_of_two(ring->tx_pending);
	/* Who has not decided (UNKNOWN) shall have XDP */
	cfg.split = kring->tcp_data_split == ETHTOOL_TCP_DATA_SPLIT_ENABLED;
	if (cfg.rx_count == ig->cfg.rx_count &&
	    cfg.tx_count == ig->cfg.tx_count && cfg.split == ig->cfg.split)
		return 0;

	err = ignis_xdp_check(ig, &cfg, ig->xdp_prog, extack);
	if (err)
		return err;
	return ignis_reconfigure(ig, &cfg, extack);
}

static void ignis_get_channels(struct net_device *netdev,
			       struct ethtool_channels *ch)
{
	struct ignis *ig = netdev_priv(netdev);

	ch->max_combined = ig->max_channels;
	ch->combined_count = ig->cfg.channels;
}

/* The core has checked the limits, and that the RSS table still fits */
static int ignis_set_channels(struct net_device *netdev,
			      struct ethtool_channels *ch)
{
	struct ignis *ig = netdev_priv(netdev);
	struct ignis_config cfg = ignis_next_config(ig);

	cfg.channels = ch->combined_count;
	if (cfg.channels == ig->cfg.channels)
		return 0;
	return ignis_reconfigure(ig, &cfg, NULL);
}

/**
 * ignis_get_rx_ring_count - ethtool op
 * @netdev: port
 *
 * Context: process, RTNL.
 *
 * Return: receive rings that a flow can be steered to.
 */
u32 ignis_get_rx_ring_count(struct net_device *netdev)
{
	struct ignis *ig = netdev_priv(netdev);

	return ig->cfg.channels;
}

static int ignis_get_queue_coalesce(struct net_device *netdev, u32 queue,
				    struct ethtool_coalesce *ec)
{
	struct ignis *ig = netdev_priv(netdev);

	if (queue >= ig->cfg.channels)
		return -EINVAL;
	ec->use_adaptive_rx_coalesce = ig->vectors[queue].adaptive;
	ec->rx_coalesce_usecs = ig->vectors[queue].rx_usecs;
	return 0;
}

/* What was set for all queues is what the first has */
static int ignis_get_coalesce(struct net_device *netdev,
			      struct ethtool_coalesce *ec,
			      struct kernel_ethtool_coalesce *kec,
			      struct netlink_ext_ack *extack)
{
	return ignis_get_queue_coalesce(netdev, 0, ec);
}

/* A vector serves both directions, so rx-usecs moderates transmit as well */
static int ignis_moderate(struct ignis *ig, unsigned int first,
			  unsigned int end, const struct ethtool_coalesce *ec,
			  struct netlink_ext_ack *extack)
{
	unsigned int i;

	if (ec->rx_coalesce_usecs > IGNIS_MAX_ITR_USECS) {
		NL_SET_ERR_MSG_FMT(extack, "rx-usecs can be %u at most",
				   IGNIS_MAX_ITR_USECS);
		return -ERANGE;
	}

	for (i = first; i < end; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		WRITE_ONCE(v->rx_usecs, ec->rx_coalesce_usecs);
		WRITE_ONCE(v->adaptive, ec->use_adaptive_rx_coalesce);
	}
	if (netif_running(ig->netdev))
		ignis_set_moderation(ig);
	return 0;
}

static int ignis_set_queue_coalesce(struct net_device *netdev, u32 queue,
				    struct ethtool_coalesce *ec)
{
	struct ignis *ig = netdev_priv(netdev);

	if (queue >= ig->cfg.channels)
		return -EINVAL;
	return ignis_moderate(ig, queue, queue + 1, ec, NULL);
}

static int ignis_set_coalesce(struct net_device *netdev,
			      struct ethtool_coalesce *ec,
			      struct kernel_ethtool_coalesce *kec,
			      struct netlink_ext_ack *extack)
{
	struct ignis *ig = netdev_priv(netdev);

	return ignis_moderate(ig, 0, ig->mac->max_queues, ec, extack);
}

static int ignis_get_link_ksettings(struct net_device *netdev,
				    struct ethtool_link_ksettings *ks)
{
	struct ignis *ig = netdev_priv(netdev);

	return phylink_ethtool_ksettings_get(ig->phylink, ks);
}

static int ignis_set_link_ksettings(struct net_device *netdev,
				    const struct ethtool_link_ksettings *ks)
{
	static const u8 modes[] = {
		ETHTOOL_LINK_MODE_10baseT_Half_BIT,
		ETHTOOL_LINK_MODE_10baseT_Full_BIT,
		ETHTOOL_LINK_MODE_100baseT_Half_BIT,
		ETHTOOL_LINK_MODE_100baseT_Full_BIT,
		ETHTOOL_LINK_MODE_1000baseT_Full_BIT,
	};
	struct ethtool_link_ksettings wanted = *ks;
	struct ignis *ig = netdev_priv(netdev);
	bool any = false;
	unsigned int i;

	/* A request for a speed only has the duplex of the link, if there is one */
	if (wanted.base.duplex == DUPLEX_UNKNOWN)
		wanted.base.duplex = DUPLEX_FULL;

	/* phylib would note these, and report them, but not act on them */
	if (wanted.base.eth_tp_mdix_ctrl != ig->phy->mdix_ctrl ||
	    wanted.base.port != ig->phy->port)
		return -EOPNOTSUPP;

	/* It would make that full duplex */
	if (wanted.base.autoneg == AUTONEG_DISABLE &&
	    wanted.base.speed == SPEED_1000 &&
	    wanted.base.duplex == DUPLEX_HALF)
		return -EINVAL;

	/* phylib would take an advertisement without a single speed */
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		any |= test_bit(modes[i], wanted.link_modes.advertising);
	if (wanted.base.autoneg == AUTONEG_ENABLE && !any)
		return -EINVAL;

	return phylink_ethtool_ksettings_set(ig->phylink, &wanted);
}

static void ignis_get_wol(struct net_device *netdev, struct ethtool_wolinfo *wol)
{
	struct ignis *ig = netdev_priv(netdev);

	wol->supported = IGNIS_WOL;
	wol->wolopts = ig->wol;
}

/* Takes effect when the machine sleeps or is shut down: ignis_arm_wakeup() */
static int ignis_set_wol(struct net_device *netdev, struct ethtool_wolinfo *wol)
{
	struct ignis *ig = netdev_priv(netdev);

	if (wol->wolopts & ~IGNIS_WOL)
		return -EOPNOTSUPP;

	ig->wol = wol->wolopts;
	device_set_wakeup_enable(&ig->pdev->dev, ig->wol);
	return 0;
}

static void ignis_set_leds(struct ignis *ig, u32 mode)
{
	u32 clear = 0, set = 0;
	unsigned int i;

	/* How LEDs are wired (IVRT) is the board's business */
	for (i = 0; i < ig->mac->leds; i++) {
		clear |= LEDCTL_MODE(i) | LEDCTL_BLINK(i);
		set |= mode << 8 * i;
	}
	ignis_wr(ig, IGNIS_LEDCTL, (ig->ledctl & ~clear) | set);
}

/* All LEDs of the port on and off, twice a second */
static int ignis_set_phys_id(struct net_device *netdev,
			     enum ethtool_phys_id_state state)
{
	struct ignis *ig = netdev_priv(netdev);

	switch (state) {
	case ETHTOOL_ID_ACTIVE:
		ig->ledctl = ignis_rd(ig, IGNIS_LEDCTL);
		return 2;
	case ETHTOOL_ID_ON:
		ignis_set_leds(ig, LED_ON);
		return 0;
	case ETHTOOL_ID_OFF:
		ignis_set_leds(ig, LED_OFF);
		return 0;
	default:
		ignis_wr(ig, IGNIS_LEDCTL, ig->ledctl);
		return 0;
	}
}

static void ignis_get_pauseparam(struct net_device *netdev,
				 struct ethtool_pauseparam *pause)
{
	struct ignis *ig = netdev_priv(netdev);

	phylink_ethtool_get_pauseparam(ig->phylink, pause);
}

static int ignis_set_pauseparam(struct net_device *netdev,
				struct ethtool_pauseparam *pause)
{
	struct ignis *ig = netdev_priv(netdev);

	return phylink_ethtool_set_pauseparam(ig->phylink, pause);
}

/* All of them but the ring parameters */
#define IGNIS_ETHTOOL_OPS						\
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS |	\
				     ETHTOOL_COALESCE_USE_ADAPTIVE_RX,	\
	.get_drvinfo = ignis_get_drvinfo,				\
	.get_regs_len = ignis_get_regs_len,				\
	.get_regs = ignis_get_regs,					\
	.get_link = ethtool_op_get_link,				\
	.get_wol = ignis_get_wol,					\
	.set_wol = ignis_set_wol,					\
	.get_eeprom_len = ignis_get_eeprom_len,				\
	.get_eeprom = ignis_get_eeprom,					\
	.set_eeprom = ignis_set_eeprom,					\
	.self_test = ignis_self_test,					\
	.set_phys_id = ignis_set_phys_id,				\
	.nway_reset = ignis_nway_reset,					\
	.get_ringparam = ignis_get_ringparam,				\
	.set_ringparam = ignis_set_ringparam,				\
	.get_channels = ignis_get_channels,				\
	.set_channels = ignis_set_channels,				\
	.get_coalesce = ignis_get_coalesce,				\
	.set_coalesce = ignis_set_coalesce,				\
	.get_per_queue_coalesce = ignis_get_queue_coalesce,		\
	.set_per_queue_coalesce = ignis_set_queue_coalesce,		\
	.get_link_ksettings = ignis_get_link_ksettings,			\
	.set_link_ksettings = ignis_set_link_ksettings,			\
	.get_pauseparam = ignis_get_pauseparam,				\
	.set_pauseparam = ignis_set_pauseparam,				\
	.get_pause_stats = ignis_get_pause_stats,			\
	.get_eth_mac_stats = ignis_get_eth_mac_stats,			\
	.get_eth_phy_stats = ignis_get_eth_phy_stats,			\
	.get_eth_ctrl_stats = ignis_get_eth_ctrl_stats,			\
	.get_rmon_stats = ignis_get_rmon_stats,				\
	.get_sset_count = ignis_get_sset_count,				\
	.get_strings = ignis_get_strings,				\
	.get_ethtool_stats = ignis_get_ethtool_stats,			\
	IGNIS_RXNFC_OPS,						\
	.get_rxfh_key_size = ignis_get_rxfh_key_size,			\
	.get_rxfh_indir_size = ignis_get_rxfh_indir_size,		\
	.get_rxfh = ignis_get_rxfh,					\
	.set_rxfh = ignis_set_rxfh,					\
	.get_ts_info = ignis_get_ts_info,				\
	.get_ts_stats = ignis_get_ts_stats

const struct ethtool_ops ignis_ethtool_ops = {
	IGNIS_ETHTOOL_OPS
};

const struct ethtool_ops ignis_ethtool_ops_split = {
	.supported_ring_params = ETHTOOL_RING_USE_TCP_DATA_SPLIT |
				 ETHTOOL_RING_USE_HDS_THRS,
	IGNIS_ETHTOOL_OPS
};
