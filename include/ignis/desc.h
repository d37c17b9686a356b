/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptor formats: 82576 datasheet 7.1.5 (advanced receive) and 7.2.2
 * (advanced transmit), 82574 datasheet 7.1 (extended receive) and 7.2 (TCP/IP
 * context and data).  Hardware facts only, no kernel logic.
 */
#ifndef IGNIS_DESC_H
#define IGNIS_DESC_H

#include <linux/bits.h>
#include <linux/types.h>

/*
 * Receive.  Software writes @read, hardware writes @wb back in its place.  The
 * 82574's extended write-back has the same fields in the same places.
 */
union ignis_rx_desc {
	struct {
		__le64 pkt_addr;
		__le64 hdr_addr;
	} read;
	struct {
		__le16 pkt_info;
		__le16 hdr_info;
		__le32 rss_hash;
		__le32 staterr;
		__le16 length;
		__le16 vlan;
	} wb;
};

/* wb.pkt_info */
#define RXD_RSSTYPE		GENMASK(3, 0)
#define   RSSTYPE_NONE		0
#define   RSSTYPE_TCP_IPV4	1
#define   RSSTYPE_IPV4		2
#define   RSSTYPE_TCP_IPV6	3
#define   RSSTYPE_IPV6_EX	4
#define   RSSTYPE_IPV6		5
#define   RSSTYPE_TCP_IPV6_EX	6
#define   RSSTYPE_UDP_IPV4	7
#define   RSSTYPE_UDP_IPV6	8
#define   RSSTYPE_UDP_IPV6_EX	9

/* wb.hdr_info, 82576 */
#define RXD_HDR_LEN		GENMASK(14, 5)
#define RXD_SPH			BIT(15)	/* headers found */

/* wb.staterr */
#define RXD_DD			BIT(0)	/* descriptor done */
#define RXD_EOP			BIT(1)	/* end of packet */
#define RXD_IXSM		BIT(2)	/* 82574: checksum bits are void */
#define RXD_VP			BIT(3)	/* VLAN tag stripped into @vlan */
#define RXD_UDPCS		BIT(4)	/* UDP checksum calculated */
#define RXD_L4CS		BIT(5)	/* L4 checksum calculated */
#define RXD_IPCS		BIT(6)	/* IPv4 header checksum calculated */
#define RXD_TST			BIT(8)	/* 82574: RXSTMP is of this frame */
#define RXD_TS			BIT(16)	/* 82576: the same */
#define RXD_HBO			BIT(23)	/* 82576: headers longer than their buffer */
#define RXD_L4E			BIT(29)	/* L4 checksum wrong */
#define RXD_IPE			BIT(30)	/* IPv4 header checksum wrong */
#define RXD_CE			BIT(24)	/* 82574: wrong FCS or alignment */
#define RXD_RXE			BIT(31)	/* 82576: any damage; 82574: RX_ER */
/* All of it: with SE, SEQ, CXE, that are the 82574's too */
#define RXD_DAMAGED		(RXD_RXE | BIT(28) | GENMASK(26, 24))

/* Transmit: one context descriptor sets offload parameters for those after it */
union ignis_tx_desc {
	struct {
		__le64 addr;
		__le32 cmd_type_len;
		__le32 olinfo_status;
	} read;
	struct {
		__le64 rsvd;
		__le32 nxtseq_seed;
		__le32 status;
	} wb;
	__le32 ctx[4];
};

/* Most bytes a single data descriptor may carry, with a margin */
#define TXD_ADV_MAX_DATA	32768u
#define TXD_EXT_MAX_DATA	8192u

/* read.cmd_type_len, both formats */
#define TXD_EOP			BIT(24)
#define TXD_IFCS		BIT(25)
#define TXD_RS			BIT(27)
#define TXD_DEXT		BIT(29)
#define TXD_VLE			BIT(30)
/* ... the 82576 */
#define TXD_ADV_DATA		0x00300000
#define TXD_ADV_TSTAMP		BIT(19)	/* put the time of sending into TXSTMP */
#define TXD_ADV_TSE		BIT(31)
/* ... the 82574 */
#define TXD_EXT_DATA		0x00100000
#define TXD_EXT_TSE		BIT(26)

/* read.olinfo_status, both formats */
#define TXD_EXT_TSTAMP		BIT(4)	/* 82574: as TXD_ADV_TSTAMP */
#define TXD_POPTS_IXSM		BIT(8)
#define TXD_POPTS_TXSM		BIT(9)
#define TXD_ADV_PAYLEN		GENMASK(31, 14)
#define TXD_EXT_VLAN		GENMASK(31, 16)

/* wb.status, both formats */
#define TXD_STAT_DD		BIT(0)

/* 82576: ctx[0], "VLAN MACIP lengths" */
#define TXC_ADV_IPLEN		GENMASK(8, 0)
#define TXC_ADV_MACLEN		GENMASK(15, 9)
#define TXC_ADV_VLAN		GENMASK(31, 16)
/* ctx[2], "type TUCMD" */
#define TXC_ADV_TYPE		(0x00200000 | TXD_DEXT)
#define TXC_ADV_IPV4		BIT(10)
#define TXC_ADV_UDP		0x0000
#define TXC_ADV_TCP		0x0800
#define TXC_ADV_SCTP		0x1000
/* ctx[3], "MSS L4LEN" */
#define TXC_ADV_L4LEN		GENMASK(15, 8)
#define TXC_ADV_MSS		GENMASK(31, 16)

/*
 * 82574: ctx[0] is of the IP header, ctx[1] of the transport header: where
 * summing starts, where the sum goes, the last byte summed (0: the end).
 */
#define TXC_EXT_CSS		GENMASK(7, 0)
#define TXC_EXT_CSO		GENMASK(15, 8)
#define TXC_EXT_CSE		GENMASK(31, 16)
/* ctx[2] */
#define TXC_EXT_PAYLEN		GENMASK(19, 0)
#define TXC_EXT_TCP		BIT(24)
#define TXC_EXT_IPV4		BIT(25)
#define TXC_EXT_TSE		BIT(26)
/* ctx[3] */
#define TXC_EXT_HDRLEN		GENMASK(15, 8)
#define TXC_EXT_MSS		GENMASK(31, 16)

#endif /* IGNIS_DESC_H */
