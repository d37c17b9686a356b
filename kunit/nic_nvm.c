// SPDX-License-Identifier: GPL-2.0-only
/* The NVM: EERD, EEWR, and an SPI EEPROM on the pins of EECD */

#include <linux/string.h>

#include "nic.h"

#define SPI_WRITE	0x02
#define SPI_RDSR	0x05
#define SPI_WREN	0x06
#define SPI_A8		0x08	/* with small parts */
#define SPI_WRITE_NS	(3 * NSEC_PER_MSEC)
#define FLASH_NS	(500 * NSEC_PER_MSEC)
#define SPI_SLOW_NS	(30 * NSEC_PER_MSEC)

/* What the driver drives, and the chip's own bits */
#define EECD_PINS	(EECD_SK | EECD_CS | EECD_DI | EECD_REQ)

void nic_nvm_checksum(u16 *nvm)
{
	unsigned int i;
	u16 sum = 0;

	for (i = 0; i < NVM_CHECKSUM; i++)
		sum += nvm[i];
	nvm[NVM_CHECKSUM] = NVM_SUM - sum;
}

void nic_nvm_init(struct nic *nic, const u16 *image)
{
	static const u16 first[] = {
		/* 02:16:3e:00:00:01, little endian words */
		0x1602, 0x003e, 0x0100, 0x0000, 0xffff, 0x3100, 0xffff, 0xffff,
		/* PBA number, and Initialization Control 1 */
		0x0100, 0x0001, 0x4423,
	};

	if (image) {
		memcpy(nic->nvm, image, sizeof(nic->nvm));
		return;
	}
	memcpy(nic->nvm, first, sizeof(first));
	nic->nvm[0x0b] = PCI_VENDOR_ID_INTEL;
	nic->nvm[0x0c] = PCI_VENDOR_ID_INTEL;
	nic->nvm[0x0d] = nic->chip->device;
	nic->nvm[0x0f] = 0x0400;	/* wake-up by magic packet */
	nic->nvm[0x37] = 0xffff;	/* no alternate address */
	nic_nvm_checksum(nic->nvm);
}

void nic_eerd_write(struct nic *nic, u32 reg, u32 val)
{
	u32 word = FIELD_GET(EERD_ADDR, val);

	*nic_reg(nic, reg) = val & ~EERD_DONE;
	if (!(val & EERD_START))
		return;
	if (word >= NIC_NVM_WORDS)
		nic_complain(nic, "NVM word %#x", word);
	else
		*nic_reg(nic, reg) = (val & EERD_ADDR) | EERD_DONE |
			FIELD_PREP(EERD_DATA, nic->nvm[word]);
}

u32 nic_eerd_read(struct nic *nic, u32 reg)
{
	u32 val = *nic_reg(nic, reg);

	return nic->lies.nvm_never ? val & ~(EERD_DONE | EERD_DATA) : val;
}

/* 82574 */
void nic_eewr_write(struct nic *nic, u32 reg, u32 val)
{
	u32 word = FIELD_GET(EERD_ADDR, val);

	if (!(val & EERD_START))
		return;
	if (word >= NIC_NVM_WORDS) {
		nic_complain(nic, "NVM word %#x", word);
		return;
	}
	nic->nvm[word] = FIELD_GET(EERD_DATA, val);
	nic->nvm_writes++;
	*nic_reg(nic, reg) = (val & EERD_ADDR) |
			     (nic->lies.nvm_busy ? 0 : EERD_DONE);
}

/* Bits of a write: opcode, address, a word */
static unsigned int spi_write_bits(struct nic *nic)
{
	return *nic_reg(nic, IGNIS_EECD) & EECD_ADDR_16 ? 40 : 32;
}

static bool spi_busy(struct nic *nic)
{
	return nic->lies.nvm_busy || ktime_get_ns() < nic->spi.done;
}

/* The chip is deselected: what it was told takes effect.  AT25: 2.5, 2.6 */
static void spi_execute(struct nic *nic)
{
	unsigned int n = nic->spi.n, words = NIC_NVM_WORDS;
	u64 bits = nic->spi.bits;
	u8 op = n >= 8 ? bits >> (n - 8) : 0;
	u32 addr = bits >> 16 & 0xffff;

	if (!n || op == SPI_RDSR)
		return;
	if (spi_busy(nic)) {
		nic_complain(nic, "SPI command %#x while busy", op);
	} else if (op == SPI_WREN && n == 8) {
		nic->spi.wel = true;
		return;
	}
	if (spi_write_bits(nic) == 32) {
		words = 256;
		addr = (bits >> 16 & 0xff) | (op & SPI_A8 ? 0x100 : 0);
		op &= ~SPI_A8;
	}
	if (op != SPI_WRITE || n != spi_write_bits(nic) || !nic->spi.wel ||
	    addr / 2 >= words || addr % 2) {
		nic_complain(nic, "SPI command %#x of %u bits at %#x", op, n,
			     addr);
		return;
	}
	nic->nvm[addr / 2] = swab16(bits);
	nic->spi.wel = false;
	nic->spi.done = ktime_get_ns() + SPI_WRITE_NS;
	if (++nic->nvm_writes == nic->lies.nvm_slow_at)
		nic->spi.done += SPI_SLOW_NS;
}

void nic_eecd_write(struct nic *nic, u32 reg, u32 val)
{
	u32 *eecd = nic_reg(nic, reg), old = *eecd;
	unsigned int n;

	/* 82574 10.2.2.9: the copy goes back to flash */
	if (!nic->chip->adv && val & EECD_FLUPD) {
		if (ktime_get_ns() < nic->flash_done)
			nic_complain(nic, "EECD.FLUPD while it is set");
		memcpy(nic->flash, nic->nvm, sizeof(nic->flash));
		nic->flash_done = ktime_get_ns() + FLASH_NS;
	}
	if (nic->chip->adv && val & EECD_REQ &&
	    !(*nic_reg(nic, IGNIS_SW_FW_SYNC) & SW_FW_SYNC_NVM))
		nic_complain(nic, "EECD.REQ without the NVM's semaphore");
	*eecd = (old & ~(EECD_PINS | EECD_AUPDEN)) |
		(val & (EECD_PINS | EECD_AUPDEN));
	if (!(val & EECD_REQ))
		return;
	if (val & EECD_CS) {
		if (!(old & EECD_CS))
			spi_execute(nic);
		nic->spi.n = 0;
	} else if (~old & val & EECD_SK) {
		nic->spi.bits = nic->spi.bits << 1 | !!(val & EECD_DI);
		nic->spi.n++;
	} else if (old & ~val & EECD_SK) {
		/* Bits come out at the falling edge: those of the status */
		n = nic->spi.n;
		nic->spi.out = n >= 8 && n < 16 &&
			       (nic->spi.bits >> (n - 8) & 0xff) == SPI_RDSR &&
			       (n == 15 ? spi_busy(nic) :
				n == 14 && nic->spi.wel);
	}
}

u32 nic_eecd_read(struct nic *nic, u32 reg)
{
	u32 val = *nic_reg(nic, reg);

	if (val & EECD_REQ && !nic->lies.nvm_no_grant)
		val |= EECD_GNT;
	if (ktime_get_ns() < nic->flash_done)
		val |= EECD_FLUPD;
	return nic->spi.out ? val | EECD_DO : val;
}
