// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit: sk_buff -> context descriptor when offloads change -> data
 * descriptors -> doorbell.
 *
 * Frames between two doorbells form a batch.  Only the last descriptor of a
 * batch asks for a report (RS), so completion reads one descriptor a batch.
 *
 * There are two descriptor formats, and ndo_start_xmit once for each: the
 * format is a constant argument of functions that are always inlined.
 */

#include <linux/sctp.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip6_checksum.h>
#include <net/netdev_queues.h>

#include "ignis.h"

enum tx_format {
	TX_ADV,			/* 82576: advanced descriptors */
	TX_EXT,			/* 82574: TCP/IP context and data */
};

#define TX_CLEAN_MAX	256	/* descriptors retired a poll */

/* The longest header of layer 4: TCP with options */
#define MAX_L4_HEADER	60

/* 82583V 7.2.9.3.1, of the 82574's sibling: MSS is to be more than 16 */
#define TX_MIN_MSS	17

/* Hardware pads to 60 bytes (TCTL.PSP) from this length on, 82576 7.2.1 */
#define TX_MIN_LEN	17

/* Close the batch: ask for its report, make it visible, ring the doorbell */
static __always_inline void ignis_tx_send(struct ignis_tx_ring *ring)
{
	ring->desc[ring->last].read.cmd_type_len =
		cpu_to_le32(ring->last_cmd | TXD_RS);
	ring->buf[ring->batch & ring->mask].report = ring->last;
	ring->batch = ring->ntu;

	/* Pairs with the acquire in ignis_tx_clean(): @report is valid */
	smp_store_release(&ring->kicked, ring->ntu);
	writel(ring->ntu & ring->mask, ring->tail);
}

/**
 * ignis_tx_kick - announce frames that the hardware has not been told of
 * @ring: transmit ring
 *
 * Context: softirq, the queue's xmit lock held.
 */
void ignis_tx_kick(struct ignis_tx_ring *ring)
{
	if (ring->batch != ring->ntu)
		ignis_tx_send(ring);
}

static void ignis_tx_unmap(struct ignis_tx_ring *ring, struct ignis_tx_buf *buf)
{
	if (buf->len)
		dma_unmap_phys(ring->dev, buf->dma, buf->len, DMA_TO_DEVICE, 0);
	buf->len = 0;
}

#define TX_CMD(fmt)	(TXD_DEXT | TXD_IFCS | \
			 ((fmt) == TX_ADV ? TXD_ADV_DATA : TXD_EXT_DATA))
#define TX_OLINFO(fmt, len) \
	((fmt) == TX_ADV ? FIELD_PREP(TXD_ADV_PAYLEN, len) : 0)

/* Offload parameters of one frame */
struct tx_offload {
	u32 ctx[4];		/* as in the context descriptor; [2] 0: none */
	u32 cmd;		/* first data descriptor's cmd_type_len bits */
	u32 olinfo;
	u32 hdr_len;		/* repeated in every segment; 0: no GSO */
	u16 segs;
};

/*
 * What segmentation asks of the headers, 82576 7.2.4: an IPv4
 * header without length and checksum, a pseudo header checksum without length.
 * Returns the length of the layer 4 header or -ENOMEM.
 */
static int ignis_tx_gso_headers(struct sk_buff *skb, unsigned int l4_off)
{
	unsigned int l4_len;
	__sum16 *check;
	int err;

	err = skb_cow_head(skb, 0);
	if (err)
		return err;

	if (ip_hdr(skb)->version == 4) {
		ip_hdr(skb)->tot_len = 0;
		ip_hdr(skb)->check = 0;
	} else {
		ipv6_hdr(skb)->payload_len = 0;
	}

	if (skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4) {
		struct udphdr *uh = (void *)skb->data + l4_off;

		l4_len = sizeof(*uh);
		check = &uh->check;
	} else {
		struct tcphdr *th = (void *)skb->data + l4_off;

		l4_len = th->doff * 4;
		check = &th->check;
	}
	csum_replace_by_diff(check, (__force __wsum)htonl(skb->len - l4_off));
	return l4_len;
}

static __always_inline void ignis_tx_gso_adv(struct sk_buff *skb,
					     struct tx_offload *off,
					     unsigned int l4_len)
{
	if (ip_hdr(skb)->version == 4) {
		off->olinfo |= TXD_POPTS_IXSM;
		off->ctx[2] |= TXC_ADV_IPV4;
	}
	if (!(skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4))
		off->ctx[2] |= TXC_ADV_TCP;
	off->ctx[3] = FIELD_PREP(TXC_ADV_L4LEN, l4_len) |
		      FIELD_PREP(TXC_ADV_MSS, skb_shinfo(skb)->gso_size);
	off->cmd |= TXD_ADV_TSE;
}

static __always_inline void ignis_tx_gso_ext(struct sk_buff *skb,
					     struct tx_offload *off)
{
	unsigned int l3_off = skb_network_offset(skb);

	off->ctx[0] = FIELD_PREP(TXC_EXT_CSS, l3_off);
	if (ip_hdr(skb)->version == 4) {
		off->ctx[0] |= FIELD_PREP(TXC_EXT_CSO, l3_off +
					  offsetof(struct iphdr, check)) |
			       FIELD_PREP(TXC_EXT_CSE,
					  skb_transport_offset(skb) - 1);
		off->olinfo |= TXD_POPTS_IXSM;
		off->ctx[2] |= TXC_EXT_IPV4;
	}
	off->ctx[2] |= FIELD_PREP(TXC_EXT_PAYLEN, skb->len - off->hdr_len) |
		       TXC_EXT_TSE;
	off->ctx[3] = FIELD_PREP(TXC_EXT_HDRLEN, off->hdr_len) |
		      FIELD_PREP(TXC_EXT_MSS, skb_shinfo(skb)->gso_size);
	off->cmd |= TXD_EXT_TSE;
}

/* Layer 4 for the chip, by where the stack wants the sum; false if unknown */
static __always_inline bool ignis_tx_csum(struct sk_buff *skb,
					  struct tx_offload *off,
					  const enum tx_format fmt)
{
	switch (skb->csum_offset) {
	case offsetof(struct tcphdr, check):
		off->ctx[2] |= fmt == TX_ADV ? TXC_ADV_TCP : TXC_EXT_TCP;
		break;
	case offsetof(struct udphdr, check):
		break;
	case offsetof(struct sctphdr, checksum):
		if (fmt != TX_ADV || !skb_csum_is_sctp(skb))
			return false;
		off->ctx[2] |= TXC_ADV_SCTP;
		break;
	default:
		return false;
	}

	if (fmt == TX_ADV && ip_hdr(skb)->version == 4)
		off->ctx[2] |= TXC_ADV_IPV4;
	return true;
}

/* Work out @off for @skb; errors only when memory is short or csum_help fails */
static __always_inline int ignis_tx_offload(struct sk_buff *skb,
					    struct tx_offload *off,
					    const enum tx_format fmt)
{
	unsigned int l3_off, l4_off;

	off->segs = 1;
	if (skb_vlan_tag_present(skb)) {
		off->cmd |= TXD_VLE;
		if (fmt == TX_ADV) {
			off->ctx[0] = FIELD_PREP(TXC_ADV_VLAN,
						 skb_vlan_tag_get(skb)) |
				      FIELD_PREP(TXC_ADV_MACLEN, ETH_HLEN);
			off->ctx[2] = TXC_ADV_TYPE;
		} else {
			off->olinfo |= FIELD_PREP(TXD_EXT_VLAN,
						  skb_vlan_tag_get(skb));
		}
	}
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return 0;

	l3_off = skb_network_offset(skb);
	l4_off = skb_checksum_start_offset(skb);
	off->ctx[2] = fmt == TX_ADV ? TXC_ADV_TYPE : TXD_DEXT;

	if (skb_is_gso(skb)) {
		int l4_len = ignis_tx_gso_headers(skb, l4_off);

		if (l4_len < 0)
			return l4_len;
		off->hdr_len = l4_off + l4_len;
		off->segs = skb_shinfo(skb)->gso_segs ?:
			DIV_ROUND_UP(skb->len - off->hdr_len,
				     skb_shinfo(skb)->gso_size);
		if (fmt == TX_ADV) {
			ignis_tx_gso_adv(skb, off, l4_len);
		} else {
			off->ctx[2] |= TXC_EXT_TCP;
			ignis_tx_gso_ext(skb, off);
		}
	} else if (unlikely(!ignis_tx_csum(skb, off, fmt))) {
		if (!(off->cmd & TXD_VLE) || fmt != TX_ADV)
			off->ctx[2] = 0;
		return skb_checksum_help(skb);
	}

	off->olinfo |= TXD_POPTS_TXSM;
	if (fmt == TX_ADV) {
		off->ctx[0] &= ~TXC_ADV_MACLEN;
		off->ctx[0] |= FIELD_PREP(TXC_ADV_MACLEN, l3_off) |
			       FIELD_PREP(TXC_ADV_IPLEN, l4_off - l3_off);
	} else {
		off->ctx[1] = FIELD_PREP(TXC_EXT_CSS, l4_off) |
			      FIELD_PREP(TXC_EXT_CSO,
					 l4_off + skb->csum_offset);
	}
	return 0;
}

/* Spend a descriptor on the context only if the hardware's differs */
static __always_inline u32 ignis_tx_context(struct ignis_tx_ring *ring, u32 ntu,
					    const struct tx_offload *off,
					    const enum tx_format fmt)
{
	union ignis_tx_desc *desc = &ring->desc[ntu & ring->mask];
	unsigned int i;

	if (!(fmt == TX_EXT && ring->ctx_shared) &&
	    ring->ctx[0] == off->ctx[0] && ring->ctx[2] == off->ctx[2] &&
	    ring->ctx[3] == off->ctx[3] &&
	    (fmt == TX_ADV || ring->ctx[1] == off->ctx[1]))
		return ntu;

	for (i = 0; i < ARRAY_SIZE(desc->ctx); i++) {
		ring->ctx[i] = off->ctx[i];
		desc->ctx[i] = cpu_to_le32(off->ctx[i]);
	}
	return ntu + 1;
}

/* A frame with offloads: its context goes into slot @first, if it needs one */
static __always_inline struct ignis_tx_data
ignis_tx_prepare(struct ignis_tx_ring *ring, struct sk_buff *skb,
		 struct ignis_tx_buf *first, const enum tx_format fmt)
{
	struct ignis_tx_data data = {};
	struct tx_offload off = {};

	if (unlikely(ignis_tx_offload(skb, &off, fmt)))
		return data;

	if (off.ctx[2]) {
		first->len = 0;
		ring->ntu = ignis_tx_context(ring, ring->ntu, &off, fmt);
	}
	first->segs = off.segs;
	first->bytes = skb->len + (off.segs - 1) * off.hdr_len;
	data.cmd = off.cmd | TX_CMD(fmt);
	data.olinfo = off.olinfo | TX_OLINFO(fmt, skb->len - off.hdr_len);
	return data;
}

static noinline struct ignis_tx_data
ignis_tx_prepare_adv(struct ignis_tx_ring *ring, struct sk_buff *skb,
		     struct ignis_tx_buf *first)
{
	return ignis_tx_prepare(ring, skb, first, TX_ADV);
}

static noinline struct ignis_tx_data
ignis_tx_prepare_ext(struct ignis_tx_ring *ring, struct sk_buff *skb,
		     struct ignis_tx_buf *first)
{
	return ignis_tx_prepare(ring, skb, first, TX_EXT);
}

static void ignis_tx_write(struct ignis_tx_ring *ring, u32 slot, dma_addr_t dma,
			   u32 cmd, u32 olinfo)
{
	union ignis_tx_desc *desc = &ring->desc[slot];

	desc->read.addr = cpu_to_le64(dma);
	desc->read.cmd_type_len = cpu_to_le32(cmd);
	desc->read.olinfo_status = cpu_to_le32(olinfo);
}

/*
 * Map head and fragments and write their descriptors.  Returns false with
 * everything unmapped if that fails.
 */
static __always_inline bool ignis_tx_map(struct ignis_tx_ring *ring,
					 struct sk_buff *skb, u32 cmd,
					 u32 olinfo, const u32 max)
{
	const struct skb_shared_info *shinfo;
	u32 len = skb_headlen(skb);
	unsigned int f = 0;
	u32 ntu = ring->ntu;
	dma_addr_t dma;

	dma = dma_map_phys(ring->dev, virt_to_phys(skb->data), len,
			   DMA_TO_DEVICE, 0);
	shinfo = skb_shinfo(skb);
	for (;;) {
		u32 slot = ntu++ & ring->mask;
		struct ignis_tx_buf *buf = &ring->buf[slot];

		if (unlikely(dma_mapping_error(ring->dev, dma)))
			goto unmap;

		buf->dma = dma;
		buf->len = len;
		while (unlikely(len > max)) {
			ignis_tx_write(ring, slot, dma, cmd | max, olinfo);
			dma += max;
			len -= max;
			slot = ntu++ & ring->mask;
			ring->buf[slot].len = 0;
		}
		if (f == shinfo->nr_frags) {
			cmd |= len | TXD_EOP;
			ignis_tx_write(ring, slot, dma, cmd, olinfo);
			ring->last = slot;
			ring->last_cmd = cmd;
			ring->ntu = ntu;
			return true;
		}

		ignis_tx_write(ring, slot, dma, cmd | len, olinfo);
		len = skb_frag_size(&shinfo->frags[f]);
		dma = skb_frag_dma_map(ring->dev, &shinfo->frags[f], 0, len,
				       DMA_TO_DEVICE);
		f++;
	}

unmap:
	while (--ntu != ring->ntu)
		ignis_tx_unmap(ring, &ring->buf[(ntu - 1) & ring->mask]);
	return false;
}

/*
 * Never drops for want of descriptors: the queue is stopped while the largest
 * possible frame still fits.
 */
static __always_inline netdev_tx_t ignis_xmit(struct sk_buff *skb,
					      struct net_device *netdev,
					      const enum tx_format fmt)
{
	const u32 needed = IGNIS_TX_NEEDED(fmt == TX_ADV ? TXD_ADV_MAX_DATA :
							   TXD_EXT_MAX_DATA);
	struct ignis *ig = netdev_priv(netdev);
	struct ignis_tx_ring *ring = ig->tx[skb_get_queue_mapping(skb)];
	struct ignis_tx_data data = { .cmd = TX_CMD(fmt) };
	struct ignis_tx_buf *first;
	u8 stamps;

	/* pktgen may name a queue that is not in use */
	if (unlikely(!ring)) {
		dev_core_stats_tx_dropped_inc(netdev);
		dev_kfree_skb_any(skb);
		return NETDEV_TX_OK;
	}

	if (unlikely(ignis_tx_unused(ring) < needed)) {
		/* What is in the ring and was not announced must go out */
		ignis_tx_kick(ring);
		netif_txq_try_stop(ring->txq, ignis_tx_unused(ring),
				   ring->wake);
		return NETDEV_TX_BUSY;
	}

	/* Frees the skb on error */
	if (unlikely(skb_put_padto(skb, TX_MIN_LEN)))
		goto dropped;

	stamps = skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP;
	data.olinfo = TX_OLINFO(fmt, skb->len);
	first = &ring->buf[ring->ntu & ring->mask];
	first->segs = 1;
	first->bytes = skb->len;
	if (skb->ip_summed == CHECKSUM_PARTIAL || skb_vlan_tag_present(skb)) {
		data = fmt == TX_ADV ? ignis_tx_prepare_adv(ring, skb, first) :
				       ignis_tx_prepare_ext(ring, skb, first);
		if (unlikely(!data.cmd))
			goto drop;
	}

	/* No earlier: nobody else may hold a frame whose head is changed */
	if (unlikely(stamps & SKBTX_HW_TSTAMP) &&
	    ignis_ptp_tx_start(netdev_priv(skb->dev), skb)) {
		if (fmt == TX_ADV)
			data.cmd |= TXD_ADV_TSTAMP;
		else
			data.olinfo |= TXD_EXT_TSTAMP;
	}

	first->skb = skb;
	if (unlikely(!ignis_tx_map(ring, skb, data.cmd, data.olinfo,
				   fmt == TX_ADV ? TXD_ADV_MAX_DATA :
						   TXD_EXT_MAX_DATA))) {
		first->skb = NULL;
		/* The hardware has not seen the context, nor will it */
		ring->ntu -= first != &ring->buf[ring->ntu & ring->mask];
		ring->ctx[2] = 0;
		ignis_ptp_tx_cancel(netdev_priv(skb->dev), skb);
		goto drop;
	}

	/* Else it would only look for a PHY that takes time stamps */
	if (unlikely(stamps))
		skb_tx_timestamp(skb);

	if (!netif_txq_maybe_stop(ring->txq, ignis_tx_unused(ring), needed,
				  ring->wake)) {
		u64_stats_update_begin(&ring->stats->xmit_syncp);
		u64_stats_inc(&ring->stats->stop);
		u64_stats_update_end(&ring->stats->xmit_syncp);
	}
	if (__netdev_tx_sent_queue(ring->txq, first->bytes, netdev_xmit_more()))
		ignis_tx_send(ring);
	return NETDEV_TX_OK;

drop:
	dev_kfree_skb_any(skb);
dropped:
	ignis_tx_kick(ring);
	u64_stats_update_begin(&ring->stats->xmit_syncp);
	u64_stats_inc(&ring->stats->dropped);
	u64_stats_update_end(&ring->stats->xmit_syncp);
	return NETDEV_TX_OK;
}

/* The frame's length in olinfo_status, if it is to be there */
static u32 ignis_tx_paylen(const struct ignis_tx_ring *ring, u32 len)
{
	return (len << __bf_shf(TXD_ADV_PAYLEN)) & ring->paylen;
}

/*
 * Write the next descriptor, for memory that others have mapped.  Owner and bytes
 * of the frame are for the caller to fill in.
 */
static __always_inline struct ignis_tx_buf *
ignis_tx_put(struct ignis_tx_ring *ring, enum ignis_tx_kind kind,
	     dma_addr_t dma, u32 len, u32 cmd, u32 olinfo)
{
	u32 slot = ring->ntu++ & ring->mask;
	struct ignis_tx_buf *buf = &ring->buf[slot];

	cmd |= ring->data_cmd | len;
	ring->last = slot;
	ring->last_cmd = cmd;
	ignis_tx_write(ring, slot, dma, cmd, olinfo);
	buf->len = 0;
	buf->segs = 0;
	buf->kind = kind;
	return buf;
}

/* DMA address of a piece of a frame: its pool has mapped it, or we do */
static dma_addr_t ignis_tx_xdp_map(struct ignis_tx_ring *ring,
				   struct ignis_tx_buf *buf, struct page *page,
				   u32 offset, u32 len, bool pooled)
{
	buf->len = 0;
	if (pooled) {
		buf->dma = page_pool_get_dma_addr(page) + offset;
		dma_sync_single_for_device(ring->dev, buf->dma, len,
					   DMA_BIDIRECTIONAL);
		return buf->dma;
	}

	buf->dma = dma_map_page(ring->dev, page, offset, len, DMA_TO_DEVICE);
	if (unlikely(dma_mapping_error(ring->dev, buf->dma)))
		return DMA_MAPPING_ERROR;
	buf->len = len;
	return buf->dma;
}

/**
 * ignis_tx_xdp_frame - put an XDP frame into a ring
 * @ring: transmit ring
 * @frame: owned by the ring if it is taken
 * @pooled: of this port's page_pool, which has mapped it
 *
 * Context: softirq, the queue's xmit lock held.  Nothing is sent before
 * ignis_tx_kick().
 *
 * Return: false if there is no room or no DMA mapping to be had.
 */
bool ignis_tx_xdp_frame(struct ignis_tx_ring *ring, struct xdp_frame *frame,
			bool pooled)
{
	struct skb_shared_info *shinfo = xdp_get_shared_info_from_frame(frame);
	unsigned int nr_frags = xdp_frame_has_frags(frame) ? shinfo->nr_frags : 0;
	struct page *page = virt_to_head_page(frame->data);
	u32 offset = frame->data - page_address(page);
	u32 cmd = ring->data_cmd, ntu = ring->ntu;
	struct ignis_tx_buf *first;
	u32 len, olinfo, total;
	unsigned int f;

	len = frame->len;
	total = len + (nr_frags ? shinfo->xdp_frags_size : 0);
	/* At most; TXD_EXT_MAX_DATA is the lesser of both chips' */
	if (unlikely(ignis_tx_xdp_room(ring) <
		     1 + nr_frags + total / TXD_EXT_MAX_DATA))
		return false;

	if (unlikely(total < TX_MIN_LEN)) {
		/* Not over what says where the fragments are */
		if (nr_frags && frame->data + TX_MIN_LEN > (void *)shinfo)
			return false;
		/* The buffer has room for it, and the few bytes of fragments */
		for (f = 0; f < nr_frags; f++) {
			memcpy(frame->data + len,
			       skb_frag_address(&shinfo->frags[f]),
			       skb_frag_size(&shinfo->frags[f]));
			len += skb_frag_size(&shinfo->frags[f]);
		}
		memset(frame->data + len, 0, TX_MIN_LEN - len);
		len = TX_MIN_LEN;
		total = TX_MIN_LEN;
		nr_frags = 0;
	}
	olinfo = ignis_tx_paylen(ring, total);

	for (f = 0; ; f++) {
		struct ignis_tx_buf *buf = &ring->buf[ntu & ring->mask];
		dma_addr_t dma = ignis_tx_xdp_map(ring, buf, page, offset, len,
						  pooled);

		if (unlikely(dma == DMA_MAPPING_ERROR))
			goto unmap;

		for (;;) {
			u32 part = min(len, ring->max_data);
			u32 slot = ntu++ & ring->mask;

			len -= part;
			if (!len && f == nr_frags)
				cmd |= TXD_EOP;
			ignis_tx_write(ring, slot, dma, cmd | part, olinfo);
			if (cmd & TXD_EOP) {
				ring->last = slot;
				ring->last_cmd = cmd | part;
				goto done;
			}
			if (likely(!len))
				break;
			dma += part;
			ring->buf[ntu & ring->mask].len = 0;
		}

		page = skb_frag_page(&shinfo->frags[f]);
		offset = skb_frag_off(&shinfo->frags[f]);
		len = skb_frag_size(&shinfo->frags[f]);
	}

done:
	first = &ring->buf[ring->ntu & ring->mask];
	first->xdpf = frame;
	first->kind = TX_XDP_FRAME;
	first->segs = 0;
	first->bytes = total;
	ring->ntu = ntu;
	return true;

unmap:
	while (ntu-- != ring->ntu)
		ignis_tx_unmap(ring, &ring->buf[ntu & ring->mask]);
	return false;
}

/**
 * ignis_tx_xdp_out - put frames that XDP sends back into a ring
 * @ring: transmit ring
 * @out: frames; owned by the ring if they are taken
 * @n: how many
 *
 * Context: NAPI, the queue's xmit lock held.  Nothing is sent before
 * ignis_tx_kick().
 *
 * Return: how many were taken.
 */
unsigned int ignis_tx_xdp_out(struct ignis_tx_ring *ring,
			      const struct ignis_xdp_out *out, unsigned int n)
{
	const bool sync = dma_dev_need_sync(ring->dev);
	unsigned int i;

	for (i = 0; i < n; i++, out++) {
		struct ignis_tx_buf *buf;
		u32 len = out->len;

		if (unlikely(!len)) {
			if (!ignis_tx_xdp_frame(ring, out->frame, true))
				break;
			continue;
		}
		if (unlikely(!ignis_tx_xdp_room(ring)))
			break;

		if (unlikely(len < TX_MIN_LEN)) {
			memset(out->data + len, 0, TX_MIN_LEN - len);
			len = TX_MIN_LEN;
		}
		if (unlikely(sync))
			dma_sync_single_for_device(ring->dev, out->dma, len,
						   DMA_BIDIRECTIONAL);
		buf = ignis_tx_put(ring, TX_XDP_PAGE, out->dma, len, TXD_EOP,
				   ignis_tx_paylen(ring, len));
		buf->data = out->data;
		buf->bytes = len;
	}
	return i;
}

/* Where layer 3 begins, in a frame of whoever has made it */
static unsigned int ignis_tx_l3_off(const void *data)
{
	const struct ethhdr *eth = data;

	return eth_type_vlan(eth->h_proto) ? VLAN_ETH_HLEN : ETH_HLEN;
}

static bool ignis_tx_raw_csum_adv(struct tx_offload *off, const void *data,
				  u16 start, u16 offset)
{
	unsigned int l3_off = ignis_tx_l3_off(data);
	const struct iphdr *ip = data + l3_off;

	if (start < l3_off + sizeof(*ip) ||
	    start - l3_off > FIELD_MAX(TXC_ADV_IPLEN))
		return false;

	off->ctx[0] = FIELD_PREP(TXC_ADV_MACLEN, l3_off) |
		      FIELD_PREP(TXC_ADV_IPLEN, start - l3_off);
	off->ctx[2] = TXC_ADV_TYPE | (ip->version == 4 ? TXC_ADV_IPV4 : 0);
	if (offset == offsetof(struct tcphdr, check))
		off->ctx[2] |= TXC_ADV_TCP;
	return offset == offsetof(struct tcphdr, check) ||
	       offset == offsetof(struct udphdr, check);
}

static bool ignis_tx_raw_csum_ext(struct tx_offload *off, u16 start, u16 offset)
{
	if (start > FIELD_MAX(TXC_EXT_CSS) ||
	    offset > FIELD_MAX(TXC_EXT_CSO) - start)
		return false;

	off->ctx[1] = FIELD_PREP(TXC_EXT_CSS, start) |
		      FIELD_PREP(TXC_EXT_CSO, start + offset);
	off->ctx[2] = TXD_DEXT;
	if (offset == offsetof(struct tcphdr, check))
		off->ctx[2] |= TXC_EXT_TCP;
	return true;
}

/**
 * ignis_tx_xsk_csum - let the chip fill in a checksum of the frame to come
 * @ring: transmit ring, with room for a context
 * @data: the frame's first @start bytes and more
 * @start: where the sum starts
 * @offset: where it goes, from @start on
 *
 * Context: NAPI, the queue's xmit lock held.
 *
 * Return: what is to be in olinfo_status of the frame; 0: the chip cannot.
 */
u32 ignis_tx_xsk_csum(struct ignis_tx_ring *ring, const void *data, u16 start,
		      u16 offset)
{
	struct tx_offload off = {};
	u32 ntu;

	/* Nor will it be so short then that it has to be filled up */
	if (start < ETH_HLEN + sizeof(struct iphdr))
		return 0;

	/* The format with a length of the frame is the advanced one */
	if (ring->paylen) {
		if (!ignis_tx_raw_csum_adv(&off, data, start, offset))
			return 0;
		ntu = ignis_tx_context(ring, ring->ntu, &off, TX_ADV);
	} else {
		if (!ignis_tx_raw_csum_ext(&off, start, offset))
			return 0;
		ntu = ignis_tx_context(ring, ring->ntu, &off, TX_EXT);
	}
	if (ntu != ring->ntu)
		ring->buf[ring->ntu & ring->mask].len = 0;
	ring->ntu = ntu;
	return TXD_POPTS_TXSM;
}

/**
 * ignis_tx_xsk_plain - put AF_XDP frames into a ring that take no thought
 * @ring: transmit ring, with room for them
 * @descs: what sockets have queued
 * @n: how many
 * @max: bytes of the longest frame
 * @run: counts what is taken
 *
 * That is, up to the first one that is in pieces, asks for something, or has a
 * length that is not for the chip; none if memory has to be synced.
 *
 * Context: NAPI, the queue's xmit lock held.  ignis_tx_xsk_run() is to follow.
 *
 * Return: how many were taken.
 */
unsigned int ignis_tx_xsk_plain(struct ignis_tx_ring *ring,
				const struct xdp_desc *descs, unsigned int n,
				u32 max, struct ignis_tx_run *run)
{
	const struct xdp_desc *desc = descs, *end = descs + n;
	const u32 cmd = ring->data_cmd | TXD_EOP;
	struct xsk_buff_pool *pool = ring->xsk;
	u32 ntu = ring->ntu, bytes = 0;

	if (unlikely(dma_dev_need_sync(ring->dev)))
		return 0;

	for (; desc != end; desc++) {
		u32 len = desc->len;
		dma_addr_t dma;

		if (unlikely(desc->options) ||
		    unlikely(len - TX_MIN_LEN > max - TX_MIN_LEN))
			break;

		dma = xsk_buff_raw_get_dma(pool, desc->addr);
		ignis_tx_write(ring, ntu++ & ring->mask, dma, cmd | len,
			       ignis_tx_paylen(ring, len));
		bytes += len;
	}
	if (unlikely(desc == descs))
		return 0;

	ring->last = (ntu - 1) & ring->mask;
	ring->last_cmd = cmd | desc[-1].len;
	ring->ntu = ntu;
	run->frames += desc - descs;
	run->bytes += bytes;
	return desc - descs;
}

/**
 * ignis_tx_xsk_put - put a piece of an AF_XDP frame into a ring
 * @ring: transmit ring, with room for it
 * @kind: TX_XSK_RUN or TX_XSK_BUFF
 * @dma: where it is, mapped by its pool
 * @len: bytes
 * @data: the same for all pieces
 *
 * Context: NAPI, the queue's xmit lock held.  ignis_tx_xsk_end() ends the frame.
 *
 * Return: the driver's side of the descriptor; for TX_XSK_BUFF, owner and, in the
 * first one, bytes are for the caller to fill in.
 */
struct ignis_tx_buf *ignis_tx_xsk_put(struct ignis_tx_ring *ring,
				      enum ignis_tx_kind kind, dma_addr_t dma,
				      u32 len,
				      const struct ignis_tx_data *data)
{
	struct ignis_tx_buf *buf = ignis_tx_put(ring, kind, dma, len, data->cmd,
						data->olinfo);

	buf->bytes = 0;
	return buf;
}

/**
 * ignis_tx_xsk_end - end an AF_XDP frame
 * @ring: transmit ring
 * @total: bytes put there since the frame before
 * @data: as for the pieces
 *
 * Context: NAPI, the queue's xmit lock held.  Nothing is sent before
 * ignis_tx_kick().
 */
void ignis_tx_xsk_end(struct ignis_tx_ring *ring, u32 total,
		      const struct ignis_tx_data *data)
{
	/* There may be no room in its buffer for what it is short of */
	if (unlikely(total < TX_MIN_LEN))
		ignis_tx_xsk_put(ring, TX_XSK_RUN, ring->dma + ring->size,
				 TX_MIN_LEN - total, data);
	ring->last_cmd |= TXD_EOP;
	ring->desc[ring->last].read.cmd_type_len = cpu_to_le32(ring->last_cmd);
}

/**
 * ignis_tx_xsk_run - note what is to be told when frames of sockets are sent
 * @ring: transmit ring
 * @first: its @ntu before the first of them was put there
 * @run: what they were; dropped ones are told with those that follow or precede
 *
 * Completion then costs the same for any number of frames.
 *
 * Context: NAPI, the queue's xmit lock held.
 */
void ignis_tx_xsk_run(struct ignis_tx_ring *ring, u32 first,
		      const struct ignis_tx_run *run)
{
	struct ignis_tx_buf *buf = &ring->buf[first & ring->mask];

	ring->xsk_late += run->descs;
	if (unlikely(ring->ntu == first))
		return;

	buf->xsk = ring->xsk;
	buf->kind = run->stamped ? TX_XSK_STAMPED : TX_XSK_RUN;
	buf->segs = 0;
	buf->len = 0;
	buf->slots = ring->ntu - first;
	buf->frames = run->frames;
	buf->bytes = run->bytes;
	buf->descs = ring->xsk_late;
	ring->xsk_sent += buf->descs;
	ring->xsk_late = 0;
}

/**
 * ignis_tx_xsk_olinfo - olinfo_status of an AF_XDP frame without offloads
 * @ring: transmit ring
 * @total: bytes in the frame
 *
 * Context: any.
 *
 * Return: olinfo_status.
 */
u32 ignis_tx_xsk_olinfo(const struct ignis_tx_ring *ring, u32 total)
{
	return ignis_tx_paylen(ring, max_t(u32, total, TX_MIN_LEN));
}

/**
 * ignis_tx_xsk_stamp - have the time of sending of an AF_XDP frame latched
 * @ring: transmit ring
 * @data: of all its descriptors, changed here
 *
 * Context: any.  ignis_ptp_tx_xsk() has reserved the latch.
 */
void ignis_tx_xsk_stamp(const struct ignis_tx_ring *ring,
			struct ignis_tx_data *data)
{
	if (ring->paylen)
		data->cmd |= TXD_ADV_TSTAMP;
	else
		data->olinfo |= TXD_EXT_TSTAMP;
}

/**
 * ignis_xmit_adv - ndo_start_xmit of chips with advanced descriptors
 * @skb: frame, linear or not
 * @netdev: port
 *
 * Context: softirq disabled, the queue's xmit lock held.
 *
 * Return: NETDEV_TX_OK; NETDEV_TX_BUSY never in practice.
 */
netdev_tx_t ignis_xmit_adv(struct sk_buff *skb, struct net_device *netdev)
{
	return ignis_xmit(skb, netdev, TX_ADV);
}

/**
 * ignis_xmit_ext - ndo_start_xmit of the 82574 and its kin
 * @skb: frame, linear or not
 * @netdev: port
 *
 * Context: softirq disabled, the queue's xmit lock held.
 *
 * Return: NETDEV_TX_OK; NETDEV_TX_BUSY never in practice.
 */
netdev_tx_t ignis_xmit_ext(struct sk_buff *skb, struct net_device *netdev)
{
	return ignis_xmit(skb, netdev, TX_EXT);
}

/* What a run of completions amounts to */
struct tx_done {
	unsigned int packets;
	unsigned int bytes;
	unsigned int tso;		/* of the above, segments */
	unsigned int tso_bytes;
	unsigned int xdp;		/* frames BQL does not know */
	unsigned int xdp_bytes;
};

/* Returns the slots that are done with */
static noinline u32 ignis_tx_retire_xdp(struct ignis_tx_ring *ring,
					struct ignis_tx_buf *buf,
					struct tx_done *done)
{
	done->xdp_bytes += buf->bytes;
	switch (buf->kind) {
	case TX_XDP_FRAME:
		rcu_read_lock();
		xdp_return_frame_bulk(buf->xdpf, &ring->bulk);
		rcu_read_unlock();
		break;
	case TX_XSK_STAMPED:
		xsk_tx_metadata_complete(&ring->xsk_compl,
					 &ignis_xsk_tx_metadata_ops,
					 netdev_priv(ring->txq->dev));
		fallthrough;
	case TX_XSK_RUN:
		ring->xsk_done += buf->descs;
		ring->xsk_sent -= buf->descs;
		done->xdp += buf->frames;
		return buf->slots;
	case TX_XSK_BUFF:
		xsk_buff_free(buf->xdp);
		break;
	}
	done->xdp += !!buf->bytes;
	return 1;
}

static void ignis_tx_flush_xdp(struct ignis_tx_ring *ring)
{
	xdp_flush_frame_bulk(&ring->bulk);
	/* It may remember a pool, which may be gone the next time */
	xdp_frame_bulk_init(&ring->bulk);
	if (ring->xsk_done) {
		xsk_tx_completed(ring->xsk, ring->xsk_done);
		ring->xsk_done = 0;
	}
}

/* XDP frames cannot be returned to their pools from netpoll */
static bool ignis_tx_has_xdp(const struct ignis_tx_ring *ring, u32 ntc, u32 end)
{
	do {
		const struct ignis_tx_buf *buf = &ring->buf[ntc & ring->mask];

		if (buf->skb && !buf->segs)
			return true;
	} while ((++ntc & ring->mask) != end);
	return false;
}

/*
 * What was in a slot leaves it; @budget is 0 outside of NAPI.  Returns the slots
 * that are done with.
 */
static __always_inline u32 ignis_tx_retire(struct ignis_tx_ring *ring,
					   struct ignis_tx_buf *buf, bool unmap,
					   int budget, struct tx_done *done)
{
	u32 slots = 1;

	if (unlikely(unmap))
		ignis_tx_unmap(ring, buf);
	if (!buf->skb)
		return slots;

	if (likely(buf->segs)) {
		done->packets += buf->segs;
		done->bytes += buf->bytes;
		if (buf->segs > 1) {
			done->tso += buf->segs;
			done->tso_bytes += buf->bytes;
		}
		napi_consume_skb(buf->skb, budget);
	} else if (buf->kind == TX_XDP_PAGE) {
		done->xdp++;
		done->xdp_bytes += buf->bytes;
		page_pool_put_full_page(ring->pool, virt_to_page(buf->data),
					budget);
	} else {
		slots = ignis_tx_retire_xdp(ring, buf, done);
	}
	buf->skb = NULL;
	return slots;
}

/**
 * ignis_tx_clean - free what has been sent, restart the queue
 * @v: vector whose transmit ring is cleaned
 * @budget: NAPI's; 0 from netpoll
 *
 * Context: NAPI.
 *
 * Return: true when there may be more to do.
 */
bool ignis_tx_clean(struct ignis_vector *v, int budget)
{
	struct ignis_tx_ring *ring = v->tx;
	struct ignis_tx_stats *stats = ring->stats;
	/* Pairs with the release in ignis_tx_send() */
	u32 kicked = smp_load_acquire(&ring->kicked);
	u32 start = ring->ntc, ntc = start;
	/* No sooner: it speaks of mappings that exist */
	const bool unmap = dma_need_unmap(ring->dev);
	struct ignis_tx_buf *bufs = ring->buf;
	const u32 mask = ring->mask;
	struct tx_done done = {};
	int woken;

	while (ntc != kicked && ntc - start < TX_CLEAN_MAX) {
		u32 end = bufs[ntc & mask].report;
		__le32 status = READ_ONCE(ring->desc[end].wb.status);

		if (!(status & cpu_to_le32(TXD_STAT_DD)))
			break;

		end = (end + 1) & mask;
		if (unlikely(!budget) && ignis_tx_has_xdp(ring, ntc, end))
			break;
		do {
			ntc += ignis_tx_retire(ring, &bufs[ntc & mask], unmap,
					       budget, &done);
		} while ((ntc & mask) != end);
	}
	if (ntc == start)
		return false;

	if (done.xdp)
		ignis_tx_flush_xdp(ring);

	/* Who sees room must not see what was in it */
	smp_store_release(&ring->ntc, ntc);
	/* Between @ntc and the queue's state; BQL has it where it is used */
	if (unlikely(!done.bytes))
		smp_mb(); /* pairs with that of who stops the queue */
	/*
	 * BQL looks at bytes, of which XDP's are none; waking, at packets.  Who
	 * sends has no ring before ignis_tx_open(), which wakes the queue.
	 */
	woken = __netif_txq_completed_wake(ring->txq, done.packets + done.xdp,
					   done.bytes,
					   ignis_tx_unused(ring), ring->wake,
					   READ_ONCE(ring->closing) ||
					   READ_ONCE(v->ig->tx[ring->queue]) != ring);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->packets, done.packets + done.xdp);
	u64_stats_add(&stats->bytes, done.bytes + done.xdp_bytes);
	u64_stats_add(&stats->tso_packets, done.tso);
	u64_stats_add(&stats->tso_bytes, done.tso_bytes);
	if (!woken)
		u64_stats_inc(&stats->wake);
	u64_stats_update_end(&stats->syncp);

	return ntc != kicked && ntc - start >= TX_CLEAN_MAX;
}

/**
 * ignis_features_check - ndo_features_check
 * @skb: frame
 * @netdev: port
 * @features: what the core would use
 *
 * The chip's view of the headers is limited.
 *
 * Context: any.
 *
 * Return: @features less what the chip cannot do for this frame.
 */
netdev_features_t ignis_features_check(struct sk_buff *skb,
				       struct net_device *netdev,
				       netdev_features_t features)
{
	const struct ignis *ig = netdev_priv(netdev);

	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		int l3 = skb_network_offset(skb);
		int l4 = skb_checksum_start_offset(skb);

		if (l3 < 0 || l3 > FIELD_MAX(TXC_ADV_MACLEN) || l4 < l3 ||
		    l4 > ig->mac->tx_max_headers - MAX_L4_HEADER)
			features &= ~(NETIF_F_CSUM_MASK | NETIF_F_SCTP_CRC |
				      NETIF_F_GSO_MASK);
	}
	if (skb_is_gso(skb) && skb_shinfo(skb)->gso_size < TX_MIN_MSS)
		features &= ~NETIF_F_GSO_MASK;
	features &= ~READ_ONCE(ig->tx_blocked);
	return vlan_features_check(skb, features);
}

/* What the hardware has not sent by now is lost, and counted */
static void ignis_tx_discard(struct ignis_tx_ring *ring)
{
	struct tx_done done = {};
	unsigned int lost = 0;

	while (ring->ntc != ring->ntu) {
		struct ignis_tx_buf *buf = &ring->buf[ring->ntc & ring->mask];

		lost += buf->skb && buf->segs;
		ring->ntc += ignis_tx_retire(ring, buf, true, 0, &done);
	}
	ring->xsk_done += ring->xsk_late;
	ring->xsk_late = 0;
	ignis_tx_flush_xdp(ring);

	lost += done.xdp;
	if (!lost)
		return;

	/* The vector's counters: another ring may be sending with them */
	__netif_tx_lock_bh(ring->txq);
	u64_stats_update_begin(&ring->stats->xmit_syncp);
	u64_stats_add(&ring->stats->dropped, lost);
	u64_stats_update_end(&ring->stats->xmit_syncp);
	__netif_tx_unlock_bh(ring->txq);
}

/**
 * ignis_tx_reset - drop the frames of a stopped ring and start it afresh
 * @ring: transmit ring
 *
 * Context: process, queue stopped.
 */
void ignis_tx_reset(struct ignis_tx_ring *ring)
{
	ignis_tx_discard(ring);
	ring->ntc = 0;
	ring->ntu = 0;
	ring->batch = 0;
	ring->kicked = 0;
	memset(ring->ctx, 0, sizeof(ring->ctx));
	memset(ring->desc, 0, ring->size);
}

/**
 * ignis_tx_alloc - allocate a transmit ring
 * @ig: port
 * @ring: zeroed but for @ring->queue and @ring->stats
 * @cfg: configuration to build for
 *
 * Does not touch the hardware.
 *
 * Context: process.
 *
 * Return: 0 or -ENOMEM; ignis_tx_free() is to be called either way.
 */
int ignis_tx_alloc(struct ignis *ig, struct ignis_tx_ring *ring,
		   const struct ignis_config *cfg)
{
	ring->dev = &ig->pdev->dev;
	ring->txq = netdev_get_tx_queue(ig->netdev, ring->queue);
	ring->mask = cfg->tx_count - 1;
	ring->max_data = ig->mac->tx_max_data;
	ring->needed = IGNIS_TX_NEEDED(ring->max_data);
	ring->wake = max(ring->needed, cfg->tx_count / 4);
	ring->data_cmd = ig->mac->tx_data_cmd | TXD_DEXT | TXD_IFCS;
	ring->paylen = ig->mac->tx_paylen ? TXD_ADV_PAYLEN : 0;
	ring->ctx_shared = cfg->channels > 1;
	ring->xsk = cfg->xsk[ring->queue];
	ring->tail = ig->hw + ignis_tx_reg(ig, ring->queue, Q_TAIL);
	ring->size = cfg->tx_count * sizeof(*ring->desc);

	ring->buf = kvcalloc(cfg->tx_count, sizeof(*ring->buf), GFP_KERNEL);
	if (!ring->buf)
		return -ENOMEM;

	ring->desc = dma_alloc_coherent(ring->dev, ring->size + TX_MIN_LEN,
					&ring->dma, GFP_KERNEL);
	return ring->desc ? 0 : -ENOMEM;
}

/**
 * ignis_tx_free - free what ignis_tx_alloc() allocated, also in part
 * @ring: transmit ring, not in use
 *
 * Context: process.
 */
void ignis_tx_free(struct ignis_tx_ring *ring)
{
	ignis_tx_discard(ring);
	if (ring->desc)
		dma_free_coherent(ring->dev, ring->size + TX_MIN_LEN,
				  ring->desc, ring->dma);
	kvfree(ring->buf);
}
