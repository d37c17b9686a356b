// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive: descriptor -> page_pool page -> XDP program -> sk_buff -> GRO.
 *
 * A buffer is a fragment of a page_pool page: headroom, what the hardware
 * writes, and room for the skb_shared_info, so that an skb can be built around
 * it without a copy.  Frames that need more than one buffer (jumbo) take the
 * following ones as page fragments.
 *
 * There is one loop, and ignis_rx_poll() has it twice: with XDP, an argument
 * that is constant, frames are an xdp_buff first, in buffers of a page each.  The
 * loop itself knows only the plain frame, which is in one buffer and has nothing
 * about it to be looked at.  AF_XDP zero copy and header split have loops of
 * their own, in xsk.c and split.c.
 */

#include <linux/bpf_trace.h>
#include <linux/filter.h>

#include "ignis.h"

#define RX_HEADROOM	(NET_SKB_PAD + NET_IP_ALIGN)
#define RX_XDP_HEADROOM	XDP_PACKET_HEADROOM
#define RX_SMALL	(SKB_WITH_OVERHEAD(2048) - RX_HEADROOM)
#define RX_CHUNK	SZ_8K	/* memory that buffers are parts of, without XDP */
#define RX_NO_CSUM	(RXD_L4E | RXD_IPE | RXD_IXSM | RXD_DAMAGED)

/*
 * Put buffers into all free descriptors; false when memory runs out first.
 * They are parts of what the pool maps and recycles.  What nobody has taken from
 * its slot stays there.  Nor may it sleep in process context: page_pool gets
 * memory for its books with softirqs disabled.
 */
static bool ignis_rx_fill(struct ignis_rx_ring *ring)
{
	const u32 end = ring->ntc + ring->mask, mask = ring->mask;
	union ignis_rx_desc *descs = ring->desc;
	struct ignis_rx_buf next = ring->next;
	struct ignis_rx_buf *bufs = ring->buf;
	u32 left = ring->left;
	struct page *page;
	u32 ntu;

	for (ntu = ring->ntu; ntu != end; ntu++) {
		union ignis_rx_desc *desc = &descs[ntu & mask];
		struct ignis_rx_buf *buf = &bufs[ntu & mask];

		if (!buf->va) {
			if (!left) {
				page = page_pool_dev_alloc_pages(ring->pool);
				if (unlikely(!page))
					break;
				left = ring->per_page;
				if (left > 1)
					page_pool_fragment_page(page, left);
				next.va = page_address(page) + ring->headroom;
				next.dma = page_pool_get_dma_addr(page) +
					   ring->headroom;
			}
			*buf = next;
			next.va += ring->truesize;
			next.dma += ring->truesize;
			left--;
		}
		desc->read.pkt_addr = cpu_to_le64(buf->dma);
		desc->read.hdr_addr = 0;
	}

	/* The one slot that is never filled ends the poll: no stale DD in it */
	descs[ntu & mask].read.hdr_addr = 0;
	ring->next = next;
	ring->left = left;
	ring->ntu = ntu;
	return ntu == end;
}

/* The buffer stays in its slot; others may have written to it */
static void ignis_rx_keep(struct ignis_rx_ring *ring,
			  const struct ignis_rx_buf *buf)
{
	dma_sync_single_for_device(ring->pool->p.dev, buf->dma, ring->buf_len,
				   ring->pool->p.dma_dir);
}

static void ignis_rx_sync(struct ignis_rx_ring *ring,
			  const struct ignis_rx_buf *buf, u32 len)
{
	dma_sync_single_for_cpu(ring->pool->p.dev, buf->dma, len,
				ring->pool->p.dma_dir);
}

static __always_inline struct sk_buff *
ignis_rx_build(struct ignis_rx_ring *ring, struct ignis_rx_buf *buf, u32 len)
{
	struct sk_buff *skb;

	net_prefetch(buf->va);
	skb = napi_build_skb(buf->va - RX_HEADROOM, ring->truesize);
	if (unlikely(!skb))
		return NULL;

	skb_mark_for_recycle(skb);
	skb_reserve(skb, RX_HEADROOM);
	__skb_put(skb, len);
	return skb;
}

/* A time stamp, or no checksum to go by; returns what of @staterr still holds */
static noinline u32 ignis_rx_rare(struct ignis *ig, struct sk_buff *skb,
				  u32 staterr, struct ignis_rx_counts *n)
{
	if (staterr & ig->mac->rx_stamp)
		skb_hwtstamps(skb)->hwtstamp = ignis_ptp_rx(ig);
	if (!(staterr & RX_NO_CSUM))
		return staterr;

	/* A bad checksum may be the chip's error: the stack judges itself */
	n->csum_bad += !(staterr & (RXD_IXSM | RXD_DAMAGED));
	return staterr & ~(RXD_L4CS | RXD_UDPCS);
}

/* Hand a frame to the stack, with what its last descriptor says of it */
static __always_inline void
ignis_rx_deliver(struct ignis_vector *v, struct sk_buff *skb,
		 u16 queue, const union ignis_rx_desc *desc, u32 staterr,
		 struct ignis_rx_counts *n)
{
	u32 type = FIELD_GET(RXD_RSSTYPE, le16_to_cpu(desc->wb.pkt_info));
	struct net_device *netdev = v->napi.dev;

	if (type != RSSTYPE_NONE && (netdev->features & NETIF_F_RXHASH))
		__skb_set_hash(skb, le32_to_cpu(desc->wb.rss_hash), false,
			       type != RSSTYPE_IPV4 && type != RSSTYPE_IPV6 &&
			       type != RSSTYPE_IPV6_EX);

	if (staterr & (RXD_L4CS | RXD_UDPCS)) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		n->csum_unnecessary++;
	}

	if (staterr & RXD_VP)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q),
				       le16_to_cpu(desc->wb.vlan));

	skb->protocol = eth_type_trans(skb, netdev);
	skb_record_rx_queue(skb, queue);
	napi_gro_receive(&v->napi, skb);
}

/**
 * ignis_rx_pass - hand a frame to the stack
 * @v: vector that has received it
 * @skb: frame
 * @desc: its last descriptor
 * @staterr: status in that, as far as it is still to be looked at
 * @n: counts
 *
 * Context: NAPI.
 */
void ignis_rx_pass(struct ignis_vector *v, struct sk_buff *skb,
		   const union ignis_rx_desc *desc, u32 staterr,
		   struct ignis_rx_counts *n)
{
	if (unlikely(staterr & v->rx->rare))
		staterr = ignis_rx_rare(v->ig, skb, staterr, n);
	ignis_rx_deliver(v, skb, v->rx->queue, desc, staterr, n);
}

/*
 * Whether a buffer belongs to a frame that can be used; @first of it?  That has
 * the header, lest the stack looks for it beyond.  Damaged frames are for those
 * who asked for them.
 */
static bool ignis_rx_usable(struct ignis_vector *v, u32 staterr, u32 len,
			    bool first, struct ignis_rx_counts *n)
{
	struct ignis_rx_ring *ring = v->rx;

	if (ring->discard)
		return false;
	if (len >= (first ? ETH_HLEN : 1) && len <= ring->buf_len &&
	    (!(staterr & RXD_DAMAGED) ||
	     v->napi.dev->features & NETIF_F_RXALL))
		return true;

	n->errors++;
	return false;
}

/* Add a buffer to ring->skb; false if that cannot be */
static bool ignis_rx_gather(struct ignis_rx_ring *ring,
			    struct ignis_rx_buf *buf, u32 len, bool first,
			    struct ignis_rx_counts *n)
{
	struct sk_buff *skb = ring->skb;
	struct page *page;

	ignis_rx_sync(ring, buf, len);
	if (first) {
		ring->skb = ignis_rx_build(ring, buf, len);
		if (likely(ring->skb))
			return true;
		n->alloc_fail++;
		n->dropped++;
		return false;
	}

	if (unlikely(skb_shinfo(skb)->nr_frags == MAX_SKB_FRAGS)) {
		n->errors++;
		return false;
	}
	page = virt_to_head_page(buf->va);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page,
			buf->va - page_address(page), len, ring->truesize);
	return true;
}

/* A buffer that is no plain frame; true if a frame ends with it */
static noinline bool ignis_rx_special(struct ignis_vector *v,
				      const union ignis_rx_desc *desc,
				      struct ignis_rx_buf *buf, u32 staterr,
				      struct ignis_rx_counts *n)
{
	u32 len = le16_to_cpu(desc->wb.length);
	struct ignis_rx_ring *ring = v->rx;
	bool first = !ring->partial;
	struct sk_buff *skb;

	ring->partial = !(staterr & RXD_EOP);
	if (!ignis_rx_usable(v, staterr, len, first, n) ||
	    !ignis_rx_gather(ring, buf, len, first, n)) {
		/* The whole frame: this buffer, those before, those to come */
		ignis_rx_keep(ring, buf);
		if (ring->skb)
			dev_kfree_skb_any(ring->skb);
		ring->skb = NULL;
		ring->discard = ring->partial;
		return false;
	}

	buf->va = NULL;
	if (ring->partial)
		return false;

	skb = ring->skb;
	ring->skb = NULL;
	n->bytes += skb->len;
	ignis_rx_pass(v, skb, desc, staterr, n);
	return true;
}

static __always_inline void ignis_rx_count(struct ignis_rx_stats *stats,
					   unsigned int packets,
					   const struct ignis_rx_counts *n,
					   const bool xdp)
{
	unsigned int passed = packets;

	u64_stats_update_begin(&stats->syncp);
	if (xdp) {
		passed = n->xdp_pass;
		u64_stats_add(&stats->xdp_drop, n->xdp_drop);
		u64_stats_add(&stats->xdp_tx, n->xdp_tx);
		u64_stats_add(&stats->xdp_redirect, n->xdp_redirect);
	}
	u64_stats_add(&stats->packets, packets);
	u64_stats_add(&stats->bytes, n->bytes);
	u64_stats_add(&stats->csum_unnecessary, n->csum_unnecessary);
	u64_stats_add(&stats->csum_none,
		      passed - n->csum_unnecessary - n->csum_bad);
	u64_stats_add(&stats->csum_bad, n->csum_bad);
	u64_stats_add(&stats->alloc_fail, n->alloc_fail);
	u64_stats_add(&stats->dropped, n->dropped);
	u64_stats_add(&stats->errors, n->errors);
	u64_stats_update_end(&stats->syncp);
}

/* What a poll with an XDP program carries along */
struct rx_xdp {
	struct bpf_prog *prog;
	bool sync;		/* memory is not coherent, or not what it seems */
	bool redirected;
	struct ignis_xdp_out *out;	/* next free one in ring->xdp_out */
};

static __always_inline void ignis_xdp_begin(struct ignis_rx_ring *ring,
					    struct ignis_rx_buf *buf, u32 len)
{
	struct xdp_buff *xdp = &ring->xb.xdp;

	xdp_init_buff(xdp, ring->truesize, &ring->rxq);
	xdp_prepare_buff(xdp, buf->va - RX_XDP_HEADROOM, RX_XDP_HEADROOM, len,
			 true);
	ring->xb.stamp = 0;
}

/* Add a buffer to ring->xb; false if that cannot be */
static bool ignis_xdp_gather(struct ignis_rx_ring *ring,
			     struct ignis_rx_buf *buf, u32 len, bool first,
			     struct ignis_rx_counts *n)
{
	struct page *page = virt_to_page(buf->va);

	ignis_rx_sync(ring, buf, len);
	if (first) {
		ignis_xdp_begin(ring, buf, len);
		return true;
	}
	if (likely(xdp_buff_add_frag(&ring->xb.xdp, page_to_netmem(page),
				     offset_in_page(buf->va), len,
				     ring->truesize)))
		return true;
	n->errors++;
	return false;
}

/* As ignis_rx_special(); true if there is a whole frame in ring->xb now */
static noinline bool ignis_xdp_special(struct ignis_vector *v,
				       const union ignis_rx_desc *desc,
				       struct ignis_rx_buf *buf, u32 staterr,
				       const struct rx_xdp *x,
				       struct ignis_rx_counts *n)
{
	u32 len = le16_to_cpu(desc->wb.length);
	struct ignis_rx_ring *ring = v->rx;
	struct xdp_buff *xdp = &ring->xb.xdp;
	bool first = !ring->partial;

	ring->partial = !(staterr & RXD_EOP);
	if (!ignis_rx_usable(v, staterr, len, first, n) ||
	    !ignis_xdp_gather(ring, buf, len, first, n)) {
		ignis_rx_keep(ring, buf);
		if (!first && !ring->discard)
			xdp_return_buff(xdp);
		ring->discard = ring->partial;
		return false;
	}

	buf->va = NULL;
	if (ring->partial)
		return false;

	/* Longer than the MTU, and the chip let it in */
	if (xdp_buff_has_frags(xdp) && x->prog &&
	    !x->prog->aux->xdp_has_frags) {
		n->errors++;
		xdp_return_buff(xdp);
		return false;
	}
	n->bytes += xdp_get_buff_len(xdp);
	ignis_rx_stamp(v->ig, &ring->xb, staterr);
	return true;
}

/* The frame, or what the program made of it, as an skb */
static noinline struct sk_buff *ignis_xdp_build(struct ignis_rx_ring *ring)
{
	struct xdp_buff *xdp = &ring->xb.xdp;
	u32 meta = xdp->data - xdp->data_meta;
	struct skb_shared_info *shinfo;
	u32 frags_truesize = 0;
	u32 frags_size = 0;
	struct sk_buff *skb;
	u8 nr_frags = 0;

	/* napi_build_skb() clears what these overlap with */
	if (unlikely(xdp_buff_has_frags(xdp))) {
		shinfo = xdp_get_shared_info_from_buff(xdp);
		nr_frags = shinfo->nr_frags;
		frags_size = shinfo->xdp_frags_size;
		frags_truesize = nr_frags * ring->truesize;
	}

	skb = napi_build_skb(xdp->data_hard_start, xdp->frame_sz);
	if (unlikely(!skb))
		return NULL;

	skb_mark_for_recycle(skb);
	skb_reserve(skb, xdp->data - xdp->data_hard_start);
	__skb_put(skb, xdp->data_end - xdp->data);
	if (meta)
		skb_metadata_set(skb, meta);
	if (unlikely(nr_frags))
		xdp_update_skb_frags_info(skb, nr_frags, frags_size,
					  frags_truesize,
					  xdp_buff_get_skb_flags(xdp));
	skb_hwtstamps(skb)->hwtstamp = ring->xb.stamp;
	return skb;
}

/* To be sent with all others of this poll, or a few before; false: no memory */
static __always_inline bool
ignis_xdp_send(struct ignis_vector *v, struct ignis_rx_ring *ring,
	       struct ignis_rx_buf *buf, struct rx_xdp *x,
	       struct ignis_rx_counts *n)
{
	struct xdp_buff *xdp = &ring->xb.xdp;
	struct ignis_xdp_out *out = x->out;

	if (likely(buf)) {
		out->data = xdp->data;
		out->dma = buf->dma + (xdp->data - buf->va);
		out->len = xdp->data_end - xdp->data;
	} else {
		out->frame = xdp_convert_buff_to_frame(xdp);
		if (unlikely(!out->frame))
			return false;
		out->len = 0;
	}

	n->xdp_tx++;
	x->out++;
	if (unlikely(x->out == &ring->xdp_out[ARRAY_SIZE(ring->xdp_out)])) {
		n->dropped += ignis_xdp_tx(v->tx, ring->xdp_out,
					   ARRAY_SIZE(ring->xdp_out), false);
		x->out = ring->xdp_out;
	}
	return true;
}

/*
 * Let the program decide on the frame in ring->xb, which is still in the slot of
 * @buf, or in none; the skb if it goes up the stack.
 */
static __always_inline struct sk_buff *
ignis_xdp_run(struct ignis_vector *v, struct ignis_rx_ring *ring,
	      struct ignis_rx_buf *buf, struct rx_xdp *x,
	      struct ignis_rx_counts *n)
{
	struct xdp_buff *xdp = &ring->xb.xdp;
	struct sk_buff *skb = NULL;
	u32 act = XDP_PASS;

	/* None: memory was short when the last one left */
	if (likely(x->prog))
		act = bpf_prog_run_xdp(x->prog, xdp);

	switch (act) {
	case XDP_PASS:
		skb = ignis_xdp_build(ring);
		if (likely(skb)) {
			n->xdp_pass++;
			goto taken;
		}
		n->alloc_fail++;
		n->dropped++;
		goto drop;
	case XDP_TX:
		if (unlikely(!ignis_xdp_send(v, ring, buf, x, n)))
			goto aborted;
		goto taken;
	case XDP_REDIRECT:
		/* Also a broadcast that fails may have reached some */
		x->redirected = true;
		if (unlikely(xdp_do_redirect(v->napi.dev, xdp, x->prog)))
			goto aborted;
		n->xdp_redirect++;
		goto taken;
	default:
		bpf_warn_invalid_xdp_action(v->napi.dev, x->prog, act);
		fallthrough;
	case XDP_ABORTED:
aborted:
		trace_xdp_exception(v->napi.dev, x->prog, act);
		fallthrough;
	case XDP_DROP:
		n->xdp_drop++;
	}
drop:
	if (unlikely(!buf))
		xdp_return_buff(xdp);
	else if (unlikely(x->sync))
		ignis_rx_keep(ring, buf);
	return NULL;
taken:
	if (likely(buf))
		buf->va = NULL;
	return skb;
}

/* Hand on what the poll has gathered for others */
static void ignis_xdp_finish(struct ignis_vector *v, struct rx_xdp *x,
			     struct ignis_rx_counts *n)
{
	if (x->redirected)
		xdp_do_flush();
	if (n->xdp_tx)
		n->dropped += ignis_xdp_tx(v->tx, v->rx->xdp_out,
					   x->out - v->rx->xdp_out, true);
}

/*
 * A poll looks at as many buffers as it may see frames, and at one more for each
 * that ended none; but a device that lies gets no further than the buffers it has.
 */
static void ignis_rx_set_end(struct ignis_rx_ring *ring, int budget)
{
	ring->end = ring->ntc + min_t(u32, budget, ring->ntu - ring->ntc);
}

static void ignis_rx_extend(struct ignis_rx_ring *ring)
{
	ring->end += ring->end != ring->ntu;
}

static __always_inline int ignis_rx_loop(struct ignis_vector *v, int budget,
					 const bool xdp)
{
	struct ignis_rx_ring *ring = v->rx;
	/* What stays the same in a poll, lest it is loaded for each frame */
	const bool sync = dma_dev_need_sync(ring->pool->p.dev);
	const u32 rare = xdp ? RXD_DAMAGED | v->ig->mac->rx_stamp : ring->rare;
	const u32 mask = ring->mask, lengths = ring->buf_len - ETH_HLEN + 1;
	union ignis_rx_desc *descs = ring->desc;
	struct ignis_rx_buf *bufs = ring->buf;
	struct ignis_rx_counts n = {};
	u32 ntc = ring->ntc;
	struct rx_xdp x;
	int done = 0;

	if (xdp) {
		x.prog = READ_ONCE(v->ig->xdp_prog);
		x.sync = sync;
		x.redirected = false;
		x.out = ring->xdp_out;
	}

	ignis_rx_set_end(ring, budget);
	while (ntc != ring->end) {
		union ignis_rx_desc *desc = &descs[ntc & mask];
		struct ignis_rx_buf *buf = &bufs[ntc & mask];
		u32 staterr = le32_to_cpu(READ_ONCE(desc->wb.staterr));
		struct sk_buff *skb = NULL;
		bool plain;
		u32 len;

		if (!(staterr & RXD_DD))
			break;

		/* The rest of the descriptor was written no later than DD */
		dma_rmb();
		len = le16_to_cpu(desc->wb.length);
		ntc++;

		/* In one buffer, of a possible length, with nothing to look at */
		plain = !((staterr ^ RXD_EOP) & (RXD_EOP | rare)) &&
			len - ETH_HLEN < lengths && !ring->partial;
		if (likely(plain) && unlikely(sync))
			ignis_rx_sync(ring, buf, len);

		if (!xdp) {
			if (likely(plain))
				skb = ignis_rx_build(ring, buf, len);
			if (unlikely(!skb)) {
				if (ignis_rx_special(v, desc, buf, staterr, &n))
					done++;
				else
					ignis_rx_extend(ring);
				continue;
			}
			buf->va = NULL;
			n.bytes += len;
			done++;
			ignis_rx_deliver(v, skb, ring->queue, desc, staterr,
					 &n);
			continue;
		}

		if (likely(plain)) {
			ignis_xdp_begin(ring, buf, len);
			n.bytes += len;
		} else if (ignis_xdp_special(v, desc, buf, staterr, &x, &n)) {
			buf = NULL;
		} else {
			ignis_rx_extend(ring);
			continue;
		}
		done++;
		ring->xb.desc = desc;
		skb = ignis_xdp_run(v, ring, buf, &x, &n);
		if (skb)
			ignis_rx_pass(v, skb, desc,
				      staterr & ~v->ig->mac->rx_stamp, &n);
	}
	WRITE_ONCE(ring->ntc, ntc);
	if (xdp)
		ignis_xdp_finish(v, &x, &n);

	if (ignis_rx_unfilled(ring) >= ring->batch) {
		u32 ntu = ring->ntu;

		if (unlikely(!ignis_rx_fill(ring))) {
			n.alloc_fail++;
			schedule_delayed_work(&v->ig->refill_work,
					      msecs_to_jiffies(IGNIS_REFILL_MSECS));
		}
		if (likely(ring->ntu != ntu))
			writel(ring->ntu & ring->mask, ring->tail);
	}
	ignis_rx_count(&v->rx_stats, done, &n, xdp);
	return done;
}

static noinline int ignis_rx_poll_stack(struct ignis_vector *v, int budget)
{
	return ignis_rx_loop(v, budget, false);
}

static noinline int ignis_rx_poll_xdp(struct ignis_vector *v, int budget)
{
	return ignis_rx_loop(v, budget, true);
}

/**
 * ignis_rx_poll - receive up to @budget frames, then refill
 * @v: vector whose receive ring is polled
 * @budget: most frames to handle
 *
 * Context: NAPI.
 *
 * Return: frames received.
 */
int ignis_rx_poll(struct ignis_vector *v, int budget)
{
	switch (v->rx->kind) {
	case RX_XDP:
		return ignis_rx_poll_xdp(v, budget);
	case RX_XSK:
		return ignis_xsk_poll(v, budget);
	case RX_SPLIT:
		return ignis_split_poll(v, budget);
	default:
		return ignis_rx_poll_stack(v, budget);
	}
}

/**
 * ignis_rx_stamp - take a frame's time stamp before XDP sees it
 * @ig: port
 * @xb: frame
 * @staterr: status in its last descriptor
 *
 * Context: NAPI.
 *
 * Return: what of @staterr is still to be looked at.
 */
u32 ignis_rx_stamp(struct ignis *ig, struct ignis_xdp_buff *xb, u32 staterr)
{
	if (staterr & ig->mac->rx_stamp)
		xb->stamp = ignis_ptp_rx(ig);
	return staterr & ~ig->mac->rx_stamp;
}

/**
 * ignis_rx_count_xdp - add a poll's counts
 * @v: vector polled
 * @packets: frames received
 * @n: counts
 *
 * Context: NAPI.
 */
void ignis_rx_count_xdp(struct ignis_vector *v, unsigned int packets,
			const struct ignis_rx_counts *n)
{
	ignis_rx_count(&v->rx_stats, packets, n, true);
}

/* Outside of NAPI, where xdp_return_buff() cannot be used */
static void ignis_xdp_discard(struct ignis_rx_ring *ring)
{
	struct xdp_buff *xdp = &ring->xb.xdp;
	struct skb_shared_info *shinfo;
	unsigned int i;

	if (xdp_buff_has_frags(xdp)) {
		shinfo = xdp_get_shared_info_from_buff(xdp);
		for (i = 0; i < shinfo->nr_frags; i++)
			page_pool_put_full_page(ring->pool,
						skb_frag_page(&shinfo->frags[i]),
						false);
	}
	page_pool_put_full_page(ring->pool,
				virt_to_page(xdp->data_hard_start), false);
}

static void ignis_rx_put_pages(struct ignis_rx_ring *ring)
{
	u32 i;

	for (i = 0; i <= ring->mask; i++)
		if (ring->buf[i].va)
			page_pool_put_full_page(ring->pool,
						virt_to_head_page(ring->buf[i].va),
						false);
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
	if (ring->kind == RX_XDP && ring->partial && !ring->discard)
		ignis_xdp_discard(ring);
	if (ring->kind == RX_XSK)
		ignis_xsk_reset(ring);
	else if (ring->kind == RX_SPLIT)
		ignis_split_reset(ring);
	else
		ignis_rx_put_pages(ring);
	/* Slots of another kind may follow */
	memset(ring->buf, 0, (ring->mask + 1) * sizeof(*ring->buf));
	if (ring->skb)
		dev_kfree_skb_any(ring->skb);
	ring->skb = NULL;
	ring->partial = false;
	ring->discard = false;
	ring->ntc = 0;
	ring->ntu = 0;
	memset(ring->desc, 0, ring->size);
}

/**
 * ignis_rx_buf_len - what the chip may write into a buffer
 * @ig: port
 * @cfg: configuration
 * @room: bytes in the buffer
 *
 * The chip knows whole KiB only.  It is told that there are more than @room if
 * it keeps out all frames that would not fit.
 *
 * Context: process.
 *
 * Return: bytes.
 */
unsigned int ignis_rx_buf_len(const struct ignis *ig,
			      const struct ignis_config *cfg,
			      unsigned int room)
{
	if (ignis_max_frame(cfg->mtu) <= room &&
	    cfg->mtu <= ig->mac->half_page_mtu && !cfg->rx_all)
		return room;
	return round_down(room, 1024);
}

/**
 * ignis_rx_set_kind - say what buffers an empty ring will have
 * @ig: port
 * @ring: receive ring, all but its buffers allocated
 * @cfg: says which, as it did when @ring was allocated, but for @cfg->xsk
 *
 * Context: process, queue stopped.  Cannot fail.
 */
void ignis_rx_set_kind(struct ignis *ig, struct ignis_rx_ring *ring,
		       const struct ignis_config *cfg)
{
	ring->xsk = cfg->xsk[ring->queue];
	if (ring->xsk) {
		ring->kind = RX_XSK;
		ring->buf_len = ignis_xsk_buf_len(ig, cfg, ring->queue);
		return;
	}
	if (cfg->split) {
		/* No headroom, nor anything else around the payload */
		ring->kind = RX_SPLIT;
		ring->buf_len = ring->truesize;
		return;
	}
	ring->kind = cfg->xdp ? RX_XDP : RX_STACK;
	ring->buf_len = ring->truesize == 2048 ? RX_SMALL :
			IGNIS_PAGE_BUF_LEN(ring->headroom);
}

/**
 * ignis_rx_alloc - allocate a receive ring and fill it with buffers
 * @ig: port
 * @ring: zeroed but for @ring->queue
 * @cfg: configuration to build for
 *
 * Does not touch the hardware.  AF_XDP buffers belong to the ring that runs: the
 * first poll takes them.  There is a page_pool nevertheless, to go back to.
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
		.dma_dir = cfg->xdp ? DMA_BIDIRECTIONAL : DMA_FROM_DEVICE,
		.netdev = ig->netdev,
		.queue_idx = ring->queue,
	};
	int err;

	/*
	 * A standard frame fits 2 KiB.  Else the hardware gets what is left of
	 * 4 KiB between headroom and skb_shared_info.
	 */
	ring->headroom = cfg->xdp ? RX_XDP_HEADROOM : RX_HEADROOM;
	ring->truesize = 4096;
	if (cfg->split ? ignis_max_frame(cfg->mtu) <= 2048 :
	    !cfg->xdp && ignis_rx_buf_len(ig, cfg, RX_SMALL) == RX_SMALL)
		ring->truesize = 2048;
	ignis_rx_set_kind(ig, ring, cfg);

	ring->rare = RX_NO_CSUM | ig->mac->rx_stamp;
	/* XDP and header split have pages */
	if (!cfg->xdp && !cfg->split)
		pp.order = get_order(RX_CHUNK);
	pp.max_len = PAGE_SIZE << pp.order;
	ring->per_page = pp.max_len / ring->truesize;
	ring->mask = cfg->rx_count - 1;
	ring->batch = min(IGNIS_RX_BATCH, cfg->rx_count / 4);
	ring->tail = ig->hw + ignis_rx_reg(ig, ring->queue, Q_TAIL);
	ring->size = cfg->rx_count * sizeof(*ring->desc);

	ring->buf = kvcalloc(cfg->rx_count, sizeof(*ring->buf), GFP_KERNEL);
	if (!ring->buf)
		return -ENOMEM;

	ring->desc = dma_alloc_coherent(&ig->pdev->dev, ring->size, &ring->dma,
					GFP_KERNEL);
	if (!ring->desc)
		return -ENOMEM;

	pp.pool_size = cfg->rx_count * ring->truesize / pp.max_len;
	ring->pool = page_pool_create(&pp);
	if (IS_ERR(ring->pool)) {
		err = PTR_ERR(ring->pool);
		ring->pool = NULL;
		return err;
	}
	if (cfg->xdp) {
		err = __xdp_rxq_info_reg(&ring->rxq, ig->netdev, ring->queue,
					 0, ring->truesize);
		if (!err)
			err = xdp_rxq_info_reg_mem_model(&ring->rxq,
							 MEM_TYPE_PAGE_POOL,
							 ring->pool);
		if (err)
			return err;
	}
	switch (ring->kind) {
	case RX_XSK:
		return 0;
	case RX_SPLIT:
		err = ignis_split_alloc(ig, ring);
		if (err)
			return err;
		return ignis_split_fill(ring) ? 0 : -ENOMEM;
	default:
		return ignis_rx_fill(ring) ? 0 : -ENOMEM;
	}
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
		for (; ring->left; ring->left--)
			page_pool_put_full_page(ring->pool,
						virt_to_head_page(ring->next.va),
						false);
		ignis_split_free(ig, ring);
		if (xdp_rxq_info_is_reg(&ring->rxq))
			xdp_rxq_info_unreg(&ring->rxq);
		if (xdp_rxq_info_is_reg(&ring->xsk_rxq))
			xdp_rxq_info_unreg(&ring->xsk_rxq);
		page_pool_destroy(ring->pool);
	}
	if (ring->desc)
		dma_free_coherent(&ig->pdev->dev, ring->size, ring->desc,
				  ring->dma);
	kvfree(ring->buf);
}
