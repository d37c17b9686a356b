// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive: descriptor -> page_pool page -> sk_buff -> GRO.
 *
 * A buffer is a fragment of a page_pool page: headroom, what the hardware
 * writes, and room for the skb_shared_info, so that an skb can be built around
 * it without a copy.  Frames that need more than one buffer (jumbo) take the
 * following ones as page fragments.
 */

#include "ignis.h"

#define RX_HEADROOM	(NET_SKB_PAD + NET_IP_ALIGN)
#define RX_BATCH	32	/* descriptors refilled at a time */

/* One more buffer from the pool, which maps and recycles whole pages */
static bool ignis_rx_get_buf(struct ignis_rx_ring *ring,
			     struct ignis_rx_buf *buf, gfp_t gfp)
{
	struct page *page = ring->half;

	if (!page) {
		page = page_pool_alloc_pages(ring->pool, gfp);
		if (unlikely(!page))
			return false;
		page_pool_fragment_page(page, PAGE_SIZE / ring->truesize);
		ring->half_offset = 0;
	}

	buf->page = page;
	buf->offset = ring->half_offset + RX_HEADROOM;
	ring->half_offset += ring->truesize;
	ring->half = ring->half_offset < PAGE_SIZE ? page : NULL;
	return true;
}

/* Put buffers into all free descriptors; false when memory runs out first */
static bool ignis_rx_fill(struct ignis_rx_ring *ring, gfp_t gfp)
{
	u32 unfilled = ring->mask - (ring->ntu - ring->ntc);
	u32 ntu = ring->ntu;

	for (; unfilled; unfilled--, ntu++) {
		union ignis_rx_desc *desc = &ring->desc[ntu & ring->mask];
		struct ignis_rx_buf *buf = &ring->buf[ntu & ring->mask];

		if (unlikely(!ignis_rx_get_buf(ring, buf, gfp)))
			break;

		desc->read.pkt_addr =
			cpu_to_le64(page_pool_get_dma_addr(buf->page) +
				    buf->offset);
		desc->read.hdr_addr = 0;
	}

	/* The one slot that is never filled ends the poll: no stale DD in it */
	ring->desc[ntu & ring->mask].read.hdr_addr = 0;
	ring->ntu = ntu;
	return !unfilled;
}

static struct sk_buff *ignis_rx_build(struct ignis_rx_ring *ring,
				      struct ignis_rx_buf *buf, u32 len)
{
	void *va = page_address(buf->page) + buf->offset;
	struct sk_buff *skb;

	net_prefetch(va);
	skb = napi_build_skb(va - RX_HEADROOM, ring->truesize);
	if (unlikely(!skb))
		return NULL;

	skb_mark_for_recycle(skb);
	skb_reserve(skb, RX_HEADROOM);
	__skb_put(skb, len);
	return skb;
}

/* A poll's counts, kept in registers until its end */
struct rx_counts {
	unsigned int bytes;
	unsigned int csum_unnecessary;
	unsigned int csum_bad;
	unsigned int alloc_fail;
	unsigned int dropped;
	unsigned int errors;
};

/* Tell the stack what the last descriptor says of the whole frame */
static void ignis_rx_offloads(struct net_device *netdev, struct sk_buff *skb,
			      union ignis_rx_desc *desc, u32 staterr,
			      struct rx_counts *n)
{
	u32 type = FIELD_GET(RXD_RSSTYPE, le16_to_cpu(desc->wb.pkt_info));

	if (type != RSSTYPE_NONE && (netdev->features & NETIF_F_RXHASH))
		__skb_set_hash(skb, le32_to_cpu(desc->wb.rss_hash), false,
			       type != RSSTYPE_IPV4 && type != RSSTYPE_IPV6 &&
			       type != RSSTYPE_IPV6_EX);

	/* A bad checksum may be the chip's error: the stack judges itself */
	if (unlikely(staterr & (RXD_L4E | RXD_IPE))) {
		n->csum_bad++;
	} else if (staterr & (RXD_L4CS | RXD_UDPCS)) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		n->csum_unnecessary++;
	}

	if (staterr & RXD_VP)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q),
				       le16_to_cpu(desc->wb.vlan));
}

static void ignis_rx_count(struct ignis_rx_stats *stats, unsigned int packets,
			   const struct rx_counts *n)
{
	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->packets, packets);
	u64_stats_add(&stats->bytes, n->bytes);
	u64_stats_add(&stats->csum_unnecessary, n->csum_unnecessary);
	u64_stats_add(&stats->csum_none,
		      packets - n->csum_unnecessary - n->csum_bad);
	u64_stats_add(&stats->csum_bad, n->csum_bad);
	u64_stats_add(&stats->alloc_fail, n->alloc_fail);
	u64_stats_add(&stats->dropped, n->dropped);
	u64_stats_add(&stats->errors, n->errors);
	u64_stats_update_end(&stats->syncp);
}

/**
 * ignis_rx_poll - receive up to @budget frames, then refill
 * @v: vector whose receive ring is polled
 * @budget: most frames to hand up
 *
 * Context: NAPI.
 *
 * Return: frames received.
 */
int ignis_rx_poll(struct ignis_vector *v, int budget)
{
	struct net_device *netdev = v->napi.dev;
	struct ignis_rx_ring *ring = v->rx;
	struct sk_buff *skb = ring->skb;
	struct rx_counts n = {};
	u32 ntc = ring->ntc;
	int done = 0;

	while (done < budget) {
		union ignis_rx_desc *desc = &ring->desc[ntc & ring->mask];
		struct ignis_rx_buf *buf = &ring->buf[ntc & ring->mask];
		u32 staterr = le32_to_cpu(READ_ONCE(desc->wb.staterr));
		u32 len;

		if (!(staterr & RXD_DD))
			break;

		/* The rest of the descriptor was written no later than DD */
		dma_rmb();
		len = le16_to_cpu(desc->wb.length);
		ntc++;

		if (unlikely(ring->discard || !len || len > ring->buf_len ||
			     (staterr & RXD_RXE))) {
			n.errors += !ring->discard;
			goto drop;
		}

		page_pool_dma_sync_for_cpu(ring->pool, buf->page, buf->offset,
					   len);
		if (likely(!skb)) {
			skb = ignis_rx_build(ring, buf, len);
			if (unlikely(!skb)) {
				n.alloc_fail++;
				n.dropped++;
				goto drop;
			}
		} else if (likely(skb_shinfo(skb)->nr_frags < MAX_SKB_FRAGS)) {
			skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags,
					buf->page, buf->offset, len,
					ring->truesize);
		} else {
			n.errors++;
			goto drop;
		}

		if (!(staterr & RXD_EOP))
			continue;

		ignis_rx_offloads(netdev, skb, desc, staterr, &n);
		n.bytes += skb->len;
		done++;
		skb->protocol = eth_type_trans(skb, netdev);
		skb_record_rx_queue(skb, ring->queue);
		napi_gro_receive(&v->napi, skb);
		skb = NULL;
		continue;
drop:
		/* The whole frame: this buffer, those before, those to come */
		page_pool_put_full_page(ring->pool, buf->page, true);
		if (skb)
			dev_kfree_skb_any(skb);
		skb = NULL;
		ring->discard = !(staterr & RXD_EOP);
	}
	if (ntc == ring->ntc && ring->mask - (ring->ntu - ntc) < RX_BATCH)
		return 0;

	ring->skb = skb;
	ring->ntc = ntc;

	if (ring->mask - (ring->ntu - ntc) >= RX_BATCH) {
		u32 ntu = ring->ntu;

		if (unlikely(!ignis_rx_fill(ring, GFP_ATOMIC | __GFP_NOWARN))) {
			n.alloc_fail++;
			schedule_delayed_work(&v->ig->refill_work,
					      msecs_to_jiffies(20));
		}
		if (likely(ring->ntu != ntu))
			writel(ring->ntu & ring->mask, ring->tail);
	}
	ignis_rx_count(&v->rx_stats, done, &n);
	return done;
}

/**
 * ignis_rx_pending - has the hardware written back what was not polled yet
 * @ring: receive ring
 *
 * Context: any; a hint only while NAPI runs.
 *
 * Return: true if so.
 */
bool ignis_rx_pending(const struct ignis_rx_ring *ring)
{
	u32 ntc = READ_ONCE(ring->ntc);

	return le32_to_cpu(READ_ONCE(ring->desc[ntc & ring->mask].wb.staterr)) &
	       RXD_DD;
}

/**
 * ignis_rx_reset - drop all buffers of a stopped ring and start it afresh
 * @ring: receive ring
 *
 * It is left empty; the first poll fills it.
 *
 * Context: process, queue stopped.
 */
void ignis_rx_reset(struct ignis_rx_ring *ring)
{
	while (ring->ntc != ring->ntu) {
		struct ignis_rx_buf *buf = &ring->buf[ring->ntc & ring->mask];

		page_pool_put_full_page(ring->pool, buf->page, false);
		ring->ntc++;
	}
	if (ring->skb)
		dev_kfree_skb_any(ring->skb);
	ring->skb = NULL;
	ring->discard = false;
	ring->ntc = 0;
	ring->ntu = 0;
	memset(ring->desc, 0, ring->size);
}

/**
 * ignis_rx_alloc - allocate a receive ring and fill it with buffers
 * @ig: port
 * @ring: zeroed but for @ring->queue
 * @cfg: configuration to build for
 *
 * Does not touch the hardware.
 *
 * Context: process.
 *
 * Return: 0 or -ENOMEM; ignis_rx_free() is to be called either way.
 */
int ignis_rx_alloc(struct ignis *ig, struct ignis_rx_ring *ring,
		   const struct ignis_config *cfg)
{
	struct page_pool_params pp = {
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.nid = dev_to_node(&ig->pdev->dev),
		.dev = &ig->pdev->dev,
		.dma_dir = DMA_FROM_DEVICE,
		.max_len = PAGE_SIZE,
		.netdev = ig->netdev,
		.queue_idx = ring->queue,
	};
	u32 room;

	/*
	 * A standard frame fits half a 4 KiB page, and RLPML keeps longer ones
	 * out, so the buffer may be told to the hardware as the 2 KiB that
	 * SRRCTL can say.  Else the hardware gets what is left of 4 KiB between
	 * headroom and skb_shared_info, in whole KiB.
	 */
	room = SKB_WITH_OVERHEAD(2048) - RX_HEADROOM;
	if (ignis_max_frame(cfg->mtu) - ETH_FCS_LEN <= room) {
		ring->truesize = 2048;
		ring->buf_len = room;
	} else {
		ring->truesize = 4096;
		ring->buf_len = round_down(SKB_WITH_OVERHEAD(4096) -
					   RX_HEADROOM, 1024);
	}

	ring->mask = cfg->rx_count - 1;
	ring->tail = ig->hw + IGNIS_RDT(ring->queue);
	ring->size = cfg->rx_count * sizeof(*ring->desc);

	ring->buf = kvcalloc(cfg->rx_count, sizeof(*ring->buf), GFP_KERNEL);
	if (!ring->buf)
		return -ENOMEM;

	ring->desc = dma_alloc_coherent(&ig->pdev->dev, ring->size, &ring->dma,
					GFP_KERNEL);
	if (!ring->desc)
		return -ENOMEM;

	pp.pool_size = cfg->rx_count * ring->truesize / PAGE_SIZE;
	ring->pool = page_pool_create(&pp);
	if (IS_ERR(ring->pool)) {
		int err = PTR_ERR(ring->pool);

		ring->pool = NULL;
		return err;
	}
	return ignis_rx_fill(ring, GFP_KERNEL) ? 0 : -ENOMEM;
}

/**
 * ignis_rx_free - free what ignis_rx_alloc() allocated, also in part
 * @ig: port
 * @ring: receive ring, not in use
 *
 * Context: process.
 */
void ignis_rx_free(struct ignis *ig, struct ignis_rx_ring *ring)
{
	if (ring->pool) {
		ignis_rx_reset(ring);
		while (ring->half && ring->half_offset < PAGE_SIZE) {
			page_pool_put_full_page(ring->pool, ring->half, false);
			ring->half_offset += ring->truesize;
		}
		page_pool_destroy(ring->pool);
	}
	if (ring->desc)
		dma_free_coherent(&ig->pdev->dev, ring->size, ring->desc,
				  ring->dma);
	kvfree(ring->buf);
}
