/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of an 82576 or 82574L: what a driver sees of it on the bus, and what
 * the other end of the cable sees.
 *
 * It knows nothing of any driver.  Registers and descriptors do what the
 * datasheets say (82576EB chapters 7 and 8, 82574 chapters 7 and 10); what
 * they forbid is noted by nic_complain() and fails the test.  Memory is reached
 * through an IOMMU of the model's own, so DMA outside of a mapping is noted too.
 *
 * Work is done by a timer, some time after the register was written, as on
 * silicon.  Tests make the device misbehave through struct nic_lies.
 */
#ifndef IGNIS_KUNIT_NIC_H
#define IGNIS_KUNIT_NIC_H

#include <linux/bitfield.h>
#include <linux/hrtimer.h>
#include <linux/interval_tree.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/unaligned.h>

#include <ignis/desc.h>
#include <ignis/regs.h>

#include "virt-pci.h"

#define NIC_BAR_SIZE	SZ_128K
#define NIC_QUEUES	16
#define NIC_VECTORS	25
#define NIC_NVM_WORDS	2048
#define NIC_MAX_FRAME	16384
#define NIC_TX_BUF	(256 * 1024)

/* PHY registers the model acts on; the others just hold what is written */
#define NIC_PHY_ADDR	1

struct nic;

struct nic_reset_value {
	u32 reg;
	u32 val;
};

/**
 * struct nic_chip - what differs by silicon
 * @name: for test names
 * @device: PCI device ID
 * @phy_id: of the internal PHY
 * @adv: 82576: advanced descriptors, EICR, queues that start and stop
 * @queues: of each direction
 * @vectors: MSI-X
 * @rars: exact filters
 * @tick: ns after which SYSTIM goes on
 * @resets: registers that are not 0 after a reset
 * @n_resets: of @resets
 */
struct nic_chip {
	const char *name;
	u16 device;
	u32 phy_id;
	bool adv;
	u8 queues;
	u8 vectors;
	u8 rars;
	u8 tick;
	const struct nic_reset_value *resets;
	unsigned int n_resets;
};

/**
 * struct nic_frame - a frame on the wire, without FCS
 * @list: of frames
 * @queue: it was sent from
 * @no_fcs: the driver did not ask for one: the wire would not take it
 * @crc_error: to be received: it was damaged
 * @done: bytes in memory already
 * @parsed: the following are valid
 * @rxq: it goes to
 * @info: pkt_info to write back
 * @hash: to write back
 * @status: to write back
 * @vlan: to write back
 * @len: of @data
 * @data: from the destination address on
 */
struct nic_frame {
	struct list_head list;
	u16 queue;
	bool no_fcs;
	bool crc_error;
	u32 done;
	bool parsed;
	u16 rxq;
	u16 info;
	u32 hash;
	u32 status;
	u16 vlan;
	u32 len;
	u8 data[];
};

/**
 * struct nic_lies - what tests do to the device
 * @gone: reads are all ones, writes are lost, DMA ends
 * @gone_at: that happens after so many more accesses to BAR 0; 0: never
 * @tx_hold: nothing is fetched from transmit rings, but @tx_credit descriptors
 * @tx_credit: counts down
 * @tx_paused: ... since the peer has asked for it, says STATUS
 * @tx_no_report: no DD is written
 * @rx_hook: may change a receive descriptor before it is written
 * @rx_cut: bench_cut_header() has cut the last one
 * @map_fails_at: so many mappings from now the IOMMU has no room for one
 * @stuck_queues: RXDCTL, TXDCTL: ENABLE reads as it was
 * @stuck_reset: CTRL.RST does not end
 * @stuck_master: STATUS.GIO_MASTER_EN stays
 * @stuck_smbi: someone else holds SWSM.SMBI
 * @stuck_swesmbi: firmware holds SWSM.SWESMBI
 * @fw_sync: bits of SW_FW_SYNC that firmware holds
 * @stuck_mdio: firmware has the PHY (EXTCNF_CTRL)
 * @mdic_error: MDIC ends in an error
 * @mdic_never: MDIC does not end
 * @nvm_never: EERD does not end
 * @nvm_no_grant: EECD.GNT is not given
 * @nvm_busy: it never has written
 * @nvm_slow_at: after this many words it writes for longer than a driver waits
 * @storm: causes that occur again each microsecond, and those of receive queues
 */
struct nic_lies {
	bool gone;
	unsigned int gone_at;
	bool tx_hold;
	unsigned int tx_credit;
	bool tx_paused;
	bool tx_no_report;
	void (*rx_hook)(struct nic *nic, u16 queue, u32 index,
			union ignis_rx_desc *desc);
	bool rx_cut;
	unsigned int map_fails_at;
	bool stuck_queues;
	bool stuck_reset;
	bool stuck_master;
	bool stuck_smbi;
	bool stuck_swesmbi;
	u32 fw_sync;
	bool stuck_mdio;
	bool mdic_error;
	bool mdic_never;
	bool nvm_never;
	bool nvm_no_grant;
	bool nvm_busy;
	unsigned int nvm_slow_at;
	u32 storm;
};

struct nic_options {
	bool no_msix;
	bool no_msi;
	bool trusted;		/* its DMA is not watched */
	bool nvm_small;		/* 82576: an EEPROM of 256 words */
	bool nvm_flash;		/* 82574: the NVM is a copy of flash */
	const u16 *nvm;		/* NIC_NVM_WORDS of it; NULL: a good one */
};

struct nic_txq {
	u32 ctx[2][4];
	u32 cmd;		/* of the frame's first descriptor */
	u32 olinfo;
	u32 len;		/* gathered in buf */
	bool busy;		/* a frame has begun */
	u64 frames;
	u64 contexts;
	u8 *buf;
};

struct nic {
	struct um_pci_device um;
	const struct nic_chip *chip;
	struct pci_dev *pdev;
	struct notifier_block notifier;
	const char *driver;

	spinlock_t lock;	/* all below, but @maps */
	struct hrtimer timer;
	u64 due;		/* when @timer is, 0: not armed */
	bool stopped;

	u8 cfg[4096];
	u8 cfg_mask[4096];
	u8 cfg_reset[4096];	/* @cfg after a reset of the function */
	u32 msix[NIC_VECTORS * 4];
	u32 msix_pending;

	u8 *kind;		/* by register: entry of the table of side effects */
	u32 *regs;
	u32 want;		/* vectors, or causes, to send a message for */
	u64 next[NIC_VECTORS];	/* when a vector may send again */
	u64 itr_ns[NIC_VECTORS];
	u64 messages[NIC_VECTORS];

	struct nic_txq txq[NIC_QUEUES];
	u32 ext_ctx[4];		/* 82574: all queues have but this */
	struct list_head sent;
	unsigned int n_sent;
	struct list_head fifo;
	u32 fifo_bytes;
	bool rx_blocked;	/* for want of descriptors */
	u64 rx_frames[NIC_QUEUES];

	u16 nvm[NIC_NVM_WORDS];
	struct {
		u64 bits;	/* shifted in so far */
		u32 n;		/* how many */
		bool out;	/* the bit that it gives */
		bool wel;
		u64 done;	/* when it has written */
	} spi;
	unsigned int nvm_writes;
	bool nvm_small;
	bool nvm_flash;
	u16 flash[NIC_NVM_WORDS];
	u64 flash_done;		/* when it has been written */

	u16 phy[32];
	bool cable;
	u16 partner;		/* LPA */
	u16 partner_1000;	/* STAT1000 */
	u64 aneg_done;		/* when; 0: nothing under way */
	bool link;
	bool was_down;
	u64 mdic_done;

	u64 systim_base;
	u64 systim_at;
	u32 systim_high;

	bool trusted;
	int (*handle)(unsigned int irq);	/* instead of generic_handle_irq() */
	spinlock_t map_lock;	/* @maps */
	struct rb_root_cached maps;
	unsigned int n_maps;

	struct nic_lies lies;
	unsigned int resets;
	unsigned int pci_resets;	/* of the function */
	unsigned int complaints;
	char complaint[160];	/* the first */
};

/* nic_pci.c */
extern const struct nic_chip nic_82576;
extern const struct nic_chip nic_82574;
struct nic *nic_create(const struct nic_chip *chip, const char *driver,
		       const struct nic_options *options);
int nic_plug(struct nic *nic);
void nic_unplug(struct nic *nic);
void nic_destroy(struct nic *nic);
void nic_arm(struct nic *nic, u64 ns);
__printf(2, 3) void nic_complain(struct nic *nic, const char *fmt, ...);
bool nic_msix_on(const struct nic *nic);
void nic_pci_reset(struct nic *nic, bool power);
bool nic_intx_on(const struct nic *nic);
u64 nic_messages(const struct nic *nic);
bool nic_may_dma(const struct nic *nic);

/* nic_dma.c */
extern const struct dma_map_ops nic_dma_ops;
bool nic_dma_read(struct nic *nic, u64 addr, void *buf, u32 len);
bool nic_dma_write(struct nic *nic, u64 addr, const void *buf, u32 len);
void nic_dma_exit(struct nic *nic);

/* nic_regs.c */
int nic_regs_init(struct nic *nic);
void nic_reset(struct nic *nic, bool power);
u32 nic_read(struct nic *nic, u32 reg);
void nic_write(struct nic *nic, u32 reg, u32 val);
void nic_count(struct nic *nic, u32 reg, u64 n);
u64 nic_systim(struct nic *nic);

static inline u32 *nic_reg(struct nic *nic, u32 reg)
{
	return &nic->regs[reg / 4];
}

static inline u32 *nic_rxq_reg(struct nic *nic, u16 q, u32 reg)
{
	return nic_reg(nic, nic->chip->adv ? IGNIS_RXQ(q, reg) :
		       IGNIS_RXQ_82574 + q * IGNIS_QUEUE_STRIDE_82574 + reg);
}

static inline u32 *nic_txq_reg(struct nic *nic, u16 q, u32 reg)
{
	return nic_reg(nic, nic->chip->adv ? IGNIS_TXQ(q, reg) :
		       IGNIS_TXQ_82574 + q * IGNIS_QUEUE_STRIDE_82574 + reg);
}

/* nic_irq.c */
void nic_cause(struct nic *nic, u32 icr);
void nic_cause_rx(struct nic *nic, u16 q);
void nic_cause_tx(struct nic *nic, u16 q);
u32 nic_read_icr(struct nic *nic, u32 reg);
void nic_irq_unmasked(struct nic *nic, u32 ims, u32 eims);
u32 nic_irq_collect(struct nic *nic, u64 now);
void nic_irq_reset(struct nic *nic);

/* nic_phy.c */
void nic_phy_init(struct nic *nic);
void nic_phy_reset(struct nic *nic);
void nic_phy_run(struct nic *nic, u64 now);
void nic_cable(struct nic *nic, bool in);
void nic_link_update(struct nic *nic);
bool nic_phy_loopback(const struct nic *nic);
u32 nic_mdic_read(struct nic *nic, u32 reg);
void nic_mdic_write(struct nic *nic, u32 reg, u32 val);

/* nic_nvm.c */
void nic_nvm_init(struct nic *nic, const u16 *image);
void nic_nvm_checksum(u16 *nvm);
u32 nic_eerd_read(struct nic *nic, u32 reg);
void nic_eerd_write(struct nic *nic, u32 reg, u32 val);
void nic_eewr_write(struct nic *nic, u32 reg, u32 val);
u32 nic_eecd_read(struct nic *nic, u32 reg);
void nic_eecd_write(struct nic *nic, u32 reg, u32 val);

/* nic_tx.c */
void nic_tx_reset(struct nic *nic);
bool nic_tx_run(struct nic *nic);

/* nic_rx.c */
void nic_rx_reset(struct nic *nic);
void nic_rx_run(struct nic *nic);
void nic_rx_wire(struct nic *nic, const u8 *data, u32 len, bool crc_error);
void nic_inject(struct nic *nic, const u8 *data, u32 len);
u32 nic_toeplitz(const u8 *key, const u8 *data, unsigned int len);

#endif /* IGNIS_KUNIT_NIC_H */
