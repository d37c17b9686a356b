# SPDX-License-Identifier: GPL-2.0-only
"""What must be on the wire, in the ring or in the hash, computed without any driver or kernel.

Frames are built and checksummed by scapy. Where QEMU's cards differ from the silicon, a function
named qemu_* says what they send instead; a test may accept that and nothing else.
"""
import hashlib
import logging

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet import IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.layers.sctp import SCTP  # noqa: E402
from scapy.packet import Raw  # noqa: E402

# Experimental EtherType: nothing on the way looks into such a frame.
OTHER = 0x88b5

# An odd prime length: no buffer boundary falls twice on the same place of the pattern.
BLOCK = hashlib.shake_128(b"ignis").digest(9973)


def payload(n, seed=0):
    """n bytes that tell where they come from."""
    return (BLOCK * (n // len(BLOCK) + 2))[seed * 101 % len(BLOCK):][:n]


def mac(n):
    """The address that marks case n."""
    return f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}"


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def case_of(frame):
    """The case a frame belongs to, None if it is nobody's."""
    return int.from_bytes(frame[10:12], "big") if frame[6:10] == b"\x02\0\0\0" else None


def tagged(frame, *tags):
    """The frame with VLAN tags (tpid, tci), the outermost first."""
    return frame[:12] + b"".join(v.to_bytes(2, "big") for tag in tags for v in tag) + frame[12:]


# Checksums

def ones_sum(data):
    """16-bit one's complement sum: 2^16 is 1 modulo 0xffff."""
    return int.from_bytes(data + bytes(len(data) & 1), "big") % 0xffff


def l4_of(pkt):
    """(protocol class, offset of the L4 header, offset of the checksum within it) of a packet."""
    layer, offset = next((x, o) for x, o in ((TCP, 16), (UDP, 6), (SCTP, 8)) if x in pkt)
    return layer, len(pkt) - len(pkt[layer]), offset


def partial(frame, start, offset):
    """The finished frame as the stack hands it down: only the pseudo header in the checksum."""
    at = start + offset
    bare = frame[start:at] + bytes(2) + frame[at + 2:]
    seed = -(int.from_bytes(frame[at:at + 2], "big") + ones_sum(bare)) % 0xffff or 0xffff
    return frame[:at] + seed.to_bytes(2, "big") + frame[at + 2:]


def spoiled(frame, pkt, layer=None):
    """The frame with a wrong checksum of its L4 header, or of `layer` (IP)."""
    if layer is None:
        _, start, offset = l4_of(pkt)
    else:
        start, offset = len(pkt) - len(pkt[layer]), 10
    at = start + offset
    return frame[:at] + bytes([frame[at] ^ 0x5a]) + frame[at + 1:]


def wrong(frame):
    """What is wrong with the lengths and checksums of a frame; "" if nothing."""
    again = Ether(frame)
    if SCTP in again:
        again[SCTP].remove_payload()
        again[SCTP].add_payload(Raw(again[SCTP].original[12:]))
    for layer, names in ((IP, ("len", "chksum")), (IPv6, ("plen",)), (TCP, ("chksum",)),
                         (UDP, ("len", "chksum")), (SCTP, ("chksum",))):
        if layer in again:
            for name in names:
                again[layer].setfieldval(name, None)
    want = bytes(again)
    if TCP in again:            # a sum that is zero: QEMU's cards send it as UDP must
        at = sum(l4_of(again)[1:])
        if want[at:at + 2] == b"\0\0" and frame[at:at + 2] == b"\xff\xff":
            want = want[:at] + b"\xff\xff" + want[at + 2:]
    return difference([want], [frame])


# Segmentation

def segments(pkt, mss):
    """The frames that must leave for an oversized TCP or UDP packet (RFC 9293, RFC 3168)."""
    layer = l4_of(pkt)[0]
    data = bytes(pkt[layer].payload)
    head = pkt.copy()
    head[layer].remove_payload()
    out = []
    for n, at in enumerate(range(0, len(data), mss)):
        seg = head.copy()
        if IP in seg:
            seg[IP].id = (seg[IP].id + n) & 0xffff
        if layer is TCP:
            seg[TCP].seq = (seg[TCP].seq + at) & 0xffffffff
            if n:
                seg[TCP].flags.C = False
            if at + mss < len(data):
                seg[TCP].flags.F = seg[TCP].flags.P = False
        out.append(bytes(seg / Raw(data[at:at + mss])))
    return out


def qemu_segments(pkt, mss):
    """The same as QEMU 10 sends it (hw/net/net_tx_pkt.c).

    TCP: FIN and PSH get lost. UDP: in IPv4 fragments of the whole, in IPv6 not cut at all.
    """
    if TCP in pkt:
        bare = pkt.copy()
        bare[TCP].flags.F = bare[TCP].flags.P = False
        return segments(bare, mss)
    whole = Ether(bytes(pkt))
    if IP not in pkt:
        return [bytes(whole)]
    head, data = bytes(whole)[:-len(whole[IP].payload)], bytes(whole[IP].payload)
    out = []
    for at in range(0, len(data), mss & ~7):
        part = Ether(head)
        part[IP].len = part[IP].chksum = None
        part[IP].frag = at // 8
        part[IP].flags.MF = at + (mss & ~7) < len(data)
        out.append(bytes(part / Raw(data[at:at + (mss & ~7)])))
    return out


# Statistics

BUCKETS = ((64, 64), (65, 127), (128, 255), (256, 511), (512, 1023), (1024, 9230))


def histogram(lengths):
    """Frames in each bucket of the RMON histogram; lengths with FCS."""
    return [sum(low <= n <= high for n in lengths) for low, high in BUCKETS]


def qemu_received(lengths, fcs):
    """Lengths with FCS as QEMU 10 sorts received frames: without it, unless it is delivered."""
    return lengths if fcs else [n - 4 for n in lengths]


# Comparison

def show(frame):
    try:
        text = Ether(frame).summary()
    except Exception as e:
        text = f"undecodable: {e}"
    return f"{len(frame)} bytes: {text}"


def difference(want, got):
    """"" if both lists of frames are equal, else what differs first.

    Shorter frames count as if filled up with zeros to 60 bytes. (QEMU's cards do not do that.)
    """
    fill = [[f.ljust(60, b"\0") for f in frames] for frames in (want, got)]
    for n, (w, g) in enumerate(zip(*fill)):
        if w != g:
            at = next((i for i, (x, y) in enumerate(zip(w, g)) if x != y), min(len(w), len(g)))
            lo = max(0, at - 8)
            return (f"frame {n} of {len(want)} differs at byte {at}:\n"
                    f"   want {show(w)}\n   got  {show(g)}\n"
                    f"   want [{lo}:] {w[lo:at + 24].hex(' ')}\n   got  [{lo}:] {g[lo:at + 24].hex(' ')}")
    if len(want) != len(got):
        more, n = (got, len(want)) if len(got) > len(want) else (want, len(got))
        return (f"{len(want)} frames wanted, {len(got)} came; first "
                f"{'unwanted' if more is got else 'missing'}: {show(more[n])}")
    return ""


# Receive-side scaling

def toeplitz(key, data):
    """The hash of 82576 data sheet 7.1.1.7."""
    window, width = int.from_bytes(key, "big"), len(key) * 8
    bits, result = int.from_bytes(data, "big"), 0
    for i in range(len(data) * 8):
        if bits >> (len(data) * 8 - 1 - i) & 1:
            result ^= window >> (width - 32 - i)
    return result & 0xffffffff


def rss_hash(key, pkt, ports=(TCP,)):
    """Hash of a packet: addresses, and the ports of unfragmented `ports` protocols. 0 if not IP."""
    if IP in pkt:
        ip = pkt[IP]
        whole = not (pkt[IP].flags.MF or pkt[IP].frag)
    elif IPv6 in pkt:
        ip = pkt[IPv6]
        whole = IPv6ExtHdrFragment not in pkt
    else:
        return 0
    raw = bytes(ip)
    data = raw[12:20] if IP in pkt else raw[8:40]
    layer = next((x for x in ports if x in pkt), None)
    if layer and whole:
        data += bytes(pkt[layer])[:4]
    return toeplitz(key, data)
