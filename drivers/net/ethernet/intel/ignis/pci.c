// SPDX-License-Identifier: GPL-2.0-only
/* PCI life: probe, remove */

#include <linux/module.h>
#include <linux/phy.h>

#include "ignis.h"

static const struct pci_device_id ignis_pci_tbl[] = {
	{ PCI_VDEVICE(INTEL, 0x10d3),
	  .driver_data = (kernel_ulong_t)&ignis_mac_82574 },
	{ PCI_VDEVICE(INTEL, 0x10c9),
	  .driver_data = (kernel_ulong_t)&ignis_mac_82576 },
	{ }
};
MODULE_DEVICE_TABLE(pci, ignis_pci_tbl);

/* After a reset entry 0 holds what the NVM says is this port's address */
static void ignis_init_address(struct ignis *ig)
{
	u8 addr[ETH_ALEN];

	put_unaligned_le32(ignis_rd(ig, IGNIS_RAL_LO(0)), addr);
	put_unaligned_le16(ignis_rd(ig, IGNIS_RAL_LO(0) + 4), addr + 4);
	if (is_valid_ether_addr(addr)) {
		eth_hw_addr_set(ig->netdev, addr);
		return;
	}

	eth_hw_addr_random(ig->netdev);
	dev_warn(&ig->pdev->dev, "NVM holds no valid address (%pM), using random %pM\n",
		 addr, ig->netdev->dev_addr);
}

/* The NVM says whether the port shall wake the machine unless told otherwise */
static void ignis_init_wakeup(struct ignis *ig)
{
	struct device *dev = &ig->pdev->dev;

	ig->apme = ignis_rd(ig, IGNIS_WUC) & WUC_APME;
	if (ig->apme)
		ig->wol = WAKE_MAGIC;
	ig->netdev->ethtool->wol_enabled = !!ig->wol;
	device_set_wakeup_capable(dev, true);
	device_set_wakeup_enable(dev, ig->wol);
}

/* Also where firmware has not left ASPM to the kernel */
static void ignis_disable_aspm(struct pci_dev *pdev, u8 states)
{
	struct pci_dev *parent = pdev->bus->self;

	if (!pci_disable_link_state(pdev, states))
		return;
	/* First the device's end of the link, then the other */
	pcie_capability_clear_word(pdev, PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_ASPMC);
	if (parent)
		pcie_capability_clear_word(parent, PCI_EXP_LNKCTL,
					   PCI_EXP_LNKCTL_ASPMC);
}

/**
 * ignis_port_add - bring up the port of a PCI function
 * @fn: PCI function without a port, enabled
 *
 * Context: process, device lock, devlink lock.
 *
 * Return: 0 or a negative errno; all undone then.
 */
int ignis_port_add(struct ignis_function *fn)
{
	const struct ignis_mac *mac = fn->mac;
	struct pci_dev *pdev = fn->pdev;
	struct device *dev = &pdev->dev;
	struct net_device *netdev;
	struct ignis *ig;
	int err;

	netdev = alloc_etherdev_mqs(sizeof(*ig), mac->max_queues,
				    mac->max_queues);
	if (!netdev)
		return -ENOMEM;

	SET_NETDEV_DEV(netdev, dev);
	dev_net_set(netdev, devlink_net(priv_to_devlink(fn)));
	ig = netdev_priv(netdev);
	ig->fn = fn;
	ig->netdev = netdev;
	ig->pdev = pdev;
	ig->mac = mac;
	spin_lock_init(&ig->reg_lock);
	spin_lock_init(&ig->stats_lock);
	mutex_init(&ig->nvm_lock);
	INIT_WORK(&ig->reset_work, ignis_reset_work);
	INIT_DELAYED_WORK(&ig->refill_work, ignis_refill_work);
	INIT_DELAYED_WORK(&ig->watch_work, ignis_watch_work);
	INIT_DELAYED_WORK(&ig->stats_work, ignis_stats_work);

	ig->hw = pci_ioremap_bar(pdev, 0);
	if (!ig->hw) {
		err = -ENOMEM;
		goto err_free;
	}

	err = mac->reset(ig);
	if (err) {
		dev_err(dev, "%s does not come out of reset\n", mac->name);
		goto err_unmap;
	}
	ignis_init_address(ig);
	ignis_init_wakeup(ig);

	err = ignis_irq_init(ig);
	if (err) {
		dev_err(dev, "no interrupt vector to be had\n");
		goto err_unmap;
	}
	ignis_netdev_init(ig);
	ignis_rss_init(ig);
	ignis_steer_init(ig);

	err = ignis_link_init(ig);
	if (err) {
		dev_err(dev, "could not bring up the PHY\n");
		goto err_irq;
	}

	ignis_ptp_init(ig);
	err = ignis_devlink_port_add(ig);
	if (err)
		goto err_ptp;

	err = register_netdev(netdev);
	if (err)
		goto err_port;

	fn->ig = ig;
	netdev_info(netdev, "%s at %s, %pM, %s, up to %u channels\n", mac->name,
		    pci_name(pdev), netdev->dev_addr,
		    ig->irq_mode == IGNIS_MSIX ? "MSI-X" :
		    ig->irq_mode == IGNIS_MSI ? "MSI" : "INTx",
		    ig->max_channels);
	return 0;

err_port:
	ignis_devlink_port_remove(ig);
err_ptp:
	ignis_ptp_exit(ig);
	ignis_link_exit(ig);
err_irq:
	ignis_irq_exit(ig);
err_unmap:
	cancel_work_sync(&ig->reset_work);
	iounmap(ig->hw);
err_free:
	free_netdev(netdev);
	return err;
}

/**
 * ignis_port_remove - undo ignis_port_add()
 * @fn: PCI function with a port
 *
 * Context: process, device lock, devlink lock.
 */
void ignis_port_remove(struct ignis_function *fn)
{
	struct ignis *ig = fn->ig;

	fn->ig = NULL;
	unregister_netdev(ig->netdev);
	ignis_steer_exit(ig);
	ignis_devlink_port_remove(ig);
	ignis_ptp_exit(ig);
	ignis_link_exit(ig);
	/* Whatever read registers until now may have scheduled it */
	cancel_work_sync(&ig->reset_work);
	ignis_irq_exit(ig);
	iounmap(ig->hw);
	free_netdev(ig->netdev);
	/* They belonged to queues that are gone */
	xchg(&fn->tx_hung, 0);
	xchg(&fn->rx_stalled, 0);
}

static int ignis_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	const struct ignis_mac *mac = (const void *)id->driver_data;
	struct device *dev = &pdev->dev;
	struct ignis_function *fn;
	int err;

	err = pci_enable_device_mem(pdev);
	if (err)
		return err;

	err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
	if (err)
		err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(32));
	if (err) {
		dev_err(dev, "no usable DMA configuration\n");
		goto err_disable;
	}

	err = pci_request_mem_regions(pdev, KBUILD_MODNAME);
	if (err)
		goto err_disable;
	pci_set_master(pdev);
	if (mac->no_aspm)
		ignis_disable_aspm(pdev, mac->no_aspm);

	fn = ignis_devlink_alloc(pdev, mac);
	if (!fn) {
		err = -ENOMEM;
		goto err_regions;
	}
	pci_set_drvdata(pdev, fn);

	err = ignis_devlink_register(fn);
	if (err)
		goto err_devlink;

	/* For ignis_slot_reset() */
	pci_save_state(pdev);
	return 0;

err_devlink:
	ignis_devlink_free(fn);
err_regions:
	pci_release_mem_regions(pdev);
err_disable:
	pci_disable_device(pdev);
	return err;
}

static void ignis_remove(struct pci_dev *pdev)
{
	struct ignis_function *fn = pci_get_drvdata(pdev);

	ignis_restore_config(pdev);
	ignis_devlink_unregister(fn);
	ignis_devlink_free(fn);
	pci_release_mem_regions(pdev);
	pci_disable_device(pdev);
}

static struct pci_driver ignis_pci_driver = {
	.name = KBUILD_MODNAME,
	.id_table = ignis_pci_tbl,
	.probe = ignis_probe,
	.remove = ignis_remove,
	.shutdown = ignis_shutdown,
	.err_handler = &ignis_err_handlers,
	.driver.pm = pm_sleep_ptr(&ignis_pm_ops),
};
module_pci_driver(ignis_pci_driver);

MODULE_DESCRIPTION("Intel gigabit Ethernet driver");
MODULE_LICENSE("GPL");
