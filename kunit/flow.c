// SPDX-License-Identifier: GPL-2.0-only
/* Frames, in words and as bytes.  Guests of QEMU have this file in a module. */

#include <linux/crc32.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sctp.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip6_checksum.h>
#include <net/sock.h>

#include "flow.h"

static const u8 peer[ETH_ALEN] = { 0x02, 0x16, 0x3e, 0xff, 0xff, 0x02 };
static const u8 own[ETH_ALEN] = { 0x02, 0x16, 0x3e, 0x00, 0x00, 0x01 };

static u8 payload_byte(u32 at)
{
	return at * 7 + (at >> 8) * 13 + 1;
}

static void put16(u8 *at, u16 val)
{
	put_unaligned_be16(val, at);
}

static __sum16 l4_check(const struct built *f, const struct flow *flow,
			u32 len)
{
	__wsum sum = csum_partial(f->data + f->l4, len, 0);
	__sum16 check;

	if (flow->v6) {
		const struct ipv6hdr *ip6 = (const void *)(f->data + f->l3);

		check = csum_ipv6_magic(&ip6->saddr, &ip6->daddr, len,
					flow->proto, sum);
	} else {
		const struct iphdr *ip = (const void *)(f->data + f->l3);

		check = csum_tcpudp_magic(get_unaligned(&ip->saddr),
					  get_unaligned(&ip->daddr), len,
					  flow->proto, sum);
	}
	if (flow->proto == IPPROTO_UDP && !check)
		check = CSUM_MANGLED_0;
	return check;
}

static u32 build_l3(struct built *f, const struct flow *flow, u32 l4_bytes)
{
	u8 *p = f->data + f->l3;

	if (flow->v6) {
		struct ipv6hdr *ip6 = (void *)p;

		p[0] = 0x60;
		put16((u8 *)&ip6->payload_len, flow->ext + l4_bytes);
		ip6->nexthdr = flow->ext ? IPPROTO_DSTOPTS : flow->proto;
		ip6->hop_limit = 64;
		p[8] = 0xfd;
		p[23] = flow->src;
		p[24] = 0xfd;
		p[39] = flow->dst;
		if (flow->ext) {
			p[40] = flow->proto;
			p[41] = flow->ext / 8 - 1;
			p[42] = 1;		/* PadN */
			p[43] = flow->ext - 4;
		}
		return sizeof(*ip6) + flow->ext;
	}
	p[0] = 0x45 + flow->ext / 4;
	put16(p + 2, 20 + flow->ext + l4_bytes);
	put16(p + 4, flow->id);
	put16(p + 6, IP_DF);
	p[8] = 64;
	p[9] = flow->proto;
	put_unaligned_be32(0x0a000000 | flow->src, p + 12);
	put_unaligned_be32(0x0a000000 | flow->dst, p + 16);
	memset(p + 20, 1, flow->ext);		/* No operation */
	put_unaligned(ip_fast_csum(p, 5 + flow->ext / 4), (__sum16 *)(p + 10));
	return 20 + flow->ext;
}

/**
 * build - the frame as it is on the wire, without FCS and padding
 * @f: filled in
 * @flow: what it is
 */
void build(struct built *f, const struct flow *flow)
{
	u32 at = 2 * ETH_ALEN, i, l4_hdr = 0;
	u8 *p;

	memset(f, 0, sizeof(*f));
	memcpy(f->data, flow->dmac ?: own, ETH_ALEN);
	memcpy(f->data + ETH_ALEN, peer, ETH_ALEN);
	if (flow->tagged) {
		put16(f->data + at, ETH_P_8021Q);
		put16(f->data + at + 2, flow->vlan);
		at += VLAN_HLEN;
	}
	put16(f->data + at, flow->etype ?: flow->v6 ? ETH_P_IPV6 :
			    flow->ip || flow->proto ? ETH_P_IP : 0x88b5);
	f->l3 = at + 2;
	switch (flow->proto) {
	case IPPROTO_TCP:
		l4_hdr = 20 + flow->tcp_opts;
		break;
	case IPPROTO_UDP:
		l4_hdr = 8;
		break;
	case IPPROTO_SCTP:
		l4_hdr = 12;
		break;
	}
	f->l4 = f->l3;
	if (flow->v6 || flow->ip || flow->proto)
		f->l4 += build_l3(f, flow, l4_hdr + flow->len);
	f->payload = f->l4 + l4_hdr;
	f->len = f->payload + flow->len;
	for (i = 0; i < flow->len; i++)
		f->data[f->payload + i] = payload_byte(flow->at + i);

	p = f->data + f->l4;
	if (l4_hdr) {
		put16(p, flow->sport);
		put16(p + 2, flow->dport);
	}
	if (flow->proto == IPPROTO_TCP) {
		put_unaligned_be32(1000 + flow->at, p + 4);
		put_unaligned_be32(1, p + 8);
		p[12] = l4_hdr / 4 << 4;
		p[13] = flow->flags;
		put16(p + 14, 1024);
		memset(p + 20, 1, flow->tcp_opts);
		f->l4_sum = f->l4 + 16;
	} else if (flow->proto == IPPROTO_UDP) {
		put16(p + 4, l4_hdr + flow->len);
		f->l4_sum = f->l4 + 6;
	} else if (flow->proto == IPPROTO_SCTP) {
		f->l4_sum = f->l4 + 8;
		put_unaligned_le32(~crc32c(~0u, p, l4_hdr + flow->len), p + 8);
		return;
	}
	if (f->l4_sum)
		put_unaligned(l4_check(f, flow, l4_hdr + flow->len),
			      (__sum16 *)(f->data + f->l4_sum));
}

/* What the stack leaves in the field for a chip that adds the rest */
static void seed_sum(struct sk_buff *skb, const struct built *f,
		     const struct flow *flow, u32 len)
{
	u8 *at = skb->data + (f->l4_sum - f->l4) + skb_transport_offset(skb);
	__sum16 seed;

	if (flow->proto == IPPROTO_SCTP) {
		put_unaligned(0, (u32 *)at);
		return;
	}
	seed = flow->v6 ?
	       ~csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr,
				len, flow->proto, 0) :
	       ~csum_tcpudp_magic(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, len,
				  flow->proto, 0);
	put_unaligned(seed, (__sum16 *)at);
}

/**
 * flow_skb - the frame as the stack would hand it to a driver
 * @netdev: that will send it
 * @flow: what it is; @flow->len may be up to 64 KiB; a tag goes into the skb
 * @frags: pieces that the payload is in besides the linear part; 0: all linear
 * @mss: segment it so; 0: do not
 * @csum: leave the sum to the driver
 *
 * Return: the skb; NULL if there is no memory.
 */
struct sk_buff *flow_skb(struct net_device *netdev, const struct flow *flow,
			 unsigned int frags, unsigned int mss, bool csum)
{
	struct flow bare = *flow;
	u32 len = flow->len, left, at, i;
	struct sk_buff *skb;
	struct built *f;

	f = kzalloc_obj(*f);
	if (!f)
		return NULL;
	bare.tagged = false;
	/* All headers of the whole, but its payload is added below */
	if (len > 9000)
		bare.len = 0;
	build(f, &bare);
	skb = alloc_skb(NET_SKB_PAD + f->payload + (frags ? 0 : len) + 64,
			GFP_KERNEL);
	if (!skb)
		goto out;
	skb_reserve(skb, NET_SKB_PAD);
	skb_put_data(skb, f->data, f->payload);
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, f->l3);
	skb_set_transport_header(skb, f->l4);
	skb->dev = netdev;
	skb->protocol = *(__be16 *)(f->data + f->l3 - 2);

	if (!frags) {
		for (i = 0; i < len; i++)
			skb_put_u8(skb, payload_byte(flow->at + i));
	}
	for (i = 0, at = 0, left = len; i < frags; i++) {
		u32 part = i == frags - 1 ? left : len / frags, k;
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP,
						get_order(part ?: 1));

		if (!page) {
			kfree_skb(skb);
			skb = NULL;
			goto out;
		}
		for (k = 0; k < part; k++)
			((u8 *)page_address(page))[k] =
				payload_byte(flow->at + at + k);
		skb_add_rx_frag(skb, i, page, 0, part,
				PAGE_SIZE << compound_order(page));
		at += part;
		left -= part;
	}
	if (mss) {
		skb_shinfo(skb)->gso_size = mss;
		skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(len, mss);
		skb_shinfo(skb)->gso_type =
			flow->proto == IPPROTO_UDP ? SKB_GSO_UDP_L4 :
			flow->v6 ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4;
		if (flow->flags & 0x80)
			skb_shinfo(skb)->gso_type |= SKB_GSO_TCP_ECN;
	}
	if (csum && f->l4_sum) {
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb_headroom(skb) + f->l4;
		skb->csum_offset = f->l4_sum - f->l4;
		seed_sum(skb, f, flow, skb->len - f->l4);
		if (flow->proto == IPPROTO_SCTP)
			skb->csum_not_inet = 1;
	}
	if (flow->tagged)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), flow->vlan);
out:
	kfree(f);
	return skb;
}
