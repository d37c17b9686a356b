// SPDX-License-Identifier: GPL-2.0-only
/*
 * Link: phylink over the internal PHY, which is on an MDIO bus made of MDIC.
 * The MAC's link status change interrupt drives it; nothing polls.
 */

#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/phy.h>

#include "ignis.h"

/*
 * No driver may claim the PHY by its own ID, which some internal PHYs share
 * with stand-alone parts that differ.  This one is nobody's; the registers of
 * clause 22 are all that is needed.
 */
#define IGNIS_PHY_ID	0x69676e73

/* One MDIC transaction; 82576 8.2.4.  Returns the data or a negative errno. */
static int ignis_mdic(struct ignis *ig, u32 op, int addr, int reg, u16 data)
{
	u32 val;
	int err;

	if (test_bit(IGNIS_GONE, &ig->flags))
		return -ENODEV;
	err = ig->mac->phy_lock(ig);
	if (err)
		goto out;

	ignis_wr(ig, IGNIS_MDIC, FIELD_PREP(MDIC_OP, op) |
				 FIELD_PREP(MDIC_PHYADD, addr) |
				 FIELD_PREP(MDIC_REGADD, reg) | data);
	err = read_poll_timeout(ignis_rd, val, val & MDIC_READY, 20,
				100 * USEC_PER_MSEC, true, ig, IGNIS_MDIC);
	ig->mac->phy_unlock(ig);
out:
	/* All ones say READY and ERROR; phylib warns of any error but this */
	if (test_bit(IGNIS_GONE, &ig->flags))
		return -ENODEV;
	if (err)
		return err;
	if (val & MDIC_ERROR)
		return -EIO;
	return FIELD_GET(MDIC_DATA, val);
}

static int ignis_mii_read(struct mii_bus *mii, int addr, int reg)
{
	return ignis_mdic(mii->priv, MDIC_OP_READ, addr, reg, 0);
}

static int ignis_mii_write(struct mii_bus *mii, int addr, int reg, u16 val)
{
	int ret = ignis_mdic(mii->priv, MDIC_OP_WRITE, addr, reg, val);

	return min(ret, 0);
}

static struct ignis *to_ignis(struct phylink_config *config)
{
	return netdev_priv(to_net_dev(config->dev));
}

static void ignis_mac_config(struct phylink_config *config, unsigned int mode,
			     const struct phylink_link_state *state)
{
	/* The internal PHY sets the MAC's mode by itself */
}

static void ignis_mac_link_down(struct phylink_config *config,
				unsigned int mode, phy_interface_t interface)
{
	struct ignis *ig = to_ignis(config);

	WRITE_ONCE(ig->link, false);
	/* What the rings hold is not sent before there is a link again */
	set_bit(IGNIS_FLUSH, &ig->flags);
	schedule_work(&ig->reset_work);
}

/**
 * ignis_write_pause - apply the flow control that the link ends agreed on
 * @ig: port
 *
 * May race with itself: whoever is last writes what is valid then.
 *
 * Context: process.
 */
void ignis_write_pause(struct ignis *ig)
{
	unsigned long irqflags;
	unsigned int q;
	u32 ctrl;

	spin_lock_irqsave(&ig->reg_lock, irqflags);
	ctrl = ignis_rd(ig, IGNIS_CTRL) & ~(CTRL_TFCE | CTRL_RFCE);
	if (READ_ONCE(ig->tx_pause))
		ctrl |= CTRL_TFCE;
	if (READ_ONCE(ig->rx_pause))
		ctrl |= CTRL_RFCE;
	ignis_wr(ig, IGNIS_CTRL, ctrl);
	spin_unlock_irqrestore(&ig->reg_lock, irqflags);

	for (q = 0; ig->mac->set_drop && q < ig->max_channels; q++)
		ig->mac->set_drop(ig, q);
}

static void ignis_mac_link_up(struct phylink_config *config,
			      struct phy_device *phy, unsigned int mode,
			      phy_interface_t interface, int speed, int duplex,
			      bool tx_pause, bool rx_pause)
{
	struct ignis *ig = to_ignis(config);

	WRITE_ONCE(ig->tx_pause, tx_pause);
	WRITE_ONCE(ig->rx_pause, rx_pause);
	WRITE_ONCE(ig->tx_blocked, ig->mac->no_slow_tso && speed < SPEED_1000 ?
				   NETIF_F_ALL_TSO : 0);
	ignis_write_pause(ig);

	/* The stack sees to its queues itself */
	WRITE_ONCE(ig->link, true);
	set_bit(IGNIS_POLL, &ig->flags);
	schedule_work(&ig->reset_work);

	/* Where it was before the port was stopped */
	if (ig->netdev->features & NETIF_F_LOOPBACK &&
	    !ig->phy->loopback_enabled) {
		set_bit(IGNIS_LOOP, &ig->flags);
		schedule_work(&ig->reset_work);
	}
}

static const struct phylink_mac_ops ignis_phylink_ops = {
	.mac_config = ignis_mac_config,
	.mac_link_down = ignis_mac_link_down,
	.mac_link_up = ignis_mac_link_up,
};

/**
 * ignis_link_restart - negotiate anew after a MAC reset
 * @ig: port
 *
 * QEMU's MAC reset takes the PHY's registers with it.
 *
 * Context: process, RTNL.
 */
void ignis_link_restart(struct ignis *ig)
{
	int err = phy_start_aneg(ig->phy);

	if (!err && ig->phy->autoneg == AUTONEG_ENABLE)
		err = genphy_restart_aneg(ig->phy);
	if (err)
		netdev_warn(ig->netdev, "could not restart the PHY: %d\n", err);
}

/**
 * ignis_link_recheck - find out what a MAC reset did to the link
 * @ig: port, up
 * @restart: it is not to be trusted: negotiate anew
 *
 * The link partner sees nothing of the reset.  But a link that was being made
 * may need a new start (QEMU), and one that went while interrupts were masked has
 * to be noticed.
 *
 * Context: process, RTNL.
 */
void ignis_link_recheck(struct ignis *ig, bool restart)
{
	if (ig->phy->loopback_enabled)
		phy_write(ig->phy, MII_BMCR, BMCR_LOOPBACK | BMCR_SPEED1000 |
					     BMCR_FULLDPLX);
	else if (restart || !netif_carrier_ok(ig->netdev))
		ignis_link_restart(ig);
	else if (!(ignis_rd(ig, IGNIS_STATUS) & STATUS_LU))
		phy_mac_interrupt(ig->phy);
}

/**
 * ignis_link_loopback - let the PHY send back what the MAC sends, or not any more
 * @ig: port, up
 * @on: to or not to
 *
 * Ending it negotiates anew.
 *
 * Context: process, RTNL.
 *
 * Return: 0, also if it is so already, or a negative errno.
 */
int ignis_link_loopback(struct ignis *ig, bool on)
{
	int err;

	if (ig->phy->loopback_enabled == on)
		return 0;
	err = phy_loopback(ig->phy, on, on ? SPEED_1000 : 0);
	/* The link goes down by this: see that before it is up again */
	if (!on)
		phy_mac_interrupt(ig->phy);
	return err;
}

/**
 * ignis_link_init - bring up MDIO bus, PHY and phylink
 * @ig: port
 *
 * Context: process, probe; the MAC has been reset.
 *
 * Return: 0 or a negative errno.
 */
int ignis_link_init(struct ignis *ig)
{
	/* phylink would offer both ways but say that neither is wanted */
	struct ethtool_pauseparam pause = {
		.autoneg = 1, .rx_pause = 1, .tx_pause = 1,
	};
	struct device *dev = &ig->pdev->dev;
	u8 addr = ig->mac->phy_addr;
	int err;

	ig->mii = mdiobus_alloc();
	if (!ig->mii)
		return -ENOMEM;

	ig->mii->name = "ignis";
	ig->mii->priv = ig;
	ig->mii->parent = dev;
	ig->mii->read = ignis_mii_read;
	ig->mii->write = ignis_mii_write;
	ig->mii->phy_mask = ~0u;
	ig->mii->irq[addr] = PHY_MAC_INTERRUPT;
	snprintf(ig->mii->id, MII_BUS_ID_SIZE, "ignis-%s", pci_name(ig->pdev));
	err = mdiobus_register(ig->mii);
	if (err)
		goto err_bus_free;

	ig->phy = phy_device_create(ig->mii, addr, IGNIS_PHY_ID, false, NULL);
	if (IS_ERR(ig->phy)) {
		err = PTR_ERR(ig->phy);
		goto err_bus;
	}
	err = phy_device_register(ig->phy);
	if (err)
		goto err_phy_free;

	ig->phylink_config.dev = &ig->netdev->dev;
	ig->phylink_config.type = PHYLINK_NETDEV;
	ig->phylink_config.mac_managed_pm = true;	/* power.c */
	ig->phylink_config.mac_capabilities = MAC_SYM_PAUSE | MAC_ASYM_PAUSE |
					      MAC_10 | MAC_100 | MAC_1000FD;
	__set_bit(PHY_INTERFACE_MODE_INTERNAL,
		  ig->phylink_config.supported_interfaces);
	ig->phylink = phylink_create(&ig->phylink_config, NULL,
				     PHY_INTERFACE_MODE_INTERNAL,
				     &ignis_phylink_ops);
	if (IS_ERR(ig->phylink)) {
		err = PTR_ERR(ig->phylink);
		goto err_phy;
	}

	/* Connected for good, so that the link can be set up while down */
	rtnl_lock();
	err = phylink_connect_phy(ig->phylink, ig->phy);
	if (!err)
		phylink_ethtool_set_pauseparam(ig->phylink, &pause);
	rtnl_unlock();
	if (err)
		goto err_phylink;

	ig->phy->port = PORT_TP;
	ig->phy->is_internal = true;
	return 0;

err_phylink:
	phylink_destroy(ig->phylink);
err_phy:
	phy_device_remove(ig->phy);
err_phy_free:
	phy_device_free(ig->phy);
err_bus:
	mdiobus_unregister(ig->mii);
err_bus_free:
	mdiobus_free(ig->mii);
	return err;
}

/**
 * ignis_link_exit - undo ignis_link_init()
 * @ig: port
 *
 * Context: process, remove.
 */
void ignis_link_exit(struct ignis *ig)
{
	rtnl_lock();
	phylink_disconnect_phy(ig->phylink);
	rtnl_unlock();
	phylink_destroy(ig->phylink);
	phy_device_remove(ig->phy);
	phy_device_free(ig->phy);
	mdiobus_unregister(ig->mii);
	mdiobus_free(ig->mii);
}
