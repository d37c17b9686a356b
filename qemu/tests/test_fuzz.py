# SPDX-License-Identifier: GPL-2.0-only
"""Malformed frames by the thousand: each that fits arrives, none that does not, nothing else happens.

IGNIS_SEED=N repeats a run, IGNIS_FUZZ=N sets the number of frames.
"""
import os
import random
import struct

import pytest
from scapy.layers.inet import GRE, ICMP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6ExtHdrFragment
from scapy.layers.l2 import ARP

from frames import ECHO, EXTENSIONS, MARK, PEER, PEER_MAC, US, Port, bursts, ip, other, tcp, udp
from oracle import IP, SCTP, Ether, IPv6, Raw, mac_bytes, payload
from test_xdp import SINGLE, objects, put  # noqa: F401
from util import eventually

pytestmark = pytest.mark.long
SEED = int(os.environ.get("IGNIS_SEED") or random.randrange(1 << 32))
FRAMES = int(os.environ.get("IGNIS_FUZZ") or 20_000)
SOURCE = mac_bytes(PEER_MAC)
LARGEST = 1514
# What the driver itself drops; in rx_dropped the stack counts frames that are nobody's
LOST = ("ethtool -S $N | grep -E 'rx_queue_[0-9]+_(dropped|errors)';"
        "python3 /ignis/qemu/guest/genl.py qstats | grep -o '\"rx-alloc-fail\": [0-9]*'")
# How the port is set up meanwhile, and how that is undone
SETUPS = {
    "plain": ("true", "true"),
    "GRO": ("ethtool -K $N gro on", "ethtool -K $N gro off"),
    "no offloads": ("ethtool -K $N rx off rxvlan off rxhash off", "ethtool -K $N rx on rxvlan on rxhash on"),
    "XDP": (f"ip link set $N xdpdrv {SINGLE}", "ip link set $N xdpdrv off"),
    "header split": ("ethtool -G $N tcp-data-split on", "ethtool -G $N tcp-data-split off"),
}
ETHERTYPES = (0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x9100, 0x8847, 0x8863, 0x8864, 0x88f7, 0x88cc, 0x888e, 0x22f3,
              0x6558, 0, 46, 1500, 0x5dc, 0x600, 0xffff)
PROTOCOLS = (0, 1, 2, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 132, 135, 136, 255)
BYTES = (0, 1, 5, 0x0f, 0x40, 0x45, 0x4f, 0x50, 0x60, 0x7f, 0x80, 0xf0, 0xff)
WORDS = (0, 1, 7, 8, 19, 20, 40, 0x2000, 0x1fff, 0x3fff, 0x4000, 0x7fff, 0x8000, 0xfff0, 0xffff)


def pool():
    """(frame, where its network header is, its transport header) of good ones to begin with."""
    ends, found = (PEER, US), []

    def add(pkt, tags=()):
        frame = bytes(pkt)
        l3 = 14
        l4 = l3 + (4 * (frame[14] & 15) if frame[12:14] == b"\x08\0" else 40)
        head = b"".join(struct.pack(">HH", *tag) for tag in tags)
        found.append((frame[:12] + head + frame[12:], l3 + len(head), l4 + len(head)))

    for v in 4, 6:
        proto = "proto" if v == 4 else "nh"
        for n in 0, 1, 100, 1300:
            body = Raw(payload(n, n))
            l4s = [udp(), tcp(), tcp(40), SCTP(sport=1, dport=2, tag=7), GRE(proto=0x6558) / Ether() / IP(),
                   IP(src=PEER[4], dst=US[4]) / udp(), IPv6(src=PEER[6], dst=US[6]) / tcp(),
                   ICMP() if v == 4 else ICMPv6EchoRequest()]
            for number, l4 in zip((17, 6, 6, 132, 47, 4, 41, 1 if v == 4 else 58), l4s):
                for options in (0, 40) if v == 4 else (0,):
                    pkt = ip(v, ends, options, **{proto: number}) / l4 / body
                    add(pkt)
                    add(pkt, [(0x8100, 5)])
                    add(pkt, [(0x88a8, 7), (0x8100, 4095)])
        for ext in EXTENSIONS.values() if v == 6 else ():
            add(ip(6, ends, ext=ext()) / tcp() / Raw(payload(64)))
            add(ip(6, ends, ext=ext() / IPv6ExtHdrFragment(nh=17, offset=3, m=1)) / Raw(payload(64)))
    for flags, at in ("MF", 0), ("MF", 100), (0, 8000), ("DF", 0):
        add(ip(4, ends, flags=flags, frag=at, proto=17) / Raw(payload(800)))
    for more, at in (1, 0), (1, 100), (0, 8000):
        add(ip(6, ends, ext=IPv6ExtHdrFragment(nh=17, offset=at, m=more)) / Raw(payload(800)))
    add(Ether(src=PEER_MAC) / ARP(psrc=PEER[4], pdst=US[4]))
    add(other(60))
    add(other(1514))
    return found


def mutated(rng, frames, us):
    """One of the frames with something wrong; mostly to us."""
    frame, l3, l4 = rng.choice(frames)
    f = bytearray(frame)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        how, end = rng.randrange(14), len(f)
        if how == 0:
            f[rng.randrange(12, end)] ^= 1 << rng.randrange(8)
        elif how < 3:                                   # anywhere in the headers
            f[rng.randrange(12, min(l4 + 24, end))] = rng.choice(BYTES)
        elif how < 5:
            at = rng.randrange(12, min(l4 + 24, end), 2)
            f[at:at + 2] = rng.choice(WORDS).to_bytes(2, "big")
        elif how == 5:
            del f[rng.randrange(14, end + 1):]
        elif how == 6:
            f += rng.randbytes(rng.choice((1, 7, 46, 600)))
        elif how == 7:                                  # more tags
            f[12:12] = b"".join(struct.pack(">HH", rng.choice((0x8100, 0x8100, 0x88a8, 0x9100)), rng.getrandbits(16))
                                for _ in range(rng.choice((1, 1, 2, 3, 20))))
        elif how == 8:
            f[12:14] = rng.choice(ETHERTYPES).to_bytes(2, "big")
        elif how == 9:                                  # version and length of the header
            f[l3:l3 + 1] = bytes([rng.choice((0x40, 0x60, 0x50, 0)) | rng.randrange(16)])
        elif how == 10:                                 # length, fragment
            at = l3 + rng.choice((2, 4, 6))
            f[at:at + 2] = (rng.choice((*WORDS, end - l3, end - l3 - 40, end - l3 + 1)) & 0xffff).to_bytes(2, "big")
        elif how == 11:
            at = l3 + (9 if rng.random() < .5 else 6)
            f[at:at + 1] = bytes([rng.choice(PROTOCOLS)])
        elif how == 12:                                 # a header once more
            f[l4:l4] = f[rng.choice((l3, l4)):l4 + 8] * rng.choice((1, 2, 8))
        else:                                           # the rest is another's
            donor = rng.choice(frames)[0]
            f[rng.choice((l3, l4, min(l4 + 8, end))):] = donor[rng.randrange(14, len(donor)):]
        if len(f) < 14:
            f = f.ljust(14, b"\0")
    f[0:12] = (us if rng.random() < .8 else rng.choice((b"\xff" * 6, b"\1\0\x5e\0\0\1", b"\x33\x33\0\0\0\1"))) + SOURCE
    del f[LARGEST:]
    return bytes(f)


class Counter:
    """qemu/guest/count_rx.py at work."""

    def __init__(self, port):
        self.wire, self.port, self.marks = port.wire, port, 0
        self.job = port.start("exec python3 /ignis/qemu/guest/count_rx.py $N")
        assert self.wire.recv(1, 20, match=ECHO + b"ready"), self.job.stop()

    def __call__(self):
        """(frames that came to the stack, frames the driver counted)"""
        self.marks += 1
        tag = b"mark %d" % self.marks
        self.wire.send(MARK + tag.ljust(60, b"\0"))
        answer = self.wire.recv(1, 10, match=lambda f: f.startswith(ECHO) and f[len(ECHO) + 16:].startswith(tag + b"\0"))
        assert answer, f"nothing gets through any more\n{self.job.stop()}{self.port.whereabouts()}"
        return struct.unpack_from("<QQ", answer[0], len(ECHO))


@pytest.fixture
def port(vm, objects):          # noqa: F811
    put(vm, objects)
    port = Port.of(vm)
    rings = port.sh("ethtool -g $N").split()
    with port.changed("ip link set $N promisc on; ethtool -G $N rx 4096; sysctl -qw net.ipv6.conf.$N.accept_ra=0",
                      f"ip link set $N promisc off; ethtool -G $N rx {rings[rings.index('Current') + 4]}"):
        yield port


@pytest.mark.parametrize("setup", SETUPS)
def test_malformed(port, setup, record_property):
    splits = port.vm.nics[0].model == "igb"
    if setup == "header split" and not splits:
        pytest.skip("the chip cannot")
    record_property("IGNIS_SEED", SEED)
    rng, frames, us = random.Random(f"{SEED} {setup}"), pool(), mac_bytes(port.mac)
    # QEMU crashes where it splits off headers that are longer than the frame; over 256 bytes it leaves them in
    # also where it sums up SCTP (protocol 0x84) that begins behind the end
    floor = 260 if setup == "header split" else 0
    on, off = SETUPS[setup]
    with port.addressed(), port.changed(on, off):
        port.carrier()
        before, lost = port.statistics(), port.sh(LOST)
        count, sent, too_long = Counter(port), 0, 0

        def batch(size):
            for _ in range(size):
                if rng.random() < .002:
                    yield rng.randbytes(12) + rng.choice(frames)[0][12:].ljust(rng.randrange(1600, 9000), b"\xa5")
                else:
                    frame = mutated(rng, frames, us).ljust(floor, b"\xa5")
                    yield frame if setup == "no offloads" else frame[:14] + frame[14:].replace(b"\x84", b"\x85")

        # QEMU loses frames when a ring runs empty
        for burst in bursts(batch(FRAMES // (len(SETUPS) - (not splits))), 1500):
            port.wire.send(burst)
            sent += sum(len(f) <= LARGEST for f in burst)
            too_long += sum(len(f) > LARGEST for f in burst)
            exact = (lambda: count() == (sent, sent)) if setup != "GRO" else (lambda: count()[1] == sent)
            if not eventually(exact, 5):
                seen = count()
                raise AssertionError(f"{sent} frames that fit and {too_long} that do not; the stack got {seen[0]}, "
                                     f"the driver counted {seen[1]}{port.whereabouts()}")
        count.job.stop()
        grown = port.statistics()
        grown.subtract(before)
        record_property(setup, f"{sent} frames arrived, {too_long} too long ones did not")
        assert [grown[k] for k in ("rx_missed_errors", "rx_fifo_errors", "tx_errors")] == [0] * 3
        assert port.sh(LOST) == lost
        port.wire.clear()
        ping = ip(4, (PEER, US)) / ICMP(id=77, seq=7) / Raw(payload(500))
        ping.dst = port.mac
        port.wire.send(bytes(ping))
        assert port.wire.recv(1, 5, match=lambda f: f[12:14] == b"\x08\0" and f[34] == 0 and f[42:] == payload(500))
