/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames, in words and as bytes */
#ifndef IGNIS_KUNIT_FLOW_H
#define IGNIS_KUNIT_FLOW_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/tcp.h>

/**
 * struct flow - a frame, in words
 * @v6: else IPv4, if @proto or @ip
 * @ip: has an IP header
 * @proto: IPPROTO_; 0: none
 * @tagged: with @vlan
 * @vlan: the tag
 * @ext: bytes of an IPv6 extension header (8, 16 ...) or of IPv4 options
 * @tcp_opts: bytes of TCP options, a multiple of 4
 * @flags: of TCP, byte 13
 * @etype: if not IP
 * @sport: source port
 * @dport: destination port
 * @src: last byte of the source address
 * @dst: last byte of the destination address
 * @len: bytes of payload
 * @at: position of the payload in the stream it is from
 * @id: IPv4 identification
 * @dmac: destination address; NULL: the NIC's
 */
struct flow {
	bool v6;
	bool ip;
	bool tagged;
	u8 proto;
	u8 src;
	u8 dst;
	u8 flags;
	u8 ext;
	u8 tcp_opts;
	u16 vlan;
	u16 etype;
	u16 sport;
	u16 dport;
	u16 id;
	u32 len;
	u32 at;
	const u8 *dmac;
};

/* Fields of a flow to the NIC; "| TCPHDR_FIN" may follow TCP4 */
#define TCP4	.src = 2, .dst = 1, .sport = 80, .dport = 5000, \
		.proto = IPPROTO_TCP, .flags = TCPHDR_ACK
#define TCP6	.v6 = true, TCP4
#define UDP4	.src = 2, .dst = 1, .sport = 53, .dport = 700, \
		.proto = IPPROTO_UDP
#define UDP6	.v6 = true, UDP4
#define TAG(id)	.tagged = true, .vlan = (id)

struct built {
	u32 len;
	u32 l3;
	u32 l4;
	u32 l4_sum;
	u32 payload;
	u8 data[9600];
};

/* payload positions and sums right, as on the wire */
void build(struct built *f, const struct flow *flow);
struct sk_buff *flow_skb(struct net_device *netdev, const struct flow *flow,
			 unsigned int frags, unsigned int mss, bool csum);

#endif /* IGNIS_KUNIT_FLOW_H */
