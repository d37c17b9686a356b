/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames that the model and QEMU's devices meet alike, and what comes of them in
 * words: the suite ignis_qemu and a module in guests have the same of all this.
 */
#ifndef IGNIS_KUNIT_SAMPLE_H
#define IGNIS_KUNIT_SAMPLE_H

#include "flow.h"

#define SAMPLE_VLAN	5	/* on the list of the VLAN filter */
#define SAMPLE_LINE	512

/* What is wrong about the sums of a frame that is received */
enum sample_sum {
	SUM_GOOD,
	SUM_BAD,		/* of layer 4 */
	SUM_NONE,		/* 0, which only UDP means so */
	SUM_BAD_IP,		/* of the IPv4 header, the other one good */
	SUM_NONE_BAD_IP,
	N_SUMS
};

#define SUMS		(BIT(SUM_BAD) | BIT(SUM_NONE))
#define SUMS_IP		(SUMS | BIT(SUM_BAD_IP) | BIT(SUM_NONE_BAD_IP))

/**
 * struct rx_sample - a frame that is received, once for each of its sums
 * @name: of it
 * @flow: what it is
 * @sums: besides a good one
 * @next: kind of the IPv6 extension header; 0: as @flow has it
 * @frag: offset and flags of a fragment, as in the header
 * @outer: type of another tag before it
 * @behind: bytes that belong to no packet
 * @runt: not filled up to 60 bytes
 */
struct rx_sample {
	const char *name;
	struct flow flow;
	u8 sums;
	u8 next;
	u16 frag;
	u16 outer;
	u16 behind;
	bool runt;
};

/**
 * struct tx_sample - a frame that is handed to the driver
 * @name: of it
 * @flow: what it is
 * @frags: pieces that its payload is in
 * @mss: what it is to be cut to; 0: it is not
 */
struct tx_sample {
	const char *name;
	struct flow flow;
	unsigned int frags;
	unsigned int mss;
};

extern const struct rx_sample sample_rx[];
extern const unsigned int sample_n_rx;
extern const struct tx_sample sample_tx[];
extern const unsigned int sample_n_tx;

bool sample_frame(struct built *f, unsigned int n);
bool sample_told(const struct sk_buff *skb, char *line);
struct sk_buff *sample_skb(struct net_device *netdev, unsigned int n);

#endif /* IGNIS_KUNIT_SAMPLE_H */
