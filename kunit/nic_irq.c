// SPDX-License-Identifier: GPL-2.0-only
/*
 * Causes, masks, messages.  82576 7.3, 82574 7.4.
 *
 * @want remembers for what a message is due: vectors with the 82576's MSI-X,
 * ICR bits else.  Whoever sets a cause or unmasks one adds to it; sending, and
 * masking, take away.
 */

#include "nic.h"

#define OTHER_CAUSES	(ICR_LSC | ICR_RXO | BIT(9) | BIT(16) | BIT(17) | \
			 BIT(18))

static bool adv_msix(const struct nic *nic)
{
	return nic->chip->adv && nic_msix_on(nic);
}

/* A cause comes to its vector: 82576 with MSI-X */
static void adv_vector(struct nic *nic, u8 ivar)
{
	u32 bit;

	if (!(ivar & IVAR_VALID) || (ivar & 0x1f) >= NIC_VECTORS)
		return;
	bit = BIT(ivar & 0x1f);
	*nic_reg(nic, IGNIS_EICR) |= bit;
	nic->want |= bit & *nic_reg(nic, IGNIS_EIMS);
	nic_arm(nic, 0);
}

/* Causes that are no queue's share a vector */
static void adv_other(struct nic *nic)
{
	if (*nic_reg(nic, IGNIS_ICR) & *nic_reg(nic, IGNIS_IMS))
		adv_vector(nic, *nic_reg(nic, IGNIS_IVAR_MISC) >> 8);
}

/**
 * nic_cause - causes of ICR occur
 * @nic: the model; nic->lock held
 * @icr: bits
 */
void nic_cause(struct nic *nic, u32 icr)
{
	u32 *reg = nic_reg(nic, IGNIS_ICR);

	if (!nic->chip->adv && (icr & OTHER_CAUSES))
		icr |= ICR_OTHER;
	*reg |= icr & ~ICR_INTA;
	if (adv_msix(nic)) {
		if (icr & *nic_reg(nic, IGNIS_IMS))
			adv_other(nic);
		return;
	}
	nic->want |= icr & *nic_reg(nic, IGNIS_IMS);
	nic_arm(nic, 0);
}

/* IVAR n % 8: queue n's byte for receive, then transmit; those of n + 8 */
static u8 adv_ivar(struct nic *nic, u16 q, unsigned int tx)
{
	return *nic_reg(nic, IGNIS_IVAR(q & 7)) >>
	       8 * (tx + (q & 8 ? 2 : 0));
}

void nic_cause_rx(struct nic *nic, u16 q)
{
	if (adv_msix(nic))
		adv_vector(nic, adv_ivar(nic, q, 0));
	else
		nic_cause(nic, ICR_RXT0 |
			  (nic->chip->adv ? 0 : ICR_RXQ(q)));
}

void nic_cause_tx(struct nic *nic, u16 q)
{
	if (adv_msix(nic))
		adv_vector(nic, adv_ivar(nic, q, 1));
	else
		nic_cause(nic, ICR_TXDW |
			  (nic->chip->adv ? 0 : ICR_TXQ(q)));
}

/* What is pending already interrupts when it is unmasked; nic->lock held */
void nic_irq_unmasked(struct nic *nic, u32 ims, u32 eims)
{
	if (adv_msix(nic)) {
		nic->want |= eims & *nic_reg(nic, IGNIS_EICR);
		if (ims & *nic_reg(nic, IGNIS_ICR))
			adv_other(nic);
	} else {
		nic->want |= ims & *nic_reg(nic, IGNIS_ICR);
	}
	if (nic->want)
		nic_arm(nic, 0);
}

/*
 * To read ICR clears it, if an interrupt is asserted or nothing is unmasked,
 * or always with GPIE.NSICR; 82576 8.8.1, 82574 10.2.4.1.
 */
u32 nic_read_icr(struct nic *nic, u32 reg)
{
	u32 *icr = nic_reg(nic, IGNIS_ICR), *ims = nic_reg(nic, IGNIS_IMS);
	u32 val = *icr;
	bool asserted = val & *ims;

	if (asserted)
		val |= ICR_INTA;
	if (asserted || !*ims ||
	    (nic->chip->adv && *nic_reg(nic, IGNIS_GPIE) & GPIE_NSICR)) {
		*icr = 0;
		if (!adv_msix(nic))
			nic->want = 0;
	}
	if (asserted && *nic_reg(nic, IGNIS_CTRL_EXT) & CTRL_EXT_IAME)
		*ims &= ~*nic_reg(nic, IGNIS_IAM);
	return val;
}

/* May this vector send now; else the timer is set for when it may */
static bool nic_may_send(struct nic *nic, unsigned int v, u64 now)
{
	if (now < nic->next[v]) {
		nic_arm(nic, nic->next[v] - now);
		return false;
	}
	nic->next[v] = now + nic->itr_ns[v];
	return true;
}

static u32 collect_adv(struct nic *nic, u64 now)
{
	u32 fire = 0;
	unsigned int v;

	for (v = 0; v < NIC_VECTORS; v++) {
		if (!(nic->want & BIT(v)) || !nic_may_send(nic, v, now))
			continue;
		fire |= BIT(v);
		nic->want &= ~BIT(v);
		*nic_reg(nic, IGNIS_EICR) &=
			~(*nic_reg(nic, IGNIS_EIAC) & BIT(v));
		if (*nic_reg(nic, IGNIS_GPIE) & GPIE_EIAME)
			*nic_reg(nic, IGNIS_EIMS) &=
				~(*nic_reg(nic, IGNIS_EIAM) & BIT(v));
	}
	return fire;
}

/* 82574: IVAR has four bits for each of five causes, ICR.RXQ0 and up */
static u32 collect_ext(struct nic *nic, u64 now)
{
	u32 ivar = *nic_reg(nic, IGNIS_IVAR_82574);
	u32 causes[5] = {}, fire = 0;
	unsigned int i, v;

	for (i = 0; i < 5; i++) {
		u32 entry = ivar >> 4 * i;

		if ((nic->want & ICR_RXQ(i)) && (entry & IVAR_82574_VALID) &&
		    (entry & 7) < ARRAY_SIZE(causes))
			causes[entry & 7] |= ICR_RXQ(i);
	}
	for (v = 0; v < ARRAY_SIZE(causes); v++) {
		if (!causes[v] || !nic_may_send(nic, v, now))
			continue;
		fire |= BIT(v);
		nic->want &= ~causes[v];
		*nic_reg(nic, IGNIS_ICR) &=
			~(*nic_reg(nic, IGNIS_EIAC_82574) & causes[v]);
		if (*nic_reg(nic, IGNIS_CTRL_EXT) & CTRL_EXT_EIAME)
			*nic_reg(nic, IGNIS_IMS) &=
				~(*nic_reg(nic, IGNIS_IAM) & causes[v]);
	}
	return fire;
}

/**
 * nic_irq_collect - the vectors whose message goes now
 * @nic: the model; nic->lock held
 * @now: ns
 *
 * Return: bits; bit 0 with MSI and INTx.
 */
u32 nic_irq_collect(struct nic *nic, u64 now)
{
	bool level;

	if (nic_msix_on(nic))
		return nic->chip->adv ? collect_adv(nic, now) :
					collect_ext(nic, now);

	/* INTx stays asserted until the causes are gone or masked */
	level = nic_intx_on(nic) &&
		*nic_reg(nic, IGNIS_ICR) & *nic_reg(nic, IGNIS_IMS);
	if ((!nic->want && !level) || !nic_may_send(nic, 0, now))
		return 0;
	nic->want = 0;
	if (level)
		nic_arm(nic, NSEC_PER_USEC);
	return 1;
}

void nic_irq_reset(struct nic *nic)
{
	nic->want = 0;
	nic->msix_pending = 0;
	memset(nic->itr_ns, 0, sizeof(nic->itr_ns));
}
