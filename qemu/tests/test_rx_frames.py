# SPDX-License-Identifier: GPL-2.0-only
"""Every frame put before the card reaches the stack once, in order, unchanged, and with the truth
about its checksum; what the filters or the MTU keep out stays out."""
import struct
from collections import Counter

import pytest
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6EchoRequest
from scapy.layers.l2 import Dot1AD, Dot1Q

import frames
from frames import (EXTENSIONS, PEER, PEER_MAC, US, Port, by_case, other, other_behind, report, tcp, udp,
                    zero_sum)
from oracle import (IP, SCTP, TCP, UDP, Ether, IPv6ExtHdrFragment, Raw, difference, mac, mac_bytes, payload,
                    show, spoiled, tagged)
from util import BOUNCE, bounces

PORT = 5300                     # as udp() has it
LARGEST = 0                     # the largest MTU the port can do
BROADCAST = "ff:ff:ff:ff:ff:ff"
VLAN5 = "ip link add link $N name $N.5 type vlan id 5; ip link set $N.5 up"
VALID, NEVER, ANY = "valid", "never valid", "any"
COUNTERS = {"UDP": "Udp InCsumErrors", "UDP6": "Udp6InCsumErrors", "TCP": "Tcp InCsumErrors",
            "IP": "IpExt InCsumErrors", "SCTP": "SctpChecksumErrors"}


@pytest.fixture
def port(vm):
    return Port.of(vm)


class Traffic:
    """Frames for the card, and what the stack is to be told and to do."""

    def __init__(self, port):
        self.port, self.names, self.frames, self.verdicts = port, [], [], []
        self.udp, self.counts = [], Counter()

    def add(self, name, pkt, verdict=ANY, spoil=None, udp=None, count=None):
        """One frame. spoil: the layer whose checksum is made wrong (True: the innermost).

        udp: payload that a socket must get in the end; count: the error counter that must rise.
        """
        if isinstance(pkt, bytes):
            frame = pkt[:6] + mac_bytes(mac(len(self.names))) + pkt[12:]
        else:
            pkt.src, pkt.dst = mac(len(self.names)), self.port.mac
            frame = bytes(pkt)
            if spoil:
                frame = spoiled(frame, pkt, None if spoil is True else spoil)
        self.names.append(name)
        self.frames.append(frame.ljust(60, b"\0"))
        self.verdicts.append(verdict)
        self.udp += [udp] if udp is not None else []
        self.counts += Counter({COUNTERS[count]: 1} if count else {})

    def both(self, name, make, proto, verdict=VALID, body=None):
        """Once as it should be, once with a wrong checksum."""
        is_udp = proto.startswith("UDP")
        self.add(f"{name}, good", make(), verdict, udp=body if is_udp else None)
        self.add(f"{name}, bad", make(), NEVER, spoil=True, count=proto)

    def check(self, seen, claims=True):
        """Compare with what was seen; claims: the card says something about checksums."""
        faults, came = [], by_case(seen)
        for case, (name, frame, verdict) in enumerate(zip(self.names, self.frames, self.verdicts)):
            got = came.get(case, [])
            fault = difference([frame], [s.frame for s in got])
            if not fault and got[0].claimed and (verdict == NEVER or not claims):
                fault = f"claimed to be valid: {show(frame)}"
            if not fault and not got[0].claimed and verdict == VALID and claims:
                fault = f"not claimed to be valid: {show(frame)}"
            if fault:
                faults.append(f"{name}: {fault}")
        assert not faults, report(faults, len(self.names))


def ip(v, *args, **kw):
    """From the peer to us."""
    return frames.ip(v, (PEER, US), *args, **kw)


# Checksums

def checksum_traffic(port):
    t = Traffic(port)
    for v, six in (4, ""), (6, "6"):
        for n in 0, 1, 2, 17, 18, 19, 100, 1001, 1400:
            body = payload(n, n)
            t.both(f"TCP/IPv{v} {n} bytes", lambda: ip(v) / tcp() / Raw(body), "TCP")
            t.both(f"UDP/IPv{v} {n} bytes", lambda: ip(v) / udp() / Raw(body), "UDP" + six, body=body)
        for n in range(4, 41, 4):
            t.both(f"TCP/IPv{v}, {n} bytes of TCP options", lambda: ip(v) / tcp(n) / Raw(payload(50)), "TCP")
        for n in 4, 44, 1000:
            chunk = SCTP(sport=1, dport=2, tag=7) / Raw(b"\0\3" + struct.pack(">H", n) + payload(n - 4))
            number = {"proto": 132} if v == 4 else {"nh": 132}
            t.both(f"SCTP/IPv{v} {n} bytes", lambda: ip(v, **number) / chunk, "SCTP", verdict=ANY)
        body = payload(61, v)
        trailer = bytes(ip(v) / udp() / Raw(body)) + b"\xa5" * 30
        t.add(f"UDP/IPv{v} and a trailer", mac_bytes(port.mac) + trailer[6:], udp=body)
    for n in range(4, 41, 4):
        body = payload(30, n)
        t.both(f"UDP, {n} bytes of IP options", lambda: ip(4, n) / udp() / Raw(body), "UDP", body=body)
        t.both(f"TCP, {n} bytes of IP options", lambda: ip(4, n) / tcp(n) / Raw(body), "TCP")
    for name, ext in EXTENSIONS.items():
        body = name.encode()
        t.both(f"UDP/IPv6 {name}", lambda: ip(6, ext=ext()) / udp() / Raw(body), "UDP6", ANY, body)
        t.both(f"TCP/IPv6 {name}", lambda: ip(6, ext=ext()) / tcp() / Raw(body), "TCP", ANY)
    for l4 in udp, tcp:
        for n in 0, 20:
            t.add(f"wrong IP header checksum, {n} bytes of options, {l4.__name__}",
                  ip(4, n) / l4() / Raw(payload(64)), NEVER, spoil=IP, count="IP")
    body = payload(70, 3)
    t.add("UDP without a checksum", ip(4) / udp(chksum=0) / Raw(body), udp=body)
    t.add("UDP/IPv6 without a checksum", ip(6) / udp(chksum=0) / Raw(body), count="UDP6")
    body = zero_sum(ip(4) / udp(), payload(40, 9))
    t.add("UDP whose sum is zero", ip(4) / udp() / Raw(body), VALID, udp=body)
    assert t.frames[-1][40:42] == b"\xff\xff"
    t.add("ICMP", ip(4) / ICMP() / Raw(payload(56)), NEVER)
    t.add("ICMP, bad", ip(4) / ICMP(chksum=1) / Raw(payload(56)), NEVER)
    t.add("ICMPv6", ip(6) / ICMPv6EchoRequest(data=payload(56)), NEVER)
    t.add("ICMPv6, bad", ip(6) / ICMPv6EchoRequest(data=payload(56), cksum=1), NEVER)
    t.add("no IP", other(100, 0, BROADCAST), NEVER)
    like = bytes(ip(4) / udp() / Raw(payload(50)))
    t.add("no IP, looks like it", other(14, dst=port.mac) + like[14:], NEVER)
    for v, six in (4, ""), (6, "6"):
        for bad in False, True:
            for part in fragments(v, payload(3000, 5 + v + bad), bad):
                t.add(f"IPv{v} fragment of {'bad' if bad else 'good'} UDP", part, NEVER)
            if bad:
                t.counts[COUNTERS["UDP" + six]] += 1
            else:
                t.udp.append(payload(3000, 5 + v))
    return t


def fragments(v, body, bad):
    """A UDP datagram in three packets, its checksum right or wrong."""
    whole = ip(v, **({"id": 77 + bad} if v == 4 else {})) / udp() / Raw(body)
    ready = Ether(bytes(whole))
    if bad:
        ready[UDP].chksum ^= 0x1234
    data = bytes(ready[UDP])
    for at in range(0, len(data), 1200):
        more = at + 1200 < len(data)
        part = Raw(data[at:at + 1200])
        if v == 4:
            yield ip(4, id=77 + bad, proto=17, frag=at // 8, flags="MF" if more else 0) / part
        else:
            yield ip(6, ext=IPv6ExtHdrFragment(nh=17, id=77 + bad, offset=at // 8, m=more)) / part


def counters(port):
    """The stack's checksum error counters."""
    out, lines = Counter(), port.sh("cat /proc/net/snmp /proc/net/netstat /proc/net/snmp6;"
                                    "cat /proc/net/sctp/snmp 2>/dev/null || true").splitlines()
    for line, after in zip(lines, lines[1:] + [""]):
        words, values = line.split(), after.split()
        if len(words) == 2:
            out[words[0]] += int(words[1])
        elif words and values and words[0] == values[0] and words[1].isalpha():
            out.update({f"{words[0][:-1]} {k}": int(n) for k, n in zip(words[1:], values[1:])})
    return Counter({k: out[k] for k in COUNTERS.values()})


@pytest.mark.parametrize("rx", ["on", "off"])
def test_checksums(port, rx):
    with port.addressed(), port.changed(f"ethtool -K $N rx {rx}", "ethtool -K $N rx on"):
        t, before = checksum_traffic(port), counters(port)
        seen = port.receive(t.frames, f"udp={PORT}")
        after = counters(port)
    t.check(seen, claims=rx == "on")
    assert sorted(seen.udp) == sorted(d.hex() for d in t.udp)
    assert after - before == t.counts


@pytest.mark.parametrize("strip", ["on", "off"])
def test_vlan_checksums(port, strip):
    """The same behind VLAN tags, taken off by the card or not."""
    t = Traffic(port)
    for name, verdict, tag in (("802.1Q", VALID, lambda: Dot1Q(vlan=5, prio=3)),
                               ("largest", VALID, lambda: Dot1Q(vlan=4094, prio=7, id=1)),
                               ("priority", VALID, lambda: Dot1Q(vlan=0, prio=5)),
                               ("QinQ", ANY, lambda: Dot1AD(vlan=5) / Dot1Q(vlan=6)),
                               ("two 802.1Q", ANY, lambda: Dot1Q(vlan=5) / Dot1Q(vlan=6))):
        for v in 4, 6:
            def pkt(l4):
                return Ether() / tag() / (ip(v) / l4 / Raw(payload(99, v))).payload
            for bad in False, True:
                what = f"{name} IPv{v} {'bad' if bad else 'good'}"
                t.add(f"TCP {what}", pkt(tcp()), NEVER if bad else verdict, spoil=bad)
                t.add(f"UDP {what}", pkt(udp()), NEVER if bad else verdict, spoil=bad)
        t.add(f"{name} other", other_behind(tag(), 80, port.mac), NEVER)
    t.add("no tag", ip(4) / udp() / Raw(payload(88)), VALID)
    with port.changed(f"{VLAN5}; ip link add link $N name $N.4094 type vlan id 4094; ip link set $N.4094 up;"
                      f"ethtool -K $N rxvlan {strip}",
                      "ip link del $N.5; ip link del $N.4094; ethtool -K $N rxvlan on txvlan on"):
        seen = port.receive(t.frames)
    t.check(seen)


# Sizes

ERRORS = """rx_errors rx_dropped rx_length_errors rx_over_errors rx_crc_errors rx_frame_errors
    rx_fifo_errors""".split()


def lengths(mtu):
    top = mtu + 14
    if mtu <= 1500:
        return range(60, top + 1)
    about = [sign * d for d in (0, 1, 2, 4, 8, 14, 18, 22) for sign in (-1, 1)]
    edges = {k * e + d for e in (1024, 1536, 2048, 3072, 4096) for k in range(1, 10) for d in about}
    return sorted(n for n in edges | {60, *range(top - 5, top + 1), *range(60, top, 331)} if 60 <= n <= top)


@pytest.mark.parametrize("mtu, rings", [(1500, ""), (1500, "rx 64"), (576, ""), (2000, ""), (4082, ""),
                                        (LARGEST, ""), (LARGEST, "rx 4096")])
def test_sizes(port, mtu, rings):
    """Each size twice: as a frame that is not IP (first queue) and as UDP (any queue)."""
    t, mtu = Traffic(port), mtu or port.max_mtu
    for n in lengths(mtu) if rings != "rx 64" else list(lengths(mtu))[::7]:
        t.add(f"{n} bytes", other(n, n, BROADCAST), NEVER)
        pkt = Ether() / IP(src=f"198.51.100.{n & 255}", dst="203.0.113.1") / udp(sport=n)
        t.add(f"{n} bytes UDP", pkt / Raw(payload(n - 42, n + 1)), VALID)
    setup, undo = f"ip link set $N mtu {mtu}", "ip link set $N mtu 1500"
    if rings:
        setup += "; ethtool -g $N | awk '/^RX:/ { n = $2 } END { print n }' > /tmp/ring"
        setup += f"; ethtool -G $N {rings}"
        undo += "; ethtool -G $N rx $(cat /tmp/ring)"
    with port.changed(setup, undo):
        port.carrier()
        before = port.statistics()
        seen = port.receive(t.frames, room=40 if rings == "rx 64" else 1500 if rings else 120)
        new = port.statistics() - before
    t.check(seen)
    plain = [s.case for s in seen.frames if s.case is not None and s.case % 2 == 0]
    assert plain == sorted(plain), "out of order"
    assert {k: new[k] for k in ERRORS if new[k]} == {}
    assert new["rx_packets"] == len(t.frames) + seen.marks


def too_long(port, mtu):
    """Frames longer than the MTU, those within it between them: (traffic, what was seen by case)."""
    t = Traffic(port)
    for n in 1, 2, 3, 4, 5, 9, 34, 100, 486, 487, 534, 535, 1058, 2000, 5000:
        for size in mtu + 14, mtu + 14 + n, 200 + n % 1000:
            t.add(f"{size} bytes", other(size, n, BROADCAST))
    t.add("full and tagged", tagged(other(mtu + 14, dst=BROADCAST), (0x8100, 5)))
    with port.changed(f"ip link set $N mtu {mtu}; {VLAN5}", "ip link del $N.5; ip link set $N mtu 1500"):
        return t, by_case(port.receive(t.frames))


@pytest.mark.parametrize("mtu", [1500, 1504, 1640, 3000, LARGEST])
def test_too_long(port, mtu):
    """It comes whole or not at all, harms nobody around it, and no buffer is written past its end."""
    mtu = mtu or port.max_mtu
    overrun = "ethtool -S $N | awk '/rx_queue_.*_errors/ { n += $2 } END { print n + 0 }'"
    before = port.sh(overrun)
    t, seen = too_long(port, mtu)
    assert port.sh(overrun) == before
    faults = []
    for case, frame in enumerate(t.frames):
        got = [s.frame for s in seen.get(case, [])]
        must = len(frame) <= mtu + 14 + 4 * (frame[12:14] == b"\x81\0")
        fault = difference([frame], got) if must or got else ""
        faults += [f"{t.names[case]}: {fault}"] * (fault != "")
    assert not faults, report(faults, len(t.frames))


@pytest.mark.parametrize("mtu", [1500, LARGEST])
def test_too_long_stays_out(port, mtu):
    """Room is left for two VLAN tags, no more. (QEMU's 82576 does not count what it keeps out.)"""
    if mtu != 1500 and not port.limits.longest:
        pytest.skip("the chip has no limit above 1522 bytes")
    mtu = mtu or port.max_mtu
    t, seen = too_long(port, mtu)
    assert [n for c, n in enumerate(t.names) if c in seen and len(t.frames[c]) > mtu + 14 + 8] == []


def test_runts(port):
    """QEMU fills up what is shorter than 60 bytes, delivers it, and counts it as undersized."""
    t = Traffic(port)
    for n in range(14, 60):
        t.add(f"{n} bytes", other(n, n, BROADCAST), NEVER)
    short = [f[:n] for n, f in enumerate(t.frames, 14)]
    before = port.statistics()
    seen = port.receive(short)
    new = port.statistics() - before
    t.check(seen)
    assert new["rx_packets"] == len(short) + seen.marks
    assert {k: new[k] for k in ERRORS if new[k]} == {}, "errors, and yet all was delivered"


# Filters

FOREIGN, SECOND = "52:54:00:77:77:77", "52:54:00:88:88:88"
GROUP, GROUP6 = "01:00:5e:00:00:05", "33:33:00:00:00:77"
BASE = {"own", "broadcast", "priority tag"}
ALL = BASE | {"foreign", "second", "group", "group6", "VLAN 5", "VLAN 4094"}


def batch(*lines):
    """Many of one kind at once: {i} of the lines counts."""
    text = "".join(line.format(i=i) + "\\n" for i in range(10, 50) for line in lines)
    return f"printf '{text}' | sed s/@/$N/ | ip -batch -"


SOME = f"{VLAN5}; bridge fdb add {SECOND} dev $N self; ip maddr add {GROUP} dev $N"
NONE = f"ip link del $N.5; bridge fdb del {SECOND} dev $N self; ip maddr del {GROUP} dev $N"
FILTERS = {
    # name: (what sets it, what takes it back, what must come in, what may)
    "plain": ("true", "true", BASE, set()),
    "promiscuous": ("ip link set $N promisc on", "ip link set $N promisc off", ALL, set()),
    "not any more": ("ip link set $N promisc on; ip link set $N promisc off", "true", BASE, set()),
    "allmulti": ("ip link set $N allmulticast on", "ip link set $N allmulticast off",
                 BASE | {"group", "group6"}, set()),
    "group": (f"ip maddr add {GROUP} dev $N", f"ip maddr del {GROUP} dev $N", BASE | {"group"}, set()),
    "group left": (f"ip maddr add {GROUP} dev $N; ip maddr del {GROUP} dev $N", "true", BASE, set()),
    "many groups": (batch(*[f"maddr add 01:00:5e:{{i}}:0{j}:{{i}} dev @" for j in range(8)]) +
                    f"; ip maddr add {GROUP6} dev $N",
                    batch(*[f"maddr del 01:00:5e:{{i}}:0{j}:{{i}} dev @" for j in range(8)]) +
                    f"; ip maddr del {GROUP6} dev $N", BASE | {"group6"}, {"group"}),
    "second address": (f"bridge fdb add {SECOND} dev $N self", f"bridge fdb del {SECOND} dev $N self",
                       BASE | {"second"}, set()),
    "macvlan": (f"ip link add link $N name mv0 address {SECOND} type macvlan; ip link set mv0 up",
                "ip link del mv0", BASE | {"second"}, {"group6"}),
    "many addresses": (batch("link add link @ name mv{i} address 52:54:00:66:66:{i} type macvlan",
                             "link set mv{i} up") + f"; ip link set mv49 address {SECOND}",
                       batch("link del mv{i}"), BASE | {"second"}, ALL),
    "VLAN": (VLAN5, "ip link del $N.5", BASE | {"VLAN 5"}, set()),
    "VLAN left": (VLAN5 + "; ip link del $N.5", "true", BASE, set()),
    "VLAN, not stripped": (VLAN5 + "; ethtool -K $N rxvlan off",
                           "ip link del $N.5; ethtool -K $N rxvlan on txvlan on",
                           BASE | {"VLAN 5"}, set()),
    "no VLAN filter": ("ethtool -K $N rx-vlan-filter off", "ethtool -K $N rx-vlan-filter on",
                       BASE | {"VLAN 5", "VLAN 4094"}, set()),
    "other address": (f"ip link set $N address {FOREIGN}", "ip link set $N address $(cat /tmp/mac)",
                      BASE - {"own", "priority tag"} | {"foreign"}, set()),
    "all kept over down and up": (f"{SOME}; ip link set $N down; ip link set $N up", NONE,
                                  BASE | {"VLAN 5", "second", "group"}, {"group6"}),
    "all kept over a new MTU": (f"{SOME}; ip link set $N mtu 3000", f"{NONE}; ip link set $N mtu 1500",
                                BASE | {"VLAN 5", "second", "group"}, set()),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filter(port, name):
    setup, undo, must, may = FILTERS[name]
    if "rx-vlan-filter" in setup and "rx-vlan-filter: on [fixed]" in port.sh("ethtool -k $N"):
        pytest.skip("the VLAN filter cannot be switched off")
    kinds = {"own": port.mac, "broadcast": BROADCAST, "foreign": FOREIGN, "second": SECOND, "group": GROUP,
             "group6": GROUP6}
    sent = {kind: other(80, n, dst) for n, (kind, dst) in enumerate(kinds.items())}
    for kind, tci in ("priority tag", 5 << 13), ("VLAN 5", 5), ("VLAN 4094", 4094):
        sent[kind] = tagged(other(80, tci, port.mac), (0x8100, tci))
    t = Traffic(port)
    for kind, frame in sent.items():
        t.add(kind, frame)
    with port.changed(f"cat /sys/class/net/$N/address > /tmp/mac; {setup}", undo):
        seen = port.receive(t.frames)
    assert [s.frame for s in seen.frames if s.case is not None and s.frame != t.frames[s.case]] == []
    came = Counter(t.names[s.case] for s in seen.frames if s.case is not None)
    assert {k: n for k, n in came.items() if n > 1} == {}, "came more than once"
    assert must <= set(came) <= must | may, f"missing {must - set(came)}, unwanted {set(came) - must - may}"


# Real sockets, GRO

LISTEN = """
import socket, sys
server = socket.create_server(("::", 5301), family=socket.AF_INET6, dualstack_ipv6=True)
open("/tmp/listens", "w").close()
conn, data = server.accept()[0], b""
conn.settimeout(20)
while part := conn.recv(1 << 20):
    data += part
open(sys.argv[1], "wb").write(data)
"""


@pytest.mark.parametrize("gro", ["on", "off"])
@pytest.mark.parametrize("v", [4, 6])
def test_tcp(port, v, gro):
    """A stream with a damaged copy before every seventh segment: none of those may get through."""
    data, mss, sport = payload(250_000), 1400, 2000 + next(port.serial)
    most = 16 * mss
    here, there = port.file("stream")
    head = Ether(src=PEER_MAC, dst=port.mac) / (ip(v).payload)
    def send(*segments):
        port.wire.send([s.ljust(60, b"\0") for s in segments])

    def segment(seq, flags, data=b""):
        return head / tcp(sport=sport, dport=5301, seq=seq, ack=acked, flags=flags, window=65535) / Raw(data)

    def answer():
        got = port.wire.recv(1, 5, lambda f: TCP in (p := Ether(f)) and p[TCP].dport == sport)
        assert got, "no answer"
        return Ether(got[0])[TCP]

    with port.addressed(), port.changed(f"ethtool -K $N gro {gro}", "ethtool -K $N gro off"):
        port.sh("rm -f /tmp/listens")
        job = port.vm.start(f"exec python3 - {there}", stdin=LISTEN)
        port.sh("until [ -e /tmp/listens ]; do sleep .05; done")
        before, damaged, acked = counters(port), 0, 0
        port.wire.clear()
        send(bytes(segment(100, "S")))
        acked = answer().seq + 1
        for first in range(0, len(data), most):
            burst, end = [], min(first + most, len(data))
            for at in range(first, end, mss):
                pkt = segment(101 + at, "A", data[at:at + mss])
                if at // mss % 7 == 3:
                    frame = bytearray(bytes(pkt))
                    frame[-20] ^= 0xff
                    burst.append(bytes(frame))
                    damaged += 1
                burst.append(bytes(pkt))
            send(*burst)
            # All is there, and the reader has made room for as much again
            while ((got := answer()).ack - 101) & 0xffffffff < end or got.window < most:
                pass
        send(bytes(segment(101 + len(data), "FA")))
        job.wait()
        acked += 1
        send(bytes(segment(102 + len(data), "A")))
        new = counters(port) - before
    assert difference([data], [here.read_bytes()]) == ""
    assert new == Counter({"Tcp InCsumErrors": damaged})


@pytest.mark.vm(intel_iommu=True)
@pytest.mark.parametrize("mtu", [1500, LARGEST])
def test_iommu(port, mtu):
    """The same behind an IOMMU that forgets a mapping at once."""
    test_sizes(port, mtu, "")


@pytest.mark.vm(cmdline=BOUNCE)
@pytest.mark.parametrize("mtu", [1500, LARGEST])
def test_bounce(port, mtu):
    """With memory that the device cannot reach: what it writes is copied where the driver says so."""
    bounces(port)
    test_sizes(port, mtu, "")
