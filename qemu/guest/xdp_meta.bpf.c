// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends frames of the tests back, with what the driver tells of them written
 * over the bytes from 54 on.
 */
#include <linux/bpf.h>

#define SEC(name)	__attribute__((section(name), used))
#define __ksym		__attribute__((section(".ksyms")))

/* Compared by name and kind only */
enum xdp_rss_hash_type {
	XDP_RSS_TYPE_NONE,
};

extern int bpf_xdp_metadata_rx_hash(const struct xdp_md *ctx, __u32 *hash,
				    enum xdp_rss_hash_type *type) __ksym;
extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *timestamp) __ksym;
extern int bpf_xdp_metadata_rx_vlan_tag(const struct xdp_md *ctx, __u16 *proto, __u16 *tci) __ksym;

struct told {
	__u32 hash_err, hash, type, vlan_err, proto, tci, stamp_err;
	__u64 stamp;
} __attribute__((packed));

SEC("xdp") int xdp_meta(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct told *told = (void *)(data + 54);
	enum xdp_rss_hash_type type = 0;
	__u16 proto = 0, tci = 0;
	__u32 hash = 0;
	__u64 stamp = 0;

	/* Their source addresses, but for those of marks */
	if ((void *)(told + 1) > (void *)end || data[6] != 2 || data[7] || data[8] || data[9] ||
	    data[10] == 0xff)
		return XDP_PASS;

	told->hash_err = -bpf_xdp_metadata_rx_hash(ctx, &hash, &type);
	told->hash = hash;
	told->type = type;
	told->vlan_err = -bpf_xdp_metadata_rx_vlan_tag(ctx, &proto, &tci);
	told->proto = proto;
	told->tci = tci;
	told->stamp_err = -bpf_xdp_metadata_rx_timestamp(ctx, &stamp);
	told->stamp = stamp;
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
