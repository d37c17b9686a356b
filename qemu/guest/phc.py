# SPDX-License-Identifier: GPL-2.0-only
"""PTP clocks and hardware timestamps of ports, for programs that run in the guest (a module)."""
import ctypes
import fcntl
import mmap
import os
import select
import socket
import struct
import time

TX_HW, TX_SW, RX_HW, SOFTWARE, RAW_HW, OPT_TSONLY = 1, 2, 4, 16, 64, 1 << 11
SO_TIMESTAMPING, ETH_P_1588 = 37, 0x88f7
SIOCSHWTSTAMP, SIOCGHWTSTAMP = 0x89b0, 0x89b1
PTP_SYS_OFFSET_EXTENDED, PTP_ENABLE_PPS = 0xc4c03d09, 0x40043d04
SYNC, DELAY_REQ = 0, 1
GROUP = bytes.fromhex("011b19000000")
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_MULTICAST = 263, 1, 0
ADJ_FREQUENCY, ADJ_SETOFFSET, ADJ_NANO = 0x2, 0x100, 0x2000


class Timex(ctypes.Structure):
    _fields_ = [("modes", ctypes.c_uint), *[(n, ctypes.c_long) for n in "offset freq maxerror esterror".split()],
                ("status", ctypes.c_int), *[(n, ctypes.c_long) for n in "constant precision tolerance sec nsec".split()],
                ("rest", ctypes.c_long * 20)]


class Clock:
    def __init__(self, pci):
        name, = os.listdir(f"/sys/bus/pci/devices/{pci}/ptp")
        self.index = int(name[3:])
        self.fd = os.open(f"/dev/{name}", os.O_RDWR)
        self.id = ~self.fd << 3 | 3
        self.libc = ctypes.CDLL(None, use_errno=True)

    def ns(self):
        return time.clock_gettime_ns(self.id)

    def set(self, ns):
        time.clock_settime_ns(self.id, ns)

    def adjust(self, **fields):
        tx = Timex(**fields)
        if self.libc.clock_adjtime(self.id, ctypes.byref(tx)) < 0:
            raise OSError(ctypes.get_errno(), "clock_adjtime")
        return tx

    def step(self, ns):
        self.adjust(modes=ADJ_SETOFFSET | ADJ_NANO, sec=ns // 10**9, nsec=ns % 10**9)

    def frequency(self, ppb):
        self.adjust(modes=ADJ_FREQUENCY, freq=(ppb << 16) // 1000)

    def offsets(self, n=10):
        """[(system before, clock, system after)] in ns."""
        buf = bytearray(struct.pack("4I", n, 0, 0, 0) + bytes(25 * 48))
        fcntl.ioctl(self.fd, PTP_SYS_OFFSET_EXTENDED, buf)
        ts = [s * 10**9 + ns for s, ns, _ in struct.iter_unpack("<qII", buf[16:16 + 48 * n])]
        return list(zip(*[iter(ts)] * 3))

    def rate(self, seconds=.25):
        """The clock's speed against the system's."""
        def sample():
            before, now, after = min(self.offsets(25), key=lambda s: s[2] - s[0])
            return (before + after) / 2, now

        start = sample()
        time.sleep(seconds)
        end = sample()
        return (end[1] - start[1]) / (end[0] - start[0])


def hwtstamp(dev, tx=None, rx=None):
    """Set, or only ask for, (tx_type, rx_filter) in force."""
    config = ctypes.create_string_buffer(struct.pack("3i", 0, tx or 0, rx or 0))
    req = struct.pack("16sP16x", dev.encode(), ctypes.addressof(config))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCGHWTSTAMP if tx is None else SIOCSHWTSTAMP, req)
    return struct.unpack("3i", config.raw[:12])[1:]


def event(kind, seq=0, to=GROUP):
    """A PTP version 2 event message over Ethernet."""
    body = struct.pack(">BBHBBHQ4s10sHBb10x", kind, 2, 44, 0, 0, 0, 0, b"", b"\2\0\0\0\0\1\0\0\0\1", seq, 0, 0)
    return to + b"\2\0\0\0\0\1" + struct.pack(">H", ETH_P_1588) + body


class Port:
    """A packet socket for PTP frames that asks for timestamps."""

    def __init__(self, dev, flags=TX_HW | RX_HW | RAW_HW | OPT_TSONLY):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_1588))
        self.sock.bind((dev, ETH_P_1588))
        member = struct.pack("iHH8s", socket.if_nametoindex(dev), PACKET_MR_MULTICAST, 6, GROUP)
        self.sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, member)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, flags)

    def _stamps(self, flags, timeout):
        """(frame, software, hardware); None when nothing came."""
        poll = select.poll()
        poll.register(self.sock, 0 if flags else select.POLLIN)
        if not poll.poll(timeout * 1000):
            return None
        data, control, *_ = self.sock.recvmsg(2048, 512, flags)
        soft = hard = 0
        for level, kind, value in control:
            if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPING):
                sec = struct.unpack("6q", value[:48])
                soft, hard = sec[0] * 10**9 + sec[1], sec[4] * 10**9 + sec[5]
        return data, soft, hard

    def send(self, frame):
        self.sock.send(frame)

    def sent(self, timeout=1):
        """(software, hardware) timestamp of the frame sent; None when none came."""
        found = self._stamps(socket.MSG_ERRQUEUE, timeout)
        return found and found[1:]

    def received(self, timeout=1):
        """[message type, sequence number, hardware timestamp or 0]; None when nothing came."""
        found = self._stamps(0, timeout)
        return found and [found[0][14] & 15, struct.unpack_from(">H", found[0], 44)[0], found[2]]


class Regs:
    def __init__(self, pci):
        fd = os.open(f"/sys/bus/pci/devices/{pci}/resource0", os.O_RDWR | os.O_SYNC)
        self.bar = memoryview(mmap.mmap(fd, os.fstat(fd).st_size)).cast("I")

    def __getitem__(self, reg):
        return self.bar[reg // 4]

    def __setitem__(self, reg, value):
        self.bar[reg // 4] = value & 0xffffffff
