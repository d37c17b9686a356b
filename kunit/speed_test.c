// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long the drivers take for a packet, on one model and in one process, in
 * interrupt handlers, poll functions and ndo_start_xmit.  The host's clock is
 * read, as UML's stands still while it computes.  Rounds alternate between the
 * drivers, so whatever else the host does meets both.
 */

#include <linux/etherdevice.h>
#include <linux/sort.h>

#include "bench.h"

#define BURST	64
#define WARM	64
#define ROUNDS	512
#define FIFO		8192
#define MAX_NAPI	32

struct timed {
	struct bench *b;
	unsigned int received;
	u32 rounds[ROUNDS];
	u32 polls;
};

/* Of the round under way */
static u64 spent;
static u32 n_polls;

/* The poll functions that are timed */
static struct {
	struct napi_struct *napi;
	int (*poll)(struct napi_struct *napi, int budget);
} polls[MAX_NAPI];

static u64 cycles(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (u64)high << 32 | low;
}

static int timed_poll(struct napi_struct *napi, int budget)
{
	unsigned int i;
	u64 start;
	int done;

	for (i = 0; polls[i].napi != napi; i++)
		;
	start = cycles();
	done = polls[i].poll(napi, budget);
	spent += cycles() - start;
	n_polls++;
	return done;
}

static int timed_interrupt(unsigned int irq)
{
	u64 start = cycles();
	int ret = generic_handle_irq(irq);

	spent += cycles() - start;
	return ret;
}

/* In the place of what keeps frames for other suites */
static int drop(struct sk_buff *skb, struct net_device *netdev,
		struct packet_type *pt, struct net_device *orig)
{
	struct timed *t = pt->af_packet_priv;

	t->received++;
	consume_skb(skb);
	return 0;
}

static void unhook(void *data)
{
	unsigned int i;

	for (i = 0; i < MAX_NAPI && polls[i].napi; i++)
		polls[i].napi->poll = polls[i].poll;
	memset(polls, 0, sizeof(polls));
}

static void setup(struct kunit *test, struct timed *t, const char *driver)
{
	const struct bench_param param = {
		.chip = ((const struct bench_param *)test->param_value)->chip,
		.driver = driver, .options = { .trusted = true },
	};
	struct napi_struct *napi;
	unsigned int i;

	t->b = bench_param_new(test, &param);
	KUNIT_ASSERT_EQ(test, bench_plug(t->b), 0);
	KUNIT_ASSERT_EQ(test, bench_open(t->b), 0);
	KUNIT_ASSERT_TRUE(test, bench_link(t->b));
	t->b->tap.func = drop;
	t->b->tap.af_packet_priv = t;
	t->b->nic->handle = timed_interrupt;

	/* Before the driver goes, which bench_param_new() has seen to */
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, unhook, NULL), 0);
	for (i = 0; polls[i].napi; i++)
		;
	list_for_each_entry(napi, &t->b->netdev->napi_list, dev_list) {
		KUNIT_ASSERT_LT(test, i, MAX_NAPI);
		polls[i].poll = napi->poll;
		polls[i].napi = napi;
		napi->poll = timed_poll;
		i++;
	}
}

static void receive(struct timed *t, u32 len)
{
	u8 data[ETH_FRAME_LEN] = {};
	unsigned int i;

	ether_addr_copy(data, t->b->netdev->dev_addr);
	put_unaligned_be16(0x88b5, data + 2 * ETH_ALEN);
	t->received = 0;
	for (i = 0; i < BURST; i++) {
		nic_inject(t->b->nic, data, len);
		/* The packet buffer holds no more of the large ones */
		if (len * (i + 1) / FIFO != len * (i + 2) / FIFO)
			usleep_range(2, 2);
	}
	usleep_range(5000, 5001);
	KUNIT_ASSERT_EQ(t->b->test, t->received, BURST);
}

/* A burst, with one doorbell */
static void transmit(struct timed *t, u32 len)
{
	struct net_device *netdev = t->b->netdev;
	struct netdev_queue *txq = netdev_get_tx_queue(netdev, 0);
	struct sk_buff *skbs[BURST];
	unsigned int i;
	u64 start;

	for (i = 0; i < BURST; i++) {
		skbs[i] = netdev_alloc_skb(netdev, len);
		KUNIT_ASSERT_NOT_NULL(t->b->test, skbs[i]);
		skb_put_zero(skbs[i], len);
		skb_reset_mac_header(skbs[i]);
		skb_reset_network_header(skbs[i]);
	}
	__netif_tx_lock_bh(txq);
	start = cycles();
	for (i = 0; i < BURST; i++)
		if (netdev_start_xmit(skbs[i], netdev, txq, i < BURST - 1))
			break;
	spent += cycles() - start;
	__netif_tx_unlock_bh(txq);
	KUNIT_ASSERT_EQ(t->b->test, i, BURST);
	usleep_range(5000, 5001);
	KUNIT_ASSERT_EQ(t->b->test, t->b->nic->n_sent, BURST);
	bench_drop_sent(t->b);
}

static int compare(const void *a, const void *b)
{
	return cmp_int(*(const u32 *)a, *(const u32 *)b);
}

static u32 median(u32 *rounds)
{
	sort(rounds, ROUNDS, sizeof(*rounds), compare, NULL);
	return rounds[ROUNDS / 2];
}

static const struct {
	const char *name;
	void (*burst)(struct timed *t, u32 len);
	u32 len;
} works[] = {
	{ "receive 60 B", receive, 60 },
	{ "receive 1514 B", receive, 1514 },
	{ "send 60 B", transmit, 60 },
	{ "send 1514 B", transmit, 1514 },
};

static void speed(struct kunit *test)
{
	const struct bench_param *param = test->param_value;
	struct timed *t[2];
	unsigned int i, n, w;

	for (i = 0; i < 2; i++) {
		t[i] = kunit_kzalloc(test, sizeof(*t[i]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, t[i]);
		setup(test, t[i], i ? param->driver : "ignis");
	}

	for (w = 0; w < ARRAY_SIZE(works); w++) {
		u32 ours, theirs;

		t[0]->polls = 0;
		t[1]->polls = 0;
		for (n = 0; n < WARM + ROUNDS; n++) {
			for (i = 0; i < 2; i++) {
				spent = 0;
				n_polls = 0;
				works[w].burst(t[i], works[w].len);
				if (n < WARM)
					continue;
				t[i]->rounds[n - WARM] = spent / BURST;
				t[i]->polls += n_polls;
			}
		}
		ours = median(t[0]->rounds);
		theirs = median(t[1]->rounds);
		kunit_info(test, "%s: ignis %u cycles a packet, %s %u, ratio %u.%02u; polls a burst %u and %u\n",
			   works[w].name, ours, param->driver, theirs,
			   ours / theirs, ours * 100 / theirs % 100,
			   t[0]->polls / ROUNDS, t[1]->polls / ROUNDS);
	}
}

static const struct bench_param drivers[] = {
	{ "82576", &nic_82576, "igb" },
	{ "82574L", &nic_82574, "e1000e" },
};

static const void *driver_params(struct kunit *test, const void *prev,
				 char *desc)
{
	return bench_next(drivers, ARRAY_SIZE(drivers), prev, desc);
}

static struct kunit_case speed_cases[] = {
	KUNIT_CASE_PARAM(speed, driver_params),
	{}
};

static struct kunit_suite speed_suite = {
	.name = "ignis_speed",
	.test_cases = speed_cases,
};

kunit_test_suite(speed_suite);
