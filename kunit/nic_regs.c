// SPDX-License-Identifier: GPL-2.0-only
/*
 * The register file.  A register holds what was written, unless the table of
 * side effects has an entry for it.
 */

#include <linux/etherdevice.h>
#include <linux/hash.h>
#include <linux/vmalloc.h>

#include "nic.h"

#define ENGINE_NS	2000
#define RESET_NS	500000

#define C82576		BIT(0)
#define C82574		BIT(1)
#define BOTH		(C82576 | C82574)

/**
 * struct nic_side_effect - registers that do more than hold a value
 * @chips: that have them so
 * @first: the first of them
 * @count: how many
 * @step: bytes from one to the next; 0: 4
 * @read: NULL: the value
 * @write: NULL: becomes the value
 */
struct nic_side_effect {
	u8 chips;
	u32 first;
	u16 count;
	u16 step;
	u32 (*read)(struct nic *nic, u32 reg);
	void (*write)(struct nic *nic, u32 reg, u32 val);
};

static void write_ignored(struct nic *nic, u32 reg, u32 val)
{
}

static u32 read_zero(struct nic *nic, u32 reg)
{
	return 0;
}

static u32 read_and_clear(struct nic *nic, u32 reg)
{
	u32 val = *nic_reg(nic, reg);

	*nic_reg(nic, reg) = 0;
	return val;
}

/* The upper half of an octet counter clears both */
static u32 read_octets_high(struct nic *nic, u32 reg)
{
	*nic_reg(nic, reg - 4) = 0;
	return read_and_clear(nic, reg);
}

/* --- general ------------------------------------------------------------ */

static u32 read_ctrl(struct nic *nic, u32 reg)
{
	return *nic_reg(nic, reg) | (nic->lies.stuck_reset ? CTRL_RST : 0);
}

static void write_ctrl(struct nic *nic, u32 reg, u32 val)
{
	if (val & BIT(31))
		nic_phy_reset(nic);
	if (val & CTRL_RST) {
		nic_reset(nic, false);
		return;
	}
	*nic_reg(nic, reg) = val & ~BIT(31);
	nic_link_update(nic);
	nic_arm(nic, ENGINE_NS);
}

static u32 read_status(struct nic *nic, u32 reg)
{
	u32 val = *nic_reg(nic, reg);

	if (!(*nic_reg(nic, IGNIS_CTRL) & CTRL_GIO_MASTER_DIS) ||
	    nic->lies.stuck_master)
		val |= STATUS_GIO_MASTER_EN;
	if (nic->lies.tx_paused)
		val |= STATUS_TXOFF;
	return val;
}

/* --- interrupts --------------------------------------------------------- */

static void write_icr(struct nic *nic, u32 reg, u32 val)
{
	*nic_reg(nic, IGNIS_ICR) &= ~val;
}

static void write_ics(struct nic *nic, u32 reg, u32 val)
{
	nic_cause(nic, val);
}

static void write_ims(struct nic *nic, u32 reg, u32 val)
{
	u32 *ims = nic_reg(nic, IGNIS_IMS), new = val & ~*ims;

	*ims |= val;
	nic_irq_unmasked(nic, new, 0);
}

static void write_imc(struct nic *nic, u32 reg, u32 val)
{
	*nic_reg(nic, IGNIS_IMS) &= ~val;
	if (!nic->chip->adv || !nic_msix_on(nic))
		nic->want &= *nic_reg(nic, IGNIS_IMS);
}

static void write_eics(struct nic *nic, u32 reg, u32 val)
{
	*nic_reg(nic, IGNIS_EICR) |= val;
	nic->want |= val & *nic_reg(nic, IGNIS_EIMS);
	nic_arm(nic, 0);
}

static void write_eims(struct nic *nic, u32 reg, u32 val)
{
	u32 *eims = nic_reg(nic, IGNIS_EIMS), new = val & ~*eims;

	*eims |= val;
	nic_irq_unmasked(nic, 0, new);
}

static void write_eimc(struct nic *nic, u32 reg, u32 val)
{
	*nic_reg(nic, IGNIS_EIMS) &= ~val;
	nic->want &= ~val;
}

static void write_eicr(struct nic *nic, u32 reg, u32 val)
{
	*nic_reg(nic, IGNIS_EICR) &= ~val;
}

static void write_eitr(struct nic *nic, u32 reg, u32 val)
{
	unsigned int v = (reg - IGNIS_EITR(0)) / 4;

	*nic_reg(nic, reg) = val & ~EITR_CNT_IGNR;
	nic->itr_ns[v] = FIELD_GET(EITR_INTERVAL, val) * NSEC_PER_USEC;
}

static void write_eitr_82574(struct nic *nic, u32 reg, u32 val)
{
	*nic_reg(nic, reg) = val & 0xffff;
	nic->itr_ns[(reg - IGNIS_EITR_82574(0)) / 4] = (val & 0xffff) * 256;
}

/* With MSI and INTx it throttles all there is */
static void write_itr_82574(struct nic *nic, u32 reg, u32 val)
{
	*nic_reg(nic, reg) = val & 0xffff;
	if (!nic_msix_on(nic))
		nic->itr_ns[0] = (val & 0xffff) * 256;
}

/* --- queues ------------------------------------------------------------- */

static void write_tail(struct nic *nic, u32 reg, u32 val)
{
	*nic_reg(nic, reg) = val & 0xffff;
	nic_arm(nic, ENGINE_NS);
}

static void write_dctl(struct nic *nic, u32 reg, u32 val)
{
	if (nic->lies.stuck_queues)
		val = (val & ~RXDCTL_ENABLE) |
		      (*nic_reg(nic, reg) & RXDCTL_ENABLE);
	*nic_reg(nic, reg) = val;
	nic_arm(nic, ENGINE_NS);
}

static void write_engine(struct nic *nic, u32 reg, u32 val)
{
	*nic_reg(nic, reg) = val;
	nic_arm(nic, ENGINE_NS);
}

/* --- semaphores --------------------------------------------------------- */

/* A read that finds SMBI clear sets it */
static u32 read_swsm(struct nic *nic, u32 reg)
{
	u32 val = *nic_reg(nic, reg);

	if (nic->lies.stuck_smbi)
		val |= SWSM_SMBI;
	*nic_reg(nic, reg) |= SWSM_SMBI;
	return val;
}

static void write_swsm(struct nic *nic, u32 reg, u32 val)
{
	if (nic->lies.stuck_swesmbi)
		val &= ~SWSM_SWESMBI;
	*nic_reg(nic, reg) = val;
}

static u32 read_sync(struct nic *nic, u32 reg)
{
	return *nic_reg(nic, reg) | nic->lies.fw_sync;
}

static void write_sync(struct nic *nic, u32 reg, u32 val)
{
	/* 82576 8.6.2: only under SWESMBI */
	if (!(*nic_reg(nic, IGNIS_SWSM) & SWSM_SWESMBI) &&
	    !nic->lies.stuck_swesmbi)
		nic_complain(nic, "SW_FW_SYNC written without SWSM.SWESMBI");
	*nic_reg(nic, reg) = val & ~nic->lies.fw_sync;
}

static void write_extcnf(struct nic *nic, u32 reg, u32 val)
{
	if (nic->lies.stuck_mdio)
		val &= ~EXTCNF_MDIO_SW;
	*nic_reg(nic, reg) = val;
}

/* --- clock -------------------------------------------------------------- */

u64 nic_systim(struct nic *nic)
{
	u32 inca = *nic_reg(nic, IGNIS_TIMINCA);
	u32 period = FIELD_GET(TIMINCA_INCPERIOD, inca);
	u64 ticks;

	if (!period)
		return nic->systim_base;
	ticks = (ktime_get_ns() - nic->systim_at) / (nic->chip->tick * period);
	return nic->systim_base + ticks * FIELD_GET(TIMINCA_INCVALUE, inca);
}

static u32 read_systiml(struct nic *nic, u32 reg)
{
	u64 now = nic_systim(nic);

	nic->systim_high = now >> 32;
	return now;
}

static u32 read_systimh(struct nic *nic, u32 reg)
{
	return nic->systim_high;
}

static void write_systim(struct nic *nic, u32 reg, u32 val)
{
	u64 now = nic_systim(nic);

	if (reg == IGNIS_SYSTIML)
		nic->systim_base = (now & GENMASK_ULL(63, 32)) | val;
	else
		nic->systim_base = (u32)now | (u64)val << 32;
	nic->systim_at = ktime_get_ns();
}

static void write_timinca(struct nic *nic, u32 reg, u32 val)
{
	nic->systim_base = nic_systim(nic);
	nic->systim_at = ktime_get_ns();
	*nic_reg(nic, reg) = val;
}

static u32 read_txstmph(struct nic *nic, u32 reg)
{
	*nic_reg(nic, IGNIS_TSYNCTXCTL) &= ~TSYNCTXCTL_VALID;
	return *nic_reg(nic, reg);
}

static u32 read_rxstmph(struct nic *nic, u32 reg)
{
	*nic_reg(nic, IGNIS_TSYNCRXCTL) &= ~TSYNCRXCTL_VALID;
	return *nic_reg(nic, reg);
}

/* VALID is the chip's */
static void write_tsync(struct nic *nic, u32 reg, u32 val)
{
	*nic_reg(nic, reg) = (val & ~BIT(0)) | (*nic_reg(nic, reg) & BIT(0));
}

/* Only what the driver may know of: later entries win */
static const struct nic_side_effect side_effects[] = {
	{},
	{ BOTH, IGNIS_CTRL, 1, 0, read_ctrl, write_ctrl },
	{ BOTH, IGNIS_STATUS, 1, 0, read_status, write_ignored },
	{ BOTH, IGNIS_EECD, 1, 0, nic_eecd_read, nic_eecd_write },
	{ BOTH, IGNIS_EERD, 1, 0, nic_eerd_read, nic_eerd_write },
	{ C82574, IGNIS_EEWR, 1, 0, nic_eerd_read, nic_eewr_write },
	{ BOTH, IGNIS_MDIC, 1, 0, nic_mdic_read, nic_mdic_write },

	{ BOTH, IGNIS_ICR, 1, 0, nic_read_icr, write_icr },
	{ BOTH, IGNIS_ICS, 1, 0, read_zero, write_ics },
	{ BOTH, IGNIS_IMS, 1, 0, NULL, write_ims },
	{ BOTH, IGNIS_IMC, 1, 0, read_zero, write_imc },
	{ C82574, IGNIS_ITR, 1, 0, NULL, write_itr_82574 },
	{ C82574, IGNIS_EITR_82574(0), 5, 0, NULL, write_eitr_82574 },
	{ C82576, IGNIS_EICS, 1, 0, read_zero, write_eics },
	{ C82576, IGNIS_EIMS, 1, 0, NULL, write_eims },
	{ C82576, IGNIS_EIMC, 1, 0, read_zero, write_eimc },
	{ C82576, IGNIS_EICR, 1, 0, read_and_clear, write_eicr },
	{ C82576, IGNIS_EITR(0), NIC_VECTORS, 0, NULL, write_eitr },

	{ BOTH, IGNIS_RCTL, 1, 0, NULL, write_engine },
	{ BOTH, IGNIS_TCTL, 1, 0, NULL, write_engine },
	{ C82576, IGNIS_RXQ(0, Q_TAIL), 16, 0x40, NULL, write_tail },
	{ C82576, IGNIS_TXQ(0, Q_TAIL), 16, 0x40, NULL, write_tail },
	{ C82576, IGNIS_RXQ(0, Q_DCTL), 16, 0x40, NULL, write_dctl },
	{ C82576, IGNIS_TXQ(0, Q_DCTL), 16, 0x40, NULL, write_dctl },
	{ C82576, IGNIS_RQDPC(0), 16, 0x40, read_and_clear, write_ignored },
	{ C82574, IGNIS_RXQ_82574 + Q_TAIL, 2, 0x100, NULL, write_tail },
	{ C82574, IGNIS_TXQ_82574 + Q_TAIL, 2, 0x100, NULL, write_tail },

	{ BOTH, IGNIS_SWSM, 1, 0, read_swsm, write_swsm },
	{ C82576, IGNIS_SW_FW_SYNC, 1, 0, read_sync, write_sync },
	{ C82574, IGNIS_EXTCNF_CTRL, 1, 0, NULL, write_extcnf },

	{ BOTH, IGNIS_SYSTIML, 1, 0, read_systiml, write_systim },
	{ BOTH, IGNIS_SYSTIMH, 1, 0, read_systimh, write_systim },
	{ BOTH, IGNIS_TIMINCA, 1, 0, NULL, write_timinca },
	{ BOTH, IGNIS_TSYNCTXCTL, 1, 0, NULL, write_tsync },
	{ BOTH, IGNIS_TSYNCRXCTL, 1, 0, NULL, write_tsync },
	{ BOTH, IGNIS_TXSTMPL, 1, 0, NULL, write_ignored },
	{ BOTH, IGNIS_TXSTMPH, 1, 0, read_txstmph, write_ignored },
	{ BOTH, IGNIS_RXSTMPL, 1, 0, NULL, write_ignored },
	{ BOTH, IGNIS_RXSTMPH, 1, 0, read_rxstmph, write_ignored },

	{ BOTH, 0x4000, 0x180 / 4, 0, read_and_clear, write_ignored },
	{ BOTH, IGNIS_GORCL, 1, 0, NULL, write_ignored },
	{ BOTH, IGNIS_GORCL + 4, 1, 0, read_octets_high, write_ignored },
	{ BOTH, IGNIS_GOTCL, 1, 0, NULL, write_ignored },
	{ BOTH, IGNIS_GOTCL + 4, 1, 0, read_octets_high, write_ignored },
};

/* Registers that have a second address on the 82576 */
static u32 nic_canonical(const struct nic *nic, u32 reg)
{
	if (!nic->chip->adv)
		return reg;
	if (reg >= 0x2800 && reg < 0x2c00 && (reg & 0xff) < 0x40)
		return IGNIS_RXQ(reg >> 8 & 3, reg & 0x3f);
	if (reg >= 0x3800 && reg < 0x3c00 && (reg & 0xff) < 0x40)
		return IGNIS_TXQ(reg >> 8 & 3, reg & 0x3f);
	switch (reg) {
	case 0x1500:
		return IGNIS_ICR;
	case 0x1504:
		return IGNIS_ICS;
	case 0x1508:
		return IGNIS_IMS;
	case 0x150c:
		return IGNIS_IMC;
	case 0x1510:
		return IGNIS_IAM;
	}
	return reg;
}

/* nic->lock held */
u32 nic_read(struct nic *nic, u32 reg)
{
	const struct nic_side_effect *se;

	reg = nic_canonical(nic, reg);
	se = &side_effects[nic->kind[reg / 4]];
	return se->read ? se->read(nic, reg) : *nic_reg(nic, reg);
}

/* nic->lock held */
void nic_write(struct nic *nic, u32 reg, u32 val)
{
	const struct nic_side_effect *se;

	reg = nic_canonical(nic, reg);
	se = &side_effects[nic->kind[reg / 4]];
	if (se->write)
		se->write(nic, reg, val);
	else
		*nic_reg(nic, reg) = val;
}

/* Counters stay at their highest value; octets have 64 bits */
void nic_count(struct nic *nic, u32 reg, u64 n)
{
	u32 *val = nic_reg(nic, reg);
	u64 sum;

	if (reg == IGNIS_GORCL || reg == IGNIS_GOTCL) {
		sum = (val[0] | (u64)val[1] << 32) + n;
		val[0] = sum;
		val[1] = sum >> 32;
	} else {
		/* RQDPC has 12 bits, 82576 8.10.11 */
		sum = *val + n;
		*val = min_t(u64, sum, nic->chip->adv && reg >= IGNIS_RQDPC(0) ?
				       0xfff : U32_MAX);
	}
}

/*
 * CTRL.RST, nic->lock held.  The PHY does not notice, and what wakes the machine
 * stays, unless it is because @power was off (82576 4.2).
 */
void nic_reset(struct nic *nic, bool power)
{
	const u32 wuc = *nic_reg(nic, IGNIS_WUC);
	const u32 wufc = *nic_reg(nic, IGNIS_WUFC);
	/* 82575 14.5, SDM 13.5: tables that are X to begin with */
	static const struct {
		u32 first;
		u16 count;
		u16 step;
	} undefined[] = {
		{ IGNIS_MTA(0), 128 },
		{ IGNIS_VFTA(0), 128 },
		{ IGNIS_RETA(0), 32 },
		{ IGNIS_RSSRK(0), 10 },
		{ IGNIS_RAL_LO(0), 16, 8 },
	};
	unsigned int i, at;
	u64 addr;

	memset(nic->regs, 0, NIC_BAR_SIZE);
	/* Memory of the MAC that nothing but software sets up */
	for (i = 0; i < ARRAY_SIZE(undefined); i++)
		for (at = 0; at < undefined[i].count; at++)
			*nic_reg(nic, undefined[i].first +
				 at * (undefined[i].step ?: 4)) =
				hash_32(undefined[i].first + at, 32);
	for (i = 0; i < nic->chip->n_resets; i++)
		*nic_reg(nic, nic->chip->resets[i].reg) =
			nic->chip->resets[i].val;
	if (nic->nvm_small)
		*nic_reg(nic, IGNIS_EECD) = EECD_PRES | EECD_AUTO_RD | 2 << 11;
	if (nic->nvm_flash)
		*nic_reg(nic, IGNIS_EECD) |= EECD_NVADDS_FLASH;
	if (!power) {
		*nic_reg(nic, IGNIS_WUC) = wuc;
		*nic_reg(nic, IGNIS_WUFC) = wufc;
	}

	/* The NVM's address comes into the first filter */
	addr = nic->nvm[0] | nic->nvm[1] << 16 | (u64)nic->nvm[2] << 32;
	*nic_reg(nic, IGNIS_RAL_LO(0)) = addr;
	*nic_reg(nic, IGNIS_RAL_LO(0) + 4) = (u32)(addr >> 32) | RAH_AV;

	nic->systim_base = 0;
	nic->systim_at = ktime_get_ns();
	nic_irq_reset(nic);
	nic_tx_reset(nic);
	nic_rx_reset(nic);
	nic_link_update(nic);
	nic->resets++;
}

int nic_regs_init(struct nic *nic)
{
	u8 chip = nic->chip->adv ? C82576 : C82574;
	unsigned int i, k;

	nic->regs = vzalloc(NIC_BAR_SIZE);
	nic->kind = vzalloc(NIC_BAR_SIZE / 4);
	if (!nic->regs || !nic->kind)
		return -ENOMEM;

	for (i = 1; i < ARRAY_SIZE(side_effects); i++) {
		const struct nic_side_effect *se = &side_effects[i];

		if (!(se->chips & chip))
			continue;
		for (k = 0; k < se->count; k++)
			nic->kind[(se->first + k * (se->step ?: 4)) / 4] = i;
	}
	return 0;
}
