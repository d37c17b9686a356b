// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own drivers of these chips on the same model: it is not made to
 * the measure of one of them.
 */

#include <linux/rtnetlink.h>

#include "bench.h"

static const struct bench_param drivers[] = {
	{ "igb", &nic_82576, "igb" },
	{ "igb MSI", &nic_82576, "igb", { .no_msix = true } },
	{ "e1000e", &nic_82574, "e1000e" },
	{ "e1000e MSI", &nic_82574, "e1000e", { .no_msix = true } },
	{ "ignis 82576", &nic_82576, "ignis" },
	{ "ignis 82574L", &nic_82574, "ignis" },
};

static const void *driver_params(struct kunit *test, const void *prev,
				 char *desc)
{
	return bench_next(drivers, ARRAY_SIZE(drivers), prev, desc);
}

static void traffic(struct kunit *test)
{
	const struct bench_param *param = test->param_value;
	struct bench *b = bench_up(test);
	struct flow flow = {
		.proto = IPPROTO_TCP, .src = 2, .dst = 1, .sport = 90,
		.dport = 91, .flags = 0x10,
	};
	unsigned int i;

	KUNIT_EXPECT_STREQ(test, dev_driver_string(&b->nic->pdev->dev),
			   param->driver);
	bench_works(b);
	for (i = 0; i < 600; i++) {
		flow.len = i * 3 % 1400 + 2;
		flow.at = i;
		flow.v6 = i & 1;
		flow.tagged = i & 2 && !flow.v6;
		flow.vlan = 0;
		bench_send(b, build_skb_of(b, &flow, i % 3, 0, true));
		bench_expect_sent(b, &flow);
		flow.tagged = false;
		flow.proto = IPPROTO_UDP;
		bench_inject(b, &flow);
		bench_expect_received(b, &flow, NULL);
		flow.proto = IPPROTO_TCP;
	}
	bench_close(b);
	KUNIT_ASSERT_EQ(test, bench_open(b), 0);
	bench_works(b);
}

/* One large frame, many on the wire */
static void segments(struct kunit *test)
{
	struct bench *b = bench_up(test);
	struct flow flow = {
		.proto = IPPROTO_TCP, .src = 2, .dst = 1, .sport = 90,
		.dport = 91, .flags = 0x10, .len = 7000,
	}, seg = flow;

	bench_send(b, build_skb_of(b, &flow, 2, 1000, true));
	for (seg.at = 0; seg.at < 7000; seg.at += 1000, seg.id++) {
		seg.len = 1000;
		bench_expect_sent(b, &seg);
	}
}

static struct kunit_case intree_cases[] = {
	KUNIT_CASE_PARAM(traffic, driver_params),
	KUNIT_CASE_PARAM(segments, driver_params),
	{}
};

static struct kunit_suite intree_suite = {
	.name = "ignis_model",
	.test_cases = intree_cases,
};

kunit_test_suite(intree_suite);
