# SPDX-License-Identifier: GPL-2.0-only
"""A port of the guest whose wire is the test: frames handed to it, frames put before it."""
import contextlib
import json
import struct
from collections import Counter, defaultdict
from itertools import count
from types import SimpleNamespace

from chips import CHIPS
from oracle import (IP, OTHER, TCP, UDP, Ether, IPv6, case_of, difference, l4_of, mac, mac_bytes,
                    partial, payload, tagged)
from scapy.layers.inet import IPOption
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN
from vm import patience

US = {4: "192.0.2.1", 6: "2001:db8::1"}
PEER = {4: "192.0.2.2", 6: "2001:db8::2"}
PEER_MAC = "52:54:00:99:99:99"

# As in qemu/guest/frames_rx.py
MARK = b"\xff" * 6 + b"\x02\0\0\0\xff\xff\x88\xb5mark"
ECHO = b"\x02\0\0\0\xff\xfe" + MARK[6:]

PAD = PadN(optdata=bytes(4))
EXTENSIONS = {
    "hop-by-hop": lambda: IPv6ExtHdrHopByHop(options=[PAD]),
    "dest-opts": lambda: IPv6ExtHdrDestOpt(options=[PAD]),
    "routing": lambda: IPv6ExtHdrRouting(segleft=0, addresses=["2001:db8::9"]),
    "all": lambda: (IPv6ExtHdrHopByHop(options=[PAD]) / IPv6ExtHdrDestOpt(options=[PAD]) /
                    IPv6ExtHdrRouting(segleft=0, addresses=["2001:db8::9", "2001:db8::8"])),
}


def ip(v, ends, options=0, ext=None, **kw):
    """Headers up to IP, from ends[0] to ends[1], with so many bytes of IPv4 options.

    The MAC addresses are for others to fill in.
    """
    src, dst = ends
    if v == 4:
        kw["options"] = [IPOption(b"\x01" * options)] if options else []
        return Ether(src=PEER_MAC, dst=PEER_MAC) / IP(src=src[4], dst=dst[4], **kw)
    pkt = Ether(src=PEER_MAC, dst=PEER_MAC) / IPv6(src=src[6], dst=dst[6], **kw)
    return pkt / ext if ext else pkt


def tcp(options=0, **kw):
    return TCP(**{"sport": 1024, "dport": 9, "seq": 0x01020304, "ack": 77, "flags": "A",
                  "options": [("NOP", None)] * options, **kw})


def udp(**kw):
    return UDP(**{"sport": 1024, "dport": 5300, **kw})


def zero_sum(pkt, rest):
    """Payload for a UDP packet whose checksum becomes zero, which is sent as 0xffff."""
    frame = bytes(pkt / (bytes(2) + rest))
    at = len(frame) - len(rest) - 4
    return frame[at:at + 2] + rest


def other(n, seed=0, dst=PEER_MAC):
    """A frame of n bytes that is not IP."""
    return mac_bytes(dst) + bytes(6) + OTHER.to_bytes(2, "big") + payload(n - 14, seed)


def other_behind(tags, n, dst=PEER_MAC):
    """The same behind VLAN tags (scapy layers)."""
    pkt = Ether(src=PEER_MAC, dst=dst) / tags
    pkt.lastlayer().type = OTHER
    return bytes(pkt / payload(n - len(pkt)))


GSO_NONE, GSO_TCPV4, GSO_UDP_L4, GSO_TCPV6, GSO_ECN = 0, 1, 5, 4, 0x80


class Batch:
    """Frames for the driver to send, and for each what may come out."""

    def __init__(self, mtu=None):
        self.names, self.sent, self.want, self.mtu = [], [], [], mtu

    def add(self, name, pkt, *, done=False, gso=GSO_NONE, mss=0, want=None, linear=False):
        """One case. Its number goes into the source address, so nothing else can be mistaken for it.

        pkt   a packet with an Ethernet header, or finished bytes
        done  the stack computed the checksum already
        want  alternatives: lists of frames; the packet itself if None
        linear  all in one buffer; by default what is over a page lies in fragments
        """
        case = len(self.names)
        if isinstance(pkt, bytes):
            frame = pkt[:6] + mac_bytes(mac(case)) + pkt[12:]
            head, want = (0, 0, 0), want or [[frame]]
        else:
            pkt.src, pkt.dst = mac(case), PEER_MAC
            frame = bytes(pkt)
            want = [[frame]] if want is None else [w(pkt, mss) for w in want]
            head = (0, 0, 0)
            if not done:
                _, start, offset = l4_of(pkt)
                frame, head = partial(frame, start, offset), (1, start, offset)
        flags, start, offset = head
        hdr_len = min(len(frame), 0xffff) if linear else 0
        self.names.append(name)
        self.sent.append(struct.pack("<BBHHHH", flags, gso, hdr_len, mss, start, offset) + frame)
        self.want.append(want)

    def copy(self, other, k):
        """Case k of another batch, under a number of this one."""
        old, new = (mac_bytes(mac(n)) for n in (k, len(self.names)))
        self.names.append(other.names[k])
        self.sent.append(other.sent[k].replace(old, new, 1))
        self.want.append([[f[:6] + new + f[12:] for f in frames] for frames in other.want[k]])


class Port:
    def __init__(self, vm):
        self.vm, self.wire, self.name, self.serial = vm, vm.wire("a"), vm.netdev(0), count()
        self.limits = CHIPS[vm.nics[0].model]
        self.sh("modprobe -a 8021q sctp; ip link set $N txqueuelen 20000")
        link, = json.loads(self.sh("ip -d -j link show $N"))
        self.mac, self.max_mtu = link["address"], link["max_mtu"]

    @classmethod
    def of(cls, vm):
        """The port of a guest that other tests used before."""
        if not hasattr(vm, "port"):
            vm.port = cls(vm)
        vm.port.defaults()
        return vm.port

    def sh(self, script, **kw):
        return self.vm.run(f"N={self.name}; set -e; {script}", **kw).out

    def start(self, script):
        return self.vm.start(f"N={self.name}; {script}")

    def defaults(self):
        """Everything on but GRO, which would join frames.

        No IPv6 address joins groups: QEMU looks up unicast addresses in the hash of those as well.
        """
        self.sh("ethtool -K $N rx on tx on sg on tso on gso on gro off rxvlan on txvlan on rxhash on;"
                "ip link set $N addrgenmode none; ip -6 addr flush dev $N;"
                "ip link set $N mtu 1500 promisc off allmulticast off up")

    @contextlib.contextmanager
    def changed(self, script, undo):
        try:
            self.sh(script)
            yield
        finally:
            self.sh(undo)

    def file(self, kind):
        """A fresh file both sides see: its path here, its path in the guest."""
        name = f"{kind}-{next(self.serial)}"
        return self.vm.dir / "out" / name, f"/out/{name}"

    def carrier(self, dev="$N"):
        self.sh(f"for i in $(seq {patience(200)}); do [ $(cat /sys/class/net/{dev}/carrier) = 1 ] && exit; sleep .05;"
                f" done; echo no carrier >&2; exit 1")

    def statistics(self):
        text = self.sh("cd /sys/class/net/$N/statistics; grep . *")
        return Counter({k: int(v) for k, v in (line.split(":") for line in text.splitlines())})

    @contextlib.contextmanager
    def addressed(self):
        """With addresses, and a neighbour that need not be asked for."""
        with self.changed("".join(f"ip addr add {US[v]}/{bits} dev $N {nodad};"
                                  f"ip neigh add {PEER[v]} lladdr {PEER_MAC} dev $N;"
                                  for v, bits, nodad in ((4, 24, ""), (6, 64, "nodad"))),
                          "ip addr flush dev $N; ip neigh flush dev $N nud permanent"):
            self.carrier()
            yield

    def whereabouts(self):
        """Counters that tell where a frame got lost."""
        return "\n" + self.sh("ip -s -s link show $N; tc -s qdisc show dev $N; ethtool -S $N | grep -v ': 0$';"
                              "cat /sys/class/net/$N/carrier_changes; dmesg | tail -20")

    # Out of the port

    def transmit(self, batch, dev="$N", tags=(), by_card=True):
        """Send a batch; every frame must come out as wanted, once, the ones of a case in order.

        tags: VLAN tags that `dev` and what is below it put before each frame
        by_card: the card may do some of the work, and QEMU's has its ways (oracle.qemu_segments)
        Returns the case numbers in the order of arrival.
        """
        here, there = self.file("tx")
        here.write_bytes(b"".join(struct.pack("<I", len(s)) + s for s in batch.sent))
        self.carrier(dev)
        self.wire.clear()
        errors = self.sh(f"python3 /ignis/qemu/guest/frames_tx.py raw {dev} {there}")
        alternatives = [w if by_card else w[:1] for w in batch.want]
        least = sum(min(map(len, w)) for w in alternatives)
        got, order = defaultdict(list), []
        mine = self.wire.recv(least, 5, match=lambda f: case_of(f) is not None)
        for frame in mine + [f for f in self.wire.drain(.2) if case_of(f) is not None]:
            got[case_of(frame)].append(frame)
            order.append(case_of(frame))
        faults = []
        for case, (name, want) in enumerate(zip(batch.names, alternatives)):
            want = [[tagged(f, *tags) for f in frames] for frames in want]
            if not any(difference(w, got[case]) == "" for w in want):
                faults.append(f"{name}: {difference(want[0], got[case])}")
        assert not faults and not errors, report(faults, len(batch.names), errors) + self.whereabouts()
        return order

    # Into the port

    def receive(self, frames, options="", room=120):
        """Put frames before the port and return what the guest saw, see qemu/guest/frames_rx.py.

        room: descriptors a burst may take. (QEMU loses frames when a ring runs empty.)
        """
        here, there = self.file("rx")
        self.wire.clear()
        job = self.start(f"exec python3 /ignis/qemu/guest/frames_rx.py $N {there} {options}")
        self.answer(b"ready", 20, job)
        for n, burst in enumerate(bursts(frames, room)):
            mark = b"%d" % n
            self.wire.send([*burst, MARK + mark.ljust(60, b"\0")])
            self.answer(mark, 10, job)
        self.wire.send(MARK + b"stop".ljust(60, b"\0"))
        self.answer(b"stop", 10, job)
        job.wait(60)
        seen = SimpleNamespace(**json.loads(here.read_text()))
        seen.marks = n + 2
        seen.mark_bytes = seen.marks * (len(MARK) + 60)
        seen.frames = [Seen(*f) for f in seen.frames]
        return seen

    def answer(self, mark, timeout, job):
        if not self.wire.recv(1, timeout, match=ECHO + mark.ljust(60, b"\0")):
            raise AssertionError(f"no answer to mark {mark}: nothing gets through any more\n"
                                 f"{job.stop()}{self.sh('ip -s link show $N')}")


def bursts(frames, room):
    burst, used = [], 0
    for frame in frames:
        need = 1 + len(frame) // 1024
        if used + need > room:
            yield burst
            burst, used = [], 0
        burst.append(frame)
        used += need
    yield burst


class Seen:
    """A frame as an AF_PACKET socket saw it."""

    def __init__(self, data, status, tci, tpid, kind):
        self.inner, self.kind = bytes.fromhex(data), kind
        self.claimed = bool(status & 0x80)                          # TP_STATUS_CSUM_VALID
        self.tag = (tpid, tci) if status & 0x10 else None           # TP_STATUS_VLAN_VALID
        self.frame = tagged(self.inner, self.tag) if self.tag else self.inner
        self.case = case_of(self.inner)


def by_case(seen):
    out = defaultdict(list)
    for s in seen.frames:
        if s.case is not None:
            out[s.case].append(s)
    return out


def report(faults, total, more=""):
    lines = [f"{len(faults)} of {total} cases went wrong", *faults[:6], *more.splitlines()[:6]]
    return "\n".join(lines)
