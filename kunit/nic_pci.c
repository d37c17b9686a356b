// SPDX-License-Identifier: GPL-2.0-only
/* The modelled NIC as a PCI function: config space, BARs, messages, the timer */

#include <linux/dma-map-ops.h>
#include <linux/irq.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "nic.h"

#define CAP_PM		0x40
#define CAP_MSI		0x50
#define CAP_MSIX	0x70
#define CAP_EXP		0xa0
#define BAR_MSIX	3
#define MSIX_BAR_SIZE	SZ_16K
#define MSIX_PBA	0x2000
#define ENGINE_NS	2000
#define LEAST_NS	100ULL	/* nothing happens at once */
#define STORM_NS	1000

static const struct nic_reset_value resets_82576[] = {
	{ IGNIS_CTRL, CTRL_FD | CTRL_SLU },
	{ IGNIS_STATUS, BIT(21) | BIT(9) },	/* resets and NVM load done */
	{ IGNIS_EECD, EECD_PRES | EECD_AUTO_RD | EECD_ADDR_16 | 5 << 11 },
	{ 0x1010, BIT(18) | BIT(19) },		/* EEMNGCTL: both ports' */
	{ IGNIS_LEDCTL, 0x07061302 },
	{ IGNIS_RXPBS, 64 },
	{ IGNIS_RLPML, 0x2600 },
	{ IGNIS_WUC, WUC_APME },
	{ IGNIS_RXQ(0, Q_DCTL), RXDCTL_ENABLE | 1 << 16 },
	{ IGNIS_VET, 0x8100 },
	{ IGNIS_TCTL, BIT(1) | BIT(3) | 15 << 4 | 64 << 12 },
	{ IGNIS_DTXTCPFLGL, 0xff6 | 0xff6 << 16 },
	{ IGNIS_DTXTCPFLGH, 0xf7f },
};

static const struct nic_reset_value resets_82574[] = {
	{ IGNIS_CTRL, CTRL_FD | CTRL_82574_MUST_CLEAR },
	{ IGNIS_EECD, EECD_PRES | EECD_AUTO_RD | 2 << 11 },
	{ 0x1010, BIT(18) },
	{ IGNIS_LEDCTL, 0x07061302 },
	{ IGNIS_PBA, 20 | 20 << 16 },
	{ IGNIS_WUC, WUC_APME },
	{ IGNIS_VET, 0x8100 },
	{ IGNIS_TXQ_82574 + Q_TARC, 0x403 },
	{ IGNIS_TXQ_82574 + 0x100 + Q_TARC, 0x403 },
	{ IGNIS_TIPG, 0x602008 },
};

const struct nic_chip nic_82576 = {
	.name = "82576",
	.device = 0x10c9,
	.phy_id = 0x02a80391,
	.adv = true,
	.queues = 16,
	.vectors = 25,
	.rars = 24,
	.tick = 16,
	.resets = resets_82576,
	.n_resets = ARRAY_SIZE(resets_82576),
};

const struct nic_chip nic_82574 = {
	.name = "82574L",
	.device = 0x10d3,
	.phy_id = 0x01410cb1,
	.queues = 2,
	.vectors = 5,
	.rars = 16,
	.tick = 40,
	.resets = resets_82574,
	.n_resets = ARRAY_SIZE(resets_82574),
};

static struct nic *to_nic(struct um_pci_device *um)
{
	return container_of(um, struct nic, um);
}

void nic_complain(struct nic *nic, const char *fmt, ...)
{
	va_list args;

	if (nic->complaints++)
		return;
	va_start(args, fmt);
	vsnprintf(nic->complaint, sizeof(nic->complaint), fmt, args);
	va_end(args);
}

/* --- config space ------------------------------------------------------- */

static void cfg_set(struct nic *nic, unsigned int at, int size, u32 val,
		    u32 mask)
{
	for (; size; size--, at++, val >>= 8, mask >>= 8) {
		nic->cfg_reset[at] = val;
		nic->cfg_mask[at] = mask;
	}
}

static u32 cfg_get(const struct nic *nic, unsigned int at, int size)
{
	u32 val = 0;

	while (size--)
		val = val << 8 | nic->cfg[at + size];
	return val;
}

static void cfg_init(struct nic *nic, const struct nic_options *opt)
{
	u8 next = CAP_PM;

	cfg_set(nic, PCI_VENDOR_ID, 2, PCI_VENDOR_ID_INTEL, 0);
	cfg_set(nic, PCI_DEVICE_ID, 2, nic->chip->device, 0);
	cfg_set(nic, PCI_COMMAND, 2, 0, PCI_COMMAND_MEMORY |
		PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	cfg_set(nic, PCI_STATUS, 2, PCI_STATUS_CAP_LIST, 0);
	cfg_set(nic, PCI_CLASS_DEVICE, 2, PCI_CLASS_NETWORK_ETHERNET, 0);
	cfg_set(nic, PCI_REVISION_ID, 1, 1, 0);
	cfg_set(nic, PCI_BASE_ADDRESS_0, 4, 0, ~(NIC_BAR_SIZE - 1));
	cfg_set(nic, PCI_BASE_ADDRESS_0 + 4 * BAR_MSIX, 4, 0,
		~(MSIX_BAR_SIZE - 1));
	cfg_set(nic, PCI_SUBSYSTEM_VENDOR_ID, 2, PCI_VENDOR_ID_INTEL, 0);
	cfg_set(nic, PCI_INTERRUPT_LINE, 1, 0, 0xff);
	cfg_set(nic, PCI_INTERRUPT_PIN, 1, 1, 0);
	cfg_set(nic, PCI_CAPABILITY_LIST, 1, next, 0);

	cfg_set(nic, next, 1, PCI_CAP_ID_PM, 0);
	cfg_set(nic, next + PCI_PM_PMC, 2, 3 | PCI_PM_CAP_PME_D0 |
		PCI_PM_CAP_PME_D3hot, 0);
	cfg_set(nic, next + PCI_PM_CTRL, 2, PCI_PM_CTRL_NO_SOFT_RESET, 0x103);
	nic->cfg_reset[next + 1] = CAP_EXP;
	next = CAP_EXP;

	cfg_set(nic, next, 1, PCI_CAP_ID_EXP, 0);
	cfg_set(nic, next + PCI_EXP_FLAGS, 2, 2, 0);
	cfg_set(nic, next + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR | 1, 0);
	cfg_set(nic, next + PCI_EXP_DEVCTL, 2, 0x2810, 0xffff);
	cfg_set(nic, next + PCI_EXP_LNKCAP, 4, 0x41, 0);
	cfg_set(nic, next + PCI_EXP_LNKCTL, 2, 0, 0x1ff);
	cfg_set(nic, next + PCI_EXP_LNKSTA, 2, 0x41, 0);
	cfg_set(nic, next + PCI_EXP_DEVCTL2, 2, 0, 0x1f);

	if (!opt->no_msi) {
		nic->cfg_reset[next + 1] = CAP_MSI;
		next = CAP_MSI;
		cfg_set(nic, next, 1, PCI_CAP_ID_MSI, 0);
		cfg_set(nic, next + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_64BIT,
			PCI_MSI_FLAGS_ENABLE);
		cfg_set(nic, next + PCI_MSI_ADDRESS_LO, 4, 0, ~0u);
		cfg_set(nic, next + PCI_MSI_ADDRESS_HI, 4, 0, ~0u);
		cfg_set(nic, next + PCI_MSI_DATA_64, 2, 0, 0xffff);
	}
	if (!opt->no_msix) {
		nic->cfg_reset[next + 1] = CAP_MSIX;
		next = CAP_MSIX;
		cfg_set(nic, next, 1, PCI_CAP_ID_MSIX, 0);
		cfg_set(nic, next + PCI_MSIX_FLAGS, 2, nic->chip->vectors - 1,
			PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
		cfg_set(nic, next + PCI_MSIX_TABLE, 4, BAR_MSIX, 0);
		cfg_set(nic, next + PCI_MSIX_PBA, 4, MSIX_PBA | BAR_MSIX, 0);
	}
	nic->cfg_reset[next + 1] = 0;
}

/**
 * nic_pci_reset - a reset of the function, config space and all
 * @nic: the model
 * @power: the power was off
 *
 * Context: any, nic->lock.
 */
void nic_pci_reset(struct nic *nic, bool power)
{
	unsigned int v;

	memcpy(nic->cfg, nic->cfg_reset, sizeof(nic->cfg));
	memset(nic->msix, 0, sizeof(nic->msix));
	for (v = 0; v < NIC_VECTORS; v++)
		nic->msix[v * 4 + 3] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	nic->msix_pending = 0;
	nic->pci_resets++;
	nic_phy_reset(nic);
	nic_reset(nic, power);
}

bool nic_msix_on(const struct nic *nic)
{
	return nic->cfg[CAP_MSIX] == PCI_CAP_ID_MSIX &&
	       cfg_get(nic, CAP_MSIX + PCI_MSIX_FLAGS, 2) &
	       PCI_MSIX_FLAGS_ENABLE;
}

static bool msi_on(const struct nic *nic)
{
	return nic->cfg[CAP_MSI] == PCI_CAP_ID_MSI &&
	       cfg_get(nic, CAP_MSI + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE;
}

bool nic_intx_on(const struct nic *nic)
{
	return !nic_msix_on(nic) && !msi_on(nic) &&
	       !(cfg_get(nic, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
}

static bool asleep(const struct nic *nic)
{
	return cfg_get(nic, CAP_PM + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK;
}

/* Linux looks for a BAR where it has put it */
static bool decodes(const struct nic *nic, int bar)
{
	return cfg_get(nic, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY &&
	       cfg_get(nic, PCI_BASE_ADDRESS_0 + 4 * bar, 4) ==
	       (u32)pci_bus_address(nic->pdev, bar);
}

bool nic_may_dma(const struct nic *nic)
{
	return !nic->lies.gone && !asleep(nic) &&
	       cfg_get(nic, PCI_COMMAND, 2) & PCI_COMMAND_MASTER &&
	       !(nic->regs[IGNIS_CTRL / 4] & CTRL_GIO_MASTER_DIS);
}

static unsigned long cfgspace_read(struct um_pci_device *um,
				   unsigned int offset, int size)
{
	struct nic *nic = to_nic(um);

	if (nic->lies.gone)
		return GENMASK(size * 8 - 1, 0);
	return cfg_get(nic, offset, size);
}

static void cfgspace_write(struct um_pci_device *um, unsigned int offset,
			   int size, unsigned long val)
{
	struct nic *nic = to_nic(um);
	unsigned long flags;
	unsigned int at;

	spin_lock_irqsave(&nic->lock, flags);
	for (at = offset; at < offset + size && !nic->lies.gone; at++, val >>= 8)
		nic->cfg[at] = (nic->cfg[at] & ~nic->cfg_mask[at]) |
			       (val & nic->cfg_mask[at]);
	if (cfg_get(nic, CAP_EXP + PCI_EXP_DEVCTL, 2) &
	    PCI_EXP_DEVCTL_BCR_FLR)
		nic_pci_reset(nic, false);
	nic_arm(nic, ENGINE_NS);
	spin_unlock_irqrestore(&nic->lock, flags);
}

/* --- BARs --------------------------------------------------------------- */

/* The device may go at any access, and in D3 nothing but its config space answers */
static bool bar_gone(struct nic *nic, int bar, unsigned int offset)
{
	if (nic->lies.gone_at && !--nic->lies.gone_at)
		nic->lies.gone = true;
	if (nic->lies.gone || !decodes(nic, bar))
		return true;
	if (!asleep(nic))
		return false;
	nic_complain(nic, "%#x touched while asleep", offset);
	return true;
}

static unsigned long bar_read(struct um_pci_device *um, int bar,
			      unsigned int offset, int size)
{
	struct nic *nic = to_nic(um);
	unsigned long flags;
	u32 val = 0;

	spin_lock_irqsave(&nic->lock, flags);
	if (bar_gone(nic, bar, offset))
		val = ~0u;
	else if (size != 4 || offset % 4)
		nic_complain(nic, "BAR %d: read of %d bytes at %#x", bar, size,
			     offset);
	else if (!bar)
		val = nic_read(nic, offset);
	else if (bar == BAR_MSIX && offset < sizeof(nic->msix))
		val = nic->msix[offset / 4];
	else if (bar == BAR_MSIX && offset == MSIX_PBA)
		val = nic->msix_pending;
	spin_unlock_irqrestore(&nic->lock, flags);
	return val;
}

static void bar_write(struct um_pci_device *um, int bar, unsigned int offset,
		      int size, unsigned long val)
{
	struct nic *nic = to_nic(um);
	unsigned long flags;

	spin_lock_irqsave(&nic->lock, flags);
	if (bar_gone(nic, bar, offset)) {
		/* Lost */
	} else if (size != 4 || offset % 4) {
		nic_complain(nic, "BAR %d: write of %d bytes at %#x", bar, size,
			     offset);
	} else if (!bar) {
		nic_write(nic, offset, val);
	} else if (bar == BAR_MSIX && offset < sizeof(nic->msix)) {
		nic->msix[offset / 4] = val;
		nic_arm(nic, 0);
	}
	spin_unlock_irqrestore(&nic->lock, flags);
}

static void bar_copy_from(struct um_pci_device *um, int bar, void *buffer,
			  unsigned int offset, int size)
{
	nic_complain(to_nic(um), "memcpy_fromio()");
}

static void bar_copy_to(struct um_pci_device *um, int bar, unsigned int offset,
			const void *buffer, int size)
{
	nic_complain(to_nic(um), "memcpy_toio()");
}

static void bar_set(struct um_pci_device *um, int bar, unsigned int offset,
		    u8 value, int size)
{
	nic_complain(to_nic(um), "memset_io()");
}

static const struct um_pci_ops nic_um_ops = {
	.cfgspace_read = cfgspace_read,
	.cfgspace_write = cfgspace_write,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.bar_copy_from = bar_copy_from,
	.bar_copy_to = bar_copy_to,
	.bar_set = bar_set,
};

/* --- the timer ---------------------------------------------------------- */

/* nic->lock held */
void nic_arm(struct nic *nic, u64 ns)
{
	u64 due = ktime_get_ns() + max(ns, LEAST_NS);

	if (nic->stopped || (nic->due && nic->due <= due))
		return;
	nic->due = due;
	hrtimer_start(&nic->timer, ns_to_ktime(due), HRTIMER_MODE_ABS);
}

/* How many have been sent */
u64 nic_messages(const struct nic *nic)
{
	u64 sum = 0;
	unsigned int v;

	for (v = 0; v < NIC_VECTORS; v++)
		sum += nic->messages[v];
	return sum;
}

/* Linux interrupt of a message; nic->lock held */
static int nic_message_irq(struct nic *nic, unsigned int vector)
{
	if (nic_msix_on(nic)) {
		u32 *entry = &nic->msix[vector * 4];

		if (entry[3] & PCI_MSIX_ENTRY_CTRL_MASKBIT ||
		    cfg_get(nic, CAP_MSIX + PCI_MSIX_FLAGS, 2) &
		    PCI_MSIX_FLAGS_MASKALL) {
			nic->msix_pending |= BIT(vector);
			return -1;
		}
		nic->msix_pending &= ~BIT(vector);
		return entry[2];
	}
	if (msi_on(nic))
		return cfg_get(nic, CAP_MSI + PCI_MSI_DATA_64, 2);
	if (!nic_intx_on(nic))
		return -1;
	return nic->um.irq;
}

static enum hrtimer_restart nic_timer(struct hrtimer *timer)
{
	struct nic *nic = container_of(timer, struct nic, timer);
	int irqs[NIC_VECTORS], n = 0;
	unsigned long flags;
	unsigned int v;
	u32 fire;

	spin_lock_irqsave(&nic->lock, flags);
	nic->due = 0;
	if (nic->stopped || nic->lies.gone) {
		spin_unlock_irqrestore(&nic->lock, flags);
		return HRTIMER_NORESTART;
	}
	nic_phy_run(nic, ktime_get_ns());
	if (nic_tx_run(nic))
		nic_arm(nic, ENGINE_NS);
	nic_rx_run(nic);
	if (nic->lies.storm) {
		nic_cause(nic, nic->lies.storm);
		for (v = 0; v < nic->chip->queues; v++)
			nic_cause_rx(nic, v);
		nic_arm(nic, STORM_NS);
	}

	fire = nic_irq_collect(nic, ktime_get_ns());
	fire |= nic->msix_pending;
	for (v = 0; v < NIC_VECTORS; v++) {
		int irq;

		if (!(fire & BIT(v)))
			continue;
		irq = nic_message_irq(nic, v);
		if (irq > 0) {
			nic->messages[v]++;
			irqs[n++] = irq;
		}
	}
	spin_unlock_irqrestore(&nic->lock, flags);

	for (v = 0; v < n; v++)
		(nic->handle ?: generic_handle_irq)(irqs[v]);
	return HRTIMER_NORESTART;
}

/* --- life --------------------------------------------------------------- */

/* Before drivers see the function */
static int nic_bus_notify(struct notifier_block *nb, unsigned long action,
			  void *data)
{
	struct nic *nic = container_of(nb, struct nic, notifier);
	struct device *dev = data;

	if (action != BUS_NOTIFY_ADD_DEVICE || nic->pdev)
		return NOTIFY_DONE;

	nic->pdev = pci_dev_get(to_pci_dev(dev));
	dev->platform_data = nic;
	set_dma_ops(dev, &nic_dma_ops);
	irq_set_chip_and_handler(nic->um.irq, &dummy_irq_chip,
				 handle_simple_irq);
	device_set_driver_override(dev, nic->driver);
	return NOTIFY_OK;
}

/**
 * nic_create - a NIC that is not plugged in yet
 * @chip: what it is
 * @driver: name of the driver that shall serve it
 * @options: what it lacks
 *
 * Return: the model or NULL.
 */
struct nic *nic_create(const struct nic_chip *chip, const char *driver,
		       const struct nic_options *options)
{
	struct nic *nic = vzalloc(sizeof(*nic));
	unsigned int q;

	if (!nic)
		return NULL;
	nic->chip = chip;
	nic->driver = driver;
	nic->trusted = options->trusted;
	nic->nvm_small = options->nvm_small;
	nic->nvm_flash = options->nvm_flash;
	nic->um.ops = &nic_um_ops;
	nic->maps = RB_ROOT_CACHED;
	spin_lock_init(&nic->lock);
	spin_lock_init(&nic->map_lock);
	INIT_LIST_HEAD(&nic->sent);
	INIT_LIST_HEAD(&nic->fifo);
	hrtimer_setup(&nic->timer, nic_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS);
	for (q = 0; q < chip->queues; q++) {
		nic->txq[q].buf = vmalloc(NIC_TX_BUF);
		if (!nic->txq[q].buf)
			goto err;
	}
	if (nic_regs_init(nic))
		goto err;
	cfg_init(nic, options);
	nic_nvm_init(nic, options->nvm);
	nic_phy_init(nic);
	nic_pci_reset(nic, true);
	nic->resets = 0;
	return nic;
err:
	nic_destroy(nic);
	return NULL;
}

/**
 * nic_plug - put the NIC into its slot; its driver probes it
 * @nic: the model
 *
 * Return: 0 or a negative errno; also 0 when probe failed.
 */
int nic_plug(struct nic *nic)
{
	int err;

	nic->stopped = false;
	nic->due = 0;
	nic->notifier.notifier_call = nic_bus_notify;
	err = bus_register_notifier(&pci_bus_type, &nic->notifier);
	if (err)
		return err;
	err = um_pci_device_register(&nic->um);
	bus_unregister_notifier(&pci_bus_type, &nic->notifier);
	return err ?: nic->pdev ? 0 : -ENODEV;
}

/**
 * nic_unplug - let the driver go, then take the NIC out
 * @nic: the model, plugged in
 */
void nic_unplug(struct nic *nic)
{
	unsigned long flags;

	/* By hand: virt-pci.c takes a reference to do it, and keeps that */
	pci_stop_and_remove_bus_device_locked(nic->pdev);
	spin_lock_irqsave(&nic->lock, flags);
	nic->stopped = true;
	spin_unlock_irqrestore(&nic->lock, flags);
	hrtimer_cancel(&nic->timer);
	um_pci_device_unregister(&nic->um);
	pci_dev_put(nic->pdev);
	nic->pdev = NULL;
	nic_dma_exit(nic);
}

/**
 * nic_destroy - free the model
 * @nic: not plugged in
 */
void nic_destroy(struct nic *nic)
{
	struct nic_frame *frame, *next;
	unsigned int q;

	list_for_each_entry_safe(frame, next, &nic->sent, list)
		kfree(frame);
	list_for_each_entry_safe(frame, next, &nic->fifo, list)
		kfree(frame);
	for (q = 0; q < NIC_QUEUES; q++)
		vfree(nic->txq[q].buf);
	vfree(nic->regs);
	vfree(nic->kind);
	vfree(nic);
}
