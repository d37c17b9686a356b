// SPDX-License-Identifier: GPL-2.0-only
/* What is let in: unicast, multicast, promiscuous, VLAN */

#include <linux/if_vlan.h>

#include "ignis.h"

/* Write an entry of the exact filter; addr NULL: clear it */
static void ignis_set_rar(struct ignis *ig, unsigned int entry, const u8 *addr)
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

/* 8.10.15: with RCTL.MO = 0 the table is indexed by address bits 47:36 */
static u32 ignis_mta_hash(const u8 *addr)
{
	return (addr[5] << 4 | addr[4] >> 4) & (MTA_REGS * 32 - 1);
}

/**
 * ignis_set_rx_mode - ndo_set_rx_mode: program filters from @netdev's lists
 * @netdev: port
 *
 * More unicast addresses than the chip has entries for: unicast promiscuous.
 *
 * Context: softirq disabled, netif_addr_lock held.
 */
void ignis_set_rx_mode(struct net_device *netdev)
{
	struct ignis *ig = netdev_priv(netdev);
	struct netdev_hw_addr *ha;
	unsigned int i, entry = 1;
	u32 mta[MTA_REGS] = {};
	u32 rctl = 0;

	if (netdev->flags & IFF_PROMISC)
		rctl |= RCTL_UPE | RCTL_MPE;
	if (netdev->flags & IFF_ALLMULTI)
		rctl |= RCTL_MPE;
	if (netdev_uc_count(netdev) > ig->mac->rar_entries - entry)
		rctl |= RCTL_UPE;
	if (!(netdev->flags & IFF_PROMISC) &&
	    (netdev->features & NETIF_F_HW_VLAN_CTAG_FILTER))
		rctl |= RCTL_VFE;

	if (!(rctl & RCTL_UPE))
		netdev_for_each_uc_addr(ha, netdev)
			ignis_set_rar(ig, entry++, ha->addr);
	while (entry < ig->mac->rar_entries)
		ignis_set_rar(ig, entry++, NULL);

	netdev_for_each_mc_addr(ha, netdev) {
		u32 hash = ignis_mta_hash(ha->addr);

		mta[hash / 32] |= BIT(hash % 32);
	}
	for (i = 0; i < MTA_REGS; i++)
		ignis_wr(ig, IGNIS_MTA(i), mta[i]);

	ignis_rmw(ig, IGNIS_RCTL, RCTL_UPE | RCTL_MPE | RCTL_VFE, rctl);
}

static void ignis_vlan_write(struct ignis *ig, u16 vid)
{
	ignis_wr(ig, IGNIS_VFTA(vid / 32),
		 bitmap_read(ig->vlans, round_down(vid, 32), 32));
}

static int ignis_vlan_mark(struct net_device *vlan, int vid, void *vlans)
{
	if (!vlan || vlan_dev_vlan_proto(vlan) == htons(ETH_P_8021Q))
		__set_bit(vid, vlans);
	return 0;
}

/**
 * ignis_filter_restore - write all filters after a reset
 * @ig: port
 *
 * Context: process, RTNL.
 */
void ignis_filter_restore(struct ignis *ig)
{
	unsigned int vid;

	ignis_set_rar(ig, 0, ig->netdev->dev_addr);
	/*
	 * VLANs may have gone while there was no device to tell.  Frames with a
	 * priority but no VLAN are always let in.
	 */
	bitmap_zero(ig->vlans, VLAN_N_VID);
	__set_bit(0, ig->vlans);
	if (ig->netdev->features & NETIF_F_HW_VLAN_CTAG_FILTER)
		vlan_for_each(ig->netdev, ignis_vlan_mark, ig->vlans);
	for (vid = 0; vid < VLAN_N_VID; vid += 32)
		ignis_vlan_write(ig, vid);

	netif_addr_lock_bh(ig->netdev);
	ignis_set_rx_mode(ig->netdev);
	netif_addr_unlock_bh(ig->netdev);
}

/**
 * ignis_set_mac_address - ndo_set_mac_address
 * @netdev: port
 * @addr: struct sockaddr
 *
 * Context: process, RTNL.
 *
 * Return: 0, -EADDRNOTAVAIL if it is not a station's address.
 */
int ignis_set_mac_address(struct net_device *netdev, void *addr)
{
	struct ignis *ig = netdev_priv(netdev);
	int err;

	err = eth_prepare_mac_addr_change(netdev, addr);
	if (err)
		return err;

	eth_commit_mac_addr_change(netdev, addr);
	ignis_set_rar(ig, 0, netdev->dev_addr);
	return 0;
}

/**
 * ignis_vlan_rx_add_vid - ndo_vlan_rx_add_vid
 * @netdev: port
 * @proto: 802.1Q; the only one with a filter
 * @vid: VLAN to let in
 *
 * Context: process, RTNL.
 *
 * Return: 0.
 */
int ignis_vlan_rx_add_vid(struct net_device *netdev, __be16 proto, u16 vid)
{
	struct ignis *ig = netdev_priv(netdev);

	__set_bit(vid, ig->vlans);
	ignis_vlan_write(ig, vid);
	return 0;
}

/**
 * ignis_vlan_rx_kill_vid - ndo_vlan_rx_kill_vid
 * @netdev: port
 * @proto: 802.1Q
 * @vid: VLAN to keep out
 *
 * Context: process, RTNL.
 *
 * Return: 0.
 */
int ignis_vlan_rx_kill_vid(struct net_device *netdev, __be16 proto, u16 vid)
{
	struct ignis *ig = netdev_priv(netdev);

	if (!vid)
		return 0;
	__clear_bit(vid, ig->vlans);
	ignis_vlan_write(ig, vid);
	return 0;
}
