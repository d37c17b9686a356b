// SPDX-License-Identifier: GPL-2.0-only
/* The NVM: EERD, EEWR, and an SPI EEPROM on the pins of EECD */

#include <linux/string.h>

#include "nic.h"

#define SPI_WRITE	0x02
#define SPI_READ	0x03
#define SPI_RDSR	0x05
#define SPI_WREN	0x06

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
	*nic_reg(nic, reg) = (val & EERD_ADDR) | EERD_DONE;
}

/* A bit is taken at the rising edge of the clock, one is given at the falling */
static void spi_clock(struct nic *nic, bool di)
{
	u32 op, addr;

	nic->spi.bits = nic->spi.bits << 1 | di;
	nic->spi.n++;
	op = nic->spi.n >= 8 ? nic->spi.bits >> (nic->spi.n - 8) & 0xff : 0;

	if (nic->spi.n == 8 && op == SPI_RDSR)
		nic->spi.out = 0;	/* never busy */
	if (nic->spi.n == 8 && op == SPI_WREN)
		nic->spi.wel = true;
	/* Opcode, 16 bits of address, a word: the first 40 bits */
	if (nic->spi.n == 24)
		nic->spi.out = nic->spi.bits;
	if (nic->spi.n == 40) {
		op = nic->spi.out >> 16 & 0xff;
		addr = nic->spi.out & 0xffff;
		if (op != SPI_WRITE)
			return;
		if (!nic->spi.wel || addr / 2 >= NIC_NVM_WORDS || addr % 2) {
			nic_complain(nic, "SPI write at %#x, enabled: %d", addr,
				     nic->spi.wel);
			return;
		}
		nic->nvm[addr / 2] = swab16(nic->spi.bits);
		nic->nvm_writes++;
		nic->spi.wel = false;
	}
}

void nic_eecd_write(struct nic *nic, u32 reg, u32 val)
{
	u32 *eecd = nic_reg(nic, reg), old = *eecd;

	*eecd = (old & ~(EECD_PINS | EECD_AUPDEN)) |
		(val & (EECD_PINS | EECD_AUPDEN));
	if (!(val & EECD_REQ))
		return;
	if (val & EECD_CS)
		nic->spi.n = 0;
	else if (~old & val & EECD_SK)
		spi_clock(nic, val & EECD_DI);
}

u32 nic_eecd_read(struct nic *nic, u32 reg)
{
	u32 val = *nic_reg(nic, reg);

	if (val & EECD_REQ && !nic->lies.nvm_no_grant)
		val |= EECD_GNT;
	return val;
}
