// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_XDP zero copy: a queue whose buffers are those of sockets.
 *
 * All that touches the buffer pool runs in the queue's NAPI, or while that is
 * disabled.  A queue is switched between pages and AF_XDP buffers in the rings it
 * has (ignis_set_xsk()), so that unbinding a socket cannot fail.
 *
 * Frames to send go into the queue's own transmit ring, as those of XDP_TX do.
 */

#include <linux/bpf_trace.h>
#include <linux/filter.h>

#include "ignis.h"

#define XSK_DMA_ATTRS	DMA_ATTR_SKIP_CPU_SYNC
#define XSK_TX_BATCH	128	/* descriptors taken from sockets a poll */

/* Without CONFIG_XDP_SOCKETS nothing of this runs, but it is compiled */
#ifndef XDP_TXMD_FLAGS_VALID
#define XDP_TXMD_FLAGS_VALID	0
#endif

/* The header of a VLAN is not part of the MTU */
#define XSK_MAX_FRAME(mac)	((mac)->max_mtu + ETH_HLEN + VLAN_HLEN)

/**
 * ignis_xsk_buf_len - what the chip may write into an AF_XDP buffer
 * @ig: port
 * @cfg: configuration
 * @queue: one with such buffers
 *
 * Context: process, RTNL.
 *
 * Return: bytes; 0: too few for the chip.
 */
unsigned int ignis_xsk_buf_len(const struct ignis *ig,
			       const struct ignis_config *cfg, u16 queue)
{
	return ignis_rx_buf_len(ig, cfg,
				xsk_pool_get_rx_frame_size(cfg->xsk[queue]));
}

static int ignis_xsk_bind(struct ignis *ig, struct xsk_buff_pool *pool,
			  u16 queue)
{
	struct ignis_config cfg = ig->cfg;
	int err;

	err = xsk_pool_dma_map(pool, &ig->pdev->dev, XSK_DMA_ATTRS);
	if (err)
		return err;

	cfg.xsk[queue] = pool;
	err = ignis_xdp_check_log(ig, &cfg);
	if (err) {
		xsk_pool_dma_unmap(pool, XSK_DMA_ATTRS);
		return err;
	}
	ignis_set_xsk(ig, queue, pool);
	return 0;
}

/**
 * ignis_xsk_setup - bind AF_XDP buffers to a queue, or take them away
 * @ig: port, up or down
 * @pool: buffers; NULL: those that are there go, which cannot fail
 * @queue: queue
 *
 * Context: process, RTNL.
 *
 * Return: 0 or a negative errno.
 */
int ignis_xsk_setup(struct ignis *ig, struct xsk_buff_pool *pool, u16 queue)
{
	struct xsk_buff_pool *old;

	if (queue >= ig->cfg.channels) {
		netdev_warn(ig->netdev, "there is no queue %u for AF_XDP\n",
			    queue);
		return -EINVAL;
	}

	old = ig->cfg.xsk[queue];
	if (!pool == !old)
		return -EINVAL;
	if (pool)
		return ignis_xsk_bind(ig, pool, queue);

	ignis_set_xsk(ig, queue, NULL);
	xsk_pool_dma_unmap(old, XSK_DMA_ATTRS);
	return 0;
}

/**
 * ignis_xsk_wakeup - ndo_xsk_wakeup: poll, for there are frames or buffers
 * @netdev: port
 * @queue: queue
 * @flags: of which
 *
 * Context: process, RCU.
 *
 * Return: 0 or a negative errno.
 */
int ignis_xsk_wakeup(struct net_device *netdev, u32 queue, u32 flags)
{
	struct ignis *ig = netdev_priv(netdev);
	struct napi_struct *napi;

	if (!netif_running(netdev))
		return -ENETDOWN;
	if (queue >= READ_ONCE(ig->cfg.channels) ||
	    !READ_ONCE(ig->cfg.xsk[queue]))
		return -EINVAL;

	napi = &ig->vectors[queue].napi;
	if (!napi_if_scheduled_mark_missed(napi)) {
		local_bh_disable();
		napi_schedule(napi);
		local_bh_enable();
	}
	return 0;
}

/**
 * ignis_xsk_start - tell the buffers of a ring which ring they are in
 * @v: vector, whose receive ring is about to start; of any kind
 *
 * Context: process, RTNL; nobody else uses the buffers.
 */
void ignis_xsk_start(struct ignis_vector *v)
{
	struct ignis_rx_ring *ring = v->rx;

	XSK_CHECK_PRIV_TYPE(struct ignis_xdp_buff);

	if (xdp_rxq_info_is_reg(&ring->xsk_rxq))
		xdp_rxq_info_unreg(&ring->xsk_rxq);
	if (!ring->xsk)
		return;

	/* Neither can fail: nothing is allocated for this kind of memory */
	__xdp_rxq_info_reg(&ring->xsk_rxq, v->napi.dev, ring->queue,
			   v->napi.napi_id,
			   xsk_pool_get_rx_frag_step(ring->xsk));
	xdp_rxq_info_reg_mem_model(&ring->xsk_rxq, MEM_TYPE_XSK_BUFF_POOL,
				   NULL);
	xsk_pool_set_rxq_info(ring->xsk, &ring->xsk_rxq);
}

/**
 * ignis_xsk_reset - give back the buffers of a stopped ring
 * @ring: receive ring with AF_XDP buffers
 *
 * Context: process, queue stopped.
 */
void ignis_xsk_reset(struct ignis_rx_ring *ring)
{
	if (ring->xsk_head)
		xsk_buff_free(ring->xsk_head);
	ring->xsk_head = NULL;

	for (; ring->ntc != ring->ntu; ring->ntc++) {
		struct xdp_buff *xdp = ring->xsk_buf[ring->ntc & ring->mask];

		/* Those of the frame that it had been part of before */
		xdp->flags = 0;
		xsk_buff_free(xdp);
	}
}

/* Put buffers into all free descriptors, as far as the sockets have some */
static void ignis_xsk_fill(struct ignis_rx_ring *ring)
{
	u32 unfilled = ignis_rx_unfilled(ring);
	u32 ntu = ring->ntu;

	while (unfilled) {
		u32 first = ntu & ring->mask;
		u32 wanted = min(unfilled, ring->mask + 1 - first);
		union ignis_rx_desc *desc = &ring->desc[first];
		struct xdp_buff **buf = &ring->xsk_buf[first];
		struct xdp_buff **end;
		u32 n;

		n = xsk_buff_alloc_batch(ring->xsk, buf, wanted);
		for (end = buf + n; buf != end; buf++, desc++) {
			dma_addr_t dma = xsk_buff_xdp_get_dma(*buf);

			desc->read.pkt_addr = cpu_to_le64(dma);
			desc->read.hdr_addr = 0;
		}
		ntu += n;
		unfilled -= n;
		if (n < wanted)
			break;
	}

	/* The one slot that is never filled ends the poll: no stale DD in it */
	ring->desc[ntu & ring->mask].read.hdr_addr = 0;
	ring->ntu = ntu;
}

/* Less than half of the buffers are there */
static bool ignis_xsk_low(const struct ignis_rx_ring *ring)
{
	return ignis_rx_unfilled(ring) > ring->mask / 2;
}

/*
 * Refill, or see to it that somebody comes and does.  With enough buffers the next
 * poll will do: whoever is to wake us makes a system call and a poll for it.
 */
static void ignis_xsk_refill(struct ignis_vector *v)
{
	struct ignis_rx_ring *ring = v->rx;
	u32 ntu = ring->ntu;

	ignis_xsk_fill(ring);
	if (xsk_uses_need_wakeup(ring->xsk)) {
		if (ignis_xsk_low(ring))
			xsk_set_rx_need_wakeup(ring->xsk);
		if (ring->ntu - ring->ntc < IGNIS_XSK_MAX_SEGS) {
			/* Maybe no frame will do: had they not seen it yet? */
			smp_mb();
			ignis_xsk_fill(ring);
		}
		if (!ignis_xsk_low(ring))
			xsk_clear_rx_need_wakeup(ring->xsk);
	} else if (ring->ntu - ring->ntc < IGNIS_XSK_MAX_SEGS) {
		/* A frame that needs more buffers is dropped, without a poll */
		schedule_delayed_work(&v->ig->refill_work,
				      msecs_to_jiffies(IGNIS_REFILL_MSECS));
	}
	if (ring->ntu != ntu)
		writel(ring->ntu & ring->mask, ring->tail);
}

/* A copy of the frame, or of what the program made of it, as an skb */
static struct sk_buff *ignis_xsk_build(struct ignis_vector *v,
				       struct xdp_buff *xdp)
{
	u32 len = xdp->data_end - xdp->data_meta;
	u32 meta = xdp->data - xdp->data_meta;
	struct skb_shared_info *shinfo;
	struct sk_buff *skb;
	unsigned int i;

	skb = napi_alloc_skb(&v->napi, len);
	if (unlikely(!skb))
		return NULL;

	skb_put_data(skb, xdp->data_meta, len);
	if (meta) {
		skb_metadata_set(skb, meta);
		__skb_pull(skb, meta);
	}
	if (likely(!xdp_buff_has_frags(xdp)))
		return skb;

	shinfo = xdp_get_shared_info_from_buff(xdp);
	for (i = 0; i < shinfo->nr_frags; i++) {
		const skb_frag_t *frag = &shinfo->frags[i];
		struct page *page = dev_alloc_page();

		if (unlikely(!page)) {
			dev_kfree_skb_any(skb);
			return NULL;
		}
		memcpy(page_address(page), skb_frag_address(frag),
		       skb_frag_size(frag));
		skb_add_rx_frag(skb, i, page, 0, skb_frag_size(frag),
				PAGE_SIZE);
	}
	return skb;
}

/* XDP_TX of the buffers as they are; false if there is no room */
static bool ignis_xsk_tx(struct ignis_tx_ring *ring, struct xdp_buff *head)
{
	u32 total = xdp_get_buff_len(head);
	struct ignis_tx_data data = {
		.olinfo = ignis_tx_xsk_olinfo(ring, total),
	};
	u32 bytes = total;
	struct xdp_buff *xdp = head;
	u32 n = 2;	/* one for zeros, if the frame is short */

	if (xdp_buff_has_frags(head))
		n += xdp_get_shared_info_from_buff(head)->nr_frags;

	__netif_tx_lock(ring->txq, smp_processor_id());
	if (unlikely(ignis_tx_xdp_room(ring) < n)) {
		__netif_tx_unlock(ring->txq);
		return false;
	}

	do {
		u32 offset = xdp->data - xdp->data_hard_start -
			     XDP_PACKET_HEADROOM;
		dma_addr_t dma = xsk_buff_xdp_get_dma(xdp) + (s32)offset;
		u32 len = xdp->data_end - xdp->data;
		struct ignis_tx_buf *buf;

		xsk_buff_raw_dma_sync_for_device(ring->xsk, dma, len);
		buf = ignis_tx_xsk_put(ring, TX_XSK_BUFF, dma, len, &data);
		buf->xdp = xdp;
		buf->bytes = bytes;
		bytes = 0;
		xdp = xdp_buff_has_frags(head) ? xsk_buff_get_frag(head) : NULL;
	} while (xdp);
	ignis_tx_xsk_end(ring, total, &data);
	__netif_tx_unlock(ring->txq);

	/* Each buffer is by itself now */
	xdp_buff_clear_frags_flag(head);
	return true;
}

/* A poll's counts */
struct ignis_xsk_counts {
	struct ignis_rx_counts rx;
	unsigned int parts;	/* buffers that no frame ended with */
	unsigned int others;	/* frames that were not redirected */
	bool flush;		/* one of those may have been, in part */
};

/* The stack takes a copy, if there is memory */
static void ignis_xsk_pass(struct ignis_vector *v, struct xdp_buff *xdp,
			   const union ignis_rx_desc *desc, u32 staterr,
			   struct ignis_rx_counts *n)
{
	const struct ignis_xdp_buff *xb;
	struct sk_buff *skb;

	skb = ignis_xsk_build(v, xdp);
	if (unlikely(!skb)) {
		n->alloc_fail++;
		n->dropped++;
		return;
	}

	n->xdp_pass++;
	/* Else it is of another frame */
	xb = container_of(xdp, struct ignis_xdp_buff, xdp);
	if (staterr & v->ig->mac->rx_stamp)
		skb_hwtstamps(skb)->hwtstamp = xb->stamp;
	ignis_rx_pass(v, skb, desc, staterr & ~v->ig->mac->rx_stamp, n);
}

/* What to do with a frame that was not redirected */
static noinline void ignis_xsk_obey(struct ignis_vector *v, u32 act,
				    struct bpf_prog *prog,
				    struct xdp_buff *xdp,
				    const union ignis_rx_desc *desc,
				    u32 staterr, struct ignis_xsk_counts *n)
{
	struct net_device *netdev = v->napi.dev;

	n->others++;
	/* A broadcast that failed may have reached some */
	n->flush |= act == XDP_REDIRECT;
	switch (act) {
	case XDP_PASS:
		ignis_xsk_pass(v, xdp, desc, staterr, &n->rx);
		break;
	case XDP_TX:
		n->rx.xdp_tx++;
		if (likely(ignis_xsk_tx(v->tx, xdp)))
			return;
		n->rx.dropped++;
		break;
	default:
		bpf_warn_invalid_xdp_action(netdev, prog, act);
		fallthrough;
	case XDP_REDIRECT:
	case XDP_ABORTED:
		trace_xdp_exception(netdev, prog, act);
		fallthrough;
	case XDP_DROP:
		n->rx.xdp_drop++;
	}
	/* No harm if the socket has done so: then it is marked as free */
	xsk_buff_free(xdp);
}

/* Let the program decide on a whole frame */
static __always_inline void ignis_xsk_run(struct ignis_vector *v,
					  struct net_device *netdev,
					  struct bpf_prog *prog,
					  struct xdp_buff *xdp,
					  const union ignis_rx_desc *desc,
					  u32 staterr,
					  struct ignis_xsk_counts *n)
{
	u32 act = bpf_prog_run_xdp(prog, xdp);

	if (unlikely(act != XDP_REDIRECT) ||
	    unlikely(xdp_do_redirect(netdev, xdp, prog)))
		ignis_xsk_obey(v, act, prog, xdp, desc, staterr, n);
}

/* Add a buffer to ring->xsk_head; false if that cannot be */
static bool ignis_xsk_gather(struct ignis_rx_ring *ring, struct xdp_buff *xdp,
			     u32 staterr, u32 len, struct ignis_rx_counts *n)
{
	if (ring->discard)
		return false;

	if (len < (ring->xsk_head ? 1 : ETH_HLEN) || len > ring->buf_len ||
	    (staterr & RXD_DAMAGED))
		goto error;

	xsk_buff_dma_sync_for_cpu(xdp);
	if (!ring->xsk_head)
		ring->xsk_head = xdp;
	else if (!(ring->xsk->umem->flags & XDP_UMEM_SG_FLAG) ||
		 !xsk_buff_add_frag(ring->xsk_head, xdp))
		goto error;
	return true;

error:
	n->errors++;
	return false;
}

/* A buffer that ignis_xsk_rx_span() does not know what to do with */
static noinline void ignis_xsk_special(struct ignis_vector *v,
				       struct bpf_prog *prog,
				       struct xdp_buff *xdp,
				       const union ignis_rx_desc *desc,
				       u32 staterr, struct ignis_xsk_counts *n)
{
	struct ignis_rx_ring *ring = v->rx;
	struct ignis_xdp_buff *xb;
	u32 len;

	/* As in the caller */
	dma_rmb();
	len = le16_to_cpu(desc->wb.length);
	xsk_buff_set_size(xdp, len);
	if (!ignis_xsk_gather(ring, xdp, staterr, len, &n->rx)) {
		/* The whole frame: this buffer, those before, those to come */
		if (ring->xsk_head)
			xsk_buff_free(ring->xsk_head);
		ring->xsk_head = NULL;
		xsk_buff_free(xdp);
		ring->discard = !(staterr & RXD_EOP);
		n->parts++;
		return;
	}
	if (!(staterr & RXD_EOP)) {
		n->parts++;
		return;
	}

	xdp = ring->xsk_head;
	ring->xsk_head = NULL;
	xb = container_of(xdp, struct ignis_xdp_buff, xdp);
	xb->desc = desc;
	xb->stamp = 0;
	ignis_rx_stamp(v->ig, xb, staterr);
	n->rx.bytes += xdp_get_buff_len(xdp);
	if (!prog) {
		ignis_xsk_obey(v, XDP_PASS, NULL, xdp, desc, staterr, n);
	} else if (xdp_buff_has_frags(xdp) && !prog->aux->xdp_has_frags) {
		/* Longer than the MTU, and the chip let it in */
		n->others++;
		n->rx.errors++;
		xsk_buff_free(xdp);
	} else {
		ignis_xsk_run(v, v->napi.dev, prog, xdp, desc, staterr, n);
	}
}

/*
 * How many lengths, from a header's on, a buffer with a plain frame may have, if its
 * status says so too: one for a program that cannot ask about it, to be found in
 * memory as the chip left it.
 */
static u32 ignis_xsk_plain_lengths(const struct ignis_rx_ring *ring,
				   const struct bpf_prog *prog)
{
	if (!prog || bpf_prog_is_dev_bound(prog->aux) || ring->xsk_head ||
	    ring->discard || dma_dev_need_sync(ring->xsk->dev))
		return 0;
	return ring->buf_len - ETH_HLEN + 1;
}

/* Up to @max buffers from slot @first on, where the ring does not end before */
static u32 ignis_xsk_rx_span(struct ignis_vector *v, struct bpf_prog *prog,
			     u32 first, u32 max, struct ignis_xsk_counts *n)
{
	const u32 plain = RXD_DD | RXD_EOP;
	const u32 look = plain | RXD_DAMAGED | v->ig->mac->rx_stamp;
	struct ignis_rx_ring *ring = v->rx;
	const union ignis_rx_desc *desc = &ring->desc[first];
	const union ignis_rx_desc *end = desc + max;
	struct xdp_buff **buf = &ring->xsk_buf[first];
	u32 lengths = ignis_xsk_plain_lengths(ring, prog);
	struct net_device *netdev = v->napi.dev;

	for (; desc != end; desc++, buf++) {
		u32 staterr = le32_to_cpu(READ_ONCE(desc->wb.staterr));
		struct xdp_buff *xdp = *buf;
		u32 len;

		if (likely(!((staterr ^ plain) & look))) {
			/* The rest was written no later than DD */
			dma_rmb();
			len = le16_to_cpu(desc->wb.length);
			if (likely(len - ETH_HLEN < lengths)) {
				xsk_buff_set_size(xdp, len);
				n->rx.bytes += len;
				ignis_xsk_run(v, netdev, prog, xdp, desc,
					      staterr, n);
				continue;
			}
		} else if (!(staterr & RXD_DD)) {
			break;
		}
		ignis_xsk_special(v, prog, xdp, desc, staterr, n);
		lengths = ignis_xsk_plain_lengths(ring, prog);
	}
	return max - (end - desc);
}

static noinline int ignis_xsk_rx(struct ignis_vector *v, int budget)
{
	struct bpf_prog *prog = READ_ONCE(v->ig->xdp_prog);
	struct ignis_rx_ring *ring = v->rx;
	struct ignis_xsk_counts n = {};
	u32 most = min_t(u32, budget, ring->ntu - ring->ntc);
	u32 left = most;
	int done;

	while (left) {
		u32 first = ring->ntc & ring->mask;
		u32 max = min(left, ring->mask + 1 - first);
		u32 got = ignis_xsk_rx_span(v, prog, first, max, &n);

		WRITE_ONCE(ring->ntc, ring->ntc + got);
		left -= got;
		if (got != max)
			break;
	}

	done = most - left - n.parts;
	n.rx.xdp_redirect = done - n.others;
	if (n.rx.xdp_redirect || unlikely(n.flush))
		xdp_do_flush();
	ignis_rx_count_xdp(v, done, &n.rx);
	return done;
}

/* A frame that a socket asks something for */
struct xsk_request {
	struct ignis_tx_ring *ring;
	const void *data;
	u32 len;		/* of its first buffer */
	bool stamped;
	struct ignis_tx_data tx;	/* what comes of it */
};

static void ignis_xsk_request_checksum(u16 start, u16 offset, void *priv)
{
	struct xsk_request *req = priv;

	if ((u32)start + offset + sizeof(__sum16) <= req->len)
		req->tx.olinfo |= ignis_tx_xsk_csum(req->ring, req->data, start,
						    offset);
}

static void ignis_xsk_request_timestamp(void *priv)
{
	struct xsk_request *req = priv;

	req->stamped = ignis_ptp_tx_xsk(netdev_priv(req->ring->txq->dev));
	if (req->stamped)
		ignis_tx_xsk_stamp(req->ring, &req->tx);
}

/* The chips know no launch times that a socket could ask for */
const struct xsk_tx_metadata_ops ignis_xsk_tx_metadata_ops = {
	.tmo_request_checksum = ignis_xsk_request_checksum,
	.tmo_request_timestamp = ignis_xsk_request_timestamp,
	.tmo_fill_timestamp = ignis_ptp_tx_xsk_done,
};

/*
 * Requests of a frame's first descriptor.  A checksum that the chip cannot fill in is
 * not, and there is no way to tell; a time stamp there is no latch for is 0.
 */
static void ignis_xsk_offload(struct xsk_request *req,
			      const struct xdp_desc *desc)
{
	struct xsk_buff_pool *pool = req->ring->xsk;
	struct xsk_tx_metadata *meta;
	u64 flags;
	void *data;

	if (!pool->tx_metadata_len || !(desc->options & XDP_TX_METADATA))
		return;

	/* User space may change it at any time: read each once */
	data = xsk_buff_raw_get_data(pool, desc->addr);
	meta = data - pool->tx_metadata_len;
	flags = READ_ONCE(meta->flags);
	if (flags & ~XDP_TXMD_FLAGS_VALID)
		return;

	req->data = data;
	if (flags & XDP_TXMD_FLAGS_CHECKSUM)
		ignis_xsk_request_checksum(READ_ONCE(meta->request.csum_start),
					   READ_ONCE(meta->request.csum_offset),
					   req);
	if (flags & XDP_TXMD_FLAGS_TIMESTAMP) {
		ignis_xsk_request_timestamp(req);
		/* The answer is where the request was */
		WRITE_ONCE(meta->completion.tx_timestamp, 0);
		/* xsk_tx_metadata_to_compl() of 6.12 looks at the flags again */
		if (req->stamped)
			req->ring->xsk_compl.tx_timestamp =
				&meta->completion.tx_timestamp;
	}
}

/*
 * One frame of @n descriptors and @total bytes; there is room for it.  Returns
 * whether it has the latch.
 */
static bool ignis_xsk_send(struct ignis_tx_ring *ring,
			   const struct xdp_desc *desc, unsigned int n,
			   u32 total)
{
	struct xsk_request req = { .ring = ring, .len = desc->len };

	req.tx.olinfo = ignis_tx_xsk_olinfo(ring, total);
	ignis_xsk_offload(&req, desc);
	for (; n; n--, desc++) {
		dma_addr_t dma = xsk_buff_raw_get_dma(ring->xsk, desc->addr);

		xsk_buff_raw_dma_sync_for_device(ring->xsk, dma, desc->len);
		ignis_tx_xsk_put(ring, TX_XSK_RUN, dma, desc->len, &req.tx);
	}
	ignis_tx_xsk_end(ring, total, &req.tx);
	return req.stamped;
}

/*
 * A frame that is not just one descriptor.  If it is too long for the chip, or its
 * end is missing as older kernels cut it off where sockets share a ring, it is
 * dropped.  Returns its descriptors.
 */
static unsigned int ignis_xsk_send_special(struct ignis_vector *v,
					   struct xdp_desc *descs,
					   unsigned int n,
					   struct ignis_tx_run *run)
{
	unsigned int end = 0;
	bool whole = false;
	u32 total = 0;

	while (end < n && !whole) {
		total += descs[end].len;
		whole = !xp_mb_desc(&descs[end]);
		end++;
	}
	if (likely(whole && total <= XSK_MAX_FRAME(v->ig->mac))) {
		run->stamped |= ignis_xsk_send(v->tx, descs, end, total);
		run->frames++;
		run->bytes += total;
		return end;
	}

	u64_stats_update_begin(&v->tx->stats->xmit_syncp);
	u64_stats_inc(&v->tx->stats->dropped);
	u64_stats_update_end(&v->tx->stats->xmit_syncp);
	return end;
}

static noinline void ignis_xsk_send_batch(struct ignis_vector *v,
					  unsigned int n)
{
	struct xdp_desc *descs = v->tx->xsk->tx_descs;
	struct ignis_tx_run run = { .descs = n };
	u32 first = v->tx->ntu;
	unsigned int i = 0;

	for (;;) {
		i += ignis_tx_xsk_plain(v->tx, &descs[i], n - i,
					XSK_MAX_FRAME(v->ig->mac), &run);
		if (i == n)
			break;
		i += ignis_xsk_send_special(v, &descs[i], n - i, &run);
	}
	ignis_tx_xsk_run(v->tx, first, &run);
}

/* Send what the sockets and XDP_TX have; false if that is all */
static bool ignis_xsk_xmit(struct ignis_vector *v)
{
	struct ignis_tx_ring *ring = v->tx;
	u32 room, n = 0;

	__netif_tx_lock(ring->txq, smp_processor_id());
	/* A frame may need a context, or to be filled up */
	room = ignis_tx_xdp_room(ring) / 2;
	if (room && !READ_ONCE(ring->closing) && READ_ONCE(v->ig->link))
		n = xsk_tx_peek_release_desc_batch(ring->xsk,
						   min(room, XSK_TX_BATCH));
	if (n)
		ignis_xsk_send_batch(v, n);
	/* The stack never leaves a frame unannounced */
	ignis_tx_kick(ring);
	__netif_tx_unlock(ring->txq);

	/* None is under way that they could wait for */
	if (unlikely(ring->xsk_late && !ring->xsk_sent)) {
		xsk_tx_completed(ring->xsk, ring->xsk_late);
		ring->xsk_late = 0;
	}
	return n == XSK_TX_BATCH;
}

/* As long as something is being sent, its completion makes for the next poll */
static bool ignis_xsk_tx_poll(struct ignis_vector *v)
{
	struct ignis_tx_ring *ring = v->tx;
	bool more = ignis_xsk_xmit(v);

	if (!xsk_uses_need_wakeup(ring->xsk))
		return more;

	if (ring->ntc == READ_ONCE(ring->kicked) &&
	    !(ring->xsk->cached_need_wakeup & XDP_WAKEUP_TX)) {
		xsk_set_tx_need_wakeup(ring->xsk);
		/* They may have queued a frame before they could see it */
		smp_mb();
		more = ignis_xsk_xmit(v);
	}
	if (ring->ntc != READ_ONCE(ring->kicked))
		xsk_clear_tx_need_wakeup(ring->xsk);
	return more;
}

/**
 * ignis_xsk_poll - receive and send for AF_XDP sockets
 * @v: vector whose receive ring has AF_XDP buffers
 * @budget: most frames to receive
 *
 * Context: NAPI.
 *
 * Return: frames received, or @budget if there is more to do.
 */
int ignis_xsk_poll(struct ignis_vector *v, int budget)
{
	struct ignis_rx_ring *ring = v->rx;
	int done = 0;

	if (ignis_rx_pending(ring))
		done = ignis_xsk_rx(v, budget);
	if (ignis_rx_unfilled(ring) >= ring->batch)
		ignis_xsk_refill(v);
	/* With nothing left there is no need for another poll */
	if (ignis_xsk_tx_poll(v) || ignis_rx_pending(ring))
		return budget;
	return min(done, budget - 1);
}
