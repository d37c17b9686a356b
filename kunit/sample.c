// SPDX-License-Identifier: GPL-2.0-only
/* Frames of every kind, for the model and for QEMU.  Names have no colon. */

#include <linux/crc32.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "sample.h"

#define SCTP4	.src = 2, .dst = 1, .sport = 9, .dport = 10, \
		.proto = IPPROTO_SCTP
#define SCTP6	.v6 = true, SCTP4
/* The same protocol between others: for the hash */
#define HOSTS(from, sender, to, receiver) \
	.src = (from), .sport = (sender), .dst = (to), .dport = (receiver), \
	.len = 60

const struct rx_sample sample_rx[] = {
	{ "plain", { .len = 46 } },
	{ "plain long", { .len = 1500 } },
	{ "plain tag", { .len = 100, TAG(SAMPLE_VLAN) } },
	{ "plain runt", { .len = 45 }, .runt = true },
	{ "tcp4 runt", { TCP4 }, .runt = true },

	{ "tcp4", { TCP4, .len = 100 }, SUMS_IP },
	{ "tcp4 empty", { TCP4 }, SUMS },
	{ "tcp4 options", { TCP4, .len = 91, .tcp_opts = 12, .ext = 20 },
	  SUMS_IP },
	{ "tcp4 full", { TCP4, .len = 1460 }, SUMS },
	{ "tcp4 tag", { TCP4, .len = 333, TAG(0xb000 | SAMPLE_VLAN) }, SUMS },
	{ "tcp4 priority", { TCP4, .len = 100, TAG(0x6000) } },
	{ "tcp4 other vlan", { TCP4, .len = 100, TAG(SAMPLE_VLAN + 1) } },
	{ "tcp4 802.1ad", { TCP4, .len = 100 }, .outer = ETH_P_8021AD },
	{ "tcp4 802.1ad 802.1q", { TCP4, .len = 100, TAG(SAMPLE_VLAN) },
	  .outer = ETH_P_8021AD },
	{ "tcp4 two tags", { TCP4, .len = 100, TAG(SAMPLE_VLAN) },
	  .outer = ETH_P_8021Q },
	{ "tcp4 behind", { TCP4, .len = 100 }, SUMS, .behind = 33 },
	{ "tcp4 first fragment", { TCP4, .len = 100 }, .frag = IP_MF },
	{ "tcp4 fragment", { TCP4, .len = 100 }, .frag = IP_MF | 20 },
	{ "tcp4 last fragment", { TCP4, .len = 100 }, .frag = 20 },
	{ "tcp4 zero sum", { .proto = IPPROTO_TCP, .src = 2, .dst = 1,
			     .sport = 14680, .dport = 5000,
			     .flags = TCPHDR_ACK, .len = 100 } },

	{ "tcp6", { TCP6, .len = 100 }, SUMS },
	{ "tcp6 options", { TCP6, .len = 91, .tcp_opts = 40 }, SUMS },
	{ "tcp6 full", { TCP6, .len = 1440 }, SUMS },
	{ "tcp6 tag", { TCP6, .len = 99, TAG(SAMPLE_VLAN) }, SUMS },
	{ "tcp6 extension", { TCP6, .len = 100, .ext = 16 }, SUMS },
	{ "tcp6 hop-by-hop", { TCP6, .len = 100, .ext = 8 },
	  .next = IPPROTO_HOPOPTS },
	{ "tcp6 routing", { TCP6, .len = 100, .ext = 8 },
	  .next = IPPROTO_ROUTING },
	{ "tcp6 other destination", { TCP6, .len = 100, .ext = 24 },
	  .next = IPPROTO_ROUTING },
	{ "tcp6 home address", { TCP6, .len = 100, .ext = 24 },
	  .next = IPPROTO_DSTOPTS },
	{ "tcp6 first fragment", { TCP6, .len = 100, .ext = 8 },
	  .next = IPPROTO_FRAGMENT, .frag = IP6_MF },
	{ "tcp6 last fragment", { TCP6, .len = 100, .ext = 8 },
	  .next = IPPROTO_FRAGMENT, .frag = 20 << 3 },

	{ "udp4", { UDP4, .len = 64 }, SUMS_IP },
	{ "udp4 empty", { UDP4 }, SUMS },
	{ "udp4 options", { UDP4, .len = 64, .ext = 40 }, SUMS_IP },
	{ "udp4 tag", { UDP4, .len = 1000, TAG(SAMPLE_VLAN) }, SUMS },
	{ "udp4 behind", { UDP4, .len = 100 }, SUMS, .behind = 34 },
	{ "udp4 first fragment", { UDP4, .len = 100 }, .frag = IP_MF },
	{ "udp4 last fragment", { UDP4, .len = 100 }, .frag = 20 },
	{ "udp4 zero sum", { .proto = IPPROTO_UDP, .src = 2, .dst = 1,
			     .sport = 41394, .dport = 700, .len = 100 } },

	{ "udp6", { UDP6, .len = 77 }, SUMS },
	{ "udp6 tag", { UDP6, .len = 78, TAG(SAMPLE_VLAN) }, SUMS },
	{ "udp6 extension", { UDP6, .len = 100, .ext = 8 }, SUMS },
	{ "udp6 hop-by-hop", { UDP6, .len = 100, .ext = 16 },
	  .next = IPPROTO_HOPOPTS },
	{ "udp6 other destination", { UDP6, .len = 100, .ext = 24 },
	  .next = IPPROTO_ROUTING },
	{ "udp6 home address", { UDP6, .len = 100, .ext = 24 },
	  .next = IPPROTO_DSTOPTS },
	{ "udp6 first fragment", { UDP6, .len = 100, .ext = 8 },
	  .next = IPPROTO_FRAGMENT, .frag = IP6_MF },
	{ "udp6 last fragment", { UDP6, .len = 100, .ext = 8 },
	  .next = IPPROTO_FRAGMENT, .frag = 20 << 3 },
	{ "udp6 zero sum", { .proto = IPPROTO_UDP, .v6 = true, .src = 2,
			     .dst = 1, .sport = 48048, .dport = 700,
			     .len = 100 } },

	{ "sctp4", { SCTP4, .len = 100 }, SUMS_IP },
	{ "sctp4 odd", { SCTP4, .len = 101 }, SUMS },
	{ "sctp4 options", { SCTP4, .len = 100, .ext = 8 }, SUMS },
	{ "sctp4 tag", { SCTP4, .len = 100, TAG(SAMPLE_VLAN) }, SUMS },
	{ "sctp4 short", { SCTP4, .len = 4 } },
	{ "sctp4 behind", { SCTP4, .len = 100 }, SUMS, .behind = 33 },
	{ "sctp4 first fragment", { SCTP4, .len = 100 }, .frag = IP_MF },
	{ "sctp4 last fragment", { SCTP4, .len = 100 }, .frag = 20 },
	{ "sctp6", { SCTP6, .len = 100 }, SUMS },
	{ "sctp6 extension", { SCTP6, .len = 100, .ext = 8 }, SUMS },

	{ "tcp4 hosts 0",
	  { HOSTS(10, 1000, 50, 80), .proto = IPPROTO_TCP } },
	{ "udp4 hosts 0",
	  { HOSTS(10, 1000, 50, 80), .proto = IPPROTO_UDP } },
	{ "sctp4 hosts 0",
	  { HOSTS(10, 1000, 50, 80), .proto = IPPROTO_SCTP } },
	{ "ip4 hosts 0",
	  { HOSTS(10, 1000, 50, 80), .proto = IPPROTO_IPIP } },
	{ "tcp6 hosts 0",
	  { HOSTS(10, 1000, 50, 80), .proto = IPPROTO_TCP, .v6 = true } },
	{ "udp6 hosts 0",
	  { HOSTS(10, 1000, 50, 80), .proto = IPPROTO_UDP, .v6 = true } },
	{ "sctp6 hosts 0",
	  { HOSTS(10, 1000, 50, 80), .proto = IPPROTO_SCTP, .v6 = true } },
	{ "ip6 hosts 0",
	  { HOSTS(10, 1000, 50, 80), .proto = IPPROTO_IPIP, .v6 = true } },
	{ "tcp4 hosts 1",
	  { HOSTS(11, 1777, 49, 81), .proto = IPPROTO_TCP } },
	{ "udp4 hosts 1",
	  { HOSTS(11, 1777, 49, 81), .proto = IPPROTO_UDP } },
	{ "sctp4 hosts 1",
	  { HOSTS(11, 1777, 49, 81), .proto = IPPROTO_SCTP } },
	{ "ip4 hosts 1",
	  { HOSTS(11, 1777, 49, 81), .proto = IPPROTO_IPIP } },
	{ "tcp6 hosts 1",
	  { HOSTS(11, 1777, 49, 81), .proto = IPPROTO_TCP, .v6 = true } },
	{ "udp6 hosts 1",
	  { HOSTS(11, 1777, 49, 81), .proto = IPPROTO_UDP, .v6 = true } },
	{ "sctp6 hosts 1",
	  { HOSTS(11, 1777, 49, 81), .proto = IPPROTO_SCTP, .v6 = true } },
	{ "ip6 hosts 1",
	  { HOSTS(11, 1777, 49, 81), .proto = IPPROTO_IPIP, .v6 = true } },
	{ "tcp4 hosts 2",
	  { HOSTS(12, 2554, 48, 82), .proto = IPPROTO_TCP } },
	{ "udp4 hosts 2",
	  { HOSTS(12, 2554, 48, 82), .proto = IPPROTO_UDP } },
	{ "sctp4 hosts 2",
	  { HOSTS(12, 2554, 48, 82), .proto = IPPROTO_SCTP } },
	{ "ip4 hosts 2",
	  { HOSTS(12, 2554, 48, 82), .proto = IPPROTO_IPIP } },
	{ "tcp6 hosts 2",
	  { HOSTS(12, 2554, 48, 82), .proto = IPPROTO_TCP, .v6 = true } },
	{ "udp6 hosts 2",
	  { HOSTS(12, 2554, 48, 82), .proto = IPPROTO_UDP, .v6 = true } },
	{ "sctp6 hosts 2",
	  { HOSTS(12, 2554, 48, 82), .proto = IPPROTO_SCTP, .v6 = true } },
	{ "ip6 hosts 2",
	  { HOSTS(12, 2554, 48, 82), .proto = IPPROTO_IPIP, .v6 = true } },

	/* In several buffers, all but filled up, filled up, over by one */
	{ "jumbo plain", { .len = 9000 } },
	{ "jumbo tag", { .len = 9000, TAG(SAMPLE_VLAN) } },
	{ "jumbo 2048", { .len = 2048 - 14 } },
	{ "jumbo 3071", { .len = 3071 - 14 } },
	{ "jumbo 3072", { .len = 3072 - 14 } },
	{ "jumbo 3073", { .len = 3073 - 14 } },
	{ "jumbo 6144", { .len = 6144 - 14 } },
	{ "jumbo 6145", { .len = 6145 - 14 } },
	{ "jumbo tcp4", { TCP4, .len = 8960 }, SUMS_IP },
	{ "jumbo tcp6", { TCP6, .len = 8940 }, SUMS },
	{ "jumbo udp4", { UDP4, .len = 8001 }, SUMS },
	{ "jumbo udp6", { UDP6, .len = 7000 }, SUMS },
	{ "jumbo sctp4", { SCTP4, .len = 5000 }, SUMS },
};

const unsigned int sample_n_rx = ARRAY_SIZE(sample_rx) * N_SUMS;

const struct tx_sample sample_tx[] = {
	{ "plain", { .len = 46 } },
	{ "plain short", { .len = 3 } },
	{ "plain long", { .len = 1500 } },
	{ "plain vlan", { .len = 100, TAG(0x6123) } },
	{ "plain vlan short", { .len = 10, TAG(5) } },
	{ "tcp4", { TCP4, .len = 100 } },
	{ "tcp4 empty", { TCP4 } },
	{ "tcp4 odd", { TCP4, .len = 333 } },
	{ "tcp4 vlan", { TCP4, .len = 200, TAG(7) } },
	{ "tcp4 options", { TCP4, .len = 90, .tcp_opts = 12 } },
	{ "tcp4 ip options", { TCP4, .len = 90, .ext = 40 } },
	{ "tcp4 zero sum", { .proto = IPPROTO_TCP, .src = 2, .dst = 1,
			     .sport = 14680, .dport = 5000,
			     .flags = TCPHDR_ACK, .len = 100 } },
	{ "tcp4 frags", { TCP4, .len = 1400 }, 5 },
	{ "tcp4 17 frags", { TCP4, .len = 1445 }, 17 },
	{ "tcp6", { TCP6, .len = 100 } },
	{ "tcp6 vlan", { TCP6, .len = 60, TAG(4095) } },
	{ "tcp6 extension", { TCP6, .len = 100, .ext = 24 } },
	{ "udp4", { UDP4, .len = 64 } },
	{ "udp4 empty", { UDP4 } },
	{ "udp4 zero sum", { .proto = IPPROTO_UDP, .src = 2, .dst = 1,
			     .sport = 41394, .dport = 700, .len = 100 } },
	{ "udp4 ip options", { UDP4, .len = 91, .ext = 20 } },
	{ "udp4 vlan frags", { UDP4, .len = 1000, TAG(9) }, 3 },
	{ "udp6", { UDP6, .len = 77 } },
	{ "udp6 extension", { UDP6, .len = 77, .ext = 8 } },
	{ "sctp", { .proto = IPPROTO_SCTP, .src = 1, .dst = 2, .sport = 9,
		    .dport = 10, .len = 100 } },
	{ "sctp6 vlan", { .proto = IPPROTO_SCTP, .v6 = true, .src = 1,
			  .dst = 2, .sport = 9, .dport = 10, .len = 57,
			  TAG(3) } },
	{ "tso4", { TCP4, .len = 5000, .id = 65534 }, 0, 1460 },
	{ "tso4 fin psh", { TCP4 | TCPHDR_FIN | TCPHDR_PSH, .len = 4000 },
	  2, 1000 },
	{ "tso4 exact and 1", { TCP4, .len = 1073, .tcp_opts = 12 }, 0, 536 },
	{ "tso4 exact but 1", { TCP4, .len = 1071 }, 0, 536 },
	{ "tso4 exact", { TCP4, .len = 4380 }, 3, 1460 },
	{ "tso4 cwr", { TCP4 | TCPHDR_CWR, .len = 3000 }, 1, 1448 },
	{ "tso4 vlan", { TCP4, .len = 8000, TAG(77) }, 4, 1456 },
	{ "tso4 options", { TCP4, .len = 4000, .tcp_opts = 40, .ext = 8 },
	  0, 1000 },
	{ "tso4 64k", { TCP4, .len = 65000 }, 2, 1460 },
	{ "tso4 64k frags", { TCP4, .len = 65000 }, 16, 1460 },
	{ "tso4 small mss", { TCP4, .len = 1000 }, 0, 88 },
	{ "tso4 tiny mss", { TCP4, .len = 104 }, 0, 8 },
	{ "tso6", { TCP6, .len = 6000 }, 0, 1440 },
	{ "tso6 exact", { TCP6, .len = 4320 }, 3, 1440 },
	{ "tso6 small mss", { TCP6, .len = 777 }, 0, 77 },
	{ "tso6 options", { TCP6, .len = 4000, .tcp_opts = 12, .ext = 16 },
	  1, 1000 },
	{ "tso6 vlan frags", { TCP6, .len = 20000, TAG(100) }, 10, 1436 },
	{ "tso6 fin", { TCP6 | TCPHDR_FIN, .len = 3001 }, 0, 1000 },
	{ "uso4", { UDP4, .len = 5000 }, 2, 1200 },
	{ "uso6", { UDP6, .len = 5000 }, 0, 1200 },
	{ "uso6 vlan", { UDP6, .len = 5000, TAG(12) }, 0, 1200 },
};

const unsigned int sample_n_tx = ARRAY_SIZE(sample_tx);

/* The source address has the number, with which a frame can be told */
static void put_number(u8 *frame, u16 n)
{
	static const u8 prefix[] = { 2, 0, 0, 0 };

	memcpy(frame + ETH_ALEN, prefix, sizeof(prefix));
	put_unaligned_be16(n, frame + ETH_ALEN + sizeof(prefix));
}

/* An address with the words of another in reverse order has the same sum */
static void put_reversed(u8 *to, const u8 *address)
{
	unsigned int i;

	for (i = 0; i < 16; i += 2)
		memcpy(to + i, address + 14 - i, 2);
}

static void put_extension(u8 *ip6, const struct rx_sample *s)
{
	u8 *ext = ip6 + sizeof(struct ipv6hdr);
	bool address = s->flow.ext == 24;

	ip6[6] = s->next;
	memset(ext + 2, 0, s->flow.ext - 2);
	switch (s->next) {
	case IPPROTO_FRAGMENT:
		ext[1] = 0;
		put_unaligned_be16(s->frag, ext + 2);
		ext[7] = 77;
		break;
	case IPPROTO_ROUTING:
		if (address) {
			ext[2] = 2;	/* type */
			ext[3] = 1;	/* addresses left */
			put_reversed(ext + 8, ip6 + 24);
		}
		break;
	default:
		ext[2] = 1;		/* PadN */
		ext[3] = address ? 2 : s->flow.ext - 4;
		if (address) {
			ext[6] = 201;	/* home address */
			ext[7] = 16;
			put_reversed(ext + 8, ip6 + 8);
		}
	}
}

static void put_fragment(u8 *ip, u16 frag)
{
	__sum16 sum;

	put_unaligned_be16(frag, ip + 6);
	memset(ip + 10, 0, 2);
	sum = ip_fast_csum(ip, ip[0] & 0xf);
	memcpy(ip + 10, &sum, 2);
}

static void spoil(struct built *f, const struct rx_sample *s, unsigned int sum)
{
	if (sum == SUM_BAD)
		f->data[f->l4_sum] ^= 0x20;
	if (sum == SUM_NONE || sum == SUM_NONE_BAD_IP)
		memset(f->data + f->l4_sum, 0,
		       s->flow.proto == IPPROTO_SCTP ? 4 : 2);
	if (sum == SUM_BAD_IP || sum == SUM_NONE_BAD_IP)
		f->data[f->l3 + 10] ^= 0x20;
}

/**
 * sample_frame - a frame to be received, as it is on the wire
 * @f: filled in
 * @n: number; below sample_n_rx
 *
 * Return: false if there is none of this number.
 */
bool sample_frame(struct built *f, unsigned int n)
{
	const struct rx_sample *s = &sample_rx[n / N_SUMS];
	unsigned int sum = n % N_SUMS;

	if (sum && !(s->sums & BIT(sum)))
		return false;
	build(f, &s->flow);
	if (s->next)
		put_extension(f->data + f->l3, s);
	else if (s->frag)
		put_fragment(f->data + f->l3, s->frag);
	spoil(f, s, sum);
	if (s->outer) {
		memmove(f->data + 2 * ETH_ALEN + VLAN_HLEN,
			f->data + 2 * ETH_ALEN, f->len - 2 * ETH_ALEN);
		put_unaligned_be16(s->outer, f->data + 2 * ETH_ALEN);
		put_unaligned_be16(SAMPLE_VLAN, f->data + 2 * ETH_ALEN + 2);
		f->len += VLAN_HLEN;
	}
	memset(f->data + f->len, 0xa5, s->behind);
	f->len += s->behind;
	if (!s->runt)
		f->len = max_t(u32, f->len, ETH_ZLEN);
	put_number(f->data, n);
	return true;
}

/**
 * sample_told - what the driver told the stack of a frame
 * @skb: as the stack got it, the Ethernet header pulled
 * @line: SAMPLE_LINE bytes: MTU, number and name, colon, what was told
 *
 * Return: false if it is none of the samples.
 */
bool sample_told(const struct sk_buff *skb, char *line)
{
	static const char *const kinds[] = {
		[SUM_GOOD] = "",
		[SUM_BAD] = " bad",
		[SUM_NONE] = " no sum",
		[SUM_BAD_IP] = " bad ip",
		[SUM_NONE_BAD_IP] = " no sum bad ip",
	};
	const u8 *source = eth_hdr(skb)->h_source;
	u32 len = skb->len + ETH_HLEN, n;
	u8 *data;

	n = get_unaligned_be16(source + 4);
	if (get_unaligned_be32(source) != 0x02000000 || n >= sample_n_rx)
		return false;
	data = kmalloc(len, GFP_ATOMIC);
	if (!data || skb_copy_bits(skb, -ETH_HLEN, data, len)) {
		kfree(data);
		return false;
	}
	snprintf(line, SAMPLE_LINE,
		 "rx %u %u %s%s: queue %d hash %08x l4 %u sum %u tag %04x %04x, %u bytes %08x",
		 skb->dev->mtu, n, sample_rx[n / N_SUMS].name,
		 kinds[n % N_SUMS],
		 skb_rx_queue_recorded(skb) ? skb_get_rx_queue(skb) : -1,
		 skb->hash, skb->l4_hash, skb->ip_summed,
		 skb_vlan_tag_present(skb) ? ntohs(skb->vlan_proto) : 0,
		 skb_vlan_tag_present(skb) ? skb_vlan_tag_get(skb) : 0,
		 len, ~crc32_le(~0u, data, len));
	kfree(data);
	return true;
}

/**
 * sample_skb - a frame to be sent, as the stack hands it down
 * @netdev: that sends it
 * @n: which of sample_tx
 *
 * Return: the skb; NULL if there is no memory.
 */
struct sk_buff *sample_skb(struct net_device *netdev, unsigned int n)
{
	const struct tx_sample *s = &sample_tx[n];
	struct sk_buff *skb = flow_skb(netdev, &s->flow, s->frags, s->mss,
				       true);

	if (skb)
		put_number(skb->data, n);
	return skb;
}
