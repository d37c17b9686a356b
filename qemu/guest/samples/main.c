// SPDX-License-Identifier: GPL-2.0-only
/*
 * The samples of kunit/ for an interface: all are sent at once (send=1), or what
 * its driver tells of them goes to the log, and debugfs has them for the wire:
 * samples/frames, each with its length before it.
 */
#include <linux/debugfs.h>
#include <linux/if_vlan.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/vmalloc.h>

#include "sample.h"

static char *dev;
module_param(dev, charp, 0);
static bool send;
module_param(send, bool, 0);

static struct net_device *netdev;
static struct debugfs_blob_wrapper frames;
static struct dentry *dir;

static int tap_rcv(struct sk_buff *skb, struct net_device *to,
		   struct packet_type *pt, struct net_device *orig)
{
	char line[SAMPLE_LINE];

	if (skb->pkt_type != PACKET_OUTGOING && sample_told(skb, line))
		pr_info("samples: %s\n", line);
	consume_skb(skb);
	return 0;
}

static struct packet_type tap = {
	.type = htons(ETH_P_ALL),
	.func = tap_rcv,
};

static int send_all(void)
{
	struct sk_buff *skb;
	unsigned int n;

	for (n = 0; n < sample_n_tx; n++) {
		skb = sample_skb(netdev, n);
		if (!skb)
			return -ENOMEM;
		if (dev_queue_xmit(skb))
			pr_err("samples: %s was not sent\n", sample_tx[n].name);
	}
	return 0;
}

static int frames_init(void)
{
	struct built *f = kzalloc_obj(*f);
	unsigned int n;
	u8 *p;

	p = vmalloc(sample_n_rx * (sizeof(u32) + sizeof(f->data)));
	frames.data = p;
	if (!f || !p) {
		kfree(f);
		vfree(p);
		return -ENOMEM;
	}
	for (n = 0; n < sample_n_rx; n++) {
		if (!sample_frame(f, n))
			continue;
		put_unaligned_le32(f->len, p);
		memcpy(p + sizeof(u32), f->data, f->len);
		p += sizeof(u32) + f->len;
	}
	frames.size = p - (u8 *)frames.data;
	kfree(f);
	return 0;
}

static int __init samples_init(void)
{
	int err;

	netdev = dev_get_by_name(&init_net, dev);
	if (!netdev)
		return -ENODEV;
	err = frames_init();
	if (err)
		goto put;
	rtnl_lock();
	err = vlan_vid_add(netdev, htons(ETH_P_8021Q), SAMPLE_VLAN);
	rtnl_unlock();
	if (err)
		goto free;
	if (send)
		err = send_all();
	if (err)
		goto del;
	dir = debugfs_create_dir("samples", NULL);
	debugfs_create_blob("frames", 0400, dir, &frames);
	tap.dev = netdev;
	dev_add_pack(&tap);
	return 0;

del:
	rtnl_lock();
	vlan_vid_del(netdev, htons(ETH_P_8021Q), SAMPLE_VLAN);
	rtnl_unlock();
free:
	vfree(frames.data);
put:
	dev_put(netdev);
	return err;
}
module_init(samples_init);

static void __exit samples_exit(void)
{
	dev_remove_pack(&tap);
	debugfs_remove(dir);
	rtnl_lock();
	vlan_vid_del(netdev, htons(ETH_P_8021Q), SAMPLE_VLAN);
	rtnl_unlock();
	vfree(frames.data);
	dev_put(netdev);
}
module_exit(samples_exit);

MODULE_DESCRIPTION("Test helper: frames that a model of the chip has met as well");
MODULE_LICENSE("GPL");
