# SPDX-License-Identifier: GPL-2.0-only
"""Every frame that leaves the card is, byte for byte, the one scapy computes.

Most frames are handed to the driver by AF_PACKET with a virtio_net_hdr: that gives it an sk_buff
whose checksum is left to it (CHECKSUM_PARTIAL) or which it must cut up (TSO, USO), without a
protocol stack that decides what the packet looks like. Who does the work, the kernel or the card,
is left open: only the wire counts.
"""
import random
import struct
from itertools import product

import pytest
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6EchoRequest
from scapy.layers.l2 import Dot1AD, Dot1Q

import frames
from frames import (EXTENSIONS, GSO_ECN, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, PEER, PEER_MAC, US, Batch, Port,
                    other, other_behind, report, tcp, udp, zero_sum)
from oracle import (IP, SCTP, TCP, UDP, Ether, IPv6, IPv6ExtHdrFragment, Raw, difference, mac_bytes, payload,
                    qemu_segments, segments, show, wrong)
from util import BOUNCE, bounces


def ip(v, *args, **kw):
    """From us to the peer, the identification close to where it wraps."""
    return frames.ip(v, (US, PEER), *args, **({"id": 0xfff0} if v == 4 else {}), **kw)


LENGTHS = (0, 1, 2, 3, 17, 18, 19, 255, 1200)


def checksums(b):
    """Each header length that can precede or make up the L4 header."""
    for v in 4, 6:
        for n in LENGTHS:
            b.add(f"TCP/IPv{v} {n} bytes", ip(v) / tcp() / Raw(payload(n)))
            b.add(f"UDP/IPv{v} {n} bytes", ip(v) / udp() / Raw(payload(n)))
        for n in range(0, 41, 4):
            b.add(f"TCP/IPv{v}, {n} bytes of TCP options", ip(v) / tcp(n) / Raw(payload(33, n)))
        full = 1480 if v == 4 else 1460
        b.add(f"TCP/IPv{v} full", ip(v) / tcp(20) / Raw(payload(full - 40)))
        b.add(f"UDP/IPv{v} full", ip(v) / udp() / Raw(payload(full - 8)))
        b.add(f"UDP/IPv{v} whose sum is zero", ip(v) / udp() / Raw(zero_sum(ip(v) / udp(), payload(40))))
        assert b.want[-1][0][0][-44:-42] == b"\xff\xff"
        b.add(f"UDP/IPv{v} without a sum", ip(v) / UDP(sport=1, dport=2, chksum=0) / Raw(payload(50)),
              done=True)
        b.add(f"UDP/IPv{v}, sum by the stack", ip(v) / udp() / Raw(payload(51)), done=True)
    for n in range(0, 41, 4):
        b.add(f"TCP, {n} bytes of IP options", ip(4, n) / tcp() / Raw(payload(34, n)))
        b.add(f"UDP, {n} bytes of IP options", ip(4, n) / udp() / Raw(payload(35, n)))
        b.add(f"TCP, {n} bytes of IP and of TCP options", ip(4, n) / tcp(n) / Raw(payload(36, n)))
    for name, ext in EXTENSIONS.items():
        b.add(f"TCP/IPv6 {name}", ip(6, ext=ext()) / tcp(12) / Raw(payload(40)))
        b.add(f"UDP/IPv6 {name}", ip(6, ext=ext()) / udp() / Raw(payload(41)))
    b.add("ICMP", ip(4) / ICMP() / Raw(payload(56)), done=True)
    b.add("ICMPv6", ip(6) / ICMPv6EchoRequest(data=payload(56)), done=True)
    b.add("SCTP, sum by the stack", ip(4) / SCTP() / Raw(payload(40)), done=True)
    b.add("fragment", ip(4, flags="MF", proto=17) / Raw(payload(64)), done=True)
    b.add("last fragment", ip(4, frag=8, proto=6) / Raw(payload(3)), done=True)
    b.add("IPv6 fragment", ip(6) / IPv6ExtHdrFragment(m=1, nh=17) / Raw(payload(64)), done=True)


def cut(b, name, pkt, mss, **kw):
    gso = GSO_UDP_L4 if UDP in pkt else GSO_TCPV4 if IP in pkt else GSO_TCPV6
    gso |= GSO_ECN if TCP in pkt and pkt[TCP].flags.C else 0
    flags = pkt[TCP].flags if TCP in pkt else None
    want = (segments, qemu_segments) if not flags or flags.F or flags.P else (segments,)     # not twice
    b.add(f"{name}, MSS {mss}", pkt, gso=gso, mss=mss, want=want, **kw)


def segmentation(b):
    """TSO at each boundary."""
    for v, room in (4, 65535 - 40), (6, 65535 - 80):
        mss = 1460 if v == 4 else 1440
        # The kernel raises an MSS below 8 to that.
        for size, counts in (8, (2, 40)), (9, (3,)), (536, (2, 3, 20)), (mss, (2, 17, 44)):
            for n, extra in product(counts, (-1, 0, 1)):
                pkt = ip(v) / tcp() / Raw(payload(n * size + extra, n))
                cut(b, f"TSO IPv{v} {n} * MSS {extra:+}", pkt, size)
        cut(b, f"TSO IPv{v} largest", ip(v) / tcp() / Raw(payload(room)), mss)
        cut(b, f"TSO IPv{v} largest, linear", ip(v) / tcp() / Raw(payload(room - 3)), mss, linear=True)
        for n in 4, 12, 40:
            cut(b, f"TSO IPv{v}, {n} bytes of TCP options", ip(v) / tcp(n) / Raw(payload(9000)), mss - n)
            cut(b, f"TSO IPv{v}, {n} bytes of TCP options, linear", ip(v) / tcp(n) / Raw(payload(9001)),
                mss - n, linear=True)
        for flags in "FA", "PA", "FPA", "CA", "ECA", "FPECA", "UA", "S":
            cut(b, f"TSO IPv{v}, flags {flags}", ip(v) / tcp(flags=flags) / Raw(payload(3000)), 1000)
        wraps = ip(v) / tcp(seq=0xfffffc00) / Raw(payload(5000))
        cut(b, f"TSO IPv{v}, sequence number wraps", wraps, 1000)
    for n in 4, 20, 40:
        cut(b, f"TSO, {n} bytes of IP options", ip(4, n) / tcp(n) / Raw(payload(9000)), 1460 - 2 * n)
    cut(b, "TSO, DF", ip(4, flags="DF") / tcp() / Raw(payload(30000)), 1460)
    for name, ext in EXTENSIONS.items():
        cut(b, f"TSO IPv6 {name}", ip(6, ext=ext()) / tcp(12) / Raw(payload(5000)), 1300)


def datagrams(b):
    """USO at each boundary."""
    for v in 4, 6:
        for mss in 64, 536, 1448:
            for n, extra in (2, -1), (2, 0), (2, 1), (40, 0), (40, -mss + 1):
                pkt = ip(v) / udp() / Raw(payload(n * mss + extra))
                cut(b, f"USO IPv{v} {n} * MSS {extra:+}", pkt, mss)
        cut(b, f"USO IPv{v} linear", ip(v) / udp() / Raw(payload(40001)), 1400, linear=True)
    cut(b, "USO, 40 bytes of IP options", ip(4, 40) / udp() / Raw(payload(9000)), 1400)


def sizes(b):
    """Every size up to the MTU. Short ones are filled up with zeros, not with what was in memory."""
    for n in range(14, 1515):
        b.add(f"{n} bytes", other(n, n))


def jumbo(b):
    """Sizes about every boundary that buffers and pages have, up to the largest frame."""
    top = b.mtu + 14
    edges = {e + d for e in range(1024, top, 1024) for d in (-2, -1, 0, 1, 2, 14, 64)}
    for n in sorted({*range(1500, top, 997), top - 1, top} | {e for e in edges if e <= top}):
        b.add(f"{n} bytes in fragments", other(n, n))
        b.add(f"{n} bytes linear", other(n, n + 7), linear=True)
    for v in 4, 6:
        for n in 4000, 9000, 9001:
            b.add(f"UDP/IPv{v} {n}", ip(v) / udp() / Raw(payload(n)))
            b.add(f"TCP/IPv{v} {n}", ip(v) / tcp() / Raw(payload(n)), linear=True)
        cut(b, f"TSO IPv{v}", ip(v) / tcp() / Raw(payload(60000)), b.mtu - 60)


TAGS = {
    "802.1Q": lambda: Dot1Q(vlan=5, prio=3),
    "priority": lambda: Dot1Q(vlan=0, prio=7),
    "QinQ": lambda: Dot1AD(vlan=100) / Dot1Q(vlan=5),
}


def tags(b):
    """VLAN tags that are part of the frame already."""
    for name, tag in TAGS.items():
        for v in 4, 6:
            head = Ether(dst=PEER_MAC) / tag() / ip(v).payload
            b.add(f"{name} UDP/IPv{v}", head / udp() / Raw(payload(100)))
            b.add(f"{name} TCP/IPv{v} full", head / tcp(12) / Raw(payload(1400)))
            cut(b, f"{name} TSO IPv{v}", head / tcp() / Raw(payload(20000)), 1400)
        b.add(f"{name} other", other_behind(tag(), 80))
    b.add("802.1Q, full size", other_behind(TAGS["802.1Q"](), 1518))


def inner_tag(b):
    """One such tag, to go behind another. (QEMU does not look behind two; the kernel cuts up none.)"""
    both = Batch()
    tags(both)
    for k, name in enumerate(both.names):
        if name.startswith(("802.1Q UDP", "802.1Q TCP", "802.1Q other")):
            b.copy(both, k)


def mixed(b):
    """Everything in turns: an offload must not cling to the frames after it."""
    all_ = Batch()
    for group in checksums, segmentation, tags:
        group(all_)
    plain = [other(n, n) for n in (60, 61, 1000, 1514)]
    picks = random.Random(1).sample(range(len(all_.names)), 120)
    for n, k in enumerate(picks):
        b.copy(all_, k)
        if n % 3 == 0:
            b.add(f"plain frame after {all_.names[k]}", plain[n // 3 % 4])


GROUPS = {f.__name__: f for f in (checksums, segmentation, datagrams, sizes, jumbo, tags, inner_tag, mixed)}
SEND = "python3 /ignis/qemu/guest/frames_tx.py"
OFF = "ethtool -K $N tx off tso off sg off tx-udp-segmentation off"
ON = "ethtool -K $N tx on sg on tso on tx-udp-segmentation on"


@pytest.fixture
def port(vm):
    return Port.of(vm)


@pytest.fixture(scope="module")
def batches():
    """Each group is computed once."""
    made = {}

    def get(name, mtu=1500):
        if name not in made:
            made[name] = Batch(mtu)
            GROUPS[name](made[name])
        return made[name]
    return get


@pytest.mark.parametrize("group", [g for g in GROUPS if g != "inner_tag"])
@pytest.mark.parametrize("offloads", ["on", "off"])
def test_handed_down(port, batches, group, offloads):
    mtu = port.max_mtu if group == "jumbo" else 1500
    with port.changed(f"ip link set $N mtu {mtu}; " + (OFF if offloads == "off" else "true"),
                      f"ip link set $N mtu 1500; {ON}"):
        order = port.transmit(batches(group, mtu), by_card=offloads == "on")
    if group == "sizes":                    # one flow
        assert order == sorted(order)


def test_statistics(port, batches):
    """Segments count as the frames they are, with their headers."""
    batch, way = batches("segmentation"), ["tx_packets", "tx_bytes"]
    port.carrier()
    before = port.statistics()
    port.transmit(batch)
    want = {"tx_packets": sum(len(w[0]) for w in batch.want),
            "tx_bytes": sum(len(f) for w in batch.want for f in w[0])}
    for _ in range(20):                 # an interrupt may be late
        new = port.statistics() - before
        if all(new[k] >= want[k] for k in way):
            break
    assert {k: new[k] for k in way} == want


VLANS = {
    # what makes the device, its tags, what else to set
    "inserted": ("ip link add link $N name $N.5 type vlan id 5 egress-qos-map 0:6", "$N.5",
                 [(0x8100, 6 << 13 | 5)], "true"),
    "highest": ("ip link add link $N name $N.4094 type vlan id 4094", "$N.4094", [(0x8100, 4094)], "true"),
    "not-inserted": ("ip link add link $N name $N.5 type vlan id 5", "$N.5", [(0x8100, 5)],
                     "ethtool -K $N rxvlan off txvlan off"),
    "stag": ("ip link add link $N name $N.100 type vlan proto 802.1ad id 100", "$N.100",
             [(0x88a8, 100)], "true"),
    "qinq": ("ip link add link $N name $N.100 type vlan proto 802.1ad id 100; ip link set $N.100 up;"
             "ip link add link $N.100 name $N.5 type vlan id 5", "$N.5", [(0x88a8, 100), (0x8100, 5)],
             "true"),
}


@pytest.mark.parametrize("vlan, group", [*product(VLANS, ("checksums", "segmentation")),
                                         *product(("inserted", "stag"), ("inner_tag",))])
def test_vlan(port, batches, vlan, group):
    make, dev, tags, setting = VLANS[vlan]
    by_card = vlan in ("inserted", "highest")
    if group == "segmentation" and not by_card and port.sh("uname -r").startswith("6.12."):
        pytest.skip("Linux 6.12 mistakes the header length of what AF_PACKET sends here")
    with port.changed(f"{make}; ip link set {dev} up; {setting}",
                      "for v in $(ls -d /sys/class/net/$N.*); do ip link del $(basename $v) || true; done;"
                      "ethtool -K $N rxvlan on txvlan on"):
        port.transmit(batches(group), dev, tags)


# Through sockets: the sk_buffs are those of the protocols, the fragments those of the caller.

DATAGRAMS = {
    # sizes, UDP_SEGMENT, pieces of memory each is sent from without a copy
    "small": ([*range(0, 100, 3), *range(1400, 1473)], 0, 1),
    "scattered": ([17, 18, 34, 100, 1000, 1471, 1472], 0, 17),
    "segments": ([1473, 2944, 2945, 30000, 62900], 1472, 1),
    "small-segments": ([200, 6399], 100, 1),
    "segments-scattered": ([1500, 17 * 1000, 62900], 1448, 17),
}


@pytest.mark.parametrize("offloads", ["on", "off"])
@pytest.mark.parametrize("v", [4, 6])
def test_udp(port, v, offloads):
    top, plan, trains = 1472 if v == 4 else 1452, [], ""
    for kind, (sizes, mss, pieces) in DATAGRAMS.items():
        sizes, mss = [n for n in sizes if mss or n <= top], min(mss, top)
        plan += [(f"{kind}, {n} bytes", n, mss or 1 << 16) for n in sizes]
        trains += f" {','.join(map(str, sizes))}:{mss}:{pieces}"
    data = payload(65536)
    (port.vm.dir / "out/pattern").write_bytes(data)
    with port.addressed(), port.changed(OFF if offloads == "off" else "true", ON):
        port.wire.clear()
        port.sh(f"{SEND} udp {PEER[v]} 5001 {trains}")
        got = [f for f in port.wire.drain() if f[:6] == mac_bytes(PEER_MAC)]
    for name, size, mss in plan:
        assert got, f"{name}: nothing came"
        first = Ether(got[0])
        pkt = Ether(src=port.mac, dst=PEER_MAC)
        if v == 4:          # what the stack chose: its identification, flags and port
            pkt /= IP(src=US[4], dst=PEER[4], id=first[IP].id, flags="DF" if first[IP].flags.DF else 0)
        else:
            pkt /= IPv6(src=US[6], dst=PEER[6], fl=first[IPv6].fl)
        pkt /= UDP(sport=first[UDP].sport, dport=5001) / Raw(data[:size])
        cutters = (segments, qemu_segments) if offloads == "on" else (segments,)
        wants = [w(pkt, mss) or [bytes(pkt)] for w in cutters]
        want = next((w for w in wants if not difference(w, got[:len(w)])), None)
        assert want, f"{name}: {difference(wants[0], got[:len(wants[0])])}"
        del got[:len(want)]
    assert not got, f"{len(got)} frames too many: {show(got[0])}"


class Peer:
    """A host on the wire that takes what one connection sends, and checks each frame."""

    def __init__(self, port, v, proto):
        self.port, self.v, self.proto, self.faults = port, v, proto, []

    def frames(self):
        """Packets for us until none comes for a while."""
        mine = mac_bytes(PEER_MAC)
        while got := self.port.wire.recv(1, 10, match=mine):
            fault = wrong(got[0])
            pkt = Ether(got[0])
            if self.proto in pkt:
                self.faults += [fault] * (fault != "")
                yield pkt

    def answer(self, l4):
        head = Ether(src=PEER_MAC, dst=self.port.mac)
        head /= (IP if self.v == 4 else IPv6)(src=PEER[self.v], dst=US[self.v])
        self.port.wire.send(bytes(head / l4).ljust(60, b"\0"))

    def stream(self):
        """What a TCP connection sends from SYN to FIN."""
        data, base = bytearray(), 0
        for pkt in self.frames():
            seg = pkt[TCP]
            body, flags = bytes(seg.payload.load) if Raw in seg else b"", "A"
            if seg.flags.S:
                base, flags = seg.seq + 1, "SA"
            elif not base:
                continue                # still about the connection before
            at = (seg.seq - base) & 0xffffffff if not seg.flags.S else 0
            if at > len(data):
                self.faults.append(f"out of order: byte {at} after byte {len(data)}")
                continue
            data[at:at + len(body)] = body
            last = seg.flags.F
            self.answer(TCP(sport=seg.dport, dport=seg.sport, flags="FA" if last else flags,
                            seq=1000 if seg.flags.S else 1001, window=65535,
                            ack=(base + len(data) + bool(last)) & 0xffffffff,
                            options=[("MSS", 1460), ("WScale", 7)] if seg.flags.S else []))
            if last:
                break
        return bytes(data)

    def messages(self):
        """What an SCTP association sends from INIT to SHUTDOWN COMPLETE."""
        data, tag = {}, 0
        for pkt in self.frames():
            raw, at = pkt[SCTP].original, 12
            while at + 4 <= len(raw):
                kind, _, size = struct.unpack_from(">BBH", raw, at)
                body = raw[at + 4:at + size]
                at += size + 3 & ~3 if size else 4
                reply = None
                if kind == 1:           # INIT
                    tag = int.from_bytes(body[:4], "big")
                    reply = 2, struct.pack(">IIHHIHH4s", 0x1234, 1 << 20, 10, 10, 1, 7, 8, b"cook")
                elif kind == 10:        # COOKIE ECHO
                    reply = 11, b""
                elif kind == 0:         # DATA
                    tsn = int.from_bytes(body[:4], "big")
                    data[tsn] = body[12:]
                    reply = 3, struct.pack(">IIHH", tsn, 1 << 20, 0, 0)
                elif kind == 7:         # SHUTDOWN
                    reply = 8, b""
                elif kind == 14:        # SHUTDOWN COMPLETE
                    return [data[tsn] for tsn in sorted(data)]
                if reply:
                    chunk = struct.pack(">BBH", reply[0], 0, 4 + len(reply[1])) + reply[1]
                    self.answer(SCTP(sport=pkt[SCTP].dport, dport=pkt[SCTP].sport, tag=tag) / Raw(chunk))
        return [data[tsn] for tsn in sorted(data)]


@pytest.mark.parametrize("v", [4, 6])
def test_tcp(port, v):
    data, hows, faults = payload(200_000), ("send", "sendfile", "zerocopy", "splice"), []
    (port.vm.dir / "out/pattern").write_bytes(data)
    with port.addressed():
        port.wire.clear()
        job = port.start(f"exec {SEND} tcp {PEER[v]} 5001 {','.join(hows)}")
        for how in hows:
            peer = Peer(port, v, TCP)
            fault = difference([data], [peer.stream()])
            faults += [f"{how}: {f}" for f in peer.faults + [fault] * (fault != "")]
        job.wait()
    assert not faults, report(faults, "the")


@pytest.mark.parametrize("v", [4, 6])
@pytest.mark.parametrize("offloads", ["on", "off"])
def test_sctp(port, v, offloads):
    sizes = [1, 2, 3, 4, 33, 500, 1001, 1400]
    (port.vm.dir / "out/pattern").write_bytes(payload(65536))
    with port.addressed(), port.changed(OFF if offloads == "off" else "true", ON):
        port.wire.clear()
        job = port.start(f"exec {SEND} sctp {PEER[v]} 5001 "
                         + ",".join(map(str, sizes)))
        peer = Peer(port, v, SCTP)
        got = peer.messages()
        job.wait()
    assert not peer.faults, report(peer.faults, "the")
    assert [m.hex() for m in got] == [payload(n).hex() for n in sizes]


@pytest.mark.vm(intel_iommu=True)
@pytest.mark.parametrize("group", ["jumbo", "mixed"])
def test_iommu(port, batches, group):
    """Behind an IOMMU that forgets a mapping at once: the card reads what it was given, no more."""
    mtu = port.max_mtu if group == "jumbo" else 1500
    with port.changed(f"ip link set $N mtu {mtu}", "ip link set $N mtu 1500"):
        port.transmit(batches(group, mtu))


@pytest.mark.vm(cmdline=BOUNCE)
@pytest.mark.parametrize("group", ["jumbo", "mixed"])
def test_bounce(port, batches, group):
    """From memory that the device cannot reach."""
    bounces(port)
    test_iommu(port, batches, group)
