// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transmitter: descriptors to frames.  82576 7.2, 82574 7.2.
 *
 * Sums are made as the chip makes them: of the bytes there are, what the driver
 * left in the field included.  A wrong seed gives a wrong frame.
 */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/crc32.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/tcp.h>

#include "nic.h"

#define BURST		64	/* descriptors a queue's turn */
#define TYPE(cmd)	((cmd) >> 20 & 0xf)
#define POPTS_IXSM	BIT(0)
#define POPTS_TXSM	BIT(1)

/* What a frame asks for, from either format */
struct tx_work {
	u8 *data;
	u32 len;
	bool tse;
	bool ipv4;
	bool tcp;
	bool sctp;
	u32 l3;			/* where the IP header starts */
	u32 l3_sum;		/* where its sum goes */
	u32 l3_end;		/* first byte behind it */
	u32 l4;
	u32 l4_sum;
	u32 hdr;		/* bytes repeated in each segment */
	u32 mss;
	u8 popts;
	bool vle;
	u16 vlan;
};

void nic_tx_reset(struct nic *nic)
{
	unsigned int q;

	for (q = 0; q < NIC_QUEUES; q++) {
		struct nic_txq *txq = &nic->txq[q];

		memset(txq->ctx, 0, sizeof(txq->ctx));
		txq->busy = false;
	}
	memset(nic->ext_ctx, 0, sizeof(nic->ext_ctx));
}

static void put_sum(u8 *at, __sum16 sum)
{
	memcpy(at, &sum, sizeof(sum));
}

static void sum_headers(struct nic *nic, struct tx_work *w, u8 *data, u32 len)
{
	__sum16 sum;

	if (w->popts & POPTS_IXSM) {
		if (w->l3_sum + 2 > len || w->l3_end > len ||
		    w->l3 > w->l3_end) {
			nic_complain(nic, "IP sum of %u to %u in %u bytes",
				     w->l3, w->l3_end, len);
			return;
		}
		put_sum(data + w->l3_sum,
			csum_fold(csum_partial(data + w->l3,
					       w->l3_end - w->l3, 0)));
	}
	if (!(w->popts & POPTS_TXSM))
		return;
	if (w->l4 > len || w->l4_sum + 2 > len) {
		nic_complain(nic, "L4 sum from %u into %u in %u bytes", w->l4,
			     w->l4_sum, len);
		return;
	}
	if (w->sctp) {
		__le32 crc = cpu_to_le32(~crc32c(~0u, data + w->l4,
						 len - w->l4));

		memcpy(data + w->l4_sum, &crc, sizeof(crc));
		return;
	}
	sum = csum_fold(csum_partial(data + w->l4, len - w->l4, 0));
	/* 0 would say that there is none */
	put_sum(data + w->l4_sum, !w->tcp && !sum ? CSUM_MANGLED_0 : sum);
}

static void count_sent(struct nic *nic, const u8 *data, u32 len)
{
	static const u16 limits[] = { 64, 127, 255, 511, 1023 };
	u32 i;

	len += ETH_FCS_LEN;
	nic_count(nic, IGNIS_GPTC, 1);
	nic_count(nic, IGNIS_GOTCL, len);
	for (i = 0; i < ARRAY_SIZE(limits) && len > limits[i]; i++)
		;
	nic_count(nic, IGNIS_PTC64 + 4 * i, 1);
	if (is_broadcast_ether_addr(data))
		nic_count(nic, IGNIS_BPTC, 1);
	else if (is_multicast_ether_addr(data))
		nic_count(nic, IGNIS_MPTC, 1);
}

/* One frame goes out */
static void emit(struct nic *nic, u16 q, struct tx_work *w, const u8 *data,
		 u32 len)
{
	u32 size = max_t(u32, len + VLAN_HLEN, ETH_ZLEN), at = 0;
	struct nic_frame *frame;

	if (len < 17) {
		nic_complain(nic, "a frame of %u bytes: 17 are the least", len);
		return;
	}
	if (len > 9234) {
		nic_complain(nic, "a frame of %u bytes", len);
		return;
	}
	frame = kzalloc(sizeof(*frame) + size, GFP_ATOMIC);
	if (!frame)
		return;
	frame->queue = q;
	frame->no_fcs = !(nic->txq[q].cmd & TXD_IFCS);
	if (w->vle) {
		if (!(*nic_reg(nic, IGNIS_CTRL) & CTRL_VME))
			nic_complain(nic, "VLE without CTRL.VME");
		memcpy(frame->data, data, 2 * ETH_ALEN);
		at = 2 * ETH_ALEN;
		put_unaligned_be16(*nic_reg(nic, IGNIS_VET), frame->data + at);
		put_unaligned_be16(w->vlan, frame->data + at + 2);
		memcpy(frame->data + at + VLAN_HLEN, data + at, len - at);
		len += VLAN_HLEN;
	} else {
		memcpy(frame->data, data, len);
	}
	if (*nic_reg(nic, IGNIS_TCTL) & TCTL_PSP)
		len = max_t(u32, len, ETH_ZLEN);
	frame->len = len;
	count_sent(nic, frame->data, len);
	nic->txq[q].frames++;

	if (nic_phy_loopback(nic) ||
	    FIELD_GET(RCTL_LBM, *nic_reg(nic, IGNIS_RCTL)) == LBM_MAC) {
		nic_rx_wire(nic, frame->data, frame->len, false);
		kfree(frame);
		return;
	}
	list_add_tail(&frame->list, &nic->sent);
	nic->n_sent++;
}

/* TCP flags that a segment has of the frame's: i210 8.12.4; 82583V 7.2.9.5 */
static u8 flags_kept(struct nic *nic, bool first, bool last)
{
	u32 low = *nic_reg(nic, IGNIS_DTXTCPFLGL);

	if (!nic->chip->adv)
		return last ? 0xff : (u8)~(TCPHDR_FIN | TCPHDR_PSH);
	if (last)
		return first ? 0xff : *nic_reg(nic, IGNIS_DTXTCPFLGH);
	return first ? low : low >> 16;
}

/* 82576 7.2.4, 82574 7.3: headers once, payload in pieces of MSS */
static void segment(struct nic *nic, u16 q, struct tx_work *w)
{
	u32 payload = w->len - w->hdr, at = 0, n = 0;
	u8 *buf;

	/* 82583V 7.2.9.3.1 */
	if (w->hdr > w->len || w->mss <= 16 || w->hdr < w->l4 + 8) {
		nic_complain(nic, "segmentation: headers %u of %u, MSS %u",
			     w->hdr, w->len, w->mss);
		return;
	}
	if (!(w->popts & POPTS_TXSM) || (w->ipv4 && !(w->popts & POPTS_IXSM)))
		nic_complain(nic, "segmentation without sums");
	buf = kmalloc(w->hdr + w->mss, GFP_ATOMIC);
	if (!buf)
		return;

	for (; at < payload; at += w->mss, n++) {
		u32 part = min(w->mss, payload - at), len = w->hdr + part;
		bool last = at + part == payload;
		u8 *sum = buf + w->l4_sum;

		memcpy(buf, w->data, w->hdr);
		memcpy(buf + w->hdr, w->data + w->hdr + at, part);
		if (w->ipv4) {
			struct iphdr *ip = (void *)(buf + w->l3);

			ip->tot_len = htons(len - w->l3);
			ip->id = htons(ntohs(ip->id) + n);
		} else {
			struct ipv6hdr *ip6 = (void *)(buf + w->l3);

			ip6->payload_len = htons(len - w->l3 - sizeof(*ip6));
		}
		/* The seed has no length: each segment has its own */
		put_sum(sum, ~csum_fold((__force __wsum)
					(*(u16 *)sum +
					 (__force u32)htons(len - w->l4))));
		if (w->tcp) {
			struct tcphdr *th = (void *)(buf + w->l4);

			th->seq = htonl(ntohl(th->seq) + at);
			buf[w->l4 + 13] &= flags_kept(nic, !n, last);
		} else {
			struct udphdr *uh = (void *)(buf + w->l4);

			uh->len = htons(len - w->l4);
		}
		sum_headers(nic, w, buf, len);
		emit(nic, q, w, buf, len);
	}
	kfree(buf);
}

/* 82576 7.2.2.2 */
static void work_adv(struct nic *nic, u16 q, struct tx_work *w)
{
	struct nic_txq *txq = &nic->txq[q];
	const u32 *ctx = txq->ctx[txq->olinfo >> 4 & 1];
	u32 paylen = FIELD_GET(TXD_ADV_PAYLEN, txq->olinfo);
	u32 type = ctx[2] & (TXC_ADV_TCP | TXC_ADV_SCTP);

	w->tse = txq->cmd & TXD_ADV_TSE;
	w->vlan = FIELD_GET(TXC_ADV_VLAN, ctx[0]);
	w->l3 = FIELD_GET(TXC_ADV_MACLEN, ctx[0]);
	w->l3_sum = w->l3 + offsetof(struct iphdr, check);
	w->l4 = w->l3 + FIELD_GET(TXC_ADV_IPLEN, ctx[0]);
	w->l3_end = w->l4;
	w->ipv4 = ctx[2] & TXC_ADV_IPV4;
	w->tcp = type == TXC_ADV_TCP;
	w->sctp = type == TXC_ADV_SCTP;
	w->l4_sum = w->l4 + (w->tcp ? 16 : w->sctp ? 8 : 6);
	w->hdr = w->l4 + FIELD_GET(TXC_ADV_L4LEN, ctx[3]);
	w->mss = FIELD_GET(TXC_ADV_MSS, ctx[3]);
	if (paylen != w->len - (w->tse ? w->hdr : 0))
		nic_complain(nic, "PAYLEN %u of a frame of %u bytes", paylen,
			     w->len);
}

/* 82574 7.2.10 */
static void work_ext(struct nic *nic, u16 q, struct tx_work *w)
{
	struct nic_txq *txq = &nic->txq[q];
	const u32 *ctx = nic->ext_ctx;

	w->vlan = FIELD_GET(TXD_EXT_VLAN, txq->olinfo);
	if (!(txq->cmd & TXD_DEXT)) {
		/* Legacy: CSS and CSO in the descriptor, no pseudo header */
		w->popts = txq->cmd & BIT(26) ? POPTS_TXSM : 0;
		w->tcp = true;
		w->l4 = txq->olinfo >> 8 & 0xff;
		w->l4_sum = txq->cmd >> 16 & 0xff;
		return;
	}
	w->tse = txq->cmd & TXD_EXT_TSE;
	w->l3 = FIELD_GET(TXC_EXT_CSS, ctx[0]);
	w->l3_sum = FIELD_GET(TXC_EXT_CSO, ctx[0]);
	w->l3_end = FIELD_GET(TXC_EXT_CSE, ctx[0]) + 1;
	w->ipv4 = ctx[2] & TXC_EXT_IPV4;
	w->tcp = ctx[2] & TXC_EXT_TCP;
	w->l4 = FIELD_GET(TXC_EXT_CSS, ctx[1]);
	w->l4_sum = FIELD_GET(TXC_EXT_CSO, ctx[1]);
	if (FIELD_GET(TXC_EXT_CSE, ctx[1]))
		nic_complain(nic, "TUCSE %lu", FIELD_GET(TXC_EXT_CSE, ctx[1]));
	w->hdr = FIELD_GET(TXC_EXT_HDRLEN, ctx[3]);
	w->mss = FIELD_GET(TXC_EXT_MSS, ctx[3]);
	if (!w->tse)
		return;
	if (!(ctx[2] & TXC_EXT_TSE) || !w->tcp)
		nic_complain(nic, "TSE without its context");
	if (FIELD_GET(TXC_EXT_PAYLEN, ctx[2]) != w->len - w->hdr)
		nic_complain(nic, "PAYLEN %lu of %u bytes",
			     FIELD_GET(TXC_EXT_PAYLEN, ctx[2]),
			     w->len - w->hdr);
}

static void stamp(struct nic *nic, u16 q)
{
	u32 *ctl = nic_reg(nic, IGNIS_TSYNCTXCTL);
	u64 now;

	if (!(nic->chip->adv ? nic->txq[q].cmd & TXD_ADV_TSTAMP :
	      nic->txq[q].cmd & TXD_DEXT && nic->txq[q].olinfo & TXD_EXT_TSTAMP))
		return;
	if (!(*ctl & TSYNCTXCTL_EN) || *ctl & TSYNCTXCTL_VALID)
		return;
	now = nic_systim(nic);
	*nic_reg(nic, IGNIS_TXSTMPL) = now;
	*nic_reg(nic, IGNIS_TXSTMPH) = now >> 32;
	*ctl |= TSYNCTXCTL_VALID;
}

static void frame_done(struct nic *nic, u16 q)
{
	struct nic_txq *txq = &nic->txq[q];
	struct tx_work w = {
		.data = txq->buf,
		.len = txq->len,
		.vle = txq->cmd & TXD_VLE,
		.popts = txq->olinfo >> 8 & 3,
	};

	if (nic->chip->adv)
		work_adv(nic, q, &w);
	else
		work_ext(nic, q, &w);
	if (w.tse) {
		segment(nic, q, &w);
	} else {
		sum_headers(nic, &w, w.data, w.len);
		emit(nic, q, &w, w.data, w.len);
	}
	stamp(nic, q);
}

/* Returns false if the queue can go no further */
static bool process(struct nic *nic, u16 q, u64 addr)
{
	struct nic_txq *txq = &nic->txq[q];
	__le32 raw[4];
	u32 d[4], i, len, max;

	if (!nic_dma_read(nic, addr, raw, sizeof(raw)))
		return false;
	for (i = 0; i < 4; i++)
		d[i] = le32_to_cpu(raw[i]);

	if (d[2] & TXD_DEXT && TYPE(d[2]) == (nic->chip->adv ? 2 : 0)) {
		if (txq->busy)
			nic_complain(nic, "a context within a frame");
		memcpy(nic->chip->adv ? txq->ctx[d[3] >> 4 & 1] : nic->ext_ctx,
		       d, sizeof(d));
		txq->contexts++;
	} else {
		if (nic->chip->adv && TYPE(d[2]) != 3)
			nic_complain(nic, "type %u", TYPE(d[2]));
		if (!txq->busy) {
			txq->busy = true;
			txq->cmd = d[2];
			txq->olinfo = d[3];
			txq->len = 0;
		}
		len = d[2] & (nic->chip->adv || !(d[2] & TXD_DEXT) ? 0xffff :
							       0xfffff);
		max = nic->chip->adv ? 65535 : 16384;
		if (!len || len > max || txq->len + len > NIC_TX_BUF) {
			nic_complain(nic, "%u bytes in a piece", len);
			return false;
		}
		if (!nic_dma_read(nic, d[0] | (u64)d[1] << 32,
				  txq->buf + txq->len, len))
			return false;
		txq->len += len;
		/* SDM 3.3.7: but for segments, of the last one */
		if (d[2] & TXD_EOP && !nic->chip->adv &&
		    !(d[2] & TXD_DEXT && txq->cmd & TXD_EXT_TSE)) {
			txq->cmd &= ~(TXD_VLE | TXD_IFCS);
			txq->cmd |= d[2] & (TXD_VLE | TXD_IFCS);
			txq->olinfo &= ~TXD_EXT_VLAN;
			txq->olinfo |= d[3] & TXD_EXT_VLAN;
		}
		if (d[2] & TXD_EOP) {
			frame_done(nic, q);
			txq->busy = false;
		}
	}

	if (d[2] & TXD_RS && !nic->lies.tx_no_report) {
		u32 status = nic->chip->adv ? TXD_STAT_DD : d[3] | TXD_STAT_DD;
		__le32 wb = cpu_to_le32(status);

		nic_dma_write(nic, addr + 12, &wb, sizeof(wb));
		nic_cause_tx(nic, q);
	}
	return true;
}

static bool enabled(struct nic *nic, u16 q)
{
	if (!(*nic_reg(nic, IGNIS_TCTL) & TCTL_EN))
		return false;
	return nic->chip->adv ?
	       *nic_txq_reg(nic, q, Q_DCTL) & TXDCTL_ENABLE :
	       *nic_txq_reg(nic, q, Q_TARC) & TARC_ENABLE;
}

/* Returns true if there is more to do; nic->lock held */
bool nic_tx_run(struct nic *nic)
{
	struct nic_lies *lies = &nic->lies;
	bool more = false;
	unsigned int n;
	u16 q;

	if (!nic_may_dma(nic) ||
	    (!(*nic_reg(nic, IGNIS_STATUS) & STATUS_LU) &&
	     FIELD_GET(RCTL_LBM, *nic_reg(nic, IGNIS_RCTL)) != LBM_MAC))
		return false;

	for (q = 0; q < nic->chip->queues; q++) {
		u32 *head = nic_txq_reg(nic, q, Q_HEAD);
		u32 tail = *nic_txq_reg(nic, q, Q_TAIL);
		u32 count = *nic_txq_reg(nic, q, Q_LEN) / 16;
		u64 base = *nic_txq_reg(nic, q, Q_BAL) |
			   (u64)*nic_txq_reg(nic, q, Q_BAH) << 32;

		if (!enabled(nic, q) || !count)
			continue;
		if (tail >= count) {
			nic_complain(nic, "TDT %u of %u", tail, count);
			continue;
		}
		for (n = 0; *head != tail && n < BURST; n++) {
			if (lies->tx_hold) {
				if (!lies->tx_credit)
					return false;
				lies->tx_credit--;
			}
			if (!process(nic, q, base + 16 * *head))
				return false;
			*head = (*head + 1) % count;
		}
		more |= *head != tail;
	}
	return more;
}
