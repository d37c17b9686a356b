# SPDX-License-Identifier: GPL-2.0-only
"""Send in the ways a driver can be handed data.

    frames_tx.py raw IFACE FILE                 (u32 length, virtio_net_hdr, frame)... by AF_PACKET
    frames_tx.py udp ADDRESS PORT SIZE,...:GSO:PIECES...    datagrams, each out of PIECES of memory
    frames_tx.py tcp ADDRESS PORT HOW,...       streams: send, zerocopy, sendfile or splice
    frames_tx.py sctp ADDRESS PORT SIZES        messages

A stream is the whole of /out/pattern, a datagram or message its first SIZE bytes. With more
than one of PIECES they are sent without a copy, and each piece is in pages of its own.
"""
import errno
import mmap
import os
import socket
import struct
import sys
import time

SOL_PACKET, PACKET_VNET_HDR = 263, 15
SO_ZEROCOPY, MSG_ZEROCOPY, UDP_SEGMENT = 60, 0x4000000, 103
SO_SNDBUFFORCE = 32
mode, *args = sys.argv[1:]


def big(sock):
    sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 8 << 20)
    return sock


def raw(iface, path):
    # From one CPU, whichever: the queue is the CPU's, and among queues there is no order
    os.sched_setaffinity(0, {os.getpid() % os.cpu_count()})
    sock = big(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
    sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    sock.bind((iface, 0))
    data, at, n = open(path, "rb").read(), 0, 0
    view = memoryview(data)
    while at < len(data):
        length, = struct.unpack_from("<I", data, at)
        at += 4
        try:
            sock.send(view[at:at + length])
        except OSError as e:
            print(f"case {n}: {length - 10} bytes, header {data[at:at + 10].hex()}: {e}")
        at, n = at + length, n + 1


def target(address, kind, proto=0):
    sock = big(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind, proto))
    sock.settimeout(20)
    return sock


def scattered(data, pieces):
    """The data in so many buffers, no two in neighbouring pages, at odd offsets."""
    out, step = [], -(-len(data) // pieces)
    for n, at in enumerate(range(0, len(data), step)):
        part = data[at:at + step]
        area = mmap.mmap(-1, 3 * 4096 + len(part))
        area[n * 7:n * 7 + len(part)] = part
        out.append(memoryview(area)[n * 7:n * 7 + len(part)])
    return out


def udp(address, port, *trains):
    data, keep = open("/out/pattern", "rb").read(), []
    for train in trains:
        sizes, gso, pieces = train.split(":")
        sock = target(address, socket.SOCK_DGRAM)
        sock.connect((address, int(port)))
        sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, int(pieces) > 1)
        if int(gso):
            sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, int(gso))
        for size in map(int, sizes.split(",")):
            if int(pieces) > 1:
                keep.append(scattered(data[:size], int(pieces)))
                sock.sendmsg(keep[-1], [], MSG_ZEROCOPY)
            else:
                sock.send(data[:size])
        time.sleep(.1)      # the next train may take another queue


def tcp(address, port, hows):
    for how in hows.split(","):
        stream(address, port, how, open("/out/pattern", "rb").read())


def stream(address, port, how, data):
    sock = target(address, socket.SOCK_STREAM)
    sock.connect((address, int(port)))
    if how == "send":
        sock.sendall(data)
    elif how == "sendfile":
        with open("/tmp/stream", "wb+") as f:
            f.write(data)
            f.flush()
            sock.sendfile(f)
    elif how == "zerocopy":
        sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
        area, at = mmap.mmap(-1, len(data) + 4096), 0
        area[9:9 + len(data)] = data
        view = memoryview(area)[9:9 + len(data)]
        while at < len(data):
            try:
                at += sock.send(view[at:at + 50000], MSG_ZEROCOPY)
            except OSError as e:
                if e.errno != errno.ENOBUFS:
                    raise
                time.sleep(.01)
    elif how == "splice":
        r, w = os.pipe()
        with open("/tmp/stream", "wb+") as f:
            f.write(data)
            f.flush()
            for at in range(0, len(data), 3001):        # pieces that start anywhere in a page
                n = os.splice(f.fileno(), w, min(3001, len(data) - at), offset_src=at)
                while n:
                    n -= os.splice(r, sock.fileno(), n)
    sock.shutdown(socket.SHUT_WR)
    if sock.recv(1):
        sys.exit("data from a peer that sends none")


def sctp(address, port, sizes):
    sock, data = target(address, socket.SOCK_STREAM, 132), open("/out/pattern", "rb").read()
    sock.setsockopt(132, 3, 1)          # SCTP_NODELAY: a packet for each message
    sock.connect((address, int(port)))
    for size in map(int, sizes.split(",")):
        sock.send(data[:size])
    sock.settimeout(5)
    sock.close()


globals()[mode](*args)
