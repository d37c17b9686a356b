# SPDX-License-Identifier: GPL-2.0-only
"""Thousands of random requests, good and bad: one that is rejected says why and changes nothing.

IGNIS_SEED=N repeats a run, IGNIS_REQUESTS=N makes it longer.
"""
import os
import random
import re

import pytest

from util import A, pair

pytestmark = pytest.mark.long
SEED = int(os.environ.get("IGNIS_SEED") or random.randrange(1 << 32))
REQUESTS = int(os.environ.get("IGNIS_REQUESTS") or 400)

# What the core refuses by itself without a word. Of the driver's own functions only the one that sets
# the address has no way to say why.
SILENT = re.compile(r"""
    ethtool\ (debug|wol|privflags|eee|fec|module|plca|mm|pse|tsconfig|rss|rss_create|rss_delete)\ ENOTSUP # no such thing
    | ethtool\ (features|privflags)\ EINVAL     # no set of bits
    | link\ address\ (EADDRNOTAVAIL|EINVAL)
    | link\ txqlen\ ENOMEM                      # pfifo_fast has an array of that length
    | link\ (name|fdb|vlan|netns|master|vf|xdp|map|broadcast|carrier|gso_size|gso_segs|gro_size|alias)\ \w+
    | link\ \w+\ (ENODEV|EINVAL)                # nobody's index; a bad name or broadcast address beside it
    | devlink\ \w+\ (ENODEV|ENOTSUP|EINVAL)     # no such device, function, reporter or parameter
    """, re.X)


@pytest.fixture(scope="module")
def net(machine):
    with pair(machine) as both:
        yield both


def test_requests(net):
    print(f"IGNIS_SEED={SEED}")
    vm, handle = net.vm, f"pci/{net.vm.pci(0)}" if net.vm.driver == "ignis" else ""
    load = net.start(f"while :; do $P ping -q -i .02 -s 1000 -W 1 -c 500 {A[4]}; done")
    try:
        report = net.json(f"python3 $H/requests.py $A {SEED} {REQUESTS} {handle}", timeout=60 + REQUESTS // 4)
    finally:
        load.stop()
    print(report)
    assert not report["changed"], "\n".join(report["changed"])
    assert report["accepted"] > REQUESTS // 10 and report["rejected"] > REQUESTS // 4
    assert report["accepted"] + report["rejected"] == REQUESTS
    silent = {what: n for what, n in report["silent"].items() if not SILENT.fullmatch(what)}
    assert not silent, f"rejected without a reason, with number and bytes of an example: {silent}"
    # Whatever is in force now, the next probe starts from the beginning
    vm.unload()
    vm.load()
    net.attach(note=False)
    net.ping(sizes=(56, 1472), args="-f -c 100")
    net.check()
