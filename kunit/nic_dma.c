// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model's IOMMU: bus addresses are physical ones, but the device reaches
 * only what is mapped, in the direction it is mapped for, and no byte more.
 */

#include <linux/dma-map-ops.h>
#include <linux/slab.h>

#include "nic.h"

struct nic_map {
	struct interval_tree_node node;
	enum dma_data_direction dir;
	bool coherent;
};

static struct nic *nic_of(struct device *dev)
{
	return dev_get_platdata(dev);
}

static bool nic_map(struct nic *nic, dma_addr_t addr, size_t size,
		    enum dma_data_direction dir, bool coherent)
{
	struct nic_map *map;
	unsigned long flags;

	if (nic->trusted)
		return true;
	map = kzalloc_obj(*map, GFP_ATOMIC);
	if (!map)
		return false;
	map->node.start = addr;
	map->node.last = addr + size - 1;
	map->dir = dir;
	map->coherent = coherent;
	spin_lock_irqsave(&nic->map_lock, flags);
	interval_tree_insert(&map->node, &nic->maps);
	nic->n_maps++;
	spin_unlock_irqrestore(&nic->map_lock, flags);
	return true;
}

static void nic_unmap(struct nic *nic, dma_addr_t addr, size_t size,
		      enum dma_data_direction dir, bool coherent)
{
	struct interval_tree_node *node;
	struct nic_map *found = NULL;
	unsigned long flags;

	if (nic->trusted)
		return;
	spin_lock_irqsave(&nic->map_lock, flags);
	for (node = interval_tree_iter_first(&nic->maps, addr, addr); node;
	     node = interval_tree_iter_next(node, addr, addr)) {
		struct nic_map *map = container_of(node, struct nic_map, node);

		if (node->start == addr && node->last == addr + size - 1 &&
		    map->dir == dir && map->coherent == coherent) {
			found = map;
			interval_tree_remove(node, &nic->maps);
			nic->n_maps--;
			break;
		}
	}
	spin_unlock_irqrestore(&nic->map_lock, flags);
	if (!found)
		nic_complain(nic, "unmap of %zu bytes that are not mapped so",
			     size);
	kfree(found);
}

static void *nic_dma_alloc(struct device *dev, size_t size, dma_addr_t *dma,
			   gfp_t gfp, unsigned long attrs)
{
	void *va = alloc_pages_exact(size, gfp | __GFP_ZERO);

	if (!va)
		return NULL;
	*dma = virt_to_phys(va);
	if (nic_map(nic_of(dev), *dma, size, DMA_BIDIRECTIONAL, true))
		return va;
	free_pages_exact(va, size);
	return NULL;
}

static void nic_dma_free(struct device *dev, size_t size, void *va,
			 dma_addr_t dma, unsigned long attrs)
{
	nic_unmap(nic_of(dev), dma, size, DMA_BIDIRECTIONAL, true);
	free_pages_exact(va, size);
}

static dma_addr_t nic_dma_map(struct device *dev, phys_addr_t phys, size_t size,
			      enum dma_data_direction dir, unsigned long attrs)
{
	struct nic *nic = nic_of(dev);

	if (nic->lies.map_fails_at && !--nic->lies.map_fails_at)
		return DMA_MAPPING_ERROR;
	return nic_map(nic, phys, size, dir, false) ? phys : DMA_MAPPING_ERROR;
}

static void nic_dma_unmap(struct device *dev, dma_addr_t dma, size_t size,
			  enum dma_data_direction dir, unsigned long attrs)
{
	nic_unmap(nic_of(dev), dma, size, dir, false);
}

static int nic_dma_supported(struct device *dev, u64 mask)
{
	return 1;
}

const struct dma_map_ops nic_dma_ops = {
	.alloc = nic_dma_alloc,
	.free = nic_dma_free,
	.map_phys = nic_dma_map,
	.unmap_phys = nic_dma_unmap,
	.dma_supported = nic_dma_supported,
};

/* Is all of it in one mapping that lets the device do that */
static bool nic_mapped(struct nic *nic, u64 addr, u32 len,
		       enum dma_data_direction dir)
{
	struct interval_tree_node *node;
	bool found = nic->trusted;
	unsigned long flags;

	spin_lock_irqsave(&nic->map_lock, flags);
	for (node = interval_tree_iter_first(&nic->maps, addr, addr);
	     node && !found; node = interval_tree_iter_next(node, addr, addr)) {
		struct nic_map *map = container_of(node, struct nic_map, node);

		found = addr + len - 1 <= node->last &&
			(map->dir == dir || map->dir == DMA_BIDIRECTIONAL);
	}
	spin_unlock_irqrestore(&nic->map_lock, flags);
	return found;
}

bool nic_dma_read(struct nic *nic, u64 addr, void *buf, u32 len)
{
	if (!len)
		return true;
	if (!nic_mapped(nic, addr, len, DMA_TO_DEVICE)) {
		nic_complain(nic, "DMA read of %u bytes that are not mapped",
			     len);
		return false;
	}
	memcpy(buf, phys_to_virt(addr), len);
	return true;
}

bool nic_dma_write(struct nic *nic, u64 addr, const void *buf, u32 len)
{
	if (!len)
		return true;
	if (!nic_mapped(nic, addr, len, DMA_FROM_DEVICE)) {
		nic_complain(nic, "DMA write of %u bytes that are not mapped",
			     len);
		return false;
	}
	memcpy(phys_to_virt(addr), buf, len);
	return true;
}

/* The driver has gone: nothing may be mapped any more */
void nic_dma_exit(struct nic *nic)
{
	struct interval_tree_node *node;

	if (nic->n_maps)
		nic_complain(nic, "%u DMA mappings were leaked", nic->n_maps);
	while ((node = interval_tree_iter_first(&nic->maps, 0, ULONG_MAX))) {
		interval_tree_remove(node, &nic->maps);
		kfree(container_of(node, struct nic_map, node));
	}
}
