// SPDX-License-Identifier: GPL-2.0-only
/* Non-volatile memory: read, write, checksum, ethtool -e and -E */

#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/slab.h>

#include "ignis.h"

#define NVM_VERSION	0x05	/* word: major 15:12, minor 11:4, build 3:0 */

/* EERD has 14 address bits */
#define MAX_WORDS	BIT(14)
#define FLASH_WORDS	2048

/* What SPI EEPROMs understand */
#define SPI_WRITE	0x02
#define SPI_RDSR	0x05
#define   SPI_SR_BUSY	BIT(0)
#define SPI_WREN	0x06
#define SPI_A8		0x08

/* 82576 datasheet 8.4.2 */
static int ignis_nvm_read_locked(struct ignis *ig, u16 offset, u16 words,
				 u16 *data)
{
	u32 val;
	int err;

	for (; words; words--, offset++, data++) {
		ignis_wr(ig, IGNIS_EERD,
			 FIELD_PREP(EERD_ADDR, offset) | EERD_START);
		err = read_poll_timeout(ignis_rd, val, val & EERD_DONE, 5,
					10 * USEC_PER_MSEC, false, ig,
					IGNIS_EERD);
		if (err)
			return err;
		/* All ones say DONE */
		if (test_bit(IGNIS_GONE, &ig->flags))
			return -ENODEV;
		*data = FIELD_GET(EERD_DATA, val);
	}
	return 0;
}

/**
 * ignis_nvm_read - read words through EERD
 * @ig: port
 * @offset: first word
 * @words: how many
 * @data: where to
 *
 * Context: process; takes nvm_lock.
 *
 * Return: 0, -ETIMEDOUT if the NVM does not answer.
 */
int ignis_nvm_read(struct ignis *ig, u16 offset, u16 words, u16 *data)
{
	int err;

	mutex_lock(&ig->nvm_lock);
	err = ignis_nvm_read_locked(ig, offset, words, data);
	mutex_unlock(&ig->nvm_lock);
	return err;
}

/* What word NVM_CHECKSUM must hold */
static int ignis_nvm_checksum(struct ignis *ig, u16 *sum, u16 *stored)
{
	u16 words[NVM_CHECKSUM + 1];
	unsigned int i;
	int err;

	err = ignis_nvm_read_locked(ig, 0, ARRAY_SIZE(words), words);
	if (err)
		return err;
	*sum = NVM_SUM;
	for (i = 0; i < NVM_CHECKSUM; i++)
		*sum -= words[i];
	*stored = words[NVM_CHECKSUM];
	return 0;
}

/**
 * ignis_nvm_valid - is the NVM readable and its checksum right
 * @ig: port
 *
 * Context: process; takes nvm_lock.
 *
 * Return: true if so.
 */
bool ignis_nvm_valid(struct ignis *ig)
{
	u16 sum, stored;
	bool valid;

	mutex_lock(&ig->nvm_lock);
	valid = !ignis_nvm_checksum(ig, &sum, &stored) && sum == stored;
	mutex_unlock(&ig->nvm_lock);
	return valid;
}

/* The SPI bus of the EEPROM, by hand: each clock takes a bit in and one out */
static u16 ignis_spi_shift(struct ignis *ig, u16 out, unsigned int bits)
{
	u32 eecd = ignis_rd(ig, IGNIS_EECD) & ~(EECD_SK | EECD_DI | EECD_DO);
	u16 in = 0;

	while (bits--) {
		u32 di = out & BIT(bits) ? EECD_DI : 0;

		ignis_wr(ig, IGNIS_EECD, eecd | di);
		ignis_flush(ig);
		udelay(1);
		ignis_wr(ig, IGNIS_EECD, eecd | di | EECD_SK);
		ignis_flush(ig);
		udelay(1);
		in = in << 1 | !!(ignis_rd(ig, IGNIS_EECD) & EECD_DO);
		ignis_wr(ig, IGNIS_EECD, eecd | di);
		ignis_flush(ig);
		udelay(1);
	}
	ignis_wr(ig, IGNIS_EECD, eecd);
	return in;
}

/* A command begins when the chip is selected: CS is low active */
static void ignis_spi_command(struct ignis *ig, u8 opcode)
{
	ignis_rmw(ig, IGNIS_EECD, EECD_SK, EECD_CS);
	ignis_flush(ig);
	udelay(1);
	ignis_rmw(ig, IGNIS_EECD, EECD_SK | EECD_CS, 0);
	ignis_flush(ig);
	udelay(1);
	ignis_spi_shift(ig, opcode, 8);
}

static u16 ignis_spi_status(struct ignis *ig)
{
	ignis_spi_command(ig, SPI_RDSR);
	return ignis_spi_shift(ig, 0, 8);
}

static int ignis_spi_ready(struct ignis *ig)
{
	u16 status;

	return read_poll_timeout(ignis_spi_status, status,
				 !(status & SPI_SR_BUSY), 5,
				 25 * USEC_PER_MSEC, false, ig);
}

/**
 * ignis_nvm_write_spi - write a word of an EEPROM that has no write register
 * @ig: port
 * @offset: word
 * @data: its new value
 *
 * By the chip's own rules the bus is ours between EECD.REQ and GNT; 82576
 * datasheet 3.3.1.
 *
 * Context: process; nvm_lock held, and the chip's semaphore of the NVM.
 *
 * Return: 0, -EBUSY if the bus is not to be had, -ETIMEDOUT.
 */
int ignis_nvm_write_spi(struct ignis *ig, u16 offset, u16 data)
{
	u32 eecd;
	int err;

	ignis_rmw(ig, IGNIS_EECD, 0, EECD_REQ);
	if (read_poll_timeout(ignis_rd, eecd, eecd & EECD_GNT, 5,
			      5 * USEC_PER_MSEC, false, ig, IGNIS_EECD)) {
		ignis_rmw(ig, IGNIS_EECD, EECD_REQ, 0);
		return -EBUSY;
	}

	err = ignis_spi_ready(ig);
	if (!err) {
		ignis_spi_command(ig, SPI_WREN);
		if (eecd & EECD_ADDR_16) {
			ignis_spi_command(ig, SPI_WRITE);
			ignis_spi_shift(ig, 2 * offset, 16);
		} else {
			/* Small parts take the ninth bit with the opcode */
			ignis_spi_command(ig, SPI_WRITE |
					      (offset >= 128 ? SPI_A8 : 0));
			ignis_spi_shift(ig, 2 * offset, 8);
		}
		ignis_spi_shift(ig, swab16(data), 16);
		/* Writing begins when the chip is deselected */
		err = ignis_spi_ready(ig);
	}

	ignis_rmw(ig, IGNIS_EECD, EECD_SK, EECD_CS);
	ignis_rmw(ig, IGNIS_EECD, EECD_REQ, 0);
	return err;
}

static unsigned int ignis_nvm_words(struct ignis *ig)
{
	u32 eecd = ignis_rd(ig, IGNIS_EECD);
	u32 flash = ig->mac->nvm_flash;

	if (flash && (eecd & flash) == flash)
		return FLASH_WORDS;
	return min(64u << FIELD_GET(EECD_SIZE, eecd), MAX_WORDS);
}

/**
 * ignis_get_eeprom_len - ethtool op
 * @netdev: port
 *
 * Context: process, RTNL.
 *
 * Return: bytes of the NVM.
 */
int ignis_get_eeprom_len(struct net_device *netdev)
{
	return 2 * ignis_nvm_words(netdev_priv(netdev));
}

/* To write, one must say which chip one means */
static u32 ignis_nvm_magic(struct ignis *ig)
{
	return ig->pdev->vendor | ig->pdev->device << 16;
}

/* The words that @ee's bytes lie in, from @first on; to be freed */
static u16 *ignis_nvm_get_words(struct ignis *ig,
				const struct ethtool_eeprom *ee,
				unsigned int *first, unsigned int *n)
{
	u16 *words;
	int err;

	*first = ee->offset / 2;
	*n = DIV_ROUND_UP(ee->offset + ee->len, 2) - *first;
	words = kvmalloc_array(*n, sizeof(*words), GFP_KERNEL);
	if (!words)
		return ERR_PTR(-ENOMEM);

	err = ignis_nvm_read_locked(ig, *first, *n, words);
	if (err) {
		kvfree(words);
		return ERR_PTR(err);
	}
	return words;
}

/**
 * ignis_get_eeprom - ethtool -e
 * @netdev: port
 * @ee: bytes wanted, checked against the length
 * @data: filled in, in the order of the NVM: little endian words
 *
 * Context: process, RTNL; takes nvm_lock.
 *
 * Return: 0 or a negative errno.
 */
int ignis_get_eeprom(struct net_device *netdev, struct ethtool_eeprom *ee,
		     u8 *data)
{
	struct ignis *ig = netdev_priv(netdev);
	unsigned int first, n, i;
	u16 *words;

	ee->magic = ignis_nvm_magic(ig);
	mutex_lock(&ig->nvm_lock);
	words = ignis_nvm_get_words(ig, ee, &first, &n);
	mutex_unlock(&ig->nvm_lock);
	if (IS_ERR(words))
		return PTR_ERR(words);

	for (i = 0; i < n; i++)
		cpu_to_le16s(&words[i]);
	memcpy(data, (u8 *)words + ee->offset % 2, ee->len);
	kvfree(words);
	return 0;
}

/* Write what changes of @n words, then the checksum */
static int ignis_nvm_update(struct ignis *ig, u16 first, u16 n, const u16 *old,
			    const u16 *new)
{
	u16 i, sum, stored;
	int err = 0, ret;

	for (i = 0; i < n && !err; i++)
		if (old[i] != new[i])
			err = ig->mac->nvm_write(ig, first + i, new[i]);
	/* Right for what is there, also if that is only a part */
	ret = ignis_nvm_checksum(ig, &sum, &stored);
	if (!ret && sum != stored)
		ret = ig->mac->nvm_write(ig, NVM_CHECKSUM, sum);
	err = err ?: ret;
	if (!err && ig->mac->nvm_commit)
		err = ig->mac->nvm_commit(ig);
	return err;
}

/**
 * ignis_set_eeprom - ethtool -E
 * @netdev: port
 * @ee: bytes to be written, checked against the length
 * @data: what to write
 *
 * The checksum follows by itself.  What was written takes effect when the chip
 * loads it, with a reset or when power comes.
 *
 * Context: process, RTNL; takes nvm_lock.
 *
 * Return: 0 or a negative errno.
 */
int ignis_set_eeprom(struct net_device *netdev, struct ethtool_eeprom *ee,
		     u8 *data)
{
	struct ignis *ig = netdev_priv(netdev);
	unsigned int first, n, i;
	u16 *old, *new;
	int err;

	if (ee->magic != ignis_nvm_magic(ig))
		return -EINVAL;

	mutex_lock(&ig->nvm_lock);
	err = ig->mac->nvm_lock(ig);
	if (err)
		goto out;

	old = ignis_nvm_get_words(ig, ee, &first, &n);
	if (IS_ERR(old)) {
		err = PTR_ERR(old);
		goto out_unlock;
	}

	err = -ENOMEM;
	new = kvmalloc_array(n, sizeof(*new), GFP_KERNEL);
	if (!new)
		goto out_free;
	for (i = 0; i < n; i++)
		new[i] = old[i];
	for (i = 0; i < n; i++)
		cpu_to_le16s(&new[i]);
	memcpy((u8 *)new + ee->offset % 2, data, ee->len);
	for (i = 0; i < n; i++)
		le16_to_cpus(&new[i]);

	err = ignis_nvm_update(ig, first, n, old, new);
	kvfree(new);
out_free:
	kvfree(old);
out_unlock:
	ig->mac->nvm_unlock(ig);
out:
	mutex_unlock(&ig->nvm_lock);
	return err;
}

/**
 * ignis_nvm_version - version of the NVM's contents as text
 * @ig: port
 * @buf: IGNIS_NVM_VERSION_SIZE bytes
 *
 * Context: process, RTNL.
 *
 * Return: 0 or a negative errno.
 */
int ignis_nvm_version(struct ignis *ig, char *buf)
{
	u16 nvm;
	int err;

	err = ignis_nvm_read(ig, NVM_VERSION, 1, &nvm);
	if (!err)
		snprintf(buf, IGNIS_NVM_VERSION_SIZE, "%x.%x.%x", nvm >> 12,
			 nvm >> 4 & 0xff, nvm & 0xf);
	return err;
}
