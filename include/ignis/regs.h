/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Register map of the 82576 and the 82574: shared unless one is named.
 *
 * Hardware facts only: offsets and fields, named as in the Intel 82576EB
 * Gigabit Ethernet Controller datasheet, chapter 8, whose section numbers
 * these are, and the Intel 82574 datasheet, chapter 10.  No kernel logic, so
 * that the driver, the KUnit device model and tools can all include it.
 */
#ifndef IGNIS_REGS_H
#define IGNIS_REGS_H

#include <linux/bits.h>

/* 8.2 General */
#define IGNIS_CTRL		0x0000
#define   CTRL_FD		BIT(0)
#define   CTRL_GIO_MASTER_DIS	BIT(2)
#define   CTRL_SLU		BIT(6)
#define   CTRL_SPD_SEL		GENMASK(9, 8)
#define     SPD_SEL_1000	2
#define   CTRL_FRCSPD		BIT(11)
#define   CTRL_FRCDPX		BIT(12)
#define   CTRL_ADVD3WUC		BIT(20)
#define   CTRL_RST		BIT(26)
#define   CTRL_RFCE		BIT(27)
#define   CTRL_TFCE		BIT(28)
#define   CTRL_82574_MUST_CLEAR	BIT(29)
#define   CTRL_VME		BIT(30)
#define IGNIS_STATUS		0x0008
#define   STATUS_FD		BIT(0)
#define   STATUS_LU		BIT(1)
#define   STATUS_LAN_ID		GENMASK(3, 2)
#define   STATUS_TXOFF		BIT(4)
#define   STATUS_GIO_MASTER_EN	BIT(19)
#define IGNIS_CTRL_EXT		0x0018
#define   CTRL_EXT_82574_MUST_SET BIT(22)
#define   CTRL_EXT_82574_MUST_CLEAR BIT(23)
#define   CTRL_EXT_EIAME	BIT(24)	/* 82574 */
#define   CTRL_EXT_IAME		BIT(27)	/* 82574 */
#define   CTRL_EXT_DRV_LOAD	BIT(28)
#define   CTRL_EXT_PBA_CLR	BIT(31)	/* 82574 */
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
#define   EECD_SK		BIT(0)
#define   EECD_CS		BIT(1)
#define   EECD_DI		BIT(2)
#define   EECD_DO		BIT(3)
#define   EECD_REQ		BIT(6)
#define   EECD_GNT		BIT(7)
#define   EECD_PRES		BIT(8)
#define   EECD_AUTO_RD		BIT(9)
#define   EECD_ADDR_16		BIT(10)	/* 82576 */
#define   EECD_SIZE		GENMASK(14, 11)	/* 64 words << it */
#define   EECD_NVADDS_FLASH	GENMASK(16, 15)	/* 82574; both: flash */
#define   EECD_FLUPD		BIT(19)	/* 82574 */
#define   EECD_AUPDEN		BIT(20)	/* 82574 */
#define IGNIS_EERD		0x0014
#define   EERD_START		BIT(0)
#define   EERD_DONE		BIT(1)
#define   EERD_ADDR		GENMASK(15, 2)
#define   EERD_DATA		GENMASK(31, 16)
#define IGNIS_EEWR		0x102c	/* 82574; fields of EERD */
#define IGNIS_FLOP		0x103c	/* 82574 */
#define   FLOP_ERASE		GENMASK(15, 8)
#define     FLOP_ERASE_STM	0xdb
#define IGNIS_HICR		0x8f00	/* 82574 */
#define   HICR_FW_RESET_EN	BIT(6)
#define   HICR_FW_RESET		BIT(7)
#define   NVM_CHECKSUM		0x3f	/* word that makes the sum up to it ... */
#define     NVM_SUM		0xbaba	/* ... this */

/* 8.6 Semaphores shared by the ports' drivers and the firmware */
#define IGNIS_SWSM		0x5b50
#define   SWSM_SMBI		BIT(0)
#define   SWSM_SWESMBI		BIT(1)
#define IGNIS_SW_FW_SYNC	0x5b5c
#define   SW_FW_SYNC_NVM	BIT(0)
#define   SW_FW_SYNC_PHY0	BIT(1)
#define   SW_FW_SYNC_PHY1	BIT(2)
#define   SW_FW_SYNC_FW_SHIFT	16

/* 82574: who may use the PHY */
#define IGNIS_EXTCNF_CTRL	0x0f00
#define   EXTCNF_MDIO_SW	BIT(5)

/* 8.6 PCIe */
#define IGNIS_GCR		0x5b00
#define   GCR_82574_COMPLETION	BIT(22)
#define   GCR_L1_WITHOUT_L0S_RX	BIT(27)	/* 82574 */
#define   GCR_CMPL_TMOUT	GENMASK(15, 12)
#define     GCR_TMOUT_10MS	1
#define   GCR_CMPL_TMOUT_RESEND	BIT(16)
#define   GCR_CAP_VER2		BIT(18)
#define IGNIS_GCR2		0x5b64	/* 82574 */
#define   GCR2_82574_TX_HANG	BIT(0)

/* 8.2 LEDs; 82576: four, 82574: three, a byte each */
#define IGNIS_LEDCTL		0x0e00
#define   LEDCTL_MODE(n)	(0xf << 8 * (n))
#define     LED_ON		0xe
#define     LED_OFF		0xf
#define   LEDCTL_BLINK(n)	(0x80 << 8 * (n))

/* 8.20 Wake-up */
#define IGNIS_WUC		0x5800
#define   WUC_APME		BIT(0)
#define   WUC_PME_EN		BIT(1)
#define   WUC_PME_STATUS	BIT(2)
#define IGNIS_WUFC		0x5808
#define   WUFC_LNKC		BIT(0)
#define   WUFC_MAG		BIT(1)
#define   WUFC_EX		BIT(2)
#define   WUFC_MC		BIT(3)
#define   WUFC_BC		BIT(4)
#define IGNIS_WUS		0x5810

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
#define   ICR_RXQ(q)		BIT(20 + (q))	/* these three: 82574, MSI-X */
#define   ICR_TXQ(q)		BIT(22 + (q))
#define   ICR_OTHER		BIT(24)
#define   ICR_INTA		BIT(31)
#define IGNIS_ITR		0x00c4	/* 82574: MSI, INTx; 256 ns */
#define IGNIS_EIAC_82574	0x00dc
#define IGNIS_IVAR_82574	0x00e4
#define   IVAR_82574_VALID	BIT(3)
#define   IVAR_82574_RX(q, v)	(((v) | IVAR_82574_VALID) << (4 * (q)))
#define   IVAR_82574_TX(q, v)	(((v) | IVAR_82574_VALID) << (8 + 4 * (q)))
#define   IVAR_82574_OTHER(v)	(((v) | IVAR_82574_VALID) << 16)
#define IGNIS_EITR_82574(v)	(0x00e8 + 4 * (v))	/* 256 ns */
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
#define     LBM_MAC		1
#define   RCTL_BAM		BIT(15)
#define   RCTL_VFE		BIT(18)
#define   RCTL_PMCF		BIT(23)
#define   RCTL_SECRC		BIT(26)
#define   RCTL_FLXBUF		GENMASK(30, 27)	/* 82574, 1 KiB */
#define IGNIS_PBA		0x1000	/* 82574: FIFO shares in KiB */
#define   PBA_RXA		GENMASK(5, 0)
#define IGNIS_RLPML		0x5004
#define IGNIS_RXPBS		0x2404
#define IGNIS_RXCSUM		0x5000
#define   RXCSUM_IPOFLD		BIT(8)
#define   RXCSUM_TUOFLD		BIT(9)
#define   RXCSUM_CRCOFL		BIT(11)
#define   RXCSUM_PCSD		BIT(13)
#define IGNIS_RFCTL		0x5008
#define   RFCTL_ACK_DIS		BIT(12)	/* 82574 */
#define   RFCTL_EXTEN		BIT(15)	/* 82574 */
#define   RFCTL_IPV6_EX_DIS	BIT(16)
#define   RFCTL_SYNQFP		BIT(19)	/* 82576: SYN filter before 5-tuples */

/* A queue's registers, receive or transmit, from where the chip has them */
#define Q_BAL			0x00
#define Q_BAH			0x04
#define Q_LEN			0x08
#define Q_HEAD			0x10
#define Q_TAIL			0x18
#define Q_DCTL			0x28	/* RXDCTL, TXDCTL */
#define   DCTL_COUNT_DESC	BIT(22)	/* 82574, transmit; must be 1 */
#define   DCTL_GRAN		BIT(24)	/* 82574: thresholds are descriptors */
#define Q_TARC			0x40	/* 82574, transmit */
#define   TARC_ENABLE		BIT(10)
#define   TARC_MUST_SET		BIT(26)
#define   TARC_MUST_CLEAR	GENMASK(30, 27)

#define IGNIS_RXQ_82574		0x2800
#define IGNIS_TXQ_82574		0x3800
#define IGNIS_QUEUE_STRIDE_82574 0x100

/* The rest of this block, and the transmit queues below, are the 82576's */
#define IGNIS_QUEUE_STRIDE	0x40
#define IGNIS_RXQ_82576		0xc000
#define IGNIS_TXQ_82576		0xe000
#define IGNIS_RXQ(n, reg)	(IGNIS_RXQ_82576 + IGNIS_QUEUE_STRIDE * (n) + (reg))
#define IGNIS_RDBAL(n)		IGNIS_RXQ(n, Q_BAL)
#define IGNIS_RDBAH(n)		IGNIS_RXQ(n, Q_BAH)
#define IGNIS_RDLEN(n)		IGNIS_RXQ(n, Q_LEN)
#define IGNIS_SRRCTL(n)		IGNIS_RXQ(n, 0x0c)
#define   SRRCTL_BSIZEPACKET	GENMASK(6, 0)	/* 1 KiB */
#define   SRRCTL_BSIZEHEADER	GENMASK(13, 8)	/* 64 bytes */
#define   SRRCTL_DESCTYPE	GENMASK(27, 25)
#define     DESCTYPE_ADV_ONEBUF	1
#define     DESCTYPE_ADV_SPLIT	2
#define   SRRCTL_DROP_EN	BIT(31)
#define IGNIS_RDH(n)		IGNIS_RXQ(n, Q_HEAD)
#define IGNIS_RDT(n)		IGNIS_RXQ(n, Q_TAIL)
#define IGNIS_RXDCTL(n)		IGNIS_RXQ(n, Q_DCTL)
#define   RXDCTL_PTHRESH	GENMASK(4, 0)
#define   RXDCTL_HTHRESH	GENMASK(12, 8)
#define   RXDCTL_WTHRESH	GENMASK(20, 16)
#define   RXDCTL_ENABLE		BIT(25)
#define IGNIS_RQDPC(n)		IGNIS_RXQ(n, 0x30)	/* clears on read */

/* 8.10 Receive side scaling */
#define IGNIS_MRQC		0x5818
#define   MRQC_RSS		2
#define   MRQC_RSS_82574	1
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
#define IGNIS_PSRTYPE(n)	(0x5480 + 4 * (n))	/* 82576 */
/* Headers to split off: IPv4, IPv6, one in the other, alone, with TCP, with UDP */
#define   PSRTYPE_IP_TCP_UDP	GENMASK(9, 1)
#define IGNIS_RAL_LO(n)		(0x5400 + 8 * (n))	/* entries 0..15 */
#define IGNIS_RAL_HI(n)		(0x54e0 + 8 * ((n) - 16))	/* 16..23 */
#define   RAH_AV		BIT(31)
#define IGNIS_UTA(n)		(0xa000 + 4 * (n))
#define   UTA_REGS		128
#define IGNIS_VFTA(n)		(0x5600 + 4 * (n))
#define   VFTA_REGS		128

/* 8.10 Queue filters, 82576: by EtherType, 5-tuple, SYN flag; entry n of each */
#define IGNIS_ETQF(n)		(0x5cb0 + 4 * (n))
#define   ETQF_ETYPE		GENMASK(15, 0)
#define   ETQF_QUEUE		GENMASK(18, 16)
#define   ETQF_FILTER_EN	BIT(26)
#define   ETQF_1588		BIT(30)
#define   ETQF_QUEUE_ENABLE	BIT(31)
/* Addresses and ports as they are on the wire, first byte lowest */
#define IGNIS_SAQF(n)		(0x5980 + 4 * (n))
#define IGNIS_DAQF(n)		(0x59a0 + 4 * (n))
#define IGNIS_SPQF(n)		(0x59c0 + 4 * (n))
#define IGNIS_FTQF(n)		(0x59e0 + 4 * (n))
#define   FTQF_PROTOCOL		GENMASK(7, 0)
#define   FTQF_QUEUE_ENABLE	BIT(8)
#define   FTQF_VF_BP		BIT(15)	/* these five: do not compare */
#define   FTQF_1588		BIT(27)
#define   FTQF_PROTOCOL_BP	BIT(28)
#define   FTQF_SADDR_BP		BIT(29)
#define   FTQF_DADDR_BP		BIT(30)
#define   FTQF_SPORT_BP		BIT(31)
#define   FTQF_ALL_BP		GENMASK(31, 28)
#define   FTQF_QUEUE		GENMASK(18, 16)
#define IGNIS_IMIR(n)		(0x5a80 + 4 * (n))
#define   IMIR_DST_PORT		GENMASK(15, 0)
#define   IMIR_PORT_BP		BIT(17)
#define   IMIR_PRIORITY		GENMASK(31, 29)	/* 7 wins */
#define IGNIS_IMIREXT(n)	(0x5aa0 + 4 * (n))
#define   IMIREXT_SIZE_BP	BIT(12)
#define   IMIREXT_CTRL_BP	BIT(19)
#define IGNIS_SYNQF		0x55fc
#define   SYNQF_ENABLE		BIT(0)
#define   SYNQF_QUEUE		GENMASK(3, 1)

/* 8.11 Transmit */
#define IGNIS_TCTL		0x0400
#define   TCTL_EN		BIT(1)
#define   TCTL_PSP		BIT(3)
#define   TCTL_CT		GENMASK(11, 4)
#define   TCTL_COLD		GENMASK(21, 12)
#define   TCTL_RTLC		BIT(24)
#define IGNIS_TIPG		0x0410	/* 82574 */
#define IGNIS_DTXTCPFLGL	0x359c	/* TCP flags that segments keep */
#define   DTXTCPFLGL_FIRST	GENMASK(11, 0)
#define   DTXTCPFLGL_MID	GENMASK(27, 16)
#define IGNIS_DTXTCPFLGH	0x35a0
#define   DTXTCPFLGH_LAST	GENMASK(11, 0)
#define IGNIS_TXQ(n, reg)	(IGNIS_TXQ_82576 + IGNIS_QUEUE_STRIDE * (n) + (reg))
#define IGNIS_TDBAL(n)		IGNIS_TXQ(n, Q_BAL)
#define IGNIS_TDBAH(n)		IGNIS_TXQ(n, Q_BAH)
#define IGNIS_TDLEN(n)		IGNIS_TXQ(n, Q_LEN)
#define IGNIS_TDH(n)		IGNIS_TXQ(n, Q_HEAD)
#define IGNIS_TDT(n)		IGNIS_TXQ(n, Q_TAIL)
#define IGNIS_TXDCTL(n)		IGNIS_TXQ(n, Q_DCTL)
#define   TXDCTL_PTHRESH	GENMASK(4, 0)
#define   TXDCTL_HTHRESH	GENMASK(12, 8)
#define   TXDCTL_WTHRESH	GENMASK(20, 16)
#define   TXDCTL_ENABLE		BIT(25)

/* 8.16 Time synchronisation */
#define IGNIS_SYSTIML		0xb600	/* to read it latches SYSTIMH */
#define IGNIS_SYSTIMH		0xb604
#define IGNIS_TIMINCA		0xb608
#define   TIMINCA_INCVALUE	GENMASK(23, 0)
#define   TIMINCA_INCPERIOD	GENMASK(31, 24)	/* 82576: 16 ns, 82574: 40 ns */
#define IGNIS_TSYNCTXCTL	0xb614
#define   TSYNCTXCTL_VALID	BIT(0)
#define   TSYNCTXCTL_EN		BIT(4)
#define IGNIS_TXSTMPL		0xb618
#define IGNIS_TXSTMPH		0xb61c	/* to read it clears VALID */
#define IGNIS_TSYNCRXCTL	0xb620
#define   TSYNCRXCTL_VALID	BIT(0)
#define   TSYNCRXCTL_TYPE	GENMASK(3, 1)
#define     TSYNC_L2_V2		0	/* one message ID of version 2 ... */
#define     TSYNC_L4_V1		1	/* one control field of version 1 */
#define     TSYNC_L2_L4_V2	2
#define     TSYNC_ALL		4	/* 82574 */
#define     TSYNC_EVENT_V2	5	/* all message IDs below 8 */
#define   TSYNCRXCTL_EN		BIT(4)
#define IGNIS_RXSTMPL		0xb624
#define IGNIS_RXSTMPH		0xb628	/* to read it clears VALID */
#define IGNIS_RXSATRH		0xb630	/* QEMU: this one does */
#define IGNIS_RXMTRL		0xb634	/* 82574 */
#define   RXMTRL_ETYPE		GENMASK(15, 0)
#define   RXMTRL_MSG		GENMASK(31, 16)
#define IGNIS_RXUDP		0xb638	/* 82574: port, network byte order */
#define IGNIS_TSYNCRXCFG	0x5f50	/* 82576 */

/* 8.18 Statistics; all clear on read, pairs when their upper half is read */
#define IGNIS_CRCERRS		0x4000
#define IGNIS_ALGNERRC		0x4004
#define IGNIS_RXERRC		0x400c
#define IGNIS_MPC		0x4010
#define IGNIS_SCC		0x4014
#define IGNIS_ECOL		0x4018
#define IGNIS_MCC		0x401c
#define IGNIS_LATECOL		0x4020
#define IGNIS_COLC		0x4028
#define IGNIS_DC		0x4030
#define IGNIS_TNCRS		0x4034
#define IGNIS_XONRXC		0x4048
#define IGNIS_XONTXC		0x404c
#define IGNIS_XOFFRXC		0x4050
#define IGNIS_XOFFTXC		0x4054
#define IGNIS_FCRUC		0x4058
#define IGNIS_PRC64		0x405c
#define IGNIS_PRC127		0x4060
#define IGNIS_PRC255		0x4064
#define IGNIS_PRC511		0x4068
#define IGNIS_PRC1023		0x406c
#define IGNIS_PRC1522		0x4070
#define IGNIS_GPRC		0x4074
#define IGNIS_BPRC		0x4078
#define IGNIS_MPRC		0x407c
#define IGNIS_GPTC		0x4080
#define IGNIS_GORCL		0x4088	/* GORCH at + 4 */
#define IGNIS_GOTCL		0x4090	/* GOTCH at + 4 */
#define IGNIS_RNBC		0x40a0
#define IGNIS_RUC		0x40a4
#define IGNIS_RFC		0x40a8
#define IGNIS_ROC		0x40ac
#define IGNIS_RJC		0x40b0
#define IGNIS_MGTPRC		0x40b4
#define IGNIS_MGTPDC		0x40b8
#define IGNIS_MGTPTC		0x40bc
#define IGNIS_PTC64		0x40d8
#define IGNIS_PTC127		0x40dc
#define IGNIS_PTC255		0x40e0
#define IGNIS_PTC511		0x40e4
#define IGNIS_PTC1023		0x40e8
#define IGNIS_PTC1522		0x40ec
#define IGNIS_MPTC		0x40f0
#define IGNIS_BPTC		0x40f4

#endif /* IGNIS_REGS_H */
