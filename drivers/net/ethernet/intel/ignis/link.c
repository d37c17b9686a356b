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

/* The other port may hold SMBI as long as it waits for SWESMBI itself */
#define SMBI_USECS	(500 * USEC_PER_MSEC)
#define SWESMBI_USECS	(100 * USEC_PER_MSEC)

static void ignis_swsm_unlock(struct ignis *ig)
{
	ignis_rmw(ig, IGNIS_SWSM, SWSM_SMBI | SWSM_SWESMBI, 0);
}

/* Take the lock bits of SWSM, which guard SW_FW_SYNC; 82576 8.6.1 */
static int ignis_swsm_lock(struct ignis *ig)
{
	int tries;
	u32 val;

	/* A read that finds SMBI clear has set it */
	if (read_poll_timeout(ignis_rd, val, !(val & SWSM_SMBI), 50, SMBI_USECS,
			      false, ig, IGNIS_SWSM)) {
		/* Nobody holds it this long: it was left behind */
		ignis_swsm_unlock(ig);
		if (ignis_rd(ig, IGNIS_SWSM) & SWSM_SMBI)
			return -EBUSY;
	}

	for (tries = SWESMBI_USECS / 50; tries; tries--) {
		ignis_rmw(ig, IGNIS_SWSM, 0, SWSM_SWESMBI);
		if (ignis_rd(ig, IGNIS_SWSM) & SWSM_SWESMBI)
			return 0;
		usleep_range(50, 100);
	}
	ignis_swsm_unlock(ig);
	return -EBUSY;
}

static u32 ignis_phy_sem(struct ignis *ig)
{
	return FIELD_GET(STATUS_LAN_ID, ignis_rd(ig, IGNIS_STATUS)) ?
	       SW_FW_SYNC_PHY1 : SW_FW_SYNC_PHY0;
}

/* Own the PHY against firmware; 82576 4.7 */
static int ignis_phy_lock(struct ignis *ig, u32 sem)
{
	u32 held = sem | sem << SW_FW_SYNC_FW_SHIFT;
	int tries, err;
	u32 val;

	for (tries = 100; tries; tries--) {
		err = ignis_swsm_lock(ig);
		if (err)
			return err;

		val = ignis_rd(ig, IGNIS_SW_FW_SYNC);
		if (!(val & held))
			ignis_wr(ig, IGNIS_SW_FW_SYNC, val | sem);
		ignis_swsm_unlock(ig);
		if (!(val & held))
			return 0;
		usleep_range(5000, 10000);
	}
	return -EBUSY;
}

static void ignis_phy_unlock(struct ignis *ig, u32 sem)
{
	int err = ignis_swsm_lock(ig);

	/* Not to release it would lock out all others for good */
	ignis_rmw(ig, IGNIS_SW_FW_SYNC, sem, 0);
	if (!err)
		ignis_swsm_unlock(ig);
}

/* One MDIC transaction; 82576 8.2.4.  Returns the data or a negative errno. */
static int ignis_mdic(struct ignis *ig, u32 op, int addr, int reg, u16 data)
{
	u32 sem = ignis_phy_sem(ig);
	u32 val;
	int err;

	if (test_bit(IGNIS_GONE, &ig->flags))
		return -ENODEV;
	err = ignis_phy_lock(ig, sem);
	if (err)
		goto out;

	ignis_wr(ig, IGNIS_MDIC, FIELD_PREP(MDIC_OP, op) |
				 FIELD_PREP(MDIC_PHYADD, addr) |
				 FIELD_PREP(MDIC_REGADD, reg) | data);
	err = read_poll_timeout(ignis_rd, val, val & MDIC_READY, 20,
				100 * USEC_PER_MSEC, true, ig, IGNIS_MDIC);
	ignis_phy_unlock(ig, sem);
out:
	if (err)
		return test_bit(IGNIS_GONE, &ig->flags) ? -ENODEV : err;
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

	/* What the rings hold is not sent before there is a link again */
	set_bit(IGNIS_FLUSH, &ig->flags);
	schedule_work(&ig->reset_work);
}

static void ignis_mac_link_up(struct phylink_config *config,
			      struct phy_device *phy, unsigned int mode,
			      phy_interface_t interface, int speed, int duplex,
			      bool tx_pause, bool rx_pause)
{
	struct ignis *ig = to_ignis(config);

	ig->mac->set_pause(ig, tx_pause, rx_pause);
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
 * The reset may have taken the PHY's registers with it.
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
 * ignis_link_init - bring up MDIO bus, PHY and phylink
 * @ig: port
 *
 * Context: process, probe; the MAC has been reset.
 *
 * Return: 0 or a negative errno.
 */
int ignis_link_init(struct ignis *ig)
{
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
