// SPDX-License-Identifier: GPL-2.0-only
/* net_device life: open, stop, features, MTU, transmit timeout */

#include <linux/phy.h>
#include <net/netdev_queues.h>

#include "ignis.h"

#define IGNIS_FEATURES	(NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_SCTP_CRC | \
			 NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN | \
			 NETIF_F_RXCSUM | NETIF_F_RXHASH)
#define IGNIS_VLAN	(NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_CTAG_RX | \
			 NETIF_F_HW_VLAN_CTAG_FILTER)

/**
 * ignis_check_gone - decide whether an all-ones read means a removed device
 * @ig: port
 *
 * Context: any.
 */
void ignis_check_gone(struct ignis *ig)
{
	if (test_bit(IGNIS_GONE, &ig->flags) ||
	    readl(ig->hw + IGNIS_STATUS) != ~0u)
		return;

	if (!test_and_set_bit(IGNIS_GONE, &ig->flags)) {
		netdev_err(ig->netdev, "the device does not answer any more\n");
		schedule_work(&ig->reset_work);
	}
}

/* No DMA after this: a chip that cannot be reset is cut off the bus */
static int ignis_hw_quiesce(struct ignis *ig)
{
	int err = ig->mac->reset(ig);

	if (err)
		pci_clear_master(ig->pdev);
	return err;
}

/**
 * ignis_hw_init - reset the MAC and program everything but the queues
 * @ig: port
 *
 * Context: process, RTNL once registered.
 *
 * Return: 0 or a negative errno.
 */
int ignis_hw_init(struct ignis *ig)
{
	int err = ignis_hw_quiesce(ig);

	if (err)
		return err;

	pci_set_master(ig->pdev);
	ig->mac->init(ig);
	ig->mac->irq_setup(ig);
	ig->mac->write_rss(ig);
	ignis_set_moderation(ig);
	ignis_apply_features(ig, ig->netdev->features);
	ignis_filter_restore(ig);
	return 0;
}

static int ignis_open(struct net_device *netdev)
{
	struct ignis *ig = netdev_priv(netdev);
	int err;

	err = ignis_qset_open(ig);
	if (err)
		return err;

	err = ignis_hw_init(ig);
	if (err) {
		ignis_qset_close(ig);
		return err;
	}

	ignis_qset_start(ig);
	ig->mac->irq_enable(ig);
	phylink_start(ig->phylink);
	ignis_link_restart(ig);
	return 0;
}

static int ignis_stop(struct net_device *netdev)
{
	struct ignis *ig = netdev_priv(netdev);

	phylink_stop(ig->phylink);
	ignis_qset_stop(ig);
	ignis_update_hw_stats(ig);
	ignis_hw_quiesce(ig);
	ig->mac->release(ig);
	ignis_qset_close(ig);
	return 0;
}

/*
 * Start over with everything in the rings thrown away.  Only for a transmitter
 * that is stuck: no configuration change needs it.
 */
static void ignis_restart(struct ignis *ig)
{
	int err;

	phylink_stop(ig->phylink);
	ignis_update_hw_stats(ig);
	ignis_qset_stop(ig);
	ignis_qset_purge(ig);
	err = ignis_hw_init(ig);
	ignis_qset_start(ig);
	ig->mac->irq_enable(ig);
	phylink_start(ig->phylink);
	ignis_link_restart(ig);
	if (err) {
		netdev_err(ig->netdev, "reset failed (%d), giving up\n", err);
		netif_device_detach(ig->netdev);
	}
}

/**
 * ignis_reset_work - act on what was noticed where one cannot sleep
 * @work: ig->reset_work
 *
 * Context: process.
 */
void ignis_reset_work(struct work_struct *work)
{
	struct ignis *ig = container_of(work, struct ignis, reset_work);
	bool restart;

	rtnl_lock();
	restart = test_and_clear_bit(IGNIS_HANG, &ig->flags);
	if (test_bit(IGNIS_GONE, &ig->flags)) {
		netif_device_detach(ig->netdev);
	} else if (netif_running(ig->netdev) &&
		   netif_device_present(ig->netdev)) {
		if (test_and_clear_bit(IGNIS_FLUSH, &ig->flags))
			restart |= !netif_carrier_ok(ig->netdev) &&
				   ignis_qset_tx_pending(ig);
		if (restart)
			ignis_restart(ig);
	}
	rtnl_unlock();
}

static void ignis_tx_timeout(struct net_device *netdev, unsigned int queue)
{
	struct ignis *ig = netdev_priv(netdev);
	struct ignis_tx_ring *ring = ig->tx[queue];

	if (!ring)
		return;

	netdev_err(netdev,
		   "transmit queue %u hangs: next to clean %u, announced %u, next to use %u, TDH %u, TDT %u, TXDCTL %#x, STATUS %#x\n",
		   queue, ring->ntc & ring->mask, ring->kicked & ring->mask,
		   ring->ntu & ring->mask, ignis_rd(ig, IGNIS_TDH(queue)),
		   ignis_rd(ig, IGNIS_TDT(queue)),
		   ignis_rd(ig, IGNIS_TXDCTL(queue)),
		   ignis_rd(ig, IGNIS_STATUS));
	ig->tx_timeouts++;
	set_bit(IGNIS_HANG, &ig->flags);
	schedule_work(&ig->reset_work);
}

static int ignis_change_mtu(struct net_device *netdev, int mtu)
{
	struct ignis *ig = netdev_priv(netdev);
	struct ignis_config cfg = ig->cfg;
	int err;

	cfg.mtu = mtu;
	err = ignis_reconfigure(ig, &cfg, NULL);
	if (!err)
		WRITE_ONCE(netdev->mtu, mtu);
	return err;
}

/**
 * ignis_apply_features - switch what the hardware does by itself
 * @ig: port
 * @features: to be in force
 *
 * Context: process, RTNL.
 */
void ignis_apply_features(struct ignis *ig, netdev_features_t features)
{
	ignis_rmw(ig, IGNIS_RXCSUM,
		  RXCSUM_IPOFLD | RXCSUM_TUOFLD | RXCSUM_CRCOFL,
		  (features & NETIF_F_RXCSUM ? RXCSUM_IPOFLD | RXCSUM_TUOFLD |
					       RXCSUM_CRCOFL : 0) |
		  RXCSUM_PCSD);
	ignis_rmw(ig, IGNIS_CTRL, CTRL_VME,
		  features & NETIF_F_HW_VLAN_CTAG_RX ? CTRL_VME : 0);
}

/* CTRL.VME switches insertion as well as stripping */
static netdev_features_t ignis_fix_features(struct net_device *netdev,
					    netdev_features_t features)
{
	if (!(features & NETIF_F_HW_VLAN_CTAG_RX))
		features &= ~NETIF_F_HW_VLAN_CTAG_TX;
	return features;
}

static int ignis_set_features(struct net_device *netdev,
			      netdev_features_t features)
{
	struct ignis *ig = netdev_priv(netdev);
	netdev_features_t changed = netdev->features ^ features;

	netdev->features = features;
	if (!netif_running(netdev))
		return 1;

	ignis_apply_features(ig, features);
	if (changed & NETIF_F_HW_VLAN_CTAG_FILTER) {
		netif_addr_lock_bh(netdev);
		ignis_set_rx_mode(netdev);
		netif_addr_unlock_bh(netdev);
	}
	return 1;
}

static const struct net_device_ops ignis_netdev_ops = {
	.ndo_open = ignis_open,
	.ndo_stop = ignis_stop,
	.ndo_start_xmit = ignis_xmit,
	.ndo_features_check = ignis_features_check,
	.ndo_set_rx_mode = ignis_set_rx_mode,
	.ndo_set_mac_address = ignis_set_mac_address,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_change_mtu = ignis_change_mtu,
	.ndo_tx_timeout = ignis_tx_timeout,
	.ndo_get_stats64 = ignis_get_stats64,
	.ndo_vlan_rx_add_vid = ignis_vlan_rx_add_vid,
	.ndo_vlan_rx_kill_vid = ignis_vlan_rx_kill_vid,
	.ndo_fix_features = ignis_fix_features,
	.ndo_set_features = ignis_set_features,
};

/**
 * ignis_netdev_init - fill in the net_device before registration
 * @ig: port
 *
 * Context: process, probe.
 */
void ignis_netdev_init(struct ignis *ig)
{
	struct net_device *netdev = ig->netdev;

	netdev->netdev_ops = &ignis_netdev_ops;
	netdev->ethtool_ops = &ignis_ethtool_ops;
	netdev->stat_ops = &ignis_stat_ops;
	netdev->watchdog_timeo = 5 * HZ;
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = IGNIS_MAX_MTU;
	netdev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;

	/*
	 * UDP segmentation must be switched on by hand: QEMU's model sends IP
	 * fragments of one datagram instead of many datagrams.
	 */
	netdev->vlan_features = IGNIS_FEATURES | NETIF_F_HIGHDMA;
	netdev->hw_features = IGNIS_FEATURES | IGNIS_VLAN | NETIF_F_GSO_UDP_L4;
	netdev->features = IGNIS_FEATURES | IGNIS_VLAN | NETIF_F_HIGHDMA;

	ig->cfg.rx_count = IGNIS_DEFAULT_RING;
	ig->cfg.tx_count = IGNIS_DEFAULT_RING;
	ig->cfg.mtu = netdev->mtu;
	ig->cfg.channels = min_t(u32, ig->max_channels, num_online_cpus());
	/* Frames with a priority but no VLAN are always let in */
	__set_bit(0, ig->vlans);
	ig->adaptive = true;
	ig->rx_usecs = 8;
}
