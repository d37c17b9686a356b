// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive with header split: the chip writes headers and payload to different
 * places.
 *
 * Headers go to a slot of a coherent area, one for each descriptor, and are
 * copied into the skb's linear part.  Payload goes to page_pool fragments, which
 * the CPU does not look at here.
 *
 * What the chip cannot split, since it is not IP or has too long headers, is in
 * the payload's place as a whole.
 */

#include "ignis.h"

static size_t ignis_split_hdr_size(const struct ignis_rx_ring *ring)
{
	return (ring->mask + 1) * SPLIT_HDR_SIZE;
}

/**
 * ignis_split_alloc - allocate what a receive ring needs more than others
 * @ig: port
 * @ring: receive ring
 *
 * Context: process.
 *
 * Return: 0 or -ENOMEM.
 */
int ignis_split_alloc(struct ignis *ig, struct ignis_rx_ring *ring)
{
	ring->hdr = dma_alloc_coherent(&ig->pdev->dev,
				       ignis_split_hdr_size(ring),
				       &ring->hdr_dma, GFP_KERNEL);
	return ring->hdr ? 0 : -ENOMEM;
}

/**
 * ignis_split_free - undo ignis_split_alloc() and ignis_split_fill()
 * @ig: port
 * @ring: receive ring after ignis_rx_reset(); of any kind
 *
 * Context: process.
 */
void ignis_split_free(struct ignis *ig, struct ignis_rx_ring *ring)
{
	while (ring->part) {
		page_pool_put_full_netmem(ring->pool, ring->part, false);
		ring->part_offset += ring->truesize;
		if (ring->part_offset == PAGE_SIZE)
			ring->part = 0;
	}
	if (ring->hdr)
		dma_free_coherent(&ig->pdev->dev, ignis_split_hdr_size(ring),
				  ring->hdr, ring->hdr_dma);
}

/* One more fragment from the pool */
static bool ignis_split_get_buf(struct ignis_rx_ring *ring,
				struct ignis_split_buf *buf)
{
	if (!ring->part) {
		ring->part = page_pool_dev_alloc_netmems(ring->pool);
		if (unlikely(!ring->part))
			return false;
		page_pool_fragment_netmem(ring->part,
					  PAGE_SIZE / ring->truesize);
		ring->part_offset = 0;
	}

	buf->netmem = ring->part;
	buf->offset = ring->part_offset;
	ring->part_offset += ring->truesize;
	if (ring->part_offset == PAGE_SIZE)
		ring->part = 0;
	return true;
}

/**
 * ignis_split_fill - put buffers into all free descriptors
 * @ring: receive ring
 *
 * Context: NAPI, or process while that is disabled.
 *
 * Return: false when memory runs out first.
 */
bool ignis_split_fill(struct ignis_rx_ring *ring)
{
	u32 unfilled = ring->mask - (ring->ntu - ring->ntc);
	u32 ntu = ring->ntu;

	for (; unfilled; unfilled--, ntu++) {
		u32 slot = ntu & ring->mask;
		struct ignis_split_buf *buf = &ring->split_buf[slot];

		if (unlikely(!ignis_split_get_buf(ring, buf)))
			break;

		ring->desc[slot].read.pkt_addr =
			cpu_to_le64(page_pool_get_dma_addr_netmem(buf->netmem) +
				    buf->offset);
		/* Also clears DD: slots are aligned */
		ring->desc[slot].read.hdr_addr =
			cpu_to_le64(ring->hdr_dma + slot * SPLIT_HDR_SIZE);
	}

	/* The one slot that is never filled ends the poll: no stale DD in it */
	ring->desc[ntu & ring->mask].read.hdr_addr = 0;
	ring->ntu = ntu;
	return !unfilled;
}

/**
 * ignis_split_reset - give back the buffers of a stopped ring
 * @ring: receive ring with header split
 *
 * Context: process, queue stopped.
 */
void ignis_split_reset(struct ignis_rx_ring *ring)
{
	for (; ring->ntc != ring->ntu; ring->ntc++)
		page_pool_put_full_netmem(ring->pool,
					  ring->split_buf[ring->ntc &
							  ring->mask].netmem,
					  false);
}

static struct sk_buff *ignis_split_skb(struct ignis_vector *v, const void *head,
				       u32 len, struct ignis_rx_counts *n)
{
	struct sk_buff *skb = napi_alloc_skb(&v->napi, SPLIT_HDR_SIZE);

	if (unlikely(!skb)) {
		n->alloc_fail++;
		n->dropped++;
		return NULL;
	}
	skb_put_data(skb, head, len);
	return skb;
}

/*
 * The first buffer of a frame that was not split: what the stack may want to see
 * of it is copied, the rest stays where it is.
 */
static struct sk_buff *ignis_split_whole(struct ignis_vector *v,
					 struct ignis_split_buf *buf, u32 *len,
					 struct ignis_rx_counts *n)
{
	struct ignis_rx_ring *ring = v->rx;
	u32 hlen = min(*len, SPLIT_HDR_SIZE);
	struct sk_buff *skb;

	if (unlikely(hlen < ETH_HLEN)) {
		n->errors++;
		return NULL;
	}

	page_pool_dma_sync_netmem_for_cpu(ring->pool, buf->netmem, buf->offset,
					  hlen);
	skb = ignis_split_skb(v, page_address(netmem_to_page(buf->netmem)) +
				 buf->offset, hlen, n);
	if (unlikely(!skb))
		return NULL;
	buf->offset += hlen;
	*len -= hlen;
	return skb;
}

/* Start a frame; 82576 datasheet 7.1.5.2 and 7.1.10 */
static struct sk_buff *ignis_split_head(struct ignis_vector *v, u32 slot,
					u32 staterr, u32 *len,
					struct ignis_rx_counts *n)
{
	struct ignis_rx_ring *ring = v->rx;
	u16 info = le16_to_cpu(ring->desc[slot].wb.hdr_info);
	u32 hlen = FIELD_GET(RXD_HDR_LEN, info);

	if (unlikely(!(info & RXD_SPH) || (staterr & RXD_HBO)))
		return ignis_split_whole(v, &ring->split_buf[slot], len, n);

	if (unlikely(hlen < ETH_HLEN || hlen > SPLIT_HDR_SIZE)) {
		n->errors++;
		return NULL;
	}

	return ignis_split_skb(v, ring->hdr + slot * SPLIT_HDR_SIZE, hlen, n);
}

/* Append a descriptor's payload; false if the frame has too much of it */
static bool ignis_split_payload(struct ignis_rx_ring *ring, struct sk_buff *skb,
				const struct ignis_split_buf *buf, u32 len)
{
	if (!len) {
		page_pool_put_full_netmem(ring->pool, buf->netmem, true);
		return true;
	}
	if (unlikely(skb_shinfo(skb)->nr_frags == MAX_SKB_FRAGS))
		return false;

	page_pool_dma_sync_netmem_for_cpu(ring->pool, buf->netmem, buf->offset,
					  len);
	skb_add_rx_frag_netmem(skb, skb_shinfo(skb)->nr_frags, buf->netmem,
			       buf->offset, len, ring->truesize);
	skb_mark_for_recycle(skb);
	return true;
}

static void ignis_split_refill(struct ignis_vector *v,
			       struct ignis_rx_counts *n)
{
	struct ignis_rx_ring *ring = v->rx;
	u32 ntu = ring->ntu;

	if (ignis_rx_unfilled(ring) < ring->batch)
		return;

	if (unlikely(!ignis_split_fill(ring))) {
		n->alloc_fail++;
		schedule_delayed_work(&v->ig->refill_work,
				      msecs_to_jiffies(IGNIS_REFILL_MSECS));
	}
	if (likely(ring->ntu != ntu))
		writel(ring->ntu & ring->mask, ring->tail);
}

/**
 * ignis_split_poll - receive up to @budget frames with header split
 * @v: vector whose receive ring is RX_SPLIT
 * @budget: most frames to handle
 *
 * Context: NAPI.
 *
 * Return: frames received.
 */
int ignis_split_poll(struct ignis_vector *v, int budget)
{
	struct net_device *netdev = v->napi.dev;
	struct ignis_rx_ring *ring = v->rx;
	struct sk_buff *skb = ring->skb;
	struct ignis_rx_counts n = {};
	u32 ntc = ring->ntc;
	int done = 0;

	while (done < budget && ntc != ring->ntu) {
		u32 slot = ntc & ring->mask;
		const union ignis_rx_desc *desc = &ring->desc[slot];
		struct ignis_split_buf *buf = &ring->split_buf[slot];
		u32 staterr = le32_to_cpu(READ_ONCE(desc->wb.staterr));
		u32 len;

		if (!(staterr & RXD_DD))
			break;

		/* The rest of the descriptor was written no later than DD */
		dma_rmb();
		len = le16_to_cpu(desc->wb.length);
		ntc++;

		if (unlikely(ring->discard || len > ring->buf_len ||
			     (skb && !len) ||
			     ((staterr & RXD_DAMAGED) &&
			      !(netdev->features & NETIF_F_RXALL)))) {
			n.errors += !ring->discard;
			goto drop;
		}

		/* QEMU has HDR_LEN in each descriptor of a frame, not the first only */
		if (likely(!skb)) {
			skb = ignis_split_head(v, slot, staterr, &len, &n);
			if (unlikely(!skb))
				goto drop;
		}
		if (unlikely(!ignis_split_payload(ring, skb, buf, len))) {
			n.errors++;
			goto drop;
		}
		if (!(staterr & RXD_EOP))
			continue;

		done++;
		n.bytes += skb->len;
		n.xdp_pass++;
		ignis_rx_pass(v, skb, desc, staterr, &n);
		skb = NULL;
		continue;
drop:
		/* The whole frame: this buffer, those before, those to come */
		page_pool_put_full_netmem(ring->pool, buf->netmem, true);
		if (skb)
			dev_kfree_skb_any(skb);
		skb = NULL;
		ring->discard = !(staterr & RXD_EOP);
	}

	ring->skb = skb;
	ring->ntc = ntc;
	ignis_split_refill(v, &n);
	ignis_rx_count_xdp(v, done, &n);
	return done;
}
