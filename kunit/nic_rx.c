// SPDX-License-Identifier: GPL-2.0-only
/*
 * The receiver: filters, the choice of a queue, sums, descriptors.
 * 82576 7.1, 82574 7.1.
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
#include <net/ip.h>
#include <net/ip6_checksum.h>

#include "nic.h"

#define PTP_ETYPE	0x88f7
#define PTP_PORT	319

/* What the parser finds */
struct rx_parse {
	bool tagged;
	u16 vlan;
	u16 etype;		/* behind the tag */
	u32 l3;
	bool v4;
	bool v6;
	bool ext;		/* IPv6 with extension headers */
	bool frag;
	u8 proto;
	u32 l4;			/* 0: none */
	u32 l4_len;
	const u8 *saddr;
	const u8 *daddr;
	const u8 *home;		/* instead of @saddr for the hashes called Ex */
	const u8 *dest;		/* instead of @daddr */
};

void nic_rx_reset(struct nic *nic)
{
	struct nic_frame *frame, *next;

	list_for_each_entry_safe(frame, next, &nic->fifo, list)
		kfree(frame);
	INIT_LIST_HEAD(&nic->fifo);
	nic->fifo_bytes = 0;
	nic->rx_blocked = false;
}

/* Home address option, routing header of type 2: whom a frame is from and for */
static void parse_extension(const u8 *ext, u32 len, struct rx_parse *p)
{
	u32 at;

	if (p->proto == IPPROTO_ROUTING && len == 24 && ext[2] == 2 &&
	    ext[3] == 1)
		p->dest = ext + 8;
	if (p->proto != IPPROTO_DSTOPTS)
		return;
	for (at = 2; at + 2 <= len; at += ext[at] ? 2 + ext[at + 1] : 1) {
		if (ext[at] == IPV6_TLV_HAO && at + 18 <= len)
			p->home = ext + at + 2;
	}
}

static void parse_v6(struct nic *nic, const u8 *data, u32 len,
		     struct rx_parse *p)
{
	const struct ipv6hdr *ip6 = (const void *)(data + p->l3);
	u32 at = p->l3 + sizeof(*ip6), end, size;

	if (at > len)
		return;
	p->v6 = true;
	p->saddr = (const u8 *)&ip6->saddr;
	p->daddr = (const u8 *)&ip6->daddr;
	p->proto = ip6->nexthdr;
	end = min_t(u32, len, at + ntohs(ip6->payload_len));
	while (at + 8 <= end && (p->proto == IPPROTO_HOPOPTS ||
				 p->proto == IPPROTO_ROUTING ||
				 p->proto == IPPROTO_DSTOPTS ||
				 p->proto == IPPROTO_FRAGMENT)) {
		if (*nic_reg(nic, IGNIS_RFCTL) & RFCTL_IPV6_EX_DIS)
			return;
		p->ext = true;
		p->frag |= p->proto == IPPROTO_FRAGMENT;
		size = p->frag ? 8 : 8 + 8 * data[at + 1];
		if (at + size <= end)
			parse_extension(data + at, size, p);
		p->proto = data[at];
		at += size;
	}
	if (at < end && !p->frag) {
		p->l4 = at;
		p->l4_len = end - at;
	}
}

static void parse(struct nic *nic, const u8 *data, u32 len, struct rx_parse *p)
{
	const struct iphdr *ip;
	u32 at = 2 * ETH_ALEN;

	memset(p, 0, sizeof(*p));
	p->etype = get_unaligned_be16(data + at);
	if (p->etype == (u16)*nic_reg(nic, IGNIS_VET) && len >= at + 6) {
		p->tagged = true;
		p->vlan = get_unaligned_be16(data + at + 2);
		at += VLAN_HLEN;
		p->etype = get_unaligned_be16(data + at);
	}
	p->l3 = at + 2;
	ip = (const void *)(data + p->l3);

	if (p->etype == ETH_P_IPV6) {
		parse_v6(nic, data, len, p);
	} else if (p->etype == ETH_P_IP && p->l3 + sizeof(*ip) <= len &&
		   ip->version == 4 && ip->ihl >= 5 &&
		   p->l3 + ip->ihl * 4 <= len) {
		u32 total = min_t(u32, ntohs(ip->tot_len), len - p->l3);

		p->v4 = true;
		p->proto = ip->protocol;
		p->saddr = (const u8 *)&ip->saddr;
		p->daddr = (const u8 *)&ip->daddr;
		p->frag = ip_is_fragment(ip);
		if (!p->frag && total > ip->ihl * 4) {
			p->l4 = p->l3 + ip->ihl * 4;
			p->l4_len = total - ip->ihl * 4;
		}
	}
	if ((p->proto == IPPROTO_TCP && p->l4_len < sizeof(struct tcphdr)) ||
	    (p->proto == IPPROTO_UDP && p->l4_len < sizeof(struct udphdr)))
		p->l4 = 0;
}

/* --- is it for us: 82576 7.1.1, 82574 7.1.1 ------------------------------ */

static bool match_address(struct nic *nic, const u8 *addr)
{
	u32 rctl = *nic_reg(nic, IGNIS_RCTL);
	unsigned int i;
	u32 hash;

	for (i = 0; i < nic->chip->rars; i++) {
		u32 reg = i < 16 ? IGNIS_RAL_LO(i) : IGNIS_RAL_HI(i);
		u32 high = *nic_reg(nic, reg + 4);

		if (high & RAH_AV &&
		    get_unaligned_le32(addr) == *nic_reg(nic, reg) &&
		    get_unaligned_le16(addr + 4) == (u16)high)
			return true;
	}
	if (is_broadcast_ether_addr(addr) && rctl & RCTL_BAM)
		return true;
	if (!is_multicast_ether_addr(addr))
		return rctl & RCTL_UPE;
	if (rctl & RCTL_MPE)
		return true;
	/* RCTL.MO 0: bits 47:36 of the address */
	hash = get_unaligned_le16(addr + 4) >> 4;
	return *nic_reg(nic, IGNIS_MTA(hash / 32)) & BIT(hash % 32);
}

static u32 longest(struct nic *nic)
{
	if (!(*nic_reg(nic, IGNIS_RCTL) & RCTL_LPE))
		return 1522;
	return nic->chip->adv ? *nic_reg(nic, IGNIS_RLPML) & 0x3fff : 9234;
}

static u32 fifo_size(struct nic *nic)
{
	return 1024 * (nic->chip->adv ?
		       *nic_reg(nic, IGNIS_RXPBS) & 0xff :
		       *nic_reg(nic, IGNIS_PBA) & PBA_RXA);
}

static void count_received(struct nic *nic, const u8 *data, u32 len)
{
	static const u16 limits[] = { 64, 127, 255, 511, 1023 };
	u32 i;

	nic_count(nic, IGNIS_GPRC, 1);
	nic_count(nic, IGNIS_GORCL, len);
	for (i = 0; i < ARRAY_SIZE(limits) && len > limits[i]; i++)
		;
	nic_count(nic, IGNIS_PRC64 + 4 * i, 1);
	if (is_broadcast_ether_addr(data))
		nic_count(nic, IGNIS_BPRC, 1);
	else if (is_multicast_ether_addr(data))
		nic_count(nic, IGNIS_MPRC, 1);
}

/* A frame comes in: nic->lock held */
void nic_rx_wire(struct nic *nic, const u8 *data, u32 len, bool crc_error)
{
	u32 rctl = *nic_reg(nic, IGNIS_RCTL), fcs = len + ETH_FCS_LEN;
	struct nic_frame *frame;
	bool bad = crc_error;
	struct rx_parse p;

	if (!(rctl & RCTL_RXEN) || len < ETH_HLEN)
		return;

	parse(nic, data, len, &p);
	if (p.etype == ETH_P_PAUSE && *nic_reg(nic, IGNIS_CTRL) & CTRL_RFCE) {
		nic_count(nic, get_unaligned_be16(data + ETH_HLEN + 2) ?
			  IGNIS_XOFFRXC : IGNIS_XONRXC, 1);
		if (!(rctl & RCTL_PMCF))
			return;
	}
	if (!match_address(nic, data))
		return;

	/* 82575 14.9: what is counted has passed the address filter */
	if (crc_error && fcs >= 64)
		nic_count(nic, IGNIS_CRCERRS, 1);
	if (fcs < 64) {
		nic_count(nic, crc_error ? IGNIS_RFC : IGNIS_RUC, 1);
		bad = true;
	}
	if (fcs > longest(nic)) {
		nic_count(nic, crc_error ? IGNIS_RJC : IGNIS_ROC, 1);
		bad = true;
	}
	if (bad && !(rctl & RCTL_SBP))
		return;

	if (rctl & RCTL_VFE && p.tagged &&
	    !(*nic_reg(nic, IGNIS_VFTA(p.vlan >> 5 & 0x7f)) &
	      BIT(p.vlan & 31)))
		return;
	if (nic->fifo_bytes + fcs > fifo_size(nic)) {
		nic_count(nic, IGNIS_MPC, 1);
		nic_cause(nic, ICR_RXO);
		return;
	}

	frame = kzalloc(sizeof(*frame) + fcs, GFP_ATOMIC);
	if (!frame)
		return;
	memcpy(frame->data, data, len);
	put_unaligned_le32(~crc32_le(~0u, data, len) ^ (crc_error ? 1 : 0),
			   frame->data + len);
	frame->len = len;
	frame->crc_error = crc_error;
	list_add_tail(&frame->list, &nic->fifo);
	nic->fifo_bytes += fcs;
	if (!bad)
		count_received(nic, data, fcs);
}

/**
 * nic_inject - a frame comes over the cable
 * @nic: the model
 * @data: from the destination address on, without FCS
 * @len: of @data
 *
 * Context: any.
 */
void nic_inject(struct nic *nic, const u8 *data, u32 len)
{
	unsigned long flags;

	spin_lock_irqsave(&nic->lock, flags);
	if (nic->link && !nic_phy_loopback(nic))
		nic_rx_wire(nic, data, len, false);
	nic_arm(nic, 1000);
	spin_unlock_irqrestore(&nic->lock, flags);
}

/* --- which queue -------------------------------------------------------- */

u32 nic_toeplitz(const u8 *key, const u8 *data, unsigned int len)
{
	u32 hash = 0, window = get_unaligned_be32(key);
	unsigned int i, bit;

	for (i = 0; i < len; i++) {
		for (bit = 0; bit < 8; bit++) {
			if (data[i] & (0x80 >> bit))
				hash ^= window;
			window = window << 1 | !!(key[i + 4] & (0x80 >> bit));
		}
	}
	return hash;
}

/* 82576 7.1.1.7, 82574 7.1.11: which fields are hashed, and what it is called */
static u32 rss_type(u32 mrqc, const struct rx_parse *p, bool *ports)
{
	bool tcp = p->l4 && p->proto == IPPROTO_TCP;
	bool udp = p->l4 && p->proto == IPPROTO_UDP;

	*ports = true;
	if (p->v4 && tcp && mrqc & MRQC_TCP_IPV4)
		return RSSTYPE_TCP_IPV4;
	if (p->v4 && udp && mrqc & MRQC_UDP_IPV4)
		return RSSTYPE_UDP_IPV4;
	if (p->v6 && tcp && p->ext && mrqc & MRQC_TCP_IPV6_EX)
		return RSSTYPE_TCP_IPV6_EX;
	if (p->v6 && tcp && !p->ext && mrqc & MRQC_TCP_IPV6)
		return RSSTYPE_TCP_IPV6;
	if (p->v6 && udp && p->ext && mrqc & MRQC_UDP_IPV6_EX)
		return RSSTYPE_UDP_IPV6_EX;
	if (p->v6 && udp && !p->ext && mrqc & MRQC_UDP_IPV6)
		return RSSTYPE_UDP_IPV6;
	*ports = false;
	if (p->v4 && mrqc & MRQC_IPV4)
		return RSSTYPE_IPV4;
	if (p->v6 && p->ext && mrqc & MRQC_IPV6_EX)
		return RSSTYPE_IPV6_EX;
	if (p->v6 && mrqc & MRQC_IPV6)
		return RSSTYPE_IPV6;
	return RSSTYPE_NONE;
}

static u16 choose_rss(struct nic *nic, struct nic_frame *frame,
		      const struct rx_parse *p)
{
	u32 mrqc = *nic_reg(nic, IGNIS_MRQC), type, alen = p->v4 ? 4 : 16;
	u8 input[36], key[40];
	unsigned int i;
	bool ports, ex;
	u32 entry;

	if ((mrqc & 7) != (nic->chip->adv ? MRQC_RSS : MRQC_RSS_82574))
		return 0;
	type = rss_type(mrqc, p, &ports);
	if (type == RSSTYPE_NONE)
		return 0;
	ex = type == RSSTYPE_TCP_IPV6_EX || type == RSSTYPE_UDP_IPV6_EX ||
	     type == RSSTYPE_IPV6_EX;
	memcpy(input, ex && p->home ? p->home : p->saddr, alen);
	memcpy(input + alen, ex && p->dest ? p->dest : p->daddr, alen);
	if (ports)
		memcpy(input + 2 * alen, frame->data + p->l4, 4);
	for (i = 0; i < 10; i++)
		put_unaligned_le32(*nic_reg(nic, IGNIS_RSSRK(i)), key + 4 * i);
	frame->hash = nic_toeplitz(key, input, 2 * alen + (ports ? 4 : 0));
	frame->info = type;
	i = frame->hash & 127;
	entry = *nic_reg(nic, IGNIS_RETA(i / 4)) >> 8 * (i % 4) & 0xff;
	return nic->chip->adv ? entry & 0xf : entry >> 7;
}

/* 82576 7.1.1.5: the matching filter of the highest priority */
static int match_tuple(struct nic *nic, const struct nic_frame *frame,
		       const struct rx_parse *p, bool stamp)
{
	int best = -1, best_priority = -1;
	unsigned int n;

	if (!p->v4)
		return -1;
	for (n = 0; n < 8; n++) {
		u32 ftqf = *nic_reg(nic, IGNIS_FTQF(n));
		u32 imir = *nic_reg(nic, IGNIS_IMIR(n));
		u32 ext = *nic_reg(nic, IGNIS_IMIREXT(n));
		bool ports = p->l4 && (p->proto == IPPROTO_TCP ||
				       p->proto == IPPROTO_UDP ||
				       p->proto == IPPROTO_SCTP);
		int priority = FIELD_GET(IMIR_PRIORITY, imir);

		if (!(ftqf & (stamp ? FTQF_1588 : FTQF_QUEUE_ENABLE)))
			continue;
		if (!(ftqf & FTQF_PROTOCOL_BP) &&
		    FIELD_GET(FTQF_PROTOCOL, ftqf) != p->proto)
			continue;
		if (!(ftqf & FTQF_SADDR_BP) &&
		    *nic_reg(nic, IGNIS_SAQF(n)) !=
		    get_unaligned_le32(p->saddr))
			continue;
		if (!(ftqf & FTQF_DADDR_BP) &&
		    *nic_reg(nic, IGNIS_DAQF(n)) !=
		    get_unaligned_le32(p->daddr))
			continue;
		if (!(ftqf & FTQF_SPORT_BP) &&
		    (!ports || (u16)*nic_reg(nic, IGNIS_SPQF(n)) !=
		     get_unaligned_le16(frame->data + p->l4)))
			continue;
		if (!(imir & IMIR_PORT_BP) &&
		    (!ports || FIELD_GET(IMIR_DST_PORT, imir) !=
		     get_unaligned_le16(frame->data + p->l4 + 2)))
			continue;
		/* Lengths and flags are compared unless told not to */
		if (!(ext & IMIREXT_SIZE_BP) && frame->len > (ext & 0xfff))
			continue;
		if (!(ext & IMIREXT_CTRL_BP) &&
		    !(p->l4 && p->proto == IPPROTO_TCP &&
		      frame->data[p->l4 + 13] & (ext >> 13) & 0x3f))
			continue;
		if (priority > best_priority) {
			best_priority = priority;
			best = n;
		}
	}
	return best;
}

static int match_syn(struct nic *nic, const struct nic_frame *frame,
		     const struct rx_parse *p)
{
	u32 synqf = *nic_reg(nic, IGNIS_SYNQF);

	if (!(synqf & SYNQF_ENABLE) || !p->l4 || p->proto != IPPROTO_TCP ||
	    !(frame->data[p->l4 + 13] & 0x02))
		return -1;
	return FIELD_GET(SYNQF_QUEUE, synqf);
}

static int match_etype(struct nic *nic, const struct rx_parse *p, u32 what)
{
	unsigned int n;

	for (n = 0; n < 8; n++) {
		u32 etqf = *nic_reg(nic, IGNIS_ETQF(n));

		if (etqf & ETQF_FILTER_EN && etqf & what &&
		    FIELD_GET(ETQF_ETYPE, etqf) == p->etype)
			return n;
	}
	return -1;
}

/* 82576 7.1.1.3: EtherType, then SYN and 5-tuple as RFCTL says, then RSS */
static u16 choose_queue(struct nic *nic, struct nic_frame *frame,
			const struct rx_parse *p)
{
	u16 rss = choose_rss(nic, frame, p);
	int n, syn;

	if (!nic->chip->adv)
		return rss;
	n = match_etype(nic, p, ETQF_QUEUE_ENABLE);
	if (n >= 0)
		return FIELD_GET(ETQF_QUEUE, *nic_reg(nic, IGNIS_ETQF(n)));
	syn = match_syn(nic, frame, p);
	if (syn >= 0 && *nic_reg(nic, IGNIS_RFCTL) & RFCTL_SYNQFP)
		return syn;
	n = match_tuple(nic, frame, p, false);
	if (n >= 0)
		return FIELD_GET(FTQF_QUEUE, *nic_reg(nic, IGNIS_FTQF(n)));
	return syn >= 0 ? syn : rss;
}

/* --- sums and time stamps ----------------------------------------------- */

static u32 check_sums(struct nic *nic, const struct nic_frame *frame,
		      const struct rx_parse *p)
{
	u32 rxcsum = *nic_reg(nic, IGNIS_RXCSUM), status = 0;
	const u8 *l4 = frame->data + p->l4;
	__wsum sum;

	if (p->v4 && rxcsum & RXCSUM_IPOFLD) {
		const struct iphdr *ip = (const void *)(frame->data + p->l3);

		status |= RXD_IPCS;
		if (ip_fast_csum(ip, ip->ihl))
			status |= RXD_IPE;
	}
	if (!p->l4 || !(rxcsum & RXCSUM_TUOFLD))
		return status;
	if (p->proto == IPPROTO_SCTP && nic->chip->adv &&
	    rxcsum & RXCSUM_CRCOFL && p->l4_len >= 12) {
		u32 crc = crc32c(~0u, l4, 8);

		crc = crc32c(crc, "\0\0\0\0", 4);
		crc = ~crc32c(crc, l4 + 12, p->l4_len - 12);
		return status | RXD_L4CS |
		       (crc != get_unaligned_le32(l4 + 8) ? RXD_L4E : 0);
	}
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)
		return status;
	if (p->proto == IPPROTO_UDP && !get_unaligned((u16 *)(l4 + 6)))
		return status;

	status |= RXD_L4CS | (p->proto == IPPROTO_UDP ? RXD_UDPCS : 0);
	sum = csum_partial(l4, p->l4_len, 0);
	if (p->v4 ? csum_tcpudp_magic(get_unaligned((__be32 *)p->saddr),
				      get_unaligned((__be32 *)p->daddr),
				      p->l4_len, p->proto, sum) :
		    csum_ipv6_magic((const void *)p->saddr,
				    (const void *)p->daddr, p->l4_len,
				    p->proto, sum))
		status |= RXD_L4E;
	return status;
}

/* TSYNCRXCTL.TYPE, and which message */
static bool ptp_message(struct nic *nic, const u8 *ptp, u32 len, bool l4)
{
	u32 type = FIELD_GET(TSYNCRXCTL_TYPE, *nic_reg(nic, IGNIS_TSYNCRXCTL));
	u32 cfg = nic->chip->adv ? *nic_reg(nic, IGNIS_TSYNCRXCFG) :
		  FIELD_GET(RXMTRL_MSG, *nic_reg(nic, IGNIS_RXMTRL));

	if (len < 34)
		return false;
	switch (type) {
	case TSYNC_L2_V2:
		return !l4 && (ptp[0] & 0xf) == (cfg >> 8 & 0xf);
	case TSYNC_L4_V1:
		return l4 && ptp[32] == (cfg & 0xff);
	case TSYNC_L2_L4_V2:
		return (ptp[0] & 0xf) == (cfg >> 8 & 0xf);
	case TSYNC_EVENT_V2:
		return (ptp[0] & 0xf) < 8;
	}
	return false;
}

static bool wants_stamp(struct nic *nic, const struct nic_frame *frame,
			const struct rx_parse *p)
{
	u32 ctl = *nic_reg(nic, IGNIS_TSYNCRXCTL);
	bool l2 = false, l4 = false;
	u32 at;

	if (!(ctl & TSYNCRXCTL_EN) || ctl & TSYNCRXCTL_VALID)
		return false;
	if (!nic->chip->adv && FIELD_GET(TSYNCRXCTL_TYPE, ctl) == TSYNC_ALL)
		return true;
	if (nic->chip->adv) {
		l2 = match_etype(nic, p, ETQF_1588) >= 0;
		l4 = p->l4 && match_tuple(nic, frame, p, true) >= 0;
	} else {
		l2 = p->etype == FIELD_GET(RXMTRL_ETYPE,
					   *nic_reg(nic, IGNIS_RXMTRL)) &&
		     p->etype == PTP_ETYPE;
		l4 = p->l4 && p->proto == IPPROTO_UDP &&
		     get_unaligned_le16(frame->data + p->l4 + 2) ==
		     (u16)*nic_reg(nic, IGNIS_RXUDP);
	}
	if (!l2 && !l4)
		return false;
	at = l4 ? p->l4 + sizeof(struct udphdr) : p->l3;
	return at < frame->len &&
	       ptp_message(nic, frame->data + at, frame->len - at, l4);
}

/* --- into memory -------------------------------------------------------- */

static void prepare(struct nic *nic, struct nic_frame *frame)
{
	struct rx_parse p;
	u64 now;

	frame->parsed = true;
	if (frame->crc_error)
		frame->status |= nic->chip->adv ? RXD_RXE : RXD_CE;
	parse(nic, frame->data, frame->len, &p);
	frame->rxq = choose_queue(nic, frame, &p);
	if (!(*nic_reg(nic, IGNIS_RXCSUM) & RXCSUM_PCSD)) {
		frame->info = 0;
		frame->hash = 0;
	}
	frame->status |= check_sums(nic, frame, &p);
	if (wants_stamp(nic, frame, &p)) {
		now = nic_systim(nic);
		*nic_reg(nic, IGNIS_RXSTMPL) = now;
		*nic_reg(nic, IGNIS_RXSTMPH) = now >> 32;
		*nic_reg(nic, IGNIS_TSYNCRXCTL) |= TSYNCRXCTL_VALID;
		frame->status |= nic->chip->adv ? RXD_TS : RXD_TST;
	}
	if (p.tagged && *nic_reg(nic, IGNIS_CTRL) & CTRL_VME) {
		frame->vlan = p.vlan;
		frame->status |= RXD_VP;
		memmove(frame->data + 2 * ETH_ALEN,
			frame->data + 2 * ETH_ALEN + VLAN_HLEN,
			frame->len + ETH_FCS_LEN - 2 * ETH_ALEN - VLAN_HLEN);
		frame->len -= VLAN_HLEN;
	}
	if (!(*nic_reg(nic, IGNIS_RCTL) & RCTL_SECRC))
		frame->len += ETH_FCS_LEN;
}

static u32 buffer_size(struct nic *nic, u16 q)
{
	u32 rctl = *nic_reg(nic, IGNIS_RCTL);
	u32 flex = FIELD_GET(RCTL_FLXBUF, rctl);
	u32 kb;

	if (nic->chip->adv) {
		u32 srrctl = *nic_rxq_reg(nic, q, 0x0c);

		kb = FIELD_GET(SRRCTL_BSIZEPACKET, srrctl);
		if (kb)
			return kb * 1024;
	} else if (flex) {
		return flex * 1024;
	}
	/* RCTL.BSIZE, and BSEX which makes it 16 times as much */
	return (2048 >> (rctl >> 16 & 3)) << (rctl & BIT(25) ? 4 : 0);
}

static bool rx_enabled(struct nic *nic, u16 q)
{
	if (q >= nic->chip->queues ||
	    !(*nic_reg(nic, IGNIS_RCTL) & RCTL_RXEN))
		return false;
	return !nic->chip->adv ||
	       *nic_rxq_reg(nic, q, Q_DCTL) & RXDCTL_ENABLE;
}

static void check_format(struct nic *nic, u16 q)
{
	u32 srrctl = *nic_rxq_reg(nic, q, 0x0c);

	if (!nic->chip->adv) {
		if (!(*nic_reg(nic, IGNIS_RFCTL) & RFCTL_EXTEN))
			nic_complain(nic, "legacy receive descriptors");
	} else if (FIELD_GET(SRRCTL_DESCTYPE, srrctl) != DESCTYPE_ADV_ONEBUF) {
		nic_complain(nic, "SRRCTL %#x", srrctl);
	}
}

/* A descriptor's worth of @frame; false if that could not be */
static bool write_part(struct nic *nic, u16 q, struct nic_frame *frame,
		       u32 size)
{
	u64 base = *nic_rxq_reg(nic, q, Q_BAL) |
		   (u64)*nic_rxq_reg(nic, q, Q_BAH) << 32;
	u32 part = min(size, frame->len - frame->done), tail, count;
	u32 *head = nic_rxq_reg(nic, q, Q_HEAD);
	union ignis_rx_desc desc;
	bool last;
	u64 at;

	check_format(nic, q);
	tail = *nic_rxq_reg(nic, q, Q_TAIL);
	count = *nic_rxq_reg(nic, q, Q_LEN) / sizeof(desc);
	if (tail >= count || *head >= count) {
		nic_complain(nic, "RDH %u, RDT %u of %u", *head, tail, count);
		return false;
	}
	at = base + *head * sizeof(desc);
	if (!nic_dma_read(nic, at, &desc, sizeof(desc)))
		return false;
	if (!nic_dma_write(nic, le64_to_cpu(desc.read.pkt_addr),
			   frame->data + frame->done, part))
		return false;
	frame->done += part;
	last = frame->done == frame->len;

	memset(&desc, 0, sizeof(desc));
	desc.wb.pkt_info = cpu_to_le16(last ? frame->info : 0);
	desc.wb.rss_hash = cpu_to_le32(last ? frame->hash : 0);
	desc.wb.staterr = cpu_to_le32(RXD_DD | (last ? RXD_EOP | frame->status :
						0));
	desc.wb.length = cpu_to_le16(part);
	desc.wb.vlan = cpu_to_le16(last ? frame->vlan : 0);
	if (nic->lies.rx_hook)
		nic->lies.rx_hook(nic, q, *head, &desc);
	nic_dma_write(nic, at, &desc, sizeof(desc));
	*head = (*head + 1) % count;
	return true;
}

static u32 available(struct nic *nic, u16 q)
{
	u32 count = *nic_rxq_reg(nic, q, Q_LEN) / 16;

	if (!count)
		return 0;
	return (*nic_rxq_reg(nic, q, Q_TAIL) + count -
		*nic_rxq_reg(nic, q, Q_HEAD)) % count;
}

/* From the FIFO into memory as far as there are descriptors; nic->lock held */
void nic_rx_run(struct nic *nic)
{
	while (nic_may_dma(nic) && !list_empty(&nic->fifo)) {
		struct nic_frame *frame = list_first_entry(&nic->fifo,
							   struct nic_frame,
							   list);
		bool dropped = false;
		u32 size;
		u16 q;

		if (!frame->parsed) {
			nic->fifo_bytes -= frame->len + ETH_FCS_LEN;
			prepare(nic, frame);
			nic->fifo_bytes += frame->len;
		}
		q = frame->rxq;
		if (!rx_enabled(nic, q)) {
			/* 82576: without a queue there is none to wait for */
			dropped = true;
		} else {
			size = buffer_size(nic, q);
			if (nic->chip->adv && !frame->done &&
			    *nic_rxq_reg(nic, q, 0x0c) & SRRCTL_DROP_EN &&
			    available(nic, q) < DIV_ROUND_UP(frame->len, size)) {
				nic_count(nic, IGNIS_RQDPC(q), 1);
				dropped = true;
			}
			while (!dropped && frame->done < frame->len) {
				if (!available(nic, q)) {
					if (!nic->rx_blocked)
						nic_cause(nic, ICR_RXO);
					nic->rx_blocked = true;
					return;
				}
				if (!write_part(nic, q, frame, size))
					dropped = true;
			}
			if (!dropped) {
				nic->rx_blocked = false;
				nic->rx_frames[q]++;
				nic_cause_rx(nic, q);
			}
		}
		nic->fifo_bytes -= frame->len;
		list_del(&frame->list);
		kfree(frame);
	}
}
