// SPDX-License-Identifier: GPL-2.0-only
/* Probe, remove, open, stop */

#include <linux/delay.h>
#include <linux/rtnetlink.h>

#include "bench.h"

static void probe_remove(struct kunit *test)
{
	struct bench *b = bench_new(test);

	KUNIT_ASSERT_EQ(test, bench_plug(b), 0);
	KUNIT_EXPECT_STREQ(test, dev_driver_string(&b->nic->pdev->dev),
			   "ignis");
	bench_unplug(b);
	KUNIT_EXPECT_EQ(test, b->nic->n_maps, 0);
}

static void open_stop(struct kunit *test)
{
	struct bench *b = bench_up(test);
	int i;

	bench_works(b);
	for (i = 0; i < 3; i++) {
		/* Where lines are shared, an interrupt comes last (DEBUG_SHIRQ) */
		bench_close(b);
		KUNIT_EXPECT_EQ(test, nic_read(b->nic, IGNIS_IMS), 0);
		KUNIT_EXPECT_FALSE(test, netif_carrier_ok(b->netdev));
		KUNIT_ASSERT_EQ(test, bench_open(b), 0);
		bench_works(b);
	}
}

static struct kunit_case life_cases[] = {
	KUNIT_CASE_PARAM(probe_remove, bench_modes),
	KUNIT_CASE_PARAM(open_stop, bench_modes),
	{}
};

static struct kunit_suite life_suite = {
	.name = "ignis_life",
	.test_cases = life_cases,
};

kunit_test_suite(life_suite);
