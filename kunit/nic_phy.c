// SPDX-License-Identifier: GPL-2.0-only
/* The internal PHY, the cable, and what the MAC sees of the link */

#include <linux/mii.h>

#include "nic.h"

#define MDIC_NS		60000
#define ANEG_NS		(1500 * NSEC_PER_MSEC)
#define STATUS_SPEED	GENMASK(7, 6)

/* What both ends can do: 1000, 100, 10, or 0 */
static unsigned int phy_speed(const struct nic *nic, bool *fd)
{
	u16 both = nic->phy[MII_ADVERTISE] & nic->partner;

	*fd = true;
	if (!(nic->phy[MII_BMCR] & BMCR_ANENABLE)) {
		*fd = nic->phy[MII_BMCR] & BMCR_FULLDPLX;
		return nic->phy[MII_BMCR] & BMCR_SPEED1000 ? 1000 :
		       nic->phy[MII_BMCR] & BMCR_SPEED100 ? 100 : 10;
	}
	if (nic->phy[MII_CTRL1000] & ADVERTISE_1000FULL &&
	    nic->partner_1000 & LPA_1000FULL)
		return 1000;
	if (both & ADVERTISE_100FULL)
		return 100;
	*fd = false;
	if (both & ADVERTISE_100HALF)
		return 100;
	*fd = both & ADVERTISE_10FULL;
	return both & (ADVERTISE_10FULL | ADVERTISE_10HALF) ? 10 : 0;
}

bool nic_phy_loopback(const struct nic *nic)
{
	return nic->phy[MII_BMCR] & BMCR_LOOPBACK;
}

/* Tell the MAC; it interrupts when the link comes or goes.  nic->lock held. */
void nic_link_update(struct nic *nic)
{
	u32 *status = nic_reg(nic, IGNIS_STATUS), old = *status;
	bool up = nic->link || nic_phy_loopback(nic), fd;
	unsigned int speed = phy_speed(nic, &fd);

	*status &= ~(STATUS_LU | STATUS_FD | STATUS_SPEED);
	/* Both chips: software must set the link up; 82576 8.2.1 */
	if (up && *nic_reg(nic, IGNIS_CTRL) & CTRL_SLU)
		*status |= STATUS_LU | (fd ? STATUS_FD : 0) |
			   FIELD_PREP(STATUS_SPEED, speed == 1000 ? 2 :
						    speed == 100 ? 1 : 0);
	if ((old ^ *status) & STATUS_LU)
		nic_cause(nic, ICR_LSC);
	nic_arm(nic, 0);
}

static void phy_set_link(struct nic *nic, bool up)
{
	bool fd;

	nic->link = up && phy_speed(nic, &fd);
	if (nic->link) {
		nic->phy[MII_BMSR] |= BMSR_ANEGCOMPLETE;
		nic->phy[MII_LPA] = nic->partner | LPA_LPACK;
		nic->phy[MII_STAT1000] = nic->partner_1000 |
			LPA_1000LOCALRXOK | LPA_1000REMRXOK;
	} else {
		nic->was_down = true;
		nic->phy[MII_BMSR] &= ~BMSR_ANEGCOMPLETE;
		nic->phy[MII_LPA] = 0;
		nic->phy[MII_STAT1000] = 0;
	}
	nic_link_update(nic);
}

/* The link goes, to come back in a while if it can */
static void phy_restart(struct nic *nic)
{
	phy_set_link(nic, false);
	nic->aneg_done = 0;
	if (!nic->cable || nic->phy[MII_BMCR] & (BMCR_PDOWN | BMCR_LOOPBACK |
						 BMCR_ISOLATE))
		return;
	nic->aneg_done = ktime_get_ns() + ANEG_NS;
	nic_arm(nic, ANEG_NS);
}

void nic_phy_run(struct nic *nic, u64 now)
{
	if (!nic->aneg_done)
		return;
	if (now < nic->aneg_done) {
		nic_arm(nic, nic->aneg_done - now);
		return;
	}
	nic->aneg_done = 0;
	phy_set_link(nic, true);
}

/* Plug the cable in or out; any context */
void nic_cable(struct nic *nic, bool in)
{
	unsigned long flags;

	spin_lock_irqsave(&nic->lock, flags);
	nic->cable = in;
	phy_restart(nic);
	spin_unlock_irqrestore(&nic->lock, flags);
}

void nic_phy_reset(struct nic *nic)
{
	memset(nic->phy, 0, sizeof(nic->phy));
	nic->phy[MII_BMCR] = BMCR_ANENABLE | BMCR_SPEED1000 | BMCR_FULLDPLX;
	nic->phy[MII_BMSR] = BMSR_ANEGCAPABLE | BMSR_ESTATEN | BMSR_100FULL |
			     BMSR_100HALF | BMSR_10FULL | BMSR_10HALF |
			     BMSR_ERCAP;
	nic->phy[MII_PHYSID1] = nic->chip->phy_id >> 16;
	nic->phy[MII_PHYSID2] = nic->chip->phy_id;
	nic->phy[MII_ADVERTISE] = ADVERTISE_ALL | ADVERTISE_CSMA;
	nic->phy[MII_CTRL1000] = ADVERTISE_1000FULL;
	nic->phy[MII_ESTATUS] = ESTATUS_1000_TFULL;
	phy_restart(nic);
}

void nic_phy_init(struct nic *nic)
{
	nic->cable = true;
	nic->partner = ADVERTISE_ALL | ADVERTISE_CSMA | ADVERTISE_PAUSE_CAP;
	nic->partner_1000 = LPA_1000FULL;
}

static u16 phy_read(struct nic *nic, u32 reg)
{
	u16 val = nic->phy[reg];

	if (reg != MII_BMSR)
		return val;
	/* Once it was down it reads so, once */
	if (nic->link && !nic->was_down)
		val |= BMSR_LSTATUS;
	nic->was_down = false;
	return val;
}

static void phy_write(struct nic *nic, u32 reg, u16 val)
{
	u16 old = nic->phy[reg];

	switch (reg) {
	case MII_BMCR:
		if (val & BMCR_RESET) {
			nic_phy_reset(nic);
			return;
		}
		nic->phy[reg] = val & ~BMCR_ANRESTART;
		/* Any change of mode begins anew */
		if (val & BMCR_ANRESTART ||
		    (val ^ old) & (BMCR_ANENABLE | BMCR_SPEED100 |
				   BMCR_SPEED1000 | BMCR_FULLDPLX | BMCR_PDOWN |
				   BMCR_LOOPBACK | BMCR_ISOLATE))
			phy_restart(nic);
		return;
	case MII_BMSR:
	case MII_PHYSID1:
	case MII_PHYSID2:
	case MII_LPA:
	case MII_STAT1000:
	case MII_ESTATUS:
		return;
	default:
		nic->phy[reg] = val;
	}
}

/* 82576 8.2.4: a transaction takes some time, then READY says so */
void nic_mdic_write(struct nic *nic, u32 reg, u32 val)
{
	u32 op = FIELD_GET(MDIC_OP, val), r = FIELD_GET(MDIC_REGADD, val);
	u32 *mdic = nic_reg(nic, reg);

	if (ktime_get_ns() < nic->mdic_done)
		nic_complain(nic, "MDIC written while busy");
	/* Firmware and the other port have PHYs, too */
	if (!(nic->chip->adv ? *nic_reg(nic, IGNIS_SW_FW_SYNC) &
			       SW_FW_SYNC_PHY0 :
			       *nic_reg(nic, IGNIS_EXTCNF_CTRL) &
			       EXTCNF_MDIO_SW))
		nic_complain(nic, "MDIC written without the PHY's semaphore");
	*mdic = val & ~(MDIC_READY | MDIC_ERROR);
	nic->mdic_done = ktime_get_ns() + MDIC_NS;
	if (FIELD_GET(MDIC_PHYADD, val) != NIC_PHY_ADDR ||
	    nic->lies.mdic_error) {
		*mdic |= MDIC_ERROR;
	} else if (op == MDIC_OP_READ) {
		*mdic &= ~MDIC_DATA;
		*mdic |= phy_read(nic, r);
	} else if (op == MDIC_OP_WRITE) {
		phy_write(nic, r, FIELD_GET(MDIC_DATA, val));
	} else {
		nic_complain(nic, "MDIC op %u", op);
	}
}

u32 nic_mdic_read(struct nic *nic, u32 reg)
{
	u32 val = *nic_reg(nic, reg);

	if (nic->lies.mdic_never || ktime_get_ns() < nic->mdic_done)
		return val & ~(MDIC_READY | MDIC_ERROR | MDIC_DATA);
	return val | MDIC_READY;
}
