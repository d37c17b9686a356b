# SPDX-License-Identifier: GPL-2.0-only
"""Interrupts of each kind, moderation, and how the stack spreads the work."""
import re

import pytest

from util import A, B, nomsix, pair

MODES = pytest.mark.parametrize("net", ["msix", "msi", "intx"], indirect=True)
MSIX = pytest.mark.parametrize("net", ["msix"], indirect=True)


@pytest.fixture(scope="module")
def net(request, machine):
    args = {"msix": {}, "msi": {"prepare": nomsix}, "intx": {"cmdline": "pci=nomsi"}}[request.param]
    with pair(machine, **args) as both:
        both.mode = request.param
        yield both


def pin(net, cpu):
    """All interrupts of port A to one CPU."""
    net.sh("".join(f"echo {1 << cpu:x} > /proc/irq/{irq}/smp_affinity;" for irq in net.irqs()))


def unpin(net):
    return net.undo("".join(f"echo f > /proc/irq/{irq}/smp_affinity;" for irq in net.irqs()))


def interrupts(net, what):
    """How many interrupts port A raised during what()."""
    before = sum(net.irqs().values())
    what()
    return sum(net.irqs().values()) - before


@MODES
def test_traffic(net):
    """Traffic flows with each kind of interrupt, and it is the kind meant."""
    kinds = net.sh("cat /sys/class/net/$A/device/msi_irqs/* 2>/dev/null || echo intx").split()
    assert set(kinds) == {net.mode}, kinds
    assert len(kinds) == 1 if net.mode != "msix" else len(kinds) >= net.channels
    net.ping(sizes=(0, 1472), args="-f -c 200")
    net.ping(A[6], sizes=(1452,), args="-f -c 100", ns="$P")
    end = net.iperf("--bidir -P 2")
    assert min(end["sum_received"]["bytes"], end["sum_received_bidir_reverse"]["bytes"]) > 1 << 18
    net.bounce()
    with net.restored(), net.stream() as progress:
        net.sh("ethtool -G $A rx 512 tx 512; ip link set $A mtu 4000")
        progress()


@MODES
def test_idle(net):
    """An idle port is silent."""
    net.sh("sleep 1")
    assert interrupts(net, lambda: net.sh("sleep 2")) <= 10


@MODES
def test_link_interrupt(net):
    """A link change is noticed soon."""
    net.vm.link(0, False)
    try:
        net.wait("ip link show $A | grep -q NO-CARRIER", 3)
    finally:
        net.vm.link(0, True)
    net.carrier()


@MODES
def test_linkage(net):
    """Queues, NAPIs and interrupts are linked as netdev-genl shows, and it is true."""
    queues, napis = net.genl("queue"), {n["id"]: n for n in net.genl("napi")}
    n = net.channels if net.mode == "msix" else 1
    for kind in (0, 1):
        mine = sorted((q for q in queues if q["type"] == kind), key=lambda q: q["id"])
        assert [q["id"] for q in mine] == list(range(len(mine))) and len(mine) >= n, queues
        assert all(q.get("napi") in napis for q in mine), (mine, napis)
    irqs = net.queue_irqs()
    assert set(irqs) <= set(net.irqs())
    assert len(set(irqs)) == n
    if net.mode != "msix":
        return
    (rx,), before = net.per_queue("rx-packets"), net.irqs()
    net.sh(f"$P python3 $H/flows.py {B[4]} {A[4]} 9 23000 100")
    rx = [y - x for x, y in zip(rx, *net.per_queue("rx-packets"))]
    after = net.irqs()
    silent = [i for i, irq in enumerate(irqs) if rx[i] and after[irq] == before[irq]]
    assert sum(map(bool, rx)) > n // 2 and not silent, (rx, before, after)


@MSIX
def test_spread(net):
    """Vectors of the queues are spread over the CPUs from the start."""
    masks = []
    for irq in net.queue_irqs():
        hint, mask = (int(net.sh(f"cat /proc/irq/{irq}/{f}").replace(",", ""), 16)
                      for f in ("affinity_hint", "smp_affinity"))
        masks.append(hint or mask)
    assert all(m.bit_count() == 1 for m in masks), masks
    cpus = int(net.sh("nproc"))
    assert len(set(masks)) == min(cpus, net.channels), masks


# Moderation

@MSIX
def test_moderation(net):
    """A long interval gives far fewer interrupts for the same packets than a short one."""
    counts = {}
    with net.restored():
        for usecs in (10, 8000):
            net.sh(f"ethtool -C $A adaptive-rx off rx-usecs {usecs}")
            counts[usecs] = interrupts(net, lambda: net.train(1000, "a", gap=200))
    assert counts[10] > 3 * counts[8000] > 0, counts


@MSIX
def test_adaptive(net):
    """With adaptive-rx the interval follows the traffic; without it, it stays."""
    def intervals():
        """Values of the throttle registers during one second of bulk traffic."""
        text = net.sh(f"""(sleep .2; iperf3 -c {B[4]} -R -t 1 >/dev/null) & ping -f -c 100 -q {B[4]} >/dev/null
            for i in $(seq 8); do python3 $H/regs.py $A {net.limits.eitr:#x} {net.limits.queues + 1}; done
            wait""")
        return {value for value in text.split() if int(value, 16)}
    with net.restored():
        net.sh("ethtool -C $A adaptive-rx on")
        assert len(intervals()) > 1
        net.sh("ethtool -C $A adaptive-rx off rx-usecs 100")
        intervals()             # a change in progress may come to its end
        assert len(intervals()) <= 2        # the queues' and the one of the other causes


# Steering by the stack

@MSIX
def test_rps(net):
    """Receive packet steering: the other CPUs do the work."""
    rps = "for q in /sys/class/net/$A/queues/rx-*; do echo {} > $q/rps_cpus; done"
    with unpin(net), net.undo(rps.format(0)):
        pin(net, 0)
        net.sh(rps.format("e"))
        packets, wakes = net.processed()
        net.train(1000, "a", flows=32)
        packets, wakes = ([y - x for x, y in zip(old, new)]
                          for old, new in zip((packets, wakes), net.processed()))
    assert sum(packets[1:]) > 900 and sum(wakes[1:]) > 10 and packets[0] < 400, (packets, wakes)


@MSIX
def test_rfs(net):
    """Receive flow steering: the CPU of the reader does the work, wherever the reader is."""
    def flow(n, table):
        return net.sh(f"echo {table} > /proc/sys/net/core/rps_sock_flow_entries;"
                      f"for q in /sys/class/net/$A/queues/rx-*; do echo {n} > $q/rps_flow_cnt; done")
    with unpin(net):
        pin(net, 0)
        flow(256, 4096)
        try:
            for cpu in (3, 2):
                before = net.processed()[0]
                net.train(500, "a", flows=1, gap=1500, recv=f"connect=1 cpu={cpu}")
                grown = [y - x for x, y in zip(before, net.processed()[0])]
                assert grown[cpu] > 350, (cpu, grown)
        finally:
            flow(0, 0)


@MSIX
def test_busy_poll(net):
    """A reader that polls gets its packets from the NAPI itself."""
    def polled():
        return int(net.sh("nstat -asz TcpExtBusyPollRxPackets | awk '/BusyPoll/ { print $2 }'"))
    with net.restored():        # no interrupt forestalls it, nor does it give up between two packets
        net.sh("ethtool -C $A adaptive-rx off rx-usecs 8000")
        before = polled()
        report = net.train(300, "a", gap=1500, recv="connect=1 busy_poll=50000")
    assert report["got"] > 280
    assert set(report["napis"]) <= {n["id"] for n in net.genl("napi")} and report["napis"], report
    assert polled() - before > 20


@MSIX
def test_threaded(net):
    """Threaded NAPI: kernel threads do the polling and pay for it."""
    def threads():
        """{pid: CPU nanoseconds}"""
        return {int(p): int(ns) for p, ns in re.findall(r"^(\d+) (\d+)$", net.sh(
            f"for p in $(pgrep '^napi/{net.a}-'); do echo $p $(cut -d' ' -f1 /proc/$p/schedstat); done"), re.M)}
    with net.undo("echo 0 > /sys/class/net/$A/threaded"):
        net.sh("echo 1 > /sys/class/net/$A/threaded")
        before = threads()
        assert len(before) >= net.channels
        assert net.iperf("-P 4 --bidir")["sum_received"]["bytes"] > 1 << 20
        used = sum(threads().values()) - sum(before.values())
        assert used > 50e6, f"{used} ns"
        with net.restored():                # NAPIs made anew are threaded as well
            net.sh("ethtool -G $A rx 512 tx 512; ethtool -L $A combined 2")
            net.ping(args="-f -c 100")
        net.bounce()
        assert len(threads()) >= net.channels
        assert net.sh("cat /sys/class/net/$A/threaded").strip() == "1"
    before = sum(threads().values())
    net.ping(args="-f -c 200")
    assert sum(threads().values()) - before < 1e6


@MSIX
def test_xps(net):
    """Each CPU has transmit queues of its own from the start, and uses them."""
    masks = [int(m.replace(",", ""), 16) for m in
             net.sh("cat /sys/class/net/$A/queues/tx-?/xps_cpus").split()]
    masks = masks[:net.channels]
    assert len(masks) == net.channels and all(masks), masks
    for cpu in range(int(net.sh("nproc"))):
        mine = {i for i, m in enumerate(masks) if m >> cpu & 1}
        assert mine and len(mine) < len(masks), masks
        net.ping()              # else the first wait for an ARP answer
        before, = net.per_queue("tx-packets")
        net.sh(f"python3 $H/train.py send {B[4]} 256 flows=16 cpus={cpu}")
        counts = [y - x for x, y in zip(before, *net.per_queue("tx-packets"))]
        assert {i for i, c in enumerate(counts) if c > 10} <= mine and sum(counts) > 200, (cpu, counts)


@MODES
def test_clean(net):
    net.check()
