/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Register map of the 82576 (and what the siblings share with it).
 *
 * Hardware facts only: offsets and fields, named as in the Intel 82576EB
 * Gigabit Ethernet Controller datasheet, chapter 8.  No kernel logic, so that
 * the driver, the KUnit device model and tools can all include it.
 */
#ifndef IGNIS_REGS_H
#define IGNIS_REGS_H

#include <linux/bits.h>

/* 8.2 General */
#define IGNIS_CTRL		0x0000
#define   CTRL_FD		BIT(0)
#define   CTRL_GIO_MASTER_DIS	BIT(2)
#define   CTRL_SLU		BIT(6)
#define   CTRL_FRCSPD		BIT(11)
#define   CTRL_FRCDPX		BIT(12)
#define   CTRL_RST		BIT(26)
#define   CTRL_RFCE		BIT(27)
#define   CTRL_TFCE		BIT(28)
#define   CTRL_VME		BIT(30)
#define IGNIS_STATUS		0x0008
#define   STATUS_FD		BIT(0)
#define   STATUS_LU		BIT(1)
#define   STATUS_LAN_ID		GENMASK(3, 2)
#define   STATUS_GIO_MASTER_EN	BIT(19)
#define IGNIS_CTRL_EXT		0x0018
#define   CTRL_EXT_DRV_LOAD	BIT(28)
#define IGNIS_MDIC		0x0020
#define   MDIC_DATA		GENMASK(15, 0)
#define   MDIC_REGADD		GENMASK(20, 16)
#define   MDIC_PHYADD		GENMASK(25, 21)
#define   MDIC_OP		GENMASK(27, 26)
#define     MDIC_OP_WRITE	1
#define     MDIC_OP_READ	2
#define   MDIC_READY		BIT(28)
#define   MDIC_ERROR		BIT(30)
#define IGNIS_FCAL		0x0028
#define IGNIS_FCAH		0x002c
#define IGNIS_FCT		0x0030
#define IGNIS_VET		0x0038
#define IGNIS_FCTTV		0x0170

/* 8.5 Flow control thresholds, in bytes */
#define IGNIS_FCRTL		0x2160
#define   FCRTL_XONE		BIT(31)
#define IGNIS_FCRTH		0x2168
#define IGNIS_FCRTV		0x2460

/* 8.4 Non-volatile memory */
#define IGNIS_EECD		0x0010
#define   EECD_PRES		BIT(8)
#define   EECD_AUTO_RD		BIT(9)
#define IGNIS_EERD		0x0014
#define   EERD_START		BIT(0)
#define   EERD_DONE		BIT(1)
#define   EERD_ADDR		GENMASK(15, 2)
#define   EERD_DATA		GENMASK(31, 16)

/* 8.6 Semaphores shared by the ports' drivers and the firmware */
#define IGNIS_SWSM		0x5b50
#define   SWSM_SMBI		BIT(0)
#define   SWSM_SWESMBI		BIT(1)
#define IGNIS_SW_FW_SYNC	0x5b5c
#define   SW_FW_SYNC_PHY0	BIT(1)
#define   SW_FW_SYNC_PHY1	BIT(2)
#define   SW_FW_SYNC_FW_SHIFT	16

/* 8.6 PCIe */
#define IGNIS_GCR		0x5b00
#define   GCR_CMPL_TMOUT	GENMASK(15, 12)
#define     GCR_TMOUT_10MS	1
#define   GCR_CMPL_TMOUT_RESEND	BIT(16)
#define   GCR_CAP_VER2		BIT(18)

/* 8.8 Interrupts */
#define IGNIS_ICR		0x00c0	/* these five at their addresses in all siblings */
#define IGNIS_ICS		0x00c8
#define IGNIS_IMS		0x00d0
#define IGNIS_IMC		0x00d8
#define IGNIS_IAM		0x00e0
#define   ICR_TXDW		BIT(0)
#define   ICR_LSC		BIT(2)
#define   ICR_RXDMT0		BIT(4)
#define   ICR_RXO		BIT(6)
#define   ICR_RXT0		BIT(7)
#define   ICR_DRSTA		BIT(30)
#define   ICR_INTA		BIT(31)
#define IGNIS_GPIE		0x1514
#define   GPIE_NSICR		BIT(0)
#define   GPIE_MULTIPLE_MSIX	BIT(4)
#define   GPIE_EIAME		BIT(30)
#define   GPIE_PBA_SUPPORT	BIT(31)
#define IGNIS_EICS		0x1520
#define IGNIS_EIMS		0x1524
#define IGNIS_EIMC		0x1528
#define IGNIS_EIAC		0x152c
#define IGNIS_EIAM		0x1530
#define IGNIS_EICR		0x1580
#define IGNIS_EITR(v)		(0x1680 + 4 * (v))
#define   EITR_INTERVAL		GENMASK(14, 2)	/* 1 us */
#define   EITR_CNT_IGNR		BIT(31)
#define IGNIS_IVAR(n)		(0x1700 + 4 * (n))
#define   IVAR_VALID		BIT(7)
#define IGNIS_IVAR_MISC		0x1740

/* 8.10 Receive */
#define IGNIS_RCTL		0x0100
#define   RCTL_RXEN		BIT(1)
#define   RCTL_SBP		BIT(2)
#define   RCTL_UPE		BIT(3)
#define   RCTL_MPE		BIT(4)
#define   RCTL_LPE		BIT(5)
#define   RCTL_LBM		GENMASK(7, 6)
#define   RCTL_BAM		BIT(15)
#define   RCTL_VFE		BIT(18)
#define   RCTL_SECRC		BIT(26)
#define IGNIS_RLPML		0x5004
#define IGNIS_RXPBS		0x2404
#define IGNIS_RXCSUM		0x5000
#define   RXCSUM_IPOFLD		BIT(8)
#define   RXCSUM_TUOFLD		BIT(9)
#define   RXCSUM_CRCOFL		BIT(11)
#define   RXCSUM_PCSD		BIT(13)
#define IGNIS_RFCTL		0x5008
#define   RFCTL_IPV6_EX_DIS	BIT(16)
#define IGNIS_QUEUE_STRIDE	0x40
#define IGNIS_RXQ(n, reg)	(0xc000 + IGNIS_QUEUE_STRIDE * (n) + (reg))
#define IGNIS_RDBAL(n)		IGNIS_RXQ(n, 0x00)
#define IGNIS_RDBAH(n)		IGNIS_RXQ(n, 0x04)
#define IGNIS_RDLEN(n)		IGNIS_RXQ(n, 0x08)
#define IGNIS_SRRCTL(n)		IGNIS_RXQ(n, 0x0c)
#define   SRRCTL_BSIZEPACKET	GENMASK(6, 0)	/* 1 KiB */
#define   SRRCTL_DESCTYPE	GENMASK(27, 25)
#define     DESCTYPE_ADV_ONEBUF	1
#define   SRRCTL_DROP_EN	BIT(31)
#define IGNIS_RDH(n)		IGNIS_RXQ(n, 0x10)
#define IGNIS_RDT(n)		IGNIS_RXQ(n, 0x18)
#define IGNIS_RXDCTL(n)		IGNIS_RXQ(n, 0x28)
#define   RXDCTL_PTHRESH	GENMASK(4, 0)
#define   RXDCTL_HTHRESH	GENMASK(12, 8)
#define   RXDCTL_WTHRESH	GENMASK(20, 16)
#define   RXDCTL_ENABLE		BIT(25)
#define IGNIS_RQDPC(n)		IGNIS_RXQ(n, 0x30)	/* clears on read */

/* 8.10 Receive side scaling */
#define IGNIS_MRQC		0x5818
#define   MRQC_RSS		2
#define   MRQC_TCP_IPV4		BIT(16)
#define   MRQC_IPV4		BIT(17)
#define   MRQC_TCP_IPV6_EX	BIT(18)
#define   MRQC_IPV6_EX		BIT(19)
#define   MRQC_IPV6		BIT(20)
#define   MRQC_TCP_IPV6		BIT(21)
#define   MRQC_UDP_IPV4		BIT(22)
#define   MRQC_UDP_IPV6		BIT(23)
#define   MRQC_UDP_IPV6_EX	BIT(24)
#define IGNIS_RETA(n)		(0x5c00 + 4 * (n))
#define IGNIS_RSSRK(n)		(0x5c80 + 4 * (n))

/* 8.10 Receive filters */
#define IGNIS_MTA(n)		(0x5200 + 4 * (n))
#define   MTA_REGS		128
#define IGNIS_RAL_LO(n)		(0x5400 + 8 * (n))	/* entries 0..15 */
#define IGNIS_RAL_HI(n)		(0x54e0 + 8 * ((n) - 16))	/* 16..23 */
#define   RAH_AV		BIT(31)
#define IGNIS_UTA(n)		(0xa000 + 4 * (n))
#define   UTA_REGS		128
#define IGNIS_VFTA(n)		(0x5600 + 4 * (n))
#define   VFTA_REGS		128

/* 8.11 Transmit */
#define IGNIS_TCTL		0x0400
#define   TCTL_EN		BIT(1)
#define   TCTL_PSP		BIT(3)
#define   TCTL_CT		GENMASK(11, 4)
#define   TCTL_COLD		GENMASK(21, 12)
#define   TCTL_RTLC		BIT(24)
#define IGNIS_TXQ(n, reg)	(0xe000 + IGNIS_QUEUE_STRIDE * (n) + (reg))
#define IGNIS_TDBAL(n)		IGNIS_TXQ(n, 0x00)
#define IGNIS_TDBAH(n)		IGNIS_TXQ(n, 0x04)
#define IGNIS_TDLEN(n)		IGNIS_TXQ(n, 0x08)
#define IGNIS_TDH(n)		IGNIS_TXQ(n, 0x10)
#define IGNIS_TDT(n)		IGNIS_TXQ(n, 0x18)
#define IGNIS_TXDCTL(n)		IGNIS_TXQ(n, 0x28)
#define   TXDCTL_PTHRESH	GENMASK(4, 0)
#define   TXDCTL_HTHRESH	GENMASK(12, 8)
#define   TXDCTL_WTHRESH	GENMASK(20, 16)
#define   TXDCTL_ENABLE		BIT(25)

/* 8.18 Statistics; all clear on read */
#define IGNIS_CRCERRS		0x4000
#define IGNIS_ALGNERRC		0x4004
#define IGNIS_RXERRC		0x400c
#define IGNIS_MPC		0x4010
#define IGNIS_ECOL		0x4018
#define IGNIS_LATECOL		0x4020
#define IGNIS_COLC		0x4028
#define IGNIS_XONRXC		0x4048
#define IGNIS_XONTXC		0x404c
#define IGNIS_XOFFRXC		0x4050
#define IGNIS_XOFFTXC		0x4054
#define IGNIS_MPRC		0x407c
#define IGNIS_RNBC		0x40a0
#define IGNIS_RUC		0x40a4
#define IGNIS_RFC		0x40a8
#define IGNIS_ROC		0x40ac
#define IGNIS_RJC		0x40b0

#endif /* IGNIS_REGS_H */
