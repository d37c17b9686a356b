# SPDX-License-Identifier: GPL-2.0-only
"""Header split: the same frames come in as ever, headers and payload apart; switched on and off under
traffic; refused where it cannot be."""
import re

import pytest
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, PadN

from frames import EXTENSIONS, Port, other
from oracle import Raw, payload
# With `port` below, and so with header split
from test_rx_frames import (Traffic, fragments, ip, tcp, test_checksums, test_runts,  # noqa: F401
                            test_sizes, test_tcp, test_too_long, test_vlan_checksums, udp)
from test_xdp import FRAGS, SINGLE, objects, put  # noqa: F401
from util import explained, pair

ROOM = 256                      # for headers; so much is copied of what is not split
ON, OFF = "tcp-data-split on", "tcp-data-split off"
EVENT = "/sys/kernel/tracing/events/net/napi_gro_receive_entry/enable"


@pytest.fixture
def port(vm):
    if vm.nics[0].model != "igb":
        pytest.skip("the chip cannot")
    port = Port.of(vm)
    with port.changed(f"ethtool -G $N {ON}", f"ethtool -G $N {OFF}"):
        port.carrier()
        yield port


@pytest.fixture(scope="module")
def net(machine):
    with pair(machine) as both:
        yield both


def shown(net):
    """What ethtool -g says of the current setting: on, off or n/a."""
    return re.findall(r"^TCP data split:\s+(\S+)", net.sh("ethtool -g $A"), re.M)[-1]


def kinds():
    """(name, headers, how many bytes of the frame are headers)"""
    for v in 4, 6:
        for name, l4 in ("TCP", tcp()), ("TCP with options", tcp(40)), ("UDP", udp()):
            head = ip(v) / l4
            yield f"{name}/IPv{v}", head, len(head)
        for part in fragments(v, payload(3000), False):
            yield f"fragment/IPv{v}", part, len(part) - len(part.lastlayer())
            break
    head = ip(4, 40) / tcp(40)
    yield "TCP/IPv4, options everywhere", head, len(head)
    for name, ext in EXTENSIONS.items():
        head = ip(6, ext=ext()) / tcp()
        yield f"TCP/IPv6 {name}", head, len(head)
    for n in 196, 240:
        head = ip(6, ext=IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(n))])) / udp()
        yield f"headers of {len(head)} bytes", head, min(len(head), ROOM)         # the last are too long


def test_apart(port):
    """What tells is len and data_len of the skb, as the driver hands it over."""
    t, want = Traffic(port), {}

    def add(name, pkt, linear):
        t.add(name, pkt)
        n = len(t.frames[-1])
        assert n not in want, "each is known by its length"
        want[n] = (name, min(linear, n))

    for i, (name, head, linear) in enumerate(kinds()):
        body = b"" if "fragment" in name else payload(1001 - len(head) + 2 * i)
        add(name, head / Raw(body) if body else head, linear)
    for n in 60, 255, 256, 257, 1500:
        add(f"no IP, {n} bytes", other(n, n, port.mac), ROOM)
    for n in 20, 99:
        add(f"TCP with {n} bytes", ip(6) / tcp() / Raw(payload(n)), 74)

    with port.changed("mountpoint -q /sys/kernel/tracing || mount -t tracefs nodev /sys/kernel/tracing;"
                      f"echo > /sys/kernel/tracing/trace; echo 1 > {EVENT}", f"echo 0 > {EVENT}"):
        port.receive(t.frames)
        trace = port.sh("cat /sys/kernel/tracing/trace")
    found = {}
    for line in trace.splitlines():
        if m := re.search(r"\blen=(\d+) data_len=(\d+) .* nr_frags=(\d+)", line):
            found.setdefault(int(m[1]) + 14, (int(m[1]) + 14 - int(m[2]), int(m[3])))
    wrong = [f"{name}: {found.get(n)}, want {linear}" for n, (name, linear) in want.items()
             if found.get(n) != (linear, int(n > linear))]
    assert not wrong, "\n".join(wrong)


def test_many_buffers(port):
    """A jumbo frame: its headers once, the rest in as many fragments as it takes."""
    t = Traffic(port)
    for n in 4096, 4097, 8192, 8193, port.max_mtu - 40:
        t.add(f"{n} bytes", ip(4) / tcp() / Raw(payload(n, n)))
    with port.changed(f"ip link set $N mtu {port.max_mtu}", "ip link set $N mtu 1500"):
        port.carrier()
        t.check(port.receive(t.frames))


@pytest.mark.long
def test_under_traffic(net):
    """On and off, with other sizes and MTUs: no link change, no broken connection."""
    if net.limits.queues == 2:
        pytest.skip("the chip cannot")
    with net.restored(), net.stream() as progress:
        changes = net.sh("cat /sys/class/net/$A/carrier_changes")
        for request in (f"ethtool -G $A {ON}", "ethtool -G $A rx 512", "ip link set $A mtu 9000",
                        f"ethtool -G $A {OFF}", f"ethtool -G $A {ON} rx 1024", "ethtool -L $A combined 1",
                        "ip link set $A mtu 1500", f"ethtool -G $A {OFF}", "ethtool -K $A rx-all on",
                        f"ethtool -G $A {ON}", "ethtool -K $A rx-all off", f"ethtool -G $A {OFF}"):
            net.sh(request)
            progress()
            if OFF in request or ON in request:
                assert shown(net) == request.split()[4]
        assert net.sh("cat /sys/class/net/$A/carrier_changes") == changes
    net.check()


def test_kept(net):
    """Over down and up, and by changes of something else."""
    if net.limits.queues == 2:
        pytest.skip("the chip cannot")
    with net.restored():
        assert shown(net) == "off"
        net.sh(f"ip link set $A down; ethtool -G $A {ON}; ip link set $A up")
        assert shown(net) == "on"
        net.carrier()
        net.iperf("-R")
        net.sh("ethtool -G $A tx 128")
        net.bounce()
        assert shown(net) == "on"
        net.sh(f"ethtool -G $A {OFF}")
        assert shown(net) == "off"
    net.check()


def test_refused(net, objects):  # noqa: F811
    """Where XDP is, where split is, and on a chip that has none: a reason and no change."""
    put(net.vm, objects)
    with net.restored(), net.undo("ip link set $A xdpdrv off"):
        if net.limits.queues == 2:
            cases = [("true", f"ethtool -G $A {ON}", "n/a")]
        else:
            cases = [(f"ip link set $A xdpdrv {SINGLE}", f"ethtool -G $A {ON}", "off"),
                     (f"ip link set $A xdpdrv off; ip link set $A xdpdrv {FRAGS}",
                      f"ethtool -G $A {ON}", "off"),
                     (f"ip link set $A xdpdrv off; ethtool -G $A {ON}",
                      f"ip link set $A xdpdrv {SINGLE}", "on"),
                     ("true", f"ip link set $A xdpdrv {FRAGS}", "on")]
        for setup, request, state in cases:
            net.sh(setup)
            result = net.run(request, check=False)
            text = result.out + result.err
            assert result.rc and explained(text), f"{request}: {text}"
            assert shown(net) == state
    net.check()
