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
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/phylink.h>
#include <linux/spinlock.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <net/page_pool/helpers.h>

#include <ignis/desc.h>
#include <ignis/regs.h>

#include "compat.h"

#define IGNIS_MAX_QUEUES	8
/* MSI-X: vector 0 takes everything but the queues */
#define IGNIS_OTHER_VECTOR	0
#define IGNIS_QUEUE_VECTOR(q)	((q) + 1)
#define IGNIS_MIN_RING		64
#define IGNIS_MAX_RING		4096
#define IGNIS_DEFAULT_RING	512
#define IGNIS_MAX_MTU		9216
#define IGNIS_RSS_KEY_SIZE	40
#define IGNIS_MAX_RETA		128
#define IGNIS_MAX_ITR_USECS	8191

struct ignis;
struct ignis_qset;

/**
 * struct ignis_config - what the user asked for and a queue set is built from
 * @rx_count: receive descriptors a queue, a power of two
 * @tx_count: transmit descriptors a queue, a power of two
 * @channels: combined channels: one vector, one RX and one TX ring each
 * @mtu: layer 3 bytes in a frame
 *
 * To change any of it: copy, alter the copy, call ignis_reconfigure().
 */
struct ignis_config {
	u16 rx_count;
	u16 tx_count;
	u16 channels;
	unsigned int mtu;
};

struct ignis_rx_buf {
	struct page *page;
	u32 offset;		/* of the hardware's first byte in @page */
};

struct ignis_rx_ring {
	/* read only while the queue runs */
	union ignis_rx_desc *desc;
	struct ignis_rx_buf *buf;
	struct page_pool *pool;
	void __iomem *tail;
	u32 mask;		/* descriptors - 1 */
	u32 buf_len;		/* what the hardware may write into a buffer */
	u32 truesize;		/* a buffer's share of its page */
	u16 queue;

	/* free-running indices, masked where they are used */
	u32 ntc ____cacheline_aligned_in_smp;
	u32 ntu;
	struct sk_buff *skb;	/* frame whose last buffer is still to come */
	bool discard;		/* drop buffers up to the next end of packet */
	struct page *half;	/* page with fragments left to hand out */
	u32 half_offset;

	dma_addr_t dma;
	size_t size;
};

struct ignis_tx_buf {
	struct sk_buff *skb;	/* set on a frame's first descriptor only */
	dma_addr_t dma;
	u32 len;		/* bytes mapped; 0: nothing to unmap */
	u32 bytes;		/* on the wire, as told to BQL */
	u16 segs;
	u16 report;		/* first of a batch: index that reports it done */
	bool paged;
};

struct ignis_tx_stats;

struct ignis_tx_ring {
	/* read only while the queue runs */
	union ignis_tx_desc *desc;
	struct ignis_tx_buf *buf;
	struct device *dev;
	struct netdev_queue *txq;
	struct ignis_tx_stats *stats;
	void __iomem *tail;
	u32 mask;
	u32 wake;		/* free descriptors that restart the queue */
	u16 queue;

	/* transmit side, under the queue's xmit lock */
	u32 ntu ____cacheline_aligned_in_smp;
	u32 batch;		/* first slot since the last doorbell */
	u32 last;		/* last data descriptor written ... */
	u32 last_cmd;		/* ... and its cmd_type_len */
	u32 kicked;		/* slots before this one belong to the hardware */
	struct {
		u32 vlan_macip_lens;
		u32 type_tucmd_mlhl;
		u32 mss_l4len_idx;
	} ctx;			/* what the queue's hardware context holds */

	/* completion side, in NAPI */
	u32 ntc ____cacheline_aligned_in_smp;
	bool closing;		/* do not wake the queue any more */

	dma_addr_t dma;
	size_t size;
};

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
 * @rx_overruns: frames the chip dropped as @rx had no free descriptor;
 *	ig->stats_lock
 * @rx_stats: receive counters
 * @tx_stats: transmit counters
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
	u64 rx_overruns;
	struct ignis_rx_stats rx_stats;
	struct ignis_tx_stats tx_stats;
	char name[IFNAMSIZ + 11];
};

/* Consecutive 32-bit registers that can be read without side effects */
struct ignis_regs {
	u16 first;
	u8 count;
	bool per_queue;		/* again every IGNIS_QUEUE_STRIDE */
};

/**
 * struct ignis_mac - everything slow paths must know about a chip
 * @name: as printed
 * @max_queues: combined channels
 * @rar_entries: exact unicast filters, the own address included
 * @reta_entries: RSS indirection entries
 * @phy_addr: internal PHY's address on the MDIO bus
 * @regs: what ethtool -d dumps
 * @n_regs: entries in @regs
 * @reset: bring the MAC to its reset state, DMA and interrupts off
 * @init: program what does not depend on queues; after @reset
 * @release: tell the firmware that no driver runs the port
 * @irq_setup: route causes to vectors for ig->irq_mode; all masked
 * @irq_enable: unmask link change and, in MSI-X mode, its vector
 * @irq_disable: mask everything
 * @write_itr: set a vector's throttle; any context
 * @set_rar: write or (addr NULL) clear an exact filter entry
 * @rx_start: program and enable one receive queue
 * @rx_stop: disable one receive queue; nothing is written after it returns 0
 * @tx_start: program and enable one transmit queue
 * @tx_stop: disable one transmit queue; nothing is read after it returns 0
 * @write_rss: write key, fields, table of ig->rss to the chip
 * @set_pause: apply resolved flow control
 */
struct ignis_mac {
	const char *name;
	u8 max_queues;
	u8 rar_entries;
	u8 reta_entries;
	u8 phy_addr;
	const struct ignis_regs *regs;
	unsigned int n_regs;

	int (*reset)(struct ignis *ig);
	void (*init)(struct ignis *ig);
	void (*release)(struct ignis *ig);
	void (*irq_setup)(struct ignis *ig);
	void (*irq_enable)(struct ignis *ig);
	void (*irq_disable)(struct ignis *ig);
	void (*write_itr)(struct ignis_vector *v, u32 usecs);
	void (*set_rar)(struct ignis *ig, unsigned int entry, const u8 *addr);
	void (*rx_start)(struct ignis *ig, const struct ignis_rx_ring *ring);
	int (*rx_stop)(struct ignis *ig, u16 queue);
	void (*tx_start)(struct ignis *ig, const struct ignis_tx_ring *ring);
	int (*tx_stop)(struct ignis *ig, u16 queue);
	void (*write_rss)(struct ignis *ig);
	void (*set_pause)(struct ignis *ig, bool tx, bool rx);
};

enum ignis_irq_mode {
	IGNIS_INTX,
	IGNIS_MSI,
	IGNIS_MSIX,
};

enum ignis_flags {
	IGNIS_GONE,		/* reads return all ones: removed */
	IGNIS_HANG,		/* the watchdog asks for a restart */
	IGNIS_FLUSH,		/* link lost: rings may hold frames for ever */
};

/* Wire events that the MAC counts in registers which clear on read */
enum ignis_hw_stat {
	HW_RX_CRC_ERRORS,
	HW_RX_ALIGN_ERRORS,
	HW_RX_SYMBOL_ERRORS,
	HW_RX_MISSED,
	HW_RX_NO_BUFFER,
	HW_RX_UNDERSIZE,
	HW_RX_FRAGMENTS,
	HW_RX_OVERSIZE,
	HW_RX_JABBER,
	HW_RX_MULTICAST,
	HW_TX_EXCESSIVE_COLLISIONS,
	HW_TX_LATE_COLLISIONS,
	HW_COLLISIONS,
	HW_RX_XON,
	HW_RX_XOFF,
	HW_TX_XON,
	HW_TX_XOFF,
	HW_STATS
};

struct ignis_rss {
	u8 key[IGNIS_RSS_KEY_SIZE];
	u8 indir[IGNIS_MAX_RETA];
};

/**
 * struct ignis - one port
 * @netdev: its net_device; this struct is netdev_priv()
 * @pdev: its PCI function
 * @hw: BAR 0
 * @mac: chip table
 * @reg_lock: read-modify-write of registers
 * @tx: transmit ring of each queue, for ndo_start_xmit
 * @flags: enum ignis_flags bits
 * @cfg: configuration in force; RTNL
 * @qset: running queue set, NULL while down; RTNL
 * @xps_set: the default XPS map for this many channels has been set; RTNL
 * @vectors: one per possible channel, alive from probe to remove
 * @irq_mode: what probe obtained
 * @max_channels: what chip and vectors allow
 * @other_irq: vector for everything but queues (MSI-X)
 * @other_name: its name in /proc/interrupts
 * @rx_usecs: fixed moderation; RTNL
 * @adaptive: DIM moderates; RTNL
 * @rss: hash key and table; RTNL
 * @vlans: VLAN IDs let in; RTNL
 * @phylink: link management
 * @phylink_config: its configuration
 * @mii: bus of the internal PHY
 * @phy: the internal PHY
 * @tx_pause: pause frames are sent when the receive FIFO fills
 * @stats_lock: @hw_stats
 * @hw_stats: counts taken from clear-on-read registers so far
 * @tx_timeouts: times the watchdog found a queue hanging
 * @reset_work: acts on @flags
 * @refill_work: polls queues that ran out of receive buffers
 */
struct ignis {
	struct net_device *netdev;
	struct pci_dev *pdev;
	void __iomem *hw;
	const struct ignis_mac *mac;
	spinlock_t reg_lock;	/* read-modify-write of registers */
	struct ignis_tx_ring *tx[IGNIS_MAX_QUEUES];
	unsigned long flags;

	struct ignis_config cfg;
	struct ignis_qset *qset;
	bool xps_set;
	struct ignis_vector *vectors;
	enum ignis_irq_mode irq_mode;
	u16 max_channels;
	int other_irq;
	char other_name[IFNAMSIZ + 8];
	u32 rx_usecs;
	bool adaptive;

	struct ignis_rss rss;
	DECLARE_BITMAP(vlans, VLAN_N_VID);

	struct phylink *phylink;
	struct phylink_config phylink_config;
	struct mii_bus *mii;
	struct phy_device *phy;
	bool tx_pause;

	spinlock_t stats_lock;	/* hw_stats */
	u64 hw_stats[HW_STATS];

	u64 tx_timeouts;
	struct work_struct reset_work;
	struct delayed_work refill_work;
};

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

/* Posted writes before this have reached the device when it returns */
static inline void ignis_flush(struct ignis *ig)
{
	ignis_rd(ig, IGNIS_STATUS);
}

/*
 * Bytes of the longest frame let in, FCS and two VLAN tags included.  A small
 * MTU limits what is sent, not what others may send.
 */
static inline unsigned int ignis_max_frame(unsigned int mtu)
{
	return max(mtu, ETH_DATA_LEN + 0u) + ETH_HLEN + ETH_FCS_LEN + 2 * VLAN_HLEN;
}

/* netdev.c */
void ignis_netdev_init(struct ignis *ig);
int ignis_hw_init(struct ignis *ig);
void ignis_apply_features(struct ignis *ig, netdev_features_t features);
void ignis_reset_work(struct work_struct *work);

/* queues.c */
int ignis_qset_open(struct ignis *ig);
void ignis_qset_close(struct ignis *ig);
int ignis_reconfigure(struct ignis *ig, const struct ignis_config *cfg,
		      struct netlink_ext_ack *extack);
int ignis_qset_stop(struct ignis *ig);
void ignis_qset_start(struct ignis *ig);
void ignis_qset_purge(struct ignis *ig);
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
int ignis_poll(struct napi_struct *napi, int budget);

/* rx.c */
int ignis_rx_alloc(struct ignis *ig, struct ignis_rx_ring *ring,
		   const struct ignis_config *cfg);
void ignis_rx_free(struct ignis *ig, struct ignis_rx_ring *ring);
void ignis_rx_reset(struct ignis_rx_ring *ring);
int ignis_rx_poll(struct ignis_vector *v, int budget);
bool ignis_rx_pending(const struct ignis_rx_ring *ring);

/* tx.c */
int ignis_tx_alloc(struct ignis *ig, struct ignis_tx_ring *ring,
		   const struct ignis_config *cfg);
void ignis_tx_free(struct ignis_tx_ring *ring);
void ignis_tx_reset(struct ignis_tx_ring *ring);
bool ignis_tx_clean(struct ignis_vector *v, int budget);
netdev_tx_t ignis_xmit(struct sk_buff *skb, struct net_device *netdev);
netdev_features_t ignis_features_check(struct sk_buff *skb,
				       struct net_device *netdev,
				       netdev_features_t features);

/* link.c */
int ignis_link_init(struct ignis *ig);
void ignis_link_exit(struct ignis *ig);
void ignis_link_restart(struct ignis *ig);

/* nvm.c */
int ignis_nvm_read(struct ignis *ig, u16 offset, u16 words, u16 *data);

/* rss.c */
void ignis_rss_init(struct ignis *ig);
void ignis_rss_spread(struct ignis *ig);
u32 ignis_get_rxfh_key_size(struct net_device *netdev);
u32 ignis_get_rxfh_indir_size(struct net_device *netdev);
int ignis_get_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh);
int ignis_set_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh,
		   struct netlink_ext_ack *extack);

/* filter.c */
void ignis_filter_restore(struct ignis *ig);
void ignis_set_rx_mode(struct net_device *netdev);
int ignis_set_mac_address(struct net_device *netdev, void *addr);
int ignis_vlan_rx_add_vid(struct net_device *netdev, __be16 proto, u16 vid);
int ignis_vlan_rx_kill_vid(struct net_device *netdev, __be16 proto, u16 vid);

/* ethtool.c */
u32 ignis_get_rx_ring_count(struct net_device *netdev);
extern const struct ethtool_ops ignis_ethtool_ops;

/* stats.c */
extern const struct netdev_stat_ops ignis_stat_ops;
void ignis_update_hw_stats(struct ignis *ig);
void ignis_get_stats64(struct net_device *netdev, struct rtnl_link_stats64 *s);
int ignis_get_sset_count(struct net_device *netdev, int sset);
void ignis_get_strings(struct net_device *netdev, u32 sset, u8 *data);
void ignis_get_ethtool_stats(struct net_device *netdev,
			     struct ethtool_stats *stats, u64 *data);

/* mac_82576.c */
extern const struct ignis_mac ignis_mac_82576;

#endif /* IGNIS_H */
