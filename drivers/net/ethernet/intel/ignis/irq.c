// SPDX-License-Identifier: GPL-2.0-only
/* Top halves, NAPI poll, vector mapping, moderation */

#include <linux/interrupt.h>
#include <linux/phy.h>

#include "ignis.h"

static const struct cpumask *ignis_default_cpu(struct ignis *ig, unsigned int i)
{
	return cpumask_of(cpumask_local_spread(i, dev_to_node(&ig->pdev->dev)));
}

static irqreturn_t ignis_intr_queue(int irq, void *data)
{
	struct ignis_vector *v = data;

	/* EIAC and EIAM have acknowledged and masked this vector already */
	v->events++;
	napi_schedule_irqoff(&v->napi);
	return IRQ_HANDLED;
}

static void ignis_handle_causes(struct ignis *ig, u32 icr)
{
	if (icr & ICR_LSC)
		phy_mac_interrupt(ig->phy);
}

static irqreturn_t ignis_intr_other(int irq, void *data)
{
	struct ignis *ig = data;
	u32 icr = ig->mac->other_causes(ig);

	if (icr == ~0u)
		return IRQ_HANDLED;

	ignis_handle_causes(ig, icr);
	ig->mac->irq_enable(ig);
	return IRQ_HANDLED;
}

/* MSI and INTx: one vector for all causes */
static irqreturn_t ignis_intr_single(int irq, void *data)
{
	struct ignis_vector *v = data;
	struct ignis *ig = v->ig;
	bool masked = ig->mac->mask_to_read_icr;
	/* Not INTA: reading ICR clears what is masked, too, for which there is no INTA */
	u32 ours = v->unmask_bits | ICR_LSC;
	u32 icr;

	if (masked)
		writel(~0u, ig->hw + IGNIS_IMC);
	icr = ignis_rd(ig, IGNIS_ICR);

	if (icr == ~0u || (ig->irq_mode == IGNIS_INTX && !(icr & ours))) {
		if (masked)
			writel(v->unmask_bits | ICR_LSC, ig->hw + IGNIS_IMS);
		return IRQ_NONE;
	}

	ignis_handle_causes(ig, icr);

	v->events++;
	if (napi_schedule_prep(&v->napi)) {
		writel(v->unmask_bits, ig->hw + IGNIS_IMC);
		__napi_schedule_irqoff(&v->napi);
	}
	if (masked)
		writel(ICR_LSC, ig->hw + IGNIS_IMS);
	return IRQ_HANDLED;
}

/**
 * ignis_moderation - the interval that moderates a vector now
 * @v: vector
 *
 * That of DIM's profile, but none in which the smallest frames, 1.5 a
 * microsecond, fill more than three quarters of a ring.
 *
 * Context: any.
 *
 * Return: microseconds.
 */
u32 ignis_moderation(const struct ignis_vector *v)
{
	const struct ignis_config *cfg = &v->ig->cfg;
	u32 profile = READ_ONCE(v->dim.profile_ix);

	if (!READ_ONCE(v->adaptive))
		return READ_ONCE(v->rx_usecs);
	return min3(net_dim_get_rx_moderation(v->dim.mode, profile).usec,
		    READ_ONCE(cfg->rx_count) / 2, READ_ONCE(cfg->tx_count) / 2);
}

static void ignis_dim_work(struct work_struct *work)
{
	struct dim *dim = container_of(work, struct dim, work);
	struct ignis_vector *v = container_of(dim, struct ignis_vector, dim);

	v->ig->mac->write_itr(v, ignis_moderation(v));
	dim->state = DIM_START_MEASURE;
}

/* Whether net_dim() would do more than look at the number of interrupts */
static bool ignis_dim_due(const struct ignis_vector *v)
{
	const struct dim *dim = &v->dim;

	return READ_ONCE(dim->state) != DIM_MEASURE_IN_PROGRESS ||
	       (u16)(v->events - dim->start_sample.event_ctr) >= DIM_NEVENTS;
}

static noinline void ignis_update_dim(struct ignis_vector *v)
{
	struct dim_sample sample = {};

	/* Only NAPI writes these counters: no seqcount needed to read here */
	dim_update_sample(v->events,
			  u64_stats_read(&v->rx_stats.packets) +
			  u64_stats_read(&v->tx_stats.packets),
			  u64_stats_read(&v->rx_stats.bytes) +
			  u64_stats_read(&v->tx_stats.bytes), &sample);
	net_dim(&v->dim, &sample);
}

/**
 * ignis_poll - NAPI poll of one queue pair
 * @napi: of a struct ignis_vector
 * @budget: receive frames allowed; 0 (netpoll): transmit completions only
 *
 * Context: softirq, or a kthread with threaded NAPI.
 *
 * Return: frames received, @budget when there is more to do.
 */
int ignis_poll(struct napi_struct *napi, int budget)
{
	struct ignis_vector *v = container_of(napi, struct ignis_vector, napi);
	bool more = ignis_tx_pending(v->tx) && ignis_tx_clean(v, budget);
	int done = 0;

	if (unlikely(!budget))
		return 0;

	/* Every other poll finds nothing */
	if (ignis_rx_wanted(v->rx))
		done = ignis_rx_poll(v, budget);
	if (done >= budget || more)
		return budget;

	/* While no other CPU can poll */
	if (READ_ONCE(v->adaptive) && ignis_dim_due(v))
		ignis_update_dim(v);
	if (napi_complete_done(napi, done))
		writel(v->unmask_bits, v->unmask);
	return done;
}

/**
 * ignis_set_moderation - apply what is set for each vector
 * @ig: port
 *
 * DIM goes on from the profile it reached last.
 *
 * Context: process, RTNL.
 */
void ignis_set_moderation(struct ignis *ig)
{
	unsigned int i;

	for (i = 0; i < ig->max_channels; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		flush_work(&v->dim.work);
		ig->mac->write_itr(v, ignis_moderation(v));
	}
}

/**
 * ignis_irq_request - request the vectors of queues @first to @end - 1
 * @ig: port
 * @first: first queue
 * @end: one past the last queue
 *
 * All or none.  A vector's affinity, once the user has set it, stays with the
 * interrupt descriptor and so survives being freed and requested again.
 *
 * Context: process, RTNL.
 *
 * Return: 0 or a negative errno.
 */
int ignis_irq_request(struct ignis *ig, unsigned int first, unsigned int end)
{
	bool msix = ig->irq_mode == IGNIS_MSIX;
	unsigned int i;
	int err;

	for (i = first; i < end; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		if (msix)
			snprintf(v->name, sizeof(v->name), "%s-%u",
				 ig->netdev->name, i);
		else
			strscpy(v->name, ig->netdev->name, sizeof(v->name));

		err = request_irq(v->irq,
				  msix ? ignis_intr_queue : ignis_intr_single,
				  ig->irq_mode == IGNIS_INTX ? IRQF_SHARED : 0,
				  v->name, v);
		if (err) {
			ignis_irq_free(ig, first, i);
			return err;
		}
		irq_update_affinity_hint(v->irq, ignis_default_cpu(ig, i));
	}
	return 0;
}

/**
 * ignis_irq_free - undo ignis_irq_request()
 * @ig: port
 * @first: first queue
 * @end: one past the last queue
 *
 * Context: process, RTNL; their NAPIs must not run any more.
 */
void ignis_irq_free(struct ignis *ig, unsigned int first, unsigned int end)
{
	unsigned int i;

	for (i = first; i < end; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		irq_update_affinity_hint(v->irq, NULL);
		/* The CPU map of accelerated RFS follows the affinity no more */
		netif_napi_set_irq(&v->napi, -1);
		free_irq(v->irq, v);
		/* A neighbour's interrupt may have made it unmask again */
		if (ig->irq_mode == IGNIS_INTX)
			ignis_wr(ig, IGNIS_IMC, ~0u);
		flush_work(&v->dim.work);
	}
}

/**
 * ignis_irq_request_other - request the vector of causes that are no queue's
 * @ig: port
 *
 * MSI and INTx have none; ignis_intr_single() serves all.
 *
 * Context: process, RTNL.
 *
 * Return: 0 or a negative errno.
 */
int ignis_irq_request_other(struct ignis *ig)
{
	if (ig->irq_mode != IGNIS_MSIX)
		return 0;

	snprintf(ig->other_name, sizeof(ig->other_name), "%s-other",
		 ig->netdev->name);
	return request_irq(ig->other_irq, ignis_intr_other, 0, ig->other_name,
			   ig);
}

/**
 * ignis_irq_free_other - undo ignis_irq_request_other()
 * @ig: port
 *
 * Context: process, RTNL.
 */
void ignis_irq_free_other(struct ignis *ig)
{
	if (ig->irq_mode == IGNIS_MSIX)
		free_irq(ig->other_irq, ig);
}

/**
 * ignis_irq_init - obtain vectors for every possible channel
 * @ig: port; sets max_channels to what was obtained
 *
 * Vectors stay allocated until remove, so that changing channels neither
 * fails for lack of them nor loses an affinity.
 *
 * Context: process, probe.
 *
 * Return: 0 or a negative errno.
 */
int ignis_irq_init(struct ignis *ig)
{
	unsigned int max = ig->mac->max_queues;
	unsigned int i;
	int n;

	ig->vectors = kcalloc(max, sizeof(*ig->vectors), GFP_KERNEL);
	if (!ig->vectors)
		return -ENOMEM;

	n = pci_alloc_irq_vectors(ig->pdev, 2, max + 1, PCI_IRQ_MSIX);
	if (n >= 2) {
		ig->irq_mode = IGNIS_MSIX;
		ig->other_irq = pci_irq_vector(ig->pdev, IGNIS_OTHER_VECTOR);
		ig->max_channels = n - 1;
	} else {
		n = pci_alloc_irq_vectors(ig->pdev, 1, 1,
					  PCI_IRQ_MSI | PCI_IRQ_INTX);
		if (n < 0) {
			kfree(ig->vectors);
			return n;
		}
		ig->irq_mode = ig->pdev->msi_enabled ? IGNIS_MSI : IGNIS_INTX;
		ig->max_channels = 1;
	}

	for (i = 0; i < max; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		v->ig = ig;
		v->index = i;
		INIT_WORK(&v->dim.work, ignis_dim_work);
		v->dim.mode = DIM_CQ_PERIOD_MODE_START_FROM_EQE;
		v->dim.profile_ix = 1;
		v->adaptive = true;
		v->rx_usecs = IGNIS_DEFAULT_ITR_USECS;
		u64_stats_init(&v->rx_stats.syncp);
		u64_stats_init(&v->tx_stats.syncp);
		u64_stats_init(&v->tx_stats.xmit_syncp);
		if (i >= ig->max_channels)
			continue;

		if (ig->irq_mode != IGNIS_MSIX) {
			v->irq = pci_irq_vector(ig->pdev, 0);
			continue;
		}
		v->irq = pci_irq_vector(ig->pdev, IGNIS_QUEUE_VECTOR(i));
		irq_set_affinity_and_hint(v->irq, ignis_default_cpu(ig, i));
		irq_update_affinity_hint(v->irq, NULL);
	}
	return 0;
}

/**
 * ignis_irq_exit - undo ignis_irq_init()
 * @ig: port
 *
 * Context: process, remove.
 */
void ignis_irq_exit(struct ignis *ig)
{
	pci_free_irq_vectors(ig->pdev);
	kfree(ig->vectors);
}
