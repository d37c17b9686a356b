# SPDX-License-Identifier: GPL-2.0-only
"""Write down what an interface receives, and what the kernel was told about it.

    frames_rx.py IFACE FILE [udp=PORT] [meta]

Says "ready" on the wire, answers frames that begin with a mark, ends with the mark "stop". FILE:

  frames  [hex, tp_status, vlan_tci, vlan_tpid, packet type] of each, in the order of arrival
  udp     datagrams that came to the port, in hex
  meta    {source MAC: [[queue, hash], ...]}: queue is null if the driver named none
"""
import contextlib
import ctypes
import json
import select
import socket
import struct
import sys
import time

SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33
MARK = b"\xff" * 6 + b"\x02\0\0\0\xff\xff\x88\xb5mark"
ECHO = b"\x02\0\0\0\xff\xfe" + MARK[6:]
SKF_AD_OFF, SKF_AD_QUEUE, SKF_AD_RXHASH = 0xfffff000, 24, 32
HEAD = 14

iface, path, *rest = sys.argv[1:]
options = dict(word.partition("=")[::2] for word in rest)


def packet_socket(program=None):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 128 << 20)
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    if program:
        code = b"".join(struct.pack("<HBBI", op, 0, 0, k & 0xffffffff) for op, k in program)
        buffer = ctypes.create_string_buffer(code)
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                        struct.pack("<H6xQ", len(program), ctypes.addressof(buffer)))
    sock.bind((iface, 3))               # ETH_P_ALL
    sock.setblocking(False)
    return sock


def byte_socket(field, shift):
    """A socket that cuts each frame to HEAD bytes and as many more as a byte of a field says."""
    return packet_socket([(0x20, SKF_AD_OFF + field),       # ld field
                          (0x74, shift), (0x54, 0xff),      # rsh shift; and 255
                          (0x04, HEAD), (0x16, 0)])         # add HEAD; ret a


def drain(sock, size=1 << 17):
    with contextlib.suppress(BlockingIOError):
        while True:
            yield sock.recvmsg(size, 256)


def meta():
    """Join what the sockets say of the same frame: same source, same place in the order."""
    columns = []
    for sock in bytewise:
        columns.append({})
        for data, *_ in drain(sock, 1024):
            columns[-1].setdefault(data[6:12].hex(":"), []).append(len(data) - HEAD)
    return {source: [[queue - 1 if queue else None, int.from_bytes(hash_, "big")]
                     for queue, *hash_ in zip(*(c.get(source, []) for c in columns))]
            for source in columns[0]}


while open(f"/sys/class/net/{iface}/carrier").read() != "1\n":
    time.sleep(.02)
main = packet_socket()
bytewise = [byte_socket(SKF_AD_QUEUE, 0)] if "meta" in options else []
bytewise += [byte_socket(SKF_AD_RXHASH, s) for s in (24, 16, 8, 0) if "meta" in options]
udp = None
if "udp" in options:
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    udp.bind(("::", int(options["udp"])))
    udp.setblocking(False)
main.send(ECHO + b"ready".ljust(60, b"\0"))

frames, quiet, stopping = [], 30, False
while select.select([main], [], [], quiet)[0]:
    for data, aux, _, address in drain(main):
        if data.startswith(MARK):
            main.send(ECHO + data[len(MARK):])
            stopping |= data[len(MARK):].startswith(b"stop")
            continue
        status, _, _, _, _, tci, tpid = struct.unpack("<IIIHHHH", aux[0][2])
        frames.append([data.hex(), status, tci, tpid, address[2]])
    quiet = .3 if stopping else 30      # another queue's frames may come after the mark
result = {"frames": frames, "meta": meta() if bytewise else {},
          "udp": [data.hex() for data, *_ in drain(udp)] if udp else [], "stopped": stopping}
with open(path, "w") as f:
    json.dump(result, f)
