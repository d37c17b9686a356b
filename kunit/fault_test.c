// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first allocation of an operation fails, then the second, the third, until
 * there is none left to fail (of the later ones, which are buffers by the hundred,
 * some): after each the port works as before.
 */

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/device/driver.h>
#include <linux/ethtool.h>
#include <linux/fs.h>
#include <linux/kmemleak.h>
#include <linux/phy.h>
#include <linux/phy_port.h>
#include <linux/rtnetlink.h>
#include <net/netdev_lock.h>

#include "bench.h"

#define MOST	3000	/* allocations an operation may make */

/* What debugfs offers of fault injection; nobody has mounted it */
static void *knob(struct kunit *test, const char *dir, const char *name)
{
	struct dentry *d = debugfs_lookup(dir, NULL), *file;
	void *data;

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(d));
	file = debugfs_lookup(name, d);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(file));
	data = d_inode(file)->i_private;
	dput(file);
	dput(d);
	return data;
}

static int fault_init(struct kunit *test)
{
	*(bool *)knob(test, "failslab", "ignore-gfp-wait") = false;
	*(bool *)knob(test, "fail_page_alloc", "ignore-gfp-wait") = false;
	*(bool *)knob(test, "fail_page_alloc", "ignore-gfp-highmem") = false;
	*(u32 *)knob(test, "fail_page_alloc", "min-order") = 0;
	*(unsigned long *)knob(test, "failslab", "verbose") = 0;
	*(unsigned long *)knob(test, "fail_page_alloc", "verbose") = 0;
	return 0;
}

/* All of the first ones, where the driver's own are, then ever fewer */
static unsigned int next_point(unsigned int nth)
{
	return nth + 1 + nth / 256;
}

/* qemu/kunit.py shows this */
static void tell(struct kunit *test, const char *what, unsigned int points,
		 unsigned int refused)
{
	const struct bench_param *param = test->param_value;

	kunit_info(test, "%s %s: %u points, %u refused, %u survived",
		   param->chip->name, what, points, refused,
		   points - refused);
}

/* Run @op with its @nth allocation failing; false if it has not so many */
#define FAULTY(nth, err, op) ({						\
	unsigned int __left;						\
									\
	current->fail_nth = (nth);					\
	err = (op);							\
	__left = current->fail_nth;					\
	current->fail_nth = 0;						\
	!__left;							\
})

/* Operations on an open port that may fail, and back again */
static int op_rings(struct bench *b, bool there)
{
	return there ? bench_rings(b, 256, 128) : bench_rings(b, 512, 512);
}

static int op_mtu(struct bench *b, bool there)
{
	return bench_set_mtu(b, there ? 4000 : 1500);
}

static int op_channels(struct bench *b, bool there)
{
	return bench_channels(b, there ? 2 : 1);
}

static int op_open(struct bench *b, bool there)
{
	if (there)
		return bench_open(b);
	bench_close(b);
	return 0;
}

struct fault_op {
	const char *name;
	int (*op)(struct bench *b, bool there);
	bool closed;		/* to begin with, and after a failure */
};

static const struct fault_op ops[] = {
	{ "rings", op_rings },
	{ "mtu", op_mtu },
	{ "channels", op_channels },
	{ "open", op_open, true },
};

static const void *op_params(struct kunit *test, const void *prev, char *desc)
{
	return bench_each(prev, desc, ops, sizeof(*ops), ARRAY_SIZE(ops));
}

static void allocation(struct kunit *test)
{
	const struct bench_param *param = test->param_value;
	const struct fault_op *op = &ops[param->arg];
	unsigned int nth, points = 0, failed = 0;
	struct bench *b = bench_up(test);
	int err;

	KUNIT_ASSERT_EQ(test, bench_rings(b, 512, 512), 0);
	if (op->closed)
		bench_close(b);
	/* Whatever is allocated just once */
	KUNIT_ASSERT_EQ(test, op->op(b, true), 0);
	KUNIT_ASSERT_EQ(test, op->op(b, false), 0);

	for (nth = 1; nth < MOST; nth = next_point(nth)) {
		if (!FAULTY(nth, err, op->op(b, true)))
			break;
		points++;
		failed += !!err;
		if (!err) {
			bench_works(b);
			KUNIT_ASSERT_EQ(test, op->op(b, false), 0);
		} else if (!op->closed) {
			bench_works(b);
		} else if (nth < 8 || nth % 16 == 0) {
			KUNIT_ASSERT_EQ(test, op->op(b, true), 0);
			bench_works(b);
			KUNIT_ASSERT_EQ(test, op->op(b, false), 0);
		}
	}
	tell(test, op->name, points, failed);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_LT(test, nth, MOST);
	KUNIT_EXPECT_GT(test, failed, 0);
	bench_works(b);
}

static int sleep_and_wake(struct device *dev)
{
	return dev->driver->pm->suspend(dev) ?: dev->driver->pm->resume(dev);
}

/* To come back needs nothing that could be denied */
static void sleep(struct kunit *test)
{
	struct bench *b = bench_up(test);
	unsigned int nth, points = 0;
	bool hit = true;
	int err;

	for (nth = 1; hit && nth < MOST; nth = next_point(nth)) {
		hit = FAULTY(nth, err, sleep_and_wake(&b->nic->pdev->dev));
		points += hit;
		KUNIT_ASSERT_EQ(test, err, 0);
		KUNIT_ASSERT_TRUE(test, bench_link(b));
		bench_works(b);
	}
	tell(test, "sleep", points, 0);
	KUNIT_EXPECT_FALSE(test, hit);
}

/*
 * When no memory is left to bind a PHY to the generic driver, whose probe was
 * called already, phylib 7.3 forgets the ports of the PHY.  That is not our leak.
 */
static int forget_ports(struct notifier_block *nb, unsigned long action,
			void *data)
{
	struct device *dev = data;
	struct phy_port *port;

	if (action == BUS_NOTIFY_DEL_DEVICE && !dev->driver)
		list_for_each_entry(port, &to_phy_device(dev)->ports, head)
			kmemleak_ignore(port);
	return NOTIFY_OK;
}

static struct notifier_block forgotten = { .notifier_call = forget_ports };

/* Nothing of a probe that failed is left, and the next one succeeds */
static void probe(struct kunit *test)
{
	struct device_driver *drv = driver_find("ignis", &pci_bus_type);
	struct bench *b = bench_new(test);
	unsigned int nth, points = 0, failed = 0;
	struct device *dev;
	int err;

	KUNIT_ASSERT_NOT_NULL(test, drv);
	b->nic->driver = "nobody";
	KUNIT_ASSERT_EQ(test, bench_plug(b), -ENXIO);
	dev = &b->nic->pdev->dev;
	device_set_driver_override(dev, "ignis");
	bus_register_notifier(&mdio_bus_type, &forgotten);
	for (nth = 1; nth < MOST; nth = next_point(nth)) {
		bool hit = FAULTY(nth, err, device_driver_attach(drv, dev));

		points += hit;
		failed += !!err;
		if (!err) {
			/* KUnit gives it 300 s, a link takes more than one */
			if (nth < 32 || nth % 8 == 0) {
				KUNIT_ASSERT_EQ(test, bench_attach(b), 0);
				KUNIT_ASSERT_EQ(test, bench_open(b), 0);
				bench_works(b);
				bench_detach(b);
			}
			device_release_driver(dev);
		} else {
			KUNIT_EXPECT_EQ_MSG(test, b->nic->n_maps, 0,
					    "allocation %u", nth);
		}
		if (!hit)
			break;
	}
	bus_unregister_notifier(&mdio_bus_type, &forgotten);
	tell(test, "probe", points, failed);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_LT(test, nth, MOST);
	KUNIT_EXPECT_GT(test, failed, 0);
}

/* Memory is short while frames come in: some are lost, then all is well */
static void receive(struct kunit *test)
{
	atomic_t *times = knob(test, "fail_page_alloc", "times");
	unsigned long *probability = knob(test, "fail_page_alloc",
					  "probability");
	unsigned long *slab = knob(test, "failslab", "probability");
	atomic_t *slab_times = knob(test, "failslab", "times");
	struct flow flow = { UDP4, .len = 300 };
	struct bench *b = bench_up(test);
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	unsigned int i;

	build(f, &flow);
	atomic_set(times, -1);
	atomic_set(slab_times, -1);
	for (i = 0; i < 3000; i++) {
		*probability = 30;
		*slab = i % 3 ? 0 : 20;
		nic_inject(b->nic, f->data, f->len);
		usleep_range(50, 60);
		*probability = 0;
		*slab = 0;
		if (i % 16 == 0)
			bench_drop_received(b);
	}
	usleep_range(100000, 110000);
	bench_works(b);
}

/* The ring runs out of buffers, so no interrupt comes to fill it again */
static void starved(struct kunit *test)
{
	atomic_t *times = knob(test, "fail_page_alloc", "times");
	unsigned long *probability = knob(test, "fail_page_alloc",
					  "probability");
	u32 *min_order = knob(test, "fail_page_alloc", "min-order");
	struct flow flow = { UDP4, .len = 60 };
	struct bench *b = bench_up(test);
	struct built *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	unsigned long flags;
	u32 *head, *tail;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_ASSERT_EQ(test, bench_rings(b, 64, 64), 0);
	bench_works(b);
	build(f, &flow);
	spin_lock_irqsave(&b->nic->lock, flags);
	for (i = 0; i < 300; i++)
		nic_rx_wire(b->nic, f->data, f->len, false);
	/* Two pages at a time are for the ring, an skb makes do with one */
	*min_order = 1;
	atomic_set(times, -1);
	*probability = 100;
	nic_arm(b->nic, 0);
	spin_unlock_irqrestore(&b->nic->lock, flags);
	usleep_range(50000, 51000);
	head = nic_rxq_reg(b->nic, 0, Q_HEAD);
	tail = nic_rxq_reg(b->nic, 0, Q_TAIL);
	KUNIT_EXPECT_EQ(test, *head, *tail);
	*probability = 0;
	*min_order = 0;
	usleep_range(50000, 51000);
	KUNIT_EXPECT_NE(test, *head, *tail);
	bench_works(b);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE_PARAM(probe, bench_chips),
	KUNIT_CASE_PARAM(allocation, op_params),
	KUNIT_CASE_PARAM(sleep, bench_chips),
	KUNIT_CASE_PARAM(receive, bench_chips),
	KUNIT_CASE_PARAM(starved, bench_chips),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "ignis_fault",
	.init = fault_init,
	.test_cases = fault_cases,
};

kunit_test_suite(fault_suite);
