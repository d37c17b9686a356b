// SPDX-License-Identifier: GPL-2.0-only
/*
 * devlink health: queues that hang are reported with the state of their rings,
 * and revived.
 *
 * Whoever notices a hang may not sleep, or holds what a recovery needs.  So it
 * leaves a note in struct ignis_function, and report_work tells devlink, which
 * calls back under its own lock; RTNL is taken inside that.
 */

#include <linux/delay.h>
#include <net/devlink.h>

#include "ignis.h"

/* A receive queue that looks stuck twice in a row has stalled */
#define WATCH_PERIOD	(2 * HZ)

/* A transmit queue; the stack's watchdog, faster, looks only at those that are stopped */
#define TX_LOOKS	5

/* Of a recovery by polling */
#define POLL_TRIES	10
#define POLL_MSECS	10

/* Well below the watchdog's five seconds: each hang it finds is recovered */
#define GRACE_MSECS	1000

/**
 * ignis_report_tx_hang - have a transmit queue that hangs reported and revived
 * @ig: port
 * @ring: of the queue, in use
 *
 * Context: any.
 */
void ignis_report_tx_hang(struct ignis *ig, const struct ignis_tx_ring *ring)
{
	u32 ntc = READ_ONCE(ring->ntc), kicked = READ_ONCE(ring->kicked);
	u16 queue = ring->queue;

	if (test_and_set_bit(queue, &ig->fn->tx_hung))
		return;

	netdev_err(ig->netdev,
		   "transmit queue %u hangs: next to clean %u, announced %u, next to use %u, TDH %u, TDT %u, TXDCTL %#x, STATUS %#x\n",
		   queue, ntc & ring->mask, kicked & ring->mask,
		   READ_ONCE(ring->ntu) & ring->mask,
		   ignis_rd(ig, ignis_tx_reg(ig, queue, Q_HEAD)),
		   ignis_rd(ig, ignis_tx_reg(ig, queue, Q_TAIL)),
		   ignis_rd(ig, ignis_tx_reg(ig, queue, Q_DCTL)),
		   ignis_rd(ig, IGNIS_STATUS));
	atomic_long_inc(&ig->tx_timeouts);
	schedule_work(&ig->fn->report_work);
}

/* Nobody polls though there are frames, or there is nothing to receive into */
static bool ignis_rx_stuck(const struct ignis_vector *v)
{
	const struct ignis_rx_ring *ring = v->rx;

	/* Being polled, or to be polled when the user's deferral ends */
	if (test_bit(NAPI_STATE_SCHED, &v->napi.state) ||
	    hrtimer_active(&v->napi.timer))
		return false;
	/* Whether there are buffers of AF_XDP is the program's business */
	return (ring->kind != RX_XSK &&
		READ_ONCE(ring->ntu) == READ_ONCE(ring->ntc)) ||
	       ignis_rx_pending(ring);
}

/* Nothing under way has been sent for 8 to 10 seconds, nor has the peer asked for a pause */
static bool ignis_tx_stuck(struct ignis_vector *v)
{
	u32 ntc = READ_ONCE(v->tx->ntc);
	bool moved = ntc != v->watched_tx_ntc;

	v->watched_tx_ntc = ntc;
	if (moved || ntc == READ_ONCE(v->tx->kicked) || !READ_ONCE(v->ig->link)) {
		v->tx_looks = 0;
		return false;
	}
	/* Reported once, as long as it does not move */
	if (v->tx_looks == TX_LOOKS || ++v->tx_looks < TX_LOOKS)
		return false;
	if (!(ignis_rd(v->ig, IGNIS_STATUS) & STATUS_TXOFF))
		return true;
	v->tx_looks = 0;
	return false;
}

/**
 * ignis_watch_start - look after the queues until @ig->watch_work ends
 * @ig: port
 *
 * Context: process, RTNL; ignis_qset_stop() ends it.
 */
void ignis_watch_start(struct ignis *ig)
{
	unsigned int i;

	for (i = 0; i < ig->max_channels; i++) {
		ig->vectors[i].stuck = false;
		ig->vectors[i].tx_looks = 0;
	}
	schedule_delayed_work(&ig->watch_work, WATCH_PERIOD);
}

/**
 * ignis_watch_work - find queues that have stalled
 * @work: ig->watch_work
 *
 * Reads memory only, unless a transmit queue is stuck.
 *
 * Context: process; ignis_qset_stop() waits for it.
 */
void ignis_watch_work(struct work_struct *work)
{
	struct ignis *ig = container_of(to_delayed_work(work), struct ignis,
					watch_work);
	/* Stuck since the last look; and was so then already */
	unsigned long same = 0, stalled = 0;
	unsigned int i;

	for (i = 0; i < ig->cfg.channels; i++) {
		struct ignis_vector *v = &ig->vectors[i];
		u32 ntc = READ_ONCE(v->rx->ntc);
		bool stuck = ignis_rx_stuck(v);

		if (stuck && ntc == v->watched_ntc) {
			same |= BIT(i);
			stalled |= v->stuck ? BIT(i) : 0;
		}
		v->stuck = stuck;
		v->watched_ntc = ntc;
		if (ignis_tx_stuck(v))
			ignis_report_tx_hang(ig, v->tx);
	}

	if (stalled & ~ig->rx_stalled) {
		clear_bit(IGNIS_RX_WELL, &ig->fn->flags);
		netdev_err(ig->netdev, "receive queues %*pbl have stalled\n",
			   IGNIS_MAX_QUEUES, &stalled);
		xchg(&ig->fn->rx_stalled, stalled);
		schedule_work(&ig->fn->report_work);
		for_each_set_bit(i, &stalled, IGNIS_MAX_QUEUES)
			ig->vectors[i].stuck = false;
	} else if (ig->rx_stalled && !(ig->rx_stalled & same)) {
		set_bit(IGNIS_RX_WELL, &ig->fn->flags);
		schedule_work(&ig->fn->report_work);
	}
	/* Reported as long as it has not moved */
	ig->rx_stalled = stalled | (ig->rx_stalled & same);
	schedule_delayed_work(&ig->watch_work, WATCH_PERIOD);
}

static void ignis_report_well(struct devlink_health_reporter *reporter,
			      struct devlink *devlink)
{
	devl_lock(devlink);
	devlink_health_reporter_state_update(reporter,
					     DEVLINK_HEALTH_REPORTER_STATE_HEALTHY);
	devl_unlock(devlink);
}

static void ignis_report_work(struct work_struct *work)
{
	struct ignis_function *fn = container_of(work, struct ignis_function,
						 report_work);
	struct devlink *devlink = priv_to_devlink(fn);
	unsigned long queues;
	char msg[64];

	/* First: devlink lets nothing be recovered that could not be before */
	if (test_and_clear_bit(IGNIS_TX_WELL, &fn->flags))
		ignis_report_well(fn->tx_reporter, devlink);

	queues = xchg(&fn->tx_hung, 0);
	if (queues) {
		snprintf(msg, sizeof(msg), "transmit queues %*pbl hang",
			 IGNIS_MAX_QUEUES, &queues);
		devlink_health_report(fn->tx_reporter, msg, fn);
	}

	queues = xchg(&fn->rx_stalled, 0);
	if (queues) {
		snprintf(msg, sizeof(msg), "receive queues %*pbl have stalled",
			 IGNIS_MAX_QUEUES, &queues);
		devlink_health_report(fn->rx_reporter, msg, fn);
	} else if (test_and_clear_bit(IGNIS_RX_WELL, &fn->flags)) {
		ignis_report_well(fn->rx_reporter, devlink);
	}
}

/* A port that can be worked on is up; 0: down, so that there is nothing to do */
static int ignis_health_up(const struct ignis_function *fn,
			   struct netlink_ext_ack *extack)
{
	const struct ignis *ig = fn->ig;

	if (!ig || test_bit(IGNIS_GONE, &ig->flags)) {
		NL_SET_ERR_MSG(extack, "there is no port");
		return -ENODEV;
	}
	if (!netif_running(ig->netdev))
		return 0;
	if (!netif_device_present(ig->netdev)) {
		NL_SET_ERR_MSG(extack, "the port was given up, try a reload");
		return -ENODEV;
	}
	return 1;
}

static int ignis_tx_recover(struct devlink_health_reporter *reporter,
			    void *context, struct netlink_ext_ack *extack)
{
	struct ignis_function *fn = devlink_health_reporter_priv(reporter);
	int err;

	rtnl_lock();
	err = ignis_health_up(fn, extack);
	if (err > 0) {
		err = ignis_restart(fn->ig);
		/* Noted while RTNL was not to be had: the same hang */
		xchg(&fn->tx_hung, 0);
	}
	rtnl_unlock();
	return err;
}

/* Poll all queues; which of them are stuck nevertheless */
static unsigned long ignis_rx_repoll(struct ignis *ig)
{
	u32 ntc[IGNIS_MAX_QUEUES];
	unsigned long stuck = 0;
	unsigned int i, tries;

	for (i = 0; i < ig->cfg.channels; i++) {
		ntc[i] = READ_ONCE(ig->vectors[i].rx->ntc);
		__assign_bit(i, &stuck, ignis_rx_stuck(&ig->vectors[i]));
	}

	for (tries = 0; tries < POLL_TRIES && stuck; tries++) {
		schedule_delayed_work(&ig->refill_work, 0);
		msleep(POLL_MSECS);
		for_each_set_bit(i, &stuck, IGNIS_MAX_QUEUES)
			if (READ_ONCE(ig->vectors[i].rx->ntc) != ntc[i] ||
			    !ignis_rx_stuck(&ig->vectors[i]))
				__clear_bit(i, &stuck);
	}
	return stuck;
}

/* A poll finds frames whose interrupt got lost, unmasks, and refills */
static int ignis_rx_recover(struct devlink_health_reporter *reporter,
			    void *context, struct netlink_ext_ack *extack)
{
	struct ignis_function *fn = devlink_health_reporter_priv(reporter);
	struct ignis *ig;
	unsigned long stuck;
	unsigned int i;
	int err;

	rtnl_lock();
	err = ignis_health_up(fn, extack);
	if (err <= 0)
		goto out;

	err = 0;
	ig = fn->ig;
	stuck = ignis_rx_repoll(ig);
	for_each_set_bit(i, &stuck, IGNIS_MAX_QUEUES) {
		if (ignis_rx_pending(ig->vectors[i].rx)) {
			err = ignis_restart(ig);
			goto out;
		}
		/* A restart would give back no memory; refill_work goes on */
		NL_SET_ERR_MSG(extack, "no memory for receive buffers");
		err = -ENOMEM;
	}
out:
	xchg(&fn->rx_stalled, 0);
	rtnl_unlock();
	return err;
}

static void ignis_show_u32(struct devlink_fmsg *fmsg, const char *name, u32 val)
{
	devlink_fmsg_u32_pair_put(fmsg, name, val);
}

static void ignis_show_rx(struct devlink_fmsg *fmsg, struct ignis *ig,
			  const struct ignis_rx_ring *ring)
{
	u32 ntc = READ_ONCE(ring->ntc), ntu = READ_ONCE(ring->ntu);
	u16 q = ring->queue;

	ignis_show_u32(fmsg, "descriptors", ring->mask + 1);
	ignis_show_u32(fmsg, "next_to_clean", ntc & ring->mask);
	ignis_show_u32(fmsg, "next_to_use", ntu & ring->mask);
	ignis_show_u32(fmsg, "buffers", ntu - ntc);
	ignis_show_u32(fmsg, "RDH", ignis_rd(ig, ignis_rx_reg(ig, q, Q_HEAD)));
	ignis_show_u32(fmsg, "RDT", ignis_rd(ig, ignis_rx_reg(ig, q, Q_TAIL)));
	ignis_show_u32(fmsg, "RXDCTL",
		       ignis_rd(ig, ignis_rx_reg(ig, q, Q_DCTL)));
	/* At next_to_clean; bit 0 is DD */
	ignis_show_u32(fmsg, "descriptor_status",
		       le32_to_cpu(READ_ONCE(ring->desc[ntc & ring->mask].wb.staterr)));
}

static u32 ignis_bql_inflight(const struct netdev_queue *txq)
{
#ifdef CONFIG_BQL
	return READ_ONCE(txq->dql.num_queued) -
	       READ_ONCE(txq->dql.num_completed);
#else
	return 0;
#endif
}

static void ignis_show_tx(struct devlink_fmsg *fmsg, struct ignis *ig,
			  const struct ignis_tx_ring *ring)
{
	u32 ntc = READ_ONCE(ring->ntc), kicked = READ_ONCE(ring->kicked);
	u32 report = ring->buf[ntc & ring->mask].report;
	u16 q = ring->queue;

	ignis_show_u32(fmsg, "descriptors", ring->mask + 1);
	ignis_show_u32(fmsg, "next_to_clean", ntc & ring->mask);
	ignis_show_u32(fmsg, "announced", kicked & ring->mask);
	ignis_show_u32(fmsg, "next_to_use", READ_ONCE(ring->ntu) & ring->mask);
	ignis_show_u32(fmsg, "TDH", ignis_rd(ig, ignis_tx_reg(ig, q, Q_HEAD)));
	ignis_show_u32(fmsg, "TDT", ignis_rd(ig, ignis_tx_reg(ig, q, Q_TAIL)));
	ignis_show_u32(fmsg, "TXDCTL",
		       ignis_rd(ig, ignis_tx_reg(ig, q, Q_DCTL)));
	/* Of the first batch under way, if there is one; bit 0 is DD */
	if (ntc != kicked) {
		ignis_show_u32(fmsg, "batch_end", report);
		ignis_show_u32(fmsg, "descriptor_status",
			       le32_to_cpu(READ_ONCE(ring->desc[report].wb.status)));
	}
	devlink_fmsg_bool_pair_put(fmsg, "stopped",
				   netif_tx_queue_stopped(ring->txq));
	ignis_show_u32(fmsg, "bql_inflight", ignis_bql_inflight(ring->txq));
}

static void ignis_show_vector(struct devlink_fmsg *fmsg, struct ignis *ig,
			      const struct ignis_vector *v)
{
	ignis_show_u32(fmsg, "queue", v->index);
	ignis_show_u32(fmsg, "irq", v->irq);
	ignis_show_u32(fmsg, "irqs_mod_65536", READ_ONCE(v->events));
	devlink_fmsg_bool_pair_put(fmsg, "irq_unmasked",
				   readl(v->unmask) & v->unmask_bits);
	devlink_fmsg_bool_pair_put(fmsg, "napi_scheduled",
				   test_bit(NAPI_STATE_SCHED, &v->napi.state));
}

/* The state of all rings of one direction, for dump and diagnose */
static void ignis_show(struct ignis_function *fn, struct devlink_fmsg *fmsg,
		       bool tx)
{
	struct ignis *ig = fn->ig;
	unsigned int i;

	rtnl_lock();
	if (ignis_health_up(fn, NULL) <= 0) {
		devlink_fmsg_string_pair_put(fmsg, "state",
					     ig ? "down" : "no port");
		goto out;
	}

	devlink_fmsg_string_pair_put(fmsg, "netdev", ig->netdev->name);
	devlink_fmsg_bool_pair_put(fmsg, "carrier",
				   netif_carrier_ok(ig->netdev));
	ignis_show_u32(fmsg, "STATUS", ignis_rd(ig, IGNIS_STATUS));
	ignis_show_u32(fmsg, tx ? "TCTL" : "RCTL",
		       ignis_rd(ig, tx ? IGNIS_TCTL : IGNIS_RCTL));
	devlink_fmsg_arr_pair_nest_start(fmsg, "rings");
	for (i = 0; i < ig->cfg.channels; i++) {
		struct ignis_vector *v = &ig->vectors[i];

		devlink_fmsg_obj_nest_start(fmsg);
		ignis_show_vector(fmsg, ig, v);
		if (tx)
			ignis_show_tx(fmsg, ig, v->tx);
		else
			ignis_show_rx(fmsg, ig, v->rx);
		devlink_fmsg_obj_nest_end(fmsg);
	}
	devlink_fmsg_arr_pair_nest_end(fmsg);
out:
	rtnl_unlock();
}

static int ignis_diagnose(struct devlink_health_reporter *reporter,
			  struct devlink_fmsg *fmsg,
			  struct netlink_ext_ack *extack)
{
	struct ignis_function *fn = devlink_health_reporter_priv(reporter);

	ignis_show(fn, fmsg, reporter == fn->tx_reporter);
	return 0;
}

static int ignis_dump(struct devlink_health_reporter *reporter,
		      struct devlink_fmsg *fmsg, void *context,
		      struct netlink_ext_ack *extack)
{
	return ignis_diagnose(reporter, fmsg, extack);
}

static const struct devlink_health_reporter_ops ignis_tx_reporter_ops = {
	.name = "tx",
	.recover = ignis_tx_recover,
	.dump = ignis_dump,
	.diagnose = ignis_diagnose,
	IGNIS_GRACE_PERIOD
};

static const struct devlink_health_reporter_ops ignis_rx_reporter_ops = {
	.name = "rx",
	.recover = ignis_rx_recover,
	.dump = ignis_dump,
	.diagnose = ignis_diagnose,
	IGNIS_GRACE_PERIOD
};

/**
 * ignis_health_init - create the reporters
 * @fn: PCI function
 *
 * Nothing is reported before report_work is enabled.
 *
 * Context: process, probe, devlink lock.
 *
 * Return: 0 or a negative errno.
 */
int ignis_health_init(struct ignis_function *fn)
{
	struct devlink *devlink = priv_to_devlink(fn);

	INIT_WORK(&fn->report_work, ignis_report_work);
	disable_work(&fn->report_work);

	fn->tx_reporter = devl_health_reporter_create(devlink,
						      &ignis_tx_reporter_ops,
						      fn);
	if (IS_ERR(fn->tx_reporter))
		return PTR_ERR(fn->tx_reporter);

	fn->rx_reporter = devl_health_reporter_create(devlink,
						      &ignis_rx_reporter_ops,
						      fn);
	if (IS_ERR(fn->rx_reporter)) {
		devl_health_reporter_destroy(fn->tx_reporter);
		return PTR_ERR(fn->rx_reporter);
	}
	return 0;
}

/**
 * ignis_health_exit - undo ignis_health_init()
 * @fn: PCI function
 *
 * Context: process, probe or remove, devlink lock; report_work is disabled.
 */
void ignis_health_exit(struct ignis_function *fn)
{
	devl_health_reporter_destroy(fn->rx_reporter);
	devl_health_reporter_destroy(fn->tx_reporter);
}
