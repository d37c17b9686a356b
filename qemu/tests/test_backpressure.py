# SPDX-License-Identifier: GPL-2.0-only
"""A full ring stops the queue and loses nothing; a dead transmitter is noticed and revived."""
import re

import pytest

from util import B, eventually, pair
from vm import patience


@pytest.fixture(scope="module")
def net(machine):
    with pair(machine) as both:
        both.sh("modprobe pktgen; modprobe sch_fq")
        yield both


@pytest.fixture
def small(net):
    """Smallest rings on port A, completions noticed late: the ring fills at once."""
    with net.restored():
        net.sh(f"ethtool -G $A rx 64 tx 64; ethtool -C $A adaptive-rx off rx-usecs {min(patience(2000), 8000)}")
        net.carrier()
        yield net


def stops(net):
    return [sum(counts) for counts in net.per_queue("tx-stop", "tx-wake")]


def pktgen(net, count, **settings):
    """Send from the kernel, past the queueing discipline; pktgen's own report."""
    mac = net.sh("$P cat /sys/class/net/$B/address").strip()
    settings = {"count": count, "pkt_size": 60, "delay": 0, "dst_mac": mac, "dst": B[4], **settings}
    commands = "".join(f"echo '{k} {v}' > /proc/net/pktgen/$A;" for k, v in settings.items())
    net.sh(f"cd /proc/net/pktgen; echo rem_device_all > kpktgend_1; echo add_device $A > kpktgend_1;"
           f"{commands} echo start > pgctrl", timeout=120)
    net.wait("grep -q '^Result: OK' /proc/net/pktgen/$A", 60)   # the start may return too early
    return net.sh("cat /proc/net/pktgen/$A")


@pytest.mark.parametrize("settings", [{}, {"burst": 32}, {"pkt_size": 1514, "burst": 8},
                                      {"pkt_size": 1514, "frags": 4, "clone_skb": 100}],
                         ids=lambda s: "-".join(f"{k}{v}" for k, v in s.items()) or "single")
def test_pktgen(small, settings):
    net = small
    # A slow guest fills the ring less often
    count, before, (stop, wake) = patience(4000 if "frags" in settings else 20000), net.stats(), stops(net)
    report = pktgen(net, count, **settings)
    sent = int(re.search(r"pkts-sofar: (\d+)  errors: 0\b", report)[1])
    assert sent >= count, report
    eventually(lambda: net.grown(before)["tx_packets"] >= sent)
    grown = net.grown(before)
    assert sent <= grown["tx_packets"] < sent + 100
    assert not grown["tx_dropped"] and not grown["tx_errors"]
    stop, wake = (new - old for new, old in zip(stops(net), (stop, wake)))
    # A stop that a completion undid before it was complete is a wake only
    assert stop > 10 and stop - 1 <= wake <= stop + 2 + stop // 20, (stop, wake)
    net.ping(args="-f -c 100")


@pytest.mark.parametrize("qdisc", ["fq", "pfifo", "pfifo_fast", "mq"])
def test_qdisc(small, qdisc):
    """Through a queueing discipline: none drops because of the driver, the driver drops none.

    BQL would keep the small ring from filling where the guest is slow.
    """
    net, limits = small, "/sys/class/net/$A/queues/tx-*/byte_queue_limits/limit_min"
    with net.undo(f"tc qdisc del dev $A root; for f in {limits}; do echo 0 > $f; done"):
        net.sh(f"tc qdisc replace dev $A root handle 1: {qdisc}; for f in {limits}; do echo 1000000 > $f; done")
        before, stop = net.stats(), stops(net)[0]
        assert net.iperf("-P 4")["sum_received"]["bytes"] > 1 << 20
        assert net.iperf("-u -b 40M -l 1000 -P 2")["sum"]["packets"] > 500
        rows = net.json("tc -s -j qdisc show dev $A")
        assert rows and not any(row["drops"] for row in rows), rows
        assert eventually(lambda: not any(r["backlog"] for r in net.json("tc -s -j qdisc show dev $A")))
        grown = net.grown(before)
        assert not grown["tx_dropped"] and not grown["tx_errors"]
        assert stops(net)[0] > stop


def test_queue_limits(net):
    """Byte queue limits see what is under way, hold back, and go back to zero.

    That the limits grow cannot be asked for: QEMU sends at once, so that they are seldom reached.
    """
    queues = "/sys/class/net/$A/queues/tx-*/byte_queue_limits"
    assert len(net.sh(f"cat {queues}/limit_max").split()) >= net.channels
    load = net.start(f"exec iperf3 -c {B[4]} -t 20 -P 8")
    try:
        assert eventually(lambda: any(int(n) for n in net.sh(f"cat {queues}/inflight").split()))
    finally:
        load.stop()
    highest = net.sh(f"cat {queues}/limit_max").split()[0]
    with net.undo(f"for f in {queues}/limit_max; do echo {highest} > $f; done"):
        net.sh(f"for f in {queues}/limit_max; do echo 1500 > $f; done")     # about a frame at a time
        assert net.iperf("-P 4")["sum_received"]["bytes"] > 1 << 20
        assert max(int(n) for n in net.sh(f"cat {queues}/limit").split()) <= 1500
    assert eventually(lambda: not any(int(n) for n in net.sh(f"cat {queues}/inflight").split()))
    with net.restored():        # nothing stays accounted to rings that are gone
        for change in ("ethtool -G $A tx 128", "ethtool -L $A combined 1", "ip link set $A mtu 4000"):
            net.sh(change)
            net.carrier()
            net.iperf("-P 4")
            assert eventually(lambda: not any(int(n) for n in net.sh(f"cat {queues}/inflight").split()))


def test_cable(net):
    """The carrier follows the cable; traffic goes on by itself."""
    with net.stream() as progress:
        for port in (0, 0, 1):
            name = "$A" if port == 0 else "$B"
            ns = "" if port == 0 else "$P"
            net.vm.link(port, False)
            net.wait(f"{ns} ip link show {name} | grep -q NO-CARRIER")
            assert "Link detected: no" in net.sh(f"{ns} ethtool {name}")
            net.vm.link(port, True)
            net.carrier()
            progress()


def test_transmit_timeout(small):
    """The transmitter dies under load: reported with the state of the queue, revived, counted."""
    net = small
    net.check()
    count = "cat /sys/class/net/$A/queues/tx-*/tx_timeout"
    assert not sum(map(int, net.sh(count).split()))
    load = net.start(f"exec taskset -c 1 ping -f -q -s 1400 {B[4]}")
    net.sh(f"sleep .3; python3 $H/regs.py $A {net.limits.tctl:#x} 0xfffffffd 0")
    net.wait(f"{count} | grep -q [1-9]", 20)
    load.stop()
    net.carrier(30)
    net.ping(sizes=(56, 1472), args="-f -c 100")
    assert net.iperf("--bidir")["sum_received"]["bytes"] > 1 << 20
    log = net.vm.dmesg(since_mark=True)
    report = log.partition("NETDEV WATCHDOG")[2]
    assert re.search(rf"{net.vm.driver}.*queue \d+.*(head|TDH)\D*\d", report), log
    net.vm.check_dmesg(allow="NETDEV WATCHDOG|Tx Unit Hang")
    net.forgive()               # what was in the ring is lost


def test_clean(net):
    net.check()
