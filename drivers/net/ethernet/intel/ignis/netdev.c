// SPDX-License-Identifier: GPL-2.0-only
/* net_device life: open, stop, features, MTU, transmit timeout */

#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/phy.h>
#include <net/netdev_queues.h>

#include "ignis.h"

#define IGNIS_FEATURES	(NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | \
			 NETIF_F_TSO6 | NETIF_F_RXCSUM | NETIF_F_RXHASH)
#define IGNIS_VLAN	(NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_CTAG_RX | \
			 NETIF_F_HW_VLAN_CTAG_FILTER)

/* Longest pause we ask for, in units of 512 bit times */
#define PAUSE_TIME	0xffff

/**
 * ignis_check_gone - decide whether an all-ones read means a removed device
 * @ig: port
 *
 * Context: any.
 */
void ignis_check_gone(struct ignis *ig)
{
	if (test_bit(IGNIS_GONE, &ig->flags) ||
	    test_bit(IGNIS_ASLEEP, &ig->flags) ||
	    readl(ig->hw + IGNIS_STATUS) != ~0u)
		return;

	if (!test_and_set_bit(IGNIS_GONE, &ig->flags)) {
		netdev_err(ig->netdev, "the device does not answer any more\n");
		schedule_work(&ig->reset_work);
	}
}

/**
 * ignis_stop_master - no new PCIe requests; waits for those under way
 * @ig: port
 *
 * 82576 datasheet 4.5.3.  Waits for 80 ms at most; a reset has to follow.
 *
 * Context: process.
 */
void ignis_stop_master(struct ignis *ig)
{
	u32 val;
	int err;

	ignis_rmw(ig, IGNIS_CTRL, 0, CTRL_GIO_MASTER_DIS);
	err = read_poll_timeout(ignis_rd, val, !(val & STATUS_GIO_MASTER_EN),
				100, 80 * USEC_PER_MSEC, false, ig,
				IGNIS_STATUS);
	if (err && !test_bit(IGNIS_GONE, &ig->flags))
		netdev_warn(ig->netdev, "PCIe requests still pending at reset\n");
}

/**
 * ignis_soft_reset - CTRL.RST, and wait until the chip has come back
 * @ig: port
 *
 * 82576 datasheet 4.5.1, 4.5.3.
 *
 * Context: process.
 *
 * Return: 0, -ENODEV if the device is gone, -ETIMEDOUT.
 */
int ignis_soft_reset(struct ignis *ig)
{
	u32 val;
	int err;

	ignis_rmw(ig, IGNIS_CTRL, 0, CTRL_RST);
	usleep_range(1000, 2000);

	/* The NVM is loaded anew; a part without one never says so */
	err = read_poll_timeout(ignis_rd, val,
				(val & EECD_AUTO_RD) || !(val & EECD_PRES),
				1000, 20 * USEC_PER_MSEC, false, ig,
				IGNIS_EECD);
	if (test_bit(IGNIS_GONE, &ig->flags))
		return -ENODEV;
	if (err)
		netdev_dbg(ig->netdev, "NVM auto-load not reported\n");

	return read_poll_timeout(ignis_rd, val, !(val & CTRL_RST), 1000,
				 20 * USEC_PER_MSEC, false, ig, IGNIS_CTRL);
}

/*
 * No DMA after this: a chip that cannot be reset is cut off the bus.  Access to
 * the PHY, which may be under way elsewhere, comes to its end before.
 */
static int ignis_hw_quiesce(struct ignis *ig)
{
	int err;

	ignis_ptp_hold(ig);
	ignis_hold_hw_stats(ig, true);
	mutex_lock(&ig->mii->mdio_lock);
	err = ig->mac->reset(ig);
	mutex_unlock(&ig->mii->mdio_lock);
	ignis_hold_hw_stats(ig, false);
	if (err)
		pci_clear_master(ig->pdev);
	else
		ignis_ptp_resume(ig);
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
	/* Firmware is told that a driver runs the port */
	ignis_rmw(ig, IGNIS_CTRL_EXT, 0, CTRL_EXT_DRV_LOAD);
	/* The PHY tells the MAC speed and duplex */
	ignis_rmw(ig, IGNIS_CTRL, CTRL_FRCSPD | CTRL_FRCDPX, CTRL_SLU);
	ignis_wr(ig, IGNIS_VET, ETH_P_8021Q);
	ignis_wr(ig, IGNIS_FCAL, 0x00c28001);	/* 01:80:c2:00:00:01 */
	ignis_wr(ig, IGNIS_FCAH, 0x0100);
	ignis_wr(ig, IGNIS_FCT, ETH_P_PAUSE);
	ignis_wr(ig, IGNIS_FCTTV, PAUSE_TIME);
	ig->mac->irq_setup(ig);
	ignis_rss_write(ig);
	ignis_steer_restore(ig);
	ignis_set_moderation(ig);
	ignis_write_pause(ig);
	ignis_apply_features(ig, ig->netdev->features);
	ignis_filter_restore(ig);
	return 0;
}

/**
 * ignis_hw_release - reset the MAC and leave it to firmware
 * @ig: port
 *
 * Context: process, RTNL.
 */
void ignis_hw_release(struct ignis *ig)
{
	ignis_hw_quiesce(ig);
	ignis_rmw(ig, IGNIS_CTRL_EXT, CTRL_EXT_DRV_LOAD, 0);
}

/* The queue set is there and the MAC programmed: let it run */
static void ignis_run(struct ignis *ig)
{
	ignis_qset_start(ig);
	ig->mac->irq_enable(ig);
	phylink_start(ig->phylink);
	ignis_link_restart(ig);
	queue_delayed_work(system_freezable_wq, &ig->stats_work, 0);
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

	ignis_run(ig);
	return 0;
}

/**
 * ignis_halt - stop link and queues of a running port
 * @ig: port
 *
 * Context: process, RTNL.
 */
void ignis_halt(struct ignis *ig)
{
	cancel_delayed_work_sync(&ig->stats_work);
	ignis_link_loopback(ig, false);
	phylink_stop(ig->phylink);
	ignis_qset_stop(ig);
	ignis_update_hw_stats(ig);
}

static int ignis_stop(struct net_device *netdev)
{
	struct ignis *ig = netdev_priv(netdev);

	if (!test_bit(IGNIS_ASLEEP, &ig->flags)) {
		ignis_halt(ig);
		ignis_hw_release(ig);
	}
	ignis_qset_close(ig);
	return 0;
}

/**
 * ignis_resume - reset the MAC and start over with everything in the rings thrown
 *	away
 * @ig: port, after ignis_halt()
 *
 * Nothing is allocated.  The port is started even if the reset failed, to be
 * stopped in the usual way.
 *
 * Context: process, RTNL.
 *
 * Return: 0 or a negative errno of the reset.
 */
int ignis_resume(struct ignis *ig)
{
	/* Only after the reset does every chip let go of its buffers */
	int err = ignis_hw_init(ig);

	ignis_qset_purge(ig);
	ignis_run(ig);
	return err;
}

/**
 * ignis_attach - give a detached port back to the stack
 * @ig: port, up and started, or down
 *
 * Context: process, RTNL.
 */
void ignis_attach(struct ignis *ig)
{
	struct net_device *netdev = ig->netdev;

	netif_device_attach(netdev);
	if (!netif_running(netdev))
		return;

	/* The lists may have changed while there was no device to tell */
	netif_addr_lock_bh(netdev);
	ignis_set_rx_mode(netdev);
	netif_addr_unlock_bh(netdev);
}

/**
 * ignis_restart - start over with everything in the rings thrown away
 * @ig: port, up
 *
 * For a transmitter that is stuck, or a chip that did not come back from a
 * reset.  The port is given up if it does not now either.
 *
 * Context: process, RTNL.
 *
 * Return: 0 or a negative errno.
 */
int ignis_restart(struct ignis *ig)
{
	int err;

	ignis_halt(ig);
	err = ignis_resume(ig);
	if (err) {
		netdev_err(ig->netdev, "reset failed (%d), giving up\n", err);
		ignis_give_up(ig);
	}
	return err;
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
		/* Before and after that not all is there that would be stopped */
		if (ig->netdev->reg_state == NETREG_REGISTERED)
			ignis_give_up(ig);
		else
			netif_device_detach(ig->netdev);
	} else if (netif_running(ig->netdev) &&
		   netif_device_present(ig->netdev)) {
		/* The stack, which may not have seen it yet, sends no more */
		if (test_and_clear_bit(IGNIS_FLUSH, &ig->flags))
			restart |= !ethtool_op_get_link(ig->netdev) &&
				   ignis_qset_tx_pending(ig);
		if (test_and_clear_bit(IGNIS_POLL, &ig->flags))
			schedule_delayed_work(&ig->refill_work, 0);
		if (restart)
			ignis_restart(ig);
		else if (test_and_clear_bit(IGNIS_LOOP, &ig->flags) &&
			 ignis_link_loopback(ig, ig->netdev->features &
						 NETIF_F_LOOPBACK))
			netdev_warn(ig->netdev, "the PHY does not loop back\n");
	}
	rtnl_unlock();
}

static void ignis_tx_timeout(struct net_device *netdev, unsigned int queue)
{
	struct ignis *ig = netdev_priv(netdev);
	struct ignis_tx_ring *ring = ig->tx[queue];

	if (ring && !READ_ONCE(ring->closing))
		ignis_report_tx_hang(ig, ring);
}

static int ignis_change_mtu(struct net_device *netdev, int mtu)
{
	struct ignis *ig = netdev_priv(netdev);
	struct ignis_config cfg = ignis_next_config(ig);
	int err;

	cfg.mtu = mtu;
	err = ignis_xdp_check_log(ig, &cfg);
	if (err)
		return err;

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
	ignis_rmw(ig, IGNIS_RXCSUM, ig->mac->rxcsum,
		  (features & NETIF_F_RXCSUM ? ig->mac->rxcsum : 0) |
		  RXCSUM_PCSD);
	ignis_rmw(ig, IGNIS_CTRL, CTRL_VME,
		  features & NETIF_F_HW_VLAN_CTAG_RX ? CTRL_VME : 0);
	ignis_rmw(ig, IGNIS_RCTL, RCTL_SECRC | RCTL_SBP | RCTL_PMCF,
		  (features & NETIF_F_RXFCS ? 0 : RCTL_SECRC) |
		  (features & NETIF_F_RXALL ? RCTL_SBP | RCTL_PMCF : 0));
}

/*
 * With rx-all the chip lets in frames of any length (RCTL.SBP): they need
 * buffers that end where the chip thinks they do.
 */
static int ignis_set_rx_all(struct ignis *ig, bool on)
{
	struct ignis_config cfg = ignis_next_config(ig);
	int err;

	cfg.rx_all = on;
	err = ignis_xdp_check_log(ig, &cfg);
	if (err)
		return err;
	return ignis_reconfigure(ig, &cfg, NULL);
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
	/* What does not run, or sleeps, gets them when it starts */
	bool running = netif_running(netdev) && netif_device_present(netdev);
	int err;

	/* First what may fail */
	if (features & changed & NETIF_F_RXALL) {
		err = ignis_set_rx_all(ig, true);
		if (err)
			return err;
	}
	if (running && (changed & NETIF_F_LOOPBACK)) {
		err = ignis_link_loopback(ig, features & NETIF_F_LOOPBACK);
		if (err) {
			if (features & changed & NETIF_F_RXALL)
				ignis_set_rx_all(ig, false);
			return err;
		}
	}

	netdev->features = features;
	if (changed & ~features & NETIF_F_NTUPLE)
		ignis_steer_clear(ig);
	if (running)
		ignis_apply_features(ig, features);
	if (running && (changed & NETIF_F_HW_VLAN_CTAG_FILTER)) {
		netif_addr_lock_bh(netdev);
		ignis_set_rx_mode(netdev);
		netif_addr_unlock_bh(netdev);
	}
	/* Larger buffers than needed do no harm, should this fail */
	if ((changed & NETIF_F_RXALL) && !(features & NETIF_F_RXALL))
		ignis_set_rx_all(ig, false);
	/* The core brings the VLANs up to date if it sees this one change */
	netdev->features ^= changed & NETIF_F_HW_VLAN_CTAG_FILTER;
	return 0;
}

/* The registers of the PHY, for mii-tool and the like */
static int ignis_eth_ioctl(struct net_device *netdev, struct ifreq *ifr,
			   int cmd)
{
	struct ignis *ig = netdev_priv(netdev);

	return phylink_mii_ioctl(ig->phylink, ifr, cmd);
}

/* All of them but ndo_start_xmit */
#define IGNIS_NETDEV_OPS						\
	.ndo_open = ignis_open,						\
	.ndo_stop = ignis_stop,						\
	.ndo_features_check = ignis_features_check,			\
	.ndo_set_rx_mode = ignis_set_rx_mode,				\
	.ndo_set_mac_address = ignis_set_mac_address,			\
	.ndo_validate_addr = eth_validate_addr,				\
	.ndo_change_mtu = ignis_change_mtu,				\
	.ndo_eth_ioctl = ignis_eth_ioctl,				\
	.ndo_tx_timeout = ignis_tx_timeout,				\
	.ndo_get_stats64 = ignis_get_stats64,				\
	.ndo_hwtstamp_get = ignis_hwtstamp_get,				\
	.ndo_hwtstamp_set = ignis_hwtstamp_set,				\
	.ndo_vlan_rx_add_vid = ignis_vlan_rx_add_vid,			\
	.ndo_vlan_rx_kill_vid = ignis_vlan_rx_kill_vid,			\
	.ndo_fix_features = ignis_fix_features,				\
	.ndo_set_features = ignis_set_features,				\
	.ndo_bpf = ignis_bpf,						\
	.ndo_xdp_xmit = ignis_xdp_xmit,				\
	.ndo_xsk_wakeup = ignis_xsk_wakeup

const struct net_device_ops ignis_netdev_ops_adv = {
	.ndo_start_xmit = ignis_xmit_adv,
#ifdef CONFIG_RFS_ACCEL
	.ndo_rx_flow_steer = ignis_rx_flow_steer,
#endif
	IGNIS_NETDEV_OPS
};

const struct net_device_ops ignis_netdev_ops_ext = {
	.ndo_start_xmit = ignis_xmit_ext,
	IGNIS_NETDEV_OPS
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

	netdev->netdev_ops = ig->mac->netdev_ops;
	netdev->ethtool_ops = ig->mac->ethtool_ops;
	netdev->stat_ops = &ignis_stat_ops;
	netdev->watchdog_timeo = 5 * HZ;
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = ig->mac->max_mtu;
	netdev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;
	ignis_xdp_init(ig);

	netdev->vlan_features = IGNIS_FEATURES | ig->mac->features |
				NETIF_F_HIGHDMA;
	netdev->features = netdev->vlan_features | IGNIS_VLAN;
	netdev->hw_features = IGNIS_FEATURES | IGNIS_VLAN | ig->mac->features |
			      ig->mac->hw_features | NETIF_F_RXFCS |
			      NETIF_F_RXALL | NETIF_F_LOOPBACK;

	if (ig->mac->tuple_filters) {
		netdev->features |= NETIF_F_NTUPLE;
		netdev->hw_features |= NETIF_F_NTUPLE;
	}

	ig->cfg.rx_count = IGNIS_DEFAULT_RING;
	ig->cfg.tx_count = IGNIS_DEFAULT_RING;
	ig->cfg.mtu = netdev->mtu;
	ig->cfg.channels = min_t(u32, ig->max_channels, num_online_cpus());
}
