/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types that the files share, and below them what each file offers, one line
 * a function.  The kernel-doc stands at the definitions.
 */
#ifndef IGNIS_H
#define IGNIS_H

#include <linux/bitfield.h>
#include <linux/dim.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/if_vlan.h>
#include <linux/io.h>
#include <linux/net_tstamp.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/phylink.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/spinlock.h>
#include <linux/timecounter.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <net/devlink.h>
#include <net/page_pool/helpers.h>
#include <net/xdp.h>
#include <net/xdp_sock_drv.h>

#include <ignis/desc.h>
#include <ignis/regs.h>

#include "compat.h"

#define IGNIS_MAX_QUEUES	8
/* MSI-X: vector 0 takes everything but the queues */
#define IGNIS_OTHER_VECTOR	0
#define IGNIS_QUEUE_VECTOR(q)	((q) + 1)
#define IGNIS_MIN_RING		64
#define IGNIS_MAX_RING		4096
#define IGNIS_DEFAULT_RING	256
#define IGNIS_RX_BATCH		64	/* descriptors refilled at a time, at most */
#define IGNIS_REFILL_MSECS	20	/* and if there was no memory, again after */
#define IGNIS_RSS_KEY_SIZE	40
#define IGNIS_MAX_RETA		128
#define IGNIS_MAX_ITR_USECS	8191
#define IGNIS_DEFAULT_ITR_USECS	8
#define IGNIS_NVM_VERSION_SIZE	sizeof("f.ff.f")

/* What the chip may write into a buffer of a page, in units it knows */
#define IGNIS_PAGE_BUF_LEN(headroom) \
	round_down(SKB_WITH_OVERHEAD(4096) - (headroom), 1024)

/* Header split: room for the headers of a frame, in units of 64 bytes */
#define SPLIT_HDR_SIZE		256u

/* What the chips can wake the machine up for */
#define IGNIS_WOL		(WAKE_PHY | WAKE_UCAST | WAKE_MCAST | \
				 WAKE_BCAST | WAKE_MAGIC)

#define IGNIS_MAX_ETYPES	8
#define IGNIS_MAX_TUPLES	8
/* The last location is that of the SYN rule */
#define IGNIS_MAX_RULES		(IGNIS_MAX_ETYPES + IGNIS_MAX_TUPLES + 1)

/*
 * Descriptors the largest skb can take: head, fragments, context, splits of
 * 64 KiB, and one for a ring that may not fill up completely.
 */
#define IGNIS_TX_NEEDED(max)	(1 + MAX_SKB_FRAGS + 1 + SZ_64K / (max) + 1)

/* Most buffers of an AF_XDP frame */
#define IGNIS_XSK_MAX_SEGS	16

struct ignis;
struct ignis_qset;

/**
 * struct ignis_config - what the user asked for and a queue set is built from
 * @rx_count: receive descriptors a queue, a power of two
 * @tx_count: transmit descriptors a queue, a power of two
 * @channels: combined channels: one vector, one RX and one TX ring each
 * @mtu: layer 3 bytes in a frame
 * @xdp: receive buffers have the headroom of XDP and may be sent from
 * @rx_all: frames of any length may come in
 * @split: headers and payload go to different buffers (tcp-data-split)
 * @xsk: AF_XDP buffers of each queue, mapped for DMA; NULL: it has pages
 *
 * To change any of it but @xsk: take ignis_next_config(), alter it, call
 * ignis_reconfigure().
 */
struct ignis_config {
	u16 rx_count;
	u16 tx_count;
	u16 channels;
	unsigned int mtu;
	bool xdp;
	bool rx_all;
	bool split;
	struct xsk_buff_pool *xsk[IGNIS_MAX_QUEUES];
};

/* Where the hardware writes, for the CPU and for the hardware */
struct ignis_rx_buf {
	void *va;
	dma_addr_t dma;
};

struct ignis_split_buf {
	netmem_ref netmem;
	u32 offset;
};

/* What a receive ring has buffers for: each kind has a poll of its own */
enum ignis_rx_kind {
	RX_STACK,		/* pages to build an skb around */
	RX_XDP,			/* the same, and XDP sees them first */
	RX_XSK,			/* AF_XDP buffers */
	RX_SPLIT,		/* headers, and fragments for payload */
};

/**
 * struct ignis_xdp_buff - what XDP programs get as context
 * @xdp: the frame; also the start of struct xdp_buff_xsk
 * @desc: the frame's last descriptor
 * @stamp: when it came in; 0: not known
 *
 * In AF_XDP buffers, only programs bound to the device find the last two filled in.
 */
struct ignis_xdp_buff {
	struct xdp_buff xdp;
	const union ignis_rx_desc *desc;
	ktime_t stamp;
};

/* A frame that an XDP program sends back: XDP_TX */
struct ignis_xdp_out {
	union {
		void *data;		/* in one page, still mapped */
		struct xdp_frame *frame;	/* of several buffers; @len is 0 */
	};
	dma_addr_t dma;
	u32 len;
};

struct ignis_rx_ring {
	/* read only while the queue runs */
	union ignis_rx_desc *desc;
	union {
		struct ignis_rx_buf *buf;
		struct xdp_buff **xsk_buf;	/* RX_XSK */
		struct ignis_split_buf *split_buf;	/* RX_SPLIT */
	};
	struct page_pool *pool;
	void __iomem *tail;
	u32 mask;		/* descriptors - 1 */
	u32 buf_len;		/* what the hardware may write into a buffer */
	u32 truesize;		/* a buffer's share of its page */
	u32 rare;		/* status bits that take time to look at */
	u16 headroom;		/* before what the hardware writes */
	u16 per_page;		/* buffers */
	u16 batch;		/* descriptors refilled at a time */
	u16 queue;
	u8 kind;		/* enum ignis_rx_kind */

	/* free-running indices, masked where they are used */
	u32 ntc ____cacheline_aligned_in_smp;
	u32 ntu;
	u32 end;		/* of the poll under way, if it gets so far */
	struct sk_buff *skb;	/* frame whose last buffer is still to come */
	bool partial;		/* the next buffer is not the first of a frame */
	bool discard;		/* drop buffers up to the next end of packet */
	struct ignis_rx_buf next;	/* of those left in a page */
	u32 left;

	/* RX_XDP */
	struct ignis_xdp_buff xb;
	struct xdp_rxq_info rxq;
	struct ignis_xdp_out xdp_out[XDP_BULK_QUEUE_SIZE];

	/* RX_XSK */
	struct xsk_buff_pool *xsk;
	struct xdp_buff *xsk_head;	/* as @skb */
	struct xdp_rxq_info xsk_rxq;

	/* RX_SPLIT */
	void *hdr;			/* SPLIT_HDR_SIZE for each descriptor */
	dma_addr_t hdr_dma;
	netmem_ref part;		/* what has fragments left to hand out */
	u32 part_offset;

	dma_addr_t dma;
	size_t size;
};

/* Has the hardware written back what was not polled yet?  A hint outside NAPI */
static inline bool ignis_rx_pending(const struct ignis_rx_ring *ring)
{
	u32 slot = READ_ONCE(ring->ntc) & ring->mask;

	return READ_ONCE(ring->desc[slot].wb.staterr) & cpu_to_le32(RXD_DD);
}

/* Descriptors that the hardware could have, and has not */
static inline u32 ignis_rx_unfilled(const struct ignis_rx_ring *ring)
{
	return ring->mask - (ring->ntu - ring->ntc);
}

/* Is there anything for ignis_rx_poll() to do?  In NAPI */
static inline bool ignis_rx_wanted(const struct ignis_rx_ring *ring)
{
	return ignis_rx_pending(ring) || ring->kind == RX_XSK ||
	       ignis_rx_unfilled(ring) >= ring->batch;
}

/* What a transmit descriptor without a sk_buff carries */
enum ignis_tx_kind {
	TX_XDP_FRAME,
	TX_XDP_PAGE,		/* of the port's own page_pool, XDP_TX */
	TX_XSK_RUN,		/* frames of AF_XDP sockets, up to a doorbell */
	TX_XSK_STAMPED,		/* the same, one of them the latch is for */
	TX_XSK_BUFF,		/* received AF_XDP buffer, XDP_TX */
};

struct ignis_tx_buf {
	/* set on a frame's first descriptor only, if not of AF_XDP */
	union {
		struct sk_buff *skb;
		struct xdp_frame *xdpf;
		void *data;			/* TX_XDP_PAGE */
		struct xdp_buff *xdp;		/* TX_XSK_BUFF */
		struct xsk_buff_pool *xsk;	/* TX_XSK_RUN, TX_XSK_STAMPED */
	};
	union {
		dma_addr_t dma;
		struct {		/* TX_XSK_RUN, TX_XSK_STAMPED */
			u16 slots;	/* of the ring; only the first one is filled in */
			u16 frames;
			u32 descs;	/* of sockets, sent or dropped */
		};
	};
	u32 len;		/* bytes mapped; 0: nothing to unmap */
	u32 bytes;		/* as told to BQL; of a run, all; 0: not the first */
	u16 report;		/* first of a batch: index that reports it done */
	u16 segs;		/* 0: not @skb but what @kind says */
	u16 kind;		/* enum ignis_tx_kind */
};

/* What sockets have queued, from one doorbell to the next */
struct ignis_tx_run {
	u32 descs;
	u32 frames;		/* as far as they were not dropped */
	u32 bytes;
	bool stamped;		/* one of them has the latch */
};

/* What the data descriptors of a frame have in common */
struct ignis_tx_data {
	u32 cmd;		/* cmd_type_len but for the length; 0: no frame */
	u32 olinfo;
};

struct ignis_tx_stats;

struct ignis_tx_ring {
	/* read only while the queue runs */
	union ignis_tx_desc *desc;
	struct ignis_tx_buf *buf;
	struct device *dev;
	struct netdev_queue *txq;
	struct ignis_tx_stats *stats;
	struct xsk_buff_pool *xsk;
	struct page_pool *pool;	/* of the receive ring with the same number */
	void __iomem *tail;
	u32 mask;
	u32 needed;		/* descriptors the largest frame can take */
	u32 wake;		/* free descriptors that restart the queue */
	u32 data_cmd;		/* cmd_type_len of data without offloads */
	u32 max_data;		/* bytes a data descriptor may carry */
	u32 paylen;		/* olinfo_status bits for the frame's length */
	u16 queue;
	bool ctx_shared;	/* 82574: another queue may overwrite @ctx */

	/* transmit side, under the queue's xmit lock */
	u32 ntu ____cacheline_aligned_in_smp;
	u32 batch;		/* first slot since the last doorbell */
	u32 last;		/* last data descriptor written ... */
	u32 last_cmd;		/* ... and its cmd_type_len */
	u32 kicked;		/* slots before this one belong to the hardware */
	u32 ctx[4];		/* what the queue's hardware context holds */

	/* completion side, in NAPI */
	u32 ntc ____cacheline_aligned_in_smp;
	u32 xsk_done;		/* sent for @xsk, which has not been told yet */
	u32 xsk_late;		/* dropped; to be told after ... */
	u32 xsk_sent;		/* ... what is under way */
	struct xsk_tx_metadata_compl xsk_compl;	/* of TX_XSK_STAMPED */
	bool closing;		/* do not wake the queue any more */
	struct xdp_frame_bulk bulk;	/* frames to be returned to their pools */

	dma_addr_t dma;
	size_t size;		/* behind it zeros lie that short frames end with */
};

/* What may be written before completions come */
static inline u32 ignis_tx_unused(const struct ignis_tx_ring *ring)
{
	return ring->mask - (ring->ntu - READ_ONCE(ring->ntc));
}

/*
 * Descriptors that XDP may take.  It leaves the room that the stack waits for, then
 * enough for a frame: the queue that is woken is not stopped before its turn.
 */
static inline u32 ignis_tx_xdp_room(const struct ignis_tx_ring *ring)
{
	u32 share = netif_tx_queue_stopped(ring->txq) ? ring->wake :
							ring->needed;
	u32 unused = ignis_tx_unused(ring);

	return unused > share ? unused - share : 0;
}

/* Whether there may be completions; a hint */
static inline bool ignis_tx_pending(const struct ignis_tx_ring *ring)
{
	return ring->ntc != READ_ONCE(ring->kicked);
}

/* Counters live in the vector, so that they outlast every ring */
struct ignis_rx_stats {
	struct u64_stats_sync syncp;
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t csum_unnecessary;
	u64_stats_t csum_none;
	u64_stats_t csum_bad;
	u64_stats_t alloc_fail;
	u64_stats_t dropped;
	u64_stats_t errors;
	u64_stats_t xdp_drop;
	u64_stats_t xdp_tx;
	u64_stats_t xdp_redirect;
};

/* A poll's counts, kept in registers until its end */
struct ignis_rx_counts {
	unsigned int bytes;
	unsigned int csum_unnecessary;
	unsigned int csum_bad;
	unsigned int alloc_fail;
	unsigned int dropped;
	unsigned int errors;
	unsigned int xdp_pass;
	unsigned int xdp_drop;
	unsigned int xdp_tx;
	unsigned int xdp_redirect;
};

struct ignis_tx_stats {
	struct u64_stats_sync syncp;		/* completion side */
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t wake;
	struct u64_stats_sync xmit_syncp;	/* transmit side */
	u64_stats_t stop;
	u64_stats_t dropped;
	u64_stats_t tso_packets;
	u64_stats_t tso_bytes;
};

/**
 * struct ignis_vector - one interrupt vector and the queue pair it serves
 * @napi: polls @rx and @tx
 * @rx: receive ring of the running queue set
 * @tx: transmit ring of the running queue set
 * @ig: owner
 * @unmask: register that lets the vector interrupt again
 * @unmask_bits: value for @unmask
 * @index: queue number
 * @irq: Linux interrupt number
 * @events: interrupts seen, for DIM
 * @dim: adaptive moderation state
 * @rx_usecs: fixed moderation; RTNL
 * @adaptive: DIM moderates; RTNL
 * @rx_overruns: frames the chip dropped as @rx had no free descriptor;
 *	ig->stats_lock
 * @rx_stats: receive counters
 * @tx_stats: transmit counters
 * @watched_ntc: of @rx when watch_work last looked
 * @watched_tx_ntc: of @tx then
 * @tx_looks: times in a row that @tx had not got on
 * @stuck: @rx looked stuck then
 * @name: as in /proc/interrupts
 */
struct ignis_vector {
	struct napi_struct napi;
	struct ignis_rx_ring *rx;
	struct ignis_tx_ring *tx;
	struct ignis *ig;
	void __iomem *unmask;
	u32 unmask_bits;
	u16 index;
	int irq;
	u16 events;
	struct dim dim;
	u32 rx_usecs;
	bool adaptive;
	u64 rx_overruns;
	struct ignis_rx_stats rx_stats;
	struct ignis_tx_stats tx_stats;
	u32 watched_ntc;
	u32 watched_tx_ntc;
	u8 tx_looks;
	bool stuck;
	char name[IFNAMSIZ + 11];
};

/* Consecutive 32-bit registers that can be read without side effects */
struct ignis_regs {
	u16 first;
	u8 count;
	bool per_queue;		/* again every ignis_mac.queue_stride */
};

/* Protocols whose ports can be hashed, or not */
enum ignis_rss_ports {
	RSS_TCP4,
	RSS_TCP6,
	RSS_UDP4,
	RSS_UDP6,
	RSS_PORTS
};

/**
 * struct ignis_tuple - what a 5-tuple filter compares
 * @saddr: IPv4 source
 * @daddr: IPv4 destination
 * @sport: source port
 * @dport: destination port
 * @proto: IP protocol
 * @compare: TUPLE_ bits of the fields above that count; the others are 0
 */
struct ignis_tuple {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	u8 proto;
	u8 compare;
#define TUPLE_SADDR	BIT(0)
#define TUPLE_DADDR	BIT(1)
#define TUPLE_SPORT	BIT(2)
#define TUPLE_DPORT	BIT(3)
#define TUPLE_PROTO	BIT(4)
};

/* What each chip can pick out to be time stamped, as ignis_mac.rx_filters */
#define IGNIS_STAMP_FILTERS	(BIT(HWTSTAMP_FILTER_NONE) | \
				 BIT(HWTSTAMP_FILTER_PTP_V1_L4_SYNC) | \
				 BIT(HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ) | \
				 BIT(HWTSTAMP_FILTER_PTP_V2_L2_SYNC) | \
				 BIT(HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ) | \
				 BIT(HWTSTAMP_FILTER_PTP_V2_EVENT) | \
				 BIT(HWTSTAMP_FILTER_PTP_V2_SYNC) | \
				 BIT(HWTSTAMP_FILTER_PTP_V2_DELAY_REQ))

/**
 * struct ignis_stamp_filter - received frames that get a hardware time stamp
 * @filter: the same as enum hwtstamp_rx_filters
 * @type: TSYNCRXCTL.TYPE
 * @l2: frames of EtherType 0x88f7
 * @l4: datagrams to UDP port 319
 * @msg: low byte: control field of version 1; high byte: message ID of version 2
 */
struct ignis_stamp_filter {
	u8 filter;
	u8 type;
	bool l2;
	bool l4;
	u16 msg;
};

/**
 * struct ignis_mac - everything slow paths must know about a chip
 * @name: as printed
 * @netdev_ops: with ndo_start_xmit for the chip's descriptors
 * @ethtool_ops: with what the chip has ring parameters for
 * @features: offloads not all chips have, on by default
 * @hw_features: offloads not all chips have, off by default
 * @max_queues: combined channels
 * @rar_entries: exact unicast filters, the own address included
 * @reta_entries: RSS indirection entries, a byte each
 * @reta_shift: lowest bit of the queue number in one
 * @phy_addr: internal PHY's address on the MDIO bus
 * @max_mtu: layer 3 bytes of the longest frame
 * @half_page_mtu: up to here @set_max_frame keeps out what is longer
 * @tx_max_data: bytes a data descriptor may carry
 * @tx_data_cmd: cmd_type_len bits that make it a data descriptor
 * @tx_paylen: data descriptors tell the length of the frame
 * @tx_max_headers: bytes of all headers the transmitter can work on
 * @queue_stride: from a register of one queue to that of the next
 * @rx_queues: registers of receive queue 0
 * @tx_queues: registers of transmit queue 0
 * @rqdpc: first of the counters of frames a queue had no room for; 0: none
 * @irq_set: raises the interrupts of ignis_vector.unmask_bits, with MSI-X
 * @leds: bytes of LEDCTL in use
 * @nvm_flash: EECD bits all set: the NVM is flash
 * @mac_loopback: RCTL.LBM works with the internal PHY
 * @rxcsum: RXCSUM bits that switch receive checksums on
 * @mrqc: MRQC with RSS of all protocols by addresses
 * @mrqc_ports: MRQC bits that have the ports hashed too; 0: it cannot
 * @etype_filters: filters that steer an EtherType to a queue
 * @tuple_filters: filters that steer by a 5-tuple; 0: the chip has none of any
 *	kind
 * @one_buf_len: all receive queues have one size of buffers
 * @reset_to_swap: a queue lets go of its memory only when the MAC is reset
 * @no_slow_tso: segmentation works at 1000 Mbit/s only
 * @mask_to_read_icr: with MSI or INTx, to read ICR unmasked may lose an interrupt
 * @no_aspm: PCIE_LINK_STATE_ bits of link states the chip cannot take
 * @clock_tick: nanoseconds after which SYSTIM goes on
 * @rx_stamp: receive status bit: RXSTMP holds the frame's time stamp
 * @rx_filters: HWTSTAMP_FILTER_ bits of what can be time stamped
 * @regs: what ethtool -d dumps
 * @n_regs: entries in @regs
 * @reset: bring the MAC to its reset state, DMA and interrupts off
 * @init: program what does not depend on queues; after @reset
 * @irq_setup: route causes to vectors for ig->irq_mode; all masked
 * @irq_enable: unmask link change and, in MSI-X mode, its vector
 * @write_itr: set a vector's throttle; any context
 * @other_causes: read and acknowledge causes that are no queue's; hard IRQ
 * @set_max_frame: keep out frames longer than so many bytes, FCS included, as
 *	far as the chip can; see @half_page_mtu
 * @rx_start: program and enable one receive queue
 * @rx_stop: disable one receive queue; nothing is written after it returns 0,
 *	if not @reset_to_swap
 * @tx_start: program and enable one transmit queue
 * @tx_stop: disable one transmit queue; nothing is read after it returns 0,
 *	if not @reset_to_swap
 * @set_drop: let a full receive queue drop frames, or push back, by
 *	ig->tx_pause; NULL: the chip has no choice
 * @read_clock: read SYSTIM; ig->ptp.lock held
 * @select_stamps: set the filters for received frames to be time stamped;
 *	ig->ptp.lock held, time stamping off
 * @write_etype: program an EtherType filter; type 0: off
 * @write_tuple: program a 5-tuple filter that is off, or change its priority
 *	(7 wins); tuple NULL: off
 * @write_syn: steer TCP SYN that no 5-tuple filter has claimed; -1: off
 * @phy_lock: own the PHY against firmware and other ports
 * @phy_unlock: undo @phy_lock
 * @nvm_lock: own the NVM against firmware and other ports, to write
 * @nvm_unlock: undo @nvm_lock
 * @nvm_write: write a word; under ig->nvm_lock and @nvm_lock
 * @nvm_commit: make what was written last; NULL: it does already
 */
struct ignis_mac {
	const char *name;
	const struct net_device_ops *netdev_ops;
	const struct ethtool_ops *ethtool_ops;
	netdev_features_t features;
	netdev_features_t hw_features;
	u8 max_queues;
	u8 rar_entries;
	u8 reta_entries;
	u8 reta_shift;
	u8 phy_addr;
	u16 max_mtu;
	u16 half_page_mtu;
	u16 tx_max_data;
	u32 tx_data_cmd;
	bool tx_paylen;
	u16 tx_max_headers;
	u16 queue_stride;
	u32 rx_queues;
	u32 tx_queues;
	u32 rqdpc;
	u32 irq_set;
	u8 leds;
	u32 nvm_flash;
	bool mac_loopback;
	u32 rxcsum;
	u32 mrqc;
	u32 mrqc_ports[RSS_PORTS];
	u8 etype_filters;
	u8 tuple_filters;
	bool one_buf_len;
	bool reset_to_swap;
	bool no_slow_tso;
	bool mask_to_read_icr;
	u8 no_aspm;
	u8 clock_tick;
	u32 rx_stamp;
	u32 rx_filters;
	const struct ignis_regs *regs;
	unsigned int n_regs;

	int (*reset)(struct ignis *ig);
	void (*init)(struct ignis *ig);
	void (*irq_setup)(struct ignis *ig);
	void (*irq_enable)(struct ignis *ig);
	u32 (*other_causes)(struct ignis *ig);
	void (*write_itr)(struct ignis_vector *v, u32 usecs);
	void (*set_max_frame)(struct ignis *ig, unsigned int bytes);
	void (*rx_start)(struct ignis *ig, const struct ignis_rx_ring *ring);
	int (*rx_stop)(struct ignis *ig, u16 queue);
	void (*tx_start)(struct ignis *ig, const struct ignis_tx_ring *ring);
	int (*tx_stop)(struct ignis *ig, u16 queue);
	void (*set_drop)(struct ignis *ig, u16 queue);
	u64 (*read_clock)(struct ignis *ig, struct ptp_system_timestamp *sts);
	void (*select_stamps)(struct ignis *ig,
			      const struct ignis_stamp_filter *filter);
	void (*write_etype)(struct ignis *ig, unsigned int entry, u16 type,
			    u16 queue);
	void (*write_tuple)(struct ignis *ig, unsigned int entry,
			    const struct ignis_tuple *tuple, u16 queue,
			    unsigned int priority);
	void (*write_syn)(struct ignis *ig, int queue);
	int (*phy_lock)(struct ignis *ig);
	void (*phy_unlock)(struct ignis *ig);
	int (*nvm_lock)(struct ignis *ig);
	void (*nvm_unlock)(struct ignis *ig);
	int (*nvm_write)(struct ignis *ig, u16 offset, u16 data);
	int (*nvm_commit)(struct ignis *ig);
};

enum ignis_irq_mode {
	IGNIS_INTX,
	IGNIS_MSI,
	IGNIS_MSIX,
};

enum ignis_flags {
	IGNIS_GONE,		/* reads return all ones: removed */
	IGNIS_ASLEEP,		/* may be read, but for nothing: see power.c */
	IGNIS_HANG,		/* a reset failed: start over */
	IGNIS_FLUSH,		/* link lost: rings may hold frames for ever */
	IGNIS_LOOP,		/* there is a link, to be looped back */
	IGNIS_POLL,		/* there is a link: sockets may wait for it */
};

/* Wire events that the MAC counts in registers which clear on read */
enum ignis_hw_stat {
	/* ethtool -S: no group has them */
	HW_RX_NO_BUFFER,
	HW_RX_MANAGEMENT,
	HW_RX_MANAGEMENT_DROPPED,
	HW_TX_MANAGEMENT,
	HW_NAMED,
	/* the groups and the link's own counters */
	HW_RX_PACKETS = HW_NAMED,
	HW_RX_BYTES,
	HW_RX_MULTICAST,
	HW_RX_BROADCAST,
	HW_RX_CRC_ERRORS,
	HW_RX_ALIGN_ERRORS,
	HW_RX_SYMBOL_ERRORS,
	HW_RX_MISSED,
	HW_RX_UNDERSIZE,
	HW_RX_FRAGMENTS,
	HW_RX_OVERSIZE,
	HW_RX_JABBER,
	HW_RX_XON,
	HW_RX_XOFF,
	HW_RX_CTRL_UNKNOWN,
	HW_RX_HIST,
	HW_TX_PACKETS = HW_RX_HIST + 6,
	HW_TX_BYTES,
	HW_TX_MULTICAST,
	HW_TX_BROADCAST,
	HW_TX_SINGLE_COLLISION,
	HW_TX_MULTIPLE_COLLISION,
	HW_TX_EXCESSIVE_COLLISIONS,
	HW_TX_LATE_COLLISIONS,
	HW_COLLISIONS,
	HW_TX_DEFERRED,
	HW_TX_NO_CARRIER,
	HW_TX_XON,
	HW_TX_XOFF,
	HW_TX_HIST,
	HW_STATS = HW_TX_HIST + 6
};

/**
 * struct ignis_ptp - the hardware clock and what is time stamped with it
 * @clock: NULL: the kernel has no PTP clocks
 * @info: what the PTP core knows of it
 * @lock: everything below, and the chip's registers for it; any context
 * @cc: SYSTIM
 * @tc: time of day made of @cc
 * @held: SYSTIM is not to be read, the system's clock stands in for it, as it does
 *	if SYSTIM cannot be read
 * @seen_cycles: SYSTIM when that began, or if it does not yet, lately ...
 * @seen_at: ... which was then, CLOCK_BOOTTIME, ns
 * @config: what the user has asked for, as granted
 * @filter: the same for received frames
 * @tx_skb: frame whose time of sending is awaited; NULL: none
 * @tx_xsk: one of an AF_XDP socket is, its ring will ask for it
 * @tx_late: it has asked, too early
 * @tx_start: jiffies when waiting for @tx_skb, or as @tx_late says, began
 * @rx_blocked: RXSTMP was found taken at @rx_since
 * @rx_since: jiffies
 * @rx_cleared: times RXSTMP was freed as nobody came for it
 * @tx_stats: frames sent with, and without, a time stamp
 */
struct ignis_ptp {
	struct ptp_clock *clock;
	struct ptp_clock_info info;
	spinlock_t lock;	/* all below */
	struct cyclecounter cc;
	struct timecounter tc;
	bool held;
	u64 seen_cycles;
	u64 seen_at;
	struct kernel_hwtstamp_config config;
	const struct ignis_stamp_filter *filter;
	struct sk_buff *tx_skb;
	bool tx_xsk;
	bool tx_late;
	unsigned long tx_start;
	bool rx_blocked;
	unsigned long rx_since;
	u64 rx_cleared;
	struct {
		u64 pkts;
		u64 lost;
		u64 skipped;
	} tx_stats;
};

struct ignis_rss {
	u8 key[IGNIS_RSS_KEY_SIZE];
	u8 indir[IGNIS_MAX_RETA];
	u32 mrqc;
};

/**
 * struct ignis_rule - a rule the user has made with ethtool -N
 * @spec: as the user gave it, with the location it got
 * @tuple: if a tuple rule
 * @kind: enum ignis_rule_kind of ntuple.c; 0: there is none at this location
 * @entry: the chip's filter of this kind
 */
struct ignis_rule {
	struct ethtool_rx_flow_spec spec;
	struct ignis_tuple tuple;
	u8 kind;
	u8 entry;
};

/* A 5-tuple filter lent to accelerated RFS; used if @tuple compares anything */
struct ignis_arfs {
	struct ignis_tuple tuple;
	u32 flow_id;
	u16 queue;
};

/**
 * struct ignis_steer - flows that go to queues of their own
 * @lock: all of this, and the registers; softirq
 * @rules: by location; written under RTNL as well
 * @arfs: by 5-tuple filter
 * @arfs_work: gives back filters of flows that have ended
 */
struct ignis_steer {
	spinlock_t lock;	/* all of this, and the registers */
	struct ignis_rule rules[IGNIS_MAX_RULES];
	struct ignis_arfs arfs[IGNIS_MAX_TUPLES];
	struct delayed_work arfs_work;
};

enum ignis_function_flags {
	IGNIS_RX_WELL,		/* what was stalled goes on */
	IGNIS_TX_WELL,		/* the port was started afresh */
};

/**
 * struct ignis_function - a PCI function with its devlink object, which outlives
 *	the port when that is reloaded
 * @ig: its port; NULL before probe and after a reload that failed; device lock,
 *	devlink lock
 * @pdev: the function
 * @config: config space of one out of reach while it is reset from outside, else
 *	NULL; device lock
 * @mac: chip table
 * @port: devlink port
 * @tx_reporter: transmit queues that hang
 * @rx_reporter: receive queues that have stalled
 * @report_work: tells the reporters what follows; takes the devlink lock
 * @tx_hung: transmit queues to be reported, as bits
 * @rx_stalled: receive queues to be reported, as bits
 * @flags: enum ignis_function_flags bits
 */
struct ignis_function {
	struct ignis *ig;
	struct pci_dev *pdev;
	struct pci_saved_state *config;
	const struct ignis_mac *mac;
	struct devlink_port port;
	struct devlink_health_reporter *tx_reporter;
	struct devlink_health_reporter *rx_reporter;
	struct work_struct report_work;
	unsigned long tx_hung;
	unsigned long rx_stalled;
	unsigned long flags;
};

/**
 * struct ignis - one port
 * @fn: what it belongs to
 * @netdev: its net_device; this struct is netdev_priv()
 * @pdev: its PCI function
 * @hw: BAR 0
 * @mac: chip table
 * @reg_lock: read-modify-write of registers
 * @tx: transmit ring of each queue, for who sends; NULL: it does not run; changes
 *	under the queue's xmit lock, NAPI looks without it (READ_ONCE())
 * @flags: enum ignis_flags bits
 * @cfg: configuration in force; RTNL.  @cfg.channels is also read without it,
 *	by what ignis_qset_stop() waits for or ignis_steer_trim() puts right,
 *	and the sizes of rings by DIM's work, which ignis_set_moderation() does
 *	over when they change (READ_ONCE())
 * @qset: running queue set, NULL while down; RTNL
 * @xdp_prog: runs on what rings not of RX_STACK receive; written under RTNL
 * @xps_set: the default XPS map for this many channels has been set; RTNL
 * @vectors: one per possible channel, alive from probe to remove
 * @irq_mode: what probe obtained
 * @max_channels: what chip and vectors allow
 * @other_irq: vector for everything but queues (MSI-X)
 * @other_name: its name in /proc/interrupts
 * @rss: hash key, fields and table; RTNL
 * @steer: n-tuple rules, accelerated RFS
 * @vlans: VLAN IDs let in; RTNL
 * @ptp: hardware clock
 * @phylink: link management
 * @phylink_config: its configuration
 * @mii: bus of the internal PHY
 * @phy: the internal PHY
 * @tx_pause: pause frames are sent when the receive FIFO fills
 * @rx_pause: pause frames are heeded
 * @link: frames can be sent
 * @tx_blocked: features not to be used at the present speed
 * @nvm_lock: EERD, and writing the NVM
 * @wol: WAKE_ bits; RTNL
 * @apme: WUC.APME as probe found it: magic packets wake up whatever @wol says
 * @ledctl: LEDCTL as it was before identification; RTNL
 * @stats_lock: @stats_held, @hw_stats
 * @stats_held: the registers are not to be read
 * @hw_stats: counts taken from clear-on-read registers so far
 * @stats_work: reads the MAC's counters before they are full
 * @tx_timeouts: times that a transmit queue was found hanging
 * @reset_work: acts on @flags
 * @refill_work: polls queues that ran out of receive buffers
 * @watch_work: looks for queues that have stalled
 * @rx_stalled: queues it found last time, as bits
 */
struct ignis {
	struct ignis_function *fn;
	struct net_device *netdev;
	struct pci_dev *pdev;
	void __iomem *hw;
	const struct ignis_mac *mac;
	spinlock_t reg_lock;	/* read-modify-write of registers */
	struct ignis_tx_ring *tx[IGNIS_MAX_QUEUES];
	unsigned long flags;

	struct ignis_config cfg;
	struct ignis_qset *qset;
	struct bpf_prog *xdp_prog;
	bool xps_set;
	struct ignis_vector *vectors;
	enum ignis_irq_mode irq_mode;
	u16 max_channels;
	int other_irq;
	char other_name[IFNAMSIZ + 8];

	struct ignis_rss rss;
	struct ignis_steer steer;
	DECLARE_BITMAP(vlans, VLAN_N_VID);
	struct ignis_ptp ptp;

	struct phylink *phylink;
	struct phylink_config phylink_config;
	struct mii_bus *mii;
	struct phy_device *phy;
	bool tx_pause;			/* these four: WRITE_ONCE() by phylink's */
	bool rx_pause;			/* resolve work, read at any time */
	bool link;
	netdev_features_t tx_blocked;

	struct mutex nvm_lock;	/* EERD, and writing the NVM */
	u32 wol;
	bool apme;
	u32 ledctl;

	spinlock_t stats_lock;	/* hw_stats */
	bool stats_held;
	u64 hw_stats[HW_STATS];
	struct delayed_work stats_work;

	atomic_long_t tx_timeouts;
	struct work_struct reset_work;
	struct delayed_work refill_work;
	struct delayed_work watch_work;
	unsigned long rx_stalled;
};

/* A program that left when memory was short has left its rings behind */
static inline struct ignis_config ignis_next_config(const struct ignis *ig)
{
	struct ignis_config cfg = ig->cfg;

	cfg.xdp = ig->xdp_prog;
	return cfg;
}

/* Register access.  Hot paths use addresses cached in rings and vectors. */
void ignis_check_gone(struct ignis *ig);

static inline u32 ignis_rd(struct ignis *ig, u32 reg)
{
	u32 val = readl(ig->hw + reg);

	if (unlikely(val == ~0u))
		ignis_check_gone(ig);
	return val;
}

static inline void ignis_wr(struct ignis *ig, u32 reg, u32 val)
{
	writel(val, ig->hw + reg);
}

/* Several contexts change fields of CTRL, RCTL and others: one at a time */
static inline void ignis_rmw(struct ignis *ig, u32 reg, u32 clear, u32 set)
{
	unsigned long irqflags;

	spin_lock_irqsave(&ig->reg_lock, irqflags);
	ignis_wr(ig, reg, (ignis_rd(ig, reg) & ~clear) | set);
	spin_unlock_irqrestore(&ig->reg_lock, irqflags);
}

static inline u32 ignis_rx_reg(const struct ignis *ig, u16 queue, u32 reg)
{
	return ig->mac->rx_queues + queue * ig->mac->queue_stride + reg;
}

static inline u32 ignis_tx_reg(const struct ignis *ig, u16 queue, u32 reg)
{
	return ig->mac->tx_queues + queue * ig->mac->queue_stride + reg;
}

/* Posted writes before this have reached the device when it returns */
static inline void ignis_flush(struct ignis *ig)
{
	ignis_rd(ig, IGNIS_STATUS);
}

/*
 * Bytes of the longest frame to let in, FCS and two VLAN tags included.  A small
 * MTU limits what is sent, not what others may send.
 */
static inline unsigned int ignis_max_frame(unsigned int mtu)
{
	return max(mtu, ETH_DATA_LEN + 0u) + ETH_HLEN + ETH_FCS_LEN + 2 * VLAN_HLEN;
}

/* pci.c */
int ignis_port_add(struct ignis_function *fn);
void ignis_port_remove(struct ignis_function *fn);

/* devlink.c */
struct ignis_function *ignis_devlink_alloc(struct pci_dev *pdev,
					   const struct ignis_mac *mac);
void ignis_devlink_free(struct ignis_function *fn);
int ignis_devlink_register(struct ignis_function *fn);
void ignis_devlink_unregister(struct ignis_function *fn);
#ifdef IGNIS_DEVLINK_PORT
int ignis_devlink_port_add(struct ignis *ig);
void ignis_devlink_port_remove(struct ignis *ig);
#endif /* IGNIS_DEVLINK_PORT */

/* health.c */
int ignis_health_init(struct ignis_function *fn);
void ignis_health_exit(struct ignis_function *fn);
void ignis_report_tx_hang(struct ignis *ig, const struct ignis_tx_ring *ring);
void ignis_watch_start(struct ignis *ig);
void ignis_watch_work(struct work_struct *work);

/* netdev.c */
extern const struct net_device_ops ignis_netdev_ops_adv;
extern const struct net_device_ops ignis_netdev_ops_ext;
void ignis_netdev_init(struct ignis *ig);
void ignis_stop_master(struct ignis *ig);
int ignis_soft_reset(struct ignis *ig);
int ignis_hw_init(struct ignis *ig);
void ignis_hw_release(struct ignis *ig);
void ignis_apply_features(struct ignis *ig, netdev_features_t features);
void ignis_halt(struct ignis *ig);
void ignis_attach(struct ignis *ig);
int ignis_resume(struct ignis *ig);
int ignis_restart(struct ignis *ig);
void ignis_reset_work(struct work_struct *work);

/* power.c */
extern const struct dev_pm_ops ignis_pm_ops;
extern const struct pci_error_handlers ignis_err_handlers;
void ignis_shutdown(struct pci_dev *pdev);
void ignis_give_up(struct ignis *ig);
void ignis_restore_config(struct pci_dev *pdev);

/* queues.c */
int ignis_qset_open(struct ignis *ig);
void ignis_qset_close(struct ignis *ig);
int ignis_reconfigure(struct ignis *ig, const struct ignis_config *cfg,
		      struct netlink_ext_ack *extack);
int ignis_qset_stop(struct ignis *ig);
void ignis_qset_start(struct ignis *ig);
void ignis_qset_purge(struct ignis *ig);
void ignis_set_xsk(struct ignis *ig, u16 queue, struct xsk_buff_pool *pool);
bool ignis_qset_tx_pending(const struct ignis *ig);
void ignis_refill_work(struct work_struct *work);

/* irq.c */
int ignis_irq_init(struct ignis *ig);
void ignis_irq_exit(struct ignis *ig);
int ignis_irq_request(struct ignis *ig, unsigned int first, unsigned int end);
void ignis_irq_free(struct ignis *ig, unsigned int first, unsigned int end);
int ignis_irq_request_other(struct ignis *ig);
void ignis_irq_free_other(struct ignis *ig);
void ignis_set_moderation(struct ignis *ig);
u32 ignis_moderation(const struct ignis_vector *v);
int ignis_poll(struct napi_struct *napi, int budget);

/* rx.c */
int ignis_rx_alloc(struct ignis *ig, struct ignis_rx_ring *ring,
		   const struct ignis_config *cfg);
void ignis_rx_free(struct ignis *ig, struct ignis_rx_ring *ring);
void ignis_rx_reset(struct ignis_rx_ring *ring);
void ignis_rx_set_kind(struct ignis *ig, struct ignis_rx_ring *ring,
		       const struct ignis_config *cfg);
unsigned int ignis_rx_buf_len(const struct ignis *ig,
			      const struct ignis_config *cfg,
			      unsigned int room);
u32 ignis_rx_stamp(struct ignis *ig, struct ignis_xdp_buff *xb, u32 staterr);
void ignis_rx_pass(struct ignis_vector *v, struct sk_buff *skb,
		   const union ignis_rx_desc *desc, u32 staterr,
		   struct ignis_rx_counts *n);
void ignis_rx_count_xdp(struct ignis_vector *v, unsigned int packets,
			const struct ignis_rx_counts *n);
int ignis_rx_poll(struct ignis_vector *v, int budget);

/* xdp.c */
void ignis_xdp_init(struct ignis *ig);
int ignis_bpf(struct net_device *netdev, struct netdev_bpf *bpf);
int ignis_xdp_check(const struct ignis *ig, const struct ignis_config *cfg,
		    const struct bpf_prog *prog,
		    struct netlink_ext_ack *extack);
int ignis_xdp_check_log(const struct ignis *ig, const struct ignis_config *cfg);
int ignis_xdp_xmit(struct net_device *netdev, int n, struct xdp_frame **frames,
		   u32 flags);
unsigned int ignis_xdp_tx(struct ignis_tx_ring *ring,
			  const struct ignis_xdp_out *out, unsigned int n,
			  bool kick);

/* xsk.c */
extern const struct xsk_tx_metadata_ops ignis_xsk_tx_metadata_ops;
int ignis_xsk_setup(struct ignis *ig, struct xsk_buff_pool *pool, u16 queue);
int ignis_xsk_wakeup(struct net_device *netdev, u32 queue, u32 flags);
unsigned int ignis_xsk_buf_len(const struct ignis *ig,
			       const struct ignis_config *cfg, u16 queue);
void ignis_xsk_start(struct ignis_vector *v);
void ignis_xsk_reset(struct ignis_rx_ring *ring);
int ignis_xsk_poll(struct ignis_vector *v, int budget);

/* split.c */
int ignis_split_alloc(struct ignis *ig, struct ignis_rx_ring *ring);
void ignis_split_free(struct ignis *ig, struct ignis_rx_ring *ring);
bool ignis_split_fill(struct ignis_rx_ring *ring);
void ignis_split_reset(struct ignis_rx_ring *ring);
int ignis_split_poll(struct ignis_vector *v, int budget);

/* tx.c */
bool ignis_tx_xdp_frame(struct ignis_tx_ring *ring, struct xdp_frame *frame,
			bool pooled);
unsigned int ignis_tx_xdp_out(struct ignis_tx_ring *ring,
			      const struct ignis_xdp_out *out, unsigned int n);
u32 ignis_tx_xsk_csum(struct ignis_tx_ring *ring, const void *data, u16 start,
		      u16 offset);
unsigned int ignis_tx_xsk_plain(struct ignis_tx_ring *ring,
				const struct xdp_desc *descs, unsigned int n,
				u32 max, struct ignis_tx_run *run);
struct ignis_tx_buf *ignis_tx_xsk_put(struct ignis_tx_ring *ring,
				      enum ignis_tx_kind kind, dma_addr_t dma,
				      u32 len,
				      const struct ignis_tx_data *data);
void ignis_tx_xsk_run(struct ignis_tx_ring *ring, u32 first,
		      const struct ignis_tx_run *run);
void ignis_tx_xsk_end(struct ignis_tx_ring *ring, u32 total,
		      const struct ignis_tx_data *data);
void ignis_tx_xsk_stamp(const struct ignis_tx_ring *ring,
			struct ignis_tx_data *data);
u32 ignis_tx_xsk_olinfo(const struct ignis_tx_ring *ring, u32 total);
void ignis_tx_kick(struct ignis_tx_ring *ring);
int ignis_tx_alloc(struct ignis *ig, struct ignis_tx_ring *ring,
		   const struct ignis_config *cfg);
void ignis_tx_free(struct ignis_tx_ring *ring);
void ignis_tx_reset(struct ignis_tx_ring *ring);
bool ignis_tx_clean(struct ignis_vector *v, int budget);
netdev_tx_t ignis_xmit_adv(struct sk_buff *skb, struct net_device *netdev);
netdev_tx_t ignis_xmit_ext(struct sk_buff *skb, struct net_device *netdev);
netdev_features_t ignis_features_check(struct sk_buff *skb,
				       struct net_device *netdev,
				       netdev_features_t features);

/* link.c */
void ignis_write_pause(struct ignis *ig);
int ignis_link_init(struct ignis *ig);
void ignis_link_exit(struct ignis *ig);
void ignis_link_restart(struct ignis *ig);
void ignis_link_recheck(struct ignis *ig, bool restart);
int ignis_link_loopback(struct ignis *ig, bool on);

/* nvm.c */
int ignis_nvm_read(struct ignis *ig, u16 offset, u16 words, u16 *data);
int ignis_nvm_version(struct ignis *ig, char *buf);
int ignis_nvm_write_spi(struct ignis *ig, u16 offset, u16 data);
bool ignis_nvm_valid(struct ignis *ig);
int ignis_get_eeprom_len(struct net_device *netdev);
int ignis_get_eeprom(struct net_device *netdev, struct ethtool_eeprom *ee,
		     u8 *data);
int ignis_set_eeprom(struct net_device *netdev, struct ethtool_eeprom *ee,
		     u8 *data);

/* rss.c */
void ignis_rss_init(struct ignis *ig);
void ignis_rss_spread(struct ignis *ig);
void ignis_rss_write(struct ignis *ig);
u32 ignis_get_rxfh_key_size(struct net_device *netdev);
u32 ignis_get_rxfh_indir_size(struct net_device *netdev);
int ignis_get_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh);
int ignis_set_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh,
		   struct netlink_ext_ack *extack);
int ignis_get_rxfh_fields(struct net_device *netdev,
			  struct ethtool_rxfh_fields *fields);
int ignis_set_rxfh_fields(struct net_device *netdev,
			  const struct ethtool_rxfh_fields *fields,
			  struct netlink_ext_ack *extack);

/* ntuple.c */
void ignis_steer_init(struct ignis *ig);
void ignis_steer_exit(struct ignis *ig);
void ignis_steer_restore(struct ignis *ig);
void ignis_steer_clear(struct ignis *ig);
void ignis_steer_trim(struct ignis *ig);
int ignis_get_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info,
		    u32 *locations);
int ignis_set_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info);
int ignis_rx_flow_steer(struct net_device *netdev, const struct sk_buff *skb,
			u16 queue, u32 flow_id);

/* filter.c */
void ignis_filter_restore(struct ignis *ig);
void ignis_set_rx_mode(struct net_device *netdev);
int ignis_set_mac_address(struct net_device *netdev, void *addr);
int ignis_vlan_rx_add_vid(struct net_device *netdev, __be16 proto, u16 vid);
int ignis_vlan_rx_kill_vid(struct net_device *netdev, __be16 proto, u16 vid);

/* ethtool.c */
u32 ignis_get_rx_ring_count(struct net_device *netdev);
extern const struct ethtool_ops ignis_ethtool_ops;
extern const struct ethtool_ops ignis_ethtool_ops_split;

/* selftest.c */
unsigned int ignis_test_count(const struct ignis *ig);
void ignis_test_strings(const struct ignis *ig, u8 *data);
void ignis_self_test(struct net_device *netdev, struct ethtool_test *test,
		     u64 *failed);

/* stats.c */
extern const struct netdev_stat_ops ignis_stat_ops;
void ignis_update_hw_stats(struct ignis *ig);
void ignis_hold_hw_stats(struct ignis *ig, bool hold);
void ignis_stats_work(struct work_struct *work);
void ignis_get_stats64(struct net_device *netdev, struct rtnl_link_stats64 *s);
void ignis_get_eth_mac_stats(struct net_device *netdev,
			     struct ethtool_eth_mac_stats *s);
void ignis_get_eth_phy_stats(struct net_device *netdev,
			     struct ethtool_eth_phy_stats *s);
void ignis_get_eth_ctrl_stats(struct net_device *netdev,
			      struct ethtool_eth_ctrl_stats *s);
void ignis_get_rmon_stats(struct net_device *netdev,
			  struct ethtool_rmon_stats *s,
			  const struct ethtool_rmon_hist_range **ranges);
void ignis_get_pause_stats(struct net_device *netdev,
			   struct ethtool_pause_stats *s);
int ignis_get_sset_count(struct net_device *netdev, int sset);
void ignis_get_strings(struct net_device *netdev, u32 sset, u8 *data);
void ignis_get_ethtool_stats(struct net_device *netdev,
			     struct ethtool_stats *stats, u64 *data);

/* ptp.c */
void ignis_ptp_init(struct ignis *ig);
void ignis_ptp_exit(struct ignis *ig);
void ignis_ptp_hold(struct ignis *ig);
void ignis_ptp_resume(struct ignis *ig);
u64 ignis_read_systim(struct ignis *ig, struct ptp_system_timestamp *sts);
ktime_t ignis_ptp_rx(struct ignis *ig);
bool ignis_ptp_tx_start(struct ignis *ig, struct sk_buff *skb);
void ignis_ptp_tx_cancel(struct ignis *ig, struct sk_buff *skb);
bool ignis_ptp_tx_xsk(struct ignis *ig);
u64 ignis_ptp_tx_xsk_done(void *priv);
u64 ignis_ptp_rx_cleared(struct ignis *ig);
int ignis_hwtstamp_get(struct net_device *netdev,
		       struct kernel_hwtstamp_config *config);
int ignis_hwtstamp_set(struct net_device *netdev,
		       struct kernel_hwtstamp_config *config,
		       struct netlink_ext_ack *extack);
int ignis_get_ts_info(struct net_device *netdev,
		      struct kernel_ethtool_ts_info *info);
void ignis_get_ts_stats(struct net_device *netdev,
			struct ethtool_ts_stats *stats);

/* mac_82574.c */
extern const struct ignis_mac ignis_mac_82574;

/* mac_82576.c */
extern const struct ignis_mac ignis_mac_82576;

#endif /* IGNIS_H */
