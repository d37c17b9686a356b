// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hardware clock, and the frames it puts time stamps on.
 *
 * SYSTIM counts nanoseconds in 64 bits and is never set: the time of day is a
 * timecounter over it.  The frequency is the timecounter's multiplier, 16 times
 * as fine as TIMINCA can be; besides, to change TIMINCA makes QEMU's clock jump.
 * 82576 datasheet 7.9 and 8.16.
 *
 * There is one latch for the time stamps of each direction.  No interrupt tells
 * that the transmit latch is full, so the clock's worker looks.
 */

#include <linux/iopoll.h>
#include <linux/math64.h>
#include <linux/skbuff.h>

#include "ignis.h"

/* 7.5 ppb; a difference of more than 2^37 ns, times MULT, overflows 64 bits ... */
#define SHIFT		27
#define MULT		BIT(SHIFT)
#define MAX_PPB		500000000
/* ... so the timecounter is to be read at least every 90 s */
#define UPDATE_PERIOD	(10 * HZ)

/* How long a time stamp may stay away */
#define TX_TIMEOUT	HZ
#define RX_TIMEOUT	HZ

/* In most cases a frame leaves that soon */
#define TX_SOON_USECS	1000

/* Not among them: both events of version 1, which means all frames */
static const struct ignis_stamp_filter ignis_stamp_filters[] = {
	[HWTSTAMP_FILTER_NONE] = { HWTSTAMP_FILTER_NONE },
	[HWTSTAMP_FILTER_ALL] = {
		HWTSTAMP_FILTER_ALL, TSYNC_ALL, true, true },
	[HWTSTAMP_FILTER_PTP_V1_L4_SYNC] = {
		HWTSTAMP_FILTER_PTP_V1_L4_SYNC, TSYNC_L4_V1, false, true, 0 },
	[HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ] = {
		HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ, TSYNC_L4_V1, false, true,
		1 },
	[HWTSTAMP_FILTER_PTP_V2_L2_SYNC] = {
		HWTSTAMP_FILTER_PTP_V2_L2_SYNC, TSYNC_L2_V2, true, false, 0 },
	[HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ] = {
		HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ, TSYNC_L2_V2, true, false,
		1 << 8 },
	[HWTSTAMP_FILTER_PTP_V2_EVENT] = {
		HWTSTAMP_FILTER_PTP_V2_EVENT, TSYNC_EVENT_V2, true, true },
	[HWTSTAMP_FILTER_PTP_V2_SYNC] = {
		HWTSTAMP_FILTER_PTP_V2_SYNC, TSYNC_L2_L4_V2, true, true, 0 },
	[HWTSTAMP_FILTER_PTP_V2_DELAY_REQ] = {
		HWTSTAMP_FILTER_PTP_V2_DELAY_REQ, TSYNC_L2_L4_V2, true, true,
		1 << 8 },
};

static struct ignis *ptp_to_ignis(struct ptp_clock_info *info)
{
	return container_of(info, struct ignis, ptp.info);
}

/**
 * ignis_read_systim - read the free-running counter once
 * @ig: port
 * @sts: system time before and after, or NULL
 *
 * Context: any, ig->ptp.lock held.
 *
 * Return: SYSTIM.
 */
u64 ignis_read_systim(struct ignis *ig, struct ptp_system_timestamp *sts)
{
	u32 lo;

	ptp_read_system_prets(sts);
	lo = ignis_rd(ig, IGNIS_SYSTIML);
	ptp_read_system_postts(sts);
	return (u64)ignis_rd(ig, IGNIS_SYSTIMH) << 32 | lo;
}

/* SYSTIM, or what it would be if it could be read; ptp->lock held */
static u64 ignis_ptp_cycles(struct ignis *ig, struct ptp_system_timestamp *sts)
{
	struct ignis_ptp *ptp = &ig->ptp;
	u64 cycles;

	if (!ptp->held) {
		cycles = ig->mac->read_clock(ig, sts);
		if (!test_bit(IGNIS_GONE, &ig->flags))
			return cycles;
	}

	ptp_read_system_prets(sts);
	cycles = ptp->seen_cycles + ktime_get_boottime_ns() - ptp->seen_at;
	ptp_read_system_postts(sts);
	/* Never back, should the clock have been read after it was noted */
	return (s64)(cycles - ptp->tc.cycle_last) < 0 ? ptp->tc.cycle_last :
							cycles;
}

/*
 * Note the time to go on from, should the clock stop; ptp->lock held, and the
 * clock not ptp->held.
 */
static void ignis_ptp_note(struct ignis *ig)
{
	u64 cycles = ig->mac->read_clock(ig, NULL);

	if (test_bit(IGNIS_GONE, &ig->flags))
		return;
	ig->ptp.seen_cycles = cycles;
	ig->ptp.seen_at = ktime_get_boottime_ns();
}

static u64 ignis_ptp_read_cc(struct cyclecounter *cc)
{
	return ignis_ptp_cycles(container_of(cc, struct ignis, ptp.cc), NULL);
}

/* timecounter_read() for any length of time; returns the time.  ptp->lock held */
static u64 ignis_ptp_catch_up(struct ignis *ig)
{
	struct timecounter *tc = &ig->ptp.tc;
	u64 cycles = ignis_ptp_cycles(ig, NULL);

	tc->nsec += mul_u64_u32_shr(cycles - tc->cycle_last, ig->ptp.cc.mult,
				    ig->ptp.cc.shift);
	tc->cycle_last = cycles;
	return tc->nsec;
}

/*
 * Bring the time up to date; ptp->lock held.  -ENODEV if the device does not
 * answer, in which case it went on by the system's clock.
 */
static int ignis_ptp_update(struct ignis *ig)
{
	/* The first takes any length of time, the second keeps fractions */
	if (ig->ptp.held || test_bit(IGNIS_GONE, &ig->flags))
		ignis_ptp_catch_up(ig);
	else
		timecounter_read(&ig->ptp.tc);
	return test_bit(IGNIS_GONE, &ig->flags) ? -ENODEV : 0;
}

/* The next time stamp may go into RXSTMP */
static void ignis_ptp_free_rx_latch(struct ignis *ig)
{
	ignis_rd(ig, IGNIS_RXSTMPH);
	ignis_rd(ig, IGNIS_RXSATRH);
	ig->ptp.rx_blocked = false;
}

/* Tell the chip what ptp->config says; ptp->lock held */
static void ignis_ptp_apply_config(struct ignis *ig)
{
	const struct ignis_stamp_filter *filter = ig->ptp.filter;

	ignis_rmw(ig, IGNIS_TSYNCRXCTL, TSYNCRXCTL_EN, 0);
	ig->mac->select_stamps(ig, filter);
	ignis_ptp_free_rx_latch(ig);
	ignis_rmw(ig, IGNIS_TSYNCTXCTL, TSYNCTXCTL_EN,
		  ig->ptp.config.tx_type == HWTSTAMP_TX_ON ? TSYNCTXCTL_EN : 0);
	if (filter->filter != HWTSTAMP_FILTER_NONE)
		ignis_rmw(ig, IGNIS_TSYNCRXCTL, TSYNCRXCTL_TYPE,
			  FIELD_PREP(TSYNCRXCTL_TYPE, filter->type) |
			  TSYNCRXCTL_EN);
}

/* Take the frame that waits for its time stamp out of the way; lock held */
static struct sk_buff *ignis_ptp_tx_give_up(struct ignis_ptp *ptp)
{
	struct sk_buff *skb = ptp->tx_skb;

	ptp->tx_skb = NULL;
	ptp->tx_stats.lost += !!skb;
	return skb;
}

/* The latch is for a frame of a socket that has left its ring; lock held */
static void ignis_ptp_tx_late(struct ignis_ptp *ptp, bool late)
{
	ptp->tx_late = late;
	ptp->tx_xsk = late;
	WRITE_ONCE(ptp->tx_start, jiffies);
}

/* Reserve TXSTMP if it is free; lock held */
static bool ignis_ptp_tx_reserve(struct ignis *ig)
{
	struct ignis_ptp *ptp = &ig->ptp;

	if (ptp->config.tx_type != HWTSTAMP_TX_ON)
		return false;
	/* It came too late for its ring, or never will */
	if (ptp->tx_late && !ptp->held &&
	    ((ignis_rd(ig, IGNIS_TSYNCTXCTL) & TSYNCTXCTL_VALID) ||
	     time_is_before_eq_jiffies(ptp->tx_start + TX_TIMEOUT)))
		ignis_ptp_tx_late(ptp, false);
	if (ptp->held || ptp->tx_skb || ptp->tx_xsk) {
		ptp->tx_stats.skipped++;
		return false;
	}
	/* One that came too late for the frame before */
	ignis_rd(ig, IGNIS_TXSTMPH);
	return true;
}

/* The time in TXSTMP, which is free then, ns; lock held */
static u64 ignis_ptp_tx_read(struct ignis *ig)
{
	u64 cycles = ignis_rd(ig, IGNIS_TXSTMPL);

	cycles |= (u64)ignis_rd(ig, IGNIS_TXSTMPH) << 32;
	ig->ptp.tx_stats.pkts++;
	return timecounter_cyc2time(&ig->ptp.tc, cycles);
}

/*
 * Pass on the time stamp that TXSTMP holds, or give up.  A frame that the ring
 * has not let go of yet may still be sent; its time stamp would be taken for
 * that of the next one.  Returns true while there is something to wait for.
 */
static bool ignis_ptp_tx_check(struct ignis *ig)
{
	struct skb_shared_hwtstamps stamp = {};
	struct ignis_ptp *ptp = &ig->ptp;
	struct sk_buff *lost = NULL, *skb = NULL;
	unsigned long irqflags;
	bool wait = false, valid;

	spin_lock_irqsave(&ptp->lock, irqflags);
	if (!ptp->tx_skb)
		goto unlock;

	/* First, as it may be what finds the device gone: all ones is no time */
	valid = ignis_rd(ig, IGNIS_TSYNCTXCTL) & TSYNCTXCTL_VALID;
	if (test_bit(IGNIS_GONE, &ig->flags)) {
		lost = ignis_ptp_tx_give_up(ptp);
	} else if (valid) {
		stamp.hwtstamp = ns_to_ktime(ignis_ptp_tx_read(ig));
		skb = ptp->tx_skb;
		ptp->tx_skb = NULL;
	} else if (time_is_after_jiffies(ptp->tx_start + TX_TIMEOUT) ||
		   skb_shared(ptp->tx_skb)) {
		wait = true;
	} else {
		lost = ignis_ptp_tx_give_up(ptp);
	}
unlock:
	spin_unlock_irqrestore(&ptp->lock, irqflags);

	if (skb) {
		skb_tstamp_tx(skb, &stamp);
		dev_consume_skb_any(skb);
	}
	dev_kfree_skb_any(lost);
	return wait;
}

/*
 * A frame that was time stamped and then dropped by the chip, by an address
 * filter or for want of descriptors, leaves the latch full for ever.
 */
static void ignis_ptp_rx_check(struct ignis *ig)
{
	struct ignis_ptp *ptp = &ig->ptp;
	unsigned long irqflags;

	spin_lock_irqsave(&ptp->lock, irqflags);
	if (ptp->held || ptp->filter->filter == HWTSTAMP_FILTER_NONE ||
	    !(ignis_rd(ig, IGNIS_TSYNCRXCTL) & TSYNCRXCTL_VALID)) {
		ptp->rx_blocked = false;
	} else if (!ptp->rx_blocked) {
		ptp->rx_blocked = true;
		ptp->rx_since = jiffies;
	} else if (time_is_before_eq_jiffies(ptp->rx_since + RX_TIMEOUT)) {
		ignis_ptp_free_rx_latch(ig);
		ptp->rx_cleared++;
	}
	spin_unlock_irqrestore(&ptp->lock, irqflags);
}

static long ignis_ptp_aux_work(struct ptp_clock_info *info)
{
	struct ignis *ig = ptp_to_ignis(info);
	struct ignis_ptp *ptp = &ig->ptp;
	unsigned long irqflags;
	long delay;
	u32 val;

	if (READ_ONCE(ptp->tx_skb) &&
	    time_is_after_jiffies(READ_ONCE(ptp->tx_start) + 2))
		read_poll_timeout(ignis_rd, val, val & TSYNCTXCTL_VALID, 20,
				  TX_SOON_USECS, false, ig, IGNIS_TSYNCTXCTL);
	if (ignis_ptp_tx_check(ig))
		delay = 1;
	else
		delay = READ_ONCE(ptp->config.rx_filter) ? RX_TIMEOUT :
							   UPDATE_PERIOD;
	if (test_bit(IGNIS_GONE, &ig->flags))
		return -1;

	ignis_ptp_rx_check(ig);
	spin_lock_irqsave(&ptp->lock, irqflags);
	/* After a system's sleep it runs before the device wakes up */
	if (!ptp->held)
		ignis_ptp_note(ig);
	ignis_ptp_update(ig);
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	return delay;
}

static int ignis_ptp_adjfine(struct ptp_clock_info *info, long scaled_ppm)
{
	struct ignis *ig = ptp_to_ignis(info);
	struct ignis_ptp *ptp = &ig->ptp;
	unsigned long irqflags;
	int err;

	spin_lock_irqsave(&ptp->lock, irqflags);
	/* What has passed until now has passed at the old frequency */
	err = ignis_ptp_update(ig);
	if (!err)
		ptp->cc.mult = adjust_by_scaled_ppm(MULT, scaled_ppm);
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	return err;
}

static int ignis_ptp_adjtime(struct ptp_clock_info *info, s64 delta)
{
	struct ignis_ptp *ptp = &ptp_to_ignis(info)->ptp;
	unsigned long irqflags;

	spin_lock_irqsave(&ptp->lock, irqflags);
	timecounter_adjtime(&ptp->tc, delta);
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	return 0;
}

static int ignis_ptp_gettimex(struct ptp_clock_info *info,
			      struct timespec64 *ts,
			      struct ptp_system_timestamp *sts)
{
	struct ignis *ig = ptp_to_ignis(info);
	struct ignis_ptp *ptp = &ig->ptp;
	unsigned long irqflags;
	u64 ns;

	spin_lock_irqsave(&ptp->lock, irqflags);
	ns = timecounter_cyc2time(&ptp->tc, ignis_ptp_cycles(ig, sts));
	spin_unlock_irqrestore(&ptp->lock, irqflags);

	if (test_bit(IGNIS_GONE, &ig->flags))
		return -ENODEV;
	*ts = ns_to_timespec64(ns);
	return 0;
}

static int ignis_ptp_settime(struct ptp_clock_info *info,
			     const struct timespec64 *ts)
{
	struct ignis *ig = ptp_to_ignis(info);
	struct ignis_ptp *ptp = &ig->ptp;
	unsigned long irqflags;
	int err;

	spin_lock_irqsave(&ptp->lock, irqflags);
	err = ignis_ptp_update(ig);
	if (!err)
		timecounter_adjtime(&ptp->tc,
				    timespec64_to_ns(ts) - ptp->tc.nsec);
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	return err;
}

/* The PTP core asks, also for what is not offered */
static int ignis_ptp_enable(struct ptp_clock_info *info,
			    struct ptp_clock_request *request, int on)
{
	return -EOPNOTSUPP;
}

/**
 * ignis_ptp_hold - let the system's clock stand in for the chip's
 * @ig: port
 *
 * Before a reset, or whatever else stops SYSTIM.  A time stamp under way is lost.
 * A clock that cannot be read any more goes on from where it was read last.
 *
 * Context: process; may be called more than once.
 */
void ignis_ptp_hold(struct ignis *ig)
{
	struct ignis_ptp *ptp = &ig->ptp;
	unsigned long irqflags;
	struct sk_buff *skb;

	ignis_ptp_tx_check(ig);

	spin_lock_irqsave(&ptp->lock, irqflags);
	skb = ignis_ptp_tx_give_up(ptp);
	if (ptp->tx_late)
		ignis_ptp_tx_late(ptp, false);
	if (!ptp->held)
		ignis_ptp_note(ig);
	ptp->held = true;
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	dev_kfree_skb_any(skb);
}

/**
 * ignis_ptp_resume - start SYSTIM after a reset, time and settings being kept
 * @ig: port
 *
 * Context: process.
 */
void ignis_ptp_resume(struct ignis *ig)
{
	struct ignis_ptp *ptp = &ig->ptp;
	unsigned long irqflags;
	u64 ns;

	spin_lock_irqsave(&ptp->lock, irqflags);
	ns = ignis_ptp_catch_up(ig);
	ptp->held = false;
	ignis_wr(ig, IGNIS_TIMINCA,
		 FIELD_PREP(TIMINCA_INCPERIOD, 1) |
		 FIELD_PREP(TIMINCA_INCVALUE, ig->mac->clock_tick));
	ignis_ptp_apply_config(ig);
	timecounter_init(&ptp->tc, &ptp->cc, ns);
	ignis_ptp_note(ig);
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	/* It has ended if the device seemed gone */
	if (ptp->clock)
		ptp_schedule_worker(ptp->clock, 0);
}

/**
 * ignis_ptp_rx - take the time that RXSTMP holds
 * @ig: port
 *
 * For a frame whose descriptor says that it is its time stamp, also if that is
 * not wanted: it is in others' way.
 *
 * RXSATRH is read since QEMU frees the latch by that one only.  If the silicon
 * did so too it would do no harm: RXSTMP has been read.
 *
 * Context: NAPI.
 *
 * Return: time stamp, or 0.
 */
ktime_t ignis_ptp_rx(struct ignis *ig)
{
	struct ignis_ptp *ptp = &ig->ptp;
	unsigned long irqflags;
	ktime_t stamp = 0;
	u64 cycles;

	spin_lock_irqsave(&ptp->lock, irqflags);
	if (!ptp->held &&
	    (ignis_rd(ig, IGNIS_TSYNCRXCTL) & TSYNCRXCTL_VALID)) {
		cycles = ignis_rd(ig, IGNIS_RXSTMPL);
		cycles |= (u64)ignis_rd(ig, IGNIS_RXSTMPH) << 32;
		ignis_rd(ig, IGNIS_RXSATRH);
		stamp = ns_to_ktime(timecounter_cyc2time(&ptp->tc, cycles));
		ptp->rx_blocked = false;
	}
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	return stamp;
}

/**
 * ignis_ptp_tx_start - reserve TXSTMP for a frame
 * @ig: port
 * @skb: frame; nobody may change its head from here on
 *
 * Context: any.
 *
 * Return: true if the descriptor shall ask for the time stamp.
 */
bool ignis_ptp_tx_start(struct ignis *ig, struct sk_buff *skb)
{
	struct ignis_ptp *ptp = &ig->ptp;
	unsigned long irqflags;
	bool start;

	spin_lock_irqsave(&ptp->lock, irqflags);
	start = ignis_ptp_tx_reserve(ig);
	if (start) {
		skb_shinfo(skb)->tx_flags |= SKBTX_IN_PROGRESS;
		WRITE_ONCE(ptp->tx_start, jiffies);
		WRITE_ONCE(ptp->tx_skb, skb_get(skb));
	}
	spin_unlock_irqrestore(&ptp->lock, irqflags);

	if (start)
		ptp_schedule_worker(ptp->clock, 0);
	return start;
}

/**
 * ignis_ptp_tx_cancel - the frame will not be sent
 * @ig: port
 * @skb: frame, perhaps of ignis_ptp_tx_start()
 *
 * Context: any.
 */
void ignis_ptp_tx_cancel(struct ignis *ig, struct sk_buff *skb)
{
	struct ignis_ptp *ptp = &ig->ptp;
	struct sk_buff *lost = NULL;
	unsigned long irqflags;

	spin_lock_irqsave(&ptp->lock, irqflags);
	if (ptp->tx_skb == skb)
		lost = ignis_ptp_tx_give_up(ptp);
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	dev_kfree_skb_any(lost);
}

/**
 * ignis_ptp_tx_xsk - reserve TXSTMP for a frame of an AF_XDP socket
 * @ig: port
 *
 * Context: any.  ignis_ptp_tx_xsk_done() is to follow.
 *
 * Return: true if the descriptor shall ask for the time stamp.
 */
bool ignis_ptp_tx_xsk(struct ignis *ig)
{
	struct ignis_ptp *ptp = &ig->ptp;
	unsigned long irqflags;
	bool start;

	spin_lock_irqsave(&ptp->lock, irqflags);
	start = ignis_ptp_tx_reserve(ig);
	ptp->tx_xsk |= start;
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	return start;
}

/**
 * ignis_ptp_tx_xsk_done - the frame has been sent, or it never will be
 * @priv: port, as xsk_tx_metadata_ops pass it
 *
 * Context: any.
 *
 * Return: when it was sent, ns; 0: not known.
 */
u64 ignis_ptp_tx_xsk_done(void *priv)
{
	struct ignis *ig = priv;
	struct ignis_ptp *ptp = &ig->ptp;
	unsigned long irqflags;
	bool valid;
	u64 ns = 0;

	spin_lock_irqsave(&ptp->lock, irqflags);
	/* As in ignis_ptp_tx_check() */
	valid = !ptp->held &&
		(ignis_rd(ig, IGNIS_TSYNCTXCTL) & TSYNCTXCTL_VALID);
	if (valid && !test_bit(IGNIS_GONE, &ig->flags)) {
		ns = ignis_ptp_tx_read(ig);
		ptp->tx_xsk = false;
	} else {
		/* It may wait in the FIFO: what comes is not the next one's */
		ptp->tx_stats.lost++;
		ignis_ptp_tx_late(ptp, !ptp->held);
	}
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	return ns;
}

/**
 * ignis_ptp_rx_cleared - for ethtool -S
 * @ig: port
 *
 * Context: process.
 *
 * Return: times the receive latch was full and nobody came for it.
 */
u64 ignis_ptp_rx_cleared(struct ignis *ig)
{
	unsigned long irqflags;
	u64 n;

	spin_lock_irqsave(&ig->ptp.lock, irqflags);
	n = ig->ptp.rx_cleared;
	spin_unlock_irqrestore(&ig->ptp.lock, irqflags);
	return n;
}

/* The nearest the chip has to @wanted and that includes it; NULL: none */
static const struct ignis_stamp_filter *
ignis_ptp_find_filter(const struct ignis *ig, int wanted)
{
	switch (wanted) {
	case HWTSTAMP_FILTER_PTP_V1_L4_EVENT:
	case HWTSTAMP_FILTER_NTP_ALL:
		wanted = HWTSTAMP_FILTER_ALL;
		break;
	case HWTSTAMP_FILTER_PTP_V2_L4_EVENT:
	case HWTSTAMP_FILTER_PTP_V2_L2_EVENT:
		wanted = HWTSTAMP_FILTER_PTP_V2_EVENT;
		break;
	case HWTSTAMP_FILTER_PTP_V2_L4_SYNC:
		wanted = HWTSTAMP_FILTER_PTP_V2_SYNC;
		break;
	case HWTSTAMP_FILTER_PTP_V2_L4_DELAY_REQ:
		wanted = HWTSTAMP_FILTER_PTP_V2_DELAY_REQ;
		break;
	}
	if (wanted < 0 || wanted >= ARRAY_SIZE(ignis_stamp_filters) ||
	    !(ig->mac->rx_filters & BIT(wanted)))
		return NULL;
	return &ignis_stamp_filters[wanted];
}

/**
 * ignis_hwtstamp_get - ndo_hwtstamp_get
 * @netdev: port
 * @config: filled in
 *
 * Context: process, RTNL.
 *
 * Return: 0.
 */
int ignis_hwtstamp_get(struct net_device *netdev,
		       struct kernel_hwtstamp_config *config)
{
	struct ignis *ig = netdev_priv(netdev);

	*config = ig->ptp.config;
	return 0;
}

/**
 * ignis_hwtstamp_set - ndo_hwtstamp_set
 * @netdev: port, up or down
 * @config: wanted; told what is granted
 * @extack: told why not
 *
 * Context: process, RTNL.
 *
 * Return: 0 or a negative errno; nothing has changed then.
 */
int ignis_hwtstamp_set(struct net_device *netdev,
		       struct kernel_hwtstamp_config *config,
		       struct netlink_ext_ack *extack)
{
	const struct ignis_stamp_filter *filter;
	struct ignis *ig = netdev_priv(netdev);
	struct ignis_ptp *ptp = &ig->ptp;
	unsigned long irqflags;

	if (!ptp->clock) {
		NL_SET_ERR_MSG(extack, "there is no PTP clock");
		return -EOPNOTSUPP;
	}
	if (config->tx_type != HWTSTAMP_TX_OFF &&
	    config->tx_type != HWTSTAMP_TX_ON) {
		NL_SET_ERR_MSG(extack, "one-step time stamps are not possible");
		return -ERANGE;
	}
	filter = ignis_ptp_find_filter(ig, config->rx_filter);
	if (!filter) {
		NL_SET_ERR_MSG(extack,
			       "the chip has no filter that covers these frames");
		return -ERANGE;
	}

	config->rx_filter = filter->filter;
	spin_lock_irqsave(&ptp->lock, irqflags);
	ptp->config = *config;
	ptp->filter = filter;
	if (!ptp->held)
		ignis_ptp_apply_config(ig);
	spin_unlock_irqrestore(&ptp->lock, irqflags);

	/* It has to look more often now */
	ptp_schedule_worker(ptp->clock, 0);
	return 0;
}

/**
 * ignis_get_ts_info - ethtool op
 * @netdev: port
 * @info: filled in
 *
 * Context: process, RTNL.
 *
 * Return: 0.
 */
int ignis_get_ts_info(struct net_device *netdev,
		      struct kernel_ethtool_ts_info *info)
{
	struct ignis *ig = netdev_priv(netdev);

	ethtool_op_get_ts_info(netdev, info);
	if (!ig->ptp.clock)
		return 0;

	info->phc_index = ptp_clock_index(ig->ptp.clock);
	info->so_timestamping |= SOF_TIMESTAMPING_TX_HARDWARE |
				 SOF_TIMESTAMPING_RX_HARDWARE |
				 SOF_TIMESTAMPING_RAW_HARDWARE;
	info->tx_types = BIT(HWTSTAMP_TX_OFF) | BIT(HWTSTAMP_TX_ON);
	info->rx_filters = ig->mac->rx_filters;
	return 0;
}

/**
 * ignis_get_ts_stats - ethtool op
 * @netdev: port
 * @stats: filled in; err: the latch was waiting for another frame
 *
 * Context: process, RTNL.
 */
void ignis_get_ts_stats(struct net_device *netdev,
			struct ethtool_ts_stats *stats)
{
	struct ignis_ptp *ptp = &((struct ignis *)netdev_priv(netdev))->ptp;
	unsigned long irqflags;

	if (!ptp->clock)
		return;

	spin_lock_irqsave(&ptp->lock, irqflags);
	stats->pkts = ptp->tx_stats.pkts;
	stats->lost = ptp->tx_stats.lost;
	stats->err = ptp->tx_stats.skipped;
	spin_unlock_irqrestore(&ptp->lock, irqflags);
}

/**
 * ignis_ptp_init - start the clock with the system's time and register it
 * @ig: port
 *
 * Without PTP clocks in the kernel, or when it cannot be registered, there is no
 * time stamping, and everything else works.
 *
 * Context: process, probe; the MAC has been reset.
 */
void ignis_ptp_init(struct ignis *ig)
{
	struct ignis_ptp *ptp = &ig->ptp;

	spin_lock_init(&ptp->lock);
	ptp->cc.read = ignis_ptp_read_cc;
	ptp->cc.mask = U64_MAX;
	ptp->cc.mult = MULT;
	ptp->cc.shift = SHIFT;
	ptp->filter = &ignis_stamp_filters[HWTSTAMP_FILTER_NONE];
	ptp->held = true;
	ptp->seen_at = ktime_get_boottime_ns();
	timecounter_init(&ptp->tc, &ptp->cc, ktime_get_real_ns());
	ignis_ptp_resume(ig);

	ptp->info.owner = THIS_MODULE;
	snprintf(ptp->info.name, sizeof(ptp->info.name), "ignis %s",
		 pci_name(ig->pdev));
	ptp->info.max_adj = MAX_PPB;
	ptp->info.adjfine = ignis_ptp_adjfine;
	ptp->info.adjtime = ignis_ptp_adjtime;
	ptp->info.gettimex64 = ignis_ptp_gettimex;
	ptp->info.settime64 = ignis_ptp_settime;
	ptp->info.enable = ignis_ptp_enable;
	ptp->info.do_aux_work = ignis_ptp_aux_work;

	ptp->clock = ptp_clock_register(&ptp->info, &ig->pdev->dev);
	if (IS_ERR(ptp->clock)) {
		dev_warn(&ig->pdev->dev, "no PTP clock: %pe\n", ptp->clock);
		ptp->clock = NULL;
	}
	if (ptp->clock)
		ptp_schedule_worker(ptp->clock, UPDATE_PERIOD);
}

/**
 * ignis_ptp_exit - undo ignis_ptp_init()
 * @ig: port
 *
 * Context: process; the net_device is not registered.
 */
void ignis_ptp_exit(struct ignis *ig)
{
	if (ig->ptp.clock)
		ptp_clock_unregister(ig->ptp.clock);
	dev_kfree_skb_any(ig->ptp.tx_skb);
}
