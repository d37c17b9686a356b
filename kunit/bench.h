/* SPDX-License-Identifier: GPL-2.0-only */
/* What the suites share: a NIC with its driver, frames, what came of them */
#ifndef IGNIS_KUNIT_BENCH_H
#define IGNIS_KUNIT_BENCH_H

#include <kunit/test.h>
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/tcp.h>

#include "nic.h"

/**
 * struct bench - a NIC under test
 * @test: that runs
 * @nic: the model
 * @netdev: of its driver; NULL if probe failed
 * @tap: keeps what the driver hands to the stack ...
 * @received: ... here
 * @plugged: into its slot
 */
struct bench {
	struct kunit *test;
	struct nic *nic;
	struct net_device *netdev;
	struct packet_type tap;
	struct sk_buff_head received;
	bool plugged;
};

/* What a case is run for: chips, ways to interrupt */
struct bench_param {
	char name[32];
	const struct nic_chip *chip;
	const char *driver;
	struct nic_options options;
	int arg;
};

/* Phylib's, which has no header for it */
extern const struct bus_type mdio_bus_type;

const void *bench_next(const struct bench_param *params, unsigned int n,
		       const void *prev, char *desc);
const void *bench_chips(struct kunit *test, const void *prev, char *desc);
const void *bench_modes(struct kunit *test, const void *prev, char *desc);
const void *bench_82576(struct kunit *test, const void *prev, char *desc);
const void *bench_each(const void *prev, char *desc, const void *table,
		       size_t size, unsigned int n);

struct bench *bench_new(struct kunit *test);
struct bench *bench_param_new(struct kunit *test,
			      const struct bench_param *param);
struct bench *bench_up(struct kunit *test);
int bench_plug(struct bench *b);
void bench_unplug(struct bench *b);
int bench_open(struct bench *b);
void bench_close(struct bench *b);
bool bench_link(struct bench *b);
int bench_channels(struct bench *b, unsigned int n);
int bench_rings(struct bench *b, u32 rx, u32 tx);
int bench_set_mtu(struct bench *b, int mtu);

/* Wait for a condition: virtual time, so it costs nothing */
#define bench_wait(cond, ms) ({						\
	unsigned int __left = (ms);					\
	bool __met;							\
									\
	while (!(__met = (cond)) && __left--)				\
		usleep_range(1000, 1001);				\
	__met;								\
})

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

/* As a port comes up: ports are hashed, unless the chip cannot */
static inline bool bench_hash_ports(const struct nic_chip *chip,
				    const struct flow *flow)
{
	/* The 82576 does not look behind extension headers (RFCTL) */
	if (flow->v6 && flow->ext && chip->adv)
		return false;
	return flow->proto == IPPROTO_TCP ||
	       (flow->proto == IPPROTO_UDP && chip->adv);
}

/* payload positions and sums right, as on the wire */
void build(struct built *f, const struct flow *flow);
struct sk_buff *build_skb_of(struct bench *b, const struct flow *flow,
			     unsigned int frags, unsigned int mss, bool csum);
int bench_send(struct bench *b, struct sk_buff *skb);
void bench_kick(struct bench *b);
struct nic_frame *bench_sent(struct bench *b);
bool bench_wait_sent(struct bench *b, unsigned int n);
void bench_drop_sent(struct bench *b);
void bench_expect_sent(struct bench *b, const struct flow *flow);
void bench_inject(struct bench *b, const struct flow *flow);
struct sk_buff *bench_received(struct bench *b);
void bench_drop_received(struct bench *b);
bool bench_expect_received(struct bench *b, const struct flow *flow,
			   struct sk_buff **kept);
void bench_works(struct bench *b);

#endif /* IGNIS_KUNIT_BENCH_H */
