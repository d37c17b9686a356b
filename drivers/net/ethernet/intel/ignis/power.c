// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device goes away and comes back: system sleep with wake-up, PCIe errors,
 * a reset from outside; or goes for good: shutdown.
 *
 * Queues, vectors and settings stay meanwhile, so that coming back allocates
 * nothing that could be denied.
 */

#include <linux/ethtool.h>
#include <linux/phy.h>

#include "ignis.h"

/* Nothing of ours uses the device from here on, nor does it use memory */
static void ignis_sleep(struct ignis *ig)
{
	if (test_bit(IGNIS_ASLEEP, &ig->flags))
		return;

	netif_device_detach(ig->netdev);
	if (netif_running(ig->netdev))
		ignis_halt(ig);
	cancel_delayed_work_sync(&ig->steer.arfs_work);
	ignis_hw_release(ig);
	/* Until the reset that wakes the port */
	ignis_ptp_hold(ig);
	ignis_hold_hw_stats(ig, true);
	set_bit(IGNIS_ASLEEP, &ig->flags);
}

/**
 * ignis_give_up - stop a port whose device is gone, or did not come back
 * @ig: port, up or down; if up, started
 *
 * As asleep, until the device is reset from outside and answers.
 *
 * Context: process, RTNL.
 */
void ignis_give_up(struct ignis *ig)
{
	ignis_sleep(ig);
	/* Nobody is told of the link of what is detached, unless one asks */
	ethtool_op_get_link(ig->netdev);
}

static int ignis_wake(struct ignis *ig)
{
	int err = 0;

	if (!test_and_clear_bit(IGNIS_ASLEEP, &ig->flags))
		return 0;

	if (netif_running(ig->netdev))
		err = ignis_resume(ig);
	else
		ignis_hw_release(ig);
	if (test_bit(IGNIS_GONE, &ig->flags))
		err = -ENODEV;
	if (err) {
		netdev_err(ig->netdev, "the device did not come back: %d\n",
			   err);
		ignis_give_up(ig);
		return err;
	}

	ignis_attach(ig);
	schedule_delayed_work(&ig->steer.arfs_work, HZ);
	set_bit(IGNIS_TX_WELL, &ig->fn->flags);
	set_bit(IGNIS_RX_WELL, &ig->fn->flags);
	schedule_work(&ig->fn->report_work);
	return 0;
}

/*
 * Of a port that sleeps: receive, but nothing into memory, and assert PME at what
 * ig->wol names.
 */
static void ignis_arm_wakeup(struct ignis *ig)
{
	u32 wufc = (ig->wol & WAKE_PHY ? WUFC_LNKC : 0) |
		   (ig->wol & WAKE_MAGIC ? WUFC_MAG : 0) |
		   (ig->wol & WAKE_UCAST ? WUFC_EX : 0) |
		   (ig->wol & WAKE_MCAST ? WUFC_MC : 0) |
		   (ig->wol & WAKE_BCAST ? WUFC_BC : 0);

	phy_resume(ig->phy);
	ignis_filter_restore(ig);
	ignis_rmw(ig, IGNIS_RCTL, 0, RCTL_RXEN | RCTL_BAM |
				     (ig->wol & WAKE_MCAST ? RCTL_MPE : 0));
	ignis_rmw(ig, IGNIS_CTRL, 0, CTRL_SLU | CTRL_ADVD3WUC);
	ignis_wr(ig, IGNIS_WUS, ~0u);
	ignis_wr(ig, IGNIS_WUFC, wufc);
	ignis_rmw(ig, IGNIS_WUC, WUC_APME, WUC_PME_STATUS | WUC_PME_EN);
}

static void ignis_disarm_wakeup(struct ignis *ig)
{
	ignis_wr(ig, IGNIS_WUFC, 0);
	ignis_wr(ig, IGNIS_WUS, ~0u);
	ignis_rmw(ig, IGNIS_WUC, WUC_PME_EN,
		  WUC_PME_STATUS | (ig->apme ? WUC_APME : 0));
}

/**
 * ignis_restore_config - make the best of a reset that nobody told of
 * @pdev: PCI function
 *
 * If recovery fails for another function the bus has been reset, and config space is
 * empty.  The core would save it so, or the next probe find it so: have back what was
 * saved before.
 *
 * Context: process, device lock.
 */
void ignis_restore_config(struct pci_dev *pdev)
{
	u16 cmd;

	pci_read_config_word(pdev, PCI_COMMAND, &cmd);
	if (cmd & PCI_COMMAND_MEMORY)
		return;		/* or it reads as all ones */
	pdev->state_saved = true;
	pci_restore_state(pdev);
}

/* The PCI core does what is left: saves the state, enables PME, goes to D3 */
static int ignis_pm_suspend(struct device *dev)
{
	struct ignis_function *fn = dev_get_drvdata(dev);
	struct pci_dev *pdev = to_pci_dev(dev);
	struct ignis *ig = fn->ig;

	ignis_restore_config(pdev);
	if (!ig)
		goto out;

	rtnl_lock();
	ignis_sleep(ig);
	if (!test_bit(IGNIS_GONE, &ig->flags)) {
		if (ig->wol && device_may_wakeup(dev))
			ignis_arm_wakeup(ig);
		else
			ignis_rmw(ig, IGNIS_WUC, WUC_APME | WUC_PME_EN, 0);
	}
	rtnl_unlock();
	cancel_work_sync(&ig->reset_work);
out:
	/* What is saved is better than what could be saved now */
	if (!pci_device_is_present(pdev)) {
		pdev->state_saved = true;
		/* The core leaves that to us, then; the ports above stay on else */
		pci_set_power_state(pdev, PCI_D3hot);
	}
	return 0;
}

/*
 * Config space has just been restored: does the device answer?  Then a later reset
 * will want that again, which older kernels forget once they have restored it.
 */
static bool ignis_came_back(struct pci_dev *pdev)
{
	struct ignis_function *fn = pci_get_drvdata(pdev);

	if (fn->ig ? readl(fn->ig->hw + IGNIS_STATUS) == ~0u :
		     !pci_device_is_present(pdev))
		return false;
	if (fn->ig)
		clear_bit(IGNIS_GONE, &fn->ig->flags);
	pci_save_state(pdev);
	return true;
}

static int ignis_pm_resume(struct device *dev)
{
	struct ignis_function *fn = dev_get_drvdata(dev);
	int err;

	ignis_came_back(to_pci_dev(dev));
	if (!fn->ig)
		return 0;

	rtnl_lock();
	ignis_disarm_wakeup(fn->ig);
	err = ignis_wake(fn->ig);
	rtnl_unlock();
	return err;
}

DEFINE_SIMPLE_DEV_PM_OPS(ignis_pm_ops, ignis_pm_suspend, ignis_pm_resume);

/**
 * ignis_shutdown - leave no DMA running into the next kernel
 * @pdev: PCI function
 *
 * Context: process, device lock.
 */
void ignis_shutdown(struct pci_dev *pdev)
{
	struct ignis_function *fn = pci_get_drvdata(pdev);

	ignis_pm_suspend(&pdev->dev);
	pci_disable_device(pdev);
	if (fn->ig && system_state == SYSTEM_POWER_OFF) {
		pci_wake_from_d3(pdev, fn->ig->wol);
		pci_set_power_state(pdev, PCI_D3hot);
	}
}

static void ignis_io_stop(struct pci_dev *pdev, bool gone)
{
	struct ignis_function *fn = pci_get_drvdata(pdev);
	struct ignis *ig = fn->ig;

	if (!ig)
		return;

	if (gone)
		set_bit(IGNIS_GONE, &ig->flags);
	cancel_work_sync(&ig->reset_work);
	rtnl_lock();
	if (gone)
		ignis_give_up(ig);
	else
		ignis_sleep(ig);
	rtnl_unlock();
}

static pci_ers_result_t ignis_error_detected(struct pci_dev *pdev,
					     pci_channel_state_t state)
{
	/* What a request that was lost has left behind is not known */
	ignis_io_stop(pdev, state != pci_channel_io_normal);
	switch (state) {
	case pci_channel_io_normal:
		return PCI_ERS_RESULT_CAN_RECOVER;
	case pci_channel_io_frozen:
		return PCI_ERS_RESULT_NEED_RESET;
	default:
		return PCI_ERS_RESULT_DISCONNECT;
	}
}

static pci_ers_result_t ignis_slot_reset(struct pci_dev *pdev)
{
	/* Still so, if it did not answer when this was last tried */
	pdev->state_saved = true;
	pci_restore_state(pdev);
	return ignis_came_back(pdev) ? PCI_ERS_RESULT_RECOVERED :
				       PCI_ERS_RESULT_DISCONNECT;
}

static void ignis_io_start(struct pci_dev *pdev)
{
	struct ignis_function *fn = pci_get_drvdata(pdev);

	if (!fn->ig)
		return;

	rtnl_lock();
	ignis_wake(fn->ig);
	rtnl_unlock();
}

static void ignis_reset_prepare(struct pci_dev *pdev)
{
	struct ignis_function *fn = pci_get_drvdata(pdev);

	ignis_io_stop(pdev, false);
	ignis_restore_config(pdev);
	/* 6.12 saves all ones of a device that cannot be reached, others nothing */
	if (!pci_device_is_present(pdev)) {
		pdev->state_saved = true;
		fn->config = pci_store_saved_state(pdev);
	}
}

/* Also of a device that seemed gone */
static void ignis_reset_done(struct pci_dev *pdev)
{
	struct ignis_function *fn = pci_get_drvdata(pdev);

	if (fn->config) {
		/* All ones in Device Control began an FLR: PCIe 6.6.2 */
		msleep(100);
		pci_load_and_free_saved_state(pdev, &fn->config);
		pci_restore_state(pdev);
	}
	ignis_came_back(pdev);
	ignis_io_start(pdev);
}

const struct pci_error_handlers ignis_err_handlers = {
	.error_detected = ignis_error_detected,
	.slot_reset = ignis_slot_reset,
	.resume = ignis_io_start,
	.reset_prepare = ignis_reset_prepare,
	.reset_done = ignis_reset_done,
};
