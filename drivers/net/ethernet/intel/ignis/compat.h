/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What LTS kernels lack.  The only file that looks at LINUX_VERSION_CODE; it
 * does not go upstream.
 *
 * A later release of an LTS kernel may have got what is defined here: it has
 * names of its own, and the kernel's name is a macro for them.
 */
#ifndef IGNIS_COMPAT_H
#define IGNIS_COMPAT_H

#include <linux/dma-mapping.h>
#include <linux/phy.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "ignis needs Linux 6.12 or newer"
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define net_dim(dim, sample)	net_dim(dim, *(sample))

static inline void ignis_napi_add_config(struct net_device *netdev,
					 struct napi_struct *napi,
					 int (*poll)(struct napi_struct *, int),
					 int index)
{
	netif_napi_add(netdev, napi, poll);
}

#define netif_napi_add_config	ignis_napi_add_config
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
static inline bool ignis_xdp_add_frag(struct xdp_buff *xdp, struct page *page,
				      u32 offset, u32 size)
{
	struct skb_shared_info *sinfo = xdp_get_shared_info_from_buff(xdp);

	if (!xdp_buff_has_frags(xdp)) {
		sinfo->nr_frags = 0;
		sinfo->xdp_frags_size = 0;
		xdp_buff_set_frags_flag(xdp);
	} else if (sinfo->nr_frags == MAX_SKB_FRAGS) {
		return false;
	}
	__skb_fill_page_desc_noacc(sinfo, sinfo->nr_frags++, page, offset,
				   size);
	sinfo->xdp_frags_size += size;
	return true;
}

static inline bool ignis_xdp_buff_add_frag(struct xdp_buff *xdp,
					   netmem_ref netmem, u32 offset,
					   u32 size, u32 truesize)
{
	struct page *page = netmem_to_page(netmem);

	if (!ignis_xdp_add_frag(xdp, page, offset, size))
		return false;
	if (page_is_pfmemalloc(page))
		xdp_buff_set_frag_pfmemalloc(xdp);
	return true;
}

#define xdp_buff_add_frag	ignis_xdp_buff_add_frag

/* Releases of 6.12 disagree about the name */
static inline netmem_ref
ignis_page_pool_dev_alloc_netmems(struct page_pool *pool)
{
	struct page *page = page_pool_dev_alloc_pages(pool);

	return page ? page_to_netmem(page) : 0;
}

#define page_pool_dev_alloc_netmems	ignis_page_pool_dev_alloc_netmems
#define page_pool_dma_sync_netmem_for_cpu(pool, netmem, offset, size) \
	page_pool_dma_sync_for_cpu(pool, netmem_to_page(netmem), offset, size)
/* No threshold: the same as one that is always 0 */
#define ETHTOOL_RING_USE_HDS_THRS	0

static inline bool ignis_xsk_add_frag(struct xdp_buff *head,
				      struct xdp_buff *xdp)
{
	/* It is mapped elsewhere too: this is a number for its address only */
	if (!ignis_xdp_add_frag(head, virt_to_page(xdp->data),
				offset_in_page(xdp->data),
				xdp->data_end - xdp->data))
		return false;
	xsk_buff_add_frag(xdp);
	return true;
}

#define xsk_buff_add_frag	ignis_xsk_add_frag
#endif

/* As of 6.15 there is a link of that speed, whatever there was before */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
static inline int ignis_phy_loopback(struct phy_device *phy, bool on, int speed)
{
	int err;

	if (on) {
		phy->speed = speed;
		phy->duplex = DUPLEX_FULL;
	}
	err = phy_loopback(phy, on);
	if (err || !on || phy->link)
		return err;

	mutex_lock(&phy->lock);
	phy->link = true;
	phy->state = PHY_RUNNING;
	phy->phy_link_change(phy, true);
	mutex_unlock(&phy->lock);
	return 0;
}

#define phy_loopback ignis_phy_loopback
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
static inline bool ignis_dma_need_unmap(struct device *dev)
{
	return true;
}

#define dma_need_unmap ignis_dma_need_unmap
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
static inline dma_addr_t ignis_dma_map_phys(struct device *dev,
					    phys_addr_t phys, size_t size,
					    enum dma_data_direction dir,
					    unsigned long attrs)
{
	return dma_map_page_attrs(dev, pfn_to_page(PHYS_PFN(phys)),
				  offset_in_page(phys), size, dir, attrs);
}

#define dma_map_phys			ignis_dma_map_phys
#define dma_unmap_phys			dma_unmap_page_attrs
#define xdp_buff_get_skb_flags(xdp)	xdp_buff_is_frag_pfmemalloc(xdp)
#define xdp_update_skb_frags_info	xdp_update_skb_shared_info

static inline void ignis_enable_direct_recycling(struct page_pool *pool,
						 struct napi_struct *napi)
{
	WRITE_ONCE(pool->p.napi, napi);
}

#define page_pool_enable_direct_recycling ignis_enable_direct_recycling
#endif

/* For the definition only: who reads a counter gets it as const */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define ignis_ptp_read_cc(arg)	ignis_ptp_read_cc(const arg)
#endif

/*
 * A reporter's grace period is an argument there.  And a devlink port cannot
 * keep from renaming its netdev, so that there is none.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
struct ignis;

#define devl_health_reporter_create(devlink, ops, priv) \
	devl_health_reporter_create(devlink, ops, GRACE_MSECS, priv)
#define IGNIS_GRACE_PERIOD

static inline int ignis_devlink_port_add(struct ignis *ig)
{
	return 0;
}

static inline void ignis_devlink_port_remove(struct ignis *ig)
{
}
#else
#define IGNIS_GRACE_PERIOD	.default_graceful_period = GRACE_MSECS,
#define IGNIS_DEVLINK_PORT
#endif

/* Accelerated RFS is left out where the core does not keep the CPU map */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
static inline int ignis_enable_cpu_rmap(struct net_device *netdev,
					unsigned int num_irqs)
{
	return 0;
}

#define netif_enable_cpu_rmap ignis_enable_cpu_rmap
#endif

/*
 * ethtool ops that were commands of get_rxnfc and set_rxnfc once, and still are
 * where there are none.  Some releases of 6.12 have both: the name is ours.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define ethtool_rxfh_fields	ignis_rxfh_fields

struct ethtool_rxfh_fields {
	u32 data;
	u32 flow_type;
	u32 rss_context;
};

int ignis_get_rxfh_fields(struct net_device *netdev,
			  struct ethtool_rxfh_fields *fields);
int ignis_set_rxfh_fields(struct net_device *netdev,
			  const struct ethtool_rxfh_fields *fields,
			  struct netlink_ext_ack *extack);
int ignis_set_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info);

static inline int ignis_compat_rxfh_fields(struct net_device *netdev,
					   struct ethtool_rxnfc *info)
{
	struct ethtool_rxfh_fields fields = {
		.data = info->data,
		.flow_type = info->flow_type,
	};
	int err;

	if (info->cmd == ETHTOOL_SRXFH)
		return ignis_set_rxfh_fields(netdev, &fields, NULL);
	err = ignis_get_rxfh_fields(netdev, &fields);
	info->data = fields.data;
	return err;
}

static inline int ignis_compat_set_rxnfc(struct net_device *netdev,
					 struct ethtool_rxnfc *info)
{
	return info->cmd == ETHTOOL_SRXFH ?
	       ignis_compat_rxfh_fields(netdev, info) :
	       ignis_set_rxnfc(netdev, info);
}

#define IGNIS_RXFH_FIELDS_OPS	.set_rxnfc = ignis_compat_set_rxnfc
#else
static inline int ignis_compat_rxfh_fields(struct net_device *netdev,
					   struct ethtool_rxnfc *info)
{
	return -EOPNOTSUPP;
}

#define IGNIS_RXFH_FIELDS_OPS				\
	.set_rxnfc = ignis_set_rxnfc,			\
	.get_rxfh_fields = ignis_get_rxfh_fields,	\
	.set_rxfh_fields = ignis_set_rxfh_fields
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
u32 ignis_get_rx_ring_count(struct net_device *netdev);
int ignis_get_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info,
		    u32 *locations);

static inline int ignis_compat_get_rxnfc(struct net_device *netdev,
					 struct ethtool_rxnfc *info,
					 u32 *locations)
{
	switch (info->cmd) {
	case ETHTOOL_GRXRINGS:
		info->data = ignis_get_rx_ring_count(netdev);
		return 0;
	case ETHTOOL_GRXFH:
		return ignis_compat_rxfh_fields(netdev, info);
	default:
		return ignis_get_rxnfc(netdev, info, locations);
	}
}

#define IGNIS_RXNFC_OPS	.get_rxnfc = ignis_compat_get_rxnfc, IGNIS_RXFH_FIELDS_OPS
#else
#define IGNIS_RXNFC_OPS						\
	.get_rxnfc = ignis_get_rxnfc,				\
	.get_rx_ring_count = ignis_get_rx_ring_count,		\
	IGNIS_RXFH_FIELDS_OPS
#endif

#endif /* IGNIS_COMPAT_H */
