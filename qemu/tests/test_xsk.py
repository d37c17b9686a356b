# SPDX-License-Identifier: GPL-2.0-only
"""AF_XDP zero copy: what sockets receive and send, byte by byte; the rest of XDP and the stack on
the same queue; sockets that come and go; changes of the port under them.

qemu/guest/xsk.c is the program; it demands zero copy when it binds. The frames are
commands to qemu/guest/xdp.bpf.c.
"""
import json
from itertools import count

import pytest
from scapy.layers.inet import UDP

import lab
from frames import PEER, US, Port
from frames import ip as headers
from frames import udp
from oracle import Raw, ones_sum, payload
from test_xdp import (ABORTED, DROP, FRAGS, PASS, REDIRECT, SINGLE, TX, adjusted, command, counters,
                      metadata, mine, objects, put, verdicts)
from util import B, BOUNCE, bounces, eventually, pair
from vm import patience

__all__ = ["objects"]
SIZES = (60, 61, 577, 1514)
JUMBO = (60, 1514, 3071, 3072, 3073, 6144, 9000)
SHORT = "chunk=2048 frames=2048"
PAGES = "chunk=4096 frames=2048"
serial = count()


def built(tmp_path_factory, name, root="base", libs=""):
    out = tmp_path_factory.mktemp(name)
    lab.chroot(f"gcc -O2 -Wall -Werror -o /build/{name} /ignis/qemu/guest/{name}.c {libs}", "xsk", f"building {name}",
               binds=[(lab.PROJECT, "/ignis"), (out, "/build")], name=root)
    return (out / name).read_bytes()


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    return built(tmp_path_factory, "xsk")


@pytest.fixture(scope="session")
def on_libxdp(tmp_path_factory):
    return built(tmp_path_factory, "xsk_echo", "dpdk", "-lxdp")


def install(vm, program, objects):
    put(vm, {**objects, "xsk": program})
    vm.run("cp /out/xsk /run/xsk; chmod +x /run/xsk")


@pytest.fixture
def port(vm, program, objects):
    install(vm, program, objects)
    port = Port.of(vm)
    with port.changed("ip link set $N promisc on",
                      "pkill -x xsk || true; ip link set $N up;"
                      "ip link set $N xdpdrv off; ip link set $N mtu 1500 promisc off; ethtool -K $N rx-all off"):
        yield port


def attach(port, program, mtu=1500):
    port.sh(f"ip link set $N mtu {mtu}; ip link set $N xdpdrv {program}")
    port.carrier()


class Socket:
    """The program, bound."""

    def __init__(self, on, mode, options="", dev="$N", redirect=True):
        self.on = on
        ready = f"/tmp/ready-{next(serial)}"
        if redirect:
            mine, = [m["id"] for m in json.loads(on.sh("bpftool -j map show")) if m.get("name") == "xsks"]
            options += f" map={mine}"
        self.job = on.start(f"exec /run/xsk {dev} {mode} ready={ready} {options}")
        res = on.sh(f"for i in $(seq {patience(100)}); do [ -e {ready} ] && exit; sleep .1; done; echo not ready")
        assert not res, f"{res}{self.job.stop()}"

    def stop(self):
        return self.answer(self.job.stop())

    def wait(self):
        return self.answer(self.job.wait())

    @staticmethod
    def answer(res):
        assert res.rc == 0 and res.out, res
        seen = json.loads(res.out)
        assert seen["zerocopy"] and not seen["invalid"], seen
        return seen


def to_socket(case, n):
    return command(case, n, REDIRECT)


def round_trip(port, sizes, burst=12, times=1):
    """Frames for the socket, which sends them back."""
    sent = [to_socket(case, n) for case, n in enumerate(sizes * times)]
    port.wire.clear()
    got = []
    for at in range(0, len(sent), burst):
        port.wire.send(sent[at:at + burst])
        got += port.wire.recv(len(sent[at:at + burst]), 5, match=mine)
    wrong = [(len(s), len(g)) for s, g in zip(sent, got) if s != g]
    assert len(got) == len(sent) and not wrong, (len(got), len(sent), wrong)
    return len(sent)


@pytest.mark.parametrize("options", [
    "", "nowakeup=1", "busy=1", "headroom=64", "unaligned=1", "ring=64 frames=32", "chunk=4096"])
def test_echo(port, options):
    attach(port, SINGLE)
    sock = Socket(port, "echo", options)
    before = counters(port)
    sent = round_trip(port, SIZES, times=20)
    seen = sock.stop()
    assert (seen["rx"], seen["tx"], seen["done"]) == (sent, sent, sent)
    assert counters(port)["redirect"] - before["redirect"] == sent


@pytest.mark.vm(cmdline=BOUNCE)
@pytest.mark.parametrize("options", ["", "nowakeup=1"])
def test_bounce(port, options):
    """With memory that the device cannot reach."""
    bounces(port)
    test_echo(port, options)


@pytest.mark.parametrize("options, holds", [(PAGES, 3072), (SHORT, 1024), ("chunk=3000 unaligned=1", 2048)])
def test_echo_frags(port, options, holds):
    """Frames in several buffers."""
    attach(port, FRAGS, port.max_mtu)
    sock = Socket(port, "echo", f"sg=1 {options}")
    sent = round_trip(port, JUMBO, burst=7, times=5)
    seen = sock.stop()
    assert seen["rx"] == seen["tx"] == sent
    assert seen["rx_descs"] == 5 * sum(-(-n // holds) for n in JUMBO)
    assert seen["done"] == seen["tx_descs"] == seen["rx_descs"]


def test_libxdp(port, on_libxdp):
    """A program on libxdp, with all that the library does by itself."""
    put(port.vm, {"xsk_echo": on_libxdp})
    job = port.start("cp /out/xsk_echo /run; chmod +x /run/xsk_echo; exec /run/xsk_echo $N 0")
    try:
        assert eventually(lambda: "bound" in job.output(), 20), job.output()
        sent = round_trip(port, SIZES, times=200)
    finally:
        port.sh("pkill -x xsk_echo || true")
        out = job.wait().out
    seen = json.loads(out.split("bound")[1])
    assert seen["zerocopy"] and (seen["echoed"], seen["returned"]) == (sent, sent), seen
    assert seen["wakeups"]
    assert "prog/xdp" not in port.sh("ip link show $N")


def test_receive(port):
    """Many more than there are buffers, which come back all the time."""
    attach(port, SINGLE)
    sock = Socket(port, "rx", "frames=256 progress=/tmp/progress")
    frames = [to_socket(n, 60) for n in range(3000)]
    for at in range(0, 3000, 60):
        port.wire.send(frames[at:at + 60])
        # QEMU loses frames when a ring runs empty, and those of the last burst may not be back yet
        port.sh(f"for i in $(seq {patience(200)}); do n=$(od -An -td8 /tmp/progress); [ ${{n:-0}} -ge {at + 60} ] && exit 0;"
                " sleep .05; done; echo $n >&2; exit 1")
    seen = sock.stop()
    assert (seen["rx"], seen["rx_bytes"], seen["dropped"]) == (3000, 180000, 0)


def test_starved(port):
    """Without buffers nothing comes in, and nothing else happens; with them it does."""
    attach(port, SINGLE)
    sock = Socket(port, "rx", "starve=1")
    port.wire.send([to_socket(n, 60) for n in range(20)])
    port.sh("sleep 5")                  # the watch for stalled queues looks every two seconds
    assert sock.stop()["rx"] == 0
    sock = Socket(port, "echo")
    round_trip(port, SIZES)
    sock.stop()
    assert "stalled" not in port.sh("dmesg | tail -5")


def test_too_few(port):
    """A buffer is left, but a frame needs three: more of them are found without being asked for."""
    attach(port, FRAGS, port.max_mtu)
    sock = Socket(port, "rx", f"sg=1 nowakeup=1 few=4 progress=/tmp/few {PAGES}")

    def one_more():
        port.wire.send([to_socket(0, 9000)])
        return int(port.sh("od -An -t u8 /tmp/few").strip() or 0) >= 5

    assert eventually(one_more, 15)
    sock.stop()


def test_self_test(port):
    """The self-test's frames do not have to fit a socket's buffers."""
    attach(port, FRAGS)
    sock = Socket(port, "echo", f"sg=1 {SHORT}")
    port.sh("ethtool -t $N offline")
    port.carrier()
    round_trip(port, SIZES)
    sock.stop()


@pytest.mark.parametrize("options", ["", "nowakeup=1", "busy=1", "queue=0,1"])
def test_transmit(port, options):
    sock = Socket(port, "tx", f"count=1000 size=100 {options}", redirect=False)
    got = port.wire.recv(1000, 10, match=lambda f: f[6:12] == b"\2\0\0\0\x77\x77")
    seen = sock.wait()
    assert (seen["tx"], seen["done"]) == (1000, 1000)
    numbers = [int.from_bytes(f[14:18], "little") for f in got]
    assert sorted(numbers) == list(range(1000))
    if "," not in options:
        assert numbers == list(range(1000))
    assert all(f[18:] == bytes((n + i) & 255 for i in range(18, 100)) for n, f in zip(numbers, got))


def test_transmit_without_link(port):
    """What was queued while the cable was out leaves when it is in, without a word from the program."""
    port.vm.link(0, False)
    try:
        assert eventually(lambda: "LOWER_UP" not in port.sh("ip link show $N"), 10)
        sock = Socket(port, "tx", "count=20 size=100", redirect=False)
        port.sh("sleep 1; pkill -STOP -x xsk")
    finally:
        port.vm.link(0, True)
    got = port.wire.recv(20, patience(10), match=lambda f: f[6:12] == b"\2\0\0\0\x77\x77")
    port.sh("pkill -CONT -x xsk")
    assert [int.from_bytes(f[14:18], "little") for f in got] == list(range(20))
    assert sock.wait()["done"] == 20


@pytest.mark.parametrize("size, piece", [(14, 14), (16, 5), (17, 1792), (60, 60), (1514, 1000), (1514, 100), (9000, 3000)])
def test_transmit_sizes(port, size, piece):
    """Frames too short for the chip, in pieces, jumbo."""
    port.sh("ip link set $N mtu 9000" if size > 1514 else ":")
    sock = Socket(port, "tx", f"count=40 size={size} piece={piece} {PAGES} sg=1", redirect=False)
    got = port.wire.recv(40, 10, match=lambda f: f[6:12] == b"\2\0\0\0\x77\x77")
    seen = sock.wait()
    pieces = -(-size // piece)
    assert (seen["tx"], seen["done"]) == (40, 40 * pieces)
    assert len(got) == 40
    for n, frame in enumerate(got):
        want = (bytes.fromhex("ffffffffffff02000000777788b5") + n.to_bytes(4, "little")
                + bytes((n + i) & 255 for i in range(18, size)))[:size]
        assert frame[:size] == want and not any(frame[size:]) and len(frame) == max(size, 17), n


def test_transmit_too_long(port):
    """What the chip cannot send is dropped and given back, and what follows is sent."""
    port.sh(f"ip link set $N mtu {port.max_mtu}")
    before = port.sh("ethtool -S $N | grep -o 'tx_queue_0_dropped: .*'")
    sock = Socket(port, "tx", f"count=20 size=20000 piece=3000 {PAGES} sg=1", redirect=False)
    seen = sock.wait()
    assert (seen["tx"], seen["done"]) == (20, 140)
    assert port.sh("ethtool -S $N | grep -o 'tx_queue_0_dropped: .*'") != before
    port.sh("ip link set $N mtu 1500")
    sock = Socket(port, "tx", "count=20", redirect=False)
    assert len(port.wire.recv(20, 5, match=lambda f: f[6:12] == b"\2\0\0\0\x77\x77")) == 20
    sock.wait()


@pytest.mark.parametrize("v", [4, 6])
def test_checksum(port, v):
    """The chip fills in what the metadata of a frame asks for."""
    pkt = headers(v, (US, PEER)) / udp() / Raw(payload(200))
    whole = bytes(pkt)
    start = len(whole) - len(pkt[UDP])
    pseudo = bytes(pkt)[26:34] if v == 4 else bytes(pkt)[22:54]
    length = len(pkt[UDP])
    partial = ones_sum(pseudo + (17).to_bytes(4, "big") + length.to_bytes(4, "big"))
    frame = whole[:start + 6] + partial.to_bytes(2, "big") + whole[start + 8:]
    assert frame != whole
    sock = Socket(port, "tx", f"count=5 frame={frame.hex()} meta={start}:6", redirect=False)
    got = port.wire.recv(5, 5, match=lambda f: f[6:12] == whole[6:12])
    sock.wait()
    assert got == [whole] * 5
    sock = Socket(port, "tx", f"count=5 frame={frame.hex()}", redirect=False)
    got = port.wire.recv(5, 5, match=lambda f: f[6:12] == whole[6:12])
    sock.wait()
    assert got == [frame] * 5           # nothing was asked for


def test_stamps(port):
    """A socket is told when its frames were sent, as far as the one latch is free; 0 else."""
    whole = bytes(headers(4, (US, PEER)) / udp() / Raw(payload(200)))
    partial = ones_sum(whole[26:34] + (17).to_bytes(4, "big") + (208).to_bytes(4, "big"))
    frame = whole[:40] + partial.to_bytes(2, "big") + whole[42:]

    def clock():
        return int(port.vm.python("import sys; sys.path.insert(0, '/ignis/qemu/guest'); from phc import Clock;"
                                  "print(Clock(sys.argv[1]).ns())", port.vm.pci(0)))

    def stamps(count):
        port.wire.clear()
        sock = Socket(port, "tx", f"count={count} stamp=1 meta=34:6 frame={frame.hex()}", redirect=False)
        seen = sock.wait()
        assert port.wire.recv(count, 5, match=lambda f: f[6:12] == whole[6:12]) == [whole] * count
        assert len(seen["stamps"]) == seen["done"] == count
        return seen["stamps"]

    assert stamps(3) == [0] * 3         # nobody has turned it on
    with port.changed("hwstamp_ctl -i $N -t 1 >/dev/null", "hwstamp_ctl -i $N -t 0 >/dev/null"):
        for count in (1, 1, 10):
            start = clock()
            first, *others = stamps(count)
            end = clock()
            told = [n for n in (first, *others) if n]
            if port.limits.ptp_latch:
                assert first and told == sorted(set(told)) and all(start < n < end for n in told), (start, told, end)
            else:
                assert not told         # no latch, and none that waits for it


@pytest.mark.parametrize("jumbo", [False, True], ids=["single", "frags"])
def test_verdicts(port, jumbo):
    """All that XDP can say of a frame in AF_XDP buffers."""
    attach(port, FRAGS if jumbo else SINGLE, port.max_mtu if jumbo else 1500)
    sock = Socket(port, "echo", f"{PAGES} {'sg=1' if jumbo else ''}")
    sizes = JUMBO if jumbo else SIZES
    verdicts(port, sizes, (TX, DROP, PASS, REDIRECT, ABORTED), 10)
    assert sock.stop()["rx"] == 2 * len(sizes)


@pytest.mark.parametrize("action", [TX, PASS, REDIRECT], ids=["TX", "PASS", "XSK"])
def test_adjust(port, action):
    """Head and tail moved, in AF_XDP buffers."""
    attach(port, FRAGS, port.max_mtu)
    sock = Socket(port, "echo", f"{PAGES} sg=1")
    adjusted(port, JUMBO, (-400, -1, 0), action, 8)
    sock.stop()


def test_metadata(port):
    """What the chip tells of a frame, in AF_XDP buffers."""
    sock = Socket(port, "idle", redirect=False)
    metadata(port)
    sock.stop()


def test_stack(port):
    """A queue with AF_XDP buffers and no program is the stack's as before, both ways."""
    with port.addressed():
        sock = Socket(port, "idle", redirect=False)
        frames = [bytes(headers(4, (PEER, US), id=case) / udp(dport=9) / Raw(payload(n, case)))
                  for case, n in enumerate((40, 100, 1000, 1400))]
        frames = [port_mac(port) + b"\2\0\0\0\0" + bytes([case]) + f[12:] for case, f in enumerate(frames)]
        seen = {s.case: s for s in port.receive(frames).frames if s.case is not None}
        assert [seen[case].frame for case in range(4)] == frames
        assert all(s.claimed for s in seen.values())
        port.wire.clear()
        port.sh(f"ping -c 3 -i .1 -W 1 {PEER[4]} || true")
        assert len(port.wire.recv(3, 2, match=lambda f: f[12:14] == b"\x08\0")) == 3
        sock.stop()


def port_mac(port):
    return bytes.fromhex(port.mac.replace(":", ""))


def test_changes(port):
    """The socket lives through whatever happens to the port."""
    attach(port, FRAGS)
    sock = Socket(port, "echo", f"{PAGES} sg=1")
    changes = port.sh("cat /sys/class/net/$N/carrier_changes")
    channels = port.limits.queues if port.limits.queues < 4 else 4
    for change in ("ethtool -G $N rx 64 tx 64", "ethtool -G $N rx 1024 tx 256", "ip link set $N mtu 3000",
                   f"ip link set $N mtu {port.max_mtu}", "ip link set $N mtu 1500", "ethtool -L $N combined 1",
                   f"ethtool -L $N combined {channels}", f"ip -force link set $N xdpdrv {FRAGS}",
                   "ethtool -K $N rxvlan off", "ethtool -K $N rxvlan on", "ethtool -G $N rx 512 tx 512"):
        port.sh(change)
        if "xdpdrv" in change:          # a new map
            sock.stop()
            sock = Socket(port, "echo", f"{PAGES} sg=1")
        round_trip(port, SIZES, times=3)
    assert port.sh("cat /sys/class/net/$N/carrier_changes") == changes
    port.sh("ip link set $N down; ip link set $N up")
    port.carrier()
    round_trip(port, SIZES, times=3)
    port.sh("ethtool -r $N")
    port.sh("sleep 1")
    port.carrier()
    round_trip(port, SIZES, times=3)
    port.sh("ip link set $N xdpdrv off")
    seen = sock.stop()
    assert seen["done"] == seen["tx_descs"]


def test_bound_while_down(port):
    attach(port, SINGLE)
    port.sh("ip link set $N down")
    sock = Socket(port, "echo")
    port.sh("ip link set $N up")
    port.carrier()
    round_trip(port, SIZES)
    port.sh("ip link set $N down")
    sock.stop()
    port.sh("ip link set $N up")
    port.carrier()
    port.wire.send(command(1, 60, TX))
    assert port.wire.recv(1, 5, match=mine)


def test_refused(port):
    """What does not go together is refused, told why, and changes nothing."""
    def refuses(script, why):
        log = port.sh("dmesg | wc -l")
        res = port.vm.run(f"N={port.name}; {script}", check=False)
        said = res.out + res.err + port.sh(f"dmesg | tail -n +{int(log) + 1}")
        assert res.rc and why in said, (script, said)
        round_trip(port, SIZES)

    attach(port, SINGLE)
    sock = Socket(port, "echo")
    refuses("ip link set $N mtu 2000", "XDP_USE_SG")
    refuses("ethtool -K $N rx-all on", "XDP_USE_SG")
    refuses("/run/xsk $N idle idle=1", "usy")
    refuses("/run/xsk $N idle idle=1 queue=77", "nvalid")
    last = port.limits.queues if port.limits.queues < 4 else 4
    # The 82574L has one size for the buffers of both queues
    refuses(f"/run/xsk $N idle idle=1 queue={last - 1} sg=1 chunk=2048",
            "frags support" if port.vm.nics[0].model == "igb" else "queue 0: bind with XDP_USE_SG")
    refuses(f"/run/xsk $N idle idle=1 queue={last - 1} sg=1 chunk=2048 headroom=1000", "1024 bytes")
    other = Socket(port, "idle", f"queue={last - 1}", redirect=False)
    refuses(f"ethtool -L $N combined {last - 1}", "AF_XDP")
    other.stop()
    sock.stop()


@pytest.mark.long
def test_neighbours(machine, program, objects):
    """Sockets come and go on one queue; others lose nothing where the chip can stop one."""
    with pair(machine, kmemleak=True) as net:
        install(net.vm, program, objects)
        queue = net.channels - 1
        carrier = "cat /sys/class/net/$A/carrier_changes; $P cat /sys/class/net/$B/carrier_changes"
        with net.restored():
            net.sh("ethtool -X $A equal 1")
            changes = net.sh(carrier)
            loop = net.start(f"for i in $(seq 15); do /run/xsk $A idle queue={queue} idle=50 || exit 1; done")
            if machine.device == "igb":
                got = net.train(3000, gap=500)
                assert got["got"] == 3000, got
            with net.stream() as progress:
                progress()
            loop.wait()
            assert net.sh(carrier) == changes
            net.ping(sizes=(56, 1472))


@pytest.mark.long
def test_leaks(machine, program, objects):
    """Bound, killed, reconfigured meanwhile: nothing is left behind."""
    with pair(machine, kmemleak=True) as net:
        install(net.vm, program, objects)

        def rounds(n):
            net.sh(f"""for i in $(seq {n}); do
                /run/xsk $A echo sg=1 queue=0,1 chunk=4096 ready=/tmp/up & pid=$!
                for j in $(seq 100); do [ -e /tmp/up ] && break; sleep .05; done; rm /tmp/up
                ethtool -G $A rx $((64 << i % 4)); ip link set $A xdpdrv {FRAGS}
                {f"ping -q -c 5 -i .01 -W 1 {B[4]} >/dev/null || true"}
                kill -$((i % 2 ? 9 : 15)) $pid; wait $pid || true
                ip link set $A xdpdrv off; done""", timeout=300)

        with net.restored(), net.undo("ip link set $A xdpdrv off"):
            rounds(4)
            before = net.holdings()
            rounds(12)
            assert eventually(lambda: net.pools() == (net.channels, 0), 20), net.genl("page-pool")
            net.check_leaks(before)
            net.ping(sizes=(56, 1472))
        net.check()
