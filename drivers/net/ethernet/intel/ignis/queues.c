// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queue sets.
 *
 * A configuration change builds a complete new set of rings, filled with
 * buffers, beside the running one; only then are the queues stopped, the new
 * set put in, the queues started.  What can fail happens before the first
 * queue stops, so a failure leaves the old set running.  The MAC, the PHY and
 * the link are not touched.
 */

#include <linux/slab.h>

#include "ignis.h"

/* How long the last frames of a queue may take before it is stopped */
#define DRAIN_TRIES	200
#define DRAIN_USECS	50

struct ignis_qset {
	u16 n;
	struct {
		struct ignis_rx_ring rx;
		struct ignis_tx_ring tx;
	} pair[] __counted_by(n);
};

static void ignis_qset_free(struct ignis *ig, struct ignis_qset *qs)
{
	unsigned int i;

	for (i = 0; i < qs->n; i++) {
		ignis_rx_free(ig, &qs->pair[i].rx);
		ignis_tx_free(&qs->pair[i].tx);
	}
	kvfree(qs);
}

static struct ignis_qset *ignis_qset_alloc(struct ignis *ig,
					   const struct ignis_config *cfg)
{
	struct ignis_qset *qs;
	unsigned int i;
	int err = 0;

	qs = kvzalloc(struct_size(qs, pair, cfg->channels), GFP_KERNEL);
	if (!qs)
		return ERR_PTR(-ENOMEM);

	qs->n = cfg->channels;
	for (i = 0; i < qs->n; i++) {
		qs->pair[i].rx.queue = i;
		qs->pair[i].tx.queue = i;
		qs->pair[i].tx.stats = &ig->vectors[i].tx_stats;
	}
	for (i = 0; i < qs->n && !err; i++) {
		err = ignis_rx_alloc(ig, &qs->pair[i].rx, cfg);
		if (!err)
			err = ignis_tx_alloc(ig, &qs->pair[i].tx, cfg);
	}
	if (err) {
		ignis_qset_free(ig, qs);
		return ERR_PTR(err);
	}
	return qs;
}

/* Vectors and transmit path see @qs, or nothing, from here on */
static void ignis_qset_install(struct ignis *ig, struct ignis_qset *qs)
{
	unsigned int i;

	ig->qset = qs;
	for (i = 0; i < ig->max_channels; i++) {
		bool used = qs && i < qs->n;

		ig->vectors[i].rx = used ? &qs->pair[i].rx : NULL;
		ig->vectors[i].tx = used ? &qs->pair[i].tx : NULL;
		ig->tx[i] = ig->vectors[i].tx;
	}
}

/* NAPI instances exist for the queues in use only */
static void ignis_napi_add(struct ignis *ig, unsigned int first,
			   unsigned int end)
{
	unsigned int i;

	for (i = first; i < end; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		netif_napi_add_config(ig->netdev, &v->napi, ignis_poll, i);
		netif_napi_set_irq(&v->napi, v->irq);
	}
}

static void ignis_napi_del(struct ignis *ig, unsigned int first,
			   unsigned int end)
{
	unsigned int i;

	for (i = first; i < end; i++)
		__netif_napi_del(&ig->vectors[i].napi);
	if (first < end)
		synchronize_net();
}

/*
 * CPUs by distance from the device, dealt out to the queues in turn; when there
 * are more queues than CPUs, a CPU has several.
 */
static void ignis_set_xps(struct ignis *ig)
{
	unsigned int n = ig->cfg.channels, cpu, i, k;
	int node = dev_to_node(&ig->pdev->dev);
	cpumask_var_t mask;

	if (n == 1 || !zalloc_cpumask_var(&mask, GFP_KERNEL))
		return;

	for (i = 0; i < n; i++) {
		cpumask_clear(mask);
		for (k = i % num_online_cpus(); k < num_online_cpus(); k += n) {
			cpu = cpumask_local_spread(k, node);
			cpumask_set_cpu(cpu, mask);
		}
		netif_set_xps_queue(ig->netdev, mask, i);
	}
	free_cpumask_var(mask);
}

static void ignis_napi_kick(struct ignis_vector *v)
{
	local_bh_disable();
	napi_schedule(&v->napi);
	local_bh_enable();
}

/* Poll what is not idle yet; true when all is, or never will be */
static bool ignis_qset_drain(struct ignis *ig)
{
	bool idle = true;
	unsigned int i;

	for (i = 0; i < ig->qset->n; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		if (READ_ONCE(v->tx->ntc) == READ_ONCE(v->tx->kicked) &&
		    !ignis_rx_pending(v->rx))
			continue;
		ignis_napi_kick(v);
		idle = false;
	}
	return idle || test_bit(IGNIS_GONE, &ig->flags);
}

/**
 * ignis_qset_stop - stop all queues of the running set
 * @ig: port
 *
 * What was handed to the hardware before is sent, and what it has received is
 * handed to the stack, as far as that takes no longer than some 20 ms.  Frames still
 * waiting in a qdisc stay there.
 *
 * Context: process, RTNL.
 *
 * Return: 0; an error when the chip did not stop and must be reset before the
 * rings may be freed.
 */
int ignis_qset_stop(struct ignis *ig)
{
	struct ignis_qset *qs = ig->qset;
	unsigned int i, tries;
	int err = 0;

	/* No completion that has not seen @closing may wake a queue later */
	for (i = 0; i < qs->n; i++)
		WRITE_ONCE(qs->pair[i].tx.closing, true);
	synchronize_net();
	netif_tx_disable(ig->netdev);

	for (i = 0; i < qs->n; i++)
		err = ig->mac->rx_stop(ig, i) ?: err;

	for (tries = 0; tries < DRAIN_TRIES && !ignis_qset_drain(ig); tries++)
		usleep_range(DRAIN_USECS, 2 * DRAIN_USECS);

	for (i = 0; i < qs->n; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		napi_disable(&v->napi);
		page_pool_disable_direct_recycling(v->rx->pool);
		err = ig->mac->tx_stop(ig, i) ?: err;
		netif_queue_set_napi(ig->netdev, i, NETDEV_QUEUE_TYPE_RX, NULL);
		netif_queue_set_napi(ig->netdev, i, NETDEV_QUEUE_TYPE_TX, NULL);
	}
	cancel_delayed_work_sync(&ig->refill_work);
	return err;
}

/**
 * ignis_qset_start - start all queues of @ig->qset
 * @ig: port
 *
 * Context: process, RTNL; the queues are stopped, the rings in their initial
 * state.  Cannot fail.
 */
void ignis_qset_start(struct ignis *ig)
{
	struct ignis_qset *qs = ig->qset;
	unsigned int i;

	ignis_wr(ig, IGNIS_RLPML, ignis_max_frame(ig->cfg.mtu));

	for (i = 0; i < ig->netdev->num_tx_queues; i++)
		netdev_tx_reset_queue(netdev_get_tx_queue(ig->netdev, i));

	for (i = 0; i < qs->n; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		v->tx->closing = false;
		netif_queue_set_napi(ig->netdev, i, NETDEV_QUEUE_TYPE_RX,
				     &v->napi);
		netif_queue_set_napi(ig->netdev, i, NETDEV_QUEUE_TYPE_TX,
				     &v->napi);
		page_pool_enable_direct_recycling(v->rx->pool, &v->napi);
		ig->mac->rx_start(ig, v->rx);
		ig->mac->tx_start(ig, v->tx);
		napi_enable(&v->napi);
		/* unmasks the vector too when it completes */
		ignis_napi_kick(v);
	}

	ignis_rmw(ig, IGNIS_RCTL, 0, RCTL_RXEN);

	/* Unused ones too: the watchdog takes any stopped queue for stuck */
	netif_tx_wake_all_queues(ig->netdev);
}

/**
 * ignis_qset_purge - throw away what the stopped rings hold
 * @ig: port
 *
 * Brings every ring back to its initial state without allocating what a
 * failure could deny.
 *
 * Context: process, RTNL; between ignis_qset_stop() and ignis_qset_start().
 */
void ignis_qset_purge(struct ignis *ig)
{
	unsigned int i;

	for (i = 0; i < ig->qset->n; i++) {
		ignis_rx_reset(&ig->qset->pair[i].rx);
		ignis_tx_reset(&ig->qset->pair[i].tx);
	}
}

/* Everything that a change from @old to @new channels needs and may fail */
static int ignis_grow(struct ignis *ig, unsigned int old, unsigned int new)
{
	struct net_device *netdev = ig->netdev;
	unsigned int i;
	int err;

	if (new <= old)
		return 0;

	ignis_napi_add(ig, old, new);
	err = ignis_irq_request(ig, old, new);
	if (err)
		goto err_napi;

	/* The stack may choose the new queues at once: keep them shut */
	for (i = old; i < new; i++)
		netif_tx_stop_queue(netdev_get_tx_queue(netdev, i));

	err = netif_set_real_num_queues(netdev, new, new);
	if (!err)
		return 0;

	netif_set_real_num_queues(netdev, old, old);
	for (i = old; i < new; i++)
		netif_tx_start_queue(netdev_get_tx_queue(netdev, i));
	ignis_irq_free(ig, old, new);
err_napi:
	ignis_napi_del(ig, old, new);
	return err;
}

/**
 * ignis_reconfigure - change over to another configuration
 * @ig: port
 * @cfg: the wanted configuration, values already checked
 * @extack: told why, on error
 *
 * Up or down.  On error the old configuration goes on as if nothing had been
 * asked.  No link change, no reset.
 *
 * Context: process, RTNL.
 *
 * Return: 0 or a negative errno.
 */
int ignis_reconfigure(struct ignis *ig, const struct ignis_config *cfg,
		      struct netlink_ext_ack *extack)
{
	unsigned int old_n = ig->cfg.channels, new_n = cfg->channels;
	struct ignis_qset *old = ig->qset, *new;
	int err, stuck;

	if (!old) {
		ig->cfg = *cfg;
		if (new_n != old_n) {
			ig->xps_set = false;
			ignis_rss_spread(ig);
		}
		return 0;
	}

	new = ignis_qset_alloc(ig, cfg);
	if (IS_ERR(new)) {
		NL_SET_ERR_MSG(extack, "not enough memory for the new rings");
		return PTR_ERR(new);
	}

	err = ignis_grow(ig, old_n, new_n);
	if (err) {
		NL_SET_ERR_MSG(extack, "could not set up the new channels");
		ignis_qset_free(ig, new);
		return err;
	}

	/* The stack leaves queues while they still send what it has chosen */
	if (new_n < old_n)
		netif_set_real_num_tx_queues(ig->netdev, new_n);

	/* Keep out what would not fit the new buffers while the old ones drain */
	ignis_wr(ig, IGNIS_RLPML, ignis_max_frame(min(ig->cfg.mtu, cfg->mtu)));
	stuck = ignis_qset_stop(ig);
	ig->cfg = *cfg;
	ignis_qset_install(ig, new);
	if (stuck) {
		netdev_warn(ig->netdev, "the queues do not stop, resetting\n");
		ignis_hw_init(ig);
	}
	if (new_n < old_n) {
		ignis_irq_free(ig, new_n, old_n);
		ignis_napi_del(ig, new_n, old_n);
		netif_set_real_num_rx_queues(ig->netdev, new_n);
	}
	if (new_n != old_n) {
		ignis_set_xps(ig);
		ignis_rss_spread(ig);
		ig->mac->irq_setup(ig);
		ig->mac->write_rss(ig);
		ig->mac->irq_enable(ig);
	}
	ignis_qset_start(ig);
	if (stuck) {
		ig->mac->irq_enable(ig);
		ignis_link_restart(ig);
	}
	ignis_qset_free(ig, old);
	return 0;
}

/**
 * ignis_qset_open - allocate the queue set for @ig->cfg with its interrupts
 * @ig: port
 *
 * The queues are not started.
 *
 * Context: process, RTNL.
 *
 * Return: 0 or a negative errno; all undone then.
 */
int ignis_qset_open(struct ignis *ig)
{
	unsigned int n = ig->cfg.channels;
	struct ignis_qset *qs;
	int err;

	qs = ignis_qset_alloc(ig, &ig->cfg);
	if (IS_ERR(qs))
		return PTR_ERR(qs);

	err = netif_set_real_num_queues(ig->netdev, n, n);
	if (err)
		goto err_free;

	ignis_napi_add(ig, 0, n);
	err = ignis_irq_request_other(ig);
	if (err)
		goto err_napi;

	err = ignis_irq_request(ig, 0, n);
	if (err)
		goto err_other;

	if (!ig->xps_set)
		ignis_set_xps(ig);
	ig->xps_set = true;
	ignis_qset_install(ig, qs);
	return 0;

err_other:
	ignis_irq_free_other(ig);
err_napi:
	ignis_napi_del(ig, 0, n);
err_free:
	ignis_qset_free(ig, qs);
	return err;
}

/**
 * ignis_qset_close - undo ignis_qset_open(); the queues are stopped
 * @ig: port
 *
 * Context: process, RTNL.
 */
void ignis_qset_close(struct ignis *ig)
{
	struct ignis_qset *qs = ig->qset;

	ignis_irq_free(ig, 0, qs->n);
	ignis_irq_free_other(ig);
	ignis_napi_del(ig, 0, qs->n);
	ignis_qset_install(ig, NULL);
	ignis_qset_free(ig, qs);
}

/**
 * ignis_qset_tx_pending - does the hardware hold frames not yet sent
 * @ig: port, up
 *
 * Context: process, RTNL.
 *
 * Return: true if so.
 */
bool ignis_qset_tx_pending(const struct ignis *ig)
{
	unsigned int i;

	for (i = 0; i < ig->qset->n; i++)
		if (READ_ONCE(ig->tx[i]->ntc) != READ_ONCE(ig->tx[i]->kicked))
			return true;
	return false;
}

/**
 * ignis_refill_work - poll every queue, so that those without buffers refill
 * @work: ig->refill_work
 *
 * A queue that has no buffers left gets no interrupts either; rx.c schedules
 * this when an allocation failed.
 *
 * Context: process; ignis_qset_stop() waits for it.
 */
void ignis_refill_work(struct work_struct *work)
{
	struct ignis *ig = container_of(to_delayed_work(work), struct ignis,
					refill_work);
	unsigned int i;

	for (i = 0; i < ig->qset->n; i++)
		ignis_napi_kick(&ig->vectors[i]);
}
