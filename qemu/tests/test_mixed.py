# SPDX-License-Identifier: GPL-2.0-only
"""Both chips in one guest, four ports at work at the same time."""
import json
import re
from collections import Counter
from functools import partial

import pytest

from conftest import KERNELS, Machine, shared_vm
from util import ERRORS, lossless

SEND = {0: 1, 1: 3, 3: 2, 2: 0}         # each pair of chips, each way


@pytest.mark.long
@pytest.mark.parametrize("machine", [Machine(k, "igb") for k in KERNELS], ids=str, indirect=True)
def test_four_ports(machine):
    vm = shared_vm(machine, {"nics": "igb e1000e igb e1000e"})
    dev = [vm.netdev(n) for n in range(4)]

    def run(n, cmd, **kw):
        return vm.run(cmd, netns=f"n{n}", **kw).out

    def errors(n):
        text = run(n, f"ethtool -S {dev[n]}; ip netns exec n{n} sh -c 'mount -t sysfs s /sys;"
                      f" cd /sys/class/net/{dev[n]}/statistics; grep . *'")
        return Counter({k: int(v) for k, v in re.findall(r"^\s*(\w+): ?(\d+)$", text, re.M)
                        if ERRORS.fullmatch(k)})

    for n in range(4):
        vm.run(f"ip netns add n{n}; ip link set {dev[n]} netns n{n}")
        run(n, f"ip addr add 10.9.0.{n + 1}/24 dev {dev[n]}; ip link set {dev[n]} up; iperf3 -s -D")
    for n in range(4):
        vm.carrier(dev[n], f"n{n}")
        assert f"bus-info: {vm.pci(n)}" in run(n, f"ethtool -i {dev[n]}")
    queues = [int(re.findall(r"Combined:\s+(\d+)", run(n, f"ethtool -l {dev[n]}"))[0]) for n in range(4)]
    assert queues == [8, 2, 8, 2]
    before = [errors(n) for n in range(4)]
    jobs = [vm.start(f"exec iperf3 -J -t 4 -P 2 -c 10.9.0.{to + 1}", netns=f"n{n}") for n, to in SEND.items()]
    vm.run("sleep 1")
    for n in range(4):                  # a change on one port is none of the others' business
        run(n, f"ethtool -G {dev[n]} rx 512; ethtool -L {dev[n]} combined 1; ip link set {dev[n]} mtu 4000")
    for job in jobs:
        assert json.loads(job.wait().out)["end"]["sum_received"]["bytes"] > 1 << 20
    for n in range(4):
        assert errors(n) == before[n]
        lossless(partial(run, n), f"ping -c 3 -i .1 -s 3900 10.9.0.{SEND[n] + 1}")
    vm.check_dmesg()
