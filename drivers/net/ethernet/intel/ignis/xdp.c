// SPDX-License-Identifier: GPL-2.0-only
/*
 * XDP: attaching programs, sending frames, metadata.  The programs run in rx.c.
 *
 * Frames of XDP share transmit rings with the stack, under the xmit lock.  They
 * are unknown to BQL and, unlike the stack's, dropped when the ring is full.
 */

#include <linux/bpf.h>

#include "ignis.h"

/* AF_XDP buffers, and who reads them, must be fit for the longest frame */
static int ignis_xdp_check_xsk(const struct ignis *ig,
			       const struct ignis_config *cfg, u16 queue,
			       bool one_buffer, struct netlink_ext_ack *extack)
{
	unsigned int room = ignis_xsk_buf_len(ig, cfg, queue), i;

	for (i = 0; ig->mac->one_buf_len && i < cfg->channels; i++)
		room = min(room, cfg->xsk[i] ?
				 ignis_xsk_buf_len(ig, cfg, i) :
				 IGNIS_PAGE_BUF_LEN(XDP_PACKET_HEADROOM));
	if (!room) {
		NL_SET_ERR_MSG_FMT(extack,
				   "AF_XDP buffers of queue %u are too small, the chip wants 1024 bytes",
				   queue);
		return -EINVAL;
	}
	if (ignis_max_frame(cfg->mtu) <= room)
		return 0;

	if (!(cfg->xsk[queue]->umem->flags & XDP_UMEM_SG_FLAG)) {
		NL_SET_ERR_MSG_FMT(extack,
				   "frames need several AF_XDP buffers of queue %u: bind with XDP_USE_SG",
				   queue);
		return -EINVAL;
	}
	if (one_buffer) {
		NL_SET_ERR_MSG(extack,
			       "frames need several AF_XDP buffers, and the XDP program has no frags support");
		return -EOPNOTSUPP;
	}
	return 0;
}

/**
 * ignis_xdp_check - do frames, buffers and program of a configuration fit
 * @ig: port
 * @cfg: configuration
 * @prog: XDP program or NULL
 * @extack: told why not
 *
 * Context: process, RTNL.
 *
 * Return: 0, -EINVAL or -EOPNOTSUPP.
 */
int ignis_xdp_check(const struct ignis *ig, const struct ignis_config *cfg,
		    const struct bpf_prog *prog, struct netlink_ext_ack *extack)
{
	unsigned int room = IGNIS_PAGE_BUF_LEN(XDP_PACKET_HEADROOM);
	bool one_buffer = prog && !prog->aux->xdp_has_frags;
	unsigned int len = ignis_max_frame(cfg->mtu);
	unsigned int i;
	int err;

	if (cfg->split && prog) {
		NL_SET_ERR_MSG(extack, "XDP and tcp-data-split do not go together");
		return -EOPNOTSUPP;
	}
	if (one_buffer && len > room) {
		NL_SET_ERR_MSG_FMT(extack,
				   "MTU can be %u at most with an XDP program without frags support",
				   cfg->mtu - (len - room));
		return -EOPNOTSUPP;
	}

	for (i = 0; i < cfg->channels; i++) {
		if (!cfg->xsk[i])
			continue;
		if (cfg->split) {
			NL_SET_ERR_MSG_FMT(extack,
					   "queue %u has AF_XDP buffers, which tcp-data-split has no use for",
					   i);
			return -EOPNOTSUPP;
		}
		err = ignis_xdp_check_xsk(ig, cfg, i, one_buffer, extack);
		if (err)
			return err;
	}
	return 0;
}

/**
 * ignis_xdp_check_log - as ignis_xdp_check(), for callers without an extack
 * @ig: port
 * @cfg: configuration for the present program
 *
 * Context: process, RTNL.
 *
 * Return: 0, -EINVAL or -EOPNOTSUPP; the log tells why.
 */
int ignis_xdp_check_log(const struct ignis *ig, const struct ignis_config *cfg)
{
	struct netlink_ext_ack extack = {};
	int err;

	err = ignis_xdp_check(ig, cfg, ig->xdp_prog, &extack);
	if (err)
		netdev_warn(ig->netdev, "%s\n", extack._msg);
	return err;
}

static int ignis_xdp_setup(struct ignis *ig, struct bpf_prog *prog,
			   struct netlink_ext_ack *extack)
{
	struct ignis_config cfg = ig->cfg;
	struct bpf_prog *old;
	int err;

	err = ignis_xdp_check(ig, &cfg, prog, extack);
	if (err)
		return err;

	cfg.xdp = prog;
	if (cfg.xdp != ig->cfg.xdp) {
		err = ignis_reconfigure(ig, &cfg, extack);
		/* A program can always leave: then the rings stay as they are */
		if (err && prog)
			return err;
	}

	old = xchg(&ig->xdp_prog, prog);
	if (old)
		bpf_prog_put(old);
	return 0;
}

/**
 * ignis_bpf - ndo_bpf
 * @netdev: port
 * @bpf: what to do
 *
 * Replacing a program by another loses no frame.  The first and the last of
 * them change the receive buffers, as ignis_reconfigure() does it.
 *
 * Context: process, RTNL.
 *
 * Return: 0 or a negative errno.
 */
int ignis_bpf(struct net_device *netdev, struct netdev_bpf *bpf)
{
	struct ignis *ig = netdev_priv(netdev);

	switch (bpf->command) {
	case XDP_SETUP_PROG:
		return ignis_xdp_setup(ig, bpf->prog, bpf->extack);
	case XDP_SETUP_XSK_POOL:
		return ignis_xsk_setup(ig, bpf->xsk.pool, bpf->xsk.queue_id);
	default:
		return -EINVAL;
	}
}

/**
 * ignis_xdp_tx - send what XDP sends back (XDP_TX)
 * @ring: transmit ring of the polled vector
 * @out: frames; consumed
 * @n: how many
 * @kick: these are the poll's last
 *
 * Context: NAPI.
 *
 * Return: frames dropped for want of room.
 */
unsigned int ignis_xdp_tx(struct ignis_tx_ring *ring,
			  const struct ignis_xdp_out *out, unsigned int n,
			  bool kick)
{
	unsigned int i, dropped;

	__netif_tx_lock(ring->txq, smp_processor_id());
	i = ignis_tx_xdp_out(ring, out, n);
	/* If there was no room, nothing else might come */
	if (kick || i < n)
		ignis_tx_kick(ring);
	__netif_tx_unlock(ring->txq);

	for (dropped = n - i; i < n; i++) {
		if (out[i].len)
			page_pool_recycle_direct(ring->pool,
						 virt_to_page(out[i].data));
		else
			xdp_return_frame_rx_napi(out[i].frame);
	}
	return dropped;
}

/**
 * ignis_xdp_xmit - ndo_xdp_xmit: send frames redirected here
 * @netdev: port
 * @n: how many
 * @frames: what; owned by the caller from the first that is not sent
 * @flags: XDP_XMIT_FLUSH: send now
 *
 * Context: softirq.
 *
 * Return: frames taken, or a negative errno if none can be.
 */
int ignis_xdp_xmit(struct net_device *netdev, int n, struct xdp_frame **frames,
		   u32 flags)
{
	unsigned int queues = READ_ONCE(netdev->real_num_tx_queues);
	unsigned int queue = smp_processor_id() % queues;
	struct netdev_queue *txq = netdev_get_tx_queue(netdev, queue);
	struct ignis *ig = netdev_priv(netdev);
	struct ignis_tx_ring *ring;
	int i = -ENETDOWN;

	if (unlikely(flags & ~XDP_XMIT_FLAGS_MASK))
		return -EINVAL;

	__netif_tx_lock(txq, smp_processor_id());
	ring = ig->tx[queue];
	if (unlikely(!ring || !netif_carrier_ok(netdev) ||
		     !netif_device_present(netdev)))
		goto unlock;

	for (i = 0; i < n; i++)
		if (!ignis_tx_xdp_frame(ring, frames[i], false))
			break;
	if (flags & XDP_XMIT_FLUSH || i < n)
		ignis_tx_kick(ring);
unlock:
	__netif_tx_unlock(txq);
	return i;
}

static const struct ignis_xdp_buff *ignis_xdp_buff(const struct xdp_md *ctx)
{
	return container_of_const((const struct xdp_buff *)ctx,
				  struct ignis_xdp_buff, xdp);
}

static int ignis_xdp_rx_timestamp(const struct xdp_md *ctx, u64 *timestamp)
{
	ktime_t stamp = ignis_xdp_buff(ctx)->stamp;

	if (!stamp)
		return -ENODATA;

	*timestamp = ktime_to_ns(stamp);
	return 0;
}

static int ignis_xdp_rx_hash(const struct xdp_md *ctx, u32 *hash,
			     enum xdp_rss_hash_type *type)
{
	static const enum xdp_rss_hash_type types[] = {
		[RSSTYPE_TCP_IPV4]	= XDP_RSS_TYPE_L4_IPV4_TCP,
		[RSSTYPE_IPV4]		= XDP_RSS_TYPE_L3_IPV4,
		[RSSTYPE_TCP_IPV6]	= XDP_RSS_TYPE_L4_IPV6_TCP,
		[RSSTYPE_IPV6_EX]	= XDP_RSS_TYPE_L3_IPV6_EX,
		[RSSTYPE_IPV6]		= XDP_RSS_TYPE_L3_IPV6,
		[RSSTYPE_TCP_IPV6_EX]	= XDP_RSS_TYPE_L4_IPV6_TCP_EX,
		[RSSTYPE_UDP_IPV4]	= XDP_RSS_TYPE_L4_IPV4_UDP,
		[RSSTYPE_UDP_IPV6]	= XDP_RSS_TYPE_L4_IPV6_UDP,
		[RSSTYPE_UDP_IPV6_EX]	= XDP_RSS_TYPE_L4_IPV6_UDP_EX,
	};
	const union ignis_rx_desc *desc = ignis_xdp_buff(ctx)->desc;
	u32 t = FIELD_GET(RXD_RSSTYPE, le16_to_cpu(desc->wb.pkt_info));

	if (t == RSSTYPE_NONE || t >= ARRAY_SIZE(types))
		return -ENODATA;

	*hash = le32_to_cpu(desc->wb.rss_hash);
	*type = types[t];
	return 0;
}

static int ignis_xdp_rx_vlan_tag(const struct xdp_md *ctx, __be16 *proto,
				 u16 *tci)
{
	const union ignis_rx_desc *desc = ignis_xdp_buff(ctx)->desc;

	if (!(le32_to_cpu(desc->wb.staterr) & RXD_VP))
		return -ENODATA;

	*proto = htons(ETH_P_8021Q);
	*tci = le16_to_cpu(desc->wb.vlan);
	return 0;
}

static const struct xdp_metadata_ops ignis_xdp_metadata_ops = {
	.xmo_rx_timestamp = ignis_xdp_rx_timestamp,
	.xmo_rx_hash = ignis_xdp_rx_hash,
	.xmo_rx_vlan_tag = ignis_xdp_rx_vlan_tag,
};

/**
 * ignis_xdp_init - say what XDP can do here
 * @ig: port
 *
 * Context: process, probe.
 */
void ignis_xdp_init(struct ignis *ig)
{
	ig->netdev->xdp_metadata_ops = &ignis_xdp_metadata_ops;
	ig->netdev->xsk_tx_metadata_ops = &ignis_xsk_tx_metadata_ops;
	/* With what the stack keeps, and as many contexts, they fit any ring */
	ig->netdev->xdp_zc_max_segs =
		min(IGNIS_XSK_MAX_SEGS,
		    (IGNIS_MIN_RING - 1 - IGNIS_TX_NEEDED(ig->mac->tx_max_data)) / 2);
	xdp_set_features_flag(ig->netdev, NETDEV_XDP_ACT_BASIC |
			      NETDEV_XDP_ACT_REDIRECT |
			      NETDEV_XDP_ACT_NDO_XMIT | NETDEV_XDP_ACT_RX_SG |
			      NETDEV_XDP_ACT_NDO_XMIT_SG |
			      NETDEV_XDP_ACT_XSK_ZEROCOPY);
}
