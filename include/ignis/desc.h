/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptor formats: 82576 datasheet 7.1.5 (advanced receive) and 7.2.2
 * (advanced transmit).  Hardware facts only, no kernel logic.
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

#define RXD_DD			BIT(0)	/* descriptor done */
#define RXD_EOP			BIT(1)	/* end of packet */
#define RXD_VP			BIT(3)	/* VLAN tag stripped into @vlan */
#define RXD_UDPCS		BIT(4)	/* UDP checksum calculated */
#define RXD_L4CS		BIT(5)	/* L4 checksum calculated */
#define RXD_IPCS		BIT(6)	/* IPv4 header checksum calculated */
#define RXD_L4E			BIT(29)	/* L4 checksum wrong */
#define RXD_IPE			BIT(30)	/* IPv4 header checksum wrong */
#define RXD_RXE			BIT(31)	/* damaged on the wire */

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
	struct {
		__le32 vlan_macip_lens;
		__le32 seqnum_seed;
		__le32 type_tucmd_mlhl;
		__le32 mss_l4len_idx;
	} ctx;
};

/* Most bytes a single data descriptor may carry */
#define TXD_MAX_DATA		32768u

/* read.cmd_type_len; DTYP, DEXT also stand in ctx.type_tucmd_mlhl */
#define TXD_DTALEN		GENMASK(15, 0)
#define TXD_DTYP_CTX		0x00200000
#define TXD_DTYP_DATA		0x00300000
#define TXD_EOP			BIT(24)
#define TXD_IFCS		BIT(25)
#define TXD_RS			BIT(27)
#define TXD_DEXT		BIT(29)
#define TXD_VLE			BIT(30)
#define TXD_TSE			BIT(31)

/* read.olinfo_status */
#define TXD_POPTS_IXSM		BIT(8)
#define TXD_POPTS_TXSM		BIT(9)
#define TXD_PAYLEN		GENMASK(31, 14)

/* wb.status */
#define TXD_STAT_DD		BIT(0)

/* ctx.vlan_macip_lens */
#define TXC_IPLEN		GENMASK(8, 0)
#define TXC_MACLEN		GENMASK(15, 9)
#define TXC_VLAN		GENMASK(31, 16)

/* ctx.type_tucmd_mlhl */
#define TXC_IPV4		BIT(10)
#define TXC_L4T_UDP		0x0000
#define TXC_L4T_TCP		0x0800
#define TXC_L4T_SCTP		0x1000

/* ctx.mss_l4len_idx */
#define TXC_L4LEN		GENMASK(15, 8)
#define TXC_MSS			GENMASK(31, 16)

#endif /* IGNIS_DESC_H */
