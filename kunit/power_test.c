// SPDX-License-Identifier: GPL-2.0-only
/* The device loses power, or its registers, or cannot be reached, and comes back */

#include <linux/ethtool.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>
#include <net/devlink.h>

#include "ignis.h"
#include "bench.h"

static void lose_power(struct bench *b)
{
	unsigned long flags;

	spin_lock_irqsave(&b->nic->lock, flags);
	nic_pci_reset(b->nic, true);
	spin_unlock_irqrestore(&b->nic->lock, flags);
}

/* No interrupts, nothing into memory */
static void expect_idle(struct bench *b)
{
	struct flow flow = { UDP4, .len = 300 };
	struct nic *nic = b->nic;
	u64 frames[NIC_QUEUES], messages = nic_messages(nic);

	memcpy(frames, nic->rx_frames, sizeof(frames));
	KUNIT_EXPECT_FALSE(b->test, netif_device_present(b->netdev));
	KUNIT_EXPECT_EQ(b->test, nic_read(nic, IGNIS_IMS), 0);
	if (nic->chip->adv)
		KUNIT_EXPECT_EQ(b->test, nic_read(nic, IGNIS_EIMS), 0);
	bench_inject(b, &flow);
	usleep_range(2000, 2001);
	KUNIT_EXPECT_MEMEQ(b->test, frames, nic->rx_frames, sizeof(frames));
	KUNIT_EXPECT_EQ(b->test, messages, nic_messages(nic));
}

static void expect_back(struct bench *b)
{
	KUNIT_EXPECT_TRUE(b->test, netif_device_present(b->netdev));
	KUNIT_ASSERT_TRUE(b->test, bench_link(b));
	bench_works(b);
}

/* As the PCI core does it */
static void fall_asleep(struct bench *b)
{
	struct pci_dev *pdev = b->nic->pdev;

	pdev->state_saved = false;
	KUNIT_ASSERT_EQ(b->test, pdev->driver->driver.pm->suspend(&pdev->dev),
			0);
	if (!b->nic->lies.gone)
		expect_idle(b);
	if (!pdev->state_saved) {
		pci_save_state(pdev);
		KUNIT_ASSERT_EQ(b->test, pci_set_power_state(pdev, PCI_D3hot),
				0);
	}
}

static void get_up(struct bench *b)
{
	struct pci_dev *pdev = b->nic->pdev;

	lose_power(b);
	KUNIT_ASSERT_EQ(b->test, pci_set_power_state(pdev, PCI_D0), 0);
	pci_restore_state(pdev);
	KUNIT_ASSERT_EQ(b->test, pdev->driver->driver.pm->resume(&pdev->dev),
			0);
}

/* What the stack may still want of a port that sleeps */
static void disturb(struct bench *b)
{
	struct net_device *netdev = b->netdev;
	struct ptp_clock_info *clock = &((struct ignis *)netdev_priv(netdev))->ptp.info;
	/* Rings are not made while asleep */
	netdev_features_t all = netdev->hw_features & ~NETIF_F_RXALL;
	netdev_features_t had = netdev->features;
	struct rtnl_link_stats64 stats;
	struct timespec64 ts;
	char text[64];

	dev_get_stats(netdev, &stats);
	clock->gettimex64(clock, &ts, NULL);
	clock->adjfine(clock, 0);
	devlink_compat_running_version(netdev->devlink_port->devlink, text,
				       sizeof(text));
	rtnl_lock();
	netdev->wanted_features ^= all;
	netdev_update_features(netdev);
	KUNIT_EXPECT_NE(b->test, netdev->features, had);
	netdev->wanted_features ^= all;
	netdev_update_features(netdev);
	rtnl_unlock();
	/* All that is done from time to time */
	usleep_range(60000000, 60000001);
}

static void sleep(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct device *dev = &b->nic->pdev->dev;
	const struct dev_pm_ops *pm = dev->driver->pm;
	__be16 proto = htons(ETH_P_8021Q);
	int i;

	for (i = 0; i < 3; i++) {
		bench_works(b);
		rtnl_lock();
		KUNIT_ASSERT_EQ(test, vlan_vid_add(b->netdev, proto, 5), 0);
		KUNIT_ASSERT_EQ(test, vlan_vid_add(b->netdev, proto, 6), 0);
		rtnl_unlock();
		fall_asleep(b);
		disturb(b);
		rtnl_lock();
		vlan_vid_del(b->netdev, proto, 5);
		rtnl_unlock();
		get_up(b);
		KUNIT_EXPECT_EQ(test, nic_read(b->nic, IGNIS_VFTA(0)),
				BIT(0) | BIT(6));
		expect_back(b);
		rtnl_lock();
		vlan_vid_del(b->netdev, proto, 6);
		rtnl_unlock();
	}

	bench_close(b);
	fall_asleep(b);
	KUNIT_EXPECT_EQ(test, bench_open(b), -ENODEV);
	disturb(b);
	get_up(b);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	expect_back(b);

	/* Closed while detached */
	KUNIT_ASSERT_EQ(test, pm->suspend(dev), 0);
	bench_close(b);
	KUNIT_ASSERT_EQ(test, pm->resume(dev), 0);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	expect_back(b);
}

/* It cannot be reached when the system falls asleep, and can when that wakes */
static void sleep_gone(struct kunit *test)
{
	struct bench *b = bench_up(test);

	b->nic->lies.gone = true;
	KUNIT_EXPECT_TRUE(test, bench_wait(!netif_device_present(b->netdev),
					   20000));
	fall_asleep(b);
	b->nic->lies.gone = false;
	get_up(b);
	expect_back(b);
}

/* What may wake the machine, and the wake-up filters of it */
static const struct {
	u32 wol;
	u32 wufc;
} wakes[] = {
	{ 0, 0 },
	{ WAKE_PHY, WUFC_LNKC },
	{ WAKE_MAGIC, WUFC_MAG },
	{ WAKE_UCAST, WUFC_EX },
	{ WAKE_MCAST, WUFC_MC },
	{ WAKE_BCAST | WAKE_MAGIC, WUFC_BC | WUFC_MAG },
};

static void wake(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct device *dev = &b->nic->pdev->dev;
	const struct dev_pm_ops *pm = dev->driver->pm;
	struct nic *nic = b->nic;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wakes); i++) {
		struct ethtool_wolinfo wol = { .wolopts = wakes[i].wol };
		u32 wuc, on = wakes[i].wol ? ~0u : 0;

		rtnl_lock();
		KUNIT_ASSERT_EQ(test, b->netdev->ethtool_ops->set_wol(b->netdev,
								      &wol), 0);
		rtnl_unlock();
		KUNIT_ASSERT_EQ(test, pm->suspend(dev), 0);
		expect_idle(b);
		wuc = nic_read(nic, IGNIS_WUC);
		KUNIT_EXPECT_EQ(test, nic_read(nic, IGNIS_WUFC), wakes[i].wufc);
		KUNIT_EXPECT_EQ(test, wuc & WUC_PME_EN, WUC_PME_EN & on);
		/* It would wake at magic packets by itself */
		KUNIT_EXPECT_EQ(test, wuc & WUC_APME, 0);
		KUNIT_EXPECT_EQ(test, nic_read(nic, IGNIS_RCTL) & RCTL_RXEN,
				RCTL_RXEN & on);
		KUNIT_EXPECT_EQ(test, nic_read(nic, IGNIS_CTRL) &
				CTRL_ADVD3WUC, CTRL_ADVD3WUC & on);
		KUNIT_ASSERT_EQ(test, pm->resume(dev), 0);
		KUNIT_EXPECT_EQ(test, nic_read(nic, IGNIS_WUFC), 0);
		KUNIT_EXPECT_EQ(test, nic_read(nic, IGNIS_WUC) & WUC_PME_EN, 0);
		KUNIT_EXPECT_EQ(test, nic_read(nic, IGNIS_WUC) & WUC_APME,
				WUC_APME);
		expect_back(b);
	}
}

static const struct pci_error_handlers *handlers(struct bench *b)
{
	return to_pci_driver(b->nic->pdev->dev.driver)->err_handler;
}

/* pci_reset_function() */
static void function_reset(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct pci_dev *pdev = b->nic->pdev;
	unsigned int resets = b->nic->pci_resets;

	bench_works(b);
	KUNIT_ASSERT_EQ(test, pci_reset_function(pdev), 0);
	KUNIT_EXPECT_EQ(test, b->nic->pci_resets, resets + 1);
	expect_back(b);
	bench_close(b);
	KUNIT_ASSERT_EQ(test, pci_reset_function(pdev), 0);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	expect_back(b);

	/* Of a device that did not answer any more */
	b->nic->lies.gone = true;
	KUNIT_EXPECT_TRUE(test, bench_wait(!netif_device_present(b->netdev),
					   20000));
	b->nic->lies.gone = false;
	KUNIT_ASSERT_EQ(test, pci_reset_function(pdev), 0);
	expect_back(b);

	/* It answers by the reset only; 6.12 saves all ones before, and restores them */
	b->nic->lies.gone = true;
	KUNIT_EXPECT_TRUE(test, bench_wait(!netif_device_present(b->netdev),
					   20000));
	handlers(b)->reset_prepare(pdev);
	pci_save_state(pdev);
	b->nic->lies.gone = false;
	lose_power(b);
	pci_restore_state(pdev);
	handlers(b)->reset_done(pdev);
	expect_back(b);
}

static pci_ers_result_t report(struct bench *b, pci_channel_state_t state)
{
	return handlers(b)->error_detected(b->nic->pdev, state);
}

/* As pcie_do_recovery() calls the driver */
static void pci_error(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct pci_dev *pdev = b->nic->pdev;
	const struct pci_error_handlers *handler = handlers(b);
	int i;

	KUNIT_ASSERT_EQ(test, report(b, pci_channel_io_normal),
			PCI_ERS_RESULT_CAN_RECOVER);
	expect_idle(b);
	handler->resume(pdev);
	expect_back(b);

	for (i = 0; i < 2; i++) {
		b->nic->lies.gone = true;
		KUNIT_ASSERT_EQ(test, report(b, pci_channel_io_frozen),
				PCI_ERS_RESULT_NEED_RESET);
		/* One more while the first is dealt with */
		KUNIT_ASSERT_EQ(test, report(b, pci_channel_io_frozen),
				PCI_ERS_RESULT_NEED_RESET);
		b->nic->lies.gone = false;
		lose_power(b);
		KUNIT_ASSERT_EQ(test, handler->slot_reset(pdev),
				PCI_ERS_RESULT_RECOVERED);
		handler->resume(pdev);
		expect_back(b);
	}

	/* It stays away */
	b->nic->lies.gone = true;
	KUNIT_ASSERT_EQ(test, report(b, pci_channel_io_frozen),
			PCI_ERS_RESULT_NEED_RESET);
	KUNIT_ASSERT_EQ(test, handler->slot_reset(pdev),
			PCI_ERS_RESULT_DISCONNECT);
	KUNIT_ASSERT_EQ(test, report(b, pci_channel_io_perm_failure),
			PCI_ERS_RESULT_DISCONNECT);
	KUNIT_EXPECT_FALSE(test, netif_device_present(b->netdev));

	b->nic->lies.gone = false;
	KUNIT_ASSERT_EQ(test, pci_reset_function(pdev), 0);
	expect_back(b);

	/* The bus was reset, but not for it, as another function cannot recover */
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, report(b, pci_channel_io_frozen),
				PCI_ERS_RESULT_NEED_RESET);
		lose_power(b);
		KUNIT_ASSERT_EQ(test, report(b, pci_channel_io_perm_failure),
				PCI_ERS_RESULT_DISCONNECT);
		if (i == 0) {
			KUNIT_ASSERT_EQ(test, pci_reset_function(pdev), 0);
		} else if (i == 1) {
			fall_asleep(b);
			get_up(b);
		} else {
			bench_detach(b);
			KUNIT_ASSERT_EQ(test, device_reprobe(&pdev->dev), 0);
			KUNIT_ASSERT_EQ(test, bench_attach(b), 0);
			KUNIT_ASSERT_EQ(test, bench_open(b), 0);
		}
		expect_back(b);
	}

	/* At first it seemed harmless */
	KUNIT_ASSERT_EQ(test, report(b, pci_channel_io_normal),
			PCI_ERS_RESULT_CAN_RECOVER);
	usleep_range(100000, 110000);
	KUNIT_ASSERT_EQ(test, report(b, pci_channel_io_perm_failure),
			PCI_ERS_RESULT_DISCONNECT);
	bench_expect_no_link(b);
}

static struct kunit_case power_cases[] = {
	KUNIT_CASE_PARAM(sleep, bench_modes),
	KUNIT_CASE_PARAM(sleep_gone, bench_chips),
	KUNIT_CASE_PARAM(wake, bench_chips),
	KUNIT_CASE_PARAM(function_reset, bench_modes),
	KUNIT_CASE_PARAM(pci_error, bench_chips),
	{}
};

static struct kunit_suite power_suite = {
	.name = "ignis_power",
	.test_cases = power_cases,
};

kunit_test_suite(power_suite);
