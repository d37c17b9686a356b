// SPDX-License-Identifier: GPL-2.0-only
/* The shortest programs there are for each verdict of XDP */
#include <linux/bpf.h>

#define SEC(name)	__attribute__((section(name), used))

static long (*const bpf_redirect_map)(void *map, __u32 key, __u64 flags) = (void *)51;

/* As libbpf wants it: types say what sizes the numbers are */
struct {
	int (*type)[BPF_MAP_TYPE_XSKMAP];
	int (*max_entries)[8];
	int *key;
	int *value;
} xsks SEC(".maps");

struct {
	int (*type)[BPF_MAP_TYPE_DEVMAP];
	int (*max_entries)[1];
	int *key;
	int *value;
} ports SEC(".maps");

SEC("xdp.drop") int xdp_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp.pass") int xdp_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.tx") int xdp_tx(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("xdp.redirect") int xdp_redirect(struct xdp_md *ctx)
{
	return bpf_redirect_map(&ports, 0, XDP_DROP);
}

SEC("xdp.xsk") int xdp_xsk(struct xdp_md *ctx)
{
	return bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_DROP);
}

char _license[] SEC("license") = "GPL";
