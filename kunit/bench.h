/* SPDX-License-Identifier: GPL-2.0-only */
/* What the suites share: a NIC with its driver, frames, what came of them */
#ifndef IGNIS_KUNIT_BENCH_H
#define IGNIS_KUNIT_BENCH_H

#include <kunit/test.h>
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "flow.h"
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
const void *bench_intx(struct kunit *test, const void *prev, char *desc);
const void *bench_82576(struct kunit *test, const void *prev, char *desc);
const void *bench_82574(struct kunit *test, const void *prev, char *desc);
const void *bench_each(const void *prev, char *desc, const void *table,
		       size_t size, unsigned int n);

struct bench *bench_new(struct kunit *test);
struct bench *bench_param_new(struct kunit *test,
			      const struct bench_param *param);
struct bench *bench_up(struct kunit *test);
int bench_attach(struct bench *b);
void bench_detach(struct bench *b);
int bench_plug(struct bench *b);
void bench_unplug(struct bench *b);
int bench_open(struct bench *b);
void bench_close(struct bench *b);
bool bench_link(struct bench *b);
int bench_channels(struct bench *b, unsigned int n);
int bench_set_rxfh(struct bench *b, struct ethtool_rxfh_param *rxfh);
int bench_rings(struct bench *b, u32 rx, u32 tx);
int bench_split(struct bench *b, u32 rx, u32 tx, u8 split);
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
void bench_no_eop(struct nic *nic, u16 queue, u32 index,
		  union ignis_rx_desc *desc);
void bench_cut_header(struct nic *nic, u16 queue, u32 index,
		      union ignis_rx_desc *desc);
bool bench_expect_received(struct bench *b, const struct flow *flow,
			   struct sk_buff **kept);
void bench_works(struct bench *b);
void bench_expect_no_link(struct bench *b);

#endif /* IGNIS_KUNIT_BENCH_H */
