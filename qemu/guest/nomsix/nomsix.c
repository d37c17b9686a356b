// SPDX-License-Identifier: GPL-2.0-only
/* While loaded, Ethernet devices that have no driver seem to lack MSI-X: a driver bound then uses MSI. */
#include <linux/module.h>
#include <linux/pci.h>

static int __init nomsix_init(void)
{
	struct pci_dev *pdev = NULL;

	while ((pdev = pci_get_class(PCI_CLASS_NETWORK_ETHERNET << 8, pdev)))
		if (!pdev->driver)
			pdev->msix_cap = 0;
	return 0;
}
module_init(nomsix_init);

static void __exit nomsix_exit(void)
{
	struct pci_dev *pdev = NULL;

	while ((pdev = pci_get_class(PCI_CLASS_NETWORK_ETHERNET << 8, pdev)))
		pdev->msix_cap = pci_find_capability(pdev, PCI_CAP_ID_MSIX);
}
module_exit(nomsix_exit);

MODULE_DESCRIPTION("Test helper: hide MSI-X from network drivers");
MODULE_LICENSE("GPL");
