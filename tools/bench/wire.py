# SPDX-License-Identifier: GPL-2.0-only
"""The other end of the cable: frames, and a TCP that loses nothing and waits for the guest to rest."""
import struct
import time

US, PEER = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])     # the guest, and we
PEER_MAC = bytes.fromhex("525400999999")
TCP, UDP = 6, 17
MSS = 1460
SYN, RST, ACK = 2, 4, 16


def checksum(data):
    data = bytes(data)
    total = sum(struct.unpack(f">{len(data) // 2}H", data[:len(data) & ~1]))
    if len(data) & 1:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(mac, proto, body, src=PEER, dst=US):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0x4000, 64, proto, 0, src, dst)
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return mac + PEER_MAC + b"\x08\x00" + head + body


def l4(proto, head, at, payload, src=PEER, dst=US):
    """Header with its checksum at an offset filled in, and payload."""
    pseudo = src + dst + struct.pack(">HH", proto, len(head) + len(payload))
    return head[:at] + struct.pack(">H", checksum(pseudo + head + payload)) + head[at + 2:] + payload


def udp(mac, size, port=9, sport=1024, src=PEER, dst=US):
    """A frame of that size, without FCS."""
    payload = bytes(size - 42)
    return ip(mac, UDP, l4(UDP, struct.pack(">HHHH", sport, port, size - 34, 0), 6, payload, src, dst), src, dst)


class Connection:
    """A TCP connection to a port of the guest."""
    sport = 40000

    def __init__(self, guest, mac, port):
        Connection.sport += 1
        self.guest, self.mac, self.port, self.sport = guest, mac, port, Connection.sport
        self.seq, self.ack, self.acked = 1000, 0, 0
        syn, end = self.segment(SYN, options=bytes([2, 4, MSS >> 8, MSS & 255, 1, 3, 3, 3])), 0
        for _ in range(500):
            if time.monotonic() > end:
                end = time.monotonic() + 1
                guest.burst([syn])
            if self.take(SYN | ACK):
                break
            guest.settle()
        else:
            raise AssertionError(f"the guest does not accept connections on port {port}")
        self.seq += 1
        guest.burst([self.segment(ACK)])

    def segment(self, flags, payload=b"", options=b""):
        head = struct.pack(">HHIIBBHHH", self.sport, self.port, self.seq & 0xffffffff, self.ack & 0xffffffff,
                           (20 + len(options)) << 2, flags, 0xffff, 0, 0) + options
        return ip(self.mac, TCP, l4(TCP, head, 16, payload))

    def close(self):
        self.guest.burst([self.segment(RST | ACK)])

    def take(self, flags=ACK):
        """Look at what has come; returns the number of segments that carried data (or SYN)."""
        n = 0
        for f in self.guest.wire.recv(None, 0):
            if f[23] != TCP or struct.unpack_from(">HH", f, 34) != (self.port, self.sport):
                continue
            seq, ack, offset, got = struct.unpack_from(">IIBB", f, 38)
            size = struct.unpack_from(">H", f, 16)[0] - 20 - (offset >> 4) * 4 + bool(got & SYN)
            self.acked = ack
            if got & SYN:
                self.ack = seq
            elif size and seq != self.ack:
                raise AssertionError("the guest sent data twice: it or this machine was too slow")
            if size and (got & flags) == flags:
                self.ack = (self.ack + size) & 0xffffffff
                n += 1
        return n

    def send(self, segments):
        """Send so many full segments at once; they must be acknowledged when the guest rests."""
        frames, payload = [], bytes(MSS)
        for _ in range(segments):
            frames.append(self.segment(ACK, payload))
            self.seq += MSS
        self.guest.burst(frames)
        end = time.monotonic() + 2
        while self.take() or self.acked != self.seq & 0xffffffff:
            if time.monotonic() > end:
                raise AssertionError(f"the guest has not acknowledged {(self.seq - self.acked) & 0xffffffff} bytes")
            self.guest.settle()

    def receive(self, every=16):
        """Take what has been sent since; acknowledge each so many segments. Returns how many came."""
        start, n, acks, end = self.ack, 0, [], time.monotonic() + 5
        while (more := self.take()) or not n:     # the wire may lag behind
            n += more
            if time.monotonic() > end:
                raise AssertionError("the guest has stopped sending")
            self.guest.settle()
        end = self.ack
        for part in range(every, n, every):
            self.ack = (start + part * MSS) & 0xffffffff
            acks.append(self.segment(ACK))
        self.ack = end
        self.guest.burst(acks + [self.segment(ACK)])
        return n
