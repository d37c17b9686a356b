# SPDX-License-Identifier: GPL-2.0-only
"""Count what an interface receives, and answer each mark on the wire with the numbers so far.

    count_rx.py IFACE

Two numbers of 64 bits, marks not counted: frames that came to the stack, counted by the kernel with a socket
that is never read, and the interface's own rx_packets.
"""
import contextlib
import ctypes
import socket
import struct
import sys

SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23
SO_ATTACH_FILTER = 26
# As in frames_rx.py
MARK = b"\xff" * 6 + b"\x02\0\0\0\xff\xff\x88\xb5mark"
ECHO = b"\x02\0\0\0\xff\xfe" + MARK[6:]
IS_MARK = [(0x20, 0, 0, 6), (0x15, 0, 5, 0x02000000),           # ld [6]; jeq
           (0x28, 0, 0, 12), (0x15, 0, 3, 0x88b5),              # ldh [12]; jeq
           (0x20, 0, 0, 14), (0x15, 0, 1, 0x6d61726b),          # ld [14]; jeq
           (0x06, 0, 0, 0xffff), (0x06, 0, 0, 0)]               # ret


def packet_socket(iface, program=()):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    if program:
        code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *op) for op in program))
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                        struct.pack("<H6xQ", len(program), ctypes.addressof(code)))
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
    sock.bind((iface, 3))               # ETH_P_ALL
    return sock


def main(iface):
    def received():
        with open(f"/sys/class/net/{iface}/statistics/rx_packets") as f:
            return int(f.read())

    everything, marks = packet_socket(iface), packet_socket(iface, IS_MARK)
    first, seen, n = received(), 0, 0
    marks.send(ECHO + b"ready".ljust(60, b"\0"))
    while True:
        asked = [marks.recv(2048)]
        with contextlib.suppress(BlockingIOError):
            while True:
                asked.append(marks.recv(2048, socket.MSG_DONTWAIT))
        n += len(asked)
        seen += struct.unpack("II", everything.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[0]
        marks.send((ECHO + struct.pack("<QQ", seen - n, received() - first - n) + asked[-1][len(MARK):])[:120])


main(*sys.argv[1:])
