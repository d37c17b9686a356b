// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit: sk_buff -> context descriptor when offloads change -> data
 * descriptors -> doorbell.
 *
 * Frames between two doorbells form a batch.  Only the last descriptor of a
 * batch asks for a report (RS), so completion reads one descriptor a batch.
 */

#include <linux/sctp.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip6_checksum.h>
#include <net/netdev_queues.h>

#include "ignis.h"

/*
 * Descriptors the largest skb can take: head, fragments, context, splits of
 * 64 KiB at TXD_MAX_DATA, and one for a ring that may not fill up completely.
 */
#define TX_NEEDED	(1 + MAX_SKB_FRAGS + 1 + 2 + 1)
#define TX_CLEAN_MAX	256	/* descriptors retired a poll */

/* All headers together, and the longest of layer 4: TCP with options */
#define TX_MAX_HEADERS	512
#define MAX_L4_HEADER	60

/* Hardware pads to 60 bytes (TCTL.PSP) from this length on, 82576 7.2.1 */
#define TX_MIN_LEN	17

static u32 ignis_tx_unused(const struct ignis_tx_ring *ring)
{
	return ring->mask - (ring->ntu - READ_ONCE(ring->ntc));
}

/* Close the batch: ask for its report, make it visible, ring the doorbell */
static void ignis_tx_kick(struct ignis_tx_ring *ring)
{
	if (ring->batch == ring->ntu)
		return;

	ring->desc[ring->last].read.cmd_type_len =
		cpu_to_le32(ring->last_cmd | TXD_RS);
	ring->buf[ring->batch & ring->mask].report = ring->last;
	ring->batch = ring->ntu;

	/* Pairs with the acquire in ignis_tx_clean(): @report is valid */
	smp_store_release(&ring->kicked, ring->ntu);
	writel(ring->ntu & ring->mask, ring->tail);
}

static void ignis_tx_unmap(struct ignis_tx_ring *ring, struct ignis_tx_buf *buf)
{
	if (!buf->len)
		return;
	if (buf->paged)
		dma_unmap_page(ring->dev, buf->dma, buf->len, DMA_TO_DEVICE);
	else
		dma_unmap_single(ring->dev, buf->dma, buf->len, DMA_TO_DEVICE);
	buf->len = 0;
}

/* Offload parameters of one frame */
struct tx_offload {
	u32 vlan_macip_lens;
	u32 type_tucmd_mlhl;
	u32 mss_l4len_idx;
	u32 cmd;		/* first data descriptor's cmd_type_len bits */
	u32 olinfo;
	u32 hdr_len;		/* repeated in every segment; 0: no GSO */
	u16 segs;
};

/* L4 type for the chip, by where the stack wants the checksum; -1 if unknown */
static int ignis_tx_l4type(struct sk_buff *skb)
{
	switch (skb->csum_offset) {
	case offsetof(struct tcphdr, check):
		return TXC_L4T_TCP;
	case offsetof(struct udphdr, check):
		return TXC_L4T_UDP;
	case offsetof(struct sctphdr, checksum):
		return skb_csum_is_sctp(skb) ? TXC_L4T_SCTP : -1;
	default:
		return -1;
	}
}

/*
 * TCP and UDP segmentation, 82576 7.2.4: the chip wants an IPv4 header without
 * length and checksum, and a pseudo header checksum without the length.
 */
static int ignis_tx_gso(struct sk_buff *skb, struct tx_offload *off)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	unsigned int l4_off = skb_checksum_start_offset(skb);
	unsigned int l4_len;
	int err;

	err = skb_cow_head(skb, 0);
	if (err)
		return err;

	if (ip_hdr(skb)->version == 4) {
		ip_hdr(skb)->tot_len = 0;
		ip_hdr(skb)->check = 0;
		off->olinfo |= TXD_POPTS_IXSM;
		off->type_tucmd_mlhl |= TXC_IPV4;
	} else {
		ipv6_hdr(skb)->payload_len = 0;
	}

	if (shinfo->gso_type & SKB_GSO_UDP_L4) {
		struct udphdr *uh = (void *)skb->data + l4_off;

		l4_len = sizeof(*uh);
		csum_replace_by_diff(&uh->check,
				     (__force __wsum)htonl(skb->len - l4_off));
	} else {
		struct tcphdr *th = (void *)skb->data + l4_off;

		l4_len = th->doff * 4;
		csum_replace_by_diff(&th->check,
				     (__force __wsum)htonl(skb->len - l4_off));
		off->type_tucmd_mlhl |= TXC_L4T_TCP;
	}

	off->hdr_len = l4_off + l4_len;
	off->segs = shinfo->gso_segs ?:
		DIV_ROUND_UP(skb->len - off->hdr_len, shinfo->gso_size);
	off->mss_l4len_idx = FIELD_PREP(TXC_L4LEN, l4_len) |
			     FIELD_PREP(TXC_MSS, shinfo->gso_size);
	off->cmd |= TXD_TSE;
	return 0;
}

/* Work out @off for @skb; errors only when memory is short or csum_help fails */
static int ignis_tx_offload(struct sk_buff *skb, struct tx_offload *off)
{
	int err;

	off->segs = 1;
	if (skb_vlan_tag_present(skb)) {
		off->cmd |= TXD_VLE;
		off->vlan_macip_lens = FIELD_PREP(TXC_VLAN,
						  skb_vlan_tag_get(skb)) |
				       FIELD_PREP(TXC_MACLEN, ETH_HLEN);
	}
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return 0;

	if (skb_is_gso(skb)) {
		err = ignis_tx_gso(skb, off);
		if (err)
			return err;
	} else {
		int l4type = ignis_tx_l4type(skb);

		if (unlikely(l4type < 0))
			return skb_checksum_help(skb);
		off->type_tucmd_mlhl |= l4type;
		if (ip_hdr(skb)->version == 4)
			off->type_tucmd_mlhl |= TXC_IPV4;
	}

	off->olinfo |= TXD_POPTS_TXSM;
	off->vlan_macip_lens &= ~TXC_MACLEN;
	off->vlan_macip_lens |=
		FIELD_PREP(TXC_MACLEN, skb_network_offset(skb)) |
		FIELD_PREP(TXC_IPLEN, skb_checksum_start_offset(skb) -
				      skb_network_offset(skb));
	return 0;
}

/* Spend a descriptor on the context only if the hardware's differs */
static u32 ignis_tx_context(struct ignis_tx_ring *ring, u32 ntu,
			    const struct tx_offload *off)
{
	union ignis_tx_desc *desc = &ring->desc[ntu & ring->mask];

	if (ring->ctx.vlan_macip_lens == off->vlan_macip_lens &&
	    ring->ctx.type_tucmd_mlhl == off->type_tucmd_mlhl &&
	    ring->ctx.mss_l4len_idx == off->mss_l4len_idx)
		return ntu;

	ring->ctx.vlan_macip_lens = off->vlan_macip_lens;
	ring->ctx.type_tucmd_mlhl = off->type_tucmd_mlhl;
	ring->ctx.mss_l4len_idx = off->mss_l4len_idx;

	desc->ctx.vlan_macip_lens = cpu_to_le32(off->vlan_macip_lens);
	desc->ctx.seqnum_seed = 0;
	desc->ctx.type_tucmd_mlhl = cpu_to_le32(off->type_tucmd_mlhl |
						TXD_DTYP_CTX | TXD_DEXT);
	desc->ctx.mss_l4len_idx = cpu_to_le32(off->mss_l4len_idx);
	return ntu + 1;
}

/*
 * Map head and fragments and write their descriptors from slot @ntu on.
 * Returns how many, or -ENOMEM with everything unmapped.
 */
static int ignis_tx_map(struct ignis_tx_ring *ring, struct sk_buff *skb,
			u32 ntu, const struct tx_offload *off)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	u32 cmd = off->cmd | TXD_DTYP_DATA | TXD_DEXT | TXD_IFCS;
	u32 olinfo = off->olinfo |
		     FIELD_PREP(TXD_PAYLEN, skb->len - off->hdr_len);
	u32 len = skb_headlen(skb), first = ntu;
	unsigned int f = 0;
	dma_addr_t dma;

	dma = dma_map_single(ring->dev, skb->data, len, DMA_TO_DEVICE);
	for (;;) {
		struct ignis_tx_buf *buf = &ring->buf[ntu & ring->mask];

		if (unlikely(dma_mapping_error(ring->dev, dma)))
			goto unmap;

		buf->dma = dma;
		buf->len = len;
		buf->paged = f;

		for (;;) {
			u32 part = min(len, TXD_MAX_DATA), slot = ntu & ring->mask;
			union ignis_tx_desc *desc = &ring->desc[slot];

			len -= part;
			if (!len && f == shinfo->nr_frags)
				cmd |= TXD_EOP;
			desc->read.addr = cpu_to_le64(dma);
			desc->read.cmd_type_len = cpu_to_le32(cmd | part);
			desc->read.olinfo_status = cpu_to_le32(olinfo);
			ntu++;
			if (cmd & TXD_EOP) {
				ring->last = slot;
				ring->last_cmd = cmd | part;
				return ntu - first;
			}
			if (likely(!len))
				break;
			dma += part;
			ring->buf[ntu & ring->mask].len = 0;
		}

		len = skb_frag_size(&shinfo->frags[f]);
		dma = skb_frag_dma_map(ring->dev, &shinfo->frags[f], 0, len,
				       DMA_TO_DEVICE);
		f++;
	}

unmap:
	while (ntu-- != first)
		ignis_tx_unmap(ring, &ring->buf[ntu & ring->mask]);
	return -ENOMEM;
}

/**
 * ignis_xmit - ndo_start_xmit
 * @skb: frame, linear or not
 * @netdev: port
 *
 * Never drops for want of descriptors: the queue is stopped while the largest
 * possible frame still fits.
 *
 * Context: softirq disabled, the queue's xmit lock held.
 *
 * Return: NETDEV_TX_OK; NETDEV_TX_BUSY never in practice.
 */
netdev_tx_t ignis_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct ignis *ig = netdev_priv(netdev);
	struct ignis_tx_ring *ring = ig->tx[skb_get_queue_mapping(skb)];
	struct tx_offload off = {};
	struct ignis_tx_buf *first;
	u32 ntu;
	int n;

	/* pktgen may name a queue that is not in use */
	if (unlikely(!ring)) {
		dev_core_stats_tx_dropped_inc(netdev);
		dev_kfree_skb_any(skb);
		return NETDEV_TX_OK;
	}

	if (unlikely(ignis_tx_unused(ring) < TX_NEEDED)) {
		/* What is in the ring and was not announced must go out */
		ignis_tx_kick(ring);
		netif_txq_try_stop(ring->txq, ignis_tx_unused(ring),
				   ring->wake);
		return NETDEV_TX_BUSY;
	}

	/* Frees the skb on error */
	if (unlikely(skb_put_padto(skb, TX_MIN_LEN)))
		goto dropped;

	if (unlikely(ignis_tx_offload(skb, &off)))
		goto drop;

	ntu = ring->ntu;
	if (off.vlan_macip_lens)
		ntu = ignis_tx_context(ring, ntu, &off);

	n = ignis_tx_map(ring, skb, ntu, &off);
	if (unlikely(n < 0)) {
		/* The hardware has not seen the context */
		ring->ctx.vlan_macip_lens = 0;
		goto drop;
	}

	first = &ring->buf[ring->ntu & ring->mask];
	if (ntu != ring->ntu)
		first->len = 0;
	first->skb = skb;
	first->segs = off.segs;
	first->bytes = skb->len + (off.segs - 1) * off.hdr_len;
	ring->ntu = ntu + n;

	skb_tx_timestamp(skb);

	if (!netif_txq_maybe_stop(ring->txq, ignis_tx_unused(ring), TX_NEEDED,
				  ring->wake)) {
		u64_stats_update_begin(&ring->stats->xmit_syncp);
		u64_stats_inc(&ring->stats->stop);
		u64_stats_update_end(&ring->stats->xmit_syncp);
	}
	if (__netdev_tx_sent_queue(ring->txq, first->bytes, netdev_xmit_more()))
		ignis_tx_kick(ring);
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

/* A finished frame leaves its slot; returns what BQL was told of it */
static u32 ignis_tx_retire(struct ignis_tx_ring *ring, u32 slot, int budget)
{
	struct ignis_tx_buf *buf = &ring->buf[slot];

	ignis_tx_unmap(ring, buf);
	if (!buf->skb)
		return 0;

	napi_consume_skb(buf->skb, budget);
	buf->skb = NULL;
	return buf->bytes;
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
	unsigned int packets = 0, bytes = 0, tso = 0, tso_bytes = 0;
	/* Pairs with the release in ignis_tx_kick() */
	u32 kicked = smp_load_acquire(&ring->kicked);
	u32 start = ring->ntc, ntc = start;
	int woken;

	while (ntc != kicked && ntc - start < TX_CLEAN_MAX) {
		u32 end = ring->buf[ntc & ring->mask].report;
		__le32 status = READ_ONCE(ring->desc[end].wb.status);

		if (!(status & cpu_to_le32(TXD_STAT_DD)))
			break;

		end = (end + 1) & ring->mask;
		do {
			u32 slot = ntc++ & ring->mask;
			u32 len = ignis_tx_retire(ring, slot, budget);
			u16 segs = ring->buf[slot].segs;

			if (!len)
				continue;
			packets += segs;
			bytes += len;
			if (segs > 1) {
				tso += segs;
				tso_bytes += len;
			}
		} while ((ntc & ring->mask) != end);
	}
	if (ntc == start)
		return false;

	WRITE_ONCE(ring->ntc, ntc);
	woken = __netif_txq_completed_wake(ring->txq, packets, bytes,
					   ignis_tx_unused(ring), ring->wake,
					   READ_ONCE(ring->closing));

	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->packets, packets);
	u64_stats_add(&stats->bytes, bytes);
	u64_stats_add(&stats->tso_packets, tso);
	u64_stats_add(&stats->tso_bytes, tso_bytes);
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
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		int l3 = skb_network_offset(skb);
		int l4 = skb_checksum_start_offset(skb);

		if (l3 < 0 || l3 > FIELD_MAX(TXC_MACLEN) || l4 < l3 ||
		    l4 > TX_MAX_HEADERS - MAX_L4_HEADER)
			features &= ~(NETIF_F_CSUM_MASK | NETIF_F_SCTP_CRC |
				      NETIF_F_GSO_MASK);
	}
	return vlan_features_check(skb, features);
}

/* What the hardware has not sent by now is lost, and counted */
static void ignis_tx_discard(struct ignis_tx_ring *ring)
{
	unsigned int lost = 0;

	for (; ring->ntc != ring->ntu; ring->ntc++)
		lost += !!ignis_tx_retire(ring, ring->ntc & ring->mask, 0);

	u64_stats_update_begin(&ring->stats->xmit_syncp);
	u64_stats_add(&ring->stats->dropped, lost);
	u64_stats_update_end(&ring->stats->xmit_syncp);
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
	memset(&ring->ctx, 0, sizeof(ring->ctx));
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
	ring->wake = max(TX_NEEDED, cfg->tx_count / 4);
	ring->tail = ig->hw + IGNIS_TDT(ring->queue);
	ring->size = cfg->tx_count * sizeof(*ring->desc);

	ring->buf = kvcalloc(cfg->tx_count, sizeof(*ring->buf), GFP_KERNEL);
	if (!ring->buf)
		return -ENOMEM;

	ring->desc = dma_alloc_coherent(ring->dev, ring->size, &ring->dma,
					GFP_KERNEL);
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
		dma_free_coherent(ring->dev, ring->size, ring->desc, ring->dma);
	kvfree(ring->buf);
}
