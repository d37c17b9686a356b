# SPDX-License-Identifier: GPL-2.0-only
"""Reconfiguration under load: the link stays, connections live, nothing is left behind.

IGNIS_SEED=N repeats a run, IGNIS_CHANGES=N makes it longer.
"""
import json
import os
import random
import re

import pytest

from util import A, eventually, pair

SEED = int(os.environ.get("IGNIS_SEED") or random.randrange(1 << 32))
CHANGES = int(os.environ.get("IGNIS_CHANGES") or 200)
NEEDS = {"tso": "tx on sg on", "gso": "tx on sg on", "txvlan": "rxvlan on"}
FEATURES = ["tso", "gso", "gro", "rx", "tx", "sg", "rxvlan", "txvlan", "rxhash"]


@pytest.fixture(scope="module")
def net(machine):
    with pair(machine, kmemleak=True) as both:
        yield both


def changes(rng, net, count):
    """Valid requests, each in the light of those before it."""
    limits, channels, table = net.limits, net.channels, False
    for _ in range(count):
        kind = rng.choice(["rings", "rings", "channels", "channels", "mtu", "mtu", "feature", "feature",
                           "table", "weight", "key", "usecs", "adaptive"])
        if kind == "rings":
            size = [rng.choice([64, 128, 256, 512, 1000, 1024]) for _ in range(2)]
            yield f"ethtool -G $A rx {size[0]} tx {size[1]}"
        elif kind == "channels":
            if table:           # the core refuses channels a user's table points to
                yield "ethtool -X $A default"
                table = False
            channels = rng.randint(1, limits.queues)
            yield f"ethtool -L $A combined {channels}"
        elif kind == "mtu":     # not below what the peer may send
            yield f"ip link set $A mtu {rng.choice([1500, 1501, 2000, 4082, 9000, limits.mtu[1]])}"
        elif kind == "feature":
            name, to = rng.choice(FEATURES), rng.choice(["on", "off"])
            needs = NEEDS.get(name, "") if to == "on" else ""
            yield f"ethtool -K $A {needs} {name} {to}"
        elif kind == "table":
            table = True
            yield f"ethtool -X $A equal {rng.randint(1, channels)}"
        elif kind == "weight":
            table = True
            yield f"ethtool -X $A weight {' '.join(str(rng.randint(1, 9)) for _ in range(channels))}"
        elif kind == "key":
            yield f"ethtool -X $A hkey {':'.join(f'{b:02x}' for b in rng.randbytes(limits.key))}"
        elif kind == "usecs":
            yield f"ethtool -C $A adaptive-rx off rx-usecs {rng.choice([10, 50, 100, 500, 1000])}"
        else:
            yield "ethtool -C $A adaptive-rx on"


def carrier_changes(net):
    return int(net.sh("cat /sys/class/net/$A/carrier_changes"))


def run(net, commands):
    """Run them in the guest in one go.

    Returns ([(command, what happened)] of those refused or after which the link had changed,
    and readings of the counters from between them).
    """
    carrier = "$(cat /sys/class/net/$A/carrier_changes)"
    script = [f"was={carrier}"]
    for n, command in enumerate(commands):
        script.append(f"""
            out=$({command} 2>&1) || echo "BAD {command}: refused: $out"
            now={carrier}; [ $now = $was ] || echo "BAD {command}: carrier changes: $((now - was))"
            was=$now""")
        if n % 10 == 9:
            script.append("echo READING; cat /sys/class/net/$A/ifindex; python3 $H/genl.py qstats-queue;"
                          "ethtool -S $A; cd /sys/class/net/$A/statistics; grep . *")
    text = net.run("\n".join(script), timeout=600).out
    return re.findall("^BAD (.*)", text, re.M), [reading(part) for part in text.split("READING")[1:]]


def reading(text):
    """{counter: value}, those of single queues as rx_queue_0_packets."""
    ifindex, queues, rest = text.strip().split("\n", 2)
    found = {k: int(v) for k, v in re.findall(r"^\s*(\w+): ?(\d+)$", rest, re.M)}
    for row in json.loads(queues):
        if row["ifindex"] == int(ifindex):
            found.update({f"{name[:2]}_queue_{row['id']}_{name[3:]}": n for name, n in row.items()
                          if name[:3] in ("rx-", "tx-")})
    return found


def backwards(readings):
    """Totals, and counters of single queues, that went down."""
    names = re.compile(r"([rt]x_queue_\d+_)?(rx_|tx_)?(packets|bytes)")
    return [(name, x[name], y[name]) for x, y in zip(readings, readings[1:])
            for name in x if name in y and y[name] < x[name] and names.fullmatch(name)]


@pytest.mark.long
def test_random_changes(net):
    print(f"IGNIS_SEED={SEED}")
    rng = random.Random(SEED)
    warmup, storm = list(changes(rng, net, 20)), list(changes(rng, net, CHANGES))
    with net.restored():
        run(net, warmup)
    assert eventually(lambda: not net.pools()[1], 20), net.genl("page-pool")
    before, pools0, irqs0 = net.holdings(), net.pools(), set(net.irqs())
    with net.restored(), net.stream() as progress:
        ping = net.start(f"exec $P ping -i .02 -s 1000 {A[4]}")
        bad, readings = run(net, storm)
        ping.stop()
        assert not bad, "\n".join(bad)
        progress()
    assert len(readings) == len(storm) // 10 and not backwards(readings)
    assert readings[-1]["rx_packets"] - readings[0]["rx_packets"] > 1000
    net.ping(sizes=(1472,), args="-f -c 100")
    assert eventually(lambda: net.pools() == pools0, 20), (pools0, net.pools())
    assert set(net.irqs()) == irqs0
    net.check_leaks(before)


@pytest.mark.parametrize("change", [
    "ethtool -G $A rx 1024 tx 1024", "ethtool -G $A rx 64 tx 64", "ethtool -L $A combined 1",
    "ethtool -L $A combined 1; ethtool -L $A combined {channels}", "ip link set $A mtu 9000",
    "ethtool -K $A rx off; ethtool -K $A rx on", "ethtool -K $A rxvlan off; ethtool -K $A rxvlan on",
    "ethtool -K $A rxhash off", "ethtool -X $A equal 1", "ethtool -C $A adaptive-rx off rx-usecs 77"])
def test_one_change(net, change):
    """No link change and a living connection, for each kind of change by itself."""
    with net.restored(), net.stream() as progress:
        for _ in range(2):      # the second time most change nothing
            bad, _ = run(net, change.format(channels=net.channels).split("; "))
            assert not bad
            progress()


def affinity(net, irqs):
    return net.sh("; ".join(f"cat /proc/irq/{irq}/smp_affinity" for irq in irqs)).split()


@pytest.mark.parametrize("change", [
    "ethtool -G $A rx 512 tx 512", "ethtool -L $A combined 1; ethtool -L $A combined {channels}",
    "ip link set $A mtu 4000", "ip link set $A down; ip link set $A up", "ethtool -K $A rx off"])
def test_affinity_kept(net, change):
    """What the user set in /proc/irq/*/smp_affinity is there after the change, for each queue."""
    irqs = net.queue_irqs()
    mine = [f"{1 << (3 - i) % 4:x}" for i in range(len(irqs))]
    with net.restored():
        old = affinity(net, irqs)
        net.sh("; ".join(f"echo {m} > /proc/irq/{irq}/smp_affinity" for m, irq in zip(mine, irqs)))
        try:
            net.sh(change.format(channels=net.channels))
            net.carrier()
            assert [int(m, 16) for m in affinity(net, net.queue_irqs())] == [int(m, 16) for m in mine]
            net.ping(sizes=(1472,), args="-f -c 50")
        finally:
            net.sh("; ".join(f"echo {m} > /proc/irq/{i}/smp_affinity" for m, i in zip(old, irqs)))
    net.up()


def test_statistics_of_gone_queues(net):
    """With fewer channels the totals keep what the others had counted."""
    with net.restored():
        net.train(400, "a", flows=8, gap=50)
        before, device0 = net.stats(), net.genl("qstats")
        net.sh("ethtool -L $A combined 1; ip link set $A mtu 4000")
        after, device1 = net.stats(), net.genl("qstats")
        for name in ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes"):
            assert after[name] >= before[name], name
        assert device0 and device1, "no netdev statistics (qstats-get)"
        for name in ("rx-packets", "rx-bytes", "tx-packets", "tx-bytes"):
            assert device1[0][name] >= device0[0][name] > 0, name


def test_clean(net):
    net.check()
