// SPDX-License-Identifier: GPL-2.0-only
/* Receive side scaling: hash key and indirection table */

#include "ignis.h"

/**
 * ignis_rss_spread - deal out the table evenly, unless the user has set it
 * @ig: port
 *
 * Context: process, RTNL.
 */
void ignis_rss_spread(struct ignis *ig)
{
	unsigned int i, n = ig->cfg.channels;

	/* ethtool refuses fewer channels than a table set by hand names */
	if (netif_is_rxfh_configured(ig->netdev))
		return;
	for (i = 0; i < ig->mac->reta_entries; i++)
		ig->rss.indir[i] = ethtool_rxfh_indir_default(i, n);
}

/**
 * ignis_rss_init - defaults: the host's random key, an even table
 * @ig: port
 *
 * Context: process, probe.
 */
void ignis_rss_init(struct ignis *ig)
{
	netdev_rss_key_fill(ig->rss.key, sizeof(ig->rss.key));
	ignis_rss_spread(ig);
}

/**
 * ignis_get_rxfh_key_size - ethtool op
 * @netdev: port
 *
 * Return: bytes of the hash key.
 */
u32 ignis_get_rxfh_key_size(struct net_device *netdev)
{
	return IGNIS_RSS_KEY_SIZE;
}

/**
 * ignis_get_rxfh_indir_size - ethtool op
 * @netdev: port
 *
 * Return: entries of the indirection table.
 */
u32 ignis_get_rxfh_indir_size(struct net_device *netdev)
{
	struct ignis *ig = netdev_priv(netdev);

	return ig->mac->reta_entries;
}

/**
 * ignis_get_rxfh - ethtool -x
 * @netdev: port
 * @rxfh: filled in
 *
 * Context: process, RTNL.
 *
 * Return: 0.
 */
int ignis_get_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh)
{
	struct ignis *ig = netdev_priv(netdev);
	unsigned int i;

	rxfh->hfunc = ETH_RSS_HASH_TOP;
	if (rxfh->key)
		memcpy(rxfh->key, ig->rss.key, sizeof(ig->rss.key));
	if (rxfh->indir)
		for (i = 0; i < ig->mac->reta_entries; i++)
			rxfh->indir[i] = ig->rss.indir[i];
	return 0;
}

/**
 * ignis_set_rxfh - ethtool -X
 * @netdev: port
 * @rxfh: wanted; table entries have been checked against the channels
 * @extack: told why, on error
 *
 * Context: process, RTNL.
 *
 * Return: 0 or -EOPNOTSUPP.
 */
int ignis_set_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh,
		   struct netlink_ext_ack *extack)
{
	struct ignis *ig = netdev_priv(netdev);
	unsigned int i;

	if (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE &&
	    rxfh->hfunc != ETH_RSS_HASH_TOP) {
		NL_SET_ERR_MSG(extack, "the hash function is always Toeplitz");
		return -EOPNOTSUPP;
	}

	if (rxfh->key)
		memcpy(ig->rss.key, rxfh->key, sizeof(ig->rss.key));
	if (rxfh->indir)
		for (i = 0; i < ig->mac->reta_entries; i++)
			ig->rss.indir[i] = rxfh->indir[i];
	if (netif_running(netdev))
		ig->mac->write_rss(ig);
	return 0;
}
