// SPDX-License-Identifier: GPL-2.0-only
/* Receive side scaling: hash key, hashed fields, indirection table */

#include "ignis.h"

#define RXH_ADDRESSES	(RXH_IP_SRC | RXH_IP_DST)
#define RXH_PORTS	(RXH_L4_B_0_1 | RXH_L4_B_2_3)

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
 * With ports wherever the chip can. Fragments of UDP may then overtake whole
 * datagrams of their flow, which UDP allows; without ports, all tunnels and all
 * QUIC between two hosts would share one queue.
 *
 * Context: process, probe.
 */
void ignis_rss_init(struct ignis *ig)
{
	unsigned int i;

	ig->rss.mrqc = ig->mac->mrqc;
	for (i = 0; i < RSS_PORTS; i++)
		ig->rss.mrqc |= ig->mac->mrqc_ports[i];
	netdev_rss_key_fill(ig->rss.key, sizeof(ig->rss.key));
	ignis_rss_spread(ig);
}

/**
 * ignis_rss_write - write key, table and hashed fields to the chip
 * @ig: port
 *
 * 82576 datasheet 8.10.
 *
 * Context: process, RTNL.
 */
void ignis_rss_write(struct ignis *ig)
{
	unsigned int i;

	for (i = 0; i < IGNIS_RSS_KEY_SIZE / 4; i++)
		ignis_wr(ig, IGNIS_RSSRK(i),
			 get_unaligned_le32(&ig->rss.key[4 * i]));
	for (i = 0; i < ig->mac->reta_entries / 4; i++)
		ignis_wr(ig, IGNIS_RETA(i),
			 get_unaligned_le32(&ig->rss.indir[4 * i]) <<
			 ig->mac->reta_shift);
	ignis_wr(ig, IGNIS_MRQC, ig->rss.mrqc);
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
		ignis_rss_write(ig);
	return 0;
}

/* The MRQC bits for the ports of a flow type; 0: they cannot be hashed */
static int ignis_rss_ports(const struct ignis *ig, u32 flow_type, u32 *bits)
{
	const u32 *ports = ig->mac->mrqc_ports;

	switch (flow_type) {
	case TCP_V4_FLOW:
		*bits = ports[RSS_TCP4];
		return 0;
	case TCP_V6_FLOW:
		*bits = ports[RSS_TCP6];
		return 0;
	case UDP_V4_FLOW:
		*bits = ports[RSS_UDP4];
		return 0;
	case UDP_V6_FLOW:
		*bits = ports[RSS_UDP6];
		return 0;
	case SCTP_V4_FLOW:
	case SCTP_V6_FLOW:
	case AH_ESP_V4_FLOW:
	case AH_ESP_V6_FLOW:
	case AH_V4_FLOW:
	case AH_V6_FLOW:
	case ESP_V4_FLOW:
	case ESP_V6_FLOW:
	case IPV4_FLOW:
	case IPV6_FLOW:
		*bits = 0;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * ignis_get_rxfh_fields - what of a kind of packets is hashed
 * @netdev: port
 * @fields: flow type; RXH_ bits are filled in
 *
 * Context: process, RTNL.
 *
 * Return: 0, -EOPNOTSUPP if such packets are not hashed.
 */
int ignis_get_rxfh_fields(struct net_device *netdev,
			  struct ethtool_rxfh_fields *fields)
{
	struct ignis *ig = netdev_priv(netdev);
	u32 bits;
	int err;

	err = ignis_rss_ports(ig, fields->flow_type, &bits);
	if (err)
		return err;

	fields->data = RXH_ADDRESSES;
	if (ig->rss.mrqc & bits)
		fields->data |= RXH_PORTS;
	return 0;
}

/**
 * ignis_set_rxfh_fields - choose what of a kind of packets is hashed
 * @netdev: port
 * @fields: flow type and RXH_ bits
 * @extack: told why, on error
 *
 * The chips hash both addresses, with or without both ports.
 *
 * Context: process, RTNL.
 *
 * Return: 0 or -EOPNOTSUPP.
 */
int ignis_set_rxfh_fields(struct net_device *netdev,
			  const struct ethtool_rxfh_fields *fields,
			  struct netlink_ext_ack *extack)
{
	struct ignis *ig = netdev_priv(netdev);
	u32 ports = fields->data & RXH_PORTS;
	u32 bits;
	int err;

	err = ignis_rss_ports(ig, fields->flow_type, &bits);
	if (err) {
		NL_SET_ERR_MSG(extack, "packets of this kind are not hashed");
		return err;
	}
	if (fields->data & ~(RXH_ADDRESSES | RXH_PORTS)) {
		NL_SET_ERR_MSG(extack, "only IP addresses and L4 ports are hashed");
		return -EOPNOTSUPP;
	}
	if ((fields->data & RXH_ADDRESSES) != RXH_ADDRESSES) {
		NL_SET_ERR_MSG(extack, "both IP addresses are always hashed");
		return -EOPNOTSUPP;
	}
	if (ports && ports != RXH_PORTS) {
		NL_SET_ERR_MSG(extack, "either both ports are hashed or none");
		return -EOPNOTSUPP;
	}
	if (ports && !bits) {
		NL_SET_ERR_MSG(extack,
			       "the chip does not hash ports of this protocol");
		return -EOPNOTSUPP;
	}

	ig->rss.mrqc &= ~bits;
	if (ports)
		ig->rss.mrqc |= bits;
	if (netif_running(netdev))
		ignis_rss_write(ig);
	return 0;
}
