# SPDX-License-Identifier: GPL-2.0-only
"""XDP in the driver: each verdict on whole frames, in one buffer and in several; head and tail
moved; what the driver tells of a frame; programs that come, change and go under traffic.

qemu/guest/xdp.bpf.c does what each frame says."""
import json
import re
import struct
from itertools import product

import pytest
from scapy.layers.l2 import Dot1Q

import lab
from frames import PEER, US, Port, other
from frames import ip as headers
from frames import tcp
from oracle import OTHER, Ether, Raw, mac, mac_bytes, payload
from util import BOUNCE, bounces, eventually, explained, pair, toeplitz

ABORTED, DROP, PASS, TX, REDIRECT, UNKNOWN = 0, 1, 2, 3, 4, 77
SINGLE, FRAGS = "obj /out/xdp.o sec xdp", "obj /out/xdp.o sec xdp.frags"
SIZES = {SINGLE: (60, 61, 577, 1514), FRAGS: (60, 1514, 3071, 3072, 3073, 6144, 6145, 9000)}


@pytest.fixture(scope="session")
def objects(tmp_path_factory):
    """The programs, as {file: bytes}."""
    out = tmp_path_factory.mktemp("bpf")
    for name in "xdp", "xdp_meta":
        lab.chroot(f"clang -O2 -g -Wall -Werror -target bpf -I/usr/include/x86_64-linux-gnu "
                   f"-c /ignis/qemu/guest/{name}.bpf.c -o /build/{name}.o", "bpf", "building a BPF program",
                   binds=[(lab.PROJECT, "/ignis"), (out, "/build")], name="check")
    return {f"{name}.o": (out / f"{name}.o").read_bytes() for name in ("xdp", "xdp_meta")}


def put(vm, objects):
    for name, data in objects.items():
        (vm.dir / "out" / name).write_bytes(data)


@pytest.fixture
def port(vm, objects):
    put(vm, objects)
    port = Port.of(vm)
    with port.changed("ip link set $N promisc on",
                      "ip link set $N xdpdrv off; ip link set $N mtu 1500 promisc off"):
        yield port


def attach(port, program):
    port.sh(f"ip link set $N mtu {1500 if program == SINGLE else port.max_mtu}")
    port.sh(f"ip link set $N xdpdrv {program}")
    port.carrier()


def command(case, n, action, head=0, tail=0, ifindex=0):
    """A frame of n bytes that tells the program what to do with it."""
    order = b"XDP!" + struct.pack("<IiiI", action, head, tail, ifindex)
    start = bytes(6) + mac_bytes(mac(case)) + OTHER.to_bytes(2, "big") + order
    return start + payload(n - len(start), case)


def obeyed(frame, head, tail):
    """What the program makes of it; hardware fills a short one up."""
    if head < 0:
        frame = frame[:14] + b"\x55" * -head + frame[14:]
    else:
        frame = frame[:14] + frame[14 + head:]
    frame = frame[:tail] if tail < 0 else frame + bytes(tail)
    return frame if len(frame) >= 17 else frame.ljust(17, b"\0")


def counters(port):
    text = port.sh("ethtool -S $N")
    return {what: sum(map(int, re.findall(rf"rx_queue_\d+_xdp_{what}: (\d+)", text)))
            for what in ("drop", "tx", "redirect")}


def mine(frame):
    return frame[6:10] == b"\x02\0\0\0" and frame[12:14] == OTHER.to_bytes(2, "big")


def verdicts(port, sizes, actions, burst, ifindex=0):
    """Frames of all sizes with each action come back, go up, or neither, and are counted."""
    before = counters(port)
    sent, back, up = [], {}, {}
    for case, (n, action) in enumerate(product(sizes, actions)):
        frame = command(case, n, action, ifindex=ifindex)
        sent.append(frame)
        if action in (TX, REDIRECT):
            back[case] = frame
        elif action == PASS:
            up[case] = frame
    port.wire.clear()
    for at in range(0, len(sent), burst):
        port.wire.send(sent[at:at + burst])
    got = port.wire.recv(len(back), 5, match=mine)
    assert sorted(got) == sorted(back.values())

    seen = [s.frame for s in port.receive(list(sent), room=30).frames if s.case in up]
    assert sorted(seen) == sorted(up.values())
    grown = {what: n - before[what] for what, n in counters(port).items()}
    times = 2 * len(sizes)
    assert grown == {"drop": len({*actions} - {TX, REDIRECT, PASS}) * times, "tx": times, "redirect": times}


@pytest.mark.parametrize("program", [SINGLE, FRAGS], ids=["single", "frags"])
def test_verdicts(port, program):
    attach(port, program)
    verdicts(port, SIZES[program], (TX, DROP, PASS, REDIRECT, ABORTED, UNKNOWN), 12,
             ifindex=int(port.sh("cat /sys/class/net/$N/ifindex")))


@pytest.mark.vm(cmdline=BOUNCE)
@pytest.mark.parametrize("program", [SINGLE, FRAGS], ids=["single", "frags"])
def test_bounce(port, program):
    """With memory that the device cannot reach."""
    bounces(port)
    test_verdicts(port, program)


def adjusted(port, sizes, tails, action, burst):
    """Head and tail are moved, and the frames come back, or go up, as that makes them."""
    sent, want = [], []
    for n, head, tail in product(sizes, (-200, -16, 0, 15, 20), tails):
        if n - head + tail < 60 or n + tail < 34 or n - head + tail > port.max_mtu + 14:
            continue
        frame = command(len(sent), n, action, head, tail)
        sent.append(frame)
        want.append(obeyed(frame, head, tail))
    assert len(sent) > 40
    if action == PASS:
        got = [s.frame for s in port.receive(sent, room=60).frames if s.case in range(len(sent))]
    else:
        port.wire.clear()
        got = []
        for at in range(0, len(sent), burst):
            port.wire.send(sent[at:at + burst])
            got += port.wire.recv(len(sent[at:at + burst]), 5, match=lambda f: f[6:10] == b"\2\0\0\0")
    wrong = [(len(w), len(g)) for w, g in zip(sorted(want), sorted(got)) if w != g]
    assert len(got) == len(want) and not wrong, wrong


@pytest.mark.parametrize("program", [SINGLE, FRAGS], ids=["single", "frags"])
@pytest.mark.parametrize("action", [TX, PASS], ids=["TX", "PASS"])
def test_adjust(port, program, action):
    attach(port, program)
    adjusted(port, SIZES[program], (-400, -1, 0, 1, 100), action, 16)


def test_out_of_reach(port):
    """What there is no room for is refused by the helper, and the frame with it."""
    attach(port, FRAGS)
    before = counters(port)
    bad = [command(1, 1000, TX, head=-250), command(2, 1000, TX, head=990), command(3, 1000, TX, tail=-995),
           command(4, 1000, TX, tail=4000), command(5, 6000, TX, tail=4000)]
    port.wire.clear()
    port.wire.send(bad)
    port.wire.send(command(6, 60, TX))
    assert port.wire.recv(2, 2, match=lambda f: f[6:10] == b"\2\0\0\0") == [command(6, 60, TX)]
    assert counters(port)["drop"] - before["drop"] == len(bad)


def test_metadata(port):
    """Hash, VLAN tag and time stamp, as the chip has them, reach the program."""
    metadata(port)


def metadata(port):
    listed = port.vm.run("bpftool prog help 2>&1 | grep -q xdpmeta_dev", check=False)
    if listed.rc:
        pytest.skip("this bpftool cannot bind a program to a device")
    key = bytes(range(3, 43))
    with port.changed(f"ethtool -X $N hkey {key.hex(':')}; bpftool prog load /out/xdp_meta.o /sys/fs/bpf/meta "
                      "type xdp xdpmeta_dev $N; ip link set $N xdpdrv pinned /sys/fs/bpf/meta;"
                      "hwstamp_ctl -i $N -r 12 >/dev/null",           # PTP version 2, events
                      "hwstamp_ctl -i $N -r 0 >/dev/null;"
                      "ip link set $N xdpdrv off; rm -f /sys/fs/bpf/meta; ethtool -X $N hkey default || true"):
        port.carrier()
        ends = bytes(map(int, f"{PEER[4]}.{US[4]}".split(".")))
        cases = [("TCP", headers(4, (PEER, US)) / tcp() / Raw(payload(60)), ends + struct.pack(">HH", 1024, 9), 8),
                 ("IP", headers(4, (PEER, US), frag=8, proto=17) / Raw(payload(80)), ends, 1),
                 ("not IP", Ether(other(100)), None, 0),
                 ("PTP", Ether(type=0x88f7) / Raw(b"\0\2" + bytes(98)), None, 0),
                 ("tagged", Ether() / Dot1Q(vlan=77, prio=5) / headers(4, (PEER, US)).payload / tcp()
                  / Raw(payload(60)), ends + struct.pack(">HH", 1024, 9), 8)]
        port.wire.clear()
        for case, (name, pkt, hashed, kind) in enumerate(cases):
            pkt.src, pkt.dst = mac(case), port.mac
            port.wire.send(bytes(pkt))
            frame, = port.wire.recv(1, 3, match=lambda f: f[6:10] == b"\2\0\0\0")
            hash_err, value, kind_told, vlan_err, proto, tci, stamp_err, stamp = struct.unpack_from("<7IQ", frame, 54)
            assert hash_err == (0 if hashed else 61), name              # ENODATA
            assert kind_told & 8 == kind & 8, name
            if hashed:
                assert value == toeplitz(key, hashed), name
            if name == "tagged":
                assert (vlan_err, proto, tci) == (0, 0x81, 5 << 13 | 77)
            else:
                assert vlan_err == 61, name
            if name == "PTP" and port.limits.ptp_latch:
                now = int(port.sh("date +%s"))
                assert stamp_err == 0 and now - 60 < stamp / 1e9 < now + 100
            else:
                assert stamp_err == 61, name


def test_refused(port):
    """A program for one buffer and frames that need several do not go together."""
    def state():
        link, = json.loads(port.sh("ip -d -j link show $N"))
        return link["mtu"], link.get("xdp", {}).get("prog", {}).get("id")

    attach(port, FRAGS)
    old = state()
    res = port.vm.run(f"ip -force link set {port.name} xdpdrv {SINGLE}", check=False)
    assert res.rc and explained(res.err) and "3046" in res.err, res
    assert state() == old

    port.sh("ip link set $N xdpdrv off")
    attach(port, SINGLE)
    port.sh("ip link set $N mtu 3046")
    old = state()
    assert port.vm.run(f"ip link set {port.name} mtu 3047", check=False).rc
    assert state() == old
    frame = command(1, 3060, TX)
    port.wire.clear()
    port.wire.send([command(2, 4000, TX), frame])           # too long for either chip or program
    assert port.wire.recv(2, 2, match=lambda f: f[6:10] == b"\2\0\0\0") == [frame]


def test_target_down(port):
    """Frames redirected to a port that is down are dropped, and nothing else happens."""
    attach(port, SINGLE)
    down = int(port.sh(f"cat /sys/class/net/{port.vm.netdev(1)}/ifindex"))
    was_up = "UP" in port.sh(f"ip -br link show {port.vm.netdev(1)}").split()
    with port.changed(f"ip link set {port.vm.netdev(1)} down",
                      f"ip link set {port.vm.netdev(1)} {'up' if was_up else 'down'}"):
        port.wire.clear()
        port.wire.send([command(1, 60, REDIRECT, ifindex=down)] * 20 + [command(2, 60, TX)])
        assert port.wire.recv(1, 2, match=lambda f: f[6:10] == b"\2\0\0\0") == [command(2, 60, TX)]


@pytest.mark.long
def test_under_traffic(machine, objects):
    """Attach, replace and detach: no broken connection, no link change; replacing loses nothing."""
    with pair(machine, kmemleak=True) as net:
        put(net.vm, objects)
        changes = "cat /sys/class/net/$A/carrier_changes; $P cat /sys/class/net/$B/carrier_changes"
        before = net.sh(changes)
        with net.undo("ip link set $A xdpdrv off"), net.stream() as progress:
            for program in SINGLE, FRAGS:
                net.sh(f"ip link set $A xdpdrv {program}")
                progress()
                for n in range(5):
                    net.sh(f"ip -force link set $A xdpdrv {(FRAGS, SINGLE)[n % 2]}")
                progress()
                net.sh("ip link set $A xdpdrv off")
                progress()
        assert net.sh(changes) == before
        with net.undo("ip link set $A xdpdrv off"):
            net.sh(f"ip link set $A xdpdrv {SINGLE}")
            job = net.start("for i in 1 2 3 4 5 6 7 8 9 10; do ip -force link set $A xdpdrv "
                            f"{FRAGS}; ip -force link set $A xdpdrv {SINGLE}; done")
            was = net.stats()
            got = net.train(3000, gap=300)
            job.wait()
            assert got["got"] == 3000, (got, net.grown(was))
        left = [p for p in json.loads(net.sh("bpftool -j prog")) if p["type"] == "xdp"]
        assert not left
        net.check()


def test_cpumap(machine):
    """Frames handed to another CPU and on to the stack there."""
    with pair(machine, kmemleak=True) as net:
        job = net.start("exec xdp-bench redirect-cpu -c 1 -p touch -i 1 $A")
        try:
            eventually(lambda: "prog/xdp" in net.sh("ip link show $A") or "Failed to attach" in job.output(), 20)
            if "failed to find kernel BTF" in job.output():
                pytest.skip("this xdp-bench is too old for the kernel")
            net.wait("ping -q -c 1 -W 1 192.0.2.2", 30)         # it attaches first and fills its maps then
            net.ping(sizes=(0, 56, 1472), args="-c 20 -i .01")
        finally:
            job.stop(2)
        net.sh("ip link set $A xdpdrv off")
        net.ping()
