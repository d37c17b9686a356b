# SPDX-License-Identifier: GPL-2.0-only
"""Every setting can be made, read back and kept; every bad one is refused and changes nothing."""
import re

import pytest

from util import A, B, eventually, explained, pair, toeplitz

KEY = ":".join(f"{(37 * i + 11) & 255:02x}" for i in range(40))

# Sets of settings that go together; each is: what makes it, what shows it, what shall then be seen
SETTINGS = {
    "some": [
        ("ethtool -G $A rx 512 tx 128", "ethtool -g $A", r"Current.*RX:\s+512\b.*TX:\s+128\b"),
        ("ethtool -L $A combined 2", "ethtool -l $A", r"Current.*Combined:\s+2\b"),
        ("ethtool -C $A adaptive-rx off rx-usecs 100", "ethtool -c $A", r"Adaptive RX: off.*\nrx-usecs:\s+100\b"),
        ("ethtool -A $A autoneg off rx off tx off", "ethtool -a $A",
         r"Autonegotiate:\s+off\s+RX:\s+off\s+TX:\s+off"),
        ("ethtool -s $A advertise 0x020", "ethtool $A", r"Advertised link modes:\s+1000baseT/Full\n"),
        ("ethtool -X $A equal 1", "ethtool -x $A", r"(\n +\d+:(\s+0){8})+\nRSS hash key"),
        (f"ethtool -X $A hkey {KEY}", "ethtool -x $A", f"RSS hash key:\n{KEY}"),
        ("ip link set $A mtu 4000", "ip link show $A", r"mtu 4000 "),
        ("ip link set $A address 02:00:00:00:be:ef", "ip link show $A", "ether 02:00:00:00:be:ef"),
        ("ip link set $A promisc on", "ip -d link show $A", "PROMISC.*promiscuity 1"),
        ("ethtool -K $A tso off gso off gro off rx off tx off", "ethtool -k $A",
         r"rx-checksumming: off\ntx-checksumming: off\b"),
    ],
    "least": [
        ("ethtool -G $A rx {low_ring} tx {low_ring}", "ethtool -g $A",
         r"Current.*RX:\s+{low_ring}\b.*TX:\s+{low_ring}\b"),
        ("ethtool -L $A combined 1", "ethtool -l $A", r"Current.*Combined:\s+1\b"),
        ("ethtool -C $A adaptive-rx off rx-usecs 0", "ethtool -c $A", r"Adaptive RX: off.*\nrx-usecs:\s+0\b"),
        ("ethtool -A $A autoneg off rx off tx on", "ethtool -a $A",
         r"Autonegotiate:\s+off\s+RX:\s+off\s+TX:\s+on"),
        ("ethtool -s $A advertise 0x00a", "ethtool $A",
         r"Advertised link modes:\s+10baseT/Full\s+100baseT/Full\n"),
        ("ethtool -K $A rxvlan off txvlan off rxhash off", "ethtool -k $A",
         "rx-vlan-offload: off\ntx-vlan-offload: off.*receive-hashing: off"),
    ],
    "most": [
        ("ethtool -G $A rx {ring} tx {ring}", "ethtool -g $A", r"Current.*RX:\s+{ring}\b.*TX:\s+{ring}\b"),
        ("ethtool -L $A combined {queues}", "ethtool -l $A", r"Current.*Combined:\s+{queues}\b"),
        ("ethtool -C $A adaptive-rx off; ethtool -C $A adaptive-rx on", "ethtool -c $A", r"Adaptive RX: on"),
        ("ethtool -A $A autoneg off rx on tx off", "ethtool -a $A",
         r"Autonegotiate:\s+off\s+RX:\s+on\s+TX:\s+off"),
        ("ethtool -X $A equal {queues}", "ethtool -x $A", r"\n +0:\s+0\s+1.*RSS hash key"),
        ("ip link set $A mtu {mtu}", "ip link show $A", r"mtu {mtu} "),
    ],
}


@pytest.fixture(scope="module")
def net(machine):
    with pair(machine, kmemleak=True) as both:
        yield both


def fill(net, text):
    """Limits of the chip in a command or pattern, for words in braces."""
    top = net.limits
    words = {"queues": top.queues, "more_queues": top.queues + 1, "more_channels": net.channels + 1,
             "low_ring": top.ring[0], "ring": top.ring[1], "more_ring": 2 * top.ring[1],
             "more_usecs": 100 * top.usecs, "mtu": top.mtu[1], "low_mtu": top.mtu[0] - 1,
             "high_mtu": top.mtu[1] + 1}
    return re.sub(r"\{([a-z]\w+)\}", lambda m: str(words[m[1]]), text)


# Setting

@pytest.mark.parametrize("chosen", SETTINGS)
def test_settings(net, chosen):
    """Read back at once, while down, and up again; also when made while down."""
    before, wrong = net.state(), []

    def make():
        for change, _, _ in SETTINGS[chosen]:
            result = net.run("set -e; " + fill(net, change), check=False)
            if result.rc:
                wrong.append(f"{fill(net, change)}: {result.err}")

    def see(when):
        for change, show, want in SETTINGS[chosen]:
            text = net.sh(show)
            if not re.search(fill(net, want), text, re.S):
                wrong.append(f"{when}: {fill(net, change)}: {text}")

    with net.restored():
        make()
        see("at once")
        net.sh("ip link set $A down")
        see("when down")
        net.up()
        see("up again")
        net.ping(sizes=(1472,), args="-f -c 50")
    with net.restored():
        net.sh("ip link set $A down")
        make()
        see("made while down")
        net.up()
        see("made while down, then up")
        net.ping(sizes=(1472,), args="-f -c 50")
    if net.state() != before:
        wrong.append("not everything could be put back")
    assert not wrong, "\n".join(wrong)


def test_features(net):
    """Each feature that can be changed, off and on, while a connection runs."""
    flags = net.features()
    assert len(flags) >= 8, flags
    wrong = []
    with net.restored(), net.stream() as progress:
        for name, value in flags.items():
            if name == "loopback":
                continue
            for now in ("off" if value == "on" else "on", value):
                net.run(f"ethtool -K $A {name} {now}", check=False)
                if net.features().get(name) != now:
                    wrong.append(f"{name} is not {now}")
                progress(1 << 17)
    assert not wrong and net.features() == flags, wrong


# Refusing

# What the core itself refuses without a word, or what goes by ioctl, has no text to look for.
SILENT = ["ip link set $A address 01:00:5e:00:00:01", "ip link set $A address 00:00:00:00:00:00",
          "ethtool -X $A equal {more_channels}", "ethtool -X $A weight 1 2 3 4 5 6 7 8 9",
          "ethtool -X $A hkey 00:11:22", "ethtool -X $A hfunc xor", "ethtool -X $A hfunc crc32",
          "ethtool -K $A netns-local on", "ethtool -K $A tx-fcoe-segmentation on",
          "ethtool -s $A phyad 7", "ethtool -s $A port aui", "ethtool -s $A mdix on",
          "ethtool -s $A speed 1000 duplex half autoneg off"]
EXPLAINED = ["ethtool -G $A rx 0", "ethtool -G $A tx 0", "ethtool -G $A rx 8", "ethtool -G $A tx 63",
             "ethtool -G $A rx {more_ring}", "ethtool -G $A tx {more_ring}", "ethtool -G $A rx 512 tx 1",
             "ethtool -G $A rx-mini 64", "ethtool -G $A rx-jumbo 64",
             "ethtool -L $A combined 0", "ethtool -L $A combined {more_queues}", "ethtool -L $A rx 1",
             "ethtool -L $A combined 1 tx 1", "ethtool -L $A other 4",
             "ethtool -C $A adaptive-rx off rx-usecs {more_usecs}", "ethtool -C $A rx-frames 7",
             "ethtool -C $A stats-block-usecs 5", "ethtool -C $A rx-usecs-irq 5",
             "ethtool -C $A adaptive-tx off adaptive-rx off rx-usecs 50 rx-usecs-high 9",
             "ethtool -s $A speed 2500 duplex full autoneg off", "ethtool -s $A advertise 0x800000000000",
             "ethtool -s $A speed 100000 autoneg on",
             "ip link set $A mtu {low_mtu}", "ip link set $A mtu {high_mtu}", "ip link set $A mtu 65536"]


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_refused(net, up):
    """No bad request changes anything; what the driver refuses comes with a reason."""
    wrong = []
    with net.restored():
        if not up:
            net.sh("ip link set $A down")
        before = net.state()
        for request in SILENT + EXPLAINED:
            command = fill(net, request)
            result = net.run(command, check=False)
            text = result.out + result.err
            if not result.rc:
                wrong.append(f"accepted: {command} ({text.strip()})")
            elif request in EXPLAINED and not explained(text):
                wrong.append(f"no reason given: {command} ({text.strip()})")
            if (after := net.state()) != before:
                lines = {line for what in after
                         for line in set(after[what].split("\n")) ^ set(before[what].split("\n"))}
                wrong.append(f"changed something: {command}: {sorted(lines)}")
                net.restore()
                if not up:
                    net.sh("ip link set $A down")
                before = net.state()
    assert not wrong, "\n".join(wrong)


def test_refused_under_table(net):
    """Channels cannot go below what a user-set indirection table needs."""
    with net.restored():
        n = net.limits.queues
        net.sh(f"ethtool -L $A combined {n}; ethtool -X $A equal {n}")
        before = net.state()
        result = net.run(f"ethtool -L $A combined {n // 2}", check=False)
        assert result.rc and explained(result.err) and net.state() == before


# Reading

def test_driver_info(net):
    info = dict(re.findall(r"^([\w-]+): (.*)$", net.sh("ethtool -i $A"), re.M))
    assert info["driver"] == net.vm.driver
    assert info["version"].strip()
    assert info["bus-info"] == net.vm.pci(0)
    assert re.search(r"\d", info["firmware-version"]), info


def test_link(net):
    text = net.sh("ethtool $A")
    for want in (r"Speed: 1000Mb/s", r"Duplex: Full", r"Auto-negotiation: on", r"Port: Twisted Pair",
                 r"Supported link modes:[^:]*10baseT/Half[^:]*1000baseT/Full",
                 r"Advertised link modes:[^:]*1000baseT/Full", r"Supports auto-negotiation: Yes",
                 r"Link detected: yes", r"Supported pause frame use: (?!No)"):
        assert re.search(want, text), f"{want}: {text}"
    net.bounce("ethtool $A > /tmp/down")
    text = net.sh("cat /tmp/down")
    assert "Link detected: no" in text and "Speed: Unknown" in text, text


@pytest.mark.parametrize("forced", ["speed 100 duplex full", "speed 100 duplex half", "speed 10 duplex full"])
def test_forced_speed(net, forced):
    """Settings as asked for; back to autonegotiation the link comes up."""
    before, speed, duplex = net.state(), forced.split()[1], forced.split()[3]
    with net.undo(net.defaults[""]):
        net.sh(f"ethtool -s $A autoneg off {forced}")
        text = net.sh("ip link set $A up; ethtool $A")
        assert "Auto-negotiation: off" in text
        shown = re.search(r"Speed: (\S+)\n\tDuplex: (\S+)", text)
        assert shown and shown[1] in (f"{speed}Mb/s", "Unknown!"), text
        assert shown[2].lower().rstrip("!").split()[0] in (duplex, "unknown"), text
    net.up()
    assert "1000Mb/s" in net.sh("ethtool $A")
    assert net.state() == before


def test_forced_speed_without_link(net):
    """There is no duplex then to keep, and a speed is enough to ask for."""
    with net.undo(net.defaults[""]):
        net.sh("ip link set $A down; ethtool -s $A autoneg off speed 100")
        text = net.sh("ethtool $A")
        assert "Auto-negotiation: off" in text and "Speed: 100Mb/s" in text and "Duplex: Full" in text, text
    net.up()


def test_restart_autonegotiation(net):
    """ethtool -r: the link goes down and comes up again."""
    def count(way):
        return int(net.sh(f"cat /sys/class/net/$A/carrier_{way}_count"))
    up, down = count("up"), count("down")
    net.sh("ethtool -r $A")
    assert eventually(lambda: count("down") == down + 1 and count("up") == up + 1, 15)
    net.carrier()


def test_queue_statistics(net):
    """Names as documented, no queue left out, sums equal to the link's totals."""
    names = [f"{way}-{unit}" for way in ("rx", "tx") for unit in ("packets", "bytes")]

    def read():
        """The link's totals, those of the queues, at a time when nothing came or went."""
        while True:
            totals, queues = net.stats(), net.per_queue(*names)
            now = net.stats()
            totals, now = ([stats[name.replace("-", "_")] for name in names] for stats in (totals, now))
            if totals == now:
                return totals, queues

    before, old = read()
    net.train(200, "a", flows=4, gap=50)
    net.train(200, "b", flows=4, gap=50)
    after, new = read()
    for name, x, y, xs, ys in zip(names, before, after, old, new):
        assert len(ys) == net.channels
        assert sum(ys) - sum(xs) == y - x, (name, xs, ys)
        assert 200 <= y - x <= 230 if name.endswith("packets") else y - x >= 200 * (64 + 42)


def test_register_dump(net):
    """ethtool -d: pairs of offset and value, true to the registers."""
    def dump():
        words = net.sh("ethtool -d $A raw on | od -An -v -tx4 -w4").split()
        return {int(offset, 16): int(value, 16) for offset, value in zip(words[::2], words[1::2])}
    status, tctl, seen = net.limits.status, net.limits.tctl, dump()
    assert len(seen) > 50 and len(set(seen.values())) > 10
    for offset in (status, tctl):
        assert seen[offset] == int(net.sh(f"python3 $H/regs.py $A {offset}"), 16)
    assert seen[status] & 2 and seen[tctl] & 2      # link up, transmitter enabled
    net.vm.link(0, False)
    try:
        assert eventually(lambda: not dump()[status] & 2)
    finally:
        net.vm.link(0, True)
    net.carrier()


# Receive side scaling: where a packet goes is a function of key, table and flow

def landed(net, first, count):
    """Which queue took the one packet of each flow."""
    queues = []
    for sport in range(first, first + count):
        before, = net.per_queue("rx-packets")
        net.sh(f"$P python3 $H/flows.py {B[4]} {A[4]} 9 {sport} 1")
        after, = net.per_queue("rx-packets")
        queues.append([i for i, (x, y) in enumerate(zip(before, after)) if x != y])
    return queues


def table(net):
    rows = re.findall(r"^ +(\d+):((?:\s+\d+)+)$", net.sh("ethtool -x $A"), re.M)
    return [int(q) for _, row in rows for q in row.split()]


@pytest.mark.parametrize("setting", ["default", f"hkey {KEY}"], ids=["default", "set"])
def test_hash_and_key(net, setting):
    """The hash of each flow is the Toeplitz hash of its addresses and ports with the key shown."""
    wrong = []
    with net.restored():
        net.sh(f"ethtool -X $A {setting}")
        indirection, shown = table(net), re.search(r"RSS hash key:\n([\da-f:]+)", net.sh("ethtool -x $A"))
        key = bytes.fromhex(shown[1].replace(":", ""))
        assert len(key) == net.limits.key
        for sport, seen in zip(range(21000, 21006), landed(net, 21000, 6)):
            flow = bytes(map(int, f"{B[4]}.{A[4]}".split("."))) + bytes([sport >> 8, sport & 255, 0, 9])
            want = indirection[toeplitz(key, flow) % net.limits.table]
            if want not in seen:
                wrong.append((sport, want, seen))
    assert not wrong, f"(port, expected queue, queues used): {wrong}"


@pytest.mark.parametrize("args, share", [("equal 1", {0}), ("equal 2", {0, 1}), ("weight 0 1", {1}),
                                         ("start 1 equal 1", {1})])
def test_table(net, args, share):
    spread = table(net)
    assert set(spread) == set(range(net.channels))
    with net.restored():
        net.sh(f"ethtool -X $A hkey {KEY}; ethtool -X $A {args}")
        entries = table(net)
        assert len(entries) == net.limits.table and set(entries) == share
        before, = net.per_queue("rx-packets")
        net.sh(f"$P python3 $H/flows.py {B[4]} {A[4]} 9 22000 64")
        counts = [y - x for x, y in zip(before, *net.per_queue("rx-packets"))]
        assert sum(c for i, c in enumerate(counts) if i in share | {0}) == sum(counts), counts
        assert all(counts[i] >= 10 for i in share), counts
    assert table(net) == spread


def test_table_follows_channels(net):
    """A table nobody has set spreads over the channels there are."""
    with net.restored():
        for n in (1, 2, net.limits.queues):
            net.sh(f"ethtool -L $A combined {n}")
            assert set(table(net)) == set(range(n))


def test_clean(net):
    net.check()
