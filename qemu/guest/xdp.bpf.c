// SPDX-License-Identifier: GPL-2.0-only
/*
 * XDP programs that do what the frame says.  Behind an Ethernet header with the
 * experimental EtherType and the word "XDP!" stand, little endian,
 *
 *	u32 action	an XDP_ code; REDIRECT is to @ifindex, or into the XSKMAP at the
 *			queue it came from if that is 0
 *	s32 head	for bpf_xdp_adjust_head(); room made is filled with 0x55
 *	s32 tail	for bpf_xdp_adjust_tail()
 *	u32 ifindex
 *
 * Everything else passes.
 */
#include <linux/bpf.h>

#define SEC(name)	__attribute__((section(name), used))
#define COMMAND		0x21504458	/* "XDP!" */
#define OTHER		0xb588
#define MAX_HEAD	256

static long (*const bpf_redirect)(__u32 ifindex, __u64 flags) = (void *)23;
static long (*const bpf_redirect_map)(void *map, __u32 key, __u64 flags) = (void *)51;
static long (*const bpf_xdp_adjust_head)(struct xdp_md *ctx, int delta) = (void *)44;
static long (*const bpf_xdp_adjust_tail)(struct xdp_md *ctx, int delta) = (void *)65;

/* As libbpf wants it: types say what sizes the numbers are */
struct {
	int (*type)[BPF_MAP_TYPE_XSKMAP];
	int (*max_entries)[8];
	int *key;
	int *value;
} xsks SEC(".maps");

struct frame {
	__u8 addresses[12];
	__u16 proto;
	__u32 command;
	__u32 action;
	__s32 head;
	__s32 tail;
	__u32 ifindex;
} __attribute__((packed));

static inline __attribute__((always_inline)) struct frame *frame_of(struct xdp_md *ctx)
{
	struct frame *f = (void *)(long)ctx->data;

	if ((void *)(f + 1) > (void *)(long)ctx->data_end)
		return 0;
	return f->proto == OTHER && f->command == COMMAND ? f : 0;
}

/* Move the Ethernet header to where the frame begins now */
static inline __attribute__((always_inline)) int move_head(struct xdp_md *ctx,
							    const struct frame *old, __s32 by)
{
	__u8 *data, *end;
	int i;

	if (by < -MAX_HEAD || by > MAX_HEAD || bpf_xdp_adjust_head(ctx, by))
		return -1;

	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + 14 > end)
		return -1;
	__builtin_memcpy(data, old, 14);
	data += 14;
	for (i = 0; i < MAX_HEAD; i++) {
		if (i >= -by || data + i + 1 > end)
			break;
		data[i] = 0x55;
	}
	return 0;
}

static inline __attribute__((always_inline)) int obey(struct xdp_md *ctx)
{
	struct frame *f = frame_of(ctx), copy;

	if (!f)
		return XDP_PASS;
	copy = *f;
	if (copy.head && move_head(ctx, &copy, copy.head))
		return XDP_ABORTED;
	if (copy.tail && bpf_xdp_adjust_tail(ctx, copy.tail))
		return XDP_ABORTED;
	if (copy.action == XDP_REDIRECT)
		return copy.ifindex ? bpf_redirect(copy.ifindex, 0) :
				      bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_DROP);
	return copy.action;
}

SEC("xdp") int xdp_single(struct xdp_md *ctx)
{
	return obey(ctx);
}

SEC("xdp.frags") int xdp_frags(struct xdp_md *ctx)
{
	return obey(ctx);
}

char _license[] SEC("license") = "GPL";
