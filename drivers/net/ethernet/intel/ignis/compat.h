/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What LTS kernels lack.  The only file that looks at LINUX_VERSION_CODE; it
 * does not go upstream.
 */
#ifndef IGNIS_COMPAT_H
#define IGNIS_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "ignis needs Linux 6.12 or newer"
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define net_dim(dim, sample)	net_dim(dim, *(sample))

static inline void netif_napi_add_config(struct net_device *netdev,
					 struct napi_struct *napi,
					 int (*poll)(struct napi_struct *, int),
					 int index)
{
	netif_napi_add(netdev, napi, poll);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
static inline void page_pool_enable_direct_recycling(struct page_pool *pool,
						     struct napi_struct *napi)
{
	WRITE_ONCE(pool->p.napi, napi);
}
#endif

/* ethtool op that tells the number of receive rings */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
u32 ignis_get_rx_ring_count(struct net_device *netdev);

static inline int ignis_get_rxnfc(struct net_device *netdev,
				  struct ethtool_rxnfc *info, u32 *rules)
{
	if (info->cmd != ETHTOOL_GRXRINGS)
		return -EOPNOTSUPP;
	info->data = ignis_get_rx_ring_count(netdev);
	return 0;
}

#define IGNIS_GET_RX_RING_COUNT	.get_rxnfc = ignis_get_rxnfc
#else
#define IGNIS_GET_RX_RING_COUNT	.get_rx_ring_count = ignis_get_rx_ring_count
#endif

#endif /* IGNIS_COMPAT_H */
