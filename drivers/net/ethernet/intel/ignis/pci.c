// SPDX-License-Identifier: GPL-2.0-only
/* PCI life: probe, remove, shutdown */

#include <linux/module.h>

#include "ignis.h"

static const struct pci_device_id ignis_pci_tbl[] = {
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

static int ignis_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	const struct ignis_mac *mac = (const void *)id->driver_data;
	struct device *dev = &pdev->dev;
	struct net_device *netdev;
	struct ignis *ig;
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

	netdev = alloc_etherdev_mqs(sizeof(*ig), mac->max_queues,
				    mac->max_queues);
	if (!netdev) {
		err = -ENOMEM;
		goto err_regions;
	}
	SET_NETDEV_DEV(netdev, dev);
	ig = netdev_priv(netdev);
	ig->netdev = netdev;
	ig->pdev = pdev;
	ig->mac = mac;
	spin_lock_init(&ig->reg_lock);
	spin_lock_init(&ig->stats_lock);
	INIT_WORK(&ig->reset_work, ignis_reset_work);
	INIT_DELAYED_WORK(&ig->refill_work, ignis_refill_work);
	pci_set_drvdata(pdev, ig);

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

	err = ignis_irq_init(ig);
	if (err) {
		dev_err(dev, "no interrupt vector to be had\n");
		goto err_unmap;
	}
	ignis_netdev_init(ig);
	ignis_rss_init(ig);

	err = ignis_link_init(ig);
	if (err) {
		dev_err(dev, "could not bring up the PHY\n");
		goto err_irq;
	}

	err = register_netdev(netdev);
	if (err)
		goto err_link;

	netdev_info(netdev, "%s at %s, %pM, %s, up to %u channels\n", mac->name,
		    pci_name(pdev), netdev->dev_addr,
		    ig->irq_mode == IGNIS_MSIX ? "MSI-X" :
		    ig->irq_mode == IGNIS_MSI ? "MSI" : "INTx",
		    ig->max_channels);
	return 0;

err_link:
	ignis_link_exit(ig);
err_irq:
	ignis_irq_exit(ig);
err_unmap:
	cancel_work_sync(&ig->reset_work);
	iounmap(ig->hw);
err_free:
	free_netdev(netdev);
err_regions:
	pci_release_mem_regions(pdev);
err_disable:
	pci_disable_device(pdev);
	return err;
}

static void ignis_remove(struct pci_dev *pdev)
{
	struct ignis *ig = pci_get_drvdata(pdev);

	unregister_netdev(ig->netdev);
	ignis_link_exit(ig);
	/* Whatever read registers until now may have scheduled it */
	cancel_work_sync(&ig->reset_work);
	ignis_irq_exit(ig);
	iounmap(ig->hw);
	free_netdev(ig->netdev);
	pci_release_mem_regions(pdev);
	pci_disable_device(pdev);
}

/* Leave no DMA running into the next kernel */
static void ignis_shutdown(struct pci_dev *pdev)
{
	struct ignis *ig = pci_get_drvdata(pdev);

	rtnl_lock();
	netif_device_detach(ig->netdev);
	if (netif_running(ig->netdev))
		dev_close(ig->netdev);
	rtnl_unlock();
	cancel_work_sync(&ig->reset_work);
	pci_disable_device(pdev);
}

static struct pci_driver ignis_pci_driver = {
	.name = KBUILD_MODNAME,
	.id_table = ignis_pci_tbl,
	.probe = ignis_probe,
	.remove = ignis_remove,
	.shutdown = ignis_shutdown,
};
module_pci_driver(ignis_pci_driver);

MODULE_DESCRIPTION("Intel gigabit Ethernet driver");
MODULE_LICENSE("GPL");
