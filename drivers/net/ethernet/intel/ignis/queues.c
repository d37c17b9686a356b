// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queue sets.
 *
 * A configuration change builds a complete new set of rings, filled with
 * buffers, beside the running one; only then are the queues stopped, the new
 * set put in, the queues started.  What can fail happens before the first
 * queue stops, so a failure leaves the old set running.  The PHY and the link
 * are not touched, nor the MAC, unless it must be reset to let go of its queues.
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

	/* Frames of XDP_TX go back to the pools of receive rings */
	for (i = 0; i < qs->n; i++)
		ignis_tx_free(&qs->pair[i].tx);
	for (i = 0; i < qs->n; i++)
		ignis_rx_free(ig, &qs->pair[i].rx);
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
		qs->pair[i].tx.pool = qs->pair[i].rx.pool;
	}
	if (err) {
		ignis_qset_free(ig, qs);
		return ERR_PTR(err);
	}
	return qs;
}

/* Vectors see @qs, or nothing, from here on; who sends, when it starts */
static void ignis_qset_install(struct ignis *ig, struct ignis_qset *qs)
{
	unsigned int i;

	ig->qset = qs;
	for (i = 0; i < ig->max_channels; i++) {
		bool used = qs && i < qs->n;

		ig->vectors[i].rx = used ? &qs->pair[i].rx : NULL;
		ig->vectors[i].tx = used ? &qs->pair[i].tx : NULL;
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

/*
 * Poll what is not idle yet of queues @first to @end - 1; true when all is, or
 * never will be, as a receiver that cannot be stopped
 */
static bool ignis_drain(struct ignis *ig, unsigned int first, unsigned int end)
{
	bool idle = true;
	unsigned int i;

	for (i = first; i < end; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		if (READ_ONCE(v->tx->ntc) == READ_ONCE(v->tx->kicked) &&
		    (ig->mac->reset_to_swap || !ignis_rx_pending(v->rx)))
			continue;
		ignis_napi_kick(v);
		idle = false;
	}
	return idle || test_bit(IGNIS_GONE, &ig->flags);
}

/*
 * Nobody sends by these queues any more when this returns, or is about to; some
 * may be beyond those in use
 */
static void ignis_tx_shut(struct ignis *ig, unsigned int first,
			  unsigned int end)
{
	struct net_device *netdev = ig->netdev;
	unsigned int i;

	/* No completion that has not seen @closing may wake a queue later */
	for (i = first; i < min_t(unsigned int, end, ig->qset->n); i++)
		WRITE_ONCE(ig->qset->pair[i].tx.closing, true);
	synchronize_net();

	/* Also waits for the watchdog */
	spin_lock_bh(&netdev->tx_global_lock);
	for (i = first; i < end; i++) {
		struct netdev_queue *txq = netdev_get_tx_queue(netdev, i);

		__netif_tx_lock(txq, smp_processor_id());
		/* It takes a queue that was idle, then stopped, for stuck */
		txq_trans_cond_update(txq);
		netif_tx_stop_queue(txq);
		WRITE_ONCE(ig->tx[i], NULL);
		__netif_tx_unlock(txq);
	}
	spin_unlock_bh(&netdev->tx_global_lock);
}

/* Undo ignis_tx_shut(); the queues run */
static void ignis_tx_open(struct ignis *ig, unsigned int first,
			  unsigned int end)
{
	unsigned int i;

	for (i = first; i < end; i++) {
		struct netdev_queue *txq = netdev_get_tx_queue(ig->netdev, i);

		__netif_tx_lock_bh(txq);
		WRITE_ONCE(ig->tx[i], ig->vectors[i].tx);
		__netif_tx_unlock_bh(txq);
		netif_tx_wake_queue(txq);
	}
}

/* Stop pairs that are shut for senders; an error if the chip does not */
static int ignis_pairs_stop(struct ignis *ig, unsigned int first,
			    unsigned int end)
{
	unsigned int i, tries;
	int err = 0;

	for (i = first; i < end; i++)
		err = ig->mac->rx_stop(ig, i) ?: err;

	for (tries = 0; tries < DRAIN_TRIES && !ignis_drain(ig, first, end);
	     tries++)
		usleep_range(DRAIN_USECS, 2 * DRAIN_USECS);

	for (i = first; i < end; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		napi_disable(&v->napi);
		page_pool_disable_direct_recycling(v->rx->pool);
		err = ig->mac->tx_stop(ig, i) ?: err;
		netif_queue_set_napi(ig->netdev, i, NETDEV_QUEUE_TYPE_RX, NULL);
		netif_queue_set_napi(ig->netdev, i, NETDEV_QUEUE_TYPE_TX, NULL);
	}
	return err;
}

/* Start pairs whose rings are in their initial state; senders come later */
static void ignis_pairs_start(struct ignis *ig, unsigned int first,
			      unsigned int end)
{
	unsigned int i;

	for (i = first; i < end; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		v->tx->closing = false;
		netif_queue_set_napi(ig->netdev, i, NETDEV_QUEUE_TYPE_RX,
				     &v->napi);
		netif_queue_set_napi(ig->netdev, i, NETDEV_QUEUE_TYPE_TX,
				     &v->napi);
		page_pool_enable_direct_recycling(v->rx->pool, &v->napi);
		ignis_xsk_start(v);
		ig->mac->rx_start(ig, v->rx);
		ig->mac->tx_start(ig, v->tx);
		napi_enable(&v->napi);
		/* unmasks the vector too when it completes */
		ignis_napi_kick(v);
	}
}

/**
 * ignis_qset_stop - stop all queues of the running set
 * @ig: port
 *
 * What was handed to the hardware before is sent, and what it has received is
 * handed to the stack, as far as that takes no longer than some 20 ms.  Frames
 * still waiting in a qdisc stay there.  With ignis_mac.reset_to_swap the receiver
 * goes on into the old rings until the reset.
 *
 * Context: process, RTNL.
 *
 * Return: 0; an error when the chip did not stop and must be reset before the
 * rings may be freed.
 */
int ignis_qset_stop(struct ignis *ig)
{
	int err;

	ignis_tx_shut(ig, 0, ig->netdev->num_tx_queues);
	err = ignis_pairs_stop(ig, 0, ig->qset->n);
	cancel_delayed_work_sync(&ig->watch_work);
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
	unsigned int i;

	ig->mac->set_max_frame(ig, ignis_max_frame(ig->cfg.mtu));

	for (i = 0; i < ig->netdev->num_tx_queues; i++)
		netdev_tx_reset_queue(netdev_get_tx_queue(ig->netdev, i));

	ignis_pairs_start(ig, 0, ig->qset->n);
	ignis_rmw(ig, IGNIS_RCTL, 0, RCTL_RXEN);
	/* Unused ones too: the watchdog takes any stopped queue for stuck */
	ignis_tx_open(ig, 0, ig->netdev->num_tx_queues);
	ignis_watch_start(ig);
}

/**
 * ignis_qset_purge - throw away what the stopped rings hold
 * @ig: port
 *
 * Brings every ring back to its initial state without allocating what a
 * failure could deny.
 *
 * Context: process, RTNL; between ignis_qset_stop() and ignis_qset_start(), the
 * MAC having been reset.
 */
void ignis_qset_purge(struct ignis *ig)
{
	unsigned int i;

	for (i = 0; i < ig->qset->n; i++) {
		ignis_tx_reset(&ig->qset->pair[i].tx);
		ignis_rx_reset(&ig->qset->pair[i].rx);
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
	for (i = old; i < new; i++) {
		struct netdev_queue *txq = netdev_get_tx_queue(netdev, i);

		txq_trans_cond_update(txq);
		netif_tx_stop_queue(txq);
	}

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

/* A reset, if there was one, was because the chip was @stuck, and gave @err */
static void ignis_after_reset(struct ignis *ig, bool reset, bool stuck, int err)
{
	if (err) {
		set_bit(IGNIS_HANG, &ig->flags);
		schedule_work(&ig->reset_work);
	} else if (reset) {
		ignis_link_recheck(ig, stuck);
	}
}

/* AF_XDP buffers go back before another ring takes them */
static void ignis_qset_release_xsk(struct ignis_qset *qs)
{
	unsigned int i;

	for (i = 0; i < qs->n; i++) {
		if (!qs->pair[i].rx.xsk)
			continue;
		ignis_tx_reset(&qs->pair[i].tx);
		ignis_rx_reset(&qs->pair[i].rx);
	}
}

/**
 * ignis_reconfigure - change over to another configuration
 * @ig: port
 * @cfg: the wanted configuration, values already checked
 * @extack: told why, on error
 *
 * Up or down.  On error the old configuration goes on as if nothing had been
 * asked.  No link change; no reset either, unless the chip needs one to stop.
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

	if (test_bit(IGNIS_ASLEEP, &ig->flags)) {
		NL_SET_ERR_MSG(extack, "the device is suspended");
		return -ENODEV;
	}
	if (!old) {
		ig->cfg = *cfg;
		if (new_n != old_n) {
			ig->xps_set = false;
			ignis_rss_spread(ig);
			ignis_steer_trim(ig);
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
	ig->mac->set_max_frame(ig, ignis_max_frame(min(ig->cfg.mtu, cfg->mtu)));
	/* Nor may the FIFO still hold such */
	if (cfg->mtu < ig->cfg.mtu || cfg->rx_all < ig->cfg.rx_all)
		usleep_range(2000, 3000);
	stuck = ignis_qset_stop(ig);
	ig->cfg = *cfg;
	ignis_qset_install(ig, new);
	if (stuck)
		netdev_warn(ig->netdev, "the queues do not stop, resetting\n");
	if (new_n != old_n) {
		ignis_rss_spread(ig);
		ignis_steer_trim(ig);
	}
	if (stuck || ig->mac->reset_to_swap) {
		ignis_update_hw_stats(ig);
		err = ignis_hw_init(ig);
	} else {
		ignis_set_moderation(ig);
		if (new_n != old_n) {
			ig->mac->irq_setup(ig);
			ignis_rss_write(ig);
		}
	}
	if (new_n < old_n) {
		ignis_irq_free(ig, new_n, old_n);
		ignis_napi_del(ig, new_n, old_n);
		netif_set_real_num_rx_queues(ig->netdev, new_n);
	}
	if (new_n != old_n)
		ignis_set_xps(ig);
	ignis_qset_release_xsk(old);
	ig->mac->irq_enable(ig);
	ignis_qset_start(ig);
	ignis_after_reset(ig, stuck || ig->mac->reset_to_swap, stuck, err);
	ignis_qset_free(ig, old);
	return 0;
}

/*
 * Switch a pair that is stopped, and that the chip has let go of, between pages
 * and AF_XDP buffers.  The pages stay in their pool.
 */
static void ignis_pair_set_xsk(struct ignis *ig, u16 queue)
{
	struct ignis_vector *v = &ig->vectors[queue];

	ignis_tx_reset(v->tx);
	ignis_rx_reset(v->rx);
	v->tx->xsk = ig->cfg.xsk[queue];
	ignis_rx_set_kind(ig, v->rx, &ig->cfg);
}

/**
 * ignis_set_xsk - give a queue AF_XDP buffers, or pages again
 * @ig: port, up or down
 * @queue: queue in use
 * @pool: buffers, mapped and found fit by ignis_xdp_check(); NULL: pages
 *
 * Only this queue is stopped, unless the chip must be reset for that.  The link
 * stays.  Cannot fail: nothing is allocated.
 *
 * Context: process, RTNL.
 */
void ignis_set_xsk(struct ignis *ig, u16 queue, struct xsk_buff_pool *pool)
{
	bool stuck = false;
	int err;

	WRITE_ONCE(ig->cfg.xsk[queue], pool);
	if (!ig->qset)
		return;
	if (test_bit(IGNIS_ASLEEP, &ig->flags)) {
		ignis_pair_set_xsk(ig, queue);
		return;
	}

	if (!ig->mac->reset_to_swap) {
		ignis_tx_shut(ig, queue, queue + 1);
		stuck = ignis_pairs_stop(ig, queue, queue + 1);
		if (!stuck) {
			ignis_pair_set_xsk(ig, queue);
			netdev_tx_reset_queue(netdev_get_tx_queue(ig->netdev,
								  queue));
			ignis_pairs_start(ig, queue, queue + 1);
			ignis_tx_open(ig, queue, queue + 1);
			return;
		}
		netdev_warn(ig->netdev, "queue %u does not stop, resetting\n",
			    queue);
		/* It will be stopped with the others */
		napi_enable(&ig->vectors[queue].napi);
	}

	ignis_qset_stop(ig);
	ignis_update_hw_stats(ig);
	err = ignis_hw_init(ig);
	ignis_qset_purge(ig);
	ignis_pair_set_xsk(ig, queue);
	ig->mac->irq_enable(ig);
	ignis_qset_start(ig);
	ignis_after_reset(ig, true, stuck, err);
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

	ig->cfg = ignis_next_config(ig);
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
		if (READ_ONCE(ig->vectors[i].tx->ntc) !=
		    READ_ONCE(ig->vectors[i].tx->kicked))
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
